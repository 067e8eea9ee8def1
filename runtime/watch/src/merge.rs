//! One change seen in many series is one case: which alarms are put together, and why.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use negawatt_casebook::Symptom;
use negawatt_host::model::Metric;
use negawatt_host::text::shorten;

use crate::numbers::duration_words;
use crate::selection::described;

/// So many series that change at one time in one pass do not do so by chance, whatever ties them.
const MANY: usize = 5;

/// How many times as large as the other's a change of another service may be that is taken for the same because it is of the same metric:
/// what all of them run changes all of them about alike.
const ALIKE: f64 = 2.0;

/// From so many times its level on, a change is one from next to nothing.
const MOST_PART: f64 = 1e3;

/// Characters of a series' name in a reason.
const MAX_NAME: usize = 160;

/// Services that the topology ties directly to each service.
pub type Neighbours = HashMap<String, BTreeSet<String>>;

/// What is one change.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its symptoms, the one with the strongest evidence first; each of the others with the reason why it is of the same change.
    pub symptoms: Vec<Symptom>,
}

/// Puts symptoms together. Each belongs to the change of the strongest one that it agrees with in time and that it is related to:
/// to that one, not to any of its followers, so that no chain leads from one change to another.
pub fn groups(mut symptoms: Vec<Symptom>, neighbours: &Neighbours) -> Vec<Group> {
    symptoms.sort_by(strongest_first);
    let mut groups: Vec<Group> = Vec::new();
    for at in 0..symptoms.len() {
        let symptom = &symptoms[at];
        let found = groups.iter_mut().find_map(|group| {
            let first = &group.symptoms[0];
            let many = symptoms.iter().filter(|other| agrees(first, other)).count();
            Some((reason(first, symptom, neighbours, many)?, group))
        });
        match found {
            Some((reason, group)) => group.symptoms.push(Symptom { reason, ..symptom.clone() }),
            None => groups.push(Group { symptoms: vec![symptom.clone()] }),
        }
    }
    groups
}

/// Symptoms that a person says are one change, as a case is opened with them.
pub fn split_off(mut symptoms: Vec<Symptom>) -> Vec<Symptom> {
    symptoms.sort_by(strongest_first);
    let first = symptoms.first().map(name).unwrap_or_default();
    for (at, symptom) in symptoms.iter_mut().enumerate() {
        symptom.reason = if at == 0 { String::new() } else { format!("a person split it off together with {first}") };
    }
    symptoms
}

/// Why a symptom is of the change that another one shows; absent where it is not. `many` series changed when that one did.
pub fn reason(first: &Symptom, other: &Symptom, neighbours: &Neighbours, many: usize) -> Option<String> {
    if !agrees(first, other) {
        return None;
    }
    let (service, of) = (&other.incident.service, &first.incident.service);
    let tied = |one: &String, two: &String| neighbours.get(one).is_some_and(|tied| tied.contains(two));
    let metric = |symptom: &Symptom| symptom.incident.metric.as_ref().map(|metric| metric.name.clone());
    let related = if service == of {
        format!("both are of {}", shorten(of, MAX_NAME))
    } else if tied(of, service) || tied(service, of) {
        format!("calls lead from one of {} and {} to the other", shorten(service, MAX_NAME), shorten(of, MAX_NAME))
    } else if metric(first).is_some() && metric(first) == metric(other) && alike(first, other) {
        format!("both are {} and changed about as much", shorten(&metric(first)?, MAX_NAME))
    } else if many >= MANY {
        format!("{many} series changed at that time in one pass, which is no coincidence")
    } else {
        return None;
    };
    let apart = match first.time.abs_diff(other.time) {
        0 => "at the same time as".to_owned(),
        apart => format!("within {} of", duration_words(apart)),
    };
    Some(format!("it changed {apart} {}, and {related}", name(first)))
}

/// Whether two series changed in the same direction, by parts of their levels that are not far from each other; where one of them rose from
/// next to nothing, by amounts that are not.
fn alike(one: &Symptom, other: &Symptom) -> bool {
    let part = |symptom: &Symptom| symptom.relative().filter(|part| part.abs() < MOST_PART);
    let (one, other) = match (part(one), part(other)) {
        (Some(one), Some(other)) => (one, other),
        _ => (one.after - one.before, other.after - other.before),
    };
    one.signum() == other.signum() && one.abs() <= ALIKE * other.abs() && other.abs() <= ALIKE * one.abs()
}

/// Whether two series changed at the same time, as far as is known.
fn agrees(one: &Symptom, other: &Symptom) -> bool {
    one.time.abs_diff(other.time) <= one.within.saturating_add(other.within)
}

/// The stronger evidence first: the smaller probability of chance, then the greater change, then the name, so that the order of
/// series decides nothing.
fn strongest_first(one: &Symptom, other: &Symptom) -> Ordering {
    let size = |symptom: &Symptom| symptom.relative().map_or(f64::INFINITY, f64::abs);
    one.p_value
        .total_cmp(&other.p_value)
        .then(size(other).total_cmp(&size(one)))
        .then_with(|| name(one).cmp(&name(other)))
        .then(one.time.cmp(&other.time))
}

