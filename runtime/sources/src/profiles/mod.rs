//! The tool `profiles` from files: `<service>/<start>.folded` or `.pb.gz`, side by side.
//!
//! A file's name says when its samples begin: RFC 3339 with ':' as '-'.

mod folded;
mod interner;
mod pprof;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use async_trait::async_trait;
use negawatt_config::{ConfigError, Located};
use negawatt_host::model::profiles::Profile;
use negawatt_host::model::{Answer, Error, Timestamp, Window};
use negawatt_host::text::printable;
use negawatt_host::{Profiles, Scope, time};

use crate::blocking::{Shared, Stop, blocking};
use crate::describe::{Described, Trouble, between, counted};
use crate::files::{DataError, Folder, Stamp, is_plain};
use crate::kept::Kept;
use interner::{FileSamples, Interner, Mixed};

/// The most bytes of answers that are kept.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The most bytes of files that are kept, as they were read.
const MAX_FILE_BYTES: usize = 64 << 20;

/// Profiles in files.
pub struct FileProfiles {
    folder: Folder,
    /// Answers by service and files: the skills of a case ask for the same ones, and so do cases about one thing.
    answers: Kept<(String, Arc<[Version]>), Arc<Profile>>,
    /// Files by service: of windows that follow each other, most are the same.
    files: Kept<(String, Version), Arc<FileSamples>>,
    /// The files that were warned of.
    warned: Mutex<BTreeSet<PathBuf>>,
}

/// A file as it was at a time.
type Version = (File, Stamp);

/// What is in a file, as its name says; what is packed is known from its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Format {
    Folded,
    Pprof,
}

/// A file with samples from its start on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct File {
    start: Timestamp,
    format: Format,
    name: String,
}

/// Why a file was not read to its end.
#[derive(Debug)]
pub enum Failure {
    /// The file is wrong; line 0 for the whole.
    Wrong { line: u64, message: String },
    /// Nobody waits any more, or there is too much of all files together.
    Over(Error),
}

impl Failure {
    fn wrong(line: u64, message: impl Into<String>) -> Failure {
        Failure::Wrong { line, message: message.into() }
    }

    fn file(message: impl Into<String>) -> Failure {
        Failure::wrong(0, message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Over(error)
    }
}

impl FileProfiles {
    pub fn configure(path: &Located<PathBuf>) -> Result<Shared<FileProfiles>, ConfigError> {
        Ok(Shared::new(FileProfiles {
            folder: Folder::open(path)?,
            answers: Kept::new(MAX_ANSWER_BYTES),
            files: Kept::new(MAX_FILE_BYTES),
            warned: Mutex::default(),
        }))
    }

    fn query(&self, service: &str, window: &Window, stop: &Stop) -> Result<Profile, Trouble> {
        let folder = if is_plain(service) { self.folder.folder(service)? } else { None };
        let none = || Error::NotFound(format!("the service {service:?} has no profiles"));
        let folder = folder.ok_or_else(none)?;
        let (mut files, mut misnamed) = files(&folder)?;
        if files.is_empty() {
            return Err(misnamed.pop().map_or_else(|| none().into(), Trouble::Data));
        }
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        for error in misnamed {
            if warned.insert(error.file.clone()) {
                tracing::warn!("a file is left out: {}", printable(&error.to_string()));
            }
        }
        drop(warned);
        files.retain(|file| window.contains(file.start));
        let now = SystemTime::now();
        let version = |file: File| match folder.stamp(&file.name)? {
            Some(stamp) => Ok((file, stamp)),
            None => Err(gone(&folder, &file)),
        };
        let versions: Arc<[Version]> = files.into_iter().map(version).collect::<Result<_, _>>()?;
        let profile = self.answers.get(&(service.to_owned(), versions.clone()), || {
            let mut profile = Interner::new();
            for version in versions.iter() {
                let (file, stamp) = version;
                let samples = self.files.get(&(service.to_owned(), version.clone()), || {
                    let samples = samples(&folder, file, stop)?;
                    // A key is there twice.
                    let key_bytes = 2 * (service.len() + file.name.len());
                    let bytes = stamp.is_settled(now).then(|| samples.bytes() + key_bytes);
                    Ok::<_, Trouble>((Arc::new(samples), bytes))
                })?;
                profile.add_file(file.start, &samples, stop)?;
            }
            let profile = profile.finish().map_err(|Mixed { only_samples, only_nanoseconds }| {
                mixed(&folder, &versions[only_samples].0, &versions[only_nanoseconds].0)
            })?;
            let versions_bytes = versions.iter().map(|(file, _)| size_of::<Version>() + file.name.len()).sum::<usize>();
            let is_settled = versions.iter().all(|(_, stamp)| stamp.is_settled(now));
            let bytes = is_settled.then(|| interner::bytes(&profile) + versions_bytes + 2 * service.len());
            Ok::<_, Trouble>((Arc::new(profile), bytes))
        })?;
        Ok(Arc::unwrap_or_clone(profile))
    }

