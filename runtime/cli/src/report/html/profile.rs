//! The recorded profiles of a service, before a change and after it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use negawatt_host::model::Timestamp;
use negawatt_host::model::profiles::Profile;

/// So many files on a side show how much they differ among themselves: another change does not cut a side shorter.
const ENOUGH: usize = 4;

/// All files that tools answered with, each once.
#[derive(Debug, Default)]
pub struct Profiles {
    /// The functions' names.
    pub names: Vec<String>,
    indices: HashMap<String, usize>,
    /// From root to leaf, as indices of functions.
    stacks: Vec<Vec<usize>>,
    /// By the time from which a file holds samples: stacks and their counts.
    files: BTreeMap<Timestamp, Vec<(usize, u64)>>,
    unit: String,
}

/// Which files are compared, by their indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// Files before the change; `None` where nothing is compared.
    pub before: Option<Range<usize>>,
    /// Files after it, or all.
    pub after: Range<usize>,
}

impl Profiles {
    /// What these answers hold together; `None` where that is no sample. An answer that contradicts itself, or counts something
    /// else than the first, is left out.
    pub fn of(answers: impl IntoIterator<Item = Profile>) -> Option<Profiles> {
        let mut profiles = Profiles::default();
        for answer in answers {
            if profiles.files.is_empty() {
                profiles.unit.clone_from(&answer.unit);
            }
            if profiles.unit == answer.unit {
                let _ = profiles.add(&answer);
            }
        }
        let sampled = profiles.files.values().flatten().any(|(_, count)| *count > 0);
        sampled.then_some(profiles)
    }

    /// `None`, and nothing is added, where the columns contradict each other.
    fn add(&mut self, profile: &Profile) -> Option<()> {
        let known = self.stacks.len();
        let mut functions = Vec::with_capacity(profile.frame_names.len());
        for name in &profile.frame_names {
            functions.push(self.function(profile.strings.get(*name as usize)?));
        }
        let mut stacks = Vec::new();
        for range in ranges(&profile.stack_offsets) {
            let frames = profile.stack_frames.get(range?)?.iter();
            stacks.push(frames.map(|frame| functions.get(*frame as usize).copied()).collect::<Option<Vec<_>>>()?);
        }
        let mut files = Vec::new();
        let mut starts = profile.file_starts.iter();
        for range in ranges(&profile.file_offsets) {
            let range = range?;
            let (taken, counts) = (profile.sample_stacks.get(range.clone())?, profile.sample_counts.get(range)?);
            if taken.iter().any(|stack| *stack as usize >= stacks.len()) {
                return None;
            }
            let samples = taken.iter().zip(counts).map(|(stack, count)| (known + *stack as usize, *count));
            files.push((*starts.next()?, samples.collect()));
        }
        self.stacks.append(&mut stacks);
        for (start, samples) in files {
            self.files.entry(start).or_insert(samples);
        }
        Some(())
    }

    fn function(&mut self, name: &str) -> usize {
        if let Some(index) = self.indices.get(name) {
            return *index;
        }
        self.names.push(name.to_owned());
        self.indices.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }

    /// The files on both sides of a change, bounded by the changes next to it where enough are left; all files as one side where
    /// there is no change, or no sample on one side of it.
    ///
    /// A file lasts until the next begins; one that reaches over a change belongs to no side, unless it is the only one before it.
    pub fn sides(&self, change: Option<Timestamp>, others: &[Timestamp]) -> Sides {
        let all = Sides { before: None, after: 0..self.files.len() };
        let Some(change) = change else { return all };
        let starts: Vec<Timestamp> = self.files.keys().copied().collect();
        let split = |time: Timestamp| {
            let begun = starts.partition_point(|start| *start < time);
            let ended = if starts.get(begun) == Some(&time) { begun } else { begun.saturating_sub(1) };
            (ended, begun)
        };
        let (ended, begun) = split(change);
        let (mut before, mut after) = (0..ended, begun..starts.len());
        for other in others.iter().filter(|other| **other != change) {
            let (ended, begun) = split(*other);
            if *other < change && begun.max(before.start) + ENOUGH <= before.end {
                before.start = begun.max(before.start);
            }
            if *other > change && after.start + ENOUGH <= ended.min(after.end) {
                after.end = ended.min(after.end);
            }
        }
        if before.is_empty() {
            before = 0..after.start;
        }
        match self.total(&before) > 0 && self.total(&after) > 0 {
            true => Sides { before: Some(before), after },
            false => all,
        }
    }

    fn samples(&self, files: &Range<usize>) -> impl Iterator<Item = &(usize, u64)> {
        self.files.values().skip(files.start).take(files.len()).flatten()
    }

