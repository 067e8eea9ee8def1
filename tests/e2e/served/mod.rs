//! What always holds of a server: over real sockets, against the built program.

mod agents;
mod alone;
mod anew;
mod api;
mod cases;
mod proposed;
mod streams;
