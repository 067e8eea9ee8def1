//! Fetches what the ranking needs, the most telling first, within what the call may spend.

use std::collections::{BTreeSet, HashMap};

use negawatt_skill::changes::{Commit, FileDiff};
use negawatt_skill::code::{CodeMatch, FileOutline};
use negawatt_skill::commits::{list, merges};
use negawatt_skill::configs::ConfigChange;
use negawatt_skill::gather::Purse;
use negawatt_skill::{Error, Window, profiles};

use crate::candidate::Candidate;
use crate::definition::{Kind, announced};
use crate::deploys::{deployments, settings};
use crate::frame::Frame;
use crate::kind::{CommitKind, FileKind, of_path};
use crate::language::Language;
use crate::matching::{Place, place, strength};
use crate::rank::{Question, by_time, rank};
use crate::regression::Regression;

/// The tools that the skill uses, so that the rest can be tried with histories made in memory.
pub trait Tools {
    /// `changes.list` of all repositories.
    fn list(&self, window: Window) -> Result<Vec<Commit>, Error>;
    /// `changes.diff`.
    fn diff(&self, repository: &str, id: &str) -> Result<Vec<FileDiff>, Error>;
    /// `code.outline`.
    fn outline(&self, repository: &str, path: &str, revision: &str) -> Result<FileOutline, Error>;
    /// `code.search` in the whole repository.
    fn search(&self, repository: &str, pattern: &str) -> Result<Vec<CodeMatch>, Error>;
    /// `profiles.query`.
    fn profile(&self, service: &str, window: Window) -> Result<profiles::Profile, Error>;
    /// `configs.history` of all keys.
    fn configs(&self, window: Window) -> Result<Vec<ConfigChange>, Error>;
    /// A line for whoever reads the case.
    fn warn(&self, _: &str) {}
}

/// More diffs than that say nothing new: the likeliest commits are among them.
const MOST_DIFFS: u32 = 150;
/// Files outlined for one commit.
const MOST_FILES: usize = 6;
/// Commits whose files are outlined.
const MOST_READ: usize = 40;
/// Risen functions whose definitions are searched.
const MOST_NAMES: usize = 16;

/// All commits of the window in which a cause can lie with what could be found out of the likeliest, in `tool_calls` calls. Completes the question's
/// regression. Empty if there is no commit.
///
/// Errors of the list of commits, without which nothing can be said, are passed on.
pub fn gather(tools: &dyn Tools, question: &mut Question, tool_calls: u32) -> Result<Vec<Candidate>, Error> {
    let reach = question.began.reach(question.window);
    let listing = list(reach, question.change, tool_calls / 2, |window| tools.list(window))?;
    let mut purse = Purse::new(tool_calls.saturating_sub(listing.questions));
    if let Some(warning) = listing.warning("commits") {
        tools.warn(&warning);
    }
    let mut candidates: Vec<Candidate> = listing.kept.into_iter().map(Candidate::new).collect();
    if candidates.is_empty() {
        return Ok(candidates);
    }
    let changes = settings(reach, question.change, &mut purse, |window| tools.configs(window))?;
    let commits: Vec<&Commit> = candidates.iter().map(|candidate| &candidate.commit).collect();
    question.deployments = deployments(&changes, &question.service, &commits);
    let (service, window, change) = (question.service.clone(), question.window, question.change);
    let mut homes = Homes::default();
    if let Some(regression) = &mut question.regression {
        if let Some(profile) = purse.ask(|| tools.profile(&service, window))? {
            // A profile that makes no sense adds nothing; the shifts alone still do.
            let _ = regression.add_profile(&profile, change);
        }
        homes = Homes::search(tools, &mut purse, regression, &candidates)?;
        regression.attribute(&homes.ours(regression, &candidates));
    }
    // Diffs of the likeliest by time and paths; a third is kept for outlines of files.
    let diffs =
        if question.regression.is_some() { purse.left() - purse.left() / 3 } else { purse.left() }.min(MOST_DIFFS);
    let telling = telling(&candidates);
    let order = by_first_look(question, &candidates, &homes).into_iter().filter(|&at| telling[at]);
    for at in order.take(diffs as usize) {
        let commit = &candidates[at].commit;
        if let Some(diff) = purse.ask(|| tools.diff(&commit.repository, &commit.id))? {
            candidates[at].add_diff(diff);
        }
    }
    outline_files(tools, &mut purse, question, &mut candidates)?;
    if let Some(regression) = &mut question.regression {
        regression.attribute(&homes.ours(regression, &candidates));
    }
    Ok(candidates)
}

