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
    let by = author(case, proposed)?;
    let target = suspects(case).into_iter().find(|suspect| suspect.id == mitigation.target)?;
    let of_others = target.factors.iter().any(|factor| {
        let step = case.evidence(&factor.evidence).and_then(|posted| case.step(&posted.step));
        step.is_some_and(|step| step.planned.digest != by)
    });
    of_others.then_some(target)
}
