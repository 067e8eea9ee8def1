//! What a commit does to definitions of messages: in files of schemas, and to types that are serialised as they are written.

use negawatt_skill::changes::{ChangeKind, FileDiff, Hunk};
use negawatt_skill::commits::serves;
use negawatt_skill::diff::{Around, Sign, around, indentation, lines};

/// What a file defines messages in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A language for nothing else, by its name.
    Schema(&'static str),
    /// Changes of a database's tables.
    Migration,
    /// A language for programs, whose types may be serialised.
    Program,
}

/// What a file by its path may define messages in; absent where it cannot.
pub fn language(path: &str) -> Option<Language> {
    if !serves(path) {
        return None;
    }
    let lower = path.to_ascii_lowercase();
    let (folders, file) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let (stem, extension) = file.rsplit_once('.')?;
    let is_migration = folders.split('/').any(|folder| ["migrations", "migrate", "migration"].contains(&folder));
    let is_api = stem.contains("openapi") || stem.contains("swagger");
    match extension {
        "proto" => Some(Language::Schema("Protocol Buffers")),
        "thrift" => Some(Language::Schema("Thrift")),
        "avsc" | "avdl" => Some(Language::Schema("Avro")),
        "fbs" => Some(Language::Schema("FlatBuffers")),
        "capnp" => Some(Language::Schema("Cap'n Proto")),
        "graphql" | "gql" | "graphqls" => Some(Language::Schema("GraphQL")),
        "xsd" => Some(Language::Schema("XML Schema")),
        "yaml" | "yml" | "json" if is_api => Some(Language::Schema("OpenAPI")),
        "json" if stem.ends_with(".schema") => Some(Language::Schema("JSON Schema")),
        "sql" if is_migration || stem.contains("schema") => Some(Language::Migration),
        "py" | "rb" | "php" | "js" | "ts" if is_migration => Some(Language::Migration),
        // Written by a tool from a schema: that changed in the same commit, or nothing did.
        _ if [".pb.go", "_pb2.py", ".pb.cc", ".pb.h", ".g.cs"].iter().any(|end| file.ends_with(end)) => None,
        "rs" | "go" | "java" | "kt" | "py" | "ts" | "cs" | "cc" | "cpp" | "h" | "hpp" | "scala" | "swift" => {
            Some(Language::Program)
        }
        _ => None,
    }
}

/// What happened to definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Something is new: there is more to serialise.
    Grows,
    /// Something is another than it was.
    Alters,
    /// There is only less.
    Shrinks,
    /// Only comments and blank lines differ.
    Nothing,
}

/// Definitions that the diff of one file touches.
#[derive(Clone, Debug, PartialEq)]
pub struct Touched {
    /// The file.
    pub path: String,
    /// What it is written in.
    pub language: Language,
    /// What happened to them.
    pub effect: Effect,
    /// Names of definitions whose lines changed, and of what the new lines refer to, which counts less; each once.
    pub names: Vec<(String, f64)>,
}

/// Names that are kept of one file.
const MOST_NAMES: usize = 40;
/// Changed lines of one file that are looked at.
const MOST_LINES: usize = 1_000;
/// Changed lines of one stretch that are looked at to say whether the whole file is needed.
const MOST_LOOKED_AT: usize = 100;
/// Bytes of a line that are looked at: more are data.
const LONGEST_LINE: usize = 500;
/// What a name counts that a new line refers to.
const REFERRED: f64 = 0.5;

/// What a diff does to definitions of messages; absent where it touches none. `text` is the file after the commit, where it was read.
pub fn touched(diff: &FileDiff, text: Option<&str>) -> Option<Touched> {
    let path = &diff.file.path;
    let language = language(path)?;
    if diff.file.kind == ChangeKind::Renamed && diff.file.added == 0 && diff.file.removed == 0 {
        return None;
    }
    let mut found = Found { path, language, ..Found::default() };
    let file: Vec<&str> = text.map(|text| text.lines().collect()).unwrap_or_default();
    for hunk in &diff.hunks {
        found.hunk(hunk, &file);
    }
    if diff.hunks.is_empty() && language != Language::Program {
        // Too large or binary: that it changed is all that is known.
        found.any = true;
        (found.added, found.removed) = (diff.file.added as usize, diff.file.removed as usize);
    }
    let effect = match (found.added, found.removed) {
        (0, 0) => Effect::Nothing,
        (0, _) => Effect::Shrinks,
        (added, removed) if added > removed => Effect::Grows,
        _ => Effect::Alters,
    };
    found.any.then(|| Touched { path: path.clone(), language, effect, names: found.names })
}