    /// All that was counted in some files.
    pub fn total(&self, files: &Range<usize>) -> u64 {
        self.samples(files).fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Every stack that was seen on either side, from root to leaf, with its counts before and after.
    pub fn stacks(&self, sides: &Sides) -> impl Iterator<Item = (&[usize], [u64; 2])> {
        let mut counts: BTreeMap<usize, [u64; 2]> = BTreeMap::new();
        for (side, files) in [(0, sides.before.clone().unwrap_or(0..0)), (1, sides.after.clone())] {
            for (stack, count) in self.samples(&files) {
                let known = &mut counts.entry(*stack).or_default()[side];
                *known = known.saturating_add(*count);
            }
        }
        counts.into_iter().map(|(stack, counts)| (self.stacks[stack].as_slice(), counts))
    }

    /// When the first and the last of some files begin.
    pub fn reach(&self, files: &Range<usize>) -> Option<(Timestamp, Timestamp)> {
        let mut starts = self.files.keys().skip(files.start).take(files.len()).copied();
        let first = starts.next()?;
        Some((first, starts.last().unwrap_or(first)))
    }

    /// Whether nanoseconds are counted, and not samples.
    pub fn in_nanoseconds(&self) -> bool {
        self.unit == "nanoseconds"
    }
}

/// What lies between offsets that follow each other; `None` where they fall.
fn ranges(offsets: &[u32]) -> impl Iterator<Item = Option<Range<usize>>> {
    offsets.windows(2).map(|pair| (pair[0] <= pair[1]).then(|| pair[0] as usize..pair[1] as usize))
}

/// One file at every time, each with these stacks and counts.
#[cfg(test)]
pub fn profile(files: &[(Timestamp, &[(&str, u64)])]) -> Profile {
    let mut profile = Profile {
        strings: vec![String::new()],
        frame_names: Vec::new(),
        frame_files: Vec::new(),
        frame_lines: Vec::new(),
        stack_offsets: vec![0],
        stack_frames: Vec::new(),
        file_starts: Vec::new(),
        file_offsets: vec![0],
        sample_stacks: Vec::new(),
        sample_counts: Vec::new(),
        unit: "samples".into(),
    };
    for (start, samples) in files {
        for (stack, count) in *samples {
            for name in stack.split(';') {
                profile.strings.push(name.to_owned());
                profile.frame_names.push(profile.strings.len() as u32 - 1);
                profile.frame_files.push(0);
                profile.frame_lines.push(0);
                profile.stack_frames.push(profile.frame_names.len() as u32 - 1);
            }
            profile.stack_offsets.push(profile.stack_frames.len() as u32);
            profile.sample_stacks.push(profile.stack_offsets.len() as u32 - 2);
            profile.sample_counts.push(*count);
        }
        profile.file_starts.push(*start);
        profile.file_offsets.push(profile.sample_stacks.len() as u32);
    }
    profile
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One file at every 10.
    fn many(files: i64) -> Profiles {
        let files: Vec<_> = (0..files).map(|n| (10 * n, &[("main;a", 1)][..])).collect();
        Profiles::of([profile(&files)]).unwrap()
    }

    #[test]
    fn a_file_over_the_change_is_on_no_side() {
        let sides = |change, others: &[i64]| many(20).sides(Some(change), others);
        let are = |before, after| Sides { before: Some(before), after };
        assert_eq!(sides(105, &[105]), are(0..10, 11..20));
        assert_eq!(sides(100, &[]), are(0..10, 10..20));
        assert_eq!(sides(5, &[]), are(0..1, 1..20), "the only one before it counts");
        assert_eq!(sides(100, &[40, 160]), are(4..10, 10..16));
        assert_eq!(sides(100, &[80, 120]), are(0..10, 10..20), "too few would be left");
        let all = Sides { before: None, after: 0..20 };
        assert_eq!([sides(0, &[]), sides(500, &[]), many(20).sides(None, &[])], [all.clone(), all.clone(), all]);
    }

    #[test]
    fn answers_add_up_and_no_file_counts_twice() {
        let before = profile(&[(0, &[("main;a", 3)]), (10, &[("main;b", 1)])]);
        let after = profile(&[(10, &[("main;b", 1)]), (20, &[("main;b;c", 5), ("main;a", 2)])]);
        let profiles = Profiles::of([before, after]).unwrap();
        assert_eq!(profiles.total(&(0..3)), 11);
        assert_eq!(profiles.reach(&(0..3)), Some((0, 20)));
        let sides = profiles.sides(Some(20), &[]);
        let named = |stack: &[usize]| stack.iter().map(|n| profiles.names[*n].as_str()).collect::<Vec<_>>().join(";");
        let stacks: Vec<_> = profiles.stacks(&sides).map(|(stack, counts)| (named(stack), counts)).collect();
        let text = |name: &str, counts| (name.to_owned(), counts);
        assert_eq!(
            stacks,
            [text("main;a", [3, 0]), text("main;b", [1, 0]), text("main;b;c", [0, 5]), text("main;a", [0, 2])]
        );
    }

    #[test]
    fn what_contradicts_itself_is_left_out() {
        let broken = |spoil: fn(&mut Profile)| {
            let mut profile = profile(&[(0, &[("main;a", 3)])]);
            spoil(&mut profile);
            Profiles::of([profile])
        };
        assert!(broken(|_| ()).is_some());
        assert!(broken(|profile| profile.frame_names[0] = 9).is_none());
        assert!(broken(|profile| profile.stack_frames[0] = 9).is_none());
        assert!(broken(|profile| profile.stack_offsets = vec![2, 0]).is_none());
        assert!(broken(|profile| profile.sample_stacks[0] = 9).is_none());
        assert!(broken(|profile| profile.sample_counts.clear()).is_none());
        assert!(broken(|profile| profile.file_starts.clear()).is_none());
        assert!(broken(|profile| profile.sample_counts[0] = 0).is_none());
        let other = Profile { unit: "nanoseconds".into(), ..profile(&[(10, &[("main;a", 3)])]) };
        assert_eq!(Profiles::of([profile(&[(0, &[("main;a", 3)])]), other]).unwrap().total(&(0..9)), 3);
    }
}
