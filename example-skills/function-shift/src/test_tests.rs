use negawatt_skill::Dice;

use super::*;
use crate::changed;

/// How a made service's profiles vary.
#[derive(Clone, Copy, Debug)]
struct Service {
    before: usize,
    after: usize,
    /// The standard deviation of a function's cost from file to file, relative.
    spread: f64,
    /// How alike files that follow each other are.
    phi: f64,
    /// Samples of a file, on average.
    samples: f64,
}

/// Leaves, five to a caller; the callers come after them.
const LEAVES: usize = 40;
const CALLERS: usize = LEAVES / 5;

/// Shares of a service in which after the change the cost of one leaf is multiplied.
fn service(dice: &mut Dice, service: Service, leaf: usize, factor: f64) -> Shares {
    let files = service.before + service.after;
    let innovation = (1.0 - service.phi * service.phi).sqrt();
    let mut state: Vec<f64> = (0..LEAVES).map(|_| dice.normal()).collect();
    let empty = || Sides { before: Vec::new(), after: Vec::new() };
    let mut totals = empty();
    let mut counts: Vec<Sides<Vec<f64>>> = (0..LEAVES + CALLERS).map(|_| empty()).collect();
    for file in 0..files {
        let changed = file >= service.before;
        let costs: Vec<f64> = state
            .iter_mut()
            .enumerate()
            .map(|(index, state)| {
                *state = service.phi * *state + innovation * dice.normal();
                let factor = if changed && index == leaf { factor } else { 1.0 };
                factor * (1.0 + index as f64 / 10.0) * (service.spread * *state).exp()
            })
            .collect();
        let sum: f64 = costs.iter().sum();
        let samples = service.samples * (0.5 + dice.unit());
        let drawn: Vec<f64> = costs
            .iter()
            .map(|cost| {
                let expected = samples * cost / sum;
                (expected + expected.sqrt() * dice.normal()).round().max(0.0)
            })
            .collect();
        let side = |sides: &mut Sides<Vec<f64>>, value| {
            if changed { sides.after.push(value) } else { sides.before.push(value) }
        };
        side(&mut totals, drawn.iter().sum());
        for (index, counts) in counts.iter_mut().enumerate() {
            let callees =
                if index < LEAVES { index..index + 1 } else { 5 * (index - LEAVES)..5 * (index - LEAVES) + 5 };
            side(counts, drawn[callees].iter().sum());
        }
    }
    let share = |counts: &[f64], totals: &[f64]| counts.iter().sum::<f64>() / totals.iter().sum::<f64>();
    let functions = counts.into_iter().enumerate().map(|(index, counts)| {
        let is_leaf = f64::from(u8::from(index < LEAVES));
        let own = Sides {
            before: is_leaf * share(&counts.before, &totals.before),
            after: is_leaf * share(&counts.after, &totals.after),
        };
        Function { index, counts, own }
    });
    Shares { functions: functions.collect(), totals }
}

fn reported(shares: &Shares) -> Vec<Tested> {
    changed(all(shares), 20).into_iter().map(|(tested, _)| tested).collect()
}

#[test]
fn nothing_is_reported_where_nothing_changed() {
    let mut dice = Dice::new(1);
    const RUNS: usize = 100;
    for (before, after) in [(1, 1), (1, 6), (2, 2), (4, 4), (12, 12), (24, 8), (40, 40)] {
        for (spread, phi) in [(0.0, 0.0), (0.15, 0.0), (0.15, 0.6), (0.15, 0.8)] {
            // That files in a row are alike can only be told where there are enough of them.
            if phi > 0.0 && before.min(after) < 8 {
                continue;
            }
            let made = Service { before, after, spread, phi, samples: 2_000.0 };
            let (mut cases, mut small) = (0, 0);
            for _ in 0..RUNS {
                let tested = all(&service(&mut dice, made, 0, 1.0));
                small += tested.iter().filter(|tested| tested.p_value < 0.01).count();
                cases += usize::from(!changed(tested, 20).is_empty());
            }
            let rate = small as f64 / (RUNS * (LEAVES + CALLERS)) as f64;
            let cases = cases as f64 / RUNS as f64;
            assert!(rate <= 0.015, "{rate} of the p-values are below 1 % with {made:?}");
            assert!(cases <= 0.1, "functions are reported in {cases} of the cases with {made:?}");
        }
    }
}

