//! How sure a rollback is, and what is told of it.

use negawatt_skill::experiments::Experiment;
use negawatt_skill::format::{percent, shown};
use negawatt_skill::suspects::Accused;
use negawatt_skill::time::{MINUTE, rfc3339};
use negawatt_skill::{Case, ChangePoint, Finding, Found, Mitigation, Note, Setting};

use crate::history::{Rollback, told};

/// How soon after the old value is live its effect must show.
const WITHIN: u64 = 30 * MINUTE as u64;
/// How probable it is that setting the cause back helps and breaks nothing: it was live like that until a short while ago.
const CLEAN: f64 = 0.95;
/// What is left of that where the key has to go, which not every store of settings can do and not every program expects; and where
/// somebody changed it since and came back to the value, perhaps because of a need.
const REMOVED: f64 = 0.8;
const CAME_BACK: f64 = 0.9;
/// The longest name that is told, in characters.
const LONGEST: usize = 60;

/// The probability that setting back helps: that the change is the cause, times how clean it is. The factors are judged, not fitted.
pub fn confidence(probability: f64, rollback: &Rollback) -> f64 {
    let removed = if rollback.change.before.is_none() { REMOVED } else { 1.0 };
    let came_back = if rollback.came_back { CAME_BACK } else { 1.0 };
    probability * CLEAN * removed * came_back
}

/// What is found of a suspected setting: a mitigation, or a note that says why there is none.
pub fn of_setting(
    case: &Case,
    change: &Found<'_, ChangePoint>,
    accused: &Accused<'_>,
    rollback: Result<Rollback, String>,
) -> Finding {
    let rollback = match rollback {
        Ok(rollback) => rollback,
        Err(why) => return not(case, change, accused, &format!("setting {} is not set back", id(accused)), &why),
    };
    let row = &rollback.change;
    let (service, key) = (shown(&row.service, LONGEST), shown(&row.key, LONGEST));
    let what = match &row.before {
        Some(_) => format!("Set `{key}` of {service} back from {} to {}", told(&row.after), told(&row.before)),
        None => format!("Remove `{key}` of {service}, which had no value before {}", told(&row.after)),
    };
    let by = row.author.as_ref().map_or_else(String::new, |author| format!(" by {}", shown(author, LONGEST)));
    let summary = format!("{what} ({}{by}, {} likely the cause).", id(accused), percent(accused.probability));
    let mut validation = case.validation(change, "every instance reads the old value", WITHIN);
    validation += &format!(" The history ends at {}: look at the value first.", rfc3339(case.incident.window.end));
    if row.before.is_none() {
        validation += " The proposed value `null` stands for none: remove the key.";
    }
    let confidence = confidence(accused.probability, &rollback);
    let mitigation = Mitigation {
        strategy: "config-rollback".into(),
        target: accused.id.to_owned(),
        patch: None,
        setting: Some(Setting { service: row.service.clone(), key: row.key.clone(), value: rollback.value }),
        validation,
    };
    Finding::new(mitigation, confidence, summary).because(because(case, change, accused))
}

/// What is found of a suspected experiment: a note, since no setting of anybody's is known that stops it.
pub fn of_experiment(
    case: &Case,
    change: &Found<'_, ChangePoint>,
    accused: &Accused<'_>,
    stop: Result<&Experiment, String>,
) -> Finding {
    let experiment = match stop {
        Ok(experiment) => experiment,
        Err(why) => {
            return not(case, change, accused, &format!("experiment {} is not to be stopped", id(accused)), &why);
        }
    };
    let summary = format!(
        "Stop experiment {} (`{}` of {}, since {}, {} likely the cause).",
        id(accused),
        shown(&experiment.name, LONGEST),
        shown(&experiment.service, LONGEST),
        rfc3339(experiment.start),
        percent(accused.probability)
    );
    let text = format!("{summary} {}", case.validation(change, "its last arm has ended", WITHIN));
    Finding::new(Note(text), CLEAN * accused.probability, summary).because(because(case, change, accused))
}

/// A note on what is not proposed.
fn not(case: &Case, change: &Found<'_, ChangePoint>, accused: &Accused<'_>, what: &str, why: &str) -> Finding {
    let text = format!("{what}: {why}.");
    Finding::new(Note(text.clone()), 1.0, text).because(because(case, change, accused))
}

fn id(accused: &Accused<'_>) -> String {
    shown(accused.id, LONGEST)
}

fn because<'a>(
    case: &'a Case,
    change: &Found<'a, ChangePoint>,
    accused: &Accused<'a>,
) -> impl Iterator<Item = &'a str> {
    let shift = case.most_risen().map(|shift| shift.id);
    std::iter::once(change.id).chain(accused.because.clone()).chain(shift)
}
