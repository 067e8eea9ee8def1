//! Ranks what a case's skills propose, and asks the guard of each.

use std::collections::BTreeSet;

use negawatt_actions::guard;
use negawatt_casebook::{
    Base, Case, CaseLog, Casebook, CasebookError, Criterion, Event, Examined, Measured, Passed, Proposed, Stage,
    Verdict,
};
use negawatt_config::{BetterNumbers, CommandLimits, Repository};
use negawatt_host::model::{FindingBody, Mitigation};
use negawatt_planner::{Board, Record, suspects};

use crate::gate::person;
use crate::rank::ranked;
use crate::{Desk, decide, tip};

/// The name of the one criterion of a setting.
const SETTING: &str = "right-setting";

/// Proposes what a case's skills found, with what the guard says of it; nothing of a case that is no regression or opportunity. One that was
/// stopped in the middle goes on. This takes as long as the operator's checks do, on this thread.
pub fn propose(desk: &Desk, log: &mut CaseLog) -> Result<(), CasebookError> {
    let verdict = log.case().concluded().map(|concluded| concluded.verdict);
    let worth = matches!(verdict, Some(Verdict::Regression | Verdict::Opportunity));
    if !worth {
        return Ok(());
    }
    let book = log.casebook().clone();
    if log.case().proposals.all.is_empty() {
        let proposed = ranked(log.case(), &book)?;
        log.append(proposed.into_iter().map(Event::Proposed).collect::<Vec<_>>())?;
    }
    let unexamined = log.case().proposals.all.iter().filter(|proposal| proposal.stage() == Stage::Proposed);
    let unexamined: Vec<Proposed> = unexamined.map(|proposal| proposal.proposed.clone()).collect();
    for proposed in &unexamined {
        let examined = examine(desk, log.case(), &book, proposed)?;
        log.append(Event::Examined(examined))?;
    }
    Ok(())
}

/// What the guard says of a proposal as things stand now, and whether a person has to decide.
pub(crate) fn examine(
    desk: &Desk,
    case: &Case,
    book: &Casebook,
    proposed: &Proposed,
) -> Result<Examined, CasebookError> {
    let Some((_, mitigation)) = mitigation(case, proposed) else {
        let criteria = vec![failed("applies", "the evidence that proposed it is not there any more".to_owned())];
        return Ok(Examined { proposal: proposed.number, base: None, criteria, measured: None, person: None });
    };
    let least = decide::least(&desk.config, book)?;
    let person = person(&desk.config.review, least, case, proposed, &mitigation.strategy);
    let of = |base, criteria, measured| Examined {
        proposal: proposed.number,
        base,
        criteria,
        measured,
        person: person.clone(),
    };
    let Some(patch) = &mitigation.patch else {
        return Ok(of(None, vec![of_setting(case, mitigation)], None));
    };
    let files = files(case, book, mitigation);
    let (name, repository) = match repository(desk, case, mitigation) {
        Ok(found) => found,
        Err(why) => return Ok(of(None, vec![failed("applies", why)], None)),
    };
    let asked = guard::Repository {
        path: repository.path.value.clone(),
        branch: repository.branch.as_ref().map(|branch| branch.value.clone()),
        checks: repository.checks.iter().map(check).collect(),
        validation: repository.validation.as_ref().map(validation),
    };
    let proposal = guard::Proposal { patch: patch.clone(), files };
    let found = guard::examine(&asked, &proposal, &desk.launcher, &*desk.parses, &desk.scratch);
    let branch = tip::branch(repository).unwrap_or_default();
    let base = found.base.map(|commit| Base { repository: name.to_owned(), branch, commit });
    let criteria = found.criteria.into_iter().filter(asked_for).map(|one| Criterion {
        name: one.name,
        result: match one.outcome {
            guard::Outcome::Passed => Passed::Yes,
            guard::Outcome::Failed => Passed::No,
            guard::Outcome::Skipped => Passed::Skipped,
        },
        detail: one.detail,
        output: one.output,
    });
    let criteria = criteria.collect();
    let measured = found.measured.map(|measured| Measured {
        before: measured.before,
        after: measured.after,
        lower_is_better: measured.better == guard::Better::Lower,
        p_value: measured.p_value,
    });
    Ok(of(base, criteria, measured))
}

/// A validation that the operator does not ask for is no criterion.
fn asked_for(criterion: &guard::Criterion) -> bool {
    criterion.outcome != guard::Outcome::Skipped || criterion.detail.starts_with("not looked at")
}

