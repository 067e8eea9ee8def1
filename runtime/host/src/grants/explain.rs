//! Why a skill may do what it may, for people who write grants: which rule gives what, and what is missing.

use std::collections::BTreeMap;

use negawatt_config::Grant;
use negawatt_package::Tool;

use super::{BUNDLED_TOOLS, Denial, Grants, denial};
use crate::limits::Limits;
use crate::skill::{Digest, Origin, Skill};
use crate::text::fits;

/// What grants say of one skill.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation<'a> {
    /// The tools that it imports, each with the rules that give it; one that nothing gives is lacking.
    pub tools: BTreeMap<Tool, Vec<Rule<'a>>>,
    /// The grants that mean it, in their order.
    pub fitting: Vec<Considered<'a>>,
    /// The grants that would mean it, were it not for some of what they say.
    pub near: Vec<Considered<'a>>,
    /// The grant by which it may send out what must not leave otherwise.
    pub may_export: Option<&'a Grant>,
    /// Its limits.
    pub limits: Vec<InForce<'a>>,
    /// What it lacks to run.
    pub lacks: Option<Denial>,
}

/// What gives a tool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule<'a> {
    /// Bundled skills have it by default.
    Bundled,
    /// An operator granted it.
    Grant(&'a Grant),
}

/// A grant, held against a skill.
#[derive(Debug, Clone, PartialEq)]
pub struct Considered<'a> {
    /// The grant.
    pub grant: &'a Grant,
    /// All that it says of whom it means.
    pub conditions: Vec<Condition>,
}

/// One thing that a grant says of whom it means, held against a skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `skill`, `path`, `digest` or `publisher`.
    pub key: &'static str,
    /// What the grant says.
    pub wants: String,
    /// What the skill is; absent where it has none, as without a signature.
    pub has: Option<String>,
    /// Whether that is enough.
    pub is_met: bool,
}

/// A limit, and who set it.
#[derive(Debug, Clone, PartialEq)]
pub struct InForce<'a> {
    /// Its key.
    pub name: &'static str,
    /// As it would be written; absent where it limits nothing.
    pub value: Option<String>,
    /// Who set it.
    pub from: LimitSource<'a>,
}

/// Who set a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LimitSource<'a> {
    /// Nobody: it is the host's own.
    Default,
    /// `[limits]`, for every call.
    Common,
    /// A grant; of several the last.
    Grant(&'a Grant),
}

impl Grants {
    /// Which rule gives a skill what, and what it lacks. What it may do is [`Grants::rights`]; both are made of the same decisions.
    pub fn explain<'a>(&'a self, skill: &Skill) -> Explanation<'a> {
        let considered = |grant: &'a Grant| Considered { grant, conditions: conditions(grant, skill) };
        let (fitting, others): (Vec<_>, Vec<_>) = self.grants.iter().map(considered).partition(Considered::fits);
        let near =
            others.into_iter().filter(|other| other.conditions.iter().any(|condition| condition.is_met)).collect();
        let grants: Vec<&'a Grant> = fitting.iter().map(|considered| considered.grant).collect();
        let rules = |tool: Tool| {
            let bundled = skill.origin == Origin::Bundled && BUNDLED_TOOLS.contains(&tool);
            let granted = grants.iter().filter(|grant| grant.tools.contains(&tool)).map(|grant| Rule::Grant(grant));
            bundled.then_some(Rule::Bundled).into_iter().chain(granted).collect()
        };
        Explanation {
            tools: skill.imports.tools.iter().map(|tool| (*tool, rules(*tool))).collect(),
            may_export: grants.iter().find(|grant| grant.may_export).copied(),
            limits: self.in_force(&grants),
            lacks: denial(skill, &grants),
            fitting,
            near,
        }
    }

    fn in_force<'a>(&self, fitting: &[&'a Grant]) -> Vec<InForce<'a>> {
        let mut limits: Vec<_> = Limits::default()
            .written()
            .into_iter()
            .map(|(name, value)| InForce { name, value, from: LimitSource::Default })
            .collect();
        let common = (&self.limits, LimitSource::Common);
        let granted = fitting.iter().map(|grant| (&grant.limits, LimitSource::Grant(grant)));
        for (change, from) in [common].into_iter().chain(granted) {
            for (name, value) in change.written() {
                limits
                    .iter_mut()
                    .filter(|limit| limit.name == name)
                    .for_each(|limit| *limit = InForce { name, value: Some(value.clone()), from });
            }
        }
        limits
    }
}

impl Considered<'_> {
    fn fits(&self) -> bool {
        self.conditions.iter().all(|condition| condition.is_met)
    }
}

/// All that a grant says of whom it means, held against a skill.
pub(super) fn conditions(grant: &Grant, skill: &Skill) -> Vec<Condition> {
    let mut conditions = Vec::new();
    let mut add = |key, wants, has, is_met| conditions.push(Condition { key, wants, has, is_met });
    if let Some(pattern) = &grant.skill {
        let name = &skill.manifest.name;
        add("skill", pattern.clone(), Some(name.clone()), fits(pattern, name));
    }
    if let Some(path) = &grant.path {
        let shown = skill.file.as_ref().map(|file| file.display().to_string());
        add("path", path.display().to_string(), shown, skill.file.as_ref() == Some(path));
    }
    if let Some(digest) = grant.digest.map(Digest) {
        add("digest", digest.to_string(), Some(skill.digest.to_string()), digest == skill.digest);
    }
    if let Some(publisher) = &grant.publisher {
        let has = skill.publisher.clone();
        let is_met = has.as_ref() == Some(publisher);
        add("publisher", publisher.clone(), has, is_met);
    }
    conditions
}
