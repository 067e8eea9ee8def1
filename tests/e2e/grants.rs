//! What a skill may do is explained, publishers sign, and the schema is printed.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use negawatt_test_guests::{GOSSIP, MISCHIEF};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{json, json_error, negawatt, run, write};

const WITH: [&str; 2] = ["--config", "negawatt.toml"];

/// A folder with the two skills, and a configuration that says this of them.
fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("skills")).unwrap();
    std::fs::write(folder.path().join("skills/mischief.wasm"), MISCHIEF).unwrap();
    std::fs::write(folder.path().join("skills/gossip.wasm"), GOSSIP).unwrap();
    write(folder.path().join("negawatt.toml"), &format!("[skills]\npaths = [\"skills\"]\n{config}"));
    folder
}

fn explained(folder: &Path, skill: &str) -> Value {
    json(folder, &["grants", "explain", skill, WITH[0], WITH[1], "--json"])
}

/// What people see, on a page as wide as pages get, on one line.
fn shown(folder: &Path, skill: &str) -> String {
    let arguments = ["grants", "explain", skill, WITH[0], WITH[1]];
    let output = negawatt(folder).env("COLUMNS", "140").env("LC_ALL", "C.UTF-8").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn limit<'a>(explained: &'a Value, name: &str) -> &'a Value {
    explained["limits"].as_array().unwrap().iter().find(|limit| limit["limit"] == name).unwrap()
}

