//! Selectors as PromQL. Whatever a skill says stands in quotes, escaped; nothing of it becomes an expression.

use std::fmt::Write as _;

use negawatt_host::Scope;
use negawatt_host::model::metrics::{MatchOperation, Matcher, Selector};
use negawatt_host::model::{Aggregate, Aggregation, Transform};

use super::response::NAME;
use crate::metrics::select::SERVICE;

/// An instant-vector selector, and whether it says everything that the query asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Select {
    /// Such as `{__name__="up",job="api"}`.
    pub text: String,
    /// Whether every matcher is in it. Labels whose names only newer versions can write are left to the filter on the
    /// answer.
    pub complete: bool,
}

impl Select {
    /// Of the same series those that are buckets of a histogram.
    pub fn with_buckets(&self) -> String {
        format!("{},le!=\"\"}}", self.text.strip_suffix('}').unwrap_or(&self.text))
    }
}

/// The selector of a query, with the case's scope as one more matcher; `None` where the scope admits no series at all.
pub fn select(selector: &Selector, scope: &Scope) -> Option<Select> {
    let mut text = format!("{{{NAME}={}", quoted(&selector.name));
    let mut complete = true;
    let services: Vec<&str> = scope.services.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    match (services.as_slice(), scope.unlabelled) {
        _ if scope.everything => {}
        ([], false) => return None,
        ([], true) => push(&mut text, SERVICE, "=", ""),
        ([service], false) => push(&mut text, SERVICE, "=", service),
        (services, unlabelled) => {
            let mut alternatives: Vec<String> = services.iter().map(|service| regex::escape(service)).collect();
            alternatives.extend(unlabelled.then(String::new));
            push(&mut text, SERVICE, "=~", &alternatives.join("|"));
        }
    }
    for Matcher { name, operation, value } in &selector.matchers {
        if !is_label_name(name) {
            complete = false;
            continue;
        }
        match operation {
            MatchOperation::Equal => push(&mut text, name, "=", value),
            MatchOperation::NotEqual => push(&mut text, name, "!=", value),
            MatchOperation::Matches => push(&mut text, name, "=~", &dot_all(value)),
            MatchOperation::NotMatches => push(&mut text, name, "!~", &dot_all(value)),
        }
    }
    text.push('}');
    Some(Select { text, complete })
}

fn push(text: &mut String, name: &str, operation: &str, value: &str) {
    // Writing into a string cannot fail.
    let _ = write!(text, ",{name}{operation}{}", quoted(value));
}

/// A pattern whose `.` matches line feeds, which is the default since Prometheus 3.0 only.
fn dot_all(pattern: &str) -> String {
    if pattern.contains('.') { format!("(?s:{pattern})") } else { pattern.to_owned() }
}

/// Whether every version of Prometheus can write a label's name; that of the metric is no label here.
fn is_label_name(name: &str) -> bool {
    name != NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A string literal of PromQL: escapes as in Go.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            // The lexer takes the replacement character for a broken encoding.
            c if c.is_control() || c == char::REPLACEMENT_CHARACTER => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// How a server evaluates, where versions differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Semantics {
    /// Whether a range is open on the left, (t − d, t]; closed before 3.0.
    pub left_open: bool,
    /// Whether the extrapolation of a counter to its zero never goes further than half a sample's distance where the range
    /// begins earlier; versions before prometheus/prometheus#13725 go as far as a whole one.
    pub limits_zero: bool,
}

/// An expression whose one value says which [`Semantics`] a server has, whatever its data. Over a made-up counter of 10 to
/// 70 in steps of 10 s that begins 40 s after its range, `increase` is 65, and 70 in older versions; a range of 20 s over
/// points every 10 s holds two of them, and three where it is closed.
pub const PROBE: &str =
    "scalar(count_over_time(vector(1)[20s:10s])) * 1000 + scalar(increase((vector(time() - 930) > 5)[100s:10s]))";

/// When [`PROBE`] is asked for, in milliseconds.
pub const PROBE_TIME: i64 = 1_000_000;

/// What the answer to [`PROBE`] means; `None` where it is none of the known ones.
pub fn semantics(answer: f64) -> Option<Semantics> {
    let is = |expected: f64| (answer - expected).abs() < 1e-6;
    [(2065.0, true, true), (3065.0, false, true), (3070.0, false, false)]
        .into_iter()
        .find(|(expected, ..)| is(*expected))
        .map(|(_, left_open, limits_zero)| Semantics { left_open, limits_zero })
}

/// What Prometheus is asked to evaluate.
#[derive(Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The expression.
    pub expression: String,
    /// An expression that is not finite at an instant where a sample that the query reads is not: such samples are gaps for
    /// us, but not for Prometheus. Absent where the answer itself shows it.
    pub guard: Option<String>,
    /// An expression that has a value where a sample lies on the left edge of a range: it is inside for servers whose ranges
    /// are closed there, but not for us. Absent for other servers, and where it makes no difference.
    pub edge: Option<String>,
}

