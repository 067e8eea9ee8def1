//! Which commits of one window were undone by others.

use std::collections::BTreeMap;

use negawatt_skill::Timestamp;
use negawatt_skill::changes::FileDiff;

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
