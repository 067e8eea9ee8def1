//! `negawatt watch` as a user runs it: from series to cases, once and again.

mod split;

use std::fmt::Write as _;
use std::path::Path;

use negawatt_test_servers::{Prometheus, openmetrics_of_csv};
use serde_json::Value;

use crate::common;
use crate::common::noise::Noise;
use crate::common::{Running, json, json_error, write};

/// When the recording begins, in seconds: 2026-11-18T00:00:00Z.
const BEGIN: i64 = 1_794_960_000;

/// Minutes that are recorded, and the one in which what changes does so.
const MINUTES: i64 = 720;
const CHANGE: i64 = 600;

/// What a series does: its labels, and by which part it is worse from which minute on.
type Course<'a> = (String, Option<(i64, f64)>);

/// A metric's file: one value a minute with one percent of noise about 100.
fn record(folder: &Path, metric: &str, label: &str, courses: &[Course<'_>], minutes: std::ops::Range<i64>) {
    let mut csv = format!("time,service,{label},value\n");
    for (n, (labels, change)) in courses.iter().enumerate() {
        let mut noise = Noise(4_711 + 77 * n as u64 + metric.len() as u64);
        for minute in 0..minutes.end {
            let level = change.filter(|(from, _)| minute >= *from).map_or(100.0, |(_, part)| 100.0 * (1.0 + part));
            let value = level + 2.0 * noise.next();
            if minutes.contains(&minute) {
                writeln!(csv, "{},{labels},{value:.4}", BEGIN + 60 * minute).unwrap();
            }
        }
    }
    write(folder.join("metrics").join(format!("{metric}.csv")), &csv);
}

const FILES: &str = "[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n[casebook]\npath = \"casebook\"\n";
const WATCH: &str = "[watch]\nwindow = \"12h\"\n[[watch.series]]\nmetric = \"cpu\"\n";

/// The configuration of a folder.
fn configure(folder: &Path, text: &str) {
    write(folder.join("negawatt.toml"), text);
}

/// One pass at a minute of the recording.
fn pass(folder: &Path, minute: i64) -> Value {
    let now = negawatt_host::time::rfc3339((BEGIN + 60 * minute) * 1_000_000);
    json(folder, &["watch", "--once", "--now", &now, "--json"])
}

fn case(folder: &Path, id: &Value) -> Value {
    json(folder, &["case", "show", id.as_str().unwrap(), "--json"])
}

fn length(value: &Value) -> usize {
    value.as_array().unwrap().len()
}

/// Instances of a service, all of which get worse at once.
fn fleet(service: &str, count: usize, change: Option<(i64, f64)>) -> Vec<Course<'static>> {
    (0..count).map(|n| (format!("{service},i{n}"), change)).collect()
}

/// What a pass over a step in thirty series of a service must come to, wherever they are.
fn assert_one_case_of_thirty(folder: &Path) -> Value {
    let first = pass(folder, MINUTES);
    assert_eq!(
        (&first["series"], &first["scanned"], &first["alarms"]),
        (&40.into(), &40.into(), &30.into()),
        "{first:#}"
    );
    assert_eq!((length(&first["opened"]), length(&first["troubles"])), (1, 0), "{first:#}");
    let opened = &first["opened"][0];
    assert_eq!((&opened["symptoms"], &opened["verdict"]), (&30.into(), &"regression".into()), "{first:#}");
    let shown = case(folder, &opened["case"]);
    let symptoms = shown["symptoms"].as_array().unwrap();
    assert_eq!(symptoms.len(), 30);
    assert_eq!(shown["incident"]["service"], "cart");
    assert!(symptoms[0]["reason"].is_null(), "the case is about this one");
    for symptom in symptoms {
        assert_eq!((&symptom["service"], &symptom["metric"]), (&"cart".into(), &"cpu".into()));
        let relative = symptom["relative"].as_f64().unwrap();
        assert!((0.02..0.08).contains(&relative), "{symptom}");
        assert!(symptom["labels"]["instance"].as_str().unwrap().starts_with('i'));
    }
    assert!(symptoms[1..].iter().all(|symptom| symptom["reason"].as_str().unwrap().contains("both are of cart")));
    opened["case"].clone()
}

