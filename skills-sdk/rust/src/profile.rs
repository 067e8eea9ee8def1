//! Profiles by function: who is on the stack, who is at its leaf, who calls whom.

use std::collections::HashMap;
use std::ops::Range;

use crate::{Error, Timestamp, Window, profiles};

/// A profile, file by file, whose stacks are made of functions: frames of the same name, whatever their lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    functions: Vec<String>,
    sources: Vec<Vec<String>>,
    stacks: Lists,
    /// The functions of each stack, once where they call themselves.
    distinct: Lists,
    files: Vec<File>,
    in_nanoseconds: bool,
}

/// Lists of functions, end to end: to keep thousands of small ones apart takes longer than to count them.
#[derive(Clone, Debug, Default, PartialEq)]
struct Lists {
    functions: Vec<usize>,
    ends: Vec<usize>,
}

/// One file of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// When its samples begin. They reach at most to the next file.
    pub start: Timestamp,
    samples: Vec<(usize, f64)>,
}

/// CPU samples by function, or nanoseconds, as the profile counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// All samples.
    pub total: f64,
    /// For each function, samples with it anywhere on the stack; counted once where it calls itself.
    pub inclusive: Vec<f64>,
    /// For each function, samples with it at the leaf.
    pub own: Vec<f64>,
}

impl File {
    /// The index of a stack and how many samples, or nanoseconds, were taken there; each stack once.
    pub fn samples(&self) -> &[(usize, f64)] {
        &self.samples
    }
}

impl Lists {
    fn end(&mut self) {
        self.ends.push(self.functions.len());
    }

    fn get(&self, index: usize) -> &[usize] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.functions[start..self.ends[index]]
    }
}

impl Profile {
    /// The profile of a service over a window; `not-found` where there is none.
    pub fn query(service: &str, window: Window) -> Result<Profile, Error> {
        Profile::new(&profiles::query(service, window)?)
    }

    /// A profile from its columns; `internal` where they contradict each other.
    pub fn new(columns: &profiles::Profile) -> Result<Profile, Error> {
        Profile::read(columns).ok_or_else(|| Error::Internal("the profile's columns contradict each other".into()))
    }

    fn read(columns: &profiles::Profile) -> Option<Profile> {
        let string = |index: u32| columns.strings.get(index as usize);
        let mut profile = Profile { in_nanoseconds: columns.unit == "nanoseconds", ..Profile::default() };
        let mut indices = HashMap::new();
        // Frames name their functions by few strings: each is looked up once.
        let mut function_of_string = vec![None; columns.strings.len()];
        let mut function_of_frame = Vec::with_capacity(columns.frame_names.len());
        for (&name, &file) in columns.frame_names.iter().zip(&columns.frame_files) {
            let (text, file) = (string(name)?, string(file)?);
            let function = *function_of_string[name as usize].get_or_insert_with(|| {
                *indices.entry(text.as_str()).or_insert_with(|| {
                    profile.functions.push(text.clone());
                    profile.sources.push(Vec::new());
                    profile.functions.len() - 1
                })
            });
            function_of_frame.push(function);
            if !file.is_empty() && !profile.sources[function].contains(file) {
                profile.sources[function].push(file.clone());
            }
        }
        // The stack that each function was seen on last.
        let mut last = vec![None; profile.functions.len()];
        profile.stacks.functions.reserve(columns.stack_frames.len());
        profile.distinct.functions.reserve(columns.stack_frames.len());
        for (stack, range) in ranges(&columns.stack_offsets).enumerate() {
            for &frame in columns.stack_frames.get(range?)? {
                let function = *function_of_frame.get(frame as usize)?;
                profile.stacks.functions.push(function);
                if last[function].replace(stack) != Some(stack) {
                    profile.distinct.functions.push(function);
                }
            }
            profile.stacks.end();
            profile.distinct.end();
        }
        let mut starts = columns.file_starts.iter();
        for range in ranges(&columns.file_offsets) {
            let range = range?;
            let stacks = columns.sample_stacks.get(range.clone())?.iter().map(|&stack| stack as usize);
            let counts = columns.sample_counts.get(range)?.iter().map(|&count| count as f64);
            let samples: Vec<_> = stacks.zip(counts).collect();
            if samples.iter().any(|(stack, _)| *stack >= profile.stacks.ends.len()) {
                return None;
            }
            profile.files.push(File { start: *starts.next()?, samples });
        }
        Some(profile)
    }

    /// The names of all functions; their indices are used everywhere below.
    pub fn functions(&self) -> &[String] {
        &self.functions
    }

    /// The index of a function.
    pub fn function(&self, name: &str) -> Option<usize> {
        self.functions.iter().position(|function| function == name)
    }

    /// The source files that a function is in, as far as the profile says.
    pub fn sources(&self, function: usize) -> &[String] {
        self.sources.get(function).map_or(&[], Vec::as_slice)
    }

