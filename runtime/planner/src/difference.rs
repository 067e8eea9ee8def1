//! Where a case that was run again went another way than its record.

use std::fmt;

use negawatt_casebook::{Called, Concluded};
use negawatt_host::model::Finding;
use negawatt_host::{Outcome, Question, Replay, Status, encode, json};
use serde::Serialize;
use serde_json::Value;

use crate::fusion::Ranked;

/// Something that is not as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The step and its skill; absent where it is of the whole case.
    pub step: Option<(String, String)>,
    /// What differs.
    pub differs: Differs,
}

/// What is not as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub enum Differs {
    /// The step ended otherwise.
    Status {
        /// As it was.
        recorded: Status,
        /// As it is now.
        replayed: Status,
        /// What went wrong now.
        message: Option<String>,
    },
    /// It says otherwise why it failed.
    Message {
        /// As it was.
        recorded: String,
        /// As it is now.
        replayed: String,
    },
    /// It found more, or less.
    Findings {
        /// As many as there were.
        recorded: usize,
        /// As many as there are now.
        replayed: usize,
    },
    /// A finding has other bytes.
    Finding {
        /// Which one, from 1.
        number: usize,
        /// The first byte of its encoding that differs, from 0.
        byte: usize,
        /// The first field that differs for people, such as `confidence`; absent where all look alike.
        field: Option<String>,
        /// What was there.
        recorded: String,
        /// What is there now.
        replayed: String,
    },
    /// It asks what the record has no answer to.
    Unanswered {
        /// The question.
        question: Question,
    },
    /// It does not ask what it asked then.
    NotAsked {
        /// The question's number in the step, from 1.
        number: usize,
        /// The tool and its function.
        question: String,
    },
    /// What was accepted of it, with what that derives from, is another thing.
    Evidence,
    /// The case comes to something else.
    Verdict {
        /// The field of the verdict.
        field: &'static str,
        /// What was there.
        recorded: String,
        /// What is there now.
        replayed: String,
    },
    /// The suspects are others, or as likely as others.
    Suspect {
        /// The place among them, from 1.
        rank: usize,
        /// Who was there, and how likely.
        recorded: String,
        /// Who is there now.
        replayed: String,
    },
}

impl Differs {
    /// Its word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Differs::Status { .. } => "status",
            Differs::Message { .. } => "message",
            Differs::Findings { .. } => "findings",
            Differs::Finding { .. } => "finding",
            Differs::Unanswered { .. } => "unanswered",
            Differs::NotAsked { .. } => "not-asked",
            Differs::Evidence => "evidence",
            Differs::Verdict { .. } => "verdict",
            Differs::Suspect { .. } => "suspect",
        }
    }
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Differs::Status { recorded, replayed, message } => {
                write!(f, "it ended with `{recorded}`, and ends with `{replayed}`")?;
                message.iter().try_for_each(|message| write!(f, ": {message}"))
            }
            Differs::Message { recorded, replayed } => write!(f, "it said {recorded:?}, and says {replayed:?}"),
            Differs::Findings { recorded, replayed } => {
                write!(f, "it returned {recorded} findings, and returns {replayed}")
            }
            Differs::Finding { number, byte, field, recorded, replayed } => {
                write!(f, "finding {number} differs from byte {byte} on")?;
                match field {
                    Some(field) => write!(f, ": `{field}` was {recorded}, and is {replayed}"),
                    None => write!(f, ", in bits that are shown alike"),
                }
            }
            Differs::Unanswered { question } => {
                let (tool, function, bytes) = (question.tool, &question.function, question.request.len());
                write!(f, "it asks {tool}.{function} ({bytes} bytes), and the record has no answer to that")
            }
            Differs::NotAsked { number, question } => write!(f, "it does not ask its question {number}, {question}"),
            Differs::Evidence => write!(f, "the same findings were accepted as other evidence"),
            Differs::Verdict { field, recorded, replayed } => {
                write!(f, "the {field} was {recorded}, and is {replayed}")
            }
            Differs::Suspect { rank, recorded, replayed } => {
                write!(f, "suspect {rank} was {recorded}, and is {replayed}")
            }
        }
    }
}

