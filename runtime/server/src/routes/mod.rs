//! The routes, and the description of all of them.

pub mod cases;
pub mod events;
pub mod extract;
pub mod incidents;
pub mod operators;
pub mod proposals;
pub mod webhooks;
