//! Profiles, settings, experiments, topology and pages from files, through the tools' traits.

mod support;

use std::future::Future;

use negawatt_config::Config;
use negawatt_host::Scope;
use negawatt_host::model::{Error, Window};
use negawatt_host::time::parse_rfc3339;
use support::{ALWAYS, Place, scope};

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn source(name: &str, path: &str) -> String {
    format!("[sources.{name}]\nkind = \"files\"\npath = \"{path}\"\n")
}

fn window(start: &str, end: &str) -> Window {
    Window { start: parse_rfc3339(start).unwrap(), end: parse_rfc3339(end).unwrap() }
}

#[test]
fn profiles_of_the_files_that_begin_in_the_window() {
    let place = Place::new();
    place.write("p/web/2026-11-18T00-00-00Z.folded", "main;a 1\n");
    place.write("p/web/2026-11-18T01-00-00Z.folded", "main;a 2\nmain;b 3\n");
    place.write("p/web/2026-11-18T02-00-00Z.folded", "main;c 4\n");
    place.write("p/web/README", "not a profile");
    place.write("p/empty/README", "");
    place.write("p/broken/2026-11-18T00-00-00Z.folded", "main;a 1\nmain\n");
    place.write("p/named/yesterday.folded", "main 1\n");
    place.write("p/pprof/2026-11-18T00-00-00Z.pb.gz", "");
    let profiles = place.configure(&source("profiles", "p")).tools.profiles.unwrap();
    let two = window("2026-11-18T00:00:00Z", "2026-11-18T02:00:00Z");
    let query = |service: &str, window| run(profiles.query(&scope(&[]), service.to_owned(), window));
    let profile = query("web", two).unwrap();
    assert_eq!(profile.file_offsets, [0, 1, 3]);
    assert_eq!(profile.sample_counts, [1, 2, 3]);
    assert_eq!(profile.sample_stacks, [0, 0, 1]);
    assert_eq!(profile.unit, "samples");
    assert_eq!(query("web", Window { start: 0, end: 1 }).unwrap().file_starts, [0_i64; 0]);
    for service in ["unknown", "empty", "..", "../p/web", "", ".", "web/."] {
        assert!(matches!(query(service, ALWAYS), Err(Error::NotFound(_))), "{service}");
    }
    for service in ["broken", "named", "pprof"] {
        let Err(Error::Unavailable(message)) = query(service, ALWAYS) else { panic!("{service}") };
        assert_eq!(message, "the source of profiles cannot be read; the operator's log says why");
    }
}

