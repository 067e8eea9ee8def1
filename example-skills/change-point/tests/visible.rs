//! That nothing was found is worth what the skill says: in simulated series with and without a change.

use change_point::detect::{Detected, detect_after};
use negawatt_skill::Series;
use negawatt_skill::dice::Dice;
use negawatt_skill::stats::median;

const LEVEL: f64 = 100.0;

/// A series of noise about a level that rises by a part of it at a part of the series, and what is found in it.
fn look(dice: &mut Dice, (length, memory, noise): (usize, f64, f64), (place, size): (f64, f64)) -> Detected {
    let times: Vec<i64> = (0..length as i64).map(|index| index * 60_000_000).collect();
    let from = (place * length as f64) as usize;
    let level = |index: usize| LEVEL * (1.0 + if index < from { 0.0 } else { size });
    let waves = dice.remembering(memory, length);
    let values: Vec<f64> = waves.iter().enumerate().map(|(index, wave)| level(index) + LEVEL * noise * wave).collect();
    detect_after(&times, &values, || Ok::<_, ()>(Series::default())).expect("nothing earlier is known")
}

/// Lengths, memories and sizes of noise.
const KINDS: [(usize, f64, f64); 6] =
    [(40, 0.0, 0.03), (90, 0.4, 0.05), (150, 0.0, 0.02), (300, 0.7, 0.05), (1_000, 0.0, 0.2), (2_000, 0.5, 0.3)];

#[test]
fn the_least_visible_step_is_mostly_found_and_half_of_it_is_not() {
    let mut dice = Dice::new(31);
    for kind in KINDS {
        let quiet = |_| look(&mut dice, kind, (1.0, 0.0)).visible.expect("the level is not 0").least;
        let least = median(&(0..21).map(quiet).collect::<Vec<_>>()).expect("there are some");
        let found = (0..40).filter(|_| !look(&mut dice, kind, (0.5, least)).changes.is_empty()).count();
        assert!(found >= 22, "{kind:?}, {least}: {found} of 40");
        let less = (0..40).filter(|_| !look(&mut dice, kind, (0.5, 0.5 * least)).changes.is_empty()).count();
        assert!(less <= 20, "half of {kind:?}, {least}: {less} of 40");
    }
}

/// Half of the incidents are right, by changes of all sizes and places: of those in which nothing is found, so many are noise as the
/// skill says.
#[test]
fn confidence_in_noise_is_right_so_often() {
    let mut dice = Dice::new(77);
    // What was said, what was noise, and how many, of each kind.
    let mut of = [(0.0, 0.0, 0.0); KINDS.len()];
    for round in 0..1_800 {
        let kind = KINDS[round % KINDS.len()];
        let real = dice.chance(0.5);
        let size = if real { 0.005 * 100f64.powf(dice.unit()) } else { 0.0 };
        let place = dice.unit();
        let detected = look(&mut dice, kind, (place, size));
        if detected.changes.is_empty() {
            let (said, noise, quiet) = &mut of[round % KINDS.len()];
            *said += detected.visible.expect("the level is not 0").confidence();
            *noise += f64::from(u8::from(!real));
            *quiet += 1.0;
        }
    }
    for (kind, (said, noise, quiet)) in KINDS.iter().zip(of) {
        let (said, were) = (said / quiet, noise / quiet);
        // Within three standard errors of so many.
        assert!(quiet > 150.0 && (said - were).abs() < 0.11, "{kind:?}: said {said}, were {were} of {quiet}");
    }
    let total = of.iter().fold((0.0, 0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1, all.2 + one.2));
    assert!(((total.0 - total.1) / total.2).abs() < 0.03, "{total:?}");
}

#[test]
fn where_nothing_can_be_said_nothing_is_said() {
    let times: Vec<i64> = (0..240).collect();
    let of = |values: &[f64]| {
        detect_after(&times, values, || Ok::<_, ()>(Series::default())).expect("nothing earlier is known").visible
    };
    assert_eq!(of(&[7.0; 240]), None, "a source that died says the same as one in which nothing happens");
    let about_zero: Vec<f64> = (0..240).map(|index| if index % 2 == 0 { 1.0 } else { -1.0 }).collect();
    assert_eq!(of(&about_zero), None, "nothing is a part of nothing");
    // What climbs all through the window is known of before by nobody.
    let waves = Dice::new(3).remembering(0.0, 240);
    let line =
        |slope: f64| waves.iter().enumerate().map(|(n, wave)| LEVEL + slope * n as f64 + wave).collect::<Vec<_>>();
    let missed = [0.0, 0.2].map(|slope| of(&line(slope)).expect("the level is not 0").missed);
    assert!(missed[0] < 0.3 && missed[1] == 1.0, "{missed:?}");
    // Of a value that is rounded no more is seen than its steps.
    let rounded: Vec<f64> = waves.iter().map(|wave| (LEVEL + 0.1 * wave).round()).collect();
    let fine: Vec<f64> = waves.iter().map(|wave| LEVEL + 0.1 * wave).collect();
    assert!(of(&fine).expect("the level is not 0").least < 0.002);
    assert!(of(&rounded).is_none_or(|visible| visible.least > 0.002));
}
