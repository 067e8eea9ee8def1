//! What a case is about: its window, its metric, what happened and when. Drawn once; all else follows it.

use crate::clock::{DAY, HOUR, MINUTE, Seconds};
use crate::dice::Dice;
use crate::program::Program;
use crate::scenario::Scenario;
use crate::words::NEIGHBOURS;

/// How the extra cost comes and goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Course {
    /// Nothing happens.
    Flat,
    /// It comes at a time, within a roll-out of some seconds, and stays.
    Step(Seconds, Seconds),
    /// It goes at a time, and stays away.
    Drop(Seconds),
    /// It comes and goes.
    Spike(Seconds, Seconds),
    /// It grows from a time on until another.
    Drift(Seconds, Seconds),
}

impl Course {
    /// The part of the extra cost that is there, from 0 to 1.
    pub(crate) fn at(self, time: Seconds) -> f64 {
        match self {
            Course::Flat => 0.0,
            Course::Step(at, roll) if time >= at => (((time - at) as f64 + 1.0) / (roll as f64 + 1.0)).min(1.0),
            Course::Drop(at) => f64::from(time < at),
            Course::Spike(from, until) => f64::from(time >= from && time < until),
            Course::Drift(from, full) if time >= from => ((time - from) as f64 / (full - from).max(1) as f64).min(1.0),
            Course::Step(..) | Course::Drift(..) => 0.0,
        }
    }

    /// The mean over a span of time, for profiles.
    pub(crate) fn mean(self, from: Seconds, until: Seconds) -> f64 {
        let n = 24;
        (0..n).map(|i| self.at(from + (until - from) * i / n)).sum::<f64>() / n as f64
    }
}

/// What is measured.
#[derive(Clone, Debug)]
pub(crate) struct Metric {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its usual level.
    pub(crate) level: f64,
    /// Whether down hurts.
    pub(crate) down: bool,
    /// Whether traffic moves it, so that days show.
    pub(crate) busy: bool,
}

/// What moves in a cost shift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shift {
    /// The metric is a function's share; another function's falls.
    Functions,
    /// The metric is a service's cores; another service's fall.
    Services,
}

/// A case's plan.
#[derive(Clone)]
pub(crate) struct Plan {
    /// The scenario.
    pub(crate) scenario: Scenario,
    /// The seed.
    pub(crate) seed: u64,
    /// The service.
    pub(crate) service: String,
    /// Services round about; the first is its nearest.
    pub(crate) neighbours: Vec<String>,
    /// The incident's window.
    pub(crate) window: (Seconds, Seconds),
    /// Seconds between two points.
    pub(crate) step: Seconds,
    /// The time from which there is data.
    pub(crate) data_from: Seconds,
    /// The time until which there is data.
    pub(crate) data_until: Seconds,
    /// What happened.
    pub(crate) course: Course,
    /// What is measured.
    pub(crate) metric: Metric,
    /// The change of the metric's level relative to before, without its sign; 0 where nothing changes.
    pub(crate) effect: f64,
    /// The cost added at the course's full height, relative to the cost without it.
    pub(crate) extra: f64,
    /// By how much the cost behind the metric rises at the course's full height.
    pub(crate) rise: f64,
    /// When the change went live (the first moment of it).
    pub(crate) live: Seconds,
    /// When the cause landed.
    pub(crate) landed: Seconds,
    /// What moves, in a cost shift.
    pub(crate) shift: Shift,
}

/// Metrics of cost, where up hurts.
const COSTS: &[(&str, f64, f64, bool)] = &[
    ("cpu_seconds_per_request", 0.001, 0.08, false),
    ("cpu_ms_per_request", 0.8, 60.0, false),
    ("cpu_usage_cores", 4.0, 900.0, true),
    ("process_cpu_utilization", 0.15, 0.5, true),
    ("instructions_per_request", 2e6, 4e8, false),
    ("latency_seconds", 0.01, 0.6, false),
    ("request_duration_p50_seconds", 0.005, 0.3, false),
];

