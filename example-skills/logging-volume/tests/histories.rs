//! Whole histories made in memory: the commit that made hot code log is found, and innocent ones are not blamed more often than may be.

use std::cell::Cell;

use logging_volume::gather::{Question, gather};
use logging_volume::rank::rank;
use logging_volume::stacks::Regressed;
use negawatt_skill::changes::{ChangeKind, Commit, FileDiff, Hunk, TouchedFile};
use negawatt_skill::commits::Suspected;
use negawatt_skill::commits::diffs::Tools;
use negawatt_skill::time::{HOUR, MINUTE};
use negawatt_skill::timing::ChangeTime;
use negawatt_skill::{Dice, Error, FunctionShift, Window};

const CHANGE: i64 = 30 * HOUR;
const WINDOW: Window = Window { start: 0, end: 48 * HOUR };

/// A commit in memory: when it landed, and what it did to one file.
#[derive(Clone)]
struct Made {
    time: i64,
    path: String,
    context: String,
    text: String,
}

fn made(time: i64, path: &str, context: &str, text: &str) -> Made {
    Made { time, path: path.into(), context: context.into(), text: text.into() }
}

struct InMemory {
    all: Vec<Made>,
    asked: Cell<u32>,
    refuse: Option<Error>,
}

impl InMemory {
    fn file(&self, at: usize) -> TouchedFile {
        let count = |sign| self.all[at].text.lines().filter(|line| line.starts_with(sign)).count() as u32;
        let (added, removed) = (count('+'), count('-'));
        TouchedFile { path: self.all[at].path.clone(), old_path: None, kind: ChangeKind::Modified, added, removed }
    }

    fn answer<T>(&self, answer: T) -> Result<T, Error> {
        self.asked.set(self.asked.get() + 1);
        self.refuse.clone().map_or(Ok(answer), Err)
    }
}

impl Tools for InMemory {
    fn list(&self, window: Window) -> Result<Vec<Commit>, Error> {
        let commit = |at: usize| Commit {
            id: format!("{at:040}"),
            repository: "default".into(),
            parents: vec![],
            author: "Ada <ada@example.com>".into(),
            author_time: self.all[at].time,
            time: self.all[at].time,
            subject: String::new(),
            body: String::new(),
            files: vec![self.file(at)],
        };
        self.answer((0..self.all.len()).filter(|at| window.contains(self.all[*at].time)).map(commit).collect())
    }

    fn diff(&self, _: &str, id: &str) -> Result<Vec<FileDiff>, Error> {
        let at: usize = id.parse().expect("one of ours");
        let (context, text) = (self.all[at].context.clone(), self.all[at].text.clone());
        let hunk = Hunk { old_start: 9, old_lines: 3, new_start: 9, new_lines: 4, context, text };
        self.answer(vec![FileDiff { file: self.file(at), binary: false, hunks: vec![hunk] }])
    }

    fn read(&self, _: &str, _: &str, _: &str) -> Result<String, Error> {
        self.answer(String::new())
    }
}

/// The suspects with the paths of their commits, the likeliest first, and the calls that it took.
fn suspects(all: Vec<Made>, functions: &[(&str, f64, f64)]) -> (Vec<(String, f64, Suspected)>, u32) {
    let shift = |&(name, before, after): &(&str, f64, f64)| FunctionShift {
        name: name.into(),
        before,
        after,
        self_before: before,
        self_after: after,
        p_value: 1e-9,
    };
    let shifts: Vec<FunctionShift> = functions.iter().map(shift).collect();
    let regressed = Regressed::new(shifts.iter()).expect("something logs");
    let began = ChangeTime::about(CHANGE, (10 * MINUTE).unsigned_abs());
    let question = Question { change: CHANGE, window: WINDOW, began: &began, regressed: &regressed };
    let tools = InMemory { all, asked: Cell::new(0), refuse: None };
    let history = gather(&tools, &question, 1_000).expect("the tools answer");
    let of = |one: Suspected| {
        let odds: f64 = one.factors.iter().map(|(odds, _)| odds).sum();
        (history.known.commits[one.commit].files[0].path.clone(), odds, one)
    };
    let mut found: Vec<_> = rank(&question, &history).into_iter().map(of).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    (found, tools.asked.get())
}

const LOGS: [(&str, f64, f64); 3] =
    [("shop::cart::price", 0.2, 0.3), ("log::__private_api::log", 0.01, 0.11), ("alloc::fmt::format", 0.02, 0.08)];

