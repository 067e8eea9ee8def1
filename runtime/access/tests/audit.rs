//! The log: whatever is done to it is found.

use negawatt_access::{Access, AccessError, Actor, Entry, Head, Outcome, Recorded, Role};
use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

fn entry(n: i64) -> Entry {
    let actor = Actor {
        who: format!("ada {n}"),
        role: Some(Role::Operator),
        address: (n % 2 == 0).then(|| "192.0.2.1".to_owned()),
    };
    Entry {
        object: format!("case {n}"),
        detail: "ä".repeat(n as usize % 5),
        ..Entry::by(&actor, 1_000 * n, "case.start", Outcome::Done)
    }
}

/// A log of so many entries.
fn log(entries: i64) -> (TempDir, Access) {
    let folder = tempfile::tempdir().unwrap();
    let access = Access::open(folder.path()).unwrap();
    for n in 1..=entries {
        access.record(entry(n)).unwrap();
    }
    (folder, access)
}

/// Somebody with the rights of the user changes the file.
fn change(access: &Access, sql: &str) {
    let raw = Connection::open(access.file()).unwrap();
    raw.execute_batch("DROP TRIGGER IF EXISTS entry_is_never_changed; DROP TRIGGER IF EXISTS entry_is_never_removed")
        .unwrap();
    raw.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn broken(access: &Access, expect: Option<&Head>) -> u64 {
    match access.verify(expect) {
        Err(AccessError::Broken(broken)) => broken.entry,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_log_is_verified_and_listed() {
    let (folder, access) = log(7);
    let head = access.verify(None).unwrap();
    assert_eq!((head.entries, head.to_string().parse::<Head>()), (7, Ok(head)));
    let all = access.entries(0, 100).unwrap();
    assert_eq!(all.len(), 7);
    assert_eq!((all[3].number, &all[3].entry, all[6].hash), (4, &entry(4), head.hash));
    let numbers = |list: Vec<Recorded>| list.iter().map(|recorded| recorded.number).collect::<Vec<_>>();
    assert_eq!(numbers(access.entries(2, 2).unwrap()), [3, 4]);
    assert_eq!(numbers(access.newest(3).unwrap()), [5, 6, 7]);
    assert_eq!((access.newest(99).unwrap().len(), access.entries(7, 9).unwrap().len()), (7, 0));
    // It goes on, in whatever process, and the head of before still fits.
    let elsewhere = Access::open(folder.path()).unwrap();
    elsewhere.record(entry(8)).unwrap();
    access.record(entry(9)).unwrap();
    assert_eq!(access.verify(Some(&head)).unwrap().entries, 9);
    assert_eq!(access.verify(Some(&Head::default())).unwrap().entries, 9);
}

#[test]
fn an_empty_log_is_whole() {
    let (_folder, access) = log(0);
    assert_eq!(access.verify(None).unwrap(), Head::default());
    assert!(access.newest(5).unwrap().is_empty());
    assert_eq!(broken(&access, Some(&Head { entries: 1, hash: [7; 32] })), 1);
    for text in ["", "7", "7:", "x:00", &format!("7:{}", "0".repeat(63)), &format!("-1:{}", "0".repeat(64))] {
        assert!(text.parse::<Head>().is_err(), "{text}");
    }
}

#[test]
fn the_file_itself_refuses_changes() {
    let (_folder, access) = log(3);
    let raw = Connection::open(access.file()).unwrap();
    for sql in ["UPDATE entry SET who = 'eve' WHERE number = 2", "DELETE FROM entry WHERE number = 3"] {
        assert!(raw.execute_batch(sql).unwrap_err().to_string().contains("append-only"), "{sql}");
    }
}

#[test]
fn an_end_that_was_cut_off_is_found_by_the_head_of_before() {
    let (_folder, access) = log(5);
    let head = access.verify(None).unwrap();
    change(&access, "DELETE FROM entry WHERE number > 3");
    assert_eq!(access.verify(None).unwrap().entries, 3, "the rest is whole");
    assert_eq!(broken(&access, Some(&head)), 4);
    // Also where the log has grown again since.
    for n in 0..5 {
        access.record(entry(90 + n)).unwrap();
    }
    assert_eq!(access.verify(None).unwrap().entries, 8);
    assert_eq!(broken(&access, Some(&head)), 5);
}

#[test]
fn rows_that_change_places_are_found() {
    let (_folder, access) = log(6);
    change(
        &access,
        "UPDATE entry SET number = 100 WHERE number = 2; UPDATE entry SET number = 2 WHERE number = 5; UPDATE entry SET number = 5 WHERE number = 100",
    );
    assert_eq!(broken(&access, None), 2);
}

#[test]
fn a_table_that_was_made_anew_is_found() {
    let (_folder, access) = log(3);
    change(
        &access,
        "ALTER TABLE entry RENAME TO old; CREATE TABLE entry (number, time, who, role, address, action, object, outcome, detail, hash);
         INSERT INTO entry SELECT number, time, who, role, address, action, object, outcome, CAST(detail AS BLOB), hash FROM old",
    );
    assert_eq!(broken(&access, None), 1);
}

#[test]
fn texts_are_bounded_and_tokens_are_cut_before_they_are_hashed() {
    let (_folder, access) = log(0);
    let secret = format!("ngw_0123456789ab_{}", "ab".repeat(32));
    let actor = Actor { who: "x".repeat(5_000), role: None, address: Some(secret.clone()) };
    let recorded = access
        .record(Entry {
            detail: format!("{secret} {}", "\u{1b}[2Jy".repeat(5_000)),
            ..Entry::by(&actor, 0, "a", Outcome::Refused)
        })
        .unwrap();
    assert_eq!(access.entries(0, 1).unwrap(), std::slice::from_ref(&recorded));
    let Entry { who, address, detail, .. } = recorded.entry;
    assert_eq!((who.chars().count(), detail.chars().count()), (300, 2_000));
    assert!(
        address.as_deref() == Some("ngw_0123456789ab_***") && detail.starts_with("ngw_0123456789ab_*** \u{1b}"),
        "{address:?}"
    );
    assert_eq!(access.verify(None).unwrap().entries, 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// Whatever a person does to one row, however it is chosen: the log is broken at or before the row after it.
    #[test]
    fn any_change_is_found(entries in 2i64..9, at in 0i64..9, column in 0usize..11, text in "[a-z\u{e4}]{1,6}", number in any::<i64>()) {
        let (_folder, access) = log(entries);
        let head = access.verify(None).unwrap();
        let at = 1 + at % entries;
        let whole = access.entries(u64::try_from(at - 1).unwrap(), 1).unwrap().remove(0);
        let (set, is_same) = match column {
            0 => (format!("time = {number}"), whole.entry.time == number),
            1 => (format!("who = '{text}'"), whole.entry.who == text),
            2 => (format!("role = '{text}'"), false),
            3 => ("role = NULL".to_owned(), false),
            4 => (format!("address = '{text}'"), false),
            5 => (format!("action = '{text}'"), false),
            6 => (format!("object = '{text}'"), false),
            7 => (format!("outcome = '{text}'"), false),
            // A letter goes from one text to the next.
            8 => ("action = action || substr(object, 1, 1), object = substr(object, 2)".to_owned(), false),
            9 => (format!("detail = '{text}'"), whole.entry.detail == text),
            _ => (format!("hash = x'{:064x}'", number.unsigned_abs()), false),
        };
        prop_assume!(!is_same);
        change(&access, &format!("UPDATE entry SET {set} WHERE number = {at}"));
        let found = broken(&access, Some(&head));
        prop_assert!(found == u64::try_from(at).unwrap(), "{set} at {at} was found at {found}");
    }

    #[test]
    fn a_row_that_is_missing_or_too_many_is_found(entries in 2i64..9, at in 0i64..9, inserted in any::<bool>()) {
        let (_folder, access) = log(entries);
        let head = access.verify(None).unwrap();
        let at = 1 + at % entries;
        if inserted {
            // What somebody makes of another row: the rest moves on.
            change(&access, &format!(
                "UPDATE entry SET number = -number - 1 WHERE number >= {at}; UPDATE entry SET number = -number WHERE number < 0;
                 INSERT INTO entry SELECT {at}, time, who, role, address, action, object, outcome, detail || 'x', hash FROM entry WHERE number != {at} LIMIT 1"
            ));
        } else {
            change(&access, &format!("DELETE FROM entry WHERE number = {at}"));
        }
        prop_assert_eq!(broken(&access, Some(&head)), u64::try_from(at).unwrap());
    }
}
