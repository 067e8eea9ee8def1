//! What the time of a commit says: how long before the change it landed.
//!
//! A change is seen later than its commit lands by a build, a queue and a deployment. That delay is known to no one
//! beforehand and differs between teams by orders of magnitude (the yearly *Accelerate State of DevOps* surveys find lead
//! times from under an hour to weeks), so the prior is a mixture of three log-logistic distributions of shape 1, which
//! together fall about as 1/delay: no scale is preferred strongly.

use negawatt_skill::{Timestamp, Window};

/// A length of time in seconds.
pub type Seconds = f64;

/// Medians of the delay and their weights: deployed at once, a few times a day, by day.
const DELAYS: [(Seconds, f64); 3] = [(0.5 * 3600.0, 0.45), (4.0 * 3600.0, 0.35), (24.0 * 3600.0, 0.20)];

/// How well the time of the change is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolution {
    /// Distance of observations near the change.
    pub step: Seconds,
    /// Scale of the error of localisation, in steps: the error is Laplace distributed with this scale.
    pub error: f64,
}

impl Resolution {
    /// Where no series is at hand: a step that suits a series of some hundred points.
    pub fn assumed(window: Seconds) -> Resolution {
        Resolution { step: (window / 300.0).max(1.0), error: 1.0 }
    }

    /// From the series itself: `times` by rising time, `values` alike, and the change between two levels.
    ///
    /// The error of a change point's place is of the order of (noise / size of the change)² observations, whatever the
    /// length of the series (Bai, "Estimation of a change point in multiple regression models", Review of Economics and
    /// Statistics 79(4), 1997). Noise is estimated from differences of neighbours (von Neumann), robustly, so that the
    /// change itself does not count. `None` for fewer than four observations.
    pub fn of_series(
        times: &[Timestamp],
        values: &[f64],
        change: Timestamp,
        before: f64,
        after: f64,
    ) -> Option<Resolution> {
        if times.len() < 4 || times.len() != values.len() {
            return None;
        }
        let near = times.partition_point(|&time| time < change);
        let span = near.saturating_sub(20)..(near + 20).min(times.len());
        let mut gaps: Vec<f64> = times[span].windows(2).map(|pair| seconds(pair[1].saturating_sub(pair[0]))).collect();
        let mut jumps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
        let step = median(&mut gaps)?.max(1e-3);
        // Median of |N(0, 2σ²)| is 0.6745·√2·σ.
        let noise = median(&mut jumps)? / (0.6745 * std::f64::consts::SQRT_2);
        let ratio = noise / (after - before).abs().max(f64::MIN_POSITIVE);
        Some(Resolution { step, error: (0.2 + 2.0 * ratio * ratio).min(20.0) })
    }

    /// The part of a window in which a commit can have landed that caused a change seen at `change`: up to some errors of
    /// localisation after it.
    pub fn reach(self, window: Window, change: Timestamp) -> Window {
        let slack = (self.step * (1.0 + 6.0 * self.error) * 1e6) as i64;
        Window { start: window.start, end: window.end.min(change.saturating_add(slack)).max(window.start) }
    }
}

/// Density, per second, of a change seen at `change` when the commit that causes it landed at `landed`.
///
/// `change` is the first observation after the change, so the change itself lies in the step before it, moved by an
/// error of localisation. Very small, never 0, for commits that landed later.
pub fn density(landed: Timestamp, change: Timestamp, resolution: Resolution) -> f64 {
    const CELLS: i32 = 48;
    let age = seconds(change.saturating_sub(landed));
    let (step, scale) = (resolution.step, resolution.step * resolution.error);
    let (low, high) = (-step - 8.0 * scale, 8.0 * scale);
    let width = (high - low) / f64::from(CELLS);
    // Where the change lies, relative to its observation: uniform in the step before, folded with the Laplace error.
    let place = |x: f64| 0.5 * (laplace(x + step, scale) - laplace(x, scale)) / step;
    let (mut sum, mut weight) = (0.0, 0.0);
    for cell in 0..CELLS {
        let left = low + f64::from(cell) * width;
        let probability = place(left + width / 2.0);
        sum += probability * (delayed(age + left + width) - delayed(age + left)) / width;
        weight += probability;
    }
    sum / weight.max(f64::MIN_POSITIVE) + 1e-9
}

/// Twice the Laplace distribution function, less one.
fn laplace(x: f64, scale: f64) -> f64 {
    x.signum() * (1.0 - (-x.abs() / scale).exp())
}

