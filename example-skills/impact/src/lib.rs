//! Says what a regression costs in CPU cores and watts.
//!
//! See the skill's `SKILL.md` for when it applies and what its numbers mean.

use negawatt_skill::prelude::*;
use negawatt_skill::words::words;

negawatt_skill::skill!(investigate);

/// The impact of the change that explains the incident; nothing where there is none, the operator says nothing of the fleet, or
/// the metric does not measure CPU.
pub fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let (Some(fleet), Some(change)) = (case.fleet, case.explaining_change()) else { return Ok(Vec::new()) };
    let Some(metric) = &case.incident.metric else { return Ok(Vec::new()) };
    let Some(part) = PartOfCpu::of(metric, &case.incident.service, &change) else { return Ok(Vec::new()) };
    let cores = part.share * fleet.servers * fleet.cores_per_server;
    let watts = cores * fleet.watts_per_core;
    if !(cores.abs() <= MOST && watts.abs() <= MOST) {
        return Err(Error::Invalid(format!(
            "{cores:e} cores and {watts:e} watts are no numbers of a fleet: check the fleet's, and the levels of the change"
        )));
    }
    let basis = format!(
        "{} × {} servers × {} cores = {} cores; × {} W a core = {} W",
        part.basis,
        digits(fleet.servers, 6),
        digits(fleet.cores_per_server, 6),
        whole(cores),
        digits(fleet.watts_per_core, 6),
        whole(watts)
    );
    let summary = format!(
        "{} {} cores, {} W.",
        if cores < 0.0 { "It saves" } else { "It costs" },
        digits(cores.abs(), 3),
        digits(watts.abs(), 3)
    );
    let mut because = vec![change.id];
    because.extend(
        part.function.and_then(|name| case.function_shifts().find(|shift| shift.name == name)).map(|shift| shift.id),
    );
    Ok(vec![Finding::new(Impact { cores, watts, basis }, change.confidence, summary).because(because)])
}

/// What no fleet has.
const MOST: f64 = 1e30;

/// A number of cores or watts: whole as in reports, and to four digits where that is fewer.
fn whole(number: f64) -> String {
    if (1e3..1e15).contains(&number.abs()) { format!("{number:.0}") } else { digits(number, 4) }
}

/// What part of the service's CPU a change added.
struct PartOfCpu<'a> {
    share: f64,
    function: Option<&'a str>,
    basis: String,
}

impl<'a> PartOfCpu<'a> {
    /// From a metric that is a function's share of CPU, or the CPU use of the service; `None` where it is neither, and where
    /// there was nothing before to compare with.
    fn of(metric: &'a Metric, service: &str, change: &ChangePoint) -> Option<PartOfCpu<'a>> {
        let is_of_service = metric.labels.iter().all(|label| label.name != "service" || label.value == service);
        // Where less is worse, it is idle time or what is done with the time: not what is used.
        if metric.worse == Direction::Down || !is_of_service {
            return None;
        }
        // More digits than a summary has, so that who redoes the sum comes to the same.
        let levels = format!("{} → {}", digits(change.before, 6), digits(change.after, 6));
        let percent = |share: f64| format!("{}{} %", if share > 0.0 { "+" } else { "" }, digits(100.0 * share, 5));
        if let Some(function) = metric.label("function") {
            let share = change.after - change.before;
            // A share is of all samples: what is outside of 0 and 1 measures something else of the function.
            let are_shares = [change.before, change.after].iter().all(|level| (0.0..=1.0).contains(level));
            let basis = format!("share of {function} {levels}, {} of CPU", percent(share));
            return are_shares.then_some(PartOfCpu { share, function: Some(function), basis });
        }
        let share = change.relative();
        let measures_cpu = share.is_finite() && is_cpu(&metric.name);
        let basis = format!("{} {levels}, {}", metric.name, percent(share));
        measures_cpu.then_some(PartOfCpu { share, function: None, basis })
    }
}

/// Whether a metric's name has the word `cpu`, as in `cpu_seconds_per_request`, `process.cpu.time` or `CPUUtilization`.
fn is_cpu(name: &str) -> bool {
    words(name).any(|word| word == "cpu")
}

#[cfg(test)]
mod tests;
