//! Histories of a program, one commit of which makes it slower.

use std::cell::Cell;
use std::collections::BTreeMap;

use culprit_commit::gather::Tools;
use negawatt_skill::changes::{ChangeKind, Commit, FileDiff, Hunk, TouchedFile};
use negawatt_skill::code::{CodeMatch, FileOutline};
use negawatt_skill::configs::ConfigChange;
use negawatt_skill::{Dice, Error, FunctionShift, Window, profiles};

use crate::cost::{profile, shifts, stacks};
use crate::outline::outline;
use crate::program::{Lang, Program, slow, statement};

pub const MINUTE: i64 = 60_000_000;

/// How the culprit makes it slower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its own lines cost more.
    Body,
    /// It calls into a library.
    Library,
    /// A constant of the file that it uses.
    Constant,
}

/// A whole case, which also stands in for the host's tools.
pub struct History {
    pub commits: Vec<Commit>,
    pub diffs: BTreeMap<String, Vec<FileDiff>>,
    pub texts: BTreeMap<(String, String), String>,
    pub tip: BTreeMap<String, String>,
    pub profile: profiles::Profile,
    pub shifts: Vec<FunctionShift>,
    pub window: Window,
    pub change: i64,
    pub culprit: String,
    pub settings: Vec<ConfigChange>,
    pub calls: Cell<u32>,
}

const AUTHORS: [&str; 4] =
    ["Ada <ada@example.com>", "Bo <bo@example.com>", "Chi <chi@example.com>", "Dag <dag@example.com>"];
const SUBJECTS: [&str; 8] = [
    "Tidy up",
    "Handle the odd case",
    "Follow the spec",
    "Small fix",
    "Rework limits",
    "Simplify",
    "Address review",
    "Use the new shape",
];
const LOUD: [&str; 4] = [
    "Slow path: performance regression likely",
    "perf: rewrite the hot loop",
    "Make it slower but correct",
    "Add expensive check to every request",
];

