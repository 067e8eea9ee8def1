//! What could be meant: changes of settings, and experiments.

use std::collections::BTreeMap;
use std::rc::Rc;

use negawatt_skill::experiments::Experiment;
use negawatt_skill::{Candidate as Kind, Timestamp, Window};

use crate::setting::Setting;
use crate::value::{Step, Value};

/// A setting that changed, or an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Which of the two.
    pub kind: Kind,
    /// Names it among its kind.
    pub id: Rc<str>,
    /// The service it belongs to.
    pub service: Rc<str>,
    /// The key, or the experiment's name.
    pub name: Rc<str>,
    /// Who did it.
    pub author: Option<Rc<str>>,
    /// When it went live.
    pub start: Timestamp,
    /// When an experiment ended, or when a later change of the same key took back most of this one.
    pub end: Option<Timestamp>,
    /// Whether it went live within reach of the change; an experiment may have only ended there.
    pub began_in_reach: bool,
    /// The value before and after; of settings.
    pub values: (Option<Value>, Option<Value>),
    /// What became of the value; of settings.
    pub step: Step,
}

/// The changes of each setting by rising time, without those that wrote what was there already.
#[derive(Debug, Default)]
pub struct Timelines<'a>(BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a Setting>>>);

impl<'a> Timelines<'a> {
    /// Of changes by rising time.
    pub fn new(settings: &'a [Setting]) -> Timelines<'a> {
        let mut timelines = Timelines::default();
        for change in settings {
            let timeline = timelines.0.entry(&change.service).or_default().entry(&change.key).or_default();
            if !change.is_idle(timeline.last().copied()) {
                timeline.push(change);
            }
        }
        timelines
    }

    /// Of one key of a service.
    pub fn of(&self, service: &str, key: &str) -> &[&'a Setting] {
        self.0.get(service).and_then(|keys| keys.get(key)).map_or(&[], Vec::as_slice)
    }

    /// The changes of the same key after a time, and the one before them.
    fn around(&self, change: &Setting) -> (Option<&'a Setting>, &[&'a Setting]) {
        let timeline = self.of(&change.service, &change.key);
        let earlier = timeline[..timeline.partition_point(|other| other.time < change.time)].last().copied();
        (earlier, &timeline[timeline.partition_point(|other| other.time <= change.time)..])
    }
}

/// All that lie inside a window in which a cause can lie, by time. Settings may be of a longer window, by rising time.
pub fn all(
    settings: &[Setting],
    experiments: &[Experiment],
    timelines: &Timelines<'_>,
    reach: Window,
) -> Vec<Candidate> {
    let of_setting = |change: &Setting| {
        let (earlier, later) = timelines.around(change);
        let taken_back = later.iter().find(|later| change.is_taken_back_by(later, earlier));
        Candidate {
            kind: Kind::Config,
            id: change.id.clone(),
            service: change.service.clone(),
            name: change.key.clone(),
            author: change.author.clone(),
            start: change.time,
            end: taken_back.map(|later| later.time),
            began_in_reach: true,
            values: (change.before.clone(), change.after.clone()),
            step: if change.is_idle(earlier) { Step::Nothing } else { change.step },
        }
    };
    let of_experiment = |experiment: &Experiment| Candidate {
        kind: Kind::Experiment,
        id: experiment.id.as_str().into(),
        service: experiment.service.as_str().into(),
        name: experiment.name.as_str().into(),
        author: experiment.author.as_deref().map(Rc::from),
        start: experiment.start,
        end: experiment.end,
        began_in_reach: reach.contains(experiment.start),
        values: (None, None),
        step: Step::Nothing,
    };
    let settings = settings.iter().filter(|change| reach.contains(change.time)).map(of_setting);
    let ran = |experiment: &&Experiment| {
        reach.contains(experiment.start) || experiment.end.is_some_and(|end| reach.contains(end))
    };
    let candidates = settings.chain(experiments.iter().filter(ran).map(of_experiment));
    candidates.filter(|candidate| !candidate.id.is_empty()).collect()
}

/// Text from anywhere, fit to be shown.
pub fn shown(text: &str) -> String {
    negawatt_skill::format::shown(text, 60)
}