#[test]
fn a_step_in_thirty_series_is_one_case_and_is_opened_once() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), &format!("{FILES}{WATCH}"));
    let courses = [fleet("cart", 30, Some((CHANGE, 0.05))), fleet("ads", 10, None)].concat();
    record(folder.path(), "cpu", "instance", &courses, 0..MINUTES);
    let id = assert_one_case_of_thirty(folder.path());

    // Nothing new: nobody looks. That is another process, which knows only the casebook.
    let again = pass(folder.path(), MINUTES);
    assert_eq!(
        (&again["series"], &again["scanned"], length(&again["opened"])),
        (&40.into(), &0.into(), 0),
        "{again:#}"
    );

    // Three instances report ten minutes more: those are looked at, and what is known opens nothing.
    record(folder.path(), "more", "instance", &courses[..3], 0..MINUTES + 10);
    let more = std::fs::read_to_string(folder.path().join("metrics/more.csv")).unwrap();
    let cpu = folder.path().join("metrics/cpu.csv");
    let later = more.lines().filter(|line| {
        line.split(',').next().and_then(|time| time.parse().ok()).is_some_and(|time: i64| time >= BEGIN + 60 * MINUTES)
    });
    let text = std::fs::read_to_string(&cpu).unwrap() + &later.collect::<Vec<_>>().join("\n") + "\n";
    std::fs::write(&cpu, text).unwrap();
    let next = pass(folder.path(), MINUTES + 10);
    assert_eq!((&next["scanned"], length(&next["opened"])), (&3.into(), 0), "{next:#}");
    assert_eq!(length(&next["joined"]), 0, "{next:#}");
    let list = json(folder.path(), &["case", "list", "--json"]);
    assert_eq!((length(&list["cases"]), &list["cases"][0]["case"]), (1, &id));
}

#[test]
fn the_same_series_from_a_prometheus_are_the_same_case() {
    let folder = tempfile::tempdir().unwrap();
    let courses = [fleet("cart", 30, Some((CHANGE, 0.05))), fleet("ads", 10, None)].concat();
    record(folder.path(), "cpu", "instance", &courses, 0..MINUTES);
    let metrics = folder.path().join("metrics");
    let Some(prometheus) = Prometheus::with(&openmetrics_of_csv(&metrics).unwrap()) else { return };
    std::fs::remove_dir_all(metrics).unwrap();
    let source = format!("kind = \"prometheus\"\nurl = \"{}\"", prometheus.url());
    let text = format!("{FILES}{WATCH}").replace("kind = \"files\"\npath = \"metrics\"", &source);
    configure(folder.path(), &text);
    assert_one_case_of_thirty(folder.path());
    let again = pass(folder.path(), MINUTES);
    assert_eq!((&again["scanned"], length(&again["opened"])), (&0.into(), 0), "{again:#}");
}

#[test]
fn a_later_symptom_joins_the_case() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    configure(folder, &format!("{FILES}{WATCH}"));
    let courses = fleet("cart", 2, Some((CHANGE, 0.05)));
    record(folder, "cpu", "instance", &courses[..1], 0..MINUTES);
    let first = pass(folder, MINUTES);
    assert_eq!((&first["scanned"], length(&first["opened"])), (&1.into(), 1), "{first:#}");
    record(folder, "cpu", "instance", &courses, 0..MINUTES);
    let next = pass(folder, MINUTES);
    assert_eq!((&next["scanned"], length(&next["opened"])), (&1.into(), 0), "{next:#}");
    assert_eq!((&next["joined"][0]["case"], &next["joined"][0]["symptoms"]), (&first["opened"][0]["case"], &1.into()));
    assert_eq!(length(&case(folder, &next["joined"][0]["case"])["symptoms"]), 2);
}

