//! A case with something of everything.
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use negawatt_casebook::*;
use negawatt_host::model::{
    Aggregate, Aggregation, Candidate, ChangePoint, Direction, Dismissal, DismissalReason, Evidence, Finding,
    FindingBody, Fleet, FunctionShift, Impact, Incident, IncidentKind, Label, Metric, Mitigation, Opportunity, Other,
    QuantileTransform, Setting, Severity, Shape, Suspect, Transform, Window,
};
use negawatt_host::{Digest, Origin, Outcome, Status, Tool, ToolAnswer, Usage};

/// A new folder as a casebook wants it, whatever the mask of this process.
pub fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap()
}

/// As a casebook wants its file, whatever the mask of this process.
pub fn make_private(file: &Path) {
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A step's number as its id.
pub fn step(n: usize) -> String {
    format!("s{n}")
}

pub fn opened(fingerprint: &str) -> Opened {
    let metric = Metric {
        name: "cpu_seconds".into(),
        labels: vec![Label { name: "service".into(), value: "checkout".into() }],
        worse: Direction::Up,
        transform: Transform::Quantile(QuantileTransform { quantile: 0.99, over: 300_000_000 }),
        aggregate: Some(Aggregate { operation: Aggregation::Sum, by: vec!["zone".into()] }),
    };
    let entry = |id: &str, origin, look_back| CatalogEntry {
        id: id.into(),
        digest: Digest::of(id.as_bytes()),
        origin,
        look_back,
        produces: vec![negawatt_host::Kind::ChangePoint],
    };
    Opened {
        incident: Incident {
            kind: IncidentKind::Regression,
            title: "checkout CPU up".into(),
            service: "checkout".into(),
            metric: Some(metric),
            window: Window { start: 1_000_000, end: 2_000_000 },
            severity: Severity::High,
        },
        fingerprint: fingerprint.into(),
        now: 2_000_000,
        seed: u64::MAX,
        neighbours: ["cart".to_owned(), "payment".to_owned()].into(),
        catalog: vec![entry("first@0.1.0", Origin::Bundled, 28), entry("second@1.2.3", Origin::Loaded, 1)],
        fleet: Some(Fleet { servers: 1200.0, cores_per_server: 64.0, watts_per_core: 4.5 }),
        host_version: "0.1.0".into(),
        earlier: Some("01D39ZY06FGSCTVN4T2V9PKHFZ".parse().unwrap()),
        config: Config { path: Some("/srv/negawatt.toml".into()), digest: Digest::of(b"config") },
        extra: vec![("budget.steps".into(), "40".into())],
    }
}

pub fn planned(steps: impl IntoIterator<Item = usize>) -> Event {
    let planned = |n| PlannedStep {
        step: step(n),
        skill: "first@0.1.0".into(),
        digest: Digest::of(b"first@0.1.0"),
        inputs: vec!["e1".into()],
        withheld: Vec::new(),
        reason: "it leads to the goal".into(),
    };
    Event::Planned(Planned { steps: steps.into_iter().map(planned).collect() })
}

pub fn finding(body: FindingBody) -> Finding {
    Finding {
        body,
        confidence: 0.9,
        summary: "a summary".into(),
        because: vec!["e1".into()],
        extra: vec![("a".into(), "b".into())],
    }
}

/// One finding of every kind, with every option given and with none.
pub fn findings() -> Vec<Finding> {
    let suspect = |candidate, repository: Option<&str>| {
        FindingBody::Suspect(Suspect {
            candidate,
            id: "4f1c".into(),
            repository: repository.map(str::to_owned),
            author: repository.map(|_| "Ada <ada@example.com>".into()),
            files: vec!["src/cart.rs".into()],
            reason: "it touches the function".into(),
            log_odds: f64::NEG_INFINITY,
            extra: vec![],
        })
    };
    let mitigation = |patch: Option<&str>, setting: Option<Setting>| {
        let (strategy, target, validation) = ("revert".into(), "4f1c".into(), "run it".into());
        FindingBody::Mitigation(Mitigation { strategy, target, patch: patch.map(str::to_owned), setting, validation })
    };
    let setting = Setting { service: "checkout".into(), key: "cache".into(), value: "true".into() };
    let bodies = [
        FindingBody::ChangePoint(ChangePoint {
            time: 1_500_000,
            before: -0.0,
            after: 2.5,
            p_value: 1e-300,
            method: "e-divisive".into(),
            shape: Shape::Drift,
        }),
        FindingBody::Dismissal(Dismissal {
            reason: DismissalReason::Seasonal,
            detail: "every Monday".into(),
            of: Some("e1".into()),
        }),
        FindingBody::FunctionShift(FunctionShift {
            name: "cart::price".into(),
            before: 0.031,
            after: 0.094,
            self_before: 0.0,
            self_after: 0.05,
            p_value: 0.001,
        }),
        suspect(Candidate::Commit, Some("default")),
        suspect(Candidate::Service, None),
        mitigation(Some("--- a\n+++ b\n"), None),
        mitigation(None, Some(setting)),
        FindingBody::Opportunity(Opportunity {
            name: "f".into(),
            pattern: "compiled per call".into(),
            files: vec![],
            share: 0.1,
            saving_low: 0.01,
            saving_high: 0.09,
        }),
        FindingBody::Impact(Impact { cores: -3.0, watts: -13.5, basis: "0.1 × 30".into() }),
        FindingBody::Note("ünïcode \u{1b}[31m".into()),
        FindingBody::Other(Other { name: "acme.gc-pause".into(), data: "{}".into() }),
    ];
    bodies.map(finding).into()
}

/// An answer as the host would record it; different for every `n`.
pub fn answer(tool: Tool, n: usize) -> ToolAnswer {
    ToolAnswer {
        tool,
        function: "query".into(),
        request: format!("question {n}").into_bytes(),
        response: format!("answer {n} ").repeat(200).into_bytes(),
        error: (n % 3 == 2).then(|| "not-found: no such series".into()),
        wall_us: 812,
    }
}

pub fn outcome(status: Status, findings: Vec<Finding>, answers: Vec<ToolAnswer>) -> Outcome {
    let usage = Usage {
        wall_us: 1000,
        guest_us: 300,
        tools_us: 500,
        tool_calls: answers.len() as u32,
        read_bytes: 4096,
        peak_memory_bytes: 65536,
    };
    let message = (status != Status::Ok).then(|| "it went wrong".into());
    Outcome {
        findings,
        status,
        message,
        usage,
        answers,
        log: vec!["info: hello".into()],
        is_returned: false,
        case_spent: false,
    }
}

pub fn accepted(n: usize, first_id: usize, findings: Vec<Finding>) -> Event {
    let evidence = (first_id..).zip(findings).map(|(id, finding)| Evidence {
        id: format!("e{id}"),
        by: "first@0.1.0".into(),
        finding,
    });
    let tools: BTreeSet<_> = [Tool::Metrics, Tool::Changes].into();
    Event::Accepted(Accepted { step: step(n), evidence: evidence.collect(), tools })
}

pub fn concluded() -> Event {
    Event::Concluded(Concluded {
        verdict: Verdict::Dismissed,
        confidence: 0.97,
        dismissal: Some(Dismissed { reason: DismissalReason::WentAway, detail: "it is back since 10:00".into() }),
        change_point: Some("e1".into()),
        would_settle: Some("one more day".into()),
        wall_ms: 41,
        ending: Ending::GoalReached,
    })
}

pub fn call(log: &mut CaseLog, n: usize, outcome: &Outcome) -> Result<(), CasebookError> {
    let attempt = log.case().step(&step(n)).map_or(0, |step| step.calls.len()) + 1;
    let mut batch = Batch::default();
    batch.push_call(&step(n), attempt as u32, outcome, Vec::new());
    log.append(batch)
}

/// A whole case after its opening, with one call of every status.
pub fn record(log: &mut CaseLog) -> Result<(), CasebookError> {
    let statuses = [
        Status::Ok,
        Status::Error,
        Status::Denied,
        Status::Trap,
        Status::Timeout,
        Status::Cancelled,
        Status::OverBudget,
        Status::Invalid,
        Status::Skipped,
    ];
    log.append(planned(1..=statuses.len() + 1))?;
    for (n, status) in (1..).zip(statuses) {
        let found = if status == Status::Ok { findings() } else { Vec::new() };
        // Those that the first released schema knew.
        let tools = Tool::ALL.into_iter().filter(|tool| *tool != Tool::Http);
        let answers = tools.zip(n..).map(|(tool, n)| answer(tool, n));
        call(log, n, &outcome(status, found, answers.collect()))?;
    }
    log.append(vec![accepted(1, 1, findings()), concluded()])
}

/// A case that is stopped in the middle: something is withheld from its step, which was about to have an effect outside; and a
/// component is put aside.
pub fn begin(log: &mut CaseLog) -> Result<(), CasebookError> {
    let Event::Planned(mut first) = planned([1]) else { return Ok(()) };
    first.steps[0].withheld = vec!["e2".into()];
    let what = "POST https://example.com/".to_owned();
    log.append(vec![Event::Planned(first), Event::Intended(Intended { step: step(1), what })])?;
    let mut batch = Batch::default();
    let failure = Some("trap: unreachable".to_owned());
    batch.judge(Judged { skill: "bad@1.0.0".into(), digest: Digest::of(b"bad"), failure, most: 1 });
    log.append(batch)
}

/// A symptom; different for every `n`.
pub fn symptom(n: i64) -> Symptom {
    let mut incident = opened("symptom").incident;
    incident.service = format!("service-{n}");
    let (time, within, shape) = (1_500_000 + n, 1_000, Shape::Step);
    let (before, after, p_value, reason) = (0.1 + 0.2, 0.5, 1e-300, format!("for reason {n}"));
    Symptom { incident, time, within, before, after, p_value, shape, reason }
}

/// A case of three symptoms that has ended, of which the last came later and the second is of a case of its own now; and what is known
/// of two series.
pub fn watch(book: &Casebook, fingerprint: &str) -> Result<(CaseId, CaseId), CasebookError> {
    let mut log = book.open_case(opened(fingerprint).with_symptoms(&[symptom(1), symptom(2)]))?;
    log.append(vec![concluded(), Event::Joined(Joined { symptoms: vec![symptom(3)] })])?;
    let id = log.case().id;
    log.release()?;
    let split = book.split(&id, &[2], opened(fingerprint).with_symptoms(&[symptom(2)]))?;
    book.note_watched(&[([1; 32], 10), ([2; 32], 20)], 0)?;
    Ok((id, split.case().id))
}

pub fn said() -> Said {
    let (strategy, by) = (Some("revert".into()), Some("Ada".into()));
    Said { strategy, by, reason: "risky".into(), text: "the cache was cold".into() }
}

pub fn proposed(number: u32) -> Event {
    let rank = Rank {
        score: 0.5,
        helps: 0.8,
        risk: 0.1,
        precedent: 0.5,
        saving: Some(Cost { cores: 12.0, watts: 54.0 }),
        reasons: vec!["it is the likeliest".into()],
        precedents: vec![Cited {
            case: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            similarity: 0.7,
            outcome: "merged".into(),
            said: vec![said()],
        }],
    };
    Event::Proposed(Proposed { number, mitigation: "e6".into(), rank })
}

pub fn examined(proposal: u32, result: Passed) -> Event {
    let criterion = |name: &str, result| Criterion {
        name: name.into(),
        result,
        detail: "it was tried".into(),
        output: Some("error: \u{1b}[31m".into()),
    };
    Event::Examined(Examined {
        proposal,
        base: Some(Base { repository: "default".into(), branch: "refs/heads/main".into(), commit: "4f".repeat(20) }),
        criteria: vec![criterion("applies", Passed::Yes), criterion("parses", result)],
        measured: Some(Measured {
            before: vec![1.0, f64::NAN],
            after: vec![0.5],
            lower_is_better: true,
            p_value: 1e-300,
        }),
        person: Some("its severity is critical".into()),
    })
}

pub fn reviewed(proposal: u32, decision: Decision) -> Event {
    Event::Reviewed(Reviewed { proposal, by: Some("Ada".into()), decision, text: "as it says".into() })
}

pub fn submitted(proposal: u32) -> Event {
    Event::Submitted(Submitted {
        proposal,
        forge: "git".into(),
        branch: "negawatt/1".into(),
        commit: "4f".repeat(20),
        url: None,
        number: Some(7),
        notes: Vec::new(),
    })
}

pub fn became(proposal: Option<u32>, what: Became) -> Event {
    let by = Witness::Person("Ada".into());
    Event::Outcome(negawatt_casebook::Outcome { proposal, what, by, at: None, culprit: None, text: String::new() })
}

/// A case that proposed something, which was examined, approved, submitted and merged, with what is learned of it.
pub fn propose(book: &Casebook, fingerprint: &str) -> Result<CaseId, CasebookError> {
    let mut log = book.open_case(opened(fingerprint))?;
    let submitting = Submitting { proposal: 1, what: "push it".into(), submission: Some("all of it".into()) };
    let events = vec![
        concluded(),
        proposed(1),
        proposed(2),
        examined(1, Passed::Yes),
        examined(2, Passed::No),
        reviewed(1, Decision::Approved),
        reviewed(2, Decision::Rejected(Rejection::WrongFix)),
        Event::Submitting(submitting),
        submitted(1),
    ];
    log.append(events)?;
    let adjusted =
        Adjusted { threshold: "review.confidence".into(), from: 0.9, to: 0.896, reason: "it was right".into() };
    let mut batch = Batch::from(vec![became(Some(1), Became::Merged), Event::Adjusted(adjusted)]);
    let traits = Traits {
        kind: "commit step".into(),
        functions: vec!["cart::price".into()],
        languages: vec!["rs".into()],
        strategies: vec!["revert".into()],
        text: "cart is slow".into(),
    };
    let tried = vec![Tried { strategy: "revert".into(), outcome: "merged".into() }];
    let (summary, outcome) = ("about a cart".into(), "merged".into());
    let stood = Stood { skill: "first@0.1.0".into(), digest: Digest::of(b"first@0.1.0"), time: 7, share: 0.5 };
    let (service, said) = ("checkout".into(), vec![said()]);
    let precedent = Some(Resolved { service, traits, summary, tried, outcome, said, time: 7 });
    batch.learn(Learned { stood: vec![stood], precedent });
    log.append(batch)?;
    Ok(log.case().id)
}

/// What happened, without when.
pub fn happened(events: &[Recorded]) -> Vec<(u64, Event)> {
    events.iter().map(|recorded| (recorded.seq, recorded.event.clone())).collect()
}
