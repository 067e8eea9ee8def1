//! `negawatt doctor`: what works is told, and all that does not, each with its place.

use std::net::TcpListener;
use std::path::Path;

use negawatt_casegen::{Scenario, generate};
use negawatt_test_servers::GitHub;
use serde_json::Value;

use crate::common::case::git;
use crate::common::github::put_token;
use crate::common::{json, json_error, negawatt, run, write};

const DOCTOR: [&str; 4] = ["doctor", "--config", "negawatt.toml", "--json"];

/// The object that a doctor prints who found that something does not work. The diagnosis could be made, so the command
/// succeeded; for people, who see no object, it fails, with nothing said twice.
fn found_problems(folder: &Path, arguments: &[&str]) -> Value {
    let output = run(folder, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["ok"], false);
    let for_people: Vec<_> = arguments.iter().filter(|argument| **argument != "--json").copied().collect();
    let output = run(folder, &for_people);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), Some(lines(&text, "✗") as u64)), (Some(1), found["failures"].as_u64()), "{text}");
    found
}

fn source<'a>(found: &'a Value, tool: &str) -> &'a Value {
    let sources = found["sources"].as_array().unwrap();
    sources.iter().find(|source| source["tools"][0] == tool).unwrap_or_else(|| panic!("{tool}: {found:#}"))
}

fn answers<'a>(found: &'a Value, tool: &str) -> &'a str {
    source(found, tool)["answers"].as_str().unwrap_or_else(|| panic!("{tool}: {found:#}"))
}

/// Message, place and help.
fn problem(found: &Value, tool: &str) -> String {
    let problem = &source(found, tool)["problem"];
    ["message", "where", "help"].map(|key| problem[key].as_str().unwrap_or_default().to_owned()).join(" | ")
}

/// A case with every source but `docs`: what the generator left out is written here.
fn case() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 51, folder.path()).unwrap();
    let config = folder.path().join("negawatt.toml");
    for (name, file, content) in [
        ("configs", "configs.jsonl", "{\"id\":\"1\",\"time\":0,\"service\":\"web\",\"key\":\"k\"}\n"),
        ("experiments", "experiments.jsonl", "{\"id\":\"1\",\"service\":\"web\",\"name\":\"n\",\"start\":0}\n"),
        ("topology", "topology.csv", "caller,callee\nweb,cart\nweb,db\n"),
    ] {
        if !folder.path().join(file).exists() {
            write(folder.path().join(file), content);
            let section = format!("\n[sources.{name}]\nkind = \"files\"\npath = \"{file}\"\n");
            write(&config, &(std::fs::read_to_string(&config).unwrap() + &section));
        }
    }
    folder
}

fn lines(text: &str, beginning: &str) -> usize {
    text.lines().filter(|line| line.trim_start().starts_with(beginning)).count()
}

#[test]
fn what_works_says_what_it_can_answer() {
    let folder = case();
    let found = json(folder.path(), &DOCTOR);
    assert_eq!((&found["ok"], &found["config"]), (&Value::Bool(true), &Value::from("negawatt.toml")));
    assert_eq!(found["failures"], 0);
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        let output = command.arg("-C").arg(folder.path().join("repo")).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let commits = format!("{} commits, newest ", git(&["rev-list", "--count", "HEAD"]).trim());
    assert!(answers(&found, "changes").starts_with(&commits), "{found:#}");
    assert_eq!(source(&found, "changes")["tools"], serde_json::json!(["changes", "code"]));
    let files = |of: &str| std::fs::read_dir(folder.path().join(of)).unwrap();
    let service = files("profiles").next().unwrap().unwrap().file_name().into_string().unwrap();
    assert!(source(&found, "profiles")["services"].as_array().unwrap().contains(&service.clone().into()), "{found:#}");
    assert!(answers(&found, "profiles").ends_with("(folded)"), "{found:#}");
    assert!(answers(&found, "metrics").starts_with(&files("metrics").count().to_string()), "{found:#}");
    let calls = std::fs::read_to_string(folder.path().join("topology.csv")).unwrap().trim().lines().count() - 1;
    assert!(answers(&found, "topology").ends_with(&format!(", {calls} calls")), "{found:#}");
    let without: Vec<_> = found["without_source"].as_array().unwrap().iter().map(|tool| tool["tool"].clone()).collect();
    assert_eq!(without, ["docs"]);
    assert!(found["skills"]["bundled"].as_u64().unwrap() >= 4);

    let text = String::from_utf8(run(folder.path(), &DOCTOR[..3]).stdout).unwrap();
    assert_eq!((lines(&text, "✗"), lines(&text, "✓ metrics"), lines(&text, "– docs")), (0, 1, 1), "{text}");
    assert!(text.contains("add [sources.docs]") && text.contains(&commits), "{text}");
    assert!(
        lines(&text, "✓ sandbox") == 1 && lines(&text, "✓ casebook") == 1 && lines(&text, "✓ cache") == 1,
        "{text}"
    );
}

