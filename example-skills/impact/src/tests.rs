use negawatt_skill::{Budget, Evidence};

use super::*;

fn case(metric: &str, labels: &[(&str, &str)], before: f64, after: f64) -> Case {
    let change = ChangePoint { time: 50, before, after, p_value: 1e-6, method: "test".into(), shape: Shape::Step };
    let shift = |name: &str| FunctionShift {
        name: name.into(),
        before: 0.1,
        after: 0.2,
        self_before: 0.1,
        self_after: 0.2,
        p_value: 1e-4,
    };
    let findings = [
        Finding::new(change, 0.9, "changed"),
        Finding::new(shift("other"), 0.8, "rose"),
        Finding::new(shift("cart::price"), 0.8, "rose"),
    ];
    let evidence = findings.into_iter().enumerate().map(|(index, finding)| Evidence {
        id: format!("e{}", index + 1),
        by: "test@1.0.0".into(),
        finding,
    });
    Case {
        incident: Incident {
            kind: IncidentKind::Regression,
            title: "test".into(),
            service: "checkout".into(),
            metric: Some(Metric {
                name: metric.into(),
                labels: labels
                    .iter()
                    .map(|(name, value)| Label { name: (*name).into(), value: (*value).into() })
                    .collect(),
                worse: Direction::Up,
                transform: Transform::None,
                aggregate: None,
            }),
            window: Window { start: 0, end: 100 },
            severity: Severity::Medium,
        },
        now: 100,
        evidence: evidence.collect(),
        explains: Some("e1".into()),
        budget: Budget { tool_calls: 10, read_bytes: 1 << 20, findings: 10, time: 1_000_000 },
        seed: 1,
        fleet: Some(Fleet { servers: 1200.0, cores_per_server: 64.0, watts_per_core: 4.5 }),
        extra: Vec::new(),
    }
}

fn impact(case: &Case) -> Option<(Impact, Vec<String>)> {
    let finding = investigate(case).unwrap().pop()?;
    match finding.body {
        FindingBody::Impact(impact) => Some((impact, finding.because)),
        _ => None,
    }
}

#[test]
fn a_cpu_metric_costs_its_relative_rise() {
    let case = case("cpu_seconds_per_request", &[("service", "checkout")], 0.0125, 0.0150);
    let (impact, because) = impact(&case).unwrap();
    assert!((impact.cores - 15_360.0).abs() < 1e-6, "{impact:?}");
    assert!((impact.watts - 69_120.0).abs() < 1e-6, "{impact:?}");
    assert_eq!(because, ["e1"]);
    assert_eq!(
        impact.basis,
        "cpu_seconds_per_request 0.0125 → 0.015, +20 % × 1200 servers × 64 cores = 15360 cores; × 4.5 W a core = 69120 W"
    );
}

#[test]
fn the_basis_can_be_redone_and_says_what_the_impact_is() {
    let case = case("cpu_seconds_per_request", &[("service", "checkout")], 3.767_71e-5, 4.926_28e-5);
    let (impact, _) = impact(&case).unwrap();
    assert_eq!(
        impact.basis,
        "cpu_seconds_per_request 0.0000376771 → 0.0000492628, +30.75 % × 1200 servers × 64 cores = 23616 cores; \
         × 4.5 W a core = 106272 W"
    );
    assert_eq!((impact.cores.round(), impact.watts.round()), (23_616.0, 106_272.0));
    assert_eq!((whole(-1234.56), whole(0.123_456), whole(1e20)), ("-1235".into(), "0.1235".into(), "1e20".into()));
}

#[test]
fn a_functions_share_costs_its_rise() {
    let case = case("share", &[("service", "checkout"), ("function", "cart::price")], 0.031, 0.094);
    let (impact, because) = impact(&case).unwrap();
    assert!(
        impact.basis.starts_with("share of cart::price 0.031 → 0.094, +6.3 % of CPU × 1200 servers"),
        "{}",
        impact.basis
    );
    assert!((impact.cores - 0.063 * 76_800.0).abs() < 1e-6, "{impact:?}");
    assert_eq!(because, ["e1", "e3"]);
}

#[test]
fn nothing_is_said_of_other_metrics() {
    let of_service = [("service", "checkout")];
    assert!(impact(&case("latency_seconds", &of_service, 1.0, 2.0)).is_none());
    assert!(impact(&case("cpu_seconds", &[("service", "cart")], 1.0, 2.0)).is_none());
    assert!(impact(&case("cpu_seconds", &of_service, 0.0, 2.0)).is_none());
    assert!(impact(&case("calls", &[("function", "cart::price")], 10.0, 20.0)).is_none());
    let mut idle = case("cpu_idle_seconds", &of_service, 2.0, 1.0);
    idle.incident.metric.as_mut().unwrap().worse = Direction::Down;
    assert!(impact(&idle).is_none());
}

#[test]
fn nothing_is_said_without_a_fleet_or_a_change_that_hurts() {
    let of_service = [("service", "checkout")];
    let unexplained = Case { explains: None, ..case("cpu_seconds", &of_service, 1.0, 2.0) };
    assert!(impact(&unexplained).is_none());
    let unknown = Case { fleet: None, ..case("cpu_seconds", &of_service, 1.0, 2.0) };
    assert!(impact(&unknown).is_none());
    let no_metric = case("cpu_seconds", &of_service, 1.0, 2.0);
    let incident = Incident { metric: None, ..no_metric.incident.clone() };
    assert!(impact(&Case { incident, ..no_metric }).is_none());
}

#[test]
fn a_fleet_beyond_numbers_is_an_error() {
    let mut case = case("cpu_seconds", &[], 1.0, 2.0);
    case.fleet = Some(Fleet { servers: f64::MAX, cores_per_server: 64.0, watts_per_core: 4.5 });
    assert!(matches!(investigate(&case), Err(Error::Invalid(text)) if text.contains("fleet")));
}

#[test]
fn cpu_is_a_word_of_the_name() {
    for name in [
        "cpu",
        "cpu_seconds",
        "process.cpu.time",
        "container_cpu",
        "cpuTime",
        "CPUUtilization",
        "totalCpu",
        "host-CPU0",
    ] {
        assert!(is_cpu(name), "{name}");
    }
    for name in ["cpus3cret_x_gcpu", "cputime", "mcpu", "c_p_u", "", "latency", "préçu", "cp"] {
        assert!(!is_cpu(name), "{name}");
    }
}
