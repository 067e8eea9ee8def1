//! The verdict: a pure function of the board and of how its steps ended, as a table of questions.

use std::collections::BTreeSet;

use negawatt_host::model::{
    ChangePoint, Direction, Dismissal, DismissalReason, EvidenceId, FindingBody, Incident, IncidentKind, Opportunity,
    Shape,
};
use negawatt_host::{Kind, Status};

use negawatt_casebook::Verdict;

use crate::board::{Board, Item, Taken};

/// What a board comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Conclusion {
    /// The verdict.
    pub verdict: Verdict,
    /// How probable it is that the verdict is right.
    pub confidence: f64,
    /// Why it was dismissed: the reason, and one sentence.
    pub dismissal: Option<(DismissalReason, String)>,
    /// The change that explains the incident, or that was dismissed.
    pub change: Option<EvidenceId>,
    /// What would settle an inconclusive case.
    pub missing: Option<String>,
}

/// How sure one is of "nothing is there" when those who looked found nothing and do not say what they would have found.
const NOTHING_FOUND: f64 = 0.9;

/// The least confidence in "nothing changed" that is a verdict. Below it a skill would have missed nine in ten of the changes that incidents
/// are raised about.
const BLIND: f64 = 0.525;

/// What of a harm that did not last counts when the change that explains an incident is chosen.
const UNDONE_COUNTS: f64 = 0.25;

/// The conclusion as the board stands. `unheard` says that a skill which could dismiss the change did not get to run: then
/// nobody may call it a regression.
pub fn conclude(incident: &Incident, board: &Board, unheard: bool) -> Conclusion {
    match incident.kind {
        IncidentKind::Regression => regression(incident, board, unheard),
        IncidentKind::Opportunity => opportunity(board),
    }
}

fn regression(incident: &Incident, board: &Board, unheard: bool) -> Conclusion {
    const QUESTION: &str = "whether the metric changed";
    let looked = looked_for(board, &Kind::ChangePoint);
    let changes: Vec<_> = changes(board).collect();
    let explaining = explaining_change(incident, board);
    let dismissals: Vec<_> = board.bodies(as_dismissal).collect();
    match explaining {
        None if changes.is_empty() && !looked => inconclusive(board, &Kind::ChangePoint, QUESTION),
        None if changes.is_empty() => {
            match strongest(board, dismissals.iter().copied().filter(|known| knows_why(board, known))) {
                // Nothing changed for good, and somebody knows what raised the alarm.
                Some((item, dismissal)) => {
                    dismissed(board.confidence(item), dismissal.reason, dismissal.detail.clone(), None)
                }
                None if is_partly_blind(board, &Kind::ChangePoint) => inconclusive(board, &Kind::ChangePoint, QUESTION),
                None => nothing_changed(
                    board,
                    strongest(
                        board,
                        dismissals.iter().copied().filter(|(item, found)| {
                            let looked = || of_kind(board, &Kind::ChangePoint).any(|taken| taken.step == item.step);
                            saw_nothing(found) && looked()
                        }),
                    ),
                ),
            }
        }
        None if is_partly_blind(board, &Kind::ChangePoint) => {
            inconclusive(board, &Kind::ChangePoint, "whether the metric also changed for the worse")
        }
        None => {
            let strongest = strongest(board, changes.iter().copied()).map(|(item, _)| item);
            let detail = "the metric changed only in the direction that does not hurt".to_owned();
            dismissed(confidence(board, strongest), DismissalReason::Other, detail, strongest.map(id))
        }
        Some(change) => {
            let for_it = odds(board.confidence(change));
            let against = dismissals
                .iter()
                .filter(|(_, dismissal)| speaks_against(dismissal, &change.evidence.id))
                .map(|(item, dismissal)| (odds(board.confidence(item)), *dismissal))
                .max_by(|a, b| a.0.total_cmp(&b.0));
            // Regression, dismissal and neither share the probability in proportion to their odds.
            let all = for_it + against.map_or(0.0, |(odds, _)| odds) + 1.0;
            match against {
                Some((odds, dismissal)) if odds > for_it => {
                    dismissed(odds / all, dismissal.reason, dismissal.detail.clone(), Some(id(change)))
                }
                _ if unheard => Conclusion {
                    verdict: Verdict::Inconclusive,
                    confidence: 1.0 / all,
                    dismissal: None,
                    change: Some(id(change)),
                    missing: Some(
                        "a skill that could dismiss the change did not get to run: a larger budget would settle that"
                            .into(),
                    ),
                },
                _ if for_it > 1.0 => Conclusion {
                    verdict: Verdict::Regression,
                    confidence: for_it / all,
                    dismissal: None,
                    change: Some(id(change)),
                    missing: None,
                },
                _ => Conclusion {
                    verdict: Verdict::Inconclusive,
                    confidence: 1.0 / all,
                    dismissal: None,
                    change: Some(id(change)),
                    missing: Some("the change is as likely chance as not: more data after it would settle that".into()),
                },
            }
        }
    }
}

