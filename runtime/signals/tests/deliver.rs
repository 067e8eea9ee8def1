//! What others are told: from the disk, to a real server that misbehaves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use negawatt_config::{Config, Notify};
use negawatt_signals::{
    Courier, Delivered, Notice, NoticeData, Outbox, OutboxError, OutcomeNotice, ReviewNotice, SigningSecret,
};
use negawatt_test_servers::{HttpServer, Request, Response};
use tempfile::TempDir;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW: i64 = 1_795_072_200_000_000;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A server that answers with these statuses and lines of the head, in turn, and remembers what it was asked; the last one stays.
struct Hook {
    server: HttpServer,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Hook {
    fn start(answers: &[(u16, &str)]) -> Hook {
        let asked: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (seen, answers) =
            (asked.clone(), answers.iter().map(|(status, line)| (*status, (*line).to_owned())).collect::<Vec<_>>());
        let server = HttpServer::start(move |request| {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            let (status, line) = &answers[(seen.len() - 1).min(answers.len() - 1)];
            let headers = Some(line.clone()).filter(|line| !line.is_empty()).into_iter().collect();
            Response { status: *status, headers, ..Response::json("x".repeat(100_000)) }
        });
        Hook { server, asked }
    }

    fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    fn ids(&self) -> Vec<String> {
        self.asked().iter().map(|request| header(request, "webhook-id")).collect()
    }
}

fn header(request: &Request, name: &str) -> String {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// Whom an operator names, each with the secret in a file.
fn notify(folder: &Path, urls: &[String], events: &str) -> Vec<Notify> {
    let file = folder.join("secret");
    fs::write(&file, SECRET).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let section =
        |url: &String| format!("[[serve.notify]]\nurl = \"{url}\"\nsecret = {{ file = \"secret\" }}\n{events}\n");
    let text: String = urls.iter().map(section).collect();
    Config::parse(&text, &folder.join("negawatt.toml")).unwrap().serve.notify
}

fn courier(folder: &TempDir, urls: &[String]) -> Courier {
    Courier::new(Outbox::open(folder.path()).unwrap(), &notify(folder.path(), urls, "")).unwrap()
}

fn outcome(id: &str) -> Notice {
    let data = OutcomeNotice {
        case: "01J".into(),
        proposal: Some(1),
        service: "checkout".into(),
        outcome: "merged".into(),
        text: None,
    };
    Notice { id: id.to_owned(), time: NOW, data: NoticeData::Outcome(data) }
}

fn deliver(courier: &Courier, now: i64) -> Delivered {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(courier.deliver(now)).unwrap()
}

#[test]
fn a_notice_arrives_once_and_signed() {
    let (folder, hook) = (tempfile::tempdir().unwrap(), Hook::start(&[(204, "")]));
    let courier = courier(&folder, &[format!("{}/hooks/negawatt", hook.server.url())]);
    assert_eq!((courier.post(&outcome("01J/7"), NOW).unwrap(), courier.next().unwrap()), (1, Some(NOW)));
    assert_eq!(courier.post(&outcome("01J/7"), NOW + 5).unwrap(), 0, "posted again, it is the same");
    assert_eq!(deliver(&courier, NOW - 1), Delivered::default(), "not before its time");
    assert_eq!(deliver(&courier, NOW).sent, 1);
    assert_eq!((deliver(&courier, NOW + DAY), courier.next().unwrap()), (Delivered::default(), None));
    assert_eq!(courier.post(&outcome("01J/7"), NOW + DAY).unwrap(), 0, "also after it was told");

    let [request] = &hook.asked()[..] else { panic!("{:?}", hook.asked()) };
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/hooks/negawatt"));
    assert_eq!(
        (header(request, "webhook-id"), header(request, "content-type")),
        ("01J/7".into(), "application/json".into())
    );
    let seconds = NOW / SECOND;
    assert_eq!(header(request, "webhook-timestamp"), seconds.to_string());
    let signature = SigningSecret::parse(SECRET).unwrap().sign("01J/7", seconds, &request.body);
    assert_eq!(header(request, "webhook-signature"), signature);
    assert_eq!(request.body, outcome("01J/7").payload());
    assert!(!format!("{courier:?}").contains("MfKQ"));
}

#[test]
fn what_fails_for_now_is_tried_again_and_later_each_time() {
    let (folder, hook) =
        (tempfile::tempdir().unwrap(), Hook::start(&[(500, ""), (503, ""), (408, ""), (425, ""), (200, "")]));
    let courier = courier(&folder, &[hook.server.url()]);
    courier.post(&outcome("01J/1"), NOW).unwrap();
    courier.post(&outcome("01J/2"), NOW).unwrap();
    let mut now = NOW;
    for most in [5, 10, 20, 40] {
        let delivered = deliver(&courier, now);
        assert_eq!((delivered.sent, delivered.put_off, delivered.given_up.len()), (0, 1, 0));
        let next = courier.next().unwrap().unwrap();
        assert!((most * SECOND / 2..=most * SECOND).contains(&(next - now)), "{} µs", next - now);
        assert_eq!(deliver(&courier, next - 1), Delivered::default());
        now = next;
    }
    assert_eq!(deliver(&courier, now).sent, 2);
    assert_eq!(
        hook.ids(),
        ["01J/1", "01J/1", "01J/1", "01J/1", "01J/1", "01J/2"],
        "one that is down is asked once, and in order"
    );
    let times: Vec<_> = hook.asked().iter().map(|request| header(request, "webhook-timestamp")).collect();
    assert!(times[0] < times[4], "each try is signed with its own time");
}

#[test]
fn a_server_that_asks_for_time_gets_it() {
    let (folder, hook) = (
        tempfile::tempdir().unwrap(),
        Hook::start(&[(429, "retry-after: 900"), (503, "retry-after: 99999999"), (200, "")]),
    );
    let courier = courier(&folder, &[hook.server.url()]);
    courier.post(&outcome("01J/1"), NOW).unwrap();
    assert_eq!(deliver(&courier, NOW).put_off, 1);
    assert_eq!(courier.next().unwrap(), Some(NOW + 900 * SECOND));
    assert_eq!(deliver(&courier, NOW + 900 * SECOND).put_off, 1);
    assert_eq!(courier.next().unwrap(), Some(NOW + 900 * SECOND + DAY), "and no more than a day");
    assert_eq!(deliver(&courier, NOW + 900 * SECOND + DAY).sent, 1);
}

#[test]
fn what_is_refused_or_moved_is_given_up_and_told() {
    let elsewhere = Hook::start(&[(200, "")]);
    let moved = format!("location: {}", elsewhere.server.url());
    for (status, line, says) in [
        (400, "", "400"),
        (401, "", "401"),
        (404, "", "404"),
        (410, "", "410"),
        (302, moved.as_str(), "redirect"),
        (308, &moved, "redirect"),
    ] {
        let (folder, hook) = (tempfile::tempdir().unwrap(), Hook::start(&[(status, line)]));
        let courier = courier(&folder, &[format!("{}/s3cret", hook.server.url())]);
        courier.post(&outcome("01J/1"), NOW).unwrap();
        let given_up = deliver(&courier, NOW).given_up;
        assert!(given_up.len() == 1 && given_up[0].why.contains(says), "{given_up:?}");
        assert_eq!(
            (given_up[0].target.as_str(), given_up[0].id.as_str()),
            (hook.server.url().as_str(), "01J/1"),
            "its path is not told"
        );
        assert_eq!((courier.next().unwrap(), hook.asked().len()), (None, 1));
    }
    assert!(elsewhere.asked().is_empty(), "no redirect is followed");
}

#[test]
fn after_three_days_nobody_tries_any_more() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens there any more.
    let url = HttpServer::start(|_| Response::json("")).url();
    let courier = courier(&folder, &[url]);
    courier.post(&outcome("01J/1"), NOW).unwrap();
    assert_eq!(deliver(&courier, NOW).put_off, 1);
    assert_eq!(deliver(&courier, NOW + 3 * DAY - 1).put_off, 1);
    let given_up = deliver(&courier, NOW + 4 * DAY).given_up;
    assert!(given_up[0].why.contains("no connection") && given_up[0].why.contains("three days"), "{given_up:?}");
    assert_eq!(courier.next().unwrap(), None);
}

#[test]
fn one_that_is_silent_holds_up_nobody_else() {
    let (folder, hook) = (tempfile::tempdir().unwrap(), Hook::start(&[(200, "")]));
    // It takes connections into its queue, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let courier = courier(&folder, &[format!("http://{}", silent.local_addr().unwrap()), hook.server.url()])
        .waiting(Duration::from_secs(1));
    assert_eq!(courier.post(&outcome("01J/1"), NOW).unwrap(), 2);
    let delivered = deliver(&courier, NOW);
    assert_eq!((delivered.sent, delivered.put_off), (1, 1));
    assert!(courier.next().unwrap().unwrap() > NOW);
}

#[test]
fn what_was_posted_outlives_whoever_posted_it() {
    let folder = tempfile::tempdir().unwrap();
    let (come, came) = mpsc::channel();
    let (hold, held) = mpsc::channel::<()>();
    let (ids, held) = (Arc::<Mutex<Vec<String>>>::default(), Mutex::new(held));
    let seen = ids.clone();
    // The first one is not answered before whoever sent it is gone.
    let server = HttpServer::start(move |request| {
        let mut seen = seen.lock().unwrap();
        seen.push(header(request, "webhook-id"));
        let is_first = seen.len() == 1;
        drop(seen);
        if is_first {
            come.send(()).unwrap();
            assert!(held.lock().unwrap().recv().is_err());
        }
        Response::json("")
    });
    let urls = [server.url()];
    {
        let courier = courier(&folder, &urls);
        courier.post(&outcome("01J/1"), NOW).unwrap();
        courier.post(&outcome("01J/2"), NOW).unwrap();
        // Dropped in the middle, as in a process that is killed: nothing is settled.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut deliver = Box::pin(courier.deliver(NOW));
            while came.try_recv().is_err() {
                tokio::select! { biased; _ = &mut deliver => panic!("nobody answered"), () = tokio::task::yield_now() => {} }
            }
        });
        drop(hold);
    }
    let courier = courier(&folder, &urls);
    assert_eq!(deliver(&courier, NOW).sent, 1, "the other one was not under way");
    assert_eq!(deliver(&courier, NOW + 25 * SECOND), Delivered::default(), "it may still be under way");
    assert_eq!(deliver(&courier, NOW + 60 * SECOND).sent, 1);
    assert_eq!(*ids.lock().unwrap(), ["01J/1", "01J/2", "01J/1"]);
    assert_eq!(courier.next().unwrap(), None);
}

