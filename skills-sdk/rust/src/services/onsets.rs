//! Where a change may have begun, and a ranking over all such places.

use std::collections::BTreeMap;

use super::rank::{Question, Ranked, Ranking, normalised, rank};
use super::shift::{FEWEST, Onset, evidence, shift};
use crate::{Series, Timestamp, Window};

/// Observations after a place that are needed: a last one that is odd is no change.
const LEAST_AFTER: usize = 2;
/// Observations before a place that are looked at, at most.
const REACH: usize = 300;
/// The probability that the change is where it was found. The rest is shared out among all places, by how well they explain the
/// incident's series: few and noisy observations fit a step at several of them.
const FOUND: f64 = 0.5;
/// Rankings of one service at one place that are made at most; and places, with few services.
const MOST_LOOKS: usize = 2_000;
const MOST_PLACES: usize = 8;

/// A place where the incident's metric may have changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// The first observation after it.
    pub time: Timestamp,
    /// By how much the series shifted there and stayed, in what is usual for it.
    pub z: f64,
}

/// The places inside of a stretch where a series shifted in the direction that hurts and stayed there until the onset's end; the
/// onset's own time does not matter.
pub fn places(series: &Series, inside: Window, onset: &Onset) -> Vec<Place> {
    let range = series.range(inside);
    let last = range.end.saturating_sub(LEAST_AFTER - 1);
    let place = |index: usize| {
        let time = series.times[index];
        let shift = shift(&around(series, time), &Onset { time, lasting: true, ..*onset })?;
        (shift.difference > 0.0).then(|| Place { time, z: shift.difference / shift.scale.max(f64::MIN_POSITIVE) })
    };
    (range.start.max(FEWEST)..last).filter_map(place).collect()
}

/// A series from some time before a place on.
pub fn around(series: &Series, time: Timestamp) -> Series {
    let start = series.times.partition_point(|&other| other < time).saturating_sub(REACH);
    Series { times: series.times[start..].to_vec(), values: series.values[start..].to_vec() }
}

/// The ranking of [`rank`], if the change is where it was found with a probability of one half, and anywhere in a window with the
/// other, as a step that lasts until the window's end. Of each service is told what was seen where that speaks for it most.
pub fn rank_over(question: &Question, window: Window) -> Option<Ranking> {
    let onsets = onsets(question, window);
    let rankings: Vec<(f64, Ranking)> = onsets
        .into_iter()
        .filter_map(|(onset, weight)| Some((weight, rank(&Question { onset, ..*question })?)))
        .collect();
    let all: f64 = rankings.iter().map(|(weight, _)| weight).sum();
    let mut joined: BTreeMap<usize, (f64, Ranked)> = BTreeMap::new();
    let mut seen = BTreeMap::new();
    for (weight, ranking) in &rankings {
        for ranked in &ranking.all {
            let weighed = (weight / all).ln() + ranked.log_odds;
            let (best, known) = joined.entry(ranked.service).or_insert((f64::NEG_INFINITY, ranked.clone()));
            let greatest = known.log_odds.max(weighed);
            if *best == f64::NEG_INFINITY {
                known.log_odds = weighed;
            } else {
                known.log_odds = greatest + ((known.log_odds - greatest).exp() + (weighed - greatest).exp()).ln();
            }
            if weighed > *best {
                (*best, known.seen) = (weighed, ranked.seen);
                ranked.seen.map(|of| seen.insert(ranked.service, of));
            }
        }
    }
    let ranked = joined.into_values().map(|(_, ranked)| ranked).collect();
    (!rankings.is_empty()).then(|| Ranking { all: normalised(ranked), seen })
}

/// The places with their probabilities, the most probable ones.
fn onsets(question: &Question, window: Window) -> Vec<(Onset, f64)> {
    let found = question.onset;
    let anywhere = Onset { until: window.end, drift: false, ..found };
    let most = (MOST_LOOKS / question.series.len().max(1)).clamp(1, MOST_PLACES);
    let incident = question.series.get(&question.service).filter(|_| most > 1);
    let places = incident.map_or_else(Vec::new, |incident| places(incident, window, &anywhere));
    let likely: Vec<f64> = places.iter().map(|place| evidence(place.z).exp()).collect();
    let all: f64 = likely.iter().sum();
    let spread = places.iter().zip(&likely);
    let mut onsets: Vec<(Onset, f64)> =
        spread.map(|(place, likely)| (Onset { time: place.time, ..anywhere }, (1.0 - FOUND) * likely / all)).collect();
    onsets.sort_by(|a, b| b.1.total_cmp(&a.1));
    onsets.truncate(most - 1);
    onsets.push((found, FOUND));
    onsets
}
