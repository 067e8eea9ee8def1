//! Proposes to set back the setting whose change caused a regression, and to stop the experiment that did.
//!
//! [`tools`] are the questions, [`fetch`] asks them, [`history`] says whether a change of a setting can be taken back, [`experiment`]
//! the same of an experiment, [`report`] what is told. All but the host's tools runs anywhere.

pub mod experiment;
pub mod fetch;
pub mod history;
pub mod report;
pub mod tools;

use negawatt_skill::prelude::*;
use negawatt_skill::suspects::Accused;

use crate::tools::Tools;

negawatt_skill::skill!(investigate);

/// Settings to set back, and notes on what else is to be done, or cannot be. Nothing where no change explains the incident, or no setting
/// and no experiment is likely enough.
fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    propose(&tools::Host, case)
}

/// The same with tools of any kind.
pub fn propose(tools: &dyn Tools, case: &Case) -> Result<Vec<Finding>, Error> {
    let Some(change) = case.explaining_change() else { return Ok(Vec::new()) };
    let likely = case.likely_causes(&[Candidate::Config, Candidate::Experiment]);
    let ids = |kind: Candidate| {
        likely.iter().filter(|accused| accused.candidate == kind).map(|accused| accused.id).collect::<Vec<_>>()
    };
    let (settings, experiments) = (ids(Candidate::Config), ids(Candidate::Experiment));
    let settings = fetch::settings(tools, case, change.time, &settings)?;
    let experiments = fetch::experiments(tools, case, change.time, &experiments)?;
    let of = |accused: &Accused<'_>| {
        if accused.candidate == Candidate::Experiment {
            let stop = experiments.as_ref().map_err(String::clone).and_then(|all| experiment::judge(accused.id, all));
            return report::of_experiment(case, &change, accused, stop);
        }
        let judge = |all: &fetch::Settings| history::judge(accused.id, &all.with_id, &all.with_key);
        report::of_setting(case, &change, accused, settings.as_ref().map_err(String::clone).and_then(judge))
    };
    let mut findings: Vec<Finding> = likely.iter().map(of).collect();
    // Proposals before notes; stable, so that those of the likeliest come first.
    findings.sort_by_key(|finding| finding.kind() == EvidenceKind::Note);
    findings.truncate(case.budget.findings as usize);
    Ok(findings)
}
