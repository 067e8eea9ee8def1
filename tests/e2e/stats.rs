//! `negawatt stats`: the same figures in every format, whatever names are in them.

use serde_json::{Value, json as object};

use crate::common::{exposition, investigate, json, json_error, page, run, text, write};

/// What a hostile service is called: it would end a label and a tag, begin a line of its own, and steer a terminal.
const HOSTILE: &str = "shop\"} 1\n# HELP x\\</td><script>alert(1)</script>\u{202e}\u{1b}[2J";

/// Opens a case of a service, in a folder without sources: nobody can say.
fn open(folder: &std::path::Path, service: &str) -> Value {
    write(folder.join("negawatt.toml"), "[casebook]\npath = \"casebook\"\n[learn]\nhours_per_case = 3\n");
    let incident = object!({
        "kind": "opportunity", "title": "what is hot?", "service": service,
        "window": { "start": "2026-11-18T00:00:00Z", "end": "2026-11-20T00:00:00Z" },
    });
    write(folder.join("incident.json"), &incident.to_string());
    investigate(folder)
}

#[test]
fn without_a_case_all_of_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder.join("negawatt.toml"), "[casebook]\npath = \"casebook\"\n");
    assert!(text(folder, &["stats"]).contains("nothing yet; negawatt investigate incident.json opens a case"));
    let all = json(folder, &["stats", "--json", "--report", "stats.html"]);
    assert_eq!((&all["all"]["cases"], &all["all"]["seconds_to_diagnosis"]), (&0.into(), &Value::Null), "{all:#}");
    assert_eq!(
        (&all["by_service"], &all["by_skill"], &all["by_time"]["periods"]),
        (&object!({}), &object!([]), &object!([]))
    );
    let (elements, texts) = page::read(&std::fs::read_to_string(folder.join("stats.html")).unwrap());
    assert!(
        texts.contains("Nothing yet: no case has a verdict.")
            && texts.contains("Nothing yet: no proposal was submitted")
    );
    assert!(!elements.iter().any(|element| element == "svg" || element == "script"), "{elements:?}");
    let samples = exposition::read(&text(folder, &["stats", "--prometheus"]));
    assert_eq!(
        (samples["negawatt_cases_total"], samples["negawatt_diagnosis_seconds_count"]),
        (0.0, 0.0),
        "{samples:#?}"
    );
    assert!(!samples.contains_key("negawatt_false_positive_ratio"), "nothing is known of it");
}

#[test]
fn every_format_has_the_same_figures_and_hostile_names_are_names() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for service in ["cart", HOSTILE, "cart"] {
        assert_eq!(open(folder, service)["verdict"], "inconclusive");
    }
    let all = json(folder, &["stats", "--json", "--report", "stats.html"]);
    assert_eq!((&all["all"]["cases"], &all["by_service"]["cart"]["cases"]), (&3.into(), &2.into()), "{all:#}");
    assert_eq!(all["by_service"][HOSTILE]["verdicts"]["inconclusive"], 1, "{all:#}");
    assert_eq!(
        (&all["by_time"]["every"], &all["by_time"]["periods"][0]["cases"]),
        (&"week".into(), &3.into()),
        "{all:#}"
    );
    assert_eq!((&all["hours_per_case"], &all["all"]["hours_saved"]), (&3.0.into(), &0.0.into()));
    assert!(all["formulas"]["hours saved"].as_str().unwrap().contains("× 3 h"), "{all:#}");

    let samples = exposition::read(&text(folder, &["stats", "--prometheus"]));
    let median = all["by_service"]["cart"]["seconds_to_diagnosis"].as_f64().unwrap();
    let hostile = "shop\"} 1\\u{a}# HELP x\\</td><script>alert(1)</script>\\u{202e}\\u{1b}[2J";
    for (series, value) in [
        ("negawatt_cases_total".to_owned(), 3.0),
        ("negawatt_verdicts_total{verdict=\"inconclusive\"}".to_owned(), 3.0),
        ("negawatt_verdicts_total{verdict=\"regression\"}".to_owned(), 0.0),
        ("negawatt_engineer_seconds_per_case".to_owned(), 10_800.0),
        ("negawatt_service_verdicts_total{service=\"cart\",verdict=\"inconclusive\"}".to_owned(), 2.0),
        ("negawatt_service_diagnosis_seconds{quantile=\"0.5\",service=\"cart\"}".to_owned(), median),
        ("negawatt_service_diagnosis_seconds_count{service=\"cart\"}".to_owned(), 2.0),
        (format!("negawatt_service_cases_total{{service=\"{hostile}\"}}"), 1.0),
        ("negawatt_services_left_out".to_owned(), 0.0),
    ] {
        assert_eq!(samples.get(&series), Some(&value), "{series} in {samples:#?}");
    }

    let printed = text(folder, &["stats"]);
    for line in [
        "service cart\nCases       2: 2 inconclusive\n",
        "Saved       0 h of an engineer",
        "Proposed    0 cores, 0 MW (estimated)",
    ] {
        assert!(printed.contains(line), "{line}\n{printed}");
    }
    let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!printed.contains(steers), "{printed:?}");

    let html = std::fs::read_to_string(folder.join("stats.html")).unwrap();
    let (elements, texts) = page::read(&html);
    assert!(!elements.iter().any(|element| element == "script") && !html.contains(steers), "{elements:?}");
    assert_eq!(elements.iter().filter(|element| *element == "svg").count(), 1, "there is nothing to draw of cores");
    for part in ["Cases by verdict", "inconclusive", "By service", "cart", "<script>alert(1)</script>", "× 3 h"] {
        assert!(texts.contains(part), "{part}");
    }
}

#[test]
fn a_page_takes_no_other_files_place() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), "cart");
    let (code, error) = json_error(folder.path(), &["stats", "--json", "--report", "negawatt.toml"]);
    assert_eq!((code, &error["code"]), (2, &"report".into()), "{error}");
    let output = run(folder.path(), &["stats", "--json", "--prometheus"]);
    assert_eq!(output.status.code(), Some(2));
}
