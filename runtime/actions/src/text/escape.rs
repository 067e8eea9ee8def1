//! The one place where text of strangers becomes part of Markdown or of a commit's message.
//!
//! Commits, skills and webhooks are strangers. In Markdown what they say stands in code and nowhere else: there no renderer makes
//! markup, links, images or HTML of it, and no forge mentions, references or closing keywords. [`Page`] takes nothing but text of this
//! program ([`Own`]) and text that it quotes, so that nothing gets in by another way. Where there is no code, in titles and messages, what
//! a forge could act on is written with look-alikes ([`plain`]).

use negawatt_text::{is_invisible, printable, shorten};

/// The most backticks or tildes in a row that a block may hold: some renderers know no longer fences.
const MAX_RUN: usize = 80;

/// The most lines of a block, and the most characters of a line.
const MAX_LINES: usize = 120;
const MAX_LINE: usize = 300;

/// The most characters of a block.
const MAX_BLOCK: usize = 8_000;

/// What is said where a stranger says nothing.
const NOTHING: &str = "(nothing)";

/// A blank that is narrow and breaks no line, as between groups of digits.
pub const NARROW: char = '\u{202f}';

/// Text of this program: written in it, or made of numbers.
#[derive(Debug, Clone)]
pub struct Own(String);

impl From<&'static str> for Own {
    fn from(text: &'static str) -> Own {
        Own(text.to_owned())
    }
}

impl Own {
    /// What a formatter of this module's neighbours made of numbers alone.
    pub(super) fn of_numbers(text: String) -> Own {
        Own(text)
    }

