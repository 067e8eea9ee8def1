//! `negawatt eval` on labelled cases: it finds them at any depth, counts what is right, says what is not, and lets no broken case
//! stop the others.

use std::path::Path;

use negawatt_casegen::{Scenario, generate};
use serde_json::{Value, json as object};

use crate::common::{json, json_error, run, write};

/// Cases of kinds whose answers are known, the last two with a label that is wrong or a part that is missing.
fn cases(folder: &Path) {
    generate(Scenario::Commit, 6_200, &folder.join("regressions/commit")).unwrap();
    generate(Scenario::Noise, 6_200, &folder.join("noise")).unwrap();
    let mislabelled = folder.join("mislabelled");
    generate(Scenario::Noise, 6_201, &mislabelled).unwrap();
    let truth = object!({"scenario": "noise", "verdict": "regression", "suspect": "nobody-knows"});
    write(mislabelled.join("truth.json"), &truth.to_string());
    write(folder.join("broken/truth.json"), r#"{"verdict": "dismissed"}"#);
}

fn case<'a>(scores: &'a Value, name: &str) -> &'a Value {
    let cases = scores["cases"].as_array().unwrap();
    cases.iter().find(|case| case["case"] == name).unwrap_or_else(|| panic!("{name} is not there: {scores:#}"))
}

#[test]
fn right_and_wrong_answers_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    cases(&folder.path().join("cases"));
    let scores = json(folder.path(), &["eval", "cases", "--json"]);
    assert_eq!(scores["all"]["cases"], 4);
    assert_eq!(scores["all"]["verdict"], object!({"of": 4, "are": 2}));
    assert_eq!(scores["all"]["top1"], object!({"of": 2, "are": 1}));
    assert_eq!(scores["all"]["author"], object!({"of": 1, "are": 1}));
    assert_eq!(scores["all"]["nobody_accused"], object!({"of": 1, "are": 1}));
    assert_eq!(scores["by_verdict"]["regression"]["cases"], 2);
    assert_eq!(scores["by_scenario"]["noise"]["verdict"], object!({"of": 2, "are": 1}));
    assert_eq!(scores["by_suspect"]["service"]["top3"], object!({"of": 1, "are": 0}));
    assert_eq!(scores["verdicts"]["count"], 3, "{:#}", scores["verdicts"]);
    assert!(scores["suspects"]["brier"].as_f64().unwrap() < 0.25, "{:#}", scores["suspects"]);
    assert!(scores["change_off"]["most"].as_f64().unwrap() < 0.05, "{:#}", scores["change_off"]);
    let right = case(&scores, "regressions/commit");
    assert_eq!((&right["right"], &right["place"], &right["author_right"]), (&true.into(), &1.into(), &true.into()));
    assert!(right["wall_ms"].is_u64());
    assert_eq!(case(&scores, "mislabelled")["right"], false);
    assert_eq!(scores["failures"], 1);
    let error = case(&scores, "broken")["error"].as_str().unwrap();
    assert!(error.contains("cannot read the incident") && error.contains("incident.json"), "{error}");
}

#[test]
fn people_see_tables_and_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    cases(folder.path());
    let output = run(folder.path(), &["eval", ".", "--jobs", "2"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for part in ["verdict", "top-1", "Brier score", "not right", "broken", "failed: cannot read the incident"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let wrong = text.split("not right").nth(1).unwrap();
    assert!(wrong.contains("mislabelled") && !wrong.contains("regressions/commit"), "{text}");
}

/// Over cases of which half are hard, or noise: what is held with a probability is right about as often, and never much less.
#[test]
fn confidence_means_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [(Scenario::Unclear, 40), (Scenario::Noise, 20), (Scenario::Commit, 5), (Scenario::Spike, 5)];
    let cases =
        kinds.into_iter().flat_map(|(scenario, count)| (6_300..6_300 + count).map(move |seed| (scenario, seed)));
    let cases: Vec<_> = cases.collect();
    std::thread::scope(|scope| {
        for half in cases.chunks(cases.len().div_ceil(2)) {
            let folder = folder.path();
            scope.spawn(move || {
                for (scenario, seed) in half {
                    generate(*scenario, *seed, &folder.join(format!("{scenario}-{seed}"))).unwrap();
                }
            });
        }
    });
    let scores = json(folder.path(), &["eval", ".", "--json"]);
    assert_eq!((&scores["all"]["cases"], &scores["failures"]), (&70.into(), &0.into()));
    for (of, brier, fewest) in [("verdicts", 0.15, 50), ("suspects", 0.12, 100)] {
        let calibration = &scores[of];
        assert!(calibration["brier"].as_f64().unwrap() <= brier, "{of}: {calibration:#}");
        assert!(calibration["count"].as_u64().unwrap() >= fewest, "{of}: {calibration:#}");
        for bin in calibration["bins"].as_array().unwrap() {
            let number = |key: &str| bin[key].as_f64().unwrap();
            // Of so few, so many less are chance: three standard errors, if the confidence is right.
            let p = number("confidence");
            let chance = 3.0 * (p * (1.0 - p) / number("count")).sqrt();
            assert!(number("right") >= p - 0.1 - chance, "{of}: {calibration:#}");
        }
    }
}

/// The casebook of whoever evaluates is neither read nor written.
#[test]
fn nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Noise, 6_202, &folder.path().join("case")).unwrap();
    json(folder.path(), &["eval", "case", "--json"]);
    assert!(!folder.path().join(".state").exists() && !folder.path().join("case/casebook").exists());
}

#[test]
fn errors_say_where() {
    let folder = tempfile::tempdir().unwrap();
    let (code, error) = json_error(folder.path(), &["eval", ".", "--json"]);
    assert_eq!((code, error["code"].as_str()), (2, Some("eval")));
    assert!(error["help"].as_str().unwrap().contains("truth.json"));
    write(folder.path().join("case/truth.json"), r#"{"verdict": "guilty"}"#);
    let (code, error) = json_error(folder.path(), &["eval", ".", "--json"]);
    assert_eq!((code, error["code"].as_str()), (2, Some("truth")));
    assert!(error["where"].as_str().unwrap().ends_with("case/truth.json"), "{error}");
}
