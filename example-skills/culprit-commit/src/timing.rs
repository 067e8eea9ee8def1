//! How commits come before the changes that they cause.
//!
//! A change is seen later than its commit lands by a build, a queue and a deployment. That delay is known to no one
//! beforehand and differs between teams by orders of magnitude (the yearly *Accelerate State of DevOps* surveys find lead
//! times from under an hour to weeks). How well the time of the change itself is known, [`negawatt_skill::timing`] says.

use negawatt_skill::timing::Causes;

/// Deployed at once, a few times a day, by day. A lone commit that landed just before is worth two of anything else at most.
pub const COMMITS: Causes =
    Causes { delays: &[(0.5 * 3600.0, 0.45), (4.0 * 3600.0, 0.35), (24.0 * 3600.0, 0.20)], prior: 0.15, most: 2.0 };
