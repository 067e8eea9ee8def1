//! Which series a query means: the matchers of its selector, and the scope of the case as one more.

use negawatt_host::Scope;
use negawatt_host::model::metrics::{MatchOperation, Matcher, Selector};
use negawatt_host::model::{Answer, Error};
use regex::{Regex, RegexBuilder};

use super::Labels;

/// Compiled patterns may have this many bytes each.
const MAX_PATTERN_BYTES: usize = 64 << 10;

/// The most matchers of a selector.
const MAX_MATCHERS: usize = 32;

/// The most labels that series are joined by.
const MAX_BY: usize = 64;

/// The label that the scope of a case narrows.
pub const SERVICE: &str = "service";

/// The conditions on the labels of a series.
pub struct Conditions<'a> {
    matchers: Vec<(&'a Matcher, Option<Regex>)>,
    scope: &'a Scope,
}

impl<'a> Conditions<'a> {
    /// Checks the selector's name and patterns.
    pub fn of(selector: &'a Selector, scope: &'a Scope) -> Answer<Conditions<'a>> {
        if !is_metric_name(&selector.name) {
            let rule = "a letter, `_` or `:`, then letters, digits, `_`, `:`, `.` and `-`";
            return Err(Error::Invalid(format!("{:?} is not the name of a metric: {rule}", selector.name)));
        }
        if selector.matchers.len() > MAX_MATCHERS {
            return Err(Error::Invalid(format!(
                "{} matchers, at most {MAX_MATCHERS} are served",
                selector.matchers.len()
            )));
        }
        if let Some(by) = selector.aggregate.as_ref().map(|aggregate| aggregate.by.len()).filter(|by| *by > MAX_BY) {
            return Err(Error::Invalid(format!("series are joined by {by} labels, at most {MAX_BY} are served")));
        }
        let matchers = selector.matchers.iter().map(|matcher| {
            let pattern = matches!(matcher.operation, MatchOperation::Matches | MatchOperation::NotMatches);
            Ok((matcher, pattern.then(|| anchored(&matcher.value)).transpose()?))
        });
        Ok(Conditions { matchers: matchers.collect::<Answer<_>>()?, scope })
    }

    /// Whether a series is meant.
    pub fn admit(&self, labels: &Labels) -> bool {
        let value = |name: &str| labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value);
        self.scope.admits_service(value(SERVICE))
            && self.matchers.iter().all(|(matcher, pattern)| {
                let value = value(&matcher.name);
                let matches = pattern.as_ref().map_or(value == matcher.value, |pattern| pattern.is_match(value));
                match matcher.operation {
                    MatchOperation::Equal | MatchOperation::Matches => matches,
                    MatchOperation::NotEqual | MatchOperation::NotMatches => !matches,
                }
            })
    }
}

/// `[a-zA-Z_:][a-zA-Z0-9_:.-]*`: the names of Prometheus, and dots and hyphens as other systems have them.
fn is_metric_name(name: &str) -> bool {
    name.len() <= 200
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == ':')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'.' | b'-'))
}

/// A pattern that matches whole values; `.` matches line feeds too, as in Prometheus.
fn anchored(pattern: &str) -> Answer<Regex> {
    let compile = |text: &str| {
        let built = RegexBuilder::new(text).size_limit(MAX_PATTERN_BYTES).dot_matches_new_line(true).build();
        built.map_err(|error| Error::Invalid(format!("the pattern {pattern:?} is no RE2: {error}")))
    };
    let translated = of_re2(pattern);
    // First alone: a stray bracket must not close the anchors' group.
    compile(&translated)?;
    compile(&format!("\\A(?:{translated})\\z"))
}

