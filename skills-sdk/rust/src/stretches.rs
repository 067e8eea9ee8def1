//! What lies between a change and its neighbours, so that a comparison of before and after sees one change only.

use std::ops::Range;

use crate::Timestamp;
use crate::profile::Profile;

/// What is compared: observations before a change and those after it, by their indices.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretches {
    /// Before it, from the change next to it on.
    pub before: Range<usize>,
    /// After it, until the change next to it.
    pub after: Range<usize>,
}

/// A change and its neighbours.
#[derive(Clone, Debug)]
pub struct Around {
    change: Timestamp,
    others: Vec<Timestamp>,
    enough: usize,
}

impl Around {
    /// Around one of several changes. So many observations as `enough` show how much they differ among themselves: a neighbouring
    /// change does not cut a side shorter.
    pub fn new(change: Timestamp, all: impl IntoIterator<Item = Timestamp>, enough: usize) -> Around {
        Around { change, others: all.into_iter().filter(|&other| other != change).collect(), enough }
    }

    /// Of observations made at moments, by rising time: those between the neighbouring changes, where enough are left; else all of
    /// the side.
    pub fn moments(&self, times: &[Timestamp]) -> Stretches {
        let index = |time: Timestamp| times.partition_point(|&other| other < time);
        self.bound(times.len(), |time| (index(time), index(time)))
    }

    /// Of a profile's files, which each last until the next begins: one that reaches over a change belongs to no side.
    pub fn files(&self, profile: &Profile) -> Stretches {
        self.bound(profile.files().len(), |time| {
            let (ended, begun) = profile.split(time);
            (ended.end, begun.start)
        })
    }

    /// `index` says where what ended before a time ends, and where what begins after it begins.
    fn bound(&self, all: usize, index: impl Fn(Timestamp) -> (usize, usize)) -> Stretches {
        let (ended, begun) = index(self.change);
        let mut stretches = Stretches { before: 0..ended, after: begun..all };
        for &other in &self.others {
            let (ended, begun) = index(other);
            if other < self.change {
                let start = begun.max(stretches.before.start);
                if start + self.enough <= stretches.before.end {
                    stretches.before.start = start;
                }
            } else {
                let end = ended.min(stretches.after.end);
                if stretches.after.start + self.enough <= end {
                    stretches.after.end = end;
                }
            }
        }
        stretches
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiles;

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
        .expect("its columns agree")
    }

    fn files(time: i64, changes: &[i64]) -> (Range<usize>, Range<usize>) {
        let stretches = Around::new(time, changes.iter().copied(), 4).files(&profile(20));
        (stretches.before, stretches.after)
    }

    fn moments(time: i64, changes: &[i64]) -> (Range<usize>, Range<usize>) {
        let times: Vec<i64> = (0..20).map(|n| 10 * n).collect();
        let stretches = Around::new(time, changes.iter().copied(), 4).moments(&times);
        (stretches.before, stretches.after)
    }

    #[test]
    fn a_file_over_the_change_is_left_out_and_a_moment_is_on_one_side() {
        assert_eq!(files(105, &[105]), (0..10, 11..20));
        assert_eq!(files(100, &[100]), (0..10, 10..20));
        assert_eq!(files(5, &[5]), (0..0, 1..20));
        assert_eq!(files(0, &[0]), (0..0, 0..20));
        assert_eq!(files(500, &[500]), (0..19, 20..20));
        assert_eq!(moments(105, &[105]), (0..11, 11..20));
        assert_eq!(moments(100, &[100]), (0..10, 10..20));
        assert_eq!(moments(500, &[]), (0..20, 20..20));
    }

    #[test]
    fn neighbouring_changes_bound_both_sides_where_enough_is_left() {
        assert_eq!(files(100, &[40, 100, 160]), (4..10, 10..16));
        assert_eq!(files(100, &[45, 100, 165]), (5..10, 10..16));
        assert_eq!(moments(100, &[45, 100, 165]), (5..10, 10..17));
        assert_eq!(files(100, &[80, 100, 120]), (0..10, 10..20));
        assert_eq!(files(100, &[20, 50, 100]), (5..10, 10..20));
        assert_eq!(files(100, &[50, 20, 100]), (5..10, 10..20), "in whatever order");
        let few = Around::new(100, [80, 100, 120], 2).files(&profile(20));
        assert_eq!((few.before, few.after), (8..10, 10..12));
    }
}
