//! What is exported is imported as it was, as often as one likes; what is not as it was written is refused as a whole.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Read;

use crate::common::*;
use negawatt_casebook::*;
use negawatt_host::{Digest, Status};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

fn book() -> (tempfile::TempDir, Casebook) {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    (folder, book)
}

fn exported(book: &Casebook) -> Vec<u8> {
    let mut file = Vec::new();
    book.export(&mut file, None).unwrap();
    file
}

/// A casebook with something of everything.
fn whole() -> (tempfile::TempDir, Casebook) {
    let (folder, book) = book();
    record(&mut book.open_case(opened("whole")).unwrap()).unwrap();
    begin(&mut book.open_case(opened("begun")).unwrap()).unwrap();
    watch(&book, "watched").unwrap();
    propose(&book, "proposed").unwrap();
    (folder, book)
}

/// All that is known of a casebook's cases. A number that is none is not equal to itself, and is written alike.
fn known(book: &Casebook) -> String {
    let cases = book.cases(100).unwrap();
    let loaded: Vec<_> = cases.iter().map(|case| book.load(case).unwrap()).collect();
    let traits = Traits { functions: vec!["cart::price".into()], ..Traits::default() };
    format!(
        "{loaded:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        book.stood().unwrap(),
        book.precedents(&traits, None, 9).unwrap(),
        book.proposing(true).unwrap(),
        book.proposing(false).unwrap(),
        book.with_symptoms_since(0).unwrap(),
        book.latest("begun").unwrap(),
    )
}

#[test]
fn what_comes_back_is_the_same_to_every_byte() {
    let (_first, one) = whole();
    let file = exported(&one);
    let (_second, other) = book();
    let imported = other.import(&file[..]).unwrap();
    let open = one.unfinished().unwrap();
    assert_eq!(imported, Imported { new: 5, open: open.len() as u64, ..Imported::default() });
    assert_eq!(known(&other), known(&one));
    for case in one.cases(100).unwrap() {
        for answer in one.load(&case).unwrap().steps.iter().flat_map(|step| &step.calls).flat_map(|call| &call.answers)
        {
            assert_eq!(other.blob(&answer.response).unwrap(), one.blob(&answer.response).unwrap());
        }
    }
    assert!(exported(&other) == file);
    assert_eq!(other.check().unwrap().damage, []);

    // Again, and into where it came from: there is nothing to do.
    for book in [&one, &other] {
        let before = known(book);
        assert_eq!(book.import(&file[..]).unwrap(), Imported { known: 5, ..Imported::default() });
        assert_eq!(known(book), before);
        assert!(exported(book) == file);
    }

    // Who takes a case up goes on with it.
    let open = other.latest("begun").unwrap().unwrap();
    let mut log = other.resume(&open).unwrap();
    call(&mut log, 1, &outcome(Status::Ok, findings(), Vec::new())).unwrap();
}

#[test]
fn cases_of_before_stand_before_those_that_are_there() {
    let (_first, one) = book();
    let older = one.open_case(opened("older")).unwrap().case().id;
    let (_second, other) = book();
    let (file, ms) = (exported(&one), |id: &CaseId| id.to_string()[..10].to_owned());
    let newer = loop {
        let newer = other.open_case(opened("newer")).unwrap().case().id;
        if ms(&newer) > ms(&older) {
            break newer;
        }
    };
    let count = other.cases(100).unwrap().len();
    other.import(&file[..]).unwrap();
    let cases = other.cases(100).unwrap();
    assert_eq!((cases.len(), cases[0], *cases.last().unwrap()), (count + 1, newer, older));
    assert!(other.load(&newer).is_ok());
}

#[test]
fn one_case_stands_alone() {
    let (_first, one) = whole();
    let [case, ..] = one.resolved().unwrap()[..] else { panic!("no case is resolved") };
    let mut file = Vec::new();
    assert_eq!(one.export(&mut file, Some(&case)).unwrap().cases, 1);
    let (_second, other) = book();
    other.import(&file[..]).unwrap();
    assert_eq!(other.cases(9).unwrap(), [case]);
    assert_eq!(format!("{:?}", other.load(&case)), format!("{:?}", one.load(&case)));
    assert_eq!(other.stood().unwrap(), one.stood().unwrap());
    assert!(other.resolved().unwrap().is_empty(), "nothing became of it here");
    let unknown: CaseId = "01D39ZY06FGSCTVN4T2V9PKHFZ".parse().unwrap();
    assert!(matches!(one.export(&mut file, Some(&unknown)), Err(CasebookError::NoSuchCase(_))));
}

