//! How commits of one window relate: what a merge brought, what was undone.

use std::collections::{BTreeMap, HashMap, HashSet};

use negawatt_skill::Timestamp;
use negawatt_skill::changes::{Commit, FileDiff};

/// What merges say about commits, by position in the list.
#[derive(Debug, Default)]
pub struct Merges {
    /// For each commit, when the merge landed that brought it to the main line; absent where none of the list did.
    pub landed: Vec<Option<Timestamp>>,
    /// For each merge, commits of the list that it brought.
    pub brought: Vec<Vec<usize>>,
}

/// Follows the parents of merges. A merge brings what its other parents reach and its first parent does not.
pub fn merges(commits: &[&Commit]) -> Merges {
    let at: HashMap<(&str, &str), usize> =
        commits.iter().enumerate().map(|(at, c)| ((c.repository.as_str(), c.id.as_str()), at)).collect();
    let reach = |repository: &str, from: &[String]| {
        let mut seen = HashSet::new();
        let mut open: Vec<usize> = from.iter().filter_map(|id| at.get(&(repository, id.as_str())).copied()).collect();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(commits[next].parents.iter().filter_map(|id| at.get(&(repository, id.as_str())).copied()));
            }
        }
        seen
    };
    let mut merges = Merges { landed: vec![None; commits.len()], brought: vec![Vec::new(); commits.len()] };
    for (position, merge) in commits.iter().enumerate().filter(|(_, commit)| commit.parents.len() > 1) {
        let main = reach(&merge.repository, &merge.parents[..1]);
        let mut inner: Vec<usize> =
            reach(&merge.repository, &merge.parents[1..]).into_iter().filter(|inner| !main.contains(inner)).collect();
        inner.sort_unstable();
        for &inner in &inner {
            let landed = &mut merges.landed[inner];
            // Of nested merges the last one counts: only then is it on the main line.
            *landed = Some(landed.map_or(merge.time, |time| time.max(merge.time)));
        }
        merges.brought[position] = inner;
    }
    merges
}

/// For each diff, the position of the commit that takes it back exactly: by lines, never by what a message claims.
pub fn undone(diffs: &[Option<&[FileDiff]>], times: &[Timestamp]) -> Vec<Option<usize>> {
    type Lines<'a> = BTreeMap<(&'a str, char), Vec<&'a str>>;
    fn lines(diff: &[FileDiff], flip: bool) -> Lines<'_> {
        let mut all = Lines::new();
        for file in diff {
            for line in file.hunks.iter().flat_map(|hunk| hunk.text.lines()) {
                let sign = match (line.chars().next(), flip) {
                    (Some('+'), false) | (Some('-'), true) => '+',
                    (Some('-'), false) | (Some('+'), true) => '-',
                    _ => continue,
                };
                all.entry((file.file.path.as_str(), sign)).or_default().push(&line[1..]);
            }
        }
        all.values_mut().for_each(|lines| lines.sort_unstable());
        all
    }
    let straight: Vec<Lines<'_>> = diffs.iter().map(|diff| lines(diff.unwrap_or_default(), false)).collect();
    let mut first: BTreeMap<&Lines<'_>, Vec<usize>> = BTreeMap::new();
    for (at, lines) in straight.iter().enumerate().filter(|(_, lines)| !lines.is_empty()) {
        first.entry(lines).or_default().push(at);
    }
    (0..diffs.len())
        .map(|at| {
            let opposite = lines(diffs[at].unwrap_or_default(), true);
            let later = first.get(&opposite)?.iter().copied().filter(|&other| times[other] > times[at]);
            later.min_by_key(|&other| times[other])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use negawatt_skill::changes::{ChangeKind, Hunk, TouchedFile};

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
    fn a_merge_brings_what_its_branch_holds() {
        let all = [
            commit("m", &["b", "x2"], 9),
            commit("x2", &["x1"], 3),
            commit("x1", &["a"], 2),
            commit("b", &["a"], 5),
            commit("a", &[], 1),
        ];
        let merges = merges(&all.iter().collect::<Vec<_>>());
        assert_eq!(merges.brought[0], [1, 2]);
        assert_eq!(merges.landed, [None, Some(9), Some(9), None, None]);
    }

    #[test]
    fn what_is_taken_back_is_known_by_its_lines() {
        let diff = |text: &str| {
            let file =
                TouchedFile { path: "a.rs".into(), old_path: None, kind: ChangeKind::Modified, added: 1, removed: 1 };
            let hunk = Hunk {
                old_start: 1,
                old_lines: 1,
                new_start: 1,
                new_lines: 1,
                context: String::new(),
                text: text.into(),
            };
            vec![FileDiff { file, binary: false, hunks: vec![hunk] }]
        };
        let (there, back, other) = (diff("-a\n+b"), diff("-b\n+a"), diff("-b\n+c"));
        let diffs = [Some(there.as_slice()), Some(&other), Some(&back), None];
        assert_eq!(undone(&diffs, &[1, 2, 3, 4]), [Some(2), None, None, None]);
    }
}
