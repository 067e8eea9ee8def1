//! Recorded cases come to the same when they are run again: two hundred generated ones, whole and cut short, in this process; and a few
//! with the built program, from other folders and without their sources.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use negawatt_casebook::{Cancelled, CaseId, Casebook, End, Ending, Event, Opened};
use negawatt_casegen::{Scenario, generate};
use negawatt_config::Config;
use negawatt_host::grants::{Grants, LimitsChange};
use negawatt_host::json::read_incident;
use negawatt_host::limits::CaseLimits;
use negawatt_host::{Child, Digest, Host, HostConfig, Origin, Skill, Status, Tools};
use negawatt_package::{Package, pack};
use negawatt_planner::{Catalog, Progress, Reach, Runtime, SearchPlanner, Successor};
use tokio_util::sync::CancellationToken;

use crate::common;
use crate::common::{json, json_error};

struct Bundled {
    name: &'static str,
    digest: Digest,
    wasm: &'static [u8],
}

/// The skills that the program carries.
const BUNDLED: &[Bundled] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// Generated folders, and cases in each.
const FOLDERS: usize = 10;
const EACH: usize = 20;

/// How a case is cut short.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    Not,
    /// After so many steps are over.
    Cancelled(usize),
    /// The same, and taken up again.
    Resumed(usize),
    /// The time of its calls, in milliseconds.
    Slow(u64),
    /// What its steps may ask.
    Poor(u32),
    /// Its steps.
    Short(u32),
}

fn cut(n: usize) -> Cut {
    match n % 10 {
        0..3 => Cut::Not,
        3 => Cut::Cancelled(1 + n % 4),
        4 => Cut::Resumed(1 + n % 3),
        5 => Cut::Slow(1),
        6 => Cut::Slow(4),
        7 => Cut::Poor(1 + n as u32 % 7),
        8 => Cut::Poor(10 + n as u32),
        _ => Cut::Short(1 + n as u32 % 5),
    }
}

fn catalog(cut: Cut) -> Arc<Catalog> {
    let mut limits = LimitsChange::default();
    if let Cut::Slow(millis) = cut {
        limits.time = Some(Duration::from_millis(millis));
    }
    let grants = Grants { grants: Vec::new(), limits };
    let mut catalog = Catalog::default();
    for bundled in BUNDLED {
        let skill = Skill::read(bundled.wasm, Origin::Bundled).unwrap();
        assert_eq!((skill.manifest.name.as_str(), skill.digest), (bundled.name, bundled.digest));
        catalog.add(skill, &grants, &[]).unwrap();
    }
    Arc::new(catalog)
}

fn runtime(host: &Arc<Host>, tools: Tools, cut: Cut) -> Arc<Runtime> {
    let budget = match cut {
        Cut::Poor(tool_calls) => CaseLimits { tool_calls, ..CaseLimits::default() },
        Cut::Short(steps) => CaseLimits { steps, ..CaseLimits::default() },
        _ => CaseLimits::default(),
    };
    Arc::new(Runtime {
        host: host.clone(),
        tools: Arc::new(tools),
        catalog: catalog(cut),
        planner: Arc::new(SearchPlanner),
        neighbours: Arc::new(|_, _| Box::pin(async { Default::default() })),
        reach: Reach::default(),
        fleet: HashMap::new(),
        config: negawatt_casebook::Config { path: None, digest: Digest::of(b"") },
        budget,
        successor: Successor::default(),
    })
}

