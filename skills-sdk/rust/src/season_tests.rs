use super::*;

const HOUR: i64 = time::HOUR;

fn noise(index: i64) -> f64 {
    ((index * 7919 + index * index * 31) % 101) as f64 / 101.0 - 0.5
}

fn hours(from: i64, to: i64, value: impl Fn(i64) -> f64) -> Series {
    Series { times: (from..to).map(|hour| hour * HOUR).collect(), values: (from..to).map(value).collect() }
}

fn office(hour: i64) -> f64 {
    if (8..17).contains(&hour.rem_euclid(24)) { 10.0 } else { 0.0 }
}

#[test]
fn a_square_day_is_learned_at_its_own_edges() {
    let series = hours(0, 240, |hour| office(hour) + noise(hour) + 0.05 * hour as f64);
    let season = Season::of(&series, time::DAY.unsigned_abs()).expect("ten days");
    assert!(season.share > 0.98, "{}", season.share);
    assert!((season.cycles - 10.0).abs() < 1e-9);
    let difference = |one: i64, other: i64| season.at(one * HOUR) - season.at(other * HOUR);
    assert!((difference(8, 7) - 10.0).abs() < 0.7 && (difference(16, 17) - 10.0).abs() < 0.7);
    // Also after it was learned.
    assert!((difference(24_008, 24_007) - 10.0).abs() < 0.7);
}

#[test]
fn noise_predicts_nothing_and_short_series_have_no_season() {
    let noisy = hours(0, 240, noise);
    assert!(Season::of(&noisy, time::DAY.unsigned_abs()).expect("ten days").share < 0.1);
    assert_eq!(Season::of(&noisy, time::WEEK.unsigned_abs()), None);
    assert_eq!(Season::of(&noisy, time::HOUR.unsigned_abs()), None);
    assert_eq!(Season::of(&hours(0, 40, office), time::DAY.unsigned_abs()), None);
    assert_eq!(Season::of(&Series::default(), time::DAY.unsigned_abs()), None);
}

#[test]
fn levels_and_season_are_told_apart() {
    let series = hours(0, 96, |hour| office(hour) + if hour < 50 { 0.0 } else { 100.0 });
    let (season, left) = Season::between(&series, &[50], time::DAY.unsigned_abs(), 24).expect("four days");
    assert!(left < 1e-3, "{left}");
    assert!((season.at(12 * HOUR) - season.at(3 * HOUR) - 10.0).abs() < 1e-3);
    assert!(Season::between(&series, &[], time::DAY.unsigned_abs(), 24).expect("four days").1 > 1e4);
}

#[test]
fn one_odd_day_does_not_make_the_season() {
    let odd = |hour: i64| if (72..96).contains(&hour) { 40.0 * noise(hour * 3) } else { 0.0 };
    let series = hours(0, 240, |hour| office(hour) + noise(hour) + odd(hour));
    let season = Season::of(&series, time::DAY.unsigned_abs()).expect("ten days");
    assert!(season.share > 0.5, "{}", season.share);
    assert!((season.at(12 * HOUR) - season.at(3 * HOUR) - 10.0).abs() < 2.0);
}

#[test]
fn weeks_begin_on_mondays() {
    // 2026-11-23 is a Monday.
    assert_eq!(phase(1_795_392_000_000_000, time::WEEK.unsigned_abs()), 0.0);
    assert!((phase(-1, time::DAY.unsigned_abs()) - 1.0).abs() < 1e-9);
}
