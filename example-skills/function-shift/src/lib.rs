//! Finds the functions whose share of CPU samples changed with a regression.
//!
//! See the skill's `SKILL.md` for the method and its limits.

mod likeness;
mod moderation;
mod shares;
mod test;

use negawatt_skill::format::signed_percent;
use negawatt_skill::prelude::*;
use negawatt_skill::profile::Profile;
use negawatt_skill::stretches::{Around, Stretches};

use shares::Shares;
use test::Tested;

negawatt_skill::skill!(investigate);

/// The part of false ones that is expected among the functions returned.
const FALSE_DISCOVERY_RATE: f64 = 0.05;
/// A change smaller than both of these, as a share of all CPU and relative to the greater level, is nobody's regression.
const LEAST_CHANGE: f64 = 0.001;
const LEAST_RELATIVE_CHANGE: f64 = 0.1;
/// How many functions are returned at most.
const MOST_FUNCTIONS: usize = 20;
/// So many files show how much they differ among themselves.
const ENOUGH: usize = 4;

/// The functions whose share changed with the change that explains the incident, by falling (after − before); nothing where no
/// change hurts.
pub fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let Some(change) = case.explaining_change() else { return Ok(Vec::new()) };
    let service = &case.incident.service;
    let profile = Profile::query(service, case.incident.window)?;
    let changes = case.change_points().map(|change| change.time);
    let stretches = with_the_only_file(Around::new(change.time, changes, ENOUGH).files(&profile));
    for (files, side) in [(&stretches.before, "before"), (&stretches.after, "after")] {
        if profile.total(files.clone()) <= 0.0 {
            let time = rfc3339(change.time);
            return Err(Error::NotFound(format!(
                "no profile of {service} holds samples {side} the change at {time}, of {} files in the window: \
                 profiles on both sides of the change are needed",
                profile.files().len()
            )));
        }
    }
    let tested = test::all(&Shares::of(&profile, &stretches));
    Ok(changed(tested, MOST_FUNCTIONS.min(case.budget.findings as usize))
        .into_iter()
        .map(|(tested, adjusted)| finding(&profile, &tested, adjusted).because([change.id]))
        .collect())
}

/// Where only one file begins before a change, it counts although it reaches over it: without it nothing would be known.
fn with_the_only_file(mut stretches: Stretches) -> Stretches {
    if stretches.before.is_empty() {
        stretches.before = 0..stretches.after.start;
    }
    stretches
}

/// The functions that changed by more than chance and by enough to matter, with their adjusted p-values: at most so many of those
/// that tell most, by falling change.
fn changed(tested: Vec<Tested>, most: usize) -> Vec<(Tested, f64)> {
    let adjusted = stats::benjamini_hochberg(&tested.iter().map(|tested| tested.p_value).collect::<Vec<_>>());
    let mut changed: Vec<_> = tested
        .into_iter()
        .zip(adjusted)
        .filter(|(tested, adjusted)| {
            let change = (tested.after - tested.before).abs();
            let matters = change >= LEAST_CHANGE || change >= LEAST_RELATIVE_CHANGE * tested.before.max(tested.after);
            *adjusted <= FALSE_DISCOVERY_RATE && matters
        })
        .collect();
    changed.sort_by(|(left, _), (right, _)| right.divergence().total_cmp(&left.divergence()));
    changed.truncate(most);
    changed.sort_by(|(left, _), (right, _)| (right.after - right.before).total_cmp(&(left.after - left.before)));
    changed
}

fn finding(profile: &Profile, tested: &Tested, adjusted: f64) -> Finding {
    let name = profile.functions()[tested.function].clone();
    let (before, after) = (tested.before, tested.after);
    let summary = format!(
        "{name} {} from {} to {} of CPU samples ({} points).",
        if after > before { "rose" } else { "fell" },
        percent(before),
        percent(after),
        signed_percent(after - before)
    );
    let shift = FunctionShift {
        name,
        before,
        after,
        self_before: tested.own_before,
        self_after: tested.own_after,
        p_value: tested.p_value,
    };
    Finding::new(shift, stats::confidence(adjusted), summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_file_before_counts_although_it_reaches_over_the_change() {
        let of = |before, after| with_the_only_file(Stretches { before, after });
        assert_eq!(of(0..0, 1..20), Stretches { before: 0..1, after: 1..20 });
        assert_eq!(of(0..1, 2..20), Stretches { before: 0..1, after: 2..20 });
        assert_eq!(of(0..0, 0..20), Stretches { before: 0..0, after: 0..20 });
    }
}
