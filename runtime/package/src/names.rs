//! The names of tools and of kinds of evidence, as `SKILL.md` and `negawatt.toml` write them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A name that is not one of ours, with those that are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {what} `{name}`; there are: {known}")]
pub struct UnknownName {
    what: &'static str,
    name: String,
    known: String,
}

/// An interface of the host that a skill may import, and that a grant may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// Time series.
    Metrics,
    /// Where CPU time goes.
    Profiles,
    /// What changed in the code.
    Changes,
    /// What changed in settings.
    Configs,
    /// What was tried out.
    Experiments,
    /// The code itself.
    Code,
    /// What was written down.
    Docs,
    /// Who calls whom.
    Topology,
    /// Resolved cases.
    Precedents,
    /// A language model.
    Model,
    /// Tools of other servers.
    Mcp,
    /// Requests over HTTP to origins that an operator named.
    Http,
}

impl Tool {
    /// All of them, in the order of the contract.
    pub const ALL: [Tool; 12] = [
        Tool::Metrics,
        Tool::Profiles,
        Tool::Changes,
        Tool::Configs,
        Tool::Experiments,
        Tool::Code,
        Tool::Docs,
        Tool::Topology,
        Tool::Precedents,
        Tool::Model,
        Tool::Mcp,
        Tool::Http,
    ];

    /// Tools through which something can leave: what they are asked, somebody outside sees.
    pub const OUTWARD: [Tool; 3] = [Tool::Model, Tool::Mcp, Tool::Http];

    /// Tools that show what must not leave; precedents tell in words what others found by them.
    pub const CONFIDENTIAL: [Tool; 5] = [Tool::Profiles, Tool::Changes, Tool::Configs, Tool::Code, Tool::Precedents];

    /// Its name: that of its interface in the contract; `http` is `wasi:http`.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Metrics => "metrics",
            Tool::Profiles => "profiles",
            Tool::Changes => "changes",
            Tool::Configs => "configs",
            Tool::Experiments => "experiments",
            Tool::Code => "code",
            Tool::Docs => "docs",
            Tool::Topology => "topology",
            Tool::Precedents => "precedents",
            Tool::Model => "model",
            Tool::Mcp => "mcp",
            Tool::Http => "http",
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tool {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Tool::ALL.into_iter().find(|tool| tool.name() == name).ok_or_else(|| UnknownName {
            what: "tool",
            name: name.to_owned(),
            known: Tool::ALL.map(Tool::name).join(", "),
        })
    }
}

/// A kind of evidence: a word of the contract, or a name with a dot for what the contract has no word for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A change of a series.
    ChangePoint,
    /// A reason why a change is no regression.
    Dismissal,
    /// A function whose share of samples changed.
    FunctionShift,
    /// A candidate cause.
    Suspect,
    /// A proposed patch or setting.
    Mitigation,
    /// Something that could be better.
    Opportunity,
    /// What it costs.
    Impact,
    /// Text for people and models.
    Note,
    /// Anything else, by its name, such as `acme.gc-pause`.
    Other(String),
}

const KINDS: [(&str, Kind); 8] = [
    ("change-point", Kind::ChangePoint),
    ("dismissal", Kind::Dismissal),
    ("function-shift", Kind::FunctionShift),
    ("suspect", Kind::Suspect),
    ("mitigation", Kind::Mitigation),
    ("opportunity", Kind::Opportunity),
    ("impact", Kind::Impact),
    ("note", Kind::Note),
];

impl Kind {
    /// Whether `name` may name a kind of [`Kind::Other`]: lower-case words of letters, digits and hyphens with a dot between.
    pub fn is_other_name(name: &str) -> bool {
        name.len() <= 64
            && name.contains('.')
            && name.split('.').all(|word| {
                word.starts_with(|c: char| c.is_ascii_lowercase())
                    && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = KINDS.iter().find(|(_, kind)| kind == self).map(|(name, _)| *name);
        match self {
            Kind::Other(name) => f.write_str(name),
            _ => f.write_str(name.unwrap_or_default()),
        }
    }
}

impl FromStr for Kind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        if let Some((_, kind)) = KINDS.into_iter().find(|(known, _)| *known == name) {
            return Ok(kind);
        }
        if Kind::is_other_name(name) {
            return Ok(Kind::Other(name.to_owned()));
        }
        let known = KINDS.map(|(name, _)| name).join(", ");
        Err(UnknownName {
            what: "kind of evidence",
            name: name.to_owned(),
            known: format!("{known}, or a name of your own with a dot, such as acme.gc-pause"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for tool in Tool::ALL {
            assert_eq!(tool.to_string().parse(), Ok(tool));
        }
        for (name, kind) in KINDS {
            assert_eq!(kind.to_string(), name);
            assert_eq!(name.parse(), Ok(kind));
        }
        assert_eq!("acme.gc-pause".parse(), Ok(Kind::Other("acme.gc-pause".into())));
    }

    #[test]
    fn unknown_names_are_refused_with_those_that_exist() {
        let error = "metric".parse::<Tool>().unwrap_err().to_string();
        assert!(error.contains("`metric`") && error.contains("metrics"), "{error}");
        for name in ["other", "", ".", "a.", ".a", "A.b", "a b.c", "a.1"] {
            assert!(name.parse::<Kind>().is_err(), "{name}");
        }
    }
}
