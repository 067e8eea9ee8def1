//! What a skill returns is checked before anybody sees it.

use negawatt_package::Manifest;

use crate::call::Status;
use crate::limits::Limits;
use crate::model::{Candidate, CaseView, Finding, FindingBody, Incident};
use crate::time;

/// What does not hold.
pub(crate) struct Problem {
    pub(crate) status: Status,
    pub(crate) message: String,
}

/// Checks all findings of a call; the first that does not hold refuses them all.
pub(crate) fn findings(
    findings: &[Finding],
    manifest: &Manifest,
    case: &CaseView,
    limits: &Limits,
) -> Result<(), Problem> {
    let over = |message| Problem { status: Status::OverBudget, message };
    if findings.len() > limits.findings as usize {
        return Err(over(format!("it returned {} findings, and its limit is {}", findings.len(), limits.findings)));
    }
    let mut all = 0u64;
    for (n, finding) in findings.iter().enumerate() {
        let bytes = postcard::experimental::serialized_size(finding).map_or(u64::MAX, |bytes| bytes as u64);
        all = all.saturating_add(bytes);
        let links = finding.because.len();
        for (what, has, limit) in [
            (format!("finding {} has {bytes} bytes", n + 1), bytes, limits.finding_bytes),
            (
                format!("its findings have more than {} bytes together", limits.findings_bytes),
                all,
                limits.findings_bytes,
            ),
            (format!("finding {} links to {links} pieces of evidence", n + 1), links as u64, limits.links.into()),
        ] {
            if has > limit {
                return Err(over(format!("{what}, and the limit is {limit}")));
            }
        }
        // A finding that is short has no long text.
        if bytes > limits.text_bytes
            && let Some((name, bytes)) =
                long_text("", &serde_json::to_value(finding).unwrap_or_default(), limits.text_bytes)
        {
            let limit = limits.text_bytes;
            return Err(over(format!(
                "the text `{name}` of finding {} has {bytes} bytes, and the limit is {limit}",
                n + 1
            )));
        }
        check(finding, manifest, case)
            .map_err(|what| Problem { status: Status::Invalid, message: format!("finding {}: {what}", n + 1) })?;
    }
    Ok(())
}

/// A text in a value that has more bytes than it may, with the name of its field and its length.
fn long_text(name: &str, value: &serde_json::Value, most: u64) -> Option<(String, u64)> {
    use serde_json::Value;
    match value {
        Value::String(text) => Some((name.to_owned(), text.len() as u64)).filter(|(_, bytes)| *bytes > most),
        Value::Array(items) => items.iter().find_map(|item| long_text(name, item, most)),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| long_text(name, value, most)),
        _ => None,
    }
}

fn check(finding: &Finding, manifest: &Manifest, case: &CaseView) -> Result<(), String> {
    let kind = finding.body.kind();
    if !manifest.produces.contains(&kind) {
        return Err(format!("it is of kind {kind}, and SKILL.md does not name that under negawatt.produces"));
    }
    part("confidence", finding.confidence)?;
    let visible = |id: &str| case.evidence.iter().any(|evidence| evidence.id == id);
    let refer =
        |id: &str| if visible(id) { Ok(()) } else { Err(format!("it refers to {id:?}, which it was not shown")) };
    finding.because.iter().try_for_each(|id| refer(id))?;
    body(&finding.body, &case.incident, refer)
}

/// Says what does not hold of a finding that somebody gives, as it would not hold of one that a skill returns; what it refers to is not
/// looked at.
pub fn check_given(finding: &Finding, incident: &Incident) -> Result<(), String> {
    part("confidence", finding.confidence)?;
    body(&finding.body, incident, |_| Ok(()))
}