#[test]
fn colours_are_for_terminals() {
    let folder = case();
    let printed = |forced: bool| {
        let mut command = negawatt(folder.path());
        command.args(&DOCTOR[..3]).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        if forced {
            command.env("CLICOLOR_FORCE", "1");
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(printed(true).contains("\u{1b}[32m✓"));
    assert!(!printed(false).contains('\u{1b}'));
}

#[test]
fn marks_are_ascii_where_nothing_else_can_be_shown() {
    let folder = case();
    for (name, value) in [("LC_ALL", "C"), ("TERM", "linux")] {
        let mut command = negawatt(folder.path());
        command.args(&DOCTOR[..3]).env(name, value);
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert!(text.is_ascii() && lines(&text, "+ metrics") == 1 && lines(&text, "- docs") == 1, "{text}");
    }
}

#[test]
fn every_source_that_is_broken_is_told_with_its_place() {
    let folder = case();
    let configs = folder.path().join("configs.jsonl");
    let text = std::fs::read_to_string(&configs).unwrap();
    write(&configs, &format!("\n{{\"id\": 7}}\n{text}"));
    write(folder.path().join("topology.csv"), "from,to\na,b\n");
    std::fs::remove_dir_all(folder.path().join("repo")).unwrap();
    write(folder.path().join("profiles/new-\u{1b}[2Jservice/2026-01-01T00-00-00Z.folded"), "main;f 1\nmain\n");
    let metrics = folder.path().join("metrics");
    write(metrics.join("zzz.csv"), "time,value\nyesterday,1\n");
    let found = found_problems(folder.path(), &DOCTOR);
    for (tool, texts) in [
        ("metrics", &["zzz.csv:2: ", "sources.metrics.path"][..]),
        ("changes", &["repo is not a git repository", "sources.changes.path", "name the folder of a git"]),
        ("configs", &["configs.jsonl:2: ", "sources.configs.path"]),
        ("topology", &["topology.csv:1: there is no column `caller`", "sources.topology.path"]),
        ("profiles", &["2026-01-01T00-00-00Z.folded:2: there is no count", "sources.profiles.path"]),
    ] {
        let problem = problem(&found, tool);
        assert!(texts.iter().all(|text| problem.contains(text)), "{problem}");
        assert!(problem.contains("negawatt.toml:"), "{problem}");
        assert!(!problem.contains('\u{1b}'));
    }
    assert!(answers(&found, "experiments").contains("experiment"), "the others are not hidden: {found:#}");
    let output = run(folder.path(), &DOCTOR[..3]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), lines(&text, "✗"), lines(&text, "✓ experiments")), (Some(1), 5, 1), "{text}");
    assert!(!text.contains('\u{1b}') && lines(&text, "help:") >= 5, "{text}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("5 things that are configured do not work"));
}

/// A configuration with a Prometheus that stands at this address, and other sources that work.
fn with_prometheus(address: std::net::SocketAddr) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("docs/a.md"), "# A\n");
    let text = format!(
        "[sources.metrics]\nkind = \"prometheus\"\nurl = \"http://{address}\"\n[sources.docs]\nkind = \"files\"\npath = \"docs\"\n"
    );
    write(folder.path().join("negawatt.toml"), &text);
    folder
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = with_prometheus(address);
    let found = found_problems(folder.path(), &DOCTOR);
    assert!(problem(&found, "metrics").contains(&format!("http://{address}")), "{found:#}");
    assert_eq!(source(&found, "metrics")["kind"], "prometheus");
    assert_eq!(answers(&found, "docs"), "1 page");
}

