//! Who may use which tool. A security decision that can be read in a minute.

use std::collections::BTreeSet;
use std::fmt;

use negawatt_package::Tool;
use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::skill::{Digest, Origin, Skill};

/// What bundled skills may use when nobody says otherwise: they read, and reach nothing outside.
pub const BUNDLED_TOOLS: [Tool; 9] = [
    Tool::Metrics,
    Tool::Profiles,
    Tool::Changes,
    Tool::Configs,
    Tool::Experiments,
    Tool::Code,
    Tool::Docs,
    Tool::Topology,
    Tool::Precedents,
];

/// An operator's word: these skills may use these tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Names of skills; `*` stands for any letters.
    pub skill: String,
    /// Only for the component with this digest.
    pub digest: Option<Digest>,
    /// The tools.
    pub tools: BTreeSet<Tool>,
    /// Limits in place of the common ones.
    pub limits: LimitsChange,
}

/// Limits that a grant or a configuration sets; the others stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitsChange {
    /// See [`Limits::memory`].
    pub memory: Option<u64>,
    /// See [`Limits::time`].
    pub time: Option<std::time::Duration>,
    /// See [`Limits::compute`].
    pub compute: Option<std::time::Duration>,
    /// See [`Limits::tool_calls`].
    pub tool_calls: Option<u32>,
    /// See [`Limits::read_bytes`].
    pub read_bytes: Option<u64>,
    /// See [`Limits::findings`].
    pub findings: Option<u32>,
    /// See [`Limits::finding_bytes`].
    pub finding_bytes: Option<u32>,
    /// See [`Limits::log_bytes`].
    pub log_bytes: Option<u32>,
}

impl LimitsChange {
    /// Lays the change over other limits.
    pub fn over(&self, limits: Limits) -> Limits {
        Limits {
            memory: self.memory.unwrap_or(limits.memory),
            time: self.time.unwrap_or(limits.time),
            compute: self.compute.unwrap_or(limits.compute),
            tool_calls: self.tool_calls.unwrap_or(limits.tool_calls),
            read_bytes: self.read_bytes.unwrap_or(limits.read_bytes),
            findings: self.findings.unwrap_or(limits.findings),
            finding_bytes: self.finding_bytes.unwrap_or(limits.finding_bytes),
            log_bytes: self.log_bytes.unwrap_or(limits.log_bytes),
        }
    }
}

/// All of an operator's grants and limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// The grants; a skill has what any of those that fit gives.
    pub grants: Vec<Grant>,
    /// The limits of every call, unless a grant says otherwise.
    pub limits: LimitsChange,
}

/// What a skill may use and spend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// The tools that it imports and was granted: all that it imports.
    pub tools: BTreeSet<Tool>,
    /// What a call may spend.
    pub limits: Limits,
}

/// A skill that may not run: what was refused, why, and the smallest grant that would allow it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Denial {
    /// The skill's name.
    pub skill: String,
    /// What it imports and was not granted.
    pub missing: Vec<Tool>,
}

impl Denial {
    /// The smallest grant that would allow it, as an operator would write it.
    pub fn grant(&self) -> String {
        let tools: Vec<_> = self.missing.iter().map(|tool| format!("\"{tool}\"")).collect();
        format!("[[grants]]\nskill = \"{}\"\ntools = [{}]", self.skill, tools.join(", "))
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tools: Vec<_> = self.missing.iter().map(|tool| tool.name()).collect();
        write!(
            f,
            "the skill {} imports {}, which nobody granted it; an operator can allow it in negawatt.toml:\n\n{}",
            self.skill,
            tools.join(", "),
            self.grant()
        )
    }
}

impl Grants {
    /// What a skill may use and spend; refused unless it was granted all that it imports.
    pub fn rights(&self, skill: &Skill) -> Result<Rights, Denial> {
        let fitting: Vec<_> = self.grants.iter().filter(|grant| grant.fits(skill)).collect();
        let mut granted: BTreeSet<Tool> = fitting.iter().flat_map(|grant| &grant.tools).copied().collect();
        if skill.origin == Origin::Bundled {
            granted.extend(BUNDLED_TOOLS);
        }
        let missing: Vec<_> = skill.imports.tools.difference(&granted).copied().collect();
        if !missing.is_empty() {
            return Err(Denial { skill: skill.manifest.name.clone(), missing });
        }
        let common = self.limits.over(Limits::default());
        let limits = fitting.iter().fold(common, |limits, grant| grant.limits.over(limits));
        Ok(Rights { tools: skill.imports.tools.clone(), limits })
    }
}

impl Grant {
    fn fits(&self, skill: &Skill) -> bool {
        matches(&self.skill, &skill.manifest.name) && self.digest.is_none_or(|digest| digest == skill.digest)
    }
}

/// Whether a name fits a pattern in which `*` stands for any letters, also none.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => {
            let Some(rest) = name.strip_prefix(head) else { return false };
            (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches(tail, &rest[at..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, fits) in [
            ("acme-*", "acme-gc", true),
            ("acme-*", "acme-", true),
            ("acme-*", "not-acme-gc", false),
            ("*", "anything", true),
            ("gc", "gc-pause", false),
            ("*-gc-*", "acme-gc-x", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
