//! The proposals of a case as its events leave them: where each stands, and which event may come next.

use std::fmt;

use negawatt_host::model::Timestamp;

use crate::event::Event;
use crate::proposal::{Adjusted, Became, Decision, Examined, Outcome, Proposed, Reviewed, Submitted, Submitting, Told};

/// A proposal with all that happened to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// What is proposed.
    pub proposed: Proposed,
    /// What the guard found out last; absent as long as it was not asked.
    pub examined: Option<Examined>,
    /// What was decided, in order, with its time.
    pub reviews: Vec<(Timestamp, Reviewed)>,
    /// Whether somebody was told of it since it was decided of last.
    pub told: bool,
    /// What was about to be done outside since it was decided of last, in order.
    pub intents: Vec<String>,
    /// What those submit.
    pub submission: Option<String>,
    /// What was about to be submitted before it was decided of anew, in order.
    pub earlier: Vec<String>,
    /// Where it is.
    pub submitted: Option<Submitted>,
    /// What became of it, in order, with its time.
    pub outcomes: Vec<(Timestamp, Outcome)>,
}

/// Where a proposal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The guard was not asked yet.
    Proposed,
    /// A criterion does not hold.
    Withheld,
    /// A person has to decide.
    Waiting,
    /// It may be submitted.
    Approved,
    /// A person does not want it.
    Rejected,
    /// It is where its reader finds it.
    Submitted,
    /// It was merged.
    Merged,
    /// It was closed without, or turned out to be wrong.
    Closed,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Proposed => "proposed",
            Stage::Withheld => "withheld",
            Stage::Waiting => "waiting",
            Stage::Approved => "approved",
            Stage::Rejected => "rejected",
            Stage::Submitted => "submitted",
            Stage::Merged => "merged",
            Stage::Closed => "closed",
        })
    }
}

impl Proposal {
    pub(crate) fn new(proposed: Proposed) -> Proposal {
        Proposal {
            proposed,
            examined: None,
            reviews: Vec::new(),
            told: false,
            intents: Vec::new(),
            submission: None,
            earlier: Vec::new(),
            submitted: None,
            outcomes: Vec::new(),
        }
    }

    /// Whether the operator's thresholds approved it, and nobody decided since.
    pub fn went_by_itself(&self) -> bool {
        let last = self.reviews.last().map(|(_, reviewed)| reviewed);
        last.is_some_and(|reviewed| reviewed.by.is_none() && reviewed.decision == Decision::Approved)
    }

    /// Where it stands.
    pub fn stage(&self) -> Stage {
        match (self.ending(), &self.submitted, self.decision()) {
            (Some(Became::Merged), ..) => return Stage::Merged,
            (Some(_), ..) => return Stage::Closed,
            (None, Some(_), _) => return Stage::Submitted,
            (None, None, Some(Decision::Rejected(_))) => return Stage::Rejected,
            _ => {}
        }
        match &self.examined {
            None => Stage::Proposed,
            Some(examined) if !examined.holds() => Stage::Withheld,
            Some(_) if self.decision().is_some() => Stage::Approved,
            Some(_) => Stage::Waiting,
        }
    }

    /// What ended it, as was said last.
    pub fn ending(&self) -> Option<Became> {
        self.outcomes.iter().rev().map(|(_, outcome)| outcome.what).find(|what| !what.is_measured())
    }

    /// Whether the series told after a merge all that it will.
    pub fn is_measured(&self) -> bool {
        self.outcomes.iter().any(|(_, outcome)| outcome.what.is_measured())
    }

    /// What was decided last.
    pub fn decision(&self) -> Option<Decision> {
        self.reviews.last().map(|(_, reviewed)| reviewed.decision)
    }
}

/// What is known of a case's proposals and of what became of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proposals {
    /// The proposals, by their numbers.
    pub all: Vec<Proposal>,
    /// What became of the case itself, in order, with its time.
    pub outcomes: Vec<(Timestamp, Outcome)>,
    /// Thresholds that what became of it moved, in order, with its time.
    pub adjusted: Vec<(Timestamp, Adjusted)>,
}

