//! What is printed: the fixed JSON has every key, errors say what and where, people's output carries nothing hostile.

use std::path::Path;
use std::process::{Command, Stdio};

use negawatt_casegen::{Scenario, generate};
use negawatt_test_servers::missing;
use serde_json::Value;
use unicode_width::UnicodeWidthChar;

use crate::common;
use crate::common::{json, json_error, negawatt, run, write};

const KEYS: [&str; 12] = [
    "case",
    "verdict",
    "confidence",
    "dismissal",
    "change_point",
    "functions",
    "suspects",
    "mitigations",
    "impact",
    "evidence",
    "plan",
    "usage",
];

#[test]
fn every_key_is_there_whatever_the_verdict() {
    for scenario in [Scenario::Commit, Scenario::Noise, Scenario::Short] {
        let folder = tempfile::tempdir().unwrap();
        generate(scenario, 42, folder.path()).unwrap();
        let answer = common::investigate(folder.path());
        for key in KEYS {
            assert!(answer.get(key).is_some(), "{key} is absent");
        }
        for key in ["functions", "suspects", "mitigations", "evidence", "plan"] {
            assert!(answer[key].is_array(), "{key}");
        }
        for key in ["wall_ms", "skill_calls", "tool_calls", "peak_memory_bytes"] {
            assert!(answer["usage"][key].is_u64(), "{key}");
        }
        let total: f64 = answer["suspects"].as_array().unwrap().iter().map(|s| s["confidence"].as_f64().unwrap()).sum();
        assert!(total <= 1.0 + 1e-9);
        // The same object is shown later.
        let id = answer["case"].as_str().unwrap();
        let shown = json(folder.path(), &["case", "show", id, "--config", "negawatt.toml", "--json"]);
        assert_eq!(shown, answer);
        let list = json(folder.path(), &["case", "list", "--config", "negawatt.toml", "--json"]);
        assert_eq!(list["cases"][0]["case"], answer["case"]);
    }
}

#[test]
fn the_same_incident_gives_the_same_answer() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 43, folder.path()).unwrap();
    let mut first = common::investigate(folder.path());
    let again = common::investigate(folder.path());
    assert_eq!(again["earlier"], first["case"], "it is linked to the earlier case");
    // What was learned from earlier cases may change the order of steps: without them nothing differs.
    std::fs::remove_dir_all(folder.path().join("casebook")).unwrap();
    let mut second = common::investigate(folder.path());
    for answer in [&mut first, &mut second] {
        for key in ["case", "usage", "earlier"] {
            answer[key] = Value::Null;
        }
        for step in answer["plan"].as_array_mut().unwrap() {
            step["wall_us"] = Value::Null;
        }
    }
    assert_eq!(first, second);
}

#[test]
fn bad_input_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 44, folder.path()).unwrap();
    let arguments = ["investigate", "incident.json", "--config", "negawatt.toml", "--json"];

    let incident = folder.path().join("incident.json");
    let good = std::fs::read_to_string(&incident).unwrap();
    write(&incident, &good.replacen("\"window\"", "\"windwo\"", 1));
    let (code, error) = json_error(folder.path(), &arguments);
    assert_eq!(code, 2);
    assert!(error["where"].as_str().unwrap().contains("incident.json"), "{error}");
    assert!(
        error["message"].as_str().unwrap().contains("window") || error["where"].as_str().unwrap().contains("window")
    );
    write(&incident, &good);

    let config = folder.path().join("negawatt.toml");
    let good = std::fs::read_to_string(&config).unwrap();
    write(&config, &good.replacen("kind =", "kin =", 1));
    let (code, error) = json_error(folder.path(), &arguments);
    assert_eq!(code, 2);
    let place = error["where"].as_str().unwrap();
    assert!(place.contains("negawatt.toml:") && place.contains("sources"), "{error}");
    assert!(error["help"].as_str().is_some_and(|help| help.contains("kind")), "{error}");
    write(&config, &good);

    let (code, _) = json_error(folder.path(), &["investigate", "nowhere.json", "--json"]);
    assert_eq!(code, 2);
    let (code, _) = json_error(folder.path(), &["investigate", "--jsno", "--json"]);
    assert_eq!(code, 2);
}

