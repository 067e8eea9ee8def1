//! Which of a case's mitigations is proposed first, and why.

use negawatt_casebook::{Case, Casebook, CasebookError, Cited, Cost, Proposed, Rank, Said, Verdict};
use negawatt_host::model::{FindingBody, Mitigation};
use negawatt_planner::{Board, Item, target, traits};
use negawatt_text::{printable, shorten};

use crate::examine::is_bundled;
use crate::{lines, saving};

/// Proposals of a case, at most, and those of loaded skills among them.
const MOST: usize = 8;
const MOST_LOADED: usize = 3;

/// Precedents that are asked for, and how alike one must be to count.
const PRECEDENTS: usize = 20;
const ALIKE: f64 = 0.2;

/// Precedents that a reason names, and what was said against each.
const MOST_TOLD: usize = 3;
const MOST_SAID: usize = 2;

/// How strategies fared before anything is known: as one that was taken in one case of two, worth two cases.
const TAKEN_BEFORE: f64 = 1.0;
const CASES_BEFORE: f64 = 2.0;

/// The part of the cost that a patch puts at risk for each line that it changes, and for each file beyond the first; and at most.
const RISK_OF_LINE: f64 = 0.001;
const RISK_OF_FILE: f64 = 0.02;
const MOST_RISK: f64 = 0.3;

/// How a strategy fared in cases like this one.
struct Fared {
    /// Weighted by how alike they are.
    cases: f64,
    taken: f64,
    /// Those cases, and others in which something was said of it, the most alike first.
    cited: Vec<Cited>,
}

/// A case's mitigations as proposals, the best first.
///
/// See [`score`]. How probable it is that one helps is what its skill says, and never more than that its target is the cause.
pub fn ranked(case: &Case, book: &Casebook) -> Result<Vec<Proposed>, CasebookError> {
    let board = Board::of(case);
    let precedents = book.precedents(&traits(case), None, PRECEDENTS)?;
    let fared = |strategy: Option<&str>| {
        let mut fared = Fared { cases: 0.0, taken: 0.0, cited: Vec::new() };
        for alike in precedents.iter().filter(|alike| alike.case != case.id && alike.similarity >= ALIKE) {
            let Some(strategy) = strategy else { continue };
            let Some(tried) = alike.resolved.tried.iter().find(|tried| tried.strategy == strategy) else { continue };
            fared.cases += if tried.tells() { alike.similarity } else { 0.0 };
            fared.taken += if tried.was_merged() { alike.similarity } else { 0.0 };
            // What was said of another strategy is no word on this one.
            let is_of_it = |said: &&Said| said.strategy.as_deref().is_none_or(|of| of == strategy);
            fared.cited.push(Cited {
                case: alike.case,
                similarity: alike.similarity,
                outcome: tried.outcome.clone(),
                said: alike.resolved.said.iter().filter(is_of_it).cloned().collect(),
            });
        }
        fared
    };
    let opportunity = case.concluded().is_some_and(|concluded| concluded.verdict == Verdict::Opportunity);
    let mut found = Vec::new();
    let mut known: Vec<&Mitigation> = Vec::new();
    for (item, mitigation) in board.bodies(as_mitigation) {
        // The same again is not looked at twice.
        if known.iter().any(|other| (&other.patch, &other.setting) == (&mitigation.patch, &mitigation.setting)) {
            continue;
        }
        known.push(mitigation);
        let unranked = Proposed { number: 0, mitigation: item.evidence.id.clone(), rank: Rank::default() };
        // Against nobody whom others suspect it is worth nothing, unless it is about no suspect at all.
        let (cause, saving) = match target(case, &unranked) {
            Some(target) => (Some(target.confidence), saving::of_cause(&board, &target, mitigation)),
            None if opportunity => {
                let saving = saving::of_opportunity(case, &board, &unranked);
                (None, saving.map(|saving| (saving, "it is the middle of what its opportunity promises".to_owned())))
            }
            None => (Some(0.0), None),
        };
        let (saving, basis) = saving.unzip();
        found.push((item, mitigation, unranked, cause, (saving, basis)));
    }
    let savings = found.iter().map(|(_, _, unranked, _, (saving, _))| (*saving, is_bundled(case, unranked)));
    let parts = saving::parts(&savings.collect::<Vec<_>>());
    let ranked = found.into_iter().zip(parts).map(|((item, mitigation, unranked, cause, (saving, basis)), part)| {
        let bundled = is_bundled(case, &unranked);
        // How a strategy fared is told of those of the program: others may call theirs as they like.
        let fared = fared(bundled.then_some(mitigation.strategy.as_str()));
        let mut rank = rank(&board, item, mitigation, cause, (saving, part), fared);
        rank.reasons.extend(basis);
        (bundled, Proposed { rank, ..unranked })
    });
    let mut proposed: Vec<(bool, Proposed)> = ranked.collect();
    // Between equals the order in which they were found.
    proposed.sort_by(|(_, a), (_, b)| b.rank.score.total_cmp(&a.rank.score));
    let mut loaded = 0;
    let mut proposed: Vec<Proposed> = proposed
        .into_iter()
        .filter(|(bundled, _)| {
            loaded += usize::from(!bundled);
            *bundled || loaded <= MOST_LOADED
        })
        .map(|(_, proposed)| proposed)
        .collect();
    proposed.truncate(MOST);
    proposed.iter_mut().zip(1..).for_each(|(proposed, number)| proposed.number = number);
    Ok(proposed)
}

/// The part of what can be saved that one is expected to save: how probable it is that it helps, times twice how often its strategy was taken in
/// cases like this one (so that one of which nothing is known counts as it is), times its saving as a part of the largest in the case (whole
/// where it is not known), less the risk of what it touches.
fn score(helps: f64, precedent: f64, part: f64, risk: f64) -> f64 {
    helps * (2.0 * precedent).min(1.5) * part - risk
}

