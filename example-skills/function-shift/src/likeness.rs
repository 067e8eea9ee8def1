//! How alike files are that follow each other.

use negawatt_skill::stats;

use crate::shares::Shares;

/// No series of a few dozen files can be told from a walk beyond this.
const MOST: f64 = 0.95;
/// With fewer files on a side, what follows what says nothing.
const ENOUGH: usize = 5;

/// The coefficient of the first-order autoregression that all functions' true shares follow from file to file, at least 0.
///
/// A share is seen through its sampling noise, which is independent from file to file and hides how alike the true ones are. Its
/// variance is known (that of independent samples), so it is taken off, as in the correction for attenuation of Spearman, "The
/// Proof and Measurement of Association between Two Things", American Journal of Psychology 15 (1904), p. 90. Deviations from
/// an estimated mean make all autocovariances too small by the variance of that mean, which depends on the coefficient in turn:
/// both are found together by iteration.
pub fn of(shares: &Shares) -> f64 {
    let mut seen = Seen::default();
    for function in &shares.functions {
        let sides = [(&function.counts.before, &shares.totals.before), (&function.counts.after, &shares.totals.after)];
        for (counts, totals) in sides {
            seen.add(counts, totals);
        }
    }
    seen.coefficient()
}

/// Sums over functions and sides, in units of each one's own variance, weighted by the number of files.
#[derive(Default)]
struct Seen {
    series: f64,
    files: f64,
    lagged: f64,
    noise: f64,
}

impl Seen {
    fn add(&mut self, counts: &[f64], totals: &[f64]) {
        if counts.len() < ENOUGH {
            return;
        }
        let series: Vec<f64> = counts.iter().zip(totals).map(|(count, total)| count / total).collect();
        let Some(lagged) = stats::autocorrelation(&series, 1) else { return };
        let files = counts.len() as f64;
        let share = counts.iter().sum::<f64>() / totals.iter().sum::<f64>();
        let noise = totals.iter().map(|total| share * (1.0 - share) / total).sum::<f64>() / files;
        let variance = stats::variance(&series).unwrap_or(0.0) * (files - 1.0) / files;
        self.series += 1.0;
        self.files += files;
        self.lagged += files * lagged * files / (files - 1.0);
        self.noise += files * noise / variance;
    }

    fn coefficient(&self) -> f64 {
        if self.series == 0.0 {
            return 0.0;
        }
        let (lagged, noise) = (self.lagged / self.files, self.noise / self.files);
        let files = self.files / self.series;
        let mut coefficient = 0.0;
        let mut of_mean = 1.0 / files;
        for _ in 0..100 {
            let signal = 1.0 + of_mean - noise;
            if signal <= 0.0 {
                return 0.0;
            }
            coefficient = ((lagged + of_mean) / signal).clamp(0.0, MOST);
            let inflation = files / stats::effective_size(files.round() as usize, coefficient);
            of_mean = ((noise + signal * inflation) / files).min(1.0);
        }
        coefficient
    }
}
