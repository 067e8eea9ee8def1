//! What each source of a configuration can answer, found out by asking it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use negawatt_config::{Config, ConfigError, Located, MetricsSource, Place, Tool};
use negawatt_host::model::Error;

use crate::blocking::{Stop, blocking};
use crate::describe::{Described, Trouble, counted};
use crate::docs::MarkdownDocs;
use crate::egress::Egress;
use crate::files::DataError;
use crate::git::Repositories;
use crate::http::address;
use crate::metrics::{CsvMetrics, PrometheusMetrics};
use crate::profiles::FileProfiles;
use crate::records::{ConfigLine, ExperimentLine, Record, Records};
use crate::topology::CallGraph;

/// The most errors that are told of one source.
const MAX_ERRORS: usize = 5;

/// A source that was asked what it can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The tools that it stands behind.
    pub tools: Vec<Tool>,
    /// The name that it was given; only repositories have one.
    pub name: Option<String>,
    /// Its kind in the configuration.
    pub kind: &'static str,
    /// A path or an address.
    pub at: String,
    /// What it can answer, or why it cannot.
    pub outcome: Result<Described, Problem>,
}

/// Why a source cannot answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong; of files that are wrong, which ones and in which lines, a line of text each.
    pub message: String,
    /// Where the source is configured.
    pub place: Place,
    /// What to do, where it is known.
    pub help: Option<String>,
}

/// Asks every source of a configuration, all at once. None waits for another one, and no answer takes longer than
/// `patience`: a source that does not answer is told as that. In order of the tools, and of the repositories' names.
pub async fn examine(config: &Config, patience: Duration) -> Vec<Examined> {
    let sources = &config.sources;
    // Folders of files that are slow to read are read in part; what is left of the time is for saying so.
    let until = Instant::now() + patience / 2;
    let mut asked = Vec::new();
    match &sources.metrics {
        None => {}
        Some(MetricsSource::Files(path)) => {
            asked.push(Asked::files(Tool::Metrics, path, patience, move |path| async move {
                let metrics = CsvMetrics::configure(&path)?;
                let checked = metrics.clone();
                on_a_thread(move |stop| sound(checked.check(until, stop)?, Described::default())).await?;
                Ok(Described::text(metrics.describe().await?))
            }));
        }
        Some(MetricsSource::Prometheus(url)) => {
            let source = Source::new(&[Tool::Metrics], "prometheus", address(&url.value), &url.place);
            let url = url.clone();
            asked.push(source.ask(patience, async move {
                Ok(Described::text(PrometheusMetrics::configure(&url)?.describe().await?))
            }));
        }
    }
    if let Some(path) = &sources.profiles {
        asked.push(Asked::files(Tool::Profiles, path, patience, move |path| {
            on_a_thread(move |stop| {
                let mut wrong = Vec::new();
                let described = FileProfiles::configure(&path)?.describe(until, &mut wrong, stop)?;
                sound(wrong, described)
            })
        }));
    }
    for (name, repository) in &config.repositories {
        let branch = repository.branch.as_ref().map_or(String::new(), |branch| format!(" ({})", branch.value));
        let at = format!("{}{branch}", repository.path.value.display());
        let mut source = Source::new(&[Tool::Changes, Tool::Code], "git", at, &repository.path.place);
        source.name = Some(name.clone());
        let one = BTreeMap::from([(name.clone(), repository.clone())]);
        let name = name.clone();
        asked.push(
            source.ask(
                patience,
                on_a_thread(move |stop| Ok(Repositories::configure(&one, None)?.describe(&name, stop)?)),
            ),
        );
    }
    if let Some(path) = &sources.configs {
        asked.push(Asked::files(Tool::Configs, path, patience, records::<ConfigLine>));
    }
    if let Some(path) = &sources.experiments {
        asked.push(Asked::files(Tool::Experiments, path, patience, records::<ExperimentLine>));
    }
    if let Some(path) = &sources.docs {
        asked.push(Asked::files(Tool::Docs, path, patience, |path| {
            on_a_thread(move |stop| Ok(MarkdownDocs::configure(&path)?.describe(stop)?))
        }));
    }
    if let Some(path) = &sources.topology {
        asked.push(Asked::files(Tool::Topology, path, patience, |path| {
            on_a_thread(move |_| Ok(CallGraph::configure(&path)?.0.describe()?))
        }));
    }
    asked.extend(http(config, patience));
    let mut examined = Vec::new();
    for asked in asked {
        examined.push(asked.answered().await);
    }
    examined
}

