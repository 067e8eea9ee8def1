//! `negawatt serve`: the program around the server.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use negawatt_access::Access;
use negawatt_casebook::{Case, Casebook, Proposal};
use negawatt_config::{Config as Configuration, FILE_NAME, Listen};
use negawatt_server::{
    App, Form, Listener, Loaded, Problem, Program, ServeError, Settings, Shown, Stamp, serve as run,
};
use negawatt_signals::Outbox;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::error::CliError;
use crate::investigate::{described, write_out};
use crate::look::Look;
use crate::report::{Pictures, Record, page, report};
use crate::setup::{Setup, skill_files};
use crate::{casebook, doctor, grants, plan, replay, review, skill, stats};

/// Where it listens.
#[derive(clap::Args)]
pub struct Args {
    /// The address and port to listen on [default: serve.listen, or 127.0.0.1:7676]
    #[arg(long, value_name = "ADDRESS", value_parser = listen)]
    listen: Option<Listen>,
    #[command(flatten)]
    pub config: crate::Config,
}

fn listen(text: &str) -> Result<Listen, String> {
    Listen::parse(text).ok_or_else(|| format!("{text:?} is no address: write 127.0.0.1:7676 or [::1]:7676"))
}

/// Serves until it is interrupted or told to end.
pub async fn serve(args: Args, as_json: bool) -> Result<(), CliError> {
    let program = Around { named: args.config.file };
    let loaded = program.load(None).map_err(|why| CliError::bad_input("config", why))?;
    for (file, reason) in &loaded.refused {
        tracing::warn!("the skill {} is not used: {reason}", file.display());
    }
    let serve = loaded.config.serve.clone();
    let book = crate::setup::open_casebook(&loaded.config)?;
    let folder = book.file().parent().unwrap_or(Path::new(".")).to_owned();
    let failed = |error: &dyn std::fmt::Display| CliError::failure("serve", error.to_string());
    let access = Access::open(&folder).map_err(|error| failed(&error))?;
    let outbox = Outbox::open(&folder).map_err(|error| failed(&error))?;
    let at = args.listen.unwrap_or(serve.listen.value);
    let listener = Listener::bind(at.address, at.port).await.map_err(|error| {
        CliError::failure("listen", format!("cannot listen on {at}: {error}"))
            .help("name another address with --listen, or end what listens there")
    })?;
    let address = listener.address().map_err(|error| failed(&error))?;
    let settings = Settings {
        workers: serve.workers.map_or_else(
            || std::thread::available_parallelism().map_or(1, usize::from),
            |workers| usize::try_from(workers).unwrap_or(usize::MAX),
        ),
        shutdown: serve.shutdown,
        body: usize::try_from(serve.body).unwrap_or(usize::MAX),
        connections: serve.connections as usize,
        streams: serve.streams as usize,
        stall: serve.stall,
        rate: serve.rate,
        patience: serve.patience,
        hosts: serve.hosts.clone(),
        origins: serve.origins.iter().map(ToString::to_string).collect(),
    };
    let queue = usize::try_from(serve.queue).unwrap_or(usize::MAX);
    let app = App::new(Arc::new(program), loaded, book, queue, outbox)?;
    let end = told_to_end();
    write_out(&match as_json {
        true => format!("{}\n", json!({ "listening": format!("http://{address}") })),
        false => format!("listening on http://{address}\n"),
    });
    run(Arc::new(app), access, settings, listener, end).await.map_err(|error| {
        let failure = CliError::failure("serve", &error);
        match error {
            ServeError::Open(_) => {
                failure.help("`negawatt token create` makes a token; without any, only this machine may ask")
            }
            _ => failure,
        }
    })
}

/// A token that an interrupt or a request to terminate cancels; a second interrupt ends the process as usual.
fn told_to_end() -> CancellationToken {
    let token = crate::setup::cancelled_by_ctrl_c();
    let end = token.clone();
    tokio::spawn(async move {
        if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            terminate.recv().await;
            end.cancel();
        }
    });
    token
}

/// This program, around the server.
struct Around {
    named: Option<PathBuf>,
}

