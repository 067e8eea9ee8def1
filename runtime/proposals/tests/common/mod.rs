//! Cases that are put together here.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use negawatt_actions::guard::{Launcher, Until};
use negawatt_casebook::{
    Accepted, Called, Case, CaseId, Casebook, CatalogEntry, Concluded, Config, Criterion, Decision, End, Ending, Event,
    Examined, Opened, Passed, Planned, PlannedStep, Posted, Reviewed, Step, Verdict,
};
use negawatt_host::model::{
    Evidence, Finding, FindingBody, Fleet, Incident, IncidentKind, Mitigation, Opportunity, Severity, Window,
};
use negawatt_host::{Digest, Origin, Status, Usage};
use negawatt_proposals::{Desk, Examinations, ranked};

/// A case without evidence, of a service with 1,000 cores of 4 W.
pub fn case(verdict: Verdict) -> Case {
    let mut case = Case::new("01M85CZ2EARPN0D8J5FDXQE8P6".parse::<CaseId>().unwrap());
    let kind = if verdict == Verdict::Opportunity { IncidentKind::Opportunity } else { IncidentKind::Regression };
    case.opened = Some(Arc::new(Opened {
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
    }));
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
pub fn post(case: &mut Case, skill: &str, body: FindingBody, because: &[&str]) -> String {
    let (by, digest) = (format!("{skill}@1.0.0"), Digest::of(skill.as_bytes()));
    let (id, step) = (format!("e{}", case.board.len() + 1), format!("s{}", case.steps.len() + 1));
    let opened = Arc::make_mut(case.opened.as_mut().unwrap());
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
    case.steps.push(Step { planned, intents: Vec::new(), calls: vec![called.into()], accepted });
    let because = because.iter().map(|id| (*id).to_owned()).collect();
    let finding = Finding { body, confidence: 0.8, summary: String::new(), because, extra: Vec::new() };
    case.board.push(Posted { evidence: Evidence { id: id.clone(), by, finding }, step, tools: BTreeSet::new() }.into());
    id
}

pub fn opportunity(name: &str, saving_low: f64, saving_high: f64) -> FindingBody {
    let (pattern, files) = ("compiles a pattern per call".into(), Vec::new());
    FindingBody::Opportunity(Opportunity { name: name.into(), pattern, files, share: 0.5, saving_low, saving_high })
}

pub fn mitigation(target: &str, patch: &str) -> FindingBody {
    let (strategy, patch) = ("hoist".into(), Some(patch.to_owned()));
    FindingBody::Mitigation(Mitigation {
        strategy,
        target: target.into(),
        patch,
        setting: None,
        validation: String::new(),
    })
}

/// A case that found an opportunity and a mitigation of it.
pub fn found() -> Case {
    let mut case = case(Verdict::Opportunity);
    post(&mut case, "finder", opportunity("parse", 0.05, 0.15), &[]);
    post(&mut case, "fixer", mitigation("parse", "a"), &["e1"]);
    case
}

/// Records that a proposal passed the guard, which nobody asked, who has to decide of it, and what was decided.
pub fn examined(book: &Casebook, id: &CaseId, person: Option<&str>, decision: Option<Decision>) {
    let mut log = book.resume(id).unwrap();
    let proposed = ranked(log.case(), book).unwrap().remove(0);
    let (name, detail) = ("applies".to_owned(), String::new());
    let criteria = vec![Criterion { name, result: Passed::Yes, detail, output: None }];
    let examined = Examined { proposal: 1, base: None, criteria, measured: None, person: person.map(str::to_owned) };
    let reviewed = decision.map(|decision| {
        let (by, text) = (Some("Ada".to_owned()), String::new());
        Event::Reviewed(Reviewed { proposal: 1, by, decision, text })
    });
    let events = [Event::Proposed(proposed), Event::Examined(examined)].into_iter().chain(reviewed);
    log.append(events.collect::<Vec<_>>()).unwrap();
    log.release().unwrap();
}

/// Records a case that was put together, as it would have been; nobody owns it.
pub fn record(book: &Casebook, case: &Case) -> CaseId {
    let mut log = book.open_case(Opened::clone(case.opened.as_ref().unwrap())).unwrap();
    for (step, posted) in case.steps.iter().zip(&case.board) {
        let (planned, evidence) = (step.planned.clone(), vec![posted.evidence.clone()]);
        let accepted = Accepted { step: planned.step.clone(), evidence, tools: BTreeSet::new() };
        let planned = Event::Planned(Planned { steps: vec![planned] });
        log.append(vec![planned, Event::Called(step.calls[0].clone()), Event::Accepted(accepted)]).unwrap();
    }
    log.append(Event::Concluded(case.concluded().unwrap().clone())).unwrap();
    let id = log.case().id;
    log.release().unwrap();
    id
}

/// What proposals of a configuration are handled with; no command runs.
pub fn desk(folder: &Path, config: &str) -> Desk {
    let config = negawatt_config::Config::parse(config, &folder.join("negawatt.toml")).unwrap();
    Desk {
        config: Arc::new(config),
        launcher: Launcher { program: "false".into(), arguments: Vec::new(), until: Until::default() },
        parses: Arc::new(|_, _, _| Ok(())),
        scratch: folder.to_owned(),
        examinations: Examinations::default(),
        tell: None,
    }
}
