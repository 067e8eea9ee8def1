//! The casebook through the program: checked, compacted, taken elsewhere; and with a disk that is full, a lock that does not end, a folder
//! that must not be written, and files that are not as they were written. What was recorded before is there afterwards.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use negawatt_casegen::{Scenario, generate};
use serde_json::Value;

use crate::common;
use crate::common::{json, json_error, run, under};

const CONFIG: [&str; 2] = ["--config", "negawatt.toml"];

/// A generated case in a folder of its own, investigated, and its id.
fn investigated(scenario: Scenario) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    generate(scenario, 80, folder.path()).unwrap();
    let id = common::investigate(folder.path())["case"].as_str().unwrap().to_owned();
    (folder, id)
}

/// A command with its configuration, as JSON.
fn told(folder: &Path, arguments: &[&str]) -> Value {
    json(folder, &[arguments, &CONFIG, &["--json"]].concat())
}

fn refused(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    json_error(folder, &[arguments, &CONFIG, &["--json"]].concat())
}

fn casebook(folder: &Path) -> PathBuf {
    folder.join("casebook/casebook.sqlite")
}

#[test]
fn cases_go_elsewhere_and_are_replayed_there() {
    let (folder, id) = investigated(Scenario::Commit);
    let exported = told(folder.path(), &["casebook", "export", "cases.ngw"]);
    assert_eq!((&exported["cases"], &exported["purged"]), (&1.into(), &0.into()));
    let file = folder.path().join("cases.ngw");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let elsewhere = tempfile::tempdir().unwrap();
    common::write(elsewhere.path().join("negawatt.toml"), "[casebook]\npath = \"casebook\"\n");
    std::fs::copy(&file, elsewhere.path().join("cases.ngw")).unwrap();
    assert_eq!(told(elsewhere.path(), &["casebook", "import", "cases.ngw"])["new"], 1);
    assert_eq!(told(elsewhere.path(), &["casebook", "import", "cases.ngw"])["known"], 1);
    told(elsewhere.path(), &["casebook", "export", "again.ngw", "--case", &id[..12]]);
    assert!(std::fs::read(elsewhere.path().join("again.ngw")).unwrap() == std::fs::read(&file).unwrap());
    assert_eq!(told(elsewhere.path(), &["case", "show", &id]), told(folder.path(), &["case", "show", &id]));
    assert_eq!(told(elsewhere.path(), &["case", "replay", &id])["same"], true);
    assert_eq!(told(elsewhere.path(), &["casebook", "check"])["ok"], true);

    // A file that is not whole is refused, and says where.
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(elsewhere.path().join("cut.ngw"), &whole[..whole.len() - 9]).unwrap();
    let (code, error) = refused(elsewhere.path(), &["casebook", "import", "cut.ngw"]);
    let place = error["where"].as_str().unwrap();
    assert!(code == 2 && place.starts_with("cut.ngw, line "), "{error}");
    assert!(error["message"].as_str().unwrap().contains("nothing was imported"), "{error}");
    let nowhere = refused(folder.path(), &["casebook", "export", "nowhere/cases.ngw"]);
    assert_eq!((nowhere.0, &nowhere.1["code"]), (2, &"export".into()));
}

#[test]
fn old_answers_go_and_the_case_says_so() {
    let (folder, id) = investigated(Scenario::Noise);
    let shown = told(folder.path(), &["case", "show", &id]);
    assert_eq!(told(folder.path(), &["casebook", "compact", "--answers-older-than", "1d"])["purged"], 0);
    assert_eq!(told(folder.path(), &["case", "replay", &id])["same"], true);
    let compacted = told(folder.path(), &["casebook", "compact", "--answers-older-than", "1us"]);
    assert!(compacted["purged"].as_u64().unwrap() > 0, "{compacted}");
    assert!(compacted["bytes"]["after"].as_u64() < compacted["bytes"]["before"].as_u64(), "{compacted}");

    let (code, error) = refused(folder.path(), &["case", "replay", &id]);
    assert_eq!((code, &error["code"]), (1, &"cannot-replay".into()));
    assert!(error["message"].as_str().unwrap().contains("removed for their age"), "{error}");
    assert_eq!(told(folder.path(), &["case", "show", &id]), shown);
    let checked = told(folder.path(), &["casebook", "check"]);
    assert_eq!((&checked["ok"], &checked["purged"]), (&true.into(), &compacted["purged"]));

    let wrong = refused(folder.path(), &["casebook", "compact", "--answers-older-than", "old"]);
    assert_eq!((wrong.0, &wrong.1["code"]), (2, &"usage".into()));
}

