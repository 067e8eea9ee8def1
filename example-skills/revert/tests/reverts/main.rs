//! Whole reverts of real repositories: git takes what is proposed, and makes of it what `git revert` makes.

mod repository;

use std::cell::Cell;

use negawatt_skill::changes::{Commit, FileDiff};
use negawatt_skill::precedents::Precedent;
use negawatt_skill::prelude::*;
use negawatt_skill::{Budget, Dice};
use repository::Repository;
use revert::propose;
use revert::tools::Tools;

const HOUR: i64 = 3_600;

/// A case of two days with a change after a day, and commits that are suspected: hash, log odds, and files that tie them.
fn case(suspects: &[(&str, f64, &[&str])]) -> Case {
    let metric = Metric {
        name: "cpu_seconds_per_request".into(),
        labels: vec![Label { name: "service".into(), value: "shop".into() }],
        worse: Direction::Up,
        transform: Transform::None,
        aggregate: None,
    };
    let change = ChangePoint {
        time: time::DAY,
        before: 0.012,
        after: 0.014,
        p_value: 1e-9,
        method: "test".into(),
        shape: Shape::Step,
    };
    let suspect = |&(id, log_odds, files): &(&str, f64, &[&str])| Suspect {
        candidate: Candidate::Commit,
        id: id.into(),
        repository: Some("default".into()),
        author: Some("Ada <ada@example.com>".into()),
        files: files.iter().map(|&file| file.into()).collect(),
        reason: "It landed just before.".into(),
        log_odds,
        extra: vec![],
    };
    let mut findings = vec![Finding::new(change, 0.99, "It rose.")];
    findings.extend(suspects.iter().map(|one| Finding::new(suspect(one), 0.9, "It did it.")));
    let evidence = findings.into_iter().enumerate();
    Case {
        incident: Incident {
            kind: IncidentKind::Regression,
            title: "shop needs more CPU".into(),
            service: "shop".into(),
            metric: Some(metric),
            window: Window { start: 0, end: 2 * time::DAY },
            severity: Severity::High,
        },
        now: 2 * time::DAY,
        evidence: evidence
            .map(|(at, finding)| Evidence { id: format!("e{}", at + 1), by: "test@1.0.0".into(), finding })
            .collect(),
        explains: Some("e1".into()),
        budget: Budget { tool_calls: 1_000, read_bytes: 64 << 20, findings: 256, time: 10_000_000 },
        seed: 1,
        fleet: None,
        extra: vec![],
    }
}

/// What is found, for a commit that is very likely the cause.
fn found(repository: &Repository, id: &str, files: &[&str]) -> Vec<Finding> {
    propose(repository, &case(&[(id, 4.0, files)])).unwrap()
}

/// The only thing found: its patch.
fn patch(findings: &[Finding]) -> &str {
    let [Finding { body: FindingBody::Mitigation(Mitigation { patch: Some(patch), .. }), .. }] = findings else {
        panic!("{findings:#?}")
    };
    patch
}

/// The only thing found: a note.
fn note(findings: &[Finding]) -> &str {
    let [Finding { body: FindingBody::Note(text), .. }] = findings else { panic!("{findings:#?}") };
    text
}

fn numbered(lines: usize) -> String {
    (0..lines).map(|line| format!("line {line}\n")).collect()
}

#[test]
fn the_culprit_is_taken_back_and_what_came_later_stays() {
    let repository = Repository::new();
    let text = numbered(40);
    repository.commit(HOUR, &[("src/cart.rs", Some(text.as_bytes()))]);
    let worse = text.replace("line 20\n", "for each {\n\tline 20\n}\n");
    let culprit = repository.commit(23 * HOUR, &[("src/cart.rs", Some(worse.as_bytes()))]);
    let later = worse.replace("line 3\n", "line three\n").replace("line 38\n", "");
    repository.commit(30 * HOUR, &[("src/cart.rs", Some(later.as_bytes()))]);
    let findings = found(&repository, &culprit, &["src/cart.rs"]);
    assert_eq!(Some(repository.patched(patch(&findings))), repository.reverted(&culprit));
    let FindingBody::Mitigation(mitigation) = &findings[0].body else { panic!("a mitigation") };
    assert_eq!((mitigation.strategy.as_str(), &mitigation.target), ("revert", &culprit));
    assert!(
        mitigation
            .validation
            .contains("went from 0.012 to 0.014 at 1970-01-02T00:00:00Z. This helps if it is below 0.013"),
        "{}",
        mitigation.validation
    );
    let summary = &findings[0].summary;
    assert!(
        summary.contains("98.2 % likely") && summary.ends_with("merged with later changes of 1 file."),
        "{summary}"
    );
    assert!((0.8..0.83).contains(&findings[0].confidence), "{}", findings[0].confidence);
    assert_eq!(findings[0].because, ["e1", "e2"]);
}

