//! What got slower: the functions whose share rose, and which of them the rise begins in.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use negawatt_skill::profile::Profile;
use negawatt_skill::{Error, FunctionShift, Timestamp, profiles};

use crate::frame::Frame;

/// A function whose share of samples rose. Shares are of all samples, from 0 to 1.
#[derive(Debug, Clone)]
pub struct Risen {
    /// Its name as in the profiles.
    pub raw: String,
    /// The name taken apart.
    pub frame: Frame,
    /// Share before and after, with everything it calls.
    pub inclusive: (f64, f64),
    /// Share before and after, without what it calls.
    pub own: (f64, f64),
    /// How well a change of its body explains the rise, from 0 to 1; see [`Regression::attribute`].
    pub blame: f64,
    /// Whether it can be changed in the repository, as far as is known.
    pub ours: bool,
}

impl Risen {
    fn rise(&self) -> f64 {
        (self.inclusive.1 - self.inclusive.0).max(0.0)
    }

    /// The part of its share that is new.
    fn newness(&self) -> f64 {
        (self.rise() / self.inclusive.1.max(f64::MIN_POSITIVE)).min(1.0)
    }
}

/// The functions whose share rose, and the stacks that they stand in.
#[derive(Debug, Default)]
pub struct Regression {
    /// Those whose share rose.
    pub risen: Vec<Risen>,
    /// Functions that were seen, and whose share did not rise.
    pub steady: Vec<Frame>,
    /// Stacks reduced to risen functions, root first, and their shares before and after.
    paths: Vec<(Vec<usize>, f64, f64)>,
}

/// A caller of the function where a rise begins: what its blame is at most, when nothing tells whether it calls more often.
const CALLER: f64 = 0.12;
/// A caller from which alone the rise comes.
const SELECTIVE_CALLER: f64 = 0.8;
/// The one that newly calls a function that was not on any stack before.
const NEW_CALLER: f64 = 0.5;

