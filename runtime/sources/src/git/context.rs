//! Which function or section a change is in.
//!
//! Git's own rule takes the nearest line above that begins in the first column: in a class or a module, that is never the
//! function. Here indentation decides, which nearly every language follows: from the first changed line upwards, only
//! lines with less indentation can be around it, and the first of them that looks like a definition names the place.

use std::sync::LazyLock;

use gix::diff::blob::Hunk as Change;
use regex::bytes::Regex;

use super::text::cut;

/// Lines with their line feeds.
pub type Lines<'a> = [&'a [u8]];

/// How far up is looked.
const MAX_LINES_UP: usize = 20_000;

/// How much of a line is looked at and given.
const MAX_CHARS: usize = 200;

/// Words that begin a definition, after what may stand before them.
static KEYWORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x-u)^\s*(?:(?:pub(?:\([^)]*\))?|export|default|async|unsafe|extern(?:\s*\x22[^\x22]*\x22)?|const|static|abstract
            |final|public|private|protected|internal|override|virtual|inline|open|data|sealed|partial|suspend|local|declare)\s+)*
            (?:fn|func|function\*?|def|defp|class|struct|enum|trait|impl|interface|mod|module|namespace|sub|proc|method|object
            |record|protocol|extension|macro_rules!|fun|package|test|describe|it)\b",
    )
    .ok()
});

/// A name with parameters, and a body that opens: functions of C, Java, C# or Go, methods of JavaScript.
static SIGNATURE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)^[\s\w:<>,.*&~\[\]@$?]*[\w$~]\s*\([^;]*$").ok());

/// A function that is given a name: `const f = (a) => {`, `f: function (a) {`, `f := func(a) {`.
static ASSIGNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?-u)[\w$\]]\s*(?::=|=|:)\s*(?:async\s+)?(?:func(?:tion)?\b|\([^()]*\)\s*=>|\w+\s*=>)").ok()
});

/// Headings of Markdown, TOML and INI.
static HEADING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?-u)^(?:#{1,6}\s+\S|\[+[\w.-]+\]+\s*$)").ok());

/// Words that look like a call with a body, and are none.
const CONTROL: [&str; 16] = [
    "if", "else", "for", "foreach", "while", "switch", "match", "catch", "do", "try", "return", "with", "when", "loop",
    "using", "elif",
];

/// The line that names the place of changes that are near each other; empty where nothing does.
pub fn of_changes(before: &Lines<'_>, after: &Lines<'_>, changes: &[Change]) -> String {
    // The new text says where a change is now; lines that were only removed are in the old one.
    let inserted = changes.iter().flat_map(|change| change.after.clone()).map(|at| (after, at as usize));
    let removed = changes.iter().flat_map(|change| change.before.clone()).map(|at| (before, at as usize));
    let place =
        inserted.chain(removed).find(|(lines, at)| lines.get(*at).is_some_and(|line| indentation(line).is_some()));
    place
        .and_then(|(lines, at)| definition(lines, at))
        .map_or_else(String::new, |line| cut(line.trim_ascii(), MAX_CHARS))
}

/// The definition around a line, or the line itself if it is one.
fn definition<'a>(lines: &Lines<'a>, at: usize) -> Option<&'a [u8]> {
    // The line itself may be the definition; what is around it has less indentation.
    let mut outside = indentation(lines.get(at)?)? + 1;
    for line in lines[..=at].iter().rev().take(MAX_LINES_UP) {
        let line = &line[..line.len().min(MAX_CHARS)];
        let Some(depth) = indentation(line).filter(|depth| *depth < outside) else { continue };
        if is_definition(line) {
            return Some(line);
        }
        // A line that begins with a bracket goes on with what begins above it with the same indentation.
        let goes_on = matches!(line.trim_ascii().first(), Some(b'{' | b'}' | b')' | b']'));
        outside = if goes_on { depth + 1 } else { depth };
    }
    // Sections do not indent what is in them.
    let heading = |line: &&&[u8]| HEADING.as_ref().is_some_and(|heading| heading.is_match(line));
    lines[..=at].iter().rev().take(MAX_LINES_UP).find(heading).copied()
}

