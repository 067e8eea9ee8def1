//! What all cases came to: verdicts, times, hours, cores and watts.

use std::collections::BTreeMap;

use negawatt_casebook::{Became, Case, Casebook, CasebookError, Cost, Decision, Stage, Verdict};
use negawatt_config::Learn;

/// Cases that are counted: the newest.
const MOST: usize = 100_000;

/// What all cases came to, or those of one service. Times are seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// Cases.
    pub cases: u64,
    /// Those that are not ended.
    pub open: u64,
    /// Those with each verdict, by its word.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// From the opening of a case to its verdict: each, in order of size.
    pub to_diagnosis: Vec<f64>,
    /// From the opening of a case to the merge of its proposal: each, in order of size.
    pub to_resolution: Vec<f64>,
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
    /// What submitted proposals are expected to save.
    pub proposed: Cost,
    /// What series say that merged ones saved.
    pub recovered: Cost,
    /// Hours of an engineer that were saved: cases with a verdict that nobody called wrong, times what one takes by hand.
    pub hours: f64,
}

impl Stats {
    fn add(&mut self, case: &Case, learn: &Learn) {
        self.cases += 1;
        let seconds = |later: i64| (later - case.opened_at) as f64 / 1e6;
        let Some(concluded) = case.concluded() else {
            self.open += u64::from(case.end.is_none());
            return;
        };
        *self.verdicts.entry(concluded.verdict.name()).or_default() += 1;
        self.to_diagnosis.extend(case.ended_at.map(seconds));
        let all = &case.proposals.all;
        self.with_proposals += u64::from(!all.is_empty());
        let went = all.iter().filter(|proposal| proposal.submitted.is_some());
        let by_person = all.iter().flat_map(|proposal| &proposal.reviews).any(|(_, reviewed)| reviewed.by.is_some());
        let is_submitted = went.clone().next().is_some();
        self.submitted += u64::from(is_submitted);
        self.without_person += u64::from(is_submitted && !by_person);
        let mut is_wrong = case.proposals.outcomes.iter().any(|(_, outcome)| is_wrong(&outcome.what));
        let mut is_known = is_wrong;
        for proposal in all {
            let became = || proposal.outcomes.iter().map(|(time, outcome)| (*time, outcome.what));
            is_wrong |= became().any(|(_, what)| self::is_wrong(&what))
                || matches!(proposal.decision(), Some(Decision::Rejected(why)) if says_wrong(why));
            is_known |= is_wrong || proposal.stage() == Stage::Merged;
            if let Some((time, _)) = became().find(|(_, what)| matches!(what, Became::Merged)) {
                self.to_resolution.push(seconds(time));
            }
            if let Some(saving) = proposal.proposed.rank.saving.filter(|_| proposal.submitted.is_some()) {
                add(&mut self.proposed, saving, proposal.proposed.rank.helps);
            }
            let saved = became().filter_map(|(_, what)| match what {
                Became::Recovered(recovery) => recovery.saved,
                _ => None,
            });
            if let Some(saved) = saved.reduce(|_, later| later) {
                add(&mut self.recovered, saved, 1.0);
            }
        }
        self.merged += u64::from(all.iter().any(|proposal| proposal.stage() == Stage::Merged));
        if concluded.verdict == Verdict::Regression && is_known {
            self.judged += 1;
            self.wrong += u64::from(is_wrong);
        }
        if concluded.verdict != Verdict::Inconclusive && !is_wrong {
            self.hours += learn.hours_per_case;
        }
    }

    fn sorted(mut self) -> Stats {
        self.to_diagnosis.sort_unstable_by(f64::total_cmp);
        self.to_resolution.sort_unstable_by(f64::total_cmp);
        self
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

fn is_wrong(what: &Became) -> bool {
    matches!(what, Became::NotARegression | Became::WrongCulprit)
}

fn says_wrong(why: negawatt_casebook::Rejection) -> bool {
    use negawatt_casebook::Rejection::{NotARegression, WrongCulprit};
    matches!(why, WrongCulprit | NotARegression)
}

fn add(to: &mut Cost, cost: Cost, part: f64) {
    to.cores += part * cost.cores;
    to.watts += part * cost.watts;
}

/// What all cases came to, and those of each service. A case that cannot be read is left out, and told to the log.
pub fn stats(book: &Casebook, learn: &Learn) -> Result<(Stats, BTreeMap<String, Stats>), CasebookError> {
    let (mut all, mut services) = (Stats::default(), BTreeMap::<String, Stats>::new());
    for id in book.cases(MOST)? {
        let case = match book.load(&id) {
            Ok(case) => case,
            Err(error) => {
                tracing::warn!("not counted: {error}");
                continue;
            }
        };
        all.add(&case, learn);
        if let Some(opened) = &case.opened {
            services.entry(opened.incident.service.clone()).or_default().add(&case, learn);
        }
    }
    Ok((all.sorted(), services.into_iter().map(|(service, stats)| (service, stats.sorted())).collect()))
}
