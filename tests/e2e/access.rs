//! Tokens are made and ended, and the log says so.

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{json, json_error, negawatt, write};

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("negawatt.toml"), "[casebook]\npath = \"casebook\"\n");
    folder
}

fn shown(folder: &TempDir, arguments: &[&str]) -> String {
    let output =
        negawatt(folder.path()).env("COLUMNS", "140").env("LC_ALL", "C.UTF-8").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_token_is_made_listed_and_ended() {
    let folder = folder();
    let of = |arguments: &[&str]| json(folder.path(), arguments);
    let made = of(&["token", "create", "--name", "ci", "--role", "operator", "--expires", "90d", "--json"]);
    let (id, secret) = (made["token"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    assert!(secret.starts_with(&format!("ngw_{id}_")) && secret.len() == 81, "{made}");
    assert_eq!(made["token"]["rights"], serde_json::json!(["read", "operate"]));
    assert!(made["token"]["expires"].as_str().unwrap().ends_with('Z'), "{made}");

    let text = shown(&folder, &["token", "create", "--name", "ada", "--role", "reviewer"]);
    assert!(text.starts_with("ngw_") && text.contains("not shown again") && text.contains("expires  never"), "{text}");
    let listed = shown(&folder, &["token", "list"]);
    assert!(listed.contains(id) && listed.contains("reviewer") && listed.contains("never"), "{listed}");
    assert!(!listed.contains(&secret[17..]) && !of(&["token", "list", "--json"]).to_string().contains(&secret[17..]));

    let ended = of(&["token", "revoke", id, "--json"]);
    assert!(ended["token"]["revoked"].is_string());
    assert!(shown(&folder, &["token", "list"]).contains("revoked"));
    let log = of(&["audit", "list", "--json"]);
    let actions: Vec<_> =
        log["entries"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["token.create", "token.create", "token.revoke"]);
    assert_eq!(of(&["audit", "list", "--limit", "1", "--json"])["entries"][0]["number"], 3);
    let text = shown(&folder, &["audit", "list"]);
    assert!(
        text.contains("token.revoke") && text.contains("of this machine") && !text.contains(&secret[17..]),
        "{text}"
    );
}

#[test]
fn mistakes_say_what_to_do() {
    let folder = folder();
    for (arguments, code, says) in [
        (&["token", "revoke", "0123456789ab", "--json"][..], "token", "negawatt token list"),
        (&["token", "create", "--name", " ", "--role", "viewer", "--json"], "token", "1 to 64 characters"),
        (&["token", "create", "--name", "x", "--role", "root", "--json"], "usage", "viewer"),
        (&["token", "create", "--name", "x", "--role", "viewer", "--expires", "soon", "--json"], "usage", "90d"),
        (&["audit", "verify", "--expect", "17", "--json"], "usage", "17:<64"),
    ] {
        let (exit, error) = json_error(folder.path(), arguments);
        assert_eq!((exit, error["code"].as_str()), (2, Some(code)), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_log_that_was_changed_is_found() {
    let folder = folder();
    let of = |arguments: &[&str]| json(folder.path(), arguments);
    assert_eq!(of(&["audit", "verify", "--json"])["entries"], 0);
    for name in ["a", "b", "c"] {
        of(&["token", "create", "--name", name, "--role", "viewer", "--json"]);
    }
    let whole = of(&["audit", "verify", "--json"]);
    let head = whole["head"].as_str().unwrap();
    assert!(whole["entries"] == 3 && head.starts_with("3:"), "{whole}");
    assert!(shown(&folder, &["audit", "verify"]).contains(head));
    of(&["token", "create", "--name", "d", "--role", "viewer", "--json"]);
    assert_eq!(of(&["audit", "verify", "--expect", head, "--json"])["entries"], 4, "it may grow");

    let broken = |expect: &[&str]| -> Value {
        let (exit, error) = json_error(folder.path(), &[&["audit", "verify", "--json"], expect].concat());
        assert_eq!((exit, error["code"].as_str()), (1, Some("audit")), "{error}");
        error
    };
    let raw = Connection::open(folder.path().join("casebook/access.db")).unwrap();
    raw.execute_batch("DROP TRIGGER entry_is_never_removed; DELETE FROM entry WHERE number >= 3").unwrap();
    assert_eq!(of(&["audit", "verify", "--json"])["entries"], 2, "what is left is whole");
    assert!(broken(&["--expect", head])["message"].as_str().unwrap().contains("entry 3"));
    raw.execute_batch("DELETE FROM entry WHERE number = 1").unwrap();
    assert!(broken(&[])["message"].as_str().unwrap().contains("entry 1"));
}
