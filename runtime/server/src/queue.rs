//! Cases that wait for a worker: bounded, the severe ones first, and among those of one severity each service in its turn.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use negawatt_casebook::CaseId;
use negawatt_host::model::Severity;
use tokio::sync::Notify;

/// Cases that wait.
#[derive(Debug)]
pub struct Queue {
    most: usize,
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// By urgency, the greatest last.
    levels: BTreeMap<u8, Level>,
    /// Cases that wait, and places that are kept for cases that are being opened.
    taken: usize,
}

/// The cases of one severity.
#[derive(Debug, Default)]
struct Level {
    /// Services that have cases, in the order of their turns.
    turns: VecDeque<String>,
    cases: HashMap<String, VecDeque<CaseId>>,
}

/// A place in the queue. It is given back where it is not used.
#[derive(Debug)]
pub struct Place<'a> {
    queue: &'a Queue,
    is_used: bool,
}

impl Queue {
    /// With places for so many cases.
    pub fn new(most: usize) -> Queue {
        Queue { most, state: Mutex::default(), arrived: Notify::new() }
    }

    /// A place for a case that is about to be opened; nothing where all are taken.
    pub fn place(&self) -> Option<Place<'_>> {
        let mut state = self.state();
        (state.taken < self.most).then(|| {
            state.taken += 1;
            Place { queue: self, is_used: false }
        })
    }

    /// Puts a case that is on disk already into the queue, whether or not there is a place: it was promised to be worked on.
    pub fn put_back(&self, case: CaseId, severity: Severity, service: &str) {
        self.state().taken += 1;
        self.insert(case, severity, service);
    }

    /// Takes a case out, if it waits; its place is free.
    pub fn remove(&self, case: &CaseId) {
        let mut state = self.state();
        let of_case = |(service, cases): (&String, &VecDeque<CaseId>)| cases.contains(case).then(|| service.clone());
        let found =
            state.levels.iter().find_map(|(urgency, level)| Some((*urgency, level.cases.iter().find_map(of_case)?)));
        let Some((urgency, service)) = found else { return };
        if let Some(level) = state.levels.get_mut(&urgency) {
            if let Some(cases) = level.cases.get_mut(&service) {
                cases.retain(|waiting| waiting != case);
                if cases.is_empty() {
                    level.cases.remove(&service);
                    level.turns.retain(|turn| *turn != service);
                }
            }
            if level.turns.is_empty() {
                state.levels.remove(&urgency);
            }
            state.taken = state.taken.saturating_sub(1);
        }
    }

    /// The next case; waits for one.
    pub async fn next(&self) -> CaseId {
        loop {
            // Asked for before looking, so that no arrival in between is missed.
            let arrived = self.arrived.notified();
            if let Some(case) = self.take() {
                return case;
            }
            arrived.await;
        }
    }

    /// How many cases may wait.
    pub fn most(&self) -> usize {
        self.most
    }

    /// How many cases wait.
    pub fn waiting(&self) -> usize {
        self.state().levels.values().flat_map(|level| level.cases.values()).map(VecDeque::len).sum()
    }

    fn insert(&self, case: CaseId, severity: Severity, service: &str) {
        let mut state = self.state();
        let level = state.levels.entry(urgency(severity)).or_default();
        let cases = level.cases.entry(service.to_owned()).or_default();
        if cases.is_empty() {
            level.turns.push_back(service.to_owned());
        }
        cases.push_back(case);
        drop(state);
        self.arrived.notify_one();
    }

    fn take(&self) -> Option<CaseId> {
        let mut state = self.state();
        let mut last = state.levels.last_entry()?;
        let level = last.get_mut();
        let service = level.turns.pop_front()?;
        let cases = level.cases.get_mut(&service)?;
        let case = cases.pop_front()?;
        if cases.is_empty() {
            level.cases.remove(&service);
        } else {
            level.turns.push_back(service);
        }
        if level.turns.is_empty() {
            last.remove();
        }
        state.taken = state.taken.saturating_sub(1);
        let more = !state.levels.is_empty();
        drop(state);
        if more {
            self.arrived.notify_one();
        }
        Some(case)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Puts a case there.
    pub fn fill(mut self, case: CaseId, severity: Severity, service: &str) {
        self.is_used = true;
        self.queue.insert(case, severity, service);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.is_used {
            let mut state = self.queue.state();
            state.taken = state.taken.saturating_sub(1);
        }
    }
}

fn urgency(severity: Severity) -> u8 {
    match severity {
        Severity::Low => 0,
        Severity::Medium => 1,
        Severity::High => 2,
        Severity::Critical => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> CaseId {
        format!("01J00000000000000000000{number:03}").parse().unwrap()
    }

    fn fill(queue: &Queue, cases: &[(u8, Severity, &str)]) {
        for (number, severity, service) in cases {
            queue.place().unwrap().fill(id(*number), *severity, service);
        }
    }

    fn order(queue: &Queue) -> Vec<CaseId> {
        std::iter::from_fn(|| queue.take()).collect()
    }

    #[test]
    fn the_severe_come_first_and_services_take_turns() {
        let queue = Queue::new(10);
        let (low, high) = (Severity::Low, Severity::High);
        fill(&queue, &[(1, low, "a"), (2, high, "a"), (3, high, "a"), (4, high, "a"), (5, high, "b"), (6, high, "c")]);
        assert_eq!(queue.waiting(), 6);
        assert_eq!(order(&queue), [2, 5, 6, 3, 4, 1].map(id));
        assert_eq!(queue.waiting(), 0);
    }

    #[test]
    fn it_holds_so_many_and_no_more() {
        let queue = Queue::new(2);
        let kept = queue.place().unwrap();
        fill(&queue, &[(1, Severity::Low, "a")]);
        assert!(queue.place().is_none(), "a place that is kept is taken");
        drop(kept);
        fill(&queue, &[(2, Severity::Low, "a")]);
        assert!(queue.place().is_none());
        // What was promised is not refused.
        queue.put_back(id(3), Severity::Critical, "b");
        assert_eq!(order(&queue), [3, 1, 2].map(id));
        assert!(queue.place().is_some());
    }

    #[test]
    fn what_is_taken_out_leaves_its_place_and_the_turns_of_others() {
        let queue = Queue::new(4);
        let (low, high) = (Severity::Low, Severity::High);
        fill(&queue, &[(1, low, "a"), (2, high, "a"), (3, high, "b"), (4, high, "b")]);
        assert!(queue.place().is_none());
        queue.remove(&id(2));
        queue.remove(&id(2));
        queue.remove(&id(1));
        assert_eq!(queue.waiting(), 2);
        fill(&queue, &[(5, high, "a"), (6, low, "c")]);
        assert!(queue.place().is_none(), "a place is given back once");
        assert_eq!(order(&queue), [3, 5, 4, 6].map(id));
    }

    #[tokio::test]
    async fn each_worker_gets_a_case() {
        let queue = std::sync::Arc::new(Queue::new(10));
        let worker = |queue: std::sync::Arc<Queue>| tokio::spawn(async move { queue.next().await });
        let workers = [worker(queue.clone()), worker(queue.clone())];
        tokio::task::yield_now().await;
        fill(&queue, &[(1, Severity::Low, "a"), (2, Severity::Low, "a")]);
        let mut got = Vec::new();
        for worker in workers {
            got.push(worker.await.unwrap());
        }
        got.sort();
        assert_eq!(got, [1, 2].map(id));
    }
}
