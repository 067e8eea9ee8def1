//! A check says what is damaged and where; compacting removes what nobody needs, and nothing else.

use std::path::Path;

use crate::common::*;
use negawatt_casebook::*;
use negawatt_host::{Status, Tool, time};
use rusqlite::Connection;

fn whole() -> (tempfile::TempDir, Casebook) {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    record(&mut book.open_case(opened("whole")).unwrap()).unwrap();
    watch(&book, "watched").unwrap();
    propose(&book, "proposed").unwrap();
    (folder, book)
}

#[test]
fn what_was_written_is_whole() {
    let (_folder, book) = whole();
    let checked = book.check().unwrap();
    assert_eq!((checked.cases, checked.damage, checked.purged, checked.unreferenced), (4, vec![], 0, 0));
    assert!(checked.events > 25 && checked.blobs > 20, "{} {}", checked.events, checked.blobs);
    for schema in 1..=6 {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/schema-{schema}.sqlite"));
        let folder = folder();
        let file = folder.path().join("casebook.sqlite");
        std::fs::copy(fixture, &file).unwrap();
        make_private(&file);
        assert_eq!(Casebook::open(folder.path()).unwrap().check().unwrap().damage, [], "schema {schema}");
    }
}

#[test]
fn each_kind_of_damage_is_told_with_its_place() {
    let events = "DROP TRIGGER event_is_never_changed; DROP TRIGGER event_is_never_removed;";
    for (damage, place, what) in [
        ("UPDATE event SET body = zeroblob(9) WHERE seq = 4", "the case", "event 4"),
        ("DELETE FROM event WHERE seq = 3", "the case", "event 3"),
        ("DELETE FROM event WHERE type = 'concluded'", "`case_index`", "whether the case has ended"),
        (
            "UPDATE blob SET body = CAST(substr(body, 1, length(body) - 1) || x'00' AS BLOB)",
            "the answer blake3:",
            "not what was recorded",
        ),
        ("DELETE FROM blob", "step s", "is missing"),
        ("UPDATE case_index SET ended = 1 - ended", "`case_index`", "whether the case has ended"),
        ("UPDATE case_index SET fingerprint = 'x'", "`case_index`", "fingerprint or window"),
        ("DELETE FROM symptomatic", "`symptomatic`", "newest symptom"),
        ("UPDATE proposing SET open = 1 - open", "`proposing`", "may still move"),
        ("UPDATE stood SET share = 7", "`stood`", "from 0 to 1"),
        ("UPDATE stood SET digest = zeroblob(32)", "`stood`", "does not know"),
        ("DELETE FROM resolved_words", "`resolved_words`", "other words"),
        ("UPDATE resolved SET kind = 'x'", "`resolved_words`", "other words"),
        ("UPDATE resolved SET service = 'x'", "`resolved`", "another service"),
        (
            "INSERT INTO resolved_words (case_id, tenant, words) VALUES ('nobody', 'default', 'x')",
            "the table `resolved_words`",
            "of no case",
        ),
        ("PRAGMA foreign_keys = OFF; DELETE FROM case_index WHERE number = 1", "the table `event`", "of no case"),
    ] {
        let (_folder, book) = whole();
        Connection::open(book.file()).unwrap().execute_batch(&format!("{events}{damage}")).unwrap();
        let checked = book.check().unwrap();
        let told = checked.damage.iter().any(|damage| damage.place.contains(place) && damage.what.contains(what));
        assert!(told, "{damage}: {:?}", checked.damage);
    }
}

#[test]
fn other_cases_of_a_damaged_file_are_still_looked_at() {
    let (_folder, book) = whole();
    let damage = "DROP TRIGGER event_is_never_changed; UPDATE event SET time = 0 WHERE seq = 2;";
    Connection::open(book.file()).unwrap().execute_batch(damage).unwrap();
    let checked = book.check().unwrap();
    let cases: std::collections::BTreeSet<_> = checked.damage.iter().map(|damage| damage.place.clone()).collect();
    assert!(checked.cases == 4 && cases.len() >= 3, "{:?}", checked.damage);
}

fn known(book: &Casebook) -> String {
    let cases = book.cases(100).unwrap();
    format!("{:?}", cases.iter().map(|case| book.events(case).unwrap()).collect::<Vec<_>>())
}

#[test]
fn compacting_removes_what_nobody_needs_and_nothing_else() {
    let (_folder, book) = whole();
    let before = (known(&book), book.check().unwrap());
    let raw = Connection::open(book.file()).unwrap();
    raw.execute(
        "INSERT INTO blob (digest, size, time, body) VALUES (zeroblob(32), 3000000, 0, randomblob(3000000))",
        (),
    )
    .unwrap();
    drop(raw);
    assert_eq!(book.check().unwrap().unreferenced, 1);
    let compacted = book.compact(None).unwrap();
    assert_eq!((compacted.unreferenced, compacted.purged), (1, 0));
    assert!(compacted.bytes_after + 2_500_000 < compacted.bytes_before, "{compacted:?}");
    assert_eq!((known(&book), book.check().unwrap()), before);
    assert_eq!(book.compact(None).unwrap().unreferenced, 0);
    // It is still written to.
    record(&mut book.open_case(opened("after")).unwrap()).unwrap();
}

/// A case with these answers, which has ended or not.
fn asked(book: &Casebook, answers: &[usize], ends: bool) -> Case {
    let mut log = book.open_case(opened("f")).unwrap();
    log.append(planned([1])).unwrap();
    let answers = answers.iter().map(|n| answer(Tool::Docs, *n)).collect();
    call(&mut log, 1, &outcome(Status::Ok, findings(), answers)).unwrap();
    if ends {
        log.append(vec![accepted(1, 1, findings()), concluded()]).unwrap();
    }
    log.case().clone()
}

fn there(book: &Casebook, case: &Case) -> Vec<bool> {
    case.steps[0].calls[0].answers.iter().map(|answer| book.has_blob(&answer.response).unwrap()).collect()
}

#[test]
fn answers_go_by_when_they_were_asked_for_last() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let old = asked(&book, &[1, 2, 3], true);
    let open = asked(&book, &[4], false);
    let last = book.events(&open.id).unwrap().last().unwrap().time;
    let now = loop {
        let now = time::now();
        if now > last {
            break now;
        }
    };
    let new = asked(&book, &[3, 5], true);
    assert_eq!(book.compact(Some(0)).unwrap().purged, 0);
    // Question and answer, of two.
    assert_eq!(book.compact(Some(now)).unwrap().purged, 4);
    assert_eq!(
        (there(&book, &old), there(&book, &open), there(&book, &new)),
        (vec![false, false, true], vec![true], vec![true; 2])
    );
    let error = book.blob(&old.steps[0].calls[0].answers[0].response).unwrap_err().to_string();
    assert!(error.contains("removed for its age") && error.contains("cannot be replayed"), "{error}");
    assert_eq!(book.compact(Some(now)).unwrap().purged, 0, "what is gone is not counted again");
    let checked = book.check().unwrap();
    assert_eq!((checked.purged, checked.damage), (4, vec![]));
    assert_eq!(book.load(&old.id).unwrap(), old);

    // Who asks the same again has it again.
    asked(&book, &[1], true);
    assert_eq!(there(&book, &old), [true, false, true]);
}
