//! Ranks what a case's skills propose, and asks the guard of each.

use std::collections::BTreeSet;

use negawatt_actions::guard;
use negawatt_casebook::{
    Base, Case, CaseId, Casebook, CasebookError, Criterion, Event, Examined, Measured, Passed, Proposed, Stage, Verdict,
};
use negawatt_config::{BetterNumbers, CommandLimits, Repository};
use negawatt_host::model::{Candidate, FindingBody, Mitigation};
use negawatt_host::{Digest, Origin};
use negawatt_planner::{Board, Record, author, is_of_another, target};
use negawatt_text::{printable, shorten};

use crate::gate::person;
use crate::rank::ranked;
use crate::thresholds::Thresholds;
use crate::{Desk, tip};

/// The name of the one criterion of a setting.
const SETTING: &str = "right-setting";

/// Proposes what a case's skills found, with what the guard says of it; nothing of a case that is no regression or opportunity. One that was
/// stopped in the middle goes on: the guard says nothing of a proposal at which it was interrupted. This takes as long as the operator's
/// checks do, and `review.guard_time` at most, on this thread; nobody owns the case meanwhile. Of a case that came from another casebook the
/// guard is asked when a person approves, and not here: its patches may be anybody's.
pub fn propose(desk: &Desk, book: &Casebook, id: &CaseId) -> Result<Case, CasebookError> {
    let mut log = book.resume(id)?;
    let verdict = log.case().concluded().map(|concluded| concluded.verdict);
    if matches!(verdict, Some(Verdict::Regression | Verdict::Opportunity)) && log.case().proposals.all.is_empty() {
        let proposed = ranked(log.case(), book)?;
        log.append(proposed.into_iter().map(Event::Proposed).collect::<Vec<_>>())?;
    }
    let mut case = log.release()?;
    if book.imported(id)? > 0 {
        return Ok(case);
    }
    let desk = &desk.for_one_case();
    loop {
        // Those of bundled skills first: what a loaded one proposes may take as long as commands may.
        let unexamined = case.proposals.all.iter().filter(|proposal| proposal.stage() == Stage::Proposed);
        let unexamined = unexamined.min_by_key(|proposal| !is_bundled(&case, &proposal.proposed));
        let Some(proposed) = unexamined.map(|proposal| proposal.proposed.clone()) else { return Ok(case) };
        let examined = examine(desk, &case, book, &proposed)?;
        if desk.launcher.until.is_stopped() {
            return Ok(case);
        }
        let mut log = book.resume(id)?;
        // Somebody else may have examined it meanwhile.
        if log.case().proposals.get(proposed.number).is_some_and(|known| known.stage() == Stage::Proposed) {
            log.append(Event::Examined(examined))?;
        }
        case = log.release()?;
    }
}

/// What the guard says of a proposal as things stand now, and whether a person has to decide.
pub(crate) fn examine(
    desk: &Desk,
    case: &Case,
    book: &Casebook,
    proposed: &Proposed,
) -> Result<Examined, CasebookError> {
    let Some((_, mitigation)) = case.mitigation(proposed) else {
        let criteria = vec![failed("applies", "the evidence that proposed it is not there any more".to_owned())];
        return Ok(Examined { proposal: proposed.number, base: None, criteria, measured: None, person: None });
    };
    let person = needs_person(desk, case, book, proposed)?;
    let of = |base, criteria, measured| Examined {
        proposal: proposed.number,
        base,
        criteria,
        measured,
        person: person.clone(),
    };
    let Some(patch) = &mitigation.patch else {
        return Ok(of(None, vec![of_setting(case, book, proposed, mitigation)], None));
    };
    let files = files(case, book, proposed);
    let (name, repository) = match repository(desk, case, proposed) {
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
    let stands = tip::tip(repository);
    let found =
        desk.examinations.examine(&asked, &proposal, stands.as_ref().map(|(_, commit)| commit.as_str()), || {
            guard::examine(&asked, &proposal, &desk.launcher, &*desk.parses, &desk.scratch)
        });
    let branch = stands.map(|(branch, _)| branch).unwrap_or_default();
    let base = found.base.map(|commit| Base { repository: name.to_owned(), branch, commit });
    let criteria = found.criteria.into_iter().filter_map(criterion).collect();
    let measured = found.measured.map(|measured| Measured {
        before: measured.before,
        after: measured.after,
        lower_is_better: measured.better == guard::Better::Lower,
        p_value: measured.p_value,
    });
    Ok(of(base, criteria, measured))
}

/// Why a person has to decide of a proposal as the thresholds stand now; nothing where it may go by itself.
pub(crate) fn needs_person(
    desk: &Desk,
    case: &Case,
    book: &Casebook,
    proposed: &Proposed,
) -> Result<Option<String>, CasebookError> {
    let Some((_, mitigation)) = case.mitigation(proposed) else { return Ok(None) };
    // All that is known of it was in a file, which anybody may have written.
    if book.imported(&case.id)? > 0 {
        return Ok(Some("it came from another casebook, and of that a person decides".to_owned()));
    }
    let thresholds = Thresholds::now(&desk.config, book)?;
    Ok(person(&desk.config.review, &thresholds, case, proposed, &mitigation.strategy))
}

/// A criterion as the casebook keeps it; what the operator does not ask for is none.
fn criterion(one: guard::Criterion) -> Option<Criterion> {
    let result = match one.outcome {
        guard::Outcome::Passed => Passed::Yes,
        guard::Outcome::Failed => Passed::No,
        guard::Outcome::Skipped => Passed::Skipped,
        guard::Outcome::NotConfigured => return None,
    };
    Some(Criterion { name: one.name, result, detail: one.detail, output: one.output })
}

fn failed(name: &str, detail: String) -> Criterion {
    Criterion { name: name.to_owned(), result: Passed::No, detail, output: None }
}

/// Whether a mitigation was made by a skill that the program carries.
pub(crate) fn is_bundled(case: &Case, proposed: &Proposed) -> bool {
    author(case, proposed).is_some_and(|digest| is_from_bundle(case, digest))
}

/// Whether a case's component is one that the program carries.
pub(crate) fn is_from_bundle(case: &Case, digest: Digest) -> bool {
    case.entry(&digest).is_some_and(|entry| entry.origin == Origin::Bundled)
}

/// The files that a case's evidence names for a mitigation, leaving out what its own skill says: those of its target, those that its target's
/// commit touched as the case was told of it, and those of opportunities.
pub fn files(case: &Case, book: &Casebook, proposed: &Proposed) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let board = Board::of(case);
    let of_others = board.standing().filter(|item| is_of_another(case, proposed, &item.step));
    let target = target(case, proposed);
    for item in of_others {
        match (&item.evidence.finding.body, &target) {
            (FindingBody::Suspect(suspect), Some(target))
                if suspect.id == target.id && suspect.repository == target.repository =>
            {
                files.extend(suspect.files.iter().cloned());
            }
            (FindingBody::Opportunity(opportunity), _) => files.extend(opportunity.files.iter().cloned()),
            _ => {}
        }
    }
    let commit = target.filter(|target| target.candidate == Candidate::Commit);
    let listed = commit.and_then(|target| {
        let commit = Record::of(case, book).commits.remove(&target.id)?;
        (Some(&commit.repository) == target.repository.as_ref()).then_some(commit)
    });
    for file in listed.into_iter().flat_map(|commit| commit.files) {
        files.extend(file.old_path);
        files.insert(file.path);
    }
    files
}

