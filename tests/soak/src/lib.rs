//! Proves that no case is ever lost: servers are killed at random under load, one after the other, and what became of every case is held
//! against what becomes of it where nobody disturbs.
//!
//! [`soak`] makes a [`World`], lets clients post incidents, kills one server after the other at moments that a seed draws ([`Moment`]), has a
//! last one end everything, and looks at all that there is: casebook, remotes, webhooks, effects of skills, the log. The same seed gives the
//! same moments; where they fall, the machine decides as well.

mod check;
mod client;
mod error;
mod gate;
mod memory;
mod moment;
mod outcome;
mod report;
mod server;
mod signal;
mod soak;
mod target;
mod upheaval;
mod world;

pub use check::{Check, Checked, unsent};
pub use client::Posted;
pub use error::Result;
pub use gate::Gate;
pub use memory::{Memory, Quarters};
pub use moment::{At, Moment};
pub use outcome::{Outcome, is_heard};
pub use server::{Program, Server};
pub use signal::{Bus, Signal, watch};
pub use soak::{Report, Settings, Until, soak, undisturbed};
pub use target::{Heard, Target};
pub use upheaval::Done;
pub use world::{Kind, World};
