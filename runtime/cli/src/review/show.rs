//! How proposals are shown: in lists and whole, to people and to programs.

use std::path::PathBuf;

use negawatt_casebook::{Became, Case, Cited, Decision, Outcome, Passed, Proposal, Stage, Witness};
use negawatt_host::model::Mitigation;
use negawatt_host::text::{printable, shorten};
use negawatt_host::time;
use negawatt_proposals::ProposalError;
use serde_json::{Value, json};

use crate::error::CliError;
use crate::investigate::{json_text, write_out};
use crate::look::Look;
use crate::page::Page;
use crate::printed::word;
use crate::report::{decided, outcomes, submitted};
use crate::setup::casebook;

/// Prints the proposals that wait for a person, or all.
pub(super) fn list(config: Option<PathBuf>, all: bool, as_json: bool) -> Result<(), CliError> {
    let book = casebook(config.as_deref())?;
    let mut shown = Vec::new();
    for id in book.proposing(!all)? {
        let case = book.load(&id)?;
        let waits = |proposal: &&Proposal| all || matches!(proposal.stage(), Stage::Waiting | Stage::Approved);
        shown.extend(case.proposals.all.iter().filter(waits).map(|proposal| described(&case, proposal)));
    }
    print_list(&shown, all, as_json);
    Ok(())
}

/// Prints proposals, a line each.
pub fn print_list(proposals: &[Value], all: bool, as_json: bool) {
    write_out(&if as_json {
        json_text(&json!({ "proposals": proposals }))
    } else if proposals.is_empty() {
        if all { "no case has proposals\n" } else { "no proposal waits for a person; --all lists the others\n" }
            .to_owned()
    } else {
        proposals.iter().map(line).collect()
    });
}

/// Prints a case's proposals, or one of them, and what became of the case and of them.
pub(super) fn show(case: &Case, number: Option<u32>, as_json: bool) -> Result<(), CliError> {
    let all = chosen(case, number);
    if let Some(number) = number.filter(|_| all.is_empty()) {
        return Err(ProposalError::NoSuchProposal { case: case.id, number }.into());
    }
    write_out(&if as_json { json_text(&of_case(case, &all)) } else { in_all_words(case, &all, &Look::of_stdout()) });
    Ok(())
}

fn in_all_words(case: &Case, all: &[&Proposal], look: &Look) -> String {
    match all.is_empty() {
        true => format!("the case {} proposes nothing\n{}", case.id, outcome(case, look)),
        false => all.iter().map(|proposal| in_words(case, proposal)).chain([outcome(case, look)]).collect(),
    }
}

/// A case's proposals, or one of them.
fn chosen(case: &Case, number: Option<u32>) -> Vec<&Proposal> {
    let wanted = |proposal: &&Proposal| number.is_none_or(|number| proposal.proposed.number == number);
    case.proposals.all.iter().filter(wanted).collect()
}

/// A case's proposals, or one of them, and what became of them, as a server shows it.
pub fn shown(case: &Case, number: Option<u32>, as_json: bool) -> String {
    let all = chosen(case, number);
    if as_json { of_case(case, &all).to_string() } else { in_all_words(case, &all, &Look::PLAIN) }
}

/// Prints what became of a case, and where its proposals stand.
pub(super) fn recorded(case: &Case, as_json: bool) {
    write_out(&match as_json {
        true => json_text(&of_case(case, &case.proposals.all.iter().collect::<Vec<_>>())),
        false => outcome_in_words(case, &Look::of_stdout()),
    });
}

/// What became of a case, and a line for each of its proposals.
pub fn outcome_in_words(case: &Case, look: &Look) -> String {
    let line = |proposal: &Proposal| line(&described(case, proposal));
    case.proposals.all.iter().map(line).chain([outcome(case, look)]).collect()
}

/// What became of a case and of its proposals, as its report has it; nothing where nobody knows.
fn outcome(case: &Case, look: &Look) -> String {
    let mut page = Page::new(look);
    page.relabel("Outcome");
    outcomes(look, case).into_iter().for_each(|line| page.write(line, 2));
    page.text()
}