/// The repository that a mitigation is for: that of its target, or the only one of the case's service. One whose services are configured must
/// be of the case.
pub(crate) fn repository<'a>(
    desk: &'a Desk,
    case: &Case,
    proposed: &Proposed,
) -> Result<(&'a str, &'a Repository), String> {
    let opened = case.opened.as_ref().ok_or("nobody knows what the case is about")?;
    let service = &opened.incident.service;
    let is_of_case = |repository: &Repository| {
        let known = |name: &String| name == service || opened.neighbours.contains(name);
        repository.services.is_empty() || repository.services.iter().any(known)
    };
    let all = &desk.config.repositories;
    if let Some(name) = target(case, proposed).and_then(|suspect| suspect.repository) {
        let found = all.get_key_value(&name).ok_or_else(|| {
            format!("the repository {name} is not configured any more; write [repositories.{name}] into negawatt.toml")
        })?;
        return match is_of_case(found.1) {
            true => Ok((found.0, found.1)),
            false => Err(format!("the repository {name} is of other services than the case; `services` says of which")),
        };
    }
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
    guard::Check {
        name: check.name.clone(),
        kind,
        command: check.command.clone(),
        programs: check.programs.clone(),
        limits: limits(&check.limits),
    }
}

fn validation(validation: &negawatt_config::ValidationCommand) -> guard::Validation {
    let better = match validation.better {
        BetterNumbers::Lower => guard::Better::Lower,
        BetterNumbers::Higher => guard::Better::Higher,
    };
    let (command, runs) = (validation.command.clone(), validation.runs);
    guard::Validation {
        command,
        programs: validation.programs.clone(),
        runs,
        better,
        limits: limits(&validation.limits),
    }
}

/// A setting is right where it takes back what its target changed: the same key of the same service, to the value before.
fn of_setting(case: &Case, book: &Casebook, proposed: &Proposed, mitigation: &Mitigation) -> Criterion {
    let said = |result, detail: String| Criterion {
        name: SETTING.to_owned(),
        result,
        detail: shorten(&printable(&detail), 2_000),
        output: None,
    };
    let Some(setting) = &mitigation.setting else {
        return said(Passed::No, "it changes neither code nor a setting".to_owned());
    };
    let target = target(case, proposed).filter(|target| target.candidate == Candidate::Config);
    let changed = target.and_then(|target| Record::of(case, book).configs.remove(&target.id));
    let Some(changed) = changed else {
        return said(
            Passed::No,
            format!("{} is no change of a setting that is suspected in this case", mitigation.target),
        );
    };
    if (&changed.service, &changed.key) != (&setting.service, &setting.key) {
        let other = format!("{} changed {} of {}", changed.id, changed.key, changed.service);
        return said(Passed::No, format!("{other}, and it sets {} of {}", setting.key, setting.service));
    }
    let before = changed.before.as_deref().unwrap_or("null");
    if before != setting.value {
        return said(Passed::No, format!("the value was {before} before, and it sets {}", setting.value));
    }
    said(
        Passed::Yes,
        format!("it sets {} of {} back to {before}, as it was before {}", setting.key, setting.service, changed.id),
    )
}
