//! Write skills for Negawatt in Rust: a skill is a function from a typed case to typed findings.
//!
//! ```
//! use negawatt_skill::prelude::*;
//!
//! negawatt_skill::skill!(investigate);
//!
//! fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
//!     let series = case.series()?;
//!     let middle = stats::median(&series.values).unwrap_or(0.0);
//!     Ok(vec![Finding::new(Note(format!("The median is {}.", digits(middle, 3))), 1.0, "A median.")])
//! }
//! ```
//!
//! Tools (`metrics`, `profiles`, `changes` …) work inside of a component only; elsewhere they panic. Keep what they answer
//! apart from what is computed of it, and the computation is tested by `cargo test` on any machine.

/// What `wit-bindgen` makes of the contract; reached through the plain names of this crate.
#[doc(hidden)]
#[allow(missing_docs, clippy::all)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "all",
        pub_export_macro: true,
        default_bindings_module: "negawatt_skill::bindings",
        generate_all,
        additional_derives: [PartialEq],
    });
}

mod case;
pub mod commits;
pub mod dice;
pub mod diff;
pub mod edits;
mod error;
mod finding;
pub mod format;
pub mod frames;
pub mod gather;
pub mod log;
mod metric;
#[cfg(feature = "patch")]
pub mod patch;
pub mod prelude;
pub mod profile;
#[cfg(feature = "patch")]
pub mod rewrite;
pub mod season;
pub mod series;
pub mod services;
pub mod stats;
pub mod stretches;
pub mod suspects;
pub mod time;
pub mod timing;
pub mod tree;
mod validation;
pub mod words;

pub use bindings::negawatt::skill::types::{
    Aggregate, Aggregation, Budget, Candidate, CaseView as Case, ChangePoint, Direction, Dismissal, DismissalReason,
    Duration, Error, Evidence, EvidenceId, EvidenceKind, Finding, FindingBody, Fleet, FunctionShift, Impact, Incident,
    IncidentKind, Label, Metric, Mitigation, Opportunity, Other, QuantileTransform, Setting, Severity, Shape, Suspect,
    Timestamp, Transform, Window,
};
pub use bindings::negawatt::skill::{
    changes, code, configs, docs, experiments, mcp, metrics, model, precedents, profiles, topology,
};
pub use case::Found;
pub use dice::Dice;
pub use error::unless_cancelled;
pub use finding::{MOST_LINKS, Note};
pub use series::Series;

/// Makes a function the skill's one export.
///
/// It takes the path of a function `fn(&Case) -> Result<Vec<Finding>, Error>` and is written once per crate. On other
/// targets than Wasm it exports nothing and only checks the function's type, so that the crate's tests run anywhere.
#[macro_export]
macro_rules! skill {
    ($investigate:path) => {
        const _: fn(&$crate::Case) -> ::std::result::Result<::std::vec::Vec<$crate::Finding>, $crate::Error> =
            $investigate;

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Skill;

            impl $crate::bindings::Guest for Skill {
                fn investigate(
                    case: $crate::Case,
                ) -> ::std::result::Result<::std::vec::Vec<$crate::Finding>, $crate::Error> {
                    $investigate(&case)
                }
            }

    $crate::bindings::export!(Skill with_types_in $crate::bindings);
        };
    };
}
