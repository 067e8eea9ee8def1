//! Whether what rose in one place fell in another: the balance of a *domain*, which is the part that rose together with the part
//! that may have paid for it.
//!
//! FBDetect (Yoon, Wang and others, "FBDetect: Catching Tiny Performance Regressions at Hyperscale through In-Production Monitoring",
//! SOSP 2024) takes a regression for a cost shift where the cost of a domain around it did not change. Here the same
//! is asked as a test: is what is left of the rise, in the domain's sum, beyond doubt the smaller part of it?

use negawatt_skill::stats::{self, student_t_sf};

/// What of a rise may be left in the domain's sum. More, and cost grew as well as moved.
const LEFT: f64 = 1.0 / 3.0;
/// Growth that is beyond chance at this level is growth, however little, …
const GREW: f64 = 0.003;
/// … unless it is less than this part of the rise.
const IMMATERIAL: f64 = 0.02;
/// A domain that fell by more than this part of the rise, beyond it, did something else than give cost away.
const TOO_MUCH: f64 = 0.5;
/// What may be left of the rise near the change, where less is known.
const LEFT_NEAR: f64 = 0.5;
/// With fewer samples on a side, the nearer half of them says nothing.
const ENOUGH_FOR_HALVES: usize = 6;

/// Samples of a part and of the domain around it, before and after a change, of which contrasts can be made.
pub trait Measured: Sized {
    /// `growth` times the growth of the domain's sum and `rise` times the rise of the part, in the same unit, with what is known of
    /// its error. `None` with fewer than two samples on a side.
    fn contrast(&self, growth: f64, rise: f64) -> Option<Contrast>;

    /// The half of the samples that is nearer to the change.
    fn nearer_half(&self) -> Self;

    /// How many samples the shorter side has.
    fn len(&self) -> usize;
}

/// A number and how well it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    pub value: f64,
    pub standard_error: f64,
    pub degrees_of_freedom: f64,
}

impl Contrast {
    /// The change of the mean of a series of values, whose neighbours may be alike: see [`stats::mean_shift`].
    pub fn of_means(before: &[f64], after: &[f64]) -> Option<Contrast> {
        let shift = stats::mean_shift(before, after)?;
        Some(Contrast {
            value: shift.difference,
            standard_error: shift.standard_error,
            degrees_of_freedom: shift.degrees_of_freedom,
        })
    }

    /// How probable so low a value would be if the true one were at least 0.
    pub fn doubt_of_below_zero(&self) -> f64 {
        if self.standard_error > 0.0 {
            student_t_sf(-self.value / self.standard_error, self.degrees_of_freedom)
        } else if self.value < 0.0 {
            0.0
        } else {
            1.0
        }
    }

    /// How probable so high a value would be if the true one were at most 0.
    fn doubt_of_above_zero(&self) -> f64 {
        Contrast { value: -self.value, ..*self }.doubt_of_below_zero()
    }
}

/// A domain whose sum did not grow while a part of it rose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moved {
    /// By how much the part rose.
    pub rise: f64,
    /// By how much the domain's sum grew.
    pub growth: f64,
    /// The standard error of that growth.
    pub error: f64,
    /// How probable it is, at most, that the rise did not move from elsewhere in the domain.
    pub doubt: f64,
}

/// How probable it is, at most, that nothing was paid for the rise of a part, when the domain is one of so many candidates; `None`
/// where nobody can tell.
pub fn doubt_of_payment(measured: &impl Measured, candidates: usize) -> Option<f64> {
    let not_paid = measured.contrast(1.0, -1.0)?.doubt_of_below_zero();
    Some((candidates.max(1) as f64 * not_paid).min(1.0))
}

/// Whether the rise of a part is paid for by the rest of its domain; `None` where it is not, or where nobody can tell. `candidates`
/// says among how many domains this one was looked for: the more, the more of them seem to pay by chance.
pub fn moved(measured: &impl Measured, candidates: usize) -> Option<Moved> {
    let rise = measured.contrast(0.0, 1.0)?;
    let growth = measured.contrast(1.0, 0.0)?;
    if rise.value <= 0.0 || growth.value < -TOO_MUCH * rise.value || growth.value > LEFT * rise.value {
        return None;
    }
    if growth.value > IMMATERIAL * rise.value && growth.doubt_of_above_zero() < GREW {
        return None;
    }
    if measured.len() >= ENOUGH_FOR_HALVES {
        // What paid must have paid then, and not some other time.
        let near = measured.nearer_half();
        if near.contrast(1.0, -LEFT_NEAR)?.value >= 0.0 {
            return None;
        }
    }
    let not_paid = doubt_of_payment(measured, candidates)?;
    let mostly_left = measured.contrast(1.0, -LEFT)?.doubt_of_below_zero();
    // Any of these may be wrong: at most the sum of their probabilities (Boole's inequality).
    let doubt = rise.doubt_of_above_zero() + mostly_left + not_paid;
    Some(Moved { rise: rise.value, growth: growth.value, error: growth.standard_error, doubt: doubt.min(1.0) })
}

