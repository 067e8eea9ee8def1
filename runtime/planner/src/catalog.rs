//! The catalog: every skill there is, by what it consumes and produces. Names are for people; nothing here looks at them.

use std::collections::HashMap;
use std::sync::Arc;

use negawatt_host::grants::{Denial, Grants, Rights};
use negawatt_host::{Digest, Kind, Origin, Skill};

/// A skill with what it may do.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The skill.
    pub skill: Arc<Skill>,
    /// What it may use and spend, or why it may not run.
    pub rights: Result<Rights, Denial>,
}

impl Entry {
    /// The kinds that it is shown.
    pub fn sees(&self) -> impl Iterator<Item = &Kind> {
        self.skill.manifest.consumes.iter().chain(&self.skill.manifest.reads)
    }
}

/// Why a file is refused although it is a skill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// Names of bundled skills cannot be borrowed.
    #[error(
        "the name {name} belongs to a bundled skill, and this file has other bytes; rename it, or say `replace = [\"{name}\"]` under [skills] (it then has no rights of its own)"
    )]
    Borrowed {
        /// The name.
        name: String,
    },
    /// Two files bear one name.
    #[error("the name {name} is already that of another loaded skill with other bytes; rename or remove one of them")]
    Twice {
        /// The name.
        name: String,
    },
}

/// A kind of evidence as a place in tables, so that planning over thousands of skills compares numbers.
pub(crate) type KindId = usize;

/// What planning looks at of one skill.
#[derive(Debug, Clone, Default)]
pub(crate) struct Card {
    /// Kinds that must all be there.
    pub consumes: Vec<KindId>,
    /// Kinds that it is shown besides.
    pub reads: Vec<KindId>,
    /// Kinds that it may return.
    pub produces: Vec<KindId>,
    /// Whether it has the rights to run.
    pub may_run: bool,
}

/// Every skill, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
    by_digest: HashMap<Digest, usize>,
    index: Index,
}

/// Who takes and who gives which kind.
#[derive(Debug, Clone, Default)]
struct Index {
    kinds: HashMap<Kind, KindId>,
    cards: Vec<Card>,
    producers: Vec<Vec<usize>>,
    consumers: Vec<Vec<usize>>,
}

impl Index {
    fn id(&mut self, kind: &Kind) -> KindId {
        if let Some(id) = self.kinds.get(kind) {
            return *id;
        }
        self.kinds.insert(kind.clone(), self.producers.len());
        self.producers.push(Vec::new());
        self.consumers.push(Vec::new());
        self.producers.len() - 1
    }

    /// Adds the next entry.
    fn push(&mut self, entry: &Entry) {
        let manifest = &entry.skill.manifest;
        let mut ids = |kinds: &[Kind]| {
            let mut ids: Vec<_> = kinds.iter().map(|kind| self.id(kind)).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let card = Card {
            consumes: ids(&manifest.consumes),
            reads: ids(&manifest.reads),
            produces: ids(&manifest.produces),
            may_run: entry.rights.is_ok(),
        };
        let at = self.cards.len();
        card.produces.iter().for_each(|kind| self.producers[*kind].push(at));
        card.consumes.iter().for_each(|kind| self.consumers[*kind].push(at));
        self.cards.push(card);
    }
}

impl Catalog {
    /// Adds a skill with its rights; `replace` names those that may take a bundled or loaded skill's place. The same bytes
    /// again are no error and add nothing.
    pub fn add(&mut self, skill: Skill, grants: &Grants, replace: &[String]) -> Result<(), CatalogError> {
        let name = skill.manifest.name.clone();
        let rights = grants.rights(&skill);
        let entry = Entry { skill: Arc::new(skill), rights };
        match self.by_name.get(&name).copied() {
            None => self.push(entry),
            Some(at) if self.entries[at].skill.digest == entry.skill.digest => {}
            Some(at) if replace.contains(&name) => {
                let mut entries = std::mem::take(self).entries;
                entries[at] = entry;
                entries.into_iter().for_each(|entry| self.push(entry));
            }
            Some(at) if self.entries[at].skill.origin == Origin::Bundled => {
                return Err(CatalogError::Borrowed { name });
            }
            Some(_) => return Err(CatalogError::Twice { name }),
        }
        Ok(())
    }

    /// The same catalog with only these skills, in this order.
    pub fn restricted(&self, digests: impl IntoIterator<Item = Digest>) -> Catalog {
        let mut catalog = Catalog::default();
        digests.into_iter().filter_map(|digest| self.with_digest(&digest)).for_each(|entry| catalog.push(entry.clone()));
        catalog
    }

    fn push(&mut self, entry: Entry) {
        self.by_name.insert(entry.skill.manifest.name.clone(), self.entries.len());
        self.by_digest.insert(entry.skill.digest, self.entries.len());
        self.index.push(&entry);
        self.entries.push(entry);
    }

    /// All of them.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The skill with this name.
    pub fn named(&self, name: &str) -> Option<&Entry> {
        self.place_named(name).map(|at| &self.entries[at])
    }

    /// The skill with these bytes.
    pub fn with_digest(&self, digest: &Digest) -> Option<&Entry> {
        self.place_of(digest).map(|at| &self.entries[at])
    }

    /// Places in [`Catalog::entries`] of the skills that may return a kind.
    pub fn producers(&self, kind: &Kind) -> &[usize] {
        self.kind(kind).map_or(&[], |kind| self.producing(kind))
    }

    pub(crate) fn place_named(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn place_of(&self, digest: &Digest) -> Option<usize> {
        self.by_digest.get(digest).copied()
    }

    /// The number of a kind; `None` where no skill names it.
    pub(crate) fn kind(&self, kind: &Kind) -> Option<KindId> {
        self.index.kinds.get(kind).copied()
    }

    /// How many kinds there are; their numbers are below it.
    pub(crate) fn kind_count(&self) -> usize {
        self.index.producers.len()
    }

    pub(crate) fn card(&self, at: usize) -> &Card {
        &self.index.cards[at]
    }

    pub(crate) fn producing(&self, kind: KindId) -> &[usize] {
        &self.index.producers[kind]
    }

    pub(crate) fn consuming(&self, kind: KindId) -> &[usize] {
        &self.index.consumers[kind]
    }
}
