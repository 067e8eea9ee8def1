//! How alike neighbouring values are, and what that costs.

use super::describe::mean;

/// The autocorrelation at a lag: of the deviations from the mean, divided by their whole sum of squares. Absent where the lag is
/// not smaller than the number of values, or all values are equal.
pub fn autocorrelation(values: &[f64], lag: usize) -> Option<f64> {
    let (products, squares) = lagged_products(values, lag)?;
    (squares > 0.0).then(|| products / squares)
}

/// The coefficient of a first-order autoregression in stretches of values that each have a mean of their own, corrected for
/// bias, at least 0 and at most 0.99. 0 where there is too little to tell.
///
/// The autocorrelation at lag 1 about an estimated mean comes out too small by (1 + 3φ)/n on average: Marriott and Pope, "Bias in
/// the Estimation of Autocorrelations", Biometrika 41 (1954), p. 390, solved for φ here. n is the harmonic mean of the lengths,
/// since each stretch loses a mean.
pub fn ar1(stretches: &[&[f64]]) -> f64 {
    let (mut products, mut squares, mut inverse_lengths, mut counted) = (0.0, 0.0, 0.0, 0.0);
    for stretch in stretches {
        if let Some((product, square)) = lagged_products(stretch, 1) {
            products += product;
            squares += square;
            inverse_lengths += 1.0 / stretch.len() as f64;
            counted += 1.0;
        }
    }
    let inverse_length = inverse_lengths / counted;
    if squares <= 0.0 || inverse_length.is_nan() || inverse_length >= 0.25 {
        return 0.0;
    }
    ((products / squares + inverse_length) / (1.0 - 3.0 * inverse_length)).clamp(0.0, 0.99)
}

/// How many independent values tell as much about a mean as `count` values of a first-order autoregression with this
/// coefficient (from 0 up to, but not, 1); between 1 and `count`.
///
/// Exact for finite samples: Box, Jenkins and Reinsel, "Time Series Analysis", 4th ed. (2008), section 2.1.3, the variance of
/// a mean, summed for ρₖ = φᵏ.
pub fn effective_size(count: usize, coefficient: f64) -> f64 {
    let (n, phi) = (count as f64, coefficient);
    let inflation = (1.0 + phi) / (1.0 - phi) - 2.0 * phi * (1.0 - phi.powf(n)) / (n * (1.0 - phi).powi(2));
    (n / inflation).clamp(1.0, n.max(1.0))
}

/// The long-run variance: n times the variance of the mean, whatever the dependence. Absent with fewer than two values.
///
/// Bartlett's kernel as in Newey and West, "A Simple, Positive Semi-definite, Heteroskedasticity and Autocorrelation
/// Consistent Covariance Matrix", Econometrica 55 (1987), p. 703, over `lags` lags; without them as many as Andrews,
/// "Heteroskedasticity and Autocorrelation Consistent Covariance Matrix Estimation", Econometrica 59 (1991), eq. 6.2 and 6.4,
/// takes for a first-order autoregression.
pub fn long_run_variance(values: &[f64], lags: Option<usize>) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let lags = lags.unwrap_or_else(|| {
        let rho = ar1(&[values]);
        let alpha = 4.0 * rho.powi(2) / ((1.0 - rho).powi(2) * (1.0 + rho).powi(2));
        (1.1447 * (alpha * n).cbrt()) as usize
    });
    let (_, variance) = lagged_products(values, 0)?;
    let weighted = (1..=lags.min(values.len() - 1)).filter_map(|lag| {
        let weight = 1.0 - lag as f64 / (lags + 1) as f64;
        Some(weight * lagged_products(values, lag)?.0)
    });
    Some((variance + 2.0 * weighted.sum::<f64>()) / n)
}

/// The sums of products of deviations from the mean: with those `lag` later, and with themselves.
fn lagged_products(values: &[f64], lag: usize) -> Option<(f64, f64)> {
    let mean = mean(values)?;
    let later = values.get(lag..).filter(|later| !later.is_empty())?;
    let products = values.iter().zip(later).map(|(value, later)| (value - mean) * (later - mean)).sum();
    Some((products, values.iter().map(|value| (value - mean).powi(2)).sum()))
}
