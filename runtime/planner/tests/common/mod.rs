//! Boards and findings for tests.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeSet;

use negawatt_host::model::*;
use negawatt_host::{Digest, Kind, Status, Tool};
use negawatt_planner::{Board, Item, Taken};

/// An incident about a metric that hurts upward.
pub fn incident() -> Incident {
    let metric = Metric {
        name: "cpu".into(),
        labels: Vec::new(),
        worse: Direction::Up,
        transform: Transform::None,
        aggregate: None,
    };
    Incident {
        kind: IncidentKind::Regression,
        title: "CPU up".into(),
        service: "checkout".into(),
        metric: Some(metric),
        window: Window { start: 0, end: 1_000 },
        severity: Severity::Medium,
    }
}

pub fn finding(body: FindingBody, confidence: f64) -> Finding {
    Finding { body, confidence, summary: String::new(), because: Vec::new(), extra: Vec::new() }
}

pub fn change(time: i64, before: f64, after: f64, confidence: f64) -> Finding {
    let (method, shape) = (String::new(), Shape::Step);
    finding(FindingBody::ChangePoint(ChangePoint { time, before, after, p_value: 0.001, method, shape }), confidence)
}

pub fn dismissal(reason: DismissalReason, of: Option<&str>, confidence: f64) -> Finding {
    let of = of.map(str::to_owned);
    finding(FindingBody::Dismissal(Dismissal { reason, detail: "because".into(), of }), confidence)
}

pub fn suspect(id: &str, log_odds: f64) -> Finding {
    let suspect = Suspect {
        candidate: Candidate::Commit,
        id: id.into(),
        repository: None,
        author: None,
        files: Vec::new(),
        reason: String::new(),
        log_odds,
        extra: Vec::new(),
    };
    finding(FindingBody::Suspect(suspect), 0.5)
}

/// One step of a skill: what it produces, called and found.
pub fn step(board: &mut Board, skill: &str, produces: Kind, tools: &[Tool], status: Status, found: Vec<Finding>) {
    let id = format!("s{}", board.taken().len() + 1);
    let tools: BTreeSet<Tool> = tools.iter().copied().collect();
    board.take(Taken {
        step: id.clone(),
        skill: format!("{skill}@1.0.0"),
        digest: Digest::of(skill.as_bytes()),
        produces: vec![produces],
        inputs: Vec::new(),
        withheld: Vec::new(),
        status,
        message: (status != Status::Ok).then(|| "not-found: no series".to_owned()),
        tools: tools.clone(),
    });
    for finding in found {
        let evidence = Evidence { id: format!("e{}", board.items().len() + 1), by: format!("{skill}@1.0.0"), finding };
        board.accept(Item { evidence, step: id.clone(), from: tools.clone() });
    }
}