#[test]
fn a_source_that_fails_is_told_and_the_rest_of_the_pass_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    configure(
        folder,
        &format!("{FILES}{WATCH}[[watch.series]]\nmetric = \"broken\"\n[[watch.series]]\nmetric = \"gone\"\n"),
    );
    record(folder, "cpu", "instance", &fleet("cart", 1, Some((CHANGE, 0.05))), 0..MINUTES);
    write(folder.join("metrics/broken.csv"), "time,value\nyesterday,1\n");
    let first = pass(folder, MINUTES);
    assert_eq!(length(&first["opened"]), 1, "{first:#}");
    let troubles: Vec<(&str, &str)> = first["troubles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trouble| (trouble["who"].as_str().unwrap(), trouble["message"].as_str().unwrap()))
        .collect();
    assert!(
        matches!(troubles[..], [("broken", said), ("gone", none)]
        if said.contains("cannot be read") && none.contains("no series")),
        "{troubles:?}"
    );
    // Mended, it is watched by the next pass.
    record(folder, "broken", "instance", &fleet("ads", 1, Some((CHANGE, 0.05))), 0..MINUTES);
    let next = pass(folder, MINUTES);
    assert_eq!((&next["scanned"], length(&next["troubles"])), (&1.into(), 1), "{next:#}");
    assert_eq!(length(&next["opened"]), 1, "{next:#}");
    // Where nothing at all can be looked at, a program hears it by the exit code.
    configure(folder, &format!("{FILES}[watch]\n[[watch.series]]\nmetric = \"gone\"\n"));
    let (code, error) = json_error(folder, &["watch", "--once", "--json"]);
    assert_eq!((code, &error["code"]), (1, &"watch".into()), "{error}");
}

#[test]
fn what_does_not_hurt_matter_or_last_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    configure(folder, &format!("{FILES}[watch]\nwindow = \"12h\"\nleast = 0.06\n[[watch.series]]\nmetric = \"cpu\"\n"));
    let courses = [("better,a".to_owned(), Some((CHANGE, -0.2))), ("small,a".to_owned(), Some((CHANGE, 0.05)))];
    record(folder, "cpu", "zone", &courses, 0..MINUTES);
    let first = pass(folder, MINUTES);
    assert_eq!((&first["scanned"], &first["alarms"]), (&2.into(), &0.into()), "{first:#}");
    // Whoever says that less hurts, and that less matters, hears of both.
    let text = "[[watch.series]]\nmetric = \"cpu\"\nmatch = [\"service=better\"]\nworse = \"down\"\n\
                [[watch.series]]\nmetric = \"cpu\"\nmatch = [\"service=~sm.*\"]\nleast = 0.01\nseverity = \"critical\"\n";
    configure(folder, &format!("{FILES}[watch]\nwindow = \"12h\"\nleast = 0.06\n{text}"));
    std::fs::remove_dir_all(folder.join("casebook")).unwrap();
    let next = pass(folder, MINUTES);
    assert_eq!(&next["alarms"], &2, "{next:#}");
    let severities: Vec<Value> = next["opened"]
        .as_array()
        .unwrap()
        .iter()
        .map(|opened| case(folder, &opened["case"])["incident"]["severity"].clone())
        .collect();
    assert!(severities.contains(&"critical".into()) && severities.contains(&"medium".into()), "{severities:?}");
}

