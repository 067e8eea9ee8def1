//! Simulated services in which cost moves, or grows, or both.

mod functions;
mod series;
mod service;
