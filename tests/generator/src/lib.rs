//! Makes whole labelled cases for Negawatt: an incident, its series, profiles and git history, and the right answer.
//!
//! A case depends on nothing but its [`Scenario`] and its seed, and on when it ends where that is said ([`generate_until`]). The generator
//! shares no code and no constants with the skills: it is how their answers are checked.

#![deny(missing_docs)]

mod aside;
mod clock;
mod costs;
mod dice;
mod edits;
mod error;
mod git;
mod history;
mod hostile;
mod innocent;
mod lang;
mod messages;
mod metrics;
mod plan;
mod profiles;
mod program;
mod scenario;
mod series;
mod shapes;
mod timeline;
mod words;
mod world;
mod write;

pub use clock::{Seconds, rfc3339};
pub use error::{Error, Result};
pub use scenario::Scenario;
pub use write::{Suspect, Truth};

use costs::{Costs, Target};
use dice::Dice;
use plan::{Course, Metric, Plan, Shift};
use profiles::Sampling;
use program::Program;
use std::path::Path;

/// Makes the case of a scenario and a seed in `folder`, which is created and should be empty, and returns the right answer.
///
/// # Errors
///
/// When a file cannot be written, or the git program is missing or fails.
pub fn generate(scenario: Scenario, seed: u64, folder: &Path) -> Result<Truth> {
    make(scenario, seed, None, folder)
}

/// As [`generate`], but the window ends at a time, such as now, and so do the data: as for an alert that has just been raised. A season keeps
/// its hours of the day, and ends on that day.
///
/// # Errors
///
/// As of [`generate`].
pub fn generate_until(scenario: Scenario, seed: u64, end: Seconds, folder: &Path) -> Result<Truth> {
    make(scenario, seed, Some(end), folder)
}

fn make(scenario: Scenario, seed: u64, end: Option<Seconds>, folder: &Path) -> Result<Truth> {
    std::fs::create_dir_all(folder).map_err(Error::write(folder))?;
    let dice = Dice::new(seed, scenario.name());
    let program = Program::new(&mut dice.fork("program"));
    let mut plan = Plan::new(scenario, seed, end, &mut dice.fork("plan"), &program);
    let mut costs = Costs::new(&mut dice.fork("costs"), &program);
    let target = aim(&mut dice.fork("target"), &mut plan, &program, &costs);
    let slowdown = *dice.fork("slowdown").pick(&edits::fitting(&program, target.function, scenario == Scenario::Drift));
    burden(&mut dice.fork("burden"), &plan, &program, &mut costs, &target, slowdown);

    let history = history::write(&mut dice.fork("history"), &plan, program.clone(), &target, slowdown);
    let hashes = git::build(&folder.join("repo"), &history.commits, &history.layout)?;
    let primary = metrics::write(&mut dice.fork("metrics"), &plan, &program, &costs, &target, &folder.join("metrics"))?;
    write_profiles(&dice, &plan, &costs, &target, folder)?;
    let module = program.functions[target.function].module;
    let aside = aside::write(&mut dice.fork("aside"), &plan, &program, module, folder)?;
    write::incident(&mut dice.fork("incident"), &plan, &primary, folder)?;
    write::config(&mut dice.fork("config"), &plan, &aside, &history.branch, folder)?;

    let regression = scenario.verdict() == "regression";
    let visible = plan.course != Course::Flat && scenario != Scenario::Late;
    let commit = history.culprit.filter(|_| scenario.blames_commit()).map(|index| Suspect {
        kind: "commit",
        id: hashes[index].clone(),
        author: history.commits[index].author.shown(),
    });
    let other = aside.cause.map(|(kind, id, author)| Suspect { kind, id, author });
    let suspect = commit.or(other);
    let by_commit = suspect.as_ref().is_some_and(|s| s.kind == "commit");
    let before = if matches!(plan.course, Course::Drop(_)) { 1.0 + plan.rise } else { 1.0 };
    let after = plan.factor(plan.window.1 - 1);
    let before = if plan.metric.down { 1.0 / before } else { before };
    let truth = Truth {
        scenario,
        seed,
        verdict: scenario.verdict(),
        reason: scenario.reason(),
        change_time: visible.then(|| primary.points.iter().map(|(t, _)| *t).find(|t| *t >= plan.live)).flatten(),
        function: regression.then(|| program.frame(target.function)),
        file: history.file.filter(|_| by_commit),
        relative: regression.then_some((after - before) / before),
        landed: suspect.as_ref().map(|_| plan.landed),
        suspect,
    };
    truth.write(folder)?;
    Ok(truth)
}

