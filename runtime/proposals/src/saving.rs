//! What a proposal saves where it helps wholly.

use negawatt_casebook::{Case, Cost, Proposed};
use negawatt_host::model::{FindingBody, FunctionShift, Mitigation, Opportunity};
use negawatt_planner::{Board, Ranked, functions, impact, is_of_another};
use negawatt_text::{printable, shorten};

use crate::examine::{is_bundled, is_from_bundle};
use crate::lines;

/// Names of files and folders that do not show in those of functions.
const SILENT: [&str; 6] = ["__init__", "index", "lib", "main", "mod", "src"];

/// What the change that explains a case costs.
pub(crate) fn whole(board: &Board) -> Option<Cost> {
    impact(board).map(|impact| Cost { cores: impact.cores, watts: impact.watts })
}

/// What comes back where a proposal against a suspect of the case helps wholly, and why so much: of what the change costs the share of the
/// functions that it touches; all of it where it touches every file of its target, or nobody knows which functions it touches.
pub(crate) fn of_cause(board: &Board, target: &Ranked, mitigation: &Mitigation) -> Option<(Cost, String)> {
    let Cost { cores, watts } = whole(board)?;
    let (share, why) = match &mitigation.patch {
        None => (1.0, "a setting counts for all that its target costs".to_owned()),
        Some(patch) => {
            let files: Vec<String> = lines::files(patch).into_iter().map(|file| file.path).collect();
            let is_all = !target.files.is_empty() && target.files.iter().all(|file| files.contains(file));
            let shifts = functions(board);
            let touched = touched(board, &shifts, &files);
            match share(&shifts, &touched) {
                _ if is_all => (1.0, "it touches every file that its target is blamed for".to_owned()),
                Some(share) => (share, of_functions(&touched, share)),
                None => (1.0, "which part of the shift it touches is not known, so all of it counts".to_owned()),
            }
        }
    };
    Some((Cost { cores: share * cores, watts: share * watts }, why))
}

/// The functions that shifted and that files hold, as far as names and what is said of opportunities tell.
fn touched<'a>(board: &Board, shifts: &[&'a FunctionShift], files: &[String]) -> Vec<&'a FunctionShift> {
    let opportunities: Vec<_> = board.bodies(as_opportunity).map(|(_, opportunity)| opportunity).collect();
    // A file's own name, or that of its folder where no function has it.
    let named = |file: &String| names(file).into_iter().find(|name| shifts.iter().any(|shift| has(&shift.name, name)));
    let named: Vec<String> = files.iter().filter_map(named).collect();
    let is_touched = |shift: &&&FunctionShift| {
        let said = |opportunity: &&Opportunity| {
            opportunity.name == shift.name && opportunity.files.iter().any(|file| files.contains(file))
        };
        named.iter().any(|name| has(&shift.name, name)) || opportunities.iter().any(said)
    };
    shifts.iter().filter(is_touched).copied().collect()
}

fn as_opportunity(body: &FindingBody) -> Option<&Opportunity> {
    match body {
        FindingBody::Opportunity(opportunity) => Some(opportunity),
        _ => None,
    }
}

/// What functions of a file may be called after: the file, then its folder.
fn names(path: &str) -> Vec<String> {
    let parts = path.rsplit('/').take(2).map(|part| part.split('.').next().unwrap_or_default().replace('-', "_"));
    parts.filter(|part| !part.is_empty() && !SILENT.contains(&part.as_str())).collect()
}

/// Whether a function's name has an identifier.
fn has(function: &str, identifier: &str) -> bool {
    let mut identifiers = function.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    identifiers.any(|one| one.eq_ignore_ascii_case(identifier))
}

/// The share that functions have of a shift, from 0 to 1: by how much the one of them rose that rose most, as a part of the rise of the one of all
/// that did. Shares of samples are with all that a function calls, so those of several do not add up. Nothing where none is touched, or none rose.
fn share(all: &[&FunctionShift], touched: &[&FunctionShift]) -> Option<f64> {
    let rise = |of: &[&FunctionShift]| of.iter().map(|shift| shift.after - shift.before).fold(0.0, f64::max);
    let most = rise(all);
    (most > 0.0 && !touched.is_empty()).then(|| (rise(touched) / most).min(1.0))
}

fn of_functions(touched: &[&FunctionShift], share: f64) -> String {
    let rose = touched.iter().max_by(|a, b| (a.after - a.before).total_cmp(&(b.after - b.before)));
    let name = rose.map_or(String::new(), |shift| shorten(&printable(&shift.name), 120));
    format!("it touches {name}, which has {:.0} % of the shift", 100.0 * share)
}

/// What a proposal that is against no suspect saves: what its opportunity promises of the service's cores and watts. Absent where there is none, or
/// nothing is known of the fleet.
pub(crate) fn of_opportunity(case: &Case, board: &Board, proposed: &Proposed) -> Option<Cost> {
    let fleet = case.opened.as_ref()?.fleet?;
    let cores = promised(case, board, proposed)? * fleet.servers * fleet.cores_per_server;
    Some(Cost { cores, watts: cores * fleet.watts_per_core })
}