#[test]
fn what_is_written_wrong_is_refused_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder.join("metrics/cpu.csv"), "time,value\n");
    for (text, place, said) in [
        ("", None, "nothing is said of what to watch"),
        ("[watch]\nintervall = \"5min\"\n", Some("watch.intervall"), "there is no key"),
        ("[watch]\ninterval = \"0.5s\"\n", Some("watch.interval"), "shorter than a second"),
        ("[watch]\nstep = \"1h\"\n", Some("watch.step"), "24 steps"),
        ("[watch]\nleast = 2000000\n", Some("watch.least"), "more than any change"),
        ("[[watch.series]]\nmetric = \"cpu\"\nmatch = [\"service\"]\n", Some("watch.series.match"), "no condition"),
        ("[[watch.series]]\nmetric = \"cpu\"\nmatch = [\"a=~(\"]\n", Some("watch.series.metric"), "no RE2"),
        ("[[watch.series]]\nmetric = \"c p u\"\n", Some("watch.series.metric"), "is not the name of a metric"),
        ("[[watch.series]]\nmetric = \"cpu\"\ntransform = {}\n", Some("watch.series.transform"), "must have `rate`"),
        ("[[watch.series]]\nmetric = \"cpu\"\naggregate = {}\n", Some("watch.series.aggregate"), "one of sum"),
        (
            "[[watch.series]]\nmetric = \"cpu\"\nmatch = [\"a=~b\"]\naggregate = { sum = [] }\n",
            Some("watch.series.match"),
            "labels that stay",
        ),
        ("[[watch.series]]\nmetric = \"cpu\"\nworse = \"left\"\n", Some("watch.series.worse"), "not known"),
    ] {
        configure(folder, &format!("{FILES}{text}"));
        let (code, error) = json_error(folder, &["watch", "--once", "--json"]);
        assert_eq!((code, &error["code"]), (2, &"config".into()), "{text}: {error}");
        assert!(error["message"].as_str().unwrap().contains(said), "{text}: {error}");
        let at = error["where"].as_str().unwrap_or_default();
        assert_eq!(place.is_some(), at.contains("negawatt.toml:"), "{text}: {error}");
        assert!(at.ends_with(place.unwrap_or_default()), "{text}: {error}");
    }
}

/// What one pass opens is bounded, since each case is investigated before the next pass begins; the others wait for it.
#[test]
fn more_changes_than_a_pass_has_time_for_wait_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), &format!("{FILES}{WATCH}"));
    let courses: Vec<Course<'_>> = (0..22).map(|n| (format!("s{n},i0"), Some((300 + 15 * n, 0.05)))).collect();
    record(folder.path(), "cpu", "instance", &courses, 0..MINUTES);
    let first = pass(folder.path(), MINUTES);
    assert_eq!((&first["alarms"], length(&first["opened"])), (&22.into(), 20), "{first:#}");
    let told = first["troubles"][0]["message"].as_str().unwrap();
    assert!(told.starts_with("2 more changes wait for the next pass"), "{told}");
    let next = pass(folder.path(), MINUTES);
    assert_eq!((length(&next["opened"]), length(&next["joined"]), length(&next["troubles"])), (2, 0, 0), "{next:#}");
    assert_eq!(length(&pass(folder.path(), MINUTES)["opened"]), 0);
}

/// A series with more labels than a question may name neither hides the others nor makes their cases be about nobody.
#[test]
fn labels_of_one_series_do_not_silence_the_others() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), &format!("{FILES}{WATCH}"));
    let names: Vec<String> = (0..40).map(|n| format!("l{n}")).collect();
    let mut noise = Noise(99);
    let mut csv = format!("time,service,{},value\n", names.join(","));
    for minute in 0..MINUTES {
        let time = BEGIN + 60 * minute;
        let level = if minute < CHANGE { 100.0 } else { 106.0 };
        writeln!(csv, "{time},payments,{},{:.4}", ",".repeat(39), level + 2.0 * noise.next()).unwrap();
        writeln!(csv, "{time},other,{},{:.4}", ["x"; 40].join(","), 100.0 + 2.0 * noise.next()).unwrap();
    }
    write(folder.path().join("metrics/cpu.csv"), &csv);
    let first = pass(folder.path(), MINUTES);
    assert_eq!((&first["alarms"], length(&first["troubles"])), (&1.into(), 0), "{first:#}");
    assert_eq!(first["opened"][0]["verdict"], "regression", "{first:#}");
    assert_eq!(case(folder.path(), &first["opened"][0]["case"])["incident"]["service"], "payments");
}