#[test]
fn damage_is_told_with_its_place() {
    let (folder, id) = investigated(Scenario::Noise);
    let raw = rusqlite::Connection::open(casebook(folder.path())).unwrap();
    raw.execute_batch("DROP TRIGGER event_is_never_changed; UPDATE event SET time = 0 WHERE seq = 3;").unwrap();
    drop(raw);
    let said = run(folder.path(), &["casebook", "check", CONFIG[0], CONFIG[1], "--json"]);
    assert_eq!(said.status.code(), Some(1));
    let checked: Value = serde_json::from_slice(&said.stdout).unwrap();
    let [damage] = &checked["damage"].as_array().unwrap()[..] else { panic!("{checked}") };
    assert_eq!(damage["where"], format!("the case {id}"));
    assert!(damage["what"].as_str().unwrap().contains("event 3"), "{damage}");
    let last = String::from_utf8(said.stderr).unwrap();
    assert!(last.contains("\"damaged\"") && last.contains("restore it from a copy"), "{last}");
    let text = String::from_utf8(run(folder.path(), &["casebook", "check", CONFIG[0], CONFIG[1]]).stdout).unwrap();
    assert!(text.contains("event 3 of case"), "{text}");
}

const INVESTIGATE: [&str; 5] = ["investigate", "incident.json", CONFIG[0], CONFIG[1], "--json"];

/// What was recorded before a failure is there; the case in which it came is open, and goes on.
fn nothing_is_lost(folder: &Path, before: &Value, id: &str) {
    assert_eq!(told(folder, &["case", "show", id]), *before);
    assert_eq!(told(folder, &["casebook", "check"])["ok"], true);
    let open = told(folder, &["case", "list", "--verdict", "open"]);
    for case in open["cases"].as_array().unwrap() {
        let resumed = told(folder, &["case", "resume", case["case"].as_str().unwrap()]);
        assert_eq!(resumed["verdict"], before["verdict"]);
    }
}

