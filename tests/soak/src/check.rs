//! What must hold of all that servers left behind.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use negawatt_casebook::{Case, Casebook, Proposal, Recorded, Stage};
use negawatt_host::Status;
use rusqlite::{Connection, OpenFlags};

use crate::client::Posted;
use crate::outcome::{Outcome, notices};
use crate::server::Program;
use crate::target::Heard;
use crate::world::World;

/// Cases that are run again at the end.
const REPLAYED: usize = 12;

/// The notices that `/notices/verdicts` asked for.
const ONLY: &str = "verdict";

/// What a server logs that looked at its files while the configuration was broken.
const BROKEN_CONFIGURATION: &str = "what was configured before stays, since the new configuration cannot be used";

/// A case, by what is on disk.
struct Found {
    case: Case,
    events: Vec<Recorded>,
}

/// What is held against each other.
pub struct Check<'a> {
    /// The program that all was done with.
    pub program: &'a Program,
    /// Where it was done.
    pub world: &'a World,
    /// What each kind of incident must come to.
    pub expected: &'a [Outcome],
    /// What was posted.
    pub posted: &'a Posted,
    /// What came as a notice.
    pub notices: &'a BTreeMap<(String, String), Heard>,
    /// What came as an effect of a skill.
    pub effects: &'a BTreeMap<String, usize>,
    /// Whether its configuration was broken at times.
    pub upheaval: bool,
}

/// How many of what were held against what they should be, and what is wrong.
#[derive(Debug, Default)]
pub struct Checked {
    /// Cases.
    pub cases: usize,
    /// Cases that nobody was told of, as whoever posted them gave up.
    pub unacknowledged: usize,
    /// Proposals that went by themselves.
    pub submitted: usize,
    /// Calls of a skill that were begun, and of which nobody knows how they ended.
    pub interrupted: usize,
    /// Cases that were run again.
    pub replayed: usize,
    /// What is wrong, a sentence each.
    pub wrong: Vec<String>,
}