/// A copy of a test guest whose manifest says that it looks for changes.
fn detector(component: &[u8]) -> Vec<u8> {
    let manifest = negawatt_package::Package::read(component).unwrap().manifest.text;
    let produces = manifest.lines().map(|line| match line.split_once(':') {
        Some((key @ "  negawatt.produces", _)) => format!("{key}: \"change-point\"\n"),
        _ => format!("{line}\n"),
    });
    negawatt_package::pack(component, &produces.collect::<String>()).unwrap()
}

/// Forty series, thirty of which get worse, and a skill beside the bundled ones.
fn with_skill(folder: &Path, skill: &[u8], grant: &str) {
    let courses = [fleet("cart", 30, Some((CHANGE, 0.05))), fleet("ads", 10, None)].concat();
    record(folder, "cpu", "instance", &courses, 0..MINUTES);
    std::fs::create_dir(folder.join("skills")).unwrap();
    std::fs::write(folder.join("skills/loaded.wasm"), skill).unwrap();
    configure(folder, &format!("{FILES}{WATCH}[skills]\npaths = [\"skills\"]\n[[grants]]\n{grant}"));
}

#[test]
fn a_skill_that_always_fails_is_not_asked_for_ever_and_silences_nobody() {
    let folder = tempfile::tempdir().unwrap();
    // So little memory that no instance can be made.
    let grant = "skill = \"mischief\"\ntools = [\"metrics\"]\nmemory = \"64KiB\"\n";
    with_skill(folder.path(), &detector(negawatt_test_guests::MISCHIEF), grant);
    let first = pass(folder.path(), MINUTES);
    assert_eq!((length(&first["opened"]), &first["alarms"]), (1, &30.into()), "{first:#}");
    let times = |who: &str, part: &str| {
        let told = first["troubles"].as_array().unwrap().iter().find(|trouble| trouble["who"] == who);
        let told = told.unwrap_or_else(|| panic!("{who}: {first:#}"));
        assert!(told["message"].as_str().unwrap().contains(part), "{told}");
        told["times"].as_u64().unwrap()
    };
    // So many series are looked at at a time, and of those that changed a part once more.
    let at_once = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    assert!((20..20 + 2 * at_once).contains(&times("mischief@0.1.0", "memory")), "{first:#}");
    let (failed, unasked) = (first["failed"].as_u64().unwrap(), times("mischief@0.1.0, further looks", "not asked"));
    assert!(failed + unasked == 40 && failed < 20 + at_once && first["unseen"] == 0, "{first:#}");
    // Only what was looked at while it was still asked is due again, but for what is a symptom.
    let second = pass(folder.path(), MINUTES);
    assert!(second["scanned"].as_u64().unwrap() < 20 + at_once, "{second:#}");
}

/// Values that no skill can tell of cost whoever sends them their own series, and nobody else theirs.
#[test]
fn series_that_break_a_look_blind_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let hostile: Vec<Course<'_>> = fleet("attacker", 25, Some((CHANGE, 1.0)));
    record(folder.path(), "cpu", "instance", &[hostile, fleet("cart", 5, Some((CHANGE, 0.05)))].concat(), 0..MINUTES);
    let csv = folder.path().join("metrics/cpu.csv");
    let text = std::fs::read_to_string(&csv).unwrap();
    let huge = |line: &str| if line.contains("attacker") { format!("{line}e101\n") } else { format!("{line}\n") };
    write(&csv, &text.lines().map(huge).collect::<String>());
    configure(folder.path(), &format!("{FILES}{WATCH}"));
    let first = pass(folder.path(), MINUTES);
    assert_eq!(
        (&first["scanned"], &first["unseen"], &first["alarms"]),
        (&30.into(), &0.into(), &5.into()),
        "{first:#}"
    );
    assert_eq!(first["opened"][0]["symptoms"], 5, "{first:#}");
}