#[test]
fn a_case_that_went_on_elsewhere_goes_on_here() {
    let (_first, one) = book();
    let mut log = one.open_case(opened("f")).unwrap();
    log.append(planned([1])).unwrap();
    let early = exported(&one);
    call(&mut log, 1, &outcome(Status::Ok, findings(), vec![answer(negawatt_host::Tool::Docs, 1)])).unwrap();
    log.append(vec![accepted(1, 1, findings()), concluded()]).unwrap();
    let id = log.case().id;
    drop(log);
    let late = exported(&one);

    let (_second, other) = book();
    assert_eq!(other.import(&early[..]).unwrap().new, 1);
    assert!(other.load(&id).unwrap().end.is_none());
    assert_eq!(other.import(&late[..]).unwrap(), Imported { continued: 1, ..Imported::default() });
    assert_eq!(other.import(&early[..]).unwrap(), Imported { known: 1, ..Imported::default() });
    assert!(exported(&other) == late);
    assert_eq!(other.find_open("f", &opened("f").incident.window).unwrap(), None);
    assert_eq!(other.check().unwrap().damage, []);

    // Not while somebody works on it here.
    let (_third, held) = book();
    held.import(&early[..]).unwrap();
    let log = held.resume(&id).unwrap();
    assert!(matches!(held.import(&late[..]), Err(CasebookError::Owned { .. })));
    drop(log);
    held.import(&late[..]).unwrap();
}

#[test]
fn a_case_to_which_other_things_happened_is_refused() {
    let (_first, one) = book();
    let id = one.open_case(opened("f")).unwrap().case().id;
    let early = exported(&one);
    one.resume(&id).unwrap().append(planned([1])).unwrap();
    let (_second, other) = book();
    other.import(&early[..]).unwrap();
    other.resume(&id).unwrap().append(planned([2])).unwrap();
    // Beside one that could come in.
    one.open_case(opened("new")).unwrap();
    let before = exported(&other);
    match other.import(&exported(&one)[..]).unwrap_err() {
        CasebookError::Conflict { case, event } => assert_eq!((case, event), (id, 2)),
        error => panic!("{error}"),
    }
    assert!(exported(&other) == before, "nothing was imported");
}

#[test]
fn what_was_purged_is_said_to_be() {
    let (_first, one) = whole();
    assert!(one.compact(Some(i64::MAX)).unwrap().purged > 0);
    let (file, mut counted) = (exported(&one), Vec::new());
    let exported_again = one.export(&mut counted, None).unwrap();
    assert!(exported_again.purged > 0 && counted == file);
    let (_second, other) = book();
    other.import(&file[..]).unwrap();
    assert!(exported(&other) == file);
    let checked = other.check().unwrap();
    assert_eq!((checked.purged, checked.damage), (exported_again.purged, vec![]));
}

