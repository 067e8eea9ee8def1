//! Ranks candidates: a pure function of what is known.

use negawatt_skill::format::digits;
use negawatt_skill::time::length;
use negawatt_skill::timing::{Causes, log_odds};
use negawatt_skill::{Candidate as Kind, ChangePoint, Shape, Window};

use crate::candidate::{Candidate, shown};
use crate::neighbours::{Neighbours, Relation};
use crate::past::Past;
use crate::subject::{is_presentation, subject};
use crate::value::{Step, spoken, step, weigh};
use crate::words::{Slower, words};

/// What is asked.
#[derive(Debug)]
pub struct Question<'a> {
    /// The change that explains the incident.
    pub change: &'a ChangePoint,
    /// The incident's window.
    pub window: Window,
    /// The functions that got slower; absent where nothing is known of them.
    pub slower: Option<Slower>,
    /// Who calls whom; absent where it is not known.
    pub neighbours: Option<Neighbours>,
    /// What settings and the series did.
    pub past: Past<'a>,
    /// The service that got slower.
    pub service: &'a str,
}

/// One thing that speaks for or against a candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// One sentence: why.
    pub reason: String,
    /// Natural logarithm of the likelihood ratio against "none of the candidates".
    pub log_odds: f64,
}

/// A candidate with what speaks for and against it.
#[derive(Debug)]
pub struct Ranked {
    /// Its position among the candidates.
    pub candidate: usize,
    /// What speaks for and against it.
    pub factors: Vec<Factor>,
    /// The factors' sum.
    pub log_odds: f64,
    /// Probability that it is the cause, among all candidates and "none of these".
    pub confidence: f64,
}

/// Of outages, settings start nearly as many as new programs do (31 and 37 of 100: *The Site Reliability Workbook*, table C-1),
/// and there are fewer settings than commits to choose from.
///
/// A setting is read at once, by instances that restart one after the other, or when what was cached has gone.
const SETTINGS: Causes =
    Causes { delays: &[(2.0 * 60.0, 0.45), (20.0 * 60.0, 0.4), (3.0 * 3600.0, 0.15)], prior: 0.2, most: 4.0 };
/// An experiment goes to few first and to more in steps.
const EXPERIMENTS: Causes =
    Causes { delays: &[(5.0 * 60.0, 0.35), (3600.0, 0.35), (12.0 * 3600.0, 0.3)], prior: 0.2, most: 4.0 };
/// How often the end of an experiment does harm, against its beginning.
const END: f64 = 0.25;
/// Settings and experiments that are too many to have the prior each: together they have that of so many.
const MANY: f64 = 5.0;
/// How much a name in common with functions says of another service's settings.
const ABROAD: f64 = 0.4;
/// What a step's log-odds are bounded to when they are summed.
const BOUND: f64 = 8.0;

/// All candidates, the likeliest first; of several with the same id, the likeliest one.
pub fn rank(question: &Question<'_>, candidates: &[Candidate]) -> Vec<Ranked> {
    let relations: Vec<Relation> = candidates.iter().map(|candidate| relation(question, candidate)).collect();
    let functions = question.slower.is_some();
    let counts: Vec<f64> = relations.iter().map(|relation| relation.counts(functions)).collect();
    let ends: Vec<bool> = candidates.iter().map(|candidate| by_end(question, candidate)).collect();
    let among: Vec<f64> = counts.iter().zip(&ends).map(|(counts, end)| counts * if *end { END } else { 1.0 }).collect();
    let by_time = by_time(question, candidates, &among);
    let mut ranked: Vec<Ranked> = candidates
        .iter()
        .enumerate()
        .map(|(at, candidate)| {
            let mut factors = vec![time(question, candidate, by_time[at])];
            factors.extend(service(question, relations[at], counts[at], candidate));
            factors.extend(name_and_value(question, candidate, relations[at]));
            factors.extend(shape(question, candidate));
            factors.extend(ends[at].then(|| Factor {
                reason: "The end of an experiment does harm less often than its beginning.".into(),
                log_odds: END.ln(),
            }));
            let told = question.past.of(candidate);
            factors.extend(told.map(|told| Factor { reason: told.reason, log_odds: told.log_odds }));
            let log_odds = factors.iter().map(|factor| factor.log_odds).sum::<f64>().clamp(-BOUND, BOUND);
            Ranked { candidate: at, factors, log_odds, confidence: 0.0 }
        })
        .collect();
    let key = |ranked: &Ranked| {
        let candidate = &candidates[ranked.candidate];
        (candidate.kind == Kind::Experiment, candidate.id.as_str())
    };
    ranked.sort_by(|a, b| b.log_odds.total_cmp(&a.log_odds).then_with(|| key(a).cmp(&key(b))));
    let mut seen = std::collections::BTreeSet::new();
    ranked.retain(|ranked| seen.insert(key(ranked)));
    let all: f64 = 1.0 + ranked.iter().map(|ranked| ranked.log_odds.exp()).sum::<f64>();
    ranked.iter_mut().for_each(|ranked| ranked.confidence = ranked.log_odds.exp() / all);
    ranked
}

