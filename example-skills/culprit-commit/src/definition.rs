//! Lines that announce a definition.

use crate::language::{Language, indentation, words};

/// What is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something that runs.
    Function,
    /// A type, a module or a namespace: something that holds functions.
    Type,
    /// A value with a name, outside of functions.
    Constant,
}

/// A definition in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The definitions around it, the outermost first; methods defined outside of their type bear its name here.
    pub containers: Vec<String>,
    /// Its first line, from 0.
    pub first: usize,
    /// Its last line.
    pub last: usize,
    /// Whether it stands among tests.
    pub test: bool,
    /// The names that it mentions, as far as known.
    pub mentions: Vec<String>,
}

/// What a line announces.
#[derive(Debug, PartialEq, Eq)]
pub struct Announced {
    /// What.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The type that it is a method of, where the line says so.
    pub receiver: Option<String>,
}

fn plain(kind: Kind, name: &str) -> Option<Announced> {
    let starts_well = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
    starts_well.then(|| Announced { kind, name: name.to_owned(), receiver: None })
}

/// Words that are followed by a parenthesis and are no function's name.
const NOT_NAMES: [&str; 26] = [
    "if",
    "for",
    "while",
    "switch",
    "catch",
    "return",
    "new",
    "else",
    "throw",
    "synchronized",
    "super",
    "this",
    "sizeof",
    "do",
    "try",
    "assert",
    "await",
    "typeof",
    "function",
    "yield",
    "when",
    "using",
    "lock",
    "foreach",
    "delete",
    "case",
];

/// What a line of code (comments and strings blanked) announces, if anything.
pub fn announced(line: &str, language: Language) -> Option<Announced> {
    match language {
        Language::Rust => rust(line),
        Language::Python => python(line),
        Language::Go => go(line),
        Language::JavaScript => javascript(line),
        Language::Java => java(line),
        Language::Cpp => cpp(line),
        Language::Ruby => ruby(line),
        Language::Php => keyword(line, &["function"], Kind::Function)
            .or_else(|| keyword(line, &["class", "trait", "interface"], Kind::Type)),
    }
}

/// A name after a keyword, with nothing but words before it.
fn keyword(line: &str, keywords: &[&str], kind: Kind) -> Option<Announced> {
    let mut before = line.split_whitespace();
    while let Some(word) = before.next() {
        if keywords.contains(&word) {
            return plain(kind, words(before.next()?).next()?);
        }
        let simple = word.chars().all(|c| c.is_alphanumeric() || "_()@#:\"".contains(c));
        if !simple {
            return None;
        }
    }
    None
}

fn rust(line: &str) -> Option<Announced> {
    let head = line.trim_start();
    if head.starts_with("impl") && !head[4..].starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        let rest = skip_angles(head[4..].trim_start());
        let target = rest.split(" for ").last()?.trim_start_matches(['&', ' ', '(']);
        let target = target.strip_prefix("mut ").or_else(|| target.strip_prefix("dyn ")).unwrap_or(target);
        let path = target.split(['<', '{', ' ']).next()?;
        return plain(Kind::Type, path.rsplit("::").next()?);
    }
    if let Some(name) = head.strip_prefix("macro_rules!") {
        return plain(Kind::Function, words(name).next()?);
    }
    keyword(line, &["fn"], Kind::Function)
        .or_else(|| keyword(line, &["mod", "trait", "struct", "enum", "union"], Kind::Type))
        .or_else(|| match head.strip_prefix("pub").map_or(head, after_visibility) {
            item if item.starts_with("const ") || item.starts_with("static ") => {
                plain(Kind::Constant, words(item).skip(1).find(|&word| word != "mut")?)
            }
            _ => None,
        })
}

fn after_visibility(rest: &str) -> &str {
    let rest = rest.trim_start();
    if rest.starts_with('(') { rest.split_once(')').map_or(rest, |(_, rest)| rest.trim_start()) } else { rest }
}

fn skip_angles(text: &str) -> &str {
    if !text.starts_with('<') {
        return text;
    }
    let mut depth = 0usize;
    for (at, character) in text.char_indices() {
        match character {
            '<' => depth += 1,
            '>' if !text[..at].ends_with('-') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return text[at + 1..].trim_start();
        }
    }
    text
}

fn python(line: &str) -> Option<Announced> {
    keyword(line, &["def", "cdef", "cpdef"], Kind::Function)
        .filter(|_| line.contains('('))
        .or_else(|| line.trim_start().starts_with("class ").then(|| keyword(line, &["class"], Kind::Type)).flatten())
        .or_else(|| module_value(line))
}

/// `NAME = …` at the left margin.
fn module_value(line: &str) -> Option<Announced> {
    let (name, rest) = line.split_once('=')?;
    let name = name.split(':').next()?.trim_end();
    let whole = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (whole && !rest.starts_with('=') && indentation(line) == 0).then(|| plain(Kind::Constant, name)).flatten()
}

fn go(line: &str) -> Option<Announced> {
    if let Some(rest) = line.strip_prefix("func ") {
        if let Some(method) = rest.strip_prefix('(') {
            let (receiver, rest) = method.split_once(')')?;
            let receiver = receiver.split('[').next().and_then(|receiver| words(receiver).last());
            let mut found = plain(Kind::Function, words(rest).next()?)?;
            found.receiver = receiver.map(str::to_owned);
            return Some(found);
        }
        return plain(Kind::Function, words(rest).next()?);
    }
    let mut parts = words(line);
    match parts.next()? {
        "type" if !line.starts_with(' ') => plain(Kind::Type, parts.next()?),
        "var" | "const" if indentation(line) == 0 && !line.contains('(') || line.starts_with("var ") => {
            plain(Kind::Constant, parts.next()?)
        }
        _ => None,
    }
}

