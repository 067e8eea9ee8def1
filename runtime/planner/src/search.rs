//! The search planner: steps whose inputs are on the board and whose outputs lie on a path to the goal, the most progress per
//! cost first. It needs no model and no network, and knows skills by their kinds alone.

use std::collections::hash_map::Entry::Vacant;
use std::collections::{HashMap, HashSet};

use negawatt_casebook::{Ending, Verdict};
use negawatt_host::model::{Incident, IncidentKind};
use negawatt_host::{Kind, Status};

use crate::board::{Board, Item};
use crate::catalog::{Catalog, Entry};
use crate::planner::{Choice, Decision, Knowledge, Planner, Situation};
use crate::verdict::{conclude, explaining_change};

/// How often one skill may run in a case. It runs again only when evidence arrives that it reads; two skills that read each
/// other would never end.
const MOST_RUNS: usize = 3;

/// The planner that is always there.
#[derive(Debug, Clone, Copy, Default)]
pub struct SearchPlanner;

/// A question of a case, and the kinds of evidence that answer it.
struct Goal {
    question: &'static str,
    kinds: &'static [Kind],
}

const CHANGED: Goal = Goal { question: "did the metric change?", kinds: &[Kind::ChangePoint] };
const REAL: Goal = Goal { question: "is it a regression, or is there another reason?", kinds: &[Kind::Dismissal] };
const CAUSE: Goal = Goal {
    question: "what caused it, what does it cost, and what helps?",
    kinds: &[Kind::FunctionShift, Kind::Suspect, Kind::Impact, Kind::Mitigation, Kind::Note],
};
const BETTER: Goal = Goal { question: "what could be better?", kinds: &[Kind::Opportunity] };
const WORTH: Goal = Goal {
    question: "what is it worth, and how is it done?",
    kinds: &[Kind::FunctionShift, Kind::Impact, Kind::Mitigation, Kind::Note],
};

impl Planner for SearchPlanner {
    fn next(&self, situation: &Situation<'_>) -> Decision {
        let Situation { incident, board, catalog, knowledge, steps_left } = *situation;
        if steps_left == 0 {
            return Decision::Conclude(Ending::BudgetSpent);
        }
        let state = State::of(board, catalog);
        for goal in open_goals(incident, board) {
            let mut wave = wave(catalog, knowledge, goal.kinds, &state);
            wave.truncate(steps_left);
            if !wave.is_empty() {
                let choice = |entry| Choice { entry, reason: goal.question.to_owned() };
                return Decision::Run(wave.into_iter().map(choice).collect());
            }
            // A question that was answered so that the later ones do not arise.
            if conclude(incident, board, false).verdict == Verdict::Dismissed {
                return Decision::Conclude(Ending::GoalReached);
            }
        }
        Decision::Conclude(Ending::NothingLeft)
    }
}

/// The questions in their order, without those that cannot be asked.
fn open_goals(incident: &Incident, board: &Board) -> Vec<&'static Goal> {
    match incident.kind {
        IncidentKind::Opportunity if board.has(&Kind::Opportunity) => vec![&BETTER, &WORTH],
        IncidentKind::Opportunity => vec![&BETTER],
        IncidentKind::Regression if explaining_change(incident, board).is_none() => vec![&CHANGED, &CAUSE],
        IncidentKind::Regression => vec![&CHANGED, &REAL, &CAUSE],
    }
}

/// The steps that a case would take if every skill found what it looks for, as waves of steps that run at the same time.
pub fn outline(incident: &Incident, catalog: &Catalog, knowledge: &Knowledge) -> Vec<(String, Vec<usize>)> {
    let goals: &[&Goal] = match incident.kind {
        IncidentKind::Opportunity => &[&BETTER, &WORTH],
        IncidentKind::Regression => &[&CHANGED, &REAL, &CAUSE],
    };
    let mut state = State::default();
    let mut waves = Vec::new();
    for goal in goals {
        loop {
            let wave = wave(catalog, knowledge, goal.kinds, &state);
            if wave.is_empty() {
                break;
            }
            for &entry in &wave {
                state.ran.insert(entry, Ran::default());
                if catalog.entries()[entry].rights.is_ok() {
                    state.kinds.extend(catalog.entries()[entry].skill.manifest.produces.iter().cloned());
                }
            }
            waves.push((goal.question.to_owned(), wave));
        }
    }
    waves
}