/// Runs the cases of one folder.
async fn investigate(host: Arc<Host>, book: Casebook, at: usize) -> Vec<CaseId> {
    let folder = tempfile::tempdir().unwrap();
    let scenario = Scenario::ALL[at % Scenario::ALL.len()];
    generate(scenario, 9_000 + at as u64, folder.path()).unwrap();
    let config = Config::read(&folder.path().join("negawatt.toml")).unwrap();
    let parser =
        Child { program: env!("CARGO_BIN_EXE_negawatt").into(), arguments: vec!["parse-file-for-parent".into()] };
    let tools = negawatt_sources::configure(&config, Some(parser)).unwrap().tools;
    let text = std::fs::read_to_string(folder.path().join("incident.json")).unwrap();
    let mut cases = Vec::new();
    for n in 0..EACH {
        let cut = cut(n);
        let runtime = runtime(&host, tools.clone(), cut);
        let mut file = read_incident(&text).unwrap();
        // A shorter window each time: another case, with less to read.
        let window = &mut file.incident.window;
        window.start += (window.end - window.start) / 40 * n as i64;
        let cancel = CancellationToken::new();
        let (token, over) = (cancel.clone(), AtomicUsize::new(0));
        let watcher = move |progress: &Progress| {
            let is_over = matches!(progress, Progress::Called { .. });
            let before = over.fetch_add(usize::from(is_over), Ordering::Relaxed);
            if let Cut::Cancelled(steps) | Cut::Resumed(steps) = cut
                && is_over
                && before + 1 >= steps
            {
                token.cancel();
            }
        };
        let mut case = runtime.investigate(&book, file, Arc::new(watcher), cancel).await.unwrap();
        if matches!(cut, Cut::Resumed(_)) {
            case = runtime.resume(&book, &case.id, Arc::new(|_| {}), CancellationToken::new()).await.unwrap();
        }
        // Of those that were stopped somebody ends every other one for good.
        if case.end.is_none() && n >= EACH / 2 {
            let cancelled = Cancelled { reason: "nobody waits for it".into(), wall_ms: 1 };
            book.resume(&case.id).unwrap().append(Event::Cancelled(cancelled)).unwrap();
        }
        cases.push(case.id);
    }
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_cases_come_to_the_same() {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache/negawatt/compiled");
    let host = Arc::new(Host::new(HostConfig { cache: Some(cache), ..HostConfig::default() }).unwrap());
    let state = tempfile::tempdir().unwrap();
    let book = Casebook::open(&state.path().join("casebook")).unwrap();
    let mut folders = tokio::task::JoinSet::new();
    for at in 0..FOLDERS {
        folders.spawn(investigate(host.clone(), book.clone(), at));
    }
    let cases = folders.join_all().await.concat();
    assert_eq!(cases.len(), FOLDERS * EACH);

    // Other limits hold now, and nothing stands behind the tools.
    let runtime = runtime(&host, Tools::default(), Cut::Poor(0));
    let (cases, seen) = (Arc::new(Mutex::new(cases)), Arc::new(Mutex::new(HashMap::<&str, usize>::new())));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (runtime, book, cases, seen) = (runtime.clone(), book.clone(), cases.clone(), seen.clone());
        workers.spawn(async move {
            loop {
                let Some(id) = cases.lock().unwrap().pop() else { return };
                let case = book.load(&id).unwrap();
                let replayed = runtime.replay(&book, &id, &CancellationToken::new()).await.unwrap();
                assert!(replayed.is_same(), "{id}: {:?}", replayed.differences);
                let steps = &replayed.steps;
                let has = |status: Status| usize::from(steps.iter().any(|step| step.status == status));
                let end = |is: bool| usize::from(is);
                let mut seen = seen.lock().unwrap();
                for (what, count) in [
                    ("timed out", has(Status::Timeout)),
                    ("open", end(case.end.is_none())),
                    ("cancelled", end(matches!(case.end, Some(End::Cancelled(_))))),
                    ("concluded", end(matches!(case.end, Some(End::Concluded(_))))),
                    ("budget", end(case.concluded().is_some_and(|ended| ended.ending == Ending::BudgetSpent))),
                    ("run", steps.iter().filter(|step| step.was_run).count()),
                    ("findings", steps.iter().map(|step| step.findings).sum()),
                ] {
                    *seen.entry(what).or_default() += count;
                }
            }
        });
    }
    workers.join_all().await;
    let seen = seen.lock().unwrap().clone();
    for (what, at_least) in [
        ("timed out", 10),
        ("open", 5),
        ("cancelled", 5),
        ("concluded", 150),
        ("budget", 10),
        ("run", 1_000),
        ("findings", 1_000),
    ] {
        assert!(seen[what] >= at_least, "{what}: {seen:?}");
    }
}

/// An investigated case, whose sources are gone since.
fn investigated() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    generate(Scenario::Commit, 80, folder.path()).unwrap();
    let id = common::investigate(folder.path())["case"].as_str().unwrap().to_owned();
    for source in ["metrics", "repo"] {
        std::fs::remove_dir_all(folder.path().join(source)).unwrap();
    }
    (folder, id)
}

