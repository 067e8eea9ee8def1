//! What a case prints for machines: one JSON object, whose keys are never absent.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use negawatt_casebook::{Case, Verdict};
use negawatt_host::model::{ChangePoint, FindingBody, FunctionShift, Impact, Mitigation};
use negawatt_host::{json, time};
use serde_json::{Map, Value, json};

use crate::board::Board;
use crate::denials::refused;
use crate::fusion::{Ranked, rank};
use crate::terms::Terms;

/// The case as people's programs read it.
pub fn answer(case: &Case) -> Value {
    let (board, terms) = (Board::of(case), Terms::of(case));
    let concluded = case.concluded();
    let verdict = concluded.map(|concluded| concluded.verdict);
    json!({
        "case": case.id.to_string(),
        "verdict": verdict.map(Verdict::name),
        "confidence": concluded.map(|concluded| concluded.confidence),
        "dismissal": concluded.and_then(|concluded| concluded.dismissal.as_ref()).map(|dismissal| json!({
            "reason": dismissal.reason.word(), "detail": dismissal.detail,
        })),
        "change_point": change(case).map(|change| json!({
            "time": time::rfc3339(change.time), "before": change.before, "after": change.after,
            "relative": change.relative(), "p_value": change.p_value,
        })),
        "functions": functions(&board).into_iter().map(|shift| json!({
            "name": shift.name, "before": shift.before, "after": shift.after,
        })).collect::<Vec<_>>(),
        "suspects": suspects(case).iter().map(suspect).collect::<Vec<_>>(),
        "mitigations": mitigations(&board).into_iter().map(|mitigation| json!({
            "strategy": mitigation.strategy, "target": mitigation.target, "patch": mitigation.patch, "checks": [],
            "setting": mitigation.setting.as_ref().map(|setting| json!({
                "service": setting.service, "key": setting.key, "value": setting.value,
            })),
            "validation": mitigation.validation,
        })).collect::<Vec<_>>(),
        "impact": impact(&board).map(|impact| json!({
            "cores": impact.cores, "watts": impact.watts, "basis": impact.basis,
        })),
        "evidence": board.items().iter().map(|item| {
            let mut evidence = json::evidence(&item.evidence);
            let mut from: Vec<_> = item.from.iter().map(|tool| tool.name()).collect();
            from.sort_unstable();
            evidence["from"] = json!(from);
            evidence
        }).collect::<Vec<_>>(),
        "plan": case.steps.iter().map(|step| json!({
            "step": step.planned.step,
            "skill": step.planned.skill,
            "digest": step.planned.digest.to_string(),
            "status": step.status(),
            "evidence": step.accepted.clone().unwrap_or_default(),
            "wall_us": step.last_call().map_or(0, |call| call.usage.wall_us),
            "message": step.last_call().and_then(|call| call.message.clone()),
            "reason": step.planned.reason,
            "withheld": step.planned.withheld,
            "denials": step.last_call().map(refused).unwrap_or_default().iter().map(|refused| json!({
                "question": refused.question, "message": refused.message, "times": refused.times,
            })).collect::<Vec<_>>(),
            "effects": step.intents,
            "log": step.last_call().map(|call| call.log.clone()).unwrap_or_default(),
        })).collect::<Vec<_>>(),
        "put_aside": terms.put_aside.iter().map(|aside| json!({
            "skill": aside.skill, "digest": aside.digest, "since": time::rfc3339(aside.since), "reason": aside.reason,
        })).collect::<Vec<_>>(),
        "scope": case.opened.as_ref().map(|opened| json!({
            "services": opened.neighbours.iter().chain([&opened.incident.service]).collect::<BTreeSet<_>>(),
            "distance": terms.reach.distance,
            "look_back_us": case.catalogs().flatten().map(|entry| (entry.id.clone(), json!(entry.look_back))).collect::<Map<_, _>>(),
        })),
        "budget": terms.budget.as_ref().map(|budget| json!({
            "steps": budget.steps, "tool_calls": budget.tool_calls, "read_bytes": budget.read_bytes,
            "time_ms": budget.time.as_millis() as u64,
        })),
        "usage": {
            "wall_ms": concluded.map_or(0, |concluded| concluded.wall_ms),
            "skill_calls": case.usage.skill_calls,
            "tool_calls": case.usage.tool_calls,
            "read_bytes": case.usage.read_bytes,
            "peak_memory_bytes": case.usage.peak_memory_bytes,
        },
        "ended_because": concluded.map(|concluded| concluded.ending.to_string()),
        "would_settle": concluded.and_then(|concluded| concluded.would_settle.clone()),
        "incident": case.opened.as_ref().map(|opened| json::incident(&opened.incident)),
        "fingerprint": case.opened.as_ref().map(|opened| opened.fingerprint.clone()),
        "earlier": case.opened.as_ref().and_then(|opened| opened.earlier.map(|earlier| earlier.to_string())),
    })
}

fn suspect(ranked: &Ranked) -> Value {
    json!({
        "kind": ranked.candidate.word(), "id": ranked.id, "author": ranked.author, "confidence": ranked.confidence,
        "files": ranked.files, "repository": ranked.repository,
        "factors": ranked.factors.iter().map(|factor| json!({
            "skill": factor.skill, "reason": factor.reason, "log_odds": factor.log_odds, "evidence": factor.evidence,
        })).collect::<Vec<_>>(),
    })
}

/// The suspects of a case, the most likely first; none where it was dismissed.
pub fn suspects(case: &Case) -> Vec<Ranked> {
    match case.concluded() {
        Some(concluded) if concluded.verdict == Verdict::Dismissed => Vec::new(),
        _ => rank(&Board::of(case)),
    }
}

/// The change that explains the incident, or that was dismissed.
pub fn change(case: &Case) -> Option<&ChangePoint> {
    let id = case.concluded()?.change_point.as_ref()?;
    match &case.evidence(id)?.evidence.finding.body {
        FindingBody::ChangePoint(change) => Some(change),
        _ => None,
    }
}

/// Functions by falling (after − before); of several words about one, the most confident.
pub fn functions(board: &Board) -> Vec<&FunctionShift> {
    let mut shifts: Vec<_> = board
        .bodies(|body| match body {
            FindingBody::FunctionShift(shift) => Some(shift),
            _ => None,
        })
        .map(|(item, shift)| (item.evidence.finding.confidence, shift))
        .collect();
    shifts.sort_by(|(a, _), (b, _)| b.partial_cmp(a).unwrap_or(Ordering::Equal));
    let mut functions: Vec<&FunctionShift> = Vec::new();
    for (_, shift) in shifts {
        if functions.iter().all(|known| known.name != shift.name) {
            functions.push(shift);
        }
    }
    functions.sort_by(|a, b| (b.after - b.before).total_cmp(&(a.after - a.before)));
    functions
}

/// What it costs, in the most confident word.
pub fn impact(board: &Board) -> Option<&Impact> {
    board
        .bodies(|body| match body {
            FindingBody::Impact(impact) => Some(impact),
            _ => None,
        })
        .max_by(|(a, _), (b, _)| a.evidence.finding.confidence.total_cmp(&b.evidence.finding.confidence))
        .map(|(_, impact)| impact)
}

fn mitigations(board: &Board) -> Vec<&Mitigation> {
    board
        .bodies(|body| match body {
            FindingBody::Mitigation(mitigation) => Some(mitigation),
            _ => None,
        })
        .map(|(_, mitigation)| mitigation)
        .collect()
}
