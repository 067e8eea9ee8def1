//! A profile in the making.

use std::collections::HashMap;

use negawatt_host::model::profiles::Profile;
use negawatt_host::model::{Error, Timestamp};

use crate::blocking::Stop;

/// The most that one answer holds. Short names and stacks take far more memory than the few bytes that they have in a file.
#[derive(Debug, Clone, Copy)]
struct Most {
    /// Frames of all stacks together: more would not fit into one answer.
    stack_frames: usize,
    stacks: usize,
    /// Frames apart from stacks.
    frames: usize,
    /// Rows of samples.
    rows: usize,
    /// Bytes of memory of all names: a file of half a megabyte can unpack into one name of a hundred.
    string_bytes: usize,
}

const MOST: Most =
    Most { stack_frames: 1 << 24, stacks: 1 << 21, frames: 1 << 21, rows: 1 << 23, string_bytes: 64 << 20 };

/// How often, in rows, it is looked whether anybody still waits.
const STOP_EVERY: usize = 4_096;

/// How often a stack was seen. What a file does not say is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub samples: u64,
    pub nanoseconds: u64,
}

/// What a file counts; at least one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Units {
    pub samples: bool,
    pub nanoseconds: bool,
}

impl Units {
    pub const SAMPLES: Units = Units { samples: true, nanoseconds: false };
}

/// Two files, by their places in the answer, whose counts cannot stand in one answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Mixed {
    pub only_samples: usize,
    pub only_nanoseconds: usize,
}

/// The samples of one file, apart from all others.
pub struct FileSamples {
    /// Strings, frames, stacks and rows, without what was counted.
    profile: Profile,
    /// What was counted, row by row.
    counts: Vec<Count>,
    pub units: Units,
}

/// Every string, frame and stack once.
pub struct Interner {
    most: Most,
    profile: Profile,
    counts: Vec<Count>,
    units: Vec<Units>,
    strings: HashMap<String, u32>,
    /// Bytes of all of them.
    string_bytes: usize,
    frames: HashMap<(u32, u32, u32), u32>,
    stacks: HashMap<Vec<u32>, u32>,
    /// The rows of the file that is being added, by stack.
    rows: HashMap<u32, usize>,
}

impl Interner {
    pub fn new() -> Interner {
        let profile = Profile {
            // The file of frames whose profile does not say it.
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
            unit: String::new(),
        };
        Interner {
            most: MOST,
            profile,
            counts: Vec::new(),
            units: Vec::new(),
            strings: HashMap::from([(String::new(), 0)]),
            string_bytes: 0,
            frames: HashMap::new(),
            stacks: HashMap::new(),
            rows: HashMap::new(),
        }
    }

    /// A frame; the same name in the same file and line is the same frame. An empty file and line 0 are unknown.
    pub fn frame(&mut self, name: &str, file: &str, line: u32) -> Result<u32, Error> {
        let (name, file) = (self.string(name)?, self.string(file)?);
        if let Some(known) = self.frames.get(&(name, file, line)) {
            return Ok(*known);
        }
        let frame = below(self.frames.len(), self.most.frames)?;
        self.frames.insert((name, file, line), frame);
        self.profile.frame_names.push(name);
        self.profile.frame_files.push(file);
        self.profile.frame_lines.push(line);
        Ok(frame)
    }

    fn string(&mut self, text: &str) -> Result<u32, Error> {
        if let Some(known) = self.strings.get(text) {
            return Ok(*known);
        }
        self.string_bytes += size_of::<String>() + text.len();
        if self.string_bytes > self.most.string_bytes {
            return Err(too_much());
        }
        let string = index(self.strings.len())?;
        self.profile.strings.push(text.to_owned());
        self.strings.insert(text.to_owned(), string);
        Ok(string)
    }

    /// Adds to the file that is being read what was seen of a stack, given from root to leaf. A stack that is seen several
    /// times in a file becomes one row.
    pub fn add(&mut self, stack: &[u32], count: Count) -> Result<(), Error> {
        let stack = self.stack(stack)?;
        let row = *self.rows.entry(stack).or_insert(self.counts.len());
        if row == self.counts.len() {
            below(row, self.most.rows)?;
            self.profile.sample_stacks.push(stack);
            self.counts.push(Count::default());
        }
        let seen = &mut self.counts[row];
        seen.samples = seen.samples.saturating_add(count.samples);
        seen.nanoseconds = seen.nanoseconds.saturating_add(count.nanoseconds);
        Ok(())
    }

    fn stack(&mut self, frames: &[u32]) -> Result<u32, Error> {
        if let Some(known) = self.stacks.get(frames) {
            return Ok(*known);
        }
        if self.profile.stack_frames.len() + frames.len() > self.most.stack_frames {
            return Err(too_much());
        }
        let stack = below(self.stacks.len(), self.most.stacks)?;
        self.profile.stack_frames.extend(frames);
        self.profile.stack_offsets.push(index(self.profile.stack_frames.len())?);
        self.stacks.insert(frames.to_vec(), stack);
        Ok(stack)
    }

