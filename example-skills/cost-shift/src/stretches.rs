//! What lies between the change in question and its neighbours.

use std::ops::Range;

use negawatt_skill::Timestamp;

/// So many observations show how much they differ among themselves; a neighbouring change does not cut a side shorter.
const ENOUGH: usize = 6;

/// The observations before a change and those after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretches {
    pub before: Range<usize>,
    pub after: Range<usize>,
}

/// A change and its neighbours.
#[derive(Clone, Debug)]
pub struct Around {
    change: Timestamp,
    others: Vec<Timestamp>,
}

impl Around {
    pub fn new(change: Timestamp, all: impl Iterator<Item = Timestamp>) -> Around {
        Around { change, others: all.filter(|&other| other != change).collect() }
    }

    /// Observations made at moments: those between the neighbouring changes, where enough are left; else all of the side.
    pub fn moments(&self, times: &[Timestamp]) -> Stretches {
        let index = |time: Timestamp| times.partition_point(|&other| other < time);
        self.bound(index(self.change), index(self.change), times.len(), |other| (index(other), index(other)))
    }

    /// Observations that each last until the next begins: one that reaches over a change belongs to no side.
    pub fn spans(&self, starts: &[Timestamp]) -> Stretches {
        let index = |time: Timestamp| {
            let next = starts.partition_point(|&other| other < time);
            let begins_there = starts.get(next) == Some(&time);
            (if begins_there { next } else { next.saturating_sub(1) }, next)
        };
        let (ended, begun) = index(self.change);
        self.bound(ended, begun, starts.len(), index)
    }

    fn bound(&self, ended: usize, begun: usize, all: usize, index: impl Fn(Timestamp) -> (usize, usize)) -> Stretches {
        let mut stretches = Stretches { before: 0..ended, after: begun..all };
        for &other in &self.others {
            let (ended, begun) = index(other);
            if other < self.change {
                let start = begun.max(stretches.before.start);
                if start + ENOUGH <= stretches.before.end {
                    stretches.before.start = start;
                }
            } else {
                let end = ended.min(stretches.after.end);
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
    use super::*;

    fn stretches(found: Stretches) -> (Range<usize>, Range<usize>) {
        (found.before, found.after)
    }

    #[test]
    fn a_span_over_the_change_is_left_out() {
        let starts: Vec<i64> = (0..20).map(|n| 10 * n).collect();
        let spans = |time| stretches(Around::new(time, [time].into_iter()).spans(&starts));
        assert_eq!(spans(105), (0..10, 11..20));
        assert_eq!(spans(100), (0..10, 10..20));
        assert_eq!(spans(0), (0..0, 0..20));
        let moments = |time| stretches(Around::new(time, [time].into_iter()).moments(&starts));
        assert_eq!(moments(105), (0..11, 11..20));
        assert_eq!(moments(100), (0..10, 10..20));
    }

    #[test]
    fn neighbouring_changes_bound_both_sides_where_enough_is_left() {
        let starts: Vec<i64> = (0..20).map(|n| 10 * n).collect();
        let around = |others: &[i64]| Around::new(100, others.iter().copied());
        assert_eq!(stretches(around(&[40, 100, 165]).spans(&starts)), (4..10, 10..16));
        assert_eq!(stretches(around(&[35, 100, 165]).moments(&starts)), (4..10, 10..17));
        assert_eq!(stretches(around(&[80, 100, 120]).spans(&starts)), (0..10, 10..20));
    }
}
