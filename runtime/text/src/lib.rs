//! Text from outside, made fit for a terminal or a log, and bytes as text. It knows nothing else, so that every crate can use it.

/// Replaces what could steer a terminal or reorder what is read: control characters (tab and line feed become blanks),
/// bidirectional marks, zero-width characters. What replaces them is visible.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' => ' ',
            c if c.is_control() || is_invisible(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// The same for text of several lines: line feeds stay.
pub fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// JSON text as it is, but for what [`printable`] would replace: that is written as `\uXXXX`, so that programs read the same.
pub fn printable_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        // Such a character can only stand inside of a string; line feeds and blanks stand between values.
        if c != '\n' && (c.is_control() || is_invisible(c)) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text += &format!("\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// Whether a character is not seen and changes what is: marks of direction, zero width, line and paragraph separators, tags.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Cuts a text to so many characters, with an ellipsis where something is missing.
pub fn shorten(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters.saturating_sub(1)).chain(['…']).collect()
}

/// Whether a name fits a pattern in which `*` stands for any letters, also none.
pub fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    // The first place that fits leaves the most to the rest.
    for part in middle.split('*') {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(tail)
}

/// Bytes as hexadecimal digits, in small letters.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads hexadecimal digits, two for each byte, in small letters or capitals.
pub fn unhex(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let byte = |pair: &[u8]| match *pair {
        [high, low] => u8::try_from(16 * value(high)? + value(low)?).ok(),
        _ => None,
    };
    digits.as_bytes().chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_patterns() {
        for (pattern, name) in [
            ("*", ""),
            ("*", "cart"),
            ("acme-*", "acme-gc"),
            ("acme-*", "acme-"),
            ("*-db", "cart-db"),
            ("*-gc-*", "acme-gc-x"),
            ("a*c*e", "abcde"),
            ("a**e", "ae"),
            ("*ab*ab*", "xabyabz"),
            ("ü*", "übung"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("", "a"),
            ("acme-*", "acme"),
            ("acme-*", "not-acme-gc"),
            ("*-db", "db"),
            ("a*c*e", "abcd"),
            ("gc", "gc-pause"),
            ("a*a", "a"),
            ("*ab*ab*", "xaby"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn bytes_are_digits() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(unhex(&hex(&bytes)), Some(bytes.clone()));
        assert_eq!(unhex(&hex(&bytes).to_uppercase()), Some(bytes));
        assert_eq!((hex(&[0, 171]).as_str(), unhex("")), ("00ab", Some(vec![])));
        for text in ["0", "0g", "+1", "é", " 1", "0x"] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }

    #[test]
    fn json_for_terminals_is_the_same_to_programs() {
        let hostile = "\u{1b}[31m\u{7f}\u{9b}1m\u{202e}\u{200b}\u{e0041}\t\nü\\\"😀";
        let value = serde_json::json!({ hostile: [hostile, 1, null] });
        for json in [format!("{value:#}"), value.to_string()] {
            let shown = printable_json(&json);
            assert!(shown.chars().all(|c| c == '\n' || !c.is_control() && !is_invisible(c)), "{shown:?}");
            assert!(shown.contains("\\u007f\\u009b1m\\u202e\\u200b\\udb40\\udc41\\t\\nü"), "{shown}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }
    }

    #[test]
    fn nothing_that_steers_a_terminal_passes() {
        let hostile = "a\u{1b}[31mred\u{7}\r\nb\u{202e}txt.exe\u{200b}\u{9b}1m\u{e0041}\tü";
        let shown = printable(hostile);
        assert!(shown.chars().all(|c| !c.is_control() && !is_invisible(c)), "{shown:?}");
        assert!(shown.contains("red") && shown.contains('ü') && shown.contains('\u{fffd}'));
        assert_eq!(printable_lines("a\nb\u{1b}c"), "a\nb\u{fffd}c");
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(shorten("abcd", 4), "abcd");
    }
}
