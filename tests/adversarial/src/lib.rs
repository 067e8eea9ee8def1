//! The hostile corpus: skills and inputs that try to break the host or to see what they may not, what must happen to each, and
//! the innocent neighbour that must not notice.
//!
//! [`corpus`] lists the attacks, [`Arena`] holds a host with every limit on and data to steal, and [`run`] lets the attacks
//! loose, one after the other or several at a time. A [`Scoreboard`] shows what was seen.

mod arena;
mod attack;
mod cache;
mod casework;
mod components;
mod egress;
mod export;
mod findings;
mod package;
mod repository;
mod run;
mod scope;
mod scoreboard;
mod server;
mod state;
mod structure;
mod surroundings;
mod text;

pub use arena::{Arena, ArenaError, BAIT};
pub use attack::{Attack, Ending, Expected, Seen};
pub use export::export;
pub use run::{Latency, Row, run};
pub use scoreboard::{Scoreboard, three_digits};

/// Every attack, family by family.
pub fn corpus() -> Vec<Attack> {
    let families = [
        components::attacks("compute"),
        components::attacks("memory"),
        components::attacks("abi"),
        surroundings::attacks(),
        findings::attacks(),
        casework::attacks(),
        components::attacks("package"),
        package::attacks(),
        structure::attacks(),
        cache::attacks(),
        scope::attacks(),
        repository::attacks(),
        components::attacks("egress"),
        egress::attacks(),
        state::attacks(),
        text::attacks(),
    ];
    families.into_iter().flatten().collect()
}
