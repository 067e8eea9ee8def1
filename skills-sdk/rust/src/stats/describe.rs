//! Location and spread.

/// The arithmetic mean; absent without values.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sample variance, divided by n − 1; absent with fewer than two values.
pub fn variance(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| squares / (values.len() - 1) as f64)
}

/// The median; absent without values.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The quantile of an order from 0 to 1; absent without values or with another order.
///
/// Linear between order statistics: definition 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American
/// Statistician 50 (1996), p. 363.
pub fn quantile(values: &[f64], order: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&order) {
        return None;
    }
    let position = order * values.len().checked_sub(1)? as f64;
    let below = position.floor() as usize;
    let mut values = values.to_vec();
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(low + (position - below as f64) * (high - low))
}

/// The median absolute deviation from the median, times 1.4826, so that it estimates the standard deviation of normal values;
/// absent without values.
///
/// Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", JASA 88 (1993), p. 1273.
pub fn mad(values: &[f64]) -> Option<f64> {
    // 1 / Φ⁻¹(3/4)
    const NORMAL: f64 = 1.482_602_218_505_602;
    let median = median(values)?;
    let deviations: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
    self::median(&deviations).map(|deviation| NORMAL * deviation)
}

/// The rank of each value from 1 on; equal values share the mean of theirs.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&left, &right| values[left].total_cmp(&values[right]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for ties in order.chunk_by(|&left, &right| values[left] == values[right]) {
        let rank = start as f64 + (ties.len() + 1) as f64 / 2.0;
        ties.iter().for_each(|&index| ranks[index] = rank);
        start += ties.len();
    }
    ranks
}
