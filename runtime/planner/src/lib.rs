//! Board, catalog, planners, budgets, and the loop that runs a case.

mod answer;
mod board;
mod catalog;
mod denials;
mod egress;
mod fusion;
mod index;
mod learn;
mod planner;
mod precedents;
mod record;
mod reliability;
mod run;
mod search;
mod steps;
mod target;
mod terms;
mod verdict;

pub use answer::{answer, change, functions, impact, suspects};
pub use board::{Aside, Board, Item, Taken};
pub use catalog::{Catalog, CatalogError, Entry};
pub use denials::{Refused, refused};
pub use egress::{Shown, shown};
pub use fusion::{Factor, Ranked, rank};
pub use learn::{learned, traits};
pub use planner::{Choice, Decision, Experience, Knowledge, Planner, Situation};
pub use record::{Answers, Record, Recorded};
pub use reliability::{Reliability, reliabilities};
pub use run::{Neighbours, Progress, Runtime, Watcher};
pub use search::{SearchPlanner, outline};
pub use target::{author, target};
pub use terms::{PutAside, Reach, Terms, experience, put_aside};
pub use verdict::{Conclusion, conclude, explaining_change, has_reason, reasons, speaks_against};
