//! `negawatt doctor --sandbox`: the built program, without its source tree, holds against the hostile corpus.

use serde_json::Value;

use crate::common::{json, json_error, negawatt, run};

#[test]
fn every_attack_ends_as_it_must_on_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["doctor", "--sandbox", "--json"]);
    let scoreboard: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = scoreboard["attacks"].as_array().unwrap();
    let failed: Vec<_> = rows.iter().filter(|row| row["as_expected"] != true).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(output.status.success() && scoreboard["ok"] == true && rows.len() >= 100, "{}", rows.len());
    for row in rows {
        let neighbour = &row["neighbour"];
        assert!(row["expected"]["ending"] == row["seen"]["ending"] && row["time_us"].is_u64(), "{row}");
        assert!(neighbour["calls"].as_u64() >= Some(1) && neighbour["beside_us"].as_u64() > Some(0), "{row}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "it leaves nothing behind: {left:?}");
}

#[test]
fn the_corpus_can_be_kept_for_other_hosts() {
    let folder = tempfile::tempdir().unwrap();
    let kept = json(folder.path(), &["doctor", "--sandbox", "--keep", "corpus", "--json"]);
    let described = std::fs::read(folder.path().join("corpus/corpus.json")).unwrap();
    let described: Value = serde_json::from_slice(&described).unwrap();
    assert_eq!(Some(described["attacks"].as_array().unwrap().len() as u64), kept["attacks"].as_u64());
    assert!(folder.path().join("corpus/infinite-loop.wasm").is_file());
    let (code, error) = json_error(folder.path(), &["doctor", "--sandbox", "--keep", "corpus", "--json"]);
    assert_eq!((code, &error["code"]), (1, &"folder".into()), "a folder that is there is left alone");
    let both = negawatt(folder.path()).args(["doctor", "--sandbox", "--config", "x.toml"]).output().unwrap();
    assert_eq!(both.status.code(), Some(2));
}
