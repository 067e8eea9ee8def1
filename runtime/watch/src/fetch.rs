//! Fetching all series of a selection: many at once, and no more than there is room for.

use std::collections::HashMap;
use std::time::Duration as WallTime;

use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::{Answer, Duration, Error, Window};
use negawatt_host::{Metrics, Scope, within};

/// How long a source may take for one question.
const ANSWER_TIME: WallTime = WallTime::from_secs(60);

/// The fewest steps of a question; one with fewer is not halved.
const FEWEST_STEPS: u64 = 8;

/// Observations of all series together that a pass keeps in memory: 640 MB.
pub(crate) const MOST_VALUES: usize = 40_000_000;

/// The series of a selector over a window, with a value at each multiple of the step. What a source does not answer at once is
/// asked for in parts, one after the other in time.
pub(crate) async fn fetch(
    source: &dyn Metrics,
    selector: &Selector,
    reaches_back: Duration,
    window: Window,
    step: Duration,
    most: usize,
) -> Answer<Vec<Series>> {
    let scope = Scope::of_operator(Window {
        start: window.start.saturating_sub_unsigned(reaches_back.saturating_add(step)),
        end: window.end,
    });
    let mut parts = vec![window];
    let mut found = Joined::default();
    while let Some(part) = parts.pop() {
        let question = within(ANSWER_TIME, WallTime::ZERO, source.query(&scope, selector.clone(), part, Some(step)));
        let answered = tokio::time::timeout(ANSWER_TIME, question).await.unwrap_or_else(|_| {
            Err(Error::Unavailable(format!("{} was not answered within {ANSWER_TIME:?}", selector.name)))
        });
        match (answered, halves(part, step)) {
            (Ok(series), _) => found.add(series, most)?,
            (Err(Error::OverBudget(_)), Some([earlier, later])) => parts.extend([later, earlier]),
            (Err(error), _) => return Err(error),
        }
    }
    Ok(found.series)
}

/// A window as two, at a multiple of the step.
fn halves(window: Window, step: Duration) -> Option<[Window; 2]> {
    let steps = window.end.abs_diff(window.start).checked_div(step)?;
    if steps < 2 * FEWEST_STEPS {
        return None;
    }
    let middle = window.start.saturating_add_unsigned(steps / 2 * step);
    Some([Window { end: middle, ..window }, Window { start: middle, ..window }])
}

/// Series that come in parts.
#[derive(Default)]
pub(crate) struct Joined {
    series: Vec<Series>,
    known: HashMap<Vec<(String, String)>, usize>,
    values: usize,
}

impl Joined {
    fn add(&mut self, more: Vec<Series>, most: usize) -> Answer<()> {
        for series in more {
            self.values += series.values.len();
            if self.values > most {
                return Err(Error::OverBudget(format!(
                    "more than {most} observations are watched; watch fewer series, a shorter window, or a longer step"
                )));
            }
            let key = series.labels.iter().map(|label| (label.name.clone(), label.value.clone())).collect();
            match self.known.get(&key) {
                Some(&at) => append(&mut self.series[at], series),
                None => {
                    self.known.insert(key, self.series.len());
                    self.series.push(series);
                }
            }
        }
        Ok(())
    }
}

/// Adds what is later than all that is there.
pub(crate) fn append(to: &mut Series, more: Series) {
    let from = to.times.last().map_or(0, |last| more.times.partition_point(|time| time <= last));
    to.times.extend_from_slice(&more.times[from..]);
    to.values.extend_from_slice(&more.values[from..]);
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use negawatt_host::model::{Label, Transform};

    use super::*;

    /// Answers at most so many values at once.
    struct Narrow(usize, Mutex<Vec<Window>>);

    #[async_trait]
    impl Metrics for Narrow {
        async fn query(&self, _: &Scope, _: Selector, window: Window, step: Option<u64>) -> Answer<Vec<Series>> {
            self.1.lock().unwrap().push(window);
            let times: Vec<i64> = (window.start..window.end).step_by(step.unwrap_or(1) as usize).collect();
            if 2 * times.len() > self.0 {
                return Err(Error::OverBudget("too much".into()));
            }
            let of = |zone: &str| Series {
                labels: vec![Label { name: "zone".into(), value: zone.into() }],
                values: times.iter().map(|time| *time as f64).collect(),
                times: times.clone(),
            };
            Ok(vec![of("a"), of("b")])
        }
    }

    async fn ask(source: &Narrow, most: usize) -> Answer<Vec<Series>> {
        let selector = Selector { name: "m".into(), matchers: vec![], transform: Transform::None, aggregate: None };
        fetch(source, &selector, 0, Window { start: 0, end: 1_000 }, 10, most).await
    }

    #[tokio::test]
    async fn what_is_too_much_at_once_is_asked_for_in_parts() {
        let source = Narrow(60, Mutex::default());
        let series = ask(&source, 1_000).await.unwrap();
        assert_eq!(series.len(), 2);
        let expected: Vec<i64> = (0..1_000).step_by(10).collect();
        assert!(series.iter().all(|series| series.times == expected && series.values.len() == 100));
        assert!(source.1.lock().unwrap().iter().all(|window| window.start % 10 == 0));
    }

    #[tokio::test]
    async fn there_is_an_end_to_what_is_kept_and_to_asking_again() {
        let narrow = ask(&Narrow(60, Mutex::default()), 150).await;
        assert!(matches!(&narrow, Err(Error::OverBudget(text)) if text.contains("150")), "{narrow:?}");
        let source = Narrow(0, Mutex::default());
        assert_eq!(ask(&source, 1_000).await, Err(Error::OverBudget("too much".into())));
        assert!(source.1.lock().unwrap().len() < 10);
    }
}
