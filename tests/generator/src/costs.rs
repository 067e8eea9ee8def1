//! Where a program spends its time: stacks with weights, and the extra cost that the change brings.

use crate::dice::Dice;
use crate::lang::Leaf;
use crate::program::Program;

/// One stack of the profile.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    /// Frames from the root to the leaf.
    pub(crate) frames: Vec<String>,
    /// The functions of the program on it.
    pub(crate) functions: Vec<usize>,
    /// Its part of the cost before the change; all parts make 1.
    pub(crate) base: f64,
    /// Its part of the extra cost; may be negative where cost moves away.
    pub(crate) extra: f64,
    /// Whether its last frame is the program's own.
    own: bool,
}

/// All stacks of a service.
#[derive(Clone)]
pub(crate) struct Costs {
    /// The stacks.
    pub(crate) stacks: Vec<Stack>,
}

/// Most stacks that are written out.
const MOST_STACKS: usize = 260;

impl Costs {
    /// The stacks of a program as it is before the change.
    pub(crate) fn new(dice: &mut Dice, program: &Program) -> Self {
        let weights: Vec<f64> = program.functions.iter().map(|_| (1.1 * dice.normal()).exp()).collect();
        let leaves: Vec<Vec<Leaf>> =
            program.functions.iter().map(|_| (0..dice.index(3)).map(|_| *dice.pick(&Leaf::ALL)).collect()).collect();
        let root: Vec<String> = program.language.roots()[0].iter().map(|f| (*f).to_owned()).collect();
        let mut costs = Self { stacks: Vec::new() };
        for entry in 0..program.entries {
            costs.walk(program, &weights, &leaves, root.clone(), vec![entry], dice.between(0.6, 1.6));
        }
        let total: f64 = costs.stacks.iter().map(|s| s.base).sum();
        for frames in program.language.background() {
            let frames = frames.split(';').map(str::to_owned).collect();
            costs.stacks.push(Stack {
                frames,
                functions: vec![],
                base: total * dice.between(0.01, 0.08),
                extra: 0.0,
                own: false,
            });
        }
        costs.stacks.push(Stack {
            frames: root,
            functions: vec![],
            base: total * dice.between(0.01, 0.05),
            extra: 0.0,
            own: false,
        });
        let total: f64 = costs.stacks.iter().map(|s| s.base).sum();
        for stack in &mut costs.stacks {
            stack.base /= total;
        }
        costs
    }

    fn walk(
        &mut self,
        program: &Program,
        weights: &[f64],
        leaves: &[Vec<Leaf>],
        above: Vec<String>,
        path: Vec<usize>,
        rate: f64,
    ) {
        let Some(&function) = path.last() else { return };
        if self.stacks.len() >= MOST_STACKS {
            return;
        }
        let mut frames = above;
        frames.push(program.frame(function));
        // Entries mostly hand on; the work is further down.
        let own = weights[function] * rate * if path.len() == 1 { 0.15 } else { 1.0 };
        let in_leaves = 0.3 * own;
        let count = leaves[function].len();
        let kept = if count == 0 { own } else { own - in_leaves };
        self.stacks.push(Stack { frames: frames.clone(), functions: path.clone(), base: kept, extra: 0.0, own: true });
        for (index, leaf) in leaves[function].iter().enumerate() {
            if leaves[function][..index].contains(leaf) {
                continue;
            }
            let mut below = frames.clone();
            below.push(program.language.leaf(*leaf).to_owned());
            self.stacks.push(Stack {
                frames: below,
                functions: path.clone(),
                base: in_leaves / count as f64,
                extra: 0.0,
                own: false,
            });
        }
        for (index, callee) in program.functions[function].calls.iter().enumerate() {
            let mut next = path.clone();
            next.push(*callee);
            self.walk(program, weights, leaves, frames.clone(), next, rate * (0.55 + 0.2 * index as f64));
        }
    }

    /// A function's share, with all that it calls.
    pub(crate) fn share(&self, function: usize) -> f64 {
        self.stacks.iter().filter(|s| s.functions.contains(&function)).map(|s| s.base).sum()
    }

    /// A function's share without what it calls, but with its library calls.
    pub(crate) fn own_share(&self, function: usize) -> f64 {
        self.stacks.iter().filter(|s| s.functions.last() == Some(&function)).map(|s| s.base).sum()
    }

