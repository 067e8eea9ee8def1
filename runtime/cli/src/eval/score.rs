//! How right answers are, and whether their confidence means what it says.
//!
//! Reliability and the Brier score: G. W. Brier, *Verification of Forecasts Expressed in Terms of Probability*, Monthly Weather
//! Review 78(1), 1950; A. H. Murphy, R. L. Winkler, *Reliability of Subjective Probability Forecasts of Precipitation and
//! Temperature*, Applied Statistics 26(1), 1977.

use std::collections::BTreeMap;

use negawatt_host::model::Timestamp;
use negawatt_host::time::parse_rfc3339;
use serde::{Deserialize, Serialize};

use super::truth::Truth;

/// What an investigation said, as the command line prints it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Answer {
    verdict: String,
    confidence: f64,
    dismissal: Option<Dismissal>,
    change_point: Option<ChangePoint>,
    suspects: Vec<Suspect>,
    usage: Usage,
}

#[derive(Debug, Clone, Deserialize)]
struct Dismissal {
    reason: String,
}

#[derive(Debug, Clone, Deserialize)]
struct ChangePoint {
    time: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Suspect {
    kind: String,
    id: String,
    author: Option<String>,
    confidence: f64,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Usage {
    wall_ms: u64,
}

/// A labelled case that was investigated.
#[derive(Debug)]
pub struct Judged {
    /// Its name: the path of its folder below the one that was named.
    pub name: String,
    /// The right answer.
    pub truth: Truth,
    /// What was said, or why nothing was.
    pub answer: Result<Answer, String>,
    /// The incident's window, in microseconds.
    pub window: u64,
}

/// How a case was answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The case.
    pub case: String,
    /// What kind of case it is.
    pub scenario: Option<String>,
    /// What was said; null where it failed.
    pub verdict: Option<String>,
    /// Whether that is right; null where nobody knows.
    pub right: Option<bool>,
    /// Whether the reason of the dismissal is right; null where none is expected.
    pub reason_right: Option<bool>,
    /// The place of who is at fault among the suspects, from 1; 0 where it is not among them; null where nobody is at fault.
    pub place: Option<usize>,
    /// Whether the first suspect's author is the right one; null where none is known.
    pub author_right: Option<bool>,
    /// Microseconds between the change as found and as it was; null where one of them is missing.
    pub change_off_us: Option<u64>,
    /// The same as a part of the incident's window.
    pub change_off: Option<f64>,
    /// Whether somebody was accused; null where somebody is at fault, or nobody knows.
    pub accused: Option<bool>,
    /// How long it took.
    pub wall_ms: Option<u64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A share of cases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Share {
    /// Of so many.
    pub of: usize,
    /// So many are.
    pub are: usize,
}

impl Share {
    fn of(truths: impl Iterator<Item = bool>) -> Share {
        truths.fold(Share::default(), |share, is| Share { of: share.of + 1, are: share.are + usize::from(is) })
    }

    /// The share itself; `None` of no cases.
    pub fn value(self) -> Option<f64> {
        (self.of > 0).then(|| self.are as f64 / self.of as f64)
    }
}

/// Confidences, and whether what was held with them was right.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Calibration {
    /// How many.
    pub count: usize,
    /// The mean of (confidence − right)², right being 1 or 0. Who always says one half has 0.25.
    pub brier: Option<f64>,
    /// The mean, weighted by numbers, of how far the shares of right ones lie from the mean confidences of their bins.
    pub error: Option<f64>,
    /// By confidence, in tenths; bins of nothing are left out.
    pub bins: Vec<Bin>,
}

/// What was held with about the same confidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bin {
    /// From this confidence on.
    pub from: f64,
    /// How many.
    pub count: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of right ones.
    pub right: f64,
}