#[test]
fn a_server_that_never_answers_is_not_waited_for() {
    // Connections are made by the system; nobody ever takes them.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = with_prometheus(listener.local_addr().unwrap());
    let found = found_problems(folder.path(), &[&DOCTOR[..], &["--wait", "1"]].concat());
    assert!(problem(&found, "metrics").contains("no answer within 1 s"), "{found:#}");
    assert_eq!(answers(&found, "docs"), "1 page");
}

#[test]
fn without_a_configuration_it_says_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["doctor"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("Write a file negawatt.toml such as:\n\n  [sources.metrics]\n"), "{text}");
    assert_eq!((lines(&text, "✗"), lines(&text, "– metrics"), lines(&text, "– code")), (0, 1, 1), "{text}");
    let found = json(folder.path(), &["doctor", "--json"]);
    assert_eq!(
        (&found["ok"], &found["config"], &found["sources"]),
        (&true.into(), &Value::Null, &serde_json::json!([]))
    );
    // What it says to write is a configuration.
    let written: String = text
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .take_while(|line| !line.contains('–'))
        .map(|line| format!("{line}\n"))
        .collect();
    write(folder.path().join("negawatt.toml"), &written);
    assert_eq!(run(folder.path(), &["doctor", "--wait", "1"]).status.code(), Some(1), "{written}");
}

#[test]
fn a_configuration_that_cannot_be_read_is_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let (code, error) = json_error(folder.path(), &["doctor", "--config", "nowhere.toml", "--json"]);
    assert_eq!((code, &error["code"]), (2, &"config".into()));
    write(folder.path().join("negawatt.toml"), "[sources.metrics]\nkin = 1\n");
    let (code, error) = json_error(folder.path(), &DOCTOR);
    assert!(code == 2 && error["where"].as_str().unwrap().contains("negawatt.toml:"), "{error}");
}

#[test]
fn a_machine_that_cannot_run_skills_is_told() {
    let folder = case();
    let mut limited = std::process::Command::new("sh");
    // Less address space than sandboxes reserve.
    limited.args(["-c", "ulimit -v 4000000; exec \"$0\" \"$@\""]).arg(env!("CARGO_BIN_EXE_negawatt")).args(DOCTOR);
    let output = limited.current_dir(folder.path()).env("XDG_CACHE_HOME", folder.path()).output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!((output.status.code(), &found["ok"]), (Some(0), &Value::Bool(false)), "{found:#}");
    assert!(found["sandbox"]["problem"]["message"].as_str().unwrap().contains("sandbox"), "{found:#}");
    assert!(answers(&found, "metrics").contains("metric"), "{found:#}");
}

