//! What the case is about, what it came to, and the series.

use negawatt_casebook::{Concluded, End, Verdict};
use negawatt_host::model::{Candidate, ChangePoint, DismissalReason, Metric, Shape, Transform};
use negawatt_host::text::shorten;
use negawatt_planner::has_reason;

use super::chart::{Chart, Mark, draw, minute_label, time_label};
use super::numbers::{digits, p_value, percent, relative};
use super::{NAME, SENTENCE, Told, suspect_name, without_address};
use crate::look::{Look, Tone};
use crate::page::{Line, Page};

/// The incident's title, and which case it is.
pub(super) fn title(page: &mut Page<'_>, told: &Told<'_>) {
    let Some(incident) = told.incident() else {
        return page.heading(page.line().strong(format!("case {}", told.case.id)));
    };
    page.heading(page.line().strong(shorten(&incident.title, 120)));
    let window = format!("{} to {}", time_label(incident.window.start), time_label(incident.window.end));
    let service = shorten(&incident.service, NAME);
    page.heading(page.line().faint(format!("case {}, service {service}, {window} UTC", told.case.id)));
}

/// The verdict in plain words, and the likeliest cause.
pub(super) fn verdict(page: &mut Page<'_>, told: &Told<'_>) {
    page.section("Verdict");
    for line in verdict_lines(page.look, told) {
        page.write(line, 0);
    }
}

/// The verdict in one line; then why, what would settle it, and the likeliest cause, as far as there are any.
pub(super) fn verdict_lines(look: &Look, told: &Told<'_>) -> Vec<Line> {
    let line = || Line::new(look);
    let concluded = match &told.case.end {
        None => return vec![line().add(Tone::Unsure, "none yet").plain(": the case has not ended")],
        Some(End::Cancelled(cancelled)) => {
            let reason = shorten(&cancelled.reason, SENTENCE);
            return vec![line().add(Tone::Unsure, "none").plain(format!(": cancelled, {reason}"))];
        }
        Some(End::Concluded(concluded)) => concluded,
    };
    let confidence = percent(concluded.confidence);
    let sure = match concluded.verdict {
        Verdict::Inconclusive => format!(" (confidence {confidence}): "),
        _ => format!(", {confidence} sure: "),
    };
    let verdict = line().add(tone(concluded.verdict), concluded.verdict.name());
    let mut lines = vec![verdict.plain(sure).plain(in_words(told, concluded))];
    if let Some(dismissal) = &concluded.dismissal {
        lines.push(line().plain(shorten(&dismissal.detail, SENTENCE)));
    }
    if let Some(missing) = &concluded.would_settle {
        lines.push(line().plain(shorten(missing, SENTENCE)));
    }
    if let (Verdict::Regression, Some(first)) = (concluded.verdict, told.first()) {
        let by = first.author.as_deref().map_or(String::new(), |author| format!(" by {}", without_address(author)));
        let cause = line().plain("most likely caused by ").strong(suspect_name(first)).plain(by);
        lines.push(cause.plain(format!(" ({})", percent(first.confidence))));
    }
    lines
}

/// How a verdict is shown.
pub fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Regression => Tone::Bad,
        Verdict::Opportunity | Verdict::Dismissed => Tone::Good,
        Verdict::Inconclusive => Tone::Unsure,
    }
}