/// Samples of shares: of all cost, a part and its domain. What is outside of the domain is what both are compared with, since
/// shares sum to one and a rise makes all others fall.
///
/// With the domain's cost d and the part's p as parts of all cost before and after, and the rest taken to have stayed as it is, the
/// part rose by p₁ (1 − d₀)/(1 − d₁) − p₀ of all cost before, and the domain by d₁ (1 − d₀)/(1 − d₁) − d₀: ratios to the rest, as
/// Aitchison, "The Statistical Analysis of Compositional Data", Journal of the Royal Statistical Society B 44 (1982), section 3,
/// has it. A domain that takes nearly all has no rest to be compared with, and its error shows that.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    pub before: Vec<Sample>,
    pub after: Vec<Sample>,
}

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// All cost; 1 where the others are shares already.
    pub total: f64,
    /// The domain's cost.
    pub domain: f64,
    /// The part's cost, which is in that of the domain.
    pub part: f64,
    /// How many independent draws the total stands for, at most; infinitely many where that is not known.
    pub draws: f64,
}

/// The shares of all samples of a side.
#[derive(Clone, Copy, Debug)]
struct Pooled {
    domain: f64,
    part: f64,
    total: f64,
    draws: f64,
}

impl Pooled {
    fn of(samples: &[Sample]) -> Option<Pooled> {
        let total: f64 = samples.iter().map(|sample| sample.total).sum();
        let domain = samples.iter().map(|sample| sample.domain).sum::<f64>() / total;
        let part = samples.iter().map(|sample| sample.part).sum::<f64>() / total;
        let draws = samples.iter().map(|sample| sample.draws).sum();
        (total > 0.0 && domain < 1.0).then_some(Pooled { domain, part, total, draws })
    }

    /// How far each sample is from the pooled shares in `by_domain` × domain + `by_part` × part, weighted so that the mean over
    /// samples is the pooled share's deviation (the linearisation of a ratio, as in function shares over files).
    fn deviations(&self, samples: &[Sample], by_domain: f64, by_part: f64) -> Vec<f64> {
        let weight = samples.len() as f64 / self.total;
        let deviation = |sample: &Sample| {
            let domain = sample.domain - self.domain * sample.total;
            let part = sample.part - self.part * sample.total;
            weight * (by_domain * domain + by_part * part)
        };
        samples.iter().map(deviation).collect()
    }

    /// The variance of the same if all draws were independent: no side is known better than that. Half a draw more keeps shares of 0
    /// from being known exactly.
    fn of_draws(&self, by_domain: f64, by_part: f64) -> f64 {
        let smoothed = |share: f64| (share * self.draws + 0.5) / (self.draws + 1.0);
        if self.draws.is_infinite() {
            return 0.0;
        }
        let (domain, part) = (smoothed(self.domain), smoothed(self.part).min(smoothed(self.domain)));
        let variance = by_domain.powi(2) * domain * (1.0 - domain)
            + by_part.powi(2) * part * (1.0 - part)
            + 2.0 * by_domain * by_part * part * (1.0 - domain);
        variance.max(0.0) / self.draws
    }
}

impl Measured for Shares {
    fn contrast(&self, growth: f64, rise: f64) -> Option<Contrast> {
        let (before, after) = (Pooled::of(&self.before)?, Pooled::of(&self.after)?);
        let dilution = (1.0 - before.domain) / (1.0 - after.domain);
        let sum = |pooled: &Pooled| growth * pooled.domain + rise * pooled.part;
        let value = dilution * sum(&after) - sum(&before);
        // Derivatives of the value by the four shares.
        let after_domain = dilution * (growth + sum(&after) / (1.0 - after.domain));
        let before_domain = sum(&after) / (1.0 - after.domain) + growth;
        let was = before.deviations(&self.before, before_domain, rise);
        let is = after.deviations(&self.after, after_domain, dilution * rise);
        let spread = Contrast::of_means(&was, &is)?;
        let least = before.of_draws(before_domain, rise) + after.of_draws(after_domain, dilution * rise);
        let standard_error = spread.standard_error.max(least.sqrt());
        Some(Contrast { value, standard_error, degrees_of_freedom: spread.degrees_of_freedom })
    }

    fn nearer_half(&self) -> Shares {
        Shares { before: later_half(&self.before), after: earlier_half(&self.after) }
    }

    fn len(&self) -> usize {
        self.before.len().min(self.after.len())
    }
}

/// Samples of amounts that can be added up: those of a part, and those of its domain.
#[derive(Clone, Debug, Default)]
pub struct Amounts {
    pub before: Vec<(f64, f64)>,
    pub after: Vec<(f64, f64)>,
}

impl Measured for Amounts {
    fn contrast(&self, growth: f64, rise: f64) -> Option<Contrast> {
        let sums = |side: &[(f64, f64)]| -> Vec<f64> {
            side.iter().map(|(part, domain)| growth * domain + rise * part).collect()
        };
        Contrast::of_means(&sums(&self.before), &sums(&self.after))
    }

    fn nearer_half(&self) -> Amounts {
        Amounts { before: later_half(&self.before), after: earlier_half(&self.after) }
    }

    fn len(&self) -> usize {
        self.before.len().min(self.after.len())
    }
}

fn later_half<T: Copy>(side: &[T]) -> Vec<T> {
    side[side.len() / 2..].to_vec()
}

fn earlier_half<T: Copy>(side: &[T]) -> Vec<T> {
    side[..side.len().div_ceil(2)].to_vec()
}
