//! `SKILL.md`: the Agent Skills format, with our own facts under `metadata`.
//!
//! Source of the format: <https://agentskills.io/specification>.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use semver::Version;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::names::{Kind, Tool};

/// The greatest length of a `SKILL.md`.
pub const MAX_MANIFEST_BYTES: usize = 256 * 1024;

/// What `SKILL.md` says of a skill. What it says of tools is never trusted: see the component's imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The skill's name, equal to that of its folder.
    pub name: String,
    /// What it does, and when to use it.
    pub description: String,
    /// The licence, as an SPDX expression.
    pub license: Option<String>,
    /// What it needs, for people.
    pub compatibility: Option<String>,
    /// The version, equal to the component's.
    pub version: Version,
    /// Kinds of evidence that must all be on the board; may be empty.
    pub consumes: Vec<Kind>,
    /// Kinds that are shown too where they are present.
    pub reads: Vec<Kind>,
    /// Kinds that it may return.
    pub produces: Vec<Kind>,
    /// Tools that it says it imports.
    pub tools: Vec<Tool>,
    /// Other keys of `metadata`.
    pub metadata: BTreeMap<String, String>,
    /// The expert's guidance for a model, as Markdown.
    pub body: String,
    /// The whole text.
    pub text: String,
}

/// Why a text is no `SKILL.md` of a Negawatt skill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The frontmatter's lines are not there.
    #[error("SKILL.md must begin with a line `---`, then frontmatter in YAML, then a line `---`")]
    NoFrontmatter,
    /// The text is too long.
    #[error("SKILL.md has {0} bytes; at most {MAX_MANIFEST_BYTES} are read")]
    TooLong(usize),
    /// The frontmatter is not what the format says.
    #[error("SKILL.md: {0}")]
    Yaml(String),
    /// A value is not what it should be.
    #[error("SKILL.md, key `{key}`: {problem}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frontmatter {
    name: String,
    description: String,
    license: Option<String>,
    compatibility: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(rename = "allowed-tools")]
    _allowed_tools: Option<String>,
}

impl Manifest {
    /// Reads a `SKILL.md`.
    pub fn parse(text: &str) -> Result<Manifest, ManifestError> {
        if text.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLong(text.len()));
        }
        let (yaml, body) = split(text).ok_or(ManifestError::NoFrontmatter)?;
        let front: Frontmatter = from_yaml(yaml)?;
        let mut metadata = front.metadata;
        check("name", is_skill_name(&front.name), NAME_RULE)?;
        let described = (1..=1024).contains(&front.description.chars().count());
        check("description", described, "must have 1 to 1024 characters")?;
        let fits = front.compatibility.as_ref().is_none_or(|text| (1..=500).contains(&text.chars().count()));
        check("compatibility", fits, "must have 1 to 500 characters")?;
        let manifest = Manifest {
            version: one(&mut metadata, "negawatt.version")?,
            consumes: list(&mut metadata, "negawatt.consumes")?,
            reads: list(&mut metadata, "negawatt.reads")?,
            produces: list(&mut metadata, "negawatt.produces")?,
            tools: list(&mut metadata, "negawatt.tools")?,
            name: front.name,
            description: front.description,
            license: front.license,
            compatibility: front.compatibility,
            metadata,
            body: body.to_owned(),
            text: text.to_owned(),
        };
        check("negawatt.produces", !manifest.produces.is_empty(), "must name at least one kind of evidence")?;
        if let Some(key) = manifest.metadata.keys().find(|key| key.starts_with("negawatt.")) {
            let known = "negawatt.version, negawatt.consumes, negawatt.reads, negawatt.produces, negawatt.tools";
            return Err(value(key, &format!("is not a key of Negawatt; there are: {known}")));
        }
        Ok(manifest)
    }

    /// The whole frontmatter, with every key and value that its author wrote.
    pub fn frontmatter<T: DeserializeOwned>(&self) -> Result<T, ManifestError> {
        let (yaml, _) = split(&self.text).ok_or(ManifestError::NoFrontmatter)?;
        from_yaml(yaml)
    }

    /// `name@version`, as evidence and plans name a skill.
    pub fn id(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

const NAME_RULE: &str =
    "must have 1 to 64 lower-case letters, digits and single hyphens, and neither begin nor end with a hyphen";

/// Whether a name fits the Agent Skills format.
fn is_skill_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

fn from_yaml<T: DeserializeOwned>(yaml: &str) -> Result<T, ManifestError> {
    // Without anchors no text can stand for another, and nothing grows when it is read.
    let options = serde_saphyr::options! { budget: serde_saphyr::budget! { max_anchors: 0 } };
    serde_saphyr::from_str_with_options(yaml, options).map_err(|error| ManifestError::Yaml(error.to_string()))
}

/// The frontmatter and the body.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n"))?;
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Some((&rest[..at], rest[at + line.len()..].trim_start_matches(['\r', '\n'])));
        }
        at += line.len();
    }
    None
}

