//! The right answer of a labelled case, as `truth.json` beside its incident says it.

use std::path::{Path, PathBuf};

use negawatt_host::model::Timestamp;
use negawatt_host::time::parse_rfc3339;
use serde::{Deserialize, Deserializer};

use crate::error::CliError;

/// The file with the right answer.
pub const TRUTH: &str = "truth.json";
/// The deepest folder that is looked into for cases.
const MAX_DEPTH: usize = 8;

/// The right answer. What a file does not say is not asked; `null` says that there is nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Truth {
    /// What kind of case it is, for a table by kinds.
    pub scenario: Option<String>,
    /// The right verdict.
    pub verdict: Option<String>,
    /// The right reason of a dismissal.
    pub reason: Option<String>,
    /// When the metric changed: the first observation after it.
    #[serde(default, deserialize_with = "time")]
    pub change_time: Option<Timestamp>,
    /// Who is at fault; `Some(None)` where it is known that nobody is.
    #[serde(default, deserialize_with = "said")]
    pub suspect: Option<Option<Suspect>>,
}

/// Who is at fault.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Named")]
pub struct Suspect {
    /// `commit`, `config`, `experiment` or `service`.
    pub kind: String,
    /// As the investigation names it.
    pub id: String,
    /// Who made the change, where that is known.
    pub author: Option<String>,
}

/// A suspect with everything, or the name of a service alone.
#[derive(Deserialize)]
#[serde(untagged, expecting = "`suspect` is null, the name of a service, or an object with `kind` and `id`")]
enum Named {
    Whole { kind: String, id: String, author: Option<String> },
    Service(String),
}

impl From<Named> for Suspect {
    fn from(named: Named) -> Suspect {
        match named {
            Named::Whole { kind, id, author } => Suspect { kind, id, author },
            Named::Service(id) => Suspect { kind: "service".into(), id, author: None },
        }
    }
}

/// A value that is there, be it null.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    let parse = |text: String| {
        parse_rfc3339(&text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no RFC 3339 time")))
    };
    text.map(parse).transpose()
}

impl Truth {
    /// Reads the truth of a case.
    pub fn read(case: &Path) -> Result<Truth, CliError> {
        let file = case.join(TRUTH);
        let told = |error: String| CliError::bad_input("truth", error).at(file.display());
        let text = std::fs::read_to_string(&file).map_err(|error| told(format!("cannot read the answer: {error}")))?;
        let truth: Truth = serde_json::from_str(&text).map_err(|error| told(error.to_string()))?;
        const VERDICTS: [&str; 4] = ["regression", "opportunity", "dismissed", "inconclusive"];
        const KINDS: [&str; 4] = ["commit", "config", "experiment", "service"];
        let unknown = |what: &str, word: &str, words: &[&str]| {
            told(format!("{word:?} is no {what}")).help(format!("it is one of {}", words.join(", ")))
        };
        if let Some(verdict) = truth.verdict.as_deref().filter(|verdict| !VERDICTS.contains(verdict)) {
            return Err(unknown("verdict", verdict, &VERDICTS));
        }
        let kind = truth.suspect.iter().flatten().map(|suspect| suspect.kind.as_str());
        if let Some(kind) = kind.into_iter().find(|kind| !KINDS.contains(kind)) {
            return Err(unknown("kind of suspect", kind, &KINDS));
        }
        Ok(truth)
    }
}

/// The folders of the labelled cases in a folder, itself included, in the order of their names. What lies in a case is not
/// looked into, and links are not followed.
pub fn cases(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut found = Vec::new();
    look(folder, 0, &mut found)?;
    found.sort();
    if found.is_empty() {
        return Err(CliError::bad_input("eval", format!("there is no labelled case: no folder in it has a {TRUTH}"))
            .at(folder.display())
            .help(format!("a case is a folder with incident.json, negawatt.toml and {TRUTH}")));
    }
    Ok(found)
}

fn look(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), CliError> {
    if folder.join(TRUTH).is_file() {
        found.push(folder.to_owned());
        return Ok(());
    }
    let cannot = |error: std::io::Error| {
        CliError::bad_input("eval", format!("cannot look into the folder: {error}")).at(folder.display())
    };
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        if depth < MAX_DEPTH && entry.file_type().map_err(cannot)?.is_dir() {
            look(&entry.path(), depth + 1, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Truth, CliError> {
        let folder = tempfile::tempdir().expect("there is room");
        std::fs::write(folder.path().join(TRUTH), text).expect("it can be written");
        Truth::read(folder.path())
    }

    #[test]
    fn what_is_not_said_is_not_asked() {
        assert_eq!(read("{}"), Ok(Truth::default()));
        assert_eq!(read(r#"{"suspect": null, "metric": "latency"}"#).map(|truth| truth.suspect), Ok(Some(None)));
    }

    #[test]
    fn a_suspect_is_whole_or_a_service() {
        let suspect = |text: &str| read(text).expect("it is well formed").suspect.flatten().expect("there is one");
        let service = suspect(r#"{"suspect": "cart"}"#);
        assert_eq!((service.kind.as_str(), service.id.as_str()), ("service", "cart"));
        let whole = suspect(r#"{"suspect": {"kind": "commit", "id": "4f1c", "author": "Ada <ada@example.com>"}}"#);
        assert_eq!(whole.author.as_deref(), Some("Ada <ada@example.com>"));
    }

    #[test]
    fn errors_name_the_file_and_the_value() {
        for (text, part) in [
            (r#"{"verdict": "guilty"}"#, "guilty"),
            (r#"{"change_time": "yesterday"}"#, "yesterday"),
            (r#"{"suspect": 3}"#, "the name of a service"),
            (r#"{"suspect": {"kind": "person", "id": "x"}}"#, "person"),
            ("[", "EOF"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.message.contains(part), "{error:?}");
            assert!(error.place.as_deref().is_some_and(|place| place.ends_with(TRUTH)));
        }
    }

    #[test]
    fn cases_are_found_below_and_not_within_each_other() {
        let folder = tempfile::tempdir().expect("there is room");
        for case in ["b/2", "a", "a/inner"] {
            std::fs::create_dir_all(folder.path().join(case)).expect("it can be made");
            std::fs::write(folder.path().join(case).join(TRUTH), "{}").expect("it can be written");
        }
        let found = cases(folder.path()).expect("there are some");
        assert_eq!(found, [folder.path().join("a"), folder.path().join("b/2")]);
        let error = cases(&folder.path().join("nowhere")).expect_err("there is none");
        assert_eq!(error.code, "eval");
    }
}
