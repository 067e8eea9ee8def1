//! The suspects with every factor, and what could be better.

use negawatt_host::model::{Candidate, FindingBody};
use negawatt_planner::{Factor, Ranked};

use super::super::header::described;
use super::super::numbers::{count, percent};
use super::super::{NAME, SENTENCE, Told, suspect_name};
use super::course::{Link, Links};
use super::{MOST, clean};

/// Suspects that are shown with their factors.
const SUSPECTS: usize = 30;

/// Factors of one suspect.
const FACTORS: usize = 40;

/// The first suspects are shown open above this probability.
const LIKELY: f64 = 0.1;

/// Files that are named.
const FILES: usize = 20;

/// Candidates that share one distribution.
pub struct Ranking {
    pub heading: Option<&'static str>,
    pub suspects: Vec<Suspect>,
    /// Those that are not shown.
    pub more: Option<String>,
    pub none: String,
    pub none_bar: f64,
    pub none_label: &'static str,
}

/// A candidate.
pub struct Suspect {
    pub open: bool,
    pub confidence: String,
    pub bar: f64,
    pub name: String,
    pub subject: String,
    pub facts: Vec<(&'static str, String)>,
    pub factors: Vec<Weight>,
    pub more: usize,
    /// What all factors come to.
    pub total: String,
    pub total_bar: f64,
    pub tone: &'static str,
    pub together: String,
}

/// A factor of a suspect.
pub struct Weight {
    pub weight: String,
    pub tone: &'static str,
    /// In percent of the weightiest of the page.
    pub bar: f64,
    pub reason: String,
    pub skill: String,
    pub evidence: Vec<Link>,
}

/// Something that could be better.
pub struct Opportunity {
    pub name: String,
    pub numbers: String,
    pub pattern: String,
    pub files: String,
    pub by: String,
}

/// The distributions that have a candidate.
pub fn rankings(told: &Told<'_>, links: &Links) -> Vec<Ranking> {
    let of = |service: bool| -> Vec<&Ranked> {
        told.suspects.iter().filter(|suspect| (suspect.candidate == Candidate::Service) == service).collect()
    };
    let (changes, services) = (of(false), of(true));
    let both = !changes.is_empty() && !services.is_empty();
    let heading = |heading| both.then_some(heading);
    [
        (changes, heading("Commits, settings, experiments"), "none of these"),
        (services, heading("Services"), "none of these services"),
    ]
    .into_iter()
    .filter(|(suspects, ..)| !suspects.is_empty())
    .map(|(suspects, heading, none_label)| ranking(told, links, &suspects, heading, none_label))
    .collect()
}

fn ranking(
    told: &Told<'_>,
    links: &Links,
    suspects: &[&Ranked],
    heading: Option<&'static str>,
    none_label: &'static str,
) -> Ranking {
    let factors = suspects.iter().take(SUSPECTS).flat_map(|suspect| &suspect.factors).map(|factor| factor.log_odds);
    let totals = suspects.iter().take(SUSPECTS).map(|suspect| suspect.log_odds);
    let weightiest = factors.chain(totals).map(f64::abs).fold(f64::MIN_POSITIVE, f64::max);
    let (shown, others) = suspects.split_at(suspects.len().min(SUSPECTS));
    let more = others.first().map(|first| {
        format!("and {}, {} at most each", count(others.len(), "more suspect"), percent(first.confidence))
    });
    let known: f64 = suspects.iter().map(|suspect| suspect.confidence).sum();
    let none = (1.0 - known).clamp(0.0, 1.0);
    let shown = shown.iter().enumerate();
    let shown = shown.map(|(n, suspect)| one(told, links, suspect, weightiest, n == 0 || suspect.confidence >= LIKELY));
    Ranking { heading, suspects: shown.collect(), more, none: percent(none), none_bar: none * 100.0, none_label }
}

fn one(told: &Told<'_>, links: &Links, suspect: &Ranked, weightiest: f64, open: bool) -> Suspect {
    let described = described(told, suspect.candidate, &suspect.id);
    let mut facts = Vec::new();
    facts.extend(suspect.author.as_ref().map(|author| ("Author", clean(author, 2 * NAME))));
    facts.extend(described.as_ref().map(|(_, when)| ("When (UTC)", clean(when, NAME))));
    facts.push((if suspect.candidate == Candidate::Commit { "Hash" } else { "Id" }, clean(&suspect.id, 2 * NAME)));
    let repository = suspect.repository.as_ref().filter(|repository| *repository != "default");
    facts.extend(repository.map(|repository| ("Repository", clean(repository, NAME))));
    if !suspect.files.is_empty() {
        facts.push(("Files that tie it to the regression", files(&suspect.files)));
    }
    let sum: f64 = suspect.factors.iter().map(|factor| factor.log_odds).sum();
    let chance = percent(suspect.confidence);
    let together = match (sum - suspect.log_odds).abs() < 0.05 {
        true => format!("together, which makes {chance}"),
        false => format!(
            "counts, which makes {chance}; the factors add up to {sum:+.1}, but what rests on the same data counts once, and one \
             step for at most 8"
        ),
    };
    let bar = |log_odds: f64| (log_odds.abs() / weightiest * 100.0).min(100.0);
    let weight = |factor: &Factor| Weight {
        weight: odds(factor.log_odds),
        tone: side(factor.log_odds),
        bar: bar(factor.log_odds),
        reason: clean(&factor.reason, 2 * SENTENCE),
        skill: clean(&factor.skill, NAME),
        evidence: links.to([&factor.evidence]),
    };
    Suspect {
        open,
        confidence: chance,
        bar: suspect.confidence * 100.0,
        name: clean(&suspect_name(suspect), 2 * NAME),
        subject: described.map_or(String::new(), |(subject, _)| clean(&subject, 2 * NAME)),
        facts,
        factors: suspect.factors.iter().take(FACTORS).map(weight).collect(),
        more: suspect.factors.len().saturating_sub(FACTORS),
        total: odds(suspect.log_odds),
        total_bar: bar(suspect.log_odds),
        tone: side(suspect.log_odds),
        together,
    }
}

/// Log odds with a minus that is as wide as the plus.
fn odds(log_odds: f64) -> String {
    format!("{log_odds:+.1}").replace('-', "−")
}

fn side(log_odds: f64) -> &'static str {
    if log_odds < 0.0 { "against" } else { "for" }
}

fn files(files: &[String]) -> String {
    let named: Vec<_> = files.iter().take(FILES).map(|file| clean(file, 2 * NAME)).collect();
    let more = match files.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", named.join(", "))
}

/// What could be better, the greatest saving first.
pub fn opportunities(told: &Told<'_>) -> Vec<Opportunity> {
    let found = told.board.bodies(|body| match body {
        FindingBody::Opportunity(opportunity) => Some(opportunity),
        _ => None,
    });
    let mut found: Vec<_> = found.collect();
    found.sort_by(|(_, a), (_, b)| b.saving_high.total_cmp(&a.saving_high));
    let share = |share: f64| format!("{:.1} %", share * 100.0);
    found
        .into_iter()
        .take(MOST)
        .map(|(item, opportunity)| Opportunity {
            name: clean(&opportunity.name, SENTENCE),
            numbers: format!(
                "{} of samples; a fix is expected to save {} to {} of all.",
                share(opportunity.share),
                share(opportunity.saving_low),
                share(opportunity.saving_high)
            ),
            pattern: clean(&opportunity.pattern, 2 * SENTENCE),
            files: files(&opportunity.files),
            by: format!("{}, {}", percent(item.evidence.finding.confidence), clean(&item.evidence.by, NAME)),
        })
        .collect()
}
