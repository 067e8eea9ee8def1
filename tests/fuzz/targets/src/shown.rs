//! What must hold of text of strangers when it is shown.

use negawatt_host::text::{printable, printable_lines};

/// Whether a character steers a terminal, changes the order of what is read, or is not seen.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Nothing of a text steers a terminal once it is made printable, and nothing of it is lost without a trace.
pub fn assert_shown(text: &str) {
    let line = printable(text);
    assert!(!line.contains(steers), "{line:?} steers a terminal");
    assert_eq!(line.chars().count(), text.chars().count(), "what is replaced is seen");
    assert!(!printable_lines(text).contains(|c| c != '\n' && steers(c)));
}

/// A text has at most so many characters, with the mark of what was cut.
pub fn assert_short(what: &str, text: &str, characters: usize) {
    let has = text.chars().count();
    assert!(has <= characters + 1, "{what} has {has} characters, and at most {characters} are given");
    assert_shown(text);
}