#[test]
fn the_program_replays_a_case_without_its_sources() {
    let (folder, id) = investigated();
    let config = ["--config", "negawatt.toml"];
    let replayed = json(folder.path(), &["case", "replay", &id, "--config", "negawatt.toml", "--json"]);
    assert_eq!((&replayed["same"], &replayed["verdict"]), (&true.into(), &"regression".into()));
    assert_eq!(replayed["differences"], serde_json::json!([]));
    let steps = replayed["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["same"] == true) && steps.iter().any(|step| step["run"] == true));

    let said = common::run(folder.path(), &["case", "replay", &id[..10], config[0], config[1]]);
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(said.status.success() && text.contains("the same to every byte: regression"), "{text}");

    let (code, error) = json_error(folder.path(), &["case", "replay", "01J", config[0], config[1], "--json"]);
    assert_eq!((code, &error["code"]), (2, &"case".into()));
}

/// The case again, as one that another answer was written to.
#[test]
fn the_program_says_what_differs_and_where() {
    let (folder, id) = investigated();
    let book = Casebook::open(&folder.path().join("casebook")).unwrap();
    let mut events = book.events(&id.parse().unwrap()).unwrap().into_iter().map(|recorded| recorded.event);
    let Some(Event::Opened(opened)) = events.next() else { panic!("it was never opened") };
    let mut log = book.open_case(Opened { host_version: "0.0.9".into(), ..Opened::clone(&opened) }).unwrap();
    for mut event in events {
        if let Event::Called(call) = &mut event
            && call.step == "s1"
            && let Some(finding) = Arc::make_mut(call).findings.first_mut()
        {
            finding.summary += " and more";
        }
        log.append(event).unwrap();
    }
    let other = log.case().id.to_string();
    drop(log);

    let said = common::run(folder.path(), &["case", "replay", &other, "--config", "negawatt.toml", "--json"]);
    assert_eq!(said.status.code(), Some(1));
    let replayed: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    let first = &replayed["differences"][0];
    assert_eq!((&first["step"], &first["kind"], &first["finding"]), (&"s1".into(), &"finding".into(), &1.into()));
    assert!(first["field"] == "summary" && first["byte"].is_u64(), "{first}");
    assert_eq!(replayed["host"]["recorded"], "0.0.9");
    let last = String::from_utf8(said.stderr).unwrap();
    assert!(last.contains("\"differs\"") && last.contains("0.0.9"), "{last}");

    let said = common::run(folder.path(), &["case", "replay", &other, "--config", "negawatt.toml"]);
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(text.contains("finding 1 differs from byte") && text.contains("and more"), "{text}");
    assert!(text.contains("negawatt 0.0.9 recorded it"), "{text}");
}

/// What `skill backtest` prints of the casebook of a folder, with a candidate of these bytes.
fn backtested(folder: &Path, wasm: &[u8]) -> serde_json::Value {
    std::fs::write(folder.join("new.wasm"), wasm).unwrap();
    json(folder, &["skill", "backtest", "new.wasm", "--last", "5", "--config", "negawatt.toml", "--json"])
}

#[test]
fn the_program_says_what_a_new_version_would_have_changed() {
    let (folder, id) = investigated();
    let wasm = |name: &str| BUNDLED.iter().find(|bundled| bundled.name == name).unwrap().wasm;
    let same = backtested(folder.path(), wasm("culprit-commit"));
    let [case] = &same["cases"].as_array().unwrap()[..] else { panic!("{same}") };
    assert_eq!((&case["case"], &case["same"], &case["before"]["rank"]), (&id.as_str().into(), &true.into(), &1.into()));
    assert_eq!((&same["totals"]["verdicts_changed"], &same["totals"]["culprit_worse"]), (&0.into(), &0.into()));
    assert_eq!(same["unanswered"], serde_json::json!({}));

    // One that knows nothing, and wants more.
    let text = Package::read(wasm("culprit-commit")).unwrap().manifest.text;
    let other =
        backtested(folder.path(), &pack(negawatt_test_guests::INTRUDER, &text).unwrap_or_else(|_| panic!("{text}")));
    assert_eq!(other["replaces"]["skill"], same["skill"]);
    let case = &other["cases"][0];
    assert_eq!(
        (&other["granted"], &case["same"], &case["after"]["status"]),
        (&false.into(), &false.into(), &"error".into())
    );
    // Others blame the same one, and nobody is as sure.
    let likely = |when: &str| case[when]["likely"].as_f64().unwrap();
    assert!(likely("after") < likely("before"), "{case}");
    assert!(!other["rights"]["imports"].as_array().unwrap().is_empty(), "{other}");

    let said = common::run(folder.path(), &["skill", "backtest", "new.wasm", "--config", "negawatt.toml"]);
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(text.contains("1 cases run again") && text.contains("it imports more: "), "{text}");
    assert!(text.contains("nobody has granted it"), "{text}");
    let live = ["skill", "backtest", "new.wasm", "--live", "--config", "negawatt.toml", "--json"];
    assert_eq!(json_error(folder.path(), &live).1["code"], "config", "its sources are gone");

    let empty = tempfile::tempdir().unwrap();
    let wrong = json_error(empty.path(), &["skill", "backtest", "no.wasm", "--json"]);
    assert_eq!((wrong.0, &wrong.1["code"]), (2, &"not-a-skill".into()));
    std::fs::write(empty.path().join("new.wasm"), wasm("culprit-commit")).unwrap();
    let none = json_error(empty.path(), &["skill", "backtest", "new.wasm", "--json"]);
    assert_eq!((none.0, &none.1["code"]), (1, &"no-cases".into()));
}
