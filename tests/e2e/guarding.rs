//! The guard's commands end with the program that asks for them, and have a time for all of a case's proposals.

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::common::case::{case, check, configure, endless, id, mitigation};
use crate::common::{Running, investigate, json, negawatt};

/// Interrupts a command while the guard's check runs, and gives what it printed; the check ends, too.
fn interrupted(folder: &Path, arguments: &[&str], listener: &TcpListener) -> Value {
    let running = negawatt(folder).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut running = Running(running.unwrap());
    let (mut check, _) = listener.accept().unwrap();
    let mut printed = String::new();
    let mut stdout = running.0.stdout.take().unwrap();
    assert!(running.interrupt().success());
    stdout.read_to_string(&mut printed).unwrap();
    assert_eq!(check.read(&mut [0]).expect("the check has ended"), 0);
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// The other proposals and the rest of the case are as they were, and the case goes on where it was.
fn goes_on(folder: &Path, id: &str) {
    let stages = |answer: &Value| {
        let all = answer["mitigations"].as_array().unwrap();
        all.iter().map(|one| one["stage"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let shown = json(folder, &["case", "show", id, "--json"]);
    assert_eq!(shown["verdict"], "regression");
    assert_eq!(stages(&shown), ["proposed", "proposed"], "nothing is said of what was not looked at");
    configure(folder, "", "");
    let resumed = json(folder, &["case", "resume", id, "--json"]);
    assert_eq!(stages(&resumed), ["waiting", "waiting"], "{resumed:#}");
}

#[test]
fn an_interrupt_ends_what_the_guard_runs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    case(folder, &endless(&listener), "");
    let answer = interrupted(folder, &["investigate", "incident.json", "--json"], &listener);
    goes_on(folder, id(&answer));
}

#[test]
fn an_interrupt_ends_what_the_guard_runs_for_a_watch() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    case(folder, "", "");
    let incident: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("incident.json")).unwrap()).unwrap();
    let time = |key: &str| negawatt_host::time::parse_rfc3339(incident["window"][key].as_str().unwrap()).unwrap();
    let hours = (time("end") - time("start")) / 3_600_000_000;
    let metric = incident["metric"]["name"].as_str().unwrap();
    let watch = format!("[watch]\nwindow = \"{hours}h\"\nstep = \"10min\"\n[[watch.series]]\nmetric = {metric:?}\n");
    configure(folder, &endless(&listener), &watch);
    let now = incident["window"]["end"].as_str().unwrap();
    let pass = interrupted(folder, &["watch", "--once", "--now", now, "--json"], &listener);
    goes_on(folder, pass["opened"][0]["case"].as_str().unwrap());
}

#[test]
fn what_does_not_fit_into_the_time_for_a_case_is_withheld() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let checks = |command: &str| format!("checks = [{{ name = \"tests\", command = {command}, network = true }}]");
    case(folder, &checks("[\"sleep\", \"3600\"]"), "[review]\nguard_time = \"1s\"\n");
    let answer = investigate(folder);
    for at in [0, 1] {
        let proposal = mitigation(&answer, at);
        assert_eq!(proposal["stage"], "withheld", "{answer:#}");
        let failed = check(proposal, "tests");
        let detail = failed["detail"].as_str().unwrap();
        assert_eq!(
            (&failed["passed"], detail.contains("the time that the guard has for a case was over")),
            (&false.into(), true)
        );
        // Where the machine is slow that is said of the first one, too: the time goes by before its check begins.
        assert!(at == 0 || detail.contains("it was not run"), "the first one took all of it: {detail}");
    }
    // Alone, and with a check that ends, it fits.
    configure(folder, &checks("[\"true\"]"), "");
    let approved = json(folder, &["review", "approve", id(&answer), "2", "--by", "Ada", "--json"]);
    assert_eq!(approved["proposals"][0]["stage"], "submitted", "{approved:#}");
}
