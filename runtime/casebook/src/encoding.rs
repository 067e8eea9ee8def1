//! How events become bytes: a byte with the version of the event's type, then its struct in postcard, which keeps every bit
//! of a number (NaN too) and depends on the order of fields and cases. A struct whose fields change gets a new version here,
//! and the old one a struct of its own that is turned into the new.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use negawatt_host::model::{EvidenceId, Finding};
use negawatt_host::{Digest, Origin, Status, Usage};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::{
    ACCEPTED, ADJUSTED, AnswerRef, CALLED, CANCELLED, CONCLUDED, Called, EQUIPPED, EXAMINED, Event, INTENDED, JOINED,
    OPENED, OUTCOME, PLANNED, PROPOSED, Planned, PlannedStep, REVIEWED, SPLIT, SUBMITTED, SUBMITTING, TOLD, Unknown,
};
use crate::proposal::{Became, Cost, Outcome, Proposed, Rank, Witness};

/// The version in which types of events are written that have never changed.
const FIRST: u8 = 1;

/// An event's bytes. The error says what cannot be written.
pub(crate) fn encode(event: &Event) -> Result<Vec<u8>, String> {
    match event {
        Event::Opened(event) => body(FIRST, &**event),
        Event::Equipped(event) => body(FIRST, event),
        Event::Planned(event) => body(2, event),
        Event::Intended(event) => body(FIRST, event),
        Event::Called(event) => body(2, &**event),
        Event::Accepted(event) => body(FIRST, event),
        Event::Concluded(event) => body(FIRST, event),
        Event::Cancelled(event) => body(FIRST, event),
        Event::Joined(event) => body(FIRST, event),
        Event::Split(event) => body(FIRST, event),
        Event::Proposed(event) => body(2, event),
        Event::Examined(event) => body(FIRST, event),
        Event::Reviewed(event) => body(FIRST, event),
        Event::Told(event) => body(FIRST, event),
        Event::Submitting(event) => body(FIRST, event),
        Event::Submitted(event) => body(FIRST, event),
        Event::Outcome(event) => body(2, event),
        Event::Adjusted(event) => body(FIRST, event),
        Event::Unknown(unknown) => Ok(unknown.body.clone()),
    }
}

/// The event of these bytes. A type or version that is not known here is no error; bytes that do not fit their version are.
pub(crate) fn decode(name: &str, body: &[u8]) -> Result<Event, String> {
    let (&version, fields) = body.split_first().ok_or("it is empty")?;
    Ok(match (name, version) {
        (OPENED, 1) => Event::Opened(Arc::new(read(fields)?)),
        (EQUIPPED, 1) => Event::Equipped(read(fields)?),
        (PLANNED, 1) => Event::Planned(read::<PlannedV1>(fields)?.into()),
        (PLANNED, 2) => Event::Planned(read(fields)?),
        (INTENDED, 1) => Event::Intended(read(fields)?),
        (CALLED, 1) => Event::Called(Arc::new(read::<CalledV1>(fields)?.into())),
        (CALLED, 2) => Event::Called(Arc::new(read(fields)?)),
        (ACCEPTED, 1) => Event::Accepted(read(fields)?),
        (CONCLUDED, 1) => Event::Concluded(read(fields)?),
        (CANCELLED, 1) => Event::Cancelled(read(fields)?),
        (JOINED, 1) => Event::Joined(read(fields)?),
        (SPLIT, 1) => Event::Split(read(fields)?),
        (PROPOSED, 1) => Event::Proposed(read::<ProposedV1>(fields)?.into()),
        (PROPOSED, 2) => Event::Proposed(read(fields)?),
        (EXAMINED, 1) => Event::Examined(read(fields)?),
        (REVIEWED, 1) => Event::Reviewed(read(fields)?),
        (TOLD, 1) => Event::Told(read(fields)?),
        (SUBMITTING, 1) => Event::Submitting(read(fields)?),
        (SUBMITTED, 1) => Event::Submitted(read(fields)?),
        (OUTCOME, 1) => Event::Outcome(read::<OutcomeV1>(fields)?.into()),
        (OUTCOME, 2) => Event::Outcome(read(fields)?),
        (ADJUSTED, 1) => Event::Adjusted(read(fields)?),
        _ => Event::Unknown(Unknown { name: name.to_owned(), version, body: body.to_owned() }),
    })
}