fn body(body: &FindingBody, incident: &Incident, refer: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
    match body {
        FindingBody::ChangePoint(change) => {
            if !time::is_writable(change.time) || !incident.window.contains(change.time) {
                return Err(format!("its time {} is outside of the window", time::rfc3339(change.time)));
            }
            part("p-value", change.p_value)?;
            finite("before", change.before)?;
            finite("after", change.after)
        }
        FindingBody::Dismissal(dismissal) => dismissal.of.as_deref().map_or(Ok(()), refer),
        FindingBody::FunctionShift(shift) => {
            for (name, value) in [
                ("before", shift.before),
                ("after", shift.after),
                ("self-before", shift.self_before),
                ("self-after", shift.self_after),
                ("p-value", shift.p_value),
            ] {
                part(name, value)?;
            }
            named("name", &shift.name)
        }
        FindingBody::Suspect(suspect) => {
            named("id", &suspect.id)?;
            let hash = matches!(suspect.id.len(), 40 | 64)
                && suspect.id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            if suspect.candidate == Candidate::Commit && !hash {
                return Err("a commit's id must be its full hash".to_owned());
            }
            if suspect.log_odds.abs() <= MAX_LOG_ODDS {
                Ok(())
            } else {
                Err(format!("log-odds is {}; it must be from -{MAX_LOG_ODDS} to {MAX_LOG_ODDS}", suspect.log_odds))
            }
        }
        FindingBody::Mitigation(mitigation) => {
            if mitigation.patch.is_none() && mitigation.setting.is_none() {
                return Err("a mitigation needs a patch or a setting".to_owned());
            }
            named("strategy", &mitigation.strategy)?;
            named("target", &mitigation.target)
        }
        FindingBody::Opportunity(opportunity) => {
            named("name", &opportunity.name)?;
            part("share", opportunity.share)?;
            part("saving-low", opportunity.saving_low)?;
            part("saving-high", opportunity.saving_high)
        }
        FindingBody::Impact(impact) => {
            finite("cores", impact.cores)?;
            finite("watts", impact.watts)
        }
        FindingBody::Note(_) => Ok(()),
        FindingBody::Other(other) => serde_json::from_str::<serde_json::Value>(&other.data)
            .map(drop)
            .map_err(|error| format!("its data is not JSON: {error}")),
    }
}

/// What no honest evidence exceeds; the planner clamps far below it.
const MAX_LOG_ODDS: f64 = 50.0;

/// The greatest magnitude of a level or a cost: what is beyond it is no measurement.
const MAX_MAGNITUDE: f64 = 1e100;

/// From 0 to 1.
fn part(name: &str, value: f64) -> Result<(), String> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(format!("{name} is {value}; it must be from 0 to 1")) }
}

fn finite(name: &str, value: f64) -> Result<(), String> {
    // NaN is not within any bound.
    if value.abs() <= MAX_MAGNITUDE {
        Ok(())
    } else {
        Err(format!("{name} is {value:e}; it must be a number up to 1e100"))
    }
}