/// Whether only the whole file shows which definitions the diff touches: of a program, whether it is one of a type that is serialised;
/// of a schema, what stands around lines that begin further in.
pub fn needs_text(diff: &FileDiff) -> bool {
    let path = &diff.file.path;
    let Some(language) = language(path) else { return false };
    let is_unclear = |hunk: &Hunk| {
        let side = side(hunk, Sign::Added);
        let all: Vec<&str> = side.iter().map(|(text, _)| *text).collect();
        let is_unclear = |at: usize| {
            let around = around(path, &all, at, &hunk.context);
            let is_alone = around.function.is_none() && (language == Language::Program || around.blocks.is_empty());
            is_alone && indentation(all[at]) > 0
        };
        let changed = side.iter().enumerate().filter(|(_, (text, changed))| *changed && is_field(text));
        changed.take(MOST_LOOKED_AT).any(|(at, _)| is_unclear(at))
    };
    let is_known = language == Language::Program && touched(diff, None).is_some();
    !is_known && diff.hunks.iter().any(is_unclear)
}

struct Found<'a> {
    path: &'a str,
    language: Language,
    any: bool,
    added: usize,
    removed: usize,
    seen: usize,
    names: Vec<(String, f64)>,
}

impl Default for Found<'_> {
    fn default() -> Self {
        Found { path: "", language: Language::Program, any: false, added: 0, removed: 0, seen: 0, names: Vec::new() }
    }
}

impl Found<'_> {
    fn hunk(&mut self, hunk: &Hunk, file: &[&str]) {
        for sign in [Sign::Added, Sign::Removed] {
            let side = side(hunk, sign);
            let shown: Vec<&str> = side.iter().map(|(text, _)| *text).collect();
            // Of a program's type the whole file says more, where the lines are those of the file.
            let first = (hunk.new_start as usize).saturating_sub(1);
            let is_in_file = sign == Sign::Added && file.get(first).is_some_and(|line| Some(line) == shown.first());
            let (all, offset) = if is_in_file { (file, first) } else { (shown.as_slice(), 0) };
            // What follows a line at the same depth stands in the same blocks.
            let mut last: Option<(usize, usize, Around<'_>)> = None;
            for (at, (text, changed)) in side.iter().enumerate() {
                if *changed && self.seen < MOST_LINES {
                    self.seen += 1;
                    let depth = indentation(text);
                    let around = match last.take() {
                        Some((before, same, known)) if before + 1 == at && same == depth => known,
                        _ => around(self.path, all, at + offset, &hunk.context),
                    };
                    self.line(text, &around, all, at + offset, hunk, sign);
                    last = Some((at, depth, around));
                }
            }
        }
    }

    fn line(&mut self, text: &str, around: &Around<'_>, all: &[&str], at: usize, hunk: &Hunk, sign: Sign) {
        let code = without_comment(text);
        if self.language == Language::Program {
            // A field of a type that says how it is serialised; never a line of a function.
            let holder = around.blocks.iter().copied().chain([text]).find_map(type_name);
            let Some(name) = holder.filter(|_| around.function.is_none() && is_field(code)) else { return };
            let near = all.get(at.saturating_sub(REACH)..all.len().min(at + REACH)).unwrap_or_default();
            if !near.iter().copied().chain([hunk.context.as_str()]).any(is_tag) {
                return;
            }
            self.any = true;
            self.name(name, 1.0);
        } else {
            self.any = true;
            if code.is_empty() {
                return;
            }
            let outer = around.blocks.iter().copied().chain(around.function);
            outer.filter(|line| line.len() <= LONGEST_LINE).for_each(|line| self.names_of(line, 1.0));
            self.names_of(code, if type_name(code).is_some() { 1.0 } else { REFERRED });
        }
        if code.is_empty() {
            return;
        }
        if sign == Sign::Added { self.added += 1 } else { self.removed += 1 }
    }

    /// The names in a line of a schema.
    fn names_of(&mut self, line: &str, counts: f64) {
        let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).filter(|word| word.len() > 2);
        let names = words.filter(|word| !KEYWORDS.contains(&word.to_ascii_lowercase().as_str()));
        // What a definition refers to is a name of its own: lower-case words are fields and basic types.
        let counts_as_name = |word: &&str| counts == 1.0 || word.starts_with(char::is_uppercase);
        names.filter(counts_as_name).for_each(|name| self.name(name, counts));
    }

    fn name(&mut self, name: &str, counts: f64) {
        let has_room = self.names.len() < MOST_NAMES && name.len() <= LONGEST_LINE;
        match self.names.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = known.max(counts),
            None if has_room => self.names.push((name.to_owned(), counts)),
            None => {}
        }
    }
}

