//! Changed lines.

use gix::ObjectId;
use gix::diff::blob::{Algorithm, Diff, Hunk as Change, InternedInput};
use negawatt_host::Scope;
use negawatt_host::model::changes::{FileDiff, Hunk};
use negawatt_host::model::{Answer, Window};

use super::commits::{Touched, landed, touched};
use super::context::{self, Lines};
use super::derived::Basis;
use super::repository::Reader;
use super::text::{is_binary, line};
use super::tree::{MAX_BLOB_BYTES, blob};
use super::work::{MAX_COMMIT_BYTES, Work};

/// How lines are compared: as git does by default (Myers, An O(ND) difference algorithm, 1986), so that numbers agree.
pub const ALGORITHM: Algorithm = Algorithm::Myers;

/// Unchanged lines around a change.
const CONTEXT_LINES: u32 = 3;

/// The most bytes of text that the hunks of one commit have; further hunks are left out.
const MAX_DIFF_BYTES: usize = 4 << 20;

/// The contents of a file before and after; empty where there is none.
type Contents = (Vec<u8>, Vec<u8>);

/// What a commit of the scope did, file by file, in order of paths. Past [`MAX_COMMIT_BYTES`] of contents, files come
/// without hunks, as binary ones do. [`Error::Denied`](negawatt_host::model::Error::Denied) for a commit that landed
/// outside of the scope's window.
pub fn of_commit(reader: &Reader<'_>, scope: &Scope, id: &str) -> Answer<Vec<FileDiff>> {
    let id = reader.revision(id)?;
    let landed = landed(&reader.git.find_commit(id).map_err(|error| reader.repository.damaged(error))?);
    // The instant alone, so that one at the window's end is outside, as it is of a list.
    scope.admit_window(&Window { start: landed, end: landed.saturating_add(1) })?;
    reader.derived(Basis::Commit(id), || {
        let files = compared(reader, id)?;
        // Nothing is also what is known where a shallow clone lacks the parent, which it can get later.
        let is_known = !files.is_empty();
        Ok((files, is_known))
    })
}

/// What a commit did.
fn compared(reader: &Reader<'_>, id: ObjectId) -> Answer<Vec<FileDiff>> {
    let work = Work::new();
    let (mut left, mut left_to_compare) = (MAX_DIFF_BYTES, MAX_COMMIT_BYTES);
    let diff = |mut touched: Touched| {
        let Some((before, after)) = contents(reader, &touched, &work, &mut left_to_compare)? else {
            return Ok(FileDiff { file: touched.file, binary: true, hunks: Vec::new() });
        };
        let (hunks, added, removed) = hunks(&before, &after, &mut left);
        (touched.file.added, touched.file.removed) = (added, removed);
        Ok(FileDiff { file: touched.file, binary: false, hunks })
    };
    touched(reader, &mut reader.comparison()?, id, &work)?.into_iter().map(diff).collect()
}

/// How many lines were added and removed; none where it is too much `work` to count them, of which `left` is what is left
/// for this commit.
pub fn line_counts(reader: &Reader<'_>, touched: &Touched, work: &Work, left: &mut u64) -> Answer<(u32, u32)> {
    if touched.before == touched.after {
        return Ok((0, 0));
    }
    work.counted((touched.before, touched.after), || {
        let Some((before, after)) = contents(reader, touched, work, left)? else { return Ok(None) };
        let input = InternedInput::new(before.as_slice(), after.as_slice());
        let diff = Diff::compute(ALGORITHM, &input);
        Ok(Some((diff.count_additions(), diff.count_removals())))
    })
}

/// What is compared; `None` where one side is binary or too large, or both are more than may still be compared.
fn contents(reader: &Reader<'_>, touched: &Touched, work: &Work, left: &mut u64) -> Answer<Option<Contents>> {
    if *left == 0 || work.is_exhausted() {
        return Ok(None);
    }
    let mut side = |id: Option<ObjectId>| -> Answer<Option<Vec<u8>>> {
        let Some(id) = id else { return Ok(Some(Vec::new())) };
        let bytes = blob(reader, id)?;
        if bytes.as_ref().is_none_or(|bytes| is_binary(bytes)) {
            // Reading it was work too.
            work.take(left, bytes.map_or(MAX_BLOB_BYTES, |bytes| bytes.len() as u64));
            return Ok(None);
        }
        Ok(bytes)
    };
    let contents = side(touched.before)?.zip(side(touched.after)?);
    Ok(contents.filter(|(before, after)| work.take(left, (before.len() + after.len()) as u64)))
}