#[async_trait]
impl Program for Around {
    fn load(&self, before: Option<&Loaded>) -> Result<Loaded, String> {
        let (file, named) = (self.file(), self.named.as_deref());
        let (was, config) = at_rest(&file, || Configuration::find(named), std::thread::sleep);
        let config = config.map_err(|error| error.to_string())?;
        // Before a skill is read: what changes meanwhile is seen the next time.
        let mut seen = vec![(file, was)];
        seen.extend(of_skills(&config));
        let before = before.map(|loaded| (&*loaded.config, &*loaded.runtime));
        let setup = Setup::anew(config, named, before).map_err(|error| error.to_string())?;
        let desk = review::desk(&setup.config);
        Ok(Loaded { runtime: setup.runtime, config: setup.config, desk, refused: setup.refused, seen })
    }

    fn has_changed(&self, loaded: &Loaded) -> bool {
        let file = self.file();
        let mut now = vec![(file.clone(), stamp(&file))];
        now.extend(of_skills(&loaded.config));
        now != loaded.seen
    }

    fn case(&self, case: &Case) -> Value {
        described(case)
    }

    fn proposal(&self, case: &Case, proposal: &Proposal) -> Value {
        review::described(case, proposal)
    }

    async fn show(&self, loaded: &Loaded, book: &Casebook, what: Shown<'_>, form: Form) -> Result<String, Problem> {
        let (named, as_json) = (self.named.as_deref(), form == Form::Json);
        let shown = match what {
            Shown::Replay(case, cancel) => {
                replay::again(book, case, named, cancel).await.map(|replayed| replay::described(&replayed).to_string())
            }
            Shown::Diagnosis(patience) => doctor::shown(named, patience, as_json).await,
            // All others wait for the disk.
            what => tokio::task::block_in_place(|| read(loaded, book, what, form)),
        };
        Ok(shown?)
    }
}

/// Shows what is read from the casebook and the configuration.
fn read(loaded: &Loaded, book: &Casebook, what: Shown<'_>, form: Form) -> Result<String, CliError> {
    let as_json = form == Form::Json;
    let catalog = &loaded.runtime.catalog;
    Ok(match what {
        Shown::Case(case) => match form {
            Form::Page => page(case, &Record::of(case, book), &Pictures::of(case, book))
                .map_err(|error| CliError::failure("report", format!("the page cannot be made: {error}")))?,
            Form::Text => report(case, &Record::of(case, book), &Look::PLAIN),
            Form::Json | Form::Prometheus => described(case).to_string(),
        },
        Shown::Proposals(case, number) => review::shown(case, number, as_json),
        Shown::Outcomes(case) if as_json => review::shown(case, None, true),
        Shown::Outcomes(case) => review::outcome_in_words(case, &Look::PLAIN),
        Shown::Stats => stats::shown(&loaded.config, book, form)?,
        Shown::Skills(stats) => skill::run::shown((catalog.entries(), &loaded.refused), book, stats, as_json)?,
        Shown::Grants(skill) => {
            let entry = catalog.named(skill).ok_or_else(|| skill::run::no_such(skill, catalog))?;
            grants::shown(&entry.skill, &loaded.config, as_json, &Look::PLAIN)
        }
        Shown::Plan(incident) => plan::of(incident, catalog, Some(book)).to_string(),
        Shown::Check => casebook::checked(book)?.to_string(),
        Shown::Replay(..) | Shown::Diagnosis(_) => String::new(),
    })
}

