//! Which files are compared.

use std::ops::Range;

use negawatt_skill::Timestamp;
use negawatt_skill::profile::Profile;

/// The files before a change and those after it, as ranges of the profile's files.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretches {
    pub before: Range<usize>,
    pub after: Range<usize>,
}

/// So many files show how much they differ among themselves; a neighbouring change does not cut a side shorter.
const ENOUGH: usize = 4;

impl Stretches {
    /// From the change before to the change after, so that only this one lies between both sides; the whole side where too
    /// little would be left. A file that reaches over a change belongs to no side, unless it is the only one before.
    pub fn around(time: Timestamp, changes: impl Iterator<Item = Timestamp>, profile: &Profile) -> Stretches {
        let (whole_before, after) = profile.split(time);
        let only = whole_before.is_empty() && after.start > 0;
        let mut stretches = Stretches { before: if only { 0..after.start } else { whole_before }, after };
        for change in changes.filter(|&change| change != time) {
            let (ended, begun) = profile.split(change);
            if change < time {
                let start = begun.start.max(stretches.before.start);
                if start + ENOUGH <= stretches.before.end {
                    stretches.before.start = start;
                }
            } else {
                let end = ended.end.min(stretches.after.end);
                if stretches.after.start + ENOUGH <= end {
                    stretches.after.end = end;
                }
            }
        }
        stretches
    }
}

#[cfg(test)]
mod tests {
    use negawatt_skill::profiles;

    use super::*;

    /// One file at every 10.
    fn profile(files: u32) -> Profile {
        Profile::new(&profiles::Profile {
            strings: vec!["main".into(), String::new()],
            frame_names: vec![0],
            frame_files: vec![1],
            frame_lines: vec![0],
            stack_offsets: vec![0, 1],
            stack_frames: vec![0],
            file_starts: (0..i64::from(files)).map(|file| 10 * file).collect(),
            file_offsets: (0..=files).collect(),
            sample_stacks: vec![0; files as usize],
            sample_counts: vec![1; files as usize],
            unit: "samples".into(),
        })
        .unwrap()
    }

    fn around(time: i64, changes: &[i64]) -> (Range<usize>, Range<usize>) {
        let stretches = Stretches::around(time, changes.iter().copied(), &profile(20));
        (stretches.before, stretches.after)
    }

    #[test]
    fn a_file_over_the_change_is_left_out() {
        assert_eq!(around(105, &[105]), (0..10, 11..20));
        assert_eq!(around(100, &[100]), (0..10, 10..20));
        assert_eq!(around(15, &[15]), (0..1, 2..20));
        assert_eq!(around(5, &[5]), (0..1, 1..20), "the only one before stays");
        assert_eq!(around(0, &[0]), (0..0, 0..20));
        assert_eq!(around(500, &[500]), (0..19, 20..20));
    }

    #[test]
    fn neighbouring_changes_bound_the_stretches_where_enough_is_left() {
        assert_eq!(around(100, &[40, 100, 160]), (4..10, 10..16));
        assert_eq!(around(100, &[45, 100, 165]), (5..10, 10..16));
        assert_eq!(around(100, &[80, 100, 120]), (0..10, 10..20));
        assert_eq!(around(100, &[20, 50, 100]), (5..10, 10..20));
        assert_eq!(around(100, &[50, 20, 100]), (5..10, 10..20));
    }
}
