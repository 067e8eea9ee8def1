//! Proposes to revert the commit that caused a regression, on the branch as it is today.
//!
//! This file fetches nothing and decides nothing: [`tools`] are the questions, [`look`] asks what a commit did and what became of its
//! files, [`undo`] says what taking it back does to one file, [`plan`] which files a proposal is of, [`report`] how sure it is, and
//! what is told, [`alike`] how reverts fared in cases like this one.

pub mod alike;
pub mod look;
pub mod plan;
pub mod report;
pub mod tools;
pub mod undo;

use negawatt_skill::gather::Purse;
use negawatt_skill::prelude::*;

use crate::tools::Tools;

negawatt_skill::skill!(investigate);

/// Reverts of the likeliest commits, and notes on those that cannot be reverted. Nothing where no change explains the incident, or no
/// commit is likely enough.
fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    propose(&tools::Host, case)
}

/// The same with tools of any kind.
pub fn propose(tools: &dyn Tools, case: &Case) -> Result<Vec<Finding>, Error> {
    let Some(change) = case.explaining_change() else { return Ok(Vec::new()) };
    let mut purse = Purse::new(case.budget.tool_calls);
    let mut findings = Vec::new();
    for accused in case.likely_causes(&[Candidate::Commit]) {
        let found = look::look(tools, &mut purse, &accused, case.incident.window, change.time)?;
        findings.extend(report::report(case, &change, &accused, found));
    }
    if findings.iter().any(is_proposal) {
        let told = alike::told(tools, &mut purse, case)?;
        findings.iter_mut().filter(|finding| is_proposal(finding)).for_each(|finding| finding.summary += &told);
    }
    // Proposals before notes; stable, so that those of the likeliest come first.
    findings.sort_by_key(|finding| finding.kind() == EvidenceKind::Note);
    findings.truncate(case.budget.findings as usize);
    Ok(findings)
}

fn is_proposal(finding: &Finding) -> bool {
    finding.kind() == EvidenceKind::Mitigation
}
