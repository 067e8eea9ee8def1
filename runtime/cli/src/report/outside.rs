//! Which conclusions rest on data from outside: what a server or a model somewhere else answered.

use negawatt_host::Tool;
use negawatt_host::model::FindingBody;
use negawatt_host::text::shorten;
use negawatt_planner::Item;

use super::chart::time_label;
use super::{NAME, SHOWN, Told, suspect_name};
use crate::look::{Look, Tone};
use crate::page::{Line, Page};

/// One line, where there are any.
pub(super) fn outside(page: &mut Page<'_>, told: &Told<'_>) {
    if let Some(line) = outside_line(page.look, told) {
        page.section("Outside");
        page.write(line, 0);
    }
}

/// Which conclusions rest on data from outside; `None` where none does.
pub(super) fn outside_line(look: &Look, told: &Told<'_>) -> Option<Line> {
    let mut conclusions: Vec<(String, Vec<Tool>)> = Vec::new();
    for item in told.board.standing() {
        let through: Vec<Tool> = Tool::OUTWARD.into_iter().filter(|tool| item.from.contains(tool)).collect();
        if through.is_empty() {
            continue;
        }
        let what = conclusion(told, item);
        match conclusions.iter_mut().find(|(known, _)| *known == what) {
            Some((_, known)) => known.extend(through.iter().filter(|tool| !known.contains(tool)).collect::<Vec<_>>()),
            None => conclusions.push((what, through)),
        }
    }
    if conclusions.is_empty() {
        return None;
    }
    let shown = conclusions.iter().take(SHOWN).map(|(what, through)| {
        let tools: Vec<_> = through.iter().map(|tool| tool.name()).collect();
        format!("{what} ({})", tools.join(", "))
    });
    let more = match conclusions.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let line = Line::new(look).add(Tone::Unsure, "on data from outside rest: ");
    Some(line.plain(format!("{}{more}", shown.collect::<Vec<_>>().join(", "))))
}

/// What a piece of evidence says, as it is named in a sentence.
pub(super) fn conclusion(told: &Told<'_>, item: &Item) -> String {
    let concluded = told.case.concluded();
    let explains = concluded.and_then(|concluded| concluded.change_point.as_ref()) == Some(&item.evidence.id);
    let short = |text: &str| shorten(text, NAME);
    match &item.evidence.finding.body {
        FindingBody::ChangePoint(_) if explains => "the verdict".to_owned(),
        FindingBody::ChangePoint(change) => format!("a change at {}", time_label(change.time)),
        FindingBody::Dismissal(dismissal) => {
            let won = concluded.and_then(|concluded| concluded.dismissal.as_ref());
            match won.is_some_and(|won| won.reason == dismissal.reason && won.detail == dismissal.detail) {
                true => "the verdict".to_owned(),
                false => format!("the reason {}", dismissal.reason.word()),
            }
        }
        FindingBody::FunctionShift(shift) => format!("the function {}", short(&shift.name)),
        FindingBody::Suspect(suspect) => {
            let ranked =
                told.suspects.iter().find(|ranked| ranked.candidate == suspect.candidate && ranked.id == suspect.id);
            ranked.map_or_else(|| format!("the suspect {}", short(&suspect.id)), suspect_name)
        }
        FindingBody::Mitigation(mitigation) => format!("the mitigation {}", short(&mitigation.strategy)),
        FindingBody::Opportunity(opportunity) => format!("the opportunity {}", short(&opportunity.name)),
        FindingBody::Impact(_) => "what it costs".to_owned(),
        FindingBody::Note(_) => "a note".to_owned(),
        FindingBody::Other(other) => short(&other.name),
    }
}
