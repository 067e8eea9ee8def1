//! Which files of a commit a proposal takes back.
//!
//! The whole commit, where every file of it can be; else, and beside it where the commit is large, those of its files that evidence
//! names. Nothing in between: half of a commit that nobody chose would be a program that nobody wrote.

use negawatt_skill::format::shown;
use negawatt_skill::patch;

use crate::look::Looked;
use crate::undo::Undo;

/// The largest patch, in bytes: what a finding of a host with the default limits has room for.
const MOST_PATCH: usize = 32 << 10;
/// A commit of more files is offered in part as well.
const FEW_FILES: usize = 20;
/// Files that are told at most, and characters of the path of each.
const MOST_TOLD: usize = 5;
const LONGEST_PATH: usize = 120;

/// A revert that can be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// A unified diff against the branch.
    pub patch: String,
    /// The files that it changes.
    pub files: Vec<String>,
    /// Lines that it adds and removes.
    pub lines: usize,
    /// How many of the files had changed since.
    pub merged: usize,
    /// Files that come back as such that may run, which is a guess.
    pub runs: Vec<String>,
    /// Files that only tell, and stay since they cannot be taken back.
    pub left: Vec<String>,
    /// Whether other files of the commit stay as they are.
    pub is_part: bool,
}

/// What can be done about a commit.
#[derive(Debug, PartialEq)]
pub struct Plan {
    /// What is proposed; the whole before a part.
    pub proposals: Vec<Proposal>,
    /// Why the whole is not, in a clause.
    pub why_not: Option<String>,
}

/// What can be done about a commit of which some files are named by evidence.
pub fn plan(looked: &Looked, named: &[&str]) -> Plan {
    let all: Vec<&(String, Undo)> = looked.files.iter().collect();
    let whole = if all.len() < looked.touched {
        Err(format!("it touched {} files, which is too much to revert at once", looked.touched))
    } else {
        proposal(&all, false)
    };
    let part: Vec<&(String, Undo)> = all.iter().copied().filter(|(path, _)| named.contains(&path.as_str())).collect();
    let is_offered = !part.is_empty() && part.len() < looked.touched && (whole.is_err() || looked.touched > FEW_FILES);
    let part = if is_offered { proposal(&part, true).ok() } else { None };
    let (whole, why_not) = match whole {
        Ok(whole) => (Some(whole), None),
        Err(why) => (None, Some(why)),
    };
    Plan { proposals: whole.into_iter().chain(part).collect(), why_not }
}

/// A patch of all these files, or why there is none.
fn proposal(all: &[&(String, Undo)], is_part: bool) -> Result<Proposal, String> {
    let mut proposal =
        Proposal { patch: String::new(), files: vec![], lines: 0, merged: 0, runs: vec![], left: vec![], is_part };
    let mut blocked = Vec::new();
    for (path, undo) in all {
        match undo {
            Undo::Already => {}
            Undo::Blocked(_) if only_tells(path) => proposal.left.push(path.clone()),
            Undo::Blocked(why) => blocked.push(format!("`{}`: {why}", shown(path, LONGEST_PATH))),
            Undo::Edit { patch, merged, runs } => {
                proposal.patch += patch;
                proposal.files.push(path.clone());
                proposal.merged += usize::from(*merged);
                proposal.runs.extend(runs.then(|| path.clone()));
            }
        }
    }
    if !blocked.is_empty() {
        return Err(few(&blocked, "; "));
    }
    if proposal.files.iter().all(|path| only_tells(path)) {
        return Err("nothing is left to revert: the branch has its files as they were before it".to_owned());
    }
    if proposal.patch.len() > MOST_PATCH {
        let (has, fits) = (proposal.patch.len().div_ceil(1 << 10), MOST_PATCH >> 10);
        return Err(format!("its patch has {has} KiB, and {fits} KiB fit into a finding"));
    }
    proposal.lines = patch::size(&proposal.patch);
    Ok(proposal)
}

/// Whether a file only tells what others do. A list of changes is what later commits touch most, and no revert must fail for it.
fn only_tells(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let (stem, extension) = file.rsplit_once('.').unwrap_or((&file, ""));
    let is_list = ["changelog", "changes", "history", "news"].contains(&stem) && ["", "txt"].contains(&extension);
    is_list || ["md", "markdown", "rst", "adoc"].contains(&extension)
}

/// The first few of some texts, and how many more there are.
pub fn few(all: &[String], between: &str) -> String {
    let first = all[..all.len().min(MOST_TOLD)].join(between);
    match all.len().saturating_sub(MOST_TOLD) {
        0 => first,
        more => format!("{first}{between}and {more} more"),
    }
}

