//! Names of frames in profiles, as profilers of many languages write them.

use crate::language::Language;

/// A frame's name taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// Namespaces, packages and types around the function, the outermost first. Not what the profiler added.
    pub segments: Vec<String>,
    /// The function. Closures and lambdas bear the name of the function that they stand in.
    pub name: String,
    /// The source file, where the profile or the name itself says.
    pub file: Option<String>,
}

impl Frame {
    /// Reads names such as `shop::pricing::apply`, `<shop::Cart as shop::Price>::price`, `pkg.module.func`,
    /// `github.com/acme/shop/cart.(*Cart).Price`, `com.acme.Cart$Inner.price`, `ns::Class::method(int) const`,
    /// `apply (shop/pricing.py:12)` and `LazyCompile:*apply /app/pricing.js:3:9`. `file` is the profile's own field; may
    /// be empty.
    pub fn parse(raw: &str, file: &str) -> Frame {
        let (bare, named_file) = split_location(raw.trim());
        let file = if file.is_empty() { named_file } else { Some(file.replace('\\', "/")) };
        let text = drop_groups(&self_type(strip_suffixes(bare)));
        // A C++ template carries its return type in front.
        let text = text.rsplit(char::is_whitespace).find(|part| !part.is_empty()).unwrap_or("");
        let mut segments: Vec<String> = text
            .split(['.', '/', ':', '$', '#', '(', ')', '*', '&'])
            .filter(|part| !is_synthetic(part))
            .map(str::to_owned)
            .collect();
        let name = segments.pop().unwrap_or_default();
        Frame { segments, name, file }
    }

    /// The last segment before the name: a type, a class, a module or a package.
    pub fn owner(&self) -> Option<&str> {
        self.segments.last().map(String::as_str)
    }
}

/// Takes a file's path off a name that carries one.
fn split_location(raw: &str) -> (&str, Option<String>) {
    let looks_like_file = |text: &str| Language::of_path(text.split(':').next().unwrap_or("")).is_some();
    let path_of = |text: &str| Some(text.split(':').next().unwrap_or("").replace('\\', "/"));
    if let Some((name, rest)) = raw.rsplit_once(" (") {
        let place = rest.trim_end_matches(')');
        if looks_like_file(place) {
            return (name, path_of(place));
        }
    }
    for separator in [" - ", " "] {
        if let Some((name, place)) = raw.rsplit_once(separator)
            && looks_like_file(place)
        {
            return (name, path_of(place));
        }
    }
    if let Some((place, name)) = raw.split_once(':')
        && !name.starts_with(':')
        && looks_like_file(place)
    {
        return (name.split(':').next().unwrap_or(name), path_of(place));
    }
    (raw, None)
}

/// Takes off what compilers and profilers append or prepend.
fn strip_suffixes(raw: &str) -> &str {
    let mut text = raw;
    for prefix in ["LazyCompile:", "Function:", "Script:", "JS:"] {
        text = text.strip_prefix(prefix).unwrap_or(text);
    }
    text = text.trim_start_matches(['*', '~', '^']);
    // What all of these markers hold some of, and few names do.
    if text.contains(['[', '.']) {
        for marker in [" [clone", " [inlined", "_[", ".isra.", ".constprop.", ".part.", ".cold", ".llvm.", "[abi:"] {
            if let Some((head, _)) = text.split_once(marker)
                && !head.is_empty()
            {
                text = head;
            }
        }
    }
    if let Some((head, hash)) = text.rsplit_once("::h")
        && hash.len() == 16
        && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        text = head;
    }
    text.trim_end_matches(" const").trim()
}

/// `<A as B>::f` becomes `A::f`, `<impl B for A>::f` becomes `A::f`, wherever it stands.
fn self_type(text: &str) -> String {
    let Some(open) = text.find('<').filter(|&at| at == 0 || text[..at].ends_with("::")) else { return text.to_owned() };
    let Some(close) = matching(&text[open..], '<', '>').map(|at| open + at) else { return text.to_owned() };
    let inner = &text[open + 1..close];
    let chosen = if let Some((kept, _)) = split_top(inner, " as ") {
        kept
    } else if let Some((_, kept)) = inner.strip_prefix("impl ").and_then(|rest| split_top(rest, " for ")) {
        return self_type(kept) + &text[close + 1..];
    } else if open == 0 && text[close + 1..].starts_with("::") {
        inner
    } else {
        return text.to_owned();
    };
    self_type(chosen) + &text[close + 1..]
}

