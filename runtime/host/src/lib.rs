//! The host: loads, inspects, grants, instantiates and calls skills.
//!
//! It is the only part that knows WebAssembly; it knows no source of data and no store.

mod aot;
mod bindings;
mod budget;
mod call;
pub mod child;
mod compile;
mod deadline;
mod effects;
mod engine;
pub mod grants;
mod host;
pub mod json;
pub mod limits;
mod memory;
mod meter;
pub mod model;
mod record;
mod replay;
mod runtime;
pub mod scan;
mod scope;
mod signing;
mod skill;
mod spans;
pub mod time;
mod tools;
mod validate;
mod wasi;

pub use budget::SharedBudget;
pub use call::{Envelope, OnProgress, Outcome, Status, ToolAnswer, Usage, decode};
pub use child::Child;
pub use compile::{CompileError, compile_for_parent};
pub use deadline::{time_left, time_limit, within};
pub use effects::Effects;
#[doc(hidden)]
pub use engine::bare_engine;
pub use host::{Host, HostConfig, HostError};
pub use negawatt_package::{Kind, Manifest, Tool};
pub use negawatt_text as text;
pub use record::encode;
pub use replay::{Question, Replay};
pub use runtime::runtime;
pub use scope::{BUNDLED_LOOK_BACK, Scope};
pub use signing::{PrivateKey, PublicKey};
pub use skill::{Again, CONTRACT_VERSION, Digest, Imports, LoadError, Origin, Skill};
pub use tools::*;
pub use validate::check_given;
