//! What a chart draws, where its times and values lie, and which dots that makes.

use std::collections::BTreeMap;

use negawatt_host::model::{ChangePoint, Shape, Timestamp, Window};

use super::numbers::digits;
use crate::look::Tone;

/// The part of the values on either side that may be cut off, where they would flatten all others.
const OUTLYING: f64 = 0.01;

/// How many times the range of the others an outlying value must be away to be cut off.
const FAR: f64 = 2.0;

/// Two neighbours that are so many times the usual distance apart have a gap between them.
const GAP: u64 = 3;

/// Rows of a chart, without its axis.
pub(super) const ROWS: usize = 8;

/// What is drawn.
pub struct Chart<'a> {
    /// By rising time, of the same length.
    pub times: &'a [Timestamp],
    /// Finite.
    pub values: &'a [f64],
    /// From the left edge to the right one.
    pub window: Window,
    /// The change that is marked.
    pub mark: Option<Mark>,
    /// How what comes after the change is shown.
    pub after: Tone,
}

/// A change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    /// The first observation after it.
    pub time: Timestamp,
    /// The level before.
    pub before: f64,
    /// The level after.
    pub after: f64,
    /// Whether the levels are drawn as lines: of a drift they are not levels.
    pub levels: bool,
}

impl Mark {
    /// Of a change point.
    pub(super) fn of(change: &ChangePoint) -> Mark {
        let levels = change.shape != Shape::Drift;
        Mark { time: change.time, before: change.before, after: change.after, levels }
    }
}

impl Chart<'_> {
    /// What lies in the window, by rising time.
    pub(super) fn points(&self) -> impl Iterator<Item = (Timestamp, f64)> {
        let points = self.times.iter().copied().zip(self.values.iter().copied());
        points.filter(|(time, value)| self.window.contains(*time) && value.is_finite())
    }
}

/// How many dots a character holds, and what it looks like.
pub(super) struct Dots {
    pub(super) across: usize,
    pub(super) down: usize,
    pub(super) glyph: fn(u8) -> char,
}

/// Where times and values lie in a chart.
pub(super) struct Scale {
    window: Window,
    low: f64,
    high: f64,
    /// The usual distance of neighbours, in microseconds.
    apart: u64,
    /// Values that are outside of the chart.
    pub(super) outside: usize,
}

