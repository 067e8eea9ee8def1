//! Noise that is the same in every run.

/// From a multiplicative generator (Lehmer 1951), between -0.5 and 0.5; the seed is from 1 on.
pub struct Noise(pub u64);

impl Noise {
    /// The next value.
    pub fn next(&mut self) -> f64 {
        self.0 = self.0 * 48_271 % 0x7fff_ffff;
        self.0 as f64 / f64::from(0x7fff_ffff_u32) - 0.5
    }
}
