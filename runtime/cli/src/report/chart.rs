//! A series drawn with characters, the change marked.

use negawatt_host::model::{Timestamp, Window};

pub use super::scale::{Chart, Mark};
use super::scale::{Dots, ROWS, Scale};
use crate::look::{Look, Tone};
use crate::page::Line;

/// Above so many values in a column, it shows their middle half.
const DENSE: usize = 8;

/// A chart as lines: the values, then the axis. All have the same labels' width.
pub struct Drawn {
    /// Columns before the first value.
    pub offset: usize,
    /// The rows, the highest first, and the axis.
    pub rows: Vec<Line>,
    /// Values that are outside of the chart.
    pub outside: usize,
    /// Whether each column shows the middle half of many values.
    pub dense: bool,
}

/// Dots of Braille: two across, four down. The bits are those of the Unicode block, row by row.
const BRAILLE: Dots = Dots { across: 2, down: 4, glyph: braille };

/// ASCII: one across, two down.
const ASCII: Dots = Dots { across: 1, down: 2, glyph: |dots| [' ', '\'', '.', ':'][usize::from(dots & 3)] };

fn braille(dots: u8) -> char {
    /// For each dot, by rows, its bit in the block.
    const BITS: [u8; 8] = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80];
    let bits = (0..8).filter(|n| dots & (1 << n) != 0).map(|n| BITS[n]).sum::<u8>();
    if bits == 0 { ' ' } else { char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' ') }
}

/// Draws a series in so many columns, labels included, of which at least `labels` are for labels. `None` where there is
/// nothing to draw.
///
/// Neighbours are joined by lines; gaps stay gaps, and nothing is joined across the change. Where many values share a column, it
/// shows the middle half of them: lines would hide their level.
pub fn draw(chart: &Chart<'_>, look: &Look, columns: usize, labels: usize) -> Option<Drawn> {
    let dots = if look.unicode { BRAILLE } else { ASCII };
    let across = columns.saturating_sub(labels).max(1) * dots.across;
    let dense = chart.points().count() > across * DENSE;
    let scale = Scale::of(chart, dense.then_some(across))?;
    let places = scale.labels(chart);
    let offset = places.values().map(|(text, _)| text.chars().count() + 2).max().unwrap_or(0).max(labels);
    let columns = columns.checked_sub(offset).filter(|columns| *columns >= 10)?;
    let grid = scale.dots(chart, &dots, columns, dense);

    let column_of = |time| scale.across(time, columns);
    let mark = chart.mark.filter(|mark| chart.window.contains(mark.time)).map(|mark| (mark, column_of(mark.time)));
    let mut rows = Vec::new();
    for row in 0..ROWS {
        let mut line = Line::new(look);
        let (text, tone) = places.get(&row).map_or(("", Tone::Plain), |(text, tone)| (text, *tone));
        let ticked = places.contains_key(&row);
        line = line.to((offset - 2).saturating_sub(text.chars().count())).add(tone, text);
        line = line.to(offset - 2).faint(if ticked { " ┤" } else { " │" });
        for column in 0..columns {
            let glyph = (dots.glyph)(grid[row * columns + column]);
            let after = mark.is_some_and(|(_, at)| column >= at);
            let (tone, glyph) = match (glyph, mark) {
                (' ', Some((_, at))) if column == at => (Tone::Unsure, '┊'),
                (' ', Some((mark, at))) if mark.levels => {
                    let level = if column < at { mark.before } else { mark.after };
                    let on_it = scale.down(level, ROWS) == row;
                    (Tone::Faint, if on_it { '╌' } else { ' ' })
                }
                (glyph, _) => (if after { chart.after } else { Tone::Accent }, glyph),
            };
            line = line.add(tone, glyph.to_string());
        }
        rows.push(line);
    }
    let marked = mark.map(|(mark, at)| (mark.time, at));
    rows.extend(axis(chart.window, marked, look, offset, columns));
    let outside = if dense { 0 } else { scale.outside };
    Some(Drawn { offset, rows, outside, dense })
}

/// The line below the values, and the times below it: first, last, and the change's.
fn axis(window: Window, mark: Option<(Timestamp, usize)>, look: &Look, offset: usize, columns: usize) -> [Line; 2] {
    let at = mark.map_or(columns, |(_, at)| at);
    let mut line = Line::new(look).to(offset - 1).faint("└").faint("─".repeat(at));
    if mark.is_some() {
        line = line.add(Tone::Unsure, "▲").faint("─".repeat(columns - at - 1));
    }
    let (first, last) = (time_label(window.start), time_label(window.end));
    let mut times = Line::new(look).to(offset);
    let room = columns + offset;
    if let Some((time, at)) = mark {
        let whole = time_label(time);
        let start = |text: &str| (offset + at).saturating_sub(text.len() / 2).min(room.saturating_sub(text.len()));
        let beside = |text: &str| offset + first.len() + 2 <= start(text);
        let short = whole.split_once(' ').map_or(whole.as_str(), |(_, time)| time);
        // Its day is left out where the first time would have no room beside it.
        let text = if beside(&whole) || !beside(short) { &whole } else { short };
        if beside(text) {
            times = times.faint(&first);
        }
        times = times.to(start(text)).add(Tone::Unsure, text);
    } else {
        times = times.faint(&first);
    }
    let start = room.saturating_sub(last.len());
    if times.width() + 2 <= start {
        times = times.to(start).faint(last);
    }
    [line, times]
}