/// Probability that a delay is at most this long.
fn delayed(delay: Seconds) -> f64 {
    if delay <= 0.0 { 0.0 } else { DELAYS.iter().map(|(median, weight)| weight * delay / (delay + median)).sum() }
}

/// Log-odds that each commit is the cause as far as time alone says, from densities as of [`density`].
///
/// Other causes strike at any time of the `window`; a lone commit that landed just before is worth `LONE` of them at
/// most. Commits that landed together share what speaks for all of them: together they never outweigh "none of these".
pub fn log_odds(densities: &[f64], window: Seconds) -> Vec<f64> {
    /// Prior odds that a commit, rather than anything else, is the cause of a change, spread over the window.
    const COMMIT: f64 = 0.15;
    /// Natural logarithm of the most that time alone may say for one commit.
    const LONE: f64 = 0.7;
    // The window holds both the commit and the change: delays that do not fit into it are out of question.
    let fits = delayed(window.max(1.0));
    let odds: Vec<f64> = densities.iter().map(|density| COMMIT * density * window.max(1.0) / fits).collect();
    let shared = (odds.iter().map(|odds| odds.min(LONE.exp())).sum::<f64>() / LONE.exp()).max(1.0);
    odds.iter().map(|odds| (odds.ln().min(LONE) - shared.ln()).clamp(-7.0, LONE)).collect()
}

/// Timestampeconds as seconds.
pub fn seconds(micros: Timestamp) -> Seconds {
    micros as f64 / 1e6
}

/// A length of time for people.
pub fn spoken(length: Seconds) -> String {
    let length = length.abs();
    match length {
        l if l < 90.0 => format!("{l:.0} s"),
        l if l < 90.0 * 60.0 => format!("{:.0} min", l / 60.0),
        l if l < 36.0 * 3600.0 => format!("{:.1} h", l / 3600.0),
        l => format!("{:.1} days", l / 86400.0),
    }
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Timestamp = 60_000_000;
    const FINE: Resolution = Resolution { step: 600.0, error: 0.25 };

    fn at(minutes_before: i64) -> f64 {
        density(-minutes_before * MINUTE, 0, FINE)
    }

    #[test]
    fn is_a_density_over_time() {
        let total: f64 = (-600..60 * 24 * 60).map(|minute| at(minute) * 60.0).sum();
        assert!((0.95..1.01).contains(&total), "{total}");
    }

    #[test]
    fn sooner_before_is_likelier_and_later_is_not() {
        assert!(at(20) > 2.0 * at(120) && at(120) > 2.0 * at(1200) && at(1200) > at(2800));
        assert!(at(-30) < 0.01 * at(1200), "a commit that lands half an hour after the change");
        assert!(at(-11) < 0.1 * at(20), "one step after");
        assert!((at(12) / at(15)).ln().abs() < 0.5, "within a step nothing tells them apart");
    }

    #[test]
    fn noise_and_coarse_series_blur_the_time() {
        let coarse = Resolution { step: 86_400.0, error: 0.5 };
        let days = |days: i64| density(-days * 1440 * MINUTE, 0, coarse);
        assert!((days(1) / density(-30 * MINUTE, 0, coarse)).ln().abs() < 2.0);
        assert!(density(20 * MINUTE, 0, Resolution { step: 600.0, error: 6.0 }) > 20.0 * at(-20));
    }

    #[test]
    fn a_crowd_stays_small() {
        let crowd = log_odds(&[at(20); 60], 48.0 * 3600.0);
        assert!(crowd.iter().map(|odds| odds.exp()).sum::<f64>() < 3.0);
        let lone = log_odds(&[at(20)], 48.0 * 3600.0);
        assert!((0.3..=1.0).contains(&lone[0]), "{lone:?}");
    }

    #[test]
    fn resolution_follows_the_series() {
        let times: Vec<Timestamp> = (0..100).map(|i| i * 10 * MINUTE).collect();
        let noisy = |size: f64| -> Vec<f64> {
            (0..100).map(|i| f64::from((i * i * 7919) % 13) / 13.0 + if i < 50 { 0.0 } else { size }).collect()
        };
        let of = |size: f64| Resolution::of_series(&times, &noisy(size), times[50], 0.0, size).unwrap();
        assert_eq!(of(10.0).step, 600.0);
        assert!(of(0.3).error > 2.0 * of(10.0).error);
        assert_eq!(Resolution::of_series(&times[..2], &[0.0; 2], 0, 0.0, 1.0), None);
    }
}
