//! Cost that moved between functions of a service.

use negawatt_skill::format::signed_percent;
use negawatt_skill::prelude::*;
use negawatt_skill::profile::Profile;
use negawatt_skill::stretches::Around;

use crate::Answer;
use crate::balance::{self, Sample, Shares};
use crate::domains::{self, Donor, Extent, Found, MOST_SHARE};
use crate::samples::Samples;
use crate::series;

/// How many functions a sentence names.
const NAMED: usize = 3;

/// What profiles say of a function whose level went from `change.before` to `change.after`; `None` where they cannot tell or the
/// function is not in them, and an answer of `None` where its cost did not move.
pub fn in_profiles(profile: &Profile, function: &str, change: &ChangePoint, around: &Around) -> Option<Option<Answer>> {
    let index = profile.function(function)?;
    let samples = Samples::of(profile, around)?;
    let found = domains::search(&samples, index, extent(&samples, index, change));
    Some(found.map(|found| answer(profile, function, &found)))
}

/// Whether a metric counts a function with what it calls or without: which of both is nearer to the levels of the metric. With, where
/// both are as near.
fn extent(samples: &Samples<'_>, function: usize, change: &ChangePoint) -> Extent {
    let distance = |holds: &dyn Fn(&[usize]) -> bool| {
        let (before, after) = samples.shares(&samples.stacks(holds));
        (before - change.before).abs() + (after - change.after).abs()
    };
    let inclusive = distance(&|stack| stack.contains(&function));
    let own = distance(&|stack| stack.last() == Some(&function));
    if own < inclusive { Extent::Own } else { Extent::Inclusive }
}

fn answer(profile: &Profile, function: &str, found: &Found) -> Answer {
    let name = |function: usize| profile.functions()[function].as_str();
    let donor = match &found.donor {
        Donor::Functions(functions) => {
            let names: Vec<String> = functions
                .iter()
                .take(NAMED)
                .map(|&(donor, extent)| match extent {
                    Extent::Inclusive if name(donor) == function => "what it calls".to_owned(),
                    Extent::Inclusive => name(donor).to_owned(),
                    Extent::Own => format!("{} itself", name(donor)),
                })
                .collect();
            let more = functions.len() - names.len();
            names.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
        }
        Donor::Callers(Extent::Inclusive) => "what calls it".to_owned(),
        Donor::Callers(Extent::Own) => "the functions that call it themselves".to_owned(),
        Donor::Named(prefix) => {
            format!("other functions of {}", prefix.trim_end_matches([':', '.', '/', '-', '>', '#']))
        }
        Donor::Source(source) => format!("other functions of {source}"),
    };
    Answer {
        summary: format!("The cost of {function} moved there from {donor}."),
        detail: format!(
            "{function} went from {} to {} of CPU samples, paid for by {donor}: together they went from {} to {}, {} ± {} against \
             the rest",
            percent(found.part.0),
            percent(found.part.1),
            percent(found.domain.0),
            percent(found.domain.1),
            signed_percent(found.moved.growth),
            percent(found.moved.error),
        ),
        doubt: found.moved.doubt,
    }
}

/// What the same metric says of the service's other functions, where it is a share of CPU; for where there are no profiles.
pub fn in_metrics(
    case: &Case,
    metric: &Metric,
    function: &str,
    change: &ChangePoint,
    around: &Around,
) -> Result<Option<Answer>, Error> {
    let is_share = |level: f64| (0.0..=1.0).contains(&level);
    if !is_share(change.before) || !is_share(change.after) {
        return Ok(None);
    }
    let all = series::across(metric, "function", case.incident.window)?;
    Ok(among(&all, function, around).map(|(other, moved)| Answer {
        summary: format!("The cost of {function} moved there from {other}."),
        detail: format!(
            "{function} rose by {} of CPU samples, and {other} paid for it: together they grew by {} ± {} against the rest",
            percent(moved.rise),
            signed_percent(moved.growth),
            percent(moved.error)
        ),
        doubt: moved.doubt,
    }))
}

/// The function among several series that paid for the rise of one, with the least doubt.
pub fn among<'a>(all: &'a [metrics::Series], function: &str, around: &Around) -> Option<(&'a str, balance::Moved)> {
    let own = all.iter().find(|series| series.label("function") == Some(function))?;
    let own_series = Series::from(own.clone());
    let mut candidates = Vec::new();
    for other in all {
        let Some(name) = other.label("function") else { continue };
        if name == function || !series::differ_in_only("function", &own.labels, &other.labels) {
            continue;
        }
        let other = Series::from(other.clone());
        let (times, part, beside) = series::side_by_side(&own_series, &other);
        let stretches = around.moments(&times);
        let samples: Vec<Sample> = part
            .iter()
            .zip(&beside)
            .map(|(&part, &beside)| Sample { total: 1.0, domain: part + beside, part, draws: f64::INFINITY })
            .collect();
        let shares = Shares { before: samples[stretches.before].to_vec(), after: samples[stretches.after].to_vec() };
        let of_domain = |side: &[Sample]| side.iter().map(|sample| sample.domain).sum::<f64>() / side.len() as f64;
        if of_domain(&shares.before).max(of_domain(&shares.after)) <= MOST_SHARE {
            candidates.push((name, shares));
        }
    }
    let count = candidates.len();
    let found = candidates.into_iter().filter_map(|(name, shares)| Some((name, balance::moved(&shares, count)?)));
    found.min_by(|(_, left), (_, right)| left.doubt.total_cmp(&right.doubt))
}
