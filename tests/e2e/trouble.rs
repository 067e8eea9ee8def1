//! `negawatt serve` when it cannot write: it says so and acknowledges nothing, goes on answering what it can, and takes incidents again once
//! the trouble is gone.

use std::fs::{DirBuilder, Permissions, set_permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;

use crate::common::server::{SERVE, Server, incident, until};
use crate::common::{under, write};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("negawatt.toml"), "[casebook]\npath = \"casebook\"\n");
    folder
}

fn cases(server: &Server) -> usize {
    let (status, all) = server.ask("GET", "/v1/cases", "");
    assert_eq!(status, 200, "{all}");
    all["cases"].as_array().unwrap().len()
}

/// An incident is taken, and its case comes to its end.
fn takes(server: &Server, number: usize) {
    let (status, accepted) = server.ask("POST", "/v1/incidents", &incident(number));
    assert_eq!((status, &accepted["duplicate"]), (202, &false.into()), "{accepted}");
    let case = accepted["case"].as_str().unwrap();
    assert_eq!(server.events(case).last().map(String::as_str), Some("ended"));
}

/// An incident is not taken while there is trouble: the client hears why and when to come again, and nothing was done. What needs no
/// writing is still answered.
fn refuses(server: &Server, number: usize, says: &str) {
    let before = cases(server);
    let (status, head, body) = server.ask_with("POST", "/v1/incidents", "", &incident(number));
    assert_eq!(status, 503, "{body}");
    assert!(head.contains("retry-after: 5") && head.contains("application/problem+json"), "{head}");
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    assert_eq!((cases(server), server.ask("GET", "/healthz", "").0), (before, 200));
}

#[test]
fn a_file_that_somebody_locks() {
    let folder = folder();
    let server = Server::start(folder.path());
    takes(&server, 0);
    for (number, file) in ["casebook.sqlite", "access.db"].into_iter().enumerate() {
        let other = rusqlite::Connection::open(folder.path().join("casebook").join(file)).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        refuses(&server, number + 1, "another process has kept it locked");
        other.execute_batch("ROLLBACK").unwrap();
        takes(&server, number + 1);
    }
}