#[test]
fn settings_of_the_case() {
    let place = Place::new();
    place.write(
        "c.jsonl",
        r#"{"id":"2","time":"2026-11-18T02:00:00Z","service":"web","key":"k","before":1.0e400,"after":{"b":1,"a":2},"author":"Ada"}

{"id":"1","time":1795000000,"service":"web","key":"l","before":null,"after":"x","author":null,"more":true}
{"id":"3","time":"2026-11-18T02:00:00Z","service":"other","key":"k","after":1}
"#,
    );
    let configs = place.configure(&source("configs", "c.jsonl")).tools.configs.unwrap();
    let history = |window, keys: &[&str]| {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        run(configs.history(&scope(&["web"]), window, keys)).unwrap()
    };
    let many = run(configs.history(&scope(&["web"]), ALWAYS, vec!["k".into(); 1001]));
    assert!(matches!(many, Err(Error::Invalid(_))), "{many:?}");
    let found = history(ALWAYS, &[]);
    assert_eq!(found.iter().map(|change| change.id.as_str()).collect::<Vec<_>>(), ["2", "1"]);
    assert_eq!(found[0].before.as_deref(), Some("1.0e400"), "a number keeps its digits");
    assert_eq!(found[0].after.as_deref(), Some(r#"{"b":1,"a":2}"#));
    assert_eq!((&found[1].before, found[1].after.as_deref(), &found[1].author), (&None, Some("\"x\""), &None));
    assert_eq!(history(ALWAYS, &["l"])[0].id, "1");
    let exactly = window("2026-11-18T02:00:00Z", "2026-11-18T02:00:01Z");
    assert_eq!(history(exactly, &[]).len(), 1);
    assert_eq!(history(Window { start: 0, end: exactly.start }, &[]).len(), 0, "the end does not belong to a window");
}

#[test]
fn experiments_that_began_or_ended_in_the_window() {
    let place = Place::new();
    let line = |id: &str, start: &str, end: &str| {
        format!(r#"{{"id":"{id}","service":"web","name":"n","start":"{start}","end":{end},"author":"Ada"}}"#)
    };
    let lines = [
        line("running", "2026-11-01T00:00:00Z", "null"),
        line("ended", "2026-10-01T00:00:00Z", "\"2026-11-05T00:00:00Z\""),
        line("over", "2026-09-01T00:00:00Z", "\"2026-09-02T00:00:00Z\""),
        line("ends-later", "2026-11-02T00:00:00Z", "\"2026-12-24T00:00:00Z\""),
    ];
    place.write("e.jsonl", lines.join("\r\n"));
    let experiments = place.configure(&source("experiments", "e.jsonl")).tools.experiments.unwrap();
    let november = window("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
    let scope = Scope { window: november, ..scope(&["web"]) };
    let found = run(experiments.list(&scope, november, None)).unwrap();
    assert_eq!(found.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["ended", "running", "ends-later"]);
    assert_eq!(found[2].end, None, "nobody knows yet when it will end");
    assert_eq!(run(experiments.list(&scope, november, Some("api".into()))).unwrap(), []);
}

#[test]
fn a_line_that_is_wrong_is_a_mistake_at_start() {
    let place = Place::new();
    place.write("x", "{\"id\":\"1\",\"time\":\"never\",\"service\":\"s\",\"key\":\"k\"}\n");
    place.write("t.csv", "caller,callee\na\n");
    for (toml, text) in [
        (source("configs", "x"), "x:1: \"never\" is not a time"),
        (source("experiments", "x"), "x:1: missing field `name`"),
        (source("configs", "missing"), "there is no file"),
        (source("topology", "t.csv"), "t.csv:2:"),
        (source("docs", "missing"), "cannot be opened"),
    ] {
        let error = place.try_configure(&toml).err().unwrap();
        assert_eq!(error.line, 3, "{error}");
        assert!(error.message.contains(text), "{error}");
    }
}

#[test]
fn calls_between_services_of_the_case() {
    let place = Place::new();
    place.write("t.csv", "caller,callee\nweb,cart\ncart,db\nads,db\nweb,cart\n");
    let configured = place.configure(&source("topology", "t.csv"));
    let topology = configured.tools.topology.unwrap();
    let edges = |service: Option<&str>| {
        let edges = run(topology.edges(&scope(&["web", "cart", "db"]), service.map(str::to_owned))).unwrap();
        edges.into_iter().map(|edge| format!("{}>{}", edge.caller, edge.callee)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(edges(None), "cart>db web>cart");
    assert_eq!(edges(Some("db")), "cart>db");
    let neighbours = run(configured.neighbours.of("cart")).unwrap();
    assert_eq!(neighbours.into_iter().collect::<Vec<_>>(), ["db", "web"]);
    assert!(run(Place::new().configure("").neighbours.of("cart")).unwrap().is_empty());
}

#[test]
fn pages() {
    let place = Place::new();
    place.write("d/a.md", "# A\n\ncold caches\n");
    place.write("d/runbooks/b.md", "# B\n\ncold starts\n");
    place.write("d/.hidden/c.md", "cold");
    place.write("secret.md", "cold");
    let docs = place.configure(&source("docs", "d")).tools.docs.unwrap();
    let found = run(docs.search(&scope(&[]), "cold starts".into())).unwrap();
    assert_eq!(found.iter().map(|page| page.id.as_str()).collect::<Vec<_>>(), ["runbooks/b.md", "a.md"]);
    assert_eq!(run(docs.read(&scope(&[]), "runbooks/b.md".into())).unwrap(), "# B\n\ncold starts\n");
    for id in ["../secret.md", "runbooks", "/etc/passwd", "", "runbooks/../a.md", ".hidden/c.md", "missing.md"] {
        assert!(matches!(run(docs.read(&scope(&[]), id.into())), Err(Error::NotFound(_))), "{id}");
    }
}

#[test]
fn grants_and_limits_are_those_of_the_host() {
    let parse = |text: &str| Config::parse(text, std::path::Path::new("negawatt.toml")).unwrap();
    let grants =
        negawatt_sources::grants(&parse("[[grants]]\nskill = \"a\"\ntools = [\"code\"]\n[limits]\ntime = \"1s\"\n"))
            .unwrap();
    assert_eq!(grants.grants[0].tools.len(), 1);
    assert_eq!(grants.limits.time, Some(std::time::Duration::from_secs(1)));
    let error = negawatt_sources::grants(&parse("[limits]\nmemory = \"5GiB\"\n")).unwrap_err();
    assert_eq!((error.line, error.key.as_str()), (2, "limits.memory"));
}
