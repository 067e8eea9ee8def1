//! The CSV files of the metrics.

use crate::clock::{Seconds, rfc3339, rfc3339_at};
use crate::costs::{Costs, Target};
use crate::dice::Dice;
use crate::error::{Error, Result};
use crate::hostile;
use crate::plan::{Course, Plan, Shift};
use crate::program::Program;
use crate::scenario::Scenario;
use crate::series::Texture;
use std::fs;
use std::path::Path;

/// The points of a series.
pub(crate) type Points = Vec<(Seconds, f64)>;

/// One series: its labels' values, in the order of the file's labels, and its points.
struct Series {
    labels: Vec<String>,
    points: Points,
}

/// What the incident has to say to get the series, and the series.
pub(crate) struct Primary {
    /// Labels that select it.
    pub(crate) labels: Vec<(String, String)>,
    /// Its points.
    pub(crate) points: Points,
}

/// How times are written in a file.
#[derive(Clone, Copy)]
enum Clock {
    Utc,
    Zone(i64),
    Unix,
    UnixDecimal,
}

impl Clock {
    fn draw(dice: &mut Dice) -> Self {
        match dice.index(10) {
            0..=4 => Clock::Utc,
            5 => Clock::Zone(*dice.pick(&[60, 120, -300, 330])),
            6..=8 => Clock::Unix,
            _ => Clock::UnixDecimal,
        }
    }

    fn write(self, time: Seconds) -> String {
        match self {
            Clock::Utc => rfc3339(time),
            Clock::Zone(minutes) => rfc3339_at(time, minutes),
            Clock::Unix => time.to_string(),
            Clock::UnixDecimal => format!("{time}.000"),
        }
    }
}

/// Labels besides `service`, with the value of the series in question and another.
const LABELS: &[(&str, &str, &str)] = &[
    ("env", "prod", "staging"),
    ("region", "eu-west-1", "us-east-2"),
    ("cluster", "blue", "green"),
    ("tier", "web", "batch"),
];

/// Six significant digits.
fn digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".into();
    }
    let before = value.abs().log10().floor() as i32 + 1;
    format!("{value:.*}", (6 - before).clamp(0, 12) as usize)
}

/// A field of CSV, quoted where it has to be.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// Writes a file: columns and rows in some order.
fn write_table(dice: &mut Dice, path: &Path, names: &[String], series: &[Series]) -> Result<()> {
    let clock = Clock::draw(dice);
    let mut columns: Vec<usize> = (0..names.len() + 2).collect();
    if dice.chance(0.5) {
        dice.shuffle(&mut columns);
    }
    let line = |cells: &[String]| columns.iter().map(|c| cells[*c].as_str()).collect::<Vec<_>>().join(",") + "\n";
    let mut head = vec!["time".to_owned()];
    head.extend(names.iter().cloned());
    head.push("value".to_owned());
    let mut rows: Vec<(Seconds, String)> = Vec::new();
    for one in series {
        for (time, value) in &one.points {
            let mut cells = vec![clock.write(*time)];
            cells.extend(one.labels.iter().map(|l| cell(l)));
            cells.push(digits(*value));
            rows.push((*time, line(&cells)));
        }
    }
    match dice.index(3) {
        0 => dice.shuffle(&mut rows),
        1 => rows.sort_by_key(|(time, _)| *time),
        _ => {}
    }
    let text = line(&head) + &rows.into_iter().map(|(_, row)| row).collect::<String>();
    fs::write(path, text).map_err(Error::write(path))
}

/// The maker of a case's metrics.
struct Maker<'a> {
    dice: &'a mut Dice,
    plan: &'a Plan,
    texture: Texture,
}

impl Maker<'_> {
    fn series(&mut self, labels: Vec<String>, level: f64, deviation: f64, factor: &dyn Fn(Seconds) -> f64) -> Series {
        let texture = self.texture.with_deviation(deviation);
        let times = texture.times(self.dice, self.plan);
        let values = texture.values(self.dice, &times, level, factor);
        Series { labels, points: times.into_iter().zip(values).collect() }
    }
}