#[test]
fn files_of_all_kinds_are_taken_back() {
    let repository = Repository::new();
    let text = numbered(20);
    let crlf = text.replace('\n', "\r\n");
    repository.commit(
        HOUR,
        &[
            ("crlf.txt", Some(crlf.as_bytes())),
            ("no end", Some(b"a\nb\nc")),
            ("ends", Some(b"a\nb\nc\n")),
            ("ä/漢.rs", Some("fn ä() {}\n\n\tlet ö;\n".as_bytes())),
            ("empty", Some(b"")),
            ("gone/empty", Some(b"")),
            ("gone/run.sh", Some(b"#!/bin/sh\nexit 0\n")),
            ("old name.rs", Some(text.as_bytes())),
            ("stays.rs", Some(text.as_bytes())),
        ],
    );
    repository.git(&["update-index", "--chmod=+x", "gone/run.sh"]);
    repository.git(&["commit", "--quiet", "--amend", "--no-edit"]);
    repository.git(&["reset", "--quiet", "--hard"]);
    repository.git(&["mv", "old name.rs", "new name.rs"]);
    let culprit = repository.commit(
        23 * HOUR,
        &[
            ("crlf.txt", Some(crlf.replace("line 7", "LINE 7").as_bytes())),
            ("no end", Some(b"a\nB\nc\n")),
            ("ends", Some(b"a\nb\nc")),
            ("ä/漢.rs", Some("fn ä() {}\n\n    let ö;\n".as_bytes())),
            ("empty", Some(b"no more\n")),
            ("gone/empty", None),
            ("gone/run.sh", None),
            ("added.rs", Some(b"fn new() {}\n")),
            ("added empty", Some(b"")),
            ("new name.rs", Some(text.replace("line 9\n", "line nine\n").as_bytes())),
        ],
    );
    let moved = format!("first\n{}", text.replace("line 9\n", "line nine\n"));
    repository.commit(30 * HOUR, &[("new name.rs", Some(moved.as_bytes())), ("stays.rs", Some(b"else\n"))]);
    let expected = repository.reverted(&culprit).expect("git can");
    assert_eq!(repository.patched(patch(&found(&repository, &culprit, &[]))), expected);
}

#[test]
fn what_cannot_be_taken_back_is_named_with_its_lines() {
    let repository = Repository::new();
    let text = numbered(30);
    repository.commit(HOUR, &[("a.rs", Some(text.as_bytes())), ("b.rs", Some(text.as_bytes()))]);
    let change = |text: &str, to: &str| text.replace("line 10\n", to);
    let worse = change(&text, "slow 10\n");
    let culprit = repository.commit(23 * HOUR, &[("a.rs", Some(worse.as_bytes())), ("b.rs", Some(worse.as_bytes()))]);
    let later = change(&text, "slower 10\nand more\n");
    repository.commit(30 * HOUR, &[("a.rs", Some(later.as_bytes()))]);
    assert_eq!(repository.reverted(&culprit), None);
    let findings = found(&repository, &culprit, &[]);
    let expected = format!(
        "commit {} by Ada <ada@example.com> is not reverted as a whole: `a.rs`: what it did was changed again since \
         (lines 11 to 12 of the branch).",
        &culprit[..10]
    );
    assert_eq!(note(&findings), expected);
    // The other file may be what matters.
    let findings = found(&repository, &culprit, &["b.rs"]);
    let [Finding { body: FindingBody::Mitigation(part), confidence, summary, .. }, second] = &findings[..] else {
        panic!("{findings:#?}")
    };
    assert!(summary.contains("only `b.rs` of the 2") && *confidence < 0.5, "{confidence}: {summary}");
    assert!(part.validation.contains("build and test before anything else"), "{}", part.validation);
    assert_eq!(second.kind(), EvidenceKind::Note);
    repository.patched(part.patch.as_deref().unwrap());
    assert!(found(&repository, &culprit, &["a.rs"]).iter().all(|finding| finding.kind() == EvidenceKind::Note));
}

#[test]
fn what_was_reverted_already_is_not_reverted_again() {
    let repository = Repository::new();
    repository.commit(HOUR, &[("a.rs", Some(numbered(30).as_bytes()))]);
    let culprit = repository.commit(23 * HOUR, &[("a.rs", Some(numbered(31).as_bytes())), ("new.rs", Some(b"x\n"))]);
    repository.git(&["revert", "--no-edit", &culprit]);
    assert!(note(&found(&repository, &culprit, &[])).contains("nothing is left to revert"));
    let text = numbered(30).replace("line 3\n", "line three\n");
    repository.commit(30 * HOUR, &[("a.rs", Some(text.as_bytes()))]);
    assert!(note(&found(&repository, &culprit, &[])).contains("nothing is left to revert"));
}

