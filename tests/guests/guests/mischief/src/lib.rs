//! A skill that does what the incident's title says, to trip every guard of the host.
//!
//! | title | what it does |
//! |---|---|
//! | `loop` | computes for ever |
//! | `allocate` | takes memory until it is stopped |
//! | `allocate N` | takes N MiB of memory, and notes that |
//! | `recurse` | calls itself until the stack is full |
//! | `recurse N` | calls itself N times, and notes that |
//! | `handles N` | holds N timers at a time, and notes that |
//! | `panic` | panics |
//! | `exit` | ends its process |
//! | `sleep` | sleeps for an hour, then notes the seconds that passed |
//! | `findings N` | returns N notes |
//! | `big finding` | returns a note of 1 MiB |
//! | `text N` | returns a note of N bytes |
//! | `links N` | returns a note that rests on evidence `e1`, N times |
//! | `confidence X` | returns a note with that confidence, such as `NaN`, `2`, `-1` |
//! | `because unknown` | rests on evidence `e999` |
//! | `kind` | returns an impact, which it does not declare |
//! | `late change point` | returns a change at the end of the window, which is outside of it |
//! | `backwards change point` | returns a change before the window |
//! | `ancient change point`, `distant change point` | returns a change at the first, or the last, instant that there is |
//! | `infinite change point` | returns a change whose level after is infinite |
//! | `log`, `stdout`, `stderr` | writes 4 MiB, line by line, then returns nothing |
//! | `lines N` | logs N short lines, then returns nothing |
//! | `terminal` | logs and returns text that would steer a terminal |
//! | `tool loop` | asks for metrics until it is refused, and returns the refusal as its error |
//! | `tools N` | asks for metrics N times, ignores the answers, notes how many were refused |
//! | `read` | asks for all samples of the incident's metric in its window, notes how many there are |
//! | `denied` | asks for samples from before everything, and returns the refusal as its error |
//! | `outside N` | asks N times for samples from before everything, ignores the answers, returns nothing |
//! | `elsewhere` | asks for samples of the service `elsewhere`, and returns the refusal as its error |
//! | `budget` | notes the calls of tools and the bytes that it is told that it may spend |
//! | `long question` | asks for a metric with a name of 128 KiB |
//! | `long error` | returns an error of 1 MiB |
//! | `odd commit` | suspects a commit whose id would steer a terminal |
//! | `sure commit` | suspects a commit with log odds of 60 |
//! | `large change point` | returns an enormous change that it does not believe in |
//! | `wait` | asks for the metric `never`, and returns what it is told |
//! | `error X` | returns the error named so, such as `not-found` |
//! | `state` | notes how often it was called in this sandbox |
//! | `surroundings` | notes clocks, randomness, environment, arguments, files and network |
//! | `steps` | reports progress from 0 to 1, then returns nothing |
//! | `progress N` | reports progress with a text of N bytes, then returns nothing |
//! | `random N` | asks for N random bytes at once, and notes how many it got |
//! | `nothing` | returns nothing |

mod misuse;

use negawatt_skill::metrics::{self, Selector};
use negawatt_skill::prelude::*;

negawatt_skill::skill!(investigate);

fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let (what, number) = split_number(&case.incident.title);
    match what {
        "loop" => misuse::compute_for_ever(),
        "allocate" if number.is_nan() => misuse::allocate_for_ever(),
        "allocate" => Ok(vec![note(misuse::allocate(number as usize))]),
        "recurse" => Ok(vec![note(misuse::recurse(0, number))]),
        "handles" => Ok(vec![note(misuse::hold_timers(number as usize))]),
        "panic" => panic!("mischief panics, as it was told"),
        "exit" => std::process::exit(3),
        "sleep" => Ok(vec![note(misuse::sleep_an_hour())]),
        "findings" => Ok((0..number as usize).map(note).collect()),
        "big finding" => Ok(vec![note("x".repeat(1 << 20))]),
        "text" => Ok(vec![note("x".repeat(number as usize))]),
        "links" => Ok(vec![note("founded").because(vec!["e1"; number as usize])]),
        "confidence" => Ok(vec![Finding { confidence: number, ..note("confident") }]),
        "because unknown" => Ok(vec![note("unfounded").because(["e999"])]),
        "kind" => Ok(vec![Finding::new(Impact { cores: 1.0, watts: 1.0, basis: "none".into() }, 1.0, "An impact.")]),
        "late change point" => Ok(vec![change_point(case.incident.window.end, 2.0)]),
        "backwards change point" => Ok(vec![change_point(case.incident.window.start.saturating_sub(1), 2.0)]),
        "ancient change point" => Ok(vec![change_point(Timestamp::MIN, 2.0)]),
        "distant change point" => Ok(vec![change_point(Timestamp::MAX, 2.0)]),
        "infinite change point" => Ok(vec![change_point(case.incident.window.start, f64::INFINITY)]),
        "log" | "stdout" | "stderr" => misuse::flood(what),
        "lines" => {
            (0..number as usize).for_each(|line| log::info(format!("line {line}")));
            Ok(Vec::new())
        }
        "terminal" => Ok(vec![misuse::steer_a_terminal()]),
        "tool loop" => loop {
            query(case, case.incident.window)?;
        },
        "tools" => {
            let answers = (0..number as usize).map(|_| query(case, case.incident.window));
            Ok(vec![note(answers.filter(Result::is_err).count())])
        }
        "read" => {
            let series = query(case, case.incident.window)?;
            Ok(vec![note(series.iter().map(|series| series.times.len()).sum::<usize>())])
        }
        "denied" => query(case, Window { start: i64::MIN, end: case.incident.window.end }).map(|_| Vec::new()),
        "outside" => {
            let before = Window { start: i64::MIN, end: case.incident.window.end };
            (0..number as usize).for_each(|_| drop(query(case, before)));
            Ok(Vec::new())
        }
        "elsewhere" => {
            let matcher = metrics::Matcher {
                name: "service".into(),
                operation: metrics::MatchOperation::Equal,
                value: "elsewhere".into(),
            };
            let elsewhere = Selector { matchers: vec![matcher], ..selector("cpu") };
            metrics::query(&elsewhere, case.incident.window, None).map(|_| Vec::new())
        }
        "budget" => Ok(vec![note(format!("{} {}", case.budget.tool_calls, case.budget.read_bytes))]),
        "wait" => metrics::query(&selector("never"), case.incident.window, None).map(|_| Vec::new()),
        "long question" => {
            metrics::query(&selector(&"x".repeat(1 << 17)), case.incident.window, None).map(|_| Vec::new())
        }
        "long error" => Err(Error::Invalid("x".repeat(1 << 20))),
        "odd commit" => Ok(vec![suspect("\x1b[2J;ls", 1.0)]),
        "wrong commit" => Ok(vec![suspect(&"a".repeat(40), 20.0)]),
        "sure commit" => Ok(vec![suspect(&"a".repeat(40), 60.0)]),
        "large change point" => {
            Ok(vec![Finding { confidence: 1e-6, ..change_point(case.incident.window.start, 1e90) }])
        }
        "state" => Ok(vec![note(misuse::calls_so_far())]),
        "surroundings" => Ok(vec![note(misuse::surroundings())]),
        "steps" => {
            (0..=4).for_each(|quarter| log::progress(f64::from(quarter) / 4.0, "a quarter more"));
            Ok(Vec::new())
        }
        "progress" => {
            log::progress(0.5, &"x".repeat(number as usize));
            Ok(Vec::new())
        }
        "random" => Ok(vec![note(wasip2::random::random::get_random_bytes(number as u64).len())]),
        "nothing" => Ok(Vec::new()),
        other => Err(error(other)),
    }
}

/// `findings 12` is `findings` and 12; without a number it is NaN.
fn split_number(title: &str) -> (&str, f64) {
    let parsed = title.rsplit_once(' ').and_then(|(what, number)| Some((what, number.parse().ok()?)));
    parsed.unwrap_or((title, f64::NAN))
}

/// A note.
pub(crate) fn note(text: impl ToString) -> Finding {
    Finding::new(Note(text.to_string()), 1.0, "A note.")
}

fn change_point(time: Timestamp, after: f64) -> Finding {
    let change = ChangePoint { time, before: 1.0, after, p_value: 0.01, method: "none".into(), shape: Shape::Step };
    Finding::new(change, 1.0, "A change.")
}

fn suspect(id: &str, log_odds: f64) -> Finding {
    let suspect = Suspect {
        candidate: Candidate::Commit,
        id: id.into(),
        repository: None,
        author: None,
        files: Vec::new(),
        reason: "a feeling".into(),
        log_odds,
        extra: Vec::new(),
    };
    Finding::new(suspect, 0.5, "A suspect.")
}

fn selector(name: &str) -> Selector {
    Selector { name: name.into(), matchers: Vec::new(), transform: Transform::None, aggregate: None }
}

fn query(case: &Case, window: Window) -> Result<Vec<metrics::Series>, Error> {
    metrics::query(&selector(&case.metric()?.name), window, None)
}

fn error(title: &str) -> Error {
    let text = "mischief returns an error, as it was told".into();
    match title {
        "error denied" => Error::Denied(text),
        "error not-found" => Error::NotFound(text),
        "error unavailable" => Error::Unavailable(text),
        "error over-budget" => Error::OverBudget(text),
        "error cancelled" => Error::Cancelled(text),
        "error internal" => Error::Internal(text),
        "error invalid" => Error::Invalid(text),
        unknown => Error::Invalid(format!("mischief does not know {unknown:?}")),
    }
}
