//! Cases that suspect a commit.

use std::process::{Command, Stdio};

use negawatt_skill::{
    Budget, Candidate, Case, Evidence, Finding, FindingBody, FunctionShift, Incident, IncidentKind, Mitigation,
    Severity, Suspect, Window,
};

use negawatt_skill::rewrite::{Strategy, propose};

use crate::{Repository, check, is_formatted};

/// The commit that is suspected.
pub const CULPRIT: &str = "c0ffee0000000000000000000000000000000001";

/// A function whose share rose from one part of samples to another.
pub fn shift(name: &str, before: f64, after: f64) -> FindingBody {
    let (self_before, self_after) = (before, after);
    let name = name.to_owned();
    FindingBody::FunctionShift(FunctionShift { name, before, after, self_before, self_after, p_value: 1e-9 })
}

/// A case that suspects [`CULPRIT`] with a probability of 0.9, and in which functions got slower, with generous budgets.
pub fn case(functions: &[&str]) -> Case {
    let suspect = FindingBody::Suspect(Suspect {
        candidate: Candidate::Commit,
        id: CULPRIT.into(),
        repository: Some("default".into()),
        author: None,
        files: Vec::new(),
        reason: "It landed.".into(),
        log_odds: 9.0_f64.ln(),
        extra: Vec::new(),
    });
    let bodies = std::iter::once(suspect).chain(functions.iter().map(|name| shift(name, 0.1, 0.3)));
    let evidence = bodies.zip(1..).map(|(body, number)| Evidence {
        id: format!("e{number}"),
        by: "test@0.1.0".into(),
        finding: Finding { body, confidence: 0.9, summary: "found".into(), because: Vec::new(), extra: Vec::new() },
    });
    Case {
        incident: Incident {
            kind: IncidentKind::Regression,
            title: "shop got slower".into(),
            service: "shop".into(),
            metric: None,
            window: Window { start: 0, end: 1_000_000 },
            severity: Severity::Medium,
        },
        now: 1_000_000,
        evidence: evidence.collect(),
        explains: None,
        budget: Budget { tool_calls: 200, read_bytes: 1 << 26, findings: 50, time: 1_000_000 },
        seed: 7,
        fleet: None,
        extra: Vec::new(),
    }
}

/// A file of a repository as `git apply` makes it of a mitigation's patch.
pub fn patched(repository: &Repository, path: &str, mitigation: &Mitigation) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(path);
    std::fs::create_dir_all(file.parent().expect("it is in a folder")).expect("a folder");
    std::fs::write(&file, repository.text(path)).expect("it is written");
    let patch = folder.path().join("patch");
    std::fs::write(&patch, mitigation.patch.as_deref().expect("there is a patch")).expect("it is written");
    let mut git = Command::new("git");
    git.args(["apply", "--whitespace=nowarn", "patch"]).current_dir(folder.path()).stdin(Stdio::null());
    assert!(git.status().expect("git is there").success(), "{}", mitigation.patch.as_deref().unwrap_or_default());
    std::fs::read_to_string(file).expect("it is there")
}

/// What a strategy proposes for a repository of which [`CULPRIT`] is suspected.
pub fn proposed(strategy: &Strategy, repository: &Repository, functions: &[&str]) -> Vec<Finding> {
    propose(repository, strategy, &case(functions)).expect("the tools answer")
}

/// The first mitigation of findings.
pub fn mitigation(findings: &[Finding]) -> Option<&Mitigation> {
    findings.iter().find_map(|finding| match &finding.body {
        FindingBody::Mitigation(mitigation) => Some(mitigation),
        _ => None,
    })
}

/// The notes of findings.
fn notes(findings: &[Finding]) -> String {
    let text = |finding: &Finding| match &finding.body {
        FindingBody::Note(text) => Some(text.clone()),
        _ => None,
    };
    findings.iter().filter_map(text).collect()
}

/// A repository of one file, in which the culprit made of what was there before what is there now.
pub fn changed(path: &str, before: &str, after: &str) -> Repository {
    Repository::new().commit("before", &[(path, before)]).commit(CULPRIT, &[(path, after)])
}

/// Checks what a strategy makes of a file that the culprit changed, that it is still a program (see [`check`]), and that then nothing is
/// left to do. `function` got slower.
#[track_caller]
pub fn becomes(strategy: &Strategy, function: &str, path: &str, [before, after, expected]: [&str; 3], compiles: bool) {
    let repository = changed(path, before, after);
    let findings = proposed(strategy, &repository, &[function]);
    let Some(mitigation) = mitigation(&findings) else { panic!("nothing is proposed: {findings:?}") };
    assert_eq!((mitigation.strategy.as_str(), mitigation.target.as_str()), (strategy.name, CULPRIT));
    let new = patched(&repository, path, mitigation);
    assert_eq!(new, expected, "{new}");
    check(path, &new, compiles);
    assert!(!is_formatted(path, after) || is_formatted(path, &new), "its formatter would write it otherwise:\n{new}");
    let again = proposed(strategy, &repository.commit("mended", &[(path, &new)]), &[function]);
    assert_eq!(self::mitigation(&again), None, "nothing is left to do");
}

/// Checks that a strategy leaves a file alone that the culprit changed, and says why; nothing where `why` is empty.
#[track_caller]
pub fn stays(strategy: &Strategy, function: &str, path: &str, [before, after]: [&str; 2], why: &str) {
    let findings = proposed(strategy, &changed(path, before, after), &[function]);
    assert_eq!(mitigation(&findings), None, "{after}");
    let notes = notes(&findings);
    assert!(if why.is_empty() { notes.is_empty() } else { notes.contains(why) }, "{after}\n{notes:?}");
}
