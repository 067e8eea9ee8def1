//! Log calls, as trees show them.

use negawatt_skill::rewrite::{Draft, Language};
use negawatt_skill::tree::Node;
use negawatt_skill::words::words;

/// How important what a call says is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For those who look for a fault, down to every step.
    Trace,
    /// For those who look for a fault.
    Debug,
    /// What happens.
    Info,
    /// What is odd, or wrong: never touched.
    Warn,
}

/// Who logs, as far as the file tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A logger of Python's `logging`.
    Logging,
    /// The crate `log`.
    Log,
    /// The crate `tracing`.
    Tracing,
    /// A `*slog.Logger`.
    Slog,
    /// The functions of the package `log/slog`.
    SlogPackage,
    /// A `*zap.Logger`.
    Zap,
    /// A `*zap.SugaredLogger`.
    ZapSugar,
    /// A `*logrus.Logger`.
    Logrus,
    /// The functions of the package `logrus`.
    LogrusPackage,
    /// Somebody: by its name, it logs.
    Unknown,
}

/// A log call that is a statement of its own.
#[derive(Clone, Copy, Debug)]
pub struct Call<'t> {
    /// The statement.
    pub statement: Node<'t>,
    /// The call, or the macro.
    pub call: Node<'t>,
    /// What it is called on, such as `self.logger`; absent for macros.
    pub receiver: Option<Node<'t>>,
    /// How important it is.
    pub level: Level,
    /// Who logs.
    pub family: Family,
}

/// What methods and macros are called, without what tells how arguments are given.
const LEVELS: [(&str, Level); 13] = [
    ("trace", Level::Trace),
    ("debug", Level::Debug),
    ("info", Level::Info),
    ("print", Level::Info),
    ("warn", Level::Warn),
    ("warning", Level::Warn),
    ("error", Level::Warn),
    ("exception", Level::Warn),
    ("critical", Level::Warn),
    ("fatal", Level::Warn),
    ("panic", Level::Warn),
    ("dpanic", Level::Warn),
    ("severe", Level::Warn),
];
/// The macros of Rust that log.
const MACROS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];
/// Words of what logs.
const LOGGERS: [&str; 7] = ["log", "logger", "logging", "logs", "slog", "sugar", "zap"];

fn level(language: Language, name: &str) -> Option<Level> {
    let lower = match language {
        Language::Go => name.to_ascii_lowercase(),
        _ => name.to_owned(),
    };
    let bare = match language {
        Language::Go => ["context", "ln", "f", "w"].iter().find_map(|suffix| lower.strip_suffix(suffix)),
        _ => None,
    };
    LEVELS.iter().find(|(level, _)| *level == lower || Some(*level) == bare).map(|(_, level)| *level)
}

/// The log call that a node is, where it is a whole statement.
pub fn call<'t>(draft: &Draft<'_>, node: Node<'t>) -> Option<Call<'t>> {
    let language = draft.language();
    let statement = node.parent().filter(|parent| {
        let is_alone = parent.named_children().count() == 1;
        parent.kind() == "expression_statement"
            && is_alone
            && (language != Language::Rust || parent.text().ends_with(';'))
    })?;
    if language == Language::Rust {
        let path = node.child_by_field("macro").filter(|_| node.kind() == "macro_invocation")?;
        let name = path.text().rsplit("::").next().filter(|name| MACROS.contains(name))?;
        let level = level(language, name)?;
        let of = |path: &str| match path.split("::").next() {
            Some("log") => Some(Family::Log),
            Some("tracing") => Some(Family::Tracing),
            _ => None,
        };
        let resolved = draft.imports.resolve(path);
        let family = match resolved.as_deref() {
            Some(path) => of(path)?,
            None if path.kind() == "identifier" => Family::Unknown,
            None => return None,
        };
        return Some(Call { statement, call: node, receiver: None, level, family });
    }
    let function = node.child_by_field("function").filter(|_| language.is_call(node))?;
    let (receiver, name) = match language {
        Language::Python => (function.child_by_field("object")?, function.child_by_field("attribute")?),
        _ => (function.child_by_field("operand")?, function.child_by_field("field")?),
    };
    let level = level(language, name.text())?;
    let family = family(draft, receiver)?;
    Some(Call { statement, call: node, receiver: Some(receiver), level, family })
}

/// Who a receiver is; absent where it does not log.
fn family(draft: &Draft<'_>, receiver: Node<'_>) -> Option<Family> {
    let last = receiver.text().rsplit('.').next().unwrap_or("");
    let logs = words(last.trim_end_matches("()")).any(|word| LOGGERS.contains(&word.as_str()));
    let of_package = match draft.imports.path(receiver.text()) {
        Some("log/slog") => Some(Family::SlogPackage),
        Some("github.com/sirupsen/logrus") => Some(Family::LogrusPackage),
        // `logging.info` sets logging up where nobody has: its first call must come through.
        Some("logging" | "log") => Some(Family::Unknown),
        // Some other library, such as `math`, has functions by these names.
        Some(_) if !logs => return None,
        _ => None,
    };
    of_package.or_else(|| declared(draft, receiver.text())).or(logs.then_some(Family::Unknown))
}

/// Who a variable or field is, by what the file says where it is made or declared; absent where it says nothing, or two things.
fn declared(draft: &Draft<'_>, receiver: &str) -> Option<Family> {
    let language = draft.language();
    let mut found = None;
    for node in draft.tree().root().descendants() {
        let here = match (language, node.kind()) {
            (Language::Python, "assignment") => {
                let (left, right) = (node.child_by_field("left")?, node.child_by_field("right"));
                if left.text() != receiver {
                    continue;
                }
                let made = right.and_then(|right| right.child_by_field("function"));
                let path = made.and_then(|made| draft.imports.resolve(made));
                (path.as_deref() == Some("logging.getLogger")).then_some(Family::Logging)
            }
            (Language::Go, "parameter_declaration" | "field_declaration" | "var_spec") => {
                let last = receiver.rsplit('.').next().unwrap_or("");
                if !node.children().any(|child| child.field() == "name" && child.text() == last) {
                    continue;
                }
                let of = node.child_by_field("type").filter(|of| of.kind() == "pointer_type");
                let path = of.and_then(|of| of.named_children().next()).and_then(|of| draft.imports.resolve(of));
                match path.as_deref() {
                    Some("log/slog.Logger") => Some(Family::Slog),
                    Some("go.uber.org/zap.Logger") => Some(Family::Zap),
                    Some("go.uber.org/zap.SugaredLogger") => Some(Family::ZapSugar),
                    Some("github.com/sirupsen/logrus.Logger") => Some(Family::Logrus),
                    _ => None,
                }
            }
            (Language::Go, "short_var_declaration") => {
                if node.child_by_field("left").is_none_or(|left| left.text() != receiver) {
                    continue;
                }
                let made = node.child_by_field("right").and_then(|right| right.named_children().next());
                let path =
                    made.and_then(|made| made.child_by_field("function")).and_then(|of| draft.imports.resolve(of));
                let is_slog = matches!(path.as_deref(), Some("log/slog.New" | "log/slog.Default" | "log/slog.With"));
                is_slog.then_some(Family::Slog)
            }
            _ => continue,
        };
        if found.is_some_and(|found| Some(found) != here) {
            return None;
        }
        found = Some(here?);
    }
    found
}
