//! Metrics from a Prometheus that fails, misbehaves or is none, through the tool's trait; from a real one, see the
//! conformance test of the sources.

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use negawatt_host::model::metrics::{Selector, Series};
use negawatt_host::model::{Aggregate, Aggregation, Error, Transform, Window};
use negawatt_host::{Scope, within};
use negawatt_test_servers::{HttpServer, Request, Response};
use support::{Place, scope};

fn toml(url: &str) -> String {
    format!("[sources.metrics]\nkind = \"prometheus\"\nurl = \"{url}\"\n")
}

fn selector() -> Selector {
    Selector { name: "up".to_owned(), matchers: Vec::new(), transform: Transform::None, aggregate: None }
}

const WINDOW: Window = Window { start: 0, end: 100_000_000 };

fn ask(url: &str, selector: Selector, window: Window, step: Option<u64>) -> Result<Vec<Series>, Error> {
    ask_within(None, url, selector, window, step)
}

/// A call that has just begun.
const CALL: (Duration, Duration) = (Duration::from_secs(4), Duration::ZERO);

/// As in a call that may take so long and has spent so much of that.
fn ask_within(
    call: Option<(Duration, Duration)>,
    url: &str,
    selector: Selector,
    window: Window,
    step: Option<u64>,
) -> Result<Vec<Series>, Error> {
    let metrics = Place::new().configure(&toml(url)).tools.metrics.unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let scope = Scope { unlabelled: false, ..scope(&["web"]) };
    let answer = metrics.query(&scope, selector, window, step);
    match call {
        Some((limit, spent)) => runtime.block_on(within(limit, spent, answer)),
        None => runtime.block_on(answer),
    }
}

/// A server that counts so many samples, and answers the rest as it is told.
fn server(samples: u64, answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> HttpServer {
    HttpServer::start(move |request| {
        if request.body.contains("count_over_time%28%7B") {
            return vector(&[("samples", samples), ("series", 1)]);
        }
        answer(request)
    })
}

fn vector(counts: &[(&str, u64)]) -> Response {
    let counts: Vec<String> =
        counts.iter().map(|(of, count)| format!(r#"{{"metric":{{"of":"{of}"}},"value":[1,"{count}"]}}"#)).collect();
    data("vector", &format!("[{}]", counts.join(",")))
}

fn data(kind: &str, result: &str) -> Response {
    Response::json(format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#))
}

fn error(status: u16, kind: &str, message: &str) -> Response {
    let body = format!(r#"{{"status":"error","errorType":"{kind}","error":"{message}"}}"#);
    Response { status, ..Response::json(body) }
}

/// A field of a form that was sent.
fn field(request: &Request, name: &str) -> String {
    let mut fields = request.body.split('&').filter_map(|field| field.split_once('='));
    fields.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).unwrap_or_default()
}

#[test]
fn nobody_there() {
    let gone = HttpServer::start(|_| Response::json("")).url();
    let Err(Error::Unavailable(message)) = ask(&gone, selector(), WINDOW, None) else { panic!() };
    assert!(
        message.contains(&gone) && message.contains("refused") && message.contains("sources.metrics.url"),
        "{message}"
    );
}

/// Connections are made by the system; nobody ever takes them. The skill is told before its own time is over.
#[test]
fn a_server_that_hangs_is_away() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = ask_within(Some(CALL), &format!("{url}/secret"), selector(), WINDOW, None);
    let Err(Error::Unavailable(message)) = answer else { panic!("{answer:?}") };
    assert!(message.contains(&format!("{url} ")) && message.contains("sources.metrics.url"), "{message}");
    assert!(message.contains("or something drops the connection") && !message.contains("secret"), "{message}");
    let waited: f64 = message.split("no answer within ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(waited < CALL.0.as_secs_f64(), "{message}");
}

/// Where a call has little time left, one that works cannot be told from one that is away: it is the time that is over.
#[test]
fn with_little_time_left_nobody_is_called_away() {
    let limit = Duration::from_secs(10);
    let call = Some((limit, limit - Duration::from_millis(300)));
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let answer = ask_within(call, &format!("http://{}", busy.local_addr().unwrap()), selector(), WINDOW, None);
    let Err(Error::OverBudget(message)) = answer else { panic!("{answer:?}") };
    assert!(message.contains("the call's time is spent"), "{message}");
    // What says itself that it needs longer is not asked for half of it over and over.
    let asked = Arc::new(Mutex::new(0));
    let log = asked.clone();
    let slow = server(10, move |_| {
        *log.lock().unwrap() += 1;
        error(503, "timeout", "query timed out")
    });
    let answer = ask_within(call, &slow.url(), selector(), WINDOW, None);
    assert!(matches!(answer, Err(Error::OverBudget(_))), "{answer:?}");
    assert!(*asked.lock().unwrap() <= 1, "{}", asked.lock().unwrap());
}

/// One that answers, but without end, works: less may be answered in time.
#[test]
fn an_answer_that_does_not_end_in_time_is_too_much() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 -\r\ncontent-length: 9999\r\n\r\n{");
            open.push(stream);
        }
    });
    let answer = ask_within(Some(CALL), &url, selector(), WINDOW, None);
    let Err(Error::OverBudget(message)) = answer else { panic!("{answer:?}") };
    assert!(message.contains("did not end within "), "{message}");
}

/// Of a call's time Prometheus is given less than it is waited for, so that one that works says so itself.
#[test]
fn prometheus_is_told_to_give_up_in_time() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let server = HttpServer::start(move |request| {
        log.lock().unwrap().push(field(request, "timeout"));
        vector(&[])
    });
    for call in [None, Some((Duration::from_secs(8), Duration::ZERO))] {
        ask_within(call, &server.url(), selector(), WINDOW, None).unwrap();
    }
    let told: Vec<u64> =
        asked.lock().unwrap().iter().map(|time| time.strip_suffix("ms").unwrap().parse().unwrap()).collect();
    assert!(told[0] == 15_000 && (1_000..=3_000).contains(&told[1]), "{told:?}");
}

