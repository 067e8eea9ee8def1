//! `[review]`: which proposals a person decides of, and `[learn]`: how far outcomes may move that.

use std::time::Duration;

use crate::link::{self, CaseLink};
use crate::place::ConfigError;
use crate::reader::{Field, Section};
use crate::sections::optional;
use crate::shape;
use crate::watch::{SEVERITIES, SHORTEST_INTERVAL, WatchSeverity};

/// How often it is asked what became of proposals unless an operator says otherwise.
const FOLLOW_EVERY: Duration = Duration::from_secs(600);

/// How long the guard may take for a case, at least, unless an operator says otherwise.
pub(crate) const GUARD_TIME: Duration = Duration::from_secs(3_600);

/// Hours of a senior engineer for a case by hand unless an operator says otherwise.
pub(crate) const HOURS_PER_CASE: f64 = 10.0;

/// `[review]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// The least confidence, from 0 to 1, with which a proposal is submitted without a person; absent: a person decides everything.
    pub confidence: Option<f64>,
    /// From this severity of the incident on a person decides.
    pub severity: WatchSeverity,
    /// The program, and its arguments, that is told on its standard input of what waits for a person. A program that was written
    /// with a slash is absolute here, from the file's folder.
    pub notify: Option<Vec<String>>,
    /// Where people read a case: a proposal says so to its reader.
    pub link: Option<CaseLink>,
    /// How often `negawatt watch` asks forges and series what became of submitted proposals; a second or more.
    pub follow_every: Duration,
    /// How long the guard's commands may take for all proposals of a case together, a second or more; see [`crate::Config::guard_time`].
    pub guard_time: Option<Duration>,
    /// `[[review.rules]]`: the first that fits decides in place of `confidence` and `severity`.
    pub rules: Vec<ReviewRule>,
}

impl Default for Review {
    fn default() -> Self {
        Review {
            confidence: None,
            severity: WatchSeverity::High,
            notify: None,
            link: None,
            follow_every: FOLLOW_EVERY,
            guard_time: None,
            rules: Vec::new(),
        }
    }
}

/// One of `[[review.rules]]`. Whichever of `strategy`, `service` and `severity` are given must all fit.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewRule {
    /// The proposal's strategy.
    pub strategy: Option<String>,
    /// The incident's service; `*` stands for any letters, also none.
    pub service: Option<String>,
    /// Exactly this severity of the incident.
    pub severity: Option<WatchSeverity>,
    /// The least confidence, from 0 to 1, with which a proposal is submitted without a person; absent: a person decides.
    pub confidence: Option<f64>,
}

/// `[learn]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Learn {
    /// The least and the greatest, from 0 to 1, between which outcomes may move [`Review::confidence`] and [`ReviewRule::confidence`]; absent:
    /// they are not moved.
    pub confidence_between: Option<(f64, f64)>,
    /// Hours that a senior engineer takes for a case by hand; finite and not negative.
    pub hours_per_case: f64,
}

impl Default for Learn {
    fn default() -> Self {
        Learn { confidence_between: None, hours_per_case: HOURS_PER_CASE }
    }
}

/// Reads `[review]`.
pub fn review(field: &Field<'_>) -> Result<Review, ConfigError> {
    let section = field.section(&shape::review())?;
    let rules = |field: Field<'_>| field.list("[[review.rules]] sections")?.iter().map(rule).collect();
    Ok(Review {
        confidence: confidence(&section)?,
        severity: severity(&section)?.unwrap_or(Review::default().severity),
        notify: optional(&section, "notify", |field| notify(&field))?,
        link: optional(&section, "link", |field| link::read(&field))?,
        follow_every: seconds(&section, "follow_every", "10min")?.unwrap_or(FOLLOW_EVERY),
        guard_time: seconds(&section, "guard_time", "1h")?,
        rules: optional(&section, "rules", rules)?.unwrap_or_default(),
    })
}

fn rule(field: &Field<'_>) -> Result<ReviewRule, ConfigError> {
    let section = field.section(&shape::review_rule())?;
    let text = |key, example| optional(&section, key, |field| field.text(example).map(str::to_owned));
    Ok(ReviewRule {
        strategy: text("strategy", "strategy = \"revert\"")?,
        service: text("service", "service = \"checkout-*\"")?,
        severity: severity(&section)?,
        confidence: confidence(&section)?,
    })
}

fn confidence(section: &Section<'_>) -> Result<Option<f64>, ConfigError> {
    optional(section, "confidence", |field| field.part())
}

fn severity(section: &Section<'_>) -> Result<Option<WatchSeverity>, ConfigError> {
    optional(section, "severity", |field| field.word(&SEVERITIES))
}

fn notify(field: &Field<'_>) -> Result<Vec<String>, ConfigError> {
    let mut command = field.command("notify = [\"./notify\"]")?;
    // A name without a slash is looked for where programs are.
    if let Some(program) = command.first_mut().filter(|program| program.contains('/')) {
        *program = field.beside(program)?;
    }
    Ok(command)
}

/// A time that is no shorter than a second.
fn seconds(section: &Section<'_>, key: &str, example: &str) -> Result<Option<Duration>, ConfigError> {
    optional(section, key, |field| {
        let time = field.duration()?;
        if time < SHORTEST_INTERVAL {
            return Err(field.error("is shorter than a second", format!("write {key} = \"{example}\"")));
        }
        Ok(time)
    })
}

/// Reads `[learn]`.
pub fn learn(field: &Field<'_>) -> Result<Learn, ConfigError> {
    let section = field.section(&shape::learn())?;
    Ok(Learn {
        confidence_between: optional(&section, "confidence_between", |field| between(&field))?,
        hours_per_case: optional(&section, "hours_per_case", |field| field.amount())?.unwrap_or(HOURS_PER_CASE),
    })
}

fn between(field: &Field<'_>) -> Result<(f64, f64), ConfigError> {
    let example = "confidence_between = [0.9, 0.99]";
    let bounds: Vec<f64> = field.list(example)?.iter().map(Field::part).collect::<Result<_, _>>()?;
    match bounds[..] {
        [least, most] if least <= most => Ok((least, most)),
        [_, _] => Err(field.error("the first bound is above the second", format!("write {example}"))),
        _ => Err(field.error("must have two numbers", format!("write {example}"))),
    }
}
