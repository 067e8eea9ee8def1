//! A series as a chart of characters: it is the same on every forge, in a terminal and in a mail, and loads nothing.

use super::escape::Own;
use super::figures;

/// Columns and rows of the chart.
const COLUMNS: usize = 64;
const ROWS: usize = 9;

/// Points (microseconds since the Unix epoch, value) as a block of Markdown, with a mark at the change; `None` where there is nothing to
/// be seen.
pub fn chart(points: &[(i64, f64)], change: Option<i64>) -> Option<Own> {
    draw(points, change).map(|chart| Own::of_numbers(format!("```text\n{chart}\n```\n")))
}

/// Draws points. Each column has the mean of its stretch of time;
/// the lowest and the highest mean are the ends of the scale, which need not begin at zero and say so by their labels. There must be two
/// columns with points.
fn draw(points: &[(i64, f64)], change: Option<i64>) -> Option<String> {
    let points = || points.iter().filter(|(_, value)| value.is_finite());
    let (first, last) = (points().map(|point| point.0).min()?, points().map(|point| point.0).max()?);
    let span = i128::from(last) - i128::from(first);
    if span == 0 {
        return None;
    }
    let column = |time: i64| {
        let at = (i128::from(time) - i128::from(first)) * COLUMNS as i128 / (span + 1);
        usize::try_from(at).ok().filter(|at| *at < COLUMNS)
    };
    let mut sums = [(0.0, 0.0); COLUMNS];
    for (time, value) in points() {
        let (sum, count) = &mut sums[column(*time)?];
        *sum += value;
        *count += 1.0;
    }
    let means = sums.map(|(sum, count)| (count > 0.0).then(|| sum / count).filter(|mean: &f64| mean.is_finite()));
    if means.iter().flatten().count() < 2 {
        return None;
    }
    let low = means.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let high = means.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let row = |mean: f64| {
        let share = (mean - low) / (high - low);
        // A level series lies in the middle.
        let share = if share.is_finite() { share } else { 0.5 };
        ((1.0 - share) * (ROWS - 1) as f64).round() as usize
    };
    let mark = change.and_then(column);
    let (top, bottom) = (figures::number(high), figures::number(low));
    let width = [&top, &bottom].map(|label| label.as_str().chars().count()).into_iter().max().unwrap_or(0);
    let mut lines = Vec::new();
    for at in 0..ROWS {
        let label = match at {
            0 => top.as_str(),
            _ if at == ROWS - 1 => bottom.as_str(),
            _ => "",
        };
        let cell = |column: usize| match means[column] {
            Some(mean) if row(mean) == at => '•',
            _ if mark == Some(column) => '┊',
            _ => ' ',
        };
        lines.push(format!("{label:>width$} │{}", (0..COLUMNS).map(cell).collect::<String>()));
    }
    let axis: String = (0..COLUMNS).map(|column| if mark == Some(column) { '▲' } else { '─' }).collect();
    lines.push(format!("{:width$} └{axis}", ""));
    let (first, last) = (figures::time(first), figures::time(last));
    let gap = COLUMNS.saturating_sub(first.as_str().len() + last.as_str().len());
    lines.push(format!("{:width$}  {}{:gap$}{}", "", first.as_str(), "", last.as_str()));
    if let Some(change) = change.filter(|_| mark.is_some()) {
        lines.push(format!("{:width$}  ▲ {}", "", figures::time(change).as_str()));
    }
    Some(lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000_000;

    #[test]
    fn a_step_is_seen() {
        let points: Vec<_> = (0..64).map(|at| (at * HOUR, if at < 32 { 0.0121 } else { 0.0135 })).collect();
        let chart = draw(&points, Some(32 * HOUR)).unwrap();
        let lines: Vec<_> = chart.lines().collect();
        assert_eq!(lines[0], format!("0.0135 │{}{}", " ".repeat(32), "•".repeat(32)));
        assert_eq!(lines[4], format!("       │{}┊", " ".repeat(32)));
        assert_eq!(lines[8], format!("0.0121 │{}┊", "•".repeat(32)));
        assert_eq!(lines[9], format!("       └{}▲{}", "─".repeat(32), "─".repeat(31)));
        assert!(
            lines[10].contains("1970-01-01 00:00 UTC") && lines[10].ends_with("1970-01-03 15:00 UTC"),
            "{}",
            lines[10]
        );
        assert!(lines[11].ends_with("▲ 1970-01-02 08:00 UTC"), "{}", lines[11]);
        assert_eq!(lines.len(), 12);
    }

    #[test]
    fn what_shows_nothing_is_not_drawn() {
        assert_eq!(draw(&[], None), None);
        assert_eq!(draw(&[(0, 1.0), (0, 2.0)], Some(0)), None);
        assert_eq!(draw(&[(0, 1.0), (HOUR, f64::NAN)], None), None);
        // A level line, with the change out of sight.
        let level = draw(&[(0, 1.0), (HOUR, 1.0)], Some(2 * HOUR)).unwrap();
        assert!(!level.contains('▲') && level.lines().nth(4).unwrap().contains('•'), "{level}");
    }

    proptest! {
        #[test]
        fn any_series_has_a_chart_of_its_size(points in proptest::collection::vec((any::<i64>(), any::<f64>()), 0..200), change: Option<i64>) {
            if let Some(chart) = draw(&points, change) {
                prop_assert!(chart.lines().count() <= ROWS + 3);
                prop_assert!(chart.lines().all(|line| line.chars().count() <= COLUMNS + 20), "{}", chart);
                prop_assert!(!chart.contains('`'));
            }
        }
    }
}
