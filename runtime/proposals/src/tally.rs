//! What all cases came to, and those of each service, skill, and week or month.

use std::collections::BTreeMap;

use negawatt_casebook::{Case, Casebook, CasebookError, Proposal};
use negawatt_config::Learn;
use negawatt_host::model::Timestamp;
use negawatt_host::{Digest, time};
use negawatt_planner::{Reliability, reliabilities};

use crate::stats::Stats;

/// Cases that are counted: the newest.
const MOST: usize = 100_000;

/// Cases that were opened over so many weeks or less are told by weeks, others by months.
const WEEKS: usize = 26;

/// Weeks or months that are told: the last ones.
pub const PERIODS: usize = 60;

const DAY: i64 = 86_400_000_000;

/// What cases came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// All of them.
    pub all: Stats,
    /// Those of each service.
    pub services: BTreeMap<String, Stats>,
    /// Those in which each skill found something, by its name; of proposals those that it made.
    pub skills: BTreeMap<String, Skill>,
    weeks: BTreeMap<Timestamp, Stats>,
    months: BTreeMap<Timestamp, Stats>,
}

/// A skill, over all of its versions.
#[derive(Debug, Clone, PartialEq)]
pub struct Skill {
    /// Its newest version that took part in a case, as `name@version`.
    pub id: String,
    /// Of that one's component.
    pub digest: Digest,
    /// How often that one's word stood.
    pub known: Reliability,
    /// The cases in which any version found something, and the proposals that it made.
    pub stats: Stats,
}

/// How cases are told by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// From a Monday on, UTC.
    Week,
    /// From the first of a month on, UTC.
    Month,
}

impl Every {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Every::Week => "week",
            Every::Month => "month",
        }
    }

    /// The begin of the week or month that an instant is in.
    fn begin(self, at: Timestamp) -> Timestamp {
        match self {
            // The first day of 1970 was a Thursday.
            Every::Week => (at - 4 * DAY).div_euclid(7 * DAY) * 7 * DAY + 4 * DAY,
            Every::Month => {
                let day = time::rfc3339(at);
                let month = day.get(..7).and_then(|month| time::parse_rfc3339(&format!("{month}-01T00:00:00Z")));
                // Beyond the year 9999 there is none.
                month.unwrap_or(at)
            }
        }
    }

    fn next(self, begin: Timestamp) -> Timestamp {
        match self {
            Every::Week => begin + 7 * DAY,
            Every::Month => self.begin(begin + 31 * DAY),
        }
    }
}

impl Tally {
    /// Counts the newest cases. One that cannot be read is left out, and told to the log.
    pub fn of(book: &Casebook, learn: &Learn, now: Timestamp) -> Result<Tally, CasebookError> {
        let mut tally = Tally::default();
        for id in book.cases(MOST)? {
            match book.load(&id) {
                Ok(case) => tally.add(&case, learn),
                Err(error) => tracing::warn!("not counted: {error}"),
            }
        }
        let known = reliabilities(book, now)?;
        // The newest last: what a skill was before gives way, unless its last build took part in a newer case.
        for stood in book.stood()?.into_iter().rev() {
            let fresh =
                Skill { id: stood.skill, digest: stood.digest, known: Reliability::default(), stats: Stats::default() };
            tally.skills.entry(name(&fresh.id).to_owned()).or_insert(fresh);
        }
        for skill in tally.skills.values_mut() {
            skill.known = known.get(&skill.digest).copied().unwrap_or_default();
        }
        Ok(tally)
    }

    /// Takes in a case; newer ones come first.
    fn add(&mut self, case: &Case, learn: &Learn) {
        let all = |_: &Proposal| true;
        self.all.add(case, learn, all);
        for (every, by) in [(Every::Week, &mut self.weeks), (Every::Month, &mut self.months)] {
            by.entry(every.begin(case.opened_at)).or_default().add(case, learn, all);
        }
        if let Some(opened) = &case.opened {
            self.services.entry(opened.incident.service.clone()).or_default().add(case, learn, all);
        }
        let mut found = BTreeMap::new();
        for step in case.board.iter().filter_map(|posted| case.step(&posted.step)) {
            found.insert(name(&step.planned.skill), &step.planned);
        }
        for (skill, planned) in found {
            let fresh = || Skill {
                id: planned.skill.clone(),
                digest: planned.digest,
                known: Reliability::default(),
                stats: Stats::default(),
            };
            let made =
                |proposal: &Proposal| case.mitigation(&proposal.proposed).is_some_and(|(by, _)| name(by) == skill);
            self.skills.entry(skill.to_owned()).or_insert_with(fresh).stats.add(case, learn, made);
        }
    }