#[test]
fn files_that_may_not_grow_are_told_and_nothing_is_lost() {
    let (folder, id) = investigated(Scenario::Noise);
    let before = told(folder.path(), &["case", "show", &id]);
    let mut failed = 0;
    // From a log that holds nothing to one that holds all: in units of half a kilobyte.
    for blocks in [8, 64, 128, 192, 320, 100_000] {
        let said = under(folder.path(), &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""), &INVESTIGATE)
            .output()
            .unwrap();
        if !said.status.success() {
            let last = String::from_utf8(said.stderr).unwrap();
            assert!(said.stdout.is_empty() && last.contains("casebook.sqlite"), "{blocks}: {last}");
            assert!(last.contains("nothing that was recorded is lost"), "{blocks}: {last}");
            failed += 1;
        }
        nothing_is_lost(folder.path(), &before, &id);
    }
    assert!((1..6).contains(&failed), "{failed}");
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let (folder, id) = investigated(Scenario::Noise);
    let before = told(folder.path(), &["case", "show", &id]);
    let size = std::fs::metadata(casebook(folder.path())).unwrap().len() + (160 << 10);
    // A disk of its own that only this process sees, and what is on it at the end.
    let script = format!(
        "mv casebook whole && mkdir -m 700 casebook && mount -t tmpfs -o size={size},mode=700 none casebook || exit 99
         cp whole/* casebook && chmod 600 casebook/* && \"$0\" \"$@\"; code=$?
         cp casebook/casebook.sqlite* whole && umount casebook && rmdir casebook && mv whole casebook; exit $code"
    );
    let mut arguments = vec!["--mount", "sh", "-c", &script];
    let program = common::negawatt(folder.path());
    arguments.push(program.get_program().to_str().unwrap());
    arguments.extend(INVESTIGATE);
    let said = under(folder.path(), "shift 0; exec unshare \"$@\"", &arguments).output().unwrap();
    let last = String::from_utf8_lossy(&said.stderr).into_owned();
    if said.status.code() == Some(99) || last.starts_with("unshare: ") {
        eprintln!("this user may not mount a disk of its own: {last}");
        return;
    }
    assert_eq!(said.status.code(), Some(1), "{last}");
    assert!(last.contains("no room left on its disk") && last.contains("casebook.sqlite"), "{last}");
    nothing_is_lost(folder.path(), &before, &id);
}

#[test]
fn a_lock_that_does_not_end_is_told_and_nothing_is_lost() {
    let (folder, id) = investigated(Scenario::Noise);
    let before = told(folder.path(), &["case", "show", &id]);
    let other = rusqlite::Connection::open(casebook(folder.path())).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    // Who only reads is not kept waiting.
    assert_eq!(told(folder.path(), &["case", "show", &id]), before);
    let (code, error) = json_error(folder.path(), &INVESTIGATE);
    assert_eq!((code, &error["code"]), (1, &"casebook".into()));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("casebook.sqlite") && message.contains("has kept it locked for"), "{message}");
    other.execute_batch("ROLLBACK").unwrap();
    nothing_is_lost(folder.path(), &before, &id);
}

#[test]
fn a_folder_that_must_not_be_written_is_told_and_nothing_is_lost() {
    let (folder, id) = investigated(Scenario::Noise);
    let before = told(folder.path(), &["case", "show", &id]);
    let permit = |mode: u32| {
        let book = folder.path().join("casebook");
        std::fs::set_permissions(casebook(folder.path()), std::fs::Permissions::from_mode(mode & 0o666)).unwrap();
        std::fs::set_permissions(book, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    permit(0o500);
    let mut trying = if rustix::process::geteuid().is_root() {
        // Root may write everywhere: somebody else tries.
        let conditions = "chown -R 65534:65534 . && chmod 755 . && \
            setpriv --reuid=65534 --regid=65534 --clear-groups \"$0\" \"$@\"; code=$?; chown -R 0:0 .; exit $code";
        under(folder.path(), conditions, &["case", "list", CONFIG[0], CONFIG[1], "--json"])
    } else {
        under(folder.path(), "exec \"$0\" \"$@\"", &["case", "list", CONFIG[0], CONFIG[1], "--json"])
    };
    let said = trying.output().unwrap();
    permit(0o700);
    let last = String::from_utf8(said.stderr).unwrap();
    assert!(!said.status.success() && said.stdout.is_empty(), "{last}");
    assert!(last.contains("casebook.sqlite") && last.contains("make the file and its folder writable"), "{last}");
    nothing_is_lost(folder.path(), &before, &id);
}

#[test]
fn garbage_behind_the_log_is_left_out() {
    let (folder, id) = investigated(Scenario::Noise);
    let before = told(folder.path(), &["case", "show", &id]);
    let log = casebook(folder.path()).with_extension("sqlite-wal");
    for garbage in [b"\0".repeat(5_000), b"dear diary\n".repeat(900)] {
        std::fs::write(&log, &garbage).unwrap();
        std::fs::set_permissions(&log, std::fs::Permissions::from_mode(0o600)).unwrap();
        nothing_is_lost(folder.path(), &before, &id);
    }
    // Half of the file itself is another matter.
    let file = casebook(folder.path());
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let (code, error) = refused(folder.path(), &["case", "show", &id]);
    assert_eq!(code, 1);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("casebook.sqlite: it is damaged") && message.contains("restore it from a copy"),
        "{message}"
    );
    assert_eq!(std::fs::read(&file).unwrap().len(), whole.len() / 2, "it was left as it is");
}
