//! What a step is given: what the record of its case says, and what is recorded with its call so that it can be given again.

use std::sync::Arc;

use negawatt_casebook::{Called, Case, Opened, PlannedStep};
use negawatt_host::grants::Rights;
use negawatt_host::limits::{CaseLimits, Limits};
use negawatt_host::model::{Budget, Evidence};
use negawatt_host::{Envelope, Origin, Scope, Tools};
use serde::{Deserialize, Serialize};

use crate::board::Board;
use crate::egress::{self, Numbering};
use crate::run::seed;

/// What the operator's configuration and the clock decide of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Given {
    /// What it may spend.
    pub(crate) limits: Limits,
    /// What the skill is told of that.
    pub(crate) budget: Budget,
    /// Whether it is told nothing of the case but its inputs.
    pub(crate) is_separated: bool,
}

/// The name under which a call carries it.
const GIVEN: &str = "given";

impl Given {
    /// Of a step of a skill with these rights, in a case with so much left.
    pub(crate) fn of(rights: &Rights, origin: Origin, left: &CaseLimits) -> Given {
        let is_separated = egress::is_separated(rights, origin);
        let mut budget = Budget::of(&rights.limits);
        // What is left for the case tells of steps that a skill may know nothing of.
        if !is_separated {
            budget.tool_calls = budget.tool_calls.min(left.tool_calls);
            budget.read_bytes = budget.read_bytes.min(left.read_bytes);
            budget.time = budget.time.min(u64::try_from(left.time.as_micros()).unwrap_or(u64::MAX));
        }
        Given { limits: rights.limits.clone(), budget, is_separated }
    }

    /// As a call recorded it; older versions did not.
    pub(crate) fn recorded(call: &Called) -> Option<Given> {
        let (_, text) = call.extra.iter().find(|(name, _)| name == GIVEN)?;
        serde_json::from_str(text).ok()
    }

    /// As it is recorded with a call.
    pub(crate) fn written(&self) -> Vec<(String, String)> {
        vec![(GIVEN.to_owned(), serde_json::to_string(self).unwrap_or_default())]
    }

    /// What a planned step is called with, and what it calls its inputs. The case is as it stood when its wave was taken, or later
    /// in that.
    pub(crate) fn envelope(
        &self,
        case: &Case,
        opened: &Opened,
        planned: &PlannedStep,
        tools: impl FnOnce(&[Evidence]) -> Tools,
    ) -> (Envelope, Numbering) {
        let look_back = case.entry(&planned.digest).map_or(0, |known| known.look_back);
        let numbering = Numbering::of(self.is_separated, &planned.inputs);
        let evidence = planned.inputs.iter().filter_map(|id| case.evidence(id));
        let evidence: Vec<Evidence> = evidence.map(|posted| numbering.show(posted.evidence.clone())).collect();
        let explains = egress::explains(&opened.incident, &Board::decided(case), &numbering, &planned.inputs);
        // Which step this is tells of others, too.
        let own = if self.is_separated { planned.digest.0.as_slice() } else { planned.step.as_bytes() };
        let mut envelope = Envelope::alone(opened.incident.clone(), Arc::new(tools(&evidence)), self.limits.clone());
        let view = &mut envelope.case;
        view.now = opened.now;
        view.evidence = evidence;
        view.explains = explains.and_then(|id| numbering.shown(&id));
        view.seed = seed(&[&opened.seed.to_le_bytes(), own]);
        view.fleet = opened.fleet;
        view.budget = self.budget;
        envelope.scope = Arc::new(Scope::of(&opened.incident, opened.neighbours.iter().cloned(), look_back));
        (envelope, numbering)
    }
}
