//! Skills that change while a case runs: its next step takes the new one.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use negawatt_package::{Package, pack};
use negawatt_test_guests::MISCHIEF;
use negawatt_test_servers::{HttpServer, Response};
use serde_json::Value;

use crate::common::server::{SERVE, Server};
use crate::common::{json, negawatt, write};

/// A Prometheus that says when it is asked, and answers when it is told to.
struct Slow {
    asked: Receiver<()>,
    answer: Sender<()>,
    server: HttpServer,
}

impl Slow {
    fn start() -> Slow {
        let ((ask, asked), (answer, answers)) = (channel(), channel());
        let shared = Arc::new(Mutex::new((ask, answers)));
        let server = HttpServer::start(move |_| {
            let (ask, answers) = &*shared.lock().unwrap();
            // Nobody listens once the test is over.
            let _ = ask.send(());
            let _ = answers.recv();
            Response::json(r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#)
        });
        Slow { asked, answer, server }
    }
}

/// A copy of the misbehaving skill that consumes and reads kinds, and finds notes.
fn skill(folder: &Path, name: &str, consumes: &str, reads: &str) {
    let manifest = Package::read(MISCHIEF).unwrap().manifest.text;
    let manifest = manifest
        .replace("name: mischief", &format!("name: {name}"))
        .replace("negawatt.consumes: \"\"", &format!("negawatt.consumes: \"{consumes}\""))
        .replace("negawatt.reads: \"\"", &format!("negawatt.reads: \"{reads}\""))
        .replace("negawatt.produces: \"note change-point suspect\"", "negawatt.produces: \"note\"");
    std::fs::create_dir_all(folder.join("skills")).unwrap();
    std::fs::write(folder.join("skills").join(name).with_extension("wasm"), pack(MISCHIEF, &manifest).unwrap())
        .unwrap();
}

const INCIDENT: &str = r#"{ "kind": "regression", "title": "read", "service": "checkout",
    "metric": { "name": "cpu", "labels": { "service": "checkout" } },
    "window": { "start": "2026-11-18T00:00:00Z", "end": "2026-11-20T00:00:00Z" } }"#;

/// The components of a catalog's skills by their names.
fn digest(server: &Server, name: &str) -> String {
    let (_, skills) = server.ask("GET", "/v1/skills", "");
    let all = skills["skills"].as_array().unwrap();
    let one = all.iter().find(|skill| skill["name"] == name).unwrap_or_else(|| panic!("{skills}"));
    one["digest"].as_str().unwrap_or_else(|| panic!("{one}")).to_owned()
}

#[test]
fn the_next_step_takes_the_new_skill_and_the_one_that_runs_keeps_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let slow = Slow::start();
    let config = format!(
        "[casebook]\npath = \"casebook\"\n[serve]\nworkers = 1\n[skills]\npaths = [\"skills\"]\nbundled = false\n\
         [sources.metrics]\nkind = \"prometheus\"\nurl = \"{}\"\n\
         [[grants]]\nskill = \"*\"\ntools = [\"metrics\"]\ntime = \"600s\"\ntool_time = \"600s\"\n",
        slow.server.url()
    );
    write(folder.join("negawatt.toml"), &config);
    skill(folder, "first", "", "");
    skill(folder, "second", "note", "");
    let server = Server::start(folder);
    let (status, accepted) = server.ask("POST", "/v1/incidents", INCIDENT);
    assert_eq!(status, 202, "{accepted}");
    let case = accepted["case"].as_str().unwrap();
    slow.asked.recv().unwrap();
    // The first one runs now; both are replaced, and a third one is added.
    let before = [digest(&server, "first"), digest(&server, "second")];
    skill(folder, "first", "", "acme.more");
    skill(folder, "second", "note", "acme.more");
    skill(folder, "third", "note", "");
    assert_eq!(server.ask("POST", "/v1/reload", "").0, 200);
    let after = [digest(&server, "first"), digest(&server, "second"), digest(&server, "third")];
    assert!(before[0] != after[0] && before[1] != after[1], "{before:?} {after:?}");
    // What is broken is refused, and the new ones stay.
    std::fs::write(folder.join("skills/second.wasm"), b"broken").unwrap();
    let (_, reloaded) = server.ask("POST", "/v1/reload", "");
    assert_eq!(reloaded["refused"].as_array().map(Vec::len), Some(1), "{reloaded}");
    (0..3).for_each(|_| slow.answer.send(()).unwrap());
    server.events(case);
    let (_, shown) = server.ask("GET", &format!("/v1/cases/{case}"), "");
    let taken = |step: &Value| {
        let text = |key: &str| step[key].as_str().unwrap_or_else(|| panic!("{key}: {step}")).to_owned();
        (text("skill"), text("status"), text("digest"))
    };
    let plan: Vec<_> = shown["plan"].as_array().unwrap().iter().map(taken).collect();
    let expected = [("first", &before[0]), ("second", &after[1]), ("third", &after[2])];
    let expected = expected.map(|(name, digest)| (format!("{name}@0.1.0"), "ok".to_owned(), digest.clone()));
    assert_eq!(plan, expected, "{shown}");
    // It is the same once more where all that ran is there, and else what is missing is named.
    let replay = ["case", "replay", case, "--config", "negawatt.toml", "--json"];
    let (exit, gone) = crate::common::json_error(folder, &replay);
    assert!(exit == 1 && gone["message"].as_str().unwrap().contains(&format!("first@0.1.0 ({})", before[0])), "{gone}");
    skill(folder, "first", "", "");
    skill(folder, "second", "note", "acme.more");
    assert_eq!(json(folder, &replay)["same"], true);
}

#[test]
fn what_counts_from_the_next_start_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = folder.join("negawatt.toml");
    write(&file, "[serve]\nworkers = 1\nqueue = 5\n");
    let said = folder.join("stderr");
    let server = Server::of(negawatt(folder).args(SERVE).stderr(std::fs::File::create(&said).unwrap()));
    let reload = |text: &str| {
        write(&file, text);
        assert_eq!(server.ask("POST", "/v1/reload", "").0, 200);
        std::fs::read_to_string(&said).unwrap()
    };
    let pager = "[serve.webhooks.generic.pager]\nfields = { title = \"/name\" }\n";
    let told = reload(&format!("[serve]\nworkers = 1\nqueue = 5\n{pager}"));
    assert!(!told.contains("next start"), "webhooks are read anew: {told}");
    let told = reload("[serve]\nworkers = 2\nhosts = [\"negawatt.example\"]\n");
    assert!(told.contains("[serve] says of workers, queue, hosts now counts from the next start"), "{told}");
}

#[test]
fn a_configuration_that_is_taken_away_stays_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = folder.join("negawatt.toml");
    write(&file, "[skills]\nbundled = false\n");
    // Where none is named, none is as good as an empty one: at the start.
    for (arguments, said) in [(&SERVE[..], "cannot be read"), (&SERVE[..3], "not there any more")] {
        let server = Server::of(negawatt(folder).args(arguments));
        // As an editor does that renames the old one before it writes the new one.
        std::fs::rename(&file, folder.join("negawatt.toml~")).unwrap();
        let (status, problem) = server.ask("POST", "/v1/reload", "");
        assert!(status == 409 && problem["detail"].as_str().unwrap().contains(said), "{problem}");
        let (_, skills) = server.ask("GET", "/v1/skills", "");
        assert_eq!(skills["skills"].as_array().map(Vec::len), Some(0), "without one there would be all bundled ones");
        std::fs::rename(folder.join("negawatt.toml~"), &file).unwrap();
        assert_eq!(server.ask("POST", "/v1/reload", "").0, 200);
    }
}
