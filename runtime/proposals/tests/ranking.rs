//! In which order a case's mitigations are proposed, of cases that are put together here.

mod common;

use common::{case, mitigation, opportunity, post};
use negawatt_casebook::{Case, Casebook, Cost, Proposed, Verdict};
use negawatt_host::model::{Candidate, FindingBody, Impact, Suspect};
use negawatt_proposals::ranked;

fn proposed(case: &Case) -> Vec<Proposed> {
    let folder = tempfile::tempdir().unwrap();
    ranked(case, &Casebook::open(folder.path()).unwrap()).unwrap()
}

fn order(proposed: &[Proposed]) -> Vec<&str> {
    proposed.iter().map(|one| one.mitigation.as_str()).collect()
}

#[test]
fn what_saves_more_of_a_service_comes_first() {
    let mut case = case(Verdict::Opportunity);
    let small = post(&mut case, "finder", opportunity("parse", 0.0, 0.02), &[]);
    post(&mut case, "other-finder", opportunity("render", 0.04, 0.06), &[]);
    // One rests on its opportunity, one names it, and of one nobody knows what it saves.
    let first = post(&mut case, "fixer", mitigation("elsewhere", "a"), &[&small]);
    let second = post(&mut case, "other-fixer", mitigation("render", "b"), &[]);
    let unknown = post(&mut case, "third-fixer", mitigation("nowhere", "c"), &[]);
    let all = proposed(&case);
    assert_eq!(order(&all), [&*second, &*unknown, &*first]);
    let savings: Vec<_> = all.iter().map(|one| one.rank.saving).collect();
    let of = |cores: f64| Some(Cost { cores, watts: 4.0 * cores });
    assert_eq!(savings, [of(50.0), None, of(10.0)]);
    assert_eq!((all[0].rank.score, all[1].rank.score), (0.8, 0.8), "what is not known counts whole");
    assert!((all[2].rank.score - 0.16).abs() < 1e-12, "{:?}", all[2].rank);
    let reasons = all[2].rank.reasons.join("\n");
    assert!(
        reasons.contains("10 cores and 40 W come back where it helps wholly, 20 % of what the largest saving is"),
        "{reasons}"
    );
}

#[test]
fn what_a_skill_says_of_its_own_patch_and_what_no_fleet_tells_saves_nothing() {
    let mut case = case(Verdict::Opportunity);
    post(&mut case, "fixer", opportunity("parse", 1.0, 1.0), &[]);
    post(&mut case, "fixer", mitigation("parse", "a"), &["e1"]);
    assert_eq!(proposed(&case)[0].rank.saving, None);
    post(&mut case, "finder", opportunity("parse", 0.1, 0.1), &[]);
    assert_eq!(proposed(&case)[0].rank.saving, Some(Cost { cores: 100.0, watts: 400.0 }));
    case.opened.as_mut().unwrap().fleet = None;
    assert_eq!(proposed(&case)[0].rank.saving, None);
}

#[test]
fn against_the_cause_comes_back_what_it_costs() {
    let mut case = case(Verdict::Regression);
    let suspect = Suspect {
        candidate: Candidate::Commit,
        id: "4f1c".into(),
        repository: None,
        author: None,
        files: Vec::new(),
        reason: "it is".into(),
        log_odds: 3.0,
        extra: Vec::new(),
    };
    post(&mut case, "accuser", FindingBody::Suspect(suspect), &[]);
    post(&mut case, "impact", FindingBody::Impact(Impact { cores: 7.0, watts: 28.0, basis: String::new() }), &[]);
    let opportunity = post(&mut case, "finder", opportunity("parse", 1.0, 1.0), &[]);
    let against = post(&mut case, "fixer", mitigation("4f1c", "a"), &[]);
    let nobody = post(&mut case, "other-fixer", mitigation("parse", "b"), &[&opportunity]);
    let all = proposed(&case);
    assert_eq!(order(&all), [&*against, &*nobody]);
    assert_eq!(all[0].rank.saving, Some(Cost { cores: 7.0, watts: 28.0 }));
    assert_eq!((all[1].rank.saving, all[1].rank.helps), (None, 0.0), "a regression is not mended by something else");
}
