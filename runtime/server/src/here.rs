//! Cases that wait or run here, and those that somebody stopped.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use negawatt_casebook::CaseId;
use negawatt_telemetry::Trace;
use tokio_util::sync::CancellationToken;

/// Cases that wait or run here, and those that somebody stopped.
#[derive(Debug, Default)]
pub struct Here(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Cases that wait or run here.
    expected: HashMap<CaseId, Expected>,
    /// Cases that somebody stopped: nobody takes them up until they are resumed, or the server starts anew.
    stopped: HashSet<CaseId>,
}

#[derive(Debug)]
enum Expected {
    /// As a part of the trace of what brought it.
    Waits(Trace),
    /// Until it has a verdict and was carried on, or rests without.
    Runs {
        cancel: CancellationToken,
        trace: Trace,
        phase: Phase,
        /// Whether somebody resumed it meanwhile: it waits again where it comes to rest without an end.
        again: bool,
    },
}

/// How far a case is that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has no verdict yet.
    Runs,
    /// It has one, and waits to be carried on.
    Concluded,
    /// Somebody carries it on: one at a time does, however often it waits for that.
    Carried,
}

impl Here {
    /// Notes that a case is to be worked on, as a part of the trace of now; tells whether it has to be put into the queue for that.
    pub fn expect(&self, case: CaseId) -> bool {
        let mut state = self.state();
        state.stopped.remove(&case);
        match state.expected.get_mut(&case) {
            None => {
                state.expected.insert(case, Expected::Waits(Trace::now()));
                true
            }
            Some(Expected::Waits(_)) => false,
            Some(Expected::Runs { again, .. }) => {
                *again = true;
                false
            }
        }
    }

    /// Notes that a case runs, and gives what stops it and the trace that it is a part of; nothing where it is not to run any more, or runs already.
    pub fn begin(&self, case: CaseId, parking: &CancellationToken) -> Option<(CancellationToken, Trace)> {
        let mut state = self.state();
        let expected = state.expected.get_mut(&case)?;
        let Expected::Waits(trace) = expected else { return None };
        let (cancel, trace) = (parking.child_token(), std::mem::take(trace));
        *expected = Expected::Runs { cancel: cancel.clone(), trace: trace.clone(), phase: Phase::Runs, again: false };
        Some((cancel, trace))
    }

    /// Notes that a case that runs has a verdict, and is to be carried on.
    pub fn conclude(&self, case: &CaseId) {
        if let Some(Expected::Runs { phase: phase @ Phase::Runs, .. }) = self.state().expected.get_mut(case) {
            *phase = Phase::Concluded;
        }
    }

    /// Notes that a case is carried on, which ran until its verdict or waits, and gives the same; nothing where it is not to be, or is already.
    pub fn carry(&self, case: CaseId, parking: &CancellationToken) -> Option<(CancellationToken, Trace)> {
        // It may run since its verdict.
        let _ = self.begin(case, parking);
        match self.state().expected.get_mut(&case)? {
            Expected::Runs { cancel, trace, phase, .. } if *phase != Phase::Carried => {
                *phase = Phase::Carried;
                Some((cancel.clone(), trace.clone()))
            }
            _ => None,
        }
    }

    /// Notes that a case neither waits nor runs any more; tells whether somebody resumed it while it ran.
    pub fn forget(&self, case: &CaseId) -> bool {
        matches!(self.state().expected.remove(case), Some(Expected::Runs { again: true, .. }))
    }

    /// Stops a case that waits or runs here; tells whether it does.
    pub fn stop(&self, case: &CaseId) -> bool {
        let mut state = self.state();
        match state.expected.get_mut(case) {
            None => return false,
            Some(Expected::Waits(_)) => drop(state.expected.remove(case)),
            Some(Expected::Runs { cancel, again, .. }) => {
                cancel.cancel();
                *again = false;
            }
        }
        state.stopped.insert(*case);
        true
    }