#[test]
fn binary_files_missing_files_and_changed_new_files_are_said() {
    let repository = Repository::new();
    repository
        .commit(HOUR, &[("logo.png", Some(b"\x89PNG\0\x01")), ("a.rs", Some(b"1\n")), ("latin.rs", Some(b"\xe4\n"))]);
    let binary = repository.commit(20 * HOUR, &[("logo.png", Some(b"\x89PNG\0\x02")), ("a.rs", Some(b"2\n"))]);
    let latin = repository.commit(21 * HOUR, &[("latin.rs", Some(b"\xe4\n\xf6\n"))]);
    let added = repository.commit(22 * HOUR, &[("new.rs", Some(b"1\n"))]);
    let gone = repository.commit(23 * HOUR, &[("a.rs", Some(b"3\n"))]);
    repository.commit(30 * HOUR, &[("new.rs", Some(b"2\n")), ("a.rs", None)]);
    for (id, says) in [
        (&binary, "`a.rs`: it is gone from the branch; `logo.png`: it is binary"),
        (&latin, "`latin.rs`: it is no text in UTF-8"),
        (&added, "`new.rs`: it was new, and has changed since"),
        (&gone, "`a.rs`: it is gone from the branch"),
    ] {
        let findings = found(&repository, id, &[]);
        assert!(note(&findings).contains(says), "{}", note(&findings));
    }
}

#[test]
fn tests_stay_as_they_are() {
    let repository = Repository::new();
    repository.commit(HOUR, &[("src/a.rs", Some(b"1\n")), ("tests/a.rs", Some(b"1\n"))]);
    let both = repository.commit(
        22 * HOUR,
        &[("src/a.rs", Some(b"2\n")), ("tests/a.rs", Some(b"2\n")), ("benches/b.rs", Some(b"new\n"))],
    );
    let only = repository.commit(23 * HOUR, &[("tests/a.rs", Some(b"3\n"))]);
    let findings = found(&repository, &both, &["tests/a.rs"]);
    assert!(!patch(&findings).contains("tests/") && !patch(&findings).contains("benches/"));
    let FindingBody::Mitigation(mitigation) = &findings[0].body else { panic!("a mitigation") };
    assert!(mitigation.validation.contains("what `benches/b.rs`, `tests/a.rs` expects"), "{}", mitigation.validation);
    assert!(note(&found(&repository, &only, &[])).contains("no files but tests"));
}

#[test]
fn a_merge_goes_back_to_its_first_parent() {
    let repository = Repository::new();
    repository.commit(HOUR, &[("a.rs", Some(numbered(30).as_bytes()))]);
    repository.git(&["checkout", "--quiet", "-b", "topic"]);
    repository.commit(20 * HOUR, &[("a.rs", Some(numbered(31).as_bytes())), ("new.rs", Some(b"x\n"))]);
    repository.git(&["checkout", "--quiet", "main"]);
    repository.commit(21 * HOUR, &[("b.rs", Some(b"x\n"))]);
    let before = repository.tree();
    let merge = repository.merge(22 * HOUR, "topic");
    let findings = found(&repository, &merge, &[]);
    assert_eq!(repository.patched(patch(&findings)), before);
    assert!(findings[0].summary.contains("a merge, back to its first parent"), "{}", findings[0].summary);
}

#[test]
fn the_first_commit_and_unknown_ones_are_left_alone() {
    let repository = Repository::new();
    let first = repository.commit(HOUR, &[("a.rs", Some(b"1\n"))]);
    let outside = repository.commit(60 * HOUR, &[("a.rs", Some(b"2\n"))]);
    assert!(note(&found(&repository, &first, &[])).contains("nothing was before it"));
    assert!(note(&found(&repository, &outside, &[])).contains("the history of the window does not hold it"));
}

