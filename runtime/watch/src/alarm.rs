//! The rule that keeps false alarms rare: which of the changes that skills find raise an alarm.
//!
//! A series is looked at hundreds of times a day, and each look could be wrong. By the union bound (Bonferroni's inequality, which
//! needs no independence, and looks at nearly the same data have none) all looks of a day together are wrong at most as often as
//! the sum of their error rates says; so each look gets its part of what is allowed in a day. That holds for noise as the skills
//! take it to be; for what is otherwise there are more conditions: the skill's own confidence, which also weighs a level that
//! wanders; observations on both sides; an earlier look that saw the same change; and, in a series that was looked at before, that the
//! change is not long ago: what many looks did not find is no regression of a sudden, but a season that is described a bit otherwise. Nor
//! is it one that is small beside what the series does anyway, or that only ends a brief excursion.

use std::time::Duration as WallTime;

pub use negawatt_host::model::metrics::Series;
use negawatt_host::model::{ChangePoint, Direction, Duration, Shape, Timestamp};

use crate::numbers::standard_errors;

/// What a series in which nothing changes may raise by chance, in a day.
pub const FALSE_ALARMS_PER_SERIES_DAY: f64 = 1e-3;

/// How much rarer an alarm must be where its skill's assumptions hold, for noise that does not keep to them.
const MARGIN: f64 = 10.0;

/// The least confidence of a skill in a change.
const CONFIDENT: f64 = 0.95;

/// The fewest observations before a change, and after it.
const BEFORE: usize = 20;
const AFTER: usize = 8;

/// The part of a change that must be left after all later ones.
const LASTING: f64 = 0.5;

/// An excursion is brief that takes at most the window divided by this: its end is no change.
const BRIEF: u64 = 8;

/// Standard errors by which the level after such an excursion must differ from that before it, to be a change.
const SURELY: f64 = 5.0;

/// The part of a series' range that a change must be. A season is known to within some part of its size: what is left of it is small beside
/// it, and at the edge of a weekend looks like a change.
const OF_RANGE: f64 = 0.1;

/// The least confidence in a change that tells how another one went on, or what went before it.
const BELIEVED: f64 = 0.5;

/// The part of the window in which a change must be, in a series that was looked at before.
const RECENT: u64 = 4;

/// The part of the observations after a change that an earlier look is given.
const EARLIER: f64 = 2.0 / 3.0;

/// A change that a skill found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The skill that found it.
    pub by: String,
    /// The change.
    pub change: ChangePoint,
    /// How sure the skill is.
    pub confidence: f64,
}

/// What makes a change an alarm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// The direction that hurts.
    pub worse: Direction,
    /// The least change that matters, as a part of the level before.
    pub least: f64,
    /// The greatest probability that chance explains it.
    pub by_chance: f64,
}

impl Rule {
    /// For series that are looked at once in an interval.
    pub fn new(worse: Direction, least: f64, interval: WallTime) -> Rule {
        const DAY: f64 = 86_400.0;
        let looks = (DAY / interval.as_secs_f64().max(1.0)).max(1.0);
        Rule { worse, least, by_chance: FALSE_ALARMS_PER_SERIES_DAY / MARGIN / looks }
    }

    /// By how much a level is worse than another one.
    fn harm(&self, from: f64, to: f64) -> f64 {
        match self.worse {
            Direction::Up => to - from,
            Direction::Down => from - to,
        }
    }

    /// The changes of a series, by their places in `found`, that raise an alarm if an earlier look saw them, too ([`confirmed`]).
    ///
    /// Of a series that was looked at before, only changes `since` a time ([`recent`]) count.
    pub fn admitted(&self, found: &[Found], series: &Series, since: Timestamp) -> Vec<usize> {
        let recent = |found: &Found| found.change.time >= since;
        (0..found.len()).filter(|at| recent(&found[*at]) && self.admits(&found[*at], found, series)).collect()
    }

    fn admits(&self, one: &Found, all: &[Found], series: &Series) -> bool {
        let ChangePoint { time, before, after, p_value, shape, .. } = &one.change;
        let harm = self.harm(*before, *after);
        let at = series.times.partition_point(|other| other < time);
        // Nobody's word takes from what another skill found.
        let its_own =
            |other: &&Found| other.by == one.by && other.confidence > BELIEVED && other.change.shape != Shape::Variance;
        let others = all.iter().filter(its_own).map(|other| &other.change);
        let later = others.clone().filter(|other| other.time > *time);
        let lasting = later.map(|later| self.harm(*before, later.after)).fold(harm, f64::min);
        let last = others.filter(|other| other.time < *time).max_by_key(|other| other.time);
        *shape != Shape::Variance
            && harm > 0.0
            && harm >= self.least * before.abs()
            && *p_value <= self.by_chance
            && one.confidence >= CONFIDENT
            && at >= BEFORE
            && series.times.len() - at >= AFTER
            && lasting >= LASTING * harm
            && harm >= OF_RANGE * range(&series.values)
            && !last.is_some_and(|start| self.ends_excursion(start, &one.change, series))
    }