#[test]
fn who_is_named_is_told_what_it_wants() {
    let (folder, hook) = (tempfile::tempdir().unwrap(), Hook::start(&[(200, "")]));
    let outbox = Outbox::open(folder.path()).unwrap();
    let only = notify(folder.path(), &[hook.server.url()], "events = [\"review_needed\"]");
    let courier = Courier::new(outbox.clone(), &only).unwrap();
    assert_eq!(courier.post(&outcome("01J/1"), NOW).unwrap(), 0);
    let review = ReviewNotice {
        case: "01J".into(),
        proposal: 1,
        service: "s".into(),
        strategy: "revert".into(),
        target: "t".into(),
        confidence: 0.5,
        why: vec![],
    };
    assert_eq!(courier.post(&Notice { data: NoticeData::ReviewNeeded(review), ..outcome("01J/2") }, NOW).unwrap(), 1);
    // Since then the operator names nobody.
    let nobody = Courier::new(outbox, &[]).unwrap();
    let left_out = nobody.left_out(&courier);
    assert_eq!(left_out.into_iter().collect::<Vec<_>>(), [hook.server.url()], "an origin, without what may be secret");
    assert!(courier.left_out(&nobody).is_empty() && courier.left_out(&courier).is_empty());
    let delivered = deliver(&nobody, NOW);
    assert_eq!((delivered.put_off, delivered.given_up.len()), (1, 0), "it may be a mistake");
    let given_up = deliver(&nobody, NOW + 4 * DAY).given_up;
    assert!(given_up[0].why.contains("not in negawatt.toml") && given_up[0].why.contains("three days"), "{given_up:?}");
    assert!(hook.asked().is_empty());
}