/// The hunks between two texts, with the number of added and removed lines of all of them.
fn hunks(before: &[u8], after: &[u8], left: &mut usize) -> (Vec<Hunk>, u32, u32) {
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(ALGORITHM, &input);
    diff.postprocess_lines(&input);
    let lines =
        |tokens: &[gix::diff::blob::Token]| tokens.iter().map(|token| input.interner[*token]).collect::<Vec<_>>();
    let (before, after) = (lines(&input.before), lines(&input.after));
    let mut groups: Vec<Vec<Change>> = Vec::new();
    for change in diff.hunks() {
        match groups.last_mut().and_then(|group| Some((group.last()?.before.end, group))) {
            Some((end, group)) if change.before.start - end <= 2 * CONTEXT_LINES => group.push(change),
            _ => groups.push(vec![change]),
        }
    }
    let mut hunks = Vec::new();
    for group in groups {
        let Some(hunk) = hunk(&before, &after, &group) else { continue };
        match left.checked_sub(hunk.text.len()) {
            Some(rest) => *left = rest,
            None => {
                *left = 0;
                break;
            }
        }
        hunks.push(hunk);
    }
    (hunks, diff.count_additions(), diff.count_removals())
}

/// Changes that are near each other, with what is around them.
fn hunk(before: &Lines<'_>, after: &Lines<'_>, changes: &[Change]) -> Option<Hunk> {
    let (first, last) = (changes.first()?, changes.last()?);
    let lead = first.before.start.min(CONTEXT_LINES);
    let old_start = first.before.start - lead;
    let new_start = first.after.start - lead;
    let old_end = (last.before.end + CONTEXT_LINES).min(before.len() as u32);
    let new_end = last.after.end + (old_end - last.before.end);
    let mut text: Vec<String> = Vec::new();
    let mut add = |sign: char, lines: &Lines<'_>, range: std::ops::Range<u32>| {
        let range = range.start as usize..range.end as usize;
        text.extend(lines[range].iter().map(|bytes| format!("{sign}{}", line(bytes))));
    };
    let mut unchanged = old_start;
    for change in changes {
        add(' ', before, unchanged..change.before.start);
        add('-', before, change.before.clone());
        add('+', after, change.after.clone());
        unchanged = change.before.end;
    }
    add(' ', before, unchanged..old_end);
    let start = |start: u32, end: u32| if end > start { start + 1 } else { 0 };
    Some(Hunk {
        old_start: start(old_start, old_end),
        old_lines: old_end - old_start,
        new_start: start(new_start, new_end),
        new_lines: new_end - new_start,
        context: context::of_changes(before, after, changes),
        text: text.join("\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes the text after from the text before and the hunks.
    fn applied(before: &str, hunks: &[Hunk]) -> Vec<String> {
        let lines: Vec<&str> = before.lines().collect();
        let (mut result, mut at) = (Vec::new(), 0);
        for hunk in hunks {
            let start = (hunk.old_start as usize).saturating_sub(1);
            result.extend(lines[at..start].iter().map(|line| (*line).to_owned()));
            let text: Vec<&str> = hunk.text.split('\n').collect();
            let old: Vec<&str> = text.iter().filter(|line| !line.starts_with('+')).map(|line| &line[1..]).collect();
            let new: Vec<&str> = text.iter().filter(|line| !line.starts_with('-')).map(|line| &line[1..]).collect();
            assert_eq!(old, lines[start..start + hunk.old_lines as usize]);
            assert_eq!(
                (new.len(), (hunk.new_start as usize).saturating_sub(1)),
                (hunk.new_lines as usize, result.len())
            );
            result.extend(new.into_iter().map(str::to_owned));
            at = start + hunk.old_lines as usize;
        }
        result.extend(lines[at..].iter().map(|line| (*line).to_owned()));
        result
    }

    proptest::proptest! {
        #[test]
        fn hunks_make_the_text_after(before in "([ab ]{0,2}\n){0,40}", after in "([ab ]{0,2}\n){0,40}") {
            let mut left = MAX_DIFF_BYTES;
            let (hunks, added, removed) = hunks(before.as_bytes(), after.as_bytes(), &mut left);
            let expected: Vec<String> = after.lines().map(str::to_owned).collect();
            proptest::prop_assert_eq!(applied(&before, &hunks), expected);
            let count = |sign: char| hunks.iter().flat_map(|hunk| hunk.text.split('\n')).filter(|line| line.starts_with(sign)).count();
            proptest::prop_assert_eq!((added as usize, removed as usize), (count('+'), count('-')));
        }
    }

    #[test]
    fn a_huge_diff_ends() {
        let after: String = (0..1000).map(|number| format!("{number}\n")).collect();
        let mut left = 100;
        let (hunks, added, _) = hunks(b"", after.as_bytes(), &mut left);
        assert_eq!((hunks.len(), added, left), (0, 1000, 0));
    }
}
