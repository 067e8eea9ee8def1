//! Every attack ends as it must, the neighbour notices none, and the documentation says so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use negawatt_adversarial::{Arena, Row, Scoreboard, corpus, export, run};

/// Set by whoever wants the documentation written anew.
const WRITE: &str = "NEGAWATT_WRITE_SCOREBOARD";

/// The command that does it.
const COMMAND: &str = "NEGAWATT_WRITE_SCOREBOARD=1 cargo test --workspace --test corpus";

const HEAD: &str = "\
# The sandbox against the hostile corpus

What `negawatt doctor --sandbox` does on your machine: every attack of [`tests/adversarial`](../tests/adversarial) is let loose
against a host with every limit on, beside an innocent skill that asks for its metric once a millisecond. The innocent skill's
answers were the same byte for byte before, beside and after every attack.

This table is written by the test run and never by hand. Times were measured by the run that wrote it, of a build without
optimisation on a two-core virtual machine that did other things too; to write it anew:

";

fn documentation() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sandbox-scoreboard.md")
}

/// What is the same on every machine: the first four columns.
fn stable(document: &str) -> Vec<String> {
    let rows = document.lines().filter(|line| line.starts_with("| "));
    rows.map(|row| row.split(" | ").take(4).collect::<Vec<_>>().join(" | ").trim_end_matches([' ', '|']).to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_ends_as_it_must_and_the_documentation_says_so() {
    let write = std::env::var_os(WRITE).is_some();
    let at_once = if write { 1 } else { 4 };
    let arena = Arc::new(Arena::new(None).unwrap());
    let rows = run(&arena, corpus(), at_once, |_| {}).await.unwrap();
    let scoreboard = Scoreboard::of(rows);
    let describe = |row: &Row| {
        let (expected, seen) = (&row.expected, &row.seen);
        format!(
            "{}: {}\n  expected {expected}\n  seen     {}: {}\n",
            row.attack,
            row.problem.as_deref().unwrap_or_default(),
            seen.ending,
            seen.said
        )
    };
    let failures: String = scoreboard.failures().map(describe).collect();
    assert!(failures.is_empty(), "{failures}");
    let table = format!("{HEAD}```sh\n{COMMAND}\n```\n\n{}", scoreboard.markdown());
    if write {
        std::fs::write(documentation(), table).unwrap();
        return;
    }
    let documented = std::fs::read_to_string(documentation()).unwrap_or_default();
    let (documented, seen) = (stable(&documented), stable(&table));
    let missing: Vec<_> = seen.iter().filter(|row| !documented.contains(row)).collect();
    let missing = missing.iter().map(|row| format!("{row}\n")).collect::<String>();
    assert!(documented == seen, "docs/sandbox-scoreboard.md lacks what was seen; write it anew: {COMMAND}\n{missing}");
}

#[test]
fn the_corpus_is_large_and_its_names_are_unique() {
    let attacks = corpus();
    let names: BTreeSet<_> = attacks.iter().map(|attack| attack.name).collect();
    assert_eq!(names.len(), attacks.len());
    assert!(attacks.len() >= 100, "{}", attacks.len());
    for attack in &attacks {
        let plain = attack.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        assert!(plain && attack.about.ends_with('.') && !attack.family.is_empty(), "{}", attack.name);
    }
}

#[test]
fn the_corpus_can_be_taken_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let attacks: Vec<_> = corpus().into_iter().filter(|attack| attack.family == "abi").collect();
    export(&attacks, folder.path()).unwrap();
    let described: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("corpus.json")).unwrap()).unwrap();
    let described = described["attacks"].as_array().unwrap();
    assert_eq!(described.len(), attacks.len());
    for attack in described {
        let wasm = std::fs::read(folder.path().join(attack["file"].as_str().unwrap())).unwrap();
        assert!(wasm.starts_with(b"\0asm"), "{attack}");
    }
}