/// No change was found by anybody: noise, as sure as the one says who saw most of those that looked for changes, unless even that one could
/// hardly have seen any.
fn nothing_changed(board: &Board, seen: Option<(&Item, &Dismissal)>) -> Conclusion {
    match seen {
        None => {
            let detail = "no change beyond chance was found in the window".to_owned();
            dismissed(NOTHING_FOUND, DismissalReason::Noise, detail, None)
        }
        Some((item, dismissal)) if board.confidence(item) > BLIND => {
            dismissed(board.confidence(item), DismissalReason::Noise, dismissal.detail.clone(), None)
        }
        Some((item, dismissal)) => Conclusion {
            verdict: Verdict::Inconclusive,
            confidence: board.confidence(item),
            dismissal: None,
            change: None,
            missing: Some(format!(
                "a longer window, or a metric with less noise, would settle whether there is a change; this series could \
                 hardly have shown one: {}",
                dismissal.detail
            )),
        },
    }
}

fn opportunity(board: &Board) -> Conclusion {
    let best = board.bodies(as_opportunity).map(|(item, _)| board.confidence(item)).reduce(f64::max);
    match best {
        Some(confidence) if confidence > 0.5 => {
            Conclusion { verdict: Verdict::Opportunity, confidence, dismissal: None, change: None, missing: None }
        }
        _ if looked_for(board, &Kind::Opportunity) && !is_partly_blind(board, &Kind::Opportunity) => {
            dismissed(NOTHING_FOUND, DismissalReason::Other, "no skill found an opportunity".to_owned(), None)
        }
        _ => inconclusive(board, &Kind::Opportunity, "whether there is an opportunity"),
    }
}

fn dismissed(confidence: f64, reason: DismissalReason, detail: String, change: Option<EvidenceId>) -> Conclusion {
    Conclusion { verdict: Verdict::Dismissed, confidence, dismissal: Some((reason, detail)), change, missing: None }
}

fn inconclusive(board: &Board, kind: &Kind, question: &str) -> Conclusion {
    let aside = board.aside().iter().filter(|aside| aside.produces.contains(kind));
    let mut waited_for: Vec<_> = blind(board, kind).collect();
    if waited_for.is_empty() {
        // Nobody had the right to look: whoever can give it should know.
        waited_for.extend(of_kind(board, kind).filter(|taken| taken.status != Status::Ok));
    }
    let failed: Vec<_> = waited_for
        .into_iter()
        .filter_map(|taken| taken.message.as_ref().map(|message| format!("{}: {message}", taken.skill)))
        .chain(aside.map(|aside| format!("{} was put aside: {}", aside.skill, aside.reason)))
        .collect();
    let found = |taken: &Taken| {
        board.standing().any(|item| {
            let nothing =
                matches!(&item.evidence.finding.body, FindingBody::Dismissal(dismissal) if saw_nothing(dismissal));
            item.step == taken.step && !nothing
        })
    };
    let found_nothing: BTreeSet<_> = of_kind(board, kind)
        .filter(|taken| taken.status == Status::Ok && !found(taken))
        .map(|taken| taken.skill.as_str())
        .collect();
    let mut why = if failed.is_empty() { "no skill could look".to_owned() } else { failed.join("; ") };
    if !found_nothing.is_empty() {
        why += &format!("; that {} found nothing does not settle it", Vec::from_iter(found_nothing).join(", "));
    }
    Conclusion {
        verdict: Verdict::Inconclusive,
        confidence: 0.5,
        dismissal: None,
        change: None,
        missing: Some(format!("nobody knows {question} ({why})")),
    }
}

/// Whether a skill that looks for this kind ran to its end; "ran and found nothing" counts.
pub fn looked_for(board: &Board, kind: &Kind) -> bool {
    board.has(kind) || of_kind(board, kind).any(|taken| taken.status == Status::Ok)
}

/// Whether somebody who looks for this kind could not, or was put aside because it would not. That others found nothing is then no
/// proof that there is nothing: they may look worse, or elsewhere.
fn is_partly_blind(board: &Board, kind: &Kind) -> bool {
    blind(board, kind).next().is_some() || board.aside().iter().any(|aside| aside.produces.contains(kind))
}

/// The steps of skills that look for this kind and failed in every step that they took. Whom nobody gave the right to run is not
/// missed: that is an operator's decision, and the skill asked nothing.
fn blind<'a>(board: &'a Board, kind: &'a Kind) -> impl Iterator<Item = &'a Taken> {
    let looked: BTreeSet<_> =
        of_kind(board, kind).filter(|taken| taken.status == Status::Ok).map(Taken::name).collect();
    of_kind(board, kind)
        .filter(|taken| taken.status != Status::Denied || !taken.tools.is_empty())
        .filter(move |taken| !looked.contains(taken.name()))
}

fn of_kind<'a>(board: &'a Board, kind: &'a Kind) -> impl Iterator<Item = &'a Taken> {
    board.taken().iter().filter(move |taken| taken.produces.contains(kind))
}

