//! How candidates share what one would have: many must neither add up to a cause nor hide one.
//!
//! Before any time is looked at, candidates are put in the order of all else that speaks for them. Each then counts in proportion
//! to how few are at least as likely: the best keeps its whole prior, whatever comes below it, and among a thousand that nothing
//! tells apart each has a thousandth. That is the weighting of hypotheses a priori of Genovese, Roeder and Wasserman, "False
//! discovery control with p-value weighting", Biometrika 93(3), 2006, with weights that fall as 1/rank. It is done among the
//! rows of one id, the changes of one key, those of one author, and all of them in turn, so that a flood in one place counts
//! as little elsewhere.

use std::collections::BTreeMap;

use negawatt_skill::Candidate as Kind;

use crate::candidate::Candidate;

/// Candidates that keep their prior beside each other: of one author, and of all.
const MANY: f64 = 5.0;

/// What a candidate shares its prior with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Id,
    Key,
    Author,
    All,
}

/// A candidate's part of the prior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// From 0 to 1.
    pub part: f64,
    /// The group that takes most of it, and how many in it are at least as likely, itself included.
    most: Option<(Group, usize)>,
    taken: f64,
}

/// The part of each of several candidates, given all that speaks for each but its time, and how much each counts among them.
pub fn parts(candidates: &[&Candidate], telling: &[f64], counts: &[f64]) -> Vec<Part> {
    let mut parts = vec![Part { part: 1.0, most: None, taken: 1.0 }; candidates.len()];
    for group in [Group::Id, Group::Key, Group::Author, Group::All] {
        let mut members: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for (at, candidate) in candidates.iter().enumerate() {
            let key = match group {
                Group::Id => (&*candidate.id, ""),
                Group::Key => (&*candidate.service, &*candidate.name),
                // Those whom nobody knows may all be one.
                Group::Author => (candidate.author.as_deref().unwrap_or_default(), ""),
                Group::All => ("", ""),
            };
            members.entry(key).or_default().push(at);
        }
        let likely: Vec<f64> = telling.iter().zip(&parts).map(|(telling, part)| telling + part.part.ln()).collect();
        for mut members in members.into_values() {
            members.sort_by(|&a, &b| likely[b].total_cmp(&likely[a]));
            let (mut rivals, mut sum) = (0, 0.0);
            for equal in members.chunk_by(|&a, &b| likely[a] == likely[b]) {
                rivals += equal.len();
                sum += equal.iter().map(|&at| group.count(counts[at]) * parts[at].part).sum::<f64>();
                let taken = (group.most() / sum).min(1.0);
                for &at in equal {
                    let part = &mut parts[at];
                    part.part *= taken;
                    if taken < part.taken {
                        (part.taken, part.most) = (taken, Some((group, rivals)));
                    }
                }
            }
        }
    }
    parts
}

impl Group {
    /// What a candidate counts as: whose a setting is does not matter among the changes of one setting.
    fn count(self, counts: f64) -> f64 {
        match self {
            Group::Id | Group::Key => 1.0,
            Group::Author | Group::All => counts,
        }
    }

    /// How many keep their prior beside each other.
    fn most(self) -> f64 {
        match self {
            Group::Id | Group::Key => 1.0,
            Group::Author | Group::All => MANY,
        }
    }
}

impl Part {
    /// One sentence: with whom the candidate shares its prior; absent where it has all of it.
    pub fn reason(&self, candidate: &Candidate) -> Option<String> {
        let (group, rivals) = self.most?;
        let (what, name) = match candidate.kind {
            Kind::Experiment => ("experiments", "name"),
            _ => ("changes", "key"),
        };
        let whose = match (group, &candidate.author) {
            (Group::Id, _) => format!("rows of this id among the {what}"),
            (Group::Key, _) => format!("{what} of this {name}"),
            (Group::Author, Some(_)) => format!("{what} by the same author"),
            (Group::Author, None) => format!("{what} of which nobody knows the author"),
            (Group::All, _) => what.to_owned(),
        };
        let as_many = if group.most() == 1.0 { "one" } else { "a few" };
        Some(format!(
            "It is one of {rivals} {whose} that are at least as likely but for their time, and that together count as {as_many}."
        ))
    }
}