fn body(version: u8, event: &impl Serialize) -> Result<Vec<u8>, String> {
    postcard::to_extend(event, vec![version]).map_err(|error| error.to_string())
}

fn read<T: DeserializeOwned>(fields: &[u8]) -> Result<T, String> {
    match postcard::take_from_bytes(fields) {
        Ok((event, [])) => Ok(event),
        Ok((_, rest)) => Err(format!("{} bytes are left over", rest.len())),
        Err(error) => Err(error.to_string()),
    }
}

/// Version 1 of [`Planned`]: nothing was withheld from anybody.
#[derive(Deserialize)]
struct PlannedV1 {
    steps: Vec<PlannedStepV1>,
}

#[derive(Deserialize)]
struct PlannedStepV1 {
    step: String,
    skill: String,
    #[serde(with = "DigestDef")]
    digest: Digest,
    inputs: Vec<String>,
    reason: String,
}

impl From<PlannedV1> for Planned {
    fn from(old: PlannedV1) -> Planned {
        let step = |PlannedStepV1 { step, skill, digest, inputs, reason }| {
            let withheld = Vec::new();
            PlannedStep { step, skill, digest, inputs, withheld, reason }
        };
        Planned { steps: old.steps.into_iter().map(step).collect() }
    }
}

/// Version 1 of [`Proposed`]: nobody kept which precedents made its rank.
#[derive(Deserialize)]
struct ProposedV1 {
    number: u32,
    mitigation: EvidenceId,
    rank: RankV1,
}

#[derive(Deserialize)]
struct RankV1 {
    score: f64,
    helps: f64,
    risk: f64,
    precedent: f64,
    saving: Option<Cost>,
    reasons: Vec<String>,
}

impl From<ProposedV1> for Proposed {
    fn from(old: ProposedV1) -> Proposed {
        let RankV1 { score, helps, risk, precedent, saving, reasons } = old.rank;
        let rank = Rank { score, helps, risk, precedent, saving, reasons, precedents: Vec::new() };
        Proposed { number: old.number, mitigation: old.mitigation, rank }
    }
}

/// Version 1 of [`Called`]: what the call was given was not recorded.
#[derive(Deserialize)]
struct CalledV1 {
    step: String,
    attempt: u32,
    status: Status,
    message: Option<String>,
    usage: Usage,
    log: Vec<String>,
    answers: Vec<AnswerRef>,
    findings: Vec<Finding>,
}

impl From<CalledV1> for Called {
    fn from(old: CalledV1) -> Called {
        let CalledV1 { step, attempt, status, message, usage, log, answers, findings } = old;
        Called { step, attempt, status, message, usage, log, answers, findings, extra: Vec::new() }
    }
}

/// Version 1 of [`Outcome`]: nobody said when it happened.
#[derive(Deserialize)]
struct OutcomeV1 {
    proposal: Option<u32>,
    what: Became,
    by: Witness,
    culprit: Option<String>,
    text: String,
}

impl From<OutcomeV1> for Outcome {
    fn from(old: OutcomeV1) -> Outcome {
        let OutcomeV1 { proposal, what, by, culprit, text } = old;
        Outcome { proposal, what, by, at: None, culprit, text }
    }
}

/// How the host's digest is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Digest")]
pub(crate) struct DigestDef([u8; 32]);

/// How the host's origin is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Origin")]
pub(crate) enum OriginDef {
    Bundled,
    Loaded,
}