#[test]
fn who_may_send_something_out_does_not_look() {
    let calls = |skill: &[u8], grant: &str| {
        let folder = tempfile::tempdir().unwrap();
        with_skill(folder.path(), skill, grant);
        pass(folder.path(), MINUTES)["spent_us"]["calls"].as_u64().unwrap()
    };
    let http = "skill = \"courier\"\nhttp = [\"https://example.com\"]\n";
    let sends = calls(&detector(negawatt_test_guests::COURIER), http);
    let looks = calls(&detector(negawatt_test_guests::MISCHIEF), "skill = \"mischief\"\ntools = [\"metrics\"]\n");
    let alone = calls(negawatt_test_guests::COURIER, http);
    assert_eq!(sends, alone);
    assert!(looks >= alone + 40, "{looks}, {alone}");
}

#[test]
fn cases_that_were_left_or_are_damaged_stop_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let courses = [fleet("cart", 1, Some((CHANGE, 0.05))), fleet("ads", 1, Some((CHANGE - 200, 0.2)))].concat();
    record(folder, "cpu", "instance", &courses, 0..MINUTES);
    configure(folder, &format!("{FILES}{WATCH}"));
    let first = pass(folder, MINUTES);
    assert_eq!(length(&first["opened"]), 2, "{first:#}");
    let id = |at: usize| first["opened"][at]["case"].as_str().unwrap();

    // One as a crash leaves it, before its end; the other one damaged.
    let book = rusqlite::Connection::open(folder.join("casebook/casebook.sqlite")).unwrap();
    book.execute_batch("DROP TRIGGER event_is_never_changed; DROP TRIGGER event_is_never_removed").unwrap();
    let removed = book.execute("DELETE FROM event WHERE case_id = ? AND type = 'concluded'", [id(0)]).unwrap();
    book.execute("UPDATE case_index SET ended = 0 WHERE id = ?", [id(0)]).unwrap();
    let damaged = book.execute("UPDATE event SET body = x'00' WHERE case_id = ? AND seq = 2", [id(1)]).unwrap();
    assert_eq!((removed, damaged), (1, 1));
    drop(book);

    // There is something new, so that all of it is looked at again.
    record(folder, "cpu", "instance", &courses, 0..MINUTES + 1);
    let second = pass(folder, MINUTES + 1);
    assert_eq!(second["scanned"], 2, "{second:#}");
    assert_eq!((&second["resumed"][0]["case"], length(&second["resumed"])), (&id(0).into(), 1), "{second:#}");
    assert_eq!(second["resumed"][0]["verdict"], "regression");
    let told = second["troubles"].as_array().unwrap();
    assert!(told.iter().any(|trouble| trouble["who"] == id(1)), "{second:#}");
    // What the damaged case knew nobody knows any more; what the other one knows is not opened again.
    let titles: Vec<_> =
        second["opened"].as_array().unwrap().iter().map(|case| case["title"].as_str().unwrap()).collect();
    assert!(titles.len() <= 1 && !titles.contains(&first["opened"][0]["title"].as_str().unwrap()), "{second:#}");
}

/// It makes one pass after the other, and ends well when it is interrupted.
#[test]
fn it_watches_until_it_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let now = negawatt_host::time::now() / 1_000_000;
    let mut csv = "time,service,value\n".to_owned();
    let mut noise = Noise(17);
    (0..MINUTES).for_each(|minute| {
        writeln!(csv, "{},cart,{:.4}", now - 60 * (MINUTES - minute), 100.0 + noise.next()).unwrap();
    });
    write(folder.path().join("metrics/cpu.csv"), &csv);
    configure(folder.path(), &format!("{FILES}{}", WATCH.replace("[watch]", "[watch]\ninterval = \"1s\"")));
    let running = common::negawatt(folder.path())
        .args(["watch", "--json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut running = Running(running);
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(running.0.stdout.take().unwrap()));
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    let (first, second) = (next(), next());
    assert_eq!((&first["series"], &first["scanned"]), (&1.into(), &1.into()), "{first}");
    assert_eq!((&second["series"], &second["scanned"], &second["unchanged"]), (&1.into(), &0.into(), &1.into()));
    assert!(running.interrupt().success());
}