/// These proposals of a case, with what became of it, as programs read it.
fn of_case(case: &Case, all: &[&Proposal]) -> Value {
    let adjusted = case.proposals.adjusted.iter().map(|(at, adjusted)| {
        json!({
            "time": time::rfc3339(*at), "threshold": adjusted.threshold, "from": adjusted.from, "to": adjusted.to,
            "reason": adjusted.reason,
        })
    });
    json!({
        "case": case.id.to_string(),
        "proposals": all.iter().map(|proposal| described(case, proposal)).collect::<Vec<_>>(),
        "outcomes": case.proposals.outcomes.iter().map(became).collect::<Vec<_>>(),
        "adjusted": adjusted.collect::<Vec<_>>(),
    })
}

/// What became of a case or a proposal, as programs read it.
fn became((at, outcome): &(i64, Outcome)) -> Value {
    let by = match &outcome.by {
        Witness::Person(name) => name,
        Witness::Forge => "forge",
        Witness::Metrics => "metrics",
    };
    let recovered = match outcome.what {
        Became::Recovered(recovery) => json!({
            "part": recovery.part, "level": recovery.level,
            "cores": recovery.saved.map(|saved| saved.cores), "watts": recovery.saved.map(|saved| saved.watts),
        }),
        _ => Value::Null,
    };
    json!({
        "time": time::rfc3339(*at), "what": outcome.what.word(), "by": by, "culprit": outcome.culprit,
        "text": outcome.text, "recovered": recovered,
    })
}

/// What a proposal proposes.
pub(super) fn mitigation<'a>(case: &'a Case, proposal: &Proposal) -> Option<&'a Mitigation> {
    case.mitigation(&proposal.proposed).map(|(_, mitigation)| mitigation)
}

/// A proposal that programs read, in a line.
fn line(proposal: &Value) -> String {
    let said = |key: &str| word(&proposal[key]);
    let why = (said("stage") == Stage::Waiting.to_string()).then(|| {
        let person = proposal["needs_person"].as_str();
        format!("  ({})", person.unwrap_or("another one ranks first, or it is a setting"))
    });
    let (strategy, title) = (shorten(said("strategy"), 60), shorten(said("title"), 80));
    let (number, why) = (&proposal["proposal"], why.unwrap_or_default());
    printable(&format!("{} {number}  {}  {strategy}: {title}{why}", said("case"), said("stage"))) + "\n"
}

/// A proposal as programs read it.
pub fn described(case: &Case, proposal: &Proposal) -> Value {
    let mitigation = mitigation(case, proposal);
    let rank = &proposal.proposed.rank;
    let examined = proposal.examined.as_ref();
    json!({
        "case": case.id.to_string(),
        "title": case.opened.as_ref().map(|opened| &opened.incident.title),
        "proposal": proposal.proposed.number,
        "stage": proposal.stage().to_string(),
        "strategy": mitigation.map(|mitigation| &mitigation.strategy),
        "target": mitigation.map(|mitigation| &mitigation.target),
        "validation": mitigation.map(|mitigation| &mitigation.validation),
        "patch": mitigation.and_then(|mitigation| mitigation.patch.as_ref()),
        "rank": {
            "score": rank.score, "helps": rank.helps, "risk": rank.risk, "precedent": rank.precedent,
            "saving": rank.saving.map(|saving| json!({ "cores": saving.cores, "watts": saving.watts })),
            "reasons": rank.reasons,
            "precedents": rank.precedents.iter().map(precedent).collect::<Vec<_>>(),
        },
        "base": examined.and_then(|examined| examined.base.as_ref()).map(|base| json!({
            "repository": base.repository, "branch": base.branch, "commit": base.commit,
        })),
        "checks": checks(proposal),
        "measured": examined.and_then(|examined| examined.measured.as_ref()).map(|measured| json!({
            "before": measured.before, "after": measured.after, "p_value": measured.p_value,
            "lower_is_better": measured.lower_is_better,
        })),
        "needs_person": examined.and_then(|examined| examined.person.as_ref()),
        "reviews": proposal.reviews.iter().map(|(at, reviewed)| json!({
            "time": time::rfc3339(*at), "by": reviewed.by, "text": reviewed.text,
            "decision": match reviewed.decision {
                Decision::Approved => "approved",
                Decision::Rejected(_) => "rejected",
            },
            "reason": match reviewed.decision {
                Decision::Rejected(reason) => Some(reason.word()),
                Decision::Approved => None,
            },
        })).collect::<Vec<_>>(),
        "effects": proposal.intents,
        "submitted": proposal.submitted.as_ref().map(|submitted| json!({
            "forge": submitted.forge, "branch": submitted.branch, "commit": submitted.commit, "url": submitted.url,
            "number": submitted.number, "notes": submitted.notes,
        })),
        "outcomes": proposal.outcomes.iter().map(became).collect::<Vec<_>>(),
    })
}

