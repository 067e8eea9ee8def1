//! The series as a picture: paths on a canvas that is stretched to where it stands, and labels beside it in percent of its sides.

use std::fmt::Write as _;

use negawatt_host::model::{Timestamp, Window};

use super::super::chart::Chart;
use super::super::scale::Scale;
use super::ticks::{self, Tick};

/// The canvas; its sides have no relation to what is seen.
pub const WIDE: f64 = 1000.0;

/// See [`WIDE`].
pub const HIGH: f64 = 300.0;

/// More values than this are shown by columns.
const SINGLE: usize = 1500;

/// So many columns.
const COLUMNS: usize = 400;

/// The room above the greatest value and below the least, as a part of their distance.
const ROOM: f64 = 0.05;

/// A change that is smaller than this part of all values would not be seen beside them.
const SEEN: f64 = 0.1;

/// The picture of a series.
#[derive(Debug, Default)]
pub struct Plot {
    /// From the least to the greatest value of every column, where there are many.
    pub all: Option<String>,
    /// The middle half of the values of every column, where there are many.
    pub middle: Option<String>,
    /// The values before the change, or the medians of columns.
    pub before: String,
    /// Those after it.
    pub after: String,
    /// The level before the change and the one after it.
    pub levels: [Option<String>; 2],
    /// Where the change is, in percent from the left.
    pub change: Option<f64>,
    /// Marks of the values, in percent from the top.
    pub values: Vec<Tick<f64>>,
    /// Marks of the times, in percent from the left.
    pub times: Vec<Tick<f64>>,
    /// How many values there are.
    pub points: usize,
    /// How many of them are outside of the picture.
    pub outside: usize,
}

/// The values of a column, sorted.
struct Column {
    at: usize,
    after: bool,
    values: Vec<f64>,
}

impl Column {
    fn part(&self, part: f64) -> f64 {
        self.values[((self.values.len() - 1) as f64 * part).round() as usize]
    }
}

/// Where instants and values are on the canvas.
struct Place {
    window: Window,
    low: f64,
    high: f64,
}

impl Place {
    fn x(&self, time: Timestamp) -> f64 {
        across(self.window, time) * WIDE
    }

    fn y(&self, value: f64) -> f64 {
        self.down(value) * HIGH
    }

    /// From 0 at the top to 1.
    fn down(&self, value: f64) -> f64 {
        // Halves, so that no difference of finite numbers overflows.
        ((self.high / 2.0 - value / 2.0) / (self.high / 2.0 - self.low / 2.0)).clamp(0.0, 1.0)
    }
}

/// Where an instant is in a window, from 0 to 1.
pub fn across(window: Window, time: Timestamp) -> f64 {
    let from_start = time.max(window.start).abs_diff(window.start) as f64;
    (from_start / window.end.abs_diff(window.start).max(1) as f64).min(1.0)
}

/// Draws a series; `None` where there is no value in the window. The levels reach to the changes next to the one that is marked.
pub fn draw(chart: &Chart<'_>, others: &[Timestamp]) -> Option<Plot> {
    let points: Vec<(Timestamp, f64)> = chart.points().collect();
    let dense = points.len() > SINGLE;
    let whole = Scale::of(chart, None)?;
    let (least, greatest) = whole.range();
    let hidden = chart.mark.is_some_and(|mark| (mark.after - mark.before).abs() < SEEN * (greatest - least));
    let narrow = if dense && hidden { Scale::of(chart, Some(COLUMNS)) } else { None };
    let (low, high) = narrow.map_or((least, greatest), |scale| scale.range());
    let outside = points.iter().filter(|(_, value)| *value < low || high < *value).count();
    let room = (high - low) * ROOM;
    let room = if (high + room).is_finite() && (low - room).is_finite() { room } else { 0.0 };
    let place = Place { window: chart.window, low: low - room, high: high + room };

    let changed = |time: Timestamp| chart.mark.is_some_and(|mark| mark.time <= time);
    let mut plot = Plot { points: points.len(), outside, ..Plot::default() };
    if dense {
        let columns = columns(chart.window, &points, changed);
        plot.all = Some(area(&columns, &place, 0.0, 1.0));
        plot.middle = Some(area(&columns, &place, 0.25, 0.75));
        for (after, path) in [(false, &mut plot.before), (true, &mut plot.after)] {
            *path = medians(columns.iter().filter(|column| column.after == after), &place);
        }
    } else {
        for (after, path) in [(false, &mut plot.before), (true, &mut plot.after)] {
            let points = points.iter().filter(|(time, _)| changed(*time) == after);
            *path = line(points, &place, |a, b| whole.joins(a, b));
        }
    }
    if let Some(mark) = chart.mark.filter(|mark| chart.window.contains(mark.time)) {
        let at = place.x(mark.time);
        plot.change = Some(at / WIDE * 100.0);
        let level = |from: f64, to: f64, level: f64| {
            level.is_finite().then(|| format!("M{from:.1} {:.1}H{to:.1}", place.y(level)))
        };
        if mark.levels {
            let last = others.iter().filter(|other| **other < mark.time).max();
            let next = others.iter().filter(|other| **other > mark.time).min();
            let (start, end) = (last.map_or(0.0, |time| place.x(*time)), next.map_or(WIDE, |time| place.x(*time)));
            plot.levels = [level(start, at, mark.before), level(at, end, mark.after)];
        }
    }
    let values = ticks::of_values(place.low, place.high);
    plot.values = values.into_iter().map(|tick| Tick { at: place.down(tick.at) * 100.0, ..tick }).collect();
    let times = ticks::of_times(chart.window);
    let percent = |time| across(chart.window, time) * 100.0;
    plot.times = times.into_iter().map(|tick| Tick { at: percent(tick.at), label: tick.label }).collect();
    Some(plot)
}