    /// Whether a change only leads back to where a brief excursion began: what was better for a while, such as a counter that was set to
    /// 0, is not worse now. A restart into something that is worse leads further.
    fn ends_excursion(&self, start: &ChangePoint, change: &ChangePoint, series: &Series) -> bool {
        let (Some(first), Some(last)) = (series.times.first(), series.times.last()) else { return false };
        let place = |time: Timestamp| series.times.partition_point(|other| *other < time);
        let brief = change.time.abs_diff(start.time) <= last.abs_diff(*first) / BRIEF;
        let further = || {
            let apart = standard_errors(&series.values[..place(start.time)], &series.values[place(change.time)..]);
            self.harm(start.before, change.after) >= self.least * start.before.abs() && apart >= SURELY
        };
        brief && !further()
    }
}

/// The range of the middle 80 % of a series' values, which some odd values do not widen; 0 where it is no number.
fn range(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |part: f64| sorted.get((part * sorted.len() as f64) as usize).copied().unwrap_or_default();
    Some(at(0.9) - at(0.1)).filter(|range| range.is_finite()).unwrap_or_default()
}

/// Since when a change counts in a series that was looked at until a time: a quarter of the window before it, which leaves a slow
/// change time to be seen.
pub fn recent(until: Timestamp, window: Duration) -> Timestamp {
    until.saturating_sub_unsigned(window / RECENT)
}

/// Until when an earlier look at a series sees: of what came after a change the first two thirds.
pub fn earlier_look(series: &Series, change: &ChangePoint) -> Timestamp {
    let at = series.times.partition_point(|time| *time < change.time);
    let kept = ((series.times.len() - at) as f64 * EARLIER).ceil() as usize;
    series.times.get(at + kept).copied().unwrap_or(Timestamp::MAX)
}

/// Whether what an earlier look found is the same change.
pub fn confirmed(change: &ChangePoint, within: Duration, earlier: &[Found]) -> bool {
    earlier.iter().any(|found| is_same(change, within, &found.change))
}

