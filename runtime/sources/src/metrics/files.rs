//! The tool `metrics` from a folder of CSV files, one per metric.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use async_trait::async_trait;
use negawatt_config::{ConfigError, Located};
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::{Answer, Duration, Window};
use negawatt_host::{Metrics, Scope};

use super::table::{Failure, Table};
use super::{asked, evaluate, finish, too_many};
use crate::blocking::{Shared, Stop, blocking};
use crate::describe::Trouble;
use crate::files::{DataError, Folder, Stamp};
use crate::kept::Kept;

/// What a metric's file ends in.
const EXTENSION: &str = ".csv";

/// Bytes of parsed files that are kept.
const MAX_KEPT_BYTES: usize = 128 << 20;

/// The metrics that a description names.
const MAX_SHOWN: usize = 3;

/// Metrics in CSV files.
pub struct CsvMetrics {
    folder: Folder,
    kept: Kept<(String, Stamp), Option<Arc<Table>>>,
}

impl CsvMetrics {
    /// Opens the folder.
    pub fn configure(path: &Located<PathBuf>) -> Result<Shared<CsvMetrics>, ConfigError> {
        Ok(Shared::new(CsvMetrics { folder: Folder::open(path)?, kept: Kept::new(MAX_KEPT_BYTES) }))
    }

    /// The file of a metric, parsed; `None` where there is none.
    fn table(&self, name: &str, stop: &Stop) -> Result<Option<Arc<Table>>, Trouble> {
        let file = format!("{name}{EXTENSION}");
        let now = SystemTime::now();
        let Some(stamp) = self.folder.stamp(&file)? else { return Ok(None) };
        self.kept.get(&(name.to_owned(), stamp), || {
            let Some(bytes) = self.folder.read(&file)? else { return Ok((None, None)) };
            let table = Table::parse(&bytes, stop).map_err(|failure| match failure {
                Failure::Wrong(line, message) => Trouble::Data(self.folder.error(&file, line, message)),
                Failure::Over(error) => Trouble::Told(error),
            })?;
            let bytes = stamp.is_settled(now).then(|| table.bytes() + 2 * name.len());
            Ok::<_, Trouble>((Some(Arc::new(table)), bytes))
        })
    }
}

impl CsvMetrics {
    /// Reads files until a moment, and says what is wrong with them.
    pub fn check(&self, until: Instant, stop: &Stop) -> Result<Vec<DataError>, Trouble> {
        let mut wrong = Vec::new();
        for (name, is_folder) in self.folder.names()? {
            stop.check()?;
            if let Some(metric) = name.strip_suffix(EXTENSION).filter(|_| !is_folder && Instant::now() < until) {
                match self.table(metric, stop) {
                    Err(Trouble::Data(error)) => wrong.push(error),
                    table => drop(table?),
                }
            }
        }
        Ok(wrong)
    }
}

impl Shared<CsvMetrics> {
    /// What it can answer, in a few words.
    pub async fn describe(&self) -> Answer<String> {
        let metrics = self.clone();
        blocking(move |_| {
            let names = metrics.folder.names()?;
            let files = names.iter().filter(|(name, is_folder)| !is_folder && name.ends_with(EXTENSION));
            let names: Vec<&str> = files.map(|(name, _)| name.trim_end_matches(EXTENSION)).collect();
            let shown = names.iter().take(MAX_SHOWN).copied().collect::<Vec<_>>().join(", ");
            let more = if names.len() > MAX_SHOWN { ", …" } else { "" };
            let colon = if names.is_empty() { "" } else { ": " };
            Ok(format!("{}{colon}{shown}{more}", super::count_of_metrics(names.len())))
        })
        .await
    }
}

#[async_trait]
impl Metrics for Shared<CsvMetrics> {
    async fn query(
        &self,
        scope: &Scope,
        selector: Selector,
        window: Window,
        step: Option<Duration>,
    ) -> Answer<Vec<Series>> {
        crate::answers("files");
        let (metrics, scope) = (self.clone(), scope.clone());
        blocking(move |stop| {
            let (conditions, times) = asked(&selector, &scope, &window, step)?;
            let Some(table) = metrics.table(&selector.name, stop)? else { return Ok(Vec::new()) };
            let matching = table.select(&conditions);
            too_many(&times, matching.len() as u64)?;
            finish(evaluate(matching, &selector, &scope, &times, stop)?)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tests::{named, write_at};

    #[test]
    fn a_file_that_may_still_be_written_is_not_kept() {
        let place = tempfile::tempdir().unwrap();
        let metrics = CsvMetrics::configure(&named(place.path())).unwrap();
        // The bytes of a metric's table, and whether it is kept.
        let asked = |name: &str| {
            let table = metrics.table(name, &Stop::default()).unwrap().unwrap();
            let stamp = metrics.folder.stamp(&format!("{name}.csv")).unwrap().unwrap();
            (table.bytes(), metrics.kept.get(&(name.to_owned(), stamp), || Err(())).is_ok())
        };
        write_at(&place.path().join("old.csv"), "time,value\n1,1\n", SystemTime::UNIX_EPOCH);
        write_at(&place.path().join("new.csv"), "time,value\n1,1\n", SystemTime::now());
        let (bytes, is_kept) = asked("old");
        assert!(is_kept && !asked("new").1);
        write_at(&place.path().join("old.csv"), "time,value\n1,1\n2,2\n", SystemTime::UNIX_EPOCH);
        assert!(asked("old").0 > bytes, "one that was written again is read again");
    }
}
