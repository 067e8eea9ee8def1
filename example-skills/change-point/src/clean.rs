//! What outliers leave of a series.

use negawatt_skill::stats::{mad, median, quantile};

/// Observations on either side that an outlier is judged by: it takes four of seven alike to be a level.
const SIDE: usize = 3;
/// Scales that an observation may lie from the median of its neighbourhood.
const REACH: f64 = 3.0;

/// A series with its outliers brought in, in units of its noise.
pub struct Clean {
    /// The values less `centre`, divided by `scale`.
    pub values: Vec<f64>,
    /// The median of the series.
    pub centre: f64,
    /// The typical difference of neighbours, above 0.
    pub scale: f64,
    /// The range of the middle 96 % of `values`.
    pub range: f64,
}

/// Brings every observation within three scales of the median of the seven around it; absent where all values are
/// equal.
///
/// A running median keeps steps where they are (Hampel's filter; Davies and Gather, "The Identification of Multiple
/// Outliers", JASA 88 (1993), section 5), and bounding instead of removing keeps what is merely heavy-tailed (Fearnhead
/// and Rigaill, "Changepoint Detection in the Presence of Outliers", JASA 114 (2019), section 2: without a bounded loss
/// an outlier is two change points). The scale is that of differences, which a few steps do not change.
pub fn clean(values: &[f64]) -> Option<Clean> {
    let peak = values.iter().fold(0.0, |peak: f64, value| peak.max(value.abs()));
    if peak == 0.0 || (1e-100..1e100).contains(&peak) {
        return clean_of(values);
    }
    // Squares of such numbers are infinite, or nothing.
    let scaled: Vec<f64> = values.iter().map(|value| value / peak).collect();
    let Clean { values, centre, scale, range } = clean_of(&scaled)?;
    Some(Clean { values, centre: centre * peak, scale: scale * peak, range })
}

fn clean_of(values: &[f64]) -> Option<Clean> {
    let differences = differences(values);
    let centred: Vec<f64> = (0..values.len()).map(|index| running_median(values, index)).collect();
    let deviations: Vec<f64> = values.iter().zip(&centred).map(|(value, median)| value - median).collect();
    let mut spread = mad(&deviations)?.max(mad(&differences)? / std::f64::consts::SQRT_2);
    if spread <= 0.0 {
        spread = (0.5 * mean_square(&differences)).sqrt();
    }
    if !(spread > 0.0 && spread.is_finite()) {
        return None;
    }
    let reach = REACH * spread;
    let mut cleaned: Vec<f64> =
        centred.iter().zip(&deviations).map(|(median, deviation)| median + deviation.clamp(-reach, reach)).collect();
    let differences = self::differences(&cleaned);
    let scale = mad(&differences).filter(|scale| *scale > 0.0).unwrap_or_else(|| mean_square(&differences).sqrt());
    if !(scale > 0.0 && scale.is_finite()) {
        return None;
    }
    let centre = median(&cleaned)?;
    cleaned.iter_mut().for_each(|value| *value = (*value - centre) / scale);
    let range = quantile(&cleaned, 0.98)? - quantile(&cleaned, 0.02)?;
    Some(Clean { values: cleaned, centre, scale, range })
}

fn running_median(values: &[f64], index: usize) -> f64 {
    let window = &values[index.saturating_sub(SIDE)..(index + SIDE + 1).min(values.len())];
    let mut sorted = [0.0; 2 * SIDE + 1];
    let sorted = &mut sorted[..window.len()];
    sorted.copy_from_slice(window);
    sorted.sort_unstable_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { 0.5 * (sorted[half - 1] + sorted[half]) }
}

/// From each observation to the next.
pub fn differences(values: &[f64]) -> Vec<f64> {
    values.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// The mean of squares; 0 without values.
pub fn mean_square(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_is_brought_in_and_a_step_stays() {
        let noise = |index: usize| [0.0, 0.3, -0.2, 0.1, -0.3][index % 5];
        let step = |index: usize| if index < 30 { 0.0 } else { 10.0 };
        let mut values: Vec<f64> = (0..60).map(|index| step(index) + noise(index)).collect();
        values[12] = 500.0;
        let clean = clean(&values).expect("values differ");
        let raw = |index: usize| clean.values[index] * clean.scale + clean.centre;
        assert!(raw(12) < 2.0, "{}", raw(12));
        assert!((raw(29) - values[29]).abs() < 1e-9);
        assert!((raw(30) - values[30]).abs() < 1e-9);
    }

    #[test]
    fn extreme_numbers_have_a_scale_too() {
        for unit in [1e160, 1e-170, 8e307] {
            let values: Vec<f64> = (0..40).map(|index| if index < 20 { unit } else { -unit }).collect();
            let clean = clean(&values).expect("values differ");
            assert!(clean.scale > 0.0 && clean.scale.is_finite() && clean.values.iter().all(|value| value.is_finite()));
        }
    }

    #[test]
    fn equal_values_have_no_scale_and_rare_ones_do() {
        assert!(clean(&[4.0; 20]).is_none());
        let mut values = vec![0.0; 40];
        values[20..].fill(1.0);
        assert!(clean(&values).expect("values differ").scale > 0.0);
    }
}
