//! Variances that are known badly, moderated by those of their kind.
//!
//! Smyth, "Linear Models and Empirical Bayes Methods for Assessing Differential Expression in Microarray Experiments", Statistical
//! Applications in Genetics and Molecular Biology 3 (2004), article 3: variances of many items scatter around a common one, by
//! their degrees of freedom and by their nature. How much by their nature says how much each should give way to it.

/// A variance and how well it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variance {
    pub value: f64,
    pub degrees_of_freedom: f64,
}

/// No item gives way more than to so many degrees of freedom: functions call each other, and their variances are fewer than
/// they look.
const MOST_DEGREES: f64 = 50.0;

/// The common variance of items and its degrees of freedom (section 6.2); none without two items.
pub fn prior(variances: &[Variance]) -> Option<Variance> {
    let count = variances.len() as f64;
    let logs: Vec<f64> = variances
        .iter()
        .map(|variance| {
            let half = variance.degrees_of_freedom / 2.0;
            variance.value.ln() - digamma(half) + half.ln()
        })
        .collect();
    let mean = negawatt_skill::stats::mean(&logs)?;
    let spread = negawatt_skill::stats::variance(&logs)?;
    let by_chance: f64 =
        variances.iter().map(|variance| trigamma(variance.degrees_of_freedom / 2.0)).sum::<f64>() / count;
    let by_nature = spread - by_chance;
    let half = if by_nature > 0.0 { trigamma_inverse(by_nature).min(MOST_DEGREES / 2.0) } else { MOST_DEGREES / 2.0 };
    Some(Variance { value: (mean + digamma(half) - half.ln()).exp(), degrees_of_freedom: 2.0 * half })
}

/// An item's own variance and the common one, each by its degrees of freedom (section 3); without either, independence with one
/// degree.
pub fn moderate(own: Option<Variance>, prior: Option<Variance>) -> Variance {
    match (own, prior) {
        (Some(own), Some(prior)) => {
            let degrees_of_freedom = own.degrees_of_freedom + prior.degrees_of_freedom;
            let sum = own.value * own.degrees_of_freedom + prior.value * prior.degrees_of_freedom;
            Variance { value: sum / degrees_of_freedom, degrees_of_freedom }
        }
        (known, other) => known.or(other).unwrap_or(Variance { value: 1.0, degrees_of_freedom: 1.0 }),
    }
}

/// The derivative of ln Γ, for x > 0: its asymptotic series (NIST Digital Library of Mathematical Functions, 5.11.2) by recurrence.
fn digamma(x: f64) -> f64 {
    let (mut x, mut sum) = (x, 0.0);
    while x < 12.0 {
        sum -= 1.0 / x;
        x += 1.0;
    }
    let s = 1.0 / (x * x);
    sum + x.ln() - 0.5 / x - s * (1.0 / 12.0 - s * (1.0 / 120.0 - s * (1.0 / 252.0 - s * (1.0 / 240.0 - s / 132.0))))
}

/// The derivative of [`digamma`], likewise (5.15.8).
fn trigamma(x: f64) -> f64 {
    let (mut x, mut sum) = (x, 0.0);
    while x < 12.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let s = 1.0 / (x * x);
    sum + (1.0 + 0.5 / x + s * (1.0 / 6.0 - s * (1.0 / 30.0 - s * (1.0 / 42.0 - s * (1.0 / 30.0 - s * 5.0 / 66.0)))))
        / x
}

/// Where [`trigamma`] has a value above 0. It falls, so halving what is left of an interval finds it, on a logarithmic scale.
fn trigamma_inverse(value: f64) -> f64 {
    let (mut low, mut high) = (1e-6_f64.ln(), 1e9_f64.ln());
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if trigamma(middle.exp()) > value { low = middle } else { high = middle }
    }
    (0.5 * (low + high)).exp()
}

#[cfg(test)]
mod tests {
    use negawatt_skill::{Dice, stats};

    use super::*;

    const POLYGAMMA: [(f64, f64, f64); 6] = [
        (0.25, -4.2274535333762655, 17.197329154507113),
        (0.5, -1.9635100260214235, 4.93480220054468),
        (1.0, -0.5772156649015329, 1.6449340668482266),
        (3.7, 1.1671535393615113, 0.31003785767003833),
        (11.5, 2.3982391295357814, 0.09084666127454626),
        (40.0, 3.6763273740348428, 0.025315103841291032),
    ];

    #[test]
    fn polygamma_is_that_of_scipy() {
        // scipy.special.digamma and polygamma(1, ·) of SciPy 1.17.
        for (x, digamma_x, trigamma_x) in POLYGAMMA {
            assert!((digamma(x) - digamma_x).abs() <= 1e-12 * digamma_x.abs().max(1.0), "ψ({x})");
            assert!((trigamma(x) / trigamma_x - 1.0).abs() < 1e-12, "ψ′({x})");
            assert!((trigamma_inverse(trigamma_x) / x - 1.0).abs() < 1e-9, "ψ′⁻¹ at {x}");
        }
    }

    #[test]
    fn the_prior_is_what_variances_scatter_around() {
        let mut dice = Dice::new(1);
        let mut chi_square = |degrees: usize| (0..degrees).map(|_| dice.normal().powi(2)).sum::<f64>();
        let variances: Vec<Variance> = (0..4_000)
            .map(|_| {
                // Smyth's model: 8 degrees of freedom around 3.
                let nature = 3.0 * 8.0 / chi_square(8);
                Variance { value: nature * chi_square(5) / 5.0, degrees_of_freedom: 5.0 }
            })
            .collect();
        let prior = prior(&variances).unwrap();
        assert!((prior.value / 3.0 - 1.0).abs() < 0.05, "{prior:?}");
        assert!((prior.degrees_of_freedom / 8.0 - 1.0).abs() < 0.15, "{prior:?}");
        let moderated = moderate(Some(variances[0]), Some(prior));
        assert!((moderated.value - prior.value).abs() < (variances[0].value - prior.value).abs());
    }

    #[test]
    fn variances_that_differ_by_chance_only_give_way_most() {
        let mut dice = Dice::new(2);
        let mut chi_square = |degrees: usize| (0..degrees).map(|_| dice.normal().powi(2)).sum::<f64>();
        let variances: Vec<Variance> =
            (0..2_000).map(|_| Variance { value: chi_square(4) / 4.0, degrees_of_freedom: 4.0 }).collect();
        let prior = prior(&variances).unwrap();
        assert!(prior.degrees_of_freedom > 30.0 && (prior.value - 1.0).abs() < 0.06, "{prior:?}");
        assert!(self::prior(&variances[..1]).is_none() && stats::mean(&[]).is_none());
        assert_eq!(moderate(None, None), Variance { value: 1.0, degrees_of_freedom: 1.0 });
    }
}
