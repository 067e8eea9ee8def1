//! Whether a function of a file is one of a profile's, as far as names tell.

/// What profilers and compilers add to names.
const ADDED: [&str; 9] = ["closure", "lambda", "impl", "locals", "call_once", "anonymous", "inlined", "clone", "dyn"];
/// Folders and files that do not show in names.
const SILENT: [&str; 13] =
    ["__init__", "app", "crates", "include", "index", "internal", "java", "lib", "main", "mod", "pkg", "python", "src"];

/// The identifiers of a frame's name, without arguments and hashes, the function last: `shop::cart::price::{{closure}}` has `shop`,
/// `cart` and `price`.
pub fn identifiers(raw: &str) -> Vec<&str> {
    // Arguments of a function of C++; the receiver of a method of Go stands in parentheses, too.
    let end = raw.match_indices('(').map(|(at, _)| at).find(|at| *at > 0 && !raw[*at..].starts_with("(*"));
    let bare = raw[..end.unwrap_or(raw.len())].split(" [").next().unwrap_or("");
    let names = bare.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
    let is_hash =
        |word: &str| word.len() == 17 && word.starts_with('h') && word[1..].bytes().all(|b| b.is_ascii_hexdigit());
    let number = |word: &str| word.strip_prefix("func").unwrap_or(word).bytes().all(|byte| byte.is_ascii_digit());
    names.filter(|word| !word.is_empty() && !ADDED.contains(word) && !is_hash(word) && !number(word)).collect()
}

/// How sure it is that a frame is the function of this name in this file, from 0 to 1. `sources` are the frame's files, as far as the
/// profile says.
pub fn is_of(raw: &str, sources: &[String], name: &str, path: &str) -> f64 {
    let identifiers = identifiers(raw);
    if identifiers.last() != Some(&name) {
        return 0.0;
    }
    let mut files = sources.iter().map(String::as_str).chain(named_file(raw)).peekable();
    if files.peek().is_some() {
        return if files.any(|file| ends_alike(file, path)) { 1.0 } else { 0.03 };
    }
    let stem = |file: &str| file.split('.').next().unwrap_or("").to_owned();
    let parts: Vec<String> =
        path.split('/').map(stem).filter(|part| !part.is_empty() && !SILENT.contains(&part.as_str())).collect();
    let around = &identifiers[..identifiers.len() - 1];
    let has = |part: &String| {
        around.iter().any(|other| other.eq_ignore_ascii_case(part) || other.replace('-', "_") == part.replace('-', "_"))
    };
    match parts.iter().rev().take(2).any(has) {
        true => 0.95,
        // Nothing but the name is known.
        false if around.is_empty() => 0.5,
        false => 0.15,
    }
}

/// The file that a name carries: `price (shop/cart.py:12)`.
fn named_file(raw: &str) -> Option<&str> {
    let place = raw.split_once(" (")?.1.trim_end_matches(')').split(':').next()?;
    let (stem, extension) = place.rsplit_once('.')?;
    let is_file = !stem.is_empty() && !extension.is_empty() && extension.chars().all(char::is_alphanumeric);
    (is_file && !place.contains([' ', ','])).then_some(place)
}

/// Whether two paths end in the same file, and the folders around it agree as far as they go.
fn ends_alike(left: &str, right: &str) -> bool {
    let left = left.replace('\\', "/");
    let mut ends = left.rsplit('/').zip(right.rsplit('/'));
    ends.next().is_some_and(|(left, right)| left == right) && ends.next().is_none_or(|(left, right)| left == right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_by_their_names() {
        for (raw, expected) in [
            ("shop::cart::price::{{closure}}::h0123456789abcdef", "shop cart price"),
            ("github.com/acme/shop.(*Cart).Price.func1", "github com acme shop Cart Price"),
            ("ns::Cart::price(std::string const&) const", "ns Cart price"),
            ("com.acme.Cart.lambda$price$0", "com acme Cart price"),
            ("Cart.total.<locals>.<lambda>", "Cart total"),
            ("", ""),
            ("(", ""),
        ] {
            assert_eq!(identifiers(raw).join(" "), expected, "{raw}");
        }
    }

    #[test]
    fn a_function_is_that_of_its_file() {
        let of = |raw: &str, path: &str| is_of(raw, &[], "price", path);
        assert!(of("shop::cart::price", "src/cart.rs") > 0.9 && of("shop.(*Cart).price", "cart/cart.go") > 0.9);
        assert!(of("shop::search::price", "src/cart.rs") < 0.2 && of("price", "src/cart.rs") == 0.5);
        assert_eq!(of("shop::cart::prices", "src/cart.rs"), 0.0);
        let sources = ["/build/app/shop/cart.py".to_owned()];
        assert_eq!(is_of("price", &sources, "price", "shop/cart.py"), 1.0);
        assert!(is_of("price", &sources, "price", "shop/search.py") < 0.1);
        assert_eq!(of("price (app/shop/cart.py:12)", "shop/cart.py"), 1.0);
        assert!(of("price (app/shop/cart.py:12)", "shop/search.py") < 0.1 && of("price (a.b, c)", "x.cc") == 0.5);
    }
}