/// Chooses the functions that the case turns on; a cost shift also settles what is measured.
fn aim(dice: &mut Dice, plan: &mut Plan, program: &Program, costs: &Costs) -> Target {
    if plan.scenario != Scenario::CostShift {
        return costs::choose(dice, program, costs, plan.extra, plan.scenario == Scenario::Callee);
    }
    if plan.shift == Shift::Functions {
        if let Some((function, from, moved)) = costs::choose_shift(dice, program, costs, plan.effect) {
            let share = costs.share(function);
            plan.metric = Metric { name: "function_cpu_share", level: share, down: false, busy: false };
            plan.effect = moved / share;
            plan.rise = plan.effect;
            plan.extra = moved;
            return Target { function, caller: None, relieved: Some(from) };
        }
        plan.shift = Shift::Services;
    }
    plan.metric = Metric { name: "cpu_usage_cores", level: dice.log_between(8.0, 400.0), down: false, busy: false };
    costs::choose(dice, program, costs, plan.extra, false)
}

/// Lays the extra cost on the stacks.
fn burden(
    dice: &mut Dice,
    plan: &Plan,
    program: &Program,
    costs: &mut Costs,
    target: &Target,
    slowdown: edits::Slowdown,
) {
    if let Some(from) = target.relieved {
        costs.burden(program, target.function, 1.0, None);
        costs.burden(program, from, -1.0, None);
        return;
    }
    let leaf = edits::leaf(slowdown).filter(|_| dice.chance(0.6)).map(|leaf| (leaf, dice.between(0.2, 0.65)));
    // Inlined in part: the cost then shows as the caller's own.
    let inlined = if target.caller.is_some() && dice.chance(0.7) { dice.between(0.45, 0.65) } else { 0.0 };
    costs.burden(program, target.function, 1.0 - inlined, leaf);
    if let (Some(caller), true) = (target.caller, inlined > 0.0) {
        costs.burden(program, caller, inlined, None);
    }
    debug_assert!(plan.extra >= 0.0);
}

/// Writes the profiles of the service, and of the one that cost moves away from.
fn write_profiles(dice: &Dice, plan: &Plan, costs: &Costs, target: &Target, folder: &Path) -> Result<()> {
    let folder = folder.join("profiles");
    if plan.scenario == Scenario::Unclear && dice.fork("unprofiled").chance(0.4) {
        return std::fs::create_dir_all(&folder).map_err(Error::write(&folder));
    }
    let odd = if plan.scenario == Scenario::Hostile { hostile::stacks() } else { Vec::new() };
    let sampling = Sampling::new(&mut dice.fork("sampling"), plan, costs, target.function);
    sampling.write(&mut dice.fork("profiles"), plan, costs, &folder.join(&plan.service), &odd)?;
    if plan.scenario == Scenario::CostShift && plan.shift == Shift::Services {
        let program = Program::new(&mut dice.fork("other program"));
        let mut costs = Costs::new(&mut dice.fork("other costs"), &program);
        let lost = plan.effect * plan.metric.level / metrics::relieved_level(plan);
        let extra = lost / (1.0 - lost);
        let other = Plan { course: Course::Drop(plan.live), extra, ..plan.clone() };
        let target = costs::choose(&mut dice.fork("other target"), &program, &costs, extra, false);
        costs.burden(&program, target.function, 1.0, None);
        let sampling = Sampling::new(&mut dice.fork("other sampling"), &other, &costs, target.function);
        sampling.write(&mut dice.fork("other profiles"), &other, &costs, &folder.join(&plan.neighbours[0]), &[])?;
    }
    Ok(())
}
