//! Ranks candidates: a pure function of what is known.

use negawatt_skill::format::digits;
use negawatt_skill::time::length;
use negawatt_skill::timing::{Causes, log_odds};
use negawatt_skill::{Candidate as Kind, ChangePoint, Shape, Window};

use crate::candidate::{Candidate, shown};
use crate::crowd::{Part, parts};
use crate::neighbours::{Neighbours, Relation};
use crate::past::Past;
use crate::subject::{is_presentation, subject};
use crate::value::{Step, spoken, weigh};
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
/// How much a name in common with functions says of another service's settings.
const ABROAD: f64 = 0.4;
/// Candidates that are looked at closely: those that are likeliest by all that is cheap to know.
const LIKELIEST: usize = 100;
/// What a step's log-odds are bounded to when they are summed.
const BOUND: f64 = 8.0;

/// The likeliest candidates, the likeliest first; of several with the same id, the likeliest one.
pub fn rank(question: &Question<'_>, candidates: &[Candidate]) -> Vec<Ranked> {
    let relations: Vec<Relation> = candidates.iter().map(|candidate| relation(question, candidate)).collect();
    let functions = question.slower.is_some();
    let counts: Vec<f64> = relations.iter().map(|relation| relation.counts(functions)).collect();
    let ends: Vec<bool> = candidates.iter().map(|candidate| by_end(question, candidate)).collect();
    let among: Vec<f64> = counts.iter().zip(&ends).map(|(counts, end)| counts * if *end { END } else { 1.0 }).collect();
    let telling = |at: usize| {
        let candidate = &candidates[at];
        let mut factors: Vec<Factor> = service(question, relations[at], counts[at], candidate).into_iter().collect();
        factors.extend(name_and_value(question, candidate, relations[at]));
        factors.extend(shape(question, candidate));
        factors.extend(ends[at].then(|| Factor {
            reason: "The end of an experiment does harm less often than its beginning.".into(),
            log_odds: END.ln(),
        }));
        factors
    };
    let told: Vec<f64> = (0..candidates.len()).map(|at| sum(&telling(at))).collect();
    let by_time = by_time(question, candidates, &told, &among);
    let key = |at: usize| (candidates[at].kind == Kind::Experiment, &*candidates[at].id);
    let likely = |at: usize| told[at] + by_time[at].alone + by_time[at].shared;
    let mut likeliest: Vec<usize> = (0..candidates.len()).collect();
    likeliest.sort_by(|&a, &b| likely(b).total_cmp(&likely(a)).then_with(|| key(a).cmp(&key(b))));
    let mut seen = std::collections::BTreeSet::new();
    likeliest.retain(|&at| seen.insert(key(at)));
    likeliest.truncate(LIKELIEST);
    let mut ranked: Vec<Ranked> = likeliest
        .into_iter()
        .map(|at| {
            let mut factors = vec![time(question, &candidates[at], by_time[at].alone)];
            let shares = by_time[at].part.reason(&candidates[at]);
            factors.extend(shares.map(|reason| Factor { reason, log_odds: by_time[at].shared }));
            factors.extend(telling(at));
            let told = question.past.of(&candidates[at]);
            factors.extend(told.map(|told| Factor { reason: told.reason, log_odds: told.log_odds }));
            let log_odds = sum(&factors).clamp(-BOUND, BOUND);
            Ranked { candidate: at, factors, log_odds, confidence: 0.0 }
        })
        .collect();
    ranked.sort_by(|a, b| b.log_odds.total_cmp(&a.log_odds).then_with(|| key(a.candidate).cmp(&key(b.candidate))));
    let all: f64 = 1.0 + ranked.iter().map(|ranked| ranked.log_odds.exp()).sum::<f64>();
    ranked.iter_mut().for_each(|ranked| ranked.confidence = ranked.log_odds.exp() / all);
    ranked
}

fn sum(factors: &[Factor]) -> f64 {
    factors.iter().map(|factor| factor.log_odds).sum()
}

fn relation(question: &Question<'_>, candidate: &Candidate) -> Relation {
    match &question.neighbours {
        _ if *candidate.service == *question.service => Relation::Same,
        Some(neighbours) => neighbours.relation(&candidate.service),
        None => Relation::Unknown,
    }
}

/// What a candidate's time says.
#[derive(Debug, Clone, Copy)]
struct ByTime {
    /// With the whole prior of a candidate.
    alone: f64,
    /// What the part of the prior that it has makes of that; never above 0, and nothing where the time says more than enough.
    shared: f64,
    part: Part,
}

/// What each candidate's time says; settings and experiments share among their own. `told` is all else that speaks for each,
/// and `counts` how much each counts.
fn by_time(question: &Question<'_>, candidates: &[Candidate], told: &[f64], counts: &[f64]) -> Vec<ByTime> {
    let mut by_time = vec![None; candidates.len()];
    for (kind, causes) in [(Kind::Config, SETTINGS), (Kind::Experiment, EXPERIMENTS)] {
        let of_kind: Vec<usize> = (0..candidates.len()).filter(|&at| candidates[at].kind == kind).collect();
        let of = |values: &[f64]| of_kind.iter().map(|&at| values[at]).collect::<Vec<f64>>();
        let (told, counts) = (of(told), of(counts));
        let parts = parts(&of_kind.iter().map(|&at| &candidates[at]).collect::<Vec<_>>(), &told, &counts);
        let densities: Vec<f64> = of_kind.iter().map(|&at| density(question, &candidates[at], &causes)).collect();
        let by_part =
            |values: &[f64]| values.iter().zip(&parts).map(|(value, part)| value * part.part).collect::<Vec<_>>();
        let alone = log_odds(&densities, &by_part(&counts), question.window, &causes);
        let shared = log_odds(&by_part(&densities), &counts, question.window, &causes);
        for (n, at) in of_kind.into_iter().enumerate() {
            // With its whole prior it still shares what time says with what came together with it.
            let alone = if parts[n].part < 1.0 { alone[n].max(shared[n]) } else { shared[n] };
            by_time[at] = Some(ByTime { alone, shared: shared[n] - alone, part: parts[n] });
        }
    }
    by_time.into_iter().flatten().collect()
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
                spoken(before.as_ref()),
                spoken(after.as_ref()),
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
    let step = candidate.step;
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
