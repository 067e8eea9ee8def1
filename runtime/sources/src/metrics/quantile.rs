//! A quantile of a histogram, from the increase of its buckets.

use std::collections::BTreeMap;

use negawatt_host::model::{Aggregate, Aggregation, Answer, Error, QuantileTransform};

use super::transform::{each, increase, range};
use super::{Labels, Samples, Times, join};
use crate::blocking::Stop;

/// The label of a bucket's upper bound.
const BOUND: &str = "le";

/// One series per histogram: buckets that agree in every label but `le`. Where the histograms are summed, their buckets are
/// added first (a sum of quantiles means nothing).
pub fn evaluate(
    series: Vec<Samples>,
    quantile: &QuantileTransform,
    aggregate: Option<&Aggregate>,
    times: &Times,
    stop: &Stop,
) -> Answer<Vec<Samples>> {
    check(quantile)?;
    let share = quantile.quantile;
    let over = range(quantile.over)?;
    let found_any = !series.is_empty();
    let mut buckets: Vec<Samples> = series.iter().filter(|series| bound(&series.labels).is_some()).cloned().collect();
    if found_any && buckets.is_empty() {
        return Err(no_buckets());
    }
    buckets = each(&buckets, stop, |bucket| increase(bucket, over, false, times))?;
    if let Some(Aggregate { operation: Aggregation::Sum, by }) = aggregate {
        let by = by.iter().cloned().chain([BOUND.to_owned()]).collect();
        buckets = join::aggregate(buckets, &Aggregate { operation: Aggregation::Sum, by }, times, stop)?;
    }
    let mut histograms: BTreeMap<Labels, Vec<(f64, Samples)>> = BTreeMap::new();
    for bucket in buckets {
        if let Some(bound) = bound(&bucket.labels) {
            let labels = bucket.labels.iter().filter(|(name, _)| name != BOUND).cloned().collect();
            histograms.entry(labels).or_default().push((bound, bucket));
        }
    }
    Ok(histograms.into_iter().map(|(labels, buckets)| histogram(labels, buckets, share)).collect())
}

/// Refuses what is no quantile.
pub fn check(quantile: &QuantileTransform) -> Answer<()> {
    let share = quantile.quantile;
    if !(0.0..=1.0).contains(&share) {
        return Err(Error::Invalid(format!("the quantile {share} is not from 0 to 1")));
    }
    range(quantile.over).map(drop)
}

/// The error of series that are no histogram.
pub fn no_buckets() -> Error {
    Error::Invalid(
        "a quantile needs the buckets of a histogram, series with a label `le`; their name often ends in `_bucket`"
            .to_owned(),
    )
}

fn bound(labels: &Labels) -> Option<f64> {
    labels.iter().find(|(name, _)| name == BOUND)?.1.parse().ok().filter(|bound: &f64| !bound.is_nan())
}

fn histogram(labels: Labels, buckets: Vec<(f64, Samples)>, share: f64) -> Samples {
    let mut by_time: BTreeMap<i64, Vec<(f64, f64)>> = BTreeMap::new();
    for (bound, bucket) in &buckets {
        for (time, count) in bucket.times.iter().zip(&bucket.values) {
            by_time.entry(*time).or_default().push((*bound, *count));
        }
    }
    let mut result = Samples::empty(labels);
    for (time, mut counts) in by_time {
        if let Some(value) = bucket_quantile(share, &mut counts) {
            result.push(time, value);
        }
    }
    result
}

/// The quantile of cumulative counts by upper bound, linear inside its bucket: `bucketQuantile` of Prometheus
/// (promql/quantile.go). `None` without observations, or without a bucket that ends at infinity and another one.
fn bucket_quantile(share: f64, counts: &mut Vec<(f64, f64)>) -> Option<f64> {
    counts.sort_by(|a, b| a.0.total_cmp(&b.0));
    // The same bound written in two ways, such as 1 and 1.0.
    counts.dedup_by(|later, kept| {
        later.0 == kept.0 && {
            kept.1 += later.1;
            true
        }
    });
    // Counts are cumulative; what falls is a rounding error or buckets that were read at different instants.
    let mut most = f64::NEG_INFINITY;
    for (_, count) in counts.iter_mut() {
        most = most.max(*count);
        *count = most;
    }
    let (end, total) = *counts.last()?;
    if end != f64::INFINITY || counts.len() < 2 || total <= 0.0 {
        return None;
    }
    let rank = share * total;
    let at = counts[..counts.len() - 1].partition_point(|(_, count)| *count < rank);
    let (upper, count) = counts[at];
    if upper == f64::INFINITY {
        return Some(counts[at - 1].0);
    }
    let (lower, below) = match at.checked_sub(1) {
        Some(before) => counts[before],
        None if upper <= 0.0 => return Some(upper),
        None => (0.0, 0.0),
    };
    let inside = count - below;
    Some(if inside > 0.0 { lower + (upper - lower) * ((rank - below) / inside) } else { upper })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_buckets() {
        let inf = f64::INFINITY;
        for (share, counts, expected) in [
            // The examples of the linear rule: half of ten observations, all in the second bucket.
            (0.5, vec![(1.0, 0.0), (2.0, 10.0), (inf, 10.0)], Some(1.5)),
            (0.5, vec![(1.0, 10.0), (2.0, 10.0), (inf, 10.0)], Some(0.5)),
            (0.9, vec![(1.0, 5.0), (inf, 10.0)], Some(1.0)),
            (0.0, vec![(1.0, 5.0), (inf, 10.0)], Some(0.0)),
            (0.3, vec![(-1.0, 5.0), (inf, 10.0)], Some(-1.0)),
            (0.5, vec![(1.0, 4.0), (2.0, 3.0), (inf, 8.0)], Some(1.0)),
            (0.5, vec![(1.0, 0.0), (inf, 0.0)], None),
            (0.5, vec![(inf, 3.0)], None),
            (0.5, vec![(1.0, 3.0), (2.0, 4.0)], None),
        ] {
            let mut given = counts.clone();
            assert_eq!(bucket_quantile(share, &mut given), expected, "{share} of {counts:?}");
        }
    }
}
