//! What a pass did, for whoever reads of it.

use negawatt_casebook::{CaseId, Verdict};
use negawatt_host::Outcome;
use negawatt_host::model::{Timestamp, Window};

/// What one pass did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pass {
    /// The time that was looked at.
    pub window: Option<Window>,
    /// Series with anything in the window.
    pub series: usize,
    /// Those that skills looked at; the others had nothing new.
    pub scanned: usize,
    /// Those of which a skill that looks for changes failed; without an alarm they are due again.
    pub failed: usize,
    /// Those at which no skill could look; they are due again.
    pub unseen: usize,
    /// Changes that would have been alarms, had not a skill said why they are no regression.
    pub dismissed: usize,
    /// Changes that are to be seen once more before they are alarms.
    pub unconfirmed: usize,
    /// Alarms.
    pub alarms: usize,
    /// Cases that were opened.
    pub opened: Vec<OpenedCase>,
    /// Symptoms that joined a case.
    pub joined: Vec<Joined>,
    /// Cases of an earlier pass that were taken to their end.
    pub resumed: Vec<OpenedCase>,
    /// What did not work; the rest of the pass did.
    pub troubles: Vec<Trouble>,
    /// Whether it was interrupted before its end.
    pub interrupted: bool,
    /// Where the time went.
    pub spent: Spent,
}

/// A case.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenedCase {
    /// Its id.
    pub id: CaseId,
    /// What its incident says.
    pub title: String,
    /// How many series show its change.
    pub symptoms: usize,
    /// The first observation after the change.
    pub time: Timestamp,
    /// What it came to; `None` where it was interrupted.
    pub verdict: Option<Verdict>,
}

/// Symptoms that joined a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// The case.
    pub id: CaseId,
    /// How many.
    pub symptoms: usize,
}

/// What did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// A skill, a metric or a case.
    pub who: String,
    /// What it was; in the words of the first time.
    pub message: String,
    /// How often it happened.
    pub times: usize,
}

/// Where the time of a pass went, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Wall time of the whole pass.
    pub wall: u64,
    /// Wall time in which series were fetched.
    pub fetch: u64,
    /// Wall time in which skills looked.
    pub scan: u64,
    /// Wall time in which cases ran.
    pub cases: u64,
    /// Wall time of writing down what was seen.
    pub record: u64,
    /// Calls of skills.
    pub calls: u64,
    /// Time of skills, over all calls.
    pub guest: u64,
    /// Time of tools, over all calls.
    pub tools: u64,
    /// Wall time of calls, over all calls.
    pub called: u64,
}

impl Trouble {
    pub(crate) fn new(who: &str, message: &str) -> Trouble {
        Trouble { who: who.to_owned(), message: message.to_owned(), times: 1 }
    }
}

impl Spent {
    /// Counts a call.
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.calls += 1;
        self.guest += outcome.usage.guest_us;
        self.tools += outcome.usage.tools_us;
        self.called += outcome.usage.wall_us;
    }

    /// Adds what others spent on calls.
    pub(crate) fn add_calls(&mut self, other: &Spent) {
        self.calls += other.calls;
        self.guest += other.guest;
        self.tools += other.tools;
        self.called += other.called;
    }
}

impl Pass {
    /// Notes what did not work; of the same skill, metric or case only the first is told, and the others are counted.
    pub(crate) fn trouble(&mut self, trouble: Trouble) {
        match self.troubles.iter_mut().find(|known| known.who == trouble.who) {
            Some(known) => known.times += trouble.times,
            None => self.troubles.push(trouble),
        }
    }
}
