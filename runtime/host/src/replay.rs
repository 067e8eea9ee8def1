//! Answers out of the record: what tools said once, said again.
//!
//! A call that is replayed asks nobody. Each of its questions gets what the record has for it, in the order in which the record has
//! them, refusals of limits among them: nothing is counted anew, so that the same component goes the same way. A candidate is
//! shown the answers of a whole case, as one source before all others: its questions are held against its own scope and limits, and
//! what the record has no answer to goes to what stands behind the tools, if anything does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use negawatt_package::Tool;

use crate::call::{ToolAnswer, decode};
use crate::model::{Answer, Error};
use crate::record::{MAX_ERROR, lock};
use crate::skill::Digest;
use crate::tools::HttpRequest;

/// Answers of the record behind the tools; see [`crate::Tools::recorded`].
pub struct Replay {
    answers: Vec<Arc<ToolAnswer>>,
    kind: Kind,
    state: Mutex<State>,
}

enum Kind {
    /// What one call asked, in order.
    Call,
    /// What a case asked, by questions.
    Case(HashMap<Digest, usize>),
}

#[derive(Default)]
struct State {
    given: Vec<bool>,
    unanswered: Vec<Question>,
}

/// A question to a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Which tool.
    pub tool: Tool,
    /// Which of its functions.
    pub function: String,
    /// The arguments, encoded.
    pub request: Vec<u8>,
}

impl Question {
    fn new(tool: Tool, function: &str, request: &[u8]) -> Question {
        Question { tool, function: function.to_owned(), request: request.to_owned() }
    }

    fn digest(tool: Tool, function: &str, request: &[u8]) -> Digest {
        Digest::of(&[tool.name().as_bytes(), b"\0", function.as_bytes(), b"\0", request].concat())
    }
}

impl Replay {
    /// One call again: all that it asks is answered by these answers of its record, in their order.
    pub fn of_call(answers: Vec<ToolAnswer>) -> Replay {
        Replay::new(answers, Kind::Call)
    }

    /// A source made of a case's answers. What a limit or a scope refused is no answer: those of the call at hand decide of that. Of
    /// several answers to one question the first holds.
    pub fn of_case(answers: Vec<ToolAnswer>) -> Replay {
        let refused = |answer: &ToolAnswer| {
            let told = answer.error.as_deref().unwrap_or_default();
            answer.request.is_empty()
                || ["denied: ", "over-budget: ", "cancelled: "].iter().any(|by| told.starts_with(by))
        };
        let answers: Vec<_> = answers.into_iter().filter(|answer| !refused(answer)).collect();
        let mut places = HashMap::new();
        for (at, ToolAnswer { tool, function, request, .. }) in answers.iter().enumerate() {
            places.entry(Question::digest(*tool, function, request)).or_insert(at);
        }
        Replay::new(answers, Kind::Case(places))
    }

    fn new(answers: Vec<ToolAnswer>, kind: Kind) -> Replay {
        let state = State { given: vec![false; answers.len()], unanswered: Vec::new() };
        Replay { answers: answers.into_iter().map(Arc::new).collect(), kind, state: Mutex::new(state) }
    }

    /// What was asked and nobody answered, in order.
    pub fn unanswered(&self) -> Vec<Question> {
        lock(&self.state).unanswered.clone()
    }

    /// The answers that nobody asked for, by their places in the record.
    pub fn unasked(&self) -> Vec<usize> {
        let state = lock(&self.state);
        (0..self.answers.len()).filter(|at| !state.given[*at]).collect()
    }

    pub(crate) fn is_of_call(&self) -> bool {
        matches!(self.kind, Kind::Call)
    }

    /// What the record has for a question.
    pub(crate) fn answer(&self, tool: Tool, function: &str, request: &[u8]) -> Option<Arc<ToolAnswer>> {
        match &self.kind {
            // A question that was refused before it was taken is recorded without what it said.
            Kind::Call => self.next(tool, function, |known| known == request || known.is_empty()),
            Kind::Case(places) => {
                let at = *places.get(&Question::digest(tool, function, request))?;
                lock(&self.state).given[at] = true;
                Some(self.answers[at].clone())
            }
        }
    }

    /// What the record of a call has for a request over HTTP whose body is not known yet.
    pub(crate) fn answer_to(&self, function: &str, head: Option<&HttpRequest>) -> Option<Arc<ToolAnswer>> {
        self.next(Tool::Http, function, |known| {
            let known = decode::<HttpRequest>(known).map(|known| HttpRequest { body: Vec::new(), ..known });
            known.is_none() || known.as_ref() == head
        })
    }

