//! Where a program's time goes, as a sampling profiler would see it.

use std::collections::BTreeMap;

use negawatt_skill::profile::Profile;
use negawatt_skill::{Dice, FunctionShift, profiles};

use crate::program::Program;

/// Stacks of function indices with their cost. Numbers beyond the functions are a library's.
pub type Stacks = BTreeMap<Vec<usize>, f64>;

/// All stacks of a program whose first functions are called by requests.
pub fn stacks(program: &Program) -> Stacks {
    fn visit(program: &Program, stack: &mut Vec<usize>, times: f64, stacks: &mut Stacks) {
        let Some(&at) = stack.last() else { return };
        *stacks.entry(stack.clone()).or_default() += times * program.functions[at].cost;
        if stack.len() < 6 {
            for &(callee, often) in &program.functions[at].calls {
                stack.push(callee);
                visit(program, stack, times * often, stacks);
                stack.pop();
            }
        }
    }
    let mut stacks = Stacks::new();
    for module in &program.modules {
        visit(program, &mut vec![module.functions[0]], 1.0, &mut stacks);
    }
    stacks
}

/// A profile of files: for each its start and the stacks that it samples.
pub fn profile(program: &Program, files: &[(i64, &Stacks)], samples: f64, dice: &mut Dice) -> profiles::Profile {
    let mut p = profiles::Profile {
        strings: vec![String::new()],
        frame_names: vec![],
        frame_files: vec![],
        frame_lines: vec![],
        stack_offsets: vec![0],
        stack_frames: vec![],
        file_starts: vec![],
        file_offsets: vec![0],
        sample_stacks: vec![],
        sample_counts: vec![],
        unit: "samples".into(),
    };
    let mut frame = |(name, file): (String, String)| {
        p.strings.extend([name, file]);
        p.frame_names.push(p.strings.len() as u32 - 2);
        p.frame_files.push(p.strings.len() as u32 - 1);
        p.frame_lines.push(0);
    };
    frame(("main".into(), String::new()));
    for at in 0..program.functions.len() {
        frame(program.frame(at));
    }
    frame(("regex_automata::search".into(), String::new()));
    let mut known: BTreeMap<Vec<usize>, u32> = BTreeMap::new();
    for (start, stacks) in files {
        let total: f64 = stacks.values().sum();
        for (stack, cost) in *stacks {
            let id = *known.entry(stack.clone()).or_insert_with(|| {
                p.stack_frames.push(0);
                p.stack_frames.extend(stack.iter().map(|&at| 1 + at.min(program.functions.len()) as u32));
                p.stack_offsets.push(p.stack_frames.len() as u32);
                p.stack_offsets.len() as u32 - 2
            });
            p.sample_stacks.push(id);
            p.sample_counts.push(dice.count(samples * cost / total));
        }
        p.file_starts.push(*start);
        p.file_offsets.push(p.sample_stacks.len() as u32);
    }
    p
}

/// Functions whose share differs by more than five standard errors.
pub fn shifts(columns: &profiles::Profile, change: i64) -> Vec<FunctionShift> {
    let profile = Profile::new(columns).unwrap();
    let (before, after) = profile.split(change);
    let (before, after) = (profile.counts(before), profile.counts(after));
    (0..profile.functions().len())
        .map(|at| FunctionShift {
            name: profile.functions()[at].clone(),
            before: before.share(at),
            after: after.share(at),
            self_before: before.own_share(at),
            self_after: after.own_share(at),
            p_value: 1e-6,
        })
        .filter(|shift| {
            let middle = (shift.before + shift.after) / 2.0;
            let error = (middle * (1.0 - middle) * (1.0 / before.total + 1.0 / after.total)).sqrt();
            (shift.after - shift.before).abs() > 5.0 * error
        })
        .collect()
}
