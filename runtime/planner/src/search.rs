//! The search planner: steps whose inputs are on the board and whose outputs lie on a path to the goal, the most progress per
//! cost first. It needs no model and no network, and knows skills by their kinds alone.

use std::collections::{HashMap, HashSet};

use negawatt_casebook::{Ending, Verdict};
use negawatt_host::model::{Incident, IncidentKind};
use negawatt_host::{Kind, Status};

use crate::board::{Board, Item};
use crate::catalog::{Catalog, KindId};
use crate::planner::{Choice, Decision, Experience, Knowledge, Planner, Situation};
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
    /// Whether it still arises when the case is dismissed.
    of_dismissed: bool,
}

const CHANGED: Goal = Goal { question: "did the metric change?", kinds: &[Kind::ChangePoint], of_dismissed: true };
const REAL: Goal = Goal {
    question: "is it a regression, or is there another reason?",
    kinds: &[Kind::Dismissal],
    of_dismissed: true,
};
const CAUSE: Goal = Goal {
    question: "what caused it, what does it cost, and what helps?",
    kinds: &[Kind::FunctionShift, Kind::Suspect, Kind::Impact, Kind::Mitigation, Kind::Note],
    of_dismissed: false,
};
const BETTER: Goal = Goal { question: "what could be better?", kinds: &[Kind::Opportunity], of_dismissed: true };
const WORTH: Goal = Goal {
    question: "what is it worth, and how is it done?",
    kinds: &[Kind::FunctionShift, Kind::Impact, Kind::Mitigation, Kind::Note],
    of_dismissed: false,
};

impl Planner for SearchPlanner {
    fn next(&self, situation: &Situation<'_>) -> Decision {
        let Situation { incident, board, catalog, knowledge, steps_left } = *situation;
        if steps_left == 0 {
            return Decision::Conclude(Ending::BudgetSpent);
        }
        let state = State::of(board, catalog);
        let dismissed = conclude(incident, board, false).verdict == Verdict::Dismissed;
        for goal in open_goals(incident, board).iter().filter(|goal| goal.of_dismissed || !dismissed) {
            let wave = wave(catalog, knowledge, goal.kinds, &state, steps_left);
            if !wave.is_empty() {
                let choice = |entry| Choice { entry, reason: goal.question.to_owned() };
                return Decision::Run(wave.into_iter().map(choice).collect());
            }
        }
        Decision::Conclude(if dismissed { Ending::GoalReached } else { Ending::NothingLeft })
    }
}

/// The questions in their order, without those that cannot be asked.
fn open_goals(incident: &Incident, board: &Board) -> Vec<&'static Goal> {
    match incident.kind {
        IncidentKind::Opportunity if board.has(&Kind::Opportunity) => vec![&BETTER, &WORTH],
        IncidentKind::Opportunity => vec![&BETTER],
        // A metric that changed only for the better needs no excuse; one that did not change may still have a reason for alarm.
        IncidentKind::Regression if board.has(&Kind::ChangePoint) && explaining_change(incident, board).is_none() => {
            vec![&CHANGED, &CAUSE]
        }
        IncidentKind::Regression => vec![&CHANGED, &REAL, &CAUSE],
    }
}

/// The steps that a case would take if every skill found what it looks for, as waves of steps that run at the same time.
pub fn outline(incident: &Incident, catalog: &Catalog, knowledge: &Knowledge) -> Vec<(String, Vec<usize>)> {
    let goals: &[&Goal] = match incident.kind {
        IncidentKind::Opportunity => &[&BETTER, &WORTH],
        IncidentKind::Regression => &[&CHANGED, &REAL, &CAUSE],
    };
    let mut state = State { kinds: vec![false; catalog.kind_count()], ran: HashMap::new() };
    let mut waves = Vec::new();
    for goal in goals {
        loop {
            let wave = wave(catalog, knowledge, goal.kinds, &state, usize::MAX);
            if wave.is_empty() {
                break;
            }
            for &entry in &wave {
                state.ran.insert(entry, Ran::default());
                let card = catalog.card(entry);
                if card.may_run {
                    card.produces.iter().for_each(|kind| state.kinds[*kind] = true);
                }
            }
            waves.push((goal.question.to_owned(), wave));
        }
    }
    waves
}

/// What was run, and what there is.
struct State {
    /// Whether there is evidence of each kind of the catalog.
    kinds: Vec<bool>,
    ran: HashMap<usize, Ran>,
}

#[derive(Default)]
struct Ran {
    times: usize,
    /// Kinds of evidence that its last run was not shown, found by others.
    arrived: HashSet<KindId>,
}

