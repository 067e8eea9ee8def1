//! Who carries the regression, in words and as data.

use negawatt_skill::format::{digits, percent, shown, signed_percent};
use negawatt_skill::{Finding, Note, Other};
use serde_json::json;

use crate::split::{Carried, Endpoint, Split, Weighing};

/// The kind of evidence that holds the data.
pub const KIND: &str = "graphql.endpoints";
/// Endpoints that are told in words, and in data, at most.
const IN_WORDS: usize = 5;
const IN_DATA: usize = 20;
/// Characters of a name that are shown.
const LONGEST: usize = 80;

/// A note for people, and the same as data for skills.
pub fn report(split: &Split, label: &str, metric: &str, change: &str) -> Vec<Finding> {
    let label = shown(label, LONGEST);
    let summary = summary(split);
    let text =
        format!("{summary}{} (By the label `{label}` of `{}`{}.)", told(split), shown(metric, LONGEST), weighed(split));
    let data = json!({
        "label": label,
        "carried": match split.carried {
            Carried::ByFew(_) => "few",
            Carried::ByMany(_) => "many",
            Carried::ByAllAlike => "all-alike",
            Carried::ByTraffic(_) => "traffic",
        },
        "weighed": match split.weighing {
            Weighing::Requests => "requests",
            Weighing::Sum => "sum",
            Weighing::Equal => "equal",
        },
        "measured": split.endpoints.len(),
        "shifted": split.endpoints.iter().filter(|one| one.is_shifted).count(),
        "endpoints": split.endpoints.iter().take(IN_DATA).map(|one| json!({
            "name": shown(&one.measured.name, LONGEST),
            "before": one.measured.shift.before,
            "after": one.measured.shift.after,
            "p_value": one.p_value,
            "share": one.share,
            "traffic": one.traffic,
        })).collect::<Vec<_>>(),
    });
    let other = Other { name: KIND.to_owned(), data: data.to_string() };
    vec![
        Finding::new(Note(text), split.confidence, summary.clone()).because([change]),
        Finding::new(other, split.confidence, summary).because([change]),
    ]
}

fn summary(split: &Split) -> String {
    let all = split.endpoints.len();
    let first = |count: usize| {
        let names: Vec<_> = split.endpoints.iter().take(count.min(IN_WORDS)).map(name).collect();
        let more = if count > IN_WORDS { format!(" and {} more", count - IN_WORDS) } else { String::new() };
        names.join(", ") + &more
    };
    let part = |count: usize| percent(split.endpoints.iter().take(count).map(|one| one.share).sum());
    match split.carried {
        Carried::ByFew(count) => {
            let carry = if count == 1 { "carries" } else { "carry" };
            format!("Of {all} endpoints {} {carry} {} of the regression.", first(count), part(count))
        }
        Carried::ByMany(count) => {
            format!(
                "Many endpoints share the regression: {} of it takes {count} of {all}, from {} on.",
                part(count),
                first(1)
            )
        }
        Carried::ByAllAlike => {
            format!("All {all} endpoints shifted alike: the cause is common to them, not in one of them.")
        }
        Carried::ByTraffic(part) => format!(
            "No endpoint got as much worse: requests moved to slower ones, which explains {} of the regression.",
            percent(part)
        ),
    }
}

/// The numbers of those that carry most.
fn told(split: &Split) -> String {
    let count = match split.carried {
        Carried::ByFew(count) | Carried::ByMany(count) => count.min(IN_WORDS),
        Carried::ByAllAlike => IN_WORDS,
        Carried::ByTraffic(_) => 0,
    };
    let one = |one: &Endpoint| {
        let shift = &one.measured.shift;
        let relative = (shift.after - shift.before) / shift.before.abs();
        let relative = if relative.is_finite() { format!(" ({})", signed_percent(relative)) } else { String::new() };
        let traffic = one.traffic.map(|part| format!(", {} of requests", percent(part))).unwrap_or_default();
        format!(
            " {} went from {} to {}{relative}{traffic}.",
            name(one),
            digits(shift.before, 3),
            digits(shift.after, 3)
        )
    };
    let mut told: String = split.endpoints.iter().take(count).map(one).collect();
    let still = split.endpoints.iter().filter(|one| !one.is_shifted).count();
    if still > 0 && count > 0 {
        told += &format!(" {still} did not shift by more than chance.");
    }
    told
}

fn weighed(split: &Split) -> &'static str {
    match split.weighing {
        Weighing::Requests => ", weighed by requests",
        Weighing::Sum => ", whose parts add up",
        Weighing::Equal => "; requests are not counted, so that all weigh the same",
    }
}

fn name(one: &Endpoint) -> String {
    format!("`{}`", shown(&one.measured.name, LONGEST))
}

#[cfg(test)]
mod tests {
    use negawatt_skill::{Direction, FindingBody};
    use serde_json::Value;

    use super::*;
    use crate::shift::Shift;
    use crate::split::{Measured, split};

    #[test]
    fn names_of_others_are_shown_and_nothing_else() {
        let one = |name: &str, after: f64, p_value: f64| Measured {
            name: name.into(),
            shift: Shift { before: 0.0, after, standard_error: 0.01, p_value },
            requests: None,
        };
        let evil = format!("cart\u{1b}[2J\"}}]\n{}", "x".repeat(500));
        let all = vec![one(&evil, 1.0, 1e-9), one("a", 0.0, 0.5), one("b", 0.0, 0.5)];
        let split = split(all, Weighing::Equal, Direction::Up, 1.0).unwrap();
        let findings = report(&split, "route", "t", "e1");
        let (FindingBody::Note(text), FindingBody::Other(other)) = (&findings[0].body, &findings[1].body) else {
            panic!()
        };
        assert!(!text.contains('\u{1b}') && !text.contains('\n') && text.len() < 600, "{text}");
        let data: Value = serde_json::from_str(&other.data).unwrap();
        assert_eq!((&data["carried"], &data["measured"], &data["shifted"]), (&"few".into(), &3.into(), &1.into()));
        assert_eq!(data["endpoints"][0]["share"], 1.0);
        assert_eq!(findings[0].because, ["e1"]);
    }
}
