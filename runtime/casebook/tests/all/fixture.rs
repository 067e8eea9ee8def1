//! A casebook of every released schema is opened by every later version.

use std::fs;
use std::path::Path;

use crate::common::*;
use negawatt_casebook::*;

#[test]
fn a_casebook_of_schema_1_is_read_and_continued() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schema-1.sqlite");
    let folder = folder();
    fs::copy(fixture, folder.path().join("casebook.sqlite")).unwrap();
    make_private(&folder.path().join("casebook.sqlite"));
    let book = Casebook::open(folder.path()).unwrap();
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
