//! Patches that would look better than they are: they change what measures, or what nobody accuses. They are withheld, whoever lets them go.

use std::path::Path;

use serde_json::Value;

use crate::common::case::{GIT, case_of, check, git, id, submitted};
use crate::common::{investigate, json, json_error, run, write};

/// A case whose culprit touched the test of its file too, so that the evidence names that test.
const SEED: u64 = 5_202;

/// The fewer checks that test has, the better: a validation that a patch passes which has less of it measured.
const VALIDATION: &str =
    "validation = { command = [\"grep\", \"-c\", \"check\", \"graph_test.go\"], runs = 4, network = true }";

/// Where the patches are, and an operator who lets all of this strategy go.
const SECTIONS: &str = "[sources.docs]\nkind = \"files\"\npath = \"pages\"\n[review]\nseverity = \"critical\"\n\
                        [[review.rules]]\nstrategy = \"cheat\"\nconfidence = 0\n";

/// What a change of a file in the repository is as a patch; the file is as it was afterwards.
fn patch(repo: &Path, file: &str, change: impl FnOnce(&str) -> String) -> String {
    let path = repo.join(file);
    let before = std::fs::read_to_string(&path).unwrap();
    let after = change(&before);
    assert_ne!(before, after, "{file}");
    write(&path, &after);
    let patch = git(repo, &["diff", "--", file]) + "\n";
    write(&path, &before);
    patch
}

/// Writes the patches where the skill finds them; each with the criterion that withholds it, and what is said of it.
fn patches(folder: &Path) -> [(&'static str, &'static str); 3] {
    let repo = folder.join("repo");
    let without = |word: &'static str| {
        move |text: &str| text.split_inclusive('\n').filter(|line| !line.contains(word)).collect::<String>()
    };
    let faster = |text: &str| {
        text.replacen(
            "\tif s.cache.Has(key) {",
            "\ttimer.Observe(time.Since(start).Seconds() / 2)\n\tif s.cache.Has(key) {",
            1,
        )
    };
    for (page, (file, change)) in [
        // Less is checked, in a file that the culprit touched.
        ("graph_test.go", &without("check(") as &dyn Fn(&str) -> String),
        // Another file gets faster.
        ("ranker.go", &without("return")),
        // What is measured is told otherwise, in the very file of the culprit.
        ("graph.go", &faster),
    ]
    .into_iter()
    .enumerate()
    {
        write(folder.join(format!("pages/{}.md", page + 1)), &patch(&repo, file, change));
    }
    [
        ("measurement-untouched", "`graph_test.go` is a test"),
        ("right-issue", "`ranker.go`, which the evidence does not name"),
        ("measurement-untouched", "measures or reports what is measured"),
    ]
}

/// All of a cheat's patches are withheld before anything of them is run, shown with the reason, and cannot be approved or submitted.
fn is_withheld(folder: &Path, skill: &str, expected: &[(&str, &str)]) {
    let before = git(&folder.join("remote.git"), &["for-each-ref"]);
    let answer = investigate(folder);
    let all = answer["mitigations"].as_array().unwrap();
    let cheats: Vec<&Value> = all.iter().filter(|mitigation| mitigation["strategy"] == "cheat").collect();
    assert_eq!(cheats.len(), expected.len(), "{answer:#}");
    for (criterion, says) in expected {
        let is_it = |cheat: &&&Value| {
            let failed = check(cheat, criterion);
            failed["passed"] == false && failed["detail"].as_str().unwrap().contains(says)
        };
        let cheat = cheats.iter().find(is_it).unwrap_or_else(|| panic!("{criterion}: {says}: {cheats:#?}"));
        assert_eq!((&cheat["stage"], &cheat["target"]), (&"withheld".into(), &answer["suspects"][0]["id"]));
        assert_eq!(check(cheat, "applies")["passed"], true, "{cheat:#}");
        assert!(check(cheat, "validation")["passed"].is_null(), "nobody measured: {cheat:#}");
        let number = cheat["proposal"].to_string();

        let shown = json(folder, &["review", "show", id(&answer), &number, "--json"]);
        let shown = &shown["proposals"][0];
        assert!(
            shown["measured"].is_null() && shown["submitted"].is_null() && shown["reviews"] == Value::Array(vec![])
        );
        assert!(shown["needs_person"].as_str().unwrap().contains("loaded"), "{shown:#}");
        let text = String::from_utf8(run(folder, &["review", "show", id(&answer), &number]).stdout).unwrap();
        assert!(text.contains(&format!("{criterion}: FAILS: ")) && text.contains(says), "{text}");
        assert!(shown["patch"] == cheat["patch"] && text.contains("diff --git"), "{text}");

        let (code, error) = json_error(folder, &["review", "approve", id(&answer), &number, "--by", "Ada", "--json"]);
        assert_eq!((code, &error["code"]), (1, &"withheld".into()), "{error}");
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
        let (code, error) = json_error(folder, &["review", "submit", id(&answer), &number, "--json"]);
        assert_eq!((code, &error["code"]), (2, &"proposal".into()), "{error}");
    }
    let by = format!("{skill}@0.1.0");
    let evidence = answer["evidence"].as_array().unwrap();
    assert_eq!(evidence.iter().filter(|one| one["by"] == by.as_str()).count(), expected.len(), "{by}");
    assert_eq!(git(&folder.join("remote.git"), &["for-each-ref"]), before);
    assert!(submitted(folder).is_empty());
}

#[test]
fn what_a_loaded_skill_games_is_withheld() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let loaded = "[skills]\npaths = [\"skills\"]\n[[grants]]\nskill = \"cheat\"\ntools = [\"docs\"]\n";
    case_of(SEED, folder, &format!("{GIT}\n{VALIDATION}"), &format!("{SECTIONS}{loaded}"));
    write(folder.join("skills/.keep"), "");
    std::fs::write(folder.join("skills/cheat.wasm"), negawatt_test_guests::CHEAT).unwrap();
    is_withheld(folder, "cheat", &patches(folder));
}

/// A skill that an operator put in the place of one that the program carries has its name, and no more of its trust.
#[test]
fn what_bears_the_name_of_a_bundled_skill_is_withheld_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let loaded = "[skills]\npaths = [\"skills\"]\nreplace = [\"memoize\"]\n[[grants]]\nskill = \"memoize\"\ntools = [\"docs\"]\n";
    case_of(SEED, folder, &format!("{GIT}\n{VALIDATION}"), &format!("{SECTIONS}{loaded}"));
    let named = negawatt_test_guests::CHEAT_SKILL_MD.replace("name: cheat", "name: memoize");
    write(folder.join("skills/.keep"), "");
    std::fs::write(
        folder.join("skills/memoize.wasm"),
        negawatt_package::pack(negawatt_test_guests::CHEAT, &named).unwrap(),
    )
    .unwrap();
    is_withheld(folder, "memoize", &patches(folder));
}