fn named(name: &str, value: &str) -> Result<(), String> {
    if value.is_empty() { Err(format!("{name} is empty")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{
        ChangePoint, FunctionShift, Impact, IncidentKind, Mitigation, Opportunity, Other, Setting, Severity, Shape,
        Suspect, Window,
    };
    use crate::{Envelope, Origin, Skill};

    fn checked(body: FindingBody) -> Result<(), String> {
        let mut manifest = Skill::read(negawatt_test_guests::MISCHIEF, Origin::Loaded).unwrap().manifest;
        manifest.produces = vec![body.kind()];
        let (title, service, window) = (String::new(), "cart".to_owned(), Window { start: 0, end: 1_000 });
        let (kind, severity) = (IncidentKind::Opportunity, Severity::Low);
        let incident = Incident { kind, title, service, metric: None, window, severity };
        let case = Envelope::alone(incident, Arc::default(), Limits::default()).case;
        let (because, extra) = (Vec::new(), Vec::new());
        check(&Finding { body, confidence: 1.0, summary: String::new(), because, extra }, &manifest, &case)
    }

    type Change<T> = fn(&mut T);

    /// What is good is taken, and refused after each of these changes, with words that begin like this.
    fn refused<T: Clone>(good: &T, body: fn(T) -> FindingBody, changes: &[(&str, Change<T>)]) {
        assert_eq!(checked(body(good.clone())), Ok(()));
        for (says, change) in changes {
            let mut bad = good.clone();
            change(&mut bad);
            let error = checked(body(bad)).expect_err(says);
            assert!(error.starts_with(says), "{says}: {error}");
        }
    }

    #[test]
    fn every_number_has_its_bounds() {
        let (time, method, shape) = (999, String::new(), Shape::Step);
        let change = ChangePoint { time, before: -1e100, after: 1e100, p_value: 1.0, method, shape };
        let changes: [(_, Change<ChangePoint>); 4] = [
            ("its time", |change| change.time = 1_000),
            ("p-value is", |change| change.p_value = 1.1),
            ("before is", |change| change.before = f64::NEG_INFINITY),
            ("after is", |change| change.after = 1.1e100),
        ];
        refused(&change, FindingBody::ChangePoint, &changes);
        let (name, before, after, p_value) = ("f".to_owned(), 0.0, 1.0, 0.0);
        let shift = FunctionShift { name, before, after, self_before: 0.0, self_after: 1.0, p_value };
        let changes: [(_, Change<FunctionShift>); 6] = [
            ("before is", |shift| shift.before = -0.1),
            ("after is", |shift| shift.after = 1.1),
            ("self-before is", |shift| shift.self_before = f64::NAN),
            ("self-after is", |shift| shift.self_after = 1.1),
            ("p-value is", |shift| shift.p_value = -0.1),
            ("name is empty", |shift| shift.name.clear()),
        ];
        refused(&shift, FindingBody::FunctionShift, &changes);
        let (name, pattern, files) = ("o".to_owned(), String::new(), Vec::new());
        let chance = Opportunity { name, pattern, files, share: 1.0, saving_low: 0.0, saving_high: 1.0 };
        let changes: [(_, Change<Opportunity>); 4] = [
            ("name is empty", |chance| chance.name.clear()),
            ("share is", |chance| chance.share = 1.1),
            ("saving-low is", |chance| chance.saving_low = -0.1),
            ("saving-high is", |chance| chance.saving_high = f64::NAN),
        ];
        refused(&chance, FindingBody::Opportunity, &changes);
        let impact = Impact { cores: 1.0, watts: -1.0, basis: String::new() };
        let changes: [(_, Change<Impact>); 2] =
            [("cores is", |impact| impact.cores = f64::NAN), ("watts is", |impact| impact.watts = f64::INFINITY)];
        refused(&impact, FindingBody::Impact, &changes);
    }

    #[test]
    fn a_suspect_has_an_id_and_odds() {
        let (id, reason, log_odds) = ("0123456789abcdef".repeat(4), String::new(), 50.0);
        let (repository, author, files, extra) = (None, None, Vec::new(), Vec::new());
        let candidate = Candidate::Commit;
        let suspect = Suspect { candidate, id, repository, author, files, reason, log_odds, extra };
        let changes: [(_, Change<Suspect>); 6] = [
            ("id is empty", |suspect| (suspect.candidate, suspect.id) = (Candidate::Config, String::new())),
            ("a commit's id", |suspect| suspect.id.truncate(39)),
            ("a commit's id", |suspect| suspect.id = "g".repeat(40)),
            ("a commit's id", |suspect| suspect.id = "A".repeat(40)),
            ("log-odds is", |suspect| suspect.log_odds = -50.1),
            ("log-odds is", |suspect| suspect.log_odds = f64::NAN),
        ];
        refused(&suspect, FindingBody::Suspect, &changes);
        refused(&Suspect { id: "a".repeat(40), ..suspect.clone() }, FindingBody::Suspect, &[]);
        refused(&Suspect { candidate: Candidate::Config, id: "key".into(), ..suspect }, FindingBody::Suspect, &[]);
    }

    #[test]
    fn a_mitigation_says_what_to_do_and_to_what() {
        let setting = Setting { service: "cart".into(), key: "k".into(), value: "v".into() };
        let (strategy, target, validation) = ("revert".to_owned(), "cart".to_owned(), String::new());
        let mitigation = Mitigation { strategy, target, patch: None, setting: Some(setting), validation };
        let changes: [(_, Change<Mitigation>); 3] = [
            ("a mitigation needs", |mitigation| mitigation.setting = None),
            ("strategy is empty", |mitigation| mitigation.strategy.clear()),
            ("target is empty", |mitigation| mitigation.target.clear()),
        ];
        refused(&mitigation, FindingBody::Mitigation, &changes);
        let patch = Mitigation { patch: Some(String::new()), setting: None, ..mitigation };
        refused(&patch, FindingBody::Mitigation, &[]);
        let other = Other { name: "acme.x".into(), data: "{}".into() };
        refused(&other, FindingBody::Other, &[("its data is not JSON", |other| other.data = "{".into())]);
    }

    #[test]
    fn long_texts_are_found_wherever_they_are() {
        let value = serde_json::json!({ "a": "xx", "extra": [["k", "xxx"]], "n": 1 });
        assert_eq!(long_text("", &value, 2), Some(("extra".to_owned(), 3)));
        assert_eq!(long_text("", &value, 1), Some(("a".to_owned(), 2)));
        assert_eq!(long_text("", &value, 3), None);
    }
}