    /// Of the cases that are open, those that neither wait nor run here, and that nobody stopped. What was stopped and is not open is
    /// forgotten.
    pub fn left(&self, open: Vec<CaseId>) -> Vec<CaseId> {
        let mut state = self.state();
        let known: BTreeSet<&CaseId> = open.iter().collect();
        state.stopped.retain(|case| known.contains(case));
        let is_left = |case: &CaseId| !state.expected.contains_key(case) && !state.stopped.contains(case);
        open.into_iter().filter(is_left).collect()
    }

    /// Whether a case waits or runs here.
    pub fn has(&self, case: &CaseId) -> bool {
        self.state().expected.contains_key(case)
    }

    /// How many cases run here and have no verdict yet.
    pub fn running(&self) -> usize {
        self.count(|expected| matches!(expected, Expected::Runs { phase: Phase::Runs, .. }))
    }

    /// How many cases have a verdict, and wait here to be carried on or are.
    pub fn carrying(&self) -> usize {
        self.count(|expected| matches!(expected, Expected::Runs { phase: Phase::Concluded | Phase::Carried, .. }))
    }

    fn count(&self, fits: impl Fn(&Expected) -> bool) -> usize {
        self.state().expected.values().filter(|expected| fits(expected)).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> CaseId {
        format!("01J00000000000000000000{number:03}").parse().unwrap()
    }

    #[test]
    fn what_is_stopped_before_it_begins_does_not_begin() {
        let (here, parking) = (Here::default(), CancellationToken::new());
        assert!(here.expect(id(1)) && !here.expect(id(1)));
        // A worker has it from the queue, and has not begun.
        assert!(here.stop(&id(1)) && !here.stop(&id(1)));
        assert!(here.begin(id(1), &parking).is_none());
        assert!(here.left(vec![id(1), id(2)]) == [id(2)], "nobody takes it up");
        assert!(here.expect(id(1)) && here.begin(id(1), &parking).is_some(), "but whoever resumes it");
        assert!(here.begin(id(1), &parking).is_none(), "one that is in the queue twice runs once");
        assert_eq!((here.running(), here.carrying()), (1, 0));
        here.conclude(&id(1));
        assert_eq!((here.running(), here.carrying()), (0, 1));
    }

    #[test]
    fn what_is_resumed_while_it_is_being_stopped_waits_again() {
        let (here, parking) = (Here::default(), CancellationToken::new());
        here.expect(id(1));
        let (cancel, _) = here.begin(id(1), &parking).unwrap();
        assert!(here.has(&id(1)) && !here.forget(&id(1)) && !here.has(&id(1)), "nobody resumed it");
        here.expect(id(1));
        let (again, _) = here.begin(id(1), &parking).unwrap();
        assert!(here.stop(&id(1)) && again.is_cancelled() && !cancel.is_cancelled());
        assert!(!here.expect(id(1)) && here.forget(&id(1)));
        here.expect(id(2));
        here.begin(id(2), &parking).unwrap();
        here.stop(&id(2));
        here.expect(id(2));
        assert!(here.stop(&id(2)) && !here.forget(&id(2)), "the last word counts");
    }

    #[test]
    fn what_waits_twice_to_be_carried_on_is_carried_once() {
        let (here, parking) = (Here::default(), CancellationToken::new());
        here.expect(id(1));
        here.begin(id(1), &parking).unwrap();
        assert!(here.carry(id(1), &parking).is_some(), "it ran until its verdict");
        assert!(here.carry(id(1), &parking).is_none());
        here.forget(&id(1));
        assert!(here.carry(id(1), &parking).is_none(), "nobody expects it");
        here.expect(id(1));
        assert!(here.carry(id(1), &parking).is_some() && here.carry(id(1), &parking).is_none(), "it had its verdict");
    }

    #[test]
    fn what_was_stopped_and_is_not_open_is_forgotten() {
        let here = Here::default();
        for number in 0..100 {
            here.expect(id(number));
            here.stop(&id(number));
        }
        assert!(here.left(vec![id(7)]).is_empty());
        assert_eq!(here.state().stopped.len(), 1);
    }
}
