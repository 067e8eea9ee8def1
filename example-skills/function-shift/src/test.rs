//! Whether a function's share changed by more than chance.
//!
//! Samples of one file are alike: they come from the same requests, hosts and minutes. So files, not samples, are what is drawn
//! by chance. The variance of a share over files is that of a ratio, as Rao and Scott, "A Simple Method for the Analysis of
//! Clustered Binary Data", Biometrics 48 (1992), p. 577, take it; its ratio to the variance of independent samples is the
//! function's *design effect*. With few files it is known badly, so it is moderated by those of all functions
//! (`moderation`). Files that follow each other are alike too (`likeness`): what of the design effect is beyond that of
//! independent samples weighs the more.

use negawatt_skill::stats::{self, Estimate};

use crate::likeness;
use crate::moderation::{self, Variance};
use crate::shares::{Function, Shares, Sides};

/// A function's change and how probable it is by chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tested {
    /// Its index in the profile.
    pub function: usize,
    /// Share with everything it calls.
    pub before: f64,
    /// Share with everything it calls.
    pub after: f64,
    /// Share without what it calls.
    pub own_before: f64,
    /// Share without what it calls.
    pub own_after: f64,
    /// How probable so large a change is without a cause.
    pub p_value: f64,
    /// The logarithm of after to before, kept finite.
    log_ratio: f64,
}

impl Tested {
    /// What the change contributes to the divergence of both profiles: large for much CPU and for much relative change, so that the
    /// function that changed tells more than its callers, whose shares move by as much but relatively less.
    ///
    /// A term of the symmetric divergence of Jeffreys, "An Invariant Form for the Prior Probability in Estimation Problems",
    /// Proceedings of the Royal Society A 186 (1946), p. 453.
    pub fn divergence(&self) -> f64 {
        (self.after - self.before) * self.log_ratio
    }
}

/// A share as the files of one side show it.
struct Side {
    share: f64,
    /// The variance that independent samples would have.
    independent: f64,
    /// The variance over independent files; `None` with one file.
    over_files: Option<f64>,
    files: f64,
}

/// Tests all functions.
pub fn all(shares: &Shares) -> Vec<Tested> {
    let sides: Vec<Sides<Side>> = shares
        .functions
        .iter()
        .map(|function| Sides {
            before: Side::of(&function.counts.before, &shares.totals.before),
            after: Side::of(&function.counts.after, &shares.totals.after),
        })
        .collect();
    let likeness = likeness::of(shares);
    let effects = design_effects(&sides);
    let dilution = dilution(&shares.functions);
    let tested = shares.functions.iter().zip(&sides).zip(effects);
    tested.map(|((function, sides), effect)| test(function, sides, effect, likeness, dilution)).collect()
}

impl Side {
    fn of(counts: &[f64], totals: &[f64]) -> Side {
        let (count, total) = (counts.iter().sum::<f64>(), totals.iter().sum::<f64>());
        let (share, files) = (count / total, counts.len() as f64);
        // Half a sample more, and half a sample less: a share of 0 is not known exactly.
        let smoothed = (count + 0.5) / (total + 1.0);
        let residuals: f64 = counts.iter().zip(totals).map(|(count, total)| (count - share * total).powi(2)).sum();
        let over_files = (counts.len() > 1).then(|| files / (files - 1.0) * residuals / (total * total));
        Side { share, independent: smoothed * (1.0 - smoothed) / total, over_files, files }
    }

    /// The variance of the share under a design effect, where the part of it beyond independent samples is alike from file to
    /// file.
    fn variance(&self, effect: f64, likeness: f64) -> f64 {
        let inflation = self.files / stats::effective_size(self.files as usize, likeness);
        // Alike files also hide a part of their spread, as in any sample's variance.
        let hidden = (1.0 - inflation / self.files).max(0.1) / (1.0 - 1.0 / self.files.max(2.0)).max(0.1);
        self.independent * (1.0 + (effect - 1.0) * inflation / hidden.min(1.0))
    }
}

