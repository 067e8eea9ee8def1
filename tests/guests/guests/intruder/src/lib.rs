//! A skill that asks the tools what the incident's title says, and notes all that it is answered.
//!
//! A title is words with U+001F between them: the question, and what is asked.
//!
//! | question | what it does |
//! |---|---|
//! | `query`, name, then label, operation, value … | asks for series |
//! | `sum`, name | asks for the sum of all series |
//! | `transform`, name | asks for rates over the longest time there is |
//! | `steps`, name | asks for a value each microsecond |
//! | `before`, name | asks for samples from before everything |
//! | `profile`, service | asks for a profile |
//! | `commits`, repository, then paths … | asks for commits |
//! | `diff`, repository, id | asks what a commit did |
//! | `blame`, repository, path | asks who wrote each line |
//! | `read`, repository, path, then perhaps a revision | asks for a file |
//! | `search`, repository, pattern, then paths … | asks for lines |
//! | `configs`, then keys … | asks for changes of settings |
//! | `experiments`, then perhaps a service | asks for experiments |
//! | `edges`, then perhaps a service | asks who calls whom |
//! | `page`, id | asks for a page |
//! | `precedents`, evidence … | asks for cases like those |
//! | `everything` | notes all that it is told of the case |
//! | `rest on`, evidence … | returns a note that rests on evidence |
//! | `dismiss`, evidence | returns a dismissal of evidence |
//! | `nest`, depth | returns evidence of its own kind whose JSON is so deep |
//! | `say`, text | returns a note and logs |
//! | `time`, name | notes how long a question took, by every clock that there is |

use std::fmt::Debug;
use std::time::{Instant, SystemTime};

use negawatt_skill::metrics::{MatchOperation, Matcher, Selector};
use negawatt_skill::prelude::*;

negawatt_skill::skill!(investigate);

fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let mut words = case.incident.title.split('\u{1f}');
    let question = words.next().unwrap_or_default();
    let rest: Vec<String> = words.map(str::to_owned).collect();
    let word = |at: usize| rest.get(at).cloned().unwrap_or_default();
    let (first, second) = (word(0), word(1));
    let window = case.incident.window;
    let plain = || selector(&first);
    match question {
        "query" => answer(metrics::query(&Selector { matchers: matchers(&rest[1..]), ..plain() }, window, None)),
        "sum" => {
            let all = Aggregate { operation: Aggregation::Sum, by: Vec::new() };
            answer(metrics::query(&Selector { aggregate: Some(all), ..plain() }, window, None))
        }
        "transform" => {
            answer(metrics::query(&Selector { transform: Transform::Rate(u64::MAX), ..plain() }, window, None))
        }
        "steps" => answer(metrics::query(&plain(), window, Some(1))),
        "before" => answer(metrics::query(&plain(), Window { start: i64::MIN, end: window.end }, None)),
        "profile" => answer(profiles::query(&first, window)),
        "commits" => answer(changes::list(Some(&first), window, &rest[1..])),
        "diff" => answer(changes::diff(&first, &second)),
        "blame" => answer(changes::blame(&first, &second, 1, u32::MAX)),
        "read" => answer(code::read(&first, &second, rest.get(2).map(String::as_str))),
        "search" => answer(code::search(&first, &second, &rest[2..])),
        "configs" => answer(configs::history(window, &rest)),
        "experiments" => answer(experiments::list(window, rest.first().map(String::as_str))),
        "edges" => answer(topology::edges(rest.first().map(String::as_str))),
        "page" => answer(docs::read(&first)),
        "precedents" => answer(precedents::similar(&rest, u32::MAX)),
        "everything" => Ok(vec![note(format!("{case:?}"))]),
        "rest on" => Ok(vec![note("It rests on them.").because(rest)]),
        "dismiss" => {
            let dismissal = Dismissal { reason: DismissalReason::Noise, detail: "Chance.".into(), of: Some(first) };
            Ok(vec![Finding::new(dismissal, 1.0, "Nothing to see.")])
        }
        "nest" => {
            let data = "[".repeat(first.parse().unwrap_or(0));
            Ok(vec![Finding::new(Other { name: "acme.nested".into(), data }, 1.0, "Deep.")])
        }
        "say" => {
            log::warn(&first);
            Ok(vec![Finding { summary: first.clone(), ..note(&first) }])
        }
        "time" => Ok(vec![note(time(&plain(), window))]),
        other => Err(Error::Invalid(format!("intruder does not know {other:?}"))),
    }
}

fn note(text: impl ToString) -> Finding {
    Finding::new(Note(text.to_string()), 1.0, "A note.")
}

/// What was answered, as a note.
fn answer<T: Debug>(answer: Result<T, Error>) -> Result<Vec<Finding>, Error> {
    Ok(vec![note(format!("{:?}", answer?))])
}

fn selector(name: &str) -> Selector {
    Selector { name: name.into(), matchers: Vec::new(), transform: Transform::None, aggregate: None }
}

/// Label, operation, value, and so on.
fn matchers(words: &[String]) -> Vec<Matcher> {
    let matcher = |words: &[String]| Matcher {
        name: words[0].clone(),
        operation: match words[1].as_str() {
            "=" => MatchOperation::Equal,
            "!=" => MatchOperation::NotEqual,
            "=~" => MatchOperation::Matches,
            _ => MatchOperation::NotMatches,
        },
        value: words[2].clone(),
    };
    words.chunks_exact(3).map(matcher).collect()
}

/// How long a question takes, by every clock.
fn time(selector: &Selector, window: Window) -> String {
    let (began, stood) = (Instant::now(), SystemTime::now());
    // Denied or answered: the time is what would tell them apart.
    let _ = metrics::query(selector, window, None);
    format!("{:?} {:?}", began.elapsed(), stood.elapsed().unwrap_or_default())
}
