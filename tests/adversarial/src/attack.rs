//! One attack: what it does, and what must happen to it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use negawatt_host::model::FindingBody;
use negawatt_host::{Outcome, Status};

use crate::arena::Arena;

/// An attack.
#[derive(Clone)]
pub struct Attack {
    /// What attacks of its kind go for.
    pub family: &'static str,
    /// Its name, of which there is one.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// Limits of its call besides those of all, as in `[limits]` of a configuration.
    pub limits: &'static str,
    /// What must happen to it.
    pub expected: Expected,
    pub(crate) deed: Deed,
}

/// What is done.
#[derive(Clone)]
pub(crate) enum Deed {
    /// A component is loaded and called once, with a title of the incident.
    Skill {
        /// The component's bytes.
        wasm: Bytes,
        /// The title.
        title: String,
        /// Whether it is granted every tool.
        granted: bool,
    },
    /// Anything else.
    Act(Act),
}

/// Bytes of a component.
#[derive(Clone)]
pub(crate) enum Bytes {
    /// They are part of the program.
    Kept(&'static [u8]),
    /// They are made when they are needed.
    Made(fn() -> Vec<u8>),
}

/// Does something in an arena, and says what was seen.
pub(crate) type Act = fn(Arc<Arena>) -> Pin<Box<dyn Future<Output = Seen> + Send>>;

impl Bytes {
    pub(crate) fn get(&self) -> Vec<u8> {
        match self {
            Bytes::Kept(bytes) => bytes.to_vec(),
            Bytes::Made(make) => make(),
        }
    }
}

/// How an attack ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was not loaded: none of its code ran.
    Refused,
    /// It was called, and ended so.
    Called(Status),
    /// It is no skill, and what it went for held.
    Held,
    /// What it went for gave way.
    Broken,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Refused => f.write_str("refused"),
            Ending::Called(status) => status.fmt(f),
            Ending::Held => f.write_str("held"),
            Ending::Broken => f.write_str("broken"),
        }
    }
}

/// What must happen to an attack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// How it must end.
    pub ending: Ending,
    /// What must be said of it, somewhere in the message or in what it noted.
    pub says: &'static str,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ending)?;
        if self.says.is_empty() { Ok(()) } else { write!(f, ": … {} …", self.says) }
    }
}

/// What happened to an attack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// How it ended.
    pub ending: Ending,
    /// The host's message, or what the skill noted.
    pub said: String,
    /// How long it took until it was over.
    pub time: Duration,
    /// All that came out of it.
    pub(crate) out: Vec<u8>,
}

impl Seen {
    /// Of something that began at an instant and is over now.
    pub(crate) fn since(began: Instant, ending: Ending, said: impl Into<String>) -> Seen {
        let said = said.into();
        Seen { ending, time: began.elapsed(), out: said.clone().into_bytes(), said }
    }

    /// Of a call that began at an instant and is over now.
    pub(crate) fn call(began: Instant, outcome: &Outcome) -> Seen {
        let noted = outcome.findings.iter().find_map(|finding| match &finding.body {
            FindingBody::Note(text) => Some(text.clone()),
            _ => None,
        });
        let logged = || {
            let bytes: usize = outcome.log.iter().map(String::len).sum();
            format!("it logged {} lines of {} KiB", outcome.log.len(), bytes >> 10)
        };
        let logged = (!outcome.log.is_empty()).then(logged);
        let said = outcome.message.clone().or(noted).or(logged).unwrap_or_default();
        let mut out = format!("{:?}{:?}{:?}", outcome.findings, outcome.message, outcome.log).into_bytes();
        for answer in &outcome.answers {
            out.extend(&answer.response);
            out.extend(answer.error.iter().flat_map(|error| error.bytes()));
        }
        Seen { ending: Ending::Called(outcome.status), said, time: began.elapsed(), out }
    }

    /// Of what an attack went for: since when it held, and what is said of that, or what gave way.
    pub(crate) fn held<T: Into<String>>(held: Result<(Instant, T), String>) -> Seen {
        match held {
            Ok((began, said)) => Seen::since(began, Ending::Held, said),
            Err(problem) => Seen::since(Instant::now(), Ending::Broken, problem),
        }
    }
}

impl Attack {
    fn new(name: &'static str, about: &'static str, deed: Deed) -> Attack {
        let expected = Expected { ending: Ending::Refused, says: "" };
        Attack { family: "", name, about, limits: "", expected, deed }
    }

    /// Bytes that are no good skill.
    pub(crate) fn bytes(name: &'static str, about: &'static str, make: fn() -> Vec<u8>) -> Attack {
        Attack::new(name, about, Deed::Skill { wasm: Bytes::Made(make), title: String::new(), granted: true })
    }

    /// A skill that is part of the program, asked to do what a title says.
    pub(crate) fn skill(name: &'static str, about: &'static str, wasm: &'static [u8], title: &str) -> Attack {
        let wasm = Bytes::Kept(wasm);
        Attack::new(name, about, Deed::Skill { wasm, title: title.to_owned(), granted: true })
    }

    /// A deed of any kind.
    pub(crate) fn act(name: &'static str, about: &'static str, act: Act) -> Attack {
        Attack::new(name, about, Deed::Act(act))
    }

    /// Whether it is granted every tool.
    pub(crate) fn granted(mut self, all: bool) -> Attack {
        if let Deed::Skill { granted, .. } = &mut self.deed {
            *granted = all;
        }
        self
    }

    /// With limits of its own.
    pub(crate) fn limits(self, limits: &'static str) -> Attack {
        Attack { limits, ..self }
    }

    /// What must happen.
    pub(crate) fn must(self, ending: Ending, says: &'static str) -> Attack {
        Attack { expected: Expected { ending, says }, ..self }
    }

    /// It must end so when it is called.
    pub(crate) fn ends(self, status: Status, says: &'static str) -> Attack {
        self.must(Ending::Called(status), says)
    }

    /// Attacks of one family.
    pub(crate) fn family<const N: usize>(family: &'static str, attacks: [Attack; N]) -> Vec<Attack> {
        attacks.into_iter().map(|attack| Attack { family, ..attack }).collect()
    }

    /// The component and the incident's title, where that is what it is.
    pub fn component(&self) -> Option<(Vec<u8>, &str)> {
        match &self.deed {
            Deed::Skill { wasm, title, .. } => Some((wasm.get(), title)),
            Deed::Act(_) => None,
        }
    }

    /// Whether the skill is granted every tool that it could import.
    pub fn is_granted(&self) -> bool {
        matches!(self.deed, Deed::Skill { granted: true, .. })
    }
}