/// Paths for people.
pub fn told(paths: &[String]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| format!("`{}`", shown(path, LONGEST_PATH))).collect();
    few(&paths, ", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use negawatt_skill::changes::Commit;

    fn edit(patch: &str) -> Undo {
        Undo::Edit { patch: patch.into(), merged: true, runs: false }
    }

    fn looked(files: Vec<Undo>, touched: usize) -> Looked {
        let text = String::new;
        let (parents, files_of) = (vec![], vec![]);
        let (id, repository, author, subject, body) = (text(), text(), text(), text(), text());
        let commit =
            Commit { id, repository, parents, author, author_time: 0, time: 0, subject, body, files: files_of };
        let files = files.into_iter().enumerate().map(|(at, undo)| (format!("{at}.rs"), undo)).collect();
        Looked { commit, touched, checks: vec![], files, later: 0 }
    }

    /// The files of each proposal, and why there is no whole one.
    fn files(plan: &Plan) -> (Vec<(Vec<&str>, bool)>, &str) {
        let proposals = plan.proposals.iter();
        let files = proposals.map(|one| (one.files.iter().map(String::as_str).collect(), one.is_part)).collect();
        (files, plan.why_not.as_deref().unwrap_or(""))
    }

    #[test]
    fn the_whole_commit_or_what_evidence_names() {
        let blocked = || Undo::Blocked("it is binary".into());
        let whole = plan(&looked(vec![edit("a"), Undo::Already, edit("b")], 3), &["0.rs"]);
        assert_eq!(files(&whole), (vec![(vec!["0.rs", "2.rs"], false)], ""));
        assert_eq!((whole.proposals[0].patch.as_str(), whole.proposals[0].merged), ("ab", 2));
        let part = plan(&looked(vec![edit("a"), blocked()], 2), &["0.rs"]);
        assert_eq!(files(&part), (vec![(vec!["0.rs"], true)], "`1.rs`: it is binary"));
        let none = plan(&looked(vec![edit("a"), blocked()], 2), &["1.rs"]);
        assert_eq!(files(&none), (vec![], "`1.rs`: it is binary"));
        let unnamed = plan(&looked(vec![edit("a"), blocked()], 2), &[]);
        assert_eq!(files(&unnamed).0, vec![]);
    }

    #[test]
    fn a_large_commit_is_offered_in_part_as_well() {
        let many = |count: usize| looked((0..count).map(|_| edit("a")).collect(), count);
        assert_eq!(plan(&many(20), &["3.rs"]).proposals.len(), 1);
        let both = plan(&many(21), &["3.rs"]);
        assert_eq!((both.proposals[0].files.len(), both.proposals[1].files.len()), (21, 1));
        let beyond = plan(&looked(vec![edit("a")], 300), &["0.rs"]);
        assert_eq!(files(&beyond).0, vec![(vec!["0.rs"], true)]);
        assert!(beyond.why_not.unwrap().contains("300 files"));
    }

    #[test]
    fn what_is_undone_already_or_does_not_fit_is_said() {
        let undone = plan(&looked(vec![Undo::Already], 1), &["0.rs"]);
        assert!(undone.proposals.is_empty() && undone.why_not.unwrap().starts_with("nothing is left"));
        let large = plan(&looked(vec![edit(&"x".repeat(MOST_PATCH)), edit("+")], 2), &["1.rs"]);
        assert_eq!(files(&large), (vec![(vec!["1.rs"], true)], "its patch has 33 KiB, and 32 KiB fit into a finding"));
    }

    #[test]
    fn what_only_tells_is_left_where_it_cannot_be_taken_back() {
        let named = |path: &str, undo: Undo| (path.to_owned(), undo);
        let with = |code: Undo, told: Undo| {
            let files = vec![named("CHANGELOG", told), named("src/a.rs", code)];
            plan(&Looked { files, ..looked(vec![], 2) }, &[])
        };
        let blocked = || Undo::Blocked("it was changed".into());
        let whole = with(edit("a"), blocked());
        assert_eq!(
            (files(&whole), whole.proposals[0].left.as_slice()),
            ((vec![(vec!["src/a.rs"], false)], ""), &["CHANGELOG".to_owned()][..])
        );
        assert!(files(&with(blocked(), edit("a"))).1.starts_with("`src/a.rs`"));
        assert!(files(&with(Undo::Already, edit("a"))).1.starts_with("nothing is left"), "documentation cures nothing");
        assert!(["docs/a.md", "NEWS.txt", "History"].iter().all(|path| only_tells(path)));
        assert!(["requirements.txt", "history.rs", "md"].iter().all(|path| !only_tells(path)));
    }

    #[test]
    fn of_many_few_are_told() {
        let paths: Vec<String> = (0..8).map(|at| format!("{at}\u{1b}")).collect();
        assert_eq!(told(&paths[..1]), "`0\u{fffd}`");
        assert!(told(&paths).ends_with("`4\u{fffd}`, and 3 more"), "{}", told(&paths));
    }
}