    /// The files, by rising time.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The stacks, from root to leaf, as indices of functions.
    pub fn stacks(&self) -> impl ExactSizeIterator<Item = &[usize]> {
        (0..self.stacks.ends.len()).map(|index| self.stacks.get(index))
    }

    /// Splits the files at a time: those that end before it, and those that begin at it or after.
    ///
    /// A file ends where the next one begins. The last file before the time reaches over it unless the next one begins exactly
    /// there, so it belongs to neither side.
    pub fn split(&self, time: Timestamp) -> (Range<usize>, Range<usize>) {
        let after = self.files.partition_point(|file| file.start < time);
        let ends_there = self.files.get(after).is_some_and(|file| file.start == time);
        let before = if ends_there { after } else { after.saturating_sub(1) };
        (0..before, after..self.files.len())
    }

    /// What one sample counts: 1, or where the profile counts nanoseconds, as near as it tells, the smallest count above 0 of any
    /// stack in any file.
    pub fn one_sample(&self) -> f64 {
        if !self.in_nanoseconds {
            return 1.0;
        }
        let counts = self.samples(0..self.files.len()).map(|(_, count)| count).filter(|count| *count > 0.0);
        counts.min_by(f64::total_cmp).unwrap_or(1.0)
    }

    /// How many samples some files have, together.
    pub fn total(&self, files: Range<usize>) -> f64 {
        self.samples(files).fold(0.0, |total, (_, count)| total + count)
    }

    /// For each stack, the samples of some files, together.
    pub fn by_stack(&self, files: Range<usize>) -> Vec<f64> {
        let mut by_stack = vec![0.0; self.stacks.ends.len()];
        self.samples(files).for_each(|(stack, count)| by_stack[stack] += count);
        by_stack
    }

    /// The samples of some files, together.
    pub fn counts(&self, files: Range<usize>) -> Counts {
        let mut counts =
            Counts { total: 0.0, inclusive: vec![0.0; self.functions.len()], own: vec![0.0; self.functions.len()] };
        let add = |(stack, count): (usize, f64)| {
            if count > 0.0 {
                counts.total += count;
                self.distinct.get(stack).iter().for_each(|&function| counts.inclusive[function] += count);
                if let Some(&leaf) = self.stacks.get(stack).last() {
                    counts.own[leaf] += count;
                }
            }
        };
        // Files have the same stacks again and again: each is gone through once. One file has each once, and few of them. Whole
        // numbers have the same sum in any order.
        if files.len() == 1 {
            self.samples(files).for_each(add);
        } else {
            self.by_stack(files).into_iter().enumerate().for_each(add);
        }
        counts
    }

    /// For each function, the samples of some files in which it is below another, called by it directly or through others.
    pub fn callees(&self, function: usize, files: Range<usize>) -> Vec<f64> {
        self.relatives(files, |stack| {
            let first = stack.iter().position(|&other| other == function)?;
            Some(&stack[first + 1..])
        })
    }

    /// For each function, the samples of some files in which it is above another, and calls it directly or through others.
    pub fn callers(&self, function: usize, files: Range<usize>) -> Vec<f64> {
        self.relatives(files, |stack| {
            let last = stack.iter().rposition(|&other| other == function)?;
            Some(&stack[..last])
        })
    }

    fn relatives<'a>(&'a self, files: Range<usize>, part: impl Fn(&'a [usize]) -> Option<&'a [usize]>) -> Vec<f64> {
        let mut samples = vec![0.0; self.functions.len()];
        for (stack, count) in self.by_stack(files).into_iter().enumerate().filter(|(_, count)| *count > 0.0) {
            let part = part(self.stacks.get(stack)).unwrap_or_default();
            for (depth, &function) in part.iter().enumerate() {
                // Stacks are short: looking back is cheaper than a set.
                if !part[..depth].contains(&function) {
                    samples[function] += count;
                }
            }
        }
        samples
    }

    fn samples(&self, files: Range<usize>) -> impl Iterator<Item = (usize, f64)> {
        self.files.get(files).unwrap_or_default().iter().flat_map(|file| file.samples.iter().copied())
    }
}

impl Counts {
    /// A function's share of all samples, with everything it calls; 0 without samples.
    pub fn share(&self, function: usize) -> f64 {
        part(self.inclusive.get(function), self.total)
    }

    /// A function's share of all samples, without what it calls; 0 without samples.
    pub fn own_share(&self, function: usize) -> f64 {
        part(self.own.get(function), self.total)
    }
}

fn part(count: Option<&f64>, total: f64) -> f64 {
    count.filter(|_| total > 0.0).map_or(0.0, |count| count / total)
}

/// The ranges between neighbouring offsets; `None` where they fall.
fn ranges(offsets: &[u32]) -> impl Iterator<Item = Option<Range<usize>>> {
    offsets.windows(2).map(|pair| (pair[0] <= pair[1]).then_some(pair[0] as usize..pair[1] as usize))
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
