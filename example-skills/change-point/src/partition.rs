//! The cheapest way to cut a series into segments.

use crate::cost::Costs;

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
    let mut starts: Vec<(usize, f64)> = vec![(0, 0.0)];
    let mut next = 1;
    for end in 1..=last {
        while next < end && places[next] + shortest <= places[end] {
            starts.push((next, 0.0));
            next += 1;
        }
        for (start, value) in &mut starts {
            *value = best[*start] + costs.of(places[*start], places[end]) / variance;
            if *value + penalty < best[end] {
                best[end] = *value + penalty;
                previous[end] = *start;
            }
        }
        // A start is kept while a change at `end` could still make it worth while.
        starts.retain(|(_, value)| *value <= best[end]);
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
    use crate::cost::Trend;

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
