//! Findings as a hostile guest returns them: any image of memory, and any pointer into it.

pub mod image;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use negawatt_host::grants::{Grant, Grants, Rights};
use negawatt_host::limits::Limits;
use negawatt_host::model::profiles::Profile;
use negawatt_host::model::*;
use negawatt_host::{
    Envelope, Host, HostConfig, Kind, Origin, Outcome, Profiles, Scope, Skill, Status, Tool, Tools, time,
};

use crate::block_on;
use crate::shown::assert_shown;
use crate::skills::{IMAGE_BYTES, hostile_skill};

/// The window of the case.
const WINDOW: Window = Window { start: 0, end: 1_000_000 };

/// The one piece of evidence that the guest is shown.
const SHOWN: &str = "e1";

/// What calls need, made once.
struct Stage {
    host: Arc<Host>,
    skill: Arc<Skill>,
    rights: Rights,
    /// What an honest guest returns, and what came of it when nothing else had happened.
    honest: (Vec<u8>, Vec<Finding>),
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let host = Arc::new(Host::new(HostConfig::default()).unwrap_or_else(|error| panic!("{error}")));
    let skill = Skill::read(hostile_skill(), Origin::Loaded).unwrap_or_else(|error| panic!("{error}"));
    let grants = Grants { grants: vec![Grant::to(&skill.manifest.name, [Tool::Profiles])], ..Grants::default() };
    let rights = grants.rights(&skill).unwrap_or_else(|denial| panic!("{denial}"));
    let found: Vec<_> = image::examples().into_iter().filter(|finding| declared(&finding.body.kind())).collect();
    let mut stage = Stage { host, skill: Arc::new(skill), rights, honest: (image::of(&Ok(found.clone())), found) };
    let outcome = stage.call(&stage.honest.0);
    assert_eq!((outcome.status, &outcome.findings), (Status::Ok, &stage.honest.1), "{:?}", outcome.message);
    stage.honest.1 = outcome.findings;
    stage
});

fn declared(kind: &Kind) -> bool {
    !matches!(kind, Kind::Impact) && (!matches!(kind, Kind::Other(_)) || *kind == Kind::Other("acme.known".into()))
}

/// Any image: the call ends in a way that it may end, what it returns holds, and the next call does not notice.
pub fn findings(bytes: &[u8]) {
    let stage = &*STAGE;
    let outcome = stage.call(bytes);
    assert_outcome(&outcome);
    let honest = stage.call(&stage.honest.0);
    assert_eq!((honest.status, &honest.findings), (Status::Ok, &stage.honest.1), "{:?}", honest.message);
}

impl Stage {
    fn call(&self, image: &[u8]) -> Outcome {
        let image = &image[..image.len().min(IMAGE_BYTES)];
        block_on(self.host.call(&self.skill, &self.rights, envelope(image)))
    }
}

fn assert_outcome(outcome: &Outcome) {
    let Outcome { findings, status, message, usage, answers, log, case_spent, is_returned } = outcome;
    match status {
        Status::Ok => assert!(message.is_none()),
        Status::Error | Status::Trap | Status::OverBudget | Status::Invalid => {
            let message = message.as_deref().unwrap_or_default();
            assert!(!message.is_empty() && message.len() < 70_000 && findings.is_empty(), "{status:?}: {message}");
            assert_shown(message);
        }
        // It neither computes nor waits, it was called, and nothing was refused to it.
        Status::Timeout | Status::Skipped | Status::Denied | Status::Cancelled => panic!("{status:?}: {message:?}"),
    }
    assert!(!is_returned || !matches!(status, Status::Ok | Status::Trap | Status::Invalid));
    assert!(answers.len() == 1 && usage.tool_calls == 1 && log.is_empty() && !case_spent);
    let limits = Limits::default();
    assert!(usage.peak_memory_bytes <= limits.memory && findings.len() <= limits.findings as usize);
    findings.iter().for_each(|finding| assert_finding(finding, &limits));
}

