//! How several series become one.

use std::collections::BTreeMap;

use negawatt_host::model::{Aggregate, Aggregation, Answer, Window};

use super::transform::{each, last_samples};
use super::{Labels, Samples, Times, too_many};
use crate::blocking::Stop;

/// The values after which it is looked whether anybody still waits.
const VALUES_BETWEEN_LOOKS: usize = 4_096;

/// Joins all series that agree in the labels `by`. A series without a value at an instant does not count there.
///
/// Without a step, series that are sampled at the same instants are joined at those. Instances that are sampled one after
/// the other have no instant in common: they are joined on a grid instead, the widest usual distance of their samples
/// apart, as if that had been the step. [`Error::OverBudget`](negawatt_host::model::Error::OverBudget) where that grid has
/// too many instants.
pub fn aggregate(series: Vec<Samples>, aggregate: &Aggregate, times: &Times, stop: &Stop) -> Answer<Vec<Samples>> {
    let mut groups: BTreeMap<Labels, Vec<Samples>> = BTreeMap::new();
    for series in series {
        let labels = series.labels.iter().filter(|(name, _)| aggregate.by.contains(name)).cloned().collect();
        groups.entry(labels).or_default().push(series);
    }
    groups.into_iter().map(|(labels, members)| join(labels, members, aggregate.operation, times, stop)).collect()
}

fn join(
    labels: Labels,
    mut members: Vec<Samples>,
    operation: Aggregation,
    times: &Times,
    stop: &Stop,
) -> Answer<Samples> {
    stop.check()?;
    if times.step.is_none()
        && let Some(distance) = grid(&members)
    {
        let first = members.iter().filter_map(|member| member.times.first()).min().copied();
        let last = members.iter().filter_map(|member| member.times.last()).max().copied();
        // Whole steps only: at the ends, a step that some instances have no part in yet would look like a change.
        let start = first.unwrap_or(times.window.start).saturating_add(distance);
        let end = last.unwrap_or(times.window.end).saturating_add(1);
        let grid = Times { window: Window { start, end: end.max(start) }, step: Some(distance) };
        // Samples that lie close together here and far apart there make a grid without end.
        too_many(&grid, members.len() as u64)?;
        members = each(&members, stop, |member| last_samples(member, &grid))?;
    }
    let mut joined: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
    let mut seen = 0_usize;
    for member in &members {
        for (time, value) in member.times.iter().zip(&member.values) {
            seen += 1;
            if seen.is_multiple_of(VALUES_BETWEEN_LOOKS) {
                stop.check()?;
            }
            let (sum, count) = joined.entry(*time).or_insert((start_of(operation), 0.0));
            *sum = match operation {
                Aggregation::Sum | Aggregation::Avg => *sum + value,
                Aggregation::Max => sum.max(*value),
                Aggregation::Min => sum.min(*value),
            };
            *count += 1.0;
        }
    }
    let mut result = Samples::empty(labels);
    for (time, (sum, count)) in joined {
        result.push(time, if operation == Aggregation::Avg { sum / count } else { sum });
    }
    Ok(result)
}

fn start_of(operation: Aggregation) -> f64 {
    match operation {
        Aggregation::Sum | Aggregation::Avg => 0.0,
        Aggregation::Max => f64::NEG_INFINITY,
        Aggregation::Min => f64::INFINITY,
    }
}

