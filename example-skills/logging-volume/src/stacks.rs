//! From which functions the rise of logging comes.

use negawatt_skill::profile::Profile;
use negawatt_skill::words::words;
use negawatt_skill::{FunctionShift, Timestamp};

/// Words of what logs: a program's own, and libraries.
const LOGS: [&str; 28] = [
    "appender",
    "bunyan",
    "glog",
    "klog",
    "log",
    "log4cxx",
    "log4j",
    "logback",
    "logger",
    "loggers",
    "logging",
    "logrus",
    "loguru",
    "logs",
    "nlog",
    "pino",
    "serilog",
    "slf4j",
    "slog",
    "spdlog",
    "structlog",
    "syslog",
    "tracing",
    "winston",
    "zap",
    "zapcore",
    "zerolog",
    "logevent",
];
/// Words of what puts text together, which logging does, and other work as well.
const FORMATS: [&str; 12] = [
    "fmt",
    "format",
    "formatted",
    "formatter",
    "fprintf",
    "printf",
    "println",
    "snprintf",
    "sprintf",
    "strftime",
    "vfprintf",
    "vsnprintf",
];
/// Words beside which `log` is another word.
const NO_LOG: [&str; 9] = ["blog", "exp", "ieee754", "libm", "math", "numpy", "odds", "wal", "raft"];
/// Libraries that stand between who logs and what logs.
const BETWEEN: [&str; 8] = ["alloc", "core", "java", "kotlin", "python", "runtime", "std", "reflect"];

/// How surely a function logs: 1, one half where it only formats, or 0.
pub fn logs(name: &str) -> f64 {
    let words: Vec<String> = words(name).collect();
    let any = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    if any(&LOGS) && !any(&NO_LOG) {
        1.0
    } else if any(&FORMATS) {
        0.5
    } else {
        0.0
    }
}

fn is_between(name: &str) -> bool {
    words(name.trim_start_matches(['<', '&', '*'])).next().is_some_and(|first| BETWEEN.contains(&first.as_str()))
}

/// A function from which logging is called.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    /// Its name.
    pub name: String,
    /// Its files, as far as the profile says.
    pub sources: Vec<String>,
    /// How much of the rise of logging comes through it, as a part of the most, from 0 to 1.
    pub weight: f64,
}

/// What logs more than it did, and from where.
#[derive(Clone, Debug, PartialEq)]
pub struct Regressed {
    /// Functions from which the rise of logging may come.
    pub callers: Vec<Caller>,
    /// How much of the whole rise is logging, as far as is known, from 0 to 1.
    pub part: f64,
    /// The function that logs and rose most, with its shares before and after.
    pub most: (String, f64, f64),
    names: Vec<String>,
}

/// Who called logging through another one of one's own functions; of a function that logs by its name; of any other risen function,
/// where no profile tells who calls whom.
const THROUGH: f64 = 0.3;
const BY_NAME: f64 = 0.6;
const UNKNOWN: f64 = 0.4;
/// Functions that are kept.
const MOST_CALLERS: usize = 200;

