//! Skills that send requests over HTTP: what is not allowed reaches nobody, and what is allowed stays within its limits.

mod limits;
mod secrets;
mod spans;
mod support;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use negawatt_host::grants::{Grants, Refusal};
use negawatt_host::model::{Answer, Error};
use negawatt_host::{Effects, Status, Tool};
use negawatt_test_servers::Response;

use support::{Call, Counting, SKILL, error, note, recorded, send};

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_request_is_answered_and_recorded() {
    let server = Counting::start(|request| {
        let of = |name: &str| request.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value);
        let text = format!("{} {} host={} x={}", request.method, request.target, of("host"), of("x-own"));
        Response { headers: vec!["x-theirs: 2".into()], ..Response::text(text) }
    });
    let outcome = send(&format!("send GET {}/a?b=c\nx-own: 1", server.url()), &server.url()).await;
    let body = format!("GET /a?b=c host={} x=1", server.server.address());
    assert!(note(&outcome).starts_with("200\n") && note(&outcome).ends_with(&body), "{}", note(&outcome));
    assert!(note(&outcome).contains("x-theirs: 2"), "{}", note(&outcome));
    let (request, response) = recorded(&outcome);
    assert_eq!((request.method.as_str(), request.url()), ("GET", format!("{}/a?b=c", server.url())));
    assert_eq!(request.headers, [("x-own".to_owned(), b"1".to_vec())]);
    assert_eq!(response.unwrap().body, body.as_bytes());
    assert_eq!((outcome.tools(), outcome.usage.tool_calls), ([Tool::Http].into(), 1));
    assert_eq!(outcome.answers[0].function, "GET");
    assert_eq!(outcome.usage.read_bytes, (outcome.answers[0].request.len() + outcome.answers[0].response.len()) as u64);
    assert!(outcome.usage.tools_us > 0 && outcome.answers[0].error.is_none());

    let head = send(&format!("send HEAD {}", server.url()), &server.url()).await;
    assert!(note(&head).starts_with("200\n") && note(&head).ends_with("\n\n"), "{}", note(&head));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_listed_reaches_nobody() {
    let (allowed, other) = (Counting::start(|_| Response::text("ok")), Counting::start(|_| Response::text("leak")));
    let port = allowed.port();
    for url in [
        other.url(),
        format!("https://127.0.0.1:{port}"),
        format!("ftp://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
        format!("http://127.1:{port}"),
        format!("http://2130706433:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
        format!("http://127.0.0.1.:{port}"),
        "http://127.0.0.1".to_owned(),
        format!("http://127.0.0.1:{port}@evil.example"),
        format!("http://127.0.0.1:{port}@127.0.0.1:{}", other.port()),
        format!("http://user:password@127.0.0.1:{port}"),
        format!("http://evil.example?http://127.0.0.1:{port}"),
    ] {
        let outcome = send(&format!("send GET {url}/"), &allowed.url()).await;
        assert!(note(&outcome).starts_with("error"), "{url}: {}", note(&outcome));
    }
    assert_eq!((allowed.asked(), other.asked()), (0, 0));
    let outcome = send(&format!("send GET {}/", other.url()), &allowed.url()).await;
    assert_eq!(note(&outcome), "error: ErrorCode::HttpRequestDenied");
    assert!(error(&outcome).contains(&format!("http = [\"{}\"]", other.url())), "{}", error(&outcome));
    assert_eq!(recorded(&outcome).0.url(), format!("{}/", other.url()), "what was refused is recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_the_skills_to_follow_and_checked_again() {
    let inside = Counting::start(|_| Response::text("inside"));
    let target = inside.url();
    let front = Counting::start(move |request| {
        let to = match request.target.as_str() {
            "/metadata" => "http://169.254.169.254/latest/meta-data".to_owned(),
            _ => format!("{target}/secret"),
        };
        Response { status: 302, headers: vec![format!("location: {to}")], ..Response::text("moved") }
    });
    let alone = format!("http = [\"{}\"]", front.url());
    let both = format!("http = [\"{}\", \"{}\"]", front.url(), inside.url());

    let given = Call::new(&format!("send GET {}/", front.url()), &both).run().await;
    assert!(note(&given).starts_with("302\n") && note(&given).ends_with("moved"), "{}", note(&given));
    for path in ["/", "/metadata"] {
        let outcome = Call::new(&format!("follow GET {}{path}", front.url()), &alone).run().await;
        assert!(note(&outcome).ends_with("error: ErrorCode::HttpRequestDenied"), "{path}: {}", note(&outcome));
        assert_eq!(outcome.answers.len(), 2);
    }
    assert_eq!(inside.asked(), 0);
    let outcome = Call::new(&format!("follow GET {}/", front.url()), &both).run().await;
    assert!(note(&outcome).ends_with("inside") && inside.asked() == 1, "{}", note(&outcome));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_not_public_must_be_listed() {
    let server = Counting::start(|_| Response::text("inside"));
    let by_name = format!("http://localhost:{}", server.port());
    let title = format!("send GET {by_name}/");
    let refused = send(&title, &by_name).await;
    assert_eq!(note(&refused), "error: ErrorCode::HttpRequestDenied");
    assert!(error(&refused).contains("loopback") && error(&refused).contains("addresses = ["), "{}", error(&refused));
    let other = format!("http = [\"{by_name}\"]\naddresses = [\"10.0.0.0/8\"]");
    assert!(note(&Call::new(&title, &other).run().await).starts_with("error"));
    assert_eq!(server.asked(), 0);
    let listed = format!("http = [\"{by_name}\"]\naddresses = [\"127.0.0.0/8\", \"::1\"]");
    assert!(note(&Call::new(&title, &listed).run().await).ends_with("inside"));
    // The addresses of one grant are not those of another.
    let two = format!(
        "http = [\"{by_name}\"]\n[[grants]]\nskill = \"courier\"\nhttp = [\"http://a.example\"]\naddresses = [\"127.0.0.0/8\", \"::1\"]"
    );
    assert!(note(&Call::new(&title, &two).run().await).starts_with("error"));
}

/// Keeps what it hears, or refuses it.
struct Intents {
    heard: Mutex<Vec<String>>,
    refuse: bool,
}

#[async_trait]
impl Effects for Intents {
    async fn intend(&self, what: &str) -> Answer<()> {
        self.heard.lock().unwrap().push(what.to_owned());
        if self.refuse { Err(Error::Denied("it was done before".into())) } else { Ok(()) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_must_be_named_and_an_effect_is_told_before() {
    let heard_before = Arc::new(Mutex::new(Vec::new()));
    let intents = |refuse| Arc::new(Intents { heard: Mutex::default(), refuse });
    let (keeping, refusing) = (intents(false), intents(true));
    let (seen, told) = (heard_before.clone(), keeping.clone());
    let server = Counting::start(move |request| {
        seen.lock().unwrap().push(told.heard.lock().unwrap().len());
        Response::text(format!("{} {}", request.method, request.body.len()))
    });
    let posting = format!("http = [\"{}\"]\nmethods = [\"GET\", \"POST\"]", server.url());
    let title = format!("send POST {}/x\nbody 10000", server.url());

    let refused = send(&title, &server.url()).await;
    assert_eq!(note(&refused), "error: ErrorCode::HttpRequestDenied");
    assert!(error(&refused).contains("methods = [\"POST\"]"), "{}", error(&refused));
    for method in ["DELETE", "CONNECT", "TRACE", "post", "get"] {
        let outcome = Call::new(&format!("send {method} {}/x", server.url()), &posting).run().await;
        assert!(note(&outcome).starts_with("error"), "{method}: {}", note(&outcome));
    }
    let mut call = Call::new(&title, &posting);
    call.envelope.effects = Some(refusing.clone());
    assert_eq!(note(&call.run().await), "error: ErrorCode::HttpRequestDenied");
    assert_eq!((server.asked(), refusing.heard.lock().unwrap().len()), (0, 1));

    let mut call = Call::new(&title, &posting);
    call.envelope.effects = Some(keeping.clone());
    let outcome = call.run().await;
    assert!(note(&outcome).ends_with("POST 10000"), "{}", note(&outcome));
    assert_eq!(recorded(&outcome).0.body, vec![b'x'; 10_000]);
    assert_eq!(*heard_before.lock().unwrap(), [1]);
    let heard = keeping.heard.lock().unwrap().clone();
    assert!(heard[0].starts_with(&format!("POST {}/x (blake3:", server.url())), "{heard:?}");
    assert_eq!(heard, *refusing.heard.lock().unwrap(), "the same effect has the same name");

    let mut asking = Call::new(&format!("send GET {}/", server.url()), &posting);
    asking.envelope.effects = Some(refusing.clone());
    assert!(note(&asking.run().await).starts_with("200"), "asking is no effect");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_the_connection_cannot_be_set() {
    for name in
        ["host", "Host", "connection", "transfer-encoding", "proxy-authorization", "upgrade", "a b", "a\r\nb", ""]
    {
        let outcome = send(&format!("field {name}"), "http://127.0.0.1:1").await;
        assert!(note(&outcome).starts_with("error"), "{name:?}");
    }
    assert_eq!(note(&send("field authorization", "http://127.0.0.1:1").await), "set");
    let server = Counting::start(|_| Response::text("ok"));
    let length = send(&format!("send GET {}/\ncontent-length: 3\nbody 2", server.url()), &server.url()).await;
    assert!(note(&length).starts_with("error") && server.asked() == 0, "{}", note(&length));
}

#[test]
fn nothing_is_linked_that_is_not_granted() {
    assert_eq!(SKILL.imports.tools, [Tool::Http].into());
    let denial = Grants::default().rights(&SKILL).unwrap_err();
    assert_eq!(denial.reasons, [Refusal::NotGranted(vec![Tool::Http])]);
    assert!(denial.grant().contains("http = ["), "{}", denial.grant());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_what_stands_behind_it_is_unavailable() {
    let mut call = Call::new("send GET http://127.0.0.1:1/", "http = [\"http://127.0.0.1:1\"]");
    call.envelope.tools = Arc::default();
    let outcome = call.run().await;
    assert_eq!((outcome.status, note(&outcome)), (Status::Ok, "error: ErrorCode::DestinationUnavailable"));
}

/// Run by the next test, in a process of its own.
#[test]
fn proxies_of_the_environment() {
    let Ok(origin) = std::env::var("COURIER_ASKS") else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(send(&format!("send GET {origin}/"), &origin));
    assert!(note(&outcome).ends_with("direct"), "{}", note(&outcome));
}

#[test]
fn proxies_of_the_environment_are_ignored() {
    let (server, proxy) = (Counting::start(|_| Response::text("direct")), Counting::start(|_| Response::text("proxy")));
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "proxies_of_the_environment"]).env("COURIER_ASKS", server.url());
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        child.env(variable, proxy.url());
    }
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((server.asked(), proxy.asked()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_is_not_the_bodys_is_refused() {
    let server = Counting::start(|_| Response::text("ok"));
    let send = async |said: &str| {
        let grant = format!("http = [\"{}\"]\nmethods = [\"POST\"]", server.url());
        Call::new(&format!("send POST {}/\n{said}", server.url()), &grant).run().await
    };
    for right in ["", "content-length: 0", "content-length: 3\nbody 3"] {
        assert!(note(&send(right).await).starts_with("200\n"), "{right}");
    }
    let asked = server.asked();
    let lengths = ["3", "x", "2\nbody 3", "4\nbody 3", "3\ncontent-length: 4\nbody 3"];
    for wrong in lengths.map(|length| format!("content-length: {length}")) {
        let outcome = send(&wrong).await;
        assert_eq!(server.asked(), asked, "{wrong}: {outcome:?}");
    }
}