#[test]
fn only_likely_commits_are_asked_for() {
    struct Nothing;
    impl Tools for Nothing {
        fn touching(&self, _: &str, _: Window, _: &[String]) -> Result<Vec<Commit>, Error> {
            panic!("asked")
        }
        fn diff(&self, _: &str, _: &str) -> Result<Vec<FileDiff>, Error> {
            panic!("asked")
        }
        fn read(&self, _: &str, _: &str, _: Option<&str>) -> Result<String, Error> {
            panic!("asked")
        }
        fn similar(&self, _: &[String], _: u32) -> Result<Vec<Precedent>, Error> {
            panic!("asked")
        }
    }
    let id = "0".repeat(40);
    for suspects in [&[][..], &[(id.as_str(), -1.0, &[][..])], &[(&id, 3.0, &[]), (&id, -3.0, &[])]] {
        assert_eq!(propose(&Nothing, &case(suspects)), Ok(vec![]));
    }
    let unexplained = Case { explains: None, ..case(&[(&id, 5.0, &[])]) };
    assert_eq!(propose(&Nothing, &unexplained), Ok(vec![]));
}

/// A repository whose tools stop to answer after so many calls.
struct Failing<'a> {
    repository: &'a Repository,
    left: Cell<u32>,
    with: Error,
}

impl Failing<'_> {
    fn answer<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                answer
            }
            None => Err(self.with.clone()),
        }
    }
}

impl Tools for Failing<'_> {
    fn touching(&self, repository: &str, window: Window, paths: &[String]) -> Result<Vec<Commit>, Error> {
        self.answer(self.repository.touching(repository, window, paths))
    }
    fn diff(&self, repository: &str, id: &str) -> Result<Vec<FileDiff>, Error> {
        self.answer(self.repository.diff(repository, id))
    }
    fn read(&self, repository: &str, path: &str, revision: Option<&str>) -> Result<String, Error> {
        self.answer(self.repository.read(repository, path, revision))
    }
    fn similar(&self, evidence: &[String], limit: u32) -> Result<Vec<Precedent>, Error> {
        self.answer(self.repository.similar(evidence, limit))
    }
}

#[test]
fn tools_that_fail_are_told_and_a_cancelled_case_ends() {
    let repository = Repository::new();
    repository.commit(HOUR, &[("a.rs", Some(b"1\n2\n"))]);
    let culprit = repository.commit(23 * HOUR, &[("a.rs", Some(b"1\n3\n"))]);
    let case = case(&[(&culprit, 4.0, &["a.rs"])]);
    // The diff, the history, three texts.
    for calls in 0..5 {
        let failing = |with: Error| Failing { repository: &repository, left: Cell::new(calls), with };
        for with in [
            Error::Unavailable("away\u{1b}".into()),
            Error::OverBudget("spent".into()),
            Error::Denied("not yours".into()),
            Error::NotFound("no such thing".into()),
        ] {
            let findings = propose(&failing(with), &case).unwrap();
            assert!(!note(&findings).contains('\u{1b}'), "{}", note(&findings));
        }
        assert!(matches!(propose(&failing(Error::Cancelled("by hand".into())), &case), Err(Error::Cancelled(_))));
        let poor = Case { budget: Budget { tool_calls: calls, ..case.budget }, ..case.clone() };
        assert!(note(&propose(&repository, &poor).unwrap()).contains("no call of a tool is left"));
    }
    let exact = Case { budget: Budget { tool_calls: 5, ..case.budget }, ..case.clone() };
    assert!(!patch(&propose(&repository, &exact).unwrap()).is_empty());
    let none = Case { budget: Budget { findings: 0, ..case.budget }, ..case.clone() };
    assert_eq!(propose(&repository, &none), Ok(vec![]));
}

/// A proposal is the same without precedents, and says how reverts fared where there are some.
#[test]
fn precedents_are_told_and_cost_nothing_where_there_are_none() {
    let repository = Repository::new();
    repository.commit(HOUR, &[("a.rs", Some(b"1\n2\n"))]);
    let culprit = repository.commit(23 * HOUR, &[("a.rs", Some(b"1\n3\n"))]);
    let case = case(&[(&culprit, 4.0, &["a.rs"])]);
    let plain = propose(&repository, &case).unwrap();
    // The diff, the history, three texts, and nothing is left for precedents.
    for with in
        [Error::Unavailable("away".into()), Error::Denied("not yours".into()), Error::OverBudget("spent".into())]
    {
        let failing = Failing { repository: &repository, left: Cell::new(5), with };
        assert_eq!(propose(&failing, &case).unwrap(), plain);
    }
    let poor = Case { budget: Budget { tool_calls: 5, ..case.budget }, ..case.clone() };
    assert_eq!(propose(&repository, &poor).unwrap(), plain);
    let failing = Failing { repository: &repository, left: Cell::new(5), with: Error::Cancelled("by hand".into()) };
    assert!(matches!(propose(&failing, &case), Err(Error::Cancelled(_))));

    let (strategy, outcome) = (Some("revert".to_owned()), "rejected".to_owned());
    let precedent = Precedent { case_id: "01J".into(), similarity: 0.7, summary: String::new(), strategy, outcome };
    let mut known = repository;
    known.precedents = Some(vec![precedent]);
    let told = propose(&known, &case).unwrap();
    assert_eq!(told[0].confidence, plain[0].confidence);
    let more = told[0].summary.strip_prefix(&plain[0].summary).unwrap();
    assert_eq!(
        more,
        " A revert was tried in 1 case like this one and merged in 0; the most alike, 01J (70 %), ended as rejected."
    );
}

