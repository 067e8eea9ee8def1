//! What others are told: one versioned envelope, and a record for each kind of event. Nothing of it is a patch, code, or what a
//! command printed.

use negawatt_config::NotifyEvent;
use negawatt_host::model::Timestamp;
use negawatt_host::text::shorten;
use negawatt_host::time::rfc3339;
use serde::Serialize;
use serde_json::{Value, json};

/// The version of the payloads. Fields may be added to it, and none is removed or given another meaning.
pub const VERSION: &str = "negawatt.v1";

/// Characters of a text, entries of a list, and suspects that are told.
const LONGEST: usize = 500;
const MOST: usize = 20;
const SUSPECTS: usize = 5;

/// Something that others are told.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The case, a slash, and the number of the event in it: the same however often it is told. Without a point.
    pub id: String,
    /// When it happened.
    pub time: Timestamp,
    /// What happened.
    pub data: NoticeData,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum NoticeData {
    /// A case has its verdict.
    Verdict(VerdictNotice),
    /// A proposal was submitted.
    Proposal(ProposalNotice),
    /// A proposal waits for a person.
    ReviewNeeded(ReviewNotice),
    /// It is known what became of a case.
    Outcome(OutcomeNotice),
}

/// A case has its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerdictNotice {
    /// The case.
    pub case: String,
    /// The incident's service.
    pub service: String,
    /// The incident's title.
    pub title: String,
    /// The incident's severity.
    pub severity: String,
    /// `regression`, `opportunity`, `dismissed` or `inconclusive`.
    pub verdict: String,
    /// How sure that is, from 0 to 1.
    pub confidence: f64,
    /// The likeliest causes, the likeliest first; at most five are told.
    pub suspects: Vec<SuspectNotice>,
}

/// A cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SuspectNotice {
    /// `commit`, `config`, `experiment` or `service`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Who made it.
    pub author: Option<String>,
    /// How probable it is, from 0 to 1.
    pub confidence: f64,
}

/// A proposal was submitted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProposalNotice {
    /// The case.
    pub case: String,
    /// The proposal's number in the case.
    pub proposal: u32,
    /// The incident's service.
    pub service: String,
    /// Its strategy.
    pub strategy: String,
    /// What it is about.
    pub target: String,
    /// Where it is: a branch, or the address of a pull request.
    pub url: Option<String>,
}

/// A proposal waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReviewNotice {
    /// The case.
    pub case: String,
    /// The proposal's number in the case.
    pub proposal: u32,
    /// The incident's service.
    pub service: String,
    /// Its strategy.
    pub strategy: String,
    /// What it is about.
    pub target: String,
    /// How sure it is that it helps, from 0 to 1.
    pub confidence: f64,
    /// Why a person has to decide.
    pub why: Vec<String>,
}

/// It is known what became of a case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutcomeNotice {
    /// The case.
    pub case: String,
    /// The proposal's number in the case, where it is about one.
    pub proposal: Option<u32>,
    /// The incident's service.
    pub service: String,
    /// `merged`, `wrong-culprit` …
    pub outcome: String,
    /// What somebody said of it.
    pub text: Option<String>,
}

impl NoticeData {
    /// Which of the events it is.
    pub fn event(&self) -> NotifyEvent {
        match self {
            NoticeData::Verdict(_) => NotifyEvent::Verdict,
            NoticeData::Proposal(_) => NotifyEvent::Proposal,
            NoticeData::ReviewNeeded(_) => NotifyEvent::ReviewNeeded,
            NoticeData::Outcome(_) => NotifyEvent::Outcome,
        }
    }
}

impl Notice {
    /// The body that is sent; texts of strangers are cut, and else as they are.
    pub fn payload(&self) -> String {
        let mut data = json!(self.data);
        if let Some(suspects) = data.get_mut("suspects").and_then(Value::as_array_mut) {
            suspects.truncate(SUSPECTS);
        }
        cut(&mut data);
        json!({
            "version": VERSION,
            "id": self.id,
            "type": self.data.event().word(),
            "timestamp": rfc3339(self.time),
            "data": data,
        })
        .to_string()
    }
}

fn cut(value: &mut Value) {
    match value {
        Value::String(text) => *text = shorten(text, LONGEST),
        Value::Array(list) => {
            list.truncate(MOST);
            list.iter_mut().for_each(cut);
        }
        Value::Object(fields) => fields.values_mut().for_each(cut),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_says_what_it_is_and_is_bounded() {
        let suspect =
            |n: u32| SuspectNotice { kind: "commit".into(), id: format!("{n}"), author: None, confidence: 0.5 };
        let verdict = VerdictNotice {
            case: "01J".into(),
            service: "checkout".into(),
            title: "\u{1b}[2J\"é".repeat(1_000),
            severity: "high".into(),
            verdict: "regression".into(),
            confidence: 0.97,
            suspects: (0..100).map(suspect).collect(),
        };
        let notice = Notice { id: "01J/7".into(), time: 1_795_072_200_000_000, data: NoticeData::Verdict(verdict) };
        let read: Value = serde_json::from_str(&notice.payload()).unwrap();
        assert_eq!(
            (&read["version"], &read["type"], &read["id"]),
            (&json!("negawatt.v1"), &json!("verdict"), &json!("01J/7"))
        );
        assert_eq!((&read["timestamp"], &read["data"]["confidence"]), (&json!("2026-11-19T07:10:00Z"), &json!(0.97)));
        assert_eq!(read["data"]["suspects"].as_array().unwrap().len(), 5);
        assert_eq!(read["data"]["title"].as_str().unwrap().chars().count(), LONGEST);

        let review = ReviewNotice {
            case: "01J".into(),
            proposal: 2,
            service: "checkout".into(),
            strategy: "revert".into(),
            target: "4f1c".into(),
            confidence: 0.5,
            why: vec!["w".into(); 100],
        };
        let outcome = OutcomeNotice {
            case: "01J".into(),
            proposal: None,
            service: "checkout".into(),
            outcome: "merged".into(),
            text: None,
        };
        let proposal = ProposalNotice {
            case: "01J".into(),
            proposal: 1,
            service: "s".into(),
            strategy: "revert".into(),
            target: "t".into(),
            url: None,
        };
        for (data, word) in [
            (NoticeData::ReviewNeeded(review), "review_needed"),
            (NoticeData::Outcome(outcome), "outcome"),
            (NoticeData::Proposal(proposal), "proposal"),
        ] {
            let read: Value = serde_json::from_str(&Notice { data, ..notice.clone() }.payload()).unwrap();
            assert_eq!((read["type"].as_str(), read["data"]["case"].as_str()), (Some(word), Some("01J")));
            assert!(read["data"]["why"].as_array().is_none_or(|why| why.len() == MOST));
        }
    }
}