/// The moderated design effect of each function.
fn design_effects(sides: &[Sides<Side>]) -> Vec<Variance> {
    let own: Vec<Option<Variance>> = sides.iter().map(design_effect).collect();
    if own.iter().all(Option::is_none) {
        let effect = Variance { value: common_effect(sides), degrees_of_freedom: BORROWED };
        return vec![effect; sides.len()];
    }
    let known: Vec<Variance> = own.iter().flatten().copied().collect();
    let prior = moderation::prior(&known);
    own.into_iter().map(|own| moderation::moderate(own, prior)).collect()
}

/// With one file on each side the files say nothing of their spread. Then most functions are taken to be unchanged, and the
/// spread to be what makes the median of their differences the expected one: the genomic control of Devlin and Roeder,
/// "Genomic Control for Association Studies", Biometrics 55 (1999), p. 997.
fn common_effect(sides: &[Sides<Side>]) -> f64 {
    /// The median of the χ² distribution with one degree of freedom.
    const MEDIAN: f64 = 0.454_936_423_119_572_8;
    let squares: Vec<f64> = sides
        .iter()
        .map(|sides| {
            let variance = sides.before.independent + sides.after.independent;
            (sides.after.share - sides.before.share).powi(2) / variance
        })
        .collect();
    stats::median(&squares).map_or(1.0, |median| (median / MEDIAN).max(1.0))
}

/// The degrees of freedom of a spread that was not seen but borrowed from other functions.
const BORROWED: f64 = 10.0;

/// The variance over files in units of that of independent samples; a side with one file has the other's.
fn design_effect(sides: &Sides<Side>) -> Option<Variance> {
    let seen: Vec<(f64, f64, f64)> = [&sides.before, &sides.after]
        .into_iter()
        .filter_map(|side| Some((side.over_files?, side.independent, side.files - 1.0)))
        .collect();
    let over_files: f64 = seen.iter().map(|(over_files, ..)| over_files).sum();
    let independent: f64 = seen.iter().map(|(_, independent, _)| independent).sum();
    if over_files <= 0.0 || independent <= 0.0 {
        return None;
    }
    // Welch and Satterthwaite.
    let squares: f64 = seen.iter().map(|(over_files, _, degrees)| over_files.powi(2) / degrees).sum();
    Some(Variance { value: over_files / independent, degrees_of_freedom: over_files.powi(2) / squares })
}

/// What is left of the share of a function that did not change, because others take more: the median ratio of own shares, at most
/// 1, where there are enough functions to tell.
fn dilution(functions: &[Function]) -> f64 {
    const ENOUGH: usize = 8;
    const LEAST_SHARE: f64 = 0.001;
    let large = functions.iter().filter(|function| function.own.before.min(function.own.after) >= LEAST_SHARE);
    let ratios: Vec<f64> = large.map(|function| function.own.after / function.own.before).collect();
    if ratios.len() < ENOUGH { 1.0 } else { stats::median(&ratios).map_or(1.0, |ratio| ratio.min(1.0)) }
}

fn test(function: &Function, sides: &Sides<Side>, effect: Variance, likeness: f64, dilution: f64) -> Tested {
    let (before, after) = (sides.before.share, sides.after.share);
    // A fall that only makes room for what rose is none.
    let expected = if after < before { dilution * before } else { before };
    let p_value = if after < before && after >= expected {
        1.0
    } else {
        // Samples of a file can hardly repel each other: a smaller effect than that of independent ones is luck.
        let value = effect.value.max(1.0);
        let variance_before = dilution.powi(2) * sides.before.variance(value, likeness);
        let variance = variance_before + sides.after.variance(value, likeness);
        // What is known of the spread shrinks as much as it grows the variance of the shares.
        let unlike = value * (sides.before.independent * dilution.powi(2) + sides.after.independent) / variance;
        let degrees_of_freedom = (effect.degrees_of_freedom * unlike).max(1.0);
        let change = Estimate { value: after - expected, variance, degrees_of_freedom };
        stats::welch(Estimate { value: 0.0, variance: 0.0, degrees_of_freedom: 1.0 }, change).p_value
    };
    let smoothed = |side: &Side| side.share.max(side.independent);
    Tested {
        function: function.index,
        before,
        after,
        own_before: function.own.before,
        own_after: function.own.after,
        p_value,
        log_ratio: (smoothed(&sides.after) / smoothed(&sides.before)).ln(),
    }
}

#[cfg(test)]
#[path = "test_tests.rs"]
mod tests;
