//! What p-values are worth.

/// P-values adjusted so that among those at most α the expected part of false ones is at most α; in the order given.
///
/// Benjamini and Hochberg, "Controlling the False Discovery Rate", Journal of the Royal Statistical Society B 57 (1995),
/// p. 293.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&left, &right| p_values[right].total_cmp(&p_values[left]));
    let (mut adjusted, mut least) = (vec![1.0; p_values.len()], 1.0_f64);
    for (above, index) in order.into_iter().enumerate() {
        let rank = p_values.len() - above;
        least = least.min(p_values[index] * p_values.len() as f64 / rank as f64);
        adjusted[index] = least;
    }
    adjusted
}

/// How probable it is at most that an effect is real, given its p-value, if effect and no effect were equally probable at
/// first.
///
/// The odds in favour of an effect are at most −1/(e p ln p): Sellke, Bayarri and Berger, "Calibration of p Values for Testing
/// Precise Null Hypotheses", The American Statistician 55 (2001), p. 62. From p = 1/e on nothing speaks for an effect, and the
/// answer is one half. Of many tests, give the p-value adjusted for them.
pub fn confidence(p_value: f64) -> f64 {
    1.0 / (1.0 + chance_odds(p_value))
}

/// The odds of chance against an effect, at least, given a p-value, if both were equally probable at first: −e p ln p below
/// p = 1/e, and 1 from there on. Sellke, Bayarri and Berger as for [`confidence`], equation 3.
pub fn chance_odds(p_value: f64) -> f64 {
    if p_value <= 0.0 {
        return 0.0;
    }
    // NaN falls through to even odds with everything that is not small.
    if p_value < (-1.0_f64).exp() { -std::f64::consts::E * p_value * p_value.ln() } else { 1.0 }
}

/// The p-value of a statistic against those of random rearrangements, of which large ones speak against chance: never below
/// 1/(B + 1) with B rearrangements, since the observed one is one of them.
///
/// Phipson and Smyth, "Permutation P-values Should Never Be Zero", Statistical Applications in Genetics and Molecular Biology
/// 9 (2010), article 39.
pub fn permutation_p(observed: f64, rearranged: &[f64]) -> f64 {
    let as_large = rearranged.iter().filter(|&&statistic| statistic >= observed).count();
    (as_large + 1) as f64 / (rearranged.len() + 1) as f64
}
