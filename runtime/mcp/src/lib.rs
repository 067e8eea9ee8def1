//! Skills and investigations for any client of the Model Context Protocol.
//!
//! A [`Server`] offers a tool for each granted skill, and others that open cases and show them; [`serve_stdio`] and [`Http`] carry
//! it. What it runs is limited, scoped and recorded as everywhere. No tool decides of a proposal, submits one, or changes rights:
//! that needs a person, who is no client of this protocol.

mod arguments;
mod cases;
mod http;
mod listed;
mod program;
mod progress;
mod running;
mod server;
mod sessions;
mod skills;
mod stdio;
mod step;
mod tasks;
mod tell;
mod tools;

pub use http::{Admission, Http, HttpBody, HttpSettings, LOG, Refusal};
pub use program::{Caller, Came, CarryOn, Deed, Describe, DescribeProposal, Observe, Program, Record, Seen};
pub use server::Server;
pub use stdio::serve_stdio;
