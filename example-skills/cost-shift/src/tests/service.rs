//! A service that is profiled: who calls whom, what each call costs, and files of samples.

use negawatt_skill::Dice;
use negawatt_skill::prelude::*;
use negawatt_skill::profile::Profile;
use negawatt_skill::stretches::Around;

use crate::{Answer, functions};

/// A stack and what it costs before and after.
#[derive(Clone, Debug)]
pub struct Line {
    pub stack: Vec<String>,
    pub before: f64,
    pub after: f64,
}

/// All stacks of a service.
#[derive(Clone, Debug, Default)]
pub struct Service {
    pub lines: Vec<Line>,
}

/// How a service is sampled.
#[derive(Clone, Copy, Debug)]
pub struct Sampling {
    pub files: usize,
    pub samples: f64,
    /// How much the true cost of one stack differs from file to file, as a part of it.
    pub spread: f64,
    /// How alike that is from file to file.
    pub likeness: f64,
}

pub const USUAL: Sampling = Sampling { files: 48, samples: 6_000.0, spread: 0.1, likeness: 0.3 };

impl Service {
    /// Handlers that call functions of some modules, two deep, with library leaves and the runtime's own work.
    pub fn new(dice: &mut Dice) -> Service {
        let mut service = Service::default();
        for handler in 0..4 {
            let entry = format!("web::Handler::route_{handler}");
            service.add(&["main", &entry], 0.3 * dice.between(0.5, 1.5));
            for _ in 0..5 {
                let outer = format!("module_{}::outer_{}", dice.below(4), dice.below(12));
                service.add(&["main", &entry, &outer], dice.between(0.2, 2.0));
                for _ in 0..3 {
                    let inner = format!("module_{}::inner_{}", dice.below(4), dice.below(20));
                    service.add(&["main", &entry, &outer, &inner], dice.between(0.1, 1.5));
                    let leaf = ["memcpy", "malloc", "hash", "sort"][dice.below(4)];
                    service.add(&["main", &entry, &outer, &inner, leaf], dice.between(0.05, 0.5));
                }
            }
        }
        service.add(&["gc", "gc::mark"], dice.between(1.0, 3.0));
        service.add(&["gc", "gc::sweep"], dice.between(0.5, 1.5));
        let total: f64 = service.lines.iter().map(|line| line.before).sum();
        service.lines.iter_mut().for_each(|line| (line.before, line.after) = (line.before / total, line.after / total));
        service
    }

    pub fn add(&mut self, stack: &[&str], cost: f64) {
        let stack: Vec<String> = stack.iter().map(|name| (*name).to_owned()).collect();
        match self.lines.iter_mut().find(|line| line.stack == stack) {
            Some(line) => (line.before, line.after) = (line.before + cost, line.after + cost),
            None => self.lines.push(Line { stack, before: cost, after: cost }),
        }
    }

    /// The costs of a function with all that it calls, before and after, as parts of all cost before.
    pub fn cost(&self, function: &str) -> (f64, f64) {
        let of: Vec<&Line> = self.lines.iter().filter(|line| line.stack.iter().any(|name| name == function)).collect();
        (of.iter().map(|line| line.before).sum(), of.iter().map(|line| line.after).sum())
    }

    /// The shares of a function with all that it calls.
    pub fn share(&self, function: &str) -> (f64, f64) {
        let (before, after) = self.cost(function);
        let total: f64 = self.lines.iter().map(|line| line.after).sum();
        (before, after / total)
    }

