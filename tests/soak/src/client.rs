//! Who posts incidents: each again and again until it is acknowledged, as a webhook's sender would, and then follows its case.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use negawatt_test_servers::negawatt::{self, Events};
use rand_chacha::ChaCha8Rng;

use crate::moment::below;
use crate::signal::{Bus, Signal};
use crate::world::World;

/// How long a client waits for another server before it asks the same one once more.
const PATIENCE: Duration = Duration::from_secs(5);

/// Of a hundred incidents whose acknowledgement did not come, how many nobody posts again.
const GIVEN_UP: u32 = 10;

/// Where the server of now listens, and which one it is.
#[derive(Debug, Default)]
pub struct Door {
    state: Mutex<(u64, Option<String>)>,
    moved: Condvar,
}

impl Door {
    /// Another server listens there.
    pub fn open(&self, address: String) {
        let mut state = self.state();
        *state = (state.0 + 1, Some(address));
        self.moved.notify_all();
    }

    /// Nobody listens.
    pub fn close(&self) {
        self.state().1 = None;
    }

    /// Where a server listens: another one than the one of this number, unless none comes for a while. Waits for one.
    fn after(&self, known: u64, stop: &AtomicBool) -> Option<(u64, String)> {
        let mut state = self.state();
        let mut patient = true;
        loop {
            match &*state {
                (number, Some(address)) if *number > known || !patient => return Some((*number, address.clone())),
                _ if stop.load(Ordering::SeqCst) && !patient => return None,
                _ => {}
            }
            let waited = self.moved.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
            patient &= !waited.1.timed_out();
        }
    }

    fn state(&self) -> MutexGuard<'_, (u64, Option<String>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What clients did.
#[derive(Debug, Default)]
pub struct Posted {
    /// Of each fingerprint that was acknowledged: the number of its kind, and the cases that were named.
    pub acknowledged: BTreeMap<String, (usize, BTreeSet<String>)>,
    /// Fingerprints that nobody posted again, with the numbers of their kinds: there may be a case, or none.
    pub given_up: BTreeMap<String, usize>,
    /// How often an answer told of a case that was there already.
    pub duplicates: usize,
    /// How often no answer came.
    pub unanswered: usize,
}

/// What all clients share.
pub struct Clients<'a> {
    /// What they post.
    pub world: &'a World,
    /// Where effects of skills go.
    pub effects: String,
    /// Where they knock.
    pub door: &'a Door,
    /// Who hears of acknowledgements.
    pub bus: &'a Bus,
    /// Set when nothing new is to be posted.
    pub stop: &'a AtomicBool,
    /// How many incidents there were.
    pub count: AtomicUsize,
    /// What was done.
    pub posted: Mutex<Posted>,
}

impl Clients<'_> {
    /// Posts one incident after the other, until nothing new is to be posted.
    pub fn run(&self, mut dice: ChaCha8Rng) {
        let mut known = 0;
        while !self.stop.load(Ordering::SeqCst) {
            let number = self.count.fetch_add(1, Ordering::SeqCst);
            let kind = number % self.world.kinds.len();
            let fingerprint = format!("soak-{number}");
            let incident = self.world.kinds[kind].incident(&self.effects, &fingerprint).to_string();
            let mut before = known.max(1) - 1;
            let case = loop {
                let Some((server, address)) = self.door.after(before, self.stop) else { return };
                known = server;
                let answer = negawatt::ask(&address, "POST", "/v1/incidents", "", &incident);
                match answer.and_then(|answer| Ok((answer.status, answer.json()?))) {
                    Ok((200 | 202, answer)) => break self.acknowledged(&fingerprint, kind, &answer),
                    // It has too much to do, or was killed: it may have a case of it, or none.
                    Ok(_) | Err(_) => {
                        let mut posted = self.posted();
                        posted.unanswered += 1;
                        if below(&mut dice, 100) < GIVEN_UP {
                            posted.given_up.insert(fingerprint.clone(), kind);
                            break None;
                        }
                    }
                }
                before = known;
            };
            // More than one waits at a time, sometimes.
            if let Some(case) = case.filter(|_| below(&mut dice, 3) > 0) {
                known = self.follow(&case, known);
            }
        }
    }

    fn acknowledged(&self, fingerprint: &str, kind: usize, answer: &serde_json::Value) -> Option<String> {
        let case = answer["case"].as_str().unwrap_or_default().to_owned();
        let mut posted = self.posted();
        posted.duplicates += usize::from(answer["duplicate"] == true);
        let known = posted.acknowledged.entry(fingerprint.to_owned());
        known.or_insert_with(|| (kind, BTreeSet::new())).1.insert(case.clone());
        drop(posted);
        self.bus.send(Signal::Acknowledged);
        Some(case)
    }

    /// Listens until a case has ended, at one server after the other; gives the number of the last one.
    fn follow(&self, case: &str, mut known: u64) -> u64 {
        let mut before = known - 1;
        while !self.stop.load(Ordering::SeqCst) {
            let Some((server, address)) = self.door.after(before, self.stop) else { break };
            known = server;
            let events = Events::of(&address, &format!("/v1/cases/{case}/events"), "");
            if events.is_ok_and(|events| events.map_while(Result::ok).any(|(word, _)| word == "ended")) {
                break;
            }
            before = known;
        }
        known
    }

    fn posted(&self) -> MutexGuard<'_, Posted> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
