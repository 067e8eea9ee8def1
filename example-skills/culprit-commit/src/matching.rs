//! Whether a frame of a profile is a function of a file.

use crate::definition::Kind;
use crate::frame::Frame;
use crate::language::Language;
use crate::touched::Touched;

/// What a path says about a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The frame lies in that file.
    Same,
    /// The names of folders agree, as far as they go.
    Near,
    /// Nothing can be said.
    Unknown,
    /// The frame lies elsewhere.
    Other,
}

/// Names that many functions bear: alone they say little.
const COMMON: [&str; 30] = [
    "new", "run", "main", "get", "set", "init", "call", "apply", "handle", "process", "next", "poll", "write", "read",
    "parse", "update", "execute", "start", "stop", "close", "open", "build", "create", "load", "add", "remove", "find",
    "fmt", "drop", "clone",
];

/// Folders and files that do not show in names.
const SILENT: [&str; 15] = [
    "src", "lib", "main", "mod", "index", "__init__", "java", "kotlin", "app", "internal", "pkg", "source", "include",
    "crates", "packages",
];

/// Compares a frame's file, namespace and package with a path.
pub fn place(frame: &Frame, path: &str) -> Place {
    if let Some(file) = &frame.file {
        return same_file(file, path);
    }
    let Some(language) = Language::of_path(path) else { return Place::Unknown };
    if frame.segments.is_empty() {
        return Place::Unknown;
    }
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.split('.').next().unwrap_or("");
    let told = |part: &&str| !part.is_empty() && !SILENT.contains(part);
    let mut parts: Vec<&str> = folders.split('/').filter(told).collect();
    match language {
        // The last folder is the package; `main` may be in any folder.
        Language::Go => {}
        _ => parts.extend(Some(stem).filter(told)),
    }
    let has = |part: &str| frame.segments.iter().any(|segment| alike(segment, part));
    let Some(last) = parts.last() else { return Place::Unknown };
    if has(last) {
        // The folder before decides between files of the same name.
        let further = parts.len() < 2 || has(parts[parts.len() - 2]);
        return if further || frame.segments.len() < 3 { Place::Same } else { Place::Near };
    }
    let exact = match language {
        Language::Rust => frame.segments.len() > 1,
        Language::Python => frame.segments.len() > 1 || frame.segments[0].starts_with(char::is_lowercase),
        Language::Go => frame.segments[0] != "main",
        Language::Java => frame.segments.len() > 1,
        _ => false,
    };
    if exact {
        Place::Other
    } else if parts.iter().any(|part| has(part)) {
        Place::Near
    } else {
        Place::Unknown
    }
}

/// Names of crates and packages are written with `-` in paths and `_` in code.
fn alike(left: &str, right: &str) -> bool {
    left.len() == right.len()
        && left.bytes().zip(right.bytes()).all(|(a, b)| a.eq_ignore_ascii_case(&b) || (a == b'_' && b == b'-'))
}

fn same_file(file: &str, path: &str) -> Place {
    let mut ends = file.rsplit('/').zip(path.rsplit('/'));
    let agreeing = ends.by_ref().take_while(|(left, right)| left == right).count();
    let shorter = file.split('/').count().min(path.split('/').count());
    match agreeing {
        0 => Place::Other,
        n if n == shorter => Place::Same,
        n if n >= 2 => Place::Near,
        // The same file's name in another folder.
        _ => Place::Other,
    }
}