impl Check<'_> {
    /// Looks at everything, while no server runs.
    pub fn all(&self) -> Result<Checked> {
        let mut checked = Checked::default();
        let found = self.cases(&mut checked)?;
        checked.cases = found.len();
        self.remotes(&found, &mut checked)?;
        self.told(&found, &mut checked)?;
        self.outside(&found, &mut checked);
        self.program_says(&found, &mut checked);
        self.logged(&mut checked)?;
        Ok(checked)
    }

    /// Every incident that was acknowledged is one case, of the kind's outcome; one that was not is one case or none.
    fn cases(&self, checked: &mut Checked) -> Result<BTreeMap<String, Found>> {
        let book = Casebook::open(&self.world.folder.join("casebook"))?;
        let mut found = BTreeMap::new();
        for id in book.cases(usize::MAX)? {
            let events = book.events(&id)?;
            let case = Case::fold(id, &events);
            let fingerprint = case.opened.as_ref().map(|opened| opened.fingerprint.clone()).unwrap_or_default();
            if let Some(other) = found.insert(fingerprint.clone(), Found { case, events }) {
                checked.wrong.push(format!("{fingerprint} is the case {id}, and {} as well", other.case.id));
            }
        }
        for (fingerprint, (_, cases)) in &self.posted.acknowledged {
            let there: BTreeSet<_> = found.get(fingerprint).iter().map(|found| found.case.id.to_string()).collect();
            if there != *cases {
                checked.wrong.push(format!("{fingerprint} was acknowledged as {cases:?}, and is {there:?}"));
            }
        }
        for (fingerprint, Found { case, .. }) in &found {
            let acknowledged = self.posted.acknowledged.get(fingerprint).map(|(kind, _)| *kind);
            checked.unacknowledged += usize::from(acknowledged.is_none());
            let kind = acknowledged.or_else(|| self.posted.given_up.get(fingerprint).copied());
            let Some(expected) = kind.and_then(|kind| self.expected.get(kind)) else {
                checked.wrong.push(format!("nobody posted {fingerprint}, which is the case {}", case.id));
                continue;
            };
            let outcome = Outcome::of(case);
            if outcome != *expected {
                checked.wrong.push(format!(
                    "{} ({fingerprint}) came to {outcome:?}, and without kills to {expected:?}",
                    case.id
                ));
            }
        }
        Ok(found)
    }

    /// Every proposal that went by itself is one branch with one commit and its words, each pushed once; nothing else is there.
    fn remotes(&self, found: &BTreeMap<String, Found>, checked: &mut Checked) -> Result<()> {
        let mut wanted = BTreeMap::new();
        for Found { case, .. } in found.values() {
            let service = case.opened.as_ref().map_or("", |opened| &opened.incident.service);
            for proposal in &case.proposals.all {
                let Some(submitted) = &proposal.submitted else { continue };
                checked.submitted += 1;
                let name = format!("{}-{}", case.id, proposal.proposed.number);
                wanted.insert(format!("refs/heads/negawatt/{name}"), Some(submitted.commit.clone()));
                wanted.insert(format!("refs/negawatt/proposals/{name}"), None);
                let base = proposal.examined.as_ref().and_then(|examined| examined.base.as_ref());
                let base = base.map_or("", |base| &base.commit);
                let commits = self.world.commits(service, base, &format!("negawatt/{name}"))?;
                if commits != [submitted.commit.as_str()] {
                    checked.wrong.push(format!(
                        "the branch of {name} has the commits {commits:?}, and was submitted as {}",
                        submitted.commit
                    ));
                }
            }
        }
        let there = self.world.references()?;
        for (name, commit) in &wanted {
            match (there.get(name), commit) {
                (None, _) => checked.wrong.push(format!("{name} is in no remote")),
                (Some(there), Some(commit)) if there != commit => {
                    checked.wrong.push(format!("{name} is at {there}, and was submitted as {commit}"));
                }
                _ => {}
            }
        }
        for name in there.keys().filter(|name| !wanted.contains_key(*name)) {
            checked.wrong.push(format!("{name} is in a remote, and no case submitted it"));
        }
        let mut pushed: BTreeMap<String, usize> = BTreeMap::new();
        for [before, _, name] in self.world.pushes()? {
            *pushed.entry(name.clone()).or_default() += 1;
            if before.bytes().any(|digit| digit != b'0') {
                checked.wrong.push(format!("{name} was pushed over {before}"));
            }
        }
        if let Some((name, times)) = pushed.iter().find(|(_, times)| **times != 1) {
            checked.wrong.push(format!("{name} was pushed {times} times"));
        }
        Ok(())
    }

    /// Everybody heard of every notice under one id, and of nothing else; the command heard of every proposal that waits.
    fn told(&self, found: &BTreeMap<String, Found>, checked: &mut Checked) -> Result<()> {
        let mut wanted = BTreeMap::new();
        for Found { case, events } in found.values() {
            let all = notices(case, events);
            let kinds: Vec<_> = all.iter().map(|(kind, _)| *kind).collect();
            let waits = |one: &&Proposal| {
                one.stage() == Stage::Waiting && one.examined.as_ref().is_some_and(|examined| examined.person.is_some())
            };
            let waiting = case.proposals.all.iter().filter(waits).count();
            let submitted = case.proposals.all.iter().filter(|one| one.submitted.is_some()).count();
            for (kind, count) in [("verdict", 1), ("review_needed", waiting), ("proposal", submitted)] {
                if kinds.iter().filter(|one| **one == kind).count() != count {
                    checked.wrong.push(format!("{} has not {count} notices `{kind}`: {all:?}", case.id));
                }
            }
            for (kind, id) in all {
                wanted.insert(("/notices/all".to_owned(), id.clone()), kind);
                if kind == ONLY {
                    wanted.insert(("/notices/verdicts".to_owned(), id), kind);
                }
            }
        }
        for ((path, id), kind) in &wanted {
            match self.notices.get(&(path.clone(), id.clone())) {
                None => checked.wrong.push(format!("{path} did not hear of {id}, a `{kind}`")),
                Some(heard) if heard.differs => checked.wrong.push(format!("{path} heard of {id} in two ways")),
                Some(heard) if !heard.body.contains(&format!("\"type\":\"{kind}\"")) => {
                    checked.wrong.push(format!("{path} heard of {id}, which is no `{kind}`: {}", heard.body));
                }
                Some(_) => {}
            }
        }
        for (path, id) in self.notices.keys().filter(|key| !wanted.contains_key(*key)) {
            checked.wrong.push(format!("{path} heard of {id:?}, and nothing of that name happened"));
        }
        let told = self.world.told()?;
        for Found { case, .. } in found.values() {
            let id = case.id.to_string();
            for proposal in case.proposals.all.iter().filter(|one| one.stage() == Stage::Waiting) {
                let number = proposal.proposed.number;
                if !told.iter().any(|(of, one, trouble)| *of == id && *one == number && trouble.is_none()) {
                    checked.wrong.push(format!("nobody was told that the proposal {number} of {id} waits"));
                }
            }
        }
        for (case, number, trouble) in &told {
            if let Some(trouble) = trouble {
                checked.wrong.push(format!("the proposal {number} of {case} had trouble: {trouble}"));
            }
        }
        Ok(())
    }

    /// No effect of a skill came twice; one came of every call that ended well, and at most one of a call that was interrupted.
    fn outside(&self, found: &BTreeMap<String, Found>, checked: &mut Checked) {
        for (name, times) in self.effects {
            if *times != 1 {
                checked.wrong.push(format!("the effect of {name} came {times} times"));
            }
        }
        for (fingerprint, Found { case, .. }) in found {
            for step in case.steps.iter().filter(|step| !step.intents.is_empty()) {
                let ended_well = step.calls.iter().any(|call| call.status == Status::Ok);
                checked.interrupted += usize::from(!ended_well);
                if ended_well && !self.effects.contains_key(fingerprint) {
                    checked
                        .wrong
                        .push(format!("{} says that {} had its effect, which nobody saw", case.id, step.planned.step));
                }
            }
        }
    }

    /// No server told of a defect. That a configuration cannot be used is none where it was broken.
    fn logged(&self, checked: &mut Checked) -> Result<()> {
        let log = std::fs::read_to_string(self.world.folder.join("server.log"))?;
        let is_wrong = |line: &&str| {
            ["ERROR", "panicked"].iter().any(|word| line.contains(word))
                && !(self.upheaval && line.contains(BROKEN_CONFIGURATION))
        };
        checked.wrong.extend(log.lines().filter(is_wrong).map(|line| format!("a server logged: {line}")));
        Ok(())
    }

    /// The casebook is whole, so is the log of what was done, and cases are the same when they are run again.
    fn program_says(&self, found: &BTreeMap<String, Found>, checked: &mut Checked) {
        let mut says = |arguments: &[&str]| {
            let output =
                self.program.command(&self.world.folder).args(arguments).args(["--config", "negawatt.toml"]).output();
            match output {
                Ok(output) if output.status.success() => {}
                Ok(output) => checked.wrong.push(format!(
                    "{arguments:?}: {}\n{}{}",
                    output.status,
                    String::from_utf8_lossy(&output.stdout),
                    String::from_utf8_lossy(&output.stderr)
                )),
                Err(error) => checked.wrong.push(format!("{arguments:?}: {error}")),
            }
        };
        says(&["casebook", "check"]);
        says(&["audit", "verify"]);
        let every = (found.len() / REPLAYED).max(1);
        let mut replayed = 0;
        for found in found.values().step_by(every) {
            says(&["case", "replay", &found.case.id.to_string()]);
            replayed += 1;
        }
        checked.replayed = replayed;
    }
}

/// How many notices the outbox still has to send.
pub fn unsent(world: &World) -> Result<usize> {
    let file = world.folder.join("casebook/outbox.db");
    let outbox = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    outbox.busy_timeout(std::time::Duration::from_secs(10))?;
    let lost: i64 = outbox.query_row("SELECT count(*) FROM notice WHERE state = 'given-up'", (), |row| row.get(0))?;
    if lost != 0 {
        return Err(format!("{lost} notices were given up").into());
    }
    let waiting: i64 = outbox.query_row("SELECT count(*) FROM notice WHERE state = 'waiting'", (), |row| row.get(0))?;
    Ok(usize::try_from(waiting)?)
}