/// An instant, to the minute where that is exact: `2026-11-10 14:00`.
pub fn time_label(time: Timestamp) -> String {
    let text = negawatt_host::time::rfc3339(time).replacen('T', " ", 1);
    let text = text.strip_suffix('Z').unwrap_or(&text);
    text.strip_suffix(":00").filter(|rest| rest.contains(':')).unwrap_or(text).to_owned()
}

/// An instant to the minute, whatever its seconds.
pub fn minute_label(time: Timestamp) -> String {
    time_label(time - time.rem_euclid(60_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look { width: 100, colour: false, unicode: true };
    const MINUTE: i64 = 60_000_000;

    fn drawn(times: &[i64], values: &[f64], mark: Option<Mark>, unicode: bool) -> Option<(Vec<String>, usize)> {
        let look = Look { unicode, ..LOOK };
        let window = Window { start: 0, end: 60 * MINUTE };
        let chart = Chart { times, values, window, mark, after: Tone::Bad };
        let drawn = draw(&chart, &look, 40, 6)?;
        assert!(drawn.rows.iter().all(|row| row.width() <= 40));
        Some((drawn.rows.iter().map(|row| row.painted(&look)).collect(), drawn.outside))
    }

    fn minutes(count: i64) -> Vec<i64> {
        (0..count).map(|n| n * MINUTE).collect()
    }

    #[test]
    fn a_step_is_marked_where_it_is() {
        let values: Vec<f64> = (0..60).map(|n| if n < 30 { 1.0 } else { 3.0 }).collect();
        let mark = Mark { time: 30 * MINUTE, before: 1.0, after: 3.0, levels: true };
        let (rows, _) = drawn(&minutes(60), &values, Some(mark), false).unwrap();
        assert_eq!(
            rows,
            [
                "   3 +                 '''''''''''''''''",
                "     |                 |",
                "     |                 |",
                "     |                 |",
                "     |                 |",
                "     |                 |",
                "     |                 |",
                "   1 +.................|",
                "     +-----------------^----------------",
                "               1970-01-01 00:30",
            ]
            .map(str::to_owned)
        );
    }

    #[test]
    fn a_gap_stays_a_gap() {
        let times: Vec<i64> =
            minutes(60).into_iter().filter(|time| !(20 * MINUTE..40 * MINUTE).contains(time)).collect();
        let values = vec![1.0; times.len()];
        let (rows, _) = drawn(&times, &values, None, false).unwrap();
        assert_eq!(rows[4], "     |'''''''''''           ''''''''''''");
    }

    #[test]
    fn any_series_fits() {
        let long: Vec<i64> = (0..100_000).map(|n| n * 36_000).collect();
        let noise: Vec<f64> = (0..100_000_u64).map(|n| (n * 7919 % 1000) as f64).collect();
        let (rows, outside) = drawn(&long, &noise, None, true).unwrap();
        assert_eq!(outside, 0);
        // Each column is filled with the middle half of its values, and the rows are for that alone.
        assert!(rows[1..7].iter().all(|row| row.ends_with(&"⣿".repeat(34))), "{rows:#?}");
        let label = |row: &str| row.split_whitespace().next().unwrap().parse::<f64>().unwrap();
        assert!((700.0..800.0).contains(&label(&rows[0])) && (200.0..300.0).contains(&label(&rows[7])), "{rows:#?}");
        for values in [[f64::MAX, f64::MIN, 0.0], [0.0, 0.0, 0.0], [f64::NAN, 1e-300, f64::INFINITY]] {
            for unicode in [false, true] {
                assert!(drawn(&minutes(3), &values, None, unicode).is_some(), "{values:?}");
            }
        }
        assert!(drawn(&[], &[], None, true).is_none());
        assert!(
            drawn(&[-MINUTE, 60 * MINUTE], &[1.0, 1.0], None, true).is_none(),
            "all of it is outside of the window"
        );
        assert!(drawn(&[5 * MINUTE], &[1.0], None, true).is_some());
    }

    #[test]
    fn outliers_do_not_flatten_the_rest() {
        let mut values: Vec<f64> = (0..400).map(|n| f64::from(n % 7)).collect();
        values[17] = 1e9;
        values[18] = -1e9;
        let times: Vec<i64> = (0..400).map(|n| n * MINUTE / 10).collect();
        let (rows, outside) = drawn(&times, &values, None, true).unwrap();
        assert_eq!(outside, 2);
        assert!(rows[0].trim_start().starts_with('6') && rows[7].trim_start().starts_with('0'), "{rows:#?}");
    }

    #[test]
    fn times_are_short() {
        for (time, text) in [
            (0, "1970-01-01 00:00"),
            (61_000_000, "1970-01-01 00:01:01"),
            (1_500_000, "1970-01-01 00:00:01.5"),
            (i64::MAX, "9223372036854775807 µs"),
        ] {
            assert_eq!(time_label(time), text);
        }
    }
}
