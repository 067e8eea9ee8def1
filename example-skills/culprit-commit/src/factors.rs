//! What speaks for and against one commit: each factor a natural logarithm of a likelihood ratio, with its reason.

use std::collections::HashSet;

use negawatt_skill::Timestamp;
use negawatt_skill::format::percent;
use negawatt_skill::time::length;
use negawatt_skill::timing::ChangeTime;

use crate::candidate::Candidate;
use crate::deploys::{Live, live};
use crate::kind::{self, CommitKind, FileKind};
use crate::overlap::{How, Overlap};
use crate::rank::Question;
use crate::regression::Regression;

/// One thing that speaks for or against a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// One sentence: why.
    pub reason: String,
    /// Natural logarithm of the likelihood ratio against "none of the candidates".
    pub log_odds: f64,
}

fn factor(log_odds: f64, reason: String) -> Option<Factor> {
    Some(Factor { reason, log_odds })
}

/// A name or a path from a repository or a profile, fit to be shown.
pub fn shown(text: &str) -> String {
    negawatt_skill::format::shown(text, 100)
}

/// When it landed, and how many others did about then.
pub fn time(
    question: &Question,
    candidate: &Candidate,
    merged: Option<Timestamp>,
    log_odds: f64,
    times: &[Timestamp],
) -> Option<Factor> {
    let landed = merged.unwrap_or(candidate.commit.time);
    let age = length(question.change.abs_diff(landed));
    let verb = if merged.is_some() { "was merged" } else { "landed" };
    let side = if landed <= question.change { "before" } else { "after" };
    let rivals = times.iter().filter(|&&time| time <= question.change && time > landed).count();
    let between = match rivals {
        _ if landed > question.change => String::new(),
        0 => ", and no other commit in between".into(),
        1 => ", with one other commit in between".into(),
        many => format!(", with {many} others in between"),
    };
    let vague = question.began.told();
    let went_live = match live(&question.deployments, &candidate.commit.repository, landed) {
        Live::With(with) => {
            let side = if with.live <= question.change { "before" } else { "after" };
            let age = length(question.change.abs_diff(with.live));
            format!(" `{}` says that it went live {age} {side} it.", shown(&with.key))
        }
        Live::Unknown => String::new(),
        Live::Unrecorded => " No deployment that is recorded holds it.".into(),
    };
    factor(log_odds, format!("It {verb} {age} {side} the change was seen{vague}{between}.{went_live}"))
}

/// Whether it can change what runs.
pub fn kind(candidate: &Candidate) -> Option<Factor> {
    let reason = match &candidate.kind {
        CommitKind::Program => {
            let code = candidate.commit.files.iter().filter(|f| matches!(kind::of_path(&f.path), FileKind::Code(_)));
            format!("It changes code that runs, in {} of its {} files.", code.count(), candidate.commit.files.len())
        }
        CommitKind::Empty => "It touches no file.".into(),
        CommitKind::Only(what) => format!("It touches only {what}."),
        CommitKind::NoCode(what) => format!("In code it {what}."),
        CommitKind::Build => "It touches only dependencies and build files.".into(),
        CommitKind::Other => "It touches no code, only data or settings.".into(),
    };
    factor(candidate.kind.log_odds(), reason)
}

/// What it has to do with the functions that got slower.
pub fn functions(overlap: &Overlap, regression: &Regression, candidate: &Candidate) -> Option<Factor> {
    let Some(risen) = overlap.risen.map(|at| &regression.risen[at]) else {
        // What is no code was told already.
        let code = candidate.commit.files.iter().any(|f| matches!(kind::of_path(&f.path), FileKind::Code(_)));
        let reason = match (code, &overlap.how) {
            (false, _) => return None,
            (true, How::Steady) => "The functions that it changes are in the profiles and did not get slower.",
            (true, _) => "It changes none of the functions that got slower, nor their files.",
        };
        return factor(overlap.log_odds, reason.into());
    };
    let (name, (before, after)) = (shown(&risen.raw), risen.inclusive);
    let path = overlap.files.first().map(|path| shown(path)).unwrap_or_default();
    let rose = format!("`{name}`, whose share of samples rose from {} to {}", percent(before), percent(after));
    let own = risen.own.1 - risen.own.0;
    let by_itself = if own > 0.3 * (after - before) {
        format!(" ({} to {} in its own lines)", percent(risen.own.0), percent(risen.own.1))
    } else {
        String::new()
    };
    let reason = match &overlap.how {
        How::Body => format!("It changes, in {path}, the function {rose}{by_itself}."),
        How::Namesake => format!("It changes, in {path}, a function that bears the name of {rose}{by_itself}."),
        How::Uses(used) => format!("It changes `{}` in {path}, which is used by {rose}{by_itself}.", shown(used)),
        How::Type(owner) => {
            format!("It changes the type `{}` in {path}, to which belongs {rose}{by_itself}.", shown(owner))
        }
        _ => format!("It changes {path}, the file of {rose}, but not that function as far as can be seen."),
    };
    factor(overlap.log_odds, reason)
}

/// How much it changes, where nothing better is known.
pub fn size(candidate: &Candidate) -> Option<Factor> {
    let code = candidate.commit.files.iter().filter(|file| matches!(kind::of_path(&file.path), FileKind::Code(_)));
    let lines: u32 = code.map(|file| file.added.saturating_add(file.removed)).fold(0, u32::saturating_add);
    let log_odds = (0.12 * (f64::from(lines) / 10.0).max(0.2).ln()).min(0.4);
    let reason = format!("It changes {lines} lines of code; which functions got slower is not known.");
    if lines == 0 { None } else { factor(log_odds, reason) }
}