    /// What there is. Files are read until a moment, the newest first; what is wrong with any of them goes to `wrong`.
    pub fn describe(&self, until: Instant, wrong: &mut Vec<DataError>, stop: &Stop) -> Result<Described, Trouble> {
        let mut services = Vec::new();
        let mut known = Vec::new();
        for (service, is_folder) in self.folder.names()? {
            stop.check()?;
            let folder = if is_folder && is_plain(&service) { self.folder.folder(&service)? } else { None };
            let Some(folder) = folder else { continue };
            let (files, misnamed) = files(&folder).unwrap_or_else(|error| (Vec::new(), vec![error]));
            wrong.extend(misnamed);
            if !files.is_empty() {
                known.extend(files.into_iter().map(|file| (file, services.len())));
                services.push((service, folder));
            }
        }
        known.sort();
        let (Some((first, _)), Some((last, _))) = (known.first(), known.last()) else {
            return Ok(Described::text("no profiles yet; one is <service>/<start>.folded or .pb.gz"));
        };
        let formats: BTreeSet<Format> = known.iter().map(|(file, _)| file.format).collect();
        let formats: Vec<&str> = formats.into_iter().map(Format::name).collect();
        let mut text = format!(
            "{}, {}, {} ({})",
            counted(services.len(), "service"),
            counted(known.len(), "file"),
            between(first.start, last.start),
            formats.join(" and ")
        );
        let mut read = 0;
        // Of each service, a file without samples, and one without nanoseconds.
        let mut lacking: Vec<[Option<&File>; 2]> = vec![[None; 2]; services.len()];
        for (file, service) in known.iter().rev().take_while(|_| Instant::now() < until) {
            let (folder, lacks) = (&services[*service].1, &mut lacking[*service]);
            read += 1;
            let units = match samples(folder, file, stop) {
                Ok(samples) => samples.units,
                Err(Trouble::Data(error)) => {
                    wrong.push(error);
                    continue;
                }
                Err(trouble) => return Err(trouble),
            };
            let could = lacks.iter().flatten().count() < 2;
            for (lacks, has) in lacks.iter_mut().zip([units.samples, units.nanoseconds]) {
                *lacks = lacks.or((!has).then_some(file));
            }
            if let ([Some(only_nanoseconds), Some(only_samples)], true) = (lacks, could) {
                wrong.push(mixed(folder, only_samples, only_nanoseconds));
            }
        }
        if read < known.len() {
            text += &format!("; the newest {read} were read");
        }
        Ok(Described { text, services: services.into_iter().map(|(service, _)| service).collect() })
    }
}

#[async_trait]
impl Profiles for Shared<FileProfiles> {
    async fn query(&self, _: &Scope, service: String, window: Window) -> Answer<Profile> {
        crate::answers("files");
        let profiles = self.clone();
        blocking(move |stop| Ok(FileProfiles::query(&profiles, &service, &window, stop)?)).await
    }
}

impl Format {
    /// The format of a file, and what of its name says the start; `None` where it is no profile.
    fn of(name: &str) -> Option<(Format, &str)> {
        let endings = [(".folded", Format::Folded), (".pb.gz", Format::Pprof), (".pb", Format::Pprof)];
        endings.into_iter().find_map(|(ending, format)| Some((format, name.strip_suffix(ending)?)))
    }

