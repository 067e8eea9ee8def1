//! The series with the change, the other changes of the window, and why it might be no regression.

use negawatt_host::model::Transform;

use super::super::chart::{Chart, Mark, time_label};
use super::super::considered::{other_changes, why_not};
use super::super::header::{change_line, selected};
use super::super::numbers::{count, digits, duration, p_value, percent, relative};
use super::super::{SENTENCE, Told};
use super::course::{Link, Links};
use super::plot::{self, Plot};
use super::{LOOK, MOST, Said, class, clean};

/// The section of the series.
pub struct Series {
    pub selected: String,
    /// What a value is, as far as it is known.
    pub unit: String,
    pub change: Option<Said>,
    pub plot: Option<Plot>,
    /// How what came after the change is shown.
    pub tone: &'static str,
    /// What stands at the change.
    pub mark: String,
    /// The picture in words.
    pub described: String,
    pub caption: String,
    pub others: Vec<Other>,
    pub more: usize,
    pub dismissals: Vec<Dismissal>,
}

/// A change that does not explain the incident.
pub struct Other {
    pub letter: String,
    /// Where it is in the picture, in percent from the left.
    pub at: Option<f64>,
    pub time: String,
    pub levels: String,
    pub p_value: String,
    pub why: &'static str,
    pub evidence: Vec<Link>,
}

/// A reason why it might be no regression.
pub struct Dismissal {
    pub reason: &'static str,
    pub confidence: String,
    pub detail: String,
    pub won: &'static str,
    pub evidence: Vec<Link>,
}

/// `None` where the incident has no metric.
pub fn series(told: &Told<'_>, links: &Links) -> Option<Series> {
    let incident = told.incident()?;
    let metric = incident.metric.as_ref()?;
    let change = told.change();
    let chart = told.record.series.as_ref().map(|recorded| Chart {
        times: &recorded.times,
        values: &recorded.values,
        window: incident.window,
        mark: change.map(Mark::of),
        after: told.after(),
    });
    let changes = other_changes(told);
    let times: Vec<_> = changes.iter().map(|(_, change)| change.time).collect();
    let plot = chart.as_ref().and_then(|chart| plot::draw(chart, &times));
    let inside = |time| incident.window.contains(time).then(|| plot::across(incident.window, time) * 100.0);
    let others = changes.iter().take(MOST).enumerate().map(|(n, (item, change))| {
        let by = change.relative().map_or(String::new(), |by| format!(" ({})", relative(by)));
        Other {
            letter: letter(n),
            at: inside(change.time).filter(|_| plot.is_some()),
            time: time_label(change.time),
            levels: format!("{} → {}{by}", digits(change.before), digits(change.after)),
            p_value: p_value(change.p_value),
            why: why_not(told, item, change),
            evidence: links.to([&item.evidence.id]),
        }
    });
    let selected = clean(&selected(metric), 2 * SENTENCE);
    let described = plot.as_ref().map_or(String::new(), |plot| described(told, plot));
    Some(Series {
        unit: unit(&metric.transform),
        change: change.map(|change| change_line(&LOOK, change, told.after()).into()),
        tone: class(told.after()),
        mark: change.map_or(String::new(), |change| {
            let by = change.relative().map_or(String::new(), |by| format!("{} at ", relative(by)));
            format!("{by}{}", time_label(change.time))
        }),
        caption: plot.as_ref().map_or(String::new(), caption),
        described,
        others: others.collect(),
        more: changes.len().saturating_sub(MOST),
        dismissals: dismissals(told, links),
        selected,
        plot,
    })
}

/// `A` to `Z`, then `A2` and so on.
fn letter(n: usize) -> String {
    let letter = char::from(b'A' + (n % 26) as u8);
    if n < 26 { letter.to_string() } else { format!("{letter}{}", n / 26 + 1) }
}

/// What a transform makes of a metric's own unit.
fn unit(transform: &Transform) -> String {
    match transform {
        Transform::None => String::new(),
        Transform::Rate(over) => format!("per second, over {}", duration(*over)),
        Transform::Increase(over) => format!("each over {}", duration(*over)),
        Transform::Quantile(quantile) => format!("each over {}", duration(quantile.over)),
    }
}

fn described(told: &Told<'_>, plot: &Plot) -> String {
    let Some(incident) = told.incident() else { return String::new() };
    let window = format!("{} to {} UTC", time_label(incident.window.start), time_label(incident.window.end));
    let change = told.change().map_or("; no change explains the incident".to_owned(), |change| {
        format!("; changes at {} from {} to {}", time_label(change.time), digits(change.before), digits(change.after))
    });
    format!("{} from {window}{change}", count(plot.points, "value"))
}

fn caption(plot: &Plot) -> String {
    let mut caption = format!("{}, times in UTC.", count(plot.points, "value"));
    if plot.middle.is_some() {
        caption += " The line is the median of each column; shaded are the middle half of its values, and all of them.";
    }
    if plot.levels.iter().any(Option::is_some) {
        caption += " Dashed: the level before the change and the one after it.";
    }
    match plot.outside {
        0 => {}
        1 => caption += " One value is outside of the picture.",
        outside => caption += &format!(" {outside} values are outside of the picture."),
    }
    caption
}

fn dismissals(told: &Told<'_>, links: &Links) -> Vec<Dismissal> {
    let won = told.case.concluded().and_then(|concluded| concluded.dismissal.as_ref());
    negawatt_planner::reasons(&told.board)
        .take(MOST)
        .map(|(item, dismissal)| {
            let finding = &item.evidence.finding;
            let said = if dismissal.detail.is_empty() { &finding.summary } else { &dismissal.detail };
            let is_won = won.is_some_and(|won| won.reason == dismissal.reason && won.detail == dismissal.detail);
            Dismissal {
                reason: dismissal.reason.word(),
                confidence: percent(finding.confidence),
                detail: clean(said, SENTENCE),
                won: if is_won { "yes" } else { "no" },
                evidence: links.to([&item.evidence.id]),
            }
        })
        .collect()
}
