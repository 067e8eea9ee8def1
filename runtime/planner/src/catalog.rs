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

/// Every skill, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
    producers: HashMap<Kind, Vec<usize>>,
}

impl Catalog {
    /// Adds a skill with its rights; `replace` names those that may take a bundled or loaded skill's place. The same bytes
    /// again are no error and add nothing.
    pub fn add(&mut self, skill: Skill, grants: &Grants, replace: &[String]) -> Result<(), CatalogError> {
        let name = skill.manifest.name.clone();
        let rights = grants.rights(&skill);
        let entry = Entry { skill: Arc::new(skill), rights };
        match self.by_name.get(&name).copied() {
            None => {
                self.by_name.insert(name, self.entries.len());
                self.entries.push(entry);
            }
            Some(at) if self.entries[at].skill.digest == entry.skill.digest => {}
            Some(at) if replace.contains(&name) => self.entries[at] = entry,
            Some(at) if self.entries[at].skill.origin == Origin::Bundled => {
                return Err(CatalogError::Borrowed { name });
            }
            Some(_) => return Err(CatalogError::Twice { name }),
        }
        self.index();
        Ok(())
    }

    /// The same catalog with only these skills, in this order.
    pub fn restricted(&self, digests: impl IntoIterator<Item = Digest>) -> Catalog {
        let entries: Vec<Entry> = digests.into_iter().filter_map(|digest| self.with_digest(&digest).cloned()).collect();
        let name = |(n, entry): (usize, &Entry)| (entry.skill.manifest.name.clone(), n);
        let by_name = entries.iter().enumerate().map(name).collect();
        let mut catalog = Catalog { entries, by_name, producers: HashMap::new() };
        catalog.index();
        catalog
    }

    fn index(&mut self) {
        self.producers.clear();
        for (n, entry) in self.entries.iter().enumerate() {
            for kind in &entry.skill.manifest.produces {
                self.producers.entry(kind.clone()).or_default().push(n);
            }
        }
    }

    /// All of them.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The skill with this name.
    pub fn named(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(name).map(|at| &self.entries[*at])
    }

    /// The skill with these bytes.
    pub fn with_digest(&self, digest: &Digest) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.skill.digest == *digest)
    }

    /// Places in [`Catalog::entries`] of the skills that may return a kind.
    pub fn producers(&self, kind: &Kind) -> &[usize] {
        self.producers.get(kind).map_or(&[], Vec::as_slice)
    }
}
