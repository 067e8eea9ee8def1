//! Reports of cases that are put together here: every verdict, every width, hostile text.

use std::collections::BTreeSet;
use std::sync::Arc;

use negawatt_casebook::{
    AnswerRef, Called, CaseId, CatalogEntry, Concluded, Config, Dismissed, Ending, Opened, PlannedStep, Posted, Step,
};
use negawatt_host::model::{
    Direction, Dismissal, DismissalReason, Evidence, Finding, FindingBody, IncidentKind, Label, Metric, Opportunity,
    Severity, Shape, Suspect, Transform, Window,
};
use negawatt_host::{Digest, Kind, Origin, Status, Tool, Usage};
use unicode_width::UnicodeWidthChar;

use super::*;
use negawatt_planner::Recorded;

pub(super) const HOUR: i64 = 3_600_000_000;
const LOOK: Look = Look { width: 100, colour: false, unicode: true };

/// A case of 100 hours.
pub(super) fn case(verdict: Verdict, reason: Option<DismissalReason>) -> Case {
    let mut case = Case::new("01M85CZ2EARPN0D8J5FDXQE8P6".parse::<CaseId>().unwrap());
    case.opened = Some(Arc::new(Opened {
        incident: Incident {
            kind: IncidentKind::Regression,
            title: "checkout CPU up".into(),
            service: "checkout".into(),
            metric: Some(Metric {
                name: "cpu".into(),
                labels: vec![Label { name: "service".into(), value: "checkout".into() }],
                worse: Direction::Up,
                transform: Transform::None,
                aggregate: None,
            }),
            window: Window { start: 0, end: 100 * HOUR },
            severity: Severity::Medium,
        },
        fingerprint: String::new(),
        now: 0,
        seed: 0,
        neighbours: BTreeSet::new(),
        catalog: Vec::new(),
        fleet: None,
        host_version: String::new(),
        earlier: None,
        config: Config { path: None, digest: Digest::of(b"") },
        extra: Vec::new(),
    }));
    case.end = Some(negawatt_casebook::End::Concluded(Concluded {
        verdict,
        confidence: 0.9,
        dismissal: reason.map(|reason| Dismissed { reason, detail: "it is so".into() }),
        change_point: None,
        would_settle: None,
        wall_ms: 12,
        ending: Ending::NothingLeft,
    }));
    case
}

/// Posts evidence that no step found.
pub(super) fn post(case: &mut Case, body: FindingBody, confidence: f64) -> String {
    let id = format!("e{}", case.board.len() + 1);
    let finding = Finding { body, confidence, summary: String::new(), because: Vec::new(), extra: Vec::new() };
    let evidence = Evidence { id: id.clone(), by: "finder@1.0.0".into(), finding };
    case.board.push(Arc::new(Posted { evidence, step: String::new(), tools: BTreeSet::new() }));
    id
}

pub(super) fn change(hour: i64, before: f64, after: f64, shape: Shape) -> FindingBody {
    let (time, method) = (hour * HOUR, String::new());
    FindingBody::ChangePoint(ChangePoint { time, before, after, p_value: 1e-9, method, shape })
}

pub(super) fn explain(case: &mut Case, id: String) {
    if let Some(negawatt_casebook::End::Concluded(concluded)) = &mut case.end {
        concluded.change_point = Some(id);
    }
}

/// A step of a skill that produces a kind, and how it ended.
pub(super) fn step(case: &mut Case, skill: &str, produces: Kind, status: Status, message: Option<&str>) {
    let digest = Digest::of(skill.as_bytes());
    let id = format!("s{}", case.steps.len() + 1);
    if let Some(opened) = case.opened.as_mut().map(Arc::make_mut) {
        let (id, origin) = (skill.to_owned(), Origin::Bundled);
        opened.catalog.push(CatalogEntry { id, digest, origin, look_back: 0, produces: vec![produces] });
    }
    case.steps.push(Step {
        planned: PlannedStep {
            step: id.clone(),
            skill: skill.to_owned(),
            digest,
            inputs: Vec::new(),
            withheld: Vec::new(),
            reason: String::new(),
        },
        intents: Vec::new(),
        calls: vec![Arc::new(Called {
            step: id,
            attempt: 1,
            status,
            message: message.map(str::to_owned),
            usage: Usage::default(),
            log: Vec::new(),
            answers: Vec::new(),
            findings: Vec::new(),
            extra: Vec::new(),
        })],
        accepted: Some(Vec::new()),
    });
}