impl Regression {
    /// From evidence; `None` where no function's share rose.
    pub fn new<'a>(shifts: impl Iterator<Item = &'a FunctionShift>) -> Option<Regression> {
        let mut seen = HashSet::new();
        let risen: Vec<Risen> = shifts
            .filter(|shift| shift.after > shift.before && seen.insert(shift.name.as_str()))
            .map(|shift| Risen {
                raw: shift.name.clone(),
                frame: Frame::parse(&shift.name, ""),
                inclusive: (shift.before, shift.after),
                own: (shift.self_before, shift.self_after),
                blame: 0.0,
                ours: true,
            })
            .filter(|risen| !risen.frame.name.is_empty())
            .collect();
        let mut regression = Regression { risen, ..Regression::default() };
        regression.attribute(&vec![true; regression.risen.len()]);
        (!regression.risen.is_empty()).then_some(regression)
    }

    /// Adds what the profile knows: source files, functions that stayed as they were, and who calls whom.
    ///
    /// A profile without files on both sides of the change adds no stacks; `internal` for contradictory columns.
    pub fn add_profile(&mut self, columns: &profiles::Profile, change: Timestamp) -> Result<(), Error> {
        let profile = Profile::new(columns)?;
        let index: HashMap<&str, usize> =
            self.risen.iter().enumerate().map(|(at, risen)| (risen.raw.as_str(), at)).collect();
        let of_function: Vec<Option<usize>> =
            profile.functions().iter().map(|name| index.get(name.as_str()).copied()).collect();
        for (function, name) in profile.functions().iter().enumerate() {
            let file = profile.sources(function).first().map_or("", String::as_str);
            if of_function[function].is_none() {
                self.steady.push(Frame::parse(name, file));
            }
        }
        let (before, after) = profile.split(change);
        let totals = (profile.total(before.clone()), profile.total(after.clone()));
        // Of each stack, its samples before and after.
        let counts: Vec<(f64, f64)> = profile.by_stack(before).into_iter().zip(profile.by_stack(after)).collect();
        let files = risen_files(columns, &index, &counts, totals);
        for (risen, file) in self.risen.iter_mut().zip(files) {
            risen.frame = Frame::parse(&risen.raw, file);
        }
        if totals.0 > 0.0 && totals.1 > 0.0 {
            let mut paths: BTreeMap<Vec<usize>, (f64, f64)> = BTreeMap::new();
            let mut path = Vec::new();
            for (stack, counts) in profile.stacks().zip(&counts).filter(|(_, counts)| counts.0 + counts.1 > 0.0) {
                path.clear();
                path.extend(stack.iter().filter_map(|&function| of_function[function]));
                match paths.get_mut(path.as_slice()) {
                    Some(known) => *known = (known.0 + counts.0, known.1 + counts.1),
                    None => drop(paths.insert(path.clone(), *counts)),
                }
            }
            let share = |(path, (b, a))| (path, b / totals.0, a / totals.1);
            self.paths = paths.into_iter().filter(|(path, _)| !path.is_empty()).map(share).collect();
        }
        self.attribute(&vec![true; self.risen.len()]);
        Ok(())
    }

    /// Gives every risen function its blame. `ours` says which can be changed in the repository at all.
    ///
    /// What a stack costs is put down to its deepest function that is ours: a library's function rises because of who calls
    /// it. (Attribution to the deepest frame that a team owns, and causes ranked by the overlap of a change with the stacks
    /// that regressed, as in FBDetect, SOSP 2024.) The function where most of the rise begins gets 1. Its
    /// callers get less, unless the rise comes through one caller while others see none: then that one calls it more often.
    pub fn attribute(&mut self, ours: &[bool]) {
        let (own, callers) = if self.paths.is_empty() { self.by_shares(ours) } else { self.by_paths(ours) };
        let most_own = own.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let most_rise = self.risen.iter().map(Risen::rise).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let mut relieved = vec![1.0; self.risen.len()];
        let mut blames: Vec<f64> = self
            .risen
            .iter()
            .zip(&own)
            .map(|(risen, own)| (own / most_own).max(CALLER * risen.newness() * risen.rise() / most_rise))
            .collect();
        for (caller, callee, kind) in callers {
            let weight = own[callee].max(0.0) / most_own;
            blames[caller] = f64::max(blames[caller], kind * weight);
            if kind > NEW_CALLER {
                relieved[callee] = 0.5;
            }
        }
        for (at, risen) in self.risen.iter_mut().enumerate() {
            risen.ours = ours[at];
            // What is not ours keeps a little: perhaps it is not known to be ours.
            risen.blame = (blames[at] * relieved[at]).clamp(0.0, 1.0) * if ours[at] { 1.0 } else { 0.3 };
        }
    }

    /// Rise that begins in each function, and callers that call more often with the blame that this gives them.
    fn by_paths(&self, ours: &[bool]) -> (Vec<f64>, Vec<(usize, usize, f64)>) {
        let mut own = vec![(0.0, 0.0); self.risen.len()];
        let mut edges: BTreeMap<(usize, usize), (f64, f64)> = BTreeMap::new();
        for (path, before, after) in &self.paths {
            let mut deepest = path.iter().rev().filter(|&&at| ours[at]);
            let Some(&leaf) = deepest.next() else { continue };
            own[leaf].0 += before;
            own[leaf].1 += after;
            if let Some(&caller) = deepest.find(|&&at| at != leaf) {
                let edge = edges.entry((caller, leaf)).or_default();
                edge.0 += before;
                edge.1 += after;
            }
        }
        let rise: Vec<f64> = own.iter().map(|(before, after)| f64::max(after - before, 0.0)).collect();
        let callers = edges.into_iter().filter_map(|((caller, callee), (before, after))| {
            let (share, through) = (before / own[callee].0.max(1e-9), (after - before) / rise[callee].max(1e-9));
            if rise[callee] <= 0.0 {
                None
            } else if own[callee].0 < 0.02 * own[callee].1 {
                (through > 0.5).then_some((caller, callee, NEW_CALLER))
            } else {
                // Had the callee itself become slower, each caller would see its share of the rise.
                let selective = (through - share) / (1.0 - share).max(0.2);
                (selective > 0.3).then(|| (caller, callee, SELECTIVE_CALLER * selective.min(1.0)))
            }
        });
        let callers = callers.collect();
        (rise, callers)
    }

    /// The same without stacks: a function's own rise, and what of its whole rise no smaller rise can explain.
    fn by_shares(&self, ours: &[bool]) -> (Vec<f64>, Vec<(usize, usize, f64)>) {
        let own = self.risen.iter().enumerate().map(|(at, risen)| {
            let own = (risen.own.1 - risen.own.0).max(0.0);
            if ours[at] { own.max(0.6 * risen.rise() * risen.newness()) } else { 0.0 }
        });
        (own.collect(), Vec::new())
    }
}