/// What is other about a call.
pub(crate) fn of_call(recorded: &Called, outcome: &Outcome, replay: &Replay) -> Vec<Differs> {
    let mut differs = Vec::new();
    if recorded.status != outcome.status {
        let message = outcome.message.clone();
        differs.push(Differs::Status { recorded: recorded.status, replayed: outcome.status, message });
    } else if recorded.message != outcome.message {
        let text = |message: &Option<String>| message.clone().unwrap_or_default();
        let (recorded, replayed) = (text(&recorded.message), text(&outcome.message));
        differs.push(Differs::Message { recorded, replayed });
    }
    if recorded.findings.len() != outcome.findings.len() && recorded.status == outcome.status {
        let (recorded, replayed) = (recorded.findings.len(), outcome.findings.len());
        differs.push(Differs::Findings { recorded, replayed });
    }
    let pairs = recorded.findings.iter().zip(&outcome.findings).enumerate();
    differs.extend(pairs.filter_map(|(at, (recorded, replayed))| of_finding(at + 1, recorded, replayed)));
    differs.extend(replay.unanswered().into_iter().map(|question| Differs::Unanswered { question }));
    let not_asked = replay.unasked().into_iter().filter_map(|at| {
        let answer = recorded.answers.get(at)?;
        Some(Differs::NotAsked { number: at + 1, question: format!("{}.{}", answer.tool, answer.function) })
    });
    differs.extend(not_asked);
    differs
}

fn of_finding(number: usize, recorded: &Finding, replayed: &Finding) -> Option<Differs> {
    let byte = first_other(&bytes(recorded), &bytes(replayed))?;
    let shown = first_field(&json::finding(recorded), &json::finding(replayed));
    let (field, recorded, replayed) = match shown {
        Some((field, recorded, replayed)) => (Some(field), recorded, replayed),
        None => (None, String::new(), String::new()),
    };
    Some(Differs::Finding { number, byte, field, recorded, replayed })
}

/// What is other about a verdict. How long it took is none of that.
pub(crate) fn of_verdict(recorded: &Concluded, replayed: &Concluded) -> Vec<Differs> {
    let mut differs = Vec::new();
    let mut compare = |field, same: bool, recorded: String, replayed: String| {
        if !same {
            differs.push(Differs::Verdict { field, recorded, replayed });
        }
    };
    let text = |text: &Option<String>| text.as_ref().map_or_else(|| "none".to_owned(), |text| format!("{text:?}"));
    compare(
        "verdict",
        recorded.verdict == replayed.verdict,
        recorded.verdict.to_string(),
        replayed.verdict.to_string(),
    );
    let (was, is) = (recorded.confidence, replayed.confidence);
    compare("confidence", was.to_bits() == is.to_bits(), was.to_string(), is.to_string());
    let reason = |concluded: &Concluded| {
        let reason =
            |dismissed: &negawatt_casebook::Dismissed| format!("{}: {}", dismissed.reason.word(), dismissed.detail);
        concluded.dismissal.as_ref().map(reason)
    };
    let (was, is) = (reason(recorded), reason(replayed));
    compare("dismissal", was == is, text(&was), text(&is));
    let (was, is) = (&recorded.change_point, &replayed.change_point);
    compare("change point", was == is, text(was), text(is));
    let (was, is) = (&recorded.would_settle, &replayed.would_settle);
    compare("open question", was == is, text(was), text(is));
    differs
}