/// What a command prints to people must not steer their terminal.
fn prints_nothing_that_steers(folder: &Path, arguments: &[&str]) {
    let output = run(folder, arguments);
    for stream in [output.stdout, output.stderr] {
        let text = String::from_utf8(stream).unwrap();
        let steers = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!text.contains(steers), "{arguments:?}: {text:?}");
    }
}

#[test]
fn people_see_nothing_that_steers_their_terminal() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Hostile, 45, folder.path()).unwrap();
    prints_nothing_that_steers(folder.path(), &["investigate", "incident.json", "--config", "negawatt.toml"]);
}

#[test]
fn a_skill_cannot_steer_a_terminal() {
    for title in ["terminal", "odd commit", "panic", "error invalid"] {
        let folder = tempfile::tempdir().unwrap();
        generate(Scenario::Commit, 47, folder.path()).unwrap();
        let incident = folder.path().join("incident.json");
        let mut value: Value = serde_json::from_str(&std::fs::read_to_string(&incident).unwrap()).unwrap();
        value["title"] = title.into();
        write(&incident, &value.to_string());
        let skills = folder.path().join("skills");
        std::fs::create_dir(&skills).unwrap();
        std::fs::write(skills.join("mischief.wasm"), negawatt_test_guests::MISCHIEF).unwrap();
        std::fs::write(skills.join("no\u{202e}skill\u{1b}[2J.wasm"), b"no component").unwrap();
        let config = folder.path().join("negawatt.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        let granted = "\n[skills]\npaths = [\"skills\"]\n[[grants]]\nskill = \"mischief\"\ntools = [\"metrics\"]\n";
        write(&config, &(text + granted));
        let with = ["--config", "negawatt.toml"];
        prints_nothing_that_steers(folder.path(), &[&["investigate", "incident.json"][..], &with].concat());
        let id = json(folder.path(), &[&["case", "list", "--json"][..], &with].concat())["cases"][0]["case"].clone();
        prints_nothing_that_steers(folder.path(), &[&["case", "show", id.as_str().unwrap()][..], &with].concat());
        prints_nothing_that_steers(folder.path(), &[&["case", "list"][..], &with].concat());
        prints_nothing_that_steers(folder.path(), &[&["skill", "list"][..], &with].concat());
        let alone = ["skill", "run", "mischief", "--incident", "incident.json"];
        prints_nothing_that_steers(folder.path(), &[&alone[..], &with].concat());
        if let Some(live) = on_a_terminal(folder.path(), "investigate incident.json --config negawatt.toml", 80, &[]) {
            let steers = ["\u{1b}[2J", "\u{1b}]", "\u{7}", "\u{202e}"];
            assert!(steers.iter().all(|sequence| !live.contains(sequence)), "{live:?}");
        }
    }
}

#[test]
fn a_pipe_in_the_skills_folder_is_refused_and_waits_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Noise, 48, folder.path()).unwrap();
    let skills = folder.path().join("skills");
    std::fs::create_dir(&skills).unwrap();
    let made = std::process::Command::new("mkfifo").arg(skills.join("x.wasm")).status().unwrap();
    assert!(made.success());
    let config = folder.path().join("negawatt.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    write(&config, &(text + "\n[skills]\npaths = [\"skills\"]\n"));
    let list = json(folder.path(), &["skill", "list", "--config", "negawatt.toml", "--json"]);
    assert!(list["refused"][0]["reason"].as_str().unwrap().contains("not a file"), "{list}");
}

const WITH: [&str; 2] = ["--config", "negawatt.toml"];

/// A case that was investigated: its folder and its id.
fn investigated(scenario: Scenario, seed: u64) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    generate(scenario, seed, folder.path()).unwrap();
    let id = common::investigate(folder.path())["case"].as_str().unwrap().to_owned();
    (folder, id)
}