/// Whether another look at a series means the same change, whose time is known so exactly.
pub fn is_same(change: &ChangePoint, within: Duration, other: &ChangePoint) -> bool {
    let rose = |change: &ChangePoint| change.after > change.before;
    rose(change) == rose(other) && change.time.abs_diff(other.time) <= within.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn series() -> Series {
        Series { labels: Vec::new(), times: (0..100).map(|n| n * MINUTE).collect(), values: vec![1.0; 100] }
    }

    fn found(minute: i64, before: f64, after: f64) -> Found {
        let (p_value, method, shape) = (1e-12, String::new(), Shape::Step);
        let change = ChangePoint { time: minute * MINUTE, before, after, p_value, method, shape };
        Found { by: "skill".to_owned(), change, confidence: 0.99 }
    }

    fn rule(worse: Direction) -> Rule {
        Rule::new(worse, 0.01, WallTime::from_secs(300))
    }

    fn admits(one: Found) -> bool {
        rule(Direction::Up).admitted(&[one], &series(), Timestamp::MIN) == [0]
    }

    #[test]
    fn all_looks_of_a_day_share_what_is_allowed() {
        let looks = 24.0 * 12.0;
        assert!((rule(Direction::Up).by_chance * looks * MARGIN - 1e-3).abs() < 1e-12);
        // Who looks once in a week has no more than a day's.
        let rare = Rule::new(Direction::Up, 0.01, WallTime::from_secs(7 * 86_400));
        assert_eq!(rare.by_chance, 1e-3 / MARGIN);
    }

    #[test]
    fn each_condition_is_needed() {
        let usual = found(50, 1.0, 1.1);
        assert!(admits(usual.clone()));
        let with = |change: fn(&mut Found)| {
            let mut other = usual.clone();
            change(&mut other);
            other
        };
        assert!(!admits(with(|found| found.change.p_value = 1e-6)));
        assert!(!admits(with(|found| found.confidence = 0.9)));
        assert!(!admits(with(|found| found.change.shape = Shape::Variance)));
        assert!(admits(with(|found| found.change.shape = Shape::Drift)));
        assert!(!admits(with(|found| found.change.after = 0.9)), "less does not hurt");
        assert!(!admits(with(|found| found.change.after = 1.0099)), "too small to matter");
        assert!(admits(with(|found| found.change.after = 1.0101)));
        assert!(!admits(found(19, 1.0, 1.1)) && admits(found(20, 1.0, 1.1)), "before");
        assert!(admits(found(92, 1.0, 1.1)) && !admits(found(93, 1.0, 1.1)), "after");
        assert!(admits(found(50, 0.0, 1.0)), "any part of nothing");
        assert!(admits(found(50, -1.0, -0.98)) && !admits(found(50, -1.0, -1.2)));
    }

    #[test]
    fn less_hurts_where_the_operator_says_so() {
        let down = |one| rule(Direction::Down).admitted(&[one], &series(), Timestamp::MIN).len();
        assert_eq!([down(found(50, 1.0, 0.9)), down(found(50, 1.0, 1.1))], [1, 0]);
    }

    #[test]
    fn a_change_that_was_undone_is_none_and_one_that_lasts_in_part_is_one() {
        let admitted = |all: &[Found]| rule(Direction::Up).admitted(all, &series(), Timestamp::MIN);
        assert_eq!(admitted(&[found(40, 1.0, 1.2), found(60, 1.2, 1.0)]), [0; 0]);
        assert_eq!(admitted(&[found(40, 1.0, 1.2), found(60, 1.2, 1.1)]), [0]);
        assert_eq!(admitted(&[found(40, 1.0, 1.2), found(60, 1.2, 1.5)]), [0, 1]);
    }

    /// Noise of one percent about 1 until a minute, then another level for so long, then a third one.
    fn excursion(from: usize, minutes: usize, (during, after): (f64, f64)) -> Series {
        let level = |n: usize| {
            if n < from {
                1.0
            } else if n < from + minutes {
                during
            } else {
                after
            }
        };
        let noise = |n: usize| [0.01, -0.01, 0.005, -0.005, 0.0, 0.01, -0.01][n * n % 7];
        Series { values: (0..100).map(|n| level(n) + noise(n)).collect(), ..series() }
    }

    #[test]
    fn the_end_of_a_brief_excursion_is_no_change_unless_it_leads_further() {
        let admitted = |minutes: usize, during: f64, after: f64| {
            let from = 70 - minutes;
            let all = [found(from as i64, 1.0, during), found(70, during, after)];
            rule(Direction::Up).admitted(&all, &excursion(from, minutes, (during, after)), Timestamp::MIN)
        };
        assert_eq!(admitted(10, 0.8, 1.0), [0; 0]);
        assert_eq!(admitted(10, 0.0, 1.002), [0; 0]);
        assert_eq!(admitted(40, 0.8, 1.0), [1], "it was better for long");
        // As at a deploy: the process is away for a few minutes, and comes back worse by a part of what it was away for.
        assert_eq!(admitted(5, 0.0, 1.03), [1]);
        assert_eq!(admitted(10, 0.0, 1.2), [1]);
    }

    #[test]
    fn nobody_takes_away_what_another_skill_found() {
        let mut all = vec![found(50, 1.0, 1.1), found(49, 1e99, 0.0), found(80, 1.1, -1e99)];
        all.iter_mut().skip(1).for_each(|found| found.by = "another".to_owned());
        let admitted = |all: &[Found]| rule(Direction::Up).admitted(all, &series(), Timestamp::MIN);
        assert_eq!(admitted(&all), [0]);
        all.iter_mut().skip(1).for_each(|found| (found.by, found.confidence) = ("skill".to_owned(), 0.3));
        assert_eq!(admitted(&all), [0], "nor what it does not believe itself");
        all.iter_mut().for_each(|found| found.confidence = 0.99);
        assert_eq!(admitted(&all), [0; 0]);
    }

    #[test]
    fn a_change_is_large_beside_what_the_series_does_anyway() {
        let swings =
            |size: f64| Series { values: (0..100).map(|n| 1.0 + size * f64::from(n % 2)).collect(), ..series() };
        let admitted = |size| rule(Direction::Up).admitted(&[found(50, 1.0, 1.1)], &swings(size), Timestamp::MIN).len();
        assert_eq!([admitted(0.9), admitted(1.1)], [1, 0]);
    }

    #[test]
    fn what_many_looks_did_not_find_is_no_change_of_a_sudden() {
        let since = recent(80 * MINUTE, 100 * MINUTE.unsigned_abs());
        assert_eq!(since, 55 * MINUTE);
        let admitted = |minute| rule(Direction::Up).admitted(&[found(minute, 1.0, 1.1)], &series(), since).len();
        assert_eq!([admitted(54), admitted(55)], [0, 1]);
    }

    #[test]
    fn an_earlier_look_must_have_seen_it() {
        let change = found(50, 1.0, 1.1).change;
        let within = 2 * MINUTE.unsigned_abs();
        let earlier = |minute, after| confirmed(&change, within, &[found(20, 1.0, 1.4), found(minute, 1.0, after)]);
        assert!(earlier(54, 1.2) && earlier(46, 1.2));
        assert!(!earlier(55, 1.2) && !earlier(50, 0.8));
        // Fifty observations came after it.
        assert_eq!(earlier_look(&series(), &change), 84 * MINUTE);
    }
}
