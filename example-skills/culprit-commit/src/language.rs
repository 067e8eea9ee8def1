//! What must be known of programming languages to find functions in text: no grammar, only how a line announces a
//! definition, where comments and strings lie, and how blocks end.

/// A family of languages that look alike line by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// Go.
    Go,
    /// JavaScript and TypeScript.
    JavaScript,
    /// Java, Kotlin, Scala, C#.
    Java,
    /// C and C++.
    Cpp,
    /// Ruby.
    Ruby,
    /// PHP.
    Php,
}

impl Language {
    /// By the ending of a path; `None` where it is no known language.
    pub fn of_path(path: &str) -> Option<Language> {
        Some(match path.rsplit_once('.')?.1 {
            "rs" => Language::Rust,
            "py" | "pyx" | "pyi" => Language::Python,
            "go" => Language::Go,
            "js" | "mjs" | "cjs" | "jsx" | "ts" | "tsx" | "mts" => Language::JavaScript,
            "java" | "kt" | "scala" | "cs" => Language::Java,
            "c" | "cc" | "cpp" | "cxx" | "h" | "hh" | "hpp" | "hxx" => Language::Cpp,
            "rb" => Language::Ruby,
            "php" => Language::Php,
            _ => return None,
        })
    }

    /// Whether blocks end by indentation (`end` of Ruby stands at the indentation of its `def`).
    pub fn by_indentation(self) -> bool {
        matches!(self, Language::Python | Language::Ruby)
    }

    fn hash_comments(self) -> bool {
        matches!(self, Language::Python | Language::Ruby | Language::Php)
    }

    fn slash_comments(self) -> bool {
        !matches!(self, Language::Python | Language::Ruby)
    }
}

/// The lines of a text with comments and the insides of strings blanked. What is left is code.
pub fn code_lines(text: &str, language: Language) -> Vec<String> {
    let mut state = State::Code;
    text.lines().map(|line| mask_line(line, language, &mut state)).collect()
}

/// What comments and strings begin with, in any language; `r` that of raw strings.
const MARKS: [u8; 6] = *b"\"'`/#r";

/// What goes on at the end of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Code,
    BlockComment,
    /// Inside of a string that may span lines, and the text that ends it.
    Long(&'static str),
    /// Inside of a raw string of Rust with so many `#`.
    Raw(usize),
}

fn mask_line(line: &str, language: Language, state: &mut State) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(character) = rest.chars().next() {
        let step = match *state {
            State::BlockComment => leave(rest, "*/", false, state),
            State::Long(end) => leave(rest, end, !(language == Language::Go && end == "`"), state),
            State::Raw(hashes) => {
                let closed = rest.starts_with('"') && rest[1..].bytes().take_while(|&b| b == b'#').count() >= hashes;
                if closed {
                    *state = State::Code;
                }
                if closed { 1 + hashes } else { character.len_utf8() }
            }
            State::Code => {
                if (language.slash_comments() && rest.starts_with("//"))
                    || (language.hash_comments() && character == '#')
                {
                    break;
                }
                match enter(rest, language, &out) {
                    Some((length, next)) => {
                        *state = next;
                        out.push(' ');
                        length
                    }
                    // Most text begins neither: what surely does not is taken over at once.
                    None => {
                        let length = character.len_utf8();
                        let mark = rest.bytes().skip(length).position(|byte| MARKS.contains(&byte));
                        let plain = &rest[..mark.map_or(rest.len(), |at| length + at)];
                        out.push_str(plain);
                        plain.len()
                    }
                }
            }
        };
        rest = &rest[step..];
    }
    out
}

/// How many bytes to skip inside of a comment or a string.
fn leave(rest: &str, end: &str, escapes: bool, state: &mut State) -> usize {
    if rest.starts_with(end) {
        *state = State::Code;
        return end.len();
    }
    let mut characters = rest.chars();
    let first = characters.next().map_or(0, char::len_utf8);
    let second = characters.next().map_or(0, char::len_utf8);
    if escapes && rest.starts_with('\\') { first + second } else { first }
}

/// Whether a comment or a string begins here: how many bytes to skip, and what holds after them.
fn enter(rest: &str, language: Language, before: &str) -> Option<(usize, State)> {
    let short = |quote: char| {
        // A string that ends on its line; one that does not is taken as ended with it, so that one mistake stays small.
        let mut escaped = false;
        rest.char_indices().skip(1).find(|&(_, character)| {
            let ends = !escaped && character == quote;
            escaped = !escaped && character == '\\';
            ends
        })
    };
    let whole = |quote: char| short(quote).map_or(rest.len(), |(at, _)| at + 1);
    match language {
        Language::Python if rest.starts_with("\"\"\"") => return Some((3, State::Long("\"\"\""))),
        Language::Python if rest.starts_with("'''") => return Some((3, State::Long("'''"))),
        Language::Go | Language::JavaScript if rest.starts_with('`') => return Some((1, State::Long("`"))),
        Language::Rust if rest.starts_with("r\"") || rest.starts_with("r#") => {
            let hashes = rest[1..].bytes().take_while(|&byte| byte == b'#').count();
            if rest[1 + hashes..].starts_with('"') {
                return Some((2 + hashes, State::Raw(hashes)));
            }
        }
        _ => {}
    }
    if language.slash_comments() && rest.starts_with("/*") {
        return Some((2, State::BlockComment));
    }
    match rest.chars().next()? {
        '"' if language == Language::Rust => Some((1, State::Long("\""))),
        '"' => Some((whole('"'), State::Code)),
        '\'' => match language {
            // A lifetime is no character.
            Language::Rust => short('\'')
                .filter(|&(at, _)| rest[1..].starts_with('\\') || rest[1..at].chars().count() == 1)
                .map(|(at, _)| (at + 1, State::Code)),
            _ => Some((whole('\''), State::Code)),
        },
        // A pattern in JavaScript stands where a value is expected.
        '/' if language == Language::JavaScript
            && before.trim_end().ends_with(['(', '=', ',', ':', '?', '&', '|', '!', '[']) =>
        {
            short('/').map(|(at, _)| (at + 1, State::Code))
        }
        _ => None,
    }
}

/// The words of a line: identifiers and numbers.
pub fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|character: char| !(character.is_alphanumeric() || character == '_')).filter(|word| !word.is_empty())
}

/// How far a line is indented, a tab counting as four.
pub fn indentation(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked() {
        let rust = code_lines(
            "let a = \"}\\\" {\"; // {\nfn f<'a>(c: char) { c == '{' }\n/* {\n} */ let r = r#\"{\"#;",
            Language::Rust,
        );
        assert_eq!(rust, ["let a =  ; ", "fn f<'a>(c: char) { c ==   }", " ", " let r =  ;"]);
        let python = code_lines("x = '#'  # def f():\n\"\"\"\ndef g():\n\"\"\"\ny = 1", Language::Python);
        assert_eq!(python, ["x =    ", " ", "", "", "y = 1"]);
        assert_eq!(
            code_lines("a = /[{]/.test(b) / 2; `{\n}` + c", Language::JavaScript),
            ["a =  .test(b) / 2;  ", " + c"]
        );
        assert_eq!(code_lines("s := `\\`; {", Language::Go), ["s :=  ; {"]);
    }

    #[test]
    fn hostile_text_ends() {
        for text in ["\"", "'", "`", "r#", "r##\"", "/*", "\"\"\"", "'\\", "é'é'é", "\"\\"] {
            for language in [Language::Rust, Language::Python, Language::Go, Language::JavaScript, Language::Cpp] {
                assert_eq!(code_lines(text, language).len(), 1, "{text}");
            }
        }
    }
}
