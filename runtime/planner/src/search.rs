//! The search planner: steps whose inputs are on the board and whose outputs lie on a path to the goal, the most progress per
//! cost first. It needs no model and no network, and knows skills by their kinds alone.

use std::collections::{HashMap, HashSet};

use negawatt_casebook::{Ending, Verdict, name_of};
use negawatt_host::model::{EvidenceId, Incident, IncidentKind};
use negawatt_host::{Kind, Status};

use crate::board::{Board, Item};
use crate::catalog::Catalog;
use crate::index::{Index, Number};
use crate::planner::{Choice, Decision, Experience, Knowledge, Planner, Situation};
use crate::verdict::{conclude, explaining_change, has_reason};

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
    /// When it no longer arises: no answer to it could change the verdict.
    until: Until,
}

/// What settles a question.
#[derive(PartialEq)]
enum Until {
    /// Nothing.
    Never,
    /// A skill's reason for a dismissal: others could only name another one. That nobody saw a change is none.
    Reason,
    /// A dismissal, also one for want of a change.
    Dismissed,
}

const CHANGED: Goal = Goal { question: "did the metric change?", kinds: &[Kind::ChangePoint], until: Until::Never };
const REAL: Goal = Goal {
    question: "is it a regression, or is there another reason?",
    kinds: &[Kind::Dismissal],
    until: Until::Reason,
};
const CAUSE: Goal = Goal {
    question: "what caused it, what does it cost, and what helps?",
    kinds: &[Kind::FunctionShift, Kind::Suspect, Kind::Impact, Kind::Mitigation, Kind::Note],
    until: Until::Dismissed,
};
const BETTER: Goal = Goal { question: "what could be better?", kinds: &[Kind::Opportunity], until: Until::Never };
const WORTH: Goal = Goal {
    question: "what is it worth, and how is it done?",
    kinds: &[Kind::FunctionShift, Kind::Impact, Kind::Mitigation, Kind::Note],
    until: Until::Dismissed,
};

