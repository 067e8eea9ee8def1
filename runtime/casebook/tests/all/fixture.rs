//! A casebook of every released schema is opened by every later version.

use std::fs;
use std::path::Path;

use crate::common::*;
use negawatt_casebook::*;
use negawatt_host::Digest;

/// A copy of a fixture, open.
fn fixture(schema: u32) -> (tempfile::TempDir, Casebook) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/schema-{schema}.sqlite"));
    let folder = folder();
    fs::copy(fixture, folder.path().join("casebook.sqlite")).unwrap();
    make_private(&folder.path().join("casebook.sqlite"));
    let book = Casebook::open(folder.path()).unwrap();
    (folder, book)
}

#[test]
fn a_casebook_of_schema_6_is_read_and_continued() {
    proposes(6, |_| (), |_| ());
}

#[test]
fn a_casebook_of_schema_5_is_read_and_continued() {
    proposes(5, |_| (), |_| ());
}

/// Neither which precedents a rank had, nor what a case was about and what was said, was kept with them; of strategies one was.
#[test]
fn a_casebook_of_schema_4_is_read_and_continued() {
    let without_precedents = |proposed: &mut Proposed| proposed.rank.precedents.clear();
    let unsaid = |resolved: &mut Resolved| (resolved.service, resolved.said) = (String::new(), Vec::new());
    proposes(4, without_precedents, unsaid);
}

/// A fixture with a proposal is as it would be written now, but for what was not kept then.
fn proposes(schema: u32, proposed: fn(&mut Proposed), resolved: fn(&mut Resolved)) {
    let (_folder, book) = fixture(schema);
    let [id] = book.proposing(false).unwrap()[..] else { panic!("one case proposes something") };

    // The same, written now.
    let folder = folder();
    let other = Casebook::open(folder.path()).unwrap();
    let again = propose(&other, &format!("schema-{schema}")).unwrap();
    let text = |book: &Casebook, id: &CaseId| {
        let mut happened = happened(&book.events(id).unwrap());
        happened.iter_mut().for_each(|(_, event)| {
            if let Event::Proposed(one) = event {
                proposed(one);
            }
        });
        // A number that is none is not equal to itself.
        format!("{happened:?}")
    };
    assert_eq!(text(&book, &id), text(&other, &again));
    assert_eq!(book.stood().unwrap(), other.stood().unwrap());
    let traits = Traits { functions: vec!["cart::price".into()], ..Traits::default() };
    let precedent = |book: &Casebook| {
        let mut found = book.precedents(&traits, None, 1).unwrap();
        resolved(&mut found[0].resolved);
        found.remove(0).resolved
    };
    assert_eq!(precedent(&book), precedent(&other));

    let mut log = book.resume(&id).unwrap();
    log.append(became(Some(1), Became::WrongCulprit)).unwrap();
    assert_eq!(log.case().proposals.get(1).unwrap().stage(), Stage::Closed);
}

#[test]
fn a_casebook_of_schema_3_is_read_and_continued() {
    let (_folder, book) = fixture(3);
    let ids: Vec<_> = book.list(10).unwrap().into_iter().map(|case| case.id).collect();
    let [split, symptomatic, open, ended] = ids[..] else { panic!("{} cases", ids.len()) };

    // The same, written now.
    let folder = folder();
    let other = Casebook::open(folder.path()).unwrap();
    let (other_symptomatic, other_split) = watch(&other, "schema-3").unwrap();
    let symptoms = |book: &Casebook, id: &CaseId| -> Vec<(u32, Symptom, bool)> {
        let noted = book.load(id).unwrap().symptoms.into_iter();
        noted.map(|noted| (noted.number, noted.symptom, noted.split.is_some())).collect()
    };
    assert_eq!(symptoms(&book, &symptomatic), symptoms(&other, &other_symptomatic));
    assert_eq!(symptoms(&book, &split), symptoms(&other, &other_split));
    assert_eq!(book.load(&symptomatic).unwrap().symptoms[1].split, Some(split));
    assert_eq!(book.load(&split).unwrap().opened.unwrap().split_from(), Some(symptomatic));
    assert_eq!(book.watched().unwrap(), other.watched().unwrap());
    assert_eq!(book.with_symptoms_since(0).unwrap(), [symptomatic, split]);
    assert_eq!(book.load(&ended).unwrap().board.len(), findings().len());

    let mut log = book.resume(&open).unwrap();
    call(&mut log, 1, &outcome(negawatt_host::Status::Ok, findings(), Vec::new())).unwrap();
}

#[test]
fn a_casebook_of_schema_2_is_read_and_continued() {
    let (_folder, book) = fixture(2);
    let ids: Vec<_> = book.list(10).unwrap().into_iter().map(|case| case.id).collect();
    let [open, ended] = ids[..] else { panic!("{} cases", ids.len()) };

    // The same, written now.
    let folder = folder();
    let other = Casebook::open(folder.path()).unwrap();
    let mut log = other.open_case(opened("schema-2")).unwrap();
    record(&mut log).unwrap();
    assert_eq!(happened(&book.events(&ended).unwrap()), happened(&other.events(&log.case().id).unwrap()));
    let mut log = other.open_case(opened("schema-2")).unwrap();
    begin(&mut log).unwrap();
    assert_eq!(happened(&book.events(&open).unwrap()), happened(&other.events(&log.case().id).unwrap()));
    let strip = |standing: Standing| Standing { since: standing.since.map(|_| 0), ..standing };
    let standings = |book: &Casebook| book.standings().unwrap().into_iter().map(strip).collect::<Vec<_>>();
    assert_eq!(standings(&book), standings(&other));
    assert!(book.restore(&Digest::of(b"bad")).unwrap());

    let mut log = book.resume(&open).unwrap();
    call(&mut log, 1, &outcome(negawatt_host::Status::Ok, findings(), Vec::new())).unwrap();
    assert_eq!(book.load(&open).unwrap().steps[0].intents, ["POST https://example.com/"]);
}

#[test]
fn a_casebook_of_schema_1_is_read_and_continued() {
    let (folder, book) = fixture(1);
    assert!(book.standings().unwrap().is_empty());
    let cases = book.list(10).unwrap();
    let [open, ended] = &cases[..] else { panic!("{} cases", cases.len()) };

    // The same, written now.
    let other = Casebook::open(&folder.path().join("other")).unwrap();
    let mut log = other.open_case(opened("schema-1")).unwrap();
    record(&mut log).unwrap();
    assert_eq!(happened(&book.events(&ended.id).unwrap()), happened(&other.events(&log.case().id).unwrap()));
    for answer in log.case().steps.iter().flat_map(|step| &step.calls).flat_map(|call| &call.answers) {
        assert_eq!(book.blob(&answer.response).unwrap(), other.blob(&answer.response).unwrap());
    }

    assert_eq!(book.latest("schema-1").unwrap(), Some(open.id));
    let mut log = book.resume(&open.id).unwrap();
    record(&mut log).unwrap();
    assert_eq!(book.load(&open.id).unwrap().board.len(), findings().len());
}
