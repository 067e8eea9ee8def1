//! Constructors of what may be made once and shared by all callers, and of what looks so and may not.

use negawatt_skill::rewrite::Language::{self, Go, Python, Rust};

use self::Sharing::{Frozen, Methods, Never};

/// What may be done with a thing that all callers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Anything: nothing that can be done with it changes it.
    Frozen,
    /// These methods, which leave it as it is and may be called by many threads; none of its fields, and it goes nowhere.
    Methods(&'static [&'static str]),
    /// It must not be shared, for a reason that goes into a note.
    Never(&'static str),
}

/// A constructor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Constructor {
    /// The language.
    pub language: Language,
    /// What is called, or in Go the type of what is written out, with its imports.
    pub path: &'static str,
    /// What it makes, as a part of a name.
    pub word: &'static str,
    /// What may be done with it.
    pub sharing: Sharing,
}

const fn one(language: Language, path: &'static str, word: &'static str, sharing: Sharing) -> Constructor {
    Constructor { language, path, word, sharing }
}

/// Cookies and settings of one caller would be those of all.
const SESSION: Sharing =
    Never("it keeps cookies and settings, and is not said to be safe for several threads: give each thread one");
/// Building one at import would fail where the region is not configured yet.
const AWS: Sharing = Never("it reads credentials and the region when it is made: make it where the program starts");

/// All that is known.
///
/// | what | why it may be shared |
/// |---|---|
/// | `regex::Regex`, `RegexSet` | every method takes `&self`; `Sync`; the crate's documentation says to compile once |
/// | `reqwest::Client` | a handle on a pool, `Sync`; its documentation says to create one and reuse it |
/// | `re.compile`, `struct.Struct` | immutable |
/// | `json.JSONEncoder`, `JSONDecoder` | settings alone; coding keeps nothing |
/// | `string.Template` | a text; substituting keeps nothing |
/// | `regexp.MustCompile` | "safe for concurrent use by multiple goroutines, except for configuration methods, such as Longest" |
/// | `strings.NewReplacer` | "safe for concurrent use by multiple goroutines" |
/// | `http.Client` | "Clients should be reused instead of created as needed. Clients are safe for concurrent use" |
pub const ALL: [Constructor; 21] = [
    one(Rust, "regex::Regex::new", "pattern", Frozen),
    one(Rust, "regex::bytes::Regex::new", "pattern", Frozen),
    one(Rust, "regex::RegexSet::new", "patterns", Frozen),
    one(Rust, "reqwest::Client::new", "client", Frozen),
    one(Rust, "reqwest::blocking::Client::new", "client", Frozen),
    one(Python, "re.compile", "pattern", Frozen),
    one(Python, "struct.Struct", "layout", Frozen),
    one(Python, "json.JSONEncoder", "encoder", Methods(&["encode", "iterencode"])),
    one(Python, "json.encoder.JSONEncoder", "encoder", Methods(&["encode", "iterencode"])),
    one(Python, "json.JSONDecoder", "decoder", Methods(&["decode", "raw_decode"])),
    one(Python, "json.decoder.JSONDecoder", "decoder", Methods(&["decode", "raw_decode"])),
    one(Python, "string.Template", "template", Methods(&["substitute", "safe_substitute"])),
    one(Python, "requests.Session", "session", SESSION),
    one(Python, "requests.session", "session", SESSION),
    one(Python, "httpx.Client", "client", SESSION),
    one(Python, "boto3.client", "client", AWS),
    one(Python, "boto3.resource", "resource", AWS),
    one(Go, "regexp.MustCompile", "pattern", Methods(REGEXP)),
    one(Go, "regexp.MustCompilePOSIX", "pattern", Methods(REGEXP)),
    one(Go, "strings.NewReplacer", "replacer", Methods(&["Replace", "WriteString"])),
    one(Go, "net/http.Client", "client", Methods(&["Do", "Get", "Head", "Post", "PostForm"])),
];

/// All methods of Go's patterns but `Longest`, which changes one.
const REGEXP: &[&str] = &[
    "Expand",
    "ExpandString",
    "Find",
    "FindAll",
    "FindAllIndex",
    "FindAllString",
    "FindAllStringIndex",
    "FindAllStringSubmatch",
    "FindAllStringSubmatchIndex",
    "FindAllSubmatch",
    "FindAllSubmatchIndex",
    "FindIndex",
    "FindString",
    "FindStringIndex",
    "FindStringSubmatch",
    "FindStringSubmatchIndex",
    "FindSubmatch",
    "FindSubmatchIndex",
    "LiteralPrefix",
    "Match",
    "MatchReader",
    "MatchString",
    "NumSubexp",
    "ReplaceAll",
    "ReplaceAllFunc",
    "ReplaceAllLiteral",
    "ReplaceAllLiteralString",
    "ReplaceAllString",
    "ReplaceAllStringFunc",
    "Split",
    "String",
    "SubexpIndex",
    "SubexpNames",
];

/// The constructor of a path.
pub fn constructor(language: Language, path: &str) -> Option<&'static Constructor> {
    ALL.iter().find(|one| one.language == language && one.path == path)
}
