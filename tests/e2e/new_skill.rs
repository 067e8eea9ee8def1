//! An expert's story: a new skill is written, built outside of the repository, dropped into a folder, and used by the next
//! investigation without a rebuild: refused without a grant, run with one.

use std::path::Path;

use negawatt_casegen::{Scenario, generate};
use serde_json::Value;

use crate::common;
use crate::common::{investigate, json, run, write};

/// The step of a skill in an answer's plan.
fn step<'a>(answer: &'a Value, skill: &str) -> Option<&'a Value> {
    let steps = answer["plan"].as_array().unwrap();
    steps.iter().find(|step| step["skill"].as_str().unwrap().starts_with(&format!("{skill}@")))
}

fn append(path: &Path, text: &str) {
    let old = std::fs::read_to_string(path).unwrap();
    write(path, &(old + text));
}

#[test]
fn a_new_skill_is_used_without_a_rebuild() {
    let home = tempfile::tempdir().unwrap();
    let made = run(home.path(), &["skill", "new", "gc-pause"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let project = home.path().join("gc-pause");

    // It builds and passes its test as it is.
    std::fs::create_dir(home.path().join("skills")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-skill");
    let built = common::negawatt(&project)
        .args(["skill", "build", "--out", "../skills/gc-pause.wasm"])
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let tested = common::negawatt(&project).args(["skill", "test"]).env("CARGO_TARGET_DIR", &target).output().unwrap();
    assert!(
        tested.status.success(),
        "{}{}",
        String::from_utf8_lossy(&tested.stdout),
        String::from_utf8_lossy(&tested.stderr)
    );
    let inspected = json(home.path(), &["skill", "inspect", "skills/gc-pause.wasm", "--json"]);
    assert_eq!(inspected["name"], "gc-pause");

    // Dropped into a folder, it is refused as long as nobody granted what it imports, and the case goes on.
    // The incident is that of the project's own test case, now in a configuration with the bundled skills.
    let case = home.path().join("case");
    let example = std::fs::read_dir(project.join("cases")).unwrap().next().unwrap().unwrap().path();
    for file in ["incident.json", "topology.csv", "metrics/request_seconds.csv"] {
        write(case.join(file), &std::fs::read_to_string(example.join(file)).unwrap());
    }
    std::fs::create_dir(case.join("skills")).unwrap();
    std::fs::copy(home.path().join("skills/gc-pause.wasm"), case.join("skills/gc-pause.wasm")).unwrap();
    let config = case.join("negawatt.toml");
    write(
        &config,
        "[casebook]\npath = \"casebook\"\n[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n\
         [sources.topology]\nkind = \"files\"\npath = \"topology.csv\"\n[skills]\npaths = [\"skills\"]\n",
    );
    let refused = investigate(&case);
    let denied = step(&refused, "gc-pause").expect("it is in the plan");
    assert_eq!(denied["status"], "denied");
    let message = denied["message"].as_str().unwrap();
    assert!(message.contains("[[grants]]") && message.contains("skill = \"gc-pause\""), "{message}");
    assert_eq!(refused["verdict"], "regression");

    // With exactly the grant that the refusal names, it runs.
    let grant = &message[message.find("[[grants]]").unwrap()..];
    append(&config, &format!("\n{grant}\n"));
    let allowed = investigate(&case);
    let ran = step(&allowed, "gc-pause").expect("it is in the plan");
    assert_eq!(ran["status"], "ok", "{ran}");
    assert!(!ran["evidence"].as_array().unwrap().is_empty(), "{ran}");
    let by = |answer: &Value| {
        let evidence = answer["evidence"].as_array().unwrap();
        evidence.iter().filter(|evidence| evidence["by"].as_str().unwrap().starts_with("gc-pause@")).count()
    };
    assert_eq!((by(&refused), by(&allowed) > 0), (0, true));
    // What it says counts beside the bundled skills.
    let suspect = &allowed["suspects"][0];
    let speaks = |factor: &Value| factor["skill"].as_str().unwrap().starts_with("gc-pause@");
    assert_eq!(suspect["id"], "payments");
    assert!(suspect["factors"].as_array().unwrap().iter().any(speaks), "{suspect}");

    let listed = json(&case, &["skill", "list", "--config", "negawatt.toml", "--json"]);
    assert!(listed["skills"].as_array().unwrap().iter().any(|skill| skill["name"] == "gc-pause"));
}

#[test]
fn the_name_of_a_bundled_skill_cannot_be_borrowed() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 71, folder.path()).unwrap();
    std::fs::create_dir(folder.path().join("skills")).unwrap();
    // Other bytes under a bundled name: the misbehaving skill with another manifest.
    let manifest = negawatt_package::Package::read(negawatt_test_guests::MISCHIEF).unwrap().manifest.text;
    let borrowed = manifest.replace("name: mischief", "name: change-point");
    let wasm = negawatt_package::pack(negawatt_test_guests::MISCHIEF, &borrowed).unwrap();
    std::fs::write(folder.path().join("skills/change-point.wasm"), wasm).unwrap();
    append(&folder.path().join("negawatt.toml"), "\n[skills]\npaths = [\"skills\"]\n");
    let output = run(folder.path(), &["investigate", "incident.json", "--config", "negawatt.toml", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("belongs to a bundled skill") && said.contains("replace"), "{said}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(step(&answer, "change-point").unwrap()["status"], "ok");
    assert_eq!(answer["verdict"], "regression");
}

#[test]
fn a_misbehaving_skill_costs_the_case_one_step() {
    for (title, status) in
        [("panic", "trap"), ("loop", "timeout"), ("confidence 2", "invalid"), ("allocate", "over-budget")]
    {
        let folder = tempfile::tempdir().unwrap();
        generate(Scenario::Commit, 72, folder.path()).unwrap();
        let incident = folder.path().join("incident.json");
        let mut text: Value = serde_json::from_str(&std::fs::read_to_string(&incident).unwrap()).unwrap();
        text["title"] = title.into();
        write(&incident, &text.to_string());
        std::fs::create_dir(folder.path().join("skills")).unwrap();
        std::fs::write(folder.path().join("skills/mischief.wasm"), negawatt_test_guests::MISCHIEF).unwrap();
        // Only what never ends meets its deadline, however busy the machine is.
        let deadline = if title == "loop" { "200ms" } else { "60s" };
        let grant = format!(
            "\n[skills]\npaths = [\"skills\"]\n[[grants]]\nskill = \"mischief\"\ntools = [\"metrics\"]\n\
             compute = \"{deadline}\"\ntime = \"60s\"\n"
        );
        append(&folder.path().join("negawatt.toml"), &grant);
        let answer = investigate(folder.path());
        let step = step(&answer, "mischief").expect("it is in the plan");
        assert_eq!(step["status"], status, "{title}: {step}");
        assert_eq!(step["evidence"], serde_json::json!([]));
        assert_eq!(answer["verdict"], "regression", "{title}");
        assert!(!answer["suspects"].as_array().unwrap().is_empty(), "{title}");
    }
}
