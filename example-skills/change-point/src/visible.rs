//! How large a change a series would have shown: what it is worth that none was found in it.

use negawatt_skill::stats::normal_sf;

use crate::cost::Costs;
use crate::model::{Model, Prices};

/// The sizes of changes that incidents are raised about, as parts of the level: from a two-hundredth to a half, each doubling as frequent
/// as the other. Smaller ones are beneath notice, larger ones beyond doubt.
const SIZES: (f64, f64) = (0.005, 0.5);
/// Sizes and places that are tried; more do not change the second digit.
const SIZES_TRIED: usize = 24;
const PLACES_TRIED: usize = 20;
/// The squared standard errors by which a step has to stand out to be found every other time, in natural logarithms of the number of
/// observations, and the number of them that need twice as many: found by simulation (`tests/visible.rs`). It is more than what a
/// change costs, since noise that remembers longer explains a part of every step.
const NEEDED: f64 = 5.8;
const SHORT: f64 = 60.0;
/// The standard normal quantile of nine in ten.
const MOSTLY: f64 = 1.281_551_565_544_6;

/// What a series in which no change was found would have shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visible {
    /// The least step in the middle of the series that is mostly found, as a part of the level: nine times in ten where the noise is known
    /// well, two times in three where few observations or a long memory leave that in doubt.
    pub least: f64,
    /// The part of the changes that incidents are raised about which is missed, over all their sizes and places.
    pub missed: f64,
}

impl Visible {
    /// Of a series, described in units of its noise, whose level is so many of them; absent where the level is 0, of which nothing is a
    /// part. `resolution` is the least difference between values, in the same unit: below it nothing shows.
    ///
    /// Of one that moves all through the window, by more than a step would have to, nothing is known of before: it shows nothing.
    pub(crate) fn of(costs: &Costs, model: &Model, range: f64, level: f64, resolution: f64) -> Option<Visible> {
        let n = costs.len() as f64;
        let needed = (NEEDED * (1.0 + SHORT / n) * n.ln()).sqrt();
        // A rounded value is off by the twelfth of a squared step.
        let floor = Prices::of(costs, range).floor + resolution * resolution / 12.0;
        let innovation = (costs.total(&model.changes) / n + floor).sqrt();
        // Of a step as high as the level, this is left in every innovation.
        let seen = (1.0 - model.phi) * level.abs() * n.sqrt() / innovation;
        let visible = (seen > 0.0 && seen.is_finite()).then(|| Visible::with(needed, seen))?;
        let line = costs.fit(0, costs.len());
        let moves = (line.at(costs.len() - 1) - line.at(0)).abs() / level.abs();
        Some(if moves > visible.least { Visible { missed: 1.0, ..visible } } else { visible })
    }

    /// Where a step by its level's whole, with half of the series on either side, stands out by `seen / 2` standard errors, and
    /// `needed` of them are needed.
    fn with(needed: f64, seen: f64) -> Visible {
        let (smallest, largest) = SIZES;
        let step = |place: f64, size: f64| normal_sf(needed - size * seen * (place * (1.0 - place)).sqrt());
        let size = |n: usize| smallest * (largest / smallest).powf((n as f64 + 0.5) / SIZES_TRIED as f64);
        let place = |n: usize| (n as f64 + 0.5) / PLACES_TRIED as f64;
        let found = |size: f64| (0..PLACES_TRIED).map(|n| step(place(n), size)).sum::<f64>() / PLACES_TRIED as f64;
        let found = (0..SIZES_TRIED).map(|n| found(size(n))).sum::<f64>() / SIZES_TRIED as f64;
        Visible { least: 2.0 * (needed + MOSTLY) / seen, missed: (1.0 - found).clamp(0.0, 1.0) }
    }

    /// How probable it is that there is no change, if an incident is as often right as wrong before anything is seen.
    pub fn confidence(&self) -> f64 {
        1.0 / (1.0 + self.missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_everything_is_believed_and_what_shows_nothing_is_not() {
        let clear = Visible::with(4.5, 1e6);
        assert!(clear.confidence() > 0.99 && clear.least < 1e-4, "{clear:?}");
        let blind = Visible::with(4.5, 1.0);
        assert!(blind.confidence() < 0.501 && blind.least > 10.0, "{blind:?}");
        let between = Visible::with(4.5, 200.0);
        assert!((0.6..0.8).contains(&between.confidence()), "{between:?}");
        assert!((0.05..0.07).contains(&between.least), "{between:?}");
    }

    #[test]
    fn more_observations_and_less_noise_show_more() {
        let missed: Vec<f64> = [10.0, 100.0, 1_000.0].map(|seen| Visible::with(4.0, seen).missed).to_vec();
        assert!(missed.is_sorted_by(|left, right| left > right), "{missed:?}");
    }
}
