//! In which order a case's mitigations are proposed, of cases that are put together here.

mod common;

use std::sync::Arc;

use common::{case, mitigation, opportunity, post};
use negawatt_casebook::{Case, Casebook, Cost, Proposed, Verdict};
use negawatt_host::model::{Candidate, FindingBody, FunctionShift, Impact, Suspect};
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
    Arc::make_mut(case.opened.as_mut().unwrap()).fleet = None;
    assert_eq!(proposed(&case)[0].rank.saving, None);
}

/// A commit that is suspected, for these files.
fn suspect(files: &[&str]) -> FindingBody {
    FindingBody::Suspect(Suspect {
        candidate: Candidate::Commit,
        id: "4f1c".into(),
        repository: None,
        author: None,
        files: files.iter().map(|file| (*file).to_owned()).collect(),
        reason: "it is".into(),
        log_odds: 3.0,
        extra: Vec::new(),
    })
}

fn shift(name: &str, before: f64, after: f64) -> FindingBody {
    let name = name.to_owned();
    FindingBody::FunctionShift(FunctionShift { name, before, after, self_before: 0.0, self_after: 0.0, p_value: 0.01 })
}

/// A patch of a line in each of these files.
fn patch(files: &[&str]) -> String {
    let one = |file: &&str| format!("diff --git a/{file} b/{file}\n--- a/{file}\n+++ b/{file}\n@@ -1 +1 @@\n-a\n+b\n");
    files.iter().map(one).collect()
}

/// Of what the cause costs each patch saves the share of the functions that it touches.
#[test]
fn a_patch_saves_the_share_of_what_it_touches() {
    let mut case = case(Verdict::Regression);
    post(&mut case, "accuser", suspect(&["src/cart.rs", "src/mail.rs"]), &[]);
    post(&mut case, "impact", FindingBody::Impact(Impact { cores: 8.0, watts: 32.0, basis: String::new() }), &[]);
    let shifts = [shift("cart::price", 0.1, 0.5), shift("mail::send", 0.1, 0.2), shift("log::write", 0.3, 0.2)];
    for (skill, shift) in ["a", "b", "c"].into_iter().zip(shifts) {
        post(&mut case, skill, shift, &[]);
    }
    let patches = [
        (patch(&["src/mail.rs"]), 2.0, "it touches mail::send, which has 25 % of the shift"),
        (patch(&["src/cart.rs"]), 8.0, "it touches cart::price, which has 100 % of the shift"),
        (patch(&["src/log.rs"]), 0.0, "it touches log::write, which has 0 % of the shift"),
        (patch(&["src/cart.rs", "src/mail.rs"]), 8.0, "it touches every file that its target is blamed for"),
        (patch(&["src/other.rs"]), 8.0, "which part of the shift it touches is not known, so all of it counts"),
    ];
    let ids: Vec<String> = patches
        .iter()
        .enumerate()
        .map(|(at, (patch, ..))| post(&mut case, &format!("fixer{at}"), mitigation("4f1c", patch), &[]))
        .collect();
    let all = proposed(&case);
    assert_eq!(all.len(), ids.len());
    for (id, (_, cores, why)) in ids.iter().zip(&patches) {
        let rank = &all.iter().find(|one| one.mitigation == *id).unwrap().rank;
        let saving = rank.saving.unwrap();
        assert!((saving.cores - cores).abs() < 1e-9 && (saving.watts - 4.0 * cores).abs() < 1e-9, "{rank:#?}");
        assert!(rank.reasons.iter().any(|reason| reason == why), "{rank:#?}");
    }
}

#[test]
fn against_the_cause_comes_back_what_it_costs() {
    let mut case = case(Verdict::Regression);
    post(&mut case, "accuser", suspect(&[]), &[]);
    post(&mut case, "impact", FindingBody::Impact(Impact { cores: 7.0, watts: 28.0, basis: String::new() }), &[]);
    let opportunity = post(&mut case, "finder", opportunity("parse", 1.0, 1.0), &[]);
    let against = post(&mut case, "fixer", mitigation("4f1c", "a"), &[]);
    let nobody = post(&mut case, "other-fixer", mitigation("parse", "b"), &[&opportunity]);
    let all = proposed(&case);
    assert_eq!(order(&all), [&*against, &*nobody]);
    assert_eq!(all[0].rank.saving, Some(Cost { cores: 7.0, watts: 28.0 }));
    assert_eq!((all[1].rank.saving, all[1].rank.helps), (None, 0.0), "a regression is not mended by something else");
}