/// What requests of skills over HTTP need: secrets that can be read, and certificates. Nobody is asked anything.
fn http(config: &Config, patience: Duration) -> Option<Asked> {
    let asking: Vec<_> = config.grants.iter().filter(|grant| !grant.origins.is_empty()).collect();
    let secrets = config.secrets.values().map(|secret| &secret.place);
    let place = asking.iter().map(|grant| &grant.place).chain(secrets).next()?;
    let origins: BTreeSet<_> = asking.iter().flat_map(|grant| &grant.origins).map(ToString::to_string).collect();
    let source = Source::new(&[Tool::Http], "grants", origins.into_iter().collect::<Vec<_>>().join(", "), place);
    let config = config.clone();
    let ready = on_a_thread(move |_| {
        Egress::configure(&config)?;
        Ok(Described::text(counted(config.secrets.len(), "secret")))
    });
    Some(source.ask(patience, ready))
}

fn records<T: Record + 'static>(path: Located<PathBuf>) -> impl Future<Output = Outcome> {
    on_a_thread(move |stop| {
        let (described, wrong) = Records::<T>::open(&path)?.describe(stop)?;
        if wrong.count == 0 { Ok(described) } else { Err(Whatever::Data(wrong.first, wrong.count)) }
    })
}

/// A source, before it is asked.
struct Source {
    tools: Vec<Tool>,
    name: Option<String>,
    kind: &'static str,
    at: String,
    place: Place,
}

impl Source {
    fn new(tools: &[Tool], kind: &'static str, at: String, place: &Place) -> Source {
        Source { tools: tools.to_vec(), name: None, kind, at, place: place.clone() }
    }

    fn ask(self, patience: Duration, answer: impl Future<Output = Outcome> + Send + 'static) -> Asked {
        let answer = tokio::spawn(async move {
            let late = |_| Err(Whatever::Late(patience));
            tokio::time::timeout(patience, answer).await.unwrap_or_else(late)
        });
        Asked { source: self, answer }
    }
}

/// A source that is being asked.
struct Asked {
    source: Source,
    answer: tokio::task::JoinHandle<Outcome>,
}

type Outcome = Result<Described, Whatever>;

impl Asked {
    /// Asks a source of the kind `files`.
    fn files<A: Future<Output = Outcome> + Send + 'static>(
        tool: Tool,
        path: &Located<PathBuf>,
        patience: Duration,
        answer: impl FnOnce(Located<PathBuf>) -> A,
    ) -> Asked {
        let source = Source::new(&[tool], "files", path.value.display().to_string(), &path.place);
        source.ask(patience, answer(path.clone()))
    }

    async fn answered(self) -> Examined {
        let failed = |_| Err(Whatever::Told(Error::Internal("the source failed; this is a defect".to_owned())));
        let Source { tools, name, kind, at, place } = self.source;
        let outcome = self.answer.await.unwrap_or_else(failed).map_err(|whatever| whatever.problem(place));
        Examined { tools, name, kind, at, outcome }
    }
}

/// Work of a source that reads files.
async fn on_a_thread(work: impl FnOnce(&Stop) -> Outcome + Send + 'static) -> Outcome {
    blocking(move |stop| Ok(work(stop))).await?
}

/// What a source said of itself, if nothing is wrong with its files.
fn sound(wrong: Vec<DataError>, described: Described) -> Outcome {
    let count = wrong.len();
    if count == 0 { Ok(described) } else { Err(Whatever::Data(wrong, count)) }
}

/// All that can be wrong with a source.
enum Whatever {
    Config(ConfigError),
    /// Mistakes, or the first of so many.
    Data(Vec<DataError>, usize),
    Told(Error),
    Late(Duration),
}

impl From<ConfigError> for Whatever {
    fn from(error: ConfigError) -> Whatever {
        Whatever::Config(error)
    }
}

impl From<Error> for Whatever {
    fn from(error: Error) -> Whatever {
        Whatever::Told(error)
    }
}

impl From<Trouble> for Whatever {
    fn from(trouble: Trouble) -> Whatever {
        match trouble {
            Trouble::Data(error) => Whatever::Data(vec![error], 1),
            Trouble::Told(error) => Whatever::Told(error),
        }
    }
}

impl Whatever {
    fn problem(self, place: Place) -> Problem {
        match self {
            Whatever::Config(error) => Problem { place: error.place(), message: error.message, help: Some(error.help) },
            Whatever::Data(errors, count) => {
                let mut lines: Vec<_> = errors.iter().take(MAX_ERRORS).map(DataError::to_string).collect();
                if count > lines.len() {
                    lines.push(format!("and {} more", count - lines.len()));
                }
                let help = if lines.len() == 1 {
                    "correct the file, or move it away"
                } else {
                    "correct the files, or move them away"
                };
                Problem { message: lines.join("\n"), place, help: Some(help.to_owned()) }
            }
            Whatever::Told(error) => Problem { message: error.message().to_owned(), place, help: None },
            Whatever::Late(patience) => {
                let message = format!("there was no answer within {} s", patience.as_secs_f64());
                Problem { message, place, help: Some("look whether it can be reached, and is not too busy".to_owned()) }
            }
        }
    }
}