fn in_words(told: &Told<'_>, concluded: &Concluded) -> &'static str {
    let reason = concluded.dismissal.as_ref().map(|dismissal| dismissal.reason);
    match (concluded.verdict, reason) {
        (Verdict::Regression, _) if has_reason(&told.board) => "it got worse, and no other reason is as likely",
        (Verdict::Regression, _) => "it got worse, and no other reason was found",
        (Verdict::Opportunity, _) => "it could be better",
        (Verdict::Inconclusive, _) => "nobody can say from what there is",
        (Verdict::Dismissed, Some(DismissalReason::Noise)) => "nothing changed beyond chance",
        (Verdict::Dismissed, Some(DismissalReason::WentAway)) => "it went away by itself",
        (Verdict::Dismissed, Some(DismissalReason::Seasonal)) => "it comes and goes with the hour, day or week",
        (Verdict::Dismissed, Some(DismissalReason::CostShift)) => "cost only moved, and did not grow",
        (Verdict::Dismissed, Some(DismissalReason::Planned)) => "somebody meant it",
        (Verdict::Dismissed, _) => "it is no regression",
    }
}

/// The series with the change marked.
pub(super) fn series(page: &mut Page<'_>, told: &Told<'_>) {
    let Some(metric) = told.incident().and_then(|incident| incident.metric.as_ref()) else { return };
    let change = told.change();
    let after = told.after();
    page.section(if change.is_some() { "Change" } else { "Series" });
    if let Some(change) = change {
        page.write(change_line(page.look, change, after), 0);
    }
    page.write(page.line().faint(selected(metric)), 0);
    let (Some(recorded), Some(incident)) = (&told.record.series, told.incident()) else { return };
    let mark = change.map(Mark::of);
    let chart = Chart { times: &recorded.times, values: &recorded.values, window: incident.window, mark, after };
    // The labels take the margin.
    let Some(drawn) = draw(&chart, page.look, page.look.width, page.margin()) else { return };
    for row in drawn.rows {
        page.whole_row(row);
    }
    if drawn.dense {
        page.whole_row(Line::new(page.look).to(drawn.offset).faint("each column shows the middle half of its values"));
    }
    if drawn.outside > 0 {
        let text = match drawn.outside {
            1 => "1 value is outside of the picture".to_owned(),
            count => format!("{count} values are outside of the picture"),
        };
        page.whole_row(Line::new(page.look).to(drawn.offset).faint(text));
    }
}

/// A change in one line.
pub(super) fn change_line(look: &Look, change: &ChangePoint, after: Tone) -> Line {
    let what = match change.shape {
        Shape::Drift => "drifting from",
        Shape::Step | Shape::Variance => "at",
    };
    let by = change.relative().map_or(String::new(), |by| format!("{} ", relative(by)));
    let line = Line::new(look).add(after, by).plain(format!("{what} {} UTC: ", time_label(change.time)));
    let line = line.add(Tone::Accent, digits(change.before)).plain(" → ").add(after, digits(change.after));
    line.plain(format!(", {}", p_value(change.p_value)))
}

/// A metric with what selects and makes its series.
pub(super) fn selected(metric: &Metric) -> String {
    let labels: Vec<_> = metric.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(", ")) };
    let series = shorten(&format!("{}{labels}", metric.name), 2 * NAME);
    match &metric.transform {
        Transform::None => series,
        Transform::Rate(_) => format!("rate of {series}"),
        Transform::Increase(_) => format!("increase of {series}"),
        Transform::Quantile(quantile) => format!("{} quantile of {series}", digits(quantile.quantile)),
    }
}

/// What is shown of a suspect's own words: a commit's subject, a setting's values, an experiment's name; and when it was.
pub(super) fn described(told: &Told<'_>, candidate: Candidate, id: &str) -> Option<(String, String)> {
    let short = |text: &str| shorten(text, NAME);
    match candidate {
        Candidate::Commit => {
            let commit = told.record.commits.get(id)?;
            Some((short(&commit.subject), format!("landed {}", minute_label(commit.time))))
        }
        Candidate::Config => {
            let change = told.record.configs.get(id)?;
            let value = |value: &Option<String>| value.as_deref().map_or("nothing".to_owned(), short);
            let values = format!("{}: {} → {}", short(&change.key), value(&change.before), value(&change.after));
            Some((values, format!("live {}", minute_label(change.time))))
        }
        Candidate::Experiment => {
            let experiment = told.record.experiments.get(id)?;
            let end = experiment.end.map_or(String::new(), |end| format!(", ended {}", minute_label(end)));
            Some((short(&experiment.name), format!("began {}{end}", minute_label(experiment.start))))
        }
        Candidate::Service => None,
    }
}
