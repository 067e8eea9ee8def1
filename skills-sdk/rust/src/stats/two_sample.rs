//! Tests of two samples.

use super::dependence::{ar1, effective_size};
use super::describe::{mean, ranks, variance};
use super::distribution::{normal_sf, student_t_sf};

/// A quantity as it is known from a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Its value.
    pub value: f64,
    /// The variance of that value (not of the sample).
    pub variance: f64,
    /// The degrees of freedom of the variance, above 0.
    pub degrees_of_freedom: f64,
}

/// By how much something differs, and whether that is more than chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// After less before.
    pub difference: f64,
    /// The standard error of the difference.
    pub standard_error: f64,
    /// Degrees of freedom of the standard error.
    pub degrees_of_freedom: f64,
    /// How probable a difference at least so large, to either side, would be without a change; 0 only on underflow.
    pub p_value: f64,
}

/// Compares two estimates whose variances differ.
///
/// Degrees of freedom by Welch and Satterthwaite: Welch, "The Generalization of 'Student's' Problem when Several Different
/// Population Variances are Involved", Biometrika 34 (1947), p. 28. Without any variance, the rounding of the numbers is what is
/// left of it.
pub fn welch(before: Estimate, after: Estimate) -> Shift {
    let rounding = |estimate: Estimate| estimate.variance.max((f64::EPSILON * estimate.value).powi(2));
    let (left, right) = (rounding(before), rounding(after));
    let difference = after.value - before.value;
    let variance = left + right;
    if variance == 0.0 {
        // Both are exactly 0.
        let degrees_of_freedom = before.degrees_of_freedom + after.degrees_of_freedom;
        return Shift { difference, standard_error: 0.0, degrees_of_freedom, p_value: 1.0 };
    }
    // Parts of the whole, whose squares do not underflow.
    let (left, right) = (left / variance, right / variance);
    let degrees_of_freedom = 1.0 / (left * left / before.degrees_of_freedom + right * right / after.degrees_of_freedom);
    let standard_error = variance.sqrt();
    let p_value = (2.0 * student_t_sf((difference / standard_error).abs(), degrees_of_freedom)).min(1.0);
    Shift { difference, standard_error, degrees_of_freedom, p_value }
}

/// Welch's t-test of the means of independent values; absent with fewer than two values on a side. See [`welch`].
pub fn welch_of(before: &[f64], after: &[f64]) -> Option<Shift> {
    let estimate = |values: &[f64]| {
        let n = values.len() as f64;
        Some(Estimate { value: mean(values)?, variance: variance(values)? / n, degrees_of_freedom: n - 1.0 })
    };
    Some(welch(estimate(before)?, estimate(after)?))
}

/// Whether the mean of a series changed at a place known beforehand, where neighbouring values may be alike; absent with fewer
/// than two values on a side.
///
/// [`welch`] with the sizes of both sides replaced by what they are worth in independent values under a first-order
/// autoregression, whose coefficient is estimated from both sides together ([`ar1`], [`effective_size`]): Zwiers and von
/// Storch, "Taking Serial Correlation into Account in Tests of the Mean", Journal of Climate 8 (1995), p. 336. A coefficient
/// that is estimated too small by chance does more harm than one too large, so half its standard error (Bartlett, "On the
/// Theoretical Specification and Sampling Properties of Autocorrelated Time-Series", JRSS Supplement 8 (1946), p. 27) is added.
///
/// Measured in 50,000 runs of normal noise, the false-positive rate at 1 % is at most 1.4 % with 30 values a side and 1.9 % with
/// 15, for coefficients up to 0.8. Where the place was chosen by looking for the largest difference, the p-value is too small.
pub fn mean_shift(before: &[f64], after: &[f64]) -> Option<Shift> {
    let coefficient = cautious(ar1(&[before, after]), before.len() + after.len());
    let estimate = |values: &[f64]| {
        let n = values.len() as f64;
        let size = effective_size(values.len(), coefficient);
        // Alike neighbours also hide spread: the squares about the sample's mean sum to n (1 − 1/size) variances.
        let spread = variance(values)? * (n - 1.0) / (n * (1.0 - 1.0 / size.max(LEAST_SIZE)));
        Some(Estimate {
            value: mean(values)?,
            variance: spread / size,
            degrees_of_freedom: (size - 1.0).max(LEAST_DEGREES),
        })
    };
    let shift = welch(estimate(before)?, estimate(after)?);
    Some(if shift.degrees_of_freedom >= 1.0 { shift } else { with_one_degree(shift) })
}

/// A coefficient with half its standard error added; 0 stays, where nothing speaks for dependence.
fn cautious(coefficient: f64, count: usize) -> f64 {
    let standard_error = ((1.0 - coefficient * coefficient) / count as f64).sqrt();
    if coefficient > 0.0 { (coefficient + 0.5 * standard_error).min(0.99) } else { 0.0 }
}

/// Below these the corrections for dependence have nothing left to stand on.
const LEAST_SIZE: f64 = 1.0001;
const LEAST_DEGREES: f64 = 0.5;

fn with_one_degree(shift: Shift) -> Shift {
    let statistic = if shift.standard_error > 0.0 { (shift.difference / shift.standard_error).abs() } else { 0.0 };
    Shift { degrees_of_freedom: 1.0, p_value: (2.0 * student_t_sf(statistic, 1.0)).min(1.0), ..shift }
}

/// The p-value of the Mann–Whitney U test, to both sides, of independent values: whether values of one sample tend to be greater
/// than those of the other. 1 where all are equal; absent where a side is empty.
///
/// Normal approximation with corrections for ties and continuity: Hollander, Wolfe and Chicken, "Nonparametric Statistical
/// Methods", 3rd ed. (2013), section 4.1; good from about eight values a side.
pub fn mann_whitney(before: &[f64], after: &[f64]) -> Option<f64> {
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let (m, n) = (before.len() as f64, after.len() as f64);
    let joined = [before, after].concat();
    let ranks = ranks(&joined);
    let u = ranks[before.len()..].iter().sum::<f64>() - n * (n + 1.0) / 2.0;
    let mut sorted = ranks;
    sorted.sort_by(f64::total_cmp);
    let ties: f64 =
        sorted.chunk_by(|left, right| left == right).map(|tied| tied.len() as f64).map(|t| t.powi(3) - t).sum();
    let size = m + n;
    let variance = m * n / 12.0 * (size + 1.0 - ties / (size * (size - 1.0)));
    if variance <= 0.0 {
        return Some(1.0);
    }
    let z = ((u - m * n / 2.0).abs() - 0.5) / variance.sqrt();
    Some((2.0 * normal_sf(z)).min(1.0))
}
