//! When a server is killed: drawn from a seed, and bound to what happens in it, so that kills fall into all that it does.

use std::fmt;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng as _;

use crate::signal::Signal;

/// How long a server lives at most where what it was to be killed at does not come.
const LONGEST: Duration = Duration::from_millis(2_500);

/// What a server is killed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// So long after it was started, perhaps before it listens.
    Time,
    /// An incident was acknowledged.
    Acknowledged,
    /// It tells its listeners something of a case.
    Event(&'static str),
    /// It writes to a file.
    Written(&'static str),
    /// A notice came to whom it was for, and is not answered yet.
    Noticed,
    /// An effect of a skill is outside, and is not answered yet.
    Affected,
    /// A remote is about to take a push, or has just taken it.
    Pushed(&'static str),
}

/// All of them. What is longer under way, or happens more rarely, is here more often.
const ALL: [At; 18] = [
    At::Time,
    At::Time,
    At::Acknowledged,
    At::Acknowledged,
    At::Event("accepted"),
    At::Event("started"),
    At::Event("planned"),
    At::Event("called"),
    At::Event("called"),
    At::Event("ended"),
    At::Written("casebook.sqlite-wal"),
    At::Written("casebook.sqlite-wal"),
    At::Written("casebook.sqlite-wal"),
    At::Written("outbox.db-wal"),
    At::Noticed,
    At::Affected,
    At::Pushed("pre-receive"),
    At::Pushed("post-receive"),
];

/// A moment: the n-th time that something happens, or a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// What.
    pub at: At,
    /// How often it still has to happen.
    left: u32,
    /// After which it is killed in any case.
    pub limit: Duration,
}

/// A number below a bound.
pub(crate) fn below(dice: &mut ChaCha8Rng, bound: u32) -> u32 {
    // The bounds are so small that nobody sees which numbers come a little more often.
    dice.next_u32() % bound.max(1)
}

impl Moment {
    /// The next one.
    pub fn draw(dice: &mut ChaCha8Rng) -> Moment {
        let at = ALL[below(dice, ALL.len() as u32) as usize];
        let (most, limit) = match at {
            At::Time => (1, Duration::from_micros(u64::from(below(dice, 900_000)))),
            At::Pushed(_) => (1, LONGEST),
            At::Acknowledged | At::Noticed | At::Affected => (4, LONGEST),
            At::Event(_) => (6, LONGEST),
            At::Written(_) => (60, LONGEST),
        };
        Moment { at, left: 1 + below(dice, most), limit }
    }

    /// A life of so long, which nothing ends before.
    pub fn after(limit: Duration) -> Moment {
        Moment { at: At::Time, left: 1, limit }
    }

    /// Whether it has come with this.
    pub fn has_come(&mut self, signal: &Signal) -> bool {
        let is_it = match (self.at, signal) {
            (At::Acknowledged, Signal::Acknowledged)
            | (At::Noticed, Signal::Noticed)
            | (At::Affected, Signal::Affected) => true,
            (At::Event(word), Signal::Event(said)) => word == said,
            (At::Written(file), Signal::Written(name)) => file == name,
            _ => false,
        };
        self.left -= u32::from(is_it);
        self.left == 0
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Time => f.write_str("at a time"),
            At::Acknowledged => f.write_str("after an acknowledgement"),
            At::Event(word) => write!(f, "after it told `{word}`"),
            At::Written(file) => write!(f, "after a write to {file}"),
            At::Noticed => f.write_str("while a notice is answered"),
            At::Affected => f.write_str("while an effect of a skill is answered"),
            At::Pushed("pre-receive") => f.write_str("before a remote takes a push"),
            At::Pushed(_) => f.write_str("after a remote took a push"),
        }
    }
}
