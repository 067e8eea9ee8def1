//! Compiling in a process of its own: whatever the child does, its parent says what happened and goes on.

use std::sync::Arc;
use std::time::Duration;

use negawatt_host::grants::{Grant, Grants, Rights};
use negawatt_host::limits::{Fuel, HostLimits, Limits};
use negawatt_host::model::{Incident, IncidentKind, Severity, Window};
use negawatt_host::{Child, Envelope, Host, HostConfig, LoadError, Origin, Skill, Status, Tool};
use negawatt_test_guests::{MISCHIEF, READER};

/// As long as any machine takes for a line of a script, and no time at all for one that never ends.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);

/// A compiler that does this.
fn doing(script: &str) -> Child {
    Child { program: "/bin/sh".into(), arguments: ["-c", script, "compiler"].map(Into::into).into() }
}

/// What is said of a skill whose compiler does this.
fn told(script: &str) -> String {
    compiled(doing(script), LONG).unwrap_err().to_string()
}

fn compiled(compiler: Child, compile_time: Duration) -> Result<(), LoadError> {
    let limits = HostLimits { compile_time, ..HostLimits::default() };
    let host = Host::new(HostConfig { compiler: Some(compiler), limits, ..HostConfig::default() }).unwrap();
    host.compile(&Skill::read(READER, Origin::Loaded).unwrap())
}

#[test]
fn each_end_of_the_child_has_its_words() {
    assert_eq!(told("cat >/dev/null; echo it has no form >&2; exit 3"), "it is not a skill: it has no form");
    assert_eq!(told("echo no limits >&2; exit 4"), "the compiler cannot be started: no limits");
    for crash in ["echo panicked >&2; exit 101", "kill -9 $$", "kill -6 $$"] {
        let told = told(crash);
        assert!(told.contains("compile_memory") && !told.contains("panicked"), "{told}");
    }
    for endless in ["exec sleep 60", "cat >/dev/null; exec sleep 60", "while :; do :; done"] {
        let error = compiled(doing(endless), SHORT).unwrap_err().to_string();
        assert!(error.contains("took longer than 200ms"), "{error}");
    }
    assert!(told("cat >/dev/null; echo nonsense").starts_with("it is not a skill: "), "what is no code is not run");
}

#[test]
fn a_compiler_that_is_not_there_is_told_as_that() {
    let error = compiled(Child { program: "/nowhere".into(), arguments: Vec::new() }, LONG).unwrap_err().to_string();
    assert!(error.starts_with("the compiler cannot be started: "), "{error}");
}

#[test]
fn its_limits_and_its_input_are_the_parents() {
    // Bytes of memory, whole seconds, and perhaps a word.
    let told = told("test \"$1 $2 $#\" = '2147483648 60 2' && wc -c >&2; exit 3");
    assert_eq!(told, format!("it is not a skill: {}", READER.len()));
    // Nothing of the parent's environment.
    let path = std::env::var("PATH").unwrap_or_default();
    assert!(!path.is_empty() && self::told("echo \"[$HOME]\" >&2; exit 3").contains("[]"));
}

#[test]
fn what_is_bundled_is_compiled_here() {
    let compiler = Child { program: "/nowhere".into(), arguments: Vec::new() };
    let host = Host::new(HostConfig { compiler: Some(compiler), ..HostConfig::default() }).unwrap();
    assert_eq!(host.compile(&Skill::read(READER, Origin::Bundled).unwrap()), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_twice_for_what_cannot_be_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count");
    let times = || std::fs::read_to_string(&count).unwrap_or_default().lines().count();
    for (end, compile_time, status, again) in [
        ("exec sleep 60", Duration::from_secs(1), Status::Invalid, 1),
        ("exit 3", LONG, Status::Invalid, 1),
        ("exit 4", LONG, Status::Error, 2),
    ] {
        let _ = std::fs::remove_file(&count);
        let compiler = Some(doing(&format!("echo once >> {}; {end}", count.display())));
        let limits = HostLimits { compile_time, ..HostLimits::default() };
        let host = Arc::new(Host::new(HostConfig { compiler, limits, ..HostConfig::default() }).unwrap());
        let skill = Arc::new(Skill::read(READER, Origin::Loaded).unwrap());
        let rights = rights(&skill);
        let call = || host.call(&skill, &rights, Envelope::alone(incident(), Arc::default(), Limits::default()));
        // At the same time, and once more.
        let (one, other) = tokio::join!(call(), call());
        assert_eq!([one.status, other.status, call().await.status], [status; 3], "{one:?}");
        assert_eq!(times().min(2), again, "{end}");
    }
}

fn rights(skill: &Skill) -> Rights {
    Grants { grants: vec![Grant::to("reader", Tool::ALL)], ..Grants::default() }.rights(skill).unwrap()
}

fn incident() -> Incident {
    Incident {
        kind: IncidentKind::Opportunity,
        title: "nothing".into(),
        service: "checkout".into(),
        metric: None,
        window: Window { start: 0, end: 3_600_000_000 },
        severity: Severity::Medium,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_read_again_are_those_that_were_read() {
    let host = Arc::new(Host::new(HostConfig::default()).unwrap());
    for (again, status, says) in [
        (Err("gone".to_owned()), Status::Error, "cannot be read again: gone"),
        (Ok(MISCHIEF.to_vec()), Status::Error, "cannot be read again: it was changed"),
        (Ok(READER.to_vec()), Status::Ok, ""),
    ] {
        let skill = Skill::read(READER, Origin::Loaded).unwrap().without_bytes(Arc::new(move || again.clone()));
        let envelope = Envelope::alone(incident(), Arc::default(), Limits::default());
        let rights = rights(&skill);
        let outcome = host.call(&Arc::new(skill), &rights, envelope).await;
        assert_eq!(outcome.status, status, "{outcome:?}");
        assert!(outcome.message.unwrap_or_default().contains(says), "{says}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn code_whose_instructions_are_counted_is_asked_for_with_a_word() {
    let compiler = Some(doing("cat >/dev/null; echo \"[$3]\" >&2; exit 3"));
    let host = Arc::new(Host::new(HostConfig { compiler, ..HostConfig::default() }).unwrap());
    let skill = Arc::new(Skill::read(READER, Origin::Loaded).unwrap());
    for (fuel, word) in [(Fuel::UNCOUNTED, ""), (Fuel(1_000), "counted")] {
        let limits = Limits { fuel, ..Limits::default() };
        let outcome = host.call(&skill, &rights(&skill), Envelope::alone(incident(), Arc::default(), limits)).await;
        assert_eq!(outcome.message, Some(format!("it is not a skill: [{word}]")));
    }
}