/// What the changed lines do.
pub fn work(candidate: &Candidate, overlap: Option<&Overlap>) -> Option<Factor> {
    let tied = overlap.filter(|overlap| {
        let known = !overlap.lines.0.is_empty() || !overlap.lines.1.is_empty();
        known && matches!(overlap.how, How::Body | How::Type(_) | How::Uses(_))
    });
    let (log_odds, names) = match tied {
        Some(overlap) => crate::work::weigh(&overlap.lines.0, &overlap.lines.1),
        // Away from what got slower it says half as much, and less if what got slower is known.
        None => {
            let added = candidate.touched.iter().flat_map(|touched| &touched.added);
            let (log_odds, names) =
                crate::work::weigh(added, candidate.touched.iter().flat_map(|touched| &touched.removed));
            (log_odds * if overlap.is_some() { 0.2 } else { 0.5 }, names)
        }
    };
    let place = if tied.is_some() { "there" } else { "somewhere" };
    let reason = match names.as_slice() {
        [] => format!("Its lines take away work {place}."),
        names => format!("Its lines change work {place}: {}.", names.join(", ")),
    };
    if candidate.touched.is_empty() { None } else { factor(log_odds, reason) }
}

/// What it does to dependencies and how things are built.
pub fn dependency(candidate: &Candidate, regression: Option<&Regression>) -> Option<Factor> {
    let regression = regression?;
    let built = candidate.diff.iter().flatten().filter(|diff| kind::of_path(&diff.file.path) == FileKind::Build);
    let changed: HashSet<String> = built
        .flat_map(|diff| &diff.hunks)
        .flat_map(|hunk| hunk.text.lines().filter(|line| line.starts_with('+') || names_package(line)))
        .flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')))
        .filter(|word| word.len() > 2)
        .map(|word| word.replace('-', "_").to_lowercase())
        .collect();
    let theirs = regression.risen.iter().filter(|risen| {
        let package = risen.frame.segments.first().map(|package| package.to_lowercase());
        !risen.ours && package.is_some_and(|package| changed.contains(&package))
    });
    let own = |own: (f64, f64)| (own.1 - own.0).max(0.0);
    let Some(risen) = theirs.max_by(|a, b| own(a.own).total_cmp(&own(b.own))) else {
        let only = candidate.commit.files.iter().all(|file| !matches!(kind::of_path(&file.path), FileKind::Code(_)));
        let built = candidate.commit.files.iter().any(|file| kind::of_path(&file.path) == FileKind::Build);
        let reason = "Nothing that got slower is known to belong to a dependency that it changes.";
        return if only && built { factor(-1.2, reason.into()) } else { None };
    };
    let reason = format!(
        "It changes the version of a dependency that `{}` is in, whose share of samples rose from {} to {}.",
        shown(&risen.raw),
        percent(risen.inclusive.0),
        percent(risen.inclusive.1)
    );
    let rise = own(risen.inclusive).max(f64::MIN_POSITIVE);
    factor(0.8 + 1.7 * (own(risen.own) / rise).min(1.0), reason)
}

/// A line around a change that names the package, as lock files have it.
fn names_package(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("name = ") || line.starts_with("\"node_modules/")
}

/// Whether one of its paths has the service's name as a folder.
pub fn in_service(candidate: &Candidate, service: &str) -> bool {
    !service.is_empty() && candidate.paths().any(|path| path.split('/').rev().skip(1).any(|folder| folder == service))
}

/// Whether it touches the service's folder, in a repository that has one for each.
pub fn service(candidate: &Candidate, service: &str, monorepo: bool, stacks_known: bool) -> Option<Factor> {
    if !monorepo {
        return None;
    }
    let weight = if stacks_known { 0.3 } else { 0.8 };
    let service_shown = shown(service);
    if in_service(candidate, service) {
        factor(weight, format!("It touches the folder of `{service_shown}`."))
    } else {
        factor(-weight, format!("Others touch the folder of `{service_shown}`; it does not."))
    }
}

/// A merge whose commits are candidates themselves.
pub fn merge(brought: usize, first: &Candidate) -> Option<Factor> {
    factor(-3.0, format!("It merges {brought} commits that are candidates themselves, such as {}.", first.short()))
}

/// A commit whose lines were taken back by another one before the change.
pub fn undone(back: &Candidate, began: &ChangeTime) -> Option<Factor> {
    /// How much less probable a cause is that was taken back before its effect began.
    const TAKEN_BACK: f64 = 0.08;
    let after = began.before(back.commit.time);
    let reason = format!("{} took it back line by line before the change was seen.", back.short());
    if after > 0.5 { None } else { factor((after + (1.0 - after) * TAKEN_BACK).ln(), reason) }
}

/// Words that its message shares with the regression.
pub fn message((log_odds, shared): &(f64, Vec<String>)) -> Option<Factor> {
    let shared: Vec<String> = shared.iter().take(3).map(|term| format!("`{}`", shown(term))).collect();
    if shared.is_empty() {
        None
    } else {
        factor(*log_odds, format!("Its message has {} in common with what got slower.", shared.join(", ")))
    }
}
