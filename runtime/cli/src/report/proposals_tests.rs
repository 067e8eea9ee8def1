//! Proposals of cases that are put together here, as text.

use negawatt_casebook::{
    Adjusted, Became, Cost, Criterion, Decision, Examined, Measured, Outcome, Passed, Proposal, Proposed, Rank,
    Recovery, Rejection, Reviewed, Submitted, Witness,
};
use negawatt_host::model::{FindingBody, Mitigation, Setting, Window};

use super::tests::{HOUR, case, post, recorded, says};
use super::*;

/// A mitigation all of whose texts are this one.
pub fn mitigation(text: &str, setting: bool) -> FindingBody {
    let own = || text.to_owned();
    FindingBody::Mitigation(Mitigation {
        strategy: own(),
        target: own(),
        patch: (!setting).then(own),
        setting: setting.then(|| Setting { service: own(), key: own(), value: own() }),
        validation: own(),
    })
}

/// Proposes a piece of evidence; nobody has looked at it yet.
pub fn propose<'a>(case: &'a mut Case, mitigation: &str) -> &'a mut Proposal {
    let number = u32::try_from(case.proposals.all.len()).unwrap() + 1;
    let saving = Some(Cost { cores: 8_900.0, watts: 40_050.0 });
    let reasons = vec!["it helps with 0.81".to_owned()];
    let rank = Rank { score: 0.75, helps: 0.81, risk: 0.06, precedent: 0.5, saving, reasons, precedents: Vec::new() };
    case.proposals.all.push(Proposal {
        earlier: Vec::new(),
        told: false,
        proposed: Proposed { number, mitigation: mitigation.to_owned(), rank },
        examined: None,
        reviews: Vec::new(),
        intents: Vec::new(),
        submission: None,
        submitted: None,
        outcomes: Vec::new(),
    });
    case.proposals.all.last_mut().unwrap()
}

pub fn criterion(name: &str, result: Passed, detail: &str, output: Option<&str>) -> Criterion {
    Criterion { name: name.to_owned(), result, detail: detail.to_owned(), output: output.map(str::to_owned) }
}

pub fn examined(criteria: Vec<Criterion>) -> Option<Examined> {
    let person = Some("the severity of the incident is high".to_owned());
    Some(Examined { proposal: 1, base: None, criteria, measured: None, person })
}

pub fn measured() -> Option<Measured> {
    let (before, after) = (vec![12.0, 12.4, 12.2, 12.6], vec![9.0, 9.2, 9.4, 9.0]);
    Some(Measured { before, after, lower_is_better: true, p_value: 1.0 / 70.0 })
}

fn became(hour: i64, proposal: Option<u32>, what: Became, by: Witness, text: &str) -> (i64, Outcome) {
    (hour * HOUR, Outcome { proposal, what, by, at: None, culprit: None, text: text.to_owned() })
}

/// Proposals that went through everything, all of whose texts are this one.
pub fn everything(case: &mut Case, text: &str) {
    let own = || text.to_owned();
    for setting in [false, true] {
        let id = post(case, mitigation(text, setting), 0.5);
        let proposal = propose(case, &id);
        proposal.proposed.rank.reasons = vec![own()];
        let criteria =
            [Passed::Yes, Passed::No, Passed::Skipped].map(|result| criterion(text, result, text, Some(text)));
        proposal.examined = examined(criteria.into());
        let examined = proposal.examined.as_mut().unwrap();
        (examined.person, examined.measured) = (Some(own()), measured());
        let decisions = [Decision::Approved, Decision::Rejected(Rejection::Risky)];
        let reviewed = |decision| (0, Reviewed { proposal: 1, by: Some(own()), decision, text: own() });
        proposal.reviews = decisions.map(reviewed).into();
        proposal.submitted = Some(Submitted {
            proposal: 1,
            forge: own(),
            branch: own(),
            commit: own(),
            url: (!setting).then(own),
            number: None,
            notes: vec![own()],
        });
        proposal.outcomes = vec![became(0, Some(1), Became::Merged, Witness::Person(own()), text)];
    }
    let mut blamed = became(0, None, Became::WrongCulprit, Witness::Forge, text);
    blamed.1.culprit = Some(own());
    case.proposals.outcomes = vec![blamed];
    case.proposals.adjusted = vec![(0, Adjusted { threshold: own(), from: 0.9, to: 0.92, reason: own() })];
}

