//! The tools, so that everything else can be tried on histories made in memory.

use negawatt_skill::configs::{self, ConfigChange};
use negawatt_skill::experiments::{self, Experiment};
use negawatt_skill::{Error, Window};

/// What is asked.
pub trait Tools {
    /// `configs.history`.
    fn settings(&self, window: Window, keys: &[String]) -> Result<Vec<ConfigChange>, Error>;
    /// `experiments.list` of all services.
    fn experiments(&self, window: Window) -> Result<Vec<Experiment>, Error>;
}

/// The tools of the host.
#[derive(Debug, Clone, Copy)]
pub struct Host;

impl Tools for Host {
    fn settings(&self, window: Window, keys: &[String]) -> Result<Vec<ConfigChange>, Error> {
        configs::history(window, keys)
    }

    fn experiments(&self, window: Window) -> Result<Vec<Experiment>, Error> {
        experiments::list(window, None)
    }
}
