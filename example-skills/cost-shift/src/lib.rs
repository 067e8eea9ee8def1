//! Tells cost that moved between functions or services from cost that grew.
//!
//! See the skill's `SKILL.md` for the method and its limits.

mod balance;
mod domains;
mod functions;
mod samples;
mod series;
mod services;

use negawatt_skill::prelude::*;
use negawatt_skill::profile::Profile;
use negawatt_skill::stretches::Around;

negawatt_skill::skill!(investigate);

/// No statistics of a few files are so sure that nothing else happened.
const SUREST: f64 = 0.998;
/// Less than this, and nothing is said.
const LEAST: f64 = 0.5;
/// So many observations show how much they differ among themselves.
const ENOUGH: usize = 6;

/// A dismissal of the change that explains the incident, where its cost moved there from elsewhere; nothing otherwise.
fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let (Some(change), Some(metric)) = (case.explaining_change(), &case.incident.metric) else { return Ok(Vec::new()) };
    // Where less is worse, it is no cost.
    if metric.worse == Direction::Down {
        return Ok(Vec::new());
    }
    let around = Around::new(change.time, case.change_points().map(|change| change.time), ENOUGH);
    let answer = if let Some(function) = metric.label("function") {
        of_function(case, metric, function, &change, &around)?
    } else if services::adds_up(metric) {
        services::in_metrics(case, metric, &around)?
    } else {
        None
    };
    let dismissal = answer.filter(|answer| 1.0 - answer.doubt > LEAST).map(|answer| {
        let dismissal =
            Dismissal { reason: DismissalReason::CostShift, detail: answer.detail, of: Some(change.id.to_owned()) };
        Finding::new(dismissal, (1.0 - answer.doubt).min(SUREST), answer.summary).because([change.id])
    });
    Ok(dismissal.into_iter().collect())
}

/// Profiles first: they hold all functions, and where they say that nothing moved, nothing did. What the metric says of other
/// functions is asked where there are no profiles, or where those are in doubt.
fn of_function(
    case: &Case,
    metric: &Metric,
    function: &str,
    change: &ChangePoint,
    around: &Around,
) -> Result<Option<Answer>, Error> {
    let in_profiles = match Profile::query(&case.incident.service, case.incident.window) {
        Ok(profile) => functions::in_profiles(&profile, function, change, around),
        Err(error) if error.is_absence() => None,
        Err(error) => return Err(error),
    };
    match in_profiles {
        Some(None) => Ok(None),
        Some(Some(answer)) if 1.0 - answer.doubt >= SUREST => Ok(Some(answer)),
        in_doubt => {
            let in_metrics = match functions::in_metrics(case, metric, function, change, around) {
                // What the profiles say stands without it.
                Err(error) if error.is_absence() && in_doubt.is_some() => None,
                answer => answer?,
            };
            let answers = in_doubt.flatten().into_iter().chain(in_metrics);
            Ok(answers.min_by(|left, right| left.doubt.total_cmp(&right.doubt)))
        }
    }
}

/// Where cost moved from.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    /// One line for people.
    summary: String,
    /// One sentence with numbers.
    detail: String,
    /// How probable it is, at most, that the cost did not move.
    doubt: f64,
}

#[cfg(test)]
mod tests;