fn value(key: &str, problem: &str) -> ManifestError {
    ManifestError::Value { key: key.to_owned(), problem: problem.to_owned() }
}

fn check(key: &str, right: bool, problem: &str) -> Result<(), ManifestError> {
    if right { Ok(()) } else { Err(value(key, problem)) }
}

fn one<T: FromStr<Err: Display>>(metadata: &mut BTreeMap<String, String>, key: &str) -> Result<T, ManifestError> {
    let text = metadata.remove(key).ok_or_else(|| value(key, "is missing under `metadata`"))?;
    text.parse().map_err(|error| value(key, &format!("`{text}`: {error}")))
}

/// Names separated by blanks.
fn list<T: FromStr<Err: Display>>(metadata: &mut BTreeMap<String, String>, key: &str) -> Result<Vec<T>, ManifestError> {
    let text = metadata.remove(key).ok_or_else(|| value(key, "is missing under `metadata`; it may be \"\""))?;
    text.split_whitespace().map(|name| name.parse().map_err(|error: T::Err| value(key, &error.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "---\nname: gc-pause\ndescription: Finds pauses.\nlicense: MIT\nmetadata:\n  \
        negawatt.consumes: \"change-point\"\n  negawatt.reads: \"\"\n  negawatt.produces: \"suspect acme.gc-pause\"\n  \
        negawatt.tools: \"metrics changes\"\n  negawatt.version: \"0.3.0\"\n  author: Ada\n---\n\n# Guidance\n";

    #[test]
    fn reads_what_is_there() {
        let manifest = Manifest::parse(GOOD).unwrap();
        assert_eq!(manifest.id(), "gc-pause@0.3.0");
        assert_eq!(manifest.consumes, [Kind::ChangePoint]);
        assert!(manifest.reads.is_empty());
        assert_eq!(manifest.produces, [Kind::Suspect, Kind::Other("acme.gc-pause".into())]);
        assert_eq!(manifest.tools, [Tool::Metrics, Tool::Changes]);
        assert_eq!(manifest.metadata["author"], "Ada");
        assert_eq!(manifest.body, "# Guidance\n");
        let front: BTreeMap<String, serde::de::IgnoredAny> = manifest.frontmatter().unwrap();
        assert_eq!(front.keys().collect::<Vec<_>>(), ["description", "license", "metadata", "name"]);
    }

    #[test]
    fn says_which_key_is_wrong() {
        for (from, to, key) in [
            ("gc-pause\nd", "GC\nd", "name"),
            ("metrics changes", "metrics chagnes", "negawatt.tools"),
            ("0.3.0", "three", "negawatt.version"),
            ("negawatt.reads", "negawatt.read", "negawatt.reads"),
            ("  author", "  negawatt.author", "negawatt.author"),
            ("suspect acme.gc-pause", "", "negawatt.produces"),
        ] {
            let error = Manifest::parse(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(matches!(&error, ManifestError::Value { key: wrong, .. } if wrong == key), "{from}: {error}");
        }
    }

    #[test]
    fn no_text_stands_for_another() {
        let long = "x".repeat(1000);
        let aliases: String = (0..50).map(|n| format!("  b{n}: *a\n")).collect();
        let bomb = GOOD.replacen("  author: Ada\n", &format!("  a: &a {long}\n{aliases}"), 1);
        let error = Manifest::parse(&bomb).unwrap_err();
        assert!(matches!(&error, ManifestError::Yaml(text) if text.contains("anchor")), "{error}");
        let written_out = GOOD.replacen("  author: Ada\n", &format!("  a: \"&a {long}\"\n"), 1);
        assert_eq!(Manifest::parse(&written_out).unwrap().metadata["a"].len(), 1003);
    }

    #[test]
    fn refuses_what_is_no_frontmatter() {
        assert_eq!(Manifest::parse("# Title"), Err(ManifestError::NoFrontmatter));
        assert_eq!(Manifest::parse("---\nname: x\n"), Err(ManifestError::NoFrontmatter));
        assert!(matches!(Manifest::parse("---\nname: [\n---\n"), Err(ManifestError::Yaml(_))));
        assert!(matches!(Manifest::parse(&GOOD.replace("license", "licence")), Err(ManifestError::Yaml(_))));
        assert!(matches!(Manifest::parse(&" ".repeat(MAX_MANIFEST_BYTES + 1)), Err(ManifestError::TooLong(_))));
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut yaml = String::from("---\nname: x\ndescription: x\nmetadata:\n  a0: &a0 \"xxxxxxxxxx\"\n");
        for n in 1..30 {
            let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
            yaml += &format!("  a{n}: &a{n} [{aliases}]\n");
        }
        assert!(matches!(Manifest::parse(&(yaml + "---\n")), Err(ManifestError::Yaml(_))));
    }
}
