//! Whether an experiment can be stopped.

use negawatt_skill::experiments::Experiment;
use negawatt_skill::time::rfc3339;

/// The experiment that bears an id, where it still runs; else why it cannot be stopped, in a clause.
pub fn judge<'a>(id: &str, all: &'a [Experiment]) -> Result<&'a Experiment, String> {
    let mut rows: Vec<&Experiment> = Vec::new();
    for row in all.iter().filter(|row| row.id == id) {
        // Two parts of a window may both have an experiment: its beginning, and its end.
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    match rows[..] {
        [] => Err("the list of experiments does not hold it".to_owned()),
        [Experiment { end: Some(end), .. }] => Err(format!("it ended at {} already", rfc3339(*end))),
        [experiment] => Ok(experiment),
        _ => Err(format!("{} different experiments bear its id, and which one is meant cannot be told", rows.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_that_runs_can_be_stopped() {
        let one = |name: &str, end| Experiment {
            id: "x".into(),
            service: "shop".into(),
            name: name.into(),
            start: 5,
            end,
            author: None,
        };
        let runs = one("ranking", None);
        assert_eq!(judge("x", &[runs.clone(), runs.clone()]), Ok(&runs));
        for (all, says) in [
            (vec![], "does not hold it"),
            (vec![one("ranking", Some(9))], "it ended at 1970-01-01T00:00:00.000009Z already"),
            (vec![runs, one("another", None)], "2 different experiments"),
        ] {
            let why = judge("x", &all).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }
}
