//! A change of one series that others speak for.

use std::collections::BTreeMap;

use negawatt_skill::services::Callees;
use negawatt_skill::services::onsets::{self, Place, around};
use negawatt_skill::services::rank::{self, Ranked, Seen, rank};
use negawatt_skill::services::shift::{Onset, evidence};
use negawatt_skill::{Direction, Series, Timestamp, Window, series::correlation};

/// What is asked.
#[derive(Debug)]
pub struct Question<'a> {
    /// Who calls whom.
    pub callees: &'a Callees,
    /// The metric by the service's number, the incident's included, all binned alike.
    pub series: &'a BTreeMap<usize, Series>,
    /// How often a request of the incident's service needs each of the others, as far as that is known.
    pub visits: &'a BTreeMap<usize, f64>,
    /// Where changes count.
    pub window: Window,
    /// The direction that hurts.
    pub worse: Direction,
}

/// A change of the incident's metric, with what speaks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    /// The first observation after it.
    pub time: Timestamp,
    /// The level before.
    pub before: f64,
    /// The level after.
    pub after: f64,
    /// How much more probable what was seen is if the metric changed somewhere because of a service that it calls than if nothing did.
    pub odds: f64,
    /// The change in what is usual for the series.
    pub z: f64,
    /// The service that speaks for it most, by number.
    pub with: usize,
    /// Its change in what is usual for it.
    pub with_z: f64,
}

impl Joint {
    /// How probable it is that the metric changed, if an alarm is as often right as wrong.
    pub fn probability(&self) -> f64 {
        self.odds / (1.0 + self.odds)
    }

    /// The greatest that the probability of such odds without any change can be: the inverse of a mean likelihood ratio (Ville's
    /// inequality; Vovk and Wang, "E-values: Calibration, Combination and Applications", Annals of Statistics 49(3) (2021), p. 1736).
    pub fn p_value(&self) -> f64 {
        self.odds.recip().min(1.0)
    }
}

/// Places that are looked at in all services: those where the incident's series shifted most.
const MOST_PLACES: usize = 24;
/// Looks at one service at one place that are made at most; and places, with very many services.
const MOST_LOOKS: usize = 2_000;
const LEAST_PLACES: usize = 2;

/// The change that is likeliest, with the odds that there is any; absent where the metric shifted nowhere in the direction that
/// hurts until the window's end, or none of the services that it calls did so.
///
/// For each place, the likelihood of what was seen with a change there against none is that of the metric's own shift times that of
/// the services below ([`rank`]), over every service that could be at fault; the mean over all places of the window is the
/// odds. A metric that follows a callee in ordinary times follows its excursions too: then the shift of both says little more
/// than that of one. For two normal variables of the same size with correlation *r*, the log-likelihood of both is 2 / (1 + *r*) times
/// that of one, so what the metric adds counts (1 − *r*) / (1 + *r*).
///
/// Only shifts that last until the window's end count. What was undone before is the concern of those who look at the series alone:
/// there are many brief excursions, and few reasons to look into them together.
pub fn joint(question: &Question) -> Option<Joint> {
    let Question { callees, series, .. } = *question;
    let incident = series.get(&callees.service)?;
    let count = incident.range(question.window).len().max(1) as f64;
    let mut places = places(incident, question.window, question.worse);
    places.sort_by(|a, b| b.z.total_cmp(&a.z));
    places.truncate(MOST_PLACES.min((MOST_LOOKS / series.len()).max(LEAST_PLACES)));
    let seen: Vec<Joint> = places.iter().filter_map(|place| at(place.time, question)).collect();
    let odds = seen.iter().map(|joint| joint.odds).sum::<f64>() / count;
    let best = seen.into_iter().max_by(|a, b| a.odds.total_cmp(&b.odds))?;
    Some(Joint { odds, ..best })
}

/// The places of the window where the incident's series shifted in the direction that hurts, and stayed there.
pub fn places(incident: &Series, window: Window, worse: Direction) -> Vec<Place> {
    onsets::places(incident, window, &onset(window.start, window, worse))
}

/// A change at one place, with the odds that it is there.
fn at(time: Timestamp, question: &Question) -> Option<Joint> {
    let Question { callees, window, worse, .. } = *question;
    let series: BTreeMap<usize, Series> =
        question.series.iter().map(|(&service, series)| (service, around(series, time))).collect();
    let ranking = rank(&rank::Question {
        graph: &callees.graph,
        service: callees.service,
        series: &series,
        visits: question.visits,
        onset: onset(time, window, worse),
        harm: 0.0,
    })?;
    let own = *ranking.seen.get(&callees.service)?;
    let alone = evidence(own.z);
    let before = |service: usize| Some(series.get(&service)?.slice(Window { start: Timestamp::MIN, end: time }));
    let incident = before(callees.service)?;
    let odds = |ranked: &Ranked| -> Option<(f64, Seen, usize)> {
        let seen = ranked.seen.filter(|seen| seen.evidence > 0.0 && ranked.service != callees.service)?;
        let together = correlation(&incident, &before(ranked.service)?).clamp(0.0, 1.0);
        let adds = if alone > 0.0 { alone * (1.0 - together) / (1.0 + together) } else { alone };
        Some(((ranked.log_odds + adds).exp(), seen, ranked.service))
    };
    let all: Vec<_> = ranking.all.iter().filter_map(odds).collect();
    let (_, with, service) = all.iter().max_by(|a, b| a.0.total_cmp(&b.0)).copied()?;
    Some(Joint {
        time,
        before: own.shift.before,
        after: own.shift.after,
        odds: all.iter().map(|(odds, ..)| odds).sum(),
        z: own.z,
        with: service,
        with_z: with.z,
    })
}

fn onset(time: Timestamp, window: Window, worse: Direction) -> Onset {
    Onset { time, until: window.end, drift: false, lasting: true, worse }
}