const EVERYTHING: &str = "[limits]
memory = \"32MiB\"
[secrets.token]
env = \"NEGAWATT_TEST_TOKEN\"
[secrets.key]
file = \"token.txt\"
[[grants]]
skill = \"gos*\"
path = \"skills/gossip.wasm\"
tools = [\"code\", \"model\"]
http = [\"https://api.example.com\", \"http://10.0.0.5:8080\"]
methods = [\"GET\", \"POST\"]
addresses = [\"10.0.0.0/8\"]
secrets = [
    { name = \"token\", audience = \"https://api.example.com\", header = \"Authorization\", prefix = \"Bearer \" },
    { name = \"key\", audience = \"http://10.0.0.5:8080\", query = \"key\" },
]
may_export = true
time = \"3s\"
";

#[test]
fn a_skill_that_may_run_is_explained() {
    let folder = folder(EVERYTHING);
    write(folder.path().join("token.txt"), "hunter2");
    let all = explained(folder.path(), "gossip");
    let at = "negawatt.toml:9";
    assert_eq!((&all["may_run"], &all["lacks"], &all["origin"]), (&json!(true), &Value::Null, &json!("loaded")));
    assert_eq!(all["tools"][0], json!({ "tool": "code", "by": [{ "rule": "grant", "where": at }] }));
    assert!(all["base"].as_array().unwrap().contains(&json!("negawatt:skill/types@0.1.0")), "{all:#}");
    assert_eq!(all["may_export"], at);
    let file = all["file"].as_str().unwrap();
    assert!(Path::new(file).is_absolute() && file.ends_with("skills/gossip.wasm"), "{file}");
    let grant = &all["grants"][0];
    assert_eq!((&grant["where"], &grant["means"][0]["wants"]), (&json!(at), &json!("gos*")));
    assert_eq!((&grant["means"][1]["key"], &grant["means"][1]["met"]), (&json!("path"), &json!(true)));
    let http = json!({
        "origins": ["http://10.0.0.5:8080", "https://api.example.com"],
        "methods": ["GET", "POST"],
        "addresses": ["10.0.0.0/8"],
        "secrets": [
            { "name": "token", "audience": "https://api.example.com", "header": "authorization", "prefix": "Bearer ", "query": null },
            { "name": "key", "audience": "http://10.0.0.5:8080", "header": null, "prefix": null, "query": "key" },
        ],
    });
    assert_eq!(grant["http"], http);
    assert_eq!(limit(&all, "time"), &json!({ "limit": "time", "value": "3s", "rule": "grant", "where": at }));
    assert_eq!(limit(&all, "memory"), &json!({ "limit": "memory", "value": "32MiB", "rule": "limits", "where": null }));
    assert_eq!(limit(&all, "links"), &json!({ "limit": "links", "value": "64", "rule": "default", "where": null }));

    let text = shown(folder.path(), "gossip");
    for says in [
        "gossip@0.1.0 may run",
        "Imports code granted at negawatt.toml:9 model granted at negawatt.toml:9 base negawatt:skill/types@0.1.0",
        "negawatt.toml:9 means it by skill = \"gos*\", path = ",
        "https://api.example.com GET, POST",
        "addresses that are not public: 10.0.0.0/8",
        "the secret token for https://api.example.com in the header authorization after \"Bearer \"",
        "the secret key for http://10.0.0.5:8080 in the query as key",
        "may send out what derives from confidential tools, by negawatt.toml:9",
        "memory 32MiB by [limits]",
        "time 3s by negawatt.toml:9",
        "fuel not counted by default",
    ] {
        assert!(text.contains(says), "{says:?} is missing:\n{text}");
    }
    assert!(!format!("{all}{text}").contains("hunter2"));
    assert!(!text.contains("Lacks") && !text.contains("Nearly"), "{text}");
}

#[test]
fn what_a_skill_lacks_is_said_with_the_grant_that_is_enough() {
    let folder = folder("[[grants]]\nskill = \"gossip\"\ntools = [\"code\"]\n");
    let all = explained(folder.path(), "gossip");
    assert_eq!(all["may_run"], false);
    assert_eq!(all["tools"][1], json!({ "tool": "model", "by": [] }));
    let why = all["lacks"]["why"].to_string();
    assert!(why.contains("imports model, which nobody granted it") && why.contains("send that out"), "{why}");
    let grant = all["lacks"]["grant"].as_str().unwrap();
    assert_eq!(grant, "[[grants]]\nskill = \"gossip\"\ntools = [\"model\"]\nmay_export = true");
    let text = shown(folder.path(), "gossip");
    for says in
        ["may not run", "model lacking", "this would allow it", "[[grants]] skill = \"gossip\" tools = [\"model\"]"]
    {
        assert!(text.contains(says), "{says:?} is missing:\n{text}");
    }
    let config = folder.path().join("negawatt.toml");
    write(&config, &format!("{}\n{grant}\n", std::fs::read_to_string(&config).unwrap()));
    assert_eq!(explained(folder.path(), "gossip")["may_run"], true);
}

#[test]
fn bundled_skills_have_rights_by_default() {
    let folder = folder("");
    let all = explained(folder.path(), "change-point");
    assert_eq!((&all["may_run"], &all["origin"], &all["file"]), (&json!(true), &json!("bundled"), &Value::Null));
    assert_eq!(all["tools"][0], json!({ "tool": "metrics", "by": [{ "rule": "bundled", "where": null }] }));
    assert!(shown(folder.path(), "change-point").contains("bundled skills have it by default"));
    let (code, error) = json_error(folder.path(), &["grants", "explain", "nobody", WITH[0], WITH[1], "--json"]);
    assert_eq!(code, 2);
    assert!(error["help"].as_str().unwrap().contains("change-point"), "{error}");
}

#[test]
fn a_path_means_one_file() {
    let folder = folder("[[grants]]\npath = \"./skills/../skills/mischief.wasm\"\ntools = [\"metrics\"]\n");
    std::fs::create_dir(folder.path().join("elsewhere")).unwrap();
    std::fs::write(folder.path().join("elsewhere/mischief.wasm"), MISCHIEF).unwrap();
    for (skill, may_run) in [("mischief", true), ("skills/mischief.wasm", true), ("elsewhere/mischief.wasm", false)] {
        assert_eq!(explained(folder.path(), skill)["may_run"], may_run, "{skill}");
    }
    // Through a link out of its folder nothing is read.
    std::os::unix::fs::symlink("../skills/mischief.wasm", folder.path().join("elsewhere/linked.wasm")).unwrap();
    let (_, error) =
        json_error(folder.path(), &["grants", "explain", "elsewhere/linked.wasm", WITH[0], WITH[1], "--json"]);
    assert_eq!(error["code"], "not-a-skill");
}

#[test]
fn a_publisher_signs_and_is_granted() {
    let folder = folder("");
    let at = folder.path();
    let public = |file: &str| {
        let made = json(at, &["skill", "key", file, "--json"]);
        made["key"].as_str().unwrap().to_owned()
    };
    let (acme, other) = (public("acme.key"), public("other.key"));
    assert!(acme.starts_with("ed25519:") && acme != other, "{acme}");
    let mode = std::fs::metadata(at.join("acme.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let secret = std::fs::read_to_string(at.join("acme.key")).unwrap();
    let (code, error) = json_error(at, &["skill", "key", "acme.key", "--json"]);
    assert_eq!((code, &error["where"]), (2, &json!("acme.key")));
    assert_eq!(std::fs::read_to_string(at.join("acme.key")).unwrap(), secret, "a key is not written over");

    let skills = format!("[skills]\npaths = [\"skills\"]\n[publishers.acme]\nkey = \"{acme}\"\n");
    let grant = "[[grants]]\nskill = \"mischief\"\npublisher = \"acme\"\ntools = [\"metrics\"]\n";
    write(at.join("negawatt.toml"), &format!("{skills}{grant}"));
    let nearly = explained(at, "mischief");
    assert_eq!((&nearly["may_run"], &nearly["signer"]), (&json!(false), &Value::Null));
    let condition = &nearly["nearly"][0]["means"][1];
    assert_eq!(condition, &json!({ "key": "publisher", "wants": "acme", "has": null, "met": false }));
    let text = shown(at, "mischief");
    let says = "would mean it by skill = \"mischief\" but not by publisher = \"acme\": no publisher";
    assert!(text.contains(says), "{text}");

    // Signed by somebody else, then by the publisher, in place of that.
    for (key, public, publisher) in [("other.key", &other, Value::Null), ("acme.key", &acme, json!("acme"))] {
        let signed = json(at, &["skill", "sign", "skills/mischief.wasm", "--key", key, "--json"]);
        assert_eq!(&signed["signer"], public);
        let inspected = json(at, &["skill", "inspect", "skills/mischief.wasm", "--json"]);
        assert_eq!((&inspected["signer"], &inspected["publisher"]), (&signed["signer"], &publisher));
        assert_eq!(inspected["digest"], signed["digest"]);
        let all = explained(at, "mischief");
        assert_eq!((&all["may_run"], &all["publisher"]), (&json!(!publisher.is_null()), &publisher));
    }
    let text = String::from_utf8(run(at, &["skill", "inspect", "skills/mischief.wasm"]).stdout).unwrap();
    assert!(text.contains(&format!("{acme}, the key of publisher acme")), "{text}");

    // Whatever changes it after that makes it a broken file.
    let file = at.join("skills/mischief.wasm");
    let mut bytes = std::fs::read(&file).unwrap();
    let place = bytes.windows(21).position(|bytes| bytes == b"Nothing that this ski").unwrap();
    bytes[place] = b'n';
    std::fs::write(&file, bytes).unwrap();
    let (code, error) = json_error(at, &["skill", "inspect", "skills/mischief.wasm", "--json"]);
    assert_eq!((code, &error["code"]), (2, &json!("signature")));
    assert!(error["message"].as_str().unwrap().contains("does not hold"), "{error}");
    let list = json(at, &["skill", "list", WITH[0], WITH[1], "--json"]);
    assert!(list["refused"][0]["reason"].as_str().unwrap().contains("does not hold"), "{list}");
}

#[test]
fn only_skills_are_signed_and_only_with_keys() {
    let folder = folder("");
    let at = folder.path();
    json(at, &["skill", "key", "acme.key", "--json"]);
    write(at.join("no.key"), "ed25519-private:0123");
    write(at.join("no.wasm"), "no component");
    for (file, key, place) in [
        ("skills/mischief.wasm", "no.key", "no.key"),
        ("skills/mischief.wasm", "none.key", "none.key"),
        ("no.wasm", "acme.key", "no.wasm"),
        ("none.wasm", "acme.key", "none.wasm"),
    ] {
        let (code, error) = json_error(at, &["skill", "sign", file, "--key", key, "--json"]);
        assert_eq!((code, &error["where"]), (2, &json!(place)), "{error}");
        assert!(!error.to_string().contains("0123"), "{error}");
    }
    assert_eq!(std::fs::read(at.join("skills/mischief.wasm")).unwrap(), MISCHIEF, "what fails changes nothing");
}

#[test]
fn the_schema_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let schema = json(folder.path(), &["config", "schema"]);
    assert_eq!(schema, negawatt_config::schema());
    assert_eq!(schema["additionalProperties"], false);
}
