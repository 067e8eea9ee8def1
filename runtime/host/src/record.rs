//! What is known of a call even when it is dropped in its middle: what it asked and said, and what that counts.
//!
//! Questions and answers count for the call and for its case alike. A refusal is the host's own word: it counts as a call, and
//! not as bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use negawatt_package::Tool;
use serde::Serialize;

use crate::call::{Status, ToolAnswer};
use crate::limits::Limits;
use crate::model::{Answer, Error};
use crate::purse::Purse;

/// The record of one call.
#[derive(Default)]
pub(crate) struct Record {
    purse: Option<Arc<Purse>>,
    pub(crate) answers: Vec<ToolAnswer>,
    pub(crate) log: Vec<String>,
    pub(crate) log_bytes: u64,
    pub(crate) tool_calls: u32,
    pub(crate) read_bytes: u64,
    /// Whether the case's budget refused something.
    pub(crate) case_spent: bool,
    /// A limit that the host ended the call for.
    pub(crate) stopped: Option<(Status, String)>,
}

/// What a mutex guards, also after a panic elsewhere.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Record {
    /// An empty one, of a call that draws on a purse.
    pub(crate) fn new(purse: Option<Arc<Purse>>) -> Record {
        Record { purse, ..Record::default() }
    }

    /// Counts one more question, if it may be asked.
    pub(crate) fn admit(&mut self, limits: &Limits, tool: Tool, function: &str) -> Answer<()> {
        if self.tool_calls >= limits.tool_calls {
            return Err(Error::OverBudget(format!("a call of this skill may ask tools {} times", limits.tool_calls)));
        }
        if let Some(purse) = self.purse.as_ref().filter(|purse| !purse.draw_call()) {
            let error = Error::OverBudget(purse.no_calls());
            // Which question is the first to be refused depends on the case's other steps: that one is recorded.
            if !std::mem::replace(&mut self.case_spent, true) {
                self.note(tool, function, (Vec::new(), refusal(&error)), Some(&error), Duration::ZERO);
            }
            return Err(error);
        }
        self.tool_calls += 1;
        Ok(())
    }

    /// Counts bytes of a question, which are recorded too.
    pub(crate) fn ask(&mut self, limits: &Limits, bytes: u64) -> Answer<()> {
        if self.read_bytes.saturating_add(bytes) > limits.read_bytes {
            let most = limits.read_bytes;
            return Err(Error::OverBudget(format!(
                "the {most} bytes that a call of this skill may ask and read are spent"
            )));
        }
        self.draw(bytes)
    }

    /// Counts bytes of an answer.
    pub(crate) fn read(&mut self, limits: &Limits, bytes: u64) -> Answer<()> {
        let room = limits.read_bytes.saturating_sub(self.read_bytes);
        if bytes > room {
            let most = limits.read_bytes;
            return Err(Error::OverBudget(format!(
                "the answer has {bytes} bytes, and {room} of the {most} that a call of this skill may read are left; ask for less"
            )));
        }
        self.draw(bytes)
    }

    /// Counts bytes here and for the whole case.
    fn draw(&mut self, bytes: u64) -> Answer<()> {
        let Some(purse) = &self.purse else {
            self.read_bytes += bytes;
            return Ok(());
        };
        match purse.draw_bytes(bytes) {
            Ok(()) => {
                self.read_bytes += bytes;
                Ok(())
            }
            Err(left) => {
                self.read_bytes += left;
                self.case_spent = true;
                Err(Error::OverBudget(purse.no_bytes()))
            }
        }
    }

    /// Adds a question and its answer.
    pub(crate) fn note(
        &mut self,
        tool: Tool,
        function: &str,
        (request, response): (Vec<u8>, Vec<u8>),
        error: Option<&Error>,
        wall: Duration,
    ) {
        let (function, error, wall_us) = (function.to_owned(), error.map(told), micros(wall));
        self.answers.push(ToolAnswer { tool, function, request, response, error, wall_us });
    }

    /// Takes a place for a question that is answered later, in the order in which a skill asks. The error is what is recorded
    /// where nobody waits for the answer.
    pub(crate) fn open(
        &mut self,
        limits: &Limits,
        (tool, function): (Tool, &str),
        mut request: Vec<u8>,
        unheard: &Error,
    ) -> Answer<usize> {
        self.admit(limits, tool, function)?;
        let refused = self.ask(limits, request.len() as u64).err();
        if refused.is_some() {
            request = Vec::new();
        }
        let error = refused.as_ref().unwrap_or(unheard);
        self.note(tool, function, (request, refusal(error)), Some(error), Duration::ZERO);
        refused.map_or(Ok(self.answers.len() - 1), Err)
    }

    /// The question at a place, when all of it is known.
    pub(crate) fn asked(&mut self, limits: &Limits, slot: usize, request: Vec<u8>) -> Answer<()> {
        // A call that was ended has taken its answers away.
        let Some(known) = self.answers.get(slot).map(|answer| answer.request.len()) else { return Ok(()) };
        self.ask(limits, request.len().saturating_sub(known) as u64)?;
        self.answers[slot].request = request;
        Ok(())
    }

    /// The answer at a place; one that is more than may still be read is another error than it was.
    pub(crate) fn answered<A: Serialize>(
        &mut self,
        limits: &Limits,
        slot: usize,
        mut answered: Answer<A>,
        wall: Duration,
    ) -> Answer<A> {
        if slot >= self.answers.len() {
            return answered;
        }
        let mut response = encode(&answered)?;
        if answered.is_ok()
            && let Err(error) = self.read(limits, response.len() as u64)
        {
            response = refusal(&error);
            answered = Err(error);
        }
        let answer = &mut self.answers[slot];
        answer.response = response;
        answer.error = answered.as_ref().err().map(told);
        answer.wall_us = micros(wall);
        answered
    }
}

/// An error in the record.
fn told(error: &Error) -> String {
    format!("{}: {}", error.code(), error.message())
}

/// An error as any tool's answer; it is encoded alike, whatever the answer would have been.
pub(crate) fn refusal(error: &Error) -> Vec<u8> {
    encode(&Err::<(), _>(error)).unwrap_or_default()
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Answer<Vec<u8>> {
    postcard::to_allocvec(value).map_err(|error| Error::Internal(format!("the answer cannot be recorded: {error}")))
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
