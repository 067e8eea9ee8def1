//! How much a patch changes.

use negawatt_actions::text::File;

/// The files of a unified diff as git writes it, with how many lines it adds and takes away in each. Lines are told by the numbers of their
/// hunk: one that is taken away may itself begin with `--`.
pub(crate) fn files(patch: &str) -> Vec<File> {
    let mut files: Vec<File> = Vec::new();
    // Lines of the hunk that are still to come, before and after.
    let (mut before, mut after) = (0_usize, 0_usize);
    for line in patch.lines() {
        if before + after > 0 {
            let Some(file) = files.last_mut() else { continue };
            match line.as_bytes().first() {
                Some(b'+') => (file.added, after) = (file.added + 1, after.saturating_sub(1)),
                Some(b'-') => (file.removed, before) = (file.removed + 1, before.saturating_sub(1)),
                Some(b'\\') => {}
                _ => (before, after) = (before.saturating_sub(1), after.saturating_sub(1)),
            }
        } else if let Some(names) = line.strip_prefix("diff --git ") {
            let path = names.rsplit_once(" b/").map_or(names, |(_, path)| path).to_owned();
            files.push(File { path, added: 0, removed: 0 });
        } else if let Some(hunk) = line.strip_prefix("@@ -") {
            (before, after) = lengths(hunk).unwrap_or_default();
        }
    }
    files
}

/// Of `1,2 +3,4 @@ …` the second and the fourth number; 1 where one is left out.
fn lengths(hunk: &str) -> Option<(usize, usize)> {
    let (old, rest) = hunk.split_once(" +")?;
    let new = rest.split_once(" @@")?.0;
    let length = |range: &str| range.split_once(',').map_or(Some(1), |(_, length)| length.parse().ok());
    Some((length(old)?, length(new)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_by_their_hunk_not_by_how_they_begin() {
        let patch = "diff --git a/x.sql b/x.sql\n--- a/x.sql\n+++ b/x.sql\n@@ -1,3 +1,2 @@\n--- a comment\n-a\n+++b\n c\n\\ No newline \
                     at end of file\ndiff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n";
        let counted: Vec<_> = files(patch).into_iter().map(|file| (file.path, file.added, file.removed)).collect();
        assert_eq!(counted, [("x.sql".to_owned(), 1, 2), ("y".to_owned(), 1, 1)]);
        assert!(files("").is_empty() && files("@@ -x +y @@\n+a\n").is_empty());
    }
}
