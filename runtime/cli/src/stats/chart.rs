//! Charts over weeks or months: bars of counts on each other, and lines of what adds up.

use std::fmt::Write as _;

use crate::report::html::{HIGH, Tick, WIDE, ticks_of_values};

/// So many weeks or months have a place at least: a single bar is no wall.
const LEAST: usize = 8;

/// Labels of weeks or months.
const LABELS: usize = 8;

/// The part of its place that a bar takes.
const BAR: f64 = 0.7;

/// A picture: paths on a canvas that is stretched to where it stands, and labels beside it in percent of its sides.
pub struct Chart {
    /// Marks of the values, in percent from the top.
    pub values: Vec<Tick<f64>>,
    /// The weeks or months, in percent from the left.
    pub times: Vec<Tick<f64>>,
    /// What is drawn.
    pub parts: Vec<Part>,
}

/// What belongs together in a picture.
pub struct Part {
    /// Its class.
    pub class: &'static str,
    /// What it is.
    pub label: String,
    /// Its path.
    pub path: String,
}

/// Where weeks or months and values are on the canvas.
struct Place {
    places: f64,
    low: f64,
    high: f64,
}

impl Place {
    fn of(periods: usize, low: f64, high: f64) -> Place {
        Place { places: periods.max(LEAST) as f64, low, high: if high > low { high } else { low + 1.0 } }
    }

    /// The middle of a week or month.
    fn x(&self, period: usize) -> f64 {
        (period as f64 + 0.5) / self.places * WIDE
    }

    fn y(&self, value: f64) -> f64 {
        (self.high - value) / (self.high - self.low) * HIGH
    }

    fn chart(&self, labels: &[String], values: Vec<Tick<f64>>, parts: Vec<Part>) -> Chart {
        let every = labels.len().div_ceil(LABELS).max(1);
        let times = labels.iter().enumerate().step_by(every);
        Chart {
            values: values.into_iter().map(|tick| Tick { at: self.y(tick.at) / HIGH * 100.0, ..tick }).collect(),
            times: times.map(|(n, label)| Tick { at: self.x(n) / WIDE * 100.0, label: label.clone() }).collect(),
            parts,
        }
    }
}

/// Bars: of each kind, with its class and what it is, the counts of all weeks or months. `None` where all are 0.
pub fn bars(labels: &[String], kinds: &[(&'static str, &str, Vec<u64>)]) -> Option<Chart> {
    let total = |period: usize| kinds.iter().map(|(.., counts)| counts[period]).sum::<u64>();
    let most = (0..labels.len()).map(total).max().filter(|most| *most > 0)?;
    let place = Place::of(labels.len(), 0.0, most as f64);
    let wide = WIDE / place.places * BAR;
    let mut below = vec![0; labels.len()];
    let mut parts = Vec::new();
    for (class, label, counts) in kinds {
        let mut path = String::new();
        for (period, (below, count)) in below.iter_mut().zip(counts).enumerate().filter(|(_, (_, count))| **count > 0) {
            let (bottom, top) = (place.y(*below as f64), place.y((*below + count) as f64));
            *below += count;
            let left = place.x(period) - wide / 2.0;
            // Writing to a string cannot fail.
            let _ = write!(path, "M{left:.1} {bottom:.1}V{top:.1}h{wide:.1}V{bottom:.1}Z");
        }
        if !path.is_empty() {
            parts.push(Part { class, label: (*label).to_owned(), path });
        }
    }
    // There is no half of a case.
    let values = ticks_of_values(0.0, most as f64).into_iter().filter(|tick| tick.at.fract() == 0.0).collect();
    Some(place.chart(labels, values, parts))
}

/// Lines of what adds up: of each kind, with its class and what it is, the sum at the end of all weeks or months. `None` where all are 0.
pub fn lines(labels: &[String], kinds: &[(&'static str, &str, Vec<f64>)]) -> Option<Chart> {
    let all = || kinds.iter().flat_map(|(.., sums)| sums).copied();
    if all().all(|sum| sum == 0.0 || !sum.is_finite()) {
        return None;
    }
    let (low, high) =
        all().filter(|sum| sum.is_finite()).fold((0.0_f64, 0.0_f64), |(low, high), sum| (low.min(sum), high.max(sum)));
    let place = Place::of(labels.len(), low, high);
    let parts = kinds.iter().map(|(class, label, sums)| {
        let mut path = String::new();
        for (period, sum) in sums.iter().enumerate().filter(|(_, sum)| sum.is_finite()) {
            // The first is a dot of its own, so that a single one is seen.
            let begin = if path.is_empty() { ("M", "h0") } else { ("L", "") };
            let _ = write!(path, "{}{:.1} {:.1}{}", begin.0, place.x(period), place.y(*sum), begin.1);
        }
        Part { class, label: (*label).to_owned(), path }
    });
    let parts = parts.collect();
    Some(place.chart(labels, ticks_of_values(place.low, place.high), parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(count: usize) -> Vec<String> {
        (1..=count).map(|n| format!("week {n}")).collect()
    }

    #[test]
    fn bars_stand_on_each_other() {
        let kinds = [("a", "one", vec![2, 0, 1]), ("b", "other", vec![1, 4, 0]), ("c", "none", vec![0, 0, 0])];
        let chart = bars(&labels(3), &kinds).unwrap();
        let paths: Vec<_> = chart.parts.iter().map(|part| (part.class, part.path.as_str())).collect();
        assert_eq!(
            paths,
            [
                ("a", "M18.8 300.0V150.0h87.5V300.0ZM268.8 300.0V225.0h87.5V300.0Z"),
                ("b", "M18.8 150.0V75.0h87.5V150.0ZM143.8 300.0V0.0h87.5V300.0Z"),
            ]
        );
        let ticks: Vec<_> = chart.values.iter().map(|tick| (tick.at, tick.label.as_str())).collect();
        assert_eq!(ticks, [(100.0, "0"), (75.0, "1"), (50.0, "2"), (25.0, "3"), (0.0, "4")]);
        assert_eq!(chart.times[2], Tick { at: 31.25, label: "week 3".to_owned() });
        let one = bars(&labels(1), &[("a", "one", vec![1])]).unwrap();
        assert_eq!(one.values.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>(), ["0", "1"]);
    }

    #[test]
    fn lines_begin_with_a_dot_and_may_fall_below_nothing() {
        let chart = lines(&labels(2), &[("a", "one", vec![-1.0, 3.0]), ("b", "other", vec![0.0, 0.0])]).unwrap();
        assert_eq!(chart.parts[0].path, "M62.5 300.0h0L187.5 0.0");
        assert_eq!(chart.parts[1].path, "M62.5 225.0h0L187.5 225.0");
        assert_eq!((chart.values[0].label.as_str(), chart.values[0].at), ("-1", 100.0));
    }

    #[test]
    fn nothing_has_no_picture_and_much_has_few_labels() {
        assert!(bars(&[], &[]).is_none() && bars(&labels(2), &[("a", "one", vec![0, 0])]).is_none());
        assert!(lines(&[], &[]).is_none() && lines(&labels(1), &[("a", "one", vec![0.0])]).is_none());
        for count in 1..=60 {
            let chart = bars(&labels(count), &[("a", "one", vec![1; count])]).unwrap();
            assert!(chart.times.len() <= LABELS && !chart.times.is_empty(), "{count}");
        }
        let all = lines(&labels(2), &[("a", "one", vec![f64::NAN, 1e300])]).unwrap();
        assert!(!all.parts[0].path.contains("NaN"), "{}", all.parts[0].path);
    }
}
