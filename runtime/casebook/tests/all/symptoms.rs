//! Symptoms: what a case is opened with, what joins it, what is split off, and what is known of series.

use crate::common::*;
use negawatt_casebook::*;

fn numbers(case: &Case) -> Vec<(u32, String, Option<CaseId>)> {
    let noted = case.symptoms.iter();
    noted.map(|noted| (noted.number, noted.symptom.incident.service.clone(), noted.split)).collect()
}

#[test]
fn symptoms_are_read_as_they_were_written() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let (id, split) = watch(&book, "f").unwrap();
    let case = book.load(&id).unwrap();
    let service = |n: u32| format!("service-{n}");
    assert_eq!(numbers(&case), [(1, service(1), None), (2, service(2), Some(split)), (3, service(3), None)]);
    assert_eq!(case.symptoms[2].symptom, symptom(3), "every bit of a number is kept");
    assert!(case.concluded().is_some(), "what comes after its end does not open a case again");
    let split = book.load(&split).unwrap();
    assert_eq!(numbers(&split), [(1, service(2), None)]);
    assert_eq!(split.opened.unwrap().split_from(), Some(id));
}

#[test]
fn what_cannot_be_split_off_leaves_no_trace() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let (id, _) = watch(&book, "f").unwrap();
    let before = (book.load(&id).unwrap(), book.list(10).unwrap().len());
    for (numbers, said) in [
        (&[1][..], "stays"),
        (&[2], "before"),
        (&[4], "no symptom 4"),
        (&[3, 1], "split the others off"),
        (&[], "named"),
    ] {
        let error = book.split(&id, numbers, opened("f").with_symptoms(&[symptom(3)])).unwrap_err().to_string();
        assert!(error.contains(said) || error.contains("is what the case is about"), "{numbers:?}: {error}");
        assert_eq!((book.load(&id).unwrap(), book.list(10).unwrap().len()), before, "{numbers:?}");
    }
    // Nor is the case kept from anybody.
    book.resume(&id).unwrap();
    let mut log = book.resume(&id).unwrap();
    assert!(log.append(Event::Joined(Joined { symptoms: Vec::new() })).is_err());
}

#[test]
fn a_case_that_somebody_works_on_is_not_split() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let (id, _) = watch(&book, "f").unwrap();
    let _log = book.resume(&id).unwrap();
    let error = book.split(&id, &[3], opened("f")).unwrap_err();
    assert!(matches!(error, CasebookError::Owned { .. }), "{error}");
}

#[test]
fn series_are_known_by_what_is_measured_and_forgotten_when_they_are_gone() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    book.note_watched(&[([1; 32], 10), ([2; 32], 20)], 0).unwrap();
    // Time does not go back.
    book.note_watched(&[([1; 32], 5)], 0).unwrap();
    assert_eq!(book.watched().unwrap(), [([1; 32], 10), ([2; 32], 20)].into());
    book.note_watched(&[], 11).unwrap();
    assert_eq!(book.watched().unwrap(), [([2; 32], 20)].into());
    assert!(book.for_tenant("other").watched().unwrap().is_empty());

    let one = symptom(1);
    let mut other = one.clone();
    other.incident.metric.as_mut().unwrap().worse = negawatt_host::model::Direction::Down;
    assert_eq!(one.series(), other.series(), "which direction hurts is not what is measured");
    other.incident.metric.as_mut().unwrap().labels.clear();
    assert_ne!(one.series(), other.series());
}

#[test]
fn cases_are_found_by_the_time_of_their_changes() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    book.open_case(opened("none")).unwrap();
    let (id, split) = watch(&book, "f").unwrap();
    let since = |n: i64| book.with_symptoms_since(symptom(n).time).unwrap();
    assert_eq!((since(2), since(3), since(4)), (vec![id, split], vec![id], vec![]));
    assert!(book.for_tenant("other").with_symptoms_since(0).unwrap().is_empty());
}
