//! A case is a fold over its events.

use std::sync::Arc;

use crate::common::*;
use negawatt_casebook::*;
use negawatt_host::{Status, Tool};
use proptest::collection::vec;
use proptest::prelude::*;

/// Any event of few steps and pieces of evidence, so that they meet.
fn event() -> impl Strategy<Value = Event> {
    let status = prop_oneof![Just(Status::Ok), Just(Status::Trap), Just(Status::Skipped)];
    prop_oneof![
        1 => Just(Event::Opened(opened("f").into())),
        4 => vec(1..5usize, 0..3).prop_map(planned),
        6 => (1..5usize, 1..3u32, status).prop_map(|(n, attempt, status)| Event::Called(Arc::new(Called {
            step: step(n),
            attempt,
            status,
            message: None,
            usage: outcome(status, vec![], vec![answer(Tool::Docs, n)]).usage,
            log: vec![],
            answers: vec![],
            findings: findings(),
            extra: vec![("a".into(), "b".into())],
        }))),
        4 => (1..5usize, 1..20usize, 0..3usize).prop_map(|(n, id, len)| accepted(n, id, findings()[..len].to_vec())),
        1 => Just(concluded()),
        1 => Just(Event::Cancelled(Cancelled { reason: "enough".into(), wall_ms: 1 })),
        1 => any::<u8>().prop_map(|version| Event::Unknown(Unknown { name: "later".into(), version, body: vec![version] })),
    ]
}

fn log(events: Vec<Event>) -> Vec<Recorded> {
    (1..).zip(events).map(|(seq, event)| Recorded { seq, time: seq as i64 * 10, event }).collect()
}

fn id() -> CaseId {
    "01D39ZY06FGSCTVN4T2V9PKHFZ".parse().unwrap()
}

proptest! {
    #[test]
    fn any_log_folds_in_any_pieces(events in vec(event(), 0..40), cut in 0..40usize) {
        let log = log(events);
        let whole = Case::fold(id(), &log);
        let mut pieces = Case::fold(id(), &log[..cut.min(log.len())]);
        prop_assert_eq!(pieces.seq as usize, cut.min(log.len()));
        // From the beginning again: what is in it already changes nothing.
        log.iter().for_each(|event| pieces.apply(event));
        prop_assert_eq!(&pieces, &whole);
        log.iter().for_each(|event| pieces.apply(event));
        prop_assert_eq!(&pieces, &whole);
        let called = log.iter().filter(|event| matches!(&event.event, Event::Called(call) if call.status != Status::Skipped));
        prop_assert_eq!(whole.usage.skill_calls as usize, called.count());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is tried: what was accepted is what is read, what was refused has left no trace, and a log that is written
    /// keeps its order.
    #[test]
    fn a_log_holds_what_was_accepted(batches in vec(vec(event(), 1..4), 0..16)) {
        let folder = folder();
        let book = Casebook::open(folder.path()).unwrap();
        let mut log = book.open_case(opened("f")).unwrap();
        let mut written = vec![Event::Opened(opened("f").into())];
        for batch in batches {
            let before = log.case().clone();
            match log.append(batch.clone()) {
                Ok(()) => written.extend(batch),
                Err(error) => {
                    prop_assert!(matches!(error, CasebookError::Misplaced { .. }), "{}", error);
                    prop_assert_eq!(log.case(), &before);
                }
            }
        }
        let events = book.events(&log.case().id).unwrap();
        prop_assert_eq!(happened(&events), (1..).zip(written).collect::<Vec<_>>());
        prop_assert_eq!(&Case::fold(log.case().id, &events), log.case());
        let case = log.case();
        for posted in &case.board {
            let step = case.step(&posted.step).unwrap();
            prop_assert!(step.accepted.as_ref().unwrap().contains(&posted.evidence.id));
        }
    }
}
