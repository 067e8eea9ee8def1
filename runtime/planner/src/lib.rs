//! Board, catalog, planners, budgets, and the loop that runs a case.

mod answer;
mod board;
mod catalog;
mod fusion;
mod index;
mod planner;
mod run;
mod search;
mod verdict;

pub use answer::{answer, change, functions, impact, suspects};
pub use board::{Board, Item, Taken};
pub use catalog::{Catalog, CatalogError, Entry};
pub use fusion::{Factor, Ranked, rank};
pub use planner::{Choice, Decision, Experience, Knowledge, Planner, Situation};
pub use run::{Neighbours, Progress, Runtime, Watcher, experience};
pub use search::{SearchPlanner, outline};
pub use verdict::{Conclusion, conclude, explaining_change};