#[test]
fn skills_that_cannot_run_rights_and_the_fleet() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("skills")).unwrap();
    std::fs::write(path("skills/mischief.wasm"), negawatt_test_guests::MISCHIEF).unwrap();
    std::fs::write(path("skills/text.wasm"), "no component").unwrap();
    write(path("topology.csv"), "caller,callee\nweb,cart\n");
    write(path("casebook"), "not a folder");
    let worth = "servers = 10\ncores_per_server = 8\nwatts_per_core = 5\n";
    let config = format!(
        "[skills]\npaths = [\"skills\", \"none\"]\n[sources.topology]\nkind = \"files\"\npath = \"topology.csv\"\n\
         [casebook]\npath = \"casebook\"\n[fleet.services.cart]\n{worth}[fleet.services.carrt]\n{worth}"
    );
    write(path("negawatt.toml"), &config);
    let found = found_problems(folder.path(), &DOCTOR);
    let skills = &found["skills"];
    assert_eq!(skills["loaded"], 1);
    assert_eq!(skills["without_grant"][0]["skill"], "mischief");
    let grant = skills["without_grant"][0]["grant"].as_str().unwrap();
    assert!(skills["refused"][0]["file"].as_str().unwrap().ends_with("text.wasm"), "{found:#}");
    assert!(skills["unreadable"][0]["where"].as_str().unwrap().contains("skills.paths"), "{found:#}");
    assert!(found["casebook"]["problem"]["message"].is_string(), "{found:#}");
    assert_eq!(found["fleet"][0], serde_json::json!({"service": "carrt", "cores": 80.0, "known": false}));
    assert_eq!(found["fleet"][1]["known"], true);
    let text = String::from_utf8(run(folder.path(), &DOCTOR[..3]).stdout).unwrap();
    assert_eq!((lines(&text, "✗"), lines(&text, "– fleet"), lines(&text, "✓ fleet")), (4, 1, 1), "{text}");
    // With the grant that it proposes, the skill can run; a limit that cannot be is a mistake of the file.
    write(path("negawatt.toml"), &format!("{config}{grant}\n"));
    assert_eq!(found_problems(folder.path(), &DOCTOR)["skills"]["without_grant"], serde_json::json!([]));
    write(path("negawatt.toml"), &format!("{config}[limits]\nmemory = \"900GiB\"\n"));
    let (code, error) = json_error(folder.path(), &DOCTOR);
    assert!(code == 2 && error["where"].as_str().unwrap().contains("limits.memory"), "{error:#}");
}

#[test]
fn what_requests_of_skills_need_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let grant = "[[grants]]\nskill = \"acme-*\"\nhttp = [\"http://api.example.com\"]\n\
        secrets = [{ name = \"acme\", audience = \"http://api.example.com\", header = \"authorization\" }]\n";
    let configure = |secret: &str| {
        write(folder.path().join("negawatt.toml"), &format!("{grant}[secrets.acme]\nfile = \"{secret}\"\n"));
    };
    configure("nowhere");
    let problem = problem(&found_problems(folder.path(), &DOCTOR), "http");
    assert!(problem.contains("nowhere") && problem.contains("secrets.acme"), "{problem}");
    write(folder.path().join("token"), "a secret");
    configure("token");
    let found = json(folder.path(), &DOCTOR);
    assert_eq!(
        (answers(&found, "http"), &source(&found, "http")["at"]),
        ("1 secret", &"http://api.example.com".into())
    );
    assert!(!found.to_string().contains("a secret"), "{found:#}");
}

/// A repository with a forge, as the configuration has it.
fn repository(name: &str, path: &str, forge: &str) -> String {
    format!("[repositories.{name}]\npath = \"{path}\"\nbranch = \"main\"\nforge = {{ {forge} }}\n")
}