fn is_definition(line: &[u8]) -> bool {
    let matches = |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(line));
    let text = line.trim_ascii();
    let word = text.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').next().unwrap_or_default();
    let control = CONTROL.iter().any(|control| control.as_bytes() == word);
    // Names with parameters are calls as well: in a body, only those count that open one themselves.
    let in_column_0 = indentation(line) == Some(0);
    let opens = text.ends_with(b"{") || (in_column_0 && matches!(text.last(), Some(b'(' | b',' | b')')));
    !control && (matches(&KEYWORD) || matches(&ASSIGNED) || (opens && matches(&SIGNATURE)))
}

/// The width of a line's indentation, tabs to multiples of 8; `None` for an empty line.
fn indentation(line: &[u8]) -> Option<usize> {
    let mut width = 0;
    for byte in line {
        match byte {
            b' ' => width += 1,
            b'\t' => width = width / 8 * 8 + 8,
            b'\n' | b'\r' => {}
            _ => return Some(width),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The context of the line that ends in `!!`.
    fn context(text: &str) -> String {
        let lines: Vec<&[u8]> = text.as_bytes().split_inclusive(|byte| *byte == b'\n').collect();
        let at = lines.iter().position(|line| line.trim_ascii().ends_with(b"!!")).unwrap() as u32;
        of_changes(&[], &lines, &[Change { before: 0..0, after: at..at + 1 }])
    }

    #[test]
    fn the_patterns_compile() {
        assert!([&KEYWORD, &SIGNATURE, &ASSIGNED, &HEADING].iter().all(|pattern| pattern.is_some()));
    }

    #[test]
    fn functions_of_many_languages() {
        for (text, expected) in [
            (
                "impl Cart {\n    fn total(&self) -> u64 {\n        let a = 1;\n        if a > 0 {\n            x!!\n",
                "fn total(&self) -> u64 {",
            ),
            ("fn a() {\n    one\n}\n\nfn b(\n    x: u8,\n) -> u8 {\n    x!!\n", "fn b("),
            ("fn a() {\n}\n\nconst X: u8 = 1;!!\n", ""),
            (
                "pub(crate) async fn go() {\n    match x {\n        A => {\n            y!!\n",
                "pub(crate) async fn go() {",
            ),
            ("class Cart:\n    def price(self, a):\n        for x in a:\n            y!!\n", "def price(self, a):"),
            ("class Cart:\n    def price(self):\n        pass\n\n    field = 1!!\n", "class Cart:"),
            ("int\nmain(int argc, char **argv)\n{\n\tif (argc > 1)\n\t{\n\t\tx!!\n", "main(int argc, char **argv)"),
            ("class A {\n  public int price(Cart c) {\n    while (true) {\n      x!!\n", "public int price(Cart c) {"),
            ("func (c *Cart) Total() int {\n\treturn x!!\n}\n", "func (c *Cart) Total() int {"),
            ("const total = (cart) => {\n  return x!!\n};\n", "const total = (cart) => {"),
            ("class A {\n  total(cart) {\n    if (cart) {\n      x!!\n", "total(cart) {"),
            ("  it('adds', () => {\n    x!!\n", "it('adds', () => {"),
            ("# Title\n\n## Part\n\ntext!!\n", "## Part"),
            ("[limits]\na = 1!!\n", "[limits]"),
            ("fn new() {!!\n    x\n}\n", "fn new() {!!"),
            ("x!!\n", ""),
        ] {
            assert_eq!(context(text), expected, "{text}");
        }
    }

    #[test]
    fn only_removed_lines_are_looked_for_in_the_old_text() {
        let before: Vec<&[u8]> = vec![b"fn a() {\n", b"    x;\n", b"}\n"];
        let after: Vec<&[u8]> = vec![b"fn a() {\n", b"}\n"];
        assert_eq!(of_changes(&before, &after, &[Change { before: 1..2, after: 1..1 }]), "fn a() {");
        assert_eq!(of_changes(&[b"\n"], &[], &[Change { before: 0..1, after: 0..0 }]), "");
    }
}
