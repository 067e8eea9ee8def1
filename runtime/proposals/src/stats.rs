//! What cases came to: verdicts, times, hours, cores and watts.

use std::collections::BTreeMap;

use negawatt_actions::guard::median;
use negawatt_casebook::{Became, Case, Cost, Proposal, Stage, Verdict};
use negawatt_config::Learn;
use negawatt_planner::stands;

/// The verdicts in the order in which they are told.
pub const VERDICTS: [Verdict; 4] =
    [Verdict::Regression, Verdict::Opportunity, Verdict::Dismissed, Verdict::Inconclusive];

/// What some cases came to. Times are seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// Cases.
    pub cases: u64,
    /// Those that are not ended.
    pub open: u64,
    /// Those that somebody ended before they had a verdict.
    pub cancelled: u64,
    /// Those with each verdict, by its word; see [`Stats::with`].
    verdicts: BTreeMap<&'static str, u64>,
    /// From the opening of a case to its verdict.
    pub to_diagnosis: Times,
    /// From the opening of a case to the first merge of a proposal that was not taken back.
    pub to_resolution: Times,
    /// Their proposals.
    pub proposals: Counts,
    /// Cases with proposals.
    pub with_proposals: u64,
    /// Cases in which a proposal was submitted.
    pub submitted: u64,
    /// Of those, the ones in which no person decided.
    pub without_person: u64,
    /// Cases in which a proposal was merged.
    pub merged: u64,
    /// Cases that were called a regression, and of which it is known what became.
    pub judged: u64,
    /// Of those, the ones that were none, or in which the wrong change was blamed.
    pub wrong: u64,
    /// What submitted proposals are expected to save: of each case the greatest, since the same is saved once.
    pub proposed: Cost,
    /// What series say that merged ones saved: of each case what was measured last.
    pub recovered: Cost,
    /// Hours of an engineer that were saved: cases with a verdict that nobody called wrong, times what one takes by hand.
    pub hours: f64,
}

/// Proposals, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub proposed: u64,
    /// Those that were submitted, whatever became of them.
    pub submitted: u64,
    /// Those that were merged.
    pub merged: u64,
    /// Those that a person rejected or closed.
    pub turned_down: u64,
}

/// How long something took, in seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Times(Vec<f64>);

impl Times {
    /// How often it is known.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// All of it together.
    pub fn sum(&self) -> f64 {
        self.0.iter().sum()
    }

    /// The median; `None` where nothing is known.
    pub fn median(&self) -> Option<f64> {
        median(&self.0)
    }
}

impl Stats {
    /// Takes in a case, of its proposals those that `counts` admits. Whether its diagnosis was right is told by all of them.
    pub(crate) fn add(&mut self, case: &Case, learn: &Learn, counts: impl Fn(&Proposal) -> bool) {
        self.cases += 1;
        let Some(concluded) = case.concluded() else {
            self.open += u64::from(case.end.is_none());
            self.cancelled += u64::from(case.end.is_some());
            return;
        };
        let seconds = |later: i64| (later - case.opened_at) as f64 / 1e6;
        *self.verdicts.entry(concluded.verdict.name()).or_default() += 1;
        self.to_diagnosis.0.extend(case.ended_at.map(seconds));
        let stands = stands(case);
        let is_wrong = stands == Some(false);
        if concluded.verdict == Verdict::Regression && stands.is_some() {
            self.judged += 1;
            self.wrong += u64::from(is_wrong);
        }
        if concluded.verdict != Verdict::Inconclusive && !is_wrong {
            self.hours += learn.hours_per_case;
        }
        self.add_proposals(case, case.proposals.all.iter().filter(|proposal| counts(proposal)).collect());
    }

    fn add_proposals(&mut self, case: &Case, all: Vec<&Proposal>) {
        let submitted: Vec<_> = all.iter().filter(|proposal| proposal.submitted.is_some()).collect();
        let merged: Vec<_> = all.iter().filter(|proposal| proposal.stage() == Stage::Merged).collect();
        let turned_down = all.iter().filter(|proposal| matches!(proposal.stage(), Stage::Rejected | Stage::Closed));
        self.proposals.proposed += all.len() as u64;
        self.proposals.submitted += submitted.len() as u64;
        self.proposals.merged += merged.len() as u64;
        self.proposals.turned_down += turned_down.count() as u64;
        self.with_proposals += u64::from(!all.is_empty());
        self.submitted += u64::from(!submitted.is_empty());
        self.merged += u64::from(!merged.is_empty());
        let by_person = all.iter().flat_map(|proposal| &proposal.reviews).any(|(_, reviewed)| reviewed.by.is_some());
        self.without_person += u64::from(!submitted.is_empty() && !by_person);
        let outcomes =
            |of: &Proposal| of.outcomes.iter().map(|(time, outcome)| (*time, outcome.what)).collect::<Vec<_>>();
        let merges = merged.iter().flat_map(|proposal| &proposal.outcomes);
        let merges = merges.filter(|(_, outcome)| matches!(outcome.what, Became::Merged));
        let merges = merges.map(|(time, outcome)| outcome.at.unwrap_or(*time));
        self.to_resolution.0.extend(merges.min().map(|time| (time - case.opened_at) as f64 / 1e6));
        let expected = submitted.iter().filter_map(|proposal| {
            let rank = &proposal.proposed.rank;
            rank.saving.map(|saving| times(saving, rank.helps))
        });
        let measured = all.iter().flat_map(|proposal| outcomes(proposal)).filter_map(|(time, what)| match what {
            Became::Recovered(recovery) => recovery.saved.map(|saved| (time, saved)),
            _ => None,
        });
        add(&mut self.proposed, expected.max_by(|a, b| a.cores.total_cmp(&b.cores)).unwrap_or_default());
        add(&mut self.recovered, measured.max_by_key(|(time, _)| *time).map_or_else(Cost::default, |(_, saved)| saved));
    }

    /// Cases with a verdict.
    pub fn with(&self, verdict: Verdict) -> u64 {
        self.verdicts.get(verdict.name()).copied().unwrap_or(0)
    }

    /// The part of judged regressions that were wrong; absent where none was judged.
    pub fn false_positive_rate(&self) -> Option<f64> {
        (self.judged > 0).then(|| self.wrong as f64 / self.judged as f64)
    }

    /// The part of cases with a submitted proposal that no person handled; absent where there is none.
    pub fn share_without_person(&self) -> Option<f64> {
        (self.submitted > 0).then(|| self.without_person as f64 / self.submitted as f64)
    }
}

fn times(cost: Cost, part: f64) -> Cost {
    Cost { cores: part * cost.cores, watts: part * cost.watts }
}

fn add(to: &mut Cost, cost: Cost) {
    to.cores += cost.cores;
    to.watts += cost.watts;
}