/// A path byte for byte: it need not be text.
pub(crate) mod os_path {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
        path.as_ref().map(|path| path.as_os_str()).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<OsString>::deserialize(from)?.map(PathBuf::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Concluded, Dismissed, Ending, Verdict};

    fn concluded(confidence: f64) -> Event {
        Event::Concluded(Concluded {
            verdict: Verdict::Inconclusive,
            confidence,
            dismissal: None,
            change_point: None,
            would_settle: None,
            wall_ms: 3,
            ending: Ending::NothingLeft,
        })
    }

    #[test]
    fn every_bit_of_a_number_is_kept() {
        for bits in [0x7ff8_0000_0000_0001, 0xfff0_dead_beef_0001, (-0.0f64).to_bits(), 1, f64::INFINITY.to_bits()] {
            let bytes = encode(&concluded(f64::from_bits(bits))).unwrap();
            let Event::Concluded(read) = decode(CONCLUDED, &bytes).unwrap() else { panic!("another event") };
            assert_eq!(read.confidence.to_bits(), bits);
        }
    }

    #[test]
    fn what_is_not_known_is_kept() {
        let known = encode(&concluded(0.5)).unwrap();
        let newer = [&[FIRST + 1], &known[1..]].concat();
        for (name, body, version) in [("later", &known, FIRST), (CONCLUDED, &newer, FIRST + 1)] {
            let event = decode(name, body).unwrap();
            assert_eq!(event, Event::Unknown(Unknown { name: name.into(), version, body: body.clone() }));
            assert_eq!(encode(&event).unwrap(), *body);
        }
    }

    #[test]
    fn an_older_plan_is_read_into_the_new_one() {
        let digest = Digest::of(b"x");
        let old = vec![("s1", "a@1.0.0", digest.0, vec!["e1"], "why")];
        let bytes = postcard::to_extend(&old, vec![1]).unwrap();
        let Event::Planned(read) = decode(PLANNED, &bytes).unwrap() else { panic!("another event") };
        let (step, skill, reason) = ("s1".to_owned(), "a@1.0.0".to_owned(), "why".to_owned());
        let inputs = vec!["e1".to_owned()];
        assert_eq!(read.steps, [PlannedStep { step, skill, digest, inputs, withheld: Vec::new(), reason }]);
        let again = encode(&Event::Planned(read.clone())).unwrap();
        assert_eq!((again[0], decode(PLANNED, &again).unwrap()), (2, Event::Planned(read)));
    }

    #[test]
    fn an_older_proposal_is_read_into_the_new_one() {
        let old = (3_u32, "e6", (0.5, 0.8, 0.1, 0.25, Some((12.0, 54.0)), vec!["why"]));
        let bytes = postcard::to_extend(&old, vec![1]).unwrap();
        let Event::Proposed(read) = decode(PROPOSED, &bytes).unwrap() else { panic!("another event") };
        let rank = Rank {
            score: 0.5,
            helps: 0.8,
            risk: 0.1,
            precedent: 0.25,
            saving: Some(Cost { cores: 12.0, watts: 54.0 }),
            reasons: vec!["why".to_owned()],
            precedents: Vec::new(),
        };
        assert_eq!(read, Proposed { number: 3, mitigation: "e6".to_owned(), rank });
        let again = encode(&Event::Proposed(read.clone())).unwrap();
        assert_eq!((again[0], decode(PROPOSED, &again).unwrap()), (2, Event::Proposed(read)));
    }

    #[test]
    fn an_older_call_is_read_into_the_new_one() {
        let (message, log) = (Some("why"), vec!["info: x"]);
        // Two empty lists at the end, each its length.
        let fields = ("s1", 1_u32, Status::Ok, message, Usage::default(), log, 0_u8, 0_u8);
        let Event::Called(read) = decode(CALLED, &postcard::to_extend(&fields, vec![1]).unwrap()).unwrap() else {
            panic!("another event")
        };
        assert_eq!((read.step.as_str(), read.attempt, read.extra.len()), ("s1", 1, 0));
        let again = encode(&Event::Called(read.clone())).unwrap();
        assert_eq!((again[0], decode(CALLED, &again).unwrap()), (2, Event::Called(read)));
    }

