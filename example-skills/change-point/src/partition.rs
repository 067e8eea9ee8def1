//! The cheapest way to cut a series into segments.

use crate::cost::{Costs, Trend, about_line};

/// The change points that minimise Σ cost / `variance` + `penalty` each, among `candidates`, with no segment shorter
/// than `shortest`.
///
/// Optimal partitioning (Jackson et al., IEEE Signal Processing Letters 12 (2005), p. 105) with the pruning of Killick,
/// Fearnhead and Eckley, "Optimal Detection of Changepoints with a Linear Computational Cost", JASA 107 (2012), section
/// 3: a start that is already worse than the best by more than a penalty can never be best again. Time at most
/// quadratic in the number of candidates.
pub fn partition(costs: &Costs, candidates: &[usize], variance: f64, penalty: f64, shortest: usize) -> Vec<usize> {
    let n = costs.len();
    let ends: Vec<usize> = candidates.iter().copied().filter(|&end| end >= shortest && end + shortest <= n).collect();
    let mut places = vec![0];
    places.extend(&ends);
    places.push(n);
    let last = places.len() - 1;
    let mut best = vec![f64::INFINITY; places.len()];
    let mut previous = vec![0; places.len()];
    best[0] = -penalty;
    let mut starts = Starts::default();
    starts.add(0, best[0], costs.until(0));
    let mut next = 1;
    for end in 1..=last {
        while next < end && places[next] + shortest <= places[end] {
            starts.add(next, best[next], costs.until(places[next]));
            next += 1;
        }
        starts.evaluate(costs.sums(places[end]), costs.trend(), 1.0 / variance);
        let (least, worst) = extremes(&starts.values);
        if let Some(at) = starts.values.iter().position(|value| *value == least) {
            best[end] = least + penalty;
            previous[end] = starts.places[at];
        }
        // A start is kept while a change at `end` could still make it worth while.
        if worst > best[end] {
            starts.keep_below(best[end]);
        }
    }
    let mut changes = Vec::new();
    let mut place = previous[last];
    while place > 0 {
        changes.push(places[place]);
        place = previous[place];
    }
    changes.reverse();
    changes
}

/// The places at which a segment may begin that ends further on, column by column: they are gone through for every end.
#[derive(Default)]
struct Starts {
    places: Vec<usize>,
    /// The least cost of what lies before.
    best: Vec<f64>,
    /// What segments from there leave out of the sums ([`Costs::until`]).
    until: [Vec<f64>; 6],
    /// `best` and the cost of the segment to the end that was evaluated last.
    values: Vec<f64>,
}

impl Starts {
    fn add(&mut self, place: usize, best: f64, until: [f64; 6]) {
        self.places.push(place);
        self.best.push(best);
        self.values.push(0.0);
        self.until.iter_mut().zip(until).for_each(|(column, value)| column.push(value));
    }

    /// The values for segments that end where the sums are these. Most of the time of a long search goes here: in the sandbox, two of
    /// them are computed at a time.
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
    fn evaluate(&mut self, sums: &[f64; 6], trend: Trend, per_variance: f64) {
        let count = self.places.len();
        let [oo, ot, tt, oy, ty, yy] = self.until.each_ref().map(|column| &column[..count]);
        let (values, best) = (&mut self.values[..count], &self.best[..count]);
        let [all_oo, all_ot, all_tt, all_oy, all_ty, all_yy] = *sums;
        match trend {
            Trend::Level => {
                for at in 0..count {
                    let product = all_oy - oy[at];
                    let left = all_yy - yy[at] - product * product / (all_oo - oo[at]);
                    // Chosen, not computed: the sandbox looks at what is computed for numbers that are none.
                    values[at] = best[at] + if left > 0.0 { left } else { 0.0 } * per_variance;
                }
            }
            Trend::Line => {
                for at in 0..count {
                    let left = about_line([
                        all_oo - oo[at],
                        all_ot - ot[at],
                        all_tt - tt[at],
                        all_oy - oy[at],
                        all_ty - ty[at],
                        all_yy - yy[at],
                    ]);
                    values[at] = best[at] + left * per_variance;
                }
            }
        }
    }

    fn keep_below(&mut self, most: f64) {
        let mut kept = 0;
        for at in 0..self.places.len() {
            if self.values[at] <= most {
                if kept < at {
                    self.places[kept] = self.places[at];
                    self.best[kept] = self.best[at];
                    self.until.iter_mut().for_each(|column| column[kept] = column[at]);
                }
                kept += 1;
            }
        }
        self.places.truncate(kept);
        self.best.truncate(kept);
        self.values.truncate(kept);
        self.until.iter_mut().for_each(|column| column.truncate(kept));
    }
}

/// The least and the greatest of some numbers; those that are none do not count.
///
/// Several are gone through side by side, which the sandbox does in one step.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn extremes(values: &[f64]) -> (f64, f64) {
    const LANES: usize = 4;
    let (mut least, mut most) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    let mut take = |lane: usize, value: f64| {
        least[lane] = if value < least[lane] { value } else { least[lane] };
        most[lane] = if value > most[lane] { value } else { most[lane] };
    };
    let mut chunks = values.chunks_exact(LANES);
    for chunk in &mut chunks {
        (0..LANES).for_each(|lane| take(lane, chunk[lane]));
    }
    chunks.remainder().iter().for_each(|value| take(0, *value));
    let least = least.into_iter().fold(f64::INFINITY, f64::min);
    (least, most.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

/// Moves each change point to its best place between its neighbours, by a search around it that becomes wider with the
/// distance of candidates; at most three rounds.
pub fn refine(costs: &Costs, changes: &mut [usize], reach: usize, shortest: usize) {
    for _ in 0..3 {
        let mut moved = false;
        for index in 0..changes.len() {
            let left = if index == 0 { 0 } else { changes[index - 1] };
            let right = changes.get(index + 1).copied().unwrap_or(costs.len());
            let low = (left + shortest).max(changes[index].saturating_sub(reach));
            let high = (right.saturating_sub(shortest)).min(changes[index] + reach);
            let at = |place: usize| costs.of(left, place) + costs.of(place, right);
            let (mut place, mut least) = (changes[index], at(changes[index]));
            for other in low..=high {
                let cost = at(other);
                if cost < least {
                    (place, least) = (other, cost);
                }
            }
            moved |= place != changes[index];
            changes[index] = place;
        }
        if !moved {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_steps_are_found_exactly() {
        let values: Vec<f64> = (0..50).map(|index| if (20..33).contains(&index) { 4.0 } else { 1.0 }).collect();
        let costs = Costs::new(&values, Trend::Level, 0.0);
        let all: Vec<usize> = (1..50).collect();
        assert_eq!(partition(&costs, &all, 1.0, 10.0, 2), [20, 33]);
        assert_eq!(partition(&costs, &all, 1.0, 1e6, 2), [0; 0]);
        let mut near = [23, 30];
        refine(&costs, &mut near, 5, 2);
        assert_eq!(near, [20, 33]);
    }
}