/// The distance of a grid for series that are not sampled at the same instants: the widest median distance of their
/// samples. They are not when instants of all together lie closer than those of any one of them.
fn grid(members: &[Samples]) -> Option<i64> {
    if members.len() < 2 {
        return None;
    }
    let mut all: Vec<i64> = members.iter().flat_map(|member| member.times.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    let together = distances(&all);
    let alone: Vec<Vec<i64>> = members.iter().map(|member| distances(&member.times)).collect();
    let closest = alone.iter().filter_map(|sorted| at(sorted, 4)).min()?;
    let interleaved = at(&together, 4)? < closest - closest / 4;
    interleaved.then(|| alone.iter().filter_map(|sorted| at(sorted, 2)).max()).flatten()
}

/// The distances of neighbouring instants, sorted.
fn distances(times: &[i64]) -> Vec<i64> {
    let mut distances: Vec<i64> = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    distances.sort_unstable();
    distances
}

/// The value a `part`th of the way up.
fn at(sorted: &[i64], part: usize) -> Option<i64> {
    sorted.get(sorted.len() / part).copied()
}

#[cfg(test)]
mod tests {
    use negawatt_host::model::Error;

    use super::*;

    fn member(instance: &str, from: i64, values: &[f64]) -> Samples {
        let times = (0..values.len() as i64).map(|at| from + 10 * at).collect();
        Samples {
            labels: vec![("instance".into(), instance.into()), ("zone".into(), "z".into())],
            times,
            values: values.into(),
        }
    }

    fn joined(members: &[Samples], operation: Aggregation, by: &[&str]) -> Vec<Samples> {
        let times = Times { window: Window { start: 0, end: 1_000 }, step: None };
        aggregate(
            members.to_vec(),
            &Aggregate { operation, by: by.iter().map(|name| (*name).into()).collect() },
            &times,
            &Stop::default(),
        )
        .unwrap()
    }

    #[test]
    fn at_common_instants() {
        let members = [member("a", 0, &[1.0, 2.0, 3.0]), member("b", 0, &[10.0, 20.0])];
        for (operation, values) in [
            (Aggregation::Sum, [11.0, 22.0, 3.0]),
            (Aggregation::Avg, [5.5, 11.0, 3.0]),
            (Aggregation::Max, [10.0, 20.0, 3.0]),
            (Aggregation::Min, [1.0, 2.0, 3.0]),
        ] {
            let series = joined(&members, operation, &["zone", "missing"]);
            assert_eq!(
                series,
                [Samples { labels: vec![("zone".into(), "z".into())], times: vec![0, 10, 20], values: values.into() }]
            );
        }
        assert_eq!(joined(&members, Aggregation::Sum, &["instance"]).len(), 2);
        assert!(joined(&members, Aggregation::Sum, &[])[0].labels.is_empty());
    }

    #[test]
    fn instances_sampled_one_after_the_other_are_summed_all_the_same() {
        let members = [member("a", 0, &[1.0; 20]), member("b", 3, &[2.0; 20]), member("c", 7, &[4.0; 20])];
        let series = joined(&members, Aggregation::Sum, &[]);
        assert_eq!(series[0].values, [7.0; 19]);
        assert_eq!(series[0].times, (1..20).map(|at| 10 * at).collect::<Vec<_>>());
    }

    #[test]
    fn instances_that_follow_each_other_keep_their_instants() {
        let members = [member("a", 0, &[1.0; 5]), member("b", 50, &[2.0; 5]), member("c", 100, &[3.0; 5])];
        let series = joined(&members, Aggregation::Sum, &[]);
        assert_eq!(series[0].times, (0..15).map(|at| 10 * at).collect::<Vec<_>>());
    }

    /// Twenty samples a microsecond apart, and one of a year later.
    #[test]
    fn a_grid_without_end_is_refused() {
        let member = |from: i64| Samples {
            labels: Vec::new(),
            times: (0..20).map(|at| from + 2 * at).chain([31_536_000_000_000]).collect(),
            values: vec![1.0; 21],
        };
        let times = Times { window: Window { start: 0, end: i64::MAX }, step: None };
        let sum = Aggregate { operation: Aggregation::Sum, by: Vec::new() };
        let joined = aggregate(vec![member(0), member(1)], &sum, &times, &Stop::default());
        assert!(matches!(joined, Err(Error::OverBudget(_))), "{joined:?}");
        let stop = Stop::default();
        stop.say();
        assert!(matches!(aggregate(vec![member(0)], &sum, &times, &stop), Err(Error::Cancelled(_))));
    }
}
