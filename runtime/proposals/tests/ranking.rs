//! In which order a case's mitigations are proposed, of cases that are put together here.

use std::collections::BTreeSet;

use negawatt_casebook::{
    Called, Case, CaseId, Casebook, CatalogEntry, Concluded, Config, Cost, End, Ending, Opened, PlannedStep, Posted,
    Proposed, Step, Verdict,
};
use negawatt_host::model::{
    Candidate, Evidence, Finding, FindingBody, Fleet, Impact, Incident, IncidentKind, Mitigation, Opportunity,
    Severity, Suspect, Window,
};
use negawatt_host::{Digest, Origin, Status, Usage};
use negawatt_proposals::ranked;

/// A case without evidence, of a service with 1,000 cores of 4 W.
fn case(verdict: Verdict) -> Case {
    let mut case = Case::new("01M85CZ2EARPN0D8J5FDXQE8P6".parse::<CaseId>().unwrap());
    let kind = if verdict == Verdict::Opportunity { IncidentKind::Opportunity } else { IncidentKind::Regression };
    case.opened = Some(Opened {
        incident: Incident {
            kind,
            title: "checkout".into(),
            service: "checkout".into(),
            metric: None,
            window: Window { start: 0, end: 1 },
            severity: Severity::Medium,
        },
        fingerprint: String::new(),
        now: 0,
        seed: 0,
        neighbours: BTreeSet::new(),
        catalog: Vec::new(),
        fleet: Some(Fleet { servers: 100.0, cores_per_server: 10.0, watts_per_core: 4.0 }),
        host_version: String::new(),
        earlier: None,
        config: Config { path: None, digest: Digest::of(b"") },
        extra: Vec::new(),
    });
    case.end = Some(End::Concluded(Concluded {
        verdict,
        confidence: 0.9,
        dismissal: None,
        change_point: None,
        would_settle: None,
        wall_ms: 1,
        ending: Ending::NothingLeft,
    }));
    case
}

/// Evidence of a bundled skill, which rests on other evidence; its id.
fn post(case: &mut Case, skill: &str, body: FindingBody, because: &[&str]) -> String {
    let (by, digest) = (format!("{skill}@1.0.0"), Digest::of(skill.as_bytes()));
    let (id, step) = (format!("e{}", case.board.len() + 1), format!("s{}", case.steps.len() + 1));
    let opened = case.opened.as_mut().unwrap();
    let (origin, produces) = (Origin::Bundled, vec![body.kind()]);
    opened.catalog.push(CatalogEntry { id: by.clone(), digest, origin, look_back: 0, produces });
    let planned = PlannedStep {
        step: step.clone(),
        skill: by.clone(),
        digest,
        inputs: Vec::new(),
        withheld: Vec::new(),
        reason: String::new(),
    };
    let called = Called {
        step: step.clone(),
        attempt: 1,
        status: Status::Ok,
        message: None,
        usage: Usage::default(),
        log: Vec::new(),
        answers: Vec::new(),
        findings: Vec::new(),
        extra: Vec::new(),
    };
    let accepted = Some(vec![id.clone()]);
    case.steps.push(Step { planned, intents: Vec::new(), calls: vec![called], accepted });
    let because = because.iter().map(|id| (*id).to_owned()).collect();
    let finding = Finding { body, confidence: 0.8, summary: String::new(), because, extra: Vec::new() };
    case.board.push(Posted { evidence: Evidence { id: id.clone(), by, finding }, step, tools: BTreeSet::new() });
    id
}

fn opportunity(name: &str, saving_low: f64, saving_high: f64) -> FindingBody {
    let (pattern, files) = ("compiles a pattern per call".into(), Vec::new());
    FindingBody::Opportunity(Opportunity { name: name.into(), pattern, files, share: 0.5, saving_low, saving_high })
}

fn mitigation(target: &str, patch: &str) -> FindingBody {
    let (strategy, patch) = ("hoist".into(), Some(patch.to_owned()));
    FindingBody::Mitigation(Mitigation {
        strategy,
        target: target.into(),
        patch,
        setting: None,
        validation: String::new(),
    })
}

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
