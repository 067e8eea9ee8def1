//! How well each observation does as the first one after a change: negative log-likelihoods, up to a constant.

use crate::stats::{ar1, long_run_variance, median};

/// Of a step of a size, found before the observation `index`; for each observation but the first. Both sides have two
/// observations at least.
///
/// Innovations of a first-order autoregression about the levels, with Student's distribution of three degrees of freedom, so
/// that an outlier moves nothing: Lange, Little and Taylor, "Robust Statistical Modeling Using the t Distribution", JASA 84
/// (1989), section 2. Slow seasons are memory, too.
pub fn of_step(values: &[f64], index: usize, size: f64) -> Vec<f64> {
    let (left, right) = values.split_at(index);
    let middle = 0.5 * (median(left).unwrap_or_default() + median(right).unwrap_or_default());
    let (low, high) = (middle - 0.5 * size, middle + 0.5 * size);
    let memory = ar1(&[left, right]);
    let innovation = |at: usize, here: f64, before: f64| (values[at] - here) - memory * (values[at - 1] - before);
    let found: Vec<f64> = (1..values.len())
        .map(|at| {
            let level = |at: usize| if at < index { low } else { high };
            innovation(at, level(at), level(at - 1))
        })
        .collect();
    let loss = heavy_tailed(&found, size);
    // After each place everything is on the new level, before it on the old one.
    let mut losses: Vec<f64> =
        (0..values.len()).map(|at| if at == 0 { 0.0 } else { loss(innovation(at, high, low)) }).collect();
    let mut before = 0.0;
    for (at, place) in losses.iter_mut().enumerate().skip(1) {
        *place += before;
        before += loss(innovation(at, low, low));
    }
    let mut after = 0.0;
    for at in (1..values.len()).rev() {
        losses[at] += after;
        after += loss(innovation(at, high, high));
    }
    losses
}

/// The loss of one innovation, scaled by the median of those found.
fn heavy_tailed(found: &[f64], size: f64) -> impl Fn(f64) -> f64 + use<> {
    /// The median of |t| with three degrees of freedom.
    const MEDIAN: f64 = 0.764_892;
    let sizes: Vec<f64> = found.iter().map(|innovation| innovation.abs()).collect();
    let typical = median(&sizes).unwrap_or_default() / MEDIAN;
    // Where most neighbours are equal, the median is blind to the noise.
    let spread =
        (found.iter().map(|innovation| innovation * innovation).sum::<f64>() / found.len().max(1) as f64).sqrt();
    let scale = if typical > 0.0 { typical } else { spread };
    let scale = scale.max(1e-3 * size.abs()).max(f64::MIN_POSITIVE);
    move |innovation| 2.0 * ((innovation / scale).powi(2) / 3.0).ln_1p()
}

/// Of a drift whose onset was found before the observation `index`: a level, a line from the place on, and perhaps a level
/// again where it ends.
///
/// Least squares for each place and a grid of ends, in units of the long-run variance that the line leaves, so that what
/// remembers counts as few observations. Outliers are brought in first, to three scales of the noise.
pub fn of_drift(values: &[f64], index: usize) -> Vec<f64> {
    let first = Sums::new(values);
    let (onset, end) = first.best(index);
    let line = first.line(onset, end);
    let residuals: Vec<f64> = values.iter().enumerate().map(|(at, value)| value - line.at(at)).collect();
    let sizes: Vec<f64> = residuals.iter().map(|residual| residual.abs()).collect();
    let scale = median(&sizes).unwrap_or_default() * 1.4826;
    let reach = if scale > 0.0 { 3.0 * scale } else { f64::INFINITY };
    let kept: Vec<f64> = residuals.iter().map(|residual| residual.clamp(-reach, reach)).collect();
    let cleaned: Vec<f64> = kept.iter().enumerate().map(|(at, residual)| line.at(at) + residual).collect();
    let sums = Sums::new(&cleaned);
    let squares: Vec<f64> = (0..values.len()).map(|onset| sums.least(onset)).collect();
    // A season is memory over a good part of the series.
    let variance = long_run_variance(&kept, Some(values.len() / 8)).unwrap_or_default();
    let least = squares.iter().copied().fold(f64::INFINITY, f64::min) / values.len().saturating_sub(4).max(1) as f64;
    let variance = variance.max(least).max(f64::MIN_POSITIVE);
    squares.into_iter().map(|squares| 0.5 * squares / variance).collect()
}

/// Ends of drifts that are tried.
const ENDS: usize = 8;

/// Sums from which the least squares of any broken line follow.
struct Sums {
    /// Of values, of index × value, for each prefix.
    values: Vec<f64>,
    moments: Vec<f64>,
    squares: f64,
    /// What was taken from every value, against rounding.
    centre: f64,
}

/// A level, and a line between two places.
struct Line {
    level: f64,
    slope: f64,
    onset: usize,
    end: usize,
}

impl Line {
    fn at(&self, at: usize) -> f64 {
        self.level + self.slope * (at.min(self.end).saturating_sub(self.onset)) as f64
    }
}

impl Sums {
    fn new(values: &[f64]) -> Sums {
        let centre = median(values).unwrap_or_default();
        let mut sums = Sums { values: vec![0.0], moments: vec![0.0], squares: 0.0, centre };
        let (mut sum, mut moment) = (0.0, 0.0);
        for (at, value) in values.iter().enumerate() {
            let value = value - centre;
            sum += value;
            moment += at as f64 * value;
            sums.values.push(sum);
            sums.moments.push(moment);
            sums.squares += value * value;
        }
        sums
    }

    fn len(&self) -> usize {
        self.values.len() - 1
    }

    /// The line with the least squares for an onset and an end.
    fn line(&self, onset: usize, end: usize) -> Line {
        let (level, slope, _) = self.fit(onset, end);
        Line { level: level + self.centre, slope, onset, end }
    }

    /// Level, slope and the sum of squares that is left.
    fn fit(&self, onset: usize, end: usize) -> (f64, f64, f64) {
        let n = self.len() as f64;
        let (rise, flat) = ((end - onset) as f64, (self.len() - end) as f64);
        // The rising part has 0, 1 … rise − 1; from `end` on it is `rise`.
        let sum = rise * (rise - 1.0) / 2.0 + rise * flat;
        let square = (rise - 1.0) * rise * (2.0 * rise - 1.0) / 6.0 + rise * rise * flat;
        let total = self.values[self.len()];
        let product = self.moments[end] - self.moments[onset] - onset as f64 * (self.values[end] - self.values[onset])
            + rise * (total - self.values[end]);
        let spread = square - sum * sum / n;
        let slope = if spread > 1e-9 { (product - sum * total / n) / spread } else { 0.0 };
        let level = (total - slope * sum) / n;
        let left = self.squares - total * total / n - slope * (product - sum * total / n);
        (level, slope, left.max(0.0))
    }

    fn ends(&self, onset: usize) -> impl Iterator<Item = usize> + use<> {
        let (after, len) = (self.len().saturating_sub(onset + 1), self.len());
        (1..=ENDS).map(move |part| (onset + 1 + after * part / ENDS).min(len))
    }

    /// The least squares for an onset, whatever the end.
    fn least(&self, onset: usize) -> f64 {
        self.ends(onset).map(|end| self.fit(onset, end).2).fold(f64::INFINITY, f64::min)
    }

    /// The best end for an onset.
    fn best(&self, onset: usize) -> (usize, usize) {
        let best = self.ends(onset).min_by(|&a, &b| self.fit(onset, a).2.total_cmp(&self.fit(onset, b).2));
        (onset, best.unwrap_or(self.len()))
    }
}
