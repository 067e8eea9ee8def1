//! The recorded demo: the right commit and author, from any folder, found from the recording alone, and a fix that makes its program fast
//! again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use negawatt_actions::guard::median;
use negawatt_config::Config;
use negawatt_host::Scope;
use negawatt_host::model::Window;
use negawatt_host::time::parse_rfc3339;
use serde_json::Value;

use crate::common;

const HOUR: i64 = 3_600_000_000;

fn recording() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/recording")
}

/// What the recording is about, which the program must find without it.
fn truth() -> Value {
    serde_json::from_str(&std::fs::read_to_string(recording().join("truth.json")).unwrap()).unwrap()
}

fn time(value: &Value) -> i64 {
    parse_rfc3339(value.as_str().unwrap()).unwrap()
}

/// The objects of a file of JSON lines.
fn lines(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(recording().join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What one run of the demo printed and left.
struct Demo {
    text: String,
    page: String,
    /// The case as `case show` has it.
    case: Value,
    /// What `review show` has of its proposals.
    review: Value,
    /// The branches of the repository, and of the scratch clone.
    branches: [String; 2],
    /// The names of what it left in the folder that it was run in.
    left: Vec<String>,
}

/// The demo is run once: it measures a program, and nothing of this file is to run beside it.
fn demo() -> &'static Demo {
    static DEMO: OnceLock<Demo> = OnceLock::new();
    DEMO.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let text = common::text(folder, &["demo", "--keep", "shop", "--report", "page.html"]);
        let left = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let left = left.collect();
        let kept = |arguments: &[&str]| {
            common::json(folder, &[arguments, &["--config", "shop/negawatt.toml", "--json"]].concat())
        };
        let listed = kept(&["case", "list"]);
        let id = listed["cases"][0]["case"].as_str().unwrap();
        let branches = |repository: &str| {
            let git = ["for-each-ref", "--format=%(refname:short)", "refs/heads"];
            common::case::git(&folder.join("shop").join(repository), &git)
        };
        Demo {
            text,
            page: std::fs::read_to_string(folder.join("page.html")).unwrap(),
            case: kept(&["case", "show", id]),
            review: kept(&["review", "show", id]),
            branches: ["repo", "scratch"].map(branches),
            left,
        }
    })
}

#[test]
fn the_demo_names_the_right_commit_and_author() {
    let answer = &demo().case;
    is_right(answer);
    let truth = truth();
    let suspects = answer["suspects"].as_array().unwrap();
    assert!(suspects[0]["confidence"].as_f64().unwrap() > 0.5, "{suspects:?}");
    let beside_the_code = suspects.iter().filter(|suspect| suspect["kind"] != "commit");
    let blame: f64 = beside_the_code.map(|suspect| suspect["confidence"].as_f64().unwrap()).sum();
    assert!(blame < 0.2, "the setting and the experiment changed nothing: {suspects:?}");
    assert!(answer["impact"]["cores"].as_f64().unwrap() > 0.0);
    assert!(answer["impact"]["watts"].as_f64().unwrap() > 0.0);
    let functions: Vec<_> = answer["functions"].as_array().unwrap().iter().map(|f| f["name"].clone()).collect();
    assert!(functions.contains(&truth["function"]), "{functions:?}");
    let off = time(&answer["change_point"]["time"]).abs_diff(time(&truth["change_time"]));
    assert!(off <= 20 * 60 * 1_000_000, "{} instead of {}", answer["change_point"]["time"], truth["change_time"]);
}

/// The commit, and who made it.
fn is_right(answer: &Value) {
    let truth = truth();
    assert_eq!(answer["verdict"], "regression");
    let suspect = &answer["suspects"][0];
    assert_eq!(suspect["kind"], "commit");
    assert_eq!(suspect["id"], truth["commit"]);
    assert_eq!(suspect["author"], truth["author"]);
}

/// The commit is taken back on a branch of the scratch clone alone, and the program was run there, and without the fix.
#[test]
fn the_demo_fixes_it() {
    let fixed = &demo().review["proposals"][0];
    assert_eq!((&fixed["strategy"], &fixed["stage"]), (&"revert".into(), &"submitted".into()), "{fixed}");
    let validation = common::case::check(fixed, "validation");
    assert_eq!(validation["passed"], true, "{validation}");
    let middle = |side: &str| {
        let runs: Vec<f64> = fixed["measured"][side].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
        assert_eq!(runs.len(), 8, "{fixed}");
        median(&runs).unwrap()
    };
    let (before, after) = (middle("before"), middle("after"));
    // The commit costs a third more; that it is so beyond chance is what the validation says.
    assert!(after / before < 0.95, "{before} µs and {after} µs");
    let branch = fixed["submitted"]["branch"].as_str().unwrap();
    assert_eq!(demo().branches, ["main".to_owned(), format!("main\n{branch}")]);
}

#[test]
fn the_demo_reports_to_people() {
    let Demo { text, page, left, .. } = demo();
    for word in
        ["Verdict", "regression", "Change", "Functions", "Suspects", "Impact", "Plan", "it improves", "scratch clone"]
    {
        assert!(text.contains(word), "{word} is missing:\n{text}");
    }
    assert!(common::page::read(page).1.contains("Where CPU time goes, before and after"));
    let mut left = left.clone();
    left.sort_unstable();
    assert_eq!(left, [".state", "page.html", "shop"], "nothing else is written here");
}

