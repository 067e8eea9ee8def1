//! What stands at the top of a page and at its foot: the numbers that matter, and which record it is made of.

use negawatt_casebook::{Case, Verdict};
use negawatt_host::model::Severity;

use super::super::chart::{minute_label, time_label};
use super::super::numbers::{cost, digits, p_value, percent, relative};
use super::super::{NAME, SENTENCE, Told, suspect_name};
use super::{class, clean};

/// A number that matters, and what belongs to it.
pub struct Fact {
    pub label: &'static str,
    pub tone: &'static str,
    pub value: String,
    pub notes: Vec<String>,
}

/// What the incident is about.
pub fn about(told: &Told<'_>) -> Vec<String> {
    let Some(incident) = told.incident() else { return Vec::new() };
    let severity = match incident.severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    };
    vec![
        format!("service {}", clean(&incident.service, NAME)),
        format!("{} to {} UTC", time_label(incident.window.start), time_label(incident.window.end)),
        format!("severity {severity}"),
    ]
}

/// The change, what it costs, and who is suspected; what there is of it.
pub fn facts(told: &Told<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(change) = told.change() {
        let levels = format!("{} → {}", digits(change.before), digits(change.after));
        let (value, mut notes) = match change.relative() {
            Some(by) => (relative(by), vec![levels]),
            None => (levels, Vec::new()),
        };
        notes.push(format!("{} UTC", time_label(change.time)));
        notes.push(p_value(change.p_value));
        facts.push(Fact { label: "Change", tone: class(told.after()), value, notes });
    }
    if let Some(impact) = negawatt_planner::impact(&told.board) {
        facts.push(Fact { label: "Cost", tone: "", value: cost(impact), notes: vec![clean(&impact.basis, SENTENCE)] });
    }
    if let (Some(Verdict::Regression), Some(first)) = (told.verdict(), told.first()) {
        let mut notes = vec![format!("{} probable", percent(first.confidence))];
        notes.extend(first.author.as_ref().map(|author| clean(author, NAME)));
        facts.push(Fact { label: "Likeliest cause", tone: "", value: clean(&suspect_name(first), NAME), notes });
    }
    let shifts = negawatt_planner::functions(&told.board);
    if let Some(shift) = shifts.first().filter(|shift| shift.after > shift.before) {
        let share = |share: f64| format!("{:.1} %", share * 100.0);
        let notes = vec![format!("{} → {} of CPU samples", share(shift.before), share(shift.after))];
        facts.push(Fact { label: "Grew most", tone: "", value: clean(&shift.name, NAME), notes });
    }
    facts
}

/// Which case it is, of which version, and when.
pub fn record(told: &Told<'_>) -> Vec<(&'static str, String)> {
    let case = told.case;
    let mut facts = vec![("Case", case.id.to_string())];
    if let Some(opened) = &case.opened {
        facts.push(("Fingerprint", clean(&opened.fingerprint, NAME)));
        facts.extend(opened.earlier.map(|earlier| ("Earlier case of it", earlier.to_string())));
        facts.push(("Negawatt", clean(&opened.host_version, NAME)));
    }
    facts.push(("Opened (UTC)", minute_label(case.opened_at)));
    facts.extend(case.ended_at.map(|ended| ("Ended (UTC)", minute_label(ended))));
    facts
}

/// What a command needs to find the casebook: the name of the configuration, without the folders of whoever made the page.
pub fn with_config(case: &Case) -> String {
    let Some(path) = case.opened.as_ref().and_then(|opened| opened.config.path.as_ref()) else { return String::new() };
    let plain = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let name = path.file_name().and_then(|name| name.to_str()).filter(plain).unwrap_or("FILE.toml");
    format!(" --config {name}")
}
