//! Whether one sample is better than another, beyond chance.

use super::{Better, Measured};

/// The greatest p-value at which a difference counts.
pub(crate) const LEVEL: f64 = 0.05;

/// Holds the numbers of two samples against each other; each has one at least, and all are finite.
pub(crate) fn compare(before: Vec<f64>, after: Vec<f64>, better: Better) -> Measured {
    let relative = relative(&before, &after);
    let p_value = match better {
        Better::Lower => lower(&after, &before),
        Better::Higher => lower(&before, &after),
    };
    Measured { better, before, after, relative, p_value }
}

/// Whether the median is better, and not by chance.
pub(crate) fn is_improved(measured: &Measured) -> bool {
    let (before, after) = (median(&measured.before), median(&measured.after));
    let is_better = match measured.better {
        Better::Lower => after < before,
        Better::Higher => after > before,
    };
    is_better && measured.p_value < LEVEL
}

/// The change of the median, as a part of the median before; `None` where that is 0, or a sample is empty.
pub fn relative(before: &[f64], after: &[f64]) -> Option<f64> {
    let (old, new) = (median(before)?, median(after)?);
    Some((new - old) / old.abs()).filter(|relative| relative.is_finite())
}

/// The middle one of numbers in any order; of an even number, the mean of the two in the middle; `None` of none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[half]),
        _ => Some(0.5 * sorted[half - 1] + 0.5 * sorted[half]),
    }
}

/// How probable it is that the first sample is at least so much the lower one if both are alike: the one-sided Wilcoxon rank-sum
/// (Mann–Whitney) test by its exact permutation distribution, with mean ranks for ties. Hollander, Wolfe and Chicken, "Nonparametric
/// Statistical Methods", 3rd ed. (2013), section 4.1, comments 5 and 8. Never less than one over the number of ways to divide the values.
fn lower(first: &[f64], second: &[f64]) -> f64 {
    let joined = [first, second].concat();
    // Twice the mean rank is whole.
    let rank = |value: &f64| {
        let below = joined.iter().filter(|other| *other < value).count();
        let equal = joined.iter().filter(|other| *other == value).count();
        2 * below + equal + 1
    };
    let ranks: Vec<usize> = joined.iter().map(rank).collect();
    let observed: usize = ranks[..first.len()].iter().sum();
    // `chances[n][sum]`: the part of all divisions that take n of the values so far, with this sum of ranks. As parts, not counts, of
    // which there are more than a number holds: value by value, each division so far goes on with the value or without it.
    let mut chances = vec![vec![0.0; observed + 1]; first.len() + 1];
    chances[0][0] = 1.0;
    let all = ranks.len();
    for (seen, rank) in ranks.iter().enumerate() {
        let left = (all - seen) as f64;
        for taken in (0..=first.len().min(seen)).rev() {
            // So many of those that are left are still to be taken.
            let takes = (first.len() - taken) as f64 / left;
            for sum in (0..=observed).rev() {
                let chance = std::mem::take(&mut chances[taken][sum]);
                if chance > 0.0 {
                    chances[taken][sum] = chance * (1.0 - takes).max(0.0);
                    // A greater sum than the observed one is none that counts.
                    if takes > 0.0 && sum + rank <= observed {
                        chances[taken + 1][sum + rank] += chance * takes;
                    }
                }
            }
        }
    }
    chances[first.len()].iter().sum::<f64>().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All divisions, one by one.
    fn by_hand(first: &[f64], second: &[f64]) -> f64 {
        let joined = [first, second].concat();
        let wins = |chosen: u32| -> f64 {
            let of = |is: bool| {
                joined.iter().enumerate().filter(move |(at, _)| (chosen >> at & 1 == 1) == is).map(|(_, value)| value)
            };
            of(true)
                .flat_map(|one| {
                    of(false).map(move |other| {
                        if one > other {
                            1.0
                        } else if one == other {
                            0.5
                        } else {
                            0.0
                        }
                    })
                })
                .sum()
        };
        let observed = wins((1 << first.len()) - 1);
        let ways: Vec<u32> =
            (0..1_u32 << joined.len()).filter(|chosen| chosen.count_ones() as usize == first.len()).collect();
        ways.iter().filter(|chosen| wins(**chosen) <= observed).count() as f64 / ways.len() as f64
    }

    #[test]
    fn published_tables() {
        // Hollander, Wolfe and Chicken, example 4.1 (permeability of membranes): R's wilcox.test(x, y, alternative = "greater")
        // gives W = 35, p = 0.1272 exactly.
        let x = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let y = [1.15, 0.88, 0.90, 0.74, 1.21];
        assert!((lower(&y, &x) - 0.1272).abs() < 5e-5, "{}", lower(&y, &x));
        // Without overlap, one way of 20, 70 and 252: three runs are never enough.
        for (n, ways) in [(3, 20.0), (4, 70.0), (5, 252.0)] {
            let low: Vec<f64> = (0..n).map(f64::from).collect();
            let high: Vec<f64> = low.iter().map(|value| value + 100.0).collect();
            assert!((lower(&low, &high) * ways - 1.0_f64).abs() < 1e-12);
            assert!((lower(&high, &low) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn many_runs_neither_vanish_nor_overflow() {
        let low: Vec<f64> = (0..40).map(f64::from).collect();
        let high: Vec<f64> = low.iter().map(|value| value + 1_000.0).collect();
        let p = lower(&low, &high);
        // One over the binomial coefficient of 80 and 40.
        assert!((p * 1.075072087333362e+23 - 1.0).abs() < 1e-9, "{p:e}");
    }

    #[test]
    fn the_middle_is_between_two_where_they_are_even() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&[f64::MAX, f64::MAX]), Some(f64::MAX));
        assert_eq!(
            (relative(&[-2.0], &[-1.0]), relative(&[0.0], &[1.0]), relative(&[1.0], &[])),
            (Some(0.5), None, None)
        );
    }

    #[test]
    fn direction_and_size() {
        let (low, high) = (vec![1.0, 2.0, 3.0, 4.0], vec![11.0, 12.0, 13.0, 14.0]);
        let measured = compare(high.clone(), low.clone(), Better::Lower);
        assert!(is_improved(&measured) && measured.relative == Some(-0.8));
        assert!(!is_improved(&compare(high.clone(), low.clone(), Better::Higher)));
        assert!(is_improved(&compare(low.clone(), high.clone(), Better::Higher)));
        assert!(!is_improved(&compare(low, high, Better::Lower)));
        let nothing = compare(vec![0.0; 50], vec![0.0; 50], Better::Lower);
        assert!(!is_improved(&nothing) && nothing.relative.is_none() && (nothing.p_value - 1.0).abs() < 1e-9);
    }

    proptest::proptest! {
        #[test]
        fn as_counted_one_by_one(
            first in proptest::collection::vec(-3..3_i8, 1..7), second in proptest::collection::vec(-3..3_i8, 1..7),
        ) {
            let [first, second] = [first, second].map(|values| values.into_iter().map(f64::from).collect::<Vec<_>>());
            let (quick, slow) = (lower(&first, &second), by_hand(&first, &second));
            proptest::prop_assert!((quick - slow).abs() < 1e-9, "{quick} {slow}");
        }
    }
}