    /// The cases by the weeks or months in which they were opened, from the first to the last, also those without any; at most [`PERIODS`],
    /// the last ones.
    pub fn periods(&self) -> (Every, Vec<(Timestamp, Stats)>) {
        let weeks = filled(Every::Week, &self.weeks);
        if weeks.len() <= WEEKS { (Every::Week, weeks) } else { (Every::Month, filled(Every::Month, &self.months)) }
    }

    /// The cases of the weeks or months before those, as far as there are any.
    pub fn earlier(&self) -> Vec<&Stats> {
        let (every, periods) = self.periods();
        let by = match every {
            Every::Week => &self.weeks,
            Every::Month => &self.months,
        };
        periods.first().map_or(Vec::new(), |(first, _)| by.range(..first).map(|(_, stats)| stats).collect())
    }
}

fn filled(every: Every, by: &BTreeMap<Timestamp, Stats>) -> Vec<(Timestamp, Stats)> {
    let (Some((first, _)), Some((last, _))) = (by.first_key_value(), by.last_key_value()) else { return Vec::new() };
    // A clock that was wrong once makes no endless list.
    let far = last.saturating_sub(PERIODS as i64 * 31 * DAY);
    let begins = std::iter::successors(Some(every.begin((*first).max(far))), |begin| Some(every.next(*begin)));
    let all: Vec<_> = begins.take_while(|begin| begin <= last).collect();
    let shown = &all[all.len().saturating_sub(PERIODS)..];
    shown.iter().map(|begin| (*begin, by.get(begin).cloned().unwrap_or_default())).collect()
}

