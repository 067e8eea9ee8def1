//! `negawatt serve` while it runs: what it hears of its files and its series by itself, what it says to all, and how it treats those that
//! ask too much, too slowly, or under another name.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;

use crate::common::noise::Noise;
use crate::common::server::{AGENT, INITIALIZE, Server, incident, until};
use crate::common::write;
use serde_json::{Value, json};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("negawatt.toml"), "# all as it is by default\n");
    folder
}

#[test]
fn an_empty_configuration_is_a_valid_one() {
    let folder = folder();
    let server = Server::start(folder.path());
    assert_eq!(server.ask("GET", "/healthz", "").1["status"], "ok");
    let (status, accepted) = server.ask("POST", "/v1/incidents", &incident(1));
    assert_eq!(status, 202, "{accepted}");
    let case = accepted["case"].as_str().unwrap();
    server.events(case);
    let shown = server.ask("GET", &format!("/v1/cases/{case}"), "").1;
    assert_eq!(shown["verdict"], "inconclusive", "nobody has data: {shown:#}");
}

/// There is no file at all, and one that comes later is found.
#[test]
fn it_needs_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::of(crate::common::negawatt(folder.path()).args(["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(server.ask("POST", "/v1/incidents", &incident(1)).0, 202);
    assert_eq!(server.ask("GET", "/v1/stats", "").0, 200);
    write(folder.path().join("negawatt.toml"), "[skills]\nbundled = false\n");
    until(|| (server.ask("GET", "/v1/skills", "").1["skills"] == json!([])).then_some(()));
}

/// Nobody asks the server to look: it finds the `[watch]` that is new in its file, and what that is about.
#[test]
fn what_is_watched_from_now_on_becomes_a_case() {
    let folder = folder();
    let folder = folder.path();
    let now = negawatt_host::time::now() / 1_000_000;
    let (mut csv, mut noise) = ("time,service,value\n".to_owned(), Noise(17));
    for minute in 0..720 {
        let level = if minute < 600 { 100.0 } else { 105.0 };
        writeln!(csv, "{},cart,{:.4}", now - 60 * (720 - minute), level + noise.next()).unwrap();
    }
    write(folder.join("metrics/cpu.csv"), &csv);
    let server = Server::start(folder);
    let mut events = server.hear("/v1/events", "");
    write(
        folder.join("negawatt.toml"),
        "[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n\
         [watch]\ninterval = \"1s\"\nwindow = \"12h\"\n[[watch.series]]\nmetric = \"cpu\"\n",
    );
    let accepted = events.next_of("accepted", |_| true);
    assert_eq!(accepted["service"], "cart");
    for name in ["started", "planned", "called", "verdict"] {
        events.next_of(name, |data| data["case"] == accepted["case"]);
    }
    let ended = events.next_of("ended", |data| data["case"] == accepted["case"]);
    assert_eq!(ended["verdict"], "regression");
    let shown = server.ask("GET", &format!("/v1/cases/{}", ended["case"].as_str().unwrap()), "").1;
    assert_eq!((&shown["incident"]["service"], &shown["verdict"]), (&"cart".into(), &"regression".into()));
    assert_eq!(shown["symptoms"].as_array().unwrap().len(), 1, "{shown:#}");
}

#[test]
fn files_that_change_are_read_without_a_word() {
    let folder = folder();
    let folder = folder.path();
    let skills = "[skills]\npaths = [\"skills\"]\n";
    std::fs::create_dir(folder.join("skills")).unwrap();
    write(folder.join("negawatt.toml"), skills);
    let server = Server::start(folder);
    let has = |name: &str| {
        let skills = server.ask("GET", "/v1/skills", "").1;
        skills["skills"].as_array().unwrap().iter().any(|skill| skill["name"] == name)
    };
    assert!(!has("reader"));
    std::fs::write(folder.join("skills/reader.wasm"), negawatt_test_guests::READER).unwrap();
    until(|| has("reader").then_some(()));
    let hook = || server.ask("POST", "/v1/webhooks/generic/pager", "{}").0;
    assert_eq!(hook(), 404);
    // One that is written half is not used, and the whole one is.
    write(folder.join("negawatt.toml"), "[skills]\npaths = [\"ski");
    write(
        folder.join("negawatt.toml"),
        &format!("{skills}[serve.webhooks.generic.pager]\nfields = {{ title = \"/name\" }}\n"),
    );
    until(|| (hook() == 422).then_some(()));
    assert!(has("reader"));
    // What is gone is gone.
    std::fs::remove_file(folder.join("skills/reader.wasm")).unwrap();
    until(|| (!has("reader")).then_some(()));
}

#[test]
fn whoever_listens_to_all_hears_of_every_case() {
    let folder = folder();
    let server = Server::start(folder.path());
    let (mut one, mut other) = (server.hear("/v1/events", ""), server.hear("/v1/events", ""));
    for number in 0..3 {
        let case = server.ask("POST", "/v1/incidents", &incident(number)).1["case"].clone();
        for events in [&mut one, &mut other] {
            let accepted = events.next_of("accepted", |data| data["case"] == case);
            assert_eq!(accepted["title"], format!("incident {number}"));
            let ended = events.next_of("ended", |data| data["case"] == case);
            assert_eq!(ended["verdict"], "inconclusive");
        }
    }
}

#[test]
fn every_request_has_a_number() {
    let folder = folder();
    let server = Server::start(folder.path());
    let number = |head: &str| {
        let (_, head, _) = server.ask_with("GET", "/nowhere", head, "");
        let line = head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).map(str::to_owned);
        line.unwrap_or_else(|| panic!("{head}"))
    };
    for kept in ["01J-a.b_c:d", &"x".repeat(128)] {
        assert_eq!(number(&format!("X-Request-Id: {kept}\r\n")), kept);
    }
    let is_made = |id: &str| id.len() == 26 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    for bad in ["", "a b", "<script>", "\u{e9}", &"x".repeat(129)] {
        let id = number(&format!("X-Request-Id: {bad}\r\n"));
        assert!(is_made(&id), "{bad:?}: {id}");
    }
    let (one, other) = (number(""), number(""));
    assert!(is_made(&one) && one != other, "{one} {other}");
}

#[test]
fn whoever_asks_too_often_hears_when_to_come_again() {
    let folder = folder();
    write(folder.path().join("negawatt.toml"), "[serve]\nrate = 100\n");
    let server = Server::start(folder.path());
    let stream = server.connect();
    let (answers, mut asked) = (BufReader::new(stream.try_clone().unwrap()), stream.try_clone().unwrap());
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    // More at once than are allowed, and then as fast as they are answered.
    let asking = std::thread::spawn(move || while asked.write_all(request.as_bytes()).is_ok() {});
    let mut lines = answers.lines().map(Result::unwrap);
    // A body has no end of line, so that the next answer begins on its last one.
    assert!(lines.any(|line| line.ends_with("HTTP/1.1 429 Too Many Requests")));
    let head: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    assert!(head.iter().any(|line| line == "retry-after: 1"), "{head:?}");
    let body = lines.next().unwrap();
    assert!(body.starts_with("{\"type\":\"urn:negawatt:too-often\""), "{body}");
    stream.shutdown(std::net::Shutdown::Both).unwrap();
    asking.join().unwrap();
}

#[test]
fn what_is_sent_too_slowly_is_given_up() {
    let folder = folder();
    write(folder.path().join("negawatt.toml"), "[serve]\npatience = \"1s\"\n");
    let server = Server::start(folder.path());
    let slow = |text: String| {
        let mut stream = server.connect();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        // Half of it never comes: the server ends that, and not this one.
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let head = format!("POST /v1/incidents HTTP/1.1\r\nHost: {}\r\n", server.address);
    let answer = slow(head.clone());
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let answer = slow(format!("{head}Connection: close\r\nContent-Length: 1000\r\n\r\n{{\"kind\":"));
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("serve.patience"), "{answer}");
    // In pieces, of which the last one does not come.
    let answer = slow(format!("{head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{\"\r\n"));
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(server.ask("POST", "/v1/incidents", &incident(1)).0, 202);
}

#[test]
fn who_reads_nothing_holds_up_nobody() {
    let folder = folder();
    write(folder.path().join("negawatt.toml"), "[serve]\nshutdown = \"1s\"\n");
    let server = Server::start(folder.path());
    let deaf: Vec<_> = (0..4)
        .map(|_| {
            let mut stream = server.connect();
            let request = format!("GET /v1/openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
            stream.write_all(request.repeat(100).as_bytes()).unwrap();
            stream
        })
        .collect();
    let events = server.hear("/v1/events", "");
    let (status, accepted) = server.ask("POST", "/v1/incidents", &incident(1));
    assert_eq!(status, 202, "{accepted}");
    server.events(accepted["case"].as_str().unwrap());
    assert_eq!(server.end("-TERM"), Some(0), "whoever does not read is not waited for");
    drop((deaf, events));
}

#[test]
fn it_is_called_by_addresses_and_by_its_own_names() {
    let folder = folder();
    let server = Server::start(folder.path());
    let both = |host: &str| {
        let head = format!("Host: {host}\r\n");
        let asked = server.ask_with("GET", "/v1/cases", &head, "").0;
        (asked, server.ask_with("POST", "/mcp", &format!("{head}{AGENT}"), INITIALIZE).0)
    };
    // To rebind takes a name: whoever says an address has reached it.
    for host in
        ["localhost", "LOCALHOST:80", "192.0.2.7", "192.0.2.7:7676", "[2001:db8::1]", "[::1]:7676", "10.0.0.1:1"]
    {
        assert_eq!(both(host), (200, 200), "{host}");
    }
    for host in
        ["evil.example", "127.0.0.1.evil.example", "1.2.3.4.5", "0x7f.1", "localhost.evil.example:80", "", "[::1"]
    {
        assert_eq!(both(host), (421, 421), "{host}");
    }
}

/// However much is asked that takes long, so much waits and no more, and the rest is answered meanwhile.
#[test]
fn what_takes_long_has_few_places() {
    let folder = folder();
    // Connections are made by the system; nobody ever takes them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let source =
        format!("[sources.metrics]\nkind = \"prometheus\"\nurl = \"http://{}\"\n", silent.local_addr().unwrap());
    write(folder.path().join("negawatt.toml"), &source);
    let server = Server::start(folder.path());
    let (tell, answers) = mpsc::channel();
    for _ in 0..32 {
        let mut stream = server.connect();
        let head = format!("GET /v1/doctor?wait=60 HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address);
        stream.write_all(head.as_bytes()).unwrap();
        let tell = tell.clone();
        std::thread::spawn(move || {
            let mut answer = String::new();
            // What waits is not answered before the server is gone, and nobody listens any more.
            if stream.read_to_string(&mut answer).is_ok() {
                let _ = tell.send(answer);
            }
        });
    }
    drop(tell);
    let first = answers.recv().unwrap().to_lowercase();
    let refused = ["http/1.1 429", "retry-after: 5", "urn:negawatt:busy"];
    assert!(refused.iter().all(|part| first.contains(part)), "{first}");
    assert_eq!(server.ask("GET", "/healthz", "").0, 200);
    assert_eq!(server.ask("GET", "/v1/cases", "").0, 200);
}

#[test]
fn a_page_is_let_in_by_its_origin_and_every_answer_is_dressed() {
    let folder = folder();
    write(folder.path().join("negawatt.toml"), "[serve]\norigins = [\"https://console.example\"]\n");
    let server = Server::start(folder.path());
    let of = |origin: &str| server.ask_with("GET", "/v1/cases", &format!("Origin: {origin}\r\n"), "");
    let as_agent =
        |origin: &str| server.ask_with("POST", "/mcp", &format!("{AGENT}Origin: {origin}\r\n"), INITIALIZE).0;
    assert_eq!((of("https://console.example").0, as_agent("https://console.example")), (200, 200));
    assert_eq!(of("https://console.example\r\nSec-Fetch-Site: cross-site").0, 200);
    for origin in ["http://console.example", "https://console.example:444", "https://console.example.evil", "null", ""]
    {
        let (status, head, body) = of(origin);
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &problem["type"]), (403, &"urn:negawatt:origin".into()), "{origin:?}");
        assert_eq!(as_agent(origin), 403, "{origin:?}");
        for line in [
            "x-content-type-options: nosniff",
            "x-frame-options: DENY",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
            "content-security-policy: default-src 'none'",
        ] {
            assert!(head.contains(line), "{line}: {head}");
        }
    }
}