/// Asks what the files of the likeliest commits define, where that may tell which functions the commits change.
fn outline_files(
    tools: &dyn Tools,
    purse: &mut Purse,
    question: &Question,
    candidates: &mut [Candidate],
) -> Result<(), Error> {
    let Some(regression) = &question.regression else { return Ok(()) };
    for ranked in rank(question, candidates).into_iter().take(MOST_READ) {
        let candidate = &mut candidates[ranked.candidate];
        let mut paths: Vec<(bool, String)> = candidate
            .diff
            .iter()
            .flatten()
            .filter(|diff| !diff.hunks.is_empty() && matches!(of_path(&diff.file.path), FileKind::Code(_)))
            .filter(|diff| !candidate.has_outline(&diff.file.path))
            .map(|diff| diff.file.path.clone())
            .filter_map(|path| {
                let places = || regression.risen.iter().map(|risen| place(&risen.frame, &path));
                let near = places().any(|place| matches!(place, Place::Same | Place::Near));
                (near || places().any(|place| place == Place::Unknown)).then_some((!near, path))
            })
            .collect();
        paths.sort();
        for (_, path) in paths.into_iter().take(MOST_FILES) {
            let (repository, id) = (candidate.commit.repository.clone(), candidate.commit.id.clone());
            if let Some(outline) = purse.ask(|| tools.outline(&repository, &path, &id))? {
                candidate.add_outline(&path, &outline);
            }
        }
    }
    Ok(())
}

/// Whether a commit's diff can tell anything: not of one that touches only what does not run, nor of a merge whose commits are
/// candidates themselves.
fn telling(candidates: &[Candidate]) -> Vec<bool> {
    let brought = merges(&candidates.iter().map(|candidate| &candidate.commit).collect::<Vec<_>>()).brought;
    let runs = |candidate: &Candidate| !matches!(candidate.kind, CommitKind::Only(_) | CommitKind::Empty);
    candidates.iter().zip(brought).map(|(candidate, brought)| brought.is_empty() && runs(candidate)).collect()
}

/// The order in which diffs are worth fetching: by time, and by whether paths are near to what got slower.
fn by_first_look(question: &Question, candidates: &[Candidate], homes: &Homes) -> Vec<usize> {
    let by_time = by_time(question, candidates);
    let tie = |candidate: &Candidate| {
        let code = candidate.commit.files.iter().filter(|file| matches!(of_path(&file.path), FileKind::Code(_)));
        let mut best: f64 = -4.0;
        for file in code {
            let near = question.regression.iter().flat_map(|regression| &regression.risen).map(|risen| {
                let home = homes.holds(&candidate.commit.repository, &risen.raw, &file.path);
                match place(&risen.frame, &file.path) {
                    _ if home => 3.0,
                    Place::Same => 3.0 * risen.blame.max(0.5),
                    Place::Near => 1.0,
                    Place::Unknown => 0.5,
                    Place::Other => -1.0,
                }
            });
            best = near.fold(best.max(-1.0), f64::max);
        }
        best
    };
    let scores: Vec<f64> = candidates.iter().zip(by_time).map(|(candidate, time)| time + tie(candidate)).collect();
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    order
}

/// Where risen functions are defined, at the branch's tip: repository, the frame's name, path.
#[derive(Default)]
struct Homes(BTreeSet<(String, String, String)>);

