//! Samples of stacks, file by file, on both sides of a change.

use std::ops::Range;

use negawatt_skill::profile::Profile;
use negawatt_skill::stretches::Around;

use crate::balance::{Sample, Shares};

/// A profile around a change.
pub struct Samples<'a> {
    pub profile: &'a Profile,
    /// Of each stack, its share of all samples before.
    pub before: Vec<f64>,
    /// Of each stack, its share of all samples after.
    pub after: Vec<f64>,
    files: (Range<usize>, Range<usize>),
    /// What one sample counts.
    unit: f64,
}

impl<'a> Samples<'a> {
    /// `None` with fewer than two files that hold samples on a side: then nobody knows how much files differ.
    pub fn of(profile: &'a Profile, around: &Around) -> Option<Samples<'a>> {
        let stretches = around.files(profile);
        let side = |range: &Range<usize>| {
            let mut stacks = vec![0.0; profile.stacks().len()];
            let (mut total, mut files) = (0.0, 0);
            for file in &profile.files()[range.clone()] {
                file.samples().iter().for_each(|&(stack, count)| stacks[stack] += count);
                let in_file: f64 = file.samples().iter().map(|(_, count)| count).sum();
                total += in_file;
                files += usize::from(in_file > 0.0);
            }
            stacks.iter_mut().for_each(|count| *count /= total);
            (files > 1).then_some(stacks)
        };
        Some(Samples {
            profile,
            before: side(&stretches.before)?,
            after: side(&stretches.after)?,
            unit: profile.one_sample(),
            files: (stretches.before, stretches.after),
        })
    }

    /// The stacks of which something is true.
    pub fn stacks(&self, holds: impl Fn(&[usize]) -> bool) -> Vec<bool> {
        self.profile.stacks().map(holds).collect()
    }

    /// The shares of some stacks before and after.
    pub fn shares(&self, stacks: &[bool]) -> (f64, f64) {
        let sum = |shares: &[f64]| shares.iter().zip(stacks).filter(|(_, is_in)| **is_in).map(|(share, _)| share).sum();
        (sum(&self.before), sum(&self.after))
    }

    /// A part and its domain, file by file.
    pub fn measured(&self, part: &[bool], domain: &[bool]) -> Shares {
        let side = |range: &Range<usize>| {
            let files = self.profile.files()[range.clone()].iter().map(|file| {
                let mut sample = Sample { total: 0.0, domain: 0.0, part: 0.0, draws: 0.0 };
                for &(stack, count) in file.samples() {
                    sample.total += count;
                    sample.domain += if domain[stack] { count } else { 0.0 };
                    sample.part += if part[stack] { count } else { 0.0 };
                }
                Sample { draws: sample.total / self.unit, ..sample }
            });
            files.filter(|sample| sample.total > 0.0).collect()
        };
        Shares { before: side(&self.files.0), after: side(&self.files.1) }
    }
}