impl Proposals {
    /// A proposal by its number.
    pub fn get(&self, number: u32) -> Option<&Proposal> {
        self.all.iter().find(|proposal| proposal.proposed.number == number)
    }

    /// Whether something may still become of one.
    pub(crate) fn may_move(&self) -> bool {
        let ended = |proposal: &Proposal| matches!(proposal.stage(), Stage::Rejected | Stage::Closed | Stage::Withheld);
        self.all.iter().any(|proposal| !ended(proposal) && !proposal.is_measured())
    }

    /// Takes in an event about proposals.
    pub(crate) fn apply(&mut self, time: Timestamp, event: &Event) {
        let of = |all: &mut Vec<Proposal>, number: u32, then: &dyn Fn(&mut Proposal)| {
            all.iter_mut().filter(|proposal| proposal.proposed.number == number).for_each(then);
        };
        match event {
            Event::Proposed(proposed) => self.all.push(Proposal::new(proposed.clone())),
            Event::Examined(examined) => {
                of(&mut self.all, examined.proposal, &|proposal| proposal.examined = Some(examined.clone()));
            }
            Event::Reviewed(reviewed) => of(&mut self.all, reviewed.proposal, &|proposal| {
                proposal.reviews.push((time, reviewed.clone()));
                proposal.told = false;
                proposal.intents.clear();
                proposal.earlier.extend(proposal.submission.take());
            }),
            Event::Told(told) => of(&mut self.all, told.proposal, &|proposal| proposal.told = true),
            Event::Submitting(submitting) => of(&mut self.all, submitting.proposal, &|proposal| {
                proposal.intents.push(submitting.what.clone());
                if let Some(submission) = &submitting.submission {
                    proposal.submission = Some(submission.clone());
                }
            }),
            Event::Submitted(submitted) => {
                of(&mut self.all, submitted.proposal, &|proposal| proposal.submitted = Some(submitted.clone()));
            }
            Event::Outcome(outcome) => match outcome.proposal {
                None => self.outcomes.push((time, outcome.clone())),
                Some(number) => of(&mut self.all, number, &|proposal| proposal.outcomes.push((time, outcome.clone()))),
            },
            Event::Adjusted(adjusted) => self.adjusted.push((time, adjusted.clone())),
            _ => {}
        }
    }

    /// Refuses an event about proposals that cannot come next.
    pub(crate) fn admit(&self, event: &Event) -> Result<(), String> {
        let known = |number: u32| self.get(number).ok_or_else(|| format!("there is no proposal {number}"));
        match event {
            Event::Proposed(proposed) if self.get(proposed.number).is_some() => {
                Err(format!("there is a proposal {} already", proposed.number))
            }
            Event::Examined(examined) => match known(examined.proposal)?.stage() {
                Stage::Submitted | Stage::Merged | Stage::Closed => {
                    Err(format!("the proposal {} was submitted", examined.proposal))
                }
                _ => Ok(()),
            },
            Event::Reviewed(reviewed) => match known(reviewed.proposal)?.stage() {
                Stage::Waiting | Stage::Approved | Stage::Rejected => Ok(()),
                Stage::Withheld if reviewed.decision != Decision::Approved => Ok(()),
                stage => Err(format!("the proposal {} is {stage}: nothing is decided of it now", reviewed.proposal)),
            },
            Event::Submitting(Submitting { proposal, .. }) | Event::Submitted(Submitted { proposal, .. }) => {
                match known(*proposal)?.stage() {
                    Stage::Approved => Ok(()),
                    stage => Err(format!("the proposal {proposal} is {stage}, and only an approved one is submitted")),
                }
            }
            Event::Told(Told { proposal: number }) | Event::Outcome(Outcome { proposal: Some(number), .. }) => {
                known(*number).map(drop)
            }
            _ => Ok(()),
        }
    }
}