    /// Adds `part` of the extra cost to a function, in proportion to where it is called from; `in_leaf` of it below a library frame.
    pub(crate) fn burden(&mut self, program: &Program, function: usize, part: f64, leaf: Option<(Leaf, f64)>) {
        let own: Vec<usize> = (0..self.stacks.len())
            .filter(|i| self.stacks[*i].own && self.stacks[*i].functions.last() == Some(&function))
            .collect();
        let total: f64 = own.iter().map(|i| self.stacks[*i].base).sum();
        let in_leaf = leaf.map_or(0.0, |(_, part)| part);
        for index in own {
            let weight = part * self.stacks[index].base / total;
            self.stacks[index].extra += weight * (1.0 - in_leaf);
            let Some((leaf, _)) = leaf else { continue };
            let mut frames = self.stacks[index].frames.clone();
            frames.push(program.language.leaf(leaf).to_owned());
            match self.stacks.iter().position(|s| s.frames == frames) {
                Some(at) => self.stacks[at].extra += weight * in_leaf,
                None => {
                    let functions = self.stacks[index].functions.clone();
                    self.stacks.push(Stack { frames, functions, base: 0.0, extra: weight * in_leaf, own: false });
                }
            }
        }
    }

    /// The shares of all stacks when `extra` of the base cost is there.
    pub(crate) fn shares(&self, extra: f64) -> Vec<f64> {
        let weights: Vec<f64> = self.stacks.iter().map(|s| (s.base + extra * s.extra).max(0.0)).collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|w| w / total).collect()
    }

    /// A function's share, with all that it calls, when `extra` of the base cost is there.
    pub(crate) fn share_with(&self, function: usize, extra: f64) -> f64 {
        self.stacks
            .iter()
            .zip(self.shares(extra))
            .filter(|(s, _)| s.functions.contains(&function))
            .map(|(_, w)| w)
            .sum()
    }
}

/// The functions that the case turns on.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The function that the cause makes slower.
    pub(crate) function: usize,
    /// In a callee case whose cost shows there: the caller.
    pub(crate) caller: Option<usize>,
    /// In a cost shift: the function that cost moves away from.
    pub(crate) relieved: Option<usize>,
}

/// Chooses a function to make slower by `extra` of the whole cost.
pub(crate) fn choose(dice: &mut Dice, program: &Program, costs: &Costs, extra: f64, callee: bool) -> Target {
    let far_callers = |f: usize| -> Vec<usize> {
        program
            .callers(f)
            .into_iter()
            .filter(|c| *c >= program.entries && program.functions[*c].module != program.functions[f].module)
            .collect()
    };
    let usable: Vec<usize> = (program.entries..program.functions.len())
        .filter(|f| costs.own_share(*f) > 0.0 && (!callee || !far_callers(*f).is_empty()))
        .collect();
    let fit: Vec<usize> = usable
        .iter()
        .copied()
        .filter(|f| ((extra / 25.0).max(0.006)..0.15).contains(&costs.own_share(*f)) && costs.share(*f) < 0.3)
        .collect();
    let function = if fit.is_empty() {
        let mut best = usable;
        best.sort_by(|a, b| costs.own_share(*b).total_cmp(&costs.own_share(*a)));
        best.first().copied().unwrap_or(program.entries)
    } else {
        *dice.pick(&fit)
    };
    let callers = far_callers(function);
    let caller = (callee && !callers.is_empty()).then(|| *dice.pick(&callers));
    Target { function, caller, relieved: None }
}

/// Chooses two functions between which cost moves, and the moved share: (to, from, moved).
pub(crate) fn choose_shift(
    dice: &mut Dice,
    program: &Program,
    costs: &Costs,
    effect: f64,
) -> Option<(usize, usize, f64)> {
    let count = program.functions.len();
    let mut pairs = Vec::new();
    for to in program.entries..count {
        let share = costs.share(to);
        if !(0.02..0.3).contains(&share) || costs.own_share(to) <= 0.0 {
            continue;
        }
        let near = program.stack_of(to);
        for from in program.entries..count {
            let spare = 0.6
                * costs
                    .stacks
                    .iter()
                    .filter(|s| s.own && s.functions.last() == Some(&from))
                    .map(|s| s.base)
                    .sum::<f64>();
            let moved = (effect * share).min(spare);
            if !near.contains(&from) && moved >= 0.2 * share && moved >= 0.008 {
                pairs.push((to, from, moved));
            }
        }
    }
    (!pairs.is_empty()).then(|| *dice.pick(&pairs))
}