/// A case that shaped a rank.
fn precedent(cited: &Cited) -> Value {
    let said = cited.said.iter().map(|said| json!({ "by": said.by, "reason": said.reason, "text": said.text }));
    json!({
        "case": cited.case.to_string(), "similarity": cited.similarity, "outcome": cited.outcome,
        "said": said.collect::<Vec<_>>(),
    })
}

/// What was asked of a proposal, as the fixed output has it.
fn checks(proposal: &Proposal) -> Vec<Value> {
    let criteria = proposal.examined.iter().flat_map(|examined| &examined.criteria);
    let asked = criteria.map(|criterion| {
        let passed = match criterion.result {
            Passed::Yes => Value::Bool(true),
            Passed::No => Value::Bool(false),
            Passed::Skipped => Value::Null,
        };
        json!({ "name": criterion.name, "passed": passed, "detail": criterion.detail, "output": criterion.output })
    });
    asked.collect()
}

fn in_words(case: &Case, proposal: &Proposal) -> String {
    let mut text = String::new();
    let mut say = |line: &str| text += &format!("{}\n", printable(line));
    say(line(&described(case, proposal)).trim_end());
    let mitigation = mitigation(case, proposal);
    if let Some(mitigation) = mitigation {
        say(&format!("  mitigates {}", shorten(&mitigation.target, 80)));
        say(&format!("  to see that it helps: {}", shorten(&mitigation.validation, 400)));
    }
    for reason in &proposal.proposed.rank.reasons {
        say(&format!("  · {reason}"));
    }
    for criterion in proposal.examined.iter().flat_map(|examined| &examined.criteria) {
        let mark = match criterion.result {
            Passed::Yes => "holds",
            Passed::No => "FAILS",
            Passed::Skipped => "not asked",
        };
        say(&format!("  {}: {mark}: {}", criterion.name, criterion.detail));
        if let Some(output) = criterion.output.as_ref().filter(|_| criterion.result == Passed::No) {
            output.lines().for_each(|line| say(&format!("    | {line}")));
        }
    }
    for (_, reviewed) in &proposal.reviews {
        say(&format!("  {}", decided(reviewed)));
    }
    if let Some(place) = &proposal.submitted {
        say(&format!("  {}", submitted(place)));
        place.notes.iter().for_each(|note| say(&format!("    {note}")));
    }
    if let Some(patch) = mitigation.and_then(|mitigation| mitigation.patch.as_ref()) {
        say("");
        patch.lines().for_each(&mut say);
    }
    text.push('\n');
    text
}

/// Adds what proposals went through to what a case prints for programs: mitigations in the order of their rank, each with its checks.
pub fn with_checks(mut answer: Value, case: &Case) -> Value {
    let one = |proposal: &Proposal| {
        let mitigation = mitigation(case, proposal)?;
        Some(json!({
            "strategy": mitigation.strategy, "target": mitigation.target, "patch": mitigation.patch,
            "setting": mitigation.setting.as_ref().map(|setting| json!({
                "service": setting.service, "key": setting.key, "value": setting.value,
            })),
            "validation": mitigation.validation,
            "checks": checks(proposal),
            "proposal": proposal.proposed.number,
            "stage": proposal.stage().to_string(),
        }))
    };
    let ranked: Vec<Value> = case.proposals.all.iter().filter_map(one).collect();
    if !ranked.is_empty() {
        answer["mitigations"] = Value::Array(ranked);
    }
    answer
}