#[test]
fn forges_are_asked_whether_proposals_can_go_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    git(path, &["init", "--quiet", "--bare", "--initial-branch", "main", "remote.git"]);
    git(path, &["clone", "--quiet", "remote.git", "new"]);
    let commit = |message: &str| {
        git(&path.join("new"), &["commit", "--quiet", "--allow-empty", "-m", message]);
        git(&path.join("new"), &["push", "--quiet", "origin", "HEAD:main"]);
    };
    commit("one");
    git(path, &["clone", "--quiet", "remote.git", "old"]);
    commit("two");
    git(&path.join("new"), &["branch", "release"]);
    let github = GitHub::of(&path.join("remote.git"));
    put_token(path);
    write(path.join("other-token"), "ghp_an0thers3cret0123456789");
    std::process::Command::new("chmod").arg("600").arg(path.join("other-token")).status().unwrap();
    let on_github = |repository: &str, token: &str| {
        let url = github.url();
        format!("kind = \"github\", repository = {repository:?}, url = {url:?}, token = {{ {token} }}")
    };
    let [good, other] = ["file = \"github-token\"", "file = \"other-token\""];
    let working = [
        repository("a-git", "new", "kind = \"git\", remote = \"origin\""),
        repository("b-behind", "old", "kind = \"git\", remote = \"./remote.git\""),
        repository("c-github", "new", &on_github("acme/shop", good)),
    ];
    write(path.join("negawatt.toml"), &working.concat());
    let before = git(&path.join("remote.git"), &["for-each-ref"]);
    let found = json(path, &DOCTOR);
    let forges = found["forges"].as_array().unwrap();
    let answers: Vec<&str> = forges.iter().map(|forge| forge["answers"].as_str().unwrap()).collect();
    let tips = ["new", "old"].map(|name| git(&path.join(name), &["rev-parse", "--short=12", "HEAD"]));
    for (answer, says) in answers.iter().zip([
        format!("main is at {} in both", tips[0]),
        format!("main is at {} there and at {} in the clone; bring the clone there", tips[0], tips[1]),
        format!("main is at {} in both", tips[0]),
    ]) {
        assert!(answer.starts_with(&says), "{says}: {answer}");
    }
    assert_eq!(
        (&forges[2]["repository"], &forges[2]["kind"], &forges[2]["at"]),
        (&"c-github".into(), &"github".into(), &format!("acme/shop at {}", github.url()).into())
    );
    let text = String::from_utf8(run(path, &DOCTOR[..3]).stdout).unwrap();
    assert_eq!((lines(&text, "✓ a-git"), lines(&text, "✓ c-github"), lines(&text, "Forges")), (1, 1, 1), "{text}");

    let broken = [
        repository("d-gone", "new", "kind = \"git\", remote = \"./nowhere.git\""),
        repository("e-no-branch", "new", "kind = \"git\", remote = \"origin\"").replace("main", "release"),
        repository("f-other-token", "new", &on_github("acme/shop", other)),
        repository("g-unseen", "new", &on_github("acme/secret", good)),
        repository("h-no-token", "new", &on_github("acme/shop", "env = \"NEGAWATT_NO_SUCH_TOKEN\"")),
    ];
    write(path.join("negawatt.toml"), &[working.concat(), broken.concat()].concat());
    let found = found_problems(path, &DOCTOR);
    assert_eq!(found["failures"], 5, "{found:#}");
    let forges = found["forges"].as_array().unwrap();
    for (name, key, says) in [
        ("d-gone", "remote", "nowhere.git is not available"),
        ("e-no-branch", "remote", "has no branch release"),
        ("f-other-token", "repository", "the token is not valid (401: Bad credentials); renew it"),
        ("g-unseen", "repository", "the token may not see it"),
        ("h-no-token", "repository", "no variable NEGAWATT_NO_SUCH_TOKEN in the environment"),
    ] {
        let forge = forges.iter().find(|forge| forge["repository"] == name).unwrap();
        let problem = &forge["problem"];
        assert!(problem["message"].as_str().unwrap().contains(says), "{says}: {forge:#}");
        assert!(problem["where"].as_str().unwrap().contains(&format!("repositories.{name}.forge.{key}")), "{forge:#}");
    }
    let text = String::from_utf8(run(path, &DOCTOR[..3]).stdout).unwrap();
    assert_eq!((lines(&text, "✗"), lines(&text, "✓ a-git")), (5, 1), "{text}");
    for said in [found.to_string(), text] {
        assert!(!said.contains("s3cret"), "{said}");
    }
    // Nothing was written anywhere.
    assert_eq!(git(&path.join("remote.git"), &["for-each-ref"]), before);
    assert!(github.asked().iter().all(|asked| asked.starts_with("GET ")));
}