/// A query with a step (in milliseconds) as one expression; `None` where this server, or any, would answer otherwise than we.
pub fn pushed(selector: &Selector, select: &Select, step: i64, semantics: Semantics) -> Option<Pushed> {
    let writable = selector.aggregate.iter().flat_map(|aggregate| &aggregate.by).all(|name| is_label_name(name));
    if !select.complete || !writable {
        return None;
    }
    let series = &select.text;
    let range = |over: u64| (over > 0 && over.is_multiple_of(1_000)).then(|| format!("{series}[{}ms]", over / 1_000));
    let counter = |over: u64| range(over).filter(|_| semantics.limits_zero);
    let edge = |over: u64| {
        (!semantics.left_open).then(|| format!("count(present_over_time({series}[1ms] offset {}ms))", over / 1_000))
    };
    let sum_of = |range: &str| Some(format!("sum(sum_over_time({range}))"));
    let aggregate = selector.aggregate.as_ref();
    Some(match &selector.transform {
        Transform::None => {
            // A closed range that is a millisecond shorter holds the same samples: their times are in milliseconds.
            let over = if semantics.left_open { step } else { step - 1 };
            let last = format!("last_over_time({})", range(u64::try_from(over).ok()? * 1_000)?);
            let hides = aggregate.is_some_and(|a| matches!(a.operation, Aggregation::Max | Aggregation::Min));
            let guard = hides.then(|| format!("sum({last})"));
            Pushed { expression: joined(&last, aggregate), guard, edge: None }
        }
        Transform::Rate(over) => {
            let range = counter(*over)?;
            Pushed {
                expression: joined(&format!("rate({range})"), aggregate),
                guard: sum_of(&range),
                edge: edge(*over),
            }
        }
        Transform::Increase(over) => {
            let range = counter(*over)?;
            Pushed {
                expression: joined(&format!("increase({range})"), aggregate),
                guard: sum_of(&range),
                edge: edge(*over),
            }
        }
        Transform::Quantile(quantile) => {
            // Of nothing in the first bucket, the quantile 0 is no number there.
            let range = counter(quantile.over).filter(|_| quantile.quantile > 0.0)?;
            let share = quantile.quantile;
            let expression = match aggregate {
                Some(Aggregate { operation: Aggregation::Sum, by }) => {
                    let by: Vec<&str> = by.iter().map(String::as_str).chain(["le"]).collect();
                    format!("histogram_quantile({share}, sum by ({}) (increase({range})))", by.join(", "))
                }
                _ => joined(&format!("histogram_quantile({share}, increase({range}))"), aggregate),
            };
            Pushed { expression, guard: sum_of(&range), edge: edge(quantile.over) }
        }
    })
}