/// What was run, and what there is.
#[derive(Default)]
struct State {
    kinds: HashSet<Kind>,
    ran: HashMap<usize, Ran>,
}

#[derive(Default)]
struct Ran {
    times: usize,
    /// Kinds of evidence that its last run was not shown, found by others.
    arrived: HashSet<Kind>,
}

impl State {
    fn of(board: &Board, catalog: &Catalog) -> State {
        let kinds = board.items().iter().map(|item| item.evidence.finding.body.kind()).collect();
        let mut ran: HashMap<usize, Ran> = HashMap::new();
        for taken in board.taken() {
            let Some(entry) = catalog.entries().iter().position(|entry| entry.skill.digest == taken.digest) else {
                continue;
            };
            let news = |item: &&Item| item.evidence.by != taken.skill && !taken.inputs.contains(&item.evidence.id);
            let arrived = board.standing().filter(news);
            let ran = ran.entry(entry).or_default();
            ran.times += 1;
            ran.arrived = match taken.status {
                // What could not run or trapped is not tried again.
                Status::Ok => arrived.map(|item| item.evidence.finding.body.kind()).collect(),
                _ => HashSet::new(),
            };
        }
        State { kinds, ran }
    }
}

/// The next steps towards a goal: those that can run now, and wait for nobody, in order of rank.
fn wave(catalog: &Catalog, knowledge: &Knowledge, goal: &[Kind], state: &State) -> Vec<usize> {
    let on_path = on_path(catalog, goal);
    let entry = |n: usize| &catalog.entries()[n];
    let consumes = |n: usize, kinds: &HashSet<Kind>| entry(n).skill.manifest.consumes.iter().all(|k| kinds.contains(k));
    // Skills that may still bring something: not run yet, and fed by the board or by each other.
    let mut coming: HashSet<usize> = HashSet::new();
    let mut kinds = state.kinds.clone();
    loop {
        let more: Vec<_> = on_path
            .keys()
            .copied()
            .filter(|n| !state.ran.contains_key(n) && !coming.contains(n))
            .filter(|n| entry(*n).rights.is_ok() && consumes(*n, &kinds))
            .collect();
        if more.is_empty() {
            break;
        }
        kinds.extend(more.iter().flat_map(|n| entry(*n).skill.manifest.produces.iter().cloned()));
        coming.extend(more);
    }
    let mut can_run: Vec<usize> = on_path
        .keys()
        .copied()
        .filter(|n| consumes(*n, &state.kinds))
        .filter(|n| match state.ran.get(n) {
            None => true,
            Some(ran) => {
                ran.times < MOST_RUNS && entry(*n).skill.manifest.reads.iter().any(|k| ran.arrived.contains(k))
            }
        })
        .collect();
    can_run.sort_by(|a, b| {
        let rank = |n: usize| knowledge.progress_per_cost(&entry(n).skill.manifest.name) / on_path[&n] as f64;
        // Between equals the order of the catalog.
        rank(*b).total_cmp(&rank(*a)).then(a.cmp(b))
    });
    let waits = |n: usize| {
        let reads = &entry(n).skill.manifest.reads;
        let coming_kind = |kind: &Kind| catalog.producers(kind).iter().any(|p| *p != n && coming.contains(p));
        reads.iter().any(coming_kind)
    };
    let ready: Vec<usize> = can_run.iter().copied().filter(|n| !waits(*n)).collect();
    if ready.is_empty() {
        // They wait for each other: somebody begins.
        can_run.truncate(1);
        return can_run;
    }
    ready
}

/// The skills on a path to the goal, each with its distance: 1 for those that produce it.
fn on_path(catalog: &Catalog, goal: &[Kind]) -> HashMap<usize, usize> {
    let mut distance = HashMap::new();
    let mut seen: HashSet<&Kind> = HashSet::new();
    let mut level: Vec<&Kind> = goal.iter().collect();
    for step in 1.. {
        let mut next: Vec<&Kind> = Vec::new();
        for kind in level {
            if !seen.insert(kind) {
                continue;
            }
            for &producer in catalog.producers(kind) {
                if let Vacant(place) = distance.entry(producer) {
                    place.insert(step);
                    next.extend(Entry::sees(&catalog.entries()[producer]));
                }
            }
        }
        if next.is_empty() {
            break;
        }
        level = next;
    }
    distance
}
