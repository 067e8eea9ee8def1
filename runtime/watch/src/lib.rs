//! Watches series for regressions, for those who have no detector.
//!
//! A [`Watch`] makes passes. Each fetches the series that an operator selected ([`Selection`]), has the skills look at those in
//! which there is something new, holds what they found against a [`Rule`] that keeps false alarms rare, puts what is one change
//! together ([`merge`]), and opens a case for each change that nobody knew.
//!
//! No skill is known by name: those look that produce change points, consume and read nothing, and may send nothing out; others that produce
//! dismissals are asked about what was found.

mod alarm;
mod cases;
mod fetch;
mod known;
mod memory;
pub mod merge;
mod numbers;
mod pass;
mod scan;
mod selection;
mod served;
mod split;
mod watch;

pub use alarm::{FALSE_ALARMS_PER_SERIES_DAY, Found, Rule, Series, confirmed, earlier_look, is_same, recent};
pub use cases::incident;
pub use numbers::within;
pub use pass::{Joined, OpenedCase, Pass, Spent, Trouble};
pub use scan::stands;
pub use selection::Selection;
pub use split::split;
pub use watch::{Settings, Watch};
