//! The tool `topology` from a CSV file with the columns `caller` and `callee`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use async_trait::async_trait;
use negawatt_config::{ConfigError, Located};
use negawatt_host::model::Answer;
use negawatt_host::model::topology::Edge;
use negawatt_host::{Scope, Topology};

use crate::blocking::{Shared, blocking};
use crate::describe::{Described, Trouble, counted};
use crate::files::{DataError, DataFile, TextOfCsv, line_of};

/// The services that belong to a case beside its own: those that it reaches in the topology, and those that reach it.
#[derive(Clone, Default)]
pub struct Neighbours(Option<Shared<CallGraph>>);

impl Neighbours {
    /// All services that call `service`, directly or through others, and all that it calls so, over at most `distance` calls in
    /// a row (absent: any number); without itself, and empty without a topology. Reads the file as it is now.
    pub async fn of(&self, service: &str, distance: Option<u32>) -> Answer<BTreeSet<String>> {
        let Some(graph) = self.0.clone() else { return Ok(BTreeSet::new()) };
        let service = service.to_owned();
        blocking(move |_| Ok(reachable(&graph.read()?, &service, distance))).await
    }
}

/// Who calls whom, in a file.
pub struct CallGraph {
    file: DataFile,
}

impl CallGraph {
    pub fn configure(path: &Located<PathBuf>) -> Result<(Shared<CallGraph>, Neighbours), ConfigError> {
        let graph = Shared::new(CallGraph { file: DataFile::open(path)? });
        graph.read().map_err(|error| path.error(error.to_string(), "correct the file"))?;
        Ok((graph.clone(), Neighbours(Some(graph))))
    }

    /// How many services and calls there are.
    pub fn describe(&self) -> Result<Described, Trouble> {
        let calls = self.read()?;
        let services: BTreeSet<String> = calls.iter().flat_map(|(caller, callee)| [caller, callee]).cloned().collect();
        let text = format!("{}, {}", counted(services.len(), "service"), counted(calls.len(), "call"));
        Ok(Described { text, services })
    }

    fn read(&self) -> Result<BTreeSet<(String, String)>, DataError> {
        parse(&self.file.read()?).map_err(|(line, message)| self.file.error(line, message))
    }
}

#[async_trait]
impl Topology for Shared<CallGraph> {
    async fn edges(&self, scope: &Scope, service: Option<String>) -> Answer<Vec<Edge>> {
        crate::answers("files");
        let (graph, scope) = (self.clone(), scope.clone());
        blocking(move |_| {
            let wanted = |caller: &String, callee: &String| {
                let ends = [caller, callee];
                ends.iter().all(|end| scope.admits_service(end))
                    && service.as_ref().is_none_or(|service| ends.contains(&service))
            };
            let edges = graph.read()?.into_iter().filter(|(caller, callee)| wanted(caller, callee));
            Ok(edges.map(|(caller, callee)| Edge { caller, callee }).collect())
        })
        .await
    }
}

fn parse(bytes: &[u8]) -> Result<BTreeSet<(String, String)>, (u64, String)> {
    let text = TextOfCsv::new(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.0);
    let headers = reader.headers().map_err(|error| (1, error.to_string()))?.clone();
    let column = |name: &str| {
        let missing = || (1, format!("there is no column `{name}`; the first line must be caller,callee"));
        headers.iter().position(|header| header == name).ok_or_else(missing)
    };
    let (caller, callee) = (column("caller")?, column("callee")?);
    let mut edges = BTreeSet::new();
    for row in reader.records() {
        let row = row.map_err(|error| (line_of(&text, error.position()), error.to_string()))?;
        let (Some(caller), Some(callee)) = (row.get(caller), row.get(callee)) else { continue };
        if caller.is_empty() || callee.is_empty() {
            return Err((line_of(&text, row.position()), "a service has no name".to_owned()));
        }
        edges.insert((caller.to_owned(), callee.to_owned()));
    }
    Ok(edges)
}

fn reachable(edges: &BTreeSet<(String, String)>, service: &str, distance: Option<u32>) -> BTreeSet<String> {
    let mut callees: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut callers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (caller, callee) in edges {
        callees.entry(caller).or_default().push(callee);
        callers.entry(callee).or_default().push(caller);
    }
    let mut found = BTreeSet::new();
    for next in [&callees, &callers] {
        let mut seen = BTreeSet::from([service]);
        let mut level = vec![service];
        let mut calls = 0;
        while !level.is_empty() && distance.is_none_or(|most| calls < most) {
            let there = level.iter().flat_map(|here| next.get(here).into_iter().flatten());
            level = there.copied().filter(|there| seen.insert(there)).collect();
            calls += 1;
        }
        found.extend(seen.into_iter().map(str::to_owned));
    }
    found.remove(service);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_but_no_siblings() {
        // web → cart → prices → db, and ads → prices: of cart, ads is neither reached nor reaching.
        let edges = parse(b"callee,caller\ncart,web\nprices,cart\ndb,prices\nprices,ads\ncart,cart\nweb,db\n").unwrap();
        let names = |service: &str| reachable(&edges, service, None).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(names("ads"), "cart db prices web", "db calls web: a cycle");
        let edges = parse(b"caller,callee\nweb,cart\ncart,prices\nprices,db\nads,prices\n").unwrap();
        let names = |service: &str| reachable(&edges, service, None).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(names("cart"), "db prices web");
        assert_eq!(names("prices"), "ads cart db web");
        assert_eq!(names("unknown"), "");
    }

    #[test]
    fn no_further_than_so_many_calls() {
        // A chain with a short cut: a → b → c → d, and a → c.
        let edges = parse(b"caller,callee\na,b\nb,c\nc,d\na,c\nz,a\n").unwrap();
        let names =
            |service: &str, distance| reachable(&edges, service, distance).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(names("a", Some(1)), "b c z");
        assert_eq!(names("a", Some(2)), "b c d z");
        assert_eq!(names("d", Some(1)), "c");
        assert_eq!(names("d", Some(2)), "a b c");
        assert_eq!(names("d", Some(3)), "a b c z");
        assert_eq!(names("d", Some(u32::MAX)), names("d", None));
        assert_eq!(names("d", Some(0)), "");
    }

    #[test]
    fn mistakes_have_lines() {
        assert_eq!(parse(b"a,b\n").unwrap_err().0, 1);
        assert_eq!(parse(b"caller,callee\nx,y\n\n,z\n").unwrap_err().0, 4);
        assert_eq!(parse(b"caller,callee\nx,y,z\n").unwrap_err().0, 2);
        assert_eq!(parse(b"caller,callee\nx,\xff\n").unwrap_err().0, 2);
    }
}
