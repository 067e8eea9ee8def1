//! Commits as causes: those of a window, when each went live, and what that says.

pub mod diffs;

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};

use crate::changes::Commit;
use crate::format::{digits, percent, shown};
use crate::gather::{Gathered, Most, Purse, Records, gather};
use crate::timing::{Causes, ChangeTime, log_odds};
use crate::{Candidate, Error, Finding, Suspect, Timestamp, Window, time};

/// How commits come before the changes that they cause: deployed at once, a few times a day, or by day. The delay is known to no
/// one beforehand and differs between teams by orders of magnitude (the yearly *Accelerate State of DevOps* surveys find lead
/// times from under an hour to weeks). A lone commit that landed just before is worth two of anything else at most.
pub const CAUSES: Causes =
    Causes { delays: &[(0.5 * 3600.0, 0.45), (4.0 * 3600.0, 0.35), (24.0 * 3600.0, 0.20)], prior: 0.15, most: 2.0 };

/// Bytes of commits after which no more are asked for: what a sandbox has room to rank.
const MOST_BYTES: u64 = 8 << 20;
/// Questions at most.
const QUESTIONS: u32 = 12;
/// How probable it is that a commit of a branch went live with the merge that brought it, rather than when it landed.
const WITH_MERGE: f64 = 0.7;

const COMMITS: Records<Commit, Commit> = Records { time: |commit| commit.time, bytes: size, keep: |commit| commit };

/// The commits of a window, those nearest to the change where there are too many, the newest first; in at most so many questions.
pub fn list(
    window: Window,
    change: Timestamp,
    most_questions: u32,
    ask: impl FnMut(Window) -> Result<Vec<Commit>, Error>,
) -> Result<Gathered<Commit>, Error> {
    let most = Most { questions: QUESTIONS.min(most_questions), bytes: MOST_BYTES };
    let mut listing = gather(window, change, most, &COMMITS, ask)?;
    listing.kept.retain(|commit| window.contains(commit.time));
    // Stable: commits of the same second stay in the order of their history.
    listing.kept.sort_by_key(|commit| std::cmp::Reverse(commit.time));
    Ok(listing)
}

/// Bytes of a commit's texts.
fn size(commit: &Commit) -> usize {
    let files = commit.files.iter().map(|file| file.path.len() + file.old_path.as_ref().map_or(0, String::len));
    commit.subject.len() + commit.body.len() + files.sum::<usize>()
}

/// What merges say about the commits of a list, by position.
#[derive(Debug, Default, PartialEq)]
pub struct Merges {
    /// When the merge landed that brought a commit to the main line; absent where none of the list did.
    pub landed: Vec<Option<Timestamp>>,
    /// For each merge, commits of the list that it brought, in the order of the list: they are what changed something.
    pub brought: Vec<Vec<usize>>,
}

/// Follows the parents of merges on the main line, which is what first parents lead to from a commit that is nobody's parent.
///
/// The first merge of the main line that reaches a commit brought it. Each commit is looked at once.
pub fn merges<C: Borrow<Commit>>(commits: &[C]) -> Merges {
    let commits: Vec<&Commit> = commits.iter().map(Borrow::borrow).collect();
    let at: HashMap<(&str, &str), usize> =
        commits.iter().enumerate().map(|(at, commit)| ((commit.repository.as_str(), commit.id.as_str()), at)).collect();
    let parent = |of: usize, id: &String| at.get(&(commits[of].repository.as_str(), id.as_str())).copied();
    let parents: HashSet<usize> =
        (0..commits.len()).flat_map(|of| commits[of].parents.iter().filter_map(move |id| parent(of, id))).collect();
    let mut main = vec![false; commits.len()];
    for head in (0..commits.len()).filter(|at| !parents.contains(at)) {
        let mut next = Some(head);
        while let Some(here) = next.filter(|&here| !std::mem::replace(&mut main[here], true)) {
            next = commits[here].parents.first().and_then(|id| parent(here, id));
        }
    }
    let mut merges = Merges { landed: vec![None; commits.len()], brought: vec![Vec::new(); commits.len()] };
    let mut of_main: Vec<usize> = (0..commits.len()).filter(|&at| main[at] && commits[at].parents.len() > 1).collect();
    of_main.sort_by_key(|&at| (commits[at].time, std::cmp::Reverse(at)));
    for merge in of_main {
        let brought = |of: usize| commits[of].parents.iter().filter_map(move |id| parent(of, id));
        let mut open: Vec<usize> = brought(merge).skip(1).collect();
        while let Some(next) = open.pop() {
            if !main[next] && merges.landed[next].is_none() {
                merges.landed[next] = Some(commits[merge].time);
                merges.brought[merge].push(next);
                open.extend(brought(next));
            }
        }
        merges.brought[merge].sort_unstable();
    }
    merges
}

