//! The tool `profiles` from folded stacks: `<service>/<start>.folded`, one stack a line, `root;…;leaf count`.

use std::collections::HashMap;
use std::path::PathBuf;

use async_trait::async_trait;
use negawatt_config::{ConfigError, Located};
use negawatt_host::model::profiles::Profile;
use negawatt_host::model::{Answer, Error, Timestamp, Window};
use negawatt_host::{Profiles, Scope, time};

use crate::blocking::{Shared, Stop, blocking};
use crate::files::{Folder, is_plain};

/// The ends of the names of files that hold profiles.
const FOLDED: &str = ".folded";
const PPROF: &str = ".pb.gz";

/// Profiles in files.
pub struct FoldedProfiles {
    folder: Folder,
}

impl FoldedProfiles {
    pub fn configure(path: &Located<PathBuf>) -> Result<Shared<FoldedProfiles>, ConfigError> {
        Ok(Shared::new(FoldedProfiles { folder: Folder::open(path)? }))
    }

    fn query(&self, service: &str, window: &Window, stop: &Stop) -> Answer<Profile> {
        let folder = if is_plain(service) { self.folder.folder(service)? } else { None };
        let none = || Error::NotFound(format!("the service {service:?} has no profiles"));
        let folder = folder.ok_or_else(none)?;
        let mut files = Vec::new();
        for (name, is_folder) in folder.names()? {
            let stem = name.strip_suffix(FOLDED).or_else(|| name.strip_suffix(PPROF));
            let Some(stem) = stem.filter(|_| !is_folder) else { continue };
            let help = "is not named by its start: RFC 3339 with ':' as '-', such as 2026-11-18T00-00-00Z.folded";
            let start = start(stem).ok_or_else(|| folder.error(&name, 0, help))?;
            files.push((start, name));
        }
        if files.is_empty() {
            return Err(none());
        }
        files.retain(|(start, _)| window.contains(*start));
        files.sort();
        let mut profile = Interner::new();
        for (start, name) in files {
            stop.check()?;
            if name.ends_with(PPROF) {
                return Err(folder
                    .error(&name, 0, "is pprof, which this version does not read yet; convert it to folded stacks")
                    .into());
            }
            let bytes = folder.read(&name)?.ok_or_else(|| folder.error(&name, 0, "is no longer there"))?;
            profile.file(start, &bytes).map_err(|(line, message)| folder.error(&name, line, message))?;
        }
        Ok(profile.profile)
    }
}

#[async_trait]
impl Profiles for Shared<FoldedProfiles> {
    async fn query(&self, _: &Scope, service: String, window: Window) -> Answer<Profile> {
        let profiles = self.clone();
        blocking(move |stop| FoldedProfiles::query(&profiles, &service, &window, stop)).await
    }
}

/// The start in a file's name: RFC 3339 with ':' as '-'.
fn start(stem: &str) -> Option<Timestamp> {
    let (date, clock) = stem.split_once('T')?;
    let (clock, rest) = clock.split_at_checked("00-00-00".len())?;
    // In what is left, the first sign is that of the offset, and a second one was its colon.
    let zone = rest.find(['+', '-']).unwrap_or(rest.len());
    let (part, zone) = rest.split_at(zone);
    let zone = zone.char_indices().map(|(at, c)| if at > 0 && c == '-' { ':' } else { c }).collect::<String>();
    time::parse_rfc3339(&format!("{date}T{}{part}{zone}", clock.replace('-', ":")))
}

/// A profile in the making: every string, frame and stack once.
struct Interner {
    profile: Profile,
    strings: HashMap<String, u32>,
    frames: HashMap<u32, u32>,
    stacks: HashMap<Vec<u32>, u32>,
}

type Mistake = (u64, String);

impl Interner {
    fn new() -> Interner {
        let profile = Profile {
            // The file of every frame: folded stacks do not say it.
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
            unit: "samples".to_owned(),
        };
        Interner {
            profile,
            strings: HashMap::from([(String::new(), 0)]),
            frames: HashMap::new(),
            stacks: HashMap::new(),
        }
    }

