use super::*;
use crate::{Budget, Evidence, Finding, Incident, IncidentKind, Label, Severity, Shape, Transform};

/// A case of a service `cart` with these changes on its board: time, level before and after, confidence.
pub(crate) fn case(worse: Direction, changes: &[(i64, f64, f64, f64)]) -> Case {
    let metric = Metric {
        name: "latency".into(),
        labels: vec![Label { name: "service".into(), value: "cart".into() }],
        worse,
        transform: Transform::None,
        aggregate: None,
    };
    let evidence = |(index, &(time, before, after, confidence)): (usize, &(i64, f64, f64, f64))| {
        let change = ChangePoint { time, before, after, p_value: 0.001, method: "test".into(), shape: Shape::Step };
        Evidence {
            id: format!("e{}", index + 1),
            by: "test@1.0.0".into(),
            finding: Finding::new(change, confidence, "changed"),
        }
    };
    Case {
        incident: Incident {
            kind: IncidentKind::Regression,
            title: "test".into(),
            service: "cart".into(),
            metric: Some(metric),
            window: Window { start: 0, end: 100 },
            severity: Severity::Medium,
        },
        now: 100,
        evidence: changes.iter().enumerate().map(evidence).collect(),
        explains: None,
        budget: Budget { tool_calls: 10, read_bytes: 1 << 20, findings: 10, time: 1_000_000 },
        seed: 1,
        fleet: None,
        extra: Vec::new(),
    }
}

#[test]
fn the_host_says_which_change_explains() {
    let mut case = case(Direction::Up, &[(10, 1.0, 4.0, 0.9), (20, 4.0, 5.0, 0.9)]);
    assert!(case.explaining_change().is_none());
    case.explains = Some("e2".into());
    assert_eq!(case.explaining_change().map(|change| change.time), Some(20));
    case.explains = Some("e3".into());
    assert!(case.explaining_change().is_none(), "it is not shown");
    assert_eq!(case.change_points().map(|change| case.harm(&change)).collect::<Vec<_>>(), [3.0, 1.0]);
}

#[test]
fn exactly_one_series_is_taken() {
    let case = case(Direction::Up, &[]);
    let metric = case.metric().unwrap();
    let window = case.incident.window;
    let one = |instance: &str| metrics::Series {
        labels: vec![Label { name: "instance".into(), value: instance.into() }],
        times: vec![1, 2],
        values: vec![0.5, 0.6],
    };
    assert_eq!(the_one_series(vec![one("a")], metric, window).unwrap().values, [0.5, 0.6]);
    let none = the_one_series(vec![], metric, window).unwrap_err();
    assert!(matches!(&none, Error::NotFound(text) if text.contains("latency{service=\"cart\"}")), "{none}");
    let several = the_one_series(vec![one("a"), one("b")], metric, window).unwrap_err();
    assert!(
        matches!(&several, Error::Invalid(text) if text.contains("{instance=\"a\"}, {instance=\"b\"}")
            && text.contains("aggregate")),
        "{several}"
    );
}
