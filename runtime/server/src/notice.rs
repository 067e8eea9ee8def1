//! What listeners are told while cases run.

use negawatt_casebook::{CaseId, End, Verdict};
use negawatt_planner::Progress;
use serde_json::{Value, json};

/// Something happened to a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The case.
    pub case: CaseId,
    /// What, in one word.
    pub what: &'static str,
    /// More about it; text in it is a stranger's.
    pub data: Value,
}

impl Notice {
    /// A case was accepted.
    pub fn accepted(case: CaseId, service: &str, title: &str) -> Notice {
        Notice { case, what: "accepted", data: json!({ "case": case.to_string(), "service": service, "title": title }) }
    }

    /// A case has a verdict, and is carried on.
    pub fn verdict(case: CaseId, verdict: Verdict) -> Notice {
        Notice { what: "verdict", ..Notice::ended(case, Some(verdict.name())) }
    }

    /// A case has a verdict and was carried on, or has come to rest without one.
    pub fn ended(case: CaseId, verdict: Option<&str>) -> Notice {
        Notice { case, what: "ended", data: json!({ "case": case.to_string(), "verdict": verdict }) }
    }

    /// The alert that a case was made of is over, as its sender says.
    pub fn resolved(case: CaseId, fingerprint: &str) -> Notice {
        Notice { case, what: "resolved", data: json!({ "case": case.to_string(), "fingerprint": fingerprint }) }
    }

    /// A case has ended so.
    pub fn of_end(case: CaseId, end: &End) -> Notice {
        let verdict = match end {
            End::Concluded(concluded) => Some(concluded.verdict.name()),
            End::Cancelled(_) => None,
        };
        Notice::ended(case, verdict)
    }

    /// What happens while a case runs.
    pub fn of(case: CaseId, progress: &Progress) -> Notice {
        let (what, data) = match progress {
            Progress::Opened(case) => ("started", json!({ "case": case.to_string() })),
            Progress::Planned(steps) => {
                let steps = steps.iter().map(|step| json!({ "step": step.step, "skill": step.skill }));
                let steps: Vec<_> = steps.collect();
                ("planned", json!({ "case": case.to_string(), "steps": steps }))
            }
            Progress::Step { step, fraction, text } => {
                ("progress", json!({ "case": case.to_string(), "step": step, "fraction": fraction, "text": text }))
            }
            Progress::Called { step, status, findings, wall_us } => {
                let status = status.to_string();
                let data = json!({ "case": case.to_string(), "step": step, "status": status, "findings": findings, "wall_us": wall_us });
                ("called", data)
            }
        };
        Notice { case, what, data }
    }
}