fn rank(
    board: &Board,
    item: &Item,
    mitigation: &Mitigation,
    cause: Option<f64>,
    (saving, part): (Option<Cost>, f64),
    fared: Fared,
) -> Rank {
    let says = board.confidence(item);
    // What a skill says of its patch counts its target's share already; of that the case knows more.
    let helps = cause.map_or(says, |cause| says.min(cause));
    let precedent = (TAKEN_BEFORE + fared.taken) / (CASES_BEFORE + fared.cases);
    let (files, lines) = mitigation.patch.as_deref().map_or((0, 0), |patch| {
        let files = lines::files(patch);
        (files.len(), files.iter().map(|file| file.added + file.removed).sum::<usize>())
    });
    let risk = (RISK_OF_LINE * lines as f64 + RISK_OF_FILE * files.saturating_sub(1) as f64).min(MOST_RISK);
    let score = score(helps, precedent, part, risk);
    let percent = |part: f64| format!("{:.0} %", 100.0 * part);
    let name = |text: &str| shorten(&printable(text), 120);
    let (of, strategy) = (name(&mitigation.target), name(&mitigation.strategy));
    let mut reasons = Vec::new();
    reasons.push(match cause {
        Some(cause) => {
            format!(
                "{of} is the cause with {}, and its skill says that it helps with {}",
                percent(cause),
                percent(says)
            )
        }
        None => format!("it helps with {}, and names no suspect of this case as its target", percent(says)),
    });
    reasons.push(if fared.cited.is_empty() {
        format!("no case like this one tells how `{strategy}` fares")
    } else {
        let told = told(&fared.cited);
        format!("`{strategy}` counts {precedent:.2} by how it fared in cases like this one: {told}")
    });
    if mitigation.patch.is_some() {
        reasons.push(format!("{lines} changed lines in {files} files put {} at risk", percent(risk)));
    }
    if let Some(Cost { cores, watts }) = saving {
        let less =
            if part < 1.0 { format!(", {} of what the largest saving is", percent(part)) } else { String::new() };
        reasons.push(format!("{cores:.0} cores and {watts:.0} W come back where it helps wholly{less}"));
    }
    Rank { score, helps, risk, precedent, saving, reasons, precedents: fared.cited }
}

/// The most alike precedents, with what was said against each.
fn told(cited: &[Cited]) -> String {
    let said = |said: &Said| {
        let by = said.by.as_deref().unwrap_or("its reader");
        let text = if said.text.is_empty() { String::new() } else { format!(": `{}`", said.text) };
        format!("; turned down by {by} as {}{text}", said.reason)
    };
    let one = |cited: &Cited| {
        let alike = 100.0 * cited.similarity;
        let said: String = cited.said.iter().take(MOST_SAID).map(said).collect();
        format!("{} ({}, {alike:.0} % alike{said})", cited.case, cited.outcome)
    };
    let mut all: Vec<String> = cited.iter().take(MOST_TOLD).map(one).collect();
    if let more @ 1.. = cited.len().saturating_sub(MOST_TOLD) {
        all.push(format!("and {more} more"));
    }
    all.join(", ")
}

fn as_mitigation(body: &FindingBody) -> Option<&Mitigation> {
    match body {
        FindingBody::Mitigation(mitigation) => Some(mitigation),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part() -> impl Strategy<Value = f64> {
        0.0..=1.0_f64
    }

    proptest! {
        /// What helps more, fared better, saves more or risks less never comes later for it.
        #[test]
        fn a_score_rises_with_all_that_is_good(a in [part(), part(), part()], b in [part(), part(), part()], risk in [part(), part()]) {
            let (low, high): (Vec<f64>, Vec<f64>) = a.iter().zip(b).map(|(a, b)| (a.min(b), a.max(b))).unzip();
            let score = |of: &[f64], risk: f64| score(of[0], of[1], of[2], risk);
            let (less, more) = (risk[0].min(risk[1]), risk[0].max(risk[1]));
            prop_assert!(score(&low, more) <= score(&high, less));
            prop_assert!((-1.0..=1.5).contains(&score(&low, more)));
        }

        /// Parts keep the order of savings, and what is not known counts whole.
        #[test]
        fn parts_are_in_the_order_of_savings(
            cores in prop::collection::vec((prop::option::of(-10.0..1e9_f64), any::<bool>()), 0..8),
        ) {
            let cost = |cores| Cost { cores, watts: 4.5 * cores };
            let savings: Vec<_> = cores.into_iter().map(|(cores, bundled)| (cores.map(cost), bundled)).collect();
            let parts = saving::parts(&savings);
            for ((one, _), of_one) in savings.iter().zip(&parts) {
                prop_assert!((0.0..=1.0).contains(of_one) && (one.is_some() || *of_one == 1.0));
                for ((other, _), of_other) in savings.iter().zip(&parts) {
                    if let (Some(one), Some(other)) = (one, other) && one.cores <= other.cores {
                        prop_assert!(of_one <= of_other);
                    }
                }
            }
            // What others say of theirs makes none of a bundled skill's smaller.
            let bundled: Vec<_> = savings.iter().filter(|(_, bundled)| *bundled).copied().collect();
            let of_bundled = savings.iter().zip(&parts).filter(|((_, bundled), _)| *bundled).map(|(_, part)| *part);
            let alone = bundled.iter().flat_map(|(saving, _)| *saving).any(|saving| saving.cores > 0.0);
            prop_assert!(!alone || of_bundled.eq(saving::parts(&bundled)));
        }
    }
}
