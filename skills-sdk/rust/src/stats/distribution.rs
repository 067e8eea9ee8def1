//! Tails of distributions.

use super::special::{beta_i, gamma_q};

/// The probability that a standard normal value is greater than `z`.
pub fn normal_sf(z: f64) -> f64 {
    let tail = 0.5 * gamma_q(0.5, 0.5 * z * z);
    if z < 0.0 { 1.0 - tail } else { tail }
}

/// The probability that a value of Student's distribution with so many degrees of freedom (above 0, need not be whole) is
/// greater than `t`.
pub fn student_t_sf(t: f64, degrees_of_freedom: f64) -> f64 {
    let square = t * t;
    if square.is_infinite() {
        return if t < 0.0 { 1.0 } else { 0.0 };
    }
    let sum = degrees_of_freedom + square;
    let tail = 0.5 * beta_i(0.5 * degrees_of_freedom, 0.5, degrees_of_freedom / sum, square / sum);
    if t < 0.0 { 1.0 - tail } else { tail }
}
