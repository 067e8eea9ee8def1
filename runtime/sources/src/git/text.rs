//! Text of strangers, bounded.

/// The longest line that is given; what is longer is cut.
pub const MAX_LINE_CHARS: usize = 4096;

/// The longest body of a message: what a list of many commits has room for.
pub const MAX_BODY_CHARS: usize = 2_000;

/// The longest path.
pub const MAX_PATH_CHARS: usize = 1_024;

/// The end of what was cut.
pub const CUT: &str = "…";

/// Bytes as text; what is not UTF-8 is replaced. At most `chars` characters, then a mark.
pub fn cut(bytes: &[u8], chars: usize) -> String {
    // A character has at most four bytes: more of a huge line need not be looked at.
    let head = &bytes[..bytes.len().min(4 * (chars + 1))];
    let text = String::from_utf8_lossy(head);
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}{CUT}", &text[..end]),
        None => text.into_owned(),
    }
}

/// A line without its line feed, cut.
pub fn line(bytes: &[u8]) -> String {
    cut(bytes.strip_suffix(b"\n").unwrap_or(bytes), MAX_LINE_CHARS)
}

/// Whether a file is binary, as git says: a zero byte near its start.
pub fn is_binary(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(8000)].contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_between_characters() {
        assert_eq!(cut("äöü".as_bytes(), 3), "äöü");
        assert_eq!(cut("äöü".as_bytes(), 2), "äö…");
        assert_eq!(cut(b"a\xffb", 5), "a\u{fffd}b");
        assert_eq!(line(&[b'x'; 5000]).chars().count(), MAX_LINE_CHARS + 1);
        assert_eq!(line(b"a\n"), "a");
        assert_eq!(cut(&[0x80; 100], 10).chars().count(), 11);
    }
}