fn shown(case: &Case) -> String {
    report(case, &recorded(50), &Look { width: 120, colour: false, unicode: true })
}

#[test]
fn a_proposal_is_told_in_a_few_lines() {
    let mut case = case(Verdict::Regression, None);
    let ids = ["hoist", "revert", "config-rollback", "memoize"]
        .map(|strategy| post(&mut case, mitigation(strategy, false), 0.8));
    let criteria =
        |result| vec![criterion("applies", Passed::Yes, "", None), criterion("tests", result, "exit code 3", None)];
    let first = propose(&mut case, &ids[0]);
    first.examined = examined(criteria(Passed::Yes));
    first.examined.as_mut().unwrap().measured = measured();
    propose(&mut case, &ids[1]).examined = examined(criteria(Passed::No));
    propose(&mut case, &ids[2]);
    propose(&mut case, "e99");
    says(
        &shown(&case),
        &[
            "Proposals   1. hoist: for hoist, waiting (finder@1.0.0)\n",
            "               all 2 criteria hold\n",
            "               measured: 12.3 → 9.1 (-26.0 %), lower is better; p = 0.014, 4 runs each\n",
            "            2. revert: for revert, withheld (finder@1.0.0)\n",
            "               tests does not hold: exit code 3\n",
            "            3. config-rollback: for config-roll…",
            ", proposed",
            "               the guard was not asked yet\n",
            "            4. what proposed it is not known here, proposed\n",
            "            negawatt review show 01M85CZ2EARPN0D8J5FDXQE8P6  has the patches",
            "            memoize: for memoize; memoize (80 %, finder@1.0.0)\n",
        ],
    );
    for _ in 0..2 {
        propose(&mut case, &ids[3]);
    }
    says(&shown(&case), &["            and 1 more proposal\n"]);
}

#[test]
fn a_case_without_proposals_tells_what_was_found() {
    let mut case = case(Verdict::Regression, None);
    post(&mut case, mitigation("revert", false), 0.8);
    let text = shown(&case);
    says(&text, &["Proposals   revert: for revert; revert (80 %, finder@1.0.0)\n"]);
    assert!(!text.contains("review show") && !text.contains("Outcome"), "{text}");
}

#[test]
fn what_became_of_a_case_is_told_by_time() {
    let mut case = case(Verdict::Regression, None);
    let id = post(&mut case, mitigation("revert", false), 0.8);
    let saved = Some(Cost { cores: 8_000.0, watts: 36_000.0 });
    let recovery = Recovery { window: Window { start: 0, end: HOUR }, level: 1.0, part: 0.9, saved };
    propose(&mut case, &id).outcomes = vec![
        became(200, Some(1), Became::Merged, Witness::Forge, "merged as 4f1c"),
        became(300, Some(1), Became::Recovered(recovery), Witness::Metrics, "90 % of the regression is gone"),
    ];
    let mut blamed = became(250, None, Became::WrongCulprit, Witness::Person("Ada".into()), "");
    blamed.1.culprit = Some("77aa".into());
    case.proposals.outcomes = vec![blamed];
    let reason = "2 of 5 proposals were wrong".to_owned();
    let adjusted = Adjusted { threshold: "review.confidence".into(), from: 0.9, to: 0.92, reason };
    case.proposals.adjusted = vec![(250 * HOUR, adjusted)];
    let told = "Outcome     1970-01-09 08:00 proposal 1 merged, says the forge: merged as 4f1c\n            \
                1970-01-11 10:00 the case wrong-culprit, says Ada; it was 77aa\n            \
                1970-01-11 10:00 review.confidence 0.9 → 0.92: 2 of 5 proposals were wrong\n            \
                1970-01-13 12:00 proposal 1 recovered, says its series: 90 % of the regression is gone\n";
    says(&shown(&case), &[told]);
}