/// How sure it is that the frame is this definition, from 0 to 1. For a type: that the frame is a method of it.
pub fn strength(frame: &Frame, touched: &Touched) -> f64 {
    let inside = |name: &str| frame.segments.iter().any(|segment| segment == name);
    match touched.kind {
        Kind::Type => {
            let sure = inside(&touched.name) && place(frame, &touched.path) != Place::Other;
            return if sure { 0.5 } else { 0.0 };
        }
        Kind::Constant => return 0.0,
        Kind::Function if frame.name == touched.name => {}
        // An inner function that is not told in names: its frames bear the outer one's name.
        Kind::Function => {
            let inner = touched.containers.contains(&frame.name) && place(frame, &touched.path) == Place::Same;
            return if inner { 0.4 } else { 0.0 };
        }
    }
    let place = place(frame, &touched.path);
    let owner = touched.containers.last();
    let owned = owner.map(|owner| inside(owner));
    let foreign_type = frame.owner().is_some_and(|name| name.starts_with(char::is_uppercase));
    let common = COMMON.contains(&frame.name.to_lowercase().as_str()) || frame.name.chars().count() < 4;
    let known: f64 = match place {
        Place::Same => 0.95,
        Place::Near => 0.75,
        Place::Unknown if owned == Some(true) => 0.8,
        Place::Unknown if common => 0.15,
        Place::Unknown => 0.5,
        Place::Other if owned == Some(true) => 0.15,
        Place::Other => 0.04,
    };
    match owned {
        Some(true) => (known + 0.1).min(1.0),
        // A frame may leave out the type, or name the trait.
        Some(false) if foreign_type => known * 0.2,
        Some(false) => known * 0.7,
        None if foreign_type && frame.file.is_none() && !touched.path.ends_with(".py") => known * 0.3,
        None => known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(path: &str, owner: &str, name: &str) -> Touched {
        let containers = if owner.is_empty() { Vec::new() } else { vec![owner.to_owned()] };
        Touched {
            path: path.into(),
            name: name.into(),
            kind: Kind::Function,
            containers,
            certainty: 1.0,
            users: Vec::new(),
            added: Vec::new(),
            removed: Vec::new(),
        }
    }

    fn of(raw: &str, path: &str, owner: &str, name: &str) -> f64 {
        strength(&Frame::parse(raw, ""), &touched(path, owner, name))
    }

    #[test]
    fn the_right_function_is_sure() {
        for (raw, path, owner, name) in [
            ("shop::pricing::apply", "src/pricing.rs", "", "apply"),
            ("shop::pricing::apply", "crates/shop/src/pricing/mod.rs", "", "apply"),
            ("<shop::cart::Cart as shop::Price>::price", "src/cart.rs", "Cart", "price"),
            ("shop.pricing.apply", "shop/pricing.py", "", "apply"),
            ("apply (shop/pricing.py:3)", "shop/pricing.py", "", "apply"),
            ("github.com/acme/shop/cart.(*Cart).Price", "cart/price.go", "Cart", "Price"),
            ("main.(*Cart).Price", "cart.go", "Cart", "Price"),
            ("com.acme.Cart.price", "src/main/java/com/acme/Cart.java", "Cart", "price"),
            ("ns::Cart::price(int)", "lib/cart.cpp", "Cart", "price"),
            ("LazyCompile:*apply /app/src/pricing.js:34:10", "src/pricing.js", "", "apply"),
        ] {
            assert!(of(raw, path, owner, name) >= 0.8, "{raw} in {path}: {}", of(raw, path, owner, name));
        }
    }

    #[test]
    fn another_function_is_not() {
        for (raw, path, owner, name) in [
            ("shop::pricing::apply", "src/pricing.rs", "", "other"),
            ("shop::pricing::apply", "src/search.rs", "", "apply"),
            ("shop.pricing.apply", "shop/search.py", "", "apply"),
            ("apply (shop/pricing.py:3)", "admin/pricing.py", "", "apply"),
            ("com.acme.Cart.price", "src/main/java/com/acme/Order.java", "Order", "price"),
            ("shop::cart::Cart::price", "src/cart.rs", "Basket", "price"),
            ("run", "src/jobs.js", "", "run"),
        ] {
            assert!(of(raw, path, owner, name) <= 0.25, "{raw} in {path}: {}", of(raw, path, owner, name));
        }
    }
}
