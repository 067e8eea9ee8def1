//! A series that is looked at again and again while it grows, by the rule of the watch.

use std::convert::Infallible;
use std::path::Path;
use std::sync::LazyLock;

use change_point::detect::{Change, detect_after};
use negawatt_config::{Config, Watch};
use negawatt_host::model::{
    ChangePoint, Direction, Dismissal, DismissalReason, Evidence, Finding, FindingBody, Incident, IncidentKind,
    Severity, Shape, Window,
};
use negawatt_planner::{Board, Item};
use negawatt_skill::{Series, time};
use negawatt_watch::{Found, Rule, confirmed, earlier_look, recent, stands, within};
use seasonality::recurrence::{Rise, recurrence};

/// `[watch]` where nobody says otherwise.
static WATCH: LazyLock<Watch> = LazyLock::new(|| {
    let toml = "[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n[[watch.series]]\nmetric = \"requests\"\n";
    let config = Config::parse(toml, Path::new("negawatt.toml")).expect("a configuration");
    config.watch.expect("what is watched")
});

/// How much of a series a look sees.
pub fn window() -> i64 {
    i64::try_from(WATCH.window.as_micros()).expect("a window of days")
}

/// How far before it the skills see.
const LOOK_BACK: i64 = 28 * time::DAY;

/// At which resolution they do.
const COARSE: u64 = 5 * time::MINUTE.unsigned_abs();

/// An alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// When it was raised.
    pub at: i64,
    /// The change.
    pub change: ChangePoint,
    /// How well its time is known.
    pub within: u64,
}

/// A series, all of it, of which each look sees what was there at its time.
pub struct Stream {
    series: Series,
    coarse: Series,
    rule: Rule,
}

impl Stream {
    /// Of one value a minute, and what is known of the time before.
    pub fn new(series: Series, earlier: &Series, rule: Rule) -> Stream {
        let mut coarse = earlier.clone();
        let later = series.binned(COARSE);
        coarse.times.extend(&later.times);
        coarse.values.extend(&later.values);
        Stream { series, coarse, rule }
    }

    /// The rule for series of which nobody says more than their name.
    pub fn rule() -> Rule {
        Rule::new(Direction::Up, WATCH.series[0].least, WATCH.interval)
    }

    /// All alarms of looks between two times; each change raises one.
    pub fn alarms(&self, from: i64, until: i64, every: i64) -> Vec<Alarm> {
        let mut alarms: Vec<Alarm> = Vec::new();
        for now in (from..=until).step_by(every as usize) {
            // Only the first look is at a series that nobody looked at before.
            let since = if now == from { i64::MIN } else { recent(now - every, window().unsigned_abs()) };
            for alarm in self.look(now, since) {
                // As the watch knows a change: in the same direction, and before the moment of the alarm.
                if !alarms.iter().any(|known| alarm.change.time < known.at) {
                    alarms.push(alarm);
                }
            }
        }
        alarms
    }

    /// What one look raises, of changes since a time.
    pub fn look(&self, now: i64, since: i64) -> Vec<Alarm> {
        let window = Window { start: now - window(), end: now };
        let series = self.within(window);
        let changes = self.changes(window);
        let found: Vec<Found> = changes.iter().map(|change| found_of(&series, change)).collect();
        let seen = negawatt_host::model::metrics::Series {
            labels: Vec::new(),
            times: series.times.clone(),
            values: series.values.clone(),
        };
        let mut alarms = Vec::new();
        for at in self.rule.admitted(&found, &seen, since) {
            let change = &found[at].change;
            let within = within(&seen, change);
            let end = earlier_look(&seen, change);
            let earlier = Window { end, ..window };
            let before = self.within(earlier);
            let earlier: Vec<Found> = self.changes(earlier).iter().map(|change| found_of(&before, change)).collect();
            if confirmed(change, within, &earlier) && self.stands(window, &found, at) {
                alarms.push(Alarm { at: now, change: change.clone(), within });
            }
        }
        alarms
    }

    fn within(&self, window: Window) -> Series {
        self.series.slice(negawatt_skill::Window { start: window.start, end: window.end })
    }

    fn earlier(&self, window: Window) -> Series {
        self.coarse.slice(negawatt_skill::Window { start: window.start - LOOK_BACK, end: window.start })
    }

    /// What the skill `change-point` finds.
    fn changes(&self, window: Window) -> Vec<Change> {
        let series = self.within(window);
        match detect_after(&series.times, &series.values, || Ok::<_, Infallible>(self.earlier(window))) {
            Ok(detected) => detected.changes,
        }
    }

    /// Whether the change is a regression for all that the skill `seasonality` says.
    fn stands(&self, window: Window, found: &[Found], at: usize) -> bool {
        let Found { change, confidence, .. } = &found[at];
        let mut board = Board::default();
        let mut accept = |id: &str, body: FindingBody, confidence: f64| {
            let finding = Finding { body, confidence, summary: String::new(), because: Vec::new(), extra: Vec::new() };
            let evidence = Evidence { id: id.to_owned(), by: String::new(), finding };
            board.accept(Item { evidence, step: String::new(), from: Default::default() });
        };
        accept("e1", FindingBody::ChangePoint(change.clone()), *confidence);
        let mut all = self.earlier(window);
        let series = self.within(window);
        all.times.extend(&series.times);
        all.values.extend(&series.values);
        let rise = Rise {
            from: at.checked_sub(1).map_or(window.start, |last| found[last].change.time),
            at: change.time,
            until: found.get(at + 1).map_or(window.end, |next| next.change.time),
            height: change.after - change.before,
        };
        if let Some(season) = recurrence(&all, &rise).filter(|season| season.confidence > 0.5) {
            let (reason, detail) = (DismissalReason::Seasonal, String::new());
            let dismissal = Dismissal { reason, detail, of: Some("e1".to_owned()) };
            accept("e2", FindingBody::Dismissal(dismissal), season.confidence);
        }
        let incident = Incident {
            kind: IncidentKind::Regression,
            title: String::new(),
            service: String::new(),
            metric: None,
            window,
            severity: Severity::Medium,
        };
        stands(&incident, &board, &"e1".to_owned())
    }
}

/// A change as the skill tells it.
fn found_of(series: &Series, change: &Change) -> Found {
    let shape = if change.drift { Shape::Drift } else { Shape::Step };
    Found {
        by: "change-point".to_owned(),
        change: ChangePoint {
            time: series.times[change.index],
            before: change.before,
            after: change.after,
            p_value: change.p_value,
            method: String::new(),
            shape,
        },
        confidence: change.confidence(),
    }
}
