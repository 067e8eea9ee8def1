//! Seeded randomness: everything that a case leaves to chance is drawn here.
//!
//! The samplers are written out instead of taken from a library, so that a new version of a library cannot change the cases.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random draws that depends on nothing but its seed and its label.
pub(crate) struct Dice {
    seed: u64,
    stream: ChaCha8Rng,
}

/// FNV-1a, to mix a label into a seed.
fn mix(seed: u64, label: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in seed.to_le_bytes().iter().chain(label.as_bytes()) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}

impl Dice {
    /// The stream of a seed and a label.
    pub(crate) fn new(seed: u64, label: &str) -> Self {
        let seed = mix(seed, label);
        Self { seed, stream: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// An independent stream: drawing more from one does not move the other.
    pub(crate) fn fork(&self, label: &str) -> Self {
        Self::new(self.seed, label)
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.stream.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [low, high).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform on a logarithmic scale in [low, high).
    pub(crate) fn log_between(&mut self, low: f64, high: f64) -> f64 {
        (self.between(low.ln(), high.ln())).exp()
    }

    /// A whole number from `low` to `high`, both included.
    pub(crate) fn whole(&mut self, low: i64, high: i64) -> i64 {
        let span = (high - low + 1).max(1) as u64;
        low + (self.stream.next_u64() % span) as i64
    }

    /// An index below `length`, which must not be 0.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        (self.stream.next_u64() % length.max(1) as u64) as usize
    }

    /// True with probability `p`.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// One of the items, which must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.index(items.len())]
    }

    /// Puts the items in a random order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.index(last + 1);
            items.swap(last, other);
        }
    }

    /// A standard normal draw (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A gamma draw of scale 1 (Marsaglia and Tsang 2000).
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = (1.0 - self.unit()).powf(1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && (1.0 - self.unit()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// A count with the given mean; normal approximation above 60.
    pub(crate) fn poisson(&mut self, mean: f64) -> u64 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 60.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u64;
        }
        let floor = (-mean).exp();
        let (mut count, mut product) = (0, self.unit());
        while product > floor {
            count += 1;
            product *= self.unit();
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samplers_have_the_right_means() {
        let mut dice = Dice::new(1, "means");
        let n = 20_000;
        let mean = |f: &mut dyn FnMut() -> f64| (0..n).map(|_| f()).sum::<f64>() / f64::from(n);
        assert!(mean(&mut || dice.normal()).abs() < 0.03);
        assert!((mean(&mut || dice.gamma(0.4)) - 0.4).abs() < 0.03);
        assert!((mean(&mut || dice.gamma(7.0)) - 7.0).abs() < 0.1);
        assert!((mean(&mut || dice.poisson(3.5) as f64) - 3.5).abs() < 0.06);
        assert!((mean(&mut || dice.poisson(200.0) as f64) - 200.0).abs() < 0.5);
    }

    #[test]
    fn streams_are_reproducible_and_independent() {
        let one = Dice::new(7, "a");
        assert_eq!(one.fork("x").whole(0, 1 << 40), Dice::new(7, "a").fork("x").whole(0, 1 << 40));
        assert_ne!(one.fork("x").whole(0, 1 << 40), one.fork("y").whole(0, 1 << 40));
    }
}