#[test]
fn the_function_that_changed_tells_most() {
    let mut dice = Dice::new(2);
    const RUNS: usize = 40;
    for (before, after, factor) in [(2, 2, 4.0), (4, 4, 2.5), (12, 12, 2.0), (24, 24, 1.5), (40, 6, 2.0)] {
        let made = Service { before, after, spread: 0.15, phi: 0.0, samples: 2_000.0 };
        let (mut first, mut others) = (0, 0);
        for _ in 0..RUNS {
            let reported = reported(&service(&mut dice, made, 17, factor));
            let most = reported.iter().max_by(|left, right| left.divergence().total_cmp(&right.divergence()));
            first += usize::from(most.is_some_and(|tested| tested.function == 17));
            others += reported.iter().filter(|tested| ![17, LEAVES + 3].contains(&tested.function)).count();
        }
        let (first, others) = (first as f64 / RUNS as f64, others as f64 / RUNS as f64);
        assert!(first >= 0.95, "it tells most in {first} of the cases with {made:?}");
        assert!(others <= 0.3, "{others} others are reported with {made:?}");
    }
}

#[test]
fn what_makes_room_did_not_fall() {
    let mut dice = Dice::new(3);
    let made = Service { before: 24, after: 24, spread: 0.02, phi: 0.0, samples: 20_000.0 };
    // A leaf of 4 % becomes one of a third of all: every other share falls by three tenths.
    let shares = service(&mut dice, made, 39, 12.0);
    let fell = |tested: &&Tested| tested.after < tested.before;
    let reported = changed(all(&shares), 100);
    let falls: Vec<_> = reported.iter().map(|(tested, _)| tested).filter(fell).collect();
    assert!(reported.iter().any(|(tested, _)| tested.function == 39));
    assert!(falls.len() <= 2, "{falls:?}");
    // And one that really fell did.
    let shares = service(&mut dice, made, 39, 0.5);
    let reported = changed(all(&shares), 100);
    assert!(reported.iter().any(|(tested, _)| tested.function == 39 && tested.after < tested.before), "{reported:?}");
}

#[test]
fn a_function_that_is_new_is_reported() {
    let steady = |share: f64| vec![(1_000.0 * share).round(); 5];
    let function = |index, before, after| Function {
        index,
        counts: Sides { before: steady(before), after: steady(after) },
        own: Sides { before, after },
    };
    let totals = Sides { before: vec![1_000.0; 5], after: vec![1_000.0; 5] };
    let functions = vec![function(0, 1.0, 1.0), function(1, 0.0, 0.06), function(2, 0.3, 0.3)];
    let reported = reported(&Shares { totals, functions });
    assert_eq!(reported.iter().map(|tested| tested.function).collect::<Vec<_>>(), [1]);
    assert!(reported[0].p_value > 0.0 && reported[0].divergence().is_finite());
}

#[test]
fn the_order_is_by_falling_change_and_the_most_telling_are_kept() {
    let function = |index, before: f64, after: f64, p_value| Tested {
        function: index,
        before,
        after,
        own_before: 0.0,
        own_after: 0.0,
        p_value,
        log_ratio: (after / before).ln(),
    };
    let tested = vec![
        function(0, 0.90, 0.96, 1e-9),
        function(1, 0.03, 0.09, 1e-9),
        function(2, 0.20, 0.10, 1e-9),
        function(3, 0.02, 0.04, 0.5),
        function(4, 0.0005, 0.00051, 1e-9),
    ];
    let order = |most| changed(tested.clone(), most).into_iter().map(|(tested, _)| tested.function).collect::<Vec<_>>();
    assert_eq!(order(20), [1, 0, 2]);
    assert_eq!(order(2), [1, 2]);
    assert_eq!(order(0), []);
}