    /// An address that an operator wrote, as the target of a link; `None` where it is no plain address of the web.
    pub fn address(text: &str) -> Option<Own> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#&=%+,;".contains(c);
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        (!rest.is_empty() && text.len() <= 500 && text.chars().all(is_plain)).then(|| Own(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Markdown in the making.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// Adds text of this program, Markdown.
    pub fn say(&mut self, own: impl Into<Own>) -> &mut Page {
        self.0 += &own.into().0;
        self
    }

    /// Adds text of a stranger as code, one line of at most so many characters.
    pub fn quote(&mut self, foreign: &str, most: usize) -> &mut Page {
        // No code ends before its end where there is no backtick in it.
        let text = one_line(foreign, most).replace('`', "'");
        if text.is_empty() {
            return self.say(NOTHING);
        }
        // A dollar beside a backtick begins a formula on GitHub; a renderer takes these blanks away.
        let pad = if text.starts_with('$') || text.ends_with('$') { " " } else { "" };
        self.0 += &format!("`{pad}{text}{pad}`");
        self
    }

    /// Adds text of a stranger as a block of code, whole lines as they are; `false`, and nothing, where it is too long for that.
    /// It begins at the start of a line.
    pub fn block(&mut self, info: &'static str, foreign: &str) -> bool {
        let shown = |c: char| match c {
            '\n' | '\t' => c,
            c if c.is_control() || is_invisible(c) => '\u{fffd}',
            c => c,
        };
        let text: String = foreign.trim_end().replace("\r\n", "\n").chars().map(shown).collect();
        let is_long = text.chars().count() > MAX_BLOCK || text.lines().count() > MAX_LINES;
        if is_long || text.lines().any(|line| line.chars().count() > MAX_LINE) {
            return false;
        }
        let fence = ['`', '~'].into_iter().map(|mark| (mark, longest_run(&text, mark))).find(|(_, run)| *run < MAX_RUN);
        let Some((mark, run)) = fence else { return false };
        let fence = mark.to_string().repeat((run + 1).max(3));
        self.0 += &format!("{fence}{info}\n{text}\n{fence}\n");
        true
    }

    /// The Markdown.
    pub fn finish(self) -> String {
        self.0
    }
}

/// One line without what is not seen, of at most so many characters.
fn one_line(text: &str, most: usize) -> String {
    shorten(&printable(text).split_whitespace().collect::<Vec<_>>().join(" "), most)
}

/// The most of a mark in a row.
fn longest_run(text: &str, mark: char) -> usize {
    text.split(|c| c != mark).map(|run| run.chars().count()).max().unwrap_or(0)
}

/// Text of a stranger for titles and messages, where no markup quotes it: one line of at most so many characters, in which nothing is a
/// mention, a reference, an address, a picture, code, or a word to a machine (`fixes #1`, `[skip ci]`). It reads as before.
pub fn plain(foreign: &str, most: usize) -> String {
    let text: Vec<char> = one_line(foreign, most).chars().collect();
    if text.is_empty() {
        return NOTHING.to_owned();
    }
    let mut shown = String::new();
    let mut at = 0;
    while at < text.len() {
        let run = text[at..].iter().take_while(|c| c.is_ascii_alphanumeric()).count();
        if run > 0 {
            shown += &word(&text[at..at + run]);
            at += run;
            continue;
        }
        let is_digit = |c: Option<&char>| c.is_some_and(char::is_ascii_digit);
        let (before, after) = (at.checked_sub(1).map(|at| text[at]), text.get(at + 1));
        match text[at] {
            '@' => shown.push('＠'),
            '#' => shown.push('＃'),
            '`' => shown.push('\''),
            '[' => shown.push('('),
            ']' => shown.push(')'),
            '<' => shown.push('‹'),
            '>' => shown.push('›'),
            '*' => shown.push('∗'),
            // Addresses, pictures by name, trailers.
            ':' if after != Some(&' ') => shown.push('∶'),
            // `GH-1`, `TICKET-1`.
            '-' if is_digit(after) && before.is_some_and(|c| c.is_ascii_alphabetic()) => shown.push('\u{2011}'),
            '.' if shown.to_ascii_lowercase().ends_with("www") => shown.push('․'),
            // References of other forges.
            c @ ('!' | '$' | '%' | '&' | '~' | '^') if is_digit(after) => shown.extend([c, NARROW]),
            c => shown.push(c),
        }
        at += 1;
    }
    shown
}

/// Letters and digits in a row; what could be a commit's hash is written in groups.
fn word(run: &[char]) -> String {
    let is_hash = run.len() >= 7 && run.iter().all(char::is_ascii_hexdigit);
    if !is_hash {
        return run.iter().collect();
    }
    let (size, first) = if run.iter().all(char::is_ascii_digit) { (3, run.len() % 3) } else { (6, 0) };
    let (head, tail) = run.split_at(first);
    let groups = [head].into_iter().filter(|head| !head.is_empty()).chain(tail.chunks(size));
    groups.map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(&NARROW.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_reads_as_before() {
        for (text, shown) in [
            ("cart::price is slower, see utf-8 parsing", "cart∶∶price is slower, see utf\u{2011}8 parsing"),
            ("fixes #12, GH-12 and acme/shop#3", "fixes ＃12, GH\u{2011}12 and acme/shop＃3"),
            ("@ada <ada@example.com>", "＠ada ‹ada＠example.com›"),
            ("https://evil.example/x www.evil.example", "https∶//evil.example/x www․evil.example"),
            ("[skip ci] ***NO_CI*** `x` <!-- :shipit:", "(skip ci) ∗∗∗NO_CI∗∗∗ 'x' ‹!-- ∶shipit∶"),
            ("a\n\nCo-authored-by: Eve\r\nFixes:x", "a Co-authored-by: Eve Fixes∶x"),
            (
                "deadbeefcafe takes 10485760 bytes, 123456",
                "deadbe\u{202f}efcafe takes 10\u{202f}485\u{202f}760 bytes, 123456",
            ),
            ("costs $5, 50% up, see !7", "costs $\u{202f}5, 50% up, see !\u{202f}7"),
            ("a\u{202e}b\u{0}c", "a\u{fffd}b\u{fffd}c"),
        ] {
            assert_eq!(plain(text, 200), shown);
        }
        assert_eq!(plain("abcdef", 4), "abc…");
        assert_eq!(plain(" \n", 4), "(nothing)");
    }

    #[test]
    fn quoted_text_is_code() {
        let quoted = |text: &str| {
            let mut page = Page::default();
            page.quote(text, 20);
            page.finish()
        };
        assert_eq!(quoted("a *b*\n- c"), "`a *b* - c`");
        assert_eq!(quoted("``` x `y`"), "`''' x 'y'`");
        assert_eq!(quoted("$x$"), "` $x$ `");
        assert_eq!(quoted(" \n\t "), "(nothing)");
        assert_eq!(quoted(&"x".repeat(30)), format!("`{}…`", "x".repeat(19)));
    }

    #[test]
    fn a_block_ends_where_it_ends() {
        let block = |text: &str| {
            let mut page = Page::default();
            page.block("diff", text).then(|| page.finish())
        };
        assert_eq!(block("+a\r\n```\n").unwrap(), "````diff\n+a\n```\n````\n");
        assert_eq!(block("a\u{202e}\u{1b}").unwrap(), "```diff\na\u{fffd}\u{fffd}\n```\n");
        assert!(block(&"`".repeat(MAX_RUN)).unwrap().starts_with("~~~diff\n"));
        assert_eq!(block(&format!("{}\n{}", "`".repeat(MAX_RUN), "~".repeat(MAX_RUN))), None);
        assert_eq!(block(&"x\n".repeat(MAX_LINES + 1)), None);
        assert_eq!(block(&"x".repeat(MAX_LINE + 1)), None);
        assert_eq!(block(&format!("{}\n", "x".repeat(MAX_LINE)).repeat(MAX_LINES)), None);
    }

    #[test]
    fn links_are_an_operators_and_plain() {
        assert_eq!(
            Own::address("https://negawatt.example/cases/1?x=y").unwrap().as_str(),
            "https://negawatt.example/cases/1?x=y"
        );
        for text in
            ["javascript:alert(1)", "https://", "https://a)b", "https://a b", "https://a\n", "ftp://a", "https://u@h"]
        {
            assert!(Own::address(text).is_none(), "{text}");
        }
    }
}
