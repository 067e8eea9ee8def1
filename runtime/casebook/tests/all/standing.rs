//! Which skills are put aside, and how they come back.

use crate::common::*;
use negawatt_casebook::*;
use negawatt_host::Digest;

const MOST: u32 = 3;

/// A call of a component that failed, or that worked.
fn judged(skill: &str, failed: bool) -> Judged {
    let failure = failed.then(|| "trap: unreachable".to_owned());
    Judged { skill: format!("{skill}@1.0.0"), digest: Digest::of(skill.as_bytes()), failure, most: MOST }
}

fn judge(log: &mut CaseLog, judged: Judged) {
    let mut batch = Batch::default();
    batch.judge(judged);
    log.append(batch).unwrap();
}

fn failures(book: &Casebook) -> Vec<(String, u32, bool)> {
    let standing = |standing: Standing| (standing.skill, standing.failures, standing.since.is_some());
    book.standings().unwrap().into_iter().map(standing).collect()
}

#[test]
fn failures_in_a_row_put_a_component_aside_until_somebody_puts_it_back() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let mut log = book.open_case(opened("f")).unwrap();
    for _ in 1..MOST {
        judge(&mut log, judged("bad", true));
    }
    assert_eq!(failures(&book), [("bad@1.0.0".into(), 2, false)]);
    judge(&mut log, judged("bad", false));
    assert!(failures(&book).is_empty(), "a call that works ends the row");

    // Over cases, and over processes: the casebook is closed between them.
    drop(log);
    drop(book);
    for n in 1..=MOST {
        let book = Casebook::open(folder.path()).unwrap();
        judge(&mut book.open_case(opened("f")).unwrap(), judged("bad", true));
        assert_eq!(failures(&book), [("bad@1.0.0".into(), n, n == MOST)]);
    }
    let book = Casebook::open(folder.path()).unwrap();
    let aside = book.standings().unwrap().remove(0);
    assert_eq!(aside.reason, "trap: unreachable");

    // A case that was opened before still runs it; whatever comes of that, it stays aside, and since when.
    let mut log = book.open_case(opened("f")).unwrap();
    judge(&mut log, judged("bad", false));
    judge(&mut log, Judged { failure: Some("timeout".into()), ..judged("bad", true) });
    let still = book.standings().unwrap().remove(0);
    assert_eq!(still, Standing { failures: MOST + 1, ..aside.clone() });

    // Another component of the same name starts anew, and another tenant has its own.
    judge(&mut log, Judged { digest: Digest::of(b"mended"), ..judged("bad", true) });
    assert_eq!(book.standings().unwrap().iter().filter(|standing| standing.since.is_some()).count(), 1);
    let other = book.for_tenant("other");
    assert!(other.standings().unwrap().is_empty() && !other.restore(&aside.digest).unwrap());

    assert!(book.restore(&aside.digest).unwrap());
    assert!(!book.restore(&aside.digest).unwrap());
    judge(&mut log, judged("bad", true));
    let anew = book.standings().unwrap().into_iter().find(|standing| standing.digest == aside.digest);
    assert_eq!(anew.map(|standing| (standing.failures, standing.since)), Some((1, None)));
}

#[test]
fn one_failure_is_enough_where_it_is_said_so() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let mut log = book.open_case(opened("f")).unwrap();
    judge(&mut log, Judged { most: 1, ..judged("bad", true) });
    assert_eq!(failures(&book), [("bad@1.0.0".into(), 1, true)]);
}

#[test]
fn a_call_that_is_not_recorded_does_not_count() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let mut log = book.open_case(opened("f")).unwrap();
    let mut batch = Batch::from(accepted(1, 1, Vec::new()));
    batch.judge(judged("bad", true));
    log.append(batch).unwrap_err();
    assert!(failures(&book).is_empty());
}
