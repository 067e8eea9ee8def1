//! Statistics against published implementations: `fixtures/make.py` says which and how.

use std::collections::HashMap;

use negawatt_skill::stats;
use serde_json::Value;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/statistics.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn samples(fixture: &Value) -> HashMap<String, Vec<f64>> {
    let samples = fixture["samples"].as_array().unwrap().iter();
    samples.map(|sample| (sample["name"].as_str().unwrap().into(), numbers(&sample["values"]))).collect()
}

/// Equal to so many parts, or both as good as zero.
#[track_caller]
fn assert_close(ours: f64, theirs: f64, relative: f64, what: &str) {
    let close = (ours - theirs).abs() <= relative * theirs.abs() + 1e-300;
    assert!(close, "{what}: {ours:e} instead of {theirs:e}");
}

#[test]
fn descriptions() {
    for sample in fixture()["samples"].as_array().unwrap() {
        let values = numbers(&sample["values"]);
        let name = sample["name"].as_str().unwrap();
        assert_close(stats::mean(&values).unwrap(), number(&sample["mean"]), 1e-12, name);
        assert_close(stats::variance(&values).unwrap(), number(&sample["variance"]), 1e-12, name);
        assert_close(stats::median(&values).unwrap(), number(&sample["median"]), 1e-12, name);
        assert_close(stats::mad(&values).unwrap(), number(&sample["mad"]), 1e-12, name);
        assert_eq!(stats::ranks(&values), numbers(&sample["ranks"]), "{name}");
        for quantile in sample["quantiles"].as_array().unwrap() {
            let order = number(&quantile[0]);
            assert_close(stats::quantile(&values, order).unwrap(), number(&quantile[1]), 1e-12, name);
        }
        for (lag, theirs) in numbers(&sample["autocorrelation"]).into_iter().enumerate() {
            let ours = stats::autocorrelation(&values, lag).unwrap();
            assert!((ours - theirs).abs() < 1e-12, "{name}: {ours} instead of {theirs} at lag {lag}");
        }
        for variance in sample["long_run_variance"].as_array().unwrap() {
            let lags = variance[0].as_u64().unwrap() as usize;
            assert_close(stats::long_run_variance(&values, Some(lags)).unwrap(), number(&variance[1]), 1e-9, name);
        }
    }
}

#[test]
fn nothing_is_made_of_nothing() {
    assert!(stats::mean(&[]).is_none() && stats::median(&[]).is_none() && stats::mad(&[]).is_none());
    assert!(stats::variance(&[1.0]).is_none() && stats::long_run_variance(&[1.0], None).is_none());
    assert!(stats::quantile(&[1.0], 1.5).is_none() && stats::quantile(&[1.0], f64::NAN).is_none());
    assert!(stats::autocorrelation(&[1.0, 2.0], 2).is_none() && stats::autocorrelation(&[3.0, 3.0], 1).is_none());
    assert!(stats::mean_shift(&[1.0], &[1.0, 2.0]).is_none() && stats::mann_whitney(&[], &[1.0]).is_none());
    assert!(stats::ranks(&[]).is_empty() && stats::benjamini_hochberg(&[]).is_empty());
}

#[test]
fn tails() {
    let fixture = fixture();
    for row in fixture["normal_sf"].as_array().unwrap() {
        let z = number(&row[0]);
        assert_close(stats::normal_sf(z), number(&row[1]), 1e-11, &format!("normal_sf({z})"));
    }
    for row in fixture["student_t_sf"].as_array().unwrap() {
        let (t, degrees) = (number(&row[0]), number(&row[1]));
        assert_close(stats::student_t_sf(t, degrees), number(&row[2]), 1e-9, &format!("student_t_sf({t}, {degrees})"));
    }
    assert_eq!((stats::normal_sf(f64::INFINITY), stats::student_t_sf(f64::NEG_INFINITY, 3.0)), (0.0, 1.0));
}

#[test]
fn tests_of_two_samples() {
    let fixture = fixture();
    let samples = samples(&fixture);
    let sides = |row: &Value| {
        (samples[row["before"].as_str().unwrap()].clone(), samples[row["after"].as_str().unwrap()].clone())
    };
    for row in fixture["welch"].as_array().unwrap() {
        let (before, after) = sides(row);
        let shift = stats::welch_of(&before, &after).unwrap();
        assert_close(shift.difference / shift.standard_error, number(&row["statistic"]), 1e-11, "statistic");
        assert_close(shift.degrees_of_freedom, number(&row["degrees_of_freedom"]), 1e-11, "degrees of freedom");
        assert_close(shift.p_value, number(&row["p_value"]), 1e-9, "p-value");
    }
    for row in fixture["mann_whitney"].as_array().unwrap() {
        let (before, after) = sides(row);
        assert_close(stats::mann_whitney(&before, &after).unwrap(), number(&row["p_value"]), 1e-10, "Mann–Whitney");
    }
}

#[test]
fn values_without_spread() {
    let step = stats::welch_of(&[1.0; 10], &[2.0; 10]).unwrap();
    assert!(step.difference == 1.0 && step.p_value < 1e-100, "{step:?}");
    assert_eq!(stats::welch_of(&[2.0; 10], &[2.0; 10]).unwrap().p_value, 1.0);
    assert_eq!(stats::mean_shift(&[0.0; 10], &[0.0; 10]).unwrap().p_value, 1.0);
    assert_eq!(stats::mann_whitney(&[2.0; 10], &[2.0; 10]), Some(1.0));
    assert_eq!(stats::ar1(&[&[1.0; 20]]), 0.0);
}

#[test]
fn many_tests() {
    let fixture = fixture();
    let (p_values, theirs) = (&fixture["benjamini_hochberg"]["p_values"], &fixture["benjamini_hochberg"]["adjusted"]);
    for (ours, theirs) in stats::benjamini_hochberg(&numbers(p_values)).into_iter().zip(numbers(theirs)) {
        assert_close(ours, theirs, 1e-12, "adjusted");
    }
}

#[test]
fn what_p_values_are_worth() {
    // Sellke, Bayarri and Berger (2001), table 1: the error probabilities for p = 0.05, 0.01 and 0.001.
    for (p_value, error) in [(0.05, 0.289), (0.01, 0.111), (0.001, 0.0184)] {
        assert!((1.0 - stats::confidence(p_value) - error).abs() < 0.0005, "{p_value}");
    }
    assert_eq!((stats::confidence(0.0), stats::confidence(0.9), stats::confidence(f64::NAN)), (1.0, 0.5, 0.5));
    assert_eq!(stats::permutation_p(5.0, &[1.0, 5.0, 7.0]), 0.75);
    assert_eq!(stats::permutation_p(9.0, &[1.0; 99]), 0.01);
}
