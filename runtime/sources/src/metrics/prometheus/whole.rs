//! The series of one query, put together from the answers to its parts.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use negawatt_host::model::{Answer, Error};

use super::series_list::{MAX_LABEL_BYTES, MAX_SERIES, label_bytes};
use crate::metrics::{Labels, Samples};

/// Series by their labels. Each part of a query has bounds of its own; so have all together.
#[derive(Debug, Default)]
pub struct Whole {
    series: BTreeMap<Labels, Samples>,
    label_bytes: usize,
}

impl Whole {
    /// Adds later samples to those of each series.
    pub fn append(&mut self, later: Vec<Samples>) -> Answer<()> {
        for mut series in later {
            match self.series.entry(series.labels.clone()) {
                Entry::Vacant(entry) => {
                    let labels = &series.labels;
                    self.label_bytes += labels.iter().map(|(name, value)| label_bytes(name, value)).sum::<usize>();
                    entry.insert(series);
                }
                Entry::Occupied(mut entry) => {
                    entry.get_mut().times.append(&mut series.times);
                    entry.get_mut().values.append(&mut series.values);
                }
            }
            if self.series.len() > MAX_SERIES || self.label_bytes > MAX_LABEL_BYTES {
                return Err(Error::OverBudget(format!(
                    "the query has more than {MAX_SERIES} series or {} MiB of labels; match fewer series, or take a shorter window or range",
                    MAX_LABEL_BYTES >> 20
                )));
            }
        }
        Ok(())
    }

    /// All of them, in order of their labels.
    pub fn into_series(self) -> impl Iterator<Item = Samples> {
        self.series.into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_never_end_are_too_many() {
        let series = |label: String| Samples { labels: vec![("a".into(), label)], times: vec![0], values: vec![1.0] };
        let mut whole = Whole::default();
        let part = |from: usize, count: usize| (from..from + count).map(|n| series(n.to_string())).collect::<Vec<_>>();
        whole.append(part(0, MAX_SERIES)).unwrap();
        whole.append(part(0, MAX_SERIES)).unwrap();
        assert!(matches!(whole.append(part(MAX_SERIES, 1)), Err(Error::OverBudget(_))));
        assert!(whole.into_series().all(|series| series.times.len() <= 2));
        let mut whole = Whole::default();
        whole.append(vec![series("x".repeat(MAX_LABEL_BYTES / 2))]).unwrap();
        assert!(matches!(whole.append(vec![series("y".repeat(MAX_LABEL_BYTES / 2))]), Err(Error::OverBudget(_))));
    }
}