#[test]
fn mistakes_are_found_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let named = notify(folder.path(), &["http://127.0.0.1:1/x".to_owned()], "");
    let outbox = Outbox::open(folder.path()).unwrap();
    let wrong = |secret: &str| {
        fs::write(folder.path().join("secret"), secret).unwrap();
        Courier::new(outbox.clone(), &named).unwrap_err()
    };
    let error = wrong("hunter2hunter2hunter2");
    assert!(error.line == 3 && error.key == "serve.notify.secret" && !error.to_string().contains("hunter2"), "{error}");
    fs::remove_file(folder.path().join("secret")).unwrap();
    assert!(Courier::new(outbox.clone(), &named).unwrap_err().to_string().contains("cannot be read"));
    let file = outbox.file().to_owned();
    drop(outbox);
    fs::write(&file, "dear diary\n".repeat(1_000)).unwrap();
    assert!(matches!(Outbox::open(folder.path()), Err(OutboxError::Store { .. })));
}

#[test]
fn a_secret_that_is_gone_for_a_while_loses_nothing() {
    let (folder, hook) = (tempfile::tempdir().unwrap(), Hook::start(&[(200, "")]));
    let courier = courier(&folder, &[hook.server.url()]);
    courier.post(&outcome("01J/1"), NOW).unwrap();
    fs::rename(folder.path().join("secret"), folder.path().join("away")).unwrap();
    assert_eq!(deliver(&courier, NOW).put_off, 1);
    assert!(hook.asked().is_empty(), "nothing is sent without a signature");
    fs::rename(folder.path().join("away"), folder.path().join("secret")).unwrap();
    assert_eq!(deliver(&courier, courier.next().unwrap().unwrap()).sent, 1);
}
