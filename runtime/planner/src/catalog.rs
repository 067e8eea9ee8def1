//! The catalog: every skill there is, by what it consumes and produces. Names are for people; nothing here looks at them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use negawatt_host::grants::{Denial, Grants, Rights};
use negawatt_host::{Digest, Kind, Origin, Skill};

use crate::index::Index;

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

/// Every skill, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
    by_digest: HashMap<Digest, usize>,
    /// Made when it is first asked for, and anew after a skill was added.
    index: OnceLock<Index>,
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

    /// Keeps a skill beside another one that bears its name, to be found by its digest: a case may have been run with it.
    pub fn keep(&mut self, skill: Skill, grants: &Grants) {
        if !self.by_digest.contains_key(&skill.digest) {
            let rights = grants.rights(&skill);
            let named = self.place_named(&skill.manifest.name);
            let name = skill.manifest.name.clone();
            self.push(Entry { skill: Arc::new(skill), rights });
            self.by_name.extend(named.map(|at| (name, at)));
        }
    }

    /// The same catalog with only these skills, in this order.
    pub fn restricted(&self, digests: impl IntoIterator<Item = Digest>) -> Catalog {
        let mut catalog = Catalog::default();
        digests
            .into_iter()
            .filter_map(|digest| self.with_digest(&digest))
            .for_each(|entry| catalog.push(entry.clone()));
        catalog
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        self.by_name.insert(entry.skill.manifest.name.clone(), self.entries.len());
        self.by_digest.insert(entry.skill.digest, self.entries.len());
        self.entries.push(entry);
        self.index = OnceLock::new();
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
    pub fn producers(&self, kind: &Kind) -> impl Iterator<Item = usize> {
        let index = self.index();
        let places = index.kind(kind).map_or(&[][..], |kind| index.producers.of(kind));
        places.iter().map(|at| *at as usize)
    }

    pub(crate) fn place_named(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn place_of(&self, digest: &Digest) -> Option<usize> {
        self.by_digest.get(digest).copied()
    }

    pub(crate) fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(&self.entries))
    }
}
