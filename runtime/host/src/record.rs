//! What is known of a call even when it is dropped in its middle: what it asked and said, and what that counts.
//!
//! Questions and answers count for the call and for its case alike, errors too, whose texts are cut. What was refused before it was
//! asked counts as a call, and not as bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use negawatt_package::Tool;
use serde::Serialize;
use tracing::Span;

use crate::budget::SharedBudget;
use crate::call::{Status, ToolAnswer};
use crate::limits::Limits;
use crate::model::{Answer, Error};
use crate::spans;

/// Bytes of one question to a tool, encoded: no more than anybody can think of.
const MAX_QUESTION_BYTES: usize = 64 << 10;

/// Characters of an error's text that a skill is told and the record keeps.
pub(crate) const MAX_ERROR: usize = 2_000;

/// The record of one call.
#[derive(Default)]
pub(crate) struct Record {
    budget: Option<Arc<SharedBudget>>,
    pub(crate) answers: Vec<ToolAnswer>,
    pub(crate) log: Vec<String>,
    pub(crate) log_bytes: u64,
    pub(crate) tool_calls: u32,
    pub(crate) read_bytes: u64,
    /// Whether a question was refused before it was asked.
    refused: bool,
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
    /// An empty one, of a call that draws on a budget.
    pub(crate) fn new(budget: Option<Arc<SharedBudget>>) -> Record {
        Record { budget, ..Record::default() }
    }

    /// Counts one more question, if it may be asked.
    fn admit(&mut self, limits: &Limits, tool: Tool, function: &str) -> Answer<()> {
        if self.tool_calls >= limits.tool_calls {
            let text = format!("a call of this skill may ask tools {} times", limits.tool_calls);
            return Err(self.refuse(tool, function, Error::OverBudget(text)));
        }
        if let Some(budget) = self.budget.as_ref().filter(|budget| !budget.draw_call()) {
            let error = Error::OverBudget(budget.no_calls());
            self.case_spent = true;
            return Err(self.refuse(tool, function, error));
        }
        self.tool_calls += 1;
        Ok(())
    }

    /// Records a question that is not asked at all, the first time: a skill may ask on and on.
    pub(crate) fn refuse(&mut self, tool: Tool, function: &str, error: Error) -> Error {
        if !std::mem::replace(&mut self.refused, true) {
            self.note(tool, function, (Vec::new(), refusal(&error)), Some(&error), Duration::ZERO);
        }
        error
    }

    /// Counts bytes of a question, which are recorded too.
    fn ask(&mut self, limits: &Limits, bytes: u64) -> Answer<()> {
        if self.read_bytes.saturating_add(bytes) > limits.read_bytes {
            let most = limits.read_bytes;
            return Err(Error::OverBudget(format!(
                "the {most} bytes that a call of this skill may ask and read are spent"
            )));
        }
        self.draw(bytes)
    }

    /// Counts bytes of an answer.
    fn read(&mut self, limits: &Limits, bytes: u64) -> Answer<()> {
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
        let Some(budget) = &self.budget else {
            self.read_bytes += bytes;
            return Ok(());
        };
        match budget.draw_bytes(bytes) {
            Ok(()) => {
                self.read_bytes += bytes;
                Ok(())
            }
            Err(left) => {
                self.read_bytes += left;
                self.case_spent = true;
                Err(Error::OverBudget(budget.no_bytes()))
            }
        }
    }

    /// Adds a question and its answer.
    fn note(
        &mut self,
        tool: Tool,
        function: &str,
        (request, response): (Vec<u8>, Vec<u8>),
        error: Option<&Error>,
        wall: Duration,
    ) {
        let (function, error, wall_us) = (function.to_owned(), error.map(Error::told), micros(wall));
        self.answers.push(ToolAnswer { tool, function, request, response, error, wall_us });
    }

    /// Notes a question and what the record of an earlier call says of it. Nothing is held against a limit: what limits left is what
    /// that record has.
    pub(crate) fn repeat(&mut self, answer: &ToolAnswer) {
        self.tool_calls = self.tool_calls.saturating_add(1);
        self.read_bytes = self.read_bytes.saturating_add((answer.request.len() + answer.response.len()) as u64);
        let refused_before = answer.request.is_empty() && std::mem::replace(&mut self.refused, true);
        if !refused_before {
            self.answers.push(answer.clone());
        }
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
        let refused = if request.len() > MAX_QUESTION_BYTES {
            let bytes = request.len();
            let text = format!("the question has {bytes} bytes; at most {MAX_QUESTION_BYTES} are taken");
            Some(Error::Invalid(text))
        } else {
            self.ask(limits, request.len() as u64).err()
        };
        if refused.is_some() {
            request = Vec::new();
        }
        let error = refused.as_ref().unwrap_or(unheard);
        self.note(tool, function, (request, refusal(error)), Some(error), Duration::ZERO);
        refused.map_or(Ok(self.answers.len() - 1), Err)
    }

    /// The question at a place, when all of it is known.
    pub(crate) fn asked(&mut self, limits: &Limits, slot: usize, request: Vec<u8>) -> Answer<()> {
        // A call that was ended has taken its answers away: nothing of it may happen any more.
        let Some(known) = self.answers.get(slot).map(|answer| answer.request.len()) else {
            return Err(Error::Cancelled("the call is over".to_owned()));
        };
        self.ask(limits, request.len().saturating_sub(known) as u64)?;
        self.answers[slot].request = request;
        Ok(())
    }

