//! Files and trees that nobody writes by hand.

use negawatt_skill::Dice;
use negawatt_skill::code::SyntaxTree;
use negawatt_skill::rewrite::Strategy;

use crate::repository::columns;
use crate::{changed, mitigation, patched, proposed, tree};

/// Pieces that files are torn and glued with.
const PIECES: [&str; 20] = [
    "(",
    ")",
    "{",
    "}",
    "\"",
    "'",
    "\"\"\"",
    "\n",
    "\r\n",
    "    ",
    "\t",
    "é",
    "\u{202e}",
    "//",
    "#",
    "re.compile(\"a\")",
    "logger.info(",
    "for x in y:\n",
    "\u{1}",
    "@",
];

/// A text with pieces cut out, doubled and put in.
fn torn(dice: &mut Dice, text: &str) -> String {
    let mut torn = text.to_owned();
    for _ in 0..1 + dice.below(3) {
        let at = (0..=dice.below(torn.len() + 1)).rev().find(|at| torn.is_char_boundary(*at)).unwrap_or(0);
        let end =
            (at..=torn.len().min(at + dice.below(60))).rev().find(|end| torn.is_char_boundary(*end)).unwrap_or(at);
        let piece = match dice.below(3) {
            0 => String::new(),
            1 => torn[at..end].repeat(2),
            _ => PIECES[dice.below(PIECES.len())].to_owned(),
        };
        torn.replace_range(at..end, &piece);
    }
    torn
}

/// A tree whose nodes are of other kinds and elsewhere.
fn bent(dice: &mut Dice, mut columns: SyntaxTree) -> SyntaxTree {
    let rows = columns.node_kinds.len();
    for _ in 0..1 + dice.below(30) {
        let row = dice.below(rows);
        match dice.below(5) {
            0 => columns.node_kinds[row] = dice.below(columns.kinds.len()) as u16,
            1 => columns.node_fields[row] = dice.below(columns.fields.len()) as u16,
            2 => columns.node_flags[row] = dice.below(2) as u8,
            3 => {
                let (start, end) = (dice.below(columns.text.len() + 1), dice.below(columns.text.len() + 1));
                (columns.node_starts[row], columns.node_ends[row]) = (start.min(end) as u32, start.max(end) as u32);
            }
            _ => {
                let (one, other) = (dice.below(columns.kinds.len()), dice.below(columns.kinds.len()));
                columns.kinds.swap(one, other);
            }
        }
    }
    columns
}

/// Checks that a strategy comes to an end without a panic for what people tear and hosts bend of a file, and that what it makes of one
/// that is a program is one.
#[track_caller]
pub fn survives(strategy: &Strategy, function: &str, path: &str, before: &str, after: &str) {
    let mut dice = Dice::new(11);
    for _ in 0..150 {
        let text = torn(&mut dice, after);
        let repository = changed(path, before, &text);
        let findings = proposed(strategy, &repository, &[function]);
        if let Some(mitigation) = mitigation(&findings) {
            let new = patched(&repository, path, mitigation);
            assert!(!tree(path, &new).root().has_error(), "{text}\n=>\n{new}");
        }
    }
    for _ in 0..300 {
        let mut repository = changed(path, before, after);
        repository.answered = Some(bent(&mut dice, columns(path, after).expect("it is parsed")));
        proposed(strategy, &repository, &[function]);
    }
}
