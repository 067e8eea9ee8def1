//! The proposals: why each has its rank, what the guard asked, what was measured and decided, and the patch.

use negawatt_actions::guard::median;
use negawatt_casebook::{Passed, Proposal as Kept};

use super::super::chart::minute_label;
use super::super::numbers::{digits, grouped, percent};
use super::super::proposals::{decided, does, headline, measured_in_words, submitted, tone, unproposed};
use super::super::{NAME, SENTENCE, Told};
use super::{MOST, class, clean, clean_lines};

/// Lines of a patch, and characters of one and of all.
const LINES: usize = 400;
const LINE: usize = 400;
const PATCH: usize = 20_000;

/// Characters of what a command printed, from its end.
const OUTPUT: usize = 4_000;

/// Criteria, reasons and the like of one proposal.
const SHOWN: usize = 40;

/// A proposal.
pub struct Proposal {
    pub heading: String,
    pub stage: String,
    pub tone: &'static str,
    pub validation: String,
    pub by: String,
    /// What it is ranked by.
    pub rank: Vec<(&'static str, String)>,
    pub reasons: Vec<String>,
    /// Why a person has to decide.
    pub person: Option<String>,
    /// Whether the guard was asked.
    pub is_examined: bool,
    pub criteria: Vec<Criterion>,
    pub measured: Option<Measured>,
    /// What was decided and submitted, in order.
    pub course: Vec<String>,
    pub patch: Option<Patch>,
}

/// What was asked of it.
pub struct Criterion {
    pub name: String,
    pub tone: &'static str,
    pub result: &'static str,
    pub detail: String,
    /// What a command printed.
    pub output: Option<String>,
}

/// What a validation measured, without the patch and with it.
pub struct Measured {
    pub summary: String,
    pub sides: [Side; 2],
}

/// The runs of a side.
pub struct Side {
    pub name: &'static str,
    pub median: String,
    pub runs: String,
}

/// A patch, whole lines of it.
pub struct Patch {
    pub text: String,
    /// Lines that are not shown.
    pub more: usize,
}

/// A mitigation that is not proposed.
pub struct Mitigation {
    pub heading: String,
    pub validation: String,
    pub by: String,
    pub patch: Option<Patch>,
}

/// What the case proposes, in the order of the ranks.
pub fn proposals(told: &Told<'_>) -> Vec<Proposal> {
    told.case.proposals.all.iter().take(MOST).map(|proposal| one(told, proposal)).collect()
}

fn one(told: &Told<'_>, proposal: &Kept) -> Proposal {
    let found = told.case.mitigation(&proposal.proposed);
    let rank = &proposal.proposed.rank;
    let examined = proposal.examined.as_ref();
    let saving =
        rank.saving.map(|saving| format!("{} cores, {} MW", grouped(saving.cores), digits(saving.watts / 1e6)));
    Proposal {
        heading: clean(&headline(told, proposal), 3 * NAME),
        stage: proposal.stage().to_string(),
        tone: class(tone(proposal.stage())),
        validation: found.map_or(String::new(), |(_, mitigation)| clean(&mitigation.validation, 2 * SENTENCE)),
        by: found.map_or(String::new(), |(by, _)| clean(by, NAME)),
        rank: [
            ("Score", Some(digits(rank.score))),
            ("How probably it helps", Some(percent(rank.helps))),
            ("Precedent", Some(digits(rank.precedent))),
            ("Risk", Some(digits(rank.risk))),
            ("Saves, where it works", saving),
        ]
        .into_iter()
        .filter_map(|(label, value)| Some((label, value?)))
        .collect(),
        reasons: rank.reasons.iter().take(SHOWN).map(|reason| clean(reason, 2 * SENTENCE)).collect(),
        person: examined.and_then(|examined| examined.person.as_ref()).map(|why| clean(why, SENTENCE)),
        is_examined: examined.is_some(),
        criteria: examined.iter().flat_map(|examined| &examined.criteria).take(SHOWN).map(criterion).collect(),
        measured: examined.and_then(|examined| examined.measured.as_ref()).map(measured),
        course: course(proposal),
        patch: found.and_then(|(_, mitigation)| mitigation.patch.as_deref()).map(patch),
    }
}

fn criterion(kept: &negawatt_casebook::Criterion) -> Criterion {
    let (tone, result) = match kept.result {
        Passed::Yes => ("good", "holds"),
        Passed::No => ("bad", "does not hold"),
        Passed::Skipped => ("faint", "not asked"),
    };
    let output = kept.output.as_deref().filter(|output| !output.trim().is_empty());
    Criterion {
        name: clean(&kept.name, NAME),
        tone,
        result,
        detail: clean(&kept.detail, 2_000),
        output: output.map(|output| clean_lines(&end(output), OUTPUT + 1)),
    }
}

/// The end of a text: what a command printed last tells most.
fn end(text: &str) -> String {
    let characters = text.chars().count();
    match characters.checked_sub(OUTPUT) {
        None | Some(0) => text.to_owned(),
        Some(more) => format!("…{}", text.chars().skip(more).collect::<String>()),
    }
}

fn measured(kept: &negawatt_casebook::Measured) -> Measured {
    let side = |name, runs: &[f64]| Side {
        name,
        median: median(runs).map_or(String::new(), digits),
        runs: runs.iter().take(MOST).map(|run| digits(*run)).collect::<Vec<_>>().join(", "),
    };
    Measured {
        summary: measured_in_words(kept),
        sides: [side("without the patch", &kept.before), side("with the patch", &kept.after)],
    }
}

/// What was decided of it, and where it is.
fn course(proposal: &Kept) -> Vec<String> {
    let reviews = proposal.reviews.iter().take(SHOWN);
    let reviews =
        reviews.map(|(time, reviewed)| clean(&format!("{} {}", minute_label(*time), decided(reviewed)), 2 * SENTENCE));
    let submitted = proposal.submitted.iter().flat_map(|place| {
        let notes = place.notes.iter().take(SHOWN).map(|note| clean(note, SENTENCE));
        [clean(&submitted(place), 2 * SENTENCE)].into_iter().chain(notes)
    });
    reviews.chain(submitted).collect()
}

/// Whole lines of a patch, as many as fit.
fn patch(text: &str) -> Patch {
    let mut shown = String::new();
    let mut lines = text.lines();
    for line in lines.by_ref().take(LINES) {
        shown += &clean(line, LINE);
        shown.push('\n');
        if shown.len() > PATCH {
            break;
        }
    }
    Patch { text: shown, more: lines.count() }
}

/// Mitigations that are not proposed.
pub fn mitigations(told: &Told<'_>) -> Vec<Mitigation> {
    unproposed(told)
        .take(MOST)
        .map(|(item, mitigation)| Mitigation {
            heading: clean(&format!("{}: {}", mitigation.strategy, does(mitigation)), 3 * NAME),
            validation: clean(&mitigation.validation, 2 * SENTENCE),
            by: format!("{}, {}", percent(item.evidence.finding.confidence), clean(&item.evidence.by, NAME)),
            patch: mitigation.patch.as_deref().map(patch),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use negawatt_casebook::Verdict;

    use super::super::super::proposals_tests::{criterion, examined, measured, mitigation, propose};
    use super::super::super::tests::{case, post, recorded, says};
    use super::super::{Pictures, page};
    use super::*;

    #[test]
    fn a_proposal_is_told_whole() {
        let mut case = case(Verdict::Regression, None);
        let id = post(&mut case, mitigation("revert", false), 0.8);
        let proposal = propose(&mut case, &id);
        proposal.examined = examined(vec![
            criterion("applies", Passed::Yes, "it applies to 4f1c", None),
            criterion("tests", Passed::No, "it ended with 3", Some("cart_test FAILED")),
            criterion("validation", Passed::Skipped, "not looked at", None),
        ]);
        proposal.examined.as_mut().unwrap().measured = measured();
        let html = page(&case, &recorded(50), &Pictures::default()).unwrap();
        says(
            &html,
            &[
                "<a href=\"#proposals\">Proposals</a>",
                "<h3>1. revert: for revert <span class=\"bad\">withheld</span></h3>",
                "<dt>Score</dt><dd>0.75</dd>",
                "<dt>Saves, where it works</dt><dd>8900 cores, 0.04005 MW</dd>",
                "<li>it helps with 0.81</li>",
                "A person decides: the severity of the incident is high.",
                "applies</th><td data-label=\"Result\"><span class=\"good\">holds</span>",
                "<span class=\"bad\">does not hold</span>",
                "it ended with 3<details><summary>what it printed</summary><pre>cart_test FAILED</pre></details>",
                "<span class=\"faint\">not asked</span>",
                "measured: 12.3 → 9.1 (-26.0 %), lower is better; p = 0.014, 4 runs each",
                "without the patch</th><td data-label=\"Median\">12.3</td>",
                "12, 12.4, 12.2, 12.6",
                "9, 9.2, 9.4, 9",
                "<details><summary>the patch</summary><pre>revert\n</pre></details>",
            ],
        );
    }

    #[test]
    fn patches_and_outputs_are_shortened_by_what_matters() {
        let long: String = (0..1_000).map(|line| format!("+{line}\n")).collect();
        let shortened = patch(&long);
        assert!(shortened.text.starts_with("+0\n+1\n") && shortened.text.ends_with("+399\n"), "whole lines");
        assert_eq!(shortened.more, 600);
        let wide = patch(&format!("{}\n", "x".repeat(1_000)).repeat(100));
        assert!(wide.text.len() < PATCH + 2 * LINE && wide.more > 0, "{} {}", wide.text.len(), wide.more);
        assert!(wide.text.lines().all(|line| line.chars().count() <= LINE));
        let whole = patch("-a\n+b\n");
        assert_eq!((whole.text.as_str(), whole.more), ("-a\n+b\n", 0));
        let output = end(&format!("{}the reason", "x".repeat(OUTPUT)));
        assert!(output.starts_with("…x") && output.ends_with("the reason"));
        assert_eq!(output.chars().count(), OUTPUT + 1);
        assert_eq!(end("short"), "short");
    }
}
