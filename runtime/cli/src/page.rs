//! Text in columns: lines of pieces in tones, labels in a margin, words wrapped.
//!
//! Nothing gets into a line but through [`Line::add`], which makes it printable: text from outside cannot steer a terminal.

use negawatt_host::text::printable;
use unicode_width::UnicodeWidthChar;

use crate::look::{Look, Tone};

/// Columns of the margin that holds the labels.
const MARGIN: usize = 12;

/// The margin where there is no room for labels in it; they get lines of their own.
const NARROW_MARGIN: usize = 2;

/// Below this many columns a page is narrow.
pub const NARROW: usize = 64;

/// Blanks between the columns of a table.
pub const GAP: usize = 2;

/// Combining characters that one character may carry.
const MOST_COMBINED: usize = 2;

/// A line of pieces of text, each in a tone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pieces: Vec<(Tone, String)>,
    unicode: bool,
}

impl Line {
    /// An empty line.
    pub fn new(look: &Look) -> Line {
        Line { pieces: Vec::new(), unicode: look.unicode }
    }

    /// Adds text, without anything in it that could steer a terminal.
    pub fn add(mut self, tone: Tone, text: impl AsRef<str>) -> Line {
        let text = without_piles(&printable(text.as_ref()));
        self.pieces.push((tone, if self.unicode { text } else { ascii(&text) }));
        self
    }

    /// Adds plain text.
    pub fn plain(self, text: impl AsRef<str>) -> Line {
        self.add(Tone::Plain, text)
    }

    /// Adds text that matters less.
    pub fn faint(self, text: impl AsRef<str>) -> Line {
        self.add(Tone::Faint, text)
    }

    /// Adds text that the eye should find.
    pub fn strong(self, text: impl AsRef<str>) -> Line {
        self.add(Tone::Strong, text)
    }

    /// Adds another line.
    pub fn join(mut self, other: Line) -> Line {
        self.pieces.extend(other.pieces);
        self
    }

    /// Adds text cut to so many columns, and blanks up to them.
    pub fn cell(self, tone: Tone, text: impl AsRef<str>, columns: usize) -> Line {
        let mut cell = Line { pieces: Vec::new(), unicode: self.unicode }.add(tone, text).cut(columns);
        pad(&mut cell, columns);
        self.join(cell)
    }

    /// Adds a column of a table: as [`Line::cell`], with two blanks of it kept, so that what is cut does not run into the next.
    pub fn column(self, tone: Tone, text: impl AsRef<str>, columns: usize) -> Line {
        self.cell(tone, text, columns.saturating_sub(GAP)).plain(" ".repeat(columns.min(GAP)))
    }

    /// Adds blanks up to a column.
    pub fn to(mut self, column: usize) -> Line {
        pad(&mut self, column);
        self
    }

    /// Its pieces of text, each with its tone.
    pub fn pieces(&self) -> impl Iterator<Item = (Tone, &str)> {
        self.pieces.iter().map(|(tone, text)| (*tone, text.as_str()))
    }

