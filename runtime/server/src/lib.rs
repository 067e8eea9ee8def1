//! Incidents over HTTP: an API, webhooks, and no case ever lost.
//!
//! An incident is a case on disk before it is acknowledged ([`App::accept`]). Workers run cases to their verdicts and beyond; what a
//! stopped or killed server left behind is taken up by the next one. How configuration is read and cases are shown is told by the program
//! around it ([`Program`]).

#![allow(clippy::result_large_err, reason = "a problem is made once for a request, and is its answer")]

mod accept;
mod agents;
mod app;
mod caller;
mod client;
mod description;
mod follow;
mod gate;
mod here;
mod hooks;
mod listen;
mod metrics;
mod notice;
mod patient;
mod places;
mod problem;
mod program;
mod queue;
mod refusals;
mod reload;
mod router;
mod routes;
mod serve;
mod shown;
mod strangers;
mod streams;
mod tell;
mod watch;
mod work;

pub use accept::{Accepted, Refusal};
pub use app::App;
pub use client::{Client, ClientError};
pub use notice::Notice;
pub use problem::Problem;
pub use program::{Form, Loaded, Program, Shown, Stamp};
pub use serve::{Listener, ServeError, Settings, serve};