    /// The functions whose cost before is within a range, in the order of their first stacks.
    pub fn sized(&self, range: std::ops::Range<f64>) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.lines.iter().flat_map(|line| &line.stack) {
            if !names.contains(name) && range.contains(&self.cost(name).0) {
                names.push(name.clone());
            }
        }
        names
    }

    /// Whether two functions are ever on one stack.
    pub fn meet(&self, one: &str, other: &str) -> bool {
        let has = |line: &Line, function: &str| line.stack.iter().any(|name| name == function);
        self.lines.iter().any(|line| has(line, one) && has(line, other))
    }

    /// Gives the stacks through a function (or, without what it calls, those that end in it) other costs afterwards.
    pub fn scale(&mut self, function: &str, own: bool, factor: f64) {
        for line in &mut self.lines {
            let is_of = if own {
                line.stack.last().is_some_and(|name| name == function)
            } else {
                line.stack.iter().any(|name| name == function)
            };
            line.after *= if is_of { factor } else { 1.0 };
        }
    }

    /// Replaces stacks afterwards: each is told whether it goes on as another one. The cost goes along, times a factor.
    pub fn replace(&mut self, factor: f64, new: impl Fn(&[String]) -> Option<Vec<String>>) {
        let mut moved = Vec::new();
        for line in &mut self.lines {
            if let Some(stack) = new(&line.stack) {
                moved.push((stack, factor * line.after));
                line.after = 0.0;
            }
        }
        for (stack, after) in moved {
            match self.lines.iter_mut().find(|line| line.stack == stack) {
                Some(line) => line.after += after,
                None => self.lines.push(Line { stack, before: 0.0, after }),
            }
        }
    }

    /// Samples it, as many files before the change as after it.
    pub fn profile(&self, dice: &mut Dice, sampling: Sampling) -> Profile {
        let mut strings = vec![String::new()];
        let mut frames: Vec<u32> = Vec::new();
        let (mut stack_offsets, mut stack_frames) = (vec![0], Vec::new());
        for line in &self.lines {
            for name in &line.stack {
                let string = strings.iter().position(|string| string == name).unwrap_or_else(|| {
                    strings.push(name.clone());
                    frames.push(strings.len() as u32 - 1);
                    strings.len() - 1
                });
                stack_frames.push(string as u32 - 1);
            }
            stack_offsets.push(stack_frames.len() as u32);
        }
        let mut columns = profiles::Profile {
            frame_files: vec![0; frames.len()],
            frame_lines: vec![0; frames.len()],
            frame_names: frames,
            strings,
            stack_offsets,
            stack_frames,
            file_starts: (0..sampling.files as i64).map(|file| file * FILE).collect(),
            file_offsets: vec![0],
            sample_stacks: Vec::new(),
            sample_counts: Vec::new(),
            unit: "samples".into(),
        };
        let mut walk: Vec<f64> = self.lines.iter().map(|_| dice.normal()).collect();
        for file in 0..sampling.files {
            let phi = sampling.likeness;
            walk.iter_mut().for_each(|state| *state = phi * *state + (1.0 - phi * phi).sqrt() * dice.normal());
            let costs: Vec<f64> = self
                .lines
                .iter()
                .zip(&walk)
                .map(|(line, state)| {
                    (if 2 * file < sampling.files { line.before } else { line.after }) * (sampling.spread * state).exp()
                })
                .collect();
            let total: f64 = costs.iter().sum();
            let samples = sampling.samples * dice.between(0.6, 1.4);
            for (stack, cost) in costs.iter().enumerate() {
                let count = dice.count(samples * cost / total);
                if count > 0 {
                    columns.sample_stacks.push(stack as u32);
                    columns.sample_counts.push(count);
                }
            }
            columns.file_offsets.push(columns.sample_stacks.len() as u32);
        }
        Profile::new(&columns).unwrap()
    }

    /// What the skill says of a function whose metric counts what it calls, once the service was sampled.
    pub fn ask(&self, dice: &mut Dice, sampling: Sampling, function: &str) -> Option<Answer> {
        self.say(dice, sampling, function, self.share(function))
    }

    /// The same where the metric counts the function alone.
    pub fn ask_of_own(&self, dice: &mut Dice, sampling: Sampling, function: &str) -> Option<Answer> {
        let of = || self.lines.iter().filter(|line| line.stack.last().is_some_and(|leaf| leaf == function));
        let total: f64 = self.lines.iter().map(|line| line.after).sum();
        let shares = (of().map(|line| line.before).sum(), of().map(|line| line.after).sum::<f64>() / total);
        self.say(dice, sampling, function, shares)
    }

    fn say(&self, dice: &mut Dice, sampling: Sampling, function: &str, (before, after): (f64, f64)) -> Option<Answer> {
        let profile = self.profile(dice, sampling);
        let time = sampling.files as i64 / 2 * FILE;
        let change = ChangePoint { time, before, after, p_value: 1e-9, method: "test".into(), shape: Shape::Step };
        let around = Around::new(time, [time], crate::ENOUGH);
        functions::in_profiles(&profile, function, &change, &around).unwrap()
    }
}

const FILE: i64 = 1_000;
