//! Takes symptoms out of a case that are of another change.

use negawatt_casebook::{CaseId, CaseLog, Casebook, CasebookError};
use negawatt_host::json::{IncidentFile, fingerprint};
use negawatt_planner::Runtime;

use crate::{incident, merge};

/// Opens a case of its own for symptoms of a case, named by their numbers; both say so. All of it is recorded, or nothing: the first symptom,
/// and one that is not there, are refused with [`CasebookError::Misplaced`]. Blocks at times.
pub async fn split(runtime: &Runtime, book: &Casebook, id: &CaseId, numbers: &[u32]) -> Result<CaseLog, CasebookError> {
    let case = book.load(id)?;
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    let taken = case.symptoms.iter().filter(|noted| numbers.contains(&noted.number));
    let taken = merge::split_off(taken.map(|noted| noted.symptom.clone()).collect());
    let Some(first) = taken.first() else {
        let what = "it has none of these symptoms".to_owned();
        return Err(CasebookError::Misplaced { case: *id, event: "split".to_owned(), what });
    };
    let incident = incident(first, taken.len());
    let file = IncidentFile { fingerprint: fingerprint(&incident), incident };
    let opened = runtime.opened(book, file).await?.with_symptoms(&taken);
    book.split(id, &numbers, opened)
}