    fn name(self) -> &'static str {
        match self {
            Format::Folded => "folded",
            Format::Pprof => "pprof",
        }
    }
}

/// The profiles of a service by rising start, and what is wrong with the names of others. Two that begin at once are an
/// error: whatever is in both would count twice.
fn files(folder: &Folder) -> Result<(Vec<File>, Vec<DataError>), DataError> {
    let (mut files, mut misnamed) = (Vec::new(), Vec::new());
    for (name, is_folder) in folder.names()? {
        let Some((format, stem)) = Format::of(&name).filter(|_| !is_folder) else { continue };
        let help = "is not named by its start: RFC 3339 with ':' as '-', such as 2026-11-18T00-00-00Z.folded";
        match start(stem) {
            Some(start) => files.push(File { start, format, name }),
            None => misnamed.push(folder.error(&name, 0, help)),
        }
    }
    files.sort();
    if let Some(pair) = files.windows(2).find(|pair| pair[0].start == pair[1].start) {
        let message = format!("begins at the same time as {}; keep one of them", pair[0].name);
        return Err(folder.error(&pair[1].name, 0, message));
    }
    Ok((files, misnamed))
}

fn mixed(folder: &Folder, only_samples: &File, only_nanoseconds: &File) -> DataError {
    let message = format!(
        "counts nanoseconds and {} counts samples: they cannot be put together; have all profiles of a service count the same",
        only_samples.name
    );
    folder.error(&only_nanoseconds.name, 0, message)
}

/// The samples of a file.
fn samples(folder: &Folder, file: &File, stop: &Stop) -> Result<FileSamples, Trouble> {
    stop.check()?;
    let bytes = folder.read(&file.name)?.ok_or_else(|| gone(folder, file))?;
    let mut samples = Interner::new();
    let read = match file.format {
        Format::Folded => folded::read(&bytes, &mut samples, stop),
        Format::Pprof => pprof::read(&bytes, &mut samples, stop),
    };
    let units = read.map_err(|failure| match failure {
        Failure::Wrong { line, message } => Trouble::Data(folder.error(&file.name, line, message)),
        Failure::Over(error) => Trouble::Told(error),
    })?;
    Ok(samples.into_file(units))
}

fn gone(folder: &Folder, file: &File) -> DataError {
    folder.error(&file.name, 0, "is no longer there")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tests::{named, write_at};

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
    fn files_that_may_still_be_written_and_answers_of_them_are_not_kept() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join("web").join(name);
        std::fs::create_dir(place.path().join("web")).unwrap();
        let (old, new) = ("2026-11-18T00-00-00Z.folded", "2026-11-18T01-00-00Z.folded");
        write_at(&path(old), "main 1\n", SystemTime::UNIX_EPOCH);
        let profiles = FileProfiles::configure(&named(place.path())).unwrap();
        let always = Window { start: i64::MIN, end: i64::MAX };
        // The counts, which of the files are kept, and whether the answer is.
        let query = || {
            let counts = FileProfiles::query(&profiles, "web", &always, &Stop::default()).unwrap().sample_counts;
            let folder = profiles.folder.folder("web").unwrap().unwrap();
            let version = |file: File| (file.clone(), folder.stamp(&file.name).unwrap().unwrap());
            let versions: Arc<[Version]> = files(&folder).unwrap().0.into_iter().map(version).collect();
            let is_kept = |version: &Version| profiles.files.get(&("web".into(), version.clone()), || Err(())).is_ok();
            let kept: Vec<bool> = versions.iter().map(is_kept).collect();
            (counts, kept, profiles.answers.get(&("web".into(), versions), || Err(())).is_ok())
        };
        assert_eq!(query(), (vec![1], vec![true], true));
        write_at(&path(new), "main 2\n", SystemTime::now());
        assert_eq!(query(), (vec![1, 2], vec![true, false], false));
        write_at(&path(new), "main 22\n", SystemTime::UNIX_EPOCH);
        assert_eq!(query(), (vec![1, 22], vec![true, true], true));
    }
}