    /// Adds a file. A stack that occurs on several lines becomes one row.
    fn file(&mut self, start: Timestamp, bytes: &[u8]) -> Result<(), Mistake> {
        let mut rows: HashMap<u32, usize> = HashMap::new();
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1_u64..) {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let wrong = |message: &str| (number, format!("{message}; a line is root;…;leaf count"));
            let space = line.iter().rposition(|byte| *byte == b' ').ok_or_else(|| wrong("there is no count"))?;
            let (stack, count) = (line[..space].trim_ascii(), &line[space + 1..]);
            let count = std::str::from_utf8(count).ok().and_then(|count| count.parse::<u64>().ok());
            let count = count.ok_or_else(|| wrong("the count is not a whole number"))?;
            let too_many = |_| (number, "there are more than 4294967295 frames; take a shorter window".to_owned());
            let stack = self.stack(stack).map_err(too_many)?;
            match rows.get(&stack) {
                Some(row) => self.profile.sample_counts[*row] = self.profile.sample_counts[*row].saturating_add(count),
                None => {
                    rows.insert(stack, self.profile.sample_counts.len());
                    self.profile.sample_stacks.push(stack);
                    self.profile.sample_counts.push(count);
                }
            }
        }
        let rows = u32::try_from(self.profile.sample_counts.len());
        let too_many = |_| (0, "there are more than 4294967295 samples; take a shorter window".to_owned());
        self.profile.file_starts.push(start);
        self.profile.file_offsets.push(rows.map_err(too_many)?);
        Ok(())
    }

    fn stack(&mut self, stack: &[u8]) -> Result<u32, std::num::TryFromIntError> {
        let stack = String::from_utf8_lossy(stack);
        let frames = stack.split(';').map(|name| self.frame(name)).collect::<Result<Vec<_>, _>>()?;
        if let Some(known) = self.stacks.get(&frames) {
            return Ok(*known);
        }
        let id = u32::try_from(self.stacks.len())?;
        self.profile.stack_frames.extend(&frames);
        self.profile.stack_offsets.push(u32::try_from(self.profile.stack_frames.len())?);
        self.stacks.insert(frames, id);
        Ok(id)
    }

    fn frame(&mut self, name: &str) -> Result<u32, std::num::TryFromIntError> {
        let name = match self.strings.get(name) {
            Some(id) => *id,
            None => {
                let id = u32::try_from(self.profile.strings.len())?;
                self.profile.strings.push(name.to_owned());
                self.strings.insert(name.to_owned(), id);
                id
            }
        };
        let next = u32::try_from(self.profile.frame_names.len())?;
        let frame = *self.frames.entry(name).or_insert(next);
        if frame == next {
            self.profile.frame_names.push(name);
            self.profile.frame_files.push(0);
            self.profile.frame_lines.push(0);
        }
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts() {
        for (stem, text) in [
            ("2026-11-18T00-00-00Z", "2026-11-18T00:00:00Z"),
            ("2026-11-18T01-02-03.25Z", "2026-11-18T01:02:03.25Z"),
            ("2026-11-18T00-00-00+05-30", "2026-11-18T00:00:00+05:30"),
            ("2026-11-18T00-00-00-08-00", "2026-11-18T00:00:00-08:00"),
        ] {
            assert_eq!(start(stem), time::parse_rfc3339(text), "{stem}");
            assert!(start(stem).is_some(), "{stem}");
        }
        for stem in
            ["", "T", "2026-11-18", "2026-11-18T00-00", "2026-11-18T00-00-00", "xT00-00-00Z", "2026-11-18T…………Z"]
        {
            assert_eq!(start(stem), None, "{stem}");
        }
    }

    #[test]
    fn columns() {
        let mut interner = Interner::new();
        interner.file(5, b"main;f x;g 3\r\n\nmain;f x 2\nmain;f x;g 4\n").unwrap();
        interner.file(9, b"main;f x 1\nmain;\xff 1").unwrap();
        let profile = interner.profile;
        assert_eq!(profile.strings, ["", "main", "f x", "g", "\u{fffd}"]);
        assert_eq!(profile.frame_names, [1, 2, 3, 4]);
        assert_eq!(profile.stack_offsets, [0, 3, 5, 7]);
        assert_eq!(profile.stack_frames, [0, 1, 2, 0, 1, 0, 3]);
        assert_eq!((profile.file_starts, profile.file_offsets), (vec![5, 9], vec![0, 2, 4]));
        assert_eq!((profile.sample_stacks, profile.sample_counts), (vec![0, 1, 1, 2], vec![7, 2, 1, 1]));
    }

    #[test]
    fn mistakes_have_lines() {
        for (text, line) in [(&b"a;b 1\na;b\n"[..], 2), (b"a -1", 1), (b"a 1.5", 1), (b"\n\na 99999999999999999999", 3)]
        {
            assert_eq!(Interner::new().file(0, text).unwrap_err().0, line);
        }
    }

    proptest::proptest! {
        #[test]
        fn counts_are_kept(rows in proptest::collection::vec(("[a-c]{1,2}(;[a-c]{0,2}){0,4}", 0_u64..100), 0..30)) {
            let text: String = rows.iter().map(|(stack, count)| format!("{stack} {count}\n")).collect();
            let mut interner = Interner::new();
            interner.file(0, text.as_bytes()).unwrap();
            let profile = interner.profile;
            proptest::prop_assert_eq!(profile.sample_counts.iter().sum::<u64>(), rows.iter().map(|row| row.1).sum::<u64>());
            for (stack, count) in profile.sample_stacks.iter().zip(&profile.sample_counts) {
                let range = profile.stack_offsets[*stack as usize] as usize..profile.stack_offsets[*stack as usize + 1] as usize;
                let names: Vec<&str> = profile.stack_frames[range].iter()
                    .map(|frame| profile.strings[profile.frame_names[*frame as usize] as usize].as_str()).collect();
                let expected: u64 = rows.iter().filter(|row| row.0 == names.join(";")).map(|row| row.1).sum();
                proptest::prop_assert_eq!(*count, expected);
            }
        }
    }
}
