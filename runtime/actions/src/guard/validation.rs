//! Measures before and after, in turn, and holds them against each other.

use std::path::Path;

use negawatt_text::{printable, shorten};

use super::copy::Copy;
use super::examine::Said;
use super::git::{Git, Side};
use super::run::{Ended, Launcher, run};
use super::statistics::{LEVEL, compare, is_improved, median};
use super::{Measured, Validation};

/// How often each side may be measured: with fewer runs no difference is beyond chance.
const RUNS: std::ops::RangeInclusive<usize> = 4..=100;

/// Whether the validation shows that the patch improves what it measures, and what it measured where it got so far.
pub(crate) fn validate(
    git: &Git,
    validation: &Validation,
    launcher: &Launcher,
    scratch: &Path,
) -> (Option<Measured>, Result<Said, Said>) {
    match measure(git, validation, launcher, scratch) {
        Err(said) => (None, Err(said)),
        Ok((measured, guard)) => {
            let detail = format!("{}; {guard}", words(&measured));
            let said = if is_improved(&measured) { Ok(Said::new(detail)) } else { Err(Said::new(detail)) };
            (Some(measured), said)
        }
    }
}

fn measure(
    git: &Git,
    validation: &Validation,
    launcher: &Launcher,
    scratch: &Path,
) -> Result<(Measured, String), Said> {
    if !RUNS.contains(&validation.runs) {
        let (least, most) = (RUNS.start(), RUNS.end());
        return Err(Said::new(format!(
            "the validation asks for {} runs; {least} to {most} are possible",
            validation.runs
        )));
    }
    let copies = [
        Copy::new(git, Side::Before, scratch).map_err(Said::new)?,
        Copy::new(git, Side::After, scratch).map_err(Said::new)?,
    ];
    let mut numbers = [Vec::new(), Vec::new()];
    let mut guard = String::new();
    // The first round warms up. What drifts while it is measured, such as a machine that gets warm, weighs on both sides alike: they
    // take turns in being the first.
    for round in 0..=validation.runs {
        for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            let which = ["without", "with"][side];
            let when = if round == 0 { "to warm up".to_owned() } else { format!("{round} of {}", validation.runs) };
            let failed = |why: &str, output| Said { detail: format!("run {when} {which} the patch: {why}"), output };
            let ran = run(launcher, &validation.command, &validation.programs, &copies[side], &validation.limits)
                .map_err(|why| failed(&why, None))?;
            if ran.ended != Ended::Code(0) {
                return Err(failed(&format!("{}; {}", ran.ended, ran.guard), Some(ran.output)));
            }
            let Some(number) = ran.last_line.parse().ok().filter(|number: &f64| number.is_finite()) else {
                let line = shorten(&printable(&ran.last_line), 200);
                let why = format!("the last line of its standard output is no number: {line:?}");
                return Err(failed(&why, Some(ran.output)));
            };
            if round > 0 {
                numbers[side].push(number);
            }
            guard = ran.guard;
        }
    }
    for (copy, which) in copies.iter().zip(["without", "with"]) {
        if let Some(path) = copy.changed().first() {
            let path = path.display();
            return Err(Said::new(format!(
                "while it measured {which} the patch, `{path}` was changed: the numbers prove nothing"
            )));
        }
    }
    let [before, after] = numbers;
    Ok((compare(before, after, validation.better), guard))
}

fn words(measured: &Measured) -> String {
    let Measured { better, before, after, relative, p_value } = measured;
    let relative = relative.map_or(String::new(), |relative| format!(" ({:+.2} %)", 100.0 * relative));
    let verdict = match (is_improved(measured), median(before) == median(after)) {
        (true, _) => "it improves".to_owned(),
        (_, true) => "it changes nothing".to_owned(),
        _ => format!("it does not improve beyond chance, which needs p below {LEVEL}"),
    };
    let middle = |values: &[f64]| median(values).unwrap_or(f64::NAN);
    format!(
        "{verdict}: the median of {} runs goes from {:.6} to {:.6}{relative}, where {} is better; p = {p_value:.3e} (one-sided \
         Mann–Whitney test, exact; runs with and without the patch took turns)",
        before.len(),
        middle(before),
        middle(after),
        if *better == super::Better::Lower { "lower" } else { "higher" },
    )
}
