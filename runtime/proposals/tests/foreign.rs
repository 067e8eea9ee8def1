//! What came from another casebook goes nowhere by itself, whatever its file says.

mod common;

use common::{desk, examined, found, record};
use negawatt_casebook::{Became, Case, CaseId, Casebook, Decision, Event, Outcome, Rejection, Stage, Witness};
use negawatt_host::time;
use negawatt_proposals::{Desk, ProposalError, Word, carry_on, decide, follow, is_left, outcome, submit, take_up};
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

/// That a proposal was merged, as somebody says.
fn merged(desk: &Desk, book: &Casebook, id: &CaseId) {
    let mut log = book.resume(id).unwrap();
    let by = Witness::Person("Ada".into());
    let said = Outcome { proposal: Some(1), what: Became::Merged, by, at: None, culprit: None, text: String::new() };
    outcome(&desk.config, &mut log, said).unwrap();
    log.release().unwrap();
}

/// Where the threshold stood before what became of a case moved it, and after.
fn moved(book: &Casebook, id: &CaseId) -> Vec<(f64, f64)> {
    let events = book.events(id).unwrap().into_iter();
    let moves = events.filter_map(|recorded| match recorded.event {
        Event::Adjusted(adjusted) => Some((adjusted.from, adjusted.to)),
        _ => None,
    });
    moves.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_it_elsewhere_is_not_followed_and_moves_no_threshold() {
    const LEARNS: &str = "[review]\nconfidence = 0.4\n[learn]\nconfidence_between = [0.1, 0.9]\n";
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path(), LEARNS);
    let (_folder, [one, other], id) = books(|book, id| {
        examined(book, id, None, None);
        merged(&desk, book, id);
    });
    let now = time::now();
    assert_eq!(follow(&desk, &one, None, now).await.unwrap().len(), 1, "its own is");
    assert!(follow(&desk, &other, None, now).await.unwrap().is_empty());
    // The next of which something becomes: it moves the threshold from where what is counted left it.
    for (book, from) in [(&one, moved(&one, &id)[0].1), (&other, 0.4)] {
        let next = record(book, &found());
        examined(book, &next, None, None);
        merged(&desk, book, &next);
        let moves = moved(book, &next);
        assert!(moves.len() == 1 && (moves[0].0 - from).abs() < 1e-12 && moves[0].1 < from, "{moves:?}");
    }
}