impl Homes {
    fn search(
        tools: &dyn Tools,
        purse: &mut Purse,
        regression: &Regression,
        candidates: &[Candidate],
    ) -> Result<Homes, Error> {
        let mut homes = Homes::default();
        let mut names: Vec<(&str, f64)> = Vec::new();
        for risen in &regression.risen {
            let plain = risen.frame.name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if plain && !names.iter().any(|(name, _)| *name == risen.frame.name) {
                names.push((&risen.frame.name, risen.blame));
            }
        }
        names.sort_by(|a, b| b.1.total_cmp(&a.1));
        let names: Vec<&str> = names.into_iter().map(|(name, _)| name).take(MOST_NAMES).collect();
        if names.is_empty() {
            return Ok(homes);
        }
        let pattern = format!(r"\b(?:{})\b\s*(?:<[^()]*>|\[[^()]*\])?\s*[(=:]", names.join("|"));
        let repositories: BTreeSet<&str> = candidates.iter().map(|c| c.commit.repository.as_str()).collect();
        for repository in repositories.into_iter().take(3) {
            let matches = purse.ask(|| tools.search(repository, &pattern))?.unwrap_or_default();
            for found in matches {
                let Some(language) = Language::of_path(&found.path) else { continue };
                let Some(definition) = announced(&found.text, language).filter(|d| d.kind == Kind::Function) else {
                    continue;
                };
                for risen in regression.risen.iter().filter(|risen| risen.frame.name == definition.name) {
                    if place(&risen.frame, &found.path) != Place::Other {
                        homes.0.insert((repository.to_owned(), risen.raw.clone(), found.path.clone()));
                    }
                }
            }
        }
        Ok(homes)
    }

    fn holds(&self, repository: &str, raw: &str, path: &str) -> bool {
        self.0.contains(&(repository.to_owned(), raw.to_owned(), path.to_owned()))
    }

    /// Which risen functions are defined in the repositories, or changed by a candidate. All of them if none is known to be.
    fn ours(&self, regression: &Regression, candidates: &[Candidate]) -> Vec<bool> {
        let mut changed: HashMap<&str, Vec<_>> = HashMap::new();
        for touched in candidates.iter().flat_map(|candidate| &candidate.touched) {
            changed.entry(&touched.name).or_default().push(touched);
        }
        let mut ours: Vec<bool> = regression
            .risen
            .iter()
            .map(|risen| {
                let touched = changed.get(risen.frame.name.as_str()).into_iter().flatten();
                self.0.iter().any(|(_, raw, _)| *raw == risen.raw)
                    || touched.into_iter().any(|touched| strength(&risen.frame, touched) > 0.4)
            })
            .collect();
        // Functions of the same package are ours as well: a definition may be hidden by a macro or a decorator.
        let packages: BTreeSet<&[String]> = ours
            .iter()
            .zip(&regression.risen)
            .filter_map(|(ours, risen)| package(&risen.frame).filter(|_| *ours))
            .collect();
        let shared: Vec<bool> = regression
            .risen
            .iter()
            .map(|risen| package(&risen.frame).is_some_and(|package| packages.contains(package)))
            .collect();
        ours.iter_mut().zip(shared).for_each(|(ours, shared)| *ours |= shared);
        if ours.iter().any(|&ours| ours) { ours } else { vec![true; ours.len()] }
    }
}

/// The segments that name whose code it is: the first one, after those that are parts of a domain.
fn package(frame: &Frame) -> Option<&[String]> {
    const DOMAINS: [&str; 9] = ["com", "org", "net", "io", "de", "dev", "github", "gitlab", "golang"];
    let first = frame.segments.iter().position(|segment| !DOMAINS.contains(&segment.as_str()))?;
    // A lone segment is as often a type as a package.
    (frame.segments.len() > 1).then(|| &frame.segments[..=first])
}
