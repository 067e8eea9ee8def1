//! What a skill returns is checked before anybody sees it.

use negawatt_package::Manifest;

use crate::call::Status;
use crate::limits::Limits;
use crate::model::{Candidate, CaseView, Finding, FindingBody};
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
    match &finding.body {
        FindingBody::ChangePoint(change) => {
            if !time::is_writable(change.time) || !case.incident.window.contains(change.time) {
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
