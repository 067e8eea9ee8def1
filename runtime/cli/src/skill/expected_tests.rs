use serde_json::json;

use super::*;

fn expected(value: Value) -> Expected {
    Expected::read(&value.to_string()).unwrap()
}

fn suspect(id: &str, log_odds: f64) -> Value {
    json!({
        "kind": "suspect", "id": id, "log_odds": log_odds, "confidence": 0.9, "files": ["a.rs", "b.rs"],
        "summary": "It did it.", "because": ["e1"], "author": null,
    })
}

#[test]
fn only_named_fields_must_match() {
    let found = [suspect("payments", 3.0)];
    for right in [
        json!([{ "kind": "suspect" }]),
        json!([{ "kind": "suspect", "id": "payments", "log_odds": 3.000_000_1 }]),
        json!([{ "kind": "suspect", "log_odds": { "between": [3, 4] }, "summary": { "contains": "did" } }]),
        json!([{ "kind": "suspect", "files": ["a.rs", { "contains": "b" }], "author": null, "no_such": null }]),
    ] {
        assert_eq!(expected(right.clone()).differences(&found), [""; 0], "{right}");
    }
}

#[test]
fn every_difference_is_named() {
    let found = [suspect("payments", 3.0)];
    let lines = expected(json!([{
        "kind": "suspect", "id": "catalog", "log_odds": { "between": [4, 5] }, "confidnce": 0.9, "files": ["a.rs"],
    }]))
    .differences(&found);
    let text = lines.join("\n");
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[0], "finding 1 differs: suspect \"It did it.\"");
    assert!(text.contains("id         expected \"catalog\", found \"payments\""), "{text}");
    assert!(text.contains("log_odds   expected between 4 and 5, found 3.0"), "{text}");
    assert!(text.contains("confidnce  expected 0.9, found no such field; there are: author, because"), "{text}");
    assert!(text.contains("files      expected [\"a.rs\"], found [\"a.rs\",\"b.rs\"]"), "{text}");
    let near = expected(json!([{ "kind": "suspect", "log_odds": 3.0001 }])).differences(&found);
    assert_eq!(near.len(), 2, "{near:?}");
}

#[test]
fn number_and_order_count() {
    let found = [suspect("a", 1.0), suspect("b", 2.0)];
    let (a, b) = (json!({ "kind": "suspect", "id": "a" }), json!({ "kind": "suspect", "id": "b" }));
    assert!(expected(json!([a, b])).differences(&found).is_empty());
    assert!(!expected(json!([b, a])).differences(&found).is_empty());
    let more = expected(json!([a])).differences(&found);
    assert_eq!(more, ["expected 1 finding, found 2 findings", "finding 2 is not expected: suspect \"It did it.\""]);
    let fewer = expected(json!([a, b, { "kind": "note" }])).differences(&found);
    assert_eq!(fewer[1], "finding 3 is missing: kind: \"note\"");
    assert!(expected(json!([])).differences(&[]).is_empty());
}

#[test]
fn at_least_lets_others_stand_between() {
    let found = [suspect("a", 1.0), json!({ "kind": "note", "text": "x" }), suspect("b", 2.0)];
    let (a, b) = (json!({ "kind": "suspect", "id": "a" }), json!({ "kind": "suspect", "id": "b" }));
    for right in [json!([a, b]), json!([b]), json!([]), json!([{ "kind": "suspect" }, { "kind": "suspect" }])] {
        assert_eq!(expected(json!({ "at_least": right })).differences(&found), [""; 0]);
    }
    let wrong = expected(json!({ "at_least": [b, a] })).differences(&found);
    assert!(wrong[0].contains("nothing that was found matches") && wrong[1].contains("nothing"), "{wrong:?}");
    let near = expected(json!({ "at_least": [{ "kind": "suspect", "id": "b", "log_odds": 9 }] })).differences(&found);
    assert!(near[1].starts_with("finding 3 differs"), "the nearest of the kind: {near:?}");
    let thrice = json!({ "at_least": [{ "kind": "suspect" }, { "kind": "suspect" }, { "kind": "suspect" }] });
    assert!(!expected(thrice).differences(&found).is_empty(), "a finding is taken once");
}

#[test]
fn times_may_lie_in_a_range() {
    let found = [json!({ "kind": "change-point", "time": "2026-11-19T07:10:00Z" })];
    let between = |low: &str, high: &str| {
        expected(json!([{ "kind": "change-point", "time": { "between": [low, high] } }])).differences(&found)
    };
    assert!(between("2026-11-19T08:00:00+01:00", "2026-11-19T07:10:00Z").is_empty());
    assert_eq!(between("2026-11-19T07:10:01Z", "2026-11-19T08:00:00Z").len(), 2);
}

#[test]
fn errors_can_be_expected() {
    let error = expected(json!({ "error": "not-found" }));
    assert!(error.differences_from_error("not-found: no series").is_empty());
    assert_eq!(error.differences_from_error("invalid: not-found").len(), 1);
    assert_eq!(error.differences(&[]), ["expected the error `not-found`, and it returned no finding"]);
    let lines = expected(json!([])).differences_from_error("denied: no\u{1b}[2J");
    assert!(lines[0].contains("denied") && !lines[0].contains('\u{1b}'), "{lines:?}");
}

#[test]
fn what_cannot_match_is_refused() {
    for (text, says) in [
        ("{}", "at_least"),
        ("3", "at_least"),
        (r#"{"at_least": [], "error": "x"}"#, "at_least"),
        ("[3]", "[0]: must be an object"),
        (r#"[{"kind": "note"}, {"text": "x"}]"#, "[1]: must be an object with at least the key `kind`"),
        (r#"[{"kind": "note", "confidence": {"between": [2, 1]}}]"#, "the lesser first"),
        (r#"[{"kind": "note", "confidence": {"between": [1]}}]"#, "two numbers"),
        (r#"[{"kind": "note", "text": {"contains": 1}}]"#, "takes a text"),
        ("[", "line 1"),
    ] {
        let error = Expected::read(text).unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn nothing_that_was_found_steers_a_terminal() {
    let found = [json!({ "kind": "note", "text": "\u{1b}[2J", "summary": "\u{202e}x", "\u{1b}": 1 })];
    let lines = expected(json!([{ "kind": "note", "text": "a", "summary": "b", "c": 1 }])).differences(&found);
    assert!(!lines.join("").contains(['\u{1b}', '\u{202e}']), "{lines:?}");
}
