//! Statistics that skills share: robust descriptions, tests whose level holds where neighbouring values are alike, and what a
//! p-value is worth.
//!
//! Every function is total: what cannot be given is `None`, never NaN. Values must be finite, as those of tools are. Each is
//! compared with a published implementation in this crate's tests.

mod dependence;
mod describe;
mod distribution;
mod evidence;
mod linear;
mod special;
mod two_sample;

pub use dependence::{ar1, autocorrelation, effective_size, long_run_variance};
pub use describe::{mad, mean, median, quantile, ranks, variance};
pub use distribution::{normal_sf, student_t_sf};
pub use evidence::{benjamini_hochberg, chance_odds, confidence, permutation_p};
pub use linear::solve;
pub use two_sample::{Estimate, Shift, mann_whitney, mean_shift, welch, welch_of};