impl From<CliError> for Problem {
    fn from(error: CliError) -> Problem {
        let problem = match (error.code, error.bad_input) {
            ("no-such-skill", _) => Problem::not_found(error.code, error.message),
            ("cannot-replay", _) | (_, true) => Problem::conflict(error.code, error.message),
            _ => Problem::unavailable(error.code, error.message),
        };
        let problem = match error.place {
            Some(place) => problem.at(place),
            None => problem,
        };
        match error.help {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

impl Around {
    fn file(&self) -> PathBuf {
        self.named.clone().unwrap_or_else(|| FILE_NAME.into())
    }
}

/// How long a configuration must have been left alone before it is read. Whoever writes it may be in the middle of it, and half of one, or
/// an empty one, is as valid as the whole.
const SETTLED: Duration = Duration::from_millis(200);

/// How long one is waited for that changes all the time.
const UNSETTLED: Duration = Duration::from_secs(5);

/// Reads a file that nobody is writing, for as far as that can be told: it was left alone for a while before, and is afterwards what it was.
/// Gives what it was, and what was read.
fn at_rest<T>(file: &Path, mut read: impl FnMut() -> T, mut wait: impl FnMut(Duration)) -> (Option<Stamp>, T) {
    let mut waited = Duration::ZERO;
    loop {
        let was = stamp(file);
        let is_over = waited >= UNSETTLED;
        if let Some(left) = was.and_then(unsettled).filter(|_| !is_over) {
            wait(left);
            waited += left;
            continue;
        }
        let read = read();
        if is_over || stamp(file) == was {
            return (was, read);
        }
        wait(SETTLED);
        waited += SETTLED;
    }
}

/// How long it takes until what changed last was left alone for long enough; nothing where it was, or where its time is to come.
fn unsettled((changed, ..): Stamp) -> Option<Duration> {
    let now = i128::try_from(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()?;
    let age = Duration::from_nanos(u64::try_from(now - changed).ok()?);
    SETTLED.checked_sub(age).filter(|left| !left.is_zero())
}

/// What the skill files of a configuration are now. A folder that cannot be read has none.
fn of_skills(config: &Configuration) -> Vec<(PathBuf, Option<Stamp>)> {
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
    use super::*;

    /// Whether what is written to a file while it is waited for, or while it is read, is what is read in the end; and how often it was waited.
    fn read_at_rest(file: &Path, while_waiting: &dyn Fn(usize), while_reading: &dyn Fn(usize)) -> (String, usize) {
        let (mut waits, mut reads) = (0, 0);
        let (was, text) = at_rest(
            file,
            || {
                let text = std::fs::read_to_string(file).unwrap_or_default();
                while_reading(reads);
                reads += 1;
                text
            },
            |left| {
                assert!(left <= SETTLED);
                while_waiting(waits);
                waits += 1;
            },
        );
        assert!(waits as u128 >= UNSETTLED.as_nanos() / SETTLED.as_nanos() || was == stamp(file));
        (text, waits)
    }

    #[test]
    fn a_configuration_that_is_being_written_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = &folder.path().join("negawatt.toml");
        let left_alone = |text: &str| {
            std::fs::write(file, text).unwrap();
            let long_ago = SystemTime::now() - Duration::from_secs(3_600);
            std::fs::File::options().write(true).open(file).unwrap().set_modified(long_ago).unwrap();
        };
        assert_eq!(read_at_rest(file, &|_| (), &|_| ()), (String::new(), 0), "it is not there");
        left_alone("whole");
        assert_eq!(read_at_rest(file, &|_| (), &|_| ()), ("whole".to_owned(), 0));
        // As an editor does that empties it first.
        std::fs::write(file, "").unwrap();
        assert_eq!(read_at_rest(file, &|_| left_alone("mended"), &|_| ()), ("mended".to_owned(), 1));
        let emptied = |read: usize| {
            if read == 0 {
                std::fs::write(file, "").unwrap()
            }
        };
        assert_eq!(read_at_rest(file, &|_| left_alone("again"), &emptied), ("again".to_owned(), 1));
        let (text, waits) = read_at_rest(file, &|wait| std::fs::write(file, wait.to_string()).unwrap(), &emptied);
        assert_eq!(
            (text, waits > 20),
            ((waits - 1).to_string(), true),
            "one that changes all the time is read all the same"
        );
    }

    #[test]
    fn files_are_looked_at_before_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let (config, skill) = (folder.path().join("negawatt.toml"), folder.path().join("reader.wasm"));
        std::fs::write(&config, "[skills]\npaths = [\"reader.wasm\"]\nbundled = false\n").unwrap();
        std::fs::write(&skill, b"not yet").unwrap();
        let said = Configuration::find(Some(&config)).unwrap();
        let seen = of_skills(&said);
        // As if somebody changed it at this very moment.
        std::fs::write(&skill, negawatt_test_guests::READER).unwrap();
        let Setup { runtime, config: said, .. } = Setup::anew(said, Some(&config), None).unwrap();
        assert!(runtime.catalog.named("reader").is_some(), "what is read is not older than what was seen");
        assert_ne!(seen, of_skills(&said), "so that it is read once more");
    }
}