/// Why a file is refused by an empty casebook, which is still empty then.
fn refused(file: &[u8]) -> Option<(u64, String)> {
    thread_local! {
        static EMPTY: RefCell<Option<Casebook>> = const { RefCell::new(None) };
    }
    let book = EMPTY.take().unwrap_or_else(|| Casebook::in_memory().unwrap());
    match book.import(file) {
        Ok(_) => None,
        Err(CasebookError::Foreign { line, what }) => {
            assert_eq!((book.cases(1).unwrap(), book.check().unwrap()), (vec![], Checked::default()), "{line}: {what}");
            EMPTY.set(Some(book));
            Some((line, what))
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_file_that_is_cut_off_is_refused_wherever() {
    let (_folder, book) = whole();
    let file = exported(&book);
    for at in (0..file.len()).step_by(7).chain(file.len() - 40..file.len()) {
        assert!(refused(&file[..at]).is_some(), "{at} of {}", file.len());
    }
    assert!(refused(&[&file[..], b"x"].concat()).is_some_and(|(_, what)| what.contains("after its end")));
    assert!(refused(&[&file[..], &file[..]].concat()).is_some());
    assert!(refused(b"").is_some() && refused(b"dear diary").is_some());
}

#[test]
fn a_wrong_bit_is_refused_wherever() {
    let (_folder, one) = whole();
    let file = exported(&one);
    let mut random = StdRng::seed_from_u64(8);
    let mut told = 0;
    for _ in 0..600 {
        let mut wrong = file.clone();
        let at = random.random_range(0..wrong.len());
        wrong[at] ^= 1 << random.random_range(0..8);
        if refused(&wrong).is_some() {
            told += 1;
            continue;
        }
        // A bit that says nothing: what came in is what was there.
        let (_folder, other) = book();
        other.import(&wrong[..]).unwrap();
        assert!(exported(&other) == file, "byte {at}");
    }
    assert!(told > 0);
}

/// The lines of a file, without the last.
fn lines(file: &[u8]) -> Vec<String> {
    let mut text = String::new();
    zstd::stream::read::Decoder::new(file).unwrap().read_to_string(&mut text).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.pop();
    lines
}

/// A file of these lines, with an end that says that they are whole.
fn forged(lines: &[String]) -> Vec<u8> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let digest = Digest::of(text.as_bytes()).to_string().replace("blake3:", "");
    let cases = lines.iter().filter(|line| line.starts_with("{\"case\":")).count();
    let text = format!("{text}{{\"end\":{{\"cases\":{cases},\"digest\":\"{digest}\"}}}}\n");
    zstd::encode_all(text.as_bytes(), 1).unwrap()
}

#[test]
fn who_forges_the_digest_still_has_to_make_sense() {
    let (_folder, book) = whole();
    let all = lines(&exported(&book));
    assert_eq!(refused(&forged(&all)), None);
    let mut words = BTreeSet::new();
    for at in 0..all.len() {
        let mut without = all.clone();
        without.remove(at);
        let mut twice = all.clone();
        twice.insert(at, all[at].clone());
        let mut swapped = all.clone();
        swapped.swap(at, (at + 1) % all.len());
        for (what, forgery) in [("without", without), ("twice", twice), ("swapped", swapped)] {
            let learned = all[at].starts_with("{\"learned\"") || all[(at + 1) % all.len()].starts_with("{\"learned\"");
            let answers = all[at].starts_with("{\"blob\"") || all[(at + 1) % all.len()].starts_with("{\"blob\"");
            match refused(&forged(&forgery)) {
                Some((line, told)) => drop(words.insert(format!("{line} {told}"))),
                // What is learned is no event, and answers only have to be there before they are referred to.
                None => {
                    assert!(what == "without" && learned || what == "swapped" && answers, "{what} {at}: {}", all[at])
                }
            }
        }
    }
    assert!(words.len() > 20);
}

#[test]
fn every_part_of_a_line_is_looked_at() {
    let (_folder, book) = whole();
    let all = lines(&exported(&book));
    let first = |kind: &str| all.iter().position(|line| line.starts_with(&format!("{{\"{kind}\""))).unwrap();
    for (kind, from, to, word) in [
        ("casebook", "\"format\":1", "\"format\":2", "use a newer version"),
        ("casebook", "casebook", "diary", "no line of an exported casebook"),
        ("case", "\"id\":\"01", "\"id\":\"8Z", "written otherwise"),
        ("case", "\"events\":", "\"events\":1", "events"),
        ("event", "\"seq\":1", "\"seq\":2", "does not come here"),
        ("event", "\"type\":\"opened\"", "\"type\":\"later\"", "newer version"),
        ("event", "\"type\":\"opened\"", "\"type\":\"concluded\"", "do not fit"),
        ("event", "\"body\":\"", "\"body\":\"!", "no base64"),
        ("event", "\"time\":", "\"extra\":1,\"time\":", "no line of an exported casebook"),
        ("blob", "{\"blob\":\"", "{\"blob\":\"AAAA", "which is not in the file"),
        ("learned", "\"service\":\"", "\"service\":\"x", "another service"),
        ("learned", "\"share\":0.5", "\"share\":1.5", "a share"),
    ] {
        let at = first(kind);
        let mut forgery = all.clone();
        forgery[at] = forgery[at].replacen(from, to, 1);
        assert_ne!(forgery[at], all[at], "{kind}: {from}");
        let Some((_, told)) = refused(&forged(&forgery)) else { panic!("{kind}: {from}") };
        assert!(told.contains(word), "{kind}, {from}: {told}");
    }
    let mut unasked = all.clone();
    unasked.insert(1, "{\"blob\":\"AAAA\"}".to_owned());
    assert!(refused(&forged(&unasked)).unwrap().1.contains("of no case"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    /// Whatever is in a frame is refused, and nothing panics.
    #[test]
    fn no_lines_panic(lines in proptest::collection::vec("[ -~]{0,60}", 0..6), bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        proptest::prop_assert!(refused(&forged(&lines)).is_some());
        proptest::prop_assert!(refused(&bytes).is_some());
        proptest::prop_assert!(refused(&zstd::encode_all(&bytes[..], 1).unwrap()).is_some());
    }
}

#[test]
fn a_case_that_is_imported_open_waits_until_somebody_asks_for_it() {
    let (_first, one) = book();
    let id = one.open_case(opened("f")).unwrap().case().id;
    let (_second, other) = book();
    assert_eq!(other.import(&exported(&one)[..]).unwrap(), Imported { new: 1, open: 1, ..Imported::default() });
    let incident = opened("f").incident;
    let found = |book: &Casebook| {
        let (open, same) = (book.find_open("f", &incident.window), book.find_start("f", incident.window.start));
        (book.unfinished().unwrap(), open.unwrap(), same.unwrap())
    };
    assert_eq!(found(&one), (vec![id], Some(id), Some(id)));
    assert_eq!(found(&other), (Vec::new(), None, None), "no incident joins it, and no server takes it up");
    assert_eq!((other.cases(9).unwrap(), other.check().unwrap().damage), (vec![id], Vec::new()), "it is there");
    other.claim(&id).unwrap();
    assert_eq!(found(&other), (vec![id], Some(id), Some(id)));
    // Once more the same: it is known, and stays one that somebody asked for.
    assert_eq!(other.import(&exported(&one)[..]).unwrap(), Imported { known: 1, ..Imported::default() });
    assert_eq!(found(&other).0, [id]);
}

#[test]
fn what_of_a_case_came_from_elsewhere_stays_known() {
    let (_first, one) = book();
    let id = propose(&one, "f").unwrap();
    assert_eq!(one.imported(&id).unwrap(), 0, "it is of this casebook");
    let (_second, other) = book();
    other.import(&exported(&one)[..]).unwrap();
    let events = one.events(&id).unwrap().len() as u64;
    assert_eq!(other.imported(&id).unwrap(), events, "ended ones, too");
    other.claim(&id).unwrap();
    assert_eq!(other.imported(&id).unwrap(), events, "whoever asks for it says nothing of where it is from");
    let mut log = one.resume(&id).unwrap();
    log.append(became(Some(1), Became::WrongCulprit)).unwrap();
    log.release().unwrap();
    other.import(&exported(&one)[..]).unwrap();
    assert_eq!(other.imported(&id).unwrap(), events + 1);
    assert_eq!((other.check().unwrap().damage, one.imported(&id).unwrap()), (Vec::new(), 0));
}

#[test]
fn a_line_without_an_end_is_not_held() {
    let (_folder, book) = book();
    // A few kilobytes hold as long a line as somebody likes.
    let mut file = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    let mut write = |bytes: &[u8]| std::io::Write::write_all(&mut file, bytes).unwrap();
    write(b"{\"casebook\":{\"format\":1,\"by\":\"x\"}}\n{\"blob\":\"");
    (0..97).for_each(|_| write(&vec![b'A'; 1 << 20]));
    write(b"\"}\n");
    let file = file.finish().unwrap();
    assert!(file.len() < 1 << 20);
    let error = book.import(&file[..]).unwrap_err();
    assert!(matches!(&error, CasebookError::Foreign { line: 2, .. }), "{error}");
    assert!(error.to_string().contains("more than 100663296 bytes"), "{error}");
}