fn joined(expression: &str, aggregate: Option<&Aggregate>) -> String {
    let Some(Aggregate { operation, by }) = aggregate else { return expression.to_owned() };
    let operation = match operation {
        Aggregation::Sum => "sum",
        Aggregation::Avg => "avg",
        Aggregation::Max => "max",
        Aggregation::Min => "min",
    };
    format!("{operation} by ({}) ({expression})", by.join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use negawatt_host::model::{QuantileTransform, Window};

    use super::*;

    const NEW: Semantics = Semantics { left_open: true, limits_zero: true };
    const OLD: Semantics = Semantics { left_open: false, limits_zero: false };

    fn scope(services: &[&str], unlabelled: bool) -> Scope {
        let services: BTreeSet<String> = services.iter().map(|service| (*service).to_owned()).collect();
        Scope { services, unlabelled, window: Window { start: 0, end: 1 }, everything: false }
    }

    fn selector(matchers: &[(&str, MatchOperation, &str)]) -> Selector {
        let matcher = |(name, operation, value): &(&str, MatchOperation, &str)| Matcher {
            name: (*name).to_owned(),
            operation: *operation,
            value: (*value).to_owned(),
        };
        Selector {
            name: "a.b".to_owned(),
            matchers: matchers.iter().map(matcher).collect(),
            transform: Transform::None,
            aggregate: None,
        }
    }

    #[test]
    fn the_scope_is_one_more_matcher() {
        for (services, unlabelled, expected) in [
            (&["a"][..], false, Some(r#"{__name__="a.b",service="a"}"#)),
            (&["a"], true, Some(r#"{__name__="a.b",service=~"a|"}"#)),
            (&["a.b", "c|d"], false, Some(r#"{__name__="a.b",service=~"a\\.b|c\\|d"}"#)),
            (&[], true, Some(r#"{__name__="a.b",service=""}"#)),
            (&[""], true, Some(r#"{__name__="a.b",service=""}"#)),
            (&[""], false, None),
        ] {
            let found = select(&selector(&[]), &scope(services, unlabelled)).map(|select| select.text);
            assert_eq!(found.as_deref(), expected, "{services:?} {unlabelled}");
        }
        let everything = Scope::of_operator(Window { start: 0, end: 1 });
        let found = select(&selector(&[]), &everything).map(|select| select.text);
        assert_eq!(found.as_deref(), Some(r#"{__name__="a.b"}"#));
    }

    #[test]
    fn matchers() {
        use MatchOperation::{Equal, Matches, NotEqual, NotMatches};
        let asked = selector(&[
            ("job", Equal, "\"} or up{a=\"\\\n\0\u{fffd}é"),
            ("job", NotEqual, ""),
            ("x", Matches, "a|b"),
            ("y", NotMatches, r"a.\d"),
        ]);
        let found = select(&asked, &scope(&["s"], false)).unwrap();
        let expected =
            r#"{__name__="a.b",service="s",job="\"} or up{a=\"\\\n\u0000\ufffdé",job!="",x=~"a|b",y!~"(?s:a.\\d)"}"#;
        assert_eq!((found.text.as_str(), found.complete), (expected, true));
        for name in ["", "a.b", "1a", "é", "__name__", "a\"", "a=\"b\"} or up{c"] {
            let found = select(&selector(&[(name, Equal, "x")]), &scope(&["s"], false)).unwrap();
            assert_eq!((found.text.as_str(), found.complete), (r#"{__name__="a.b",service="s"}"#, false), "{name}");
        }
    }

    #[test]
    fn expressions() {
        let select = Select { text: "S".to_owned(), complete: true };
        let quantile = Transform::Quantile(QuantileTransform { quantile: 0.9, over: 60_000_000 });
        let by = |operation, by: &[&str]| {
            Some(Aggregate { operation, by: by.iter().map(|name| (*name).to_owned()).collect() })
        };
        for (transform, aggregate, semantics, expected, guard) in [
            (Transform::None, None, NEW, "last_over_time(S[500ms])", None),
            (Transform::None, None, OLD, "last_over_time(S[499ms])", None),
            (
                Transform::None,
                by(Aggregation::Max, &["a", "b"]),
                NEW,
                "max by (a, b) (last_over_time(S[500ms]))",
                Some("sum(last_over_time(S[500ms]))"),
            ),
            (
                Transform::Rate(60_000_000),
                by(Aggregation::Avg, &[]),
                NEW,
                "avg by () (rate(S[60000ms]))",
                Some("sum(sum_over_time(S[60000ms]))"),
            ),
            (
                quantile,
                by(Aggregation::Sum, &["a"]),
                NEW,
                "histogram_quantile(0.9, sum by (a, le) (increase(S[60000ms])))",
                Some("sum(sum_over_time(S[60000ms]))"),
            ),
            (
                quantile,
                by(Aggregation::Min, &["a"]),
                NEW,
                "min by (a) (histogram_quantile(0.9, increase(S[60000ms])))",
                Some("sum(sum_over_time(S[60000ms]))"),
            ),
        ] {
            let asked = Selector { transform, aggregate, ..selector(&[]) };
            let found = pushed(&asked, &select, 500, semantics).unwrap();
            assert_eq!((found.expression.as_str(), found.guard.as_deref()), (expected, guard));
        }
        let closed = Semantics { left_open: false, ..NEW };
        for (transform, edge) in [
            (Transform::None, None),
            (Transform::Increase(60_000_000), Some("count(present_over_time(S[1ms] offset 60000ms))")),
        ] {
            let asked = Selector { transform, ..selector(&[]) };
            assert_eq!(pushed(&asked, &select, 500, closed).unwrap().edge.as_deref(), edge);
            assert_eq!(pushed(&asked, &select, 500, NEW).unwrap().edge, None);
        }
        // What would be answered otherwise, or cannot be written, is not pushed.
        for (transform, aggregate, step, semantics) in [
            (Transform::Increase(60_000_000), None, 500, OLD),
            (quantile, None, 500, OLD),
            (Transform::Quantile(QuantileTransform { quantile: 0.0, over: 60_000_000 }), None, 500, NEW),
            (Transform::Rate(1_500), None, 500, NEW),
            (Transform::None, None, 1, OLD),
            (Transform::None, by(Aggregation::Sum, &["a.b"]), 500, NEW),
            (Transform::None, by(Aggregation::Sum, &["__name__"]), 500, NEW),
        ] {
            let asked = Selector { transform, aggregate, ..selector(&[]) };
            assert_eq!(pushed(&asked, &select, step, semantics), None, "{asked:?}");
        }
        assert_eq!(pushed(&selector(&[]), &Select { complete: false, ..select }, 500, NEW), None);
    }

    #[test]
    fn what_the_probe_says() {
        assert_eq!(semantics(2065.0000000001), Some(NEW));
        assert_eq!(semantics(3070.0), Some(OLD));
        for answer in [0.0, 2070.5, f64::NAN, f64::INFINITY] {
            assert_eq!(semantics(answer), None, "{answer}");
        }
    }
}