/// One value an hour, from the hour on at another level.
pub(super) fn recorded(hour: i64) -> Record {
    let (times, values) =
        (0..100).map(|n| (n * HOUR, if n < hour { 1.0 } else { 2.0 } + (n % 3) as f64 / 10.0)).unzip();
    Record { series: Some(Recorded { times, values }), ..Record::default() }
}

pub(super) fn suspect(id: &str, candidate: Candidate, log_odds: f64, reason: &str) -> FindingBody {
    FindingBody::Suspect(Suspect {
        candidate,
        id: id.into(),
        repository: None,
        author: Some("Ada <ada@example.com>".into()),
        files: vec!["src/cart.rs".into()],
        reason: reason.into(),
        log_odds,
        extra: Vec::new(),
    })
}

fn shown(case: &Case, record: &Record) -> String {
    report(case, record, &LOOK)
}

/// All of these, in this order.
pub(super) fn says(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is missing, or not in its place:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn a_regression_names_the_cause_and_what_to_do() {
    let mut case = case(Verdict::Regression, None);
    let explaining = post(&mut case, change(50, 1.1, 2.1, Shape::Step), 0.99);
    explain(&mut case, explaining);
    post(&mut case, change(20, 1.0, 0.9, Shape::Step), 0.8);
    post(&mut case, suspect("4f1c4f1c4f1c4f1c", Candidate::Commit, 4.0, "it changes cart::price"), 0.9);
    post(&mut case, suspect("77aa77aa77aa77aa", Candidate::Commit, 1.0, "it landed near"), 0.9);
    post(&mut case, suspect("77aa77aa77aa77aa", Candidate::Commit, -0.5, "it is only text"), 0.9);
    step(&mut case, "went-away@1.0.0", Kind::Dismissal, Status::Ok, None);
    step(&mut case, "other-cause@1.0.0", Kind::Suspect, Status::Ok, None);
    step(&mut case, "broken@1.0.0", Kind::Suspect, Status::Error, Some("no source is configured"));
    let text = shown(&case, &recorded(50));
    says(
        &text,
        &[
            "checkout CPU up",
            "Verdict     regression, 90 % sure: it got worse, and no other reason was found",
            "most likely caused by commit 4f1c4f1c4f1c by Ada (",
            "Change      +90.9 % at 1970-01-03 02:00 UTC: 1.1 → 2.1, p = 1.0e-9",
            "┊",
            "▲",
            "Suspects",
            "+4.0  it changes cart::price",
            "none of these",
            "Considered",
            "no other reason: went-away looked and found none",
            "a change at 1970-01-01 20:00: 1 → 0.9, -10.0 %: in the direction that does not hurt",
            "commit 77aa77aa77aa",
            "it is only text (-0.5)",
            "other-cause found no suspect",
            "broken could not look",
            "Plan",
            "broken@1.0.0",
            "no source is configured",
            "Next        1. git show 4f1c4f1c4f1c",
            "2. ask Ada <ada@example.com>",
            "3. to confirm it, revert it on one instance",
            "about 1.1",
        ],
    );
}

#[test]
fn a_drift_has_no_levels() {
    let mut case = case(Verdict::Regression, None);
    let id = post(&mut case, change(30, 1.0, 2.0, Shape::Drift), 0.99);
    explain(&mut case, id);
    let text = shown(&case, &recorded(30));
    says(&text, &["+100.0 % drifting from 1970-01-02 06:00 UTC", "▲", "Next", "no candidate was found"]);
    assert!(!text.contains('╌'), "{text}");
    assert!(!text.contains("Suspects") && !text.contains("Functions"), "{text}");
}

#[test]
fn a_dismissal_says_why_and_what_lost() {
    let mut case = case(Verdict::Dismissed, Some(DismissalReason::Seasonal));
    let id = post(&mut case, change(50, 1.0, 2.0, Shape::Step), 0.7);
    explain(&mut case, id);
    let dismissal =
        |reason, detail: &str| FindingBody::Dismissal(Dismissal { reason, detail: detail.into(), of: None });
    post(&mut case, dismissal(DismissalReason::Seasonal, "it is so"), 0.9);
    post(&mut case, dismissal(DismissalReason::CostShift, "cost moved from b"), 0.2);
    let text = shown(&case, &recorded(50));
    says(
        &text,
        &[
            "dismissed, 90 % sure: it comes and goes with the hour, day or week",
            "it is so",
            "Considered  · cost-shift, 20 %: cost moved from b (finder)",
            "Next        nothing to do; to look past the season",
        ],
    );
    assert_eq!(text.matches("it is so").count(), 1, "{text}");
}

#[test]
fn an_inconclusive_case_says_what_would_settle_it() {
    let mut case = case(Verdict::Inconclusive, None);
    if let Some(negawatt_casebook::End::Concluded(concluded)) = &mut case.end {
        concluded.would_settle = Some("nobody knows whether the metric changed".into());
    }
    let text = shown(&case, &Record::default());
    says(
        &text,
        &["inconclusive", "nobody knows whether the metric changed", "Next", "negawatt doctor", "metric's name"],
    );
    assert!(!text.contains('┤'), "no series, no picture: {text}");
    says(&shown(&case, &recorded(50)), &["Series", "┤", "Next", "more of before and after"]);
}

#[test]
fn an_opportunity_says_what_it_promises() {
    let mut case = case(Verdict::Opportunity, None);
    if let Some(opened) = case.opened.as_mut().map(Arc::make_mut) {
        opened.incident.kind = IncidentKind::Opportunity;
        opened.incident.metric = None;
    }
    let opportunity = Opportunity {
        name: "cart::hash".into(),
        pattern: "hashes the same key in a loop".into(),
        files: vec!["src/cart.rs".into()],
        share: 0.12,
        saving_low: 0.02,
        saving_high: 0.05,
    };
    post(&mut case, FindingBody::Opportunity(opportunity), 0.8);
    let text = shown(&case, &Record::default());
    says(
        &text,
        &[
            "opportunity, 90 % sure: it could be better",
            "Opportunity cart::hash  12.0 % of samples; a fix is expected to save 2.0 % to 5.0 % of all",
            "hashes the same key in a loop, in src/cart.rs",
            "Next        1. look at cart::hash in src/cart.rs",
        ],
    );
}

#[test]
fn a_case_without_an_end_says_how_to_go_on() {
    let mut open = case(Verdict::Regression, None);
    open.end = None;
    says(&shown(&open, &recorded(50)), &["none yet", "Next", "negawatt case resume 01M85CZ2EARPN0D8J5FDXQE8P6"]);
}

#[test]
fn what_was_kept_from_a_step_is_told() {
    let mut case = case(Verdict::Regression, None);
    let id = post(&mut case, change(50, 1.0, 2.0, Shape::Step), 0.99);
    explain(&mut case, id);
    Arc::make_mut(&mut case.board[0]).tools = [Tool::Metrics, Tool::Http].into();
    post(&mut case, suspect("4f1c4f1c4f1c4f1c", Candidate::Commit, 4.0, "it changes cart::price"), 0.9);
    Arc::make_mut(&mut case.board[1]).tools = [Tool::Changes, Tool::Model].into();
    post(&mut case, suspect("4f1c4f1c4f1c4f1c", Candidate::Commit, 1.0, "it landed then"), 0.9);
    Arc::make_mut(&mut case.board[2]).tools = [Tool::Http, Tool::Mcp].into();
    post(&mut case, FindingBody::Note("only from here".into()), 0.9);
    Arc::make_mut(&mut case.board[3]).tools = [Tool::Metrics].into();

    step(&mut case, "asks@1.0.0", Kind::Note, Status::Ok, None);
    let denied = |tool, message: &str| AnswerRef {
        tool,
        function: "query".into(),
        request: Digest::of(b""),
        response: Digest::of(b""),
        error: Some(message.into()),
        wall_us: 0,
    };
    let call = Arc::make_mut(&mut case.steps[0].calls[0]);
    call.answers.extend((0..2).map(|_| denied(Tool::Metrics, "denied: the window is not inside")));
    call.answers.push(denied(Tool::Profiles, "denied: the service \"ads\" is not the case's"));
    call.answers.push(denied(Tool::Profiles, "not-found: no profile"));
    case.steps[0].intents = vec!["mcp hub/post".into()];
    case.steps[0].planned.reason = "why?\nthe skill asks: e2 is withheld from it\n\n[[grants]]".into();
    step(&mut case, "stops@1.0.0", Kind::Note, Status::Denied, Some("denied: the window is not inside"));
    Arc::make_mut(&mut case.steps[1].calls[0]).answers.push(denied(Tool::Metrics, "denied: the window is not inside"));

    let text = shown(&case, &recorded(50));
    says(
        &text,
        &[
            "Outside     on data from outside rest: the verdict (http), commit 4f1c4f1c4f1c (model, mcp, http)",
            "asks@1.0.0",
            "effect outside: mcp hub/post",
            "denied twice: the window is not inside",
            "denied once: the service \"ads\" is not the case's",
            "the skill asks: e2 is withheld from it",
            "[[grants]]",
            "stops@1.0.0",
            "denied once: the window is not inside",
        ],
    );
    assert_eq!(text.matches("the window is not inside").count(), 2, "each step says it once: {text}");
    assert!(!text.contains("a note ("), "{text}");
    case.board.iter_mut().map(Arc::make_mut).for_each(|posted| posted.tools = [Tool::Metrics, Tool::Code].into());
    assert!(!shown(&case, &recorded(50)).contains("Outside"));
}

#[test]
fn a_skill_that_was_put_aside_is_named_with_the_reason() {
    let mut case = case(Verdict::Regression, None);
    let aside = r#"[{"skill":"gc-pause@1.0.0","digest":"blake3:00","since":0,"reason":"it failed 5 times in a row"}]"#;
    if let Some(opened) = case.opened.as_mut().map(Arc::make_mut) {
        opened.extra.push(("put-aside".into(), aside.into()));
    }
    let line = "gc-pause could not look: it was put aside, since it failed 5 times in a row";
    says(&shown(&case, &recorded(50)), &["Considered", line]);
}

/// Hostile text in every place; nothing of it may steer, and no command may be made of it.
fn hostile() -> (Case, Record) {
    everywhere(&"x\u{1b}[2J\u{202e}日本語 \"; rm -rf / #\n\u{9b}31m".repeat(20))
}

/// A case that has this text in every place of a regression.
pub(super) fn everywhere(hostile: &str) -> (Case, Record) {
    let mut case = case(Verdict::Regression, None);
    let id = post(&mut case, change(50, 1.0, 2.0, Shape::Step), 0.99);
    explain(&mut case, id);
    post(&mut case, suspect(hostile, Candidate::Commit, 5.0, hostile), 0.9);
    post(&mut case, suspect(hostile, Candidate::Service, 5.0, hostile), 0.9);
    post(&mut case, FindingBody::Note(hostile.to_owned()), 0.9);
    step(&mut case, hostile, Kind::Suspect, Status::Trap, Some(hostile));
    case.steps[0].intents = vec![hostile.to_owned()];
    case.steps[0].planned.reason = format!("why?\n{hostile}");
    super::proposals_tests::everything(&mut case, hostile);
    case.board.iter_mut().map(Arc::make_mut).for_each(|posted| posted.tools = [Tool::Http].into());
    let opened = Arc::make_mut(case.opened.as_mut().unwrap());
    (opened.incident.title, opened.incident.service) = (hostile.to_owned(), hostile.to_owned());
    opened.incident.metric.as_mut().unwrap().name = hostile.to_owned();
    (case, recorded(50))
}

#[test]
fn every_width_fits_and_nothing_steers() {
    let (case, record) = hostile();
    for width in [40, 63, 64, 80, 140] {
        for unicode in [true, false] {
            let text = report(&case, &record, &Look { width, colour: false, unicode });
            for line in text.lines() {
                let columns: usize = line.chars().map(|c| c.width().unwrap_or(0)).sum();
                assert!(columns <= width, "{columns} columns of {width}: {line}");
            }
            assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
            assert!(unicode || text.is_ascii(), "{text}");
            assert!(!text.contains("git show"), "what is no hash is no part of a command: {text}");
        }
    }
    let coloured = report(&case, &record, &Look { width: 80, colour: true, unicode: true });
    let mut rest = coloured.as_str();
    while let Some((_, after)) = rest.split_once('\u{1b}') {
        let end = after.find(|c: char| !c.is_ascii_digit() && c != '[' && c != ';').unwrap();
        assert!(after[end..].starts_with('m'), "only colours: {after:?}");
        rest = &after[end..];
    }
    assert!(coloured.contains("\u{1b}[1m"), "{coloured:?}");
}
