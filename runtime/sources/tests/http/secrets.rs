//! Credentials: the audience gets them, and nobody else sees them anywhere.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use negawatt_host::Outcome;
use negawatt_test_servers::{Request, Response};

use crate::support::{Call, Counting, error, note};

const TOKEN: &str = "t0ken-that-nobody-sees";
const KEY: &str = "k3y/that+nobody=sees";

/// A server that gives back all that it is sent, in its head and its body.
fn echo() -> (Counting, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let sees = seen.clone();
    let server = Counting::start(move |request: &Request| {
        let of = |name: &str| request.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value);
        sees.lock().unwrap().push(format!("{} {:?}", request.target, request.headers));
        let headers = vec![
            format!("x-echo: {} {}", of("authorization"), request.target),
            format!("location: {}", request.target),
        ];
        // A key, as it is, for whoever sent it.
        let key = if request.target.contains("key=") { KEY } else { "no key" };
        Response { headers, ..Response::text(format!("{key} {} {:?}", request.target, request.headers)) }
    });
    (server, seen)
}

/// A folder with secrets in files, and what says where they go.
struct Setup {
    folder: tempfile::TempDir,
    grant: String,
}

fn setup(audience: &str, other: &str) -> Setup {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), format!("{TOKEN}\n")).unwrap();
    std::fs::write(folder.path().join("key"), KEY).unwrap();
    let grant = format!(
        "http = [\"{audience}\", \"{other}\"]\nsecrets = [\n\
         {{ name = \"token\", audience = \"{audience}\", header = \"authorization\", prefix = \"Bearer \" }},\n\
         {{ name = \"key\", audience = \"{audience}\", query = \"key\" }},\n]\n\
         [secrets.token]\nfile = \"token\"\n[secrets.key]\nfile = \"key\"\n"
    );
    Setup { folder, grant }
}

impl Setup {
    fn call(&self, title: &str) -> Call {
        Call::under(title, &self.grant, &self.folder.path().join("negawatt.toml"))
    }
}

/// Fails where a secret is in anything that is known of a call.
fn nothing_shows(outcome: &Outcome, log: &str) {
    let mut all = format!("{outcome:?}{log}");
    for answer in &outcome.answers {
        all.push_str(&String::from_utf8_lossy(&answer.request));
        all.push_str(&String::from_utf8_lossy(&answer.response));
    }
    for secret in ["t0ken", "nobody", "k3y"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// One thread, whose log is all that is logged.
#[tokio::test]
async fn the_audience_gets_them_and_nothing_shows_them() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    let ((server, seen), (other, seen_by_other)) = (echo(), echo());
    let setup = setup(&server.url(), &other.url());

    let title = format!("send GET {}/x?y=z\nrange: bytes=5-\naccept-encoding: gzip", server.url());
    let outcome = setup.call(&title).run().await;
    let sent = seen.lock().unwrap().pop().unwrap();
    assert!(!sent.contains("bytes=5") && !sent.contains("gzip"), "{sent}");
    assert!(sent.contains(&format!("Bearer {TOKEN}")), "{sent}");
    assert!(sent.starts_with("/x?y=z&key=k3y%2Fthat%2Bnobody%3Dsees "), "{sent}");
    assert!(note(&outcome).starts_with("200\n") && note(&outcome).contains("Bearer ****"), "{}", note(&outcome));
    let logged = || String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(!logged().is_empty());
    nothing_shows(&outcome, &logged());

    // Another origin of the same grant gets none.
    let outcome = setup.call(&format!("send GET {}/x", other.url())).run().await;
    let sent = seen_by_other.lock().unwrap().pop().unwrap();
    assert!(!sent.contains("nobody") && !sent.contains("authorization"), "{sent}");
    nothing_shows(&outcome, &logged());

    // Nor does a failure show any.
    let (url, asked) = (server.url(), server.asked());
    drop(server);
    let outcome = setup.call(&format!("send GET {url}/x")).run().await;
    assert_eq!(note(&outcome), "error: ErrorCode::DestinationUnavailable");
    assert!(asked == 1 && error(&outcome).contains("cannot be reached"), "{}", error(&outcome));
    nothing_shows(&outcome, &logged());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_cannot_set_what_the_host_sets() {
    let (server, _) = echo();
    let setup = setup(&server.url(), "http://127.0.0.1:1");
    for title in ["/\nauthorization: mine", "/\nAuthorization: mine", "/?key=mine", "/?a=b&%6bey=mine"] {
        let outcome = setup.call(&format!("send GET {}{title}", server.url())).run().await;
        assert_eq!(note(&outcome), "error: ErrorCode::HttpRequestDenied", "{title}");
        assert!(error(&outcome).contains("the operator's to set"), "{}", error(&outcome));
    }
    assert_eq!(server.asked(), 0);
}

#[test]
fn a_secret_that_is_not_there_is_a_mistake_at_its_place() {
    let text = "[secrets.token]\nenv = \"COURIER_HAS_NO_SUCH_VARIABLE\"\n";
    let config = negawatt_config::Config::parse(text, &PathBuf::from("negawatt.toml")).unwrap();
    let error = negawatt_sources::configure(&config, None).err().unwrap();
    assert_eq!((error.line, error.key.as_str()), (1, "secrets.token"), "{error}");
    assert!(error.message.contains("COURIER_HAS_NO_SUCH_VARIABLE") && !error.help.is_empty());
}