/// Writes all metrics and says how the incident's series is selected.
pub(crate) fn write(
    dice: &mut Dice,
    plan: &Plan,
    program: &Program,
    costs: &Costs,
    target: &Target,
    folder: &Path,
) -> Result<Primary> {
    fs::create_dir_all(folder).map_err(Error::write(folder))?;
    let texture = Texture::new(dice, plan);
    let deviation = texture.deviation;
    let by_function = plan.scenario == Scenario::CostShift && plan.shift == Shift::Functions;
    let mut names = vec!["service".to_owned()];
    let mut own = vec![plan.service.clone()];
    if by_function {
        names.push("function".into());
        own.push(program.frame(target.function));
    }
    let bare = !matches!(plan.scenario, Scenario::CostShift) && dice.chance(0.07);
    let mut extra: Vec<_> = LABELS.to_vec();
    dice.shuffle(&mut extra);
    extra.truncate(dice.index(3));
    for (name, value, _) in &extra {
        names.push((*name).to_owned());
        own.push((*value).to_owned());
    }
    let mut maker = Maker { dice, plan, texture };
    let level = plan.metric.level;
    let primary = maker.series(own.clone(), level, deviation, &|t| plan.factor(t));
    let points = primary.points.clone();
    let mut all = vec![primary];
    if bare {
        names.clear();
        all[0].labels.clear();
    } else {
        let few = if plan.data_until - plan.data_from > 2500 * plan.step { 1 } else { 3 };
        for neighbour in plan.neighbours.iter().skip(1).take(maker.dice.index(few + 1)) {
            let mut labels = own.clone();
            labels[0].clone_from(neighbour);
            if by_function {
                labels[1] = format!("{neighbour}::main");
            }
            let other = level * maker.dice.log_between(0.3, 3.0);
            all.push(maker.series(
                labels,
                other.min(if by_function { 0.9 } else { f64::MAX }),
                deviation.max(0.005),
                &|_| 1.0,
            ));
        }
        if let (Some((name, _, other)), true) = (extra.first(), maker.dice.chance(0.6)) {
            let at = names.iter().position(|n| n == name).unwrap_or(0);
            let mut labels = own.clone();
            labels[at] = (*other).to_owned();
            let quiet = level * maker.dice.between(0.2, 0.9);
            all.push(maker.series(labels, quiet, deviation.max(0.005), &|t| plan.factor(t)));
        }
        if plan.scenario == Scenario::Hostile {
            for odd in hostile::LABELS {
                let mut labels = own.clone();
                labels[0] = (*odd).to_owned();
                let mut one = maker.series(labels, level, 0.05, &|_| 1.0);
                one.points.truncate(3);
                all.push(one);
            }
        }
    }
    if plan.scenario == Scenario::CostShift {
        shifted(&mut maker, costs, program, target, &own, deviation, &mut all);
    }
    let file = folder.join(format!("{}.csv", plan.metric.name));
    write_table(maker.dice, &file, &names, &all)?;
    beside(&mut maker, &own, by_function, folder)?;
    let labels = if bare {
        Vec::new()
    } else {
        // All labels that some other series of the service needs to be told apart by; the others now and then.
        let several = |at: usize| all.iter().any(|s| s.labels.first() == own.first() && s.labels[at] != own[at]);
        let wanted: Vec<usize> =
            (0..names.len()).filter(|at| *at == 0 || several(*at) || by_function && *at == 1).collect();
        let rest = maker.dice.chance(0.3);
        (0..names.len())
            .filter(|at| rest || wanted.contains(at))
            .map(|at| (names[at].clone(), own[at].clone()))
            .collect()
    };
    Ok(Primary { labels, points })
}

/// The series on the other side of a cost shift, and those that stay as they are.
fn shifted(
    maker: &mut Maker<'_>,
    costs: &Costs,
    program: &Program,
    target: &Target,
    own: &[String],
    deviation: f64,
    all: &mut Vec<Series>,
) {
    let plan = maker.plan;
    let moved = plan.effect * plan.metric.level;
    match (plan.shift, target.relieved) {
        (Shift::Functions, Some(from)) => {
            let mut wanted = vec![from];
            wanted.extend((0..4).map(|_| maker.dice.index(program.functions.len())));
            wanted.dedup();
            for (index, function) in wanted.iter().enumerate() {
                let share = costs.share(*function);
                let mut labels = own.to_vec();
                labels[1] = program.frame(*function);
                if share <= 0.0 || all.iter().any(|s| s.labels == labels) {
                    continue;
                }
                // Noise of the same size: the sum has to show that nothing was added.
                let noise = (deviation * plan.metric.level / share).min(0.2);
                let falls = if index == 0 { moved / share } else { 0.0 };
                // What leads to one of the two rises or falls with it.
                let after = costs.share_with(*function, plan.extra);
                let change = if index == 0 { -falls } else { (after - share) / share };
                all.push(maker.series(labels, share, noise, &|t| 1.0 + change * plan.course.at(t)));
            }
        }
        _ => {
            let level = relieved_level(plan);
            let mut labels = own.to_vec();
            labels[0].clone_from(&plan.neighbours[0]);
            let noise = deviation * plan.metric.level / level;
            all.push(maker.series(labels, level, noise, &|t| 1.0 - moved / level * plan.course.at(t)));
        }
    }
}

/// The level of the service that cost moves away from: enough to lose what moves.
pub(crate) fn relieved_level(plan: &Plan) -> f64 {
    plan.metric.level * (1.2 + 1.5 * plan.effect)
}

/// Other metrics of the service, on which nothing happens.
fn beside(maker: &mut Maker<'_>, own: &[String], by_function: bool, folder: &Path) -> Result<()> {
    let plan = maker.plan;
    let mut names = vec![
        ("error_ratio", 0.004, 0.1),
        ("memory_bytes", 3.1e9, 0.01),
        ("queue_length", 14.0, 0.1),
        ("requests_per_minute", 5200.0, 0.03),
    ];
    maker.dice.shuffle(&mut names);
    names.truncate(maker.dice.index(3));
    if by_function {
        names.push(("cpu_usage_cores", 64.0, 0.01));
    }
    let early = plan.course == Course::Flat || plan.step >= 120;
    for (name, level, noise) in names {
        let mut all = vec![maker.series(vec![own[0].clone()], level, noise, &|_| 1.0)];
        if early && maker.dice.chance(0.5) {
            all.push(maker.series(vec![plan.neighbours[0].clone()], level * 1.7, noise, &|_| 1.0));
        }
        write_table(maker.dice, &folder.join(format!("{name}.csv")), &["service".to_owned()], &all)?;
    }
    Ok(())
}