fn relation(question: &Question<'_>, candidate: &Candidate) -> Relation {
    match &question.neighbours {
        _ if candidate.service == question.service => Relation::Same,
        Some(neighbours) => neighbours.relation(&candidate.service),
        None => Relation::Unknown,
    }
}

/// What each candidate's time says; settings and experiments share among their own.
fn by_time(question: &Question<'_>, candidates: &[Candidate], counts: &[f64]) -> Vec<f64> {
    let mut by_time = vec![0.0; candidates.len()];
    for (kind, causes) in [(Kind::Config, SETTINGS), (Kind::Experiment, EXPERIMENTS)] {
        let of_kind: Vec<usize> = (0..candidates.len()).filter(|&at| candidates[at].kind == kind).collect();
        let densities: Vec<f64> = of_kind.iter().map(|&at| density(question, &candidates[at], &causes)).collect();
        let counts: Vec<f64> = of_kind.iter().map(|&at| counts[at]).collect();
        let crowd = (counts.iter().sum::<f64>() / MANY).max(1.0);
        let causes = Causes { prior: causes.prior / crowd, ..causes };
        for (at, odds) in of_kind.into_iter().zip(log_odds(&densities, &counts, question.window, &causes)) {
            by_time[at] = odds;
        }
    }
    by_time
}

/// Of an experiment's beginning and end, the one that fits better.
fn density(question: &Question<'_>, candidate: &Candidate, causes: &Causes) -> f64 {
    let began = question.past.began;
    let start = if candidate.began_in_reach { began.density(candidate.start, candidate.end, causes) } else { 0.0 };
    let ended = candidate.end.filter(|_| candidate.kind == Kind::Experiment);
    start.max(ended.map_or(0.0, |end| began.density(end, None, causes)))
}

/// Whether an experiment is suspected for its end rather than for its beginning.
fn by_end(question: &Question<'_>, candidate: &Candidate) -> bool {
    let began = question.past.began;
    let end = candidate.end.filter(|_| candidate.kind == Kind::Experiment);
    let end = end.map_or(0.0, |end| END * began.density(end, None, &EXPERIMENTS));
    end > 0.0 && !(candidate.began_in_reach && began.density(candidate.start, candidate.end, &EXPERIMENTS) >= end)
}

fn time(question: &Question<'_>, candidate: &Candidate, log_odds: f64) -> Factor {
    let change = question.change.time;
    let relative = |time: negawatt_skill::Timestamp| {
        let side = if time <= change { "before" } else { "after" };
        format!("{} {side} the change was seen", length(change.abs_diff(time)))
    };
    let vague = question.past.began.told();
    let name = shown(&candidate.name);
    let reason = match (candidate.kind, candidate.end.filter(|end| *end <= change)) {
        (Kind::Experiment, _) if !candidate.began_in_reach => {
            let ended = candidate.end.map(relative).unwrap_or_default();
            format!("The experiment `{name}` ended {ended}{vague}.")
        }
        (Kind::Experiment, Some(end)) => {
            format!(
                "The experiment `{name}` ran from {} on and ended {}{vague}.",
                relative(candidate.start),
                relative(end)
            )
        }
        (Kind::Experiment, None) => format!("The experiment `{name}` began {}{vague}.", relative(candidate.start)),
        (_, superseded) => {
            let (before, after) = &candidate.values;
            let again = if superseded.is_some() { ", and was changed again before it" } else { "" };
            format!(
                "`{name}` went from {} to {} {}{vague}{again}.",
                spoken(before.as_deref()),
                spoken(after.as_deref()),
                relative(candidate.start)
            )
        }
    };
    Factor { reason, log_odds }
}