#[test]
fn without_a_toolchain_the_demo_says_why_nothing_is_fixed() {
    // Not beside what is measured.
    demo();
    let folder = tempfile::tempdir().unwrap();
    // What it needs besides.
    let programs = folder.path().join("programs");
    std::fs::create_dir(&programs).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let git = std::env::split_paths(&path).map(|path| path.join("git")).find(|path| path.is_file()).unwrap();
    std::os::unix::fs::symlink(git, programs.join("git")).unwrap();
    let demo = |arguments: &[&str]| {
        let output =
            common::negawatt(folder.path()).arg("demo").args(arguments).env("PATH", &programs).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let text = demo(&[]);
    assert!(text.contains("No fix was made: validation: ") && text.contains("https://rustup.rs"), "{text}");
    let entries = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(entries, 2, "beside the programs, only its state is written here");
    let answer: Value = serde_json::from_str(&demo(&["--json"])).unwrap();
    is_right(&answer);
    assert_eq!(common::case::check(&answer["mitigations"][0], "validation")["passed"], false, "{answer:#}");
}

#[test]
fn time_alone_does_not_single_the_commit_out() {
    let truth = truth();
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["clone", "--quiet", "--bare", recording().join("shop.bundle").to_str().unwrap(), "."]);
    let history = git(&["log", "--format=%H %ct %an"]);
    let commits: Vec<Vec<&str>> = history.lines().map(|line| line.splitn(3, ' ').collect()).collect();
    assert!(commits.len() >= 30);
    let authors: std::collections::BTreeSet<_> = commits.iter().map(|commit| commit[2]).collect();
    assert!(authors.len() >= 3, "{authors:?}");
    let change = time(&truth["change_time"]);
    let in_the_hour_before = |time: i64| (0..HOUR).contains(&(change - time));
    let before = |commit: &&Vec<&str>| in_the_hour_before(commit[1].parse::<i64>().unwrap() * 1_000_000);
    let near: Vec<_> = commits.iter().filter(before).map(|commit| commit[0]).collect();
    assert!(near.len() >= 3, "{near:?}");
    assert_ne!(Some(near[0]), truth["commit"].as_str(), "the last one before the change is not it");
    assert!(lines("configs.jsonl").iter().any(|change| in_the_hour_before(time(&change["time"]))));
    assert!(lines("experiments.jsonl").iter().any(|experiment| in_the_hour_before(time(&experiment["start"]))));
}

/// `runs.csv` says how many samples perf took in each run; the profiles, as the program reads them, have as many.
#[tokio::test]
async fn no_sample_is_left_out() {
    let runs = std::fs::read_to_string(recording().join("runs.csv")).unwrap();
    let mut rows = runs.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let (at, control, samples) = (column("time"), column("control"), column("samples"));
    let mut taken = BTreeMap::<i64, u64>::new();
    for row in rows.filter(|row| row[control].is_empty()) {
        let hour = parse_rfc3339(row[at]).unwrap() / HOUR * HOUR;
        *taken.entry(hour).or_default() += row[samples].parse::<u64>().unwrap();
    }

    let folder = tempfile::tempdir().unwrap();
    let profiles = format!("[sources.profiles]\nkind = \"files\"\npath = {:?}\n", recording().join("profiles"));
    common::write(folder.path().join("negawatt.toml"), &profiles);
    let config = Config::read(&folder.path().join("negawatt.toml")).unwrap();
    let source = negawatt_sources::configure(&config, None).unwrap().tools.profiles.unwrap();
    let window = Window { start: *taken.keys().next().unwrap(), end: taken.keys().last().unwrap() + HOUR };
    let scope = Scope { services: ["shop".to_owned()].into(), unlabelled: false, window, everything: false };
    let profile = source.query(&scope, "shop".into(), window).await.unwrap();
    assert_eq!(profile.unit, "samples");
    let of_file = |range: &[u32]| profile.sample_counts[range[0] as usize..range[1] as usize].iter().sum::<u64>();
    let kept = profile.file_starts.iter().copied().zip(profile.file_offsets.windows(2).map(of_file)).collect();
    assert_eq!(taken.len(), 48);
    assert_eq!(taken, kept);
    let files: Vec<_> = profile.frame_files.iter().map(|file| profile.strings[*file as usize].as_str()).collect();
    assert!(files.contains(&"src/pricing.rs"), "frames say which file of the repository they are in");
    assert!(profile.frame_lines.iter().any(|line| *line > 0));
}

#[test]
fn the_program_carries_the_recording_but_not_the_answer() {
    let carried = std::fs::read_to_string(Path::new(env!("OUT_DIR")).join("demo.rs")).unwrap();
    for name in ["incident.json", "negawatt.toml", "configs.jsonl", "experiments.jsonl", "shop.bundle"] {
        assert!(carried.contains(&format!("({name:?}, ")), "{name}");
    }
    for name in ["truth.json", "runs.csv"] {
        assert!(recording().join(name).is_file());
        assert!(!carried.contains(name), "{name}");
    }
    assert!(size(&recording()) < 5_000_000, "{} bytes", size(&recording()));
}

/// The bytes of all files below a folder.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { size(&path) } else { path.metadata().unwrap().len() }).sum()
}