/// Natural logarithms of the odds that each commit is the cause, as far as their times tell: how long before the change each landed,
/// or was merged, and how many did so in the same hours. `window` is the incident's; `density` says how probable the change is where
/// it was seen, given that the commit landed at a time: [`ChangeTime::density`] of [`CAUSES`], where nothing better is known.
pub fn by_time<C: Borrow<Commit>>(
    commits: &[C],
    merges: &Merges,
    window: Window,
    density: impl Fn(&Commit, Timestamp) -> f64,
) -> Vec<f64> {
    let densities: Vec<f64> = commits
        .iter()
        .zip(&merges.landed)
        .map(|(commit, merged)| {
            let commit = commit.borrow();
            match *merged {
                Some(merged) => {
                    WITH_MERGE * density(commit, merged) + (1.0 - WITH_MERGE) * density(commit, commit.time)
                }
                None => density(commit, commit.time),
            }
        })
        .collect();
    log_odds(&densities, &vec![1.0; densities.len()], window, &CAUSES)
}

/// The commits of an incident in which a cause can lie, and what their times say.
#[derive(Debug, Default)]
pub struct History {
    /// The commits, the newest first.
    pub commits: Vec<Commit>,
    /// What merges say of them.
    pub merges: Merges,
    /// Natural log odds of each as far as its time tells: see [`by_time`].
    pub by_time: Vec<f64>,
}

impl History {
    /// Those of the incident's window until the change can have begun, for half of the purse's calls at most; none where there is no
    /// source of changes. `warn` is told what is missing.
    pub fn fetch(
        window: Window,
        change: Timestamp,
        began: &ChangeTime,
        purse: &mut Purse,
        ask: impl FnMut(Window) -> Result<Vec<Commit>, Error>,
        warn: impl FnOnce(&str),
    ) -> Result<History, Error> {
        let listing = match list(began.reach(window), change, purse.left() / 2, ask) {
            Ok(listing) => listing,
            Err(error) if error.is_absence() => return Ok(History::default()),
            Err(error) => return Err(error),
        };
        if let Some(warning) = listing.warning("commits") {
            warn(&warning);
        }
        purse.spend(listing.questions);
        let commits = listing.kept;
        let merges = merges(&commits);
        let by_time = by_time(&commits, &merges, window, |_, landed| began.density(landed, None, &CAUSES));
        Ok(History { commits, merges, by_time })
    }

    /// When a commit landed beside the change, as a factor.
    pub fn time_factor(&self, at: usize, change: Timestamp, began: &ChangeTime) -> Option<(f64, String)> {
        let merged = *self.merges.landed.get(at)?;
        Some((*self.by_time.get(at)?, told_time(self.commits.get(at)?, merged, change, began)))
    }
}

/// Folders whose files test or measure.
const CHECKS: [&str; 11] = [
    "__tests__",
    "bench",
    "benches",
    "benchmark",
    "benchmarks",
    "fixtures",
    "spec",
    "specs",
    "test",
    "testdata",
    "tests",
];

/// Folders of other files that serve no request.
const ASIDE: [&str; 8] = ["doc", "docs", "examples", "generated", "node_modules", "scripts", "third_party", "vendor"];

/// Whether one of a path's folders, in lower case, is among these.
fn is_below(path: &str, names: &[&str]) -> bool {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders).to_ascii_lowercase();
    folders.split('/').any(|folder| names.contains(&folder))
}

/// Whether a file may be part of what serves requests, as far as its path tells: no test, documentation, example, or somebody else's.
pub fn serves(path: &str) -> bool {
    !checks(path) && !is_below(path, &ASIDE)
}

/// Whether a file tests or measures, as far as its path tells. What says whether a change is right is not changed along with it.
pub fn checks(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let lower = stem.to_ascii_lowercase();
    let words = ["test", "tests", "spec", "bench", "benchmark"];
    let ends = |word: &&str| lower.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with(['_', '.']));
    // `CartTest`, but not `Latest`.
    let named = ["Test", "Tests", "Spec", "Benchmark"].iter().any(|word| stem.ends_with(word));
    lower.starts_with("test_")
        || lower.starts_with("bench_")
        || lower == "conftest"
        || named
        || words.iter().any(ends)
        || is_below(path, &CHECKS)
}

/// When a commit landed beside the change, in a sentence.
pub fn told_time(commit: &Commit, merged: Option<Timestamp>, change: Timestamp, began: &ChangeTime) -> String {
    let (how, at) = merged.map_or(("landed", commit.time), |merged| ("was merged", merged));
    let side = if at < change { "before" } else { "after" };
    let long = time::length(at.abs_diff(change));
    format!("It {how} {long} {side} the change was seen{}.", began.told())
}

