//! Who decides of a proposal, of cases that are put together here.

mod common;

use common::{desk, examined, found, record};
use negawatt_casebook::{Casebook, Rejection, Stage};
use negawatt_proposals::{Word, carry_on, decide};
use tokio_util::sync::CancellationToken;

/// Whoever brings a case on may have read it before a person decided.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_decided_stands_whatever_was_so_before() {
    let folder = tempfile::tempdir().unwrap();
    let book = Casebook::open(folder.path()).unwrap();
    let desk = desk(folder.path(), "[review]\nconfidence = 0.0\nseverity = \"critical\"\n");
    let id = record(&book, &found());
    examined(&book, &id, None, None);
    let before = book.load(&id).unwrap();
    decide(&desk, &book, &id, 1, Word::Reject(Rejection::WrongFix), Some("Ada".into()), String::new()).unwrap();
    carry_on(&desk, &book, before.clone(), &CancellationToken::new()).await.unwrap();
    let after = book.load(&id).unwrap();
    assert_eq!((after.proposals.all[0].stage(), after.proposals.all[0].reviews.len()), (Stage::Rejected, 1));
    // Where nobody decided, it goes by itself.
    let other = record(&book, &found());
    examined(&book, &other, None, None);
    carry_on(&desk, &book, book.load(&other).unwrap(), &CancellationToken::new()).await.unwrap();
    assert!(book.load(&other).unwrap().proposals.all[0].went_by_itself());
}
