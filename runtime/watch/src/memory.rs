//! What the last pass fetched, so that the next one asks for the end alone.

use std::collections::HashMap;
use std::sync::Arc;

use negawatt_host::Metrics;
use negawatt_host::model::metrics::Series;
use negawatt_host::model::{Answer, Duration, Error, Timestamp, Window};

use crate::fetch::{MOST_VALUES, append, fetch};
use crate::selection::Selection;
use crate::served::{cut, inside};

/// Steps before the end of the last pass that are fetched again: samples come late.
const LATE: u64 = 5;

/// What was fetched of each selection, and until when.
pub(crate) struct Memory(Vec<Option<(Timestamp, Vec<Arc<Series>>)>>);

impl Memory {
    /// Of so many selections, nothing yet.
    pub fn new(selections: usize) -> Memory {
        Memory((0..selections).map(|_| None).collect())
    }

    /// The series of the selection with this number over the window. What the last pass fetched is not fetched again, but for its end.
    pub async fn series(
        &mut self,
        at: usize,
        selection: &Selection,
        step: Duration,
        source: &dyn Metrics,
        window: Window,
        room: usize,
    ) -> Answer<Vec<Arc<Series>>> {
        let known = self.0[at].take().filter(|(until, _)| window.start < *until && *until <= window.end);
        let late = window.end.abs_diff(window.start).min(LATE.saturating_mul(step));
        let (from, old) = match known {
            Some((until, old)) => {
                let from = until.saturating_sub_unsigned(late).max(window.start);
                // On a multiple of the step, as the window's start.
                let steps = from.abs_diff(window.start) / step;
                (window.start.saturating_add_unsigned(steps * step), old)
            }
            None => (window.start, Vec::new()),
        };
        let part = Window { start: from, ..window };
        let new = fetch(source, &selection.selector.value, selection.reaches_back(), part, step, room).await?;
        let kept = Window { end: from, ..window };
        // Nobody else has them any more, as a rule: they are cut where they are.
        let left = |series| match Arc::try_unwrap(series) {
            Ok(mut own) => {
                cut(&mut own, kept);
                own
            }
            Err(shared) => inside(&shared, kept),
        };
        let mut all: Vec<Series> = old.into_iter().map(left).collect();
        let places: HashMap<Vec<(String, String)>, usize> =
            all.iter().enumerate().map(|(at, series)| (labels(series), at)).collect();
        for series in new {
            match places.get(&labels(&series)) {
                Some(&at) => append(&mut all[at], series),
                None => all.push(series),
            }
        }
        all.retain(|series| !series.times.is_empty());
        if all.iter().map(|series| series.values.len()).sum::<usize>() > room {
            return Err(Error::OverBudget(format!(
                "more than {MOST_VALUES} observations are watched; watch fewer series, a shorter window, or a longer step"
            )));
        }
        let all: Vec<Arc<Series>> = all.into_iter().map(Arc::new).collect();
        self.0[at] = Some((window.end, all.clone()));
        Ok(all)
    }
}

fn labels(series: &Series) -> Vec<(String, String)> {
    series.labels.iter().map(|label| (label.name.clone(), label.value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use negawatt_config::Config;
    use negawatt_host::Scope;
    use negawatt_host::model::Label;
    use negawatt_host::model::metrics::Selector;

    use super::*;

    /// Series of values that are their own times, each from some time until another; and where questions began.
    struct Source(Vec<(&'static str, Window)>, Mutex<Vec<Timestamp>>);

    #[async_trait]
    impl Metrics for Source {
        async fn query(&self, _: &Scope, _: Selector, window: Window, step: Option<u64>) -> Answer<Vec<Series>> {
            self.1.lock().unwrap().push(window.start);
            let of = |(zone, lives): &(&str, Window)| {
                let times: Vec<i64> = (window.start..window.end)
                    .step_by(step.unwrap_or(1) as usize)
                    .filter(|time| lives.contains(*time))
                    .collect();
                Series {
                    labels: vec![Label { name: "zone".into(), value: (*zone).into() }],
                    values: times.iter().map(|time| *time as f64).collect(),
                    times,
                }
            };
            Ok(self.0.iter().map(of).filter(|series| !series.times.is_empty()).collect())
        }
    }

    /// In memory is what a pass without memory would fetch, also where series come, go, and get samples late.
    #[tokio::test]
    async fn a_pass_that_remembers_sees_what_one_that_does_not_would_see() {
        let text = "[watch]\n[[watch.series]]\nmetric = \"m\"\n";
        let config = Config::parse(text, std::path::Path::new("negawatt.toml")).unwrap();
        let selection = Selection::of(&config.watch.unwrap().series[0]);
        let window = |start, end| Window { start, end };
        let mut memory = Memory::new(1);
        let mut asked = 0;
        for (now, late) in [(1_000, 0), (1_050, 30), (1_060, 0), (1_500, 10), (2_900, 0), (2_950, 0)] {
            let lives = |until| vec![("a", window(0, until)), ("gone", window(0, 700)), ("new", window(1_020, until))];
            let seen = window((now - 800) / 10 * 10, now);
            let source = Source(lives(now - late), Mutex::default());
            let remembered = memory.series(0, &selection, 10, &source, seen, 10_000).await.unwrap();
            let fresh = Memory::new(1).series(0, &selection, 10, &source, seen, 10_000).await.unwrap();
            let sorted = |mut series: Vec<Arc<Series>>| {
                series.sort_by_key(|series| labels(series));
                series.iter().map(|series| Series::clone(series)).collect::<Vec<_>>()
            };
            assert_eq!(sorted(remembered), sorted(fresh), "at {now}");
            let began = source.1.lock().unwrap()[0];
            asked += usize::from(began > seen.start);
            assert!(began % 10 == 0 && began <= now, "{began} at {now}");
        }
        assert_eq!(
            asked, 4,
            "all but the first pass, and the one that came after a whole window, ask for the end alone"
        );
    }

    #[tokio::test]
    async fn what_has_no_room_is_refused_and_forgotten() {
        let config =
            Config::parse("[watch]\n[[watch.series]]\nmetric = \"m\"\n", std::path::Path::new("n.toml")).unwrap();
        let selection = Selection::of(&config.watch.unwrap().series[0]);
        let source = Source(vec![("a", Window { start: 0, end: 10_000 })], Mutex::default());
        let mut memory = Memory::new(1);
        let seen = |end| Window { start: 0, end };
        assert!(memory.series(0, &selection, 10, &source, seen(500), 60).await.is_ok());
        let error = memory.series(0, &selection, 10, &source, seen(900), 60).await.unwrap_err();
        assert!(error.code() == "over-budget" && memory.0[0].is_none(), "{error:?}");
    }
}