/// A commit that may be the cause, with what speaks for and against it.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspected {
    /// Its position in the list.
    pub commit: usize,
    /// Natural log odds, each with the sentence that gives them.
    pub factors: Vec<(f64, String)>,
    /// Files that tie it to the regression.
    pub files: Vec<String>,
}

impl Suspected {
    fn log_odds(&self) -> f64 {
        self.factors.iter().map(|(log_odds, _)| log_odds).sum()
    }
}

/// Commits that are told at most, and characters of an author's name that are shown.
const MOST_TOLD: usize = 5;
const LONGEST_NAME: usize = 60;

/// One finding for each factor of the likeliest commits, at most `limit`, resting on the evidence `because`.
pub fn report(commits: &[Commit], mut suspected: Vec<Suspected>, because: &[&str], limit: usize) -> Vec<Finding> {
    suspected.retain(|one| one.commit < commits.len() && one.factors.iter().all(|(log_odds, _)| log_odds.is_finite()));
    let all: f64 = 1.0 + suspected.iter().map(|one| one.log_odds().exp()).sum::<f64>();
    suspected.sort_by(|a, b| b.log_odds().total_cmp(&a.log_odds()).then(a.commit.cmp(&b.commit)));
    let mut findings = Vec::new();
    for one in suspected.iter().take(MOST_TOLD) {
        // Half of a commit's factors would give a wrong sum.
        if findings.len() + one.factors.len() > limit {
            break;
        }
        let commit = &commits[one.commit];
        let confidence = one.log_odds().exp() / all;
        for (log_odds, reason) in &one.factors {
            let suspect = Suspect {
                candidate: Candidate::Commit,
                id: commit.id.clone(),
                repository: Some(commit.repository.clone()),
                author: (!commit.author.is_empty()).then(|| commit.author.clone()),
                files: one.files.clone(),
                reason: reason.clone(),
                log_odds: *log_odds,
                extra: Vec::new(),
            };
            let summary = format!(
                "{} by {} ({} likely): {} ({} in log-odds)",
                commit.id.get(..10).unwrap_or(&commit.id),
                shown(&commit.author, LONGEST_NAME),
                percent(confidence),
                reason.trim_end_matches('.'),
                digits(*log_odds, 2)
            );
            findings.push(Finding::new(suspect, confidence, summary).because(because.iter().copied()));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HOUR;

    fn commit(id: &str, parents: &[&str], time: i64) -> Commit {
        Commit {
            id: id.into(),
            repository: "default".into(),
            parents: parents.iter().map(|&parent| parent.into()).collect(),
            author: String::new(),
            author_time: time,
            time,
            subject: String::new(),
            body: String::new(),
            files: vec![],
        }
    }

    #[test]
    fn the_newest_come_first_and_those_outside_are_left_out() {
        let all = [commit("d", &[], 30), commit("b", &[], 20), commit("c", &[], 20), commit("a", &[], 10)];
        let listing = list(Window { start: 15, end: 40 }, 25, 100, |_| Ok(all.to_vec())).unwrap();
        let ids: Vec<_> = listing.kept.iter().map(|commit| commit.id.as_str()).collect();
        assert_eq!((ids, listing.questions), (vec!["d", "b", "c"], 1));
        let refused = list(Window { start: 0, end: 40 }, 25, 1, |_| Err(Error::OverBudget("too much".into())));
        assert!(refused.is_err(), "one question, and no answer to it");
    }

    #[test]
    fn a_merge_of_the_main_line_brings_what_its_branch_holds() {
        let all = [
            commit("m2", &["m", "y"], 12),
            commit("m", &["b", "x2"], 9),
            commit("y", &["x2", "n"], 8),
            commit("n", &["a"], 7),
            commit("b", &["a"], 5),
            commit("x2", &["x1"], 3),
            commit("x1", &["a"], 2),
            commit("a", &["gone"], 1),
        ];
        let merges = merges(&all);
        assert_eq!(merges.landed, [None, None, Some(12), Some(12), None, Some(9), Some(9), None]);
        let brought: Vec<(usize, &[usize])> = merges
            .brought
            .iter()
            .enumerate()
            .map(|(at, all)| (at, &all[..]))
            .filter(|(_, all)| !all.is_empty())
            .collect();
        assert_eq!(brought, [(0, &[2, 3][..]), (1, &[5, 6])]);
    }

    #[test]
    fn parents_that_go_round_end() {
        let round = [commit("a", &["b", "c"], 3), commit("b", &["a"], 2), commit("c", &["c", "a"], 1)];
        assert_eq!(merges(&round).landed.len(), 3);
        assert_eq!(merges::<Commit>(&[]), Merges::default());
    }

    #[test]
    fn what_landed_just_before_is_likeliest_and_a_merge_counts_when_it_landed() {
        let all = [
            commit("late", &["m"], 11 * HOUR),
            commit("m", &["a", "x"], 9 * HOUR),
            commit("x", &["a"], HOUR),
            commit("a", &["b"], HOUR),
            commit("b", &[], 0),
        ];
        let began = ChangeTime::about(10 * HOUR, HOUR.unsigned_abs() / 6);
        let density = |_: &Commit, landed| began.density(landed, None, &CAUSES);
        let odds = by_time(&all, &merges(&all), Window { start: 0, end: 24 * HOUR }, density);
        assert!(odds[2] > odds[3] + 1.0 && odds[3] > odds[0] + 2.0, "{odds:?}");
    }

    #[test]
    fn the_likeliest_are_told_whole() {
        let all = [commit("a", &[], 1), commit("b", &[], 2)];
        let one = |commit, log_odds| {
            let factors = vec![(log_odds, "It landed.".to_owned()), (0.5, "It fits.".to_owned())];
            Suspected { commit, factors, files: vec!["a.proto".into()] }
        };
        let suspected = vec![one(0, -1.0), one(1, 2.0), one(7, 9.0), one(0, f64::NAN)];
        let findings = report(&all, suspected.clone(), &["e1"], 100);
        let ids = |findings: &[Finding]| -> Vec<String> {
            let id = |finding: &Finding| match &finding.body {
                crate::FindingBody::Suspect(suspect) => suspect.id.clone(),
                _ => String::new(),
            };
            findings.iter().map(id).collect()
        };
        assert_eq!(ids(&findings), ["b", "b", "a", "a"]);
        let (likely, odds) = (findings[0].confidence, 2.5_f64.exp());
        assert!((likely - odds / (1.0 + odds + (-0.5_f64).exp())).abs() < 1e-9, "{likely}");
        assert_eq!(findings[0].because, ["e1"]);
        assert_eq!(ids(&report(&all, suspected, &[], 3)), ["b", "b"]);
    }

    #[test]
    fn when_it_landed_is_told_with_what_is_known_of_the_change() {
        let began = ChangeTime::about(10 * HOUR, HOUR.unsigned_abs() / 6);
        let told = |at, merged| told_time(&commit("a", &[], at), merged, 10 * HOUR, &began);
        let before = told(9 * HOUR, None);
        assert!(before.starts_with("It landed 60 min before the change was seen, which began between"), "{before}");
        assert!(
            told(HOUR, Some(11 * HOUR)).starts_with("It was merged 60 min after"),
            "{}",
            told(HOUR, Some(11 * HOUR))
        );
    }

    #[test]
    fn tests_and_what_others_wrote_serve_nobody() {
        for path in ["src/cart.rs", "proto/cart.proto", "latest.py", "contest/a.go"] {
            assert!(serves(path), "{path}");
        }
        for path in ["tests/a.rs", "vendor/x/a.proto", "cart_test.go", "src/cart.spec.ts", "Docs/a.py", "test_cart.py"]
        {
            assert!(!serves(path), "{path}");
        }
        for path in [
            "src/cart_tests.rs",
            "src/tests.rs",
            "Benches/a.rs",
            "conftest.py",
            "java/CartTest.java",
            "benchmark/run.py",
            "cart_bench.cc",
        ] {
            assert!(checks(path), "{path}");
        }
        for path in ["docs/a.md", "vendor/x/a.proto", "latest.py", "java/Latest.java", "src/inspect.rs", "aspect.go"] {
            assert!(!checks(path), "{path}");
        }
    }

    #[test]
    fn a_history_is_fetched_for_half_of_the_calls() {
        let began = ChangeTime::about(10 * HOUR, HOUR.unsigned_abs() / 6);
        let window = Window { start: 0, end: 24 * HOUR };
        let all = [commit("after", &[], 20 * HOUR), commit("before", &[], 9 * HOUR)];
        let fetch = |purse: &mut Purse, answer: Result<Vec<Commit>, Error>| {
            History::fetch(window, 10 * HOUR, &began, purse, |_| answer.clone(), |_| {})
        };
        let mut purse = Purse::new(10);
        let history = fetch(&mut purse, Ok(all.to_vec())).unwrap();
        assert_eq!((history.commits.len(), history.by_time.len(), purse.left()), (1, 1, 9));
        let (odds, told) = history.time_factor(0, 10 * HOUR, &began).expect("there is one");
        assert!(odds == history.by_time[0] && told.starts_with("It landed 60 min before"), "{told}");
        assert_eq!(history.time_factor(1, 10 * HOUR, &began), None);
        assert!(fetch(&mut purse, Err(Error::Unavailable("none".into()))).is_ok_and(|none| none.commits.is_empty()));
        assert!(fetch(&mut purse, Err(Error::Cancelled("by hand".into()))).is_err());
    }
}
