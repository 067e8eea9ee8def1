//! A skill that asks a tool once, to measure what that costs.
//!
//! | title | what it does |
//! |---|---|
//! | `kilobyte` | asks for metrics with a question of a kilobyte, notes how many samples there are |
//! | `series` | asks for metrics, notes the sum of the samples |
//! | `profile` | asks for the profile of the incident's service, notes the sum of the counts |
//! | `loop` | computes for ever |
//! | `nothing` | returns nothing |

use negawatt_skill::metrics::{self, MatchOperation, Matcher, Selector, Series};
use negawatt_skill::prelude::*;
use negawatt_skill::profiles;

negawatt_skill::skill!(investigate);

fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    match case.incident.title.as_str() {
        "kilobyte" => {
            let value = "x".repeat(960);
            let matcher = Matcher { name: "version".into(), operation: MatchOperation::NotEqual, value };
            let series = query(case, vec![matcher])?;
            Ok(vec![note(series.iter().map(|series| series.times.len()).sum::<usize>())])
        }
        "series" => Ok(vec![note(query(case, Vec::new())?.iter().flat_map(|series| &series.values).sum::<f64>())]),
        "profile" => {
            let profile = profiles::query(&case.incident.service, case.incident.window)?;
            let (frames, counts) = (profile.stack_frames.iter(), profile.sample_counts.iter());
            Ok(vec![note(frames.map(|frame| u64::from(*frame)).sum::<u64>() + counts.sum::<u64>())])
        }
        "loop" => {
            let mut n = 0u64;
            loop {
                n = std::hint::black_box(n.wrapping_add(1));
            }
        }
        "nothing" => Ok(Vec::new()),
        other => Err(Error::Invalid(format!("asker does not know {other:?}"))),
    }
}

fn query(case: &Case, matchers: Vec<Matcher>) -> Result<Vec<Series>, Error> {
    let selector =
        Selector { name: case.metric()?.name.clone(), matchers, transform: Transform::None, aggregate: None };
    metrics::query(&selector, case.incident.window, None)
}

fn note(text: impl ToString) -> Finding {
    Finding::new(Note(text.to_string()), 1.0, "A note.")
}
