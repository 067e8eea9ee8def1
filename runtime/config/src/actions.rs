//! What is done with a proposed patch of a repository: the checks that it must pass, the command that measures it, and the forge that
//! it goes to.

use std::path::PathBuf;
use std::time::Duration;

use crate::limits::{self, GIB, HOUR, KIB, Limit, limit};
use crate::place::{ConfigError, Located};
use crate::reader::{Field, Section};
use crate::sections::{kind, optional};
use crate::trust::{Secret, secret};
use crate::{shape, url};

/// Wall time of a check unless an operator says otherwise.
const CHECK_TIME: Duration = Duration::from_secs(300);

/// Wall time of one run of a validation unless an operator says otherwise.
const VALIDATION_TIME: Duration = Duration::from_secs(60);

const MOST_TIME: Duration = HOUR.saturating_mul(24);
const MEMORY: u64 = 2 * GIB;
const MOST_MEMORY: u64 = 64 * GIB;
const MOST_OUTPUT: u64 = 64 * KIB;

/// How often a validation measures unless an operator says otherwise, and the fewest and most: with fewer no difference is beyond
/// chance.
pub(crate) const RUNS: u32 = 8;
pub(crate) const FEWEST_RUNS: u32 = 4;
pub(crate) const MOST_RUNS: u32 = 100;

/// Who commits unless an operator says otherwise.
pub(crate) const EMAIL: &str = "negawatt@localhost.localdomain";
const LONGEST_EMAIL: usize = 254;

/// The names of what is checked of every patch: no command can have them.
const OWN_CHECKS: [&str; 5] = ["applies", "parses", "right-issue", "measurement-untouched", "validation"];

/// What a command may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandLimits {
    /// Wall time of one run.
    pub time: Duration,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of output that are kept of one run; at most 64 KiB.
    pub output: u64,
    /// Whether it may use the network.
    pub network: bool,
}

/// One of a repository's `checks`: a command that must succeed with a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckCommand {
    /// Its name, which no other check of the repository has.
    pub name: String,
    /// The program and its arguments; at least the program, and none is empty.
    pub command: Vec<String>,
    /// Folders of programs that it needs and that its user may not reach; absolute.
    pub programs: Vec<PathBuf>,
    /// Whether it formats: files that it changes are a failure then.
    pub formatter: bool,
    /// What it may take.
    pub limits: CommandLimits,
}

/// Which numbers are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BetterNumbers {
    /// Lower ones, as of times and sizes.
    Lower,
    /// Higher ones, as of rates.
    Higher,
}

const BETTER: [(&str, BetterNumbers); 2] = [("lower", BetterNumbers::Lower), ("higher", BetterNumbers::Higher)];

/// A repository's `validation`: a command that measures, and whose numbers a patch must make better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationCommand {
    /// The program and its arguments; at least the program, and none is empty.
    pub command: Vec<String>,
    /// Folders of programs that it needs and that its user may not reach; absolute.
    pub programs: Vec<PathBuf>,
    /// How often it measures before and after, each: 4 to 100.
    pub runs: usize,
    /// Which numbers are better.
    pub better: BetterNumbers,
    /// What one run may take.
    pub limits: CommandLimits,
}

/// A repository's `forge`: where proposals go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forge {
    /// A branch on a git remote.
    Git {
        /// The name of a remote of the repository, an address without a password, or a path. One that was written with `./` or `../`
        /// at its beginning is absolute here, from the file's folder.
        remote: Located<String>,
        /// Who commits.
        email: String,
    },
    /// A pull request on GitHub, or on an Enterprise server.
    GitHub {
        /// `<owner>/<name>`.
        repository: Located<String>,
        /// The address of the API: `http` or `https`, without credentials and without a slash at its end; absent for that of
        /// github.com.
        url: Option<String>,
        /// Where the token is.
        token: Secret,
        /// Who commits.
        email: String,
        /// Labels of the pull requests.
        labels: Vec<String>,
    },
}

/// The limits of a command, of which only the default time differs.
fn command_limits(time: Duration) -> Vec<Limit> {
    vec![
        limit("time", "Wall time of one run.", time, MOST_TIME),
        limit("memory", "Bytes of memory.", MEMORY, MOST_MEMORY),
        limit("output", "Bytes of output that are kept of one run.", MOST_OUTPUT, MOST_OUTPUT),
    ]
}

/// The limits of a check.
pub(crate) fn check_limits() -> Vec<Limit> {
    command_limits(CHECK_TIME)
}

/// The limits of one run of a validation.
pub(crate) fn validation_limits() -> Vec<Limit> {
    command_limits(VALIDATION_TIME)
}

fn read_limits(section: &Section<'_>, time: Duration) -> Result<CommandLimits, ConfigError> {
    Ok(CommandLimits {
        time: limits::read(section, "time", MOST_TIME)?.unwrap_or(time),
        memory: limits::read(section, "memory", MOST_MEMORY)?.unwrap_or(MEMORY),
        output: limits::read(section, "output", MOST_OUTPUT)?.unwrap_or(MOST_OUTPUT),
        network: optional(section, "network", |field| field.boolean())?.unwrap_or(false),
    })
}

fn command(section: &Section<'_>, example: &str) -> Result<Vec<String>, ConfigError> {
    section.required("command", example)?.command(example)
}

fn programs(section: &Section<'_>) -> Result<Vec<PathBuf>, ConfigError> {
    let example = "programs = [\"/opt/go\"]";
    let paths = optional(section, "programs", |field| {
        field.list(example)?.iter().map(|item| Ok(item.beside(item.text(example)?)?.into())).collect()
    })?;
    Ok(paths.unwrap_or_default())
}

