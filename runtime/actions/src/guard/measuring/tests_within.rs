//! Tests within source files of a program, for the languages whose convention that is.

use std::ops::RangeInclusive;

/// The lines that tests take, from 1. Where an end is not found, a test goes to the end of the file.
pub(super) fn regions(path: &str, text: &str) -> Vec<RangeInclusive<usize>> {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("rs") => of_rust(text),
        Some("py" | "pyi") => of_python(text),
        _ => Vec::new(),
    }
}

/// Items under an attribute that names tests, as `#[cfg(test)]` and `#[tokio::test]` do.
fn of_rust(text: &str) -> Vec<RangeInclusive<usize>> {
    let code = blanked(text);
    let line_of = |at: usize| 1 + code[..at].iter().filter(|byte| **byte == b'\n').count();
    let mut regions: Vec<RangeInclusive<usize>> = Vec::new();
    let mut from = 0;
    while let Some(at) = code[from..].windows(2).position(|pair| pair == b"#[").map(|at| from + at) {
        let end = closing(&code, at + 1, b'[', b']');
        if is_of_tests(&code[at..end]) {
            let end = item_end(&code, end);
            regions.push(line_of(at)..=line_of(end.min(code.len().saturating_sub(1))));
            from = end.max(at + 2);
        } else {
            from = at + 2;
        }
    }
    regions
}

fn is_of_tests(attribute: &[u8]) -> bool {
    let attribute = String::from_utf8_lossy(attribute).split_whitespace().collect::<String>().replace("not(test)", "");
    let mut words = attribute.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|word| {
        matches!(word, "test" | "tests" | "bench" | "rstest" | "test_case" | "test_log" | "proptest" | "quickcheck")
    })
}

/// Where the item ends that begins here: with its braces, or with a semicolon before any.
fn item_end(code: &[u8], from: usize) -> usize {
    let begins = code[from..].iter().position(|byte| matches!(byte, b'{' | b';')).map(|at| from + at);
    match begins {
        Some(at) if code[at] == b'{' => closing(code, at, b'{', b'}'),
        Some(at) => at,
        None => code.len(),
    }
}

/// Where what opens here is closed, or the end.
fn closing(code: &[u8], at: usize, open: u8, close: u8) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code[at..].iter().enumerate() {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at + offset;
            }
        }
    }
    code.len()
}

/// Rust with blanks in the place of comments and of what stands between quotes; lines stay.
fn blanked(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = match rest {
            [b'/', b'/', ..] => rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
            [b'/', b'*', ..] => comment(rest),
            [b'"', ..] => string(rest),
            [b'r', b'"' | b'#', ..]
                if at == 0 || !is_name(bytes[at - 1]) || bytes[at - 1] == b'b' || bytes[at - 1] == b'c' =>
            {
                raw(rest)
            }
            [b'\'', b'\\', ..] => 2 + rest[2..].iter().skip(1).position(|byte| *byte == b'\'').map_or(0, |end| end + 2),
            [b'\'', ..] => character(&text[at..]),
            _ => 0,
        };
        for byte in &mut code[at..(at + length).min(bytes.len())] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at += length.max(1);
    }
    code
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The length of a comment, with those within it.
fn comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => depth += 1,
            [b'*', b'/', ..] => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of a raw string; none for a raw name.
fn raw(rest: &[u8]) -> usize {
    let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return 0;
    }
    let mut end = vec![b'"'];
    end.extend(vec![b'#'; hashes]);
    let begin = 2 + hashes;
    rest[begin..].windows(end.len()).position(|window| window == end).map_or(rest.len(), |at| begin + at + end.len())
}

/// The length of a character between quotes; none for a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(2);
    match chars.next() {
        Some((at, '\'')) => at + 1,
        _ => 0,
    }
}

/// Functions and classes that test runners collect, and examples that are run.
fn of_python(text: &str) -> Vec<RangeInclusive<usize>> {
    let mut regions: Vec<RangeInclusive<usize>> = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let name = |keyword: &str| code.strip_prefix(keyword).map(str::trim_start);
        let is_function = name("def ").or_else(|| name("async def ")).is_some_and(|name| name.starts_with("test"));
        let is_class = name("class ").is_some_and(|name| name.starts_with("Test") || name.contains("TestCase"));
        if is_function || is_class {
            let indent = line.len() - code.len();
            let is_within = |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() > indent;
            let body = lines[at + 1..].iter().take_while(|line| is_within(line)).count();
            regions.push(at + 1..=at + 1 + body);
        } else if code.starts_with(">>>") {
            regions.push(at + 1..=at + 1);
        }
    }
    regions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust() {
        let text = "fn a() { let x = '{'; }\n#[cfg(test)]\nmod tests {\n  // }\n  /* } /* } */ } */\n  const A: &str = \"}\\\"}\";\n  const B: &str = r#\"\"}\"#;\n  const C: char = '\\'';\n  fn f<'a>(c: char) -> bool { c == '}' }\n}\nfn b() {}\n#[tokio::test]\nasync fn t() {\n}\n#[cfg(test)]\nuse x;\nfn c() {}\n";
        assert_eq!(regions("src/a.rs", text), [2..=10, 12..=14, 15..=16]);
        assert!(regions("src/a.c", text).is_empty());
        for product in [
            "#[cfg(not(test))]\nfn a() {}\n",
            "#[derive(Latest)]\nstruct A;\n",
            "// #[test]\nfn a() {}\n",
            "#[doc = \"a test\"]\nfn a() {}\n",
        ] {
            assert!(regions("a.rs", product).is_empty(), "{product}");
        }
        assert_eq!(regions("a.rs", "#[cfg(all(test, unix))]\nmod t {\n\n"), [1..=3]);
        assert_eq!(regions("a.rs", "#[test"), [1..=1]);
    }

    #[test]
    fn python() {
        let text = "def a():\n    \"\"\"\n    >>> a()\n    1\n    \"\"\"\n\nclass TestA(unittest.TestCase):\n    x = 1\n\n    def test_b(self):\n        pass\n\ndef latest():\n    pass\nasync def test_c():\n    pass\n";
        assert_eq!(regions("a.py", text), [3..=3, 7..=12, 10..=12, 15..=16]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(#\\[test\\]|/\\*|\\*/|//|\"|'|r#|[{};\\\\\n é]|def test|[a-z]){0,40}") {
            let lines = text.lines().count().max(1);
            for path in ["a.rs", "a.py"] {
                for region in regions(path, &text) {
                    proptest::prop_assert!(*region.start() >= 1 && *region.end() <= lines + 1, "{region:?}");
                }
            }
        }
    }
}