/// Splits at a separator that is not inside of angle brackets.
fn split_top<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    text.match_indices(separator).find_map(|(at, _)| {
        let head = &text[..at];
        (head.matches('<').count() == head.matches('>').count()).then(|| (head, &text[at + separator.len()..]))
    })
}

/// Index of the bracket that closes the first one; `->` does not close.
fn matching(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0usize;
    let mut previous = ' ';
    for (at, character) in text.char_indices() {
        if character == open {
            depth += 1;
        } else if character == close && previous != '-' {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return Some(at);
            }
        }
        previous = character;
    }
    None
}

/// Drops template arguments, parameter lists, receivers' stars, `{{closure}}` and `[…]`. Go's `(*Cart)` stays.
fn drop_groups(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let pair = match character {
            '<' => Some('>'),
            '{' => Some('}'),
            '[' => Some(']'),
            '(' if !rest.starts_with("(*") => Some(')'),
            _ => None,
        };
        match pair.and_then(|close| matching(rest, character, close)) {
            Some(end) => rest = &rest[end + 1..],
            None => {
                kept.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
    }
    kept
}

/// What is no word of the program: empty parts, Go's closures (`func1`, `2`), Java's `lambda` and its number.
fn is_synthetic(part: &str) -> bool {
    let number = part.strip_prefix("func").filter(|rest| !rest.is_empty()).unwrap_or(part);
    part == "lambda" || part == "-" || number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, segments: &[&str], name: &str, file: Option<&str>) {
        let frame = Frame::parse(raw, "");
        let seen = (frame.segments.iter().map(String::as_str).collect::<Vec<_>>(), frame.name.as_str());
        assert_eq!(seen, (segments.to_vec(), name), "{raw}");
        assert_eq!(frame.file.as_deref(), file, "{raw}");
    }

    #[test]
    fn names_of_many_languages() {
        check("shop::pricing::apply", &["shop", "pricing"], "apply", None);
        check("shop::pricing::apply::{{closure}}::h0123456789abcdef", &["shop", "pricing"], "apply", None);
        check("<shop::cart::Cart as shop::Price>::price", &["shop", "cart", "Cart"], "price", None);
        check("<alloc::vec::Vec<T,A> as core::ops::Drop>::drop", &["alloc", "vec", "Vec"], "drop", None);
        check("shop::io::<impl shop::Read for shop::File>::read", &["shop", "File"], "read", None);
        check("pkg.module.func", &["pkg", "module"], "func", None);
        check("apply (shop/pricing.py:34)", &[], "apply", Some("shop/pricing.py"));
        check("shop/pricing.py:apply:34", &[], "apply", Some("shop/pricing.py"));
        check("Cart.total.<locals>.<lambda>", &["Cart"], "total", None);
        check("main.(*Cart).Price", &["main", "Cart"], "Price", None);
        check("github.com/acme/shop.(*Cart).Price.func1", &["github", "com", "acme", "shop", "Cart"], "Price", None);
        check("com.acme.Cart$Inner.price", &["com", "acme", "Cart", "Inner"], "price", None);
        check("com/acme/Cart.lambda$price$0", &["com", "acme", "Cart"], "price", None);
        check("com/acme/Cart.price_[j]", &["com", "acme", "Cart"], "price", None);
        check("ns::Class::method(std::string const&, int) const", &["ns", "Class"], "method", None);
        check("void ns::sort<int*, ns::Less>(int*, int*)", &["ns"], "sort", None);
        check("(anonymous namespace)::helper(int) [clone .isra.0]", &[], "helper", None);
        check("LazyCompile:*apply /app/src/pricing.js:34:10", &[], "apply", Some("/app/src/pricing.js"));
    }

    #[test]
    fn nonsense_is_only_text() {
        for raw in ["", "<", "<<<", "((", "::", "a<b", "operator<<", "\u{1b}[31m", "…::é", "[unknown]"] {
            Frame::parse(raw, "");
        }
        assert_eq!(Frame::parse("f", "src\\a.rs").file.as_deref(), Some("src/a.rs"));
    }
}