const CHECKS: &str = "checks = [{ name = \"tests\", command = [\"cargo\", \"test\"] }]";

/// Reads a repository's `checks`.
pub fn checks(field: &Field<'_>) -> Result<Vec<CheckCommand>, ConfigError> {
    let mut checks: Vec<CheckCommand> = Vec::new();
    for field in field.list(CHECKS)? {
        let section = field.section(&shape::check())?;
        let example = "name = \"tests\"";
        let place = section.required("name", example)?;
        let name = place.text(example)?;
        if OWN_CHECKS.contains(&name) {
            return Err(
                place.error(format!("{name:?} is checked of every patch anyway"), "give the command another name")
            );
        }
        if checks.iter().any(|check| check.name == name) {
            return Err(place.error(format!("{name:?} is the name of two checks"), "give each a name of its own"));
        }
        checks.push(CheckCommand {
            name: name.to_owned(),
            command: command(&section, "command = [\"cargo\", \"test\"]")?,
            programs: programs(&section)?,
            formatter: optional(&section, "formatter", |field| field.boolean())?.unwrap_or(false),
            limits: read_limits(&section, CHECK_TIME)?,
        });
    }
    Ok(checks)
}

/// Reads a repository's `validation`.
pub fn validation(field: &Field<'_>) -> Result<ValidationCommand, ConfigError> {
    let section = field.section(&shape::validation())?;
    let runs = |field: Field<'_>| {
        let runs = field.count()?;
        if (FEWEST_RUNS..=MOST_RUNS).contains(&runs) {
            return Ok(runs);
        }
        let help = format!(
            "write a whole number from {FEWEST_RUNS} to {MOST_RUNS}; with fewer no difference is beyond chance"
        );
        Err(field.error(format!("`{runs}` is out of range"), help))
    };
    Ok(ValidationCommand {
        command: command(&section, "command = [\"./bench\"]")?,
        programs: programs(&section)?,
        runs: optional(&section, "runs", runs)?.unwrap_or(RUNS) as usize,
        better: optional(&section, "better", |field| field.word(&BETTER))?.unwrap_or(BetterNumbers::Lower),
        limits: read_limits(&section, VALIDATION_TIME)?,
    })
}

/// Reads a repository's `forge`.
pub fn forge(field: &Field<'_>) -> Result<Forge, ConfigError> {
    // The kind comes first: the keys of another kind are no mistakes of their own.
    if kind(&field.open_section()?, &["git", "github"], &[])? == "git" {
        let section = field.section(&shape::git_forge())?;
        return Ok(Forge::Git { remote: remote(&section.required("remote", REMOTE)?)?, email: email(&section)? });
    }
    let section = field.section(&shape::github_forge())?;
    let token = "token = { env = \"GITHUB_TOKEN\" }";
    let labels = |field: Field<'_>| field.texts("labels = [\"performance\"]");
    Ok(Forge::GitHub {
        repository: github_repository(&section.required("repository", GITHUB_REPOSITORY)?)?,
        url: optional(&section, "url", |field| {
            url::read(&field, "url = \"https://api.github.com\"", "name them with token")
        })?
        .map(|url| url.value),
        token: secret(&section.required("token", token)?)?,
        email: email(&section)?,
        labels: optional(&section, "labels", labels)?.unwrap_or_default(),
    })
}

const REMOTE: &str = "remote = \"origin\"";

/// No message repeats what was written: it may hold a password.
fn remote(field: &Field<'_>) -> Result<Located<String>, ConfigError> {
    let remote = field.located_text(REMOTE)?;
    let text = remote.value.as_str();
    let help = format!("write {REMOTE}, an address, or a path that begins with / or ./");
    if text.starts_with('-') || text.chars().any(char::is_control) {
        return Err(field.error("is no remote: it begins with - or has characters that no remote has", help));
    }
    if text.starts_with("./") || text.starts_with("../") {
        return Ok(Located { value: field.beside(text)?, place: remote.place });
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
        let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        // Over HTTP a user's name may be a token, and what is wrong as an address a password with a slash in it.
        if (is_web && rest.contains('@')) || user.is_some_and(|user| user.contains(':')) {
            let help = "remove them: ~/.netrc can hold them, or an address of ssh needs none";
            return Err(field.error("holds credentials; they are not taken from an address", help));
        }
    }
    Ok(remote)
}

const GITHUB_REPOSITORY: &str = "repository = \"acme/shop\"";

fn github_repository(field: &Field<'_>) -> Result<Located<String>, ConfigError> {
    let repository = field.located_text(GITHUB_REPOSITORY)?;
    let is_name = |name: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        (1..=100).contains(&name.len()) && name.chars().all(is_plain) && name != "." && name != ".."
    };
    if repository.value.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name)) {
        return Ok(repository);
    }
    let message = format!("{:?} is no repository on GitHub", repository.value);
    Err(field.error(message, format!("write its owner and its name: {GITHUB_REPOSITORY}")))
}

fn email(section: &Section<'_>) -> Result<String, ConfigError> {
    let example = "email = \"negawatt@example.com\"";
    let email = optional(section, "email", |field| {
        let text = field.text(example)?;
        // It stands in commits between < and >, with what git takes for a name before it.
        let is_part = |part: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || ".+-_[]".contains(c);
            !part.is_empty() && part.chars().all(is_plain)
        };
        let is_email = text.len() <= LONGEST_EMAIL
            && text.split_once('@').is_some_and(|(name, host)| is_part(name) && is_part(host));
        if is_email {
            return Ok(text.to_owned());
        }
        Err(field.error(format!("{text:?} is no address of mail"), format!("write {example}")))
    })?;
    Ok(email.unwrap_or_else(|| EMAIL.to_owned()))
}