/// Prints a case again, in an environment in which nothing is said of colours but this.
fn shown(folder: &Path, id: &str, environment: &[(&str, &str)]) -> String {
    let mut command = negawatt(folder);
    for name in ["NO_COLOR", "COLUMNS", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color").envs(environment.iter().copied());
    let output = command.args(["case", "show", id]).args(WITH).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command line prints on a terminal of so many columns; nothing where util-linux is not installed.
fn on_a_terminal(folder: &Path, line: &str, columns: usize, environment: &[(&str, &str)]) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_negawatt");
    let line = format!("stty cols {columns} rows 50; '{program}' {line}");
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(folder);
    for (name, value) in negawatt(folder).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    for name in ["NO_COLOR", "COLUMNS", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color").envs(environment.iter().copied());
    let output = match command.stdin(Stdio::null()).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            missing("script", "apt-get install bsdutils");
            return None;
        }
        output => output.unwrap(),
    };
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    Some(text.replace("\r\n", "\n"))
}

fn columns(line: &str) -> usize {
    line.chars().map(|c| c.width().unwrap_or(0)).sum()
}

#[test]
fn a_report_fits_its_width() {
    let (folder, id) = investigated(Scenario::Hostile, 51);
    for (width, most) in [("40", 40), ("80", 80), ("200", 140), ("7", 40)] {
        let text = shown(folder.path(), &id, &[("COLUMNS", width)]);
        let widest = text.lines().map(columns).max().unwrap();
        assert!(widest <= most && widest > most / 2, "{widest} of {most}:\n{text}");
        for word in ["Verdict", "Change", "Functions", "Suspects", "Considered", "Plan", "Next", "▲", "┊", "landed 20"]
        {
            assert!(text.contains(word), "{word} is missing at {width}:\n{text}");
        }
        assert!(!text.contains('\u{1b}'));
    }
    let piped = shown(folder.path(), &id, &[]);
    assert_eq!(piped, shown(folder.path(), &id, &[("COLUMNS", "100")]), "what is piped has 100 columns");
    let ascii = shown(folder.path(), &id, &[("LC_ALL", "C")]);
    assert!(ascii.is_ascii() && ascii.contains('^') && ascii.contains("->"), "{ascii}");
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let (folder, id) = investigated(Scenario::Commit, 52);
    let line = format!("case show {id} --config negawatt.toml");
    let terminal = |columns, environment: &[_]| on_a_terminal(folder.path(), &line, columns, environment);
    let Some(wide) = terminal(80, &[]) else { return };
    assert!(wide.contains("\u{1b}[1mVerdict"), "{wide}");
    for environment in [&[("NO_COLOR", "1")][..], &[("TERM", "dumb")], &[("TERM", "dumb"), ("CI", "true")]] {
        let plain = terminal(80, environment).unwrap();
        assert!(!plain.contains('\u{1b}') && plain.contains("Verdict"), "{environment:?}: {plain}");
        assert_eq!(plain, shown(folder.path(), &id, &[("COLUMNS", "80")]), "a terminal says its width");
    }
    let narrow = terminal(50, &[("NO_COLOR", "1")]).unwrap();
    assert!(narrow.lines().all(|line| columns(line) <= 50), "{narrow}");
    let forced = shown(folder.path(), &id, &[("CLICOLOR_FORCE", "1"), ("COLUMNS", "80")]);
    assert_eq!(forced, wide, "who asks for colours gets them piped");
}

#[test]
fn progress_is_live_on_a_terminal_and_plain_lines_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 53, folder.path()).unwrap();
    let line = "investigate incident.json --config negawatt.toml >/dev/null";
    let Some(live) = on_a_terminal(folder.path(), line, 80, &[("NO_COLOR", "1")]) else { return };
    assert!(live.contains("\u{1b}[") && live.contains("✓  s1   change-point@"), "{live:?}");
    // What moves the cursor ends in another letter.
    let mut sequences = live.split("\u{1b}[").skip(1);
    let is_colour = |rest: &str| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m');
    assert!(!sequences.any(is_colour), "no colours: {live:?}");
    let dumb = on_a_terminal(folder.path(), line, 80, &[("TERM", "dumb"), ("CI", "true")]).unwrap();
    let quiet = on_a_terminal(folder.path(), &format!("--json {line}"), 80, &[]).unwrap();
    assert_eq!(quiet, "", "whoever reads JSON is not told");
    let piped = run(folder.path(), &["investigate", "incident.json", WITH[0], WITH[1]]);
    let piped = String::from_utf8(piped.stderr).unwrap();
    for text in [dumb, piped] {
        let plain = |c: char| !c.is_control() || c == '\n';
        assert!(text.chars().all(plain), "{text:?}");
        assert!(text.contains("change-point@") && text.contains("runs") && text.contains("finding"), "{text}");
    }
}

