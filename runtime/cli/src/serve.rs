//! `negawatt serve`: the program around the server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use negawatt_access::Access;
use negawatt_casebook::{Case, Casebook, Proposal};
use negawatt_config::{FILE_NAME, Listen};
use negawatt_server::{App, Form, Listener, Loaded, Problem, Program, ServeError, Settings, Shown, serve as run};
use negawatt_signals::Outbox;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::CliError;
use crate::investigate::{described, write_out};
use crate::look::Look;
use crate::report::{Pictures, Record, page, report};
use crate::setup::Setup;
use crate::{at_rest, casebook, doctor, grants, plan, replay, review, skill, stats};

/// Where it listens.
#[derive(clap::Args)]
pub struct Args {
    /// The address and port to listen on [default: serve.listen, or 127.0.0.1:7676]
    #[arg(long, value_name = "ADDRESS", value_parser = listen)]
    listen: Option<Listen>,
    #[command(flatten)]
    pub config: crate::command::Config,
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

/// A token that an interrupt or a request to terminate cancels, from when this returns; a second interrupt ends the process as usual.
fn told_to_end() -> CancellationToken {
    let token = crate::setup::cancelled_by_ctrl_c();
    let end = token.clone();
    if let Ok(mut terminate) = signal(SignalKind::terminate()) {
        tokio::spawn(async move {
            terminate.recv().await;
            end.cancel();
        });
    }
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
        let (config, seen) =
            at_rest::configuration(&file, named, &mut at_rest::Machine).map_err(|error| error.to_string())?;
        if before.is_some_and(|before| at_rest::is_gone(&file, &before.seen, &seen)) {
            return Err(format!(
                "{} is not there any more; put it back, or start the server anew without it",
                file.display()
            ));
        }
        let before = before.map(|loaded| (&*loaded.config, &*loaded.runtime));
        let setup = Setup::anew(config, named, before).map_err(|error| error.to_string())?;
        let desk = review::desk(&setup.config);
        Ok(Loaded { runtime: setup.runtime, config: setup.config, desk, refused: setup.refused, seen })
    }

    fn has_changed(&self, loaded: &Loaded) -> bool {
        at_rest::now(&self.file(), &loaded.config) != loaded.seen
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
