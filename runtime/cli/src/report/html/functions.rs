//! The functions whose share changed, and the flame graph.

use super::super::chart::time_label;
use super::super::considered::other_changes;
use super::super::numbers::{count, grouped, p_value};
use super::super::{SENTENCE, Told};
use super::clean;
use super::flame::{Flame, percent, points};
use super::profile::{Profiles, Sides};

/// Functions that have a row.
const MOST: usize = 30;

/// The section of functions.
pub struct Functions {
    pub rows: Vec<Row>,
    pub more: usize,
    pub flame: Option<Flame>,
    /// What the flame graph compares.
    pub compares: String,
    pub explained: String,
}

/// A function whose share changed.
pub struct Row {
    pub name: String,
    pub before: String,
    pub after: String,
    pub change: String,
    pub tone: &'static str,
    pub own: String,
    pub p_value: String,
    /// The shares, in percent of the greatest.
    pub bars: [f64; 2],
}

/// `None` where there is neither a function nor a profile.
pub fn functions(told: &Told<'_>, profiles: Option<&Profiles>) -> Option<Functions> {
    let shifts = negawatt_planner::functions(&told.board);
    let greatest = shifts.iter().map(|shift| shift.before.max(shift.after)).fold(f64::MIN_POSITIVE, f64::max);
    let rows = shifts.iter().take(MOST).map(|shift| Row {
        name: clean(&shift.name, SENTENCE),
        before: percent(shift.before),
        after: percent(shift.after),
        change: points(shift.after - shift.before),
        tone: if shift.after > shift.before { "bad" } else { "good" },
        own: format!("{} → {}", percent(shift.self_before), percent(shift.self_after)),
        p_value: p_value(shift.p_value),
        bars: [shift.before, shift.after].map(|share| share / greatest * 100.0),
    });
    let rows: Vec<_> = rows.collect();
    let drawn = profiles.map(|profiles| {
        let others: Vec<_> = other_changes(told).iter().map(|(_, change)| change.time).collect();
        let sides = profiles.sides(told.change().map(|change| change.time), &others);
        let flame = Flame::of(profiles, &sides);
        (compares(profiles, &sides), explained(&flame), flame)
    });
    if rows.is_empty() && drawn.is_none() {
        return None;
    }
    let more = shifts.len().saturating_sub(MOST);
    let (compares, explained, flame) = match drawn {
        Some((compares, explained, flame)) => (compares, explained, Some(flame)),
        None => Default::default(),
    };
    Some(Functions { rows, more, flame, compares, explained })
}

/// Which samples there are.
fn compares(profiles: &Profiles, sides: &Sides) -> String {
    let of = |files: &std::ops::Range<usize>| {
        let total = profiles.total(files) as f64;
        let counted = match profiles.in_nanoseconds() {
            true => format!("{} CPU seconds", grouped((total / 1e9).round())),
            false => format!("{} samples", grouped(total)),
        };
        let reach = match profiles.reach(files) {
            Some((first, last)) if first == last => format!(" that begins at {}", time_label(first)),
            Some((first, last)) => format!(" that begin from {} to {}", time_label(first), time_label(last)),
            None => String::new(),
        };
        format!("{counted} in {}{reach}", count(files.len(), "profile"))
    };
    match &sides.before {
        Some(before) => format!("Before: {} UTC. After: {} UTC.", of(before), of(&sides.after)),
        None => format!("{} UTC; nothing to compare them with.", of(&sides.after)),
    }
}

/// How the picture is read, and what is not in it.
fn explained(flame: &Flame) -> String {
    let mut text = "A frame lies below the one that calls it".to_owned();
    text += match flame.compared {
        true => {
            "; it is as wide as its share of all samples after the change, and coloured by how much that share changed. Where one \
             function grows, the shares of all others fall, although they cost what they did; differences of a few samples are \
             chance."
        }
        false => ", and is as wide as its share of all samples.",
    };
    match flame.merged {
        0 => {}
        1 => text += " One frame is too small to be drawn for itself.",
        merged => text += &format!(" {merged} frames are too small to be drawn each for itself."),
    }
    if flame.deeper {
        text += &format!(" Stacks are drawn {} frames deep, and some go deeper.", flame.rows.saturating_sub(1));
    }
    text
}