/// The first place among the suspects that is other.
pub(crate) fn of_suspects(recorded: &[Ranked], replayed: &[Ranked]) -> Option<Differs> {
    let told = |ranked: Option<&Ranked>| {
        ranked.map_or("nobody".to_owned(), |ranked| {
            format!("the {} {} ({:.4})", ranked.candidate.word(), ranked.id, ranked.confidence)
        })
    };
    let same = |at: usize| match (recorded.get(at), replayed.get(at)) {
        (Some(was), Some(is)) => {
            (was.candidate, &was.id, was.confidence.to_bits()) == (is.candidate, &is.id, is.confidence.to_bits())
        }
        (was, is) => was.is_none() && is.is_none(),
    };
    let at = (0..recorded.len().max(replayed.len())).find(|at| !same(*at))?;
    Some(Differs::Suspect { rank: at + 1, recorded: told(recorded.get(at)), replayed: told(replayed.get(at)) })
}

/// The bytes of a value as the record keeps them.
pub(crate) fn bytes(value: &impl Serialize) -> Vec<u8> {
    encode(value).unwrap_or_default()
}

/// The first byte that differs; `None` where all are the same.
fn first_other(one: &[u8], other: &[u8]) -> Option<usize> {
    let differs = one.iter().zip(other).position(|(one, other)| one != other);
    differs.or((one.len() != other.len()).then_some(one.len().min(other.len())))
}

/// The first field that differs, with what is in it.
fn first_field(one: &Value, other: &Value) -> Option<(String, String, String)> {
    let inside = |name: String, one: &Value, other: &Value| {
        let (field, was, is) = first_field(one, other)?;
        let dot = if field.is_empty() || field.starts_with('[') { "" } else { "." };
        Some((format!("{name}{dot}{field}"), was, is))
    };
    match (one, other) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(name, value)| inside(name.clone(), value, &b[name]))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(at, (a, b))| inside(format!("[{at}]"), a, b))
        }
        (a, b) if a == b => None,
        (a, b) => Some((String::new(), a.to_string(), b.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use negawatt_host::model::FindingBody;
    use serde_json::json;

    use super::*;

    fn note(text: &str, confidence: f64) -> Finding {
        let (summary, because, extra) = (String::new(), Vec::new(), vec![("a".to_owned(), "b".to_owned())]);
        Finding { body: FindingBody::Note(text.to_owned()), confidence, summary, because, extra }
    }

    #[test]
    fn a_finding_differs_at_a_byte_and_in_a_field() {
        assert_eq!(of_finding(1, &note("x", 0.5), &note("x", 0.5)), None);
        let Some(Differs::Finding { number, byte, field, recorded, replayed }) =
            of_finding(3, &note("x", 0.5), &note("x", 0.75))
        else {
            panic!("no difference")
        };
        assert_eq!((number, field.as_deref(), &*recorded, &*replayed), (3, Some("confidence"), "0.5", "0.75"));
        let (was, is) = (bytes(&note("x", 0.5)), bytes(&note("x", 0.75)));
        assert_eq!(was[..byte], is[..byte]);
        assert_ne!(was[byte], is[byte]);
    }

    #[test]
    fn bits_that_look_alike_are_told_apart() {
        let nan = |bits| note("x", f64::from_bits(bits));
        let differs = of_finding(1, &nan(0x7ff8_0000_0000_0000), &nan(0x7ff8_0000_0000_0001));
        let Some(Differs::Finding { field: None, .. }) = differs else { panic!("{differs:?}") };
        assert!(differs.unwrap().to_string().contains("in bits that are shown alike"));
    }

    #[test]
    fn fields_are_named_by_their_way() {
        let field = |one, other| first_field(&one, &other).map(|(field, ..)| field);
        assert_eq!(field(json!({"a": [1, {"b": 2}]}), json!({"a": [1, {"b": 3}]})).as_deref(), Some("a[1].b"));
        assert_eq!(field(json!({"a": [1]}), json!({"a": [1, 2]})).as_deref(), Some("a"));
        assert_eq!(field(json!({"a": 1}), json!({"a": 1})), None);
    }
}