/// The change point that explains the incident; `None` where none goes in the direction that hurts.
///
/// Of the steps and drifts that hurt (a change of spread moves no level), it is the one with the greatest *confidence × lasting
/// harm*; one that is believed (confidence above one half) always before one that is not, so that no number is large enough to
/// win by itself. The lasting harm is the part of the harm that no later change of the window undoes: from the level before to the best
/// level ever reached after it. What was undone counts a quarter, so that a brief excursion loses to a lasting step unless it was
/// four times as large, and still explains an incident in which nothing lasted. Between equals the later one explains more: it is
/// nearer to what raised the incident. A change that a dismissal names and outweighs explains an incident only if every change
/// that hurts is dismissed: a spike or a season must not hide a lasting step. Skills are told which it is, so that all speak of
/// the same change.
pub fn explaining_change<'a>(incident: &Incident, board: &'a Board) -> Option<&'a Item> {
    let worse = incident.metric.as_ref().map_or(Direction::Up, |metric| metric.worse);
    let harm = |before: f64, after: f64| match worse {
        Direction::Up => after - before,
        Direction::Down => before - after,
    };
    let mut changes: Vec<_> = changes(board).filter(|(_, change)| change.shape != Shape::Variance).collect();
    changes.sort_by_key(|(_, change)| change.time);
    let weight = |n: usize| {
        let (item, change) = changes[n];
        let stands = !board.bodies(as_dismissal).any(|(against, dismissal)| {
            dismissal.of.as_ref() == Some(&item.evidence.id)
                && odds(board.confidence(against)) > odds(board.confidence(item))
        });
        let whole = harm(change.before, change.after);
        let believed = board.confidence(item) > 0.5;
        let later = changes[n + 1..].iter().map(|(_, later)| harm(change.before, later.after));
        let lasting = later.fold(whole, f64::min).max(0.0);
        let explains = board.confidence(item) * (lasting + UNDONE_COUNTS * (whole - lasting));
        ((stands, believed), explains)
    };
    (0..changes.len())
        .filter(|n| harm(changes[*n].1.before, changes[*n].1.after) > 0.0)
        .max_by(|a, b| {
            let ((a_first, a), (b_first, b)) = (weight(*a), weight(*b));
            a_first.cmp(&b_first).then(a.total_cmp(&b))
        })
        .map(|n| changes[n].0)
}

fn changes(board: &Board) -> impl Iterator<Item = (&Item, &ChangePoint)> {
    board.bodies(|body| match body {
        FindingBody::ChangePoint(change) => Some(change),
        _ => None,
    })
}

fn as_dismissal(body: &FindingBody) -> Option<&Dismissal> {
    match body {
        FindingBody::Dismissal(dismissal) => Some(dismissal),
        _ => None,
    }
}

fn as_opportunity(body: &FindingBody) -> Option<&Opportunity> {
    match body {
        FindingBody::Opportunity(opportunity) => Some(opportunity),
        _ => None,
    }
}

fn strongest<'a, T>(board: &Board, items: impl Iterator<Item = (&'a Item, T)>) -> Option<(&'a Item, T)> {
    items.max_by(|(a, _), (b, _)| board.confidence(a).total_cmp(&board.confidence(b)))
}

/// Whether a dismissal says that somebody looked at the window and saw no change, as `wit/types.wit` has it: which is nothing against a change that another saw.
fn saw_nothing(dismissal: &Dismissal) -> bool {
    dismissal.of.is_none() && dismissal.reason == DismissalReason::Noise
}

/// Whether a dismissal knows what raised the alarm about a window in which nothing changed, and is believed.
fn knows_why(board: &Board, (item, dismissal): &(&Item, &Dismissal)) -> bool {
    dismissal.of.is_none() && !saw_nothing(dismissal) && board.confidence(item) > 0.5
}

/// Whether a dismissal says something against a change: it names that one, or a reason that holds for the whole window.
pub fn speaks_against(dismissal: &Dismissal, change: &EvidenceId) -> bool {
    dismissal.of.as_ref().map_or(!saw_nothing(dismissal), |of| of == change)
}

/// Whether the board names a reason for a dismissal, beyond that nobody saw a change.
pub fn has_reason(board: &Board) -> bool {
    board.bodies(as_dismissal).any(|(_, dismissal)| !saw_nothing(dismissal))
}

/// The reasons for a dismissal that the board names; where the metric changed, that somebody saw no change is none.
pub fn reasons(board: &Board) -> impl Iterator<Item = (&Item, &Dismissal)> {
    let changed = board.has(&Kind::ChangePoint);
    board.bodies(as_dismissal).filter(move |(_, dismissal)| !changed || !saw_nothing(dismissal))
}

fn confidence(board: &Board, item: Option<&Item>) -> f64 {
    item.map_or(NOTHING_FOUND, |item| board.confidence(item))
}

fn id(item: &Item) -> EvidenceId {
    item.evidence.id.clone()
}

/// Odds of a probability; nobody is surer than a thousand to one, so that no single word is final.
fn odds(probability: f64) -> f64 {
    let probability = probability.clamp(0.0, 0.999);
    probability / (1.0 - probability)
}
