//! `[watch]`: which series are watched, how often, and which change of them matters.

use std::time::Duration;

use crate::place::{ConfigError, Located};
use crate::reader::{Field, Section};
use crate::sections::optional;
use crate::shape;

/// The most observations of one series that a pass looks at, and the fewest that are of use.
const MOST_STEPS: u128 = 20_000;
const FEWEST_STEPS: u128 = 60;

/// The most often that anybody looks.
pub(crate) const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// The least change that matters unless somebody says otherwise: half of a percent, since one that is a percent is seen as a bit more
/// or less.
pub(crate) const LEAST: f64 = 0.005;

/// A change is a part of the level before: everything is less than a million times that.
const MOST_LEAST: f64 = 1e6;

/// `[watch]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    /// From the beginning of one pass to the beginning of the next.
    pub interval: Duration,
    /// How much of each series a pass looks at.
    pub window: Duration,
    /// From one observation to the next.
    pub step: Duration,
    /// `[[watch.series]]`: what is watched.
    pub series: Vec<WatchedSeries>,
}

/// `[[watch.series]]`: all series that a selector gives.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedSeries {
    /// The metric's name.
    pub metric: Located<String>,
    /// Which of its series.
    pub matchers: Vec<LabelMatcher>,
    /// How samples become the quantity.
    pub transform: WatchTransform,
    /// How series are joined.
    pub aggregate: Option<WatchAggregate>,
    /// The service of series that have no label `service`.
    pub service: Option<String>,
    /// The direction that hurts.
    pub worse: Worse,
    /// The least change that matters, as a part of the level before.
    pub least: f64,
    /// How urgent a regression is.
    pub severity: WatchSeverity,
}

