//! The tools: what a skill may import besides the base.
//!
//! Each goes through three stages. *Link* (here, once per engine and set of tools): its interface is put into the linker.
//! *Configure* (at start, by whoever implements its trait): the operator's configuration is validated. *Prepare* (per call):
//! the scope of the case is laid around it.
//!
//! A new tool is a file of its own, and a line in the list below.

mod changes;
mod code;
mod configs;
mod docs;
mod experiments;
pub(crate) mod http;
mod language_model;
mod log;
mod mcp;
mod metrics;
mod precedents;
mod profiles;
mod topology;

use std::sync::Arc;

use negawatt_package::Tool;
use wasmtime::component::{HasSelf, Linker};

pub use changes::Changes;
pub use code::Code;
pub use configs::Configs;
pub use docs::Docs;
pub use experiments::Experiments;
pub use http::{Http, HttpRequest, HttpResponse, header_bytes};
pub use language_model::{Completion, LanguageModel};
pub use mcp::Mcp;
pub use metrics::Metrics;
pub use precedents::Precedents;
pub use profiles::Profiles;
pub use topology::Topology;

use crate::bindings::negawatt::skill as interfaces;
use crate::call::CallState;
use crate::model::{Answer, Error};
use crate::replay::Replay;

macro_rules! tools {
    ($($field:ident: $trait:ident = $tool:ident, $interface:ident;)*) => {
        /// What stands behind the tools; a tool without a source answers `unavailable`.
        #[derive(Clone, Default)]
        pub struct Tools {
            $(
                #[doc = concat!("Behind the tool `", stringify!($interface), "`.")]
                pub $field: Option<Arc<dyn $trait>>,
            )*
            /// Behind the tool `http`.
            pub http: Option<Arc<dyn Http>>,
            /// Answers of the record, before all of them.
            pub recorded: Option<Arc<Replay>>,
        }

        impl Tools {
            $(
                fn $field(&self) -> Answer<&dyn $trait> {
                    self.$field.as_deref().ok_or_else(|| no_source(Tool::$tool))
                }
            )*

            fn http(&self) -> Answer<&dyn Http> {
                self.http.as_deref().ok_or_else(|| no_source(Tool::Http))
            }
        }

        /// The first stage of one tool.
        pub(crate) fn link(tool: Tool, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
            match tool {
                $(Tool::$tool => interfaces::$interface::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state),)*
                Tool::Http => http::link(linker),
            }
        }
    };
}

tools! {
    metrics: Metrics = Metrics, metrics;
    profiles: Profiles = Profiles, profiles;
    changes: Changes = Changes, changes;
    configs: Configs = Configs, configs;
    experiments: Experiments = Experiments, experiments;
    code: Code = Code, code;
    docs: Docs = Docs, docs;
    topology: Topology = Topology, topology;
    precedents: Precedents = Precedents, precedents;
    language_model: LanguageModel = Model, model;
    mcp: Mcp = Mcp, mcp;
}

/// What every skill may import without a grant, apart from the WASI base.
pub(crate) fn link_ungranted(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    interfaces::types::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)?;
    interfaces::log::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)
}

impl interfaces::types::Host for CallState {}

fn no_source(tool: Tool) -> Error {
    let help = match tool {
        Tool::Changes | Tool::Code => "an operator can add [sources.changes] to negawatt.toml".to_owned(),
        Tool::Http => "a grant names the origins that a skill may ask".to_owned(),
        Tool::Precedents => "only a case has them, not a skill that is run alone".to_owned(),
        Tool::Model | Tool::Mcp => "this version has no source for it".to_owned(),
        other => format!("an operator can add [sources.{other}] to negawatt.toml"),
    };
    Error::Unavailable(format!("no source is configured for {tool}; {help}"))
}
