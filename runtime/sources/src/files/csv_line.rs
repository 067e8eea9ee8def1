//! Lines of CSV files.

use csv::Position;

/// The bytes of a CSV file without a byte order mark.
pub struct TextOfCsv<'a>(pub &'a [u8]);

impl<'a> TextOfCsv<'a> {
    pub fn new(bytes: &'a [u8]) -> TextOfCsv<'a> {
        TextOfCsv(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
    }
}

/// The line of a row, from 1. The reader's position is that where it began to look for the row: before empty lines.
pub fn line_of(text: &TextOfCsv<'_>, position: Option<&Position>) -> u64 {
    let Some(position) = position else { return 0 };
    let rest = usize::try_from(position.byte()).ok().and_then(|start| text.0.get(start..)).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).filter(|byte| **byte == b'\n').count();
    position.line() + empty as u64
}
