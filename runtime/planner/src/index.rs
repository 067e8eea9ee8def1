//! The catalog in numbers: who takes and who gives which kind, so that planning over thousands of skills reads a few arrays.

use std::collections::HashMap;

use negawatt_host::Kind;

use crate::catalog::Entry;

/// Numbers of skills (their places in the catalog) and of kinds.
pub type Number = u32;

/// Who takes and who gives which kind.
#[derive(Debug, Clone)]
pub struct Index {
    kinds: HashMap<Kind, Number>,
    /// By skill: kinds that must all be there.
    pub consumes: Lists,
    /// By skill: kinds that it is shown besides.
    pub reads: Lists,
    /// By skill: kinds that it may return.
    pub produces: Lists,
    /// By kind: skills that may return it.
    pub producers: Lists,
    /// By kind: skills that consume it.
    pub consumers: Lists,
    /// By skill: whether it has the rights to run.
    pub may_run: Vec<bool>,
}

impl Index {
    /// Of these skills.
    pub fn of(entries: &[Entry]) -> Index {
        let mut kinds = HashMap::new();
        let mut numbered = |of: fn(&Entry) -> &[Kind]| {
            let mut lists = Lists::default();
            for entry in entries {
                let mut list: Vec<Number> = of(entry).iter().map(|kind| number(&mut kinds, kind)).collect();
                list.sort_unstable();
                list.dedup();
                lists.push(&list);
            }
            lists
        };
        let consumes = numbered(|entry| &entry.skill.manifest.consumes);
        let reads = numbered(|entry| &entry.skill.manifest.reads);
        let produces = numbered(|entry| &entry.skill.manifest.produces);
        Index {
            producers: produces.inverted(kinds.len()),
            consumers: consumes.inverted(kinds.len()),
            consumes,
            reads,
            produces,
            may_run: entries.iter().map(|entry| entry.rights.is_ok()).collect(),
            kinds,
        }
    }

    /// The number of a kind; `None` where no skill names it.
    pub fn kind(&self, kind: &Kind) -> Option<Number> {
        self.kinds.get(kind).copied()
    }

    /// How many kinds there are; their numbers are below it.
    pub fn kind_count(&self) -> usize {
        self.kinds.len()
    }

    /// How many skills there are.
    pub fn skill_count(&self) -> usize {
        self.may_run.len()
    }
}

fn number(kinds: &mut HashMap<Kind, Number>, kind: &Kind) -> Number {
    if let Some(known) = kinds.get(kind) {
        return *known;
    }
    // A component has a bounded manifest: there are never 2^32 kinds in memory.
    let next = Number::try_from(kinds.len()).unwrap_or(Number::MAX);
    kinds.insert(kind.clone(), next);
    next
}

/// Many short lists of numbers, one after the other in one array.
#[derive(Debug, Clone)]
pub struct Lists {
    /// Where each list begins, and one more: where the last one ends.
    begins: Vec<usize>,
    items: Vec<Number>,
}

impl Default for Lists {
    fn default() -> Lists {
        Lists { begins: vec![0], items: Vec::new() }
    }
}

impl Lists {
    /// The list of a skill or kind.
    pub fn of(&self, at: Number) -> &[Number] {
        let at = at as usize;
        &self.items[self.begins[at]..self.begins[at + 1]]
    }

    fn push(&mut self, list: &[Number]) {
        self.items.extend_from_slice(list);
        self.begins.push(self.items.len());
    }

    /// For each of `count` numbers the lists that it is in, in order.
    fn inverted(&self, count: usize) -> Lists {
        let mut begins = vec![0; count + 1];
        for item in &self.items {
            begins[*item as usize + 1] += 1;
        }
        for at in 0..count {
            begins[at + 1] += begins[at];
        }
        let mut free = begins.clone();
        let mut items = vec![0; self.items.len()];
        for (list, ends) in self.begins.windows(2).enumerate() {
            for item in &self.items[ends[0]..ends[1]] {
                let place = &mut free[*item as usize];
                items[*place] = list as Number;
                *place += 1;
            }
        }
        Lists { begins, items }
    }
}