/// Values by columns; one that the change falls into is two.
fn columns(window: Window, points: &[(Timestamp, f64)], changed: impl Fn(Timestamp) -> bool) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for (time, value) in points {
        let at = ((across(window, *time) * COLUMNS as f64) as usize).min(COLUMNS - 1);
        let after = changed(*time);
        match columns.last_mut().filter(|column| (column.at, column.after) == (at, after)) {
            Some(column) => column.values.push(*value),
            None => columns.push(Column { at, after, values: vec![*value] }),
        }
    }
    columns.iter_mut().for_each(|column| column.values.sort_by(f64::total_cmp));
    columns
}

fn edge(column: usize) -> f64 {
    column as f64 * WIDE / COLUMNS as f64
}

/// The area between two parts of the values of every column, in steps; columns that are next to each other are joined.
fn area(columns: &[Column], place: &Place, lower: f64, upper: f64) -> String {
    let mut path = String::new();
    for run in columns.chunk_by(|a, b| b.at <= a.at + 1) {
        let _ = write!(path, "M{:.1} {:.1}", edge(run[0].at), place.y(run[0].part(upper)));
        for column in run {
            let _ = write!(path, "V{:.1}H{:.1}", place.y(column.part(upper)), edge(column.at + 1));
        }
        for column in run.iter().rev() {
            let _ = write!(path, "V{:.1}H{:.1}", place.y(column.part(lower)), edge(column.at));
        }
        path.push('Z');
    }
    path
}

/// A line through the medians of columns that are next to each other.
fn medians<'a>(columns: impl Iterator<Item = &'a Column>, place: &Place) -> String {
    let mut path = String::new();
    let mut last = None;
    for column in columns {
        let joined = last.is_some_and(|last| column.at <= last + 1);
        let (x, y) = ((edge(column.at) + edge(column.at + 1)) / 2.0, place.y(column.part(0.5)));
        to(&mut path, joined, x, y);
        last = Some(column.at);
    }
    path
}

/// A line through values whose neighbours are joined.
fn line<'a>(
    points: impl Iterator<Item = &'a (Timestamp, f64)>,
    place: &Place,
    joins: impl Fn(Timestamp, Timestamp) -> bool,
) -> String {
    let mut path = String::new();
    let mut last = None;
    for (time, value) in points {
        let joined = last.is_some_and(|last| joins(last, *time));
        to(&mut path, joined, place.x(*time), place.y(*value));
        last = Some(*time);
    }
    path
}

/// A line to a point; where nothing is before it, a dot.
fn to(path: &mut String, joined: bool, x: f64, y: f64) {
    // Writing to a string cannot fail.
    let _ = match joined {
        true => write!(path, "L{x:.1} {y:.1}"),
        false => write!(path, "M{x:.1} {y:.1}h0"),
    };
}

#[cfg(test)]
mod tests {
    use super::super::super::chart::Mark;
    use super::*;
    use crate::look::Tone;