fn service(question: &Question<'_>, relation: Relation, counts: f64, candidate: &Candidate) -> Option<Factor> {
    let (service, here) = (shown(&candidate.service), shown(question.service));
    let reason = match relation {
        Relation::Same => return None,
        Relation::Callee => format!("It belongs to `{service}`, which `{here}` calls."),
        Relation::Caller => format!("It belongs to `{service}`, which calls `{here}`."),
        Relation::Far => format!("It belongs to `{service}`, two calls from `{here}`."),
        Relation::Stranger => format!("It belongs to `{service}`, which has little to do with `{here}`."),
        Relation::Unknown => format!("It belongs to `{service}`, another service."),
    };
    Some(Factor { reason, log_odds: counts.ln() })
}

/// What the key and the value say.
fn name_and_value(question: &Question<'_>, candidate: &Candidate, relation: Relation) -> Vec<Factor> {
    let words = words(&candidate.name);
    let setting = candidate.kind == Kind::Config;
    let subject = if setting { subject(&words) } else { None };
    let mut factors = Vec::new();
    if let Some(slower) = &question.slower {
        let mut tie = slower.tie(&words, subject);
        // Another service's key speaks of that one's functions.
        tie.strength *= if relation == Relation::Same { 1.0 } else { ABROAD };
        let reason = match &tie.shared {
            Some((word, function)) if words.contains(word) => {
                format!("Its name has `{word}` in common with `{}`, whose share of samples rose.", shown(function))
            }
            Some((_, function)) => {
                format!("Such a setting can make `{}` work more, whose share rose.", shown(function))
            }
            None => "Its name has nothing in common with the functions that got slower.".into(),
        };
        factors.push(Factor { reason, log_odds: tie.log_odds() });
    }
    if !setting {
        return factors;
    }
    if is_presentation(&words) {
        factors.push(Factor { reason: "It is about what is only looked at.".into(), log_odds: -1.2 });
    }
    let (before, after) = &candidate.values;
    let step = step(before.as_deref(), after.as_deref());
    let reason = match step {
        Step::Nothing => "Its value is the same as before.".into(),
        Step::Times(times) if times >= 1.0 => format!("Its value is {} times what it was.", digits(times, 3)),
        Step::Times(times) => format!("Its value is 1/{} of what it was.", digits(1.0 / times, 3)),
        Step::On => "It was switched on, or is new.".into(),
        Step::Off => "It was switched off, or taken away.".into(),
        Step::Verbosity(levels) if levels > 0 => "It makes the program say more.".into(),
        Step::Verbosity(_) => "It makes the program say less.".into(),
        Step::Other => "Its value is another one.".into(),
    };
    let known = if subject.is_some() { 0.2 } else { 0.0 };
    factors.push(Factor { reason, log_odds: weigh(step, subject.map(|subject| subject.harder)) + known });
    factors
}

/// What acts at once seldom makes a metric drift; experiments ramp.
fn shape(question: &Question<'_>, candidate: &Candidate) -> Option<Factor> {
    let (reason, log_odds) = match (question.change.shape, candidate.kind) {
        (Shape::Drift, Kind::Experiment) => ("The metric drifts, as if it was given to more and more.", -0.2),
        (Shape::Drift, _) => ("The metric drifts, and most settings act at once.", -0.7),
        _ => return None,
    };
    Some(Factor { reason: reason.into(), log_odds })
}
