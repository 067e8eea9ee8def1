//! What came from another casebook goes nowhere by itself, whatever its file says.

mod common;

use common::{desk, examined, found, record};
use negawatt_casebook::{Case, CaseId, Casebook, Decision, Rejection, Stage};
use negawatt_proposals::{Desk, ProposalError, Word, carry_on, decide, is_left, submit, take_up};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Lets everything that a bundled skill proposes go by itself.
const LETS_GO: &str = "[review]\nconfidence = 0.0\nseverity = \"critical\"\n";

/// A casebook with a case that found a mitigation and proposed nothing, and one in which the same was imported.
fn books(said: impl FnOnce(&Casebook, &CaseId)) -> (TempDir, [Casebook; 2], CaseId) {
    let folder = tempfile::tempdir().unwrap();
    let books = ["one", "other"].map(|name| Casebook::open(&folder.path().join(name)).unwrap());
    let id = record(&books[0], &found());
    said(&books[0], &id);
    let mut file = Vec::new();
    books[0].export(&mut file, None).unwrap();
    assert_eq!(books[1].import(&file[..]).unwrap().new, 1);
    (folder, books, id)
}

/// The case after all that is done with it by itself.
async fn carried(desk: &Desk, book: &Casebook, id: &CaseId) -> Case {
    let cancel = CancellationToken::new();
    carry_on(desk, book, book.load(id).unwrap(), &cancel).await.unwrap();
    take_up(desk, book, &cancel).await.unwrap();
    book.load(id).unwrap()
}

fn approve(desk: &Desk, book: &Casebook, id: &CaseId) -> Result<(), ProposalError> {
    decide(desk, book, id, 1, Word::Approve, Some("Bob".to_owned()), String::new())
}

/// No repository is configured, so whoever has the guard look at a patch finds that it is withheld.
#[tokio::test(flavor = "multi_thread")]
async fn the_guard_looks_when_a_person_asks() {
    let (folder, [one, other], id) = books(|_, _| ());
    let desk = desk(folder.path(), LETS_GO);
    let of_one = carried(&desk, &one, &id).await;
    assert_eq!(of_one.proposals.all[0].stage(), Stage::Withheld, "its own is looked at at once");
    let of_other = carried(&desk, &other, &id).await;
    assert_eq!(of_other.proposals.all[0].stage(), Stage::Proposed);
    assert!(!is_left(&desk, &other, &of_other).unwrap(), "the rest is for a person");
    let asked = approve(&desk, &other, &id);
    assert!(matches!(&asked, Err(ProposalError::Withheld { .. })), "{asked:?}");
    assert_eq!(other.load(&id).unwrap().proposals.all[0].stage(), Stage::Withheld);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_not_let_go_by_thresholds() {
    let (folder, [one, other], id) = books(|book, id| examined(book, id, None, None));
    let desk = desk(folder.path(), LETS_GO);
    let of_one = carried(&desk, &one, &id).await;
    assert!(of_one.proposals.all[0].went_by_itself(), "its own is let go");
    let before = other.load(&id).unwrap();
    assert_eq!(carried(&desk, &other, &id).await, before);
    assert_eq!(before.proposals.all[0].stage(), Stage::Waiting);
    let reject = |book: &Casebook| {
        decide(&desk, book, &id, 1, Word::Reject(Rejection::WrongFix), None, String::new()).unwrap_err().to_string()
    };
    assert!(reject(&other).contains("it came from another casebook"), "{}", reject(&other));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_approved_elsewhere_is_examined_here_before_it_is_submitted() {
    let (folder, [one, other], id) = books(|book, id| examined(book, id, None, Some(Decision::Approved)));
    let desk = desk(folder.path(), LETS_GO);
    let mut told = Vec::new();
    for book in [&one, &other] {
        let mut log = book.resume(&id).unwrap();
        told.push(submit(&desk, &mut log, 1).await.unwrap_err());
        log.release().unwrap();
    }
    assert!(matches!(&told[0], ProposalError::NoForge { .. }), "{}", told[0]);
    assert!(matches!(&told[1], ProposalError::Misplaced { .. }), "{}", told[1]);
    assert!(told[1].to_string().contains("another casebook"), "{}", told[1]);
    let asked = approve(&desk, &other, &id);
    assert!(matches!(&asked, Err(ProposalError::Withheld { .. })), "{asked:?}");
}