/// The file of each function of an index; where several have one of that name, the file whose samples rose most. Empty if unknown.
/// `counts` are the samples of each stack before and after, `totals` those of all.
fn risen_files<'a>(
    columns: &'a profiles::Profile,
    index: &HashMap<&str, usize>,
    counts: &[(f64, f64)],
    totals: (f64, f64),
) -> Vec<&'a str> {
    let of_string: Vec<Option<usize>> =
        columns.strings.iter().map(|string| index.get(string.as_str()).copied()).collect();
    // What each frame is: the function, and the file by its string.
    let of_frame: Vec<Option<(usize, u32)>> = columns
        .frame_names
        .iter()
        .zip(&columns.frame_files)
        .map(|(&name, &file)| Some(((*of_string.get(name as usize)?)?, file)))
        .collect();
    let mut shares = vec![BTreeMap::<u32, (f64, f64)>::new(); index.len()];
    for (function, file) in of_frame.iter().flatten() {
        shares[*function].entry(*file).or_default();
    }
    let ambiguous: Vec<bool> = shares.iter().map(|files| files.len() > 1).collect();
    for (bounds, counts) in columns.stack_offsets.windows(2).zip(counts) {
        let frames = columns.stack_frames.get(bounds[0] as usize..bounds[1] as usize).unwrap_or_default();
        let on_stack = frames.iter().filter_map(|&frame| (*of_frame.get(frame as usize)?).filter(|of| ambiguous[of.0]));
        for (function, file) in on_stack.collect::<BTreeSet<_>>() {
            let shares = shares[function].entry(file).or_default();
            *shares = (shares.0 + counts.0, shares.1 + counts.1);
        }
    }
    let rise = |(before, after): &(f64, f64)| {
        after / totals.1.max(f64::MIN_POSITIVE) - before / totals.0.max(f64::MIN_POSITIVE)
    };
    let string = |at: &u32| columns.strings.get(*at as usize).map_or("", String::as_str);
    let most = |files: &BTreeMap<u32, (f64, f64)>| {
        files.iter().max_by(|a, b| rise(a.1).total_cmp(&rise(b.1))).map_or("", |(file, _)| string(file))
    };
    shares.iter().map(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stacks with counts before and after, as one file each.
    fn regression(stacks: &[(&str, u64, u64)], ours: &[&str]) -> Vec<(String, f64)> {
        let mut columns = profiles::Profile {
            strings: vec![String::new()],
            frame_names: vec![],
            frame_files: vec![],
            frame_lines: vec![],
            stack_offsets: vec![0],
            stack_frames: vec![],
            file_starts: vec![0, 10],
            file_offsets: vec![0, stacks.len() as u32, 2 * stacks.len() as u32],
            sample_stacks: (0..stacks.len() as u32).chain(0..stacks.len() as u32).collect(),
            sample_counts: stacks.iter().map(|s| s.1).chain(stacks.iter().map(|s| s.2)).collect(),
            unit: "samples".into(),
        };
        for (stack, _, _) in stacks {
            for name in stack.split(';') {
                let at = columns.strings.iter().position(|string| string == name).unwrap_or_else(|| {
                    columns.strings.push(name.into());
                    columns.frame_names.push(columns.strings.len() as u32 - 1);
                    columns.frame_files.push(0);
                    columns.frame_lines.push(0);
                    columns.strings.len() - 1
                });
                columns.stack_frames.push(at as u32 - 1);
            }
            columns.stack_offsets.push(columns.stack_frames.len() as u32);
        }
        let profile = Profile::new(&columns).unwrap();
        let (before, after) = (profile.counts(0..1), profile.counts(1..2));
        let shifts: Vec<FunctionShift> = (0..profile.functions().len())
            .map(|at| FunctionShift {
                name: profile.functions()[at].clone(),
                before: before.share(at),
                after: after.share(at),
                self_before: before.own_share(at),
                self_after: after.own_share(at),
                p_value: 0.001,
            })
            .filter(|shift| shift.after > shift.before + 0.005)
            .collect();
        let mut regression = Regression::new(shifts.iter()).unwrap();
        regression.add_profile(&columns, 10).unwrap();
        let ours: Vec<bool> = regression.risen.iter().map(|risen| ours.contains(&risen.raw.as_str())).collect();
        regression.attribute(&ours);
        let mut blames: Vec<_> = regression.risen.into_iter().map(|risen| (risen.raw, risen.blame)).collect();
        blames.sort_by(|a, b| b.1.total_cmp(&a.1));
        blames
    }

    #[test]
    fn a_library_rises_because_of_its_caller() {
        let stacks = [("main;handle;apply;regex", 0, 300), ("main;handle;apply", 50, 50), ("main;idle", 950, 950)];
        let blames = regression(&stacks, &["main", "handle", "apply", "idle"]);
        assert_eq!(blames[0], ("apply".into(), 1.0));
        assert!(blames.iter().skip(1).all(|(_, blame)| *blame < 0.4), "{blames:?}");
    }

    #[test]
    fn a_slower_body_is_told_from_more_calls() {
        let ours = ["main", "a", "b", "g", "idle"];
        let slower = [("main;a;g", 100, 200), ("main;b;g", 100, 200), ("main;idle", 800, 800)];
        assert_eq!(regression(&slower, &ours)[0].0, "g");
        let called = [("main;a;g", 100, 300), ("main;b;g", 100, 100), ("main;idle", 800, 800)];
        assert_eq!(regression(&called, &ours)[0].0, "a");
    }

    #[test]
    fn without_stacks_shares_decide() {
        let shift = |name: &str, before, after, self_before, self_after| FunctionShift {
            name: name.into(),
            before,
            after,
            self_before,
            self_after,
            p_value: 0.01,
        };
        let shifts = [
            shift("handle", 0.4, 0.5, 0.01, 0.01),
            shift("apply", 0.05, 0.16, 0.05, 0.16),
            shift("less", 0.2, 0.1, 0.0, 0.0),
        ];
        let regression = Regression::new(shifts.iter()).unwrap();
        assert_eq!(regression.risen.len(), 2);
        assert!(regression.risen[1].blame > 5.0 * regression.risen[0].blame);
        assert!(Regression::new(shifts[2..].iter()).is_none());
    }
}
