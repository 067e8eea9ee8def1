//! Time series: noise, seasons, gaps, and what happened.

use crate::clock::{DAY, HOUR, Seconds};
use crate::dice::Dice;
use crate::plan::{Course, Plan, TOP_OF_DAY};
use crate::scenario::Scenario;

/// Kinds of stationary noise, each with a standard deviation of about 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Noise {
    /// Independent normal draws.
    Gaussian,
    /// Autocorrelated with this coefficient.
    Autocorrelated(f64),
    /// Student's t with that many degrees of freedom.
    Heavy(u32),
    /// Autocorrelated with single outliers.
    Mixed(f64),
}

impl Noise {
    /// Draws a kind of noise.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        match dice.index(4) {
            0 => Noise::Gaussian,
            1 => Noise::Autocorrelated(dice.between(0.2, 0.7)),
            2 => Noise::Heavy(dice.whole(3, 6) as u32),
            _ => Noise::Mixed(dice.between(0.1, 0.5)),
        }
    }

    /// By how much means vary more than under independence.
    pub(crate) fn inflation(self) -> f64 {
        match self {
            Noise::Gaussian | Noise::Heavy(_) => 1.0,
            Noise::Autocorrelated(phi) | Noise::Mixed(phi) => ((1.0 + phi) / (1.0 - phi)).sqrt(),
        }
    }

    /// As many draws as wanted.
    pub(crate) fn sample(self, dice: &mut Dice, count: usize) -> Vec<f64> {
        let mut last = dice.normal();
        (0..count)
            .map(|_| match self {
                Noise::Gaussian => dice.normal(),
                Noise::Autocorrelated(phi) | Noise::Mixed(phi) => {
                    last = phi * last + (1.0 - phi * phi).sqrt() * dice.normal();
                    let outlier = matches!(self, Noise::Mixed(_)) && dice.chance(0.01);
                    last + if outlier { 4.0 * dice.normal() } else { 0.0 }
                }
                Noise::Heavy(freedom) => {
                    let n = f64::from(freedom);
                    let t = dice.normal() / (2.0 * dice.gamma(n / 2.0) / n).sqrt();
                    (t / (n / (n - 2.0)).sqrt()).clamp(-12.0, 12.0)
                }
            })
            .collect()
    }
}

/// How a series varies around its level; the same for all series of a metric.
#[derive(Clone, Debug)]
pub(crate) struct Texture {
    /// The kind of noise.
    pub(crate) noise: Noise,
    /// Its standard deviation, relative to the level.
    pub(crate) deviation: f64,
    /// The season's height, relative to the level.
    pub(crate) season: f64,
    /// Whether weekends are quieter.
    weekly: bool,
    /// How sharp the daily top is.
    sharpness: f64,
    /// The part of the points that is missing.
    missing: f64,
    /// A time without any data.
    outage: Option<(Seconds, Seconds)>,
    /// Seconds by which points are off their grid.
    jitter: Seconds,
}

impl Texture {
    /// Draws a texture under which what happened can be seen by a careful engineer, unless the case is an unclear one.
    pub(crate) fn new(dice: &mut Dice, plan: &Plan) -> Self {
        let noise = Noise::draw(dice);
        let long = plan.window.1 - plan.window.0;
        let deviation = match plan.scenario {
            Scenario::Noise | Scenario::Short | Scenario::Late => dice.log_between(0.01, 0.15),
            Scenario::Season => 0.0,
            Scenario::Unclear => plan.effect / dice.log_between(0.25, 2.5),
            _ => plan.effect / signal(dice, plan, noise),
        };
        let days = (plan.window.1 - plan.data_from) / DAY;
        let (season, weekly) = match plan.scenario {
            Scenario::Season => (dice.log_between(0.15, 0.6), days >= 15 && dice.chance(0.5)),
            Scenario::Noise | Scenario::Late | Scenario::Short | Scenario::Spike => (0.0, false),
            _ if plan.metric.busy && days >= 3 && dice.chance(0.5) => ((0.35 * plan.effect).min(0.1), false),
            _ => (0.0, false),
        };
        let deviation = if plan.scenario == Scenario::Season { season * dice.between(0.03, 0.15) } else { deviation };
        let outage = dice.chance(0.25).then(|| {
            let from = plan.window.0 + (long as f64 * if dice.chance(0.5) { 0.1 } else { 0.88 }) as Seconds;
            (from, from + (long as f64 * dice.between(0.01, 0.03)) as Seconds)
        });
        Self {
            noise,
            deviation: deviation.min(0.2),
            season,
            weekly,
            sharpness: dice.between(0.6, 2.5),
            missing: if dice.chance(0.5) { 0.0 } else { dice.between(0.0, 0.06) },
            outage: if plan.scenario == Scenario::Short { None } else { outage },
            jitter: if dice.chance(0.25) { plan.step / 12 } else { 0 },
        }
    }

