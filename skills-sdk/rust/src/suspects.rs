//! Candidates as the board gives them: what several skills say of each, put together, for those who propose what to do about it.

use std::collections::BTreeMap;

use crate::{Candidate, Case, Suspect};

/// The most that one skill can say for or against a candidate, as natural log odds: the host's own bound.
const SKILL_LIMIT: f64 = 8.0;
/// Candidates that are worth a proposal at most, and how probable the least of them is.
const MOST_LIKELY: usize = 3;
const LEAST: f64 = 0.1;

/// A candidate with all that the board says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Accused<'a> {
    /// What it is.
    pub candidate: Candidate,
    /// Names it among its kind.
    pub id: &'a str,
    /// The repository's name in the configuration, for commits.
    pub repository: Option<&'a str>,
    /// Who made it, as whoever spoke first says.
    pub author: Option<&'a str>,
    /// Files that tie it to the regression, by path.
    pub files: Vec<&'a str>,
    /// The evidence that speaks of it, in the order of the board.
    pub because: Vec<&'a str>,
    /// Natural log odds against "none of the candidates".
    pub log_odds: f64,
    /// The probability that it is the cause, among all candidates and "none".
    pub probability: f64,
}

impl Case {
    /// The commits, settings and experiments that are suspected, the likeliest first. Services are another question and are left out.
    ///
    /// One skill's factors add up, within the host's bound. Of several skills the strongest word for and the strongest against count:
    /// the host adds up those that asked different tools, but a skill is not told who asked what, and two that read the same history
    /// must not count twice. So a candidate that several sources speak for is a little likelier to the host than here.
    pub fn accused(&self) -> Vec<Accused<'_>> {
        type Key<'a> = (u8, Option<&'a str>, &'a str);
        let mut all: BTreeMap<Key<'_>, (Accused<'_>, BTreeMap<&str, f64>)> = BTreeMap::new();
        for found in self.suspects().filter(|suspect| suspect.candidate != Candidate::Service) {
            let suspect: &Suspect = found.body;
            let (id, repository) = (suspect.id.as_str(), suspect.repository.as_deref());
            let (accused, said) = all.entry((suspect.candidate as u8, repository, id)).or_insert_with(|| {
                let (files, because) = (Vec::new(), Vec::new());
                let candidate = suspect.candidate;
                let new = Accused {
                    candidate,
                    id,
                    repository,
                    author: None,
                    files,
                    because,
                    log_odds: 0.0,
                    probability: 0.0,
                };
                (new, BTreeMap::new())
            });
            accused.author = accused.author.or(suspect.author.as_deref());
            accused.files.extend(suspect.files.iter().map(String::as_str));
            accused.because.push(found.id);
            *said.entry(found.by).or_default() += if suspect.log_odds.is_nan() { 0.0 } else { suspect.log_odds };
        }
        let mut all: Vec<Accused<'_>> = all
            .into_values()
            .map(|(mut accused, said)| {
                let said = || said.values().map(|sum| sum.clamp(-SKILL_LIMIT, SKILL_LIMIT));
                accused.log_odds = said().fold(0.0, f64::max) + said().fold(0.0, f64::min);
                accused.files.sort_unstable();
                accused.files.dedup();
                accused
            })
            .collect();
        let whole = 1.0 + all.iter().map(|accused| accused.log_odds.exp()).sum::<f64>();
        all.iter_mut().for_each(|accused| accused.probability = accused.log_odds.exp() / whole);
        // Stable: between equals the order of their names.
        all.sort_by(|a, b| b.log_odds.total_cmp(&a.log_odds));
        all
    }

    /// Those of these kinds that are worth a proposal: at most three, none that evidence speaks against as much as for, and none that
    /// is less probable than one in ten.
    pub fn likely_causes(&self, kinds: &[Candidate]) -> Vec<Accused<'_>> {
        let worth = |accused: &Accused<'_>| {
            kinds.contains(&accused.candidate) && accused.log_odds > 0.0 && accused.probability >= LEAST
        };
        self.accused().into_iter().filter(worth).take(MOST_LIKELY).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Direction, Evidence, Finding};

    fn case(said: &[(&str, Candidate, &str, f64, &[&str])]) -> Case {
        let evidence = |(at, (by, candidate, id, log_odds, files)): (usize, &(&str, Candidate, &str, f64, &[&str]))| {
            let suspect = Suspect {
                candidate: *candidate,
                id: (*id).into(),
                repository: None,
                author: (at > 0).then(|| format!("Author {at}")),
                files: files.iter().map(|&file| file.into()).collect(),
                reason: String::new(),
                log_odds: *log_odds,
                extra: vec![],
            };
            Evidence { id: format!("e{}", at + 1), by: (*by).into(), finding: Finding::new(suspect, 0.5, "") }
        };
        Case {
            evidence: said.iter().enumerate().map(evidence).collect(),
            ..crate::case::tests::case(Direction::Up, &[])
        }
    }

    const COMMIT: Candidate = Candidate::Commit;

    #[test]
    fn factors_of_one_skill_add_up_and_a_copy_adds_nothing() {
        let case = case(&[
            ("a@1", COMMIT, "x", 2.0, &["b.rs", "a.rs"]),
            ("a@1", COMMIT, "x", 1.5, &["a.rs"]),
            ("b@1", COMMIT, "x", 3.0, &[]),
            ("c@1", COMMIT, "x", -1.0, &[]),
            ("a@1", Candidate::Config, "x", 1.0, &[]),
            ("a@1", Candidate::Service, "x", 9.0, &[]),
            ("a@1", COMMIT, "y", f64::NAN, &[]),
        ]);
        let all = case.accused();
        let first = &all[0];
        assert_eq!((first.candidate, first.log_odds, first.author), (COMMIT, 2.5, Some("Author 1")));
        assert_eq!((&first.files[..], &first.because[..]), (&["a.rs", "b.rs"][..], &["e1", "e2", "e3", "e4"][..]));
        let whole = 1.0 + 2.5_f64.exp() + 1_f64.exp() + 1.0;
        assert!((first.probability - 2.5_f64.exp() / whole).abs() < 1e-12);
        assert_eq!((all.len(), all[1].candidate, all[2].log_odds), (3, Candidate::Config, 0.0));
    }

    #[test]
    fn no_skill_is_certain_by_itself() {
        let case = case(&[("a@1", COMMIT, "x", 40.0, &[]), ("a@1", COMMIT, "x", 40.0, &[])]);
        let probability = case.accused()[0].probability;
        assert!(probability < 0.9997, "{probability}");
    }

    #[test]
    fn few_are_worth_a_proposal() {
        let case = case(&[
            ("a@1", COMMIT, "likely", 4.0, &[]),
            ("a@1", Candidate::Config, "setting", 3.5, &[]),
            ("a@1", COMMIT, "unlikely", 0.5, &[]),
            ("a@1", COMMIT, "against", -3.0, &[]),
        ]);
        let ids = |kinds: &[Candidate]| case.likely_causes(kinds).iter().map(|one| one.id).collect::<Vec<_>>();
        assert_eq!((ids(&[COMMIT]), ids(&[Candidate::Config])), (vec!["likely"], vec!["setting"]));
        assert_eq!(ids(&[]), [""; 0]);
    }

    #[test]
    fn what_is_spoken_against_is_never_proposed() {
        let even = case(&[("a@1", COMMIT, "x", 2.0, &[]), ("b@1", COMMIT, "x", -2.0, &[])]);
        assert!(even.likely_causes(&[COMMIT]).is_empty());
        let many: Vec<_> = ["v", "w", "x", "y", "z"].map(|id| ("a@1", COMMIT, id, 3.0, &[][..])).to_vec();
        assert_eq!(case(&many).likely_causes(&[COMMIT]).len(), 3);
    }
}
