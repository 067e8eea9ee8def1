//! What could be meant: changes of settings, and experiments.

use std::collections::BTreeMap;

use negawatt_skill::configs::ConfigChange;
use negawatt_skill::experiments::Experiment;
use negawatt_skill::{Candidate as Kind, Timestamp, Window};

/// A setting that changed, or an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Which of the two.
    pub kind: Kind,
    /// Names it among its kind.
    pub id: String,
    /// The service it belongs to.
    pub service: String,
    /// The key, or the experiment's name.
    pub name: String,
    /// Who did it.
    pub author: Option<String>,
    /// When it went live.
    pub start: Timestamp,
    /// When an experiment ended, or when the next change of the same key went live.
    pub end: Option<Timestamp>,
    /// Whether it went live within reach of the change; an experiment may have only ended there.
    pub began_in_reach: bool,
    /// The value before and after, as JSON text; of settings.
    pub values: (Option<String>, Option<String>),
}

/// The changes of each setting by rising time.
#[derive(Debug, Default)]
pub struct Timelines<'a>(BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a ConfigChange>>>);

impl<'a> Timelines<'a> {
    /// Of changes by rising time.
    pub fn new(settings: &'a [ConfigChange]) -> Timelines<'a> {
        let mut timelines = Timelines::default();
        for change in settings {
            timelines.0.entry(&change.service).or_default().entry(&change.key).or_default().push(change);
        }
        timelines
    }

    /// Of one key of a service.
    pub fn of(&self, service: &str, key: &str) -> &[&'a ConfigChange] {
        self.0.get(service).and_then(|keys| keys.get(key)).map_or(&[], Vec::as_slice)
    }

    /// When a setting changed again after a time.
    fn next(&self, change: &ConfigChange) -> Option<Timestamp> {
        let timeline = self.of(&change.service, &change.key);
        timeline.get(timeline.partition_point(|other| other.time <= change.time)).map(|next| next.time)
    }
}

/// All that lie inside a window in which a cause can lie, by time. Settings may be of a longer window, by rising time.
pub fn all(settings: &[ConfigChange], experiments: &[Experiment], reach: Window) -> Vec<Candidate> {
    let timelines = Timelines::new(settings);
    let of_setting = |change: &ConfigChange| Candidate {
        kind: Kind::Config,
        id: change.id.clone(),
        service: change.service.clone(),
        name: change.key.clone(),
        author: change.author.clone(),
        start: change.time,
        end: timelines.next(change),
        began_in_reach: true,
        values: (change.before.clone(), change.after.clone()),
    };
    let of_experiment = |experiment: &Experiment| Candidate {
        kind: Kind::Experiment,
        id: experiment.id.clone(),
        service: experiment.service.clone(),
        name: experiment.name.clone(),
        author: experiment.author.clone(),
        start: experiment.start,
        end: experiment.end,
        began_in_reach: reach.contains(experiment.start),
        values: (None, None),
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