/// Metrics of service, where down hurts.
const GOODS: &[(&str, f64, f64, bool)] = &[
    ("requests_per_second", 200.0, 9000.0, false),
    ("throughput_rps_per_core", 20.0, 400.0, false),
    ("jobs_per_minute", 50.0, 3000.0, false),
    ("queries_per_cpu_second", 30.0, 2500.0, false),
];

impl Plan {
    /// Draws a plan; with an `end`, one that ends then.
    pub(crate) fn new(scenario: Scenario, seed: u64, end: Option<Seconds>, dice: &mut Dice, program: &Program) -> Self {
        let service = (*dice.pick(program.domain().services)).to_owned();
        let mut neighbours: Vec<String> =
            NEIGHBOURS.iter().map(|n| (*n).to_owned()).filter(|n| *n != service).collect();
        dice.shuffle(&mut neighbours);
        neighbours.truncate(dice.whole(3, 6) as usize);
        let (window, step) = draw_window(scenario, dice);
        let long = window.1 - window.0;
        let first_day = 20_100; // 2025-01-12
        let start = dice.whole(first_day, first_day + 600) * DAY
            + dice.whole(0, 23) * HOUR
            + if dice.chance(0.3) { 30 * MINUTE } else { 0 };
        let start = end.map_or(start, |end| end - long);
        let mut plan = Self {
            scenario,
            seed,
            service,
            neighbours,
            window: (start, start + long),
            step,
            data_from: start,
            data_until: start + long,
            course: Course::Flat,
            metric: draw_metric(scenario, dice),
            effect: 0.0,
            extra: 0.0,
            rise: 0.0,
            live: start,
            landed: start,
            shift: if dice.chance(0.5) { Shift::Functions } else { Shift::Services },
        };
        plan.align_season();
        plan.draw_data(dice);
        if end.is_some() {
            plan.data_until = plan.window.1;
        }
        plan.draw_course(dice);
        plan
    }

    /// In the season the window ends at the top of the day, which is at 15:00.
    fn align_season(&mut self) {
        if self.scenario == Scenario::Season {
            let long = self.window.1 - self.window.0;
            let end = self.window.1 - self.window.1.rem_euclid(DAY) + TOP_OF_DAY;
            self.window = (end - long, end);
        }
    }

    fn draw_data(&mut self, dice: &mut Dice) {
        let (start, end) = self.window;
        let long = end - start;
        let back = match self.scenario {
            Scenario::Season => (dice.whole(6, 16) * DAY).max(2 * long).min(27 * DAY),
            Scenario::Short | Scenario::Late => 0,
            _ if dice.chance(0.35) => 0,
            _ => (long as f64 * dice.between(0.2, 1.0)) as Seconds,
        };
        self.data_from = start - back / self.step * self.step;
        self.data_until = if dice.chance(0.2) { end + long / 20 } else { end };
    }

    fn draw_course(&mut self, dice: &mut Dice) {
        let (start, end) = self.window;
        let long = end - start;
        let within = |part: f64| start + (long as f64 * part) as Seconds;
        let delay = self.deploy_delay(dice);
        self.effect = match self.scenario {
            Scenario::Unclear => dice.log_between(0.01, 0.15),
            _ => dice.log_between(0.05, 0.8),
        };
        self.live = within(dice.between(0.32, 0.72));
        let roll = if dice.chance(0.2) { dice.whole(1, 2) * self.step.min(10 * MINUTE) } else { 0 };
        self.course = match self.scenario {
            Scenario::Noise | Scenario::Season | Scenario::Short => {
                self.effect = 0.0;
                Course::Flat
            }
            Scenario::Spike => {
                self.live = within(dice.between(0.25, 0.45));
                let gone = (end - self.live) as f64 / dice.between(3.0, 6.0);
                self.effect = self.effect.max(0.08);
                Course::Spike(self.live, self.live + (gone as Seconds).max(8 * self.step))
            }
            Scenario::Drift => {
                self.live = within(dice.between(0.28, 0.5));
                self.effect = self.effect.max(0.15);
                Course::Drift(self.live, if dice.chance(0.7) { end } else { within(0.9) })
            }
            Scenario::Improvement => {
                self.effect = self.effect.min(0.5);
                Course::Drop(self.live)
            }
            Scenario::Late => {
                self.live = within(dice.between(0.3, 0.45));
                self.data_from = within(dice.between(0.55, 0.75));
                Course::Step(self.live, 0)
            }
            Scenario::CostShift => {
                self.effect = self.effect.max(0.1);
                Course::Step(self.live, 0)
            }
            _ => Course::Step(self.live, roll),
        };
        self.landed = self.live - delay;
        let down_or_gone = self.metric.down || self.scenario == Scenario::Improvement;
        if self.metric.down {
            self.effect = self.effect.min(0.5);
        }
        self.extra = match self.scenario {
            // Before an improvement the extra cost is there; after it the metric is better by the effect.
            Scenario::Improvement if self.metric.down => self.effect,
            _ if down_or_gone => self.effect / (1.0 - self.effect),
            _ => self.effect,
        };
        self.rise = self.extra;
    }