impl Calibration {
    fn of(held: &[(f64, bool)]) -> Calibration {
        let count = held.len();
        let mean = |sum: f64| (count > 0).then(|| sum / count as f64);
        let brier = held.iter().map(|(confidence, right)| (confidence - f64::from(u8::from(*right))).powi(2)).sum();
        let mut tenths: BTreeMap<usize, Vec<(f64, bool)>> = BTreeMap::new();
        for &(confidence, right) in held {
            tenths.entry(((confidence * 10.0) as usize).min(9)).or_default().push((confidence, right));
        }
        let bins: Vec<Bin> = tenths
            .into_iter()
            .map(|(tenth, held)| {
                let count = held.len() as f64;
                Bin {
                    from: tenth as f64 / 10.0,
                    count: held.len(),
                    confidence: held.iter().map(|(confidence, _)| confidence).sum::<f64>() / count,
                    right: held.iter().filter(|(_, right)| *right).count() as f64 / count,
                }
            })
            .collect();
        let error = bins.iter().map(|bin| bin.count as f64 * (bin.confidence - bin.right).abs()).sum();
        Calibration { count, brier: mean(brier), error: mean(error), bins }
    }
}

/// The middle, the ninth tenth and the greatest of some numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread<T> {
    /// Half are no greater.
    pub median: T,
    /// Nine of ten are no greater.
    pub p90: T,
    /// None is greater.
    pub most: T,
}

impl<T: Copy + PartialOrd> Spread<T> {
    fn of(mut values: Vec<T>) -> Option<Spread<T>> {
        values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        let at = |part: f64| values[((values.len() - 1) as f64 * part).round() as usize];
        (!values.is_empty()).then(|| Spread { median: at(0.5), p90: at(0.9), most: at(1.0) })
    }
}

/// Cases of one kind, or all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// How many.
    pub cases: usize,
    /// The verdict is right.
    pub verdict: Share,
    /// The reason of a dismissal is right, of the cases that should be dismissed for one.
    pub reason: Share,
    /// Who is at fault is the first suspect of its kind.
    pub top1: Share,
    /// Who is at fault is among the first three.
    pub top3: Share,
    /// The first suspect's author is the right one.
    pub author: Share,
    /// Nobody is accused, of the cases where nobody is at fault.
    pub nobody_accused: Share,
}

impl Part {
    fn of<'a>(rows: impl Iterator<Item = &'a Row> + Clone) -> Part {
        let share = |is: fn(&Row) -> Option<bool>| Share::of(rows.clone().filter_map(is));
        Part {
            cases: rows.clone().count(),
            verdict: share(|row| row.right),
            reason: share(|row| row.reason_right),
            top1: share(|row| row.place.map(|place| place == 1)),
            top3: share(|row| row.place.map(|place| (1..=3).contains(&place))),
            author: share(|row| row.author_right),
            nobody_accused: share(|row| row.accused.map(|accused| !accused)),
        }
    }
}

/// How right the answers to all cases are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// All together.
    pub all: Part,
    /// By the right verdict.
    pub by_verdict: BTreeMap<String, Part>,
    /// By kind of case.
    pub by_scenario: BTreeMap<String, Part>,
    /// By kind of who is at fault.
    pub by_suspect: BTreeMap<String, Part>,
    /// How far from the change as it was it was found, as a part of the window.
    pub change_off: Option<Spread<f64>>,
    /// The same in microseconds.
    pub change_off_us: Option<Spread<u64>>,
    /// Confidence in verdicts.
    pub verdicts: Calibration,
    /// Confidence in suspects: in each that was named.
    pub suspects: Calibration,
    /// Time of a case.
    pub wall_ms: Option<Spread<u64>>,
    /// Cases that failed; they count as wrong.
    pub failures: usize,
    /// Every case.
    pub cases: Vec<Row>,
}