/// A symptom's series as people write it.
pub fn name(symptom: &Symptom) -> String {
    let series = symptom.incident.metric.as_ref().map(described).unwrap_or_default();
    format!("{} of {}", shorten(&series, MAX_NAME), shorten(&symptom.incident.service, MAX_NAME))
}

/// The labels of a symptom's series that have a value.
pub fn labels(metric: &Metric) -> impl Iterator<Item = (&str, &str)> {
    metric.labels.iter().filter(|label| !label.value.is_empty()).map(|label| (&*label.name, &*label.value))
}

#[cfg(test)]
mod tests {
    use negawatt_host::model::{Direction, Incident, IncidentKind, Label, Severity, Shape, Transform, Window};

    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn symptom(service: &str, metric: &str, zone: &str, minute: i64, p_value: f64) -> Symptom {
        let label = |name: &str, value: &str| Label { name: name.into(), value: value.into() };
        let metric = Metric {
            name: metric.into(),
            labels: vec![label("service", service), label("zone", zone)],
            worse: Direction::Up,
            transform: Transform::None,
            aggregate: None,
        };
        let incident = Incident {
            kind: IncidentKind::Regression,
            title: String::new(),
            service: service.into(),
            metric: Some(metric),
            window: Window { start: 0, end: 1_000 * MINUTE },
            severity: Severity::Medium,
        };
        let (time, within) = (minute * MINUTE, 2 * MINUTE.unsigned_abs());
        let (before, after, shape, reason) = (1.0, 1.2, Shape::Step, String::new());
        Symptom { incident, time, within, before, after, p_value, shape, reason }
    }

    fn sizes(groups: &[Group]) -> Vec<usize> {
        groups.iter().map(|group| group.symptoms.len()).collect()
    }

    #[test]
    fn what_is_related_and_agrees_in_time_is_one_change() {
        let mut neighbours = Neighbours::new();
        neighbours.insert("cart".into(), ["db".to_owned()].into());
        let all = vec![
            symptom("cart", "cpu", "a", 103, 1e-9),
            symptom("cart", "latency", "a", 100, 1e-20),
            symptom("db", "io", "a", 101, 1e-9),
            symptom("ads", "latency", "a", 98, 1e-8),
            symptom("cart", "cpu", "b", 300, 1e-30),
        ];
        let unrelated = vec![all[1].clone(), symptom("ads", "cpu", "a", 100, 1e-7)];
        assert_eq!(sizes(&groups(unrelated, &neighbours)), [1, 1], "another metric of another service");
        let mut better = symptom("ads", "latency", "a", 100, 1e-7);
        better.after = 0.8;
        assert_eq!(sizes(&groups(vec![all[1].clone(), better], &neighbours)), [1, 1], "the other way");
        let from_nothing = |service: &str, before, after| {
            let symptom = symptom(service, "errors", "a", 100, 1e-7);
            Symptom { before, after, ..symptom }
        };
        let storm = |second| vec![from_nothing("cart", 0.0, 10.0), from_nothing("ads", 1e-14, second)];
        assert_eq!(sizes(&groups(storm(12.0), &neighbours)), [2]);
        assert_eq!(sizes(&groups(storm(30.0), &neighbours)), [1, 1]);
        let mut larger = symptom("ads", "latency", "a", 100, 1e-7);
        larger.after = 1.5;
        assert_eq!(sizes(&groups(vec![all[1].clone(), larger], &neighbours)), [1, 1], "by more than twice as much");
        let groups = groups(all, &neighbours);
        assert_eq!(sizes(&groups), [1, 4]);
        let reasons: Vec<&str> = groups[1].symptoms.iter().map(|symptom| symptom.reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "",
                "it changed within 3 min of latency{zone=\"a\"} of cart, and both are of cart",
                "it changed within 1 min of latency{zone=\"a\"} of cart, and calls lead from one of db and cart to the other",
                "it changed within 2 min of latency{zone=\"a\"} of cart, and both are latency and changed about as much",
            ]
        );
    }

    #[test]
    fn no_chain_leads_from_one_change_to_another() {
        // Each is four minutes after the one before, which is as far as two may be apart.
        let all = (0..5).map(|n| symptom("cart", "cpu", &n.to_string(), 100 + 4 * n, 1e-9 * (n + 1) as f64));
        let groups = groups(all.collect(), &Neighbours::new());
        assert_eq!(sizes(&groups), [2, 2, 1]);
    }

    #[test]
    fn many_at_one_time_are_no_coincidence() {
        let of = |count: i64| -> Vec<Symptom> {
            (0..count).map(|n| symptom(&format!("s{n}"), &format!("m{n}"), "a", 100, 1e-9)).collect()
        };
        assert_eq!(sizes(&groups(of(4), &Neighbours::new())), [1; 4]);
        let groups = groups(of(5), &Neighbours::new());
        assert_eq!(sizes(&groups), [5]);
        assert!(groups[0].symptoms[1].reason.contains("5 series changed at that time"));
    }

    #[test]
    fn the_order_of_series_decides_nothing() {
        let mut all: Vec<Symptom> =
            (0..12).map(|n| symptom(["a", "b"][n % 2], "cpu", &n.to_string(), 100 + (n % 5) as i64, 1e-9)).collect();
        let first = groups(all.clone(), &Neighbours::new());
        all.reverse();
        assert_eq!(groups(all, &Neighbours::new()), first);
    }
}