/// An address may have a path that a proxy knows people by.
#[test]
fn no_message_tells_the_path_of_an_address() {
    let gone = HttpServer::start(|_| Response::json("")).url();
    let fails = HttpServer::start(|_| error(500, "internal", "disk"));
    let stranger = HttpServer::start(|_| Response::text("hello"));
    for url in [&gone, &fails.url(), &stranger.url()] {
        let Err(Error::Unavailable(message)) = ask(&format!("{url}/secret"), selector(), WINDOW, None) else {
            panic!()
        };
        assert!(message.contains(url) && !message.contains("secret"), "{message}");
        let place = Place::new();
        let told = format!("{:?}", support::examine(&place, &toml(&format!("{url}/secret"))));
        assert!(told.contains(url) && !told.contains("secret"), "{told}");
    }
}

#[test]
fn what_is_no_prometheus() {
    let html = |status| Response { status, content_type: "text/html", headers: Vec::new(), body: b"<html>".to_vec() };
    for (reply, message) in [
        (html(200), "(200, text/html)"),
        (html(404), "has no Prometheus API"),
        (html(401), "no credentials"),
        (html(403), "no credentials"),
        (html(502), "overloaded"),
        (html(500), "(500, text/html)"),
        (Response::json("{}"), "does not answer as Prometheus does"),
        (Response::json("[1"), "does not answer as Prometheus does"),
        (Response::json(r#"{"status":"success"}"#), "does not answer as Prometheus does"),
        (Response::json(r#"{"status":"splendid","data":{}}"#), "does not answer as Prometheus does"),
        (Response::json(vec![0xff; 100]), "does not answer as Prometheus does"),
    ] {
        let server = HttpServer::start(move |_| reply.clone());
        let Err(Error::Unavailable(found)) = ask(&server.url(), selector(), WINDOW, None) else { panic!("{message}") };
        assert!(found.contains(message) && found.contains(&server.url()), "{found}");
    }
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = HttpServer::start(|_| panic!("followed"));
    let location = format!("location: {}/", elsewhere.url());
    let server = HttpServer::start(move |_| Response {
        status: 307,
        headers: vec![location.clone()],
        ..Response::text("moved")
    });
    let Err(Error::Unavailable(message)) = ask(&server.url(), selector(), WINDOW, None) else { panic!() };
    assert!(message.contains("redirect (307)"), "{message}");
}

#[test]
fn a_path_before_the_api_and_a_proxy_that_allows_only_get() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let server = HttpServer::start(move |request| {
        log.lock().unwrap().push(format!(
            "{} {}",
            request.method,
            request.target.split('?').next().unwrap_or_default()
        ));
        if request.method == "POST" { Response { status: 405, ..Response::text("") } } else { vector(&[]) }
    });
    assert_eq!(ask(&format!("{}/prom/", server.url()), selector(), WINDOW, None), Ok(Vec::new()));
    assert_eq!(*seen.lock().unwrap(), ["POST /prom/api/v1/query", "GET /prom/api/v1/query"]);
}

#[test]
fn errors_of_prometheus() {
    for (reply, expected) in [
        (
            error(400, "bad_data", r"parse error\u0007\nat 1"),
            "Error::Invalid(\"Prometheus refuses the query: parse error  at 1\")",
        ),
        (
            error(422, "execution", "multiple matches"),
            "Error::Invalid(\"Prometheus cannot evaluate the query: multiple matches\")",
        ),
        (error(400, "bad_data", "exceeded maximum resolution of 11,000 points"), "Error::OverBudget"),
        (error(422, "execution", "query processing would load too many samples into memory"), "Error::OverBudget"),
        (error(503, "timeout", "query timed out"), "Error::OverBudget"),
        (error(500, "internal", "disk"), "Error::Unavailable"),
        (error(503, "unavailable", &"x".repeat(10_000)), "Error::Unavailable"),
    ] {
        let server = HttpServer::start(move |_| reply.clone());
        let found = format!("{:?}", ask(&server.url(), selector(), WINDOW, None).unwrap_err());
        assert!(found.starts_with(expected), "{found}");
        assert!(found.len() < 600, "{found}");
    }
}

#[test]
fn answers_that_cannot_be_used() {
    const TWINS: &str =
        r#"[{"metric":{"service":"web"},"values":[[1,"1"]]},{"metric":{"service":"web"},"values":[[1,"1"]]}]"#;
    for (kind, result, message) in [
        ("matrix", r#"[{"metric":{"service":"web"},"values":[[2,"1"],[1,"1"]]}]"#, "rising time"),
        ("matrix", r#"[{"metric":{"service":"web"},"values":[[1e30,"1"]]}]"#, "a time that is none"),
        ("matrix", r#"[{"metric":{"service":"web"},"values":"many"}]"#, "invalid type"),
        ("matrix", TWINS, "same labels"),
        ("matrix", r#"[{"metric":{"a":"1","a":"2"}}]"#, "occurs twice"),
        ("string", r#"[1,"x"]"#, "type \"string\""),
    ] {
        let server = server(10, move |_| data(kind, result));
        let Err(Error::Unavailable(found)) = ask(&server.url(), selector(), WINDOW, None) else { panic!("{message}") };
        assert!(found.contains(message), "{found}");
    }
    let histogram = r#"[{"metric":{"service":"web"},"histograms":[[1,{"count":"5","sum":"3"}]]}]"#;
    let server = server(10, move |_| data("matrix", histogram));
    let Err(Error::Invalid(found)) = ask(&server.url(), selector(), WINDOW, None) else { panic!() };
    assert!(found.contains("native histogram"), "{found}");
}

#[test]
fn what_was_not_asked_for_is_not_in_the_answer() {
    let server = server(10, |_| {
        let series = |service: &str| {
            format!(
                r#"{{"metric":{{"__name__":"up","service":"{service}"}},"values":[[-1,"9"],[0,"1"],[99.999,"NaN"],[100,"9"]]}}"#
            )
        };
        data("matrix", &format!("[{},{}]", series("other"), series("web")))
    });
    let found = ask(&server.url(), selector(), WINDOW, None).unwrap();
    assert_eq!(found.len(), 1, "of the other service nothing");
    assert_eq!((found[0].times.as_slice(), found[0].values.as_slice()), (&[0][..], &[1.0][..]));
    assert_eq!(found[0].labels[0].value, "web");
}

#[test]
fn what_is_too_much_at_once_is_asked_for_in_parts() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let server = server(10, move |request| {
        let query = field(request, "query");
        let range: i64 = query.split("%5B").nth(1).and_then(|rest| rest.split("ms").next()).unwrap().parse().unwrap();
        log.lock().unwrap().push(range);
        if range > 30_000 {
            return error(422, "execution", "query processing would load too many samples into memory");
        }
        let time = field(request, "time");
        data("matrix", &format!(r#"[{{"metric":{{"service":"web"}},"values":[[{time},"1"]]}}]"#))
    });
    let found = ask(&server.url(), selector(), WINDOW, None).unwrap();
    assert_eq!(found[0].times, [24_999_000, 49_999_000, 74_999_000, 99_999_000]);
    assert_eq!(*asked.lock().unwrap(), [100_000, 50_000, 25_000, 25_000, 50_000, 25_000, 25_000]);
}

#[test]
fn what_is_too_much_altogether_is_refused() {
    let huge = server(4_000_001, |_| panic!("asked all the same"));
    let Err(Error::OverBudget(message)) = ask(&huge.url(), selector(), WINDOW, None) else { panic!() };
    assert!(message.contains("4000001 samples") && message.contains("ask with a step"), "{message}");
    // An answer that does not end.
    let endless = HttpServer::start(|_| Response::json(vec![b' '; 65 << 20]));
    let Err(Error::OverBudget(message)) = ask(&endless.url(), selector(), WINDOW, None) else { panic!() };
    assert!(message.contains("64 MiB"), "{message}");
}

#[test]
fn counters_are_left_to_versions_that_evaluate_them_alike() {
    let sum = Selector {
        transform: Transform::Rate(60_000_000),
        aggregate: Some(Aggregate { operation: Aggregation::Sum, by: vec!["service".to_owned()] }),
        ..selector()
    };
    let answer = |probe: f64, guard: &'static str, edge: &'static str| {
        let queries = Arc::new(Mutex::new(Vec::new()));
        let log = queries.clone();
        let server = server(1_000_000, move |request| {
            let query = field(request, "query");
            let range_query = request.target.ends_with("query_range");
            let reply = if query.starts_with("scalar") {
                data("scalar", &format!("[1000,\"{probe}\"]"))
            } else if query.contains("sum_over_time") {
                data("matrix", &format!(r#"[{{"metric":{{}},"values":[[70,"{guard}"]]}}]"#))
            } else if query.contains("present_over_time") {
                data("matrix", edge)
            } else if range_query {
                data("matrix", r#"[{"metric":{"service":"web"},"values":[[70,"5"]]}]"#)
            } else {
                data("matrix", "[]")
            };
            log.lock().unwrap().push(if range_query { "range" } else { "instant" });
            reply
        });
        let window = Window { start: 10_000_000, end: 100_000_000 };
        let found = ask(&server.url(), sum.clone(), window, Some(10_000_000)).unwrap();
        (found.first().map(|series| series.values.clone()), queries.lock().unwrap().clone())
    };
    let (no_edge, an_edge) = ("[]", r#"[{"metric":{},"values":[[70,"1"]]}]"#);
    // The probe, a guard, and the answer.
    assert_eq!(answer(2065.0, "1", an_edge), (Some(vec![5.0]), vec!["instant", "range", "range"]));
    // A sample that is no number: from raw samples.
    let (found, queries) = answer(2065.0, "NaN", no_edge);
    assert_eq!((found, &queries[..3]), (None, &["instant", "range", "instant"][..]));
    // Ranges that are closed on the left: only where no sample lies there.
    assert_eq!(answer(3065.0, "1", no_edge), (Some(vec![5.0]), vec!["instant", "range", "range", "range"]));
    let (found, queries) = answer(3065.0, "1", an_edge);
    assert_eq!((found, &queries[..4]), (None, &["instant", "range", "range", "instant"][..]));
    // Older versions, and servers like none that is known.
    for probe in [3070.0, 1.0] {
        let (found, queries) = answer(probe, "1", no_edge);
        assert!(found.is_none() && !queries.contains(&"range"), "{probe}: {queries:?}");
    }
}

#[test]
fn values_between_the_steps_are_refused() {
    let server = server(1_000_000, |request| {
        if field(request, "query").starts_with("scalar") {
            return data("scalar", "[1000,\"2065\"]");
        }
        data("matrix", r#"[{"metric":{"service":"web"},"values":[[71,"5"]]}]"#)
    });
    let Err(Error::Unavailable(message)) = ask(&server.url(), selector(), WINDOW, Some(10_000_000)) else { panic!() };
    assert!(message.contains("not asked for"), "{message}");
}
