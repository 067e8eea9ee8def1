//! Merging two changes of one text.

use std::ops::Range;

use super::{changes, lines};

/// A stretch of lines of a text: of none, where between two lines it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The first, from 1.
    pub first: usize,
    /// How many.
    pub count: usize,
}

/// What came to one side of a merge: its lines, and where they differ from those of the base.
struct Side<'a> {
    lines: Vec<&'a str>,
    changes: Vec<(Range<usize>, Range<usize>)>,
    /// The first change that was not looked at yet.
    next: usize,
    /// How far behind the side's line numbers are those of the base, before that change.
    shift: isize,
}

impl<'a> Side<'a> {
    fn new(base: &str, text: &'a str) -> Side<'a> {
        Side { lines: lines(text), changes: changes(base, text), next: 0, shift: 0 }
    }

    /// The next change, in lines of the base.
    fn peek(&self) -> Option<&Range<usize>> {
        self.changes.get(self.next).map(|(base, _)| base)
    }

    /// Takes the next change if it overlaps a region of the base or touches it, and says where it ends.
    fn touching(&mut self, region: &Range<usize>) -> Option<usize> {
        let (base, side) = self.changes.get(self.next).filter(|(base, _)| base.start <= region.end)?;
        self.next += 1;
        self.shift += side.len() as isize - base.len() as isize;
        Some(base.end)
    }

    /// The side's lines in the place of a region of the base that begins before the changes of it and ends after them: `shift` is
    /// that before them.
    fn place(&self, region: &Range<usize>, shift: isize) -> Range<usize> {
        region.start.saturating_add_signed(shift)..region.end.saturating_add_signed(self.shift)
    }
}

/// A text that has both what `ours` and what `theirs` changed of `base`; where they changed the same or neighbouring lines in different
/// ways, those lines of `ours`, in order.
///
/// As `git merge-file` does it: what both changed alike is taken once, lines with nothing unchanged between them are one place. Texts
/// of more than [`MOST_BYTES`](super::MOST_BYTES) or [`MOST_LINES`](super::MOST_LINES) may take long; check them first.
pub fn merge(base: &str, ours: &str, theirs: &str) -> Result<String, Vec<Lines>> {
    let base_lines = lines(base);
    let (mut ours, mut theirs) = (Side::new(base, ours), Side::new(base, theirs));
    let (mut merged, mut conflicts) = (String::new(), Vec::new());
    let mut unchanged = 0;
    while let Some(first) = [ours.peek(), theirs.peek()].into_iter().flatten().min_by_key(|range| range.start) {
        let mut region = first.start..first.start;
        let shifts = (ours.shift, theirs.shift);
        while let Some(end) = ours.touching(&region).or_else(|| theirs.touching(&region)) {
            region.end = region.end.max(end);
        }
        merged.extend(base_lines[unchanged..region.start].iter().copied());
        unchanged = region.end;
        let (our_place, their_place) = (ours.place(&region, shifts.0), theirs.place(&region, shifts.1));
        let (our_lines, their_lines) = (&ours.lines[our_place.clone()], &theirs.lines[their_place]);
        if our_lines == &base_lines[region.clone()] || our_lines == their_lines {
            merged.extend(their_lines.iter().copied());
        } else if their_lines == &base_lines[region] {
            merged.extend(our_lines.iter().copied());
        } else {
            conflicts.push(Lines { first: our_place.start + 1, count: our_place.len() });
        }
    }
    merged.extend(base_lines[unchanged..].iter().copied());
    if conflicts.is_empty() { Ok(merged) } else { Err(conflicts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "1\n2\n3\n4\n5\n6\n7\n8\n";

    #[test]
    fn changes_apart_are_both_taken() {
        let ours = "0\n1\n2\n3\n4\n5\n6\n7\nx\n";
        assert_eq!(merge(BASE, ours, "1\ny\n3\n4\n6\n7\n8\n"), Ok("0\n1\ny\n3\n4\n6\n7\nx\n".into()));
        assert_eq!(merge(BASE, BASE, ours), Ok(ours.into()));
        assert_eq!(merge(BASE, ours, BASE), Ok(ours.into()));
        assert_eq!(merge(BASE, ours, ours), Ok(ours.into()));
        assert_eq!(merge("", "", "a"), Ok("a".into()));
    }

    #[test]
    fn what_both_changed_is_told_by_the_lines_of_ours() {
        let ours = "0\n1\n2\nthree\nand\n4\n5\n6\n7\n";
        let lines = |first, count| Lines { first, count };
        assert_eq!(merge(BASE, ours, "1\n2\nIII\n4\n5\n6\n7\n8!\n"), Err(vec![lines(4, 2), lines(10, 0)]));
        assert_eq!(
            merge(BASE, "1\nx\n3\n4\n5\n6\n7\n8\n", "1\n2\ny\n4\n5\n6\n7\n8\n"),
            Err(vec![lines(2, 2)]),
            "neighbours"
        );
        assert_eq!(merge("", "a\n", "b\n"), Err(vec![lines(1, 1)]));
    }

    #[test]
    fn what_both_changed_alike_is_taken_once_and_line_ends_count() {
        assert_eq!(
            merge(BASE, "1\nx\n3\n4\n5\n6\n7\n8\n", "1\nx\n3\n4\n5\n6\n7\n9\n"),
            Ok("1\nx\n3\n4\n5\n6\n7\n9\n".into())
        );
        assert!(merge("a\n", "a\r\n", "b\n").is_err());
        assert_eq!(merge("a\nb\nc", "a\r\nb\nc", "a\nb\nc\n"), Ok("a\r\nb\nc\n".into()));
    }
}