/// What the host promises of a finding that it accepts, written down a second time.
fn assert_finding(finding: &Finding, limits: &Limits) {
    let share = |value: f64| assert!((0.0..=1.0).contains(&value), "{finding:?}");
    let number = |value: f64| assert!(value.abs() <= 1e100, "{finding:?}");
    let refers = |id: &String| assert_eq!(id, SHOWN);
    assert!(declared(&finding.body.kind()), "{:?} was not declared", finding.body.kind());
    share(finding.confidence);
    finding.because.iter().for_each(refers);
    assert!(finding.because.len() <= limits.links as usize && finding.summary.len() as u64 <= limits.text_bytes);
    match &finding.body {
        FindingBody::ChangePoint(change) => {
            assert!(WINDOW.contains(change.time) && time::is_writable(change.time));
            share(change.p_value);
            [change.before, change.after].into_iter().for_each(number);
        }
        FindingBody::Dismissal(dismissal) => dismissal.of.iter().for_each(refers),
        FindingBody::FunctionShift(shift) => {
            let shares = [shift.before, shift.after, shift.self_before, shift.self_after, shift.p_value];
            shares.into_iter().for_each(share);
            assert!(!shift.name.is_empty());
        }
        FindingBody::Suspect(suspect) => {
            assert!(suspect.log_odds.abs() <= 50.0 && !suspect.id.is_empty());
            assert!(suspect.candidate != Candidate::Commit || matches!(suspect.id.len(), 40 | 64));
        }
        FindingBody::Mitigation(mitigation) => {
            assert!(mitigation.patch.is_some() || mitigation.setting.is_some());
            assert!(!mitigation.strategy.is_empty() && !mitigation.target.is_empty());
        }
        FindingBody::Opportunity(opportunity) => {
            [opportunity.share, opportunity.saving_low, opportunity.saving_high].into_iter().for_each(share);
            assert!(!opportunity.name.is_empty());
        }
        FindingBody::Impact(impact) => panic!("{impact:?} was not declared"),
        FindingBody::Note(text) => assert!(text.len() as u64 <= limits.text_bytes),
        FindingBody::Other(other) => assert!(serde_json::from_str::<serde_json::Value>(&other.data).is_ok()),
    }
}

/// Answers with an image as the starts of its files: of all that a tool gives, the one list of any 64 bits.
struct Image(Vec<i64>);

#[async_trait]
impl Profiles for Image {
    async fn query(&self, _: &Scope, _: String, _: Window) -> Answer<Profile> {
        Ok(Profile {
            strings: Vec::new(),
            frame_names: Vec::new(),
            frame_files: Vec::new(),
            frame_lines: Vec::new(),
            stack_offsets: Vec::new(),
            stack_frames: Vec::new(),
            file_starts: self.0.clone(),
            file_offsets: Vec::new(),
            sample_stacks: Vec::new(),
            sample_counts: Vec::new(),
            unit: String::new(),
        })
    }
}

fn envelope(image: &[u8]) -> Envelope {
    let mut words = image.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        i64::from_le_bytes(word)
    });
    let image = Image(words.by_ref().collect());
    let incident = Incident {
        kind: IncidentKind::Opportunity,
        title: "it returns anything".into(),
        service: "shop".into(),
        metric: None,
        window: WINDOW,
        severity: Severity::Low,
    };
    let shown = image::examples().into_iter().next();
    let evidence = shown.map(|finding| Evidence { id: SHOWN.into(), by: "other@0.1.0".into(), finding });
    let tools = Tools { profiles: Some(Arc::new(image)), ..Tools::default() };
    // The machine may be busy; what is returned is what counts here.
    let limits = Limits { time: Duration::from_secs(600), compute: Duration::from_secs(600), ..Limits::default() };
    let mut envelope = Envelope::alone(incident, Arc::new(tools), limits);
    envelope.case.evidence = evidence.into_iter().collect();
    envelope
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_declared_is_refused_and_the_rest_comes_through() {
        for finding in image::examples() {
            let outcome = STAGE.call(&image::of(&Ok(vec![finding.clone()])));
            assert_outcome(&outcome);
            if declared(&finding.body.kind()) {
                assert_eq!((outcome.status, outcome.findings), (Status::Ok, vec![finding]), "{:?}", outcome.message);
            } else {
                assert_eq!(outcome.status, Status::Invalid);
            }
        }
    }

    #[test]
    fn every_end_of_a_call_is_met() {
        let error = |error: fn(String) -> Error| image::of(&Err(error("as it was told".into())));
        for (image, status) in [
            (error(Error::Denied), Status::Error),
            (error(Error::OverBudget), Status::Error),
            (error(Error::Cancelled), Status::Error),
            (error(Error::Internal), Status::Error),
            (vec![0xff; 64], Status::Trap),
            (image::of(&Ok(vec![image::examples()[0].clone(); 257])), Status::OverBudget),
        ] {
            let outcome = STAGE.call(&image);
            assert_eq!(outcome.status, status, "{:?}", outcome.message);
            findings(&image);
        }
    }
}
