//! Whole histories of settings and experiments, made in memory.

use std::cell::RefCell;

use config_rollback::propose;
use config_rollback::tools::Tools;
use negawatt_skill::Budget;
use negawatt_skill::configs::ConfigChange;
use negawatt_skill::experiments::Experiment;
use negawatt_skill::prelude::*;
use negawatt_skill::time::{DAY, HOUR, MINUTE};

const CHANGE: i64 = DAY;

struct InMemory {
    settings: Vec<ConfigChange>,
    experiments: Vec<Experiment>,
    asked: RefCell<Vec<Vec<String>>>,
    /// Records of one answer, at most.
    most: usize,
    refuse: Option<Error>,
}

impl InMemory {
    fn new(settings: Vec<ConfigChange>, experiments: Vec<Experiment>) -> InMemory {
        InMemory { settings, experiments, asked: RefCell::default(), most: usize::MAX, refuse: None }
    }

    fn answer<T>(&self, answer: Vec<T>) -> Result<Vec<T>, Error> {
        match &self.refuse {
            Some(error) => Err(error.clone()),
            None if answer.len() > self.most => Err(Error::OverBudget("too much".into())),
            None => Ok(answer),
        }
    }
}

impl Tools for InMemory {
    fn settings(&self, window: Window, keys: &[String]) -> Result<Vec<ConfigChange>, Error> {
        self.asked.borrow_mut().push(keys.to_vec());
        let is_asked = |row: &&ConfigChange| window.contains(row.time) && (keys.is_empty() || keys.contains(&row.key));
        self.answer(self.settings.iter().filter(is_asked).cloned().collect())
    }

    fn experiments(&self, window: Window) -> Result<Vec<Experiment>, Error> {
        self.answer(self.experiments.iter().filter(|one| window.contains(one.start)).cloned().collect())
    }
}

fn row(id: &str, time: i64, key: &str, before: Option<&str>, after: Option<&str>) -> ConfigChange {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let (id, service, key) = (id.into(), "shop".into(), key.into());
    ConfigChange { id, time, service, key, before: text(before), after: text(after), author: text(Some("Ben")) }
}

/// A case of two days with a change after a day, and what is suspected: kind, id, log odds.
fn case(suspects: &[(Candidate, &str, f64)]) -> Case {
    let metric = Metric {
        name: "request_seconds".into(),
        labels: vec![],
        worse: Direction::Up,
        transform: Transform::None,
        aggregate: None,
    };
    let change = ChangePoint {
        time: CHANGE,
        before: 0.12,
        after: 0.15,
        p_value: 1e-9,
        method: "test".into(),
        shape: Shape::Step,
    };
    let suspect = |&(candidate, id, log_odds): &(Candidate, &str, f64)| Suspect {
        candidate,
        id: id.into(),
        repository: None,
        author: Some("Mallory".into()),
        files: vec![],
        reason: "It went live just before.".into(),
        log_odds,
        extra: vec![],
    };
    let mut findings = vec![Finding::new(change, 0.99, "It rose.")];
    findings.extend(suspects.iter().map(|one| Finding::new(suspect(one), 0.9, "It did it.")));
    let evidence = findings.into_iter().enumerate();
    Case {
        incident: Incident {
            kind: IncidentKind::Regression,
            title: "shop answers more slowly".into(),
            service: "shop".into(),
            metric: Some(metric),
            window: Window { start: 0, end: 2 * DAY },
            severity: Severity::High,
        },
        now: 2 * DAY,
        evidence: evidence
            .map(|(at, finding)| Evidence { id: format!("e{}", at + 1), by: "test@1.0.0".into(), finding })
            .collect(),
        explains: Some("e1".into()),
        budget: Budget { tool_calls: 1_000, read_bytes: 64 << 20, findings: 256, time: 10_000_000 },
        seed: 1,
        fleet: None,
        extra: vec![],
    }
}

const CONFIG: Candidate = Candidate::Config;

/// The only thing found: a note.
fn note(findings: &[Finding]) -> &str {
    let [Finding { body: FindingBody::Note(text), .. }] = findings else { panic!("{findings:#?}") };
    text
}