impl History {
    /// `commits` of them in 48 hours; the slow one is deployed `delay` minutes after it landed.
    pub fn new(seed: u64, lang: Lang, fault: Fault, commits: usize) -> History {
        let mut dice = Dice::new(seed);
        let mut program = Program::new(lang, &mut dice);
        let window = Window { start: 1_000_000 * MINUTE, end: 1_002_880 * MINUTE };
        let culprit_at = commits / 4 + dice.below(commits / 2);
        // A function that matters, though it does not dominate.
        let base = stacks(&program);
        let total: f64 = base.values().sum();
        let own =
            |at: usize| base.iter().filter(|(stack, _)| stack.contains(&at)).map(|(_, cost)| cost).sum::<f64>() / total;
        let fit: Vec<usize> = (0..program.functions.len()).filter(|&at| (0.01..0.3).contains(&own(at))).collect();
        let victim = fit[dice.below(fit.len())];
        let mut history = History {
            commits: vec![],
            diffs: BTreeMap::new(),
            texts: BTreeMap::new(),
            tip: BTreeMap::new(),
            profile: profile(&program, &[], 0.0, &mut dice),
            shifts: vec![],
            window,
            change: 0,
            culprit: String::new(),
            settings: Vec::new(),
            calls: Cell::new(0),
        };
        // Bursts: many land within the same hour.
        let mut times: Vec<i64> =
            (0..commits).map(|_| window.start + (dice.between(60.0, 2800.0) * MINUTE as f64) as i64).collect();
        times.sort_unstable();
        for at in 1..commits {
            if dice.chance(0.5) {
                times[at] = times[at].min(times[at - 1] + (dice.between(0.5, 15.0) * MINUTE as f64) as i64);
            }
        }
        let mut other: BTreeMap<String, String> = [
            ("README.md", "# Shop\n"),
            ("tests/test_all.py", "def test_all():\n    pass\n"),
            ("Cargo.lock", "version = 3\n"),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
        history.tip = files(&program, &other);
        for (at, &time) in times.iter().enumerate() {
            let before = history.tip.clone();
            if at == culprit_at {
                let module = program.module_of(victim);
                match fault {
                    Fault::Constant => program.modules[module].limit *= 100,
                    _ => {
                        let lines = slow(lang, &mut dice);
                        edit(&mut program, victim, lines, &mut dice);
                    }
                }
            } else {
                distract(&mut program, &mut other, victim, &mut dice);
            }
            history.tip = files(&program, &other);
            let id = format!("{:016x}{:016x}{:08x}", dice.bits(), dice.bits(), dice.bits() as u32);
            let loud = at != culprit_at && dice.chance(0.15);
            let subject = if loud { LOUD[dice.below(4)] } else { SUBJECTS[dice.below(8)] };
            history.land(id, time, AUTHORS[dice.below(4)], subject, &before);
        }
        history.culprit = history.commits[culprit_at].id.clone();
        // The effect, deployed some minutes later, seen at the next observation or one beside it.
        let mut slower = base.clone();
        let effect = total * dice.between(0.08, 0.3);
        let reached: Vec<(Vec<usize>, f64)> =
            base.iter().filter(|(stack, _)| stack.last() == Some(&victim)).map(|(s, c)| (s.clone(), *c)).collect();
        let through: f64 = reached.iter().map(|(_, cost)| cost).sum();
        for (mut stack, cost) in reached {
            if fault == Fault::Library {
                stack.push(program.functions.len());
            }
            *slower.entry(stack).or_default() += effect * cost / through;
        }
        let live = times[culprit_at] + (dice.between(4.0, 90.0) * MINUTE as f64) as i64;
        history.change = (live / (10 * MINUTE) + 1 + i64::from(dice.chance(0.2))) * 10 * MINUTE;
        let starts: Vec<i64> = (0..8).map(|at| window.start + at * 360 * MINUTE).collect();
        let list: Vec<_> = starts.iter().map(|&start| (start, if start >= live { &slower } else { &base })).collect();
        history.profile = profile(&program, &list, 20_000.0, &mut dice);
        history.shifts = shifts(&history.profile, history.change);
        history
    }

    fn land(&mut self, id: String, time: i64, author: &str, subject: &str, before: &BTreeMap<String, String>) {
        let diffs: Vec<FileDiff> = self
            .tip
            .iter()
            .filter(|(path, text)| before.get(*path) != Some(text))
            .map(|(path, text)| diff(path, before.get(path).map_or("", String::as_str), text))
            .collect();
        for file in &diffs {
            self.texts.insert((id.clone(), file.file.path.clone()), self.tip[&file.file.path].clone());
        }
        self.commits.push(Commit {
            id: id.clone(),
            repository: "default".into(),
            parents: self.commits.last().map(|commit| commit.id.clone()).into_iter().collect(),
            author: author.into(),
            author_time: time,
            time,
            subject: subject.into(),
            body: String::new(),
            files: diffs.iter().map(|diff| diff.file.clone()).collect(),
        });
        self.diffs.insert(id, diffs);
    }
}

fn files(program: &Program, other: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut files = other.clone();
    files.extend((0..program.modules.len()).map(|module| (program.path(module), program.text(module))));
    files
}

fn edit(program: &mut Program, function: usize, lines: Vec<String>, dice: &mut Dice) {
    let body = &mut program.functions[function].body;
    // Before a statement at the body's own depth.
    let places: Vec<usize> = (0..body.len()).filter(|&at| !body[at].starts_with([' ', '\t', '}'])).collect();
    let at = places[dice.below(places.len())];
    body.splice(at..at, lines);
}

fn distract(program: &mut Program, other: &mut BTreeMap<String, String>, victim: usize, dice: &mut Dice) {
    let all = program.functions.len();
    let lang = program.lang;
    let note = if lang == Lang::Python { "# " } else { "// " };
    let not_victim = |dice: &mut Dice| (victim + 1 + dice.below(all - 1)) % all;
    match dice.below(10) {
        0 => *other.get_mut("README.md").unwrap() += &format!("Line {}\n", dice.bits()),
        1 => *other.get_mut("tests/test_all.py").unwrap() += &format!("    assert {}\n", dice.bits()),
        2 => *other.get_mut("Cargo.lock").unwrap() += &format!("checksum = {}\n", dice.bits()),
        // A comment in the very function that will be, or is, slow.
        3 => edit(program, victim, vec![format!("{note}see {}", dice.bits())], dice),
        4 => {
            // Another function of the same file.
            let module = program.module_of(victim);
            let mates: Vec<usize> =
                program.modules[module].functions.iter().copied().filter(|&f| f != victim).collect();
            let lines = slow(lang, dice);
            edit(program, mates[dice.below(mates.len())], lines, dice);
        }
        5 => {
            let module = dice.below(program.modules.len());
            program.modules[module].header.push(format!("{note}Copyright {}", dice.bits()));
        }
        6 => {
            // Three functions at once.
            for _ in 0..3 {
                let (at, lines) = (not_victim(dice), statement(lang, dice));
                edit(program, at, lines, dice);
            }
        }
        _ => {
            let (at, lines) = (not_victim(dice), slow(lang, dice));
            edit(program, at, lines, dice);
        }
    }
}

/// One hunk from the first to the last line that differs, with three lines around, and the context that git would show for
/// a language that it does not know: the last line above that begins with a letter.
pub fn diff(path: &str, before: &str, after: &str) -> FileDiff {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let (removed, added) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let first = head.saturating_sub(3);
    let end = (new.len() - tail + 3).min(new.len());
    let mut lines: Vec<String> = new[first..head].iter().map(|line| format!(" {line}")).collect();
    // Lines that stay in the middle of a long stretch are told as such, in order.
    let mut rest = removed.iter();
    for line in added {
        if removed.contains(line) && rest.clone().any(|other| other == line) {
            lines.extend(rest.by_ref().take_while(|other| *other != line).map(|other| format!("-{other}")));
            lines.push(format!(" {line}"));
        } else {
            lines.push(format!("+{line}"));
        }
    }
    lines.extend(rest.map(|line| format!("-{line}")));
    lines.extend(new[new.len() - tail..end].iter().map(|line| format!(" {line}")));
    let context = new[..first].iter().rev().find(|line| line.starts_with(|c: char| c.is_alphabetic() || c == '_'));
    let count = |sign: char| lines.iter().filter(|line| line.starts_with(sign)).count() as u32;
    let file = TouchedFile {
        path: path.into(),
        old_path: None,
        kind: if before.is_empty() { ChangeKind::Added } else { ChangeKind::Modified },
        added: count('+'),
        removed: count('-'),
    };
    let hunk = Hunk {
        old_start: first as u32 + 1,
        old_lines: count(' ') + count('-'),
        new_start: first as u32 + 1,
        new_lines: count(' ') + count('+'),
        context: context.unwrap_or(&"").to_string(),
        text: lines.join("\n"),
    };
    FileDiff { file, binary: false, hunks: vec![hunk] }
}

impl Tools for History {
    fn list(&self, window: Window) -> Result<Vec<Commit>, Error> {
        self.calls.set(self.calls.get() + 1);
        Ok(self.commits.iter().rev().filter(|commit| window.contains(commit.time)).cloned().collect())
    }