impl Regressed {
    /// From evidence; absent where nothing that logs or formats rose.
    pub fn new<'a>(shifts: impl Iterator<Item = &'a FunctionShift>) -> Option<Regressed> {
        let risen: Vec<&FunctionShift> = shifts.filter(|shift| shift.after > shift.before).collect();
        let rise = |shift: &FunctionShift| shift.after - shift.before;
        let most_rise = risen.iter().map(|shift| rise(shift)).fold(0.0, f64::max);
        let most = risen
            .iter()
            .map(|shift| (rise(shift) * logs(&shift.name), *shift))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(weight, _)| *weight > 0.0)?;
        let callers = risen.iter().map(|shift| Caller {
            name: shift.name.clone(),
            sources: Vec::new(),
            weight: if logs(&shift.name) > 0.0 { BY_NAME } else { UNKNOWN },
        });
        Some(Regressed {
            callers: callers.take(MOST_CALLERS).collect(),
            part: most.0 / most_rise,
            most: (most.1.name.clone(), most.1.before, most.1.after),
            names: risen.iter().map(|shift| shift.name.clone()).filter(|name| logs(name) > 0.0).collect(),
        })
    }

    /// Whether it is one of the risen functions that log.
    pub fn holds(&self, name: &str) -> bool {
        self.names.iter().any(|other| other == name)
    }

    /// Adds from whom logging is called, which the stacks tell: of each the function above the first that logs, and those above it
    /// less. A profile without samples on both sides of the change, or in which nothing that logs rose, adds nothing.
    pub fn add_profile(&mut self, profile: &Profile, change: Timestamp) {
        let (before, after) = profile.split(change);
        let totals = (profile.total(before.clone()), profile.total(after.clone()));
        if totals.0 <= 0.0 || totals.1 <= 0.0 {
            return;
        }
        let logging: Vec<bool> = profile.functions().iter().map(|name| logs(name) > 0.0).collect();
        let between: Vec<bool> = profile.functions().iter().map(|name| is_between(name)).collect();
        // Of each stack: who calls what logs, and those above.
        let above: Vec<Vec<usize>> = profile
            .stacks()
            .map(|stack| {
                let above =
                    stack.iter().position(|&function| logging[function]).map_or(&[][..], |first| &stack[..first]);
                above.iter().rev().copied().filter(|&function| !between[function]).collect()
            })
            .collect();
        // For each function: the rise that comes through it directly, and through others.
        let mut rises = vec![(0.0, 0.0); profile.functions().len()];
        let sides = [(before, -1.0 / totals.0), (after, 1.0 / totals.1)];
        for (files, sign) in sides {
            for &(stack, count) in profile.files()[files].iter().flat_map(|file| file.samples()) {
                let Some((&caller, further)) = above[stack].split_first() else { continue };
                rises[caller].0 += sign * count;
                for (nth, &caller) in further.iter().enumerate() {
                    rises[caller].1 += sign * count * 0.5_f64.powi(nth.min(60) as i32);
                }
            }
        }
        let most = rises.iter().map(|(direct, _)| *direct).fold(0.0, f64::max);
        if most <= 0.0 {
            return;
        }
        let weight = |(direct, through): (f64, f64)| (direct.max(THROUGH * through) / most).clamp(0.0, 1.0);
        let caller = |(function, weight): (usize, f64)| Caller {
            name: profile.functions()[function].clone(),
            sources: profile.sources(function).to_vec(),
            weight,
        };
        let weights = rises.into_iter().map(weight).enumerate().filter(|(_, weight)| *weight > 0.01);
        let mut callers: Vec<Caller> = weights.map(caller).collect();
        callers.extend(self.callers.drain(..).filter(|caller| logs(&caller.name) > 0.0));
        callers.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.name.cmp(&b.name)));
        callers.truncate(MOST_CALLERS);
        self.callers = callers;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use negawatt_skill::profiles;

    #[test]
    fn names_are_read_word_by_word() {
        for (name, expected) in [
            ("log::__private_api::log", 1.0),
            ("tracing_subscriber::fmt::Layer::on_event", 1.0),
            ("go.uber.org/zap.(*Logger).Info", 1.0),
            ("ch.qos.logback.classic.Logger.callAppenders", 1.0),
            ("logging/__init__.py:Logger._log", 1.0),
            ("alloc::fmt::format", 0.5),
            ("vsnprintf", 0.5),
            ("shop::catalog::list", 0.0),
            ("math.log", 0.0),
            ("shop::login::check", 0.0),
            ("", 0.0),
        ] {
            assert_eq!(logs(name), expected, "{name}");
        }
    }

    fn shift(name: &str, before: f64, after: f64) -> FunctionShift {
        FunctionShift { name: name.into(), before, after, self_before: 0.0, self_after: 0.0, p_value: 1e-9 }
    }

    fn profile(stacks: &[(&str, u64, u64)]) -> Profile {
        let mut columns = profiles::Profile {
            strings: vec![String::new()],
            frame_names: vec![],
            frame_files: vec![],
            frame_lines: vec![],
            stack_offsets: vec![0],
            stack_frames: vec![],
            file_starts: vec![0, 10],
            file_offsets: vec![0, stacks.len() as u32, 2 * stacks.len() as u32],
            sample_stacks: (0..stacks.len() as u32).chain(0..stacks.len() as u32).collect(),
            sample_counts: stacks.iter().map(|s| s.1).chain(stacks.iter().map(|s| s.2)).collect(),
            unit: "samples".into(),
        };
        for (stack, ..) in stacks {
            for name in stack.split(';') {
                let at = columns.strings.iter().position(|string| string == name).unwrap_or_else(|| {
                    columns.strings.push(name.into());
                    columns.frame_names.push(columns.strings.len() as u32 - 1);
                    columns.frame_files.push(0);
                    columns.frame_lines.push(0);
                    columns.strings.len() - 1
                });
                columns.stack_frames.push(at as u32 - 1);
            }
            columns.stack_offsets.push(columns.stack_frames.len() as u32);
        }
        Profile::new(&columns).expect("its columns agree")
    }

    #[test]
    fn the_rise_is_put_down_to_who_logs() {
        let shifts = [shift("main", 0.9, 0.99), shift("log::log", 0.01, 0.1)];
        let mut regressed = Regressed::new(shifts.iter()).unwrap();
        assert!((regressed.part - 1.0).abs() < 1e-9 && regressed.holds("log::log") && !regressed.holds("main"));
        regressed.add_profile(
            &profile(&[
                ("main;price;core::fn;log::log;alloc::fmt::format", 0, 100),
                ("main;search;log::log", 10, 10),
                ("main;idle", 990, 890),
            ]),
            10,
        );
        let weight = |name: &str| regressed.callers.iter().find(|caller| caller.name == name).map_or(0.0, |c| c.weight);
        assert_eq!(
            (weight("price"), weight("search"), weight("core::fn"), weight("log::log")),
            (1.0, 0.0, 0.0, BY_NAME)
        );
        assert!((0.2..0.5).contains(&weight("main")), "{}", weight("main"));
    }

    #[test]
    fn without_logging_there_is_no_reason_to_look() {
        assert_eq!(Regressed::new([shift("price", 0.1, 0.2), shift("log::log", 0.2, 0.1)].iter()), None);
        assert_eq!(Regressed::new([].iter()), None);
        let mut known = Regressed::new([shift("price", 0.1, 0.2), shift("fmt", 0.1, 0.2)].iter()).unwrap();
        let unchanged = known.clone();
        known.add_profile(&profile(&[("main;idle", 10, 10)]), 10);
        known.add_profile(&Profile::default(), 10);
        assert_eq!(known, unchanged);
    }
}