/// A skill without its version.
fn name(skill: &str) -> &str {
    skill.split_once('@').map_or(skill, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use negawatt_casebook::*;
    use negawatt_host::model::*;

    use super::*;
    use crate::stats::Counts;

    const SECOND: i64 = 1_000_000;

    /// A regression of a service that was opened at a time and took a second, with a suspect and the mitigations of these skills.
    fn case(opened_at: i64, service: &str, skills: &[&str]) -> Case {
        let mut case = Case::new("01M85CZ2EARPN0D8J5FDXQE8P6".parse::<CaseId>().unwrap());
        (case.opened_at, case.ended_at) = (opened_at, Some(opened_at + SECOND));
        case.opened = Some(Arc::new(Opened {
            incident: Incident {
                kind: IncidentKind::Regression,
                title: "slower".into(),
                service: service.into(),
                metric: None,
                window: Window { start: 0, end: DAY },
                severity: Severity::Medium,
            },
            fingerprint: String::new(),
            now: 0,
            seed: 0,
            neighbours: BTreeSet::new(),
            catalog: Vec::new(),
            fleet: None,
            host_version: String::new(),
            earlier: None,
            config: Config { path: None, digest: Digest::of(b"") },
            extra: Vec::new(),
        }));
        case.end = Some(End::Concluded(Concluded {
            verdict: Verdict::Regression,
            confidence: 0.9,
            dismissal: None,
            change_point: None,
            would_settle: None,
            wall_ms: 1_000,
            ending: Ending::NothingLeft,
        }));
        for skill in skills {
            let number = case.steps.len() + 1;
            let planned = PlannedStep {
                step: format!("s{number}"),
                skill: (*skill).to_owned(),
                digest: Digest::of(skill.as_bytes()),
                inputs: Vec::new(),
                withheld: Vec::new(),
                reason: String::new(),
            };
            let body = FindingBody::Mitigation(Mitigation {
                strategy: "revert".into(),
                target: "abc".into(),
                patch: None,
                setting: None,
                validation: String::new(),
            });
            let finding =
                Finding { body, confidence: 0.9, summary: String::new(), because: Vec::new(), extra: Vec::new() };
            let evidence = Evidence { id: format!("e{number}"), by: (*skill).to_owned(), finding };
            case.steps.push(Step { planned, intents: Vec::new(), calls: Vec::new(), accepted: None });
            case.board.push(Posted { evidence, step: format!("s{number}"), tools: BTreeSet::new() }.into());
        }
        case
    }

    /// Proposes a piece of evidence, which saves so many cores where it helps, as it does with a half.
    fn propose(case: &mut Case, evidence: usize, cores: f64) -> &mut Proposal {
        let number = u32::try_from(case.proposals.all.len()).unwrap() + 1;
        let saving = Some(Cost { cores, watts: 4.0 * cores });
        let rank = Rank { helps: 0.5, saving, ..Rank::default() };
        case.proposals.all.push(Proposal {
            earlier: Vec::new(),
            told: false,
            proposed: Proposed { number, mitigation: format!("e{evidence}"), rank },
            examined: None,
            reviews: Vec::new(),
            intents: Vec::new(),
            submission: None,
            submitted: None,
            outcomes: Vec::new(),
        });
        case.proposals.all.last_mut().unwrap()
    }

    fn review(proposal: &mut Proposal, by: Option<&str>, decision: Decision) {
        let by = by.map(str::to_owned);
        let reviewed = Reviewed { proposal: proposal.proposed.number, by, decision, text: String::new() };
        proposal.reviews.push((0, reviewed));
    }

    fn submit(proposal: &mut Proposal) {
        proposal.submitted = Some(Submitted {
            proposal: proposal.proposed.number,
            forge: "git".into(),
            branch: "b".into(),
            commit: "c".into(),
            url: None,
            number: None,
            notes: Vec::new(),
        });
    }

    fn became(what: Became, time: i64) -> (i64, Outcome) {
        (time, Outcome { proposal: None, what, by: Witness::Forge, at: None, culprit: None, text: String::new() })
    }

    fn recovered(cores: f64) -> Became {
        let saved = Some(Cost { cores, watts: 4.0 * cores });
        Became::Recovered(Recovery { window: Window { start: 0, end: 1 }, level: 1.0, part: 0.5, saved })
    }

    fn tally(cases: &[Case]) -> Tally {
        let mut tally = Tally::default();
        cases.iter().for_each(|case| tally.add(case, &Learn::default()));
        tally
    }

    #[test]
    fn a_case_counts_for_all_its_service_and_its_skills() {
        let mut fixed = case(0, "shop", &["revert@2.0.0", "hoist@1.0.0"]);
        let first = propose(&mut fixed, 1, 100.0);
        review(first, None, Decision::Approved);
        submit(first);
        let (recorded, mut merged) = became(Became::Merged, 8 * SECOND);
        // It was merged before that was known.
        merged.at = Some(7 * SECOND);
        first.outcomes = vec![(recorded, merged), became(recovered(80.0), 9 * SECOND)];
        // The same again, and less of it: it is not saved twice.
        let second = propose(&mut fixed, 2, 60.0);
        review(second, Some("Ada"), Decision::Approved);
        submit(second);
        second.outcomes = vec![became(Became::Merged, 5 * SECOND), became(recovered(70.0), 8 * SECOND)];
        review(propose(&mut fixed, 2, 10.0), Some("Ada"), Decision::Rejected(Rejection::Risky));
        let mut open = case(0, "cart", &["revert@1.0.0"]);
        (open.end, open.ended_at) = (None, None);
        let tally = tally(&[fixed, open]);

        let all = &tally.all;
        assert_eq!((all.cases, all.open, all.cancelled, all.with(Verdict::Regression)), (2, 1, 0, 1));
        assert_eq!((all.to_diagnosis.median(), all.to_resolution.median()), (Some(1.0), Some(5.0)), "the first merge");
        assert_eq!(all.proposals, Counts { proposed: 3, submitted: 2, merged: 2, turned_down: 1 });
        assert_eq!((all.proposed.cores, all.recovered.cores, all.recovered.watts), (50.0, 80.0, 320.0));
        assert_eq!((all.share_without_person(), all.false_positive_rate(), all.hours), (Some(0.0), Some(0.0), 10.0));
        assert_eq!(tally.services["shop"].proposals, all.proposals);
        assert_eq!((tally.services["cart"].cases, tally.services["cart"].to_diagnosis.median()), (1, None));

        // Of proposals a skill has its own.
        let revert = &tally.skills["revert"];
        assert_eq!((revert.id.as_str(), revert.stats.cases), ("revert@2.0.0", 2), "the newest names it");
        assert_eq!(revert.stats.proposals, Counts { proposed: 1, submitted: 1, merged: 1, turned_down: 0 });
        assert_eq!((revert.stats.to_resolution.sum(), revert.stats.share_without_person()), (7.0, Some(1.0)));
        let hoist = &tally.skills["hoist"].stats;
        assert_eq!(hoist.proposals, Counts { proposed: 2, submitted: 1, merged: 1, turned_down: 1 });
        assert_eq!((hoist.proposed.cores, hoist.recovered.cores, hoist.to_resolution.count()), (30.0, 70.0, 1));
    }

    #[test]
    fn what_was_wrong_saved_nobody_an_hour() {
        let mut merged = case(0, "shop", &["revert@1.0.0"]);
        propose(&mut merged, 1, 1.0).outcomes = vec![became(Became::Merged, SECOND)];
        let mut blamed = merged.clone();
        blamed.proposals.outcomes = vec![became(Became::WrongCulprit, SECOND)];
        let mut rejected = case(0, "shop", &["revert@1.0.0"]);
        review(propose(&mut rejected, 1, 1.0), Some("Ada"), Decision::Rejected(Rejection::NotARegression));
        // A merge that turned out to be wrong resolved nothing.
        let mut undone = merged.clone();
        undone.proposals.all[0].outcomes.push(became(Became::WrongCulprit, 2 * SECOND));
        let unknown = case(0, "shop", &["revert@1.0.0"]);
        let all = tally(&[merged, blamed, rejected, undone, unknown]).all;
        assert_eq!((all.judged, all.wrong, all.false_positive_rate()), (4, 3, Some(0.75)));
        assert_eq!((all.hours, all.to_resolution.count(), all.merged), (20.0, 2, 2));
        assert_eq!((all.share_without_person(), Stats::default().false_positive_rate()), (None, None));
    }

    #[test]
    fn a_word_that_was_corrected_counts_no_more() {
        let ada = |what, time: i64| {
            let (_, outcome) = became(what, 0);
            (time * SECOND, Outcome { by: Witness::Person("Ada".into()), ..outcome })
        };
        let judged = |of_case: Vec<(i64, Outcome)>, of_proposal: Vec<(i64, Outcome)>| {
            let mut case = case(0, "shop", &["revert@1.0.0"]);
            propose(&mut case, 1, 1.0).outcomes = of_proposal;
            case.proposals.outcomes = of_case;
            let all = tally(&[case]).all;
            (all.judged, all.wrong, all.hours)
        };
        let (right, wrong) = ((1, 0, 10.0), (1, 1, 0.0));
        let (merged, blamed) = (Became::Merged, Became::WrongCulprit);
        assert_eq!(judged(vec![], vec![ada(blamed, 1), ada(merged, 2)]), right);
        assert_eq!(judged(vec![ada(blamed, 1)], vec![ada(merged, 2)]), right);
        assert_eq!(judged(vec![ada(blamed, 3)], vec![ada(merged, 2)]), wrong);
        // A forge corrects nobody.
        assert_eq!(judged(vec![ada(blamed, 1)], vec![became(merged, 2 * SECOND)]), wrong);
    }

    fn begins(cases: &[&str]) -> (Every, Vec<(String, u64)>) {
        let cases = cases.iter().map(|at| case(time::parse_rfc3339(at).unwrap(), "shop", &[])).collect::<Vec<_>>();
        let (every, periods) = tally(&cases).periods();
        let day = |begin: i64| time::rfc3339(begin).trim_end_matches("T00:00:00Z").to_owned();
        (every, periods.into_iter().map(|(begin, stats)| (day(begin), stats.cases)).collect())
    }

    #[test]
    fn time_goes_by_weeks_and_then_by_months() {
        let of = |all: &[(&str, u64)]| all.iter().map(|(day, cases)| ((*day).to_owned(), *cases)).collect::<Vec<_>>();
        assert_eq!(begins(&[]), (Every::Week, vec![]));
        let weeks = begins(&["2026-11-23T00:00:00Z", "2026-11-22T23:59:59Z", "2026-11-08T12:00:00Z"]);
        let mondays = [("2026-11-02", 1), ("2026-11-09", 0), ("2026-11-16", 1), ("2026-11-23", 1)];
        assert_eq!(weeks, (Every::Week, of(&mondays)));
        let months = begins(&["2026-03-31T23:59:59Z", "2026-01-31T10:00:00Z", "2025-09-01T00:00:00Z"]);
        let firsts = [
            ("2025-09-01", 1),
            ("2025-10-01", 0),
            ("2025-11-01", 0),
            ("2025-12-01", 0),
            ("2026-01-01", 1),
            ("2026-02-01", 0),
            ("2026-03-01", 1),
        ];
        assert_eq!(months, (Every::Month, of(&firsts)));
        // A clock that was wrong.
        let (every, months) = begins(&["2026-03-01T00:00:00Z", "1970-01-01T00:00:00Z"]);
        assert_eq!((every, months.len(), months.last()), (Every::Month, PERIODS, Some(&("2026-03-01".to_owned(), 1))));
    }

    #[test]
    fn what_was_before_the_periods_is_not_lost() {
        let opened = |months: i64| {
            let mut case = case(31 * DAY * months, "shop", &["revert@1.0.0"]);
            submit(propose(&mut case, 1, 100.0));
            case
        };
        let earlier = |months: &[i64]| {
            let tally = tally(&months.iter().map(|months| opened(*months)).collect::<Vec<_>>());
            let shown: u64 = tally.periods().1.iter().map(|(_, stats)| stats.cases).sum();
            let earlier = tally.earlier();
            assert_eq!(shown + earlier.iter().map(|stats| stats.cases).sum::<u64>(), tally.all.cases);
            earlier.iter().map(|stats| stats.proposed.cores).sum::<f64>()
        };
        assert_eq!((earlier(&[]), earlier(&[0]), earlier(&[50, 0])), (0.0, 0.0, 0.0));
        assert_eq!(earlier(&[200, 199, 2, 1, 0]), 150.0);
    }
}