#[test]
fn a_case_without_its_series_has_no_picture() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 54, folder.path()).unwrap();
    std::fs::remove_dir_all(folder.path().join("metrics")).unwrap();
    std::fs::create_dir(folder.path().join("metrics")).unwrap();
    let output = run(folder.path(), &["investigate", "incident.json", WITH[0], WITH[1]]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("inconclusive") && text.contains("negawatt doctor"), "{text}");
    assert!(!text.contains('┤') && !text.contains("Series\n"), "{text}");
}

#[test]
fn a_long_series_is_drawn_whole() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 55, folder.path()).unwrap();
    let incident: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("incident.json")).unwrap()).unwrap();
    let seconds = |edge: &str| {
        let text = incident["window"][edge].as_str().unwrap();
        negawatt_host::time::parse_rfc3339(text).unwrap() / 1_000_000
    };
    let metric = &incident["metric"];
    let labels = metric["labels"].as_object().unwrap();
    let names: Vec<_> = labels.keys().map(String::as_str).collect();
    let values: Vec<_> = labels.values().map(|value| value.as_str().unwrap()).collect();
    const COUNT: i64 = 20_000;
    let (start, end) = (seconds("start"), seconds("end"));
    let mut csv = format!("time,{},value\n", names.join(","));
    for n in 0..COUNT {
        let time = start + (end - start) * n / COUNT;
        let level = if n < COUNT / 2 { 100 } else { 150 };
        csv += &format!("{time},{},{}\n", values.join(","), level + n * 7919 % 13);
    }
    write(folder.path().join("metrics").join(metric["name"].as_str().unwrap()).with_extension("csv"), &csv);
    let output = negawatt(folder.path())
        .args(["investigate", "incident.json", WITH[0], WITH[1]])
        .envs([("LC_ALL", "C.UTF-8"), ("COLUMNS", "100")])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<_> = text.lines().filter(|line| line.contains('┤') || line.contains('│')).collect();
    assert_eq!(rows.len(), 8, "{text}");
    // No gap: every column holds values, below on the left, above on the right.
    let filled = |row: &str| row.chars().filter(|c| ('\u{2801}'..='\u{28ff}').contains(c)).count();
    assert!(filled(rows[0]) >= 43 && filled(rows[7]) >= 43, "{text}");
}

#[test]
fn every_verdict_says_what_to_do() {
    for (scenario, words) in [
        (Scenario::Noise, ["dismissed", "nothing changed beyond chance", "Series", "nothing to do"]),
        (Scenario::Improvement, ["dismissed", "it is no regression", "▲", "nothing to do"]),
        (Scenario::Short, ["inconclusive", "nobody can say", "Series", "more of before and after"]),
    ] {
        let (folder, id) = investigated(scenario, 56);
        let text = shown(folder.path(), &id, &[]);
        for word in words {
            assert!(text.contains(word), "{scenario}: {word} is missing:\n{text}");
        }
    }
}

#[test]
fn a_plan_is_a_graph_that_graphviz_reads() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Hostile, 57, folder.path()).unwrap();
    let arguments = ["plan", "incident.json", "--dot", WITH[0], WITH[1]];
    let output = run(folder.path(), &arguments);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(text.starts_with("digraph plan {\n") && text.ends_with("}\n"), "{text}");
    assert!(text.contains("[label=\"change-point\", style=solid]"), "{text}");
    prints_nothing_that_steers(folder.path(), &arguments);
    let mut dot = Command::new("dot");
    dot.arg("-Tplain").stdin(Stdio::piped()).stdout(Stdio::piped());
    match dot.spawn() {
        Ok(mut dot) => {
            std::io::Write::write_all(&mut dot.stdin.take().unwrap(), &output.stdout).unwrap();
            let drawn = dot.wait_with_output().unwrap();
            assert!(drawn.status.success() && String::from_utf8_lossy(&drawn.stdout).contains("edge"), "{text}");
        }
        Err(_) => missing("dot", "apt-get install graphviz"),
    }
}