/// A pattern of RE2 for an engine that differs from it: in RE2 `\d`, `\w`, `\s` and `\b` are ASCII, and a class knows no
/// classes inside it and no operations.
fn of_re2(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut in_class = false;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => text.push_str("[0-9]"),
                Some('D') => text.push_str("[^0-9]"),
                Some('w') => text.push_str("[0-9A-Za-z_]"),
                Some('W') => text.push_str("[^0-9A-Za-z_]"),
                Some('s') => text.push_str("[\\t\\n\\f\\r ]"),
                Some('S') => text.push_str("[^\\t\\n\\f\\r ]"),
                Some('b') if !in_class => text.push_str("(?-u:\\b)"),
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                text.push('[');
                text.extend(chars.next_if_eq(&'^'));
                // A bracket that comes first is one of the class.
                if chars.next_if_eq(&']').is_some() {
                    text.push_str("\\]");
                }
            }
            '[' if chars.peek() != Some(&':') => text.push_str("\\["),
            '[' => {
                // A named class such as [:alpha:] ends at the next bracket.
                text.push('[');
                for c in chars.by_ref() {
                    text.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            ']' => {
                in_class = false;
                text.push(']');
            }
            '&' | '~' if in_class => text.extend(['\\', c]),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use negawatt_host::model::{Aggregate, Aggregation, Transform, Window};

    use super::*;

    fn admits(operation: MatchOperation, value: &str, labels: &[(&str, &str)]) -> bool {
        let scope = Scope::of_operator(Window { start: 0, end: 1 });
        let matcher = Matcher { name: "job".into(), operation, value: value.into() };
        let selector =
            Selector { name: "up".into(), matchers: vec![matcher], transform: Transform::None, aggregate: None };
        let labels: Labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Conditions::of(&selector, &scope).unwrap().admit(&labels)
    }

    #[test]
    fn operations() {
        use MatchOperation::{Equal, Matches, NotEqual, NotMatches};
        let api = [("job", "api")];
        for (operation, value, with, without) in [
            (Equal, "api", true, false),
            (Equal, "", false, true),
            (NotEqual, "api", false, true),
            (NotEqual, "", true, false),
            (Matches, "a|api", true, false),
            (Matches, "ap", false, false),
            (Matches, ".*", true, true),
            (Matches, ".+", true, false),
            (NotMatches, "a.*", false, true),
        ] {
            assert_eq!(admits(operation, value, &api), with, "{operation:?} {value}");
            assert_eq!(admits(operation, value, &[]), without, "{operation:?} {value}");
        }
        assert!(admits(Matches, "a.b", &[("job", "a\nb")]));
    }

    #[test]
    fn patterns_are_those_of_re2() {
        for (pattern, value, matches) in [
            (r"\d+", "12", true),
            (r"\d", "٣", false),
            (r"[\d-]+", "1-2", true),
            (r"[^\d]", "٣", true),
            (r"\w", "é", false),
            (r"\W", "é", true),
            (r"\S\s\S", "a b", true),
            (r"a\b.*", "a-b", true),
            (r"a\b.*", "aé", true),
            (r"[a&&b]+", "&a&b", true),
            (r"[[a]+", "[a", true),
            (r"[]a]+", "]a", true),
            (r"[^]a]", "b", true),
            (r"[[:alpha:]_]+", "a_b", true),
            (r"[a~~b]+", "a~b", true),
            (r"[.]\[\]\\", r".[]\", true),
        ] {
            assert_eq!(anchored(pattern).unwrap().is_match(value), matches, "{pattern} {value}");
        }
    }

    #[test]
    fn the_scope_is_one_more_matcher() {
        let mut scope = Scope {
            services: BTreeSet::from(["a".to_owned()]),
            unlabelled: false,
            window: Window { start: 0, end: 1 },
            everything: false,
        };
        let selector = Selector { name: "up".into(), matchers: vec![], transform: Transform::None, aggregate: None };
        let labels = |service: &str| vec![("service".to_owned(), service.to_owned())];
        for unlabelled in [false, true] {
            scope.unlabelled = unlabelled;
            let conditions = Conditions::of(&selector, &scope).unwrap();
            assert!(conditions.admit(&labels("a")) && !conditions.admit(&labels("b")));
            assert_eq!(conditions.admit(&Vec::new()), unlabelled);
        }
        scope.everything = true;
        let conditions = Conditions::of(&selector, &scope).unwrap();
        assert!(conditions.admit(&labels("b")) && conditions.admit(&Vec::new()));
    }

    #[test]
    fn nonsense_is_refused() {
        let scope = Scope::of_operator(Window { start: 0, end: 1 });
        for name in ["", "../etc/passwd", "a/b", "1a", "a\0", ".a", "-a", "a b", "ä"] {
            let selector =
                Selector { name: name.into(), matchers: vec![], transform: Transform::None, aggregate: None };
            assert!(matches!(Conditions::of(&selector, &scope), Err(Error::Invalid(_))), "{name}");
        }
        let matcher = Matcher { name: "a".into(), operation: MatchOperation::Equal, value: "b".into() };
        let by = |count| Aggregate { operation: Aggregation::Sum, by: vec!["a".into(); count] };
        for (matchers, labels, fits) in [(32, 64, true), (33, 64, false), (32, 65, false)] {
            let selector = Selector {
                name: "up".into(),
                matchers: vec![matcher.clone(); matchers],
                transform: Transform::None,
                aggregate: Some(by(labels)),
            };
            assert_eq!(Conditions::of(&selector, &scope).is_ok(), fits, "{matchers} {labels}");
        }
        for pattern in [r"[a-z0-9-]+\.\d+", "(?i)checkout|cart|payment", r"\w+(-canary)?", ".*[^/]+/v[0-9]{1,4}"] {
            assert!(anchored(pattern).is_ok(), "{pattern}");
        }
        for pattern in ["a)|(b", "(", "(a{1000}){1000}", "a{5000}"] {
            assert!(matches!(anchored(pattern), Err(Error::Invalid(_))), "{pattern}");
        }
    }
}