    /// What was read, if it is one file.
    pub fn into_file(self, units: Units) -> FileSamples {
        FileSamples { profile: self.profile, counts: self.counts, units }
    }

    /// Adds what was read apart: the same comes of it as of reading the file here, since all of it comes in the same order.
    pub fn add_file(&mut self, start: Timestamp, file: &FileSamples, stop: &Stop) -> Result<(), Error> {
        let FileSamples { profile, counts, units } = file;
        let string = |at: u32| profile.strings[at as usize].as_str();
        let named = profile.frame_names.iter().zip(&profile.frame_files).zip(&profile.frame_lines);
        let frames = named.map(|((name, file), line)| self.frame(string(*name), string(*file), *line));
        let frames: Vec<u32> = frames.collect::<Result<_, _>>()?;
        let mut here = Vec::new();
        for (at, (stack, count)) in profile.sample_stacks.iter().zip(counts).enumerate() {
            if at % STOP_EVERY == 0 {
                stop.check()?;
            }
            let [from, until] = [0, 1].map(|more| profile.stack_offsets[*stack as usize + more] as usize);
            here.clear();
            here.extend(profile.stack_frames[from..until].iter().map(|frame| frames[*frame as usize]));
            self.add(&here, *count)?;
        }
        self.end_file(start, *units)
    }

    /// Ends the file that was read.
    fn end_file(&mut self, start: Timestamp, units: Units) -> Result<(), Error> {
        self.rows.clear();
        self.profile.file_starts.push(start);
        self.profile.file_offsets.push(index(self.counts.len())?);
        self.units.push(units);
        Ok(())
    }

    /// The whole, in samples where every file counts them, else in nanoseconds.
    pub fn finish(mut self) -> Result<Profile, Mixed> {
        let only_nanoseconds = self.units.iter().position(|units| !units.samples);
        let only_samples = self.units.iter().position(|units| !units.nanoseconds);
        let (unit, of): (_, fn(&Count) -> u64) = match (only_nanoseconds, only_samples) {
            (None, _) => ("samples", |count| count.samples),
            (Some(_), None) => ("nanoseconds", |count| count.nanoseconds),
            (Some(only_nanoseconds), Some(only_samples)) => return Err(Mixed { only_samples, only_nanoseconds }),
        };
        self.profile.unit = unit.to_owned();
        self.profile.sample_counts = self.counts.iter().map(of).collect();
        Ok(self.profile)
    }
}

fn index(length: usize) -> Result<u32, Error> {
    u32::try_from(length).map_err(|_| too_much())
}

/// An index, of which there may be so many.
fn below(length: usize, most: usize) -> Result<u32, Error> {
    if length < most { index(length) } else { Err(too_much()) }
}

/// About how many bytes of memory a profile takes.
pub fn bytes(profile: &Profile) -> usize {
    let numbers = profile.frame_names.len()
        + profile.frame_files.len()
        + profile.frame_lines.len()
        + profile.stack_offsets.len()
        + profile.stack_frames.len()
        + profile.file_offsets.len()
        + profile.sample_stacks.len();
    let large = profile.file_starts.len() + profile.sample_counts.len();
    let strings = profile.strings.iter().map(|text| size_of::<String>() + text.len()).sum::<usize>();
    size_of::<u32>() * numbers + size_of::<u64>() * large + strings
}

impl FileSamples {
    /// About how many bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        bytes(&self.profile) + size_of_val(self.counts.as_slice())
    }
}