    fn diff(&self, _: &str, id: &str) -> Result<Vec<FileDiff>, Error> {
        self.calls.set(self.calls.get() + 1);
        self.diffs.get(id).cloned().ok_or_else(|| Error::NotFound(id.into()))
    }

    fn outline(&self, _: &str, path: &str, revision: &str) -> Result<FileOutline, Error> {
        self.calls.set(self.calls.get() + 1);
        let text = self.texts.get(&(revision.into(), path.into())).ok_or_else(|| Error::NotFound(path.into()))?;
        outline(path, text)
    }

    fn configs(&self, _: Window) -> Result<Vec<ConfigChange>, Error> {
        self.calls.set(self.calls.get() + 1);
        Ok(self.settings.clone())
    }

    fn search(&self, _: &str, pattern: &str) -> Result<Vec<CodeMatch>, Error> {
        self.calls.set(self.calls.get() + 1);
        let names = pattern.split("(?:").nth(1).and_then(|rest| rest.split(')').next()).unwrap_or("");
        let names: Vec<String> = names.split('|').map(|name| format!("{name}(")).collect();
        let lines =
            self.tip.iter().flat_map(|(path, text)| text.lines().enumerate().map(move |(at, line)| (path, at, line)));
        let hits = lines.filter(|(_, _, line)| names.iter().any(|name| line.contains(name)));
        let found = |(path, at, line): (&String, usize, &str)| CodeMatch {
            path: path.clone(),
            line: at as u32 + 1,
            text: line.into(),
        };
        Ok(hits.map(found).take(1000).collect())
    }

    fn profile(&self, _: &str, _: Window) -> Result<profiles::Profile, Error> {
        self.calls.set(self.calls.get() + 1);
        Ok(self.profile.clone())
    }
}
