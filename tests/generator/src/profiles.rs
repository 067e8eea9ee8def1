//! CPU profiles as folded stacks, with samples that are not independent of each other.

use crate::clock::{MINUTE, Seconds, file_stamp};
use crate::costs::Costs;
use crate::dice::Dice;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::scenario::Scenario;
use std::fs;
use std::path::Path;

/// How a service is sampled.
pub(crate) struct Sampling {
    /// Starts of the files.
    starts: Vec<Seconds>,
    /// Seconds from one file to the next.
    every: Seconds,
    /// Samples of a small file; a big one has five times as many.
    samples: f64,
    /// How little one file's shares differ from the true ones (the concentration of a Dirichlet draw).
    concentration: f64,
}

impl Sampling {
    /// Draws a sampling under which the shift of `function` can be seen.
    pub(crate) fn new(dice: &mut Dice, plan: &Plan, costs: &Costs, function: usize) -> Self {
        let long = plan.window.1 - plan.window.0;
        let fits: Vec<Seconds> =
            [15, 30, 60, 120].iter().map(|m| m * MINUTE).filter(|every| (14..=130).contains(&(long / every))).collect();
        let every = if fits.is_empty() { 30 * MINUTE } else { *dice.pick(&fits) };
        let from = plan.data_from.max(plan.window.0 - if dice.chance(0.3) { long / 4 } else { 0 });
        let offset = if dice.chance(0.3) { dice.whole(0, 14) * MINUTE } else { 0 };
        let starts: Vec<Seconds> = (0..)
            .map(|i| from + offset + i * every)
            .take_while(|start| start + every <= plan.window.1)
            .filter(|_| !dice.chance(0.03))
            .collect();
        let mut samples = dice.log_between(400.0, 6000.0);
        let mut concentration = dice.log_between(150.0, 3000.0);
        let before = costs.share_with(function, 0.0);
        let after = costs.share_with(function, plan.extra);
        let half = starts.len() as f64 / 3.0;
        // In unclear cases the shift may drown.
        if (after - before).abs() > 1e-9 && plan.scenario != Scenario::Unclear {
            for _ in 0..12 {
                let spread = before.max(after) * (1.0 / concentration + 0.5 / samples) * 2.0 / half.max(1.0);
                if (after - before).abs() / spread.sqrt() > 12.0 {
                    break;
                }
                samples = (samples * 1.5).min(40_000.0);
                concentration *= 1.5;
            }
        }
        Self { starts, every, samples, concentration }
    }

    /// Writes the files of a service. `sign` is 1 where the extra cost comes on top, and -1 where it goes away.
    pub(crate) fn write(
        &self,
        dice: &mut Dice,
        plan: &Plan,
        costs: &Costs,
        folder: &Path,
        odd: &[Vec<u8>],
    ) -> Result<()> {
        fs::create_dir_all(folder).map_err(Error::write(folder))?;
        for start in &self.starts {
            let extra = plan.extra * plan.course.mean(*start, *start + self.every);
            let total = self.samples * dice.between(1.0, 5.0);
            let drawn: Vec<f64> =
                costs.shares(extra).iter().map(|p| dice.gamma((p * self.concentration).max(1e-6))).collect();
            let sum: f64 = drawn.iter().sum();
            let mut lines: Vec<Vec<u8>> = Vec::new();
            for (stack, weight) in costs.stacks.iter().zip(&drawn) {
                let count = dice.poisson(total * weight / sum);
                if count > 0 {
                    lines.push(format!("{} {count}\n", stack.frames.join(";")).into_bytes());
                }
            }
            for stack in odd {
                if dice.chance(0.5) {
                    let mut line = stack.clone();
                    line.extend(format!(" {}\n", dice.whole(1, 3)).into_bytes());
                    lines.push(line);
                }
            }
            dice.shuffle(&mut lines);
            let path = folder.join(format!("{}.folded", file_stamp(*start)));
            fs::write(&path, lines.concat()).map_err(Error::write(&path))?;
        }
        Ok(())
    }
}