#[test]
fn what_is_too_much_is_left_alone() {
    let repository = Repository::new();
    let text = |from: usize| (0..2_000).map(|line| format!("line {}\n", line + from)).collect::<String>();
    repository.commit(HOUR, &[("large.rs", Some(text(0).as_bytes())), ("small.rs", Some(b"1\n"))]);
    let large = text(5_000);
    let culprit = repository.commit(23 * HOUR, &[("large.rs", Some(large.as_bytes())), ("small.rs", Some(b"2\n"))]);
    assert!(note(&found(&repository, &culprit, &[])).contains("KiB fit into a finding"));
    let part = found(&repository, &culprit, &["small.rs"]);
    assert!(part[0].kind() == EvidenceKind::Mitigation && part[0].summary.contains("only `small.rs` of the 2"));
    let names: Vec<String> = (0..50).map(|at| format!("f{at}.rs")).collect();
    let files: Vec<(&str, Option<&[u8]>)> = names.iter().map(|name| (name.as_str(), Some(&b"1\n"[..]))).collect();
    let many = repository.commit(23 * HOUR, &files);
    assert!(note(&found(&repository, &many, &[])).contains("50 files, and evidence names none of them"));
    let part = found(&repository, &many, &["f7.rs"]);
    assert!(part[0].summary.contains("only `f7.rs` of the 50"), "{}", part[0].summary);
}

#[test]
fn reading_ends_however_many_lines_there_are() {
    let repository = Repository::new();
    let names: Vec<String> = (10..30).map(|at| format!("f{at}.rs")).collect();
    let write = |seconds: i64, text: String| {
        let files: Vec<(&str, Option<&[u8]>)> =
            names.iter().map(|name| (name.as_str(), Some(text.as_bytes()))).collect();
        repository.commit(seconds, &files)
    };
    write(HOUR, numbered(9_000));
    let culprit = write(23 * HOUR, numbered(9_001));
    let findings = found(&repository, &culprit, &["f10.rs"]);
    assert!(findings[0].summary.contains("only `f10.rs` of the 20"), "{}", findings[0].summary);
    assert!(note(&findings[1..]).contains("`f14.rs`: too much was read before it"), "{}", note(&findings[1..]));
}

/// Of random histories what is proposed is what `git revert` does, and nothing is proposed where it conflicts.
#[test]
fn reverts_are_those_of_git() {
    const NAMES: [&str; 3] = ["a.rs", "b/c d.rs", "é.rs"];
    let (mut clean, mut conflicts) = (0, 0);
    for seed in 5_100..5_108 {
        let mut dice = Dice::new(seed);
        let repository = Repository::new();
        let mut texts = NAMES.map(|_| numbered(25));
        let mut ids = Vec::new();
        for commit in 0..6 {
            for text in &mut texts {
                let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
                for _ in 0..dice.below(3) {
                    let at = dice.below(lines.len());
                    match dice.below(3) {
                        0 => drop(lines.remove(at)),
                        1 => lines.insert(at, format!("new {commit} {at}\n")),
                        _ => lines[at] = format!("changed {commit} {at}\n"),
                    }
                }
                *text = lines.concat();
            }
            let files: Vec<(&str, Option<&[u8]>)> =
                NAMES.into_iter().zip(&texts).map(|(name, text)| (name, Some(text.as_bytes()))).collect();
            ids.push(repository.commit((commit + 1) * HOUR, &files));
        }
        for id in &ids[1..5] {
            let findings = found(&repository, id, &[]);
            let Some(tree) = repository.reverted(id) else {
                conflicts += 1;
                assert!(note(&findings).contains("changed again"), "{seed}: {}", note(&findings));
                continue;
            };
            clean += 1;
            match &findings[0].body {
                FindingBody::Mitigation(mitigation) => {
                    assert_eq!(repository.patched(mitigation.patch.as_deref().unwrap()), tree, "{seed}");
                }
                _ => assert_eq!(tree, repository.tree(), "{seed}: {}", note(&findings)),
            }
        }
    }
    assert!(clean >= 5 && conflicts >= 5, "{clean} clean, {conflicts} in conflict");
}
