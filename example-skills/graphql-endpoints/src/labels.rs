//! Which label of a metric tells endpoints apart.

use std::collections::{BTreeMap, BTreeSet};

use negawatt_skill::Metric;
use negawatt_skill::metrics::Series;
use negawatt_skill::words::words;

/// Words of labels that name an operation of GraphQL.
const GRAPHQL: [&str; 4] = ["graphql", "operation", "operationname", "resolver"];
/// Words of labels that name an endpoint.
const ENDPOINT: [&str; 15] = [
    "action",
    "api",
    "command",
    "controller",
    "endpoint",
    "field",
    "handler",
    "path",
    "procedure",
    "query",
    "route",
    "rpc",
    "uri",
    "url",
    "view",
];
/// Words of labels that never do, whatever stands beside them: `operation_type`, `api_version`.
const NEVER: [&str; 24] = [
    "az",
    "client",
    "cluster",
    "code",
    "container",
    "device",
    "env",
    "host",
    "hostname",
    "id",
    "instance",
    "job",
    "le",
    "namespace",
    "node",
    "pod",
    "quantile",
    "region",
    "service",
    "shard",
    "status",
    "type",
    "version",
    "zone",
];
const VERBS: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// The label whose values are endpoints, of those that tell series apart: an operation of GraphQL before any other; absent where none
/// is one.
pub fn telling(found: &[Series]) -> Option<String> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for label in found.iter().flat_map(|series| &series.labels).filter(|label| !label.value.is_empty()) {
        values.entry(&label.name).or_default().insert(&label.value);
    }
    let ranked = values.iter().filter(|(_, values)| values.len() > 1).map(|(name, values)| {
        let rank = rank(name, values.iter().copied());
        (rank, values.len(), *name)
    });
    ranked
        .filter(|(rank, ..)| *rank > 0)
        .max_by_key(|(rank, count, name)| (*rank, *count, std::cmp::Reverse(*name)))
        .map(|(.., name)| name.to_owned())
}

/// Whether the incident is about one endpoint to begin with.
pub fn names_one(metric: &Metric) -> bool {
    let is_endpoint = |label: &negawatt_skill::Label| rank(&label.name, [label.value.as_str()].into_iter()) > 0;
    metric.labels.iter().any(is_endpoint)
}

/// How surely a label names endpoints: 3 for operations of GraphQL, 2 by its name, 1 by its values, 0 not at all.
fn rank<'a>(name: &str, mut values: impl Iterator<Item = &'a str> + Clone) -> u8 {
    let words: Vec<String> = words(name).collect();
    let any = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    if any(&NEVER) {
        return 0;
    }
    match () {
        () if any(&GRAPHQL) => 3,
        () if any(&ENDPOINT) => 2,
        // Of HTTP it is a verb, of gRPC what is called.
        () if any(&["method"]) => 2 * u8::from(!values.all(|value| VERBS.contains(&value.to_uppercase().as_str()))),
        () => {
            let is_path = |value: &&str| value.rsplit(' ').next().is_some_and(|path| path.starts_with('/'));
            let all = values.clone().count();
            u8::from(2 * values.filter(is_path).count() > all)
        }
    }
}

#[cfg(test)]
mod tests {
    use negawatt_skill::{Direction, Label, Transform};

    use super::*;

    fn series(labels: &[(&str, &str)]) -> Series {
        let label = |&(name, value): &(&str, &str)| Label { name: name.into(), value: value.into() };
        Series { labels: labels.iter().map(label).collect(), times: vec![], values: vec![] }
    }

    #[track_caller]
    fn check(all: &[&[(&str, &str)]], expected: Option<&str>) {
        let all: Vec<Series> = all.iter().map(|labels| series(labels)).collect();
        assert_eq!(telling(&all).as_deref(), expected);
    }

    #[test]
    fn operations_come_before_routes_and_instances_are_none() {
        check(
            &[
                &[("route", "/a"), ("operation_name", "cart"), ("instance", "1")],
                &[("route", "/b"), ("operation_name", "search"), ("instance", "2")],
            ],
            Some("operation_name"),
        );
        check(&[&[("route", "/a"), ("pod", "1")], &[("route", "/b"), ("pod", "2")]], Some("route"));
        check(&[&[("instance", "/a")], &[("instance", "/b")]], None);
        check(&[&[("operation_type", "query")], &[("operation_type", "mutation")]], None);
        check(&[&[("route", "/a"), ("zone", "1")], &[("route", "/a"), ("zone", "2")]], None);
        check(&[], None);
    }

    #[test]
    fn a_method_is_an_endpoint_unless_it_is_a_verb() {
        check(&[&[("method", "GET")], &[("method", "post")]], None);
        check(&[&[("method", "Cart/Get")], &[("method", "Cart/Put")]], Some("method"));
    }

    #[test]
    fn values_tell_where_names_do_not() {
        check(&[&[("what", "GET /cart")], &[("what", "/search")]], Some("what"));
        check(&[&[("tenant", "acme")], &[("tenant", "zeta")]], None);
    }

    #[test]
    fn an_incident_of_one_endpoint_is_known() {
        let of = |name: &str, value: &str| Metric {
            name: "t".into(),
            labels: series(&[("service", "web"), (name, value)]).labels,
            worse: Direction::Up,
            transform: Transform::None,
            aggregate: None,
        };
        assert!(names_one(&of("route", "/cart")) && !names_one(&of("zone", "a")) && !names_one(&of("method", "GET")));
    }
}
