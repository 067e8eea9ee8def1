//! The tool `profiles` from files: `<service>/<start>.folded` or `.pb.gz`, side by side.
//!
//! A file's name says when its samples begin: RFC 3339 with ':' as '-'.

mod folded;
mod interner;
mod pprof;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use negawatt_config::{ConfigError, Located};
use negawatt_host::model::profiles::Profile;
use negawatt_host::model::{Answer, Error, Timestamp, Window};
use negawatt_host::text::printable;
use negawatt_host::{Profiles, Scope, time};

use crate::blocking::{Shared, Stop, blocking};
use crate::describe::{Described, Trouble, between, counted};
use crate::files::{DataError, Folder, Stamp, is_plain};
use interner::{Interner, Mixed, Units};

/// The most bytes of an answer that is kept.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// Profiles in files.
pub struct FileProfiles {
    folder: Folder,
    /// The last answer: the skills of a case ask for the same files one after the other.
    last: Mutex<Option<Kept>>,
    /// The files that were warned of.
    warned: Mutex<BTreeSet<PathBuf>>,
}

/// An answer, with the versions of the files that it was made of.
struct Kept {
    service: String,
    files: Vec<(File, Stamp)>,
    profile: Arc<Profile>,
}

/// What is in a file, as its name says; what is packed is known from its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Format {
    Folded,
    Pprof,
}

/// A file with samples from its start on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
        Ok(Shared::new(FileProfiles { folder: Folder::open(path)?, last: Mutex::default(), warned: Mutex::default() }))
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
        let mut stamps = Vec::new();
        for file in &files {
            stamps.extend(folder.stamp(&file.name)?);
        }
        let versions: Vec<_> = files.iter().cloned().zip(stamps).collect();
        let known = self
            .last()
            .as_ref()
            .filter(|kept| kept.service == service && kept.files == versions)
            .map(|kept| kept.profile.clone());
        if let Some(known) = known {
            return Ok(Profile::clone(&known));
        }
        let profile = profile(&folder, &files, stop)?;
        if versions.len() == files.len() && interner::bytes(&profile) <= MAX_KEPT_BYTES {
            let (service, profile) = (service.to_owned(), Arc::new(profile.clone()));
            *self.last() = Some(Kept { service, files: versions, profile });
        }
        Ok(profile)
    }

    fn last(&self) -> MutexGuard<'_, Option<Kept>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
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
            let units = match add(folder, file, &mut Interner::new(), stop) {
                Ok(units) => units,
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

/// The samples of these files, in one unit.
fn profile(folder: &Folder, files: &[File], stop: &Stop) -> Result<Profile, Trouble> {
    let mut profile = Interner::new();
    for file in files {
        add(folder, file, &mut profile, stop)?;
    }
    let finished = profile.finish();
    Ok(finished.map_err(|Mixed { only_samples, only_nanoseconds }| {
        mixed(folder, &files[only_samples], &files[only_nanoseconds])
    })?)
}

fn mixed(folder: &Folder, only_samples: &File, only_nanoseconds: &File) -> DataError {
    let message = format!(
        "counts nanoseconds and {} counts samples: they cannot be put together; have all profiles of a service count the same",
        only_samples.name
    );
    folder.error(&only_nanoseconds.name, 0, message)
}

/// Adds the samples of a file, and says what it counts.
fn add(folder: &Folder, file: &File, profile: &mut Interner, stop: &Stop) -> Result<Units, Trouble> {
    stop.check()?;
    let bytes = folder.read(&file.name)?.ok_or_else(|| folder.error(&file.name, 0, "is no longer there"))?;
    let read = match file.format {
        Format::Folded => folded::read(&bytes, profile, stop),
        Format::Pprof => pprof::read(&bytes, profile, stop),
    };
    let units = read.map_err(|failure| match failure {
        Failure::Wrong { line, message } => Trouble::Data(folder.error(&file.name, line, message)),
        Failure::Over(error) => Trouble::Told(error),
    })?;
    profile.end_file(file.start, units)?;
    Ok(units)
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
}