/// The part of a service's CPU time that a proposal is expected to save: the middle of what is said of the likeliest opportunity that it rests on
/// or names, and that another skill found; absent where there is none.
pub(crate) fn promised(case: &Case, board: &Board, proposed: &Proposed) -> Option<f64> {
    let because = &case.evidence(&proposed.mitigation)?.evidence.finding.because;
    let (_, mitigation) = case.mitigation(proposed)?;
    let meant = board.bodies(as_opportunity).filter(|(other, opportunity)| {
        let rests_on = because.contains(&other.evidence.id);
        // What a skill says of its own patch ties that to nothing.
        let found_by = case.step(&other.step).map(|step| step.planned.digest);
        let of_others = is_of_another(case, proposed, &other.step);
        // Nor does a loaded one say what a bundled one's patch saves: it would say which goes first.
        let may_say = !is_bundled(case, proposed) || found_by.is_some_and(|digest| is_from_bundle(case, digest));
        of_others && may_say && (rests_on || opportunity.name == mitigation.target)
    });
    let (_, likeliest) = meant.max_by(|(a, _), (b, _)| board.confidence(a).total_cmp(&board.confidence(b)))?;
    Some(0.5 * (likeliest.saving_low + likeliest.saving_high))
}

/// Each saving as a part of the largest that a bundled skill's patch has, or any where there is none, from 0 to 1; 1 where it is not known.
/// Each comes with whether it is of a bundled one.
pub(crate) fn parts(savings: &[(Option<Cost>, bool)]) -> Vec<f64> {
    let largest_of = |counts: &dyn Fn(bool) -> bool| {
        let counted = savings.iter().filter(|(_, is_bundled)| counts(*is_bundled)).filter_map(|(saving, _)| *saving);
        counted.map(|saving| saving.cores).fold(0.0, f64::max)
    };
    let of_bundled = largest_of(&|is_bundled| is_bundled);
    let largest = if of_bundled > 0.0 { of_bundled } else { largest_of(&|_| true) };
    let part = |(saving, _): &(Option<Cost>, bool)| match saving {
        Some(saving) if largest > 0.0 => (saving.cores / largest).clamp(0.0, 1.0),
        _ => 1.0,
    };
    savings.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shifts(rises: &[f64]) -> Vec<FunctionShift> {
        let shift = |(at, rise): (usize, &f64)| FunctionShift {
            name: format!("f{at}"),
            before: 0.1,
            after: 0.1 + rise,
            self_before: 0.0,
            self_after: 0.0,
            p_value: 0.01,
        };
        rises.iter().enumerate().map(shift).collect()
    }

    proptest! {
        /// Who touches more, or what rose more, has no less of the shift; who touches all has all of it.
        #[test]
        fn a_share_rises_with_what_is_touched(
            rises in prop::collection::vec(-0.1..0.5_f64, 1..8),
            few in prop::collection::vec(any::<bool>(), 8),
            more in prop::collection::vec(any::<bool>(), 8),
            by in 0.0..0.4_f64,
        ) {
            let of = |rises: &[f64], picked: &dyn Fn(usize) -> bool| {
                let all = shifts(rises);
                let all: Vec<&FunctionShift> = all.iter().collect();
                let touched: Vec<&FunctionShift> = (0..all.len()).filter(|at| picked(*at)).map(|at| all[at]).collect();
                share(&all, &touched)
            };
            let some = of(&rises, &|at| few[at]);
            if let Some(some) = some {
                let with_more = of(&rises, &|at| few[at] || more[at]).unwrap();
                prop_assert!((0.0..=1.0).contains(&some) && some <= with_more);
                let raised: Vec<f64> = rises.iter().zip(&few).map(|(rise, few)| if *few { rise + by } else { *rise }).collect();
                prop_assert!(of(&raised, &|at| few[at]).unwrap() >= some - 1e-12);
                prop_assert_eq!(of(&rises, &|_| true), Some(1.0));
            }
            prop_assert_eq!(of(&rises, &|_| false), None);
        }
    }

    #[test]
    fn functions_are_told_by_the_names_of_files_or_their_folders() {
        let board = Board::default();
        let mut all = shifts(&[0.3, 0.2, 0.1, 0.05]);
        for (shift, name) in
            all.iter_mut().zip(["shop::cart::price", "finder.tokenizer.split", "acme/store.(*Db).Get", "main"])
        {
            shift.name = name.to_owned();
        }
        let all: Vec<&FunctionShift> = all.iter().collect();
        let of = |files: &[&str]| {
            let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
            touched(&board, &all, &files).into_iter().map(|shift| shift.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of(&["src/cart.rs"]), ["shop::cart::price"]);
        assert_eq!(of(&["finder/tokenizer.py", "NEWS"]), ["finder.tokenizer.split"]);
        assert_eq!(of(&["store/db.go"]), ["acme/store.(*Db).Get"], "its own name first");
        assert_eq!(of(&["store/other.go"]), ["acme/store.(*Db).Get"], "then its folder's");
        assert!(of(&["src/main.rs", "src/lib.rs", "docs/x.md"]).is_empty());
    }
}