    /// Columns that it takes.
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| width(text)).sum()
    }

    /// Cut to so many columns, with an ellipsis where something is missing.
    pub fn cut(self, columns: usize) -> Line {
        if self.width() <= columns {
            return self;
        }
        let unicode = self.unicode;
        let ellipsis = if unicode { "…" } else { "..." };
        let (mut kept, tone) = self.head(columns.saturating_sub(width(ellipsis)));
        kept.pieces.push((tone, ellipsis.chars().take(columns).collect()));
        kept
    }

    /// What fits into so many columns, and the tone in which it ends.
    fn head(self, columns: usize) -> (Line, Tone) {
        let mut left = columns;
        let mut kept = Line { pieces: Vec::new(), unicode: self.unicode };
        for (tone, text) in self.pieces {
            let mut part = String::new();
            for c in text.chars() {
                let width = c.width().unwrap_or(0);
                if width > left {
                    kept.pieces.push((tone, part));
                    return (kept, tone);
                }
                left -= width;
                part.push(c);
            }
            kept.pieces.push((tone, part));
        }
        (kept, Tone::Plain)
    }

    /// As lines of so many columns, broken between words; words that are longer are broken where they must be. All but the first
    /// are indented.
    fn wrapped(self, columns: usize, indent: usize) -> Vec<Line> {
        let unicode = self.unicode;
        let start = |indent: usize| Line { pieces: vec![(Tone::Plain, " ".repeat(indent))], unicode };
        let indent = indent.min(columns / 2);
        let mut lines = Vec::new();
        let (mut line, mut used) = (start(0), 0);
        for (tone, text) in self.pieces {
            for word in text.split_inclusive(' ') {
                let bare = width(word.trim_end_matches(' '));
                let begun = if lines.is_empty() { used > 0 } else { used > indent };
                if used + bare > columns && begun && bare > 0 {
                    lines.push(std::mem::replace(&mut line, start(indent)));
                    used = indent;
                }
                let mut part = String::new();
                for c in word.chars() {
                    let width = c.width().unwrap_or(0);
                    if used + width > columns {
                        // A blank at the end of a line is not missed.
                        if c == ' ' {
                            continue;
                        }
                        line.pieces.push((tone, std::mem::take(&mut part)));
                        lines.push(std::mem::replace(&mut line, start(indent)));
                        used = indent;
                    }
                    used += width;
                    part.push(c);
                }
                line.pieces.push((tone, part));
            }
        }
        lines.push(line);
        lines
    }

    /// As it is printed, without blanks at the end.
    pub fn painted(&self, look: &Look) -> String {
        let filled = self.pieces.iter().rposition(|(_, text)| !text.trim_end().is_empty());
        let pieces = &self.pieces[..filled.map_or(0, |last| last + 1)];
        let painted = |(n, (tone, text)): (usize, &(Tone, String))| {
            let text = if Some(n) == filled { text.trim_end() } else { text };
            look.paint(*tone, text)
        };
        pieces.iter().enumerate().map(painted).collect()
    }
}

fn pad(line: &mut Line, column: usize) {
    let missing = column.saturating_sub(line.width());
    line.pieces.push((Tone::Plain, " ".repeat(missing)));
}

/// A page: sections with a label in the margin.
pub struct Page<'a> {
    /// How it looks.
    pub look: &'a Look,
    out: String,
    label: Option<(String, bool)>,
}

