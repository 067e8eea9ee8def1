//! The interface `log`: what a skill says while it works. Needs no grant.

use crate::bindings::negawatt::skill::log as interface;
use crate::call::CallState;
use crate::model::log::Level;

impl interface::Host for CallState {
    async fn log(&mut self, level: Level, text: String) {
        self.say(level, &text);
    }

    async fn progress(&mut self, fraction: f64, text: String) {
        self.report_progress(fraction, &text);
    }
}
