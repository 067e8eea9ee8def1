//! Whose setting it is: the service itself, one that it calls, one that calls it, or a stranger.

use std::collections::BTreeMap;

/// How a service is related to the incident's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// It is the same.
    Same,
    /// The incident's service calls it.
    Callee,
    /// It calls the incident's service.
    Caller,
    /// Two calls away.
    Far,
    /// Further away, or not connected.
    Stranger,
    /// Another one, and the topology is not known.
    Unknown,
}

/// Services around the incident's.
#[derive(Debug, Default)]
pub struct Neighbours(BTreeMap<String, Relation>);

impl Neighbours {
    /// From the calls between services, as caller and callee.
    pub fn of<'a>(service: &str, edges: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Neighbours {
        let mut known = BTreeMap::from([(service.to_owned(), Relation::Same)]);
        for (caller, callee) in edges.clone() {
            if caller == service {
                known.entry(callee.to_owned()).or_insert(Relation::Callee);
            }
        }
        for (caller, callee) in edges.clone() {
            if callee == service {
                known.entry(caller.to_owned()).or_insert(Relation::Caller);
            }
        }
        let near: Vec<String> = known.keys().cloned().collect();
        for (caller, callee) in edges {
            for (one, other) in [(caller, callee), (callee, caller)] {
                if near.iter().any(|near| near == one) {
                    known.entry(other.to_owned()).or_insert(Relation::Far);
                }
            }
        }
        Neighbours(known)
    }

    /// How a service is related.
    pub fn relation(&self, service: &str) -> Relation {
        self.0.get(service).copied().unwrap_or(Relation::Stranger)
    }
}

impl Relation {
    /// How often, of causes that are settings or experiments, one is in such a service, against the service itself; what got
    /// slower inside the service (`functions` are known) has its cause there more often still.
    pub fn counts(self, functions: bool) -> f64 {
        let counts = match self {
            Relation::Same => return 1.0,
            Relation::Callee => 0.25,
            Relation::Caller => 0.12,
            Relation::Unknown => 0.08,
            Relation::Far => 0.05,
            Relation::Stranger => 0.02,
        };
        if functions { 0.5 * counts } else { counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_followed_twice_in_either_direction() {
        let edges = [("web", "shop"), ("shop", "stock"), ("stock", "db"), ("db", "disk"), ("ads", "web")];
        let neighbours = Neighbours::of("shop", edges.into_iter());
        for (service, relation) in [
            ("shop", Relation::Same),
            ("stock", Relation::Callee),
            ("web", Relation::Caller),
            ("db", Relation::Far),
            ("ads", Relation::Far),
            ("disk", Relation::Stranger),
            ("", Relation::Stranger),
        ] {
            assert_eq!(neighbours.relation(service), relation, "{service}");
        }
    }
}