/// Lines on either side in which a tag makes a type a message.
const REACH: usize = 12;

/// Words of schemas that name nothing.
const KEYWORDS: [&str; 34] = [
    "add",
    "alter",
    "column",
    "components",
    "create",
    "drop",
    "enum",
    "exists",
    "extend",
    "extends",
    "fields",
    "implements",
    "input",
    "interface",
    "message",
    "name",
    "not",
    "null",
    "oneof",
    "optional",
    "properties",
    "record",
    "repeated",
    "required",
    "rpc",
    "returns",
    "schemas",
    "service",
    "struct",
    "table",
    "type",
    "union",
    "rename",
    "items",
];

/// How types say that they are serialised: derives, tags and bases.
const TAGS: [&str; 22] = [
    "Serialize",
    "Deserialize",
    "#[serde",
    "#[prost",
    "json:\"",
    "protobuf:\"",
    "msgpack:\"",
    "bson:\"",
    "yaml:\"",
    "@JsonProperty",
    "@JsonInclude",
    "@SerializedName",
    "@Serializable",
    "@XmlElement",
    "[JsonProperty",
    "[DataMember",
    "[ProtoMember",
    "BaseModel",
    "Marshmallow",
    "DataClassJsonMixin",
    "TypedDict",
    "Codable",
];

fn is_tag(line: &str) -> bool {
    line.len() <= LONGEST_LINE && TAGS.iter().any(|tag| line.contains(tag))
}

/// One side of a hunk: its lines, and whether they changed.
fn side(hunk: &Hunk, changed: Sign) -> Vec<(&str, bool)> {
    let of_side = lines(hunk).filter(|line| line.sign == Sign::Kept || line.sign == changed);
    of_side.map(|line| (line.text, line.sign == changed)).collect()
}

/// A line without its comment; empty for nothing but one. What follows a `//` in a string is lost, which changes no name.
fn without_comment(line: &str) -> &str {
    let text = line.trim();
    let is_comment = ["//", "/*", "* ", "*/", "--", "<!--", "\"\"\""].iter().any(|mark| text.starts_with(mark))
        || text == "*"
        || (text.starts_with('#') && !text.starts_with("#["));
    let cut = if text.len() > LONGEST_LINE { "" } else { text };
    if is_comment { "" } else { cut.split(" //").next().unwrap_or("").trim() }
}

/// Whether a line declares something: `name: Type`, `Type name;`, `Name Type`.
fn is_field(line: &str) -> bool {
    let text = without_comment(line);
    text.chars().filter(|c| c.is_alphanumeric()).count() > 2 && !text.starts_with("#[") && !text.starts_with('@')
}

/// The type that a line begins to define.
fn type_name(line: &str) -> Option<&str> {
    const BEGIN: [&str; 8] = ["struct", "class", "record", "message", "table", "type", "interface", "input"];
    if line.len() > LONGEST_LINE {
        return None;
    }
    let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    // SQL is written in capitals as well.
    let is_in_capitals = |word: &str| word.bytes().all(|byte| byte.is_ascii_uppercase());
    let begins = |begin: &str, word: &str| begin == word || begin.eq_ignore_ascii_case(word) && is_in_capitals(word);
    words.by_ref().find(|word| BEGIN.iter().any(|begin| begins(begin, word)))?;
    words.next().filter(|name| name.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