fn too_much() -> Error {
    Error::OverBudget("the profiles of the window are larger than one answer can be; take a shorter window".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(samples: u64, nanoseconds: u64) -> Count {
        Count { samples, nanoseconds }
    }

    #[test]
    fn the_names_of_an_answer_have_a_limit() {
        let mut interner = Interner::new();
        let half = "x".repeat(MOST.string_bytes / 2 - 100);
        interner.frame(&half, "", 0).unwrap();
        interner.frame(&half, "a.rs", 1).unwrap();
        assert!(matches!(interner.frame(&format!("{half}{}", "y".repeat(200)), "", 0), Err(Error::OverBudget(_))));
    }

    #[test]
    fn short_stacks_and_names_have_a_limit_too() {
        let few = || Interner {
            most: Most { stack_frames: 10, stacks: 4, frames: 5, rows: 6, string_bytes: 1_000 },
            ..Interner::new()
        };
        let refused = |answer: Result<(), Error>| matches!(answer, Err(Error::OverBudget(_)));
        let added =
            |interner: &mut Interner, stacks: u32| (0..stacks).try_for_each(|at| interner.add(&[at], count(1, 0)));
        assert!(refused(added(&mut few(), 5)) && added(&mut few(), 4).is_ok());
        let mut interner = few();
        interner.add(&[0; 6], count(1, 0)).unwrap();
        assert!(refused(interner.add(&[0; 5], count(1, 0))));
        let mut interner = few();
        for _ in 0..2 {
            added(&mut interner, 3).unwrap();
            interner.end_file(0, Units::SAMPLES).unwrap();
        }
        assert!(refused(added(&mut interner, 1)));
        let mut interner = few();
        let named = |interner: &mut Interner, line| interner.frame("a", "", line).map(drop);
        (0..5).try_for_each(|line| named(&mut interner, line)).unwrap();
        assert!(refused(named(&mut interner, 5)) && named(&mut interner, 4).is_ok());
        let mut interner = Interner { most: Most { string_bytes: 1_000, ..MOST }, ..Interner::new() };
        let names = (0..1_000).map(|number| interner.frame(&number.to_string(), "", 0)).take_while(Result::is_ok);
        assert!((30..50).contains(&names.count()));
    }

    #[test]
    fn a_profile_is_as_large_as_all_of_it() {
        let mut interner = Interner::new();
        interner.frame(&"x".repeat(1_000), "", 0).unwrap();
        interner.add(&[0, 0], count(1, 0)).unwrap();
        interner.end_file(0, Units::SAMPLES).unwrap();
        assert!((1_060..1_200).contains(&bytes(&interner.finish().unwrap())));
    }

    #[test]
    fn frames_differ_by_line_and_stacks_are_shared() {
        let mut interner = Interner::new();
        let main = interner.frame("main", "a.rs", 1).unwrap();
        let next = interner.frame("main", "a.rs", 2).unwrap();
        assert_eq!((main, interner.frame("main", "a.rs", 1).unwrap(), next), (0, 0, 1));
        interner.add(&[main, next], count(1, 10)).unwrap();
        interner.add(&[main], count(2, 20)).unwrap();
        interner.add(&[main, next], count(3, 30)).unwrap();
        interner.end_file(5, Units { samples: true, nanoseconds: true }).unwrap();
        interner.add(&[main], count(0, 7)).unwrap();
        interner.end_file(6, Units { samples: false, nanoseconds: true }).unwrap();
        let profile = interner.finish().unwrap();
        assert_eq!(profile.strings, ["", "main", "a.rs"]);
        assert_eq!((profile.frame_names, profile.frame_files), (vec![1, 1], vec![2, 2]));
        assert_eq!(profile.frame_lines, [1, 2]);
        assert_eq!((profile.stack_offsets, profile.stack_frames), (vec![0, 2, 3], vec![0, 1, 0]));
        assert_eq!((profile.file_starts, profile.file_offsets), (vec![5, 6], vec![0, 2, 3]));
        assert_eq!((profile.sample_stacks, profile.sample_counts), (vec![0, 1, 1], vec![40, 20, 7]));
        assert_eq!(profile.unit, "nanoseconds", "the second file has no samples");
    }

    #[test]
    fn the_unit_is_one_that_every_file_has() {
        let unit = |files: &[(bool, bool)]| {
            let mut interner = Interner::new();
            for (samples, nanoseconds) in files.iter().copied() {
                interner.end_file(0, Units { samples, nanoseconds }).unwrap();
            }
            interner.finish().map(|profile| profile.unit)
        };
        let (both, samples, nanoseconds) = ((true, true), (true, false), (false, true));
        assert_eq!(unit(&[]).unwrap(), "samples");
        assert_eq!(unit(&[both, samples]).unwrap(), "samples");
        assert_eq!(unit(&[both, nanoseconds]).unwrap(), "nanoseconds");
        let mixed = Mixed { only_samples: 2, only_nanoseconds: 1 };
        assert_eq!(unit(&[both, nanoseconds, samples]), Err(mixed));
    }

    proptest::proptest! {
        #[test]
        fn files_that_were_read_apart_come_to_the_same(
            files in proptest::collection::vec(
                (proptest::collection::vec((proptest::collection::vec(("[a-c]", "[x-y]?", 0_u32..3), 0..4), 0_u64..9), 0..8), "[d-f]"),
                0..5,
            )
        ) {
            let units = Units { samples: true, nanoseconds: true };
            let (mut together, mut apart) = (Interner::new(), Interner::new());
            for (start, (rows, unused)) in files.iter().enumerate() {
                let mut file = Interner::new();
                for interner in [&mut together, &mut file] {
                    for (stack, samples) in rows {
                        let frames = stack.iter().map(|(name, file, line)| interner.frame(name, file, *line));
                        let frames = frames.collect::<Result<Vec<_>, _>>().unwrap();
                        interner.add(&frames, count(*samples, u64::MAX / 2)).unwrap();
                    }
                    interner.frame(unused, "", 0).unwrap();
                }
                together.end_file(start as i64, units).unwrap();
                apart.add_file(start as i64, &file.into_file(units), &Stop::default()).unwrap();
            }
            proptest::prop_assert_eq!(&together.counts, &apart.counts);
            proptest::prop_assert_eq!(together.finish().unwrap(), apart.finish().unwrap());
        }
    }
}
