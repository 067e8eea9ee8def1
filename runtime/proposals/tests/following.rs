//! What a merge brought, as the incident's series tells it.

mod common;

use std::sync::Arc;

use async_trait::async_trait;
use common::{case, desk, mitigation, opportunity, post, record};
use negawatt_casebook::{Became, Casebook, Cost, Event, Outcome, Verdict, Witness};
use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::{Answer, Direction, Metric, Timestamp, Transform, Window};
use negawatt_host::{Metrics, Scope, time};
use negawatt_proposals::{Followed, Observed, follow, outcome, ranked};

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1_440 * MINUTE;

/// A series with one level before an instant and another one from then on, each minute from `since` on.
struct Levels {
    since: Timestamp,
    at: Timestamp,
    before: f64,
    after: f64,
}

#[async_trait]
impl Metrics for Levels {
    async fn query(&self, _: &Scope, _: Selector, window: Window, _: Option<u64>) -> Answer<Vec<Series>> {
        let times: Vec<i64> =
            (0..).map(|at| window.start.max(self.since) + at * MINUTE).take_while(|time| *time < window.end).collect();
        let values = times.iter().map(|time| if *time < self.at { self.before } else { self.after }).collect();
        Ok(vec![Series { labels: Vec::new(), times, values }])
    }
}

/// What is found out three days after the merge of a proposal for an opportunity that promises a tenth, twice; and what was recorded last.
async fn followed(
    worse: Option<Direction>,
    levels: impl FnOnce(Timestamp) -> Levels,
) -> (Vec<Followed>, Vec<Followed>, Outcome) {
    let mut case = case(Verdict::Opportunity);
    Arc::make_mut(case.opened.as_mut().unwrap()).incident.metric = worse.map(|worse| Metric {
        name: "cpu".into(),
        labels: Vec::new(),
        worse,
        transform: Transform::None,
        aggregate: None,
    });
    post(&mut case, "finder", opportunity("parse", 0.05, 0.15), &[]);
    post(&mut case, "fixer", mitigation("parse", "a"), &["e1"]);
    let folder = tempfile::tempdir().unwrap();
    let book = Casebook::open(folder.path()).unwrap();
    let (id, desk) = (record(&book, &case), desk(folder.path(), ""));
    let mut log = book.resume(&id).unwrap();
    let proposed = ranked(log.case(), &book).unwrap().remove(0);
    log.append(Event::Proposed(proposed)).unwrap();
    let (what, by) = (Became::Merged, Witness::Person("Ada".into()));
    let merged = Outcome { proposal: Some(1), what, by, at: None, culprit: None, text: String::new() };
    outcome(&desk.config, &mut log, merged).unwrap();
    log.release().unwrap();
    let levels = levels(book.load(&id).unwrap().proposals.all[0].outcomes[0].0);
    let now = time::now() + 3 * DAY;
    let first = follow(&desk, &book, Some(&levels), now).await.unwrap();
    let again = follow(&desk, &book, Some(&levels), now).await.unwrap();
    let (_, last) = book.load(&id).unwrap().proposals.all[0].outcomes.last().unwrap().clone();
    (first, again, last)
}

/// Against the level before the merge: a fall from 100 to 94 is six tenths of what was promised.
#[tokio::test]
async fn of_an_opportunity_the_levels_before_and_after_the_merge_are_compared() {
    for (worse, after, part) in [
        (Direction::Up, 94.0, 0.6),
        (Direction::Up, 103.0, -0.3),
        (Direction::Down, 103.0, 0.3),
        (Direction::Down, 94.0, -0.6),
    ] {
        let levels = |at| Levels { since: at - DAY, at, before: 100.0, after };
        let (first, again, last) = followed(Some(worse), levels).await;
        let Became::Recovered(recovery) = last.what else { panic!("{last:?}") };
        assert!((recovery.part - part).abs() < 1e-9, "{recovery:?}");
        assert_eq!(first[0].what, Ok(Observed::Became(last.what)));
        // A tenth of 1,000 cores was promised.
        let Some(Cost { cores, watts }) = recovery.saved else { panic!("{recovery:?}") };
        assert!((cores - 100.0 * part).abs() < 1e-9 && (watts - 400.0 * part).abs() < 1e-9, "{recovery:?}");
        assert!(last.text.contains("10.0 % were expected"), "{}", last.text);
        assert!(again.is_empty(), "it is measured once: {again:?}");
    }
}

/// What no series will ever tell is told once, and asked no more.
#[tokio::test]
async fn what_cannot_be_measured_is_told_once() {
    let levels = |since: i64, before: f64| move |at| Levels { since: at + since, at, before, after: 1.0 };
    for (worse, (since, before), why) in [
        (None, (-DAY, 2.0), "names no metric"),
        (Some(Direction::Up), (-10 * MINUTE, 2.0), "less than 20 observations before the merge"),
        (Some(Direction::Up), (-DAY, 0.0), "are alike, or 0"),
    ] {
        let (first, again, last) = followed(worse, levels(since, before)).await;
        assert_eq!((last.what, &last.by), (Became::Unmeasured, &Witness::Metrics));
        assert!(last.text.contains(why), "{}", last.text);
        assert_eq!(first[0].what, Ok(Observed::Became(Became::Unmeasured)));
        assert!(again.is_empty(), "{again:?}");
    }
}