/// What was acknowledged before is not lost by it.
#[test]
fn a_case_that_cannot_be_run_on_rests_until_it_can() {
    let folder = folder();
    let folder = folder.path();
    // A skill that loops keeps the only worker until it is stopped.
    std::fs::create_dir(folder.join("skills")).unwrap();
    std::fs::write(folder.join("skills/mischief.wasm"), negawatt_test_guests::MISCHIEF).unwrap();
    write(
        folder.join("negawatt.toml"),
        "[serve]\nworkers = 1\n[casebook]\npath = \"casebook\"\n[skills]\npaths = [\"skills\"]\n\
         [[grants]]\nskill = \"mischief\"\ntools = [\"metrics\"]\ntime = \"600s\"\ncompute = \"600s\"\n",
    );
    let server = Server::start(folder);
    let post = |incident: &str| server.ask("POST", "/v1/incidents", incident).1["case"].as_str().unwrap().to_owned();
    let looping = post(&incident(0).replace("incident 0", "loop"));
    until(|| (server.ask("GET", "/healthz", "").1["running"] == 1).then_some(()));
    let waiting = post(&incident(1));
    let mut events = server.hear("/v1/events", "");
    let other = rusqlite::Connection::open(folder.join("casebook/casebook.sqlite")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    // It may have noticed the trouble itself, and rest.
    let stopped = server.ask("POST", &format!("/v1/cases/{looping}/stop"), "");
    assert!([202, 409].contains(&stopped.0), "{stopped:?}");
    assert!(events.next_of("ended", |data| data["case"] == *waiting)["verdict"].is_null());
    assert!(server.ask("GET", &format!("/v1/cases/{waiting}"), "").1["verdict"].is_null());
    other.execute_batch("ROLLBACK").unwrap();
    // A minute later it would be taken up by itself.
    let path = format!("/v1/cases/{waiting}");
    until(|| {
        let (status, answer) = server.ask("POST", &format!("{path}/resume"), "");
        assert!([202, 409].contains(&status), "{answer}");
        server.ask("GET", &path, "").1["verdict"].as_str().map(|verdict| assert_eq!(verdict, "inconclusive"))
    });
}

#[test]
fn files_that_may_not_grow() {
    let folder = folder();
    let server = Server::of(&mut under(folder.path(), "trap '' XFSZ; exec \"$0\" \"$@\"", &SERVE));
    takes(&server, 0);
    let pid = Pid::from_raw(server.id().cast_signed());
    let usual = prlimit(pid, Resource::Fsize, Rlimit { current: Some(1), maximum: None }).unwrap();
    refuses(&server, 1, "nothing that was recorded is lost");
    prlimit(pid, Resource::Fsize, usual).unwrap();
    takes(&server, 1);
}

#[test]
fn a_disk_that_is_full() {
    let folder = folder();
    let casebook = folder.path().join("casebook");
    DirBuilder::new().mode(0o700).create(&casebook).unwrap();
    // A disk of its own that only the server sees. Who is no administrator may have one in a namespace of users.
    let own = "mount -t tmpfs -o size=8m,mode=700 none casebook";
    let ways = ["--user --map-root-user --mount", "--mount"];
    let may = |way: &&str| {
        let mut tried = under(folder.path(), &format!("exec unshare {way} sh -c '{own}'"), &SERVE);
        tried.output().is_ok_and(|tried| tried.status.success())
    };
    let Some(way) = ways.into_iter().find(may) else {
        // A kernel may let nobody mount anything; that nothing more can be written is tried above, everywhere.
        return eprintln!("skipped: nobody may mount a disk of its own here");
    };
    let script = format!("exec unshare {way} sh -c '{own} && exec \"$0\" \"$@\"' \"$0\" \"$@\"");
    let server = Server::of(&mut under(folder.path(), &script, &SERVE));
    takes(&server, 0);
    // The server's own view of it.
    let seen = Path::new("/proc").join(server.id().to_string()).join("root");
    let filler = seen.join(folder.path().strip_prefix("/").unwrap()).join("casebook/filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    let mut block = vec![0; 1 << 20];
    // To the last byte.
    while !block.is_empty() {
        match file.write(&block) {
            Ok(written) => assert!(written > 0),
            Err(_) => block.truncate(block.len() / 2),
        }
    }
    refuses(&server, 1, "there is no room left on its disk");
    std::fs::remove_file(filler).unwrap();
    drop(file);
    takes(&server, 1);
}

#[test]
fn a_folder_that_must_not_be_written() {
    let folder = folder();
    let folder = folder.path();
    // Nothing is compiled by somebody else.
    write(folder.join("negawatt.toml"), "[casebook]\npath = \"casebook\"\n[skills]\nbundled = false\n");
    let server = Server::start(folder);
    let (status, accepted) = server.ask("POST", "/v1/incidents", &incident(0));
    assert_eq!(status, 202, "{accepted}");
    server.events(accepted["case"].as_str().unwrap());
    assert_eq!(server.end("-TERM"), Some(0));

    let permit = |mode: u32| {
        let book = folder.join("casebook");
        for file in std::fs::read_dir(&book).unwrap() {
            set_permissions(file.unwrap().path(), Permissions::from_mode(mode & 0o666)).unwrap();
        }
        set_permissions(book, Permissions::from_mode(mode)).unwrap();
    };
    permit(0o500);
    let conditions = if rustix::process::geteuid().is_root() {
        // Root may write everywhere: somebody else tries.
        "chown -R 65534:65534 . && chmod 755 . && \
         setpriv --reuid=65534 --regid=65534 --clear-groups \"$0\" \"$@\"; code=$?; chown -R 0:0 .; exit $code"
    } else {
        "exec \"$0\" \"$@\""
    };
    let said = under(folder, conditions, &SERVE).output().unwrap();
    permit(0o700);
    let last = String::from_utf8(said.stderr).unwrap();
    assert!(!said.status.success() && said.stdout.is_empty(), "it listens to nobody: {last}");
    assert!(last.contains("casebook.sqlite") && last.contains("make the file and its folder writable"), "{last}");
    let server = Server::start(folder);
    assert_eq!(cases(&server), 1);
    takes(&server, 1);
}

#[test]
fn a_log_whose_end_is_damaged() {
    let folder = folder();
    let server = Server::start(folder.path());
    let mut accepted: Vec<String> = Vec::new();
    for number in 0..4 {
        let (status, answer) = server.ask("POST", "/v1/incidents", &incident(number));
        assert_eq!(status, 202, "{answer}");
        accepted.push(answer["case"].as_str().unwrap().to_owned());
    }
    server.end("-KILL");
    // As a machine leaves it that lost its power: behind what was acknowledged stands something that was never finished.
    let log = folder.path().join("casebook/casebook.sqlite-wal");
    let mut log = std::fs::OpenOptions::new().append(true).open(log).unwrap();
    log.write_all(&b"dear diary\n".repeat(900)).unwrap();
    drop(log);
    let server = Server::start(folder.path());
    assert_eq!(cases(&server), accepted.len());
    for case in &accepted {
        assert_eq!(server.events(case).last().map(String::as_str), Some("ended"));
        assert_eq!(server.ask("GET", &format!("/v1/cases/{case}"), "").1["verdict"], "inconclusive");
    }
    takes(&server, 9);
}