    /// The answer at a place; one that is more than may still be read is another error than it was. What becomes of it is noted in the
    /// question's span.
    pub(crate) fn answered<A: Serialize>(
        &mut self,
        limits: &Limits,
        slot: usize,
        mut answered: Answer<A>,
        wall: Duration,
        span: &Span,
    ) -> Answer<A> {
        answered = answered.map_err(|error| error.shortened(MAX_ERROR));
        if slot >= self.answers.len() {
            return answered;
        }
        let mut response = encode(&answered)?;
        if let Err(error) = self.read(limits, response.len() as u64) {
            response = refusal(&error);
            answered = Err(error);
        }
        spans::answered(span, &answered, response.len());
        let answer = &mut self.answers[slot];
        answer.response = response;
        answer.error = answered.as_ref().err().map(Error::told);
        answer.wall_us = micros(wall);
        answered
    }
}

/// An error as any tool's answer; it is encoded alike, whatever the answer would have been.
fn refusal(error: &Error) -> Vec<u8> {
    encode(&Err::<(), _>(error)).unwrap_or_default()
}

/// The bytes that the record keeps of a value; the same value has the same bytes, to every bit of a number.
pub fn encode<T: Serialize>(value: &T) -> Answer<Vec<u8>> {
    postcard::to_allocvec(value).map_err(|error| Error::Internal(format!("the answer cannot be recorded: {error}")))
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::limits::CaseLimits;

    fn limits(read_bytes: u64) -> Limits {
        Limits { read_bytes, ..Limits::default() }
    }

    /// Of a case with so much left.
    fn of_case(tool_calls: u32, read_bytes: u64) -> Record {
        let left = CaseLimits { tool_calls, read_bytes, ..CaseLimits::default() };
        Record::new(Some(Arc::new(SharedBudget::new(&left, &left))))
    }

    fn open(record: &mut Record, limits: &Limits, bytes: usize) -> Answer<usize> {
        let unheard = Error::Cancelled("nobody waited".to_owned());
        record.open(limits, (Tool::Metrics, "query"), vec![0; bytes], &unheard)
    }

    #[test]
    fn questions_count_to_the_byte() {
        let mut record = Record::new(None);
        assert_eq!(open(&mut record, &limits(10), 4), Ok(0));
        // The rest of it, when all of it is known.
        assert!(matches!(record.asked(&limits(10), 0, vec![0; 11]), Err(Error::OverBudget(_))));
        assert_eq!((record.read_bytes, record.answers[0].request.len()), (4, 4));
        assert_eq!(record.asked(&limits(10), 0, vec![0; 10]), Ok(()));
        assert_eq!((record.read_bytes, record.answers[0].request.len()), (10, 10));
        assert!(matches!(open(&mut record, &limits(10), 1), Err(Error::OverBudget(_))));
        assert_eq!(open(&mut record, &limits(u64::MAX), MAX_QUESTION_BYTES), Ok(2));
        assert!(matches!(open(&mut record, &limits(u64::MAX), MAX_QUESTION_BYTES + 1), Err(Error::Invalid(_))));
    }

    #[test]
    fn a_case_pays_for_what_its_calls_ask() {
        let mut record = of_case(9, 10);
        assert_eq!((open(&mut record, &limits(99), 3), open(&mut record, &limits(99), 4)), (Ok(0), Ok(1)));
        assert_eq!((record.read_bytes, record.case_spent), (7, false));
        assert!(matches!(open(&mut record, &limits(99), 4), Err(Error::OverBudget(_))));
        assert_eq!((record.read_bytes, record.case_spent), (10, true), "what does not fit empties it");
    }

    #[test]
    fn the_first_question_that_the_case_refuses_is_recorded() {
        let mut record = of_case(1, 10);
        assert_eq!(open(&mut record, &limits(99), 1), Ok(0));
        for _ in 0..2 {
            assert!(matches!(open(&mut record, &limits(99), 1), Err(Error::OverBudget(_))));
            assert_eq!((record.answers.len(), record.tool_calls, record.case_spent), (2, 1, true));
        }
    }

    fn asked(record: &mut Record, limits: &Limits, answered: Answer<u64>) -> Answer<u64> {
        let unheard = Error::Cancelled("nobody waited".into());
        let slot = record.open(limits, (Tool::Metrics, "query"), vec![0; 10], &unheard)?;
        record.answered(limits, slot, answered, Duration::ZERO, &Span::none())
    }

    #[test]
    fn texts_of_errors_are_cut_and_count() {
        let (mut record, limits) = (Record::default(), Limits::default());
        let error = asked(&mut record, &limits, Err(Error::Denied("x".repeat(100_000)))).unwrap_err();
        assert_eq!(error.message().chars().count(), MAX_ERROR);
        let answer = &record.answers[0];
        assert_eq!(answer.error.as_deref(), Some(error.told().as_str()));
        assert!(answer.response.len() < MAX_ERROR + 100);
        assert_eq!(record.read_bytes, 10 + answer.response.len() as u64);
        // Where an error is more than may still be read, it is another one.
        let few = Limits { read_bytes: 20, ..Limits::default() };
        let refused = asked(&mut Record::default(), &few, Err(Error::Denied("x".repeat(50)))).unwrap_err();
        assert_eq!(refused.code(), "over-budget");
    }

    #[test]
    fn of_a_call_that_is_over_nothing_happens_any_more() {
        let (mut record, limits) = (Record::default(), Limits::default());
        let unheard = Error::Cancelled("nobody waited".into());
        let slot = record.open(&limits, (Tool::Http, "POST"), Vec::new(), &unheard).unwrap();
        assert_eq!(record.asked(&limits, slot, vec![1; 5]), Ok(()));
        record.answers.clear();
        assert_eq!(record.asked(&limits, slot, vec![1; 9]).map_err(|error| error.code()), Err("cancelled"));
    }
}