impl Planner for SearchPlanner {
    fn next(&self, situation: &Situation<'_>) -> Decision {
        let Situation { incident, board, catalog, knowledge, left } = *situation;
        if left.steps == 0 {
            return Decision::Conclude(Ending::BudgetSpent);
        }
        let state = State::of(board, catalog);
        let dismissed = conclude(incident, board, false).verdict == Verdict::Dismissed;
        let settled = |goal: &&&Goal| match goal.until {
            Until::Never => false,
            Until::Reason => dismissed && has_reason(board),
            Until::Dismissed => dismissed,
        };
        for goal in open_goals(incident, board).iter().filter(|goal| !settled(goal)) {
            let wave = wave(catalog, knowledge, goal.kinds, &state, left.steps as usize);
            if !wave.is_empty() {
                let choice = |entry| Choice { entry: entry as usize, reason: goal.question.to_owned() };
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
    let mut state = State { kinds: vec![false; catalog.index().kind_count()], ran: HashMap::new() };
    let mut waves = Vec::new();
    for goal in goals {
        loop {
            let wave = wave(catalog, knowledge, goal.kinds, &state, usize::MAX);
            if wave.is_empty() {
                break;
            }
            for &entry in &wave {
                state.ran.insert(entry, Ran::default());
                let index = catalog.index();
                if index.may_run[entry as usize] {
                    index.produces.of(entry).iter().for_each(|kind| state.kinds[*kind as usize] = true);
                }
            }
            waves.push((goal.question.to_owned(), wave.into_iter().map(|entry| entry as usize).collect()));
        }
    }
    waves
}

/// What was run, and what there is.
struct State {
    /// Whether there is evidence of each kind of the catalog.
    kinds: Vec<bool>,
    ran: HashMap<Number, Ran>,
}

#[derive(Default)]
struct Ran {
    times: usize,
    /// Kinds of evidence that its last run was not shown, found by others.
    arrived: HashSet<Number>,
}

impl State {
    fn of(board: &Board, catalog: &Catalog) -> State {
        let index = catalog.index();
        let mut kinds = vec![false; index.kind_count()];
        let kind = |item: &Item| index.kind(&item.evidence.finding.body.kind());
        board.items().iter().filter_map(kind).for_each(|kind| kinds[kind as usize] = true);
        let standing: Vec<(&Item, Number)> = board.standing().filter_map(|item| Some((item, kind(item)?))).collect();
        let mut ran: HashMap<Number, Ran> = HashMap::new();
        for taken in board.taken() {
            // What an earlier version did is not done again; what it did not come to is.
            if taken.status == Status::Skipped {
                continue;
            }
            let of_name = || catalog.place_named(taken.name());
            let Some(skill) = catalog.place_of(&taken.digest).or_else(of_name) else { continue };
            // What was kept from it is no news either: it would be kept from it again.
            let is_known = |id: &EvidenceId| taken.inputs.contains(id) || taken.withheld.contains(id);
            let news = |item: &Item| name_of(&item.evidence.by) != taken.name() && !is_known(&item.evidence.id);
            let ran = ran.entry(skill as Number).or_default();
            ran.times += 1;
            ran.arrived = match taken.status {
                // What could not run or trapped is not tried again.
                Status::Ok => standing.iter().filter(|(item, _)| news(item)).map(|(_, kind)| *kind).collect(),
                _ => HashSet::new(),
            };
        }
        State { kinds, ran }
    }

    fn has(&self, kind: Number) -> bool {
        self.kinds[kind as usize]
    }
}

/// The next steps towards a goal, at most so many: those that can run now, and wait for nobody, in order of rank. Linear in
/// the number of skills and of what they name.
fn wave(catalog: &Catalog, knowledge: &Knowledge, goal: &[Kind], state: &State, most: usize) -> Vec<Number> {
    let index = catalog.index();
    let distance = distances(index, goal);
    let can_run = |skill: &Number| {
        distance[*skill as usize] > 0
            && index.consumes.of(*skill).iter().all(|kind| state.has(*kind))
            && state.ran.get(skill).is_none_or(|ran| {
                ran.times < MOST_RUNS && index.reads.of(*skill).iter().any(|kind| ran.arrived.contains(kind))
            })
    };
    let can_run: Vec<Number> = skills(index).filter(can_run).collect();
    if can_run.is_empty() {
        return can_run;
    }
    let coming = coming(index, &distance, state);
    // How many skills that are still to come return each kind.
    let mut expected = vec![0_usize; index.kind_count()];
    for skill in skills(index).filter(|skill| coming[*skill as usize]) {
        index.produces.of(skill).iter().for_each(|kind| expected[*kind as usize] += 1);
    }
    let waits = |skill: Number| {
        let itself = |kind| coming[skill as usize] && index.produces.of(skill).contains(kind);
        index.reads.of(skill).iter().any(|kind| expected[*kind as usize] > usize::from(itself(kind)))
    };
    let mut ready: Vec<Number> = can_run.iter().copied().filter(|skill| !waits(*skill)).collect();
    let most = if ready.is_empty() {
        // They wait for each other: somebody begins.
        ready = can_run;
        most.min(1)
    } else {
        most
    };
    let progress = progress(catalog, knowledge);
    let rank = |skill: Number| (progress[skill as usize] / f64::from(distance[skill as usize]), skill);
    let mut ranked: Vec<(f64, Number)> = ready.into_iter().map(rank).collect();
    // Between equals the order of the catalog.
    let order = |a: &(f64, Number), b: &(f64, Number)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if most < ranked.len() {
        ranked.select_nth_unstable_by(most, order);
        ranked.truncate(most);
    }
    ranked.sort_unstable_by(order);
    ranked.into_iter().map(|(_, skill)| skill).collect()
}

fn skills(index: &Index) -> impl Iterator<Item = Number> {
    0..index.skill_count() as Number
}

/// For each skill its distance to the goal: 1 for those that produce it, 0 for those on no path to it.
fn distances(index: &Index, goal: &[Kind]) -> Vec<u32> {
    let mut distance = vec![0; index.skill_count()];
    let mut seen = vec![false; index.kind_count()];
    let mut level: Vec<Number> = goal.iter().filter_map(|kind| index.kind(kind)).collect();
    for step in 1.. {
        level.retain(|kind| !std::mem::replace(&mut seen[*kind as usize], true));
        if level.is_empty() {
            break;
        }
        let mut next = Vec::new();
        for &skill in level.iter().flat_map(|kind| index.producers.of(*kind)) {
            let place = &mut distance[skill as usize];
            if *place == 0 {
                *place = step;
                let inputs = index.consumes.of(skill).iter().chain(index.reads.of(skill));
                next.extend(inputs.filter(|kind| !seen[**kind as usize]));
            }
        }
        level = next;
    }
    distance
}

/// Skills that may still bring something: not run yet, and fed by the board or by each other.
fn coming(index: &Index, distance: &[u32], state: &State) -> Vec<bool> {
    let mut coming = vec![false; index.skill_count()];
    let mut there = state.kinds.clone();
    let missing = |skill| index.consumes.of(skill).iter().filter(|kind| !state.has(**kind)).count();
    let mut missing: Vec<usize> = skills(index).map(missing).collect();
    let candidate = |skill: Number| {
        distance[skill as usize] > 0 && index.may_run[skill as usize] && !state.ran.contains_key(&skill)
    };
    let mut fed: Vec<Number> =
        skills(index).filter(|skill| missing[*skill as usize] == 0 && candidate(*skill)).collect();
    while let Some(skill) = fed.pop() {
        coming[skill as usize] = true;
        for &kind in index.produces.of(skill) {
            if std::mem::replace(&mut there[kind as usize], true) {
                continue;
            }
            for &consumer in index.consumers.of(kind) {
                let left = &mut missing[consumer as usize];
                *left -= 1;
                if *left == 0 && candidate(consumer) {
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