/// Scores answers.
pub fn score(judged: &[Judged]) -> Scores {
    let rows: Vec<Row> = judged.iter().map(row).collect();
    let mut by_verdict: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    let mut by_scenario: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    let mut by_suspect: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    let (mut verdicts, mut suspects) = (Vec::new(), Vec::new());
    for (case, row) in judged.iter().zip(&rows) {
        let truth = &case.truth;
        truth.verdict.iter().for_each(|verdict| by_verdict.entry(verdict.clone()).or_default().push(row));
        truth.scenario.iter().for_each(|scenario| by_scenario.entry(scenario.clone()).or_default().push(row));
        let culprit = truth.suspect.iter().flatten();
        culprit.for_each(|culprit| by_suspect.entry(culprit.kind.clone()).or_default().push(row));
        let Ok(answer) = &case.answer else { continue };
        // Of "nobody can tell" the confidence is how probable that is, which no label says.
        if let (Some(right), true) = (row.right, answer.verdict != "inconclusive") {
            verdicts.push((answer.confidence, right));
        }
        if let Some(suspect) = &truth.suspect {
            // A label speaks of its own kind: who broke a service says nothing of which service it is.
            let same = |named: &&Suspect| {
                suspect.as_ref().is_none_or(|culprit| is_service(&culprit.kind) == is_service(&named.kind))
            };
            suspects.extend(answer.suspects.iter().filter(same).map(|named| {
                (
                    named.confidence,
                    suspect.as_ref().is_some_and(|culprit| culprit.kind == named.kind && culprit.id == named.id),
                )
            }));
        }
    }
    let parts = |groups: BTreeMap<String, Vec<&Row>>| {
        groups.into_iter().map(|(name, rows)| (name, Part::of(rows.iter().copied()))).collect()
    };
    Scores {
        all: Part::of(rows.iter()),
        by_verdict: parts(by_verdict),
        by_scenario: parts(by_scenario),
        by_suspect: parts(by_suspect),
        change_off: Spread::of(rows.iter().filter_map(|row| row.change_off).collect()),
        change_off_us: Spread::of(rows.iter().filter_map(|row| row.change_off_us).collect()),
        verdicts: Calibration::of(&verdicts),
        suspects: Calibration::of(&suspects),
        wall_ms: Spread::of(rows.iter().filter_map(|row| row.wall_ms).collect()),
        failures: rows.iter().filter(|row| row.error.is_some()).count(),
        cases: rows,
    }
}

fn row(case: &Judged) -> Row {
    let truth = &case.truth;
    let answer = case.answer.as_ref().ok();
    let culprit = truth.suspect.as_ref().and_then(Option::as_ref);
    // Commits, configurations and experiments share one distribution, services another: places are within it.
    let of_kind = |kind: &str| {
        let services = is_service(kind);
        answer.into_iter().flat_map(|answer| &answer.suspects).filter(move |named| is_service(&named.kind) == services)
    };
    let found = answer.and_then(|answer| answer.change_point.as_ref()).and_then(|change| parse_rfc3339(&change.time));
    let change_off_us = truth.change_time.zip(found).map(|(was, found): (Timestamp, Timestamp)| was.abs_diff(found));
    Row {
        case: case.name.clone(),
        scenario: truth.scenario.clone(),
        verdict: answer.map(|answer| answer.verdict.clone()),
        right: truth.verdict.as_ref().map(|verdict| answer.is_some_and(|answer| answer.verdict == *verdict)),
        reason_right: truth.reason.as_ref().map(|reason| {
            answer.and_then(|answer| answer.dismissal.as_ref()).is_some_and(|dismissal| dismissal.reason == *reason)
        }),
        place: culprit.map(|culprit| {
            let at = of_kind(&culprit.kind).position(|named| named.kind == culprit.kind && named.id == culprit.id);
            at.map_or(0, |at| at + 1)
        }),
        author_right: culprit.and_then(|culprit| culprit.author.as_ref().map(|author| (culprit, author))).map(
            |(culprit, author)| {
                of_kind(&culprit.kind).next().is_some_and(|named| named.author.as_ref() == Some(author))
            },
        ),
        change_off_us,
        change_off: change_off_us.map(|off| off as f64 / case.window.max(1) as f64),
        accused: matches!(truth.suspect, Some(None))
            .then(|| answer.is_none_or(|answer| answer.verdict == "regression" || !answer.suspects.is_empty())),
        wall_ms: answer.map(|answer| answer.usage.wall_ms),
        error: case.answer.as_ref().err().cloned(),
    }
}

