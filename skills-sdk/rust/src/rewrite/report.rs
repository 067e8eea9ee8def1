//! From the commits that are suspected to proposals.

use super::gather::files;
use super::{Done, Draft, Heat, Language, Tools};
use crate::format::shown;
use crate::gather::Purse;
use crate::time::MINUTE;
use crate::{Candidate, Case, Duration, Error, Finding, Mitigation, Note};

/// A way to make code cheaper without changing what it does.
pub struct Strategy {
    /// Its name, as reviewers know it.
    pub name: &'static str,
    /// Rewrites what of a file may be rewritten.
    pub rewrite: fn(&mut Draft<'_>) -> Result<(), Error>,
    /// How one sees that it helped: a sentence or two.
    pub validation: &'static str,
}

/// Bytes of a patch: more is no rewrite of a few places.
const MOST_BYTES: usize = 200_000;
/// How soon a step must be undone: code that is deployed works at once, and half an hour tells that from chance.
const SOON: Duration = 30 * MINUTE as Duration;
/// Reasons that a note gives, and characters of each.
const MOST_REASONS: usize = 5;
const LONGEST: usize = 240;

/// One mitigation for each suspected commit of which a strategy rewrites something, and a note for one of which it would, but for what
/// the tree does not show. In at most so many calls of tools as the case has left.
///
/// The confidence is the probability of the suspect, times how probable its likeliest place is ([`Draft::place`]), times how sure the least sure
/// rewrite is.
pub fn propose(tools: &dyn Tools, strategy: &Strategy, case: &Case) -> Result<Vec<Finding>, Error> {
    let heat = Heat::of(case);
    let mut purse = Purse::new(case.budget.tool_calls);
    let mut findings = Vec::new();
    for one in case.likely_causes(&[Candidate::Commit]) {
        let Some(repository) = one.repository else { continue };
        let (mut patch, mut all, mut refused) = (String::new(), Vec::new(), Vec::new());
        for file in files(tools, &mut purse, repository, &one, &heat)? {
            let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let mut elsewhere = |name: &str| {
                // Only Go shares names between files.
                if file.language != Language::Go {
                    return Ok(Some(false));
                }
                purse.ask(|| tools.has(repository, &format!(r"\b{name}\b"), folder))
            };
            let mut draft = Draft::new(&file, &heat, &mut elsewhere);
            (strategy.rewrite)(&mut draft)?;
            let (edits, done, why) = draft.finish();
            refused.extend(why);
            match edits.patch(&file.path, file.tree.text()) {
                Ok(part) if !part.is_empty() && patch.len() + part.len() <= MOST_BYTES => {
                    patch += &part;
                    all.extend(done);
                }
                Ok(_) => {}
                Err(error) => refused.push(error.text().to_owned()),
            }
        }
        let ids = one.because.iter().copied().chain(heat.evidence());
        if !all.is_empty() {
            let place = all.iter().map(|done| done.place).fold(0.0, f64::max);
            let sure = all.iter().map(|done| done.sure).fold(1.0, f64::min);
            let mitigation = Mitigation {
                strategy: strategy.name.to_owned(),
                target: one.id.to_owned(),
                patch: Some(patch),
                setting: None,
                validation: validation(strategy, case),
            };
            findings.push(Finding::new(mitigation, one.probability * place * sure, summary(&all)).because(ids));
        } else if !refused.is_empty() {
            let reasons: Vec<String> = refused.iter().take(MOST_REASONS).map(|why| shown(why, LONGEST)).collect();
            let text = format!(
                "{} was looked at for {} and left alone: {}.",
                one.id.get(..10).unwrap_or(one.id),
                strategy.name,
                reasons.join("; ")
            );
            let summary = format!("Nothing is proposed for {}: {}", strategy.name, reasons[0]);
            findings.push(Finding::new(Note(text), one.probability, summary).because(ids));
        }
        if findings.len() >= case.budget.findings as usize {
            break;
        }
    }
    findings.truncate(case.budget.findings as usize);
    Ok(findings)
}

/// How one sees that it helped: by the incident's metric, where a change of it is shown, and by what the strategy says.
fn validation(strategy: &Strategy, case: &Case) -> String {
    let by_metric = case.explaining_change().map(|change| case.validation(&change, "the patch runs everywhere", SOON));
    by_metric.into_iter().chain([strategy.validation.to_owned()]).collect::<Vec<_>>().join(" ")
}

/// What was done, in a line.
fn summary(all: &[Done]) -> String {
    let told = |done: &Done| {
        let what = shown(&done.what, LONGEST);
        format!("{what} in line {} of {}", done.line, shown(&done.path, LONGEST))
    };
    let first = all.first().map(told).unwrap_or_default();
    match all.len() {
        1 => format!("{first}."),
        count => format!("{first}, and {} more.", count - 1),
    }
}
