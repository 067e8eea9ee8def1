//! Samples by function and file.

use std::ops::Range;

use negawatt_skill::profile::{Counts, Profile};
use negawatt_skill::stretches::Stretches;

/// A function below this share on both sides is too small for a test and would only cost the others.
const LEAST_SHARE: f64 = 0.0002;

/// Samples before and after a change.
#[derive(Clone, Debug)]
pub struct Shares {
    /// All samples of each file.
    pub totals: Sides<Vec<f64>>,
    /// What is known of each function that is large enough.
    pub functions: Vec<Function>,
}

/// Something before a change and after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sides<T> {
    pub before: T,
    pub after: T,
}

/// One function's samples.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its index in the profile.
    pub index: usize,
    /// Samples of each file with it on the stack.
    pub counts: Sides<Vec<f64>>,
    /// Its share without what it calls.
    pub own: Sides<f64>,
}

impl Shares {
    /// Counts in samples, also where the profile counts nanoseconds.
    pub fn of(profile: &Profile, stretches: &Stretches) -> Shares {
        let whole =
            Sides { before: profile.counts(stretches.before.clone()), after: profile.counts(stretches.after.clone()) };
        let large = |&index: &usize| whole.before.share(index).max(whole.after.share(index)) >= LEAST_SHARE;
        let unit = profile.one_sample();
        let mut functions: Vec<Function> = (0..profile.functions().len())
            .filter(large)
            .map(|index| Function {
                index,
                counts: Sides { before: Vec::new(), after: Vec::new() },
                own: Sides { before: whole.before.own_share(index), after: whole.after.own_share(index) },
            })
            .collect();
        let mut files = |range: Range<usize>, side: fn(&mut Function) -> &mut Vec<f64>| -> Vec<f64> {
            let of_file = range.map(|file| profile.counts(file..file + 1)).filter(|counts| counts.total > 0.0);
            let totals = of_file.map(|counts: Counts| {
                functions.iter_mut().for_each(|function| {
                    let count = counts.inclusive[function.index] / unit;
                    side(function).push(count);
                });
                counts.total / unit
            });
            totals.collect()
        };
        let totals = Sides {
            before: files(stretches.before.clone(), |function| &mut function.counts.before),
            after: files(stretches.after.clone(), |function| &mut function.counts.after),
        };
        Shares { totals, functions }
    }
}
