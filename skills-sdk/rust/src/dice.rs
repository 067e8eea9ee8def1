//! Random numbers that are the same on every run and every machine.
//!
//! Two uses: rearrangements inside of a skill (permutation tests, the bootstrap), from [`Case::seed`](crate::Case), so that the same
//! case has the same answer; and data for its tests, whose distribution is known, so that rates of error can be counted. What is
//! drawn is written out here instead of taken from a library, so that no new version of one moves a test.

/// A stream of random numbers that depends on nothing but its seed.
///
/// SplitMix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014, figure 17. Fit for
/// statistics, not for secrets.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The stream of a seed; neighbouring seeds have nothing in common.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform from 0 on, below 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform between two numbers.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number from 0 on, below `end`; 0 where that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end.max(1) as u64) as usize
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Normal with mean 0 and variance 1.
    ///
    /// Box and Muller, "A Note on the Generation of Random Normal Deviates", Annals of Mathematical Statistics 29 (1958), p. 610.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Student's distribution with three degrees of freedom: heavy tails, infinite kurtosis.
    pub fn heavy(&mut self) -> f64 {
        let squares: f64 = (0..3).map(|_| self.normal().powi(2)).sum();
        self.normal() / (squares / 3.0).sqrt()
    }

    /// A count of independent events around an expectation: Poisson's distribution, above 50 its normal approximation.
    pub fn count(&mut self, expected: f64) -> u64 {
        if expected > 50.0 {
            return (expected + self.normal() * expected.sqrt()).round().max(0.0) as u64;
        }
        let (limit, mut product, mut count) = ((-expected).exp(), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// Noise of variance 1 whose neighbours are alike: a first-order autoregression, from its stationary distribution on.
    pub fn remembering(&mut self, phi: f64, length: usize) -> Vec<f64> {
        let mut value = self.normal();
        let mut next = || {
            value = phi * value + (1.0 - phi * phi).sqrt() * self.normal();
            value
        };
        (0..length).map(|_| next()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{autocorrelation, mean, quantile, variance};

    fn many(seed: u64, mut draw: impl FnMut(&mut Dice) -> f64) -> Vec<f64> {
        let mut dice = Dice::new(seed);
        (0..40_000).map(|_| draw(&mut dice)).collect()
    }

    fn assert_near(found: Option<f64>, expected: f64, within: f64) {
        assert!(found.is_some_and(|found| (found - expected).abs() < within), "{found:?} instead of {expected}");
    }

    #[test]
    fn the_bits_are_those_of_splitmix64() {
        // The first outputs of Vigna's reference implementation (splitmix64.c) for the seed 1234567.
        let mut dice = Dice::new(1_234_567);
        let bits = [0; 3].map(|_: u64| dice.bits());
        assert_eq!(bits, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn draws_have_the_moments_of_their_distributions() {
        let units = many(1, Dice::unit);
        assert!(units.iter().all(|unit| (0.0..1.0).contains(unit)));
        assert_near(mean(&units), 0.5, 0.01);
        assert_near(mean(&many(2, |dice| dice.between(-1.0, 3.0))), 1.0, 0.03);
        assert_near(mean(&many(3, |dice| dice.below(7) as f64)), 3.0, 0.05);
        assert_near(mean(&many(4, |dice| f64::from(dice.chance(0.2)))), 0.2, 0.01);
        let normal = many(5, Dice::normal);
        assert_near(mean(&normal), 0.0, 0.02);
        assert_near(variance(&normal), 1.0, 0.03);
        assert_near(quantile(&normal, 0.975), 1.96, 0.05);
        // Student's distribution with three degrees of freedom, from tables.
        assert_near(quantile(&many(6, Dice::heavy), 0.975), 3.182, 0.15);
        for expected in [0.7, 12.0, 300.0] {
            let counts = many(7, |dice| dice.count(expected) as f64);
            assert_near(mean(&counts), expected, 0.02 * expected);
            assert_near(variance(&counts), expected, 0.04 * expected);
        }
        assert_eq!(Dice::new(8).below(0), 0);
    }

    #[test]
    fn noise_that_remembers_keeps_its_variance() {
        let noise = Dice::new(9).remembering(0.6, 40_000);
        assert_near(variance(&noise), 1.0, 0.05);
        assert_near(autocorrelation(&noise, 1), 0.6, 0.02);
        assert_near(autocorrelation(&noise, 2), 0.36, 0.03);
    }

    #[test]
    fn streams_repeat_and_differ() {
        let bits = |seed| Dice::new(seed).bits();
        assert_eq!(bits(3), bits(3));
        assert_ne!(bits(3), bits(4));
    }
}
