//! What a case is about: the part of a grant that holds while its steps run.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::{Answer, Error, Incident, Window};
use crate::time;

/// The look-back that bundled skills have: four weeks, for weekly seasons.
pub const BUNDLED_LOOK_BACK: u64 = 28 * 24 * 3600 * 1_000_000;

/// The services and the stretch of time that a step may ask about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    /// Values of the label `service`.
    pub services: BTreeSet<String>,
    /// Whether series without a label `service` belong to the case.
    pub unlabelled: bool,
    /// The incident's window with the look-back before it.
    pub window: Window,
    /// Whether all services belong to it, whatever their names: what the operator asks, and no skill ever.
    pub everything: bool,
}

impl Scope {
    /// The scope of an incident: its service and its `neighbours`, its window and `look_back` microseconds before it.
    pub fn of(incident: &Incident, neighbours: impl IntoIterator<Item = String>, look_back: u64) -> Scope {
        let names_service = |metric: &crate::model::Metric| metric.labels.iter().any(|label| label.name == "service");
        Scope {
            services: neighbours.into_iter().chain([incident.service.clone()]).collect(),
            unlabelled: incident.metric.as_ref().is_some_and(|metric| !names_service(metric)),
            window: Window {
                start: incident.window.start.saturating_sub_unsigned(look_back),
                end: incident.window.end,
            },
            everything: false,
        }
    }

    /// The scope of the operator's own questions: every service, over a window.
    pub fn of_operator(window: Window) -> Scope {
        Scope { services: BTreeSet::new(), unlabelled: true, window, everything: true }
    }

    /// The look-back of a skill that nobody granted more: as long again as the window.
    pub fn default_look_back(incident: &Incident) -> u64 {
        incident.window.end.abs_diff(incident.window.start)
    }

    /// Refuses a window that is not wholly inside.
    pub fn admit_window(&self, window: &Window) -> Answer<()> {
        if window.start > window.end {
            return Err(Error::Invalid(format!("the window {} ends before it starts", range(window))));
        }
        if self.window.covers(window) {
            return Ok(());
        }
        Err(Error::Denied(format!(
            "the window {} is not inside that of the case, {}",
            range(window),
            range(&self.window)
        )))
    }

    /// Refuses a service that is not the case's.
    pub fn admit_service(&self, service: &str) -> Answer<()> {
        if self.admits_service(service) {
            return Ok(());
        }
        let known: Vec<_> = self.services.iter().map(String::as_str).collect();
        Err(Error::Denied(format!("the service {service:?} is not the case's; it is about {}", known.join(", "))))
    }

    /// Whether a series or entry with this value of the label `service` (empty: none) belongs to the case.
    pub fn admits_service(&self, service: &str) -> bool {
        self.everything || if service.is_empty() { self.unlabelled } else { self.services.contains(service) }
    }
}

fn range(window: &Window) -> String {
    format!("{} to {}", time::rfc3339(window.start), time::rfc3339(window.end))
}
