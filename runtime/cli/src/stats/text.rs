//! What cases came to as people read it in a terminal.

use negawatt_host::text::shorten;
use negawatt_proposals::{Skill, Stats};

use super::{Told, lasting, power, share, states};
use crate::look::{Look, Tone};
use crate::page::Page;
use crate::report::{NAME, count, grouped};

/// Services and skills that are told, each; `--json` has all.
const MOST: usize = 50;

/// All of it.
pub fn text(told: &Told, look: &Look) -> String {
    let mut page = Page::new(look);
    let tally = &told.tally;
    page.heading(page.line().strong("all cases"));
    if tally.all.cases == 0 {
        let line = page.line().plain("nothing yet; ").add(Tone::Accent, "negawatt investigate incident.json");
        page.heading(line.plain(" opens a case"));
        return page.text();
    }
    figures(&mut page, &tally.all);
    let mut services: Vec<_> = tally.services.iter().collect();
    services.sort_by_key(|(_, stats)| std::cmp::Reverse(stats.cases));
    for (service, stats) in services.iter().take(MOST) {
        page.gap();
        page.heading(page.line().plain("service ").strong(shorten(service, NAME)));
        figures(&mut page, stats);
    }
    more(&mut page, services.len(), "more service");
    let mut skills: Vec<_> = tally.skills.values().collect();
    skills.sort_by_key(|skill| std::cmp::Reverse(skill.stats.cases));
    for skill in skills.iter().take(MOST) {
        page.gap();
        page.heading(page.line().plain("skill ").strong(shorten(&skill.id, NAME)));
        word(&mut page, skill);
        figures(&mut page, &skill.stats);
    }
    more(&mut page, skills.len(), "more skill");
    page.gap();
    page.heading(page.line().strong("how these come about"));
    for (name, formula) in told.formulas() {
        page.heading(page.line().faint(format!("{name}: {formula}")));
    }
    page.text()
}

fn more(page: &mut Page<'_>, all: usize, what: &str) {
    if all > MOST {
        page.gap();
        page.heading(page.line().faint(format!("and {}; --json has all", count(all - MOST, what))));
    }
}

/// How often a skill's word stood.
fn word(page: &mut Page<'_>, skill: &Skill) {
    page.relabel("Its word");
    let known = match skill.known.cases {
        0 => "no case of which that is known".to_owned(),
        cases => format!("{} of which that is known", count(cases as usize, "case")),
    };
    let stood = format!("stood with {:.2}, {known}; counts ×{:.2}", skill.known.mean(), skill.known.weight());
    page.write(page.line().plain(stood), 0);
}

fn figures(page: &mut Page<'_>, stats: &Stats) {
    let counts = stats.proposals;
    let times = [(&stats.to_diagnosis, "to a diagnosis"), (&stats.to_resolution, "to a merged fix")];
    let times = times.map(|(times, what)| format!("{} {what} (median of {})", lasting(times.median()), times.count()));
    let of = |part: Option<f64>, all: u64, what: &str, which: &str| match all {
        0 => share(part),
        all => format!("{} of {}{which}", share(part), count(all as usize, what)),
    };
    let states = states(stats);
    let cases = if states.is_empty() { stats.cases.to_string() } else { format!("{}: {states}", stats.cases) };
    let lines = [
        ("Cases", cases),
        ("Time", times.join(", ")),
        (
            "Proposals",
            format!(
                "{} in {}, {} submitted, {} merged, {} turned down",
                counts.proposed,
                count(stats.with_proposals as usize, "case"),
                counts.submitted,
                counts.merged,
                counts.turned_down
            ),
        ),
        ("No person", of(stats.share_without_person(), stats.submitted, "case", " with a submitted proposal")),
        ("Wrong", of(stats.false_positive_rate(), stats.judged, "regression", " of which that is known")),
        ("Saved", format!("{} h of an engineer", grouped(stats.hours))),
        ("Proposed", format!("{} (estimated)", power(stats.proposed))),
        ("Recovered", format!("{} (measured)", power(stats.recovered))),
    ];
    for (label, line) in lines {
        page.relabel(label);
        page.write(page.line().plain(line), 2);
    }
}