impl Scale {
    /// For all values; for the middle halves of so many columns instead, where these are drawn.
    pub(super) fn of(chart: &Chart<'_>, columns: Option<usize>) -> Option<Scale> {
        if chart.window.end <= chart.window.start {
            return None;
        }
        let mut sorted: Vec<f64> = match columns {
            None => chart.points().map(|(_, value)| value).collect(),
            Some(columns) => middles(chart, columns).into_values().flat_map(|(low, high)| [low, high]).collect(),
        };
        if sorted.is_empty() {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        let levels = chart.mark.iter().flat_map(|mark| [mark.before, mark.after]).filter(|level| level.is_finite());
        let cut = (sorted.len() as f64 * OUTLYING) as usize;
        let bulk = &sorted[cut..sorted.len() - cut];
        let (low, high) =
            levels.fold((bulk[0], bulk[bulk.len() - 1]), |(low, high), level| (low.min(level), high.max(level)));
        let reach = (high - low) * FAR;
        let (least, greatest) = (sorted[0], sorted[sorted.len() - 1]);
        let (mut low, mut high) = (
            if reach > 0.0 && low - least > reach { low } else { low.min(least) },
            if reach > 0.0 && greatest - high > reach { high } else { high.max(greatest) },
        );
        let outside = sorted.iter().filter(|value| **value < low || high < **value).count();
        if low == high {
            let room = if low == 0.0 { 1.0 } else { low.abs() / 10.0 };
            (low, high) = (low - room, high + room);
        }
        let times: Vec<_> = chart.points().map(|(time, _)| time).collect();
        let mut apart: Vec<u64> = times.windows(2).map(|pair| pair[0].abs_diff(pair[1])).collect();
        apart.sort_unstable();
        let apart = apart.get(apart.len() / 2).copied().unwrap_or(0);
        Some(Scale { window: chart.window, low, high, apart, outside })
    }

    /// The least and the greatest value that has a place.
    pub(super) fn range(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Whether two neighbours have no gap between them.
    pub(super) fn joins(&self, before: Timestamp, after: Timestamp) -> bool {
        before.abs_diff(after) < self.apart.saturating_mul(GAP)
    }

    /// The row that holds a value, of so many, from the top.
    pub(super) fn down(&self, value: f64, rows: usize) -> usize {
        // Halves, so that no difference of finite numbers overflows.
        let part = (self.high / 2.0 - value / 2.0) / (self.high / 2.0 - self.low / 2.0);
        ((part.clamp(0.0, 1.0) * rows as f64) as usize).min(rows - 1)
    }

    /// The column that holds an instant, of so many.
    pub(super) fn across(&self, time: Timestamp, columns: usize) -> usize {
        column(self.window, time, columns)
    }

    /// What stands beside the rows: the levels before and after, the greatest and the least value.
    pub(super) fn labels(&self, chart: &Chart<'_>) -> BTreeMap<usize, (String, Tone)> {
        let mut labels = BTreeMap::new();
        if let Some(mark) = chart.mark {
            labels.insert(self.down(mark.after, ROWS), (digits(mark.after), chart.after));
            labels.entry(self.down(mark.before, ROWS)).or_insert((digits(mark.before), Tone::Accent));
        }
        for value in [self.high, self.low] {
            let row = self.down(value, ROWS);
            let near = [row.saturating_sub(1), row, row + 1].iter().any(|row| labels.contains_key(row));
            if !near {
                labels.insert(row, (digits(value), Tone::Faint));
            }
        }
        labels
    }

    /// The dots of every character, row by row, as bits.
    pub(super) fn dots(&self, chart: &Chart<'_>, dots: &Dots, columns: usize, dense: bool) -> Vec<u8> {
        let mut grid = vec![0; ROWS * columns];
        let mut set = |x: usize, y: usize| {
            let bit = (y % dots.down) * dots.across + x % dots.across;
            grid[y / dots.down * columns + x / dots.across] |= 1 << bit;
        };
        let (across, down) = (columns * dots.across, ROWS * dots.down);
        if dense {
            for (x, (low, high)) in middles(chart, across) {
                (self.down(high, down)..=self.down(low, down)).for_each(|y| set(x, y));
            }
        } else {
            self.lines(chart, across, down, set);
        }
        grid
    }

    /// Lines from each value to the next, unless there is a gap or the change between them.
    fn lines(&self, chart: &Chart<'_>, across: usize, down: usize, mut set: impl FnMut(usize, usize)) {
        let mut last: Option<(usize, usize, Timestamp)> = None;
        for (time, value) in chart.points() {
            let (x, y) = (self.across(time, across), self.down(value, down));
            let joined = |before: Timestamp| {
                let changed = chart.mark.is_some_and(|mark| before < mark.time && mark.time <= time);
                self.joins(before, time) && !changed
            };
            match last.filter(|(x0, _, before)| *x0 <= x && joined(*before)) {
                None => set(x, y),
                Some((x0, y0, _)) => {
                    // From column to column, each as high as the line is in it.
                    let wide = (x - x0).max(1) as f64;
                    let height = |at: usize| (y0 as f64 + (y as f64 - y0 as f64) * (at - x0) as f64 / wide) as usize;
                    for at in x0..=x {
                        let (from, to) = if x == x0 { (y0, y) } else { (height(at), height((at + 1).min(x))) };
                        (from.min(to)..=from.max(to)).for_each(|y| set(at, y));
                    }
                }
            }
            last = Some((x, y, time));
        }
    }
}

/// The column of a window that holds an instant, of so many.
fn column(window: Window, time: Timestamp, columns: usize) -> usize {
    let long = window.end.abs_diff(window.start) as f64;
    let part = time.saturating_sub(window.start) as f64 / long;
    ((part.clamp(0.0, 1.0) * columns as f64) as usize).min(columns - 1)
}

/// The quartiles of the values in each of so many columns: the lower and the upper.
fn middles(chart: &Chart<'_>, columns: usize) -> BTreeMap<usize, (f64, f64)> {
    let mut values: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (time, value) in chart.points() {
        values.entry(column(chart.window, time, columns)).or_default().push(value);
    }
    let quartiles = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        let at = |part: f64| values[((values.len() - 1) as f64 * part).round() as usize];
        (at(0.25), at(0.75))
    };
    values.into_iter().map(|(column, values)| (column, quartiles(values))).collect()
}