/// A condition on one label, as `service=~shop-.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMatcher {
    /// The label's name.
    pub name: String,
    /// How it is compared.
    pub operation: LabelOperation,
    /// With what.
    pub value: String,
}

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelOperation {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`: RE2, anchored.
    Matches,
    /// `!~`: RE2, anchored.
    NotMatches,
}

/// How samples become the quantity that is watched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WatchTransform {
    /// As they are.
    None,
    /// Increase of a counter per second, over so long.
    Rate(Duration),
    /// Increase of a counter over so long.
    Increase(Duration),
    /// A quantile of a histogram's increase over so long.
    Quantile(f64, Duration),
}

/// What several values become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchOperation {
    /// Their sum.
    Sum,
    /// Their mean.
    Avg,
    /// The greatest.
    Max,
    /// The least.
    Min,
}

impl WatchOperation {
    pub(crate) const ALL: [WatchOperation; 4] =
        [WatchOperation::Sum, WatchOperation::Avg, WatchOperation::Max, WatchOperation::Min];

    /// As the file has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            WatchOperation::Sum => "sum",
            WatchOperation::Avg => "avg",
            WatchOperation::Max => "max",
            WatchOperation::Min => "min",
        }
    }
}

/// How several series become one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchAggregate {
    /// What their values become.
    pub operation: WatchOperation,
    /// Labels that stay.
    pub by: Vec<String>,
}

/// The direction that hurts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worse {
    /// More is worse.
    Up,
    /// Less is worse.
    Down,
}

/// How urgent a regression is; a more urgent one is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WatchSeverity {
    /// Can wait.
    Low,
    /// The default.
    Medium,
    /// Soon.
    High,
    /// At once.
    Critical,
}

/// As the file has them.
pub(crate) const DIRECTIONS: [(&str, Worse); 2] = [("up", Worse::Up), ("down", Worse::Down)];

/// As the file has them.
pub(crate) const SEVERITIES: [(&str, WatchSeverity); 4] = [
    ("low", WatchSeverity::Low),
    ("medium", WatchSeverity::Medium),
    ("high", WatchSeverity::High),
    ("critical", WatchSeverity::Critical),
];

impl Default for Watch {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Watch { interval: minutes(5), window: minutes(24 * 60), step: minutes(1), series: Vec::new() }
    }
}

/// What holds for every entry that does not say otherwise.
struct Usual {
    worse: Worse,
    least: f64,
    severity: WatchSeverity,
}

pub fn watch(field: &Field<'_>) -> Result<Watch, ConfigError> {
    let section = field.section(&shape::watch())?;
    let Watch { interval, window, step, .. } = Watch::default();
    let time = |key| optional(&section, key, |field| field.duration());
    let (interval, window, step) =
        (time("interval")?.unwrap_or(interval), time("window")?.unwrap_or(window), time("step")?.unwrap_or(step));
    if interval < SHORTEST_INTERVAL {
        let place = section.required("interval", "interval = \"5min\"")?;
        return Err(place.error("is shorter than a second", "write interval = \"5min\""));
    }
    let steps = window.as_nanos() / step.as_nanos().max(1);
    if !(FEWEST_STEPS..=MOST_STEPS).contains(&steps) {
        let wrong = section.field("step").or_else(|| section.field("window"));
        let place = wrong.as_ref().map_or_else(|| section.place(), |field| field.place().clone());
        let message = format!("a window of {window:?} has {steps} steps of {step:?}");
        let help = format!("write a window of {FEWEST_STEPS} to {MOST_STEPS} steps: window = \"24h\", step = \"1min\"");
        return Err(ConfigError::new(&place, message, help));
    }
    let usual = usual(&section, &Usual { worse: Worse::Up, least: LEAST, severity: WatchSeverity::Medium })?;
    let series = optional(&section, "series", |field| {
        let entries = field.list("[[watch.series]] sections")?;
        entries.iter().map(|entry| series(entry, &usual)).collect()
    })?;
    Ok(Watch { interval, window, step, series: series.unwrap_or_default() })
}

/// The keys that an entry and the whole section share.
fn usual(section: &Section<'_>, usual: &Usual) -> Result<Usual, ConfigError> {
    let least = optional(section, "least", |field| {
        let least = field.amount()?;
        let help = "write a part of the level before: least = 0.01 is one percent";
        if least > MOST_LEAST { Err(field.error("is more than any change", help)) } else { Ok(least) }
    })?;
    Ok(Usual {
        worse: optional(section, "worse", |field| field.word(&DIRECTIONS))?.unwrap_or(usual.worse),
        least: least.unwrap_or(usual.least),
        severity: optional(section, "severity", |field| field.word(&SEVERITIES))?.unwrap_or(usual.severity),
    })
}

fn series(field: &Field<'_>, whole: &Usual) -> Result<WatchedSeries, ConfigError> {
    let section = field.section(&shape::watched_series())?;
    let example = "metric = \"cpu_seconds_per_request\"";
    let metric = section.required("metric", example)?.located_text(example)?;
    let matchers = optional(&section, "match", |field| {
        let list = field.list(MATCH)?;
        list.iter().map(matcher).collect::<Result<Vec<_>, _>>()
    })?
    .unwrap_or_default();
    let aggregate = optional(&section, "aggregate", |field| aggregate(&field))?;
    if let (Some(aggregate), Some(place)) = (&aggregate, section.field("match")) {
        // The case about one of the series names it by labels alone, which must then be all that was asked for.
        let lost = |matcher: &&LabelMatcher| {
            matcher.operation != LabelOperation::Equal && !aggregate.by.contains(&matcher.name)
        };
        if let Some(matcher) = matchers.iter().find(lost) {
            let message =
                format!("`{}` is compared with a pattern, and is not among the labels that stay", matcher.name);
            let help = format!(
                "add it: aggregate = {{ {} = [\"{}\"] }}, or write =",
                aggregate.operation.word(),
                matcher.name
            );
            return Err(place.error(message, help));
        }
    }
    let Usual { worse, least, severity } = usual(&section, whole)?;
    Ok(WatchedSeries {
        metric,
        matchers,
        transform: optional(&section, "transform", |field| transform(&field))?.unwrap_or(WatchTransform::None),
        aggregate,
        service: optional(&section, "service", |field| field.text("service = \"checkout\"").map(str::to_owned))?,
        worse,
        least,
        severity,
    })
}

const MATCH: &str = "match = [\"service=~shop-.*\", \"zone!=test\"]";

fn matcher(field: &Field<'_>) -> Result<LabelMatcher, ConfigError> {
    let text = field.text(MATCH)?;
    let wrong = || field.error(format!("{text:?} is no condition on a label"), format!("write {MATCH}"));
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').ok_or_else(wrong)?;
    let (name, rest) = text.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return Err(wrong());
    }
    let operations = [
        ("=~", LabelOperation::Matches),
        ("!~", LabelOperation::NotMatches),
        ("!=", LabelOperation::NotEqual),
        ("=", LabelOperation::Equal),
    ];
    let found = operations.iter().find_map(|(sign, operation)| Some((rest.strip_prefix(sign)?, *operation)));
    let (value, operation) = found.ok_or_else(wrong)?;
    Ok(LabelMatcher { name: name.to_owned(), operation, value: value.to_owned() })
}

fn transform(field: &Field<'_>) -> Result<WatchTransform, ConfigError> {
    let section = field.section(&shape::watch_transform())?;
    let time = |key| optional(&section, key, |field| field.duration());
    let quantile = optional(&section, "quantile", |field| field.part())?;
    match (time("rate")?, time("increase")?, quantile, time("over")?) {
        (Some(over), None, None, None) => Ok(WatchTransform::Rate(over)),
        (None, Some(over), None, None) => Ok(WatchTransform::Increase(over)),
        (None, None, Some(quantile), Some(over)) => Ok(WatchTransform::Quantile(quantile, over)),
        _ => Err(field.error(
            "must have `rate`, or `increase`, or `quantile` with `over`",
            "write transform = { rate = \"5min\" }, or leave it out",
        )),
    }
}

fn aggregate(field: &Field<'_>) -> Result<WatchAggregate, ConfigError> {
    let section = field.section(&shape::watch_aggregate())?;
    let example = "aggregate = { sum = [\"service\"] }";
    let mut named =
        WatchOperation::ALL.into_iter().filter_map(|operation| Some((operation, section.field(operation.word())?)));
    match (named.next(), named.next()) {
        (Some((operation, labels)), None) => Ok(WatchAggregate { operation, by: labels.texts(example)? }),
        _ => Err(field.error("must have one of sum, avg, max and min", format!("write {example}"))),
    }
}
