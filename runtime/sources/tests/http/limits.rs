//! Sizes, times and numbers of requests.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use negawatt_host::{Outcome, Status, header_bytes};
use negawatt_test_servers::Response;

use crate::support::{Call, Counting, Gate, error, note, recorded, send};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_a_size() {
    let server = Counting::start(|request| Response::text(request.body.len().to_string()));
    let call = || {
        let title = format!("send POST {}/x\nx-own: 1\nbody 100000", server.url());
        Call::new(&title, &format!("http = [\"{}\"]\nmethods = [\"POST\"]", server.url()))
    };
    let size = recorded(&call().run().await).0.bytes();
    assert!(size > 100_000);
    let just = call().limited(|limits| limits.http_request_bytes = size).run().await;
    assert!(note(&just).ends_with("100000"), "{}", note(&just));
    for most in [size - 1, 50_000, 20, 1] {
        let outcome = call().limited(|limits| limits.http_request_bytes = most).run().await;
        assert!(error(&outcome).contains(&format!("{most} bytes")), "{}", error(&outcome));
        assert!(note(&outcome).contains("over-budget"), "{}", note(&outcome));
    }
    assert_eq!(server.asked(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_a_size() {
    let server =
        Counting::start(|_| Response { headers: vec!["x-theirs: 2".into()], ..Response::text("x".repeat(100_000)) });
    let call = || Call::new(&format!("send GET {}/", server.url()), &format!("http = [\"{}\"]", server.url()));
    let response = recorded(&call().run().await).1.unwrap();
    let size = header_bytes(&response.headers) + response.body.len() as u64;
    let just = call().limited(|limits| limits.http_response_bytes = size).run().await;
    assert!(note(&just).starts_with("200"), "{}", note(&just));
    for most in [size - 1, 50_000, 10] {
        let outcome = call().limited(|limits| limits.http_response_bytes = most).run().await;
        assert!(error(&outcome).contains(&format!("{most} bytes")), "{}", error(&outcome));
        assert!(note(&outcome).contains("over-budget"), "{}", note(&outcome));
    }
}

/// A server that answers one request with a head and then, for ever, the same bytes, each after a pause.
fn endless(bytes: &'static [u8], pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while reader.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
        let (_never, paused) = std::sync::mpsc::channel::<()>();
        let mut sent = stream.write_all(b"HTTP/1.1 200 -\r\n\r\n");
        while sent.is_ok() {
            let _ = paused.recv_timeout(pause);
            sent = stream.write_all(bytes);
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_answer_is_cut() {
    let url = endless(&[b'x'; 10_000], Duration::ZERO);
    let call = Call::new(&format!("send GET {url}/"), &format!("http = [\"{url}\"]"));
    let outcome = call.limited(|limits| limits.http_response_bytes = 1 << 20).run().await;
    assert!(error(&outcome).contains("1048576 bytes"), "{}", error(&outcome));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_has_no_more_time_than_a_silent_one() {
    let time = Duration::from_millis(200);
    let url = endless(b"x", Duration::from_millis(5));
    let call = Call::new(&format!("send GET {url}/"), &format!("http = [\"{url}\"]"));
    let began = Instant::now();
    let outcome = call.limited(|limits| limits.tool_time = time).run().await;
    assert_eq!(note(&outcome), "error: ErrorCode::DestinationUnavailable");
    assert!(error(&outcome).contains("longer than 200ms"), "{}", error(&outcome));
    assert!(began.elapsed() >= time);

    // What is left of the call's time is less than a tool may take.
    let url = endless(b"x", Duration::from_millis(5));
    let call = Call::new(&format!("send GET {url}/"), &format!("http = [\"{url}\"]"));
    let outcome = call.limited(|limits| limits.time = time).run().await;
    assert!(outcome.status == Status::Timeout || note(&outcome).starts_with("error"), "{outcome:?}");
    assert_eq!(outcome.answers.len(), 1, "what was asked is recorded all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_never_finished_is_not_waited_for() {
    let server = Counting::start(|_| Response::text("ok"));
    let grant = format!("http = [\"{}\"]\nmethods = [\"POST\"]", server.url());
    let call = Call::new(&format!("half POST {}/", server.url()), &grant);
    let outcome = call.limited(|limits| limits.tool_time = Duration::from_millis(100)).run().await;
    assert_eq!((note(&outcome), server.asked()), ("error: ErrorCode::DestinationUnavailable", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_requests_are_under_way_at_a_time() {
    for (at_once, answered) in [(2, 2), (3, 3), (4, 3)] {
        let gate = Arc::new(Gate::default());
        let held = gate.clone();
        let server = Counting::start(move |_| {
            held.pass();
            Response::text("ok")
        });
        let mut call =
            Call::new(&format!("together 3 GET {}/", server.url()), &format!("http = [\"{}\"]", server.url()))
                .limited(|limits| limits.http_at_once = at_once);
        // The courier says when all of them are sent.
        call.envelope.progress = Some(Arc::new(move |_, _| gate.open()));
        let outcome = call.run().await;
        let refused = outcome.answers.iter().filter(|answer| answer.error.is_some()).count();
        assert_eq!((server.asked(), refused), (answered, 3 - answered), "{at_once}: {}", note(&outcome));
        assert_eq!(outcome.answers.len(), 3);
        for answer in outcome.answers.iter().skip(answered) {
            assert!(answer.error.as_ref().is_some_and(|error| error.contains("2 requests")), "{answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_count_as_calls_of_tools_and_as_bytes() {
    let server = Counting::start(|_| Response::text("x".repeat(5_000)));
    let call = |number: usize| {
        let title = format!("together {number} GET {}/", server.url());
        Call::new(&title, &format!("http = [\"{}\"]", server.url()))
    };
    let two = call(2).limited(|limits| limits.tool_calls = 2).run().await;
    assert_eq!((note(&two).matches("200\n").count(), two.usage.tool_calls), (2, 2));
    let three = call(3).limited(|limits| limits.tool_calls = 2).run().await;
    assert_eq!((note(&three).matches("200\n").count(), three.usage.tool_calls), (2, 2));
    assert!(note(&three).contains("may ask tools 2 times"), "{}", note(&three));
    let of_case = call(3).drawing(2).run().await;
    assert_eq!((note(&of_case).matches("200\n").count(), of_case.usage.tool_calls, of_case.case_spent), (2, 2, true));
    assert!(!call(3).drawing(3).run().await.case_spent);

    let one = call(1).run().await;
    let bytes = one.usage.read_bytes;
    let just = call(1).limited(|limits| limits.read_bytes = bytes).run().await;
    assert!(note(&just).starts_with("200"), "{}", note(&just));
    let more = call(1).limited(|limits| limits.read_bytes = bytes - 1).run().await;
    assert!(error(&more).contains("ask for less"), "{}", error(&more));
    let asked = server.asked();
    let none = call(1).limited(|limits| limits.read_bytes = 10).run().await;
    assert!(error(&none).contains("are spent") && server.asked() == asked, "{}", error(&none));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_skill_keeps_counts_as_handles() {
    let call = |number: usize| Call::new(&format!("fields {number}"), "http = [\"http://127.0.0.1:1\"]");
    let kept = |call: Call| call.limited(|limits| limits.handles = 100).run();
    let (few, many) = (kept(call(80)).await, kept(call(120)).await);
    assert_eq!(few.status, Status::Ok, "{few:?}");
    assert_ne!(many.status, Status::Ok, "{many:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_keeps_for_a_skill_counts_as_its_memory() {
    const NUMBER: u64 = 40;
    const BYTES: u64 = 16_000;
    let keep = |number: u64, what: &str| {
        Call::new(&format!("keep {number} {BYTES} {what}"), "http = [\"http://127.0.0.1:1\"]")
    };
    for what in ["method", "target", "authority", "body", "list", "set", "append", "clone"] {
        let one = keep(1, what).run().await;
        let all = keep(NUMBER, what).run().await;
        assert_ok(&all);
        let [one, peak] = [one, all].map(|outcome| outcome.usage.peak_memory_bytes);
        // A body is not kept, and what waits on its way is, on either side.
        let each = if what == "body" { 2 * (16 << 10) } else { BYTES };
        assert!(peak - one >= (NUMBER - 1) * each, "{what}: {one} bytes for one, {peak} for {NUMBER}");
        let enough = keep(NUMBER, what).limited(|limits| limits.memory = peak).run().await;
        assert_ok(&enough);
        let short = keep(NUMBER, what).limited(|limits| limits.memory = peak - 1).run().await;
        assert_eq!(short.status, Status::OverBudget, "{what}: {short:?}");
        assert!(short.message.as_ref().is_some_and(|text| text.contains("bytes of memory")), "{short:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_answers_nobody() {
    let answer = Call::new("keep 1 10 answer", "http = [\"http://127.0.0.1:1\"]").run().await;
    assert!(answer.is_returned && answer.status == Status::Error, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_one_set_are_limited() {
    let list = |bytes: u64| Call::new(&format!("keep 1 {bytes} list"), "http = [\"http://127.0.0.1:1\"]").run();
    assert_ok(&list(32_000).await);
    let refused = list(33_000).await;
    assert_eq!(refused.status, Status::Trap);
    assert_eq!(refused.message.as_deref(), Some("total size of fields exceeds limit"));
}

fn assert_ok(outcome: &Outcome) {
    assert_eq!(outcome.status, Status::Ok, "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_waits_for_is_recorded_as_such() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let server = Counting::start(move |_| {
        held.pass();
        Response::text("ok")
    });
    let outcome = send(&format!("leave GET {}/", server.url()), &server.url()).await;
    gate.open();
    assert_eq!(outcome.status, Status::Ok, "{outcome:?}");
    assert!(error(&outcome).contains("did not wait"), "{}", error(&outcome));
    assert_eq!(recorded(&outcome).0.method, "GET");
}

#[tokio::test(flavor = "multi_thread")]
async fn time_stands_still_for_a_skill_while_a_request_is_under_way() {
    let server = Counting::start(|_| Response::text("ok"));
    for _ in 0..20 {
        let outcome = send(&format!("timer GET {}/", server.url()), &server.url()).await;
        assert_eq!(note(&outcome), "the answer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ends_a_request() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let server = Counting::start(move |_| {
        held.pass();
        Response::text("ok")
    });
    let call = Call::new(&format!("send GET {}/", server.url()), &format!("http = [\"{}\"]", server.url()));
    let cancel = call.envelope.cancel.clone();
    let running = tokio::spawn(call.run());
    let arrived = gate.clone();
    tokio::task::spawn_blocking(move || arrived.wait_for_one()).await.unwrap();
    cancel.cancel();
    let outcome = running.await.unwrap();
    gate.open();
    assert_eq!(outcome.status, Status::Cancelled);
    assert!(error(&outcome).starts_with("cancelled"), "{}", error(&outcome));
}