    const MINUTE: i64 = 60_000_000;

    fn plot(times: &[i64], values: &[f64], mark: Option<Mark>) -> Option<Plot> {
        let window = Window { start: 0, end: 100 * MINUTE };
        draw(&Chart { times, values, window, mark, after: Tone::Bad }, &[20 * MINUTE, 10 * MINUTE, 90 * MINUTE])
    }

    fn step(n: i64) -> Mark {
        Mark { time: n * MINUTE, before: 1.0, after: 3.0, levels: true }
    }

    #[test]
    fn a_step_is_drawn_on_both_sides_of_it() {
        let times: Vec<i64> = (0..100).step_by(10).map(|n| n * MINUTE).collect();
        let values = [1.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 3.0];
        let plot = plot(&times, &values, Some(step(50))).unwrap();
        assert_eq!(plot.before, "M0.0 286.4h0L100.0 286.4L200.0 286.4L300.0 286.4L400.0 286.4");
        assert_eq!(plot.after, "M500.0 13.6h0L600.0 13.6L700.0 13.6L800.0 13.6L900.0 13.6");
        assert_eq!(plot.levels, [Some("M200.0 286.4H500.0".to_owned()), Some("M500.0 13.6H900.0".to_owned())]);
        assert_eq!((plot.change, plot.points, plot.outside), (Some(50.0), 10, 0));
        let labels: Vec<_> = plot.values.iter().map(|tick| (tick.at.round(), tick.label.as_str())).collect();
        assert_eq!(labels, [(95.0, "1"), (73.0, "1.5"), (50.0, "2"), (27.0, "2.5"), (5.0, "3")]);
        assert_eq!(plot.times[1], Tick { at: 15.0, label: "00:15".to_owned() });
    }

    #[test]
    fn a_gap_stays_a_gap_and_a_lone_value_is_a_dot() {
        let times: Vec<i64> = (0..100)
            .filter(|n| !(20..40).contains(n) && !(60..=99).contains(n))
            .chain([80])
            .map(|n| n * MINUTE)
            .collect();
        let plot = plot(&times, &vec![1.0; times.len()], None).unwrap();
        assert_eq!(plot.before.matches('M').count(), 3, "{}", plot.before);
        assert!(plot.before.ends_with("M800.0 150.0h0"), "{}", plot.before);
        assert!(plot.after.is_empty() && plot.change.is_none());
    }

    #[test]
    fn many_values_are_few_bytes_and_their_extremes_stay() {
        let times: Vec<i64> = (0..100_000).map(|n| n * MINUTE / 1000).collect();
        let mut values: Vec<f64> =
            (0..100_000_u64).map(|n| (n * 7919 % 1000) as f64 / 1000.0 + if n < 50_000 { 1.0 } else { 3.0 }).collect();
        values[1234] = 4.5;
        let plot = plot(&times, &values, Some(step(50))).unwrap();
        let (all, middle) = (plot.all.unwrap(), plot.middle.unwrap());
        assert!(all.len() + middle.len() + plot.before.len() + plot.after.len() < 40_000);
        assert_eq!((all.matches('M').count(), plot.outside), (1, 0));
        let top = all.split(['V', 'H', 'M', 'Z', ' ']).filter_map(|part| part.parse::<f64>().ok()).fold(HIGH, f64::min);
        assert!(top < 15.0, "the one that stands out is in the picture: {top}");
        // Small against their noise, the levels are what is shown.
        let values: Vec<f64> = values.iter().map(|value| value.rem_euclid(1.0) * 100.0).collect();
        let small = Mark { before: 49.0, after: 51.0, ..step(50) };
        let plot = self::plot(&times, &values, Some(small)).unwrap();
        assert!(plot.outside > 10_000, "{}", plot.outside);
    }

    #[test]
    fn any_series_fits() {
        for values in [[f64::MAX, f64::MIN, 0.0], [0.0, 0.0, 0.0], [f64::NAN, 1e-300, f64::INFINITY]] {
            let plot = plot(&[0, MINUTE, 2 * MINUTE], &values, Some(step(1))).unwrap();
            let text = format!("{plot:?}");
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
        assert!(plot(&[], &[], None).is_none());
        let edges = Window { start: i64::MIN, end: i64::MAX };
        assert_eq!([i64::MIN, 0, i64::MAX].map(|time| across(edges, time)), [0.0, 0.5, 1.0]);
    }
}
