//! A skill that reads code and talks to a language model, to trip the guards on what may leave.
//!
//! | title | what it does |
//! |---|---|
//! | `ask N` | asks the model N times; notes how many answers it got, and returns the first refusal as its error where it got none |
//! | anything else | tells the model what the code says, and notes its answer |

use negawatt_skill::model::{self, Message, Role};
use negawatt_skill::prelude::*;

negawatt_skill::skill!(investigate);

fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let count = case.incident.title.strip_prefix("ask ").and_then(|number| number.parse::<usize>().ok());
    let Some(count) = count else {
        let found = code::search("default", "secret", &[])?;
        let lines: Vec<_> = found.into_iter().map(|found| found.text).collect();
        return Ok(vec![note(tell(&lines.join("\n"))?)]);
    };
    let answers: Vec<_> = (0..count).map(|_| tell("What do you think?")).collect();
    let answered = answers.iter().filter(|answer| answer.is_ok()).count();
    match answers.into_iter().find_map(Result::err) {
        Some(refusal) if answered == 0 => Err(refusal),
        _ => Ok(vec![note(answered)]),
    }
}

fn tell(text: &str) -> Result<String, Error> {
    model::complete(&[Message { role: Role::User, text: text.to_owned() }], None)
}

fn note(text: impl ToString) -> Finding {
    Finding::new(Note(text.to_string()), 1.0, "A note.")
}