    /// From the moment that the cause landed to the moment that it shows.
    fn deploy_delay(&self, dice: &mut Dice) -> Seconds {
        let most = match self.scenario {
            Scenario::Config => 12,
            Scenario::Experiment => 4,
            _ => 90,
        };
        dice.whole(0, most * MINUTE)
    }

    /// What the metric's level is multiplied with at a time.
    pub(crate) fn factor(&self, time: Seconds) -> f64 {
        let cost = 1.0 + self.rise * self.course.at(time);
        if self.metric.down { 1.0 / cost } else { cost }
    }

    /// Whether commits must keep away from the regressed stack at a time, so that the truth is the only answer.
    pub(crate) fn is_careful(&self, time: Seconds) -> bool {
        if self.scenario == Scenario::Unclear {
            return false;
        }
        let before = if self.scenario == Scenario::Drift { self.live - self.window.0 + 12 * HOUR } else { 12 * HOUR };
        let after = match self.course {
            Course::Drift(from, full) => (full - from) / 2,
            _ => HOUR + 2 * self.step,
        };
        time > self.live - before && time < self.live + after
    }
}

/// The second of the day at which traffic is highest.
pub(crate) const TOP_OF_DAY: Seconds = 15 * HOUR;

/// A window of the right length (from 0) and a step that gives a sensible number of points.
fn draw_window(scenario: Scenario, dice: &mut Dice) -> ((Seconds, Seconds), Seconds) {
    let hours: &[i64] = match scenario {
        Scenario::Drift => &[36, 48, 72, 96, 168],
        Scenario::Season => &[8, 12, 24, 48, 72],
        _ => &[6, 8, 12, 24, 24, 36, 48, 72, 120, 168],
    };
    let long = *dice.pick(hours) * HOUR;
    let (least, most) = match scenario {
        Scenario::Season => (30, 600),
        Scenario::Noise | Scenario::Drift => (100, 4400),
        _ => (64, 4400),
    };
    let steps: Vec<Seconds> =
        [1, 2, 5, 10, 15, 30].iter().map(|m| m * MINUTE).filter(|s| (least..=most).contains(&(long / s))).collect();
    ((0, long), if steps.is_empty() { 5 * MINUTE } else { *dice.pick(&steps) })
}

fn draw_metric(scenario: Scenario, dice: &mut Dice) -> Metric {
    let down = scenario == Scenario::WorseDown || (scenario == Scenario::Improvement && dice.chance(0.3));
    let list = if down { GOODS } else { COSTS };
    // CPU metrics for most; the list has the others at its end.
    let usable = if !down && dice.chance(0.8) { &list[..5] } else { list };
    let mut chosen = *dice.pick(usable);
    if scenario == Scenario::Season {
        chosen = *dice.pick(&[COSTS[2], COSTS[3], COSTS[5], COSTS[6]]);
    }
    let (name, low, high, busy) = chosen;
    Metric { name, level: dice.log_between(low, high), down, busy }
}
