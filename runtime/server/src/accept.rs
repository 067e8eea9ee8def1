//! From an incident to a case on disk, which is what is acknowledged.

use negawatt_casebook::{CaseId, CasebookError, End};
use negawatt_host::json::IncidentFile;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::app::App;
use crate::metrics::From;
use crate::places::entering;

/// A case that an incident is, or belongs to. It is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The case.
    pub case: CaseId,
    /// Whether the incident made it; otherwise an earlier one did, of the same fingerprint and the same time.
    pub is_new: bool,
}

/// Why an incident is not accepted. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// All places are taken.
    #[error("{0} cases wait already, which is as many as may (serve.queue); try again later")]
    Full(usize),
    /// The server is about to end.
    #[error("the server is shutting down; try again in a moment")]
    Closing,
    /// The casebook cannot keep it.
    #[error(transparent)]
    Casebook(#[from] CasebookError),
}

impl App {
    /// Accepts an incident. Where a case has its fingerprint and began with the same time, or is open and overlaps, it is that case;
    /// `again` makes a new one nevertheless.
    pub async fn accept(&self, file: IncidentFile, again: bool) -> Result<Accepted, Refusal> {
        let _place = entering().await;
        if self.closing.is_cancelled() {
            return Err(Refusal::Closing);
        }
        let known = |file: &IncidentFile| -> Result<Option<CaseId>, CasebookError> {
            if again {
                return Ok(None);
            }
            let window = &file.incident.window;
            let same = self.book.find_start(&file.fingerprint, window.start)?;
            // One that was cancelled answers nothing.
            let is_cancelled =
                |case: &CaseId| Ok::<_, CasebookError>(matches!(self.book.summary(case)?.end, Some(End::Cancelled(_))));
            let same = match same {
                Some(case) if is_cancelled(&case)? => None,
                same => same,
            };
            same.map_or_else(|| self.book.find_open(&file.fingerprint, window), |case| Ok(Some(case)))
        };
        if let Some(case) = block_in_place(|| known(&file))? {
            return Ok(Accepted { case, is_new: false });
        }
        let place = self.queue.place().ok_or(Refusal::Full(self.queue.most()))?;
        let (severity, service) = (file.incident.severity, file.incident.service.clone());
        let loaded = self.loaded();
        let opening = loaded.runtime.opened(&self.book, file.clone());
        let opened = block_in_place(|| Handle::current().block_on(opening))?;
        // Of two that say the same at the same time, the second is told of the first.
        let _turn = self.opening.lock().await;
        if let Some(case) = block_in_place(|| known(&file))? {
            return Ok(Accepted { case, is_new: false });
        }
        let case = block_in_place(|| {
            let log = self.book.open_case(opened)?;
            let case = log.case().id;
            // Before anybody else could take it up.
            self.here.expect(case);
            log.release().inspect_err(|_| _ = self.here.forget(&case))?;
            Ok::<_, CasebookError>(case)
        })?;
        place.fill(case, severity, &service);
        self.metrics.accepted(From::Http);
        Ok(Accepted { case, is_new: true })
    }

    /// The case that an incident that is over belongs to, whether or not it has ended: the one that it made, else the newest of its
    /// fingerprint and time.
    pub fn made_of(&self, file: &IncidentFile) -> Result<Option<CaseId>, CasebookError> {
        let window = &file.incident.window;
        block_in_place(|| match self.book.find_start(&file.fingerprint, window.start)? {
            None => self.book.find_overlapping(&file.fingerprint, window),
            same => Ok(same),
        })
    }
}
