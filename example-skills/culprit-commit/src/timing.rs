//! How commits come before the changes that they cause, and lengths of time for people.
//!
//! A change is seen later than its commit lands by a build, a queue and a deployment. That delay is known to no one
//! beforehand and differs between teams by orders of magnitude (the yearly *Accelerate State of DevOps* surveys find lead
//! times from under an hour to weeks). How well the time of the change itself is known, [`negawatt_skill::timing`] says.

use negawatt_skill::Timestamp;
use negawatt_skill::timing::Causes;

/// A length of time in seconds.
pub type Seconds = f64;

/// Deployed at once, a few times a day, by day. A lone commit that landed just before is worth two of anything else at most.
pub const COMMITS: Causes =
    Causes { delays: &[(0.5 * 3600.0, 0.45), (4.0 * 3600.0, 0.35), (24.0 * 3600.0, 0.20)], prior: 0.15, most: 2.0 };

/// Microseconds as seconds.
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
