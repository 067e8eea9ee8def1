//! Who may use which tool. A security decision that can be read in a minute.

mod explain;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use negawatt_config::Config;
pub use negawatt_config::{AddressRange, Grant, HttpOrigin, Injection, LimitsChange, Secret, SecretGrant};
use negawatt_package::Tool;

pub use explain::{Condition, Considered, Explanation, InForce, LimitSource, Rule};

use crate::limits::Limits;
use crate::skill::{Origin, Skill};

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

/// All that an operator says of skills' rights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grants {
    /// The grants; a skill has what any of those that fit gives.
    pub grants: Vec<Grant>,
    /// The limits of every call, unless a grant says otherwise.
    pub limits: LimitsChange,
}

/// What a skill may use and spend.
#[derive(Debug, Clone, PartialEq)]
pub struct Rights {
    /// The tools that it imports and was granted: all that it imports.
    pub tools: BTreeSet<Tool>,
    /// What it may ask over HTTP; a request needs one that allows it wholly.
    pub http: Vec<HttpRule>,
    /// Whether it may send out what derives from confidential tools ([`Tool::CONFIDENTIAL`]).
    pub may_export: bool,
    /// What a call may spend.
    pub limits: Limits,
}

/// What one grant allows over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRule {
    /// Where requests may go.
    pub origins: BTreeSet<HttpOrigin>,
    /// Their methods.
    pub methods: BTreeSet<String>,
    /// Ranges of addresses that are not public, and may be dialled all the same.
    pub addresses: Vec<AddressRange>,
    /// Credentials that the host adds.
    pub secrets: Vec<SecretGrant>,
}

impl Rights {
    /// What a skill needs that is answered from the record alone, whatever it was granted since: the tools that it imports, and
    /// nothing through which it could ask anybody.
    pub fn to_be_replayed(skill: &Skill) -> Rights {
        let (http, limits) = (Vec::new(), Limits::default());
        Rights { tools: skill.imports.tools.clone(), http, may_export: false, limits }
    }

    /// Tools of the step through which something can leave.
    pub fn outward(&self) -> impl Iterator<Item = Tool> {
        Tool::OUTWARD.into_iter().filter(|tool| self.tools.contains(tool))
    }

    /// Whether evidence that derives from these tools must be kept from it.
    pub fn must_not_see(&self, from: &BTreeSet<Tool>) -> bool {
        !self.may_export && self.outward().next().is_some() && Tool::CONFIDENTIAL.iter().any(|tool| from.contains(tool))
    }
}

/// A skill that may not run: what was refused, why, and the smallest grant that would allow it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Denial {
    /// The skill's name.
    pub skill: String,
    /// Why: at least one.
    pub reasons: Vec<Refusal>,
}

/// Why a skill may not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It imports what was not granted.
    NotGranted(Vec<Tool>),
    /// It could send out what must not leave.
    Exports {
        /// What it can send with.
        outward: Vec<Tool>,
        /// What it can see.
        confidential: Vec<Tool>,
    },
    /// It could send out evidence that it would be shown.
    Withheld {
        /// The evidence, by its ids in the case.
        evidence: Vec<String>,
        /// What it can send with.
        outward: Vec<Tool>,
        /// What the evidence derives from.
        confidential: Vec<Tool>,
    },
}

impl Refusal {
    /// What was refused and why, in a clause about the skill.
    pub fn why(&self) -> String {
        match self {
            Refusal::NotGranted(missing) => format!("it imports {}, which nobody granted it", names(missing)),
            Refusal::Exports { outward, confidential } => {
                format!("it imports {} and could send that out through {}", names(confidential), names(outward))
            }
            Refusal::Withheld { evidence, outward, confidential } => format!(
                "{} is withheld from it: that derives from {}, and it could send it out through {}",
                evidence.join(", "),
                names(confidential),
                names(outward)
            ),
        }
    }
}

impl Denial {
    /// What was refused and why, in clauses about the skill.
    pub fn why(&self) -> Vec<String> {
        self.reasons.iter().map(Refusal::why).collect()
    }