#[test]
fn the_setting_gets_the_value_back_that_it_had() {
    let tools = InMemory::new(
        vec![
            row("cfg-1", HOUR, "cache.ttl", Some("\"5m\""), Some("\"10m\"")),
            row("cfg-2", CHANGE - 10 * MINUTE, "cache.ttl", Some("\"10m\""), Some("\"15s\"")),
            row("cfg-3", CHANGE + HOUR, "banner", Some("1"), Some("2")),
        ],
        vec![],
    );
    let findings = propose(&tools, &case(&[(CONFIG, "cfg-2", 4.0)])).unwrap();
    let [Finding { body: FindingBody::Mitigation(found), confidence, summary, because, .. }] = &findings[..] else {
        panic!("{findings:#?}")
    };
    let setting = Setting { service: "shop".into(), key: "cache.ttl".into(), value: "\"10m\"".into() };
    assert_eq!((found.strategy.as_str(), found.target.as_str()), ("config-rollback", "cfg-2"));
    assert_eq!((&found.setting, &found.patch), (&Some(setting), &None));
    assert_eq!(
        summary, "Set `cache.ttl` of shop back from `\"15s\"` to `\"10m\"` (cfg-2 by Ben, 98.2 % likely the cause).",
        "the author is the row's, whatever the suspect says"
    );
    let validation = &found.validation;
    assert!(
        validation.contains(
            "`request_seconds{}` went from 0.12 to 0.15 at 1970-01-02T00:00:00Z. This helps if it is below 0.135"
        ),
        "{validation}"
    );
    assert!(
        validation.contains("within 30 min after") && validation.ends_with("look at the value first."),
        "{validation}"
    );
    assert!((0.92..0.94).contains(confidence), "{confidence}");
    assert_eq!(because, &["e1", "e2"]);
    assert_eq!(*tools.asked.borrow(), [vec![], vec!["cache.ttl".to_owned()]]);
}

#[test]
fn a_key_that_was_new_is_removed() {
    let tools = InMemory::new(vec![row("cfg-1", CHANGE - MINUTE, "flag", None, Some("true"))], vec![]);
    let findings = propose(&tools, &case(&[(CONFIG, "cfg-1", 4.0)])).unwrap();
    let FindingBody::Mitigation(found) = &findings[0].body else { panic!("{findings:#?}") };
    assert_eq!(found.setting.as_ref().map(|setting| setting.value.as_str()), Some("null"));
    assert!(found.validation.ends_with("`null` stands for none: remove the key."), "{}", found.validation);
    assert!(findings[0].summary.starts_with("Remove `flag` of shop") && findings[0].confidence < 0.8);
}

#[test]
fn a_row_that_takes_the_id_of_another_costs_the_proposal_and_no_more() {
    let forged =
        ConfigChange { author: Some("Eve".into()), ..row("cfg-1", CHANGE - HOUR, "other", Some("1"), Some("0")) };
    let true_row = row("cfg-1", CHANGE - MINUTE, "pool", Some("64"), Some("8"));
    let tools =
        InMemory::new(vec![forged, true_row, row("cfg-2", CHANGE - MINUTE, "log", Some("1"), Some("2"))], vec![]);
    let findings = propose(&tools, &case(&[(CONFIG, "cfg-1", 4.0), (CONFIG, "cfg-2", 3.9)])).unwrap();
    assert!(matches!(&findings[0].body, FindingBody::Mitigation(found) if found.target == "cfg-2"), "{findings:#?}");
    assert!(
        note(&findings[1..]).contains("setting cfg-1 is not set back: 2 different rows"),
        "{}",
        note(&findings[1..])
    );
    assert_eq!(tools.asked.borrow()[1], ["log"], "nothing is asked of what is lost");
    let alone = propose(&tools, &case(&[(CONFIG, "cfg-1", 4.0)])).unwrap();
    assert!(note(&alone).contains("2 different rows"), "{}", note(&alone));
    let unknown = propose(&tools, &case(&[(CONFIG, "cfg-7", 4.0)])).unwrap();
    assert!(note(&unknown).contains("the history does not hold it"), "{}", note(&unknown));
}

