//! What cases came to as one self-contained page with charts: it loads nothing and runs nothing.
//!
//! Names of services and skills come from outside. They get into the page as text alone, escaped by the template; see
//! [`crate::report::html`].

use askama::Template;
use negawatt_casebook::Verdict;
use negawatt_host::time;
use negawatt_proposals::{Every, PERIODS, Skill, Stats, VERDICTS};

use super::chart::{Chart, bars, lines};
use super::{Told, lasting, power, share, states};
use crate::report::html::{CSS, Fact, HIGH, WIDE, clean, policy};
use crate::report::{NAME, count, digits, grouped, minute_label};

/// Services and skills that have a row, each; `--json` has all.
const MOST: usize = 100;

#[derive(Template)]
#[template(path = "stats.html")]
struct Page {
    policy: String,
    css: &'static str,
    made: String,
    every: &'static str,
    wide: f64,
    high: f64,
    facts: Vec<Fact>,
    verdicts: Option<Chart>,
    cores: Option<Chart>,
    periods: Vec<Row>,
    /// How many there are, where earlier ones may be missing.
    last_periods: Option<usize>,
    services: Vec<Row>,
    more_services: usize,
    skills: Vec<OfSkill>,
    more_skills: usize,
    formulas: Vec<(&'static str, String)>,
}

/// The figures of some cases.
struct Row {
    name: String,
    cases: u64,
    states: String,
    diagnosis: String,
    resolution: String,
    proposals: String,
    without_person: String,
    wrong: String,
    hours: String,
    proposed: String,
    recovered: String,
}

/// A skill, and how often its word stood.
struct OfSkill {
    known: u64,
    stood: String,
    weight: String,
    row: Row,
}

/// The page. An error of a template is one of this program.
pub fn page(told: &Told) -> Result<String, askama::Error> {
    let tally = &told.tally;
    let (every, periods) = tally.periods();
    let labels: Vec<String> = periods.iter().map(|(begin, _)| label(every, *begin)).collect();
    let mut services: Vec<_> = tally.services.iter().collect();
    services.sort_by_key(|(_, stats)| std::cmp::Reverse(stats.cases));
    let mut skills: Vec<_> = tally.skills.values().collect();
    skills.sort_by_key(|skill| std::cmp::Reverse(skill.stats.cases));
    let page = Page {
        policy: policy(),
        css: CSS,
        made: minute_label(told.now),
        every: every.word(),
        wide: WIDE,
        high: HIGH,
        facts: facts(&tally.all),
        verdicts: verdicts(&labels, &periods),
        cores: cores(&labels, &tally.earlier(), &periods),
        periods: labels.iter().zip(&periods).map(|(label, (_, stats))| row(label, stats)).collect(),
        last_periods: Some(periods.len()).filter(|count| *count == PERIODS),
        more_services: services.len().saturating_sub(MOST),
        services: services.into_iter().take(MOST).map(|(name, stats)| row(name, stats)).collect(),
        more_skills: skills.len().saturating_sub(MOST),
        skills: skills.into_iter().take(MOST).map(of_skill).collect(),
        formulas: told.formulas().to_vec(),
    };
    page.render()
}

/// A week by its Monday, a month by its name.
fn label(every: Every, begin: i64) -> String {
    let day = time::rfc3339(begin);
    let long = match every {
        Every::Week => 10,
        Every::Month => 7,
    };
    day.get(..long).unwrap_or(&day).to_owned()
}

fn facts(all: &Stats) -> Vec<Fact> {
    let fact = |label, value, notes: Vec<String>| Fact { label, tone: "", value, notes };
    let counts = all.proposals;
    let times = |of: &negawatt_proposals::Times| vec![format!("median of {}", of.count())];
    let proposals = vec![
        format!("{} submitted, {} merged, {} turned down", counts.submitted, counts.merged, counts.turned_down),
        format!("in {}", count(all.with_proposals as usize, "case")),
    ];
    let unattended = vec![format!("of {} with a submitted proposal", count(all.submitted as usize, "case"))];
    let wrong = vec![format!("of {} of which that is known", count(all.judged as usize, "regression"))];
    vec![
        fact("Cases", all.cases.to_string(), vec![states(all)]),
        fact("To a diagnosis", lasting(all.to_diagnosis.median()), times(&all.to_diagnosis)),
        fact("To a merged fix", lasting(all.to_resolution.median()), times(&all.to_resolution)),
        fact("Engineer hours saved", grouped(all.hours), Vec::new()),
        fact("Proposals", counts.proposed.to_string(), proposals),
        fact("Without a person", share(all.share_without_person()), unattended),
        fact("False positives", share(all.false_positive_rate()), wrong),
        fact("Proposed", power(all.proposed), vec!["estimated".to_owned()]),
        fact("Recovered", power(all.recovered), vec!["measured".to_owned()]),
    ]
}

fn row(name: &str, stats: &Stats) -> Row {
    let counts = stats.proposals;
    Row {
        name: clean(name, 2 * NAME),
        cases: stats.cases,
        states: states(stats),
        diagnosis: lasting(stats.to_diagnosis.median()),
        resolution: lasting(stats.to_resolution.median()),
        proposals: format!("{} / {} / {} / {}", counts.proposed, counts.submitted, counts.merged, counts.turned_down),
        without_person: share(stats.share_without_person()),
        wrong: share(stats.false_positive_rate()),
        hours: grouped(stats.hours),
        proposed: power(stats.proposed),
        recovered: power(stats.recovered),
    }
}

fn of_skill(skill: &Skill) -> OfSkill {
    OfSkill {
        known: skill.known.cases,
        stood: format!("{:.2}", skill.known.mean()),
        weight: format!("{:.2}", skill.known.weight()),
        row: row(&skill.id, &skill.stats),
    }
}

/// Cases by verdict.
fn verdicts(labels: &[String], periods: &[(i64, Stats)]) -> Option<Chart> {
    let kind = |verdict: Verdict| {
        let class = match verdict {
            Verdict::Regression => "bar-bad",
            Verdict::Opportunity => "bar-good",
            Verdict::Dismissed => "bar-faint",
            Verdict::Inconclusive => "bar-unsure",
        };
        (class, verdict.name(), periods.iter().map(|(_, stats)| stats.with(verdict)).collect())
    };
    bars(labels, &VERDICTS.map(kind))
}

/// Cores that were proposed and recovered, added up, from what was before the first week or month on.
fn cores(labels: &[String], earlier: &[&Stats], periods: &[(i64, Stats)]) -> Option<Chart> {
    let sums = |of: fn(&Stats) -> f64| {
        let before: f64 = earlier.iter().copied().map(of).sum();
        let add = |sum: &mut f64, (_, stats): &(i64, Stats)| {
            *sum += of(stats);
            Some(*sum)
        };
        periods.iter().scan(before, add).collect()
    };
    let (proposed, recovered): (Vec<f64>, Vec<f64>) = (sums(|of| of.proposed.cores), sums(|of| of.recovered.cores));
    let last = |sums: &[f64]| digits(sums.last().copied().unwrap_or(0.0));
    let labelled = [
        format!("proposed (estimated), {} cores", last(&proposed)),
        format!("recovered (measured), {} cores", last(&recovered)),
    ];
    lines(labels, &[("before", &labelled[0], proposed), ("line-good", &labelled[1], recovered)])
}

#[cfg(test)]
mod tests {
    use negawatt_casebook::Cost;

    use super::*;

    #[test]
    fn what_adds_up_begins_with_what_was_before() {
        let of = |proposed: f64, recovered: f64| {
            let cost = |cores| Cost { cores, watts: 4.0 * cores };
            let mut stats = Stats::default();
            (stats.proposed, stats.recovered) = (cost(proposed), cost(recovered));
            stats
        };
        let labels = ["2026-01".to_owned(), "2026-02".to_owned()];
        let periods = [(0, of(10.0, 0.0)), (1, of(10.0, 10.0))];
        let (first, second) = (of(15.0, 5.0), of(5.0, 5.0));
        let chart = cores(&labels, &[&first, &second], &periods).unwrap();
        let told: Vec<_> = chart.parts.iter().map(|part| (part.label.as_str(), part.path.as_str())).collect();
        // 30 and 40 of 40; 10 and 20 of 40.
        assert_eq!(
            told,
            [
                ("proposed (estimated), 40 cores", "M62.5 75.0h0L187.5 0.0"),
                ("recovered (measured), 20 cores", "M62.5 225.0h0L187.5 150.0"),
            ]
        );
        assert!(cores(&labels, &[], &[(0, of(0.0, 0.0)), (1, of(0.0, 0.0))]).is_none());
    }
}