const IN_LOOP: &str =
    " fn price(lines: &[Line]) -> u64 {\n     for line in lines {\n+        info!(\"line {}\", line.sku);";

fn new_call() -> Made {
    made(CHANGE - 40 * MINUTE, "src/cart.rs", "", IN_LOOP)
}

#[test]
fn the_commit_that_made_the_loop_log_is_named() {
    let all = vec![
        made(CHANGE - 70 * MINUTE, "src/search.rs", "", " fn find() {\n+    info!(\"found\");"),
        made(CHANGE - 50 * MINUTE, "src/cart.rs", "", " fn price() {\n+    let x = 1;"),
        made(CHANGE - 20 * MINUTE, "src/cart.rs", "", " fn price() {\n-    info!(\"old\");\n+    info!(\"new\");"),
        new_call(),
    ];
    let (found, asked) = suspects(all, &LOGS);
    assert_eq!(found.len(), 1, "{found:?}");
    let (path, odds, best) = &found[0];
    assert_eq!(path, "src/cart.rs");
    assert!((3.0..5.5).contains(odds), "{odds}");
    let reason = &best.factors[1].1;
    assert!(
        reason.contains("adds to a loop the log call `info!(\"line {}\", line.sku);` in line 11 of src/cart.rs"),
        "{reason}"
    );
    assert!(reason.contains("`shop::cart::price`") && reason.contains("rose from 1 % to 11 %"), "{reason}");
    assert!(asked <= 7, "{asked}");
}

#[test]
fn logging_that_is_a_small_part_of_the_rise_says_little() {
    let slight = [("shop::cart::price", 0.2, 0.5), ("log::__private_api::log", 0.010, 0.013)];
    let (found, _) = suspects(vec![new_call()], &slight);
    assert!(found.iter().all(|(_, _, one)| one.factors[1].0 < 1.0), "{found:?}");
}

/// Histories in which the cause is something else: log calls come and go as they do, in functions of their own.
#[test]
fn innocent_log_calls_are_seldom_blamed() {
    // One of them is the function from which logging is called: in another module mostly, and long before mostly.
    const NAMES: [&str; 12] =
        ["cart", "search", "invoice", "ship", "refund", "tax", "login", "export", "price", "notify", "sync", "purge"];
    const RUNS: u64 = 400;
    let mut blamed = 0;
    for seed in 50_000..50_000 + RUNS {
        let mut dice = Dice::new(seed);
        let history = (0..40).map(|_| {
            let time = (dice.unit() * CHANGE as f64) as i64;
            let (module, function) = (NAMES[dice.below(NAMES.len())], NAMES[dice.below(NAMES.len())]);
            let line = if dice.chance(0.15) { "+    info!(\"done\");" } else { "+    g();" };
            made(time, &format!("src/{module}.rs"), "", &format!(" fn {function}() {{\n     f();\n{line}"))
        });
        let (found, _) = suspects(history.collect(), &LOGS);
        blamed += usize::from(found.first().is_some_and(|(_, odds, _)| *odds > 1.0));
    }
    assert!(blamed as f64 <= 0.05 * RUNS as f64, "{blamed} of {RUNS}");
}

#[test]
fn a_flood_costs_no_more_than_was_given() {
    let lines = format!(" fn purge() {{\n{}", "+    info!(\"x\");\n".repeat(1_000));
    let mut all: Vec<Made> = (0..3_000).map(|at| made(at * MINUTE / 2, "src/purge.rs", "", &lines)).collect();
    all.push(new_call());
    let (found, asked) = suspects(all, &LOGS);
    assert!(asked <= 80, "{asked}");
    assert_eq!(found[0].0, "src/cart.rs");
}

#[test]
fn what_cannot_be_had_is_no_error_and_a_cancelled_case_is() {
    let shifts = [FunctionShift {
        name: "log".into(),
        before: 0.1,
        after: 0.2,
        self_before: 0.1,
        self_after: 0.2,
        p_value: 1e-9,
    }];
    let regressed = Regressed::new(shifts.iter()).unwrap();
    let began = ChangeTime::about(CHANGE, 1);
    let question = Question { change: CHANGE, window: WINDOW, began: &began, regressed: &regressed };
    let asked = |refuse| gather(&InMemory { all: vec![], asked: Cell::new(0), refuse: Some(refuse) }, &question, 9);
    assert!(asked(Error::Unavailable("no repository".into())).is_ok_and(|history| history.known.commits.is_empty()));
    assert!(asked(Error::Cancelled("by hand".into())).is_err());
}
