//! Profiles, settings, experiments, topology and pages from files, through the tools' traits.

mod support;

use std::future::Future;

use negawatt_host::Scope;
use negawatt_host::model::{Error, Window};
use negawatt_host::time::parse_rfc3339;
use support::{ALWAYS, Git, Place, examine, scope};

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
    place.write("p/empty-file/2026-11-18T00-00-00Z.pb.gz", "");
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
    for service in ["broken", "named", "empty-file"] {
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
fn an_answer_has_a_bounded_number_of_bytes() {
    let place = Place::new();
    let value = "x".repeat(19_000);
    let line = |time: i64| format!(r#"{{"id":"{time}","time":{time},"service":"web","key":"k","before":"{value}"}}"#);
    place.write("c.jsonl", (0..500).map(|time| line(time) + "\n").collect::<String>());
    let configs = place.configure(&source("configs", "c.jsonl")).tools.configs.unwrap();
    let history = |end| run(configs.history(&scope(&["web"]), Window { start: 0, end }, Vec::new()));
    let Err(Error::OverBudget(message)) = history(500_000_000) else { panic!() };
    assert!(message.contains("500 changes") && message.contains("take a shorter window"), "{message}");
    assert_eq!(history(400_000_000).unwrap().len(), 400);
    let long = "x".repeat(1_000);
    let line =
        |n: i64| format!(r#"{{"id":"{n}{long}","service":"web","name":"{long}","start":{n},"author":"{long}"}}"#);
    place.write("e.jsonl", (0..3_000).map(|n| line(n) + "\n").collect::<String>());
    let experiments = place.configure(&source("experiments", "e.jsonl")).tools.experiments.unwrap();
    let list = |end| run(experiments.list(&scope(&["web"]), Window { start: 0, end }, None));
    assert!(matches!(list(3_000_000_000), Err(Error::OverBudget(_))));
    assert_eq!(list(1_000_000_000).unwrap().len(), 1_000);
}

#[test]
fn nobody_hides_a_change_behind_its_value() {
    let place = Place::new();
    let line = |id: &str, value: String| {
        format!(r#"{{"id":"{id}","time":1,"service":"web","key":"k","before":1,"after":"{value}","author":"Ada"}}"#)
    };
    let blob = |end: &str| "x".repeat(9 << 20) + end;
    place.write("c.jsonl", [line("a", blob("1")), line("b", blob("2")), line("c", "y".into())].join("\n"));
    let configs = place.configure(&source("configs", "c.jsonl")).tools.configs.unwrap();
    let found = run(configs.history(&scope(&["web"]), ALWAYS, Vec::new())).unwrap();
    assert_eq!(found.iter().map(|change| change.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(found.iter().all(|change| change.before.as_deref() == Some("1") && change.author.is_some()));
    let after = |at: usize| serde_json::from_str::<String>(found[at].after.as_deref().unwrap()).unwrap();
    assert!(after(0).starts_with("\"xxx") && after(0).contains("… (9437187 bytes, "), "{}", after(0));
    assert!(after(0) != after(1) && after(0).len() < 1_000);
    assert_eq!(after(2), "y");
}

/// Whoever may change a setting may write a line.
#[test]
fn a_wrong_line_among_others_is_left_out_and_told() {
    let place = Place::new();
    let right = |id: &str| format!(r#"{{"id":"{id}","time":60,"service":"web","key":"k"}}"#);
    place.write("c.jsonl", format!("{}\n{{\"id\":1}}\n{}\nnothing\n", right("a"), right("b")));
    let configs = place.configure(&source("configs", "c.jsonl")).tools.configs.unwrap();
    assert_eq!(run(configs.history(&scope(&["web"]), ALWAYS, Vec::new())).unwrap().len(), 2);
    let told = examine(&place, &source("configs", "c.jsonl")).remove(0).outcome.unwrap_err().message;
    let lines: Vec<&str> = told.lines().collect();
    assert!(
        lines.len() == 2 && lines[0].contains("c.jsonl:2: invalid type") && lines[1].contains("c.jsonl:4: "),
        "{told}"
    );
    place.write("c.jsonl", format!("{}\n{}", right("a"), "nothing\n".repeat(20)));
    let told = examine(&place, &source("configs", "c.jsonl")).remove(0).outcome.unwrap_err().message;
    assert_eq!((told.lines().count(), told.lines().last()), (6, Some("and 15 more")), "{told}");
    place.write("c.jsonl", "{\"id\":1}\nnothing\n");
    let error = place.try_configure(&source("configs", "c.jsonl")).err().unwrap();
    assert!(error.message.contains("c.jsonl:1: invalid type"), "{error}");
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
    place.write("e.jsonl", format!("\n{}", line("backwards", "2026-11-02T00:00:00Z", "\"2026-11-01T00:00:00Z\"")));
    let error = place.try_configure(&source("experiments", "e.jsonl")).err().unwrap();
    assert!(error.message.contains("e.jsonl:2: the experiment \"backwards\" ends before it begins"), "{error}");
    place.write("e.jsonl", line(&"x".repeat(1_025), "2026-11-02T00:00:00Z", "null"));
    let error = place.try_configure(&source("experiments", "e.jsonl")).err().unwrap();
    assert!(error.message.contains("e.jsonl:1: the id has 1025 bytes; write at most 1024"), "{error}");
}

#[test]
fn a_line_that_is_wrong_is_a_mistake_at_start() {
    let place = Place::new();
    place.write("x", "{\"id\":\"1\",\"time\":\"never\",\"service\":\"s\",\"key\":\"k\"}\n");
    place.write("t.csv", "caller,callee\na\n");
    for (toml, text) in [
        (source("configs", "x"), "or Unix seconds, in column 24"),
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
    let neighbours = run(configured.neighbours.of("cart", None)).unwrap();
    assert_eq!(neighbours.into_iter().collect::<Vec<_>>(), ["db", "web"]);
    assert!(run(Place::new().configure("").neighbours.of("cart", None)).unwrap().is_empty());
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
fn the_pages_that_are_about_it_come_first() {
    let place = Place::new();
    let filler = "The team meets every day and talks about work. ".repeat(40);
    place.write(
        "d/runbooks/connection-pool.md",
        format!("# Exhausted pools\r\n\r\n{filler}\r\n\r\nRaise the limit of the database.\r\n"),
    );
    place.write("d/long.md", format!("# Diary\n\n{filler}The pool.\n\n{filler}\n\nA connection.\n"));
    place.write("d/often.md", format!("# Work\n\n{}\n", "work ".repeat(500)));
    for number in 0..30 {
        place.write(&format!("d/notes/{number}.md"), format!("# Note {number}\n\nWork on the database.\n"));
    }
    let docs = place.configure(&source("docs", "d")).tools.docs.unwrap();
    let search = |text: &str| run(docs.search(&scope(&[]), text.to_owned())).unwrap();
    let ids = |text: &str| search(text).into_iter().map(|page| page.id).collect::<Vec<_>>();
    assert_eq!(ids("connection pool"), ["runbooks/connection-pool.md", "long.md"], "a page is also about its id");
    let found = search("work database limit");
    assert_eq!((found.len(), found[0].id.as_str()), (20, "runbooks/connection-pool.md"), "a rare word tells more");
    assert_eq!(
        (found[0].title.as_str(), found[0].excerpt.as_str()),
        ("Exhausted pools", "Raise the limit of the database.")
    );
    assert_eq!(ids("work")[0], "often.md");
    assert_eq!((ids("zebra").len(), ids("!?").len()), (0, 0));
}

#[test]
fn sources_say_what_they_can_answer() {
    let place = Place::new();
    place.write("m/cpu.csv", "time,value\n0,1\n");
    place.write("p/web/2026-11-18T00-00-00Z.folded", "main 1\n");
    place.write("p/web/2026-11-19T00-00-00Z.folded", "main 1\n");
    place.write("p/api/2026-11-17T00-00-00.5Z.folded", "main 1\n");
    place.write("c.jsonl", "{\"id\":\"1\",\"time\":0,\"service\":\"web\",\"key\":\"k\"}\n{\"id\":\"2\",\"time\":60,\"service\":\"db\",\"key\":\"k\"}\n");
    place.write("e.jsonl", "");
    place.write("t.csv", "caller,callee\nweb,cart\n");
    place.write("d/a.md", "");
    let git = Git::init(place.path("shop"));
    git.write("a", "1");
    git.write("b/c", "1");
    git.commit(1000, "one");
    git.commit(2000, "two");
    let files = [
        ("metrics", "m"),
        ("profiles", "p"),
        ("configs", "c.jsonl"),
        ("experiments", "e.jsonl"),
        ("topology", "t.csv"),
        ("docs", "d"),
    ];
    let toml: String = files.iter().map(|(name, path)| source(name, path)).collect();
    let toml = format!(
        "{toml}[repositories.shop]\npath = \"shop\"\nbranch = \"main\"\n[repositories.gone]\npath = \"gone\"\n"
    );
    let examined = examine(&place, &toml);
    let shown: Vec<String> = examined
        .iter()
        .map(|source| {
            let tools: Vec<_> = source.tools.iter().map(|tool| tool.name()).collect();
            let outcome = source.outcome.as_ref().map_or_else(|problem| &problem.message, |described| &described.text);
            format!("{} {}: {outcome}", tools.join(" "), source.name.as_deref().unwrap_or("-"))
        })
        .collect();
    assert_eq!(shown[1], "profiles -: 2 services, 3 files, 2026-11-17T00:00:00Z … 2026-11-19T00:00:00Z (folded)");
    assert!(shown[2].starts_with("changes code gone: ") && shown[2].contains("is not a git repository"), "{shown:?}");
    let rest = [
        "changes code shop: 2 commits, newest 1970-01-01T00:33:20Z by Ada <ada@example.com>; 2 files",
        "configs -: 2 changes of 2 services, 1970-01-01T00:00:00Z … 1970-01-01T00:01:00Z",
        "experiments -: no experiments",
        "docs -: 1 page",
        "topology -: 2 services, 1 call",
    ];
    assert_eq!(shown[3..], rest);
    assert!(shown[0].starts_with("metrics -: 1 metric"), "{}", shown[0]);
    assert!(examined[3].at.ends_with("shop (main)"), "{}", examined[3].at);
    let services: Vec<_> = examined[1].outcome.as_ref().unwrap().services.iter().map(String::as_str).collect();
    assert_eq!(services, ["api", "web"]);
}