    /// The daily and weekly shape, around 0.
    fn season_at(&self, time: Seconds) -> f64 {
        if self.season == 0.0 {
            return 0.0;
        }
        let phase = (time - TOP_OF_DAY).rem_euclid(DAY) as f64 / DAY as f64;
        let top = (0.5 + 0.5 * (std::f64::consts::TAU * phase).cos()).powf(self.sharpness);
        let weekday = (time.div_euclid(DAY) + 3).rem_euclid(7);
        let quiet = if self.weekly && weekday >= 5 { 0.6 } else { 1.0 };
        self.season * (top * quiet - 0.4)
    }

    /// The same with another standard deviation.
    pub(crate) fn with_deviation(&self, deviation: f64) -> Self {
        Self { deviation, ..self.clone() }
    }

    /// The times at which there are points.
    pub(crate) fn times(&self, dice: &mut Dice, plan: &Plan) -> Vec<Seconds> {
        let step = if plan.scenario == Scenario::Short {
            (plan.window.1 - plan.window.0) / dice.whole(4, 12)
        } else {
            plan.step
        };
        let mut times = Vec::new();
        let mut time = plan.data_from;
        while time < plan.data_until {
            let gone =
                dice.chance(self.missing) || self.outage.is_some_and(|(from, until)| time >= from && time < until);
            if !gone {
                times.push(time + if self.jitter > 0 { dice.whole(0, self.jitter) } else { 0 });
            }
            time += step;
        }
        times
    }

    /// Values at the times: `level` times `factor`, with season and noise.
    pub(crate) fn values(
        &self,
        dice: &mut Dice,
        times: &[Seconds],
        level: f64,
        factor: impl Fn(Seconds) -> f64,
    ) -> Vec<f64> {
        let noise = self.noise.sample(dice, times.len());
        times
            .iter()
            .zip(noise)
            .map(|(time, noise)| {
                let smooth = factor(*time) * (1.0 + self.season_at(*time));
                level * (smooth + self.deviation * noise).max(0.02)
            })
            .collect()
    }
}

/// The height of the change over the standard deviation of one point: enough for the change to be seen and to be placed in time.
fn signal(dice: &mut Dice, plan: &Plan, noise: Noise) -> f64 {
    let inflation = noise.inflation();
    let tail = match noise {
        Noise::Gaussian | Noise::Autocorrelated(_) => 1.0,
        Noise::Heavy(_) | Noise::Mixed(_) => 1.15,
    };
    let step = plan.step as f64;
    // The place of a step is known to about (inflation / signal)² points.
    let place = (4.0 * step / (0.66 * HOUR as f64)).sqrt();
    let points = |from: Seconds, until: Seconds| ((until - from) as f64 / step).max(2.0);
    let (before, after) = match plan.course {
        Course::Spike(from, until) => (points(plan.window.0, from), points(from, until)),
        _ => (points(plan.window.0, plan.live), points(plan.live, plan.window.1)),
    };
    let shown = 12.0 * (1.0 / before + 1.0 / after).sqrt();
    let least = inflation * tail * place.max(shown).max(1.2);
    let least = match plan.course {
        Course::Drift(..) => least.max(2.5 * inflation),
        Course::Spike(..) => least.max(2.5),
        _ => least,
    };
    // A metric that falls does so from a higher level.
    dice.log_between(least, (2.5 * least).max(6.0))
}
