//! How one would see that a mitigation helps, in the incident's words.

use crate::case::label_set;
use crate::format::{digits, percent, shown};
use crate::{Case, ChangePoint, Duration, Found, FunctionShift, Shape, time};

/// The longest name of a metric with its labels, or of a function, in characters.
const LONGEST: usize = 200;

impl Case {
    /// The function whose own share of samples rose most, of those that the skill sees: where a fix shows first. Absent where none rose.
    pub fn most_risen(&self) -> Option<Found<'_, FunctionShift>> {
        let rise = |shift: &Found<'_, FunctionShift>| shift.self_after - shift.self_before;
        self.function_shifts().filter(|shift| rise(shift) > 0.0).max_by(|a, b| rise(a).total_cmp(&rise(b)))
    }

    /// What to look at, what it was and is, and by when it must have come back: the incident's metric, and the function that rose most.
    ///
    /// `live` says when time begins to count, such as `the revert runs everywhere`; `within` is how soon after it a step must be
    /// undone. A drift gets as long as it took so far, where that is longer.
    pub fn validation(&self, change: &ChangePoint, live: &str, within: Duration) -> String {
        let metric = self.incident.metric.as_ref().map_or_else(
            || "the metric".to_owned(),
            |metric| format!("`{}`", shown(&format!("{}{}", metric.name, label_set(&metric.labels)), LONGEST)),
        );
        let (what, within) = match change.shape {
            Shape::Step => ("", within),
            Shape::Drift => ("", within.max(self.now.saturating_sub(change.time).unsigned_abs())),
            Shape::Variance => ("The spread of ", within),
        };
        let side = if change.after > change.before { "below" } else { "above" };
        let middle = 0.5 * change.before + 0.5 * change.after;
        let function = self.most_risen().map_or_else(String::new, |shift| {
            format!(
                ", and `{}` has about {} of the samples again instead of {}",
                shown(&shift.name, LONGEST),
                percent(shift.before),
                percent(shift.after)
            )
        });
        format!(
            "{what}{metric} went from {} to {} at {}. This helps if it is {side} {}, half of the way back, within {} after {live}, \
             and stays there for as long again{function}. If it is not, this was not the cause: take it back.",
            digits(change.before, 3),
            digits(change.after, 3),
            time::rfc3339(change.time),
            digits(middle, 3),
            time::length(within),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::case;
    use crate::time::{HOUR, MINUTE};
    use crate::{Direction, Evidence, Finding};

    const HALF: Duration = 30 * MINUTE as u64;

    fn shift(name: &str, before: f64, after: f64) -> Evidence {
        let (self_before, self_after) = (before, after);
        let shift = FunctionShift { name: name.into(), before, after, self_before, self_after, p_value: 1e-9 };
        Evidence { id: name.into(), by: "test@1.0.0".into(), finding: Finding::new(shift, 1.0, "shifted") }
    }

    #[test]
    fn it_says_what_must_come_back_and_by_when() {
        let mut case = case(Direction::Up, &[(3_600_000_000, 0.012, 0.014, 0.9)]);
        let change = case.change_points().next().unwrap().body.clone();
        assert_eq!(
            case.validation(&change, "it runs everywhere", HALF),
            "`latency{service=\"cart\"}` went from 0.012 to 0.014 at 1970-01-01T01:00:00Z. This helps if it is below 0.013, half of \
             the way back, within 30 min after it runs everywhere, and stays there for as long again. If it is not, this was not the \
             cause: take it back."
        );
        case.evidence.extend([shift("fell", 0.5, 0.1), shift("little", 0.1, 0.11), shift("price\n", 0.1, 0.31)]);
        assert_eq!(case.most_risen().map(|shift| shift.id), Some("price\n"));
        let text = case.validation(&change, "it runs everywhere", HALF);
        assert!(text.contains("and `price\u{fffd}` has about 10 % of the samples again instead of 31 %"), "{text}");
    }

    #[test]
    fn what_fell_must_rise_and_a_drift_takes_its_time() {
        let mut case = case(Direction::Down, &[(0, 10.0, 5.0, 0.9)]);
        case.now = 5 * HOUR;
        let mut change = case.change_points().next().unwrap().body.clone();
        assert!(case.validation(&change, "then", HALF).contains("is above 7.5, half of the way back, within 30 min"));
        change.shape = Shape::Drift;
        assert!(case.validation(&change, "then", HALF).contains("within 5 h after then"));
        change.shape = Shape::Variance;
        assert!(case.validation(&change, "then", HALF).starts_with("The spread of `latency{"));
        (change.before, change.after) = (f64::MAX, -f64::MAX);
        assert!(!case.validation(&change, "then", HALF).contains("NaN"));
    }
}