impl State {
    fn of(board: &Board, catalog: &Catalog) -> State {
        let mut kinds = vec![false; catalog.kind_count()];
        let kind = |item: &Item| catalog.kind(&item.evidence.finding.body.kind());
        board.items().iter().filter_map(kind).for_each(|kind| kinds[kind] = true);
        let mut ran: HashMap<usize, Ran> = HashMap::new();
        for taken in board.taken() {
            let Some(entry) = catalog.place_of(&taken.digest) else { continue };
            let news = |item: &&Item| item.evidence.by != taken.skill && !taken.inputs.contains(&item.evidence.id);
            let ran = ran.entry(entry).or_default();
            ran.times += 1;
            ran.arrived = match taken.status {
                // What could not run or trapped is not tried again.
                Status::Ok => board.standing().filter(news).filter_map(kind).collect(),
                _ => HashSet::new(),
            };
        }
        State { kinds, ran }
    }
}

/// The next steps towards a goal, at most so many: those that can run now, and wait for nobody, in order of rank. Linear in
/// the number of skills and of what they name.
fn wave(catalog: &Catalog, knowledge: &Knowledge, goal: &[Kind], state: &State, most: usize) -> Vec<usize> {
    let distance = distances(catalog, goal);
    let coming = coming(catalog, &distance, state);
    // How many skills that are still to come return each kind.
    let mut expected = vec![0_usize; catalog.kind_count()];
    for at in (0..coming.len()).filter(|at| coming[*at]) {
        catalog.card(at).produces.iter().for_each(|kind| expected[*kind] += 1);
    }
    let can_run = |at: &usize| {
        let card = catalog.card(*at);
        distance[*at] > 0
            && card.consumes.iter().all(|kind| state.kinds[*kind])
            && state.ran.get(at).is_none_or(|ran| {
                ran.times < MOST_RUNS && card.reads.iter().any(|kind| ran.arrived.contains(kind))
            })
    };
    let waits = |at: usize| {
        let card = catalog.card(at);
        card.reads.iter().any(|kind| expected[*kind] > usize::from(coming[at] && card.produces.contains(kind)))
    };
    let can_run: Vec<usize> = (0..distance.len()).filter(can_run).collect();
    let mut ready: Vec<usize> = can_run.iter().copied().filter(|at| !waits(*at)).collect();
    let most = if ready.is_empty() {
        // They wait for each other: somebody begins.
        ready = can_run;
        most.min(1)
    } else {
        most
    };
    let progress = progress(catalog, knowledge);
    let rank = |at: usize| progress[at] / f64::from(distance[at]);
    // Between equals the order of the catalog.
    let order = |a: &usize, b: &usize| rank(*b).total_cmp(&rank(*a)).then(a.cmp(b));
    if most < ready.len() {
        ready.select_nth_unstable_by(most, order);
        ready.truncate(most);
    }
    ready.sort_unstable_by(order);
    ready
}

/// For each skill its distance to the goal: 1 for those that produce it, 0 for those on no path to it.
fn distances(catalog: &Catalog, goal: &[Kind]) -> Vec<u32> {
    let mut distance = vec![0; catalog.entries().len()];
    let mut seen = vec![false; catalog.kind_count()];
    let mut level: Vec<KindId> = goal.iter().filter_map(|kind| catalog.kind(kind)).collect();
    for step in 1.. {
        level.retain(|kind| !std::mem::replace(&mut seen[*kind], true));
        if level.is_empty() {
            break;
        }
        let mut next = Vec::new();
        for &at in level.iter().flat_map(|kind| catalog.producing(*kind)) {
            if distance[at] == 0 {
                distance[at] = step;
                let card = catalog.card(at);
                next.extend(card.consumes.iter().chain(&card.reads).filter(|kind| !seen[**kind]));
            }
        }
        level = next;
    }
    distance
}

/// Skills that may still bring something: not run yet, and fed by the board or by each other.
fn coming(catalog: &Catalog, distance: &[u32], state: &State) -> Vec<bool> {
    let mut coming = vec![false; distance.len()];
    let mut there = state.kinds.clone();
    let missing = |at: usize| catalog.card(at).consumes.iter().filter(|kind| !state.kinds[**kind]).count();
    let candidate = |at: &usize| distance[*at] > 0 && catalog.card(*at).may_run && !state.ran.contains_key(at);
    let mut missing: Vec<usize> = (0..distance.len()).map(missing).collect();
    let mut fed: Vec<usize> = (0..distance.len()).filter(|at| missing[*at] == 0).filter(candidate).collect();
    while let Some(at) = fed.pop() {
        coming[at] = true;
        for &kind in &catalog.card(at).produces {
            if std::mem::replace(&mut there[kind], true) {
                continue;
            }
            for &consumer in catalog.consuming(kind) {
                missing[consumer] -= 1;
                if missing[consumer] == 0 && candidate(&consumer) {
                    fed.push(consumer);
                }
            }
        }
    }
    coming
}

/// What each skill is expected to bring per cost.
fn progress(catalog: &Catalog, knowledge: &Knowledge) -> Vec<f64> {
    let mut progress = vec![Experience::default().progress_per_cost(); catalog.entries().len()];
    for (name, experience) in &knowledge.0 {
        if let Some(at) = catalog.place_named(name) {
            progress[at] = experience.progress_per_cost();
        }
    }
    progress
}
