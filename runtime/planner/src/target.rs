//! Whom a proposal is against, and who made it.

use negawatt_casebook::{Case, Proposed};
use negawatt_host::Digest;

use crate::answer::suspects;
use crate::fusion::Ranked;

/// The component that made a proposal's mitigation.
pub fn author(case: &Case, proposed: &Proposed) -> Option<Digest> {
    let posted = case.evidence(&proposed.mitigation)?;
    Some(case.step(&posted.step)?.planned.digest)
}

/// The suspect that a proposal is against: the likeliest with its id, where another skill than the one that made it suspects it. What a skill
/// says itself of the target of its own patch ties that to nothing.
pub fn target(case: &Case, proposed: &Proposed) -> Option<Ranked> {
    let (_, mitigation) = case.mitigation(proposed)?;
    let target = suspects(case).into_iter().find(|suspect| suspect.id == mitigation.target)?;
    let of_others = target.factors.iter().any(|factor| {
        case.evidence(&factor.evidence).is_some_and(|posted| is_of_another(case, proposed, &posted.step))
    });
    of_others.then_some(target)
}

/// Whether a step is of another skill than the one that made a proposal's mitigation. Another version of that is none.
pub fn is_of_another(case: &Case, proposed: &Proposed, step: &str) -> bool {
    let name = |step: &str| case.step(step).map(|step| step.planned.name());
    let by = case.evidence(&proposed.mitigation).and_then(|posted| name(&posted.step));
    name(step).is_some_and(|name| by.is_some_and(|by| by != name))
}