#[test]
fn shells_complete_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(folder.path(), &["completions", shell]);
        assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("investigate"), "{shell}");
        std::fs::write(folder.path().join(shell), output.stdout).unwrap();
    }
    let bash = |line: &str| {
        let output = Command::new("bash").args(["--norc", "-c", line]).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    bash("bash -n bash");
    let typed =
        "source ./bash; COMP_WORDS=(negawatt inv); COMP_CWORD=1; _negawatt negawatt inv negawatt; echo ${COMPREPLY[*]}";
    assert_eq!(bash(typed), "investigate\n");
}

#[test]
fn cases_are_listed_and_found() {
    let (folder, id) = investigated(Scenario::Commit, 58);
    let list = |filter: &[&str]| {
        let output = run(folder.path(), &[&["case", "list"][..], &WITH, filter].concat());
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let all = list(&[]);
    assert!(all.contains(&id[..10]) && all.contains("regression") && all.contains(" %"), "{all}");
    assert_eq!(all.lines().count(), 2, "{all}");
    assert_eq!(list(&["--verdict", "regression"]), all);
    assert!(list(&["--verdict", "dismissed"]).contains("no such cases"));
    assert!(list(&["--service", "nobody"]).contains("no such cases"));
    let listed = json(folder.path(), &[&["case", "list", "--json", "--limit", "1"][..], &WITH].concat());
    let whole = json(folder.path(), &[&["case", "show", &id, "--json"][..], &WITH].concat());
    assert_eq!(listed["cases"][0]["suspect"]["id"], whole["suspects"][0]["id"]);
    assert_eq!(listed["cases"][0]["confidence"], whole["confidence"]);
    assert_eq!(run(folder.path(), &["case", "list", "--verdict", "guilty"]).status.code(), Some(2));
    let skills = run(folder.path(), &["skill", "list", WITH[0], WITH[1]]);
    let skills = String::from_utf8(skills.stdout).unwrap();
    let tools = skills.lines().find(|line| line.starts_with("culprit-commit@")).unwrap();
    assert!(skills.lines().next().unwrap().contains("tools") && tools.contains("configs code"), "{skills}");
}

#[test]
fn a_plan_is_printed_without_running_it() {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 46, folder.path()).unwrap();
    let output = run(folder.path(), &["plan", "incident.json", "--config", "negawatt.toml"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("change-point") && text.contains("suspect"), "{text}");
    let list = json(folder.path(), &["case", "list", "--config", "negawatt.toml", "--json"]);
    assert_eq!(list["cases"], serde_json::json!([]));
}

#[test]
fn the_demo_leaves_its_recording_where_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let answer = json(folder.path(), &["demo", "--keep", "shop", "--json"]);
    let commit = answer["suspects"][0]["id"].as_str().unwrap();
    let git = ["--git-dir", "shop/repo", "show", "--stat", commit];
    assert!(Command::new("git").args(git).current_dir(folder.path()).output().unwrap().status.success());
    let again = json(folder.path(), &["investigate", "shop/incident.json", "--config", "shop/negawatt.toml", "--json"]);
    assert_eq!(again["suspects"][0]["id"], answer["suspects"][0]["id"]);
    let (code, error) = json_error(folder.path(), &["demo", "--keep", "shop", "--json"]);
    assert_eq!((code, &error["where"]), (2, &Value::from("shop")), "what is there is not written over: {error}");
}

#[test]
fn help_is_there_for_every_command_with_examples() {
    let folder = tempfile::tempdir().unwrap();
    let help = |command: &[&str]| {
        let output = run(folder.path(), &[command, &["--help"]].concat());
        assert!(output.status.success(), "{command:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for command in [
        "",
        "demo",
        "investigate",
        "plan",
        "doctor",
        "completions",
        "grants",
        "grants explain",
        "config",
        "config schema",
        "case",
        "case list",
        "case show",
        "case resume",
        "skill",
        "skill new",
        "skill build",
        "skill test",
        "skill inspect",
        "skill key",
        "skill sign",
        "skill list",
        "skill run",
    ] {
        let text = help(&command.split_whitespace().collect::<Vec<_>>());
        assert!(text.contains("Example") && text.contains(&format!("negawatt {command}")), "{command}:\n{text}");
    }
    let text = help(&[]);
    for variable in ["NEGAWATT_LOG", "NO_COLOR", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        assert!(text.contains(variable), "{variable} is missing:\n{text}");
    }
}