#[test]
fn a_later_change_is_seen_however_many_ids_were_forged() {
    let mut rows = vec![
        row("cfg-1", CHANGE - MINUTE, "zone", Some("1"), Some("2")),
        row("cfg-9", CHANGE + HOUR, "zone", Some("2"), Some("3")),
    ];
    rows.extend((0..50).map(|at| row("cfg-2", CHANGE - HOUR, &format!("key {at}"), Some("1"), Some("2"))));
    let tools = InMemory::new(rows, vec![]);
    let findings = propose(&tools, &case(&[(CONFIG, "cfg-2", 4.0), (CONFIG, "cfg-1", 3.9)])).unwrap();
    let notes: Vec<&str> = findings.iter().map(|finding| finding.summary.as_str()).collect();
    assert!(notes[0].contains("50 different rows") && notes[1].contains("the value is `3` now"), "{notes:?}");
}

#[test]
fn of_half_a_history_nothing_is_proposed() {
    let mut rows = vec![row("cfg-1", CHANGE - MINUTE, "zone", Some("1"), Some("2"))];
    rows.extend((0..100).map(|at| row(&format!("flood-{at}"), CHANGE + HOUR, "key", Some("1"), Some("2"))));
    let tools = InMemory { most: 10, ..InMemory::new(rows, vec![]) };
    let found = propose(&tools, &case(&[(CONFIG, "cfg-1", 4.0)])).unwrap();
    assert!(note(&found).contains("only a part of the history could be read: too much"), "{}", note(&found));
    assert!(tools.asked.borrow().len() <= 12);
}

#[test]
fn an_experiment_that_runs_is_to_be_stopped() {
    let one = |id: &str, end| Experiment {
        id: id.into(),
        service: "shop".into(),
        name: "new\nranking".into(),
        start: CHANGE - HOUR,
        end,
        author: None,
    };
    let tools = InMemory::new(vec![], vec![one("exp-1", None), one("exp-2", Some(CHANGE + HOUR))]);
    let suspects = [(Candidate::Experiment, "exp-1", 4.0), (Candidate::Experiment, "exp-2", 3.5)];
    let findings = propose(&tools, &case(&suspects)).unwrap();
    let text = note(&findings[..1]);
    assert!(
        text.starts_with("Stop experiment exp-1 (`new\u{fffd}ranking` of shop, since 1970-01-01T23:00:00Z"),
        "{text}"
    );
    assert!(text.contains("This helps if it is below 0.135") && (0.55..0.65).contains(&findings[0].confidence));
    assert!(note(&findings[1..]).contains("it ended at 1970-01-02T01:00:00Z already"), "{}", note(&findings[1..]));
    assert!(tools.asked.borrow().is_empty(), "no setting is suspected");
}

#[test]
fn nothing_likely_asks_nothing() {
    let tools = InMemory { refuse: Some(Error::Internal("asked".into())), ..InMemory::new(vec![], vec![]) };
    for suspects in [&[][..], &[(CONFIG, "cfg-1", -1.0)], &[(Candidate::Commit, "x", 5.0), (CONFIG, "cfg-1", 0.5)]] {
        assert_eq!(propose(&tools, &case(suspects)), Ok(vec![]));
    }
    let unexplained = Case { explains: None, ..case(&[(CONFIG, "cfg-1", 4.0)]) };
    assert_eq!(propose(&tools, &unexplained), Ok(vec![]));
}

#[test]
fn tools_that_fail_are_told_and_a_cancelled_case_ends() {
    let suspects = case(&[(CONFIG, "cfg-1", 4.0), (Candidate::Experiment, "exp-1", 4.0)]);
    let with = |error| propose(&InMemory { refuse: Some(error), ..InMemory::new(vec![], vec![]) }, &suspects);
    for error in
        [Error::Unavailable("away\u{1b}".into()), Error::OverBudget("spent".into()), Error::Denied("no".into())]
    {
        let findings = with(error).unwrap();
        let all: Vec<&str> = findings.iter().map(|finding| finding.summary.as_str()).collect();
        assert!(
            all.len() == 2 && all.iter().all(|text| text.contains("cannot be had") && !text.contains('\u{1b}')),
            "{all:?}"
        );
    }
    assert!(matches!(with(Error::Cancelled("by hand".into())), Err(Error::Cancelled(_))));
    let none = Case { budget: Budget { findings: 1, ..suspects.budget }, ..suspects.clone() };
    assert_eq!(propose(&InMemory::new(vec![], vec![]), &none).unwrap().len(), 1);
}
