//! The board: the evidence of a case, and the steps that were taken.

use std::collections::{BTreeSet, HashMap, HashSet};

use negawatt_casebook::{Case, Step, name_of};
use negawatt_host::model::{Evidence, EvidenceId, FindingBody};
use negawatt_host::{Digest, Kind, Status, Tool};

use crate::terms::{PutAside, Terms};

/// A piece of evidence with what the host knows of its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The evidence.
    pub evidence: Evidence,
    /// The step that found it.
    pub step: String,
    /// The tools that it derives from: those called in its step, and those of all evidence that the step saw.
    pub from: BTreeSet<Tool>,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// Its id, such as `s1`.
    pub step: String,
    /// The skill, as `name@version`.
    pub skill: String,
    /// The skill's bytes.
    pub digest: Digest,
    /// The kinds that the skill may return.
    pub produces: Vec<Kind>,
    /// The evidence that it was shown.
    pub inputs: Vec<EvidenceId>,
    /// The evidence that was kept from it.
    pub withheld: Vec<EvidenceId>,
    /// How it ended.
    pub status: Status,
    /// What went wrong.
    pub message: Option<String>,
    /// The tools that it called.
    pub tools: BTreeSet<Tool>,
}

impl Taken {
    /// The skill's name, without its version.
    pub fn name(&self) -> &str {
        name_of(&self.skill)
    }
}

/// A skill that the case does not plan, because it failed too often in earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// The skill, as `name@version`.
    pub skill: String,
    /// The kinds that it may return.
    pub produces: Vec<Kind>,
    /// Why it was put aside.
    pub reason: String,
}

/// Evidence and steps, in the order in which they were accepted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Board {
    items: Vec<Item>,
    taken: Vec<Taken>,
    aside: Vec<Aside>,
    kinds: HashSet<Kind>,
    /// What the words of skills count that do not count wholly, by `name@version`.
    weights: HashMap<String, f64>,
}

impl Board {
    /// The board of a recorded case.
    pub fn of(case: &Case) -> Board {
        Board::with(case, |_| true)
    }

    /// The same without steps whose findings are not accepted yet: what a wave stands on, also where a part of it is over.
    pub(crate) fn decided(case: &Case) -> Board {
        Board::with(case, |step| step.accepted.is_some())
    }

    fn with(case: &Case, counts: impl Fn(&Step) -> bool) -> Board {
        let mut board = Board::default();
        let terms = Terms::of(case);
        // A version that came later counts as the one did that the case was opened with.
        for entry in case.catalogs().flatten() {
            let known = terms.knowledge.0.get(name_of(&entry.id));
            known.into_iter().for_each(|known| board.weigh(&entry.id, known.weight));
        }
        for PutAside { skill, digest, reason, .. } in terms.put_aside {
            let known = case.catalogs().flatten().find(|entry| entry.digest.to_string() == digest);
            let produces = known.map(|entry| entry.produces.clone()).unwrap_or_default();
            board.put_aside(Aside { skill, produces, reason });
        }
        for step in case.steps.iter().filter(|step| counts(step)) {
            let Some(call) = step.last_call() else { continue };
            let known = case.entry(&step.planned.digest);
            board.take(Taken {
                step: step.planned.step.clone(),
                skill: step.planned.skill.clone(),
                digest: step.planned.digest,
                produces: known.map(|entry| entry.produces.clone()).unwrap_or_default(),
                inputs: step.planned.inputs.clone(),
                withheld: step.planned.withheld.clone(),
                status: call.status,
                message: call.message.clone(),
                tools: call.answers.iter().map(|answer| answer.tool).collect(),
            });
        }
        for posted in &case.board {
            let (evidence, step, from) = (posted.evidence.clone(), posted.step.clone(), posted.tools.clone());
            board.accept(Item { evidence, step, from });
        }
        board
    }

    /// Accepts evidence.
    pub fn accept(&mut self, item: Item) {
        self.kinds.insert(item.evidence.finding.body.kind());
        self.items.push(item);
    }

    /// Notes a step that was taken.
    pub fn take(&mut self, taken: Taken) {
        self.taken.push(taken);
    }

    /// Notes a skill that is not planned.
    pub fn put_aside(&mut self, aside: Aside) {
        self.aside.push(aside);
    }

    /// Says what a skill's word counts, from 0 to 1.
    pub fn weigh(&mut self, skill: &str, weight: f64) {
        if weight < 1.0 {
            self.weights.insert(skill.to_owned(), weight.max(0.0));
        }
    }

    /// What a skill's word counts, from 0 to 1, by `name@version`.
    pub fn weight(&self, skill: &str) -> f64 {
        self.weights.get(skill).copied().unwrap_or(1.0)
    }

    /// How probable it is that a piece of evidence is true, by its skill and by what the word of that one counts: where it counts nothing, it
    /// is as likely true as not.
    pub fn confidence(&self, item: &Item) -> f64 {
        let said = item.evidence.finding.confidence;
        match self.weight(&item.evidence.by) {
            1.0 => said,
            weight => {
                // As in the verdict, nobody is surer than a thousand to one.
                let said = said.clamp(0.001, 0.999);
                let odds = (said / (1.0 - said)).powf(weight);
                odds / (1.0 + odds)
            }
        }
    }

    /// The skills that could not look, because they were put aside before the case.
    pub fn aside(&self) -> &[Aside] {
        &self.aside
    }

    /// The same board without some of its evidence.
    pub(crate) fn without(&self, hidden: impl Fn(&Item) -> bool) -> Board {
        let (taken, aside, weights) = (self.taken.clone(), self.aside.clone(), self.weights.clone());
        let mut board = Board { taken, aside, weights, ..Board::default() };
        self.items.iter().filter(|item| !hidden(item)).for_each(|item| board.accept(item.clone()));
        board
    }

    /// All evidence, also of steps that a later one of the same skill supersedes.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// All steps.
    pub fn taken(&self) -> &[Taken] {
        &self.taken
    }

    /// Whether there is evidence of a kind.
    pub fn has(&self, kind: &Kind) -> bool {
        self.kinds.contains(kind)
    }

    /// The evidence that counts: of each skill only what its last completed step found, whichever version took that.
    pub fn standing(&self) -> impl Iterator<Item = &Item> {
        let mut last: HashMap<&str, &str> = HashMap::new();
        for taken in self.taken.iter().filter(|taken| taken.status == Status::Ok) {
            last.insert(taken.name(), &taken.step);
        }
        let standing: BTreeSet<&str> = last.into_values().collect();
        let known: BTreeSet<&str> = self.taken.iter().map(|taken| taken.step.as_str()).collect();
        // Evidence that no step of this case found was given with the incident, and stands.
        self.items
            .iter()
            .filter(move |item| standing.contains(item.step.as_str()) || !known.contains(item.step.as_str()))
    }

    /// What skills that see these kinds are shown.
    pub fn shown<'a>(&'a self, kinds: impl IntoIterator<Item = &'a Kind>) -> Vec<&'a Item> {
        let kinds: BTreeSet<&Kind> = kinds.into_iter().collect();
        self.standing().filter(|item| kinds.contains(&item.evidence.finding.body.kind())).collect()
    }

    /// The standing evidence whose body is of one case, with its id and confidence.
    pub fn bodies<'a, T: 'a>(
        &'a self,
        of: impl Fn(&'a FindingBody) -> Option<&'a T> + 'a,
    ) -> impl Iterator<Item = (&'a Item, &'a T)> {
        self.standing().filter_map(move |item| of(&item.evidence.finding.body).map(|body| (item, body)))
    }
}
