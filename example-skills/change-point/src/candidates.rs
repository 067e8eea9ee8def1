//! Where a change could be.

use negawatt_skill::stats::median;

/// Up to so many observations every place is a candidate.
const ALL: usize = 120;
/// Of each width of window, the greatest differences are always candidates, the outstanding ones up to a limit.
const GREATEST: usize = 24;
const OUTSTANDING: usize = 1000;
/// Outstanding is what exceeds so many times the typical difference of its width.
const TYPICAL: f64 = 4.0;
/// Places that are candidates whatever the series does there, for changes of slope.
const GRID: usize = 64;

/// Indices at which a segment may begin, rising, without 0; a series of up to 120 observations keeps all of them.
///
/// Of a longer one, the places where the means of the two neighbouring windows differ most, for windows of 2, 3, 4, 6,
/// 8 … observations (multiscale moving sums: Cho and Kirch, "Two-stage data segmentation permitting multiscale change
/// points, heavy tails and dependence", Annals of the Institute of Statistical Mathematics 74 (2022), section 2.2), and
/// an even grid. Time O(n log n).
pub fn candidates(values: &[f64]) -> Vec<usize> {
    let n = values.len();
    if n <= ALL { (1..n).collect() } else { likely(values) }
}

/// The same, but of a short series, too, only the likely places.
pub fn likely(values: &[f64]) -> Vec<usize> {
    let n = values.len();
    let mut sums = Vec::with_capacity(n + 1);
    let mut sum = 0.0;
    sums.push(sum);
    for value in values {
        sum += value;
        sums.push(sum);
    }
    let mut chosen: Vec<usize> = (1..GRID).map(|step| step * n / GRID).filter(|place| *place > 0).collect();
    let mut width = 2;
    while width <= n / 2 {
        chosen.extend(peaks(&sums, width));
        width = if width.is_power_of_two() { width + width / 2 } else { width / 3 * 4 };
    }
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// The local maxima of |mean right − mean left| over windows of a width, further apart than half of it: the greatest,
/// and all that are far above what is typical for the width, be it noise that remembers or a slope.
fn peaks(sums: &[f64], width: usize) -> Vec<usize> {
    let n = sums.len() - 1;
    let contrast = |index: usize| (sums[index + width] - 2.0 * sums[index] + sums[index - width]).abs();
    let apart = width.div_ceil(2);
    let mut peaks: Vec<(f64, usize)> = Vec::new();
    for index in width..=n - width {
        let height = contrast(index);
        match peaks.last_mut() {
            Some(last) if index - last.1 <= apart => {
                if height > last.0 {
                    *last = (height, index);
                }
            }
            _ => peaks.push((height, index)),
        }
    }
    let stride = (width / 4).max(n / SAMPLED).max(1);
    let sampled: Vec<f64> = (width..=n - width).step_by(stride).map(contrast).collect();
    let outstanding = TYPICAL * 1.4826 * median(&sampled).unwrap_or_default();
    peaks.sort_unstable_by(|left, right| right.0.total_cmp(&left.0));
    let kept = peaks.partition_point(|(height, _)| *height > outstanding).clamp(GREATEST, OUTSTANDING);
    peaks.truncate(kept);
    peaks.into_iter().map(|(_, index)| index).collect()
}

/// How many differences tell what is typical.
const SAMPLED: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_a_long_series_is_a_candidate_and_there_are_few() {
        let mut values: Vec<f64> = (0..50_000).map(|index| f64::from(index * 7919 % 101) / 101.0).collect();
        values[31_234..31_264].iter_mut().for_each(|value| *value += 3.0);
        let candidates = candidates(&values);
        assert!(candidates.contains(&31_234) && candidates.contains(&31_264));
        assert!(candidates.len() < 2000 && candidates.is_sorted());
    }
}