fn failed(name: &str, detail: String) -> Criterion {
    Criterion { name: name.to_owned(), result: Passed::No, detail, output: None }
}

/// The mitigation that a proposal is made of, and the skill that found it.
pub(crate) fn mitigation<'a>(case: &'a Case, proposed: &Proposed) -> Option<(&'a str, &'a Mitigation)> {
    let evidence = &case.evidence(&proposed.mitigation)?.evidence;
    match &evidence.finding.body {
        FindingBody::Mitigation(mitigation) => Some((evidence.by.as_str(), mitigation)),
        _ => None,
    }
}

/// The files that a case's evidence names for a mitigation: those of its target, those that its target's commit touched as the case was told
/// of it, and those of opportunities.
pub fn files(case: &Case, book: &Casebook, mitigation: &Mitigation) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for suspect in suspects(case).into_iter().filter(|suspect| suspect.id == mitigation.target) {
        files.extend(suspect.files);
    }
    if let Some(commit) = Record::of(case, book).commits.remove(&mitigation.target) {
        for file in commit.files {
            files.extend(file.old_path);
            files.insert(file.path);
        }
    }
    let board = Board::of(case);
    let opportunities = board.standing().filter_map(|item| match &item.evidence.finding.body {
        FindingBody::Opportunity(opportunity) => Some(opportunity),
        _ => None,
    });
    files.extend(opportunities.flat_map(|opportunity| opportunity.files.iter().cloned()));
    files
}

/// The repository that a mitigation is for: that of its target, or the only one of the case's service.
pub(crate) fn repository<'a>(
    desk: &'a Desk,
    case: &Case,
    mitigation: &Mitigation,
) -> Result<(&'a str, &'a Repository), String> {
    let of_target = suspects(case).into_iter().find(|suspect| suspect.id == mitigation.target);
    let all = &desk.config.repositories;
    if let Some(name) = of_target.and_then(|suspect| suspect.repository) {
        let found = all.get_key_value(&name);
        return found.map(|(name, repository)| (name.as_str(), repository)).ok_or_else(|| {
            format!("the repository {name} is not configured any more; write [repositories.{name}] into negawatt.toml")
        });
    }
    let service = case.opened.as_ref().map(|opened| opened.incident.service.as_str()).unwrap_or_default();
    let of_service = |repository: &&Repository| {
        repository.services.is_empty() || repository.services.iter().any(|known| known == service)
    };
    let mut found = all.iter().filter(|(_, repository)| of_service(repository));
    match (found.next(), found.next()) {
        (Some((name, repository)), None) => Ok((name, repository)),
        (None, _) => Err(format!("no repository is configured for {service}; [repositories.…] has `services`")),
        (Some(_), Some(_)) => {
            Err(format!("several repositories are configured for {service}; `services` tells them apart"))
        }
    }
}

fn limits(limits: &CommandLimits) -> guard::Limits {
    let CommandLimits { time, memory, output, network } = *limits;
    guard::Limits { time, memory, output, network }
}

fn check(check: &negawatt_config::CheckCommand) -> guard::Check {
    let kind = if check.formatter { guard::Kind::Formatter } else { guard::Kind::Check };
    guard::Check { name: check.name.clone(), kind, command: check.command.clone(), limits: limits(&check.limits) }
}

fn validation(validation: &negawatt_config::ValidationCommand) -> guard::Validation {
    let better = match validation.better {
        BetterNumbers::Lower => guard::Better::Lower,
        BetterNumbers::Higher => guard::Better::Higher,
    };
    let (command, runs) = (validation.command.clone(), validation.runs);
    guard::Validation { command, runs, better, limits: limits(&validation.limits) }
}

/// A setting is right where it is one of a suspect of the case.
fn of_setting(case: &Case, mitigation: &Mitigation) -> Criterion {
    let is_target = suspects(case).iter().any(|suspect| suspect.id == mitigation.target);
    let (result, detail) = match (&mitigation.setting, is_target) {
        (None, _) => (Passed::No, "it changes neither code nor a setting".to_owned()),
        (Some(_), false) => (Passed::No, format!("{} is no suspect of this case", mitigation.target)),
        (Some(setting), true) => {
            let to = format!("{} of {} to {}", setting.key, setting.service, setting.value);
            (Passed::Yes, format!("it sets {to}, which the suspect {} changed", mitigation.target))
        }
    };
    Criterion { name: SETTING.to_owned(), result, detail, output: None }
}
