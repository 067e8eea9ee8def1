//! A case, as a skill looks at it.

use std::ops::Deref;

use crate::metrics;
use crate::series::Series;
use crate::{
    Case, ChangePoint, Direction, Dismissal, Duration, Error, Evidence, FindingBody, FunctionShift, Impact, Metric,
    Mitigation, Opportunity, Other, Suspect, Window, time,
};

/// A piece of evidence of one kind; reads like what was found.
#[derive(Debug)]
pub struct Found<'a, T: ?Sized> {
    /// Its id in this case.
    pub id: &'a str,
    /// Who found it, as `name@version`.
    pub by: &'a str,
    /// How probable it is that it is true, from 0 to 1.
    pub confidence: f64,
    /// What was found.
    pub body: &'a T,
}

impl<T: ?Sized> Clone for Found<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Found<'_, T> {}

impl<T: ?Sized> Deref for Found<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.body
    }
}

macro_rules! evidence_of {
    ($($(#[$doc:meta])* $method:ident, $kind:ident: $body:ty;)*) => {$(
        $(#[$doc])*
        pub fn $method(&self) -> impl Iterator<Item = Found<'_, $body>> {
            self.evidence.iter().filter_map(|evidence| match &evidence.finding.body {
                FindingBody::$kind(body) => Some(found(evidence, body)),
                _ => None,
            })
        }
    )*};
}

fn found<'a, T: ?Sized>(evidence: &'a Evidence, body: &'a T) -> Found<'a, T> {
    Found { id: &evidence.id, by: &evidence.by, confidence: evidence.finding.confidence, body }
}

/// The evidence that the skill sees, kind by kind, in the order in which it was accepted.
impl Case {
    evidence_of! {
        /// Changes of series.
        change_points, ChangePoint: ChangePoint;
        /// Reasons why a change is no regression.
        dismissals, Dismissal: Dismissal;
        /// Functions whose share of samples changed.
        function_shifts, FunctionShift: FunctionShift;
        /// Candidate causes.
        suspects, Suspect: Suspect;
        /// Proposed patches and settings.
        mitigations, Mitigation: Mitigation;
        /// What could be better.
        opportunities, Opportunity: Opportunity;
        /// What it costs.
        impacts, Impact: Impact;
        /// Texts.
        notes, Note: String;
        /// Anything else.
        others, Other: Other;
    }
}

/// What the incident is about.
impl Case {
    /// The metric of the incident; `invalid` where it has none, which only an opportunity may.
    pub fn metric(&self) -> Result<&Metric, Error> {
        self.incident.metric.as_ref().ok_or_else(|| Error::Invalid("the incident names no metric".into()))
    }

    /// The incident's series over its window, at the source's own resolution. See [`Case::series_over`].
    pub fn series(&self) -> Result<Series, Error> {
        self.series_over(self.incident.window)
    }

    /// The incident's metric as one series over another window, such as one with a look-back.
    ///
    /// The incident's labels must be equal, its transform and aggregate apply. `not-found` where no series matches, `invalid`
    /// where several do; both name the metric and say what to do.
    pub fn series_over(&self, window: Window) -> Result<Series, Error> {
        let metric = self.metric()?;
        the_one_series(metrics::query(&metric.selector(), window, None)?, metric, window)
    }

    /// What is known of the incident's series before its window, as finely as `series`, but no finer than the seasons of an hour
    /// need: of four weeks, which bundled skills may see, else of as long a time as the window. Empty where nothing is known or to
    /// be seen; other errors are passed on.
    pub fn earlier(&self, series: &Series) -> Result<Series, Error> {
        let metric = self.metric()?;
        let window = self.incident.window;
        let step = series.spacing().unwrap_or_default().max(FINEST);
        for look_back in [(4 * time::WEEK).unsigned_abs(), window.length()] {
            let before = Window { start: window.start.saturating_sub_unsigned(look_back), end: window.start };
            match metrics::query(&metric.selector(), before, Some(step)) {
                Ok(mut matches) if matches.len() == 1 => return Ok(matches.remove(0).into()),
                Ok(_) => return Ok(Series::default()),
                Err(Error::Denied(_)) => {}
                Err(error) if error.is_absence() => return Ok(Series::default()),
                Err(error) => return Err(error),
            }
        }
        Ok(Series::default())
    }

    /// By how much a change goes in the direction that hurts, in the metric's unit; negative where it helps. Without a
    /// metric, more is worse.
    pub fn harm(&self, change: &ChangePoint) -> f64 {
        let rise = change.after - change.before;
        match self.incident.metric.as_ref().map_or(Direction::Up, |metric| metric.worse) {
            Direction::Up => rise,
            Direction::Down => -rise,
        }
    }

    /// The change point that explains the incident, as the host sees it with all that is known; absent where none goes in the
    /// direction that hurts.
    pub fn explaining_change(&self) -> Option<Found<'_, ChangePoint>> {
        let id = self.explains.as_deref()?;
        self.change_points().find(|change| change.id == id)
    }
}

/// The finest resolution at which the time before a window is asked for, in microseconds: twelve phases of an hour.
const FINEST: Duration = 5 * time::MINUTE as u64;

fn the_one_series(mut matches: Vec<metrics::Series>, metric: &Metric, window: Window) -> Result<Series, Error> {
    let asked = format!("{}{}", metric.name, label_set(&metric.labels));
    match matches.len() {
        1 => Ok(matches.remove(0).into()),
        0 => Err(Error::NotFound(format!(
            "no series {asked} between {} and {}: check the metric's name, its labels and the window",
            time::rfc3339(window.start),
            time::rfc3339(window.end)
        ))),
        count => {
            let listed: Vec<_> = matches.iter().take(LISTED).map(|series| label_set(&series.labels)).collect();
            let more = if count > LISTED { format!(" and {} more", count - LISTED) } else { String::new() };
            Err(Error::Invalid(format!(
                "{count} series match {asked}: {}{more}; name more labels, or say in `aggregate` how to join them",
                listed.join(", ")
            )))
        }
    }
}

/// How many label sets an error lists.
const LISTED: usize = 10;

/// Labels as a question for a series writes them.
pub(crate) fn label_set(labels: &[crate::Label]) -> String {
    let labels: Vec<_> = labels.iter().map(|label| format!("{}={:?}", label.name, label.value)).collect();
    format!("{{{}}}", labels.join(","))
}

#[cfg(test)]
#[path = "case_tests.rs"]
pub(crate) mod tests;
