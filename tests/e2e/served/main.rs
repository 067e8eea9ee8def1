//! What always holds of a server: over real sockets, against the built program.

#[path = "../common/mod.rs"]
mod common;

mod agents;
mod alone;
mod anew;
mod cases;
mod proposed;
mod streams;
