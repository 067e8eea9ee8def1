//! Reads what a server is made of when nobody is writing it, and tells when it changes.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use negawatt_config::{Config, ConfigError};
use negawatt_server::Stamp;

use crate::setup::skill_files;

/// How long a configuration must have been left alone before it is read. Whoever writes it may be in the middle of it, and half of one, or
/// an empty one, is as valid as the whole.
const SETTLED: Duration = Duration::from_millis(200);

/// The same for an empty one: who writes without renaming empties the file first, and where the disk is busy the rest comes late.
const FILLED: Duration = Duration::from_secs(2);

/// How long one is waited for that changes all the time.
const UNSETTLED: Duration = Duration::from_secs(5);

/// What files were when they were looked at; nothing of one that was not there.
pub type Seen = Vec<(PathBuf, Option<Stamp>)>;

/// The time, and how it passes.
pub trait Clock {
    /// Since 1970.
    fn now(&self) -> Duration;
    /// Lets some of it pass.
    fn wait(&mut self, time: Duration);
}

/// That of this machine.
pub struct Machine;

impl Clock for Machine {
    fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn wait(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// A configuration, and what its file and those of its skills were before any skill was read: what changes meanwhile is seen the next time.
pub fn configuration(file: &Path, named: Option<&Path>, clock: &mut impl Clock) -> Result<(Config, Seen), ConfigError> {
    let (was, config) = at_rest(file, || Config::find(named), clock);
    let config = config?;
    let mut seen = vec![(file.to_owned(), was)];
    seen.extend(of_skills(&config));
    Ok((config, seen))
}

/// What the files of a configuration that is in use are now.
pub fn now(file: &Path, config: &Config) -> Seen {
    let mut seen = vec![(file.to_owned(), stamp(file))];
    seen.extend(of_skills(config));
    seen
}

/// Whether a file was there, and is not any more, as it was looked at before and after.
pub fn is_gone(file: &Path, before: &Seen, after: &Seen) -> bool {
    let was_there = |seen: &Seen| seen.iter().any(|(known, stamp)| known == file && stamp.is_some());
    was_there(before) && !was_there(after)
}

/// Reads a file that nobody is writing, as far as that can be told: it was left alone for a while before, and is afterwards what it was.
/// Gives what it was, and what was read.
fn at_rest<T>(file: &Path, mut read: impl FnMut() -> T, clock: &mut impl Clock) -> (Option<Stamp>, T) {
    let end = clock.now() + UNSETTLED;
    loop {
        let was = stamp(file);
        let is_over = clock.now() >= end;
        if let Some(left) = was.and_then(|was| unsettled(was, clock.now())).filter(|_| !is_over) {
            clock.wait(left);
            continue;
        }
        let read = read();
        if is_over || stamp(file) == was {
            return (was.filter(|_| stamp(file).is_some()), read);
        }
        clock.wait(SETTLED);
    }
}

/// How long it takes until what changed last was left alone for long enough; nothing where it was, or where its time is to come.
fn unsettled((changed, length, _): Stamp, now: Duration) -> Option<Duration> {
    let age = i128::try_from(now.as_nanos()).ok()? - changed;
    let age = Duration::from_nanos(u64::try_from(age).ok()?);
    let enough = if length == 0 { FILLED } else { SETTLED };
    enough.checked_sub(age).filter(|left| !left.is_zero())
}

/// What the skill files of a configuration are now. A folder that cannot be read has none.
fn of_skills(config: &Config) -> Seen {
    let files = config.skills.paths.iter().flat_map(|path| skill_files(path, config).unwrap_or_default());
    files.map(|(file, _)| (file.clone(), stamp(&file))).collect()
}

fn stamp(file: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(file).ok()?;
    let nanoseconds = i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec());
    Some((nanoseconds, found.len(), found.ino()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;
    use crate::setup::Setup;

    /// A clock that goes on only where somebody waits, and does something then.
    struct Still<F: FnMut(Duration)> {
        now: Rc<Cell<Duration>>,
        waits: usize,
        meanwhile: F,
    }

    impl<F: FnMut(Duration)> Clock for Still<F> {
        fn now(&self) -> Duration {
            self.now.get()
        }

        fn wait(&mut self, time: Duration) {
            self.now.set(self.now.get() + time);
            self.waits += 1;
            (self.meanwhile)(self.now.get());
        }
    }

    /// A file that is written at times of its own.
    struct World {
        folder: tempfile::TempDir,
        now: Rc<Cell<Duration>>,
    }

    impl World {
        fn new() -> World {
            let now = Rc::new(Cell::new(Duration::from_secs(1_700_000_000)));
            World { folder: tempfile::tempdir().unwrap(), now }
        }

        fn file(&self) -> PathBuf {
            self.folder.path().join("negawatt.toml")
        }

        fn write(&self, text: &str, at: Duration) {
            std::fs::write(self.file(), text).unwrap();
            let file = std::fs::File::options().write(true).open(self.file()).unwrap();
            file.set_modified(UNIX_EPOCH + at).unwrap();
        }

        /// What is read in the end, and how often it was waited, while this happens while it is waited, and after a reading.
        fn read(&self, meanwhile: impl FnMut(Duration), mut after: impl FnMut(usize)) -> (String, usize) {
            let mut clock = Still { now: self.now.clone(), waits: 0, meanwhile };
            let mut reads = 0;
            let read = || {
                let text = std::fs::read_to_string(self.file()).unwrap_or_default();
                after(reads);
                reads += 1;
                text
            };
            let (_, text) = at_rest(&self.file(), read, &mut clock);
            (text, clock.waits)
        }
    }

    #[test]
    fn what_is_being_written_is_waited_for() {
        let world = World::new();
        let quiet = || world.read(|_| (), |_| ());
        assert_eq!(quiet(), (String::new(), 0), "it is not there");
        world.write("whole", world.now.get() - SETTLED);
        assert_eq!(quiet(), ("whole".to_owned(), 0));
        world.write("of another clock", world.now.get() + UNSETTLED);
        assert_eq!(quiet().1, 0);
        world.write("new", world.now.get() - SETTLED / 2);
        assert_eq!(quiet(), ("new".to_owned(), 1));
        world.write("", world.now.get() - SETTLED);
        assert_eq!(quiet(), (String::new(), 1), "an empty one is valid, and more often it is about to be filled");
        world.write("", world.now.get() - FILLED);
        assert_eq!(quiet().1, 0);
    }

    #[test]
    fn a_file_that_an_editor_empties_first_is_read_whole() {
        let world = World::new();
        // Before it is looked at, and while it is.
        world.write("", world.now.get());
        let mends = |now: Duration| world.write("mended", now - SETTLED / 4);
        let mut left = 1;
        let once = |now: Duration| {
            if std::mem::take(&mut left) > 0 {
                mends(now);
            }
        };
        assert_eq!(world.read(once, |_| ()), ("mended".to_owned(), 2));
        let empties = |read: usize| {
            if read == 0 {
                world.write("", world.now.get());
            }
        };
        let mut left = 1;
        let once = |now: Duration| {
            if std::mem::take(&mut left) > 0 {
                world.write("again", now);
            }
        };
        world.write("before", world.now.get() - SETTLED);
        assert_eq!(world.read(once, empties), ("again".to_owned(), 2));
    }

    #[test]
    fn one_that_changes_all_the_time_is_read_all_the_same() {
        let world = World::new();
        let began = world.now.get();
        world.write("0", began);
        let (text, waits) = world.read(|now| world.write("always", now), |_| ());
        assert_eq!(
            (text.as_str(), waits as u32),
            ("always", UNSETTLED.as_millis() as u32 / SETTLED.as_millis() as u32)
        );
        assert_eq!(world.now.get() - began, UNSETTLED);
    }

    #[test]
    fn one_that_vanishes_while_it_is_waited_for_is_gone() {
        let world = World::new();
        let file = world.file();
        world.write("[serve]\nqueue = 7\n", world.now.get());
        let before = now(&file, &Config::parse("", &file).unwrap());
        let mut clock = Still { now: world.now.clone(), waits: 0, meanwhile: |_| drop(std::fs::remove_file(&file)) };
        // Where none is named, none is as good as an empty one.
        let (_, after) = configuration(&file, None, &mut clock).unwrap();
        assert_eq!((clock.waits, is_gone(&file, &before, &after)), (1, true));
        assert!(
            !is_gone(&file, &before, &before) && !is_gone(&file, &after, &after) && !is_gone(&file, &after, &before)
        );
    }

    #[test]
    fn files_of_skills_are_looked_at_before_they_are_read() {
        let world = World::new();
        let (config, skill) = (world.file(), world.folder.path().join("reader.wasm"));
        world.write("[skills]\npaths = [\"reader.wasm\"]\nbundled = false\n", world.now.get() - SETTLED);
        std::fs::write(&skill, b"not yet").unwrap();
        let mut clock = Still { now: world.now.clone(), waits: 0, meanwhile: |_| () };
        let (said, seen) = configuration(&config, Some(&config), &mut clock).unwrap();
        // As if somebody changed it at this very moment.
        std::fs::write(&skill, negawatt_test_guests::READER).unwrap();
        let Setup { runtime, config: said, .. } = Setup::anew(said, Some(&config), None).unwrap();
        assert!(runtime.catalog.named("reader").is_some(), "what is read is not older than what was seen");
        assert_ne!(seen, now(&config, &said), "so that it is read once more");
    }
}
