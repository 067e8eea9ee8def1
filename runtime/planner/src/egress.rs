//! Egress separation: evidence that derives from what must not leave is kept from a step that could send it out.
//!
//! It is decided when a step is planned, and the plan says what is withheld and why. A step is called with what its plan names:
//! a case that goes on later decides from its record.

use std::collections::BTreeSet;

use negawatt_casebook::{Case, PlannedStep};
use negawatt_host::grants::{Denial, Refusal, Rights};
use negawatt_host::limits::Limits;
use negawatt_host::model::{Evidence, EvidenceId, Finding, FindingBody, Incident};
use negawatt_host::{Kind, Origin, Skill, Tool};

use crate::board::{Board, Item};
use crate::catalog::Entry;
use crate::verdict::explaining_change;

/// The evidence of a board that a skill asks for, by ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// What it is shown, in order of acceptance.
    pub inputs: Vec<EvidenceId>,
    /// What is kept from it.
    pub withheld: Vec<EvidenceId>,
}

/// What a skill is shown of a board. Of one that may not run now it is what it could be shown if it had no right but to run.
pub fn shown(board: &Board, entry: &Entry) -> Shown {
    let none = || Rights {
        tools: entry.skill.imports.tools.clone(),
        http: Vec::new(),
        may_export: false,
        limits: Limits::default(),
    };
    let rights = entry.rights.clone().unwrap_or_else(|_| none());
    let kept = |item: &&Item| rights.must_not_see(&item.from);
    let (withheld, inputs): (Vec<_>, Vec<_>) = board.shown(entry.sees()).into_iter().partition(kept);
    let ids = |items: Vec<&Item>| items.into_iter().map(|item| item.evidence.id.clone()).collect();
    Shown { inputs: ids(inputs), withheld: ids(withheld) }
}

/// A step's reason with what is withheld from it, why, and the smallest grant that would show it.
pub(crate) fn explained(reason: String, withheld: &[EvidenceId], board: &Board, entry: &Entry) -> String {
    let Ok(rights) = &entry.rights else { return reason };
    let of = |item: &&Item| withheld.contains(&item.evidence.id);
    let from = board.items().iter().filter(of).flat_map(|item| item.from.iter().copied());
    match denial(&entry.skill, rights, withheld, from.collect()) {
        Some(denial) => format!("{reason}\n{denial}"),
        None => reason,
    }
}

/// Refuses a planned step that must not run: what it is to be shown must not be shown to it as its rights are now, or all
/// evidence of a kind that it consumes was withheld from it.
pub(crate) fn admit(case: &Case, planned: &PlannedStep, skill: &Skill, rights: &Rights) -> Result<(), Denial> {
    let from = |ids: &[EvidenceId]| -> BTreeSet<Tool> {
        ids.iter().filter_map(|id| case.evidence(id)).flat_map(|posted| posted.tools.iter().copied()).collect()
    };
    let refused = |ids: &[EvidenceId]| denial(skill, rights, ids, from(ids)).map_or(Ok(()), Err);
    let must_not = |id: &&EvidenceId| case.evidence(id).is_some_and(|posted| rights.must_not_see(&posted.tools));
    let since: Vec<_> = planned.inputs.iter().filter(must_not).cloned().collect();
    refused(&since)?;
    let has = |ids: &[EvidenceId], kind: &Kind| {
        ids.iter().filter_map(|id| case.evidence(id)).any(|posted| posted.evidence.finding.body.kind() == *kind)
    };
    let starved = |kind: &Kind| has(&planned.withheld, kind) && !has(&planned.inputs, kind);
    if skill.manifest.consumes.iter().any(starved) { refused(&planned.withheld) } else { Ok(()) }
}

/// The change that explains an incident as far as a step may know: it names nothing that the step is not shown, and for one that is
/// kept apart the choice rests on nothing else either.
pub(crate) fn explains(
    incident: &Incident,
    board: &Board,
    numbering: &Numbering,
    inputs: &[EvidenceId],
) -> Option<EvidenceId> {
    let known = board.without(|item| numbering.is_separated() && !inputs.contains(&item.evidence.id));
    let explaining = explaining_change(incident, &known)?;
    Some(explaining.evidence.id.clone()).filter(|id| inputs.contains(id))
}

/// Whether a skill with these rights is told nothing of a case but its inputs.
pub(crate) fn is_separated(rights: &Rights, origin: Origin) -> bool {
    !rights.may_export && (origin == Origin::Loaded || rights.outward().next().is_some())
}

/// What a step calls the evidence that it is shown.
///
/// For skills that an operator loaded it is numbered anew, as `x1` and so on: gaps in the case's numbers would tell how much there is
/// that it is not shown, and what one of them tells another could send out. Bundled skills, and those that may export, call evidence
/// what the case does.
pub(crate) struct Numbering(Option<Vec<EvidenceId>>);

impl Numbering {
    /// Of a step with these inputs.
    pub(crate) fn of(is_separated: bool, inputs: &[EvidenceId]) -> Numbering {
        Numbering(is_separated.then(|| inputs.to_vec()))
    }

    /// Whether the step is told nothing of the case but its inputs.
    pub(crate) fn is_separated(&self) -> bool {
        self.0.is_some()
    }

    /// What the step calls a piece of evidence; `None` for one that it is not shown.
    pub(crate) fn shown(&self, id: &str) -> Option<EvidenceId> {
        let Some(ids) = &self.0 else { return Some(id.to_owned()) };
        ids.iter().position(|known| known == id).map(|at| format!("x{}", at + 1))
    }

    /// Evidence as the step is shown it: without links to what it is not shown.
    pub(crate) fn show(&self, mut evidence: Evidence) -> Evidence {
        evidence.id = self.shown(&evidence.id).unwrap_or_default();
        links(&mut evidence.finding, |id| self.shown(id));
        evidence
    }

    /// Findings of the step, with links in the case's own numbers.
    pub(crate) fn back(&self, findings: &mut [Finding]) {
        let Some(ids) = &self.0 else { return };
        let of = |id: &str| ids.get(id.strip_prefix('x')?.parse::<usize>().ok()?.checked_sub(1)?).cloned();
        findings.iter_mut().for_each(|finding| links(finding, of));
    }
}

/// Gives the links of a finding other names; those that have none go.
fn links(finding: &mut Finding, named: impl Fn(&str) -> Option<EvidenceId>) {
    finding.because = finding.because.iter().filter_map(|id| named(id)).collect();
    if let FindingBody::Dismissal(dismissal) = &mut finding.body {
        dismissal.of = dismissal.of.as_deref().and_then(named);
    }
}

fn denial(skill: &Skill, rights: &Rights, withheld: &[EvidenceId], from: BTreeSet<Tool>) -> Option<Denial> {
    if withheld.is_empty() {
        return None;
    }
    let reason = Refusal::Withheld {
        evidence: withheld.to_vec(),
        outward: rights.outward().collect(),
        confidential: Tool::CONFIDENTIAL.into_iter().filter(|tool| from.contains(tool)).collect(),
    };
    Some(Denial { skill: skill.manifest.name.clone(), reasons: vec![reason] })
}