fn javascript(line: &str) -> Option<Announced> {
    let head = line.trim_start();
    if let Some(found) = keyword(line, &["function", "function*"], Kind::Function).filter(|_| line.contains('(')) {
        return Some(found);
    }
    if let Some(found) = keyword(line, &["class", "namespace"], Kind::Type) {
        return Some(found);
    }
    if let Some((left, value)) = head.split_once(" = ") {
        let left = left.split(':').next()?;
        let name = words(left).last()?;
        let declared = ["const ", "let ", "var ", "export "].iter().any(|word| left.starts_with(word));
        if runs(value) {
            return plain(Kind::Function, name);
        }
        return (declared && indentation(line) == 0).then(|| plain(Kind::Constant, name)).flatten();
    }
    if let Some((left, value)) = head.split_once(": ")
        && runs(value)
        && left.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
    {
        return plain(Kind::Function, left);
    }
    // A method: `[async] name(…) {`.
    const MODIFIERS: [&str; 8] = ["async", "static", "get", "set", "public", "private", "protected", "override"];
    let (left, _) = head.split_once('(')?;
    let simple = left.chars().all(|c| c.is_alphanumeric() || "_$#* ".contains(c));
    let (name, modifiers) = words(left).collect::<Vec<_>>().split_last().map(|(name, rest)| (*name, rest.to_vec()))?;
    let method = simple && line.trim_end().ends_with('{') && !NOT_NAMES.contains(&name);
    (method && modifiers.iter().all(|word| MODIFIERS.contains(word))).then(|| plain(Kind::Function, name)).flatten()
}

/// Whether a value in JavaScript is a function, rather than a call that is given one.
fn runs(value: &str) -> bool {
    let value = value.trim_start();
    let value = value.strip_prefix("async ").map_or(value, str::trim_start);
    let Some((parameters, _)) = value.split_once("=>") else { return value.starts_with("function") };
    let named = |text: &str| text.trim().chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
    value.starts_with("function") || parameters.starts_with('(') || named(parameters)
}

fn java(line: &str) -> Option<Announced> {
    let kinds = ["class", "interface", "enum", "record", "object", "namespace", "struct", "trait"];
    if let Some(found) = keyword(line, &kinds, Kind::Type) {
        return Some(found);
    }
    if let Some(found) = keyword(line, &["fun", "def"], Kind::Function) {
        return Some(found);
    }
    if let Some((left, _)) = line.split_once('=')
        && (left.contains("static ") || left.contains("const ") || left.contains("readonly "))
        && !left.contains('(')
    {
        return plain(Kind::Constant, words(left).last()?);
    }
    method(line, false)
}

fn cpp(line: &str) -> Option<Announced> {
    if let Some(rest) = line.trim_start().strip_prefix("#define ") {
        return plain(Kind::Constant, words(rest).next()?);
    }
    if !line.contains(['(', ';'])
        && let Some(found) = keyword(line, &["class", "struct", "namespace", "union"], Kind::Type)
    {
        return Some(found);
    }
    if let Some((left, _)) = line.split_once('=')
        && ["const ", "constexpr ", "static "].iter().any(|word| left.starts_with(word))
        && !left.contains('(')
    {
        return plain(Kind::Constant, words(left.split('[').next()?).last()?);
    }
    method(line, true)
}

/// `Type name(…` as Java and C++ have it; `qualified` allows `Class::name` and a margin of functions without modifiers.
fn method(line: &str, qualified: bool) -> Option<Announced> {
    let (left, rest) = line.split_once('(')?;
    if left.contains(['=', '.', '{', '}', '?', '!', '+', '|', '"', ';']) || line.trim_end().ends_with(';') {
        return None;
    }
    let left = left.trim();
    let path = left.rsplit(|c: char| c.is_whitespace() || c == '*' || c == '&').next()?;
    let name = path.rsplit("::").next()?.trim_start_matches('~');
    let first = words(left).next()?;
    let constructs = path == left;
    if NOT_NAMES.contains(&name) || NOT_NAMES.contains(&first) || left.contains(',') && !left.contains('<') {
        return None;
    }
    // Without a type it is a constructor, if a block follows, or else a call.
    if constructs && !(path.contains("::") || rest.trim_end().ends_with('{') && (qualified || indentation(line) > 0)) {
        return None;
    }
    let mut found = plain(Kind::Function, name)?;
    let owners = path.strip_suffix(name).map(|owners| owners.trim_end_matches(['~', ':']));
    found.receiver =
        owners.filter(|owners| qualified && !owners.is_empty()).and_then(|o| words(o).last()).map(str::to_owned);
    Some(found)
}

fn ruby(line: &str) -> Option<Announced> {
    let head = line.trim_start();
    if let Some(rest) = head.strip_prefix("def ") {
        let rest = rest.strip_prefix("self.").unwrap_or(rest);
        return plain(Kind::Function, words(rest).next()?);
    }
    let kind = ["class ", "module "].iter().find_map(|word| head.strip_prefix(word));
    kind.map_or_else(|| module_value(line), |rest| plain(Kind::Type, words(rest.split('<').next()?).last()?))
}