    /// The first answer to such a question that was not given yet. After the first question that a limit refused, the record has
    /// no further ones that were refused: they are answered alike.
    fn next(&self, tool: Tool, function: &str, is_it: impl Fn(&[u8]) -> bool) -> Option<Arc<ToolAnswer>> {
        let mut state = lock(&self.state);
        let fits = |answer: &ToolAnswer| answer.tool == tool && answer.function == function && is_it(&answer.request);
        let next = (0..self.answers.len()).find(|at| !state.given[*at] && fits(&self.answers[*at]));
        if let Some(at) = next {
            state.given[at] = true;
            return Some(self.answers[at].clone());
        }
        let is_refusal = |answer: &&Arc<ToolAnswer>| {
            answer.request.is_empty() && answer.error.as_ref().is_some_and(|told| told.starts_with("over-budget: "))
        };
        let mut given = self.answers.iter().zip(&state.given).filter(|(_, given)| **given).map(|(answer, _)| answer);
        given.rfind(is_refusal).cloned()
    }

    /// Notes a question that nobody answers, and gives the answer to that.
    pub(crate) fn miss(&self, tool: Tool, function: &str, request: &[u8]) -> Error {
        let question = Question::new(tool, function, request);
        let unanswered = &mut lock(&self.state).unanswered;
        if unanswered.len() < MOST_UNANSWERED && !unanswered.contains(&question) {
            unanswered.push(question);
        }
        Error::Unavailable("the record has no answer to this question".to_owned())
    }
}

/// Questions that are kept of those that nobody answered: a skill may ask on and on.
const MOST_UNANSWERED: usize = 100;

/// What a recorded answer says.
pub(crate) fn told<A: serde::de::DeserializeOwned>(answer: &ToolAnswer) -> Answer<A> {
    let unread = || Err(Error::Internal("the recorded answer has another form".to_owned()));
    decode::<Answer<A>>(&answer.response).unwrap_or_else(unread).map_err(|error| error.shortened(MAX_ERROR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::encode;

    fn answer(function: &str, request: &[u8], said: Answer<u64>) -> ToolAnswer {
        let response = encode(&said).unwrap();
        let error = said.err().map(|error| error.told());
        ToolAnswer { tool: Tool::Docs, function: function.into(), request: request.into(), response, error, wall_us: 1 }
    }

    fn say(replay: &Replay, function: &str, request: &[u8]) -> Option<Answer<u64>> {
        replay.answer(Tool::Docs, function, request).map(|answer| told(&answer))
    }

    #[test]
    fn a_call_gets_its_answers_in_order_and_each_once() {
        let replay = Replay::of_call(vec![
            answer("read", b"a", Ok(1)),
            answer("read", b"b", Ok(2)),
            answer("read", b"a", Ok(3)),
        ]);
        assert_eq!(say(&replay, "read", b"a"), Some(Ok(1)));
        assert_eq!(say(&replay, "read", b"a"), Some(Ok(3)));
        assert_eq!((say(&replay, "read", b"a"), say(&replay, "search", b"b")), (None, None));
        assert_eq!(replay.unasked(), [1]);
    }

    #[test]
    fn whom_a_limit_refused_once_is_refused_again() {
        let spent = || Error::OverBudget("spent".into());
        let replay = Replay::of_call(vec![answer("read", b"a", Ok(1)), answer("read", b"", Err(spent()))]);
        assert_eq!(say(&replay, "read", b"a"), Some(Ok(1)));
        for _ in 0..3 {
            assert_eq!(say(&replay, "read", b"more"), Some(Err(spent())));
        }
        assert_eq!(replay.unasked(), [] as [usize; 0]);
    }

    #[test]
    fn a_case_answers_the_same_question_as_often_as_it_is_asked() {
        let denied = answer("read", b"c", Err(Error::Denied("not yours".into())));
        let away = answer("read", b"d", Err(Error::NotFound("no such page".into())));
        let replay = Replay::of_case(vec![answer("read", b"a", Ok(1)), answer("read", b"a", Ok(2)), denied, away]);
        assert_eq!([say(&replay, "read", b"a"), say(&replay, "read", b"a")], [Some(Ok(1)), Some(Ok(1))]);
        assert_eq!(say(&replay, "read", b"c"), None, "the scope at hand decides");
        assert_eq!(say(&replay, "read", b"d"), Some(Err(Error::NotFound("no such page".into()))));
    }

    #[test]
    fn what_nobody_answers_is_named_once() {
        let replay = Replay::of_case(Vec::new());
        for request in [b"a", b"b", b"a"] {
            assert_eq!(replay.miss(Tool::Docs, "read", request).code(), "unavailable");
        }
        let named: Vec<_> = replay.unanswered().into_iter().map(|question| question.request).collect();
        assert_eq!(named, [b"a", b"b"]);
    }
}