    #[test]
    fn an_older_outcome_is_read_into_the_new_one() {
        // Merged, as the forge says.
        let old = (Some(1_u32), 0_u8, 1_u8, None::<&str>, "merged as 4f");
        let bytes = postcard::to_extend(&old, vec![1]).unwrap();
        let Event::Outcome(read) = decode(OUTCOME, &bytes).unwrap() else { panic!("another event") };
        let (what, by, text) = (Became::Merged, Witness::Forge, "merged as 4f".to_owned());
        assert_eq!(read, Outcome { proposal: Some(1), what, by, at: None, culprit: None, text });
        let newer = Outcome { what: Became::Unmeasured, at: Some(7), ..read };
        let again = encode(&Event::Outcome(newer.clone())).unwrap();
        assert_eq!((again[0], decode(OUTCOME, &again).unwrap()), (2, Event::Outcome(newer)));
    }

    #[test]
    fn bytes_that_do_not_fit_are_refused() {
        let bytes = encode(&concluded(0.5)).unwrap();
        assert!(decode(CONCLUDED, &[]).is_err());
        assert!(decode(CONCLUDED, &bytes[..bytes.len() - 1]).is_err());
        assert!(decode(CONCLUDED, &[&bytes[..], &[0]].concat()).unwrap_err().contains("left over"));
    }

    proptest::proptest! {
        /// Bytes are compared, not events: a number that is none is not equal to itself.
        #[test]
        fn events_are_read_as_they_were_written(
            bits in proptest::num::u64::ANY,
            text in proptest::option::of(".{0,40}"),
            wall_ms in proptest::num::u64::ANY,
            dismissed in proptest::bool::ANY,
        ) {
            let reason = negawatt_host::model::DismissalReason::Planned;
            let event = Event::Concluded(Concluded {
                verdict: Verdict::Dismissed,
                confidence: f64::from_bits(bits),
                dismissal: dismissed.then(|| Dismissed { reason, detail: text.clone().unwrap_or_default() }),
                change_point: text.clone(),
                would_settle: text,
                wall_ms,
                ending: Ending::TimeOver,
            });
            let bytes = encode(&event).unwrap();
            proptest::prop_assert_eq!(encode(&decode(CONCLUDED, &bytes).unwrap()).unwrap(), bytes);
        }

        /// Whatever stands in a log is read or refused; what is read is written so that it is read again.
        #[test]
        fn no_bytes_panic(
            name in proptest::sample::select(vec![OPENED, EQUIPPED, PLANNED, CALLED, ACCEPTED, CONCLUDED, CANCELLED, JOINED, SPLIT, PROPOSED, EXAMINED, REVIEWED, TOLD, SUBMITTING, SUBMITTED, OUTCOME, ADJUSTED, "later"]),
            version in 0..3_u8,
            body in proptest::collection::vec(proptest::prop_oneof![0..3_u8, proptest::num::u8::ANY], 0..200),
        ) {
            if let Ok(event) = decode(name, &[&[version][..], &body].concat()) {
                let bytes = encode(&event).unwrap();
                proptest::prop_assert_eq!(encode(&decode(name, &bytes).unwrap()).unwrap(), bytes);
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_need_not_be_text() {
        use std::os::unix::ffi::OsStringExt;

        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Holder(#[serde(with = "os_path")] Option<PathBuf>);

        for path in [None, Some(PathBuf::from(OsString::from_vec(vec![b'/', 0xff, b'a'])))] {
            let bytes = postcard::to_allocvec(&Holder(path.clone())).unwrap();
            assert_eq!(postcard::from_bytes::<Holder>(&bytes).unwrap(), Holder(path));
        }
    }
}