impl<'a> Page<'a> {
    /// An empty page.
    pub fn new(look: &'a Look) -> Page<'a> {
        Page { look, out: String::new(), label: None }
    }

    /// What was written.
    pub fn text(self) -> String {
        self.out
    }

    /// An empty line to write on.
    pub fn line(&self) -> Line {
        Line::new(self.look)
    }

    /// Columns beside the margin.
    pub fn columns(&self) -> usize {
        self.look.width - self.margin()
    }

    /// Columns of the margin.
    pub fn margin(&self) -> usize {
        if self.is_narrow() { NARROW_MARGIN } else { MARGIN }
    }

    /// Whether labels have lines of their own.
    pub fn is_narrow(&self) -> bool {
        self.look.width < NARROW
    }

    /// Begins a section, with an empty line before it. Its label stands before its first line; a section without a line leaves
    /// no trace.
    pub fn section(&mut self, label: &str) {
        self.label = Some((label.to_owned(), true));
    }

    /// As [`Page::section`], without an empty line.
    pub fn relabel(&mut self, label: &str) {
        self.label = Some((label.to_owned(), false));
    }

    /// Writes an empty line.
    pub fn gap(&mut self) {
        self.out.push('\n');
    }

    /// Writes from the first column on, wrapped.
    pub fn heading(&mut self, line: Line) {
        for line in line.wrapped(self.look.width, 0) {
            self.end(&line);
        }
    }

    /// Writes beside the margin, wrapped; all but the first line are indented.
    pub fn write(&mut self, line: Line, indent: usize) {
        for line in line.wrapped(self.columns(), indent) {
            self.row(line);
        }
    }

    /// Writes one line beside the margin, cut where it is too long.
    pub fn row(&mut self, line: Line) {
        let label = self.begin();
        self.end(&label.to(self.margin()).join(line.cut(self.columns())));
    }

    /// Writes one line from the first column on, cut where it is too long. A label that was not written yet stands before it.
    pub fn whole_row(&mut self, line: Line) {
        let label = self.begin();
        let line = if label.width() > 0 { label.to(self.margin()).join(line) } else { line };
        self.end(&line.cut(self.look.width));
    }

    /// What stands in the margin of the next line.
    fn begin(&mut self) -> Line {
        let line = self.line();
        let Some((label, gap)) = self.label.take() else { return line };
        if gap && !self.out.is_empty() {
            self.gap();
        }
        let labelled = line.add(Tone::Strong, label);
        if self.is_narrow() {
            self.end(&labelled);
            return self.line();
        }
        labelled
    }

    fn end(&mut self, line: &Line) {
        self.out += &line.painted(self.look);
        self.out.push('\n');
    }
}

/// Columns that a text takes, each character by itself.
fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Without the combining characters that pile up: they take no column, so that nothing else would cut them.
pub fn without_piles(text: &str) -> String {
    let mut pile = 0;
    let kept = |c: &char| {
        pile = if c.width() == Some(0) { pile + 1 } else { 0 };
        pile <= MOST_COMBINED
    };
    text.chars().filter(kept).collect()
}

/// The nearest ASCII text; what has no likeness is a question mark.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            '\u{a0}' => out.push(' '),
            '→' => out += "->",
            '←' => out += "<-",
            '…' => out += "...",
            '±' => out += "+/-",
            '≤' => out += "<=",
            '≥' => out += ">=",
            '×' => out.push('x'),
            '–' | '—' | '−' | '‐' | '─' | '╌' | '·' | '•' => out.push('-'),
            '“' | '”' | '„' | '«' | '»' => out.push('"'),
            '‘' | '’' => out.push('\''),
            '│' | '┊' => out.push('|'),
            '┤' | '└' | '┴' | '┼' => out.push('+'),
            '▲' => out.push('^'),
            '✓' => out.push('+'),
            '✗' => out.push('x'),
            '○' => out.push('o'),
            'µ' => out.push('u'),
            _ => out.push('?'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look { width: 40, colour: false, unicode: true };

    fn line(text: &str) -> Line {
        Line::new(&LOOK).plain(text)
    }

    fn shown(lines: Vec<Line>) -> Vec<String> {
        lines.iter().map(|line| line.painted(&LOOK)).collect()
    }

    #[test]
    fn words_are_wrapped() {
        assert_eq!(shown(line("one two three four").wrapped(9, 2)), ["one two", "  three", "  four"]);
        assert_eq!(shown(line("abcdefghij kl").wrapped(4, 0)), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(shown(line("").wrapped(4, 0)), [""]);
        let toned = line("one ").strong("two three").faint(" four");
        assert_eq!(shown(toned.wrapped(13, 0)), ["one two three", "four"]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let wide = line("日本語日本語");
        assert_eq!(wide.width(), 12);
        assert_eq!(shown(vec![wide.clone().cut(6)]), ["日本…"]);
        assert_eq!(shown(wide.wrapped(5, 0)), ["日本", "語日", "本語"]);
        assert_eq!(line("").cell(Tone::Plain, "日本語", 4).plain("|").width(), 5);
        let pile = line(&format!("e{}x", "\u{301}".repeat(1000)));
        assert_eq!(pile.painted(&LOOK), "e\u{301}\u{301}x");
    }

    #[test]
    fn columns_never_touch() {
        let row = |name: &str| line("").column(Tone::Plain, name, 8).plain("next").painted(&LOOK);
        assert_eq!(
            (row("a"), row("abcdef"), row("abcdefg")),
            ("a       next".into(), "abcdef  next".into(), "abcde…  next".into())
        );
        assert_eq!(line("").column(Tone::Plain, "abc", 1).width(), 1);
    }

    #[test]
    fn nothing_that_steers_gets_into_a_line() {
        let hostile = line("a\u{1b}[2Jb\u{202e}c\nd");
        assert_eq!(hostile.painted(&LOOK), "a\u{fffd}[2Jb\u{fffd}c d");
        let plain = Look { unicode: false, ..LOOK };
        let hostile = Line::new(&plain).plain("Zoë → 日 \u{1b}…");
        assert_eq!(hostile.painted(&plain), "Zo? -> ? ?...");
    }

    #[test]
    fn labels_stand_in_the_margin_or_above() {
        for (width, text) in
            [(80, "title\n\nNotes       one\n            two\n"), (40, "title\n\nNotes\n  one\n  two\n")]
        {
            let look = Look { width, ..LOOK };
            let mut page = Page::new(&look);
            page.heading(page.line().plain("title"));
            page.section("Empty");
            page.section("Notes");
            page.row(page.line().plain("one"));
            page.row(page.line().plain("two"));
            assert_eq!(page.text(), text);
        }
    }
}