    /// The smallest grant that would allow it, as an operator would write it.
    pub fn grant(&self) -> String {
        let (mut tools, mut may_export) = (Vec::new(), false);
        for reason in &self.reasons {
            match reason {
                Refusal::NotGranted(missing) => tools.extend(missing),
                Refusal::Exports { .. } | Refusal::Withheld { .. } => may_export = true,
            }
        }
        let mut lines = vec!["[[grants]]".to_owned(), format!("skill = \"{}\"", self.skill)];
        let plain: Vec<_> =
            tools.iter().filter(|tool| **tool != Tool::Http).map(|tool| format!("\"{tool}\"")).collect();
        if !plain.is_empty() {
            lines.push(format!("tools = [{}]", plain.join(", ")));
        }
        if tools.contains(&Tool::Http) {
            lines.push("http = [\"https://…\"]   # the origins that it may ask".to_owned());
        }
        if may_export {
            lines.push("may_export = true".to_owned());
        }
        lines.join("\n")
    }
}

/// Names of tools, for people.
fn names(tools: &[Tool]) -> String {
    tools.iter().map(|tool| tool.name()).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (why, grant) = (self.why().join("; "), self.grant());
        write!(f, "the skill {}: {why}; an operator can allow it in negawatt.toml:\n\n{grant}", self.skill)
    }
}

impl Grants {
    /// Of a configuration.
    pub fn of(config: &Config) -> Grants {
        let mut grants = config.grants.clone();
        for path in grants.iter_mut().filter_map(|grant| grant.path.as_mut()) {
            *path = file(path);
        }
        Grants { grants, limits: config.limits.clone() }
    }

    /// What a skill may use and spend; refused unless it was granted all that it imports, and where it imports both what must
    /// not leave and what something can leave through.
    pub fn rights(&self, skill: &Skill) -> Result<Rights, Denial> {
        let fitting: Vec<_> = self.fitting(skill).collect();
        if let Some(denial) = denial(skill, &fitting) {
            return Err(denial);
        }
        let common = self.limits.over(Limits::default());
        let limits = fitting.iter().fold(common, |limits, grant| grant.limits.over(limits));
        let http = fitting.iter().filter(|grant| !grant.origins.is_empty()).map(|grant| HttpRule::of(grant));
        let may_export = fitting.iter().any(|grant| grant.may_export);
        Ok(Rights { tools: skill.imports.tools.clone(), http: http.collect(), may_export, limits })
    }

    /// The grants that mean a skill, in their order.
    pub fn fitting<'a>(&'a self, skill: &'a Skill) -> impl Iterator<Item = &'a Grant> {
        self.grants.iter().filter(|grant| fits(grant, skill))
    }
}

impl HttpRule {
    fn of(grant: &Grant) -> HttpRule {
        HttpRule {
            origins: grant.origins.clone(),
            methods: grant.methods.clone(),
            addresses: grant.addresses.clone(),
            secrets: grant.secrets.clone(),
        }
    }
}

/// Why a skill may not run with these grants that mean it; nothing where it may.
fn denial(skill: &Skill, fitting: &[&Grant]) -> Option<Denial> {
    let mut granted: BTreeSet<Tool> = fitting.iter().flat_map(|grant| &grant.tools).copied().collect();
    if skill.origin == Origin::Bundled {
        granted.extend(BUNDLED_TOOLS);
    }
    let tools = &skill.imports.tools;
    let mut reasons = Vec::new();
    let missing: Vec<_> = tools.difference(&granted).copied().collect();
    if !missing.is_empty() {
        reasons.push(Refusal::NotGranted(missing));
    }
    let imported = |of: &[Tool]| of.iter().copied().filter(|tool| tools.contains(tool)).collect::<Vec<_>>();
    let (outward, confidential) = (imported(&Tool::OUTWARD), imported(&Tool::CONFIDENTIAL));
    if !outward.is_empty() && !confidential.is_empty() && !fitting.iter().any(|grant| grant.may_export) {
        reasons.push(Refusal::Exports { outward, confidential });
    }
    (!reasons.is_empty()).then(|| Denial { skill: skill.manifest.name.clone(), reasons })
}

/// Whether all that a grant says of whom it means is true of a skill.
fn fits(grant: &Grant, skill: &Skill) -> bool {
    explain::conditions(grant, skill).iter().all(|condition| condition.is_met)
}

/// A file as grants name it and skills remember it: absolute and without links, so that two ways to write a path are one. What
/// is not there stays as it is written.
pub fn file(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}