fn is_service(kind: &str) -> bool {
    kind == "service"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(truth: serde_json::Value, answer: Option<serde_json::Value>) -> Judged {
        Judged {
            name: "case".into(),
            truth: serde_json::from_value(truth).expect("it is a truth"),
            answer: answer
                .map_or(Err("it broke".into()), |answer| Ok(serde_json::from_value(answer).expect("it is an answer"))),
            window: 3_600_000_000,
        }
    }

    fn regression(suspects: serde_json::Value) -> serde_json::Value {
        json!({
            "verdict": "regression", "confidence": 0.9, "dismissal": null, "suspects": suspects,
            "change_point": {"time": "2026-11-18T00:06:00Z"}, "usage": {"wall_ms": 7},
        })
    }

    fn suspect(kind: &str, id: &str, confidence: f64) -> serde_json::Value {
        json!({"kind": kind, "id": id, "author": format!("{id}'s"), "confidence": confidence})
    }

    #[test]
    fn places_are_within_a_suspect_s_own_distribution() {
        let truth = json!({
            "verdict": "regression", "change_time": "2026-11-18T00:00:00Z",
            "suspect": {"kind": "config", "id": "b", "author": "b's"},
        });
        let named = json!([suspect("service", "s", 0.9), suspect("commit", "a", 0.6), suspect("config", "b", 0.3)]);
        let row = row(&judged(truth, Some(regression(named))));
        assert_eq!((row.right, row.place, row.author_right), (Some(true), Some(2), Some(false)));
        assert_eq!((row.change_off_us, row.change_off), (Some(360_000_000), Some(0.1)));
        assert_eq!((row.accused, row.wall_ms), (None, Some(7)));
    }

    #[test]
    fn a_failure_is_wrong() {
        let truth = json!({"verdict": "dismissed", "reason": "noise", "suspect": null});
        let row = row(&judged(truth, None));
        assert_eq!((row.right, row.reason_right, row.accused), (Some(false), Some(false), Some(true)));
        assert_eq!(row.error.as_deref(), Some("it broke"));
    }

    #[test]
    fn where_nobody_is_at_fault_everybody_named_is_wrong() {
        let cases = [
            judged(json!({"suspect": null}), Some(regression(json!([suspect("service", "s", 0.8)])))),
            judged(json!({"suspect": "s"}), Some(regression(json!([suspect("service", "s", 0.8)])))),
            judged(json!({}), Some(regression(json!([suspect("service", "s", 0.8)])))),
        ];
        let scores = score(&cases);
        assert_eq!(scores.suspects.count, 2, "the one without a label does not count");
        assert_eq!(scores.suspects.bins, [Bin { from: 0.8, count: 2, confidence: 0.8, right: 0.5 }]);
        assert!((scores.suspects.brier.unwrap() - (0.04 + 0.64) / 2.0).abs() < 1e-12);
        assert!((scores.suspects.error.unwrap() - 0.3).abs() < 1e-12);
        assert_eq!(scores.all.nobody_accused, Share { of: 1, are: 0 });
        assert_eq!(scores.all.verdict.value(), None);
        assert_eq!(scores.by_suspect["service"].top1, Share { of: 1, are: 1 });
    }

    #[test]
    fn certainty_that_is_right_costs_nothing() {
        let calibration = Calibration::of(&[(1.0, true), (0.0, false)]);
        assert_eq!((calibration.brier, calibration.error), (Some(0.0), Some(0.0)));
        assert_eq!(Calibration::of(&[]), Calibration::default());
        assert_eq!(Calibration::of(&[(0.5, true)]).brier, Some(0.25));
    }

    #[test]
    fn spreads_are_of_what_was_seen() {
        assert_eq!(Spread::of(vec![3, 1, 2]), Some(Spread { median: 2, p90: 3, most: 3 }));
        assert_eq!(Spread::<u64>::of(vec![]), None);
    }
}
