//! Finds changes of schemas and messages behind a function that serialises more slowly.
//!
//! This file fetches through the tools; everything else computes from plain data and runs anywhere: [`frames`] says which risen
//! functions serialise, [`schema`] what a diff does to definitions of messages, [`terms`] how the two are tied by names, [`gather`]
//! what to look at, [`rank`] turns it into log-odds.

pub mod frames;
pub mod gather;
pub mod rank;
pub mod schema;
pub mod terms;

use negawatt_skill::prelude::*;
use negawatt_skill::{commits, unless_cancelled};

use crate::frames::Regressed;
use crate::terms::Terms;

negawatt_skill::skill!(investigate);

/// The kind of evidence that says which endpoints carry a regression, and the part of it that an endpoint must have to count.
const ENDPOINTS: &str = "graphql.endpoints";
const CARRIES: f64 = 0.1;

/// Commits that changed what is serialised. Nothing, and no question to any tool, where no function that serialises got slower.
fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let Some(change) = case.explaining_change() else { return Ok(Vec::new()) };
    let shifts: Vec<_> = case.function_shifts().collect();
    let Some(regressed) = Regressed::new(shifts.iter().map(|shift| shift.body)) else { return Ok(Vec::new()) };
    let endpoints: Vec<_> = case.others().filter(|other| other.name == ENDPOINTS).collect();
    let mut terms = Terms::new(&regressed, &case.incident.service);
    for (name, share) in endpoints.iter().flat_map(|other| carrying(&other.data)) {
        terms.add_endpoint(&name, share);
    }
    // The series tells how well the time is known; without it a guess must do.
    let series = unless_cancelled(case.series())?.unwrap_or_default();
    let began = case.change_time(&change, &series);
    let question = gather::Question {
        change: change.time,
        window: case.incident.window,
        began: &began,
        regressed: &regressed,
        terms: &terms,
    };
    let history = gather::gather(&commits::diffs::Host, &question, case.budget.tool_calls.saturating_sub(1))?;
    let suspected = rank::rank(&question, &history);
    let because: Vec<&str> = std::iter::once(change.id)
        .chain(shifts.iter().filter(|shift| regressed.holds(&shift.name)).map(|shift| shift.id))
        .chain(endpoints.iter().map(|other| other.id))
        .collect();
    Ok(commits::report(&history.known.commits, suspected, &because, case.budget.findings as usize))
}

/// The endpoints that carry a regression, with their parts of it, of data that another skill found.
fn carrying(data: &str) -> Vec<(String, f64)> {
    let data: serde_json::Value = serde_json::from_str(data).unwrap_or_default();
    let endpoint = |one: &serde_json::Value| Some((one["name"].as_str()?.to_owned(), one["share"].as_f64()?));
    let all = data["endpoints"].as_array().into_iter().flatten().filter_map(endpoint);
    all.filter(|(_, share)| *share >= CARRIES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_from_data_of_any_kind() {
        let data =
            r#"{"endpoints": [{"name": "cart", "share": 0.9}, {"name": "search", "share": 0.01}, {"name": 7}, 3]}"#;
        assert_eq!(carrying(data), [("cart".to_owned(), 0.9)]);
        for data in ["", "[]", "{", r#"{"endpoints": "x"}"#, &"[".repeat(100_000)] {
            assert_eq!(carrying(data), []);
        }
    }
}
