//! No case is lost, whenever the server is killed: at random moments under load, after events of a case (all kinds but those of a list with
//! reasons), and at each step of telling others of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use negawatt_casebook::{Case, CaseId, Casebook, Event};
use negawatt_soak::{
    Bus, Check, Gate, Outcome, Posted, Program, Server, Settings, Signal, Target, Until, World, is_heard, soak,
    undisturbed, unsent, watch,
};
use negawatt_test_servers::negawatt::{PATIENCE, ask};

use crate::common;
use crate::common::server::until;

fn program() -> Program {
    Program { path: env!("CARGO_BIN_EXE_negawatt").into(), cache: common::cache().to_owned() }
}

/// After how long it is looked again where nothing was heard.
const AGAIN: Duration = Duration::from_millis(100);

/// Set to try other moments.
const SEED: &str = "NEGAWATT_KILLS_SEED";

/// What is tried, and whether anything is wrong then.
fn tried(kills: Until, upheaval: bool) {
    let seed = std::env::var(SEED).map_or(200, |seed| seed.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { program: program(), seed, clients: 4, until: kills, upheaval };
    let report = soak(&settings, folder.path()).unwrap_or_else(|error| panic!("{SEED}={seed}: {error}"));
    println!("{report}");
    assert!(report.checked.wrong.is_empty(), "{SEED}={seed}:\n{report}");
}

#[test]
fn no_case_is_lost_by_two_hundred_kills() {
    tried(Until::Kills(200), false);
}

/// The trial of half an hour (`tests/soak`), for a moment.
#[test]
fn no_case_is_lost_while_skills_and_configuration_change() {
    tried(Until::Kills(25), true);
}

/// One case after the other in a world, and what each must come to.
struct Trial {
    program: Program,
    world: World,
    target: Target,
    heard: Receiver<Signal>,
    bus: Bus,
    kind: usize,
    expected: Outcome,
    posted: Posted,
    /// How many cases were tried before.
    count: usize,
}

impl Trial {
    fn of(folder: &Path, kind: usize) -> Trial {
        let (program, bus) = (program(), Bus::default());
        let target = Target::start(bus.clone());
        let world = World::make(folder, target.address()).unwrap();
        let (reference, expected) = undisturbed(&program, &world, kind, &target.effects_url()).unwrap();
        let mut posted = Posted::default();
        posted.acknowledged.insert(format!("reference-{kind}"), (kind, BTreeSet::from([reference.to_string()])));
        watch(&world.folder.join("casebook"), bus.clone()).unwrap();
        let (signals, heard) = channel();
        bus.lead(signals);
        Trial { program, world, target, heard, bus, kind, expected, posted, count: 0 }
    }

    /// Goes on to another case.
    fn next(&mut self) {
        let cases = BTreeSet::from([self.case().unwrap().to_string()]);
        self.posted.acknowledged.insert(self.fingerprint(), (self.kind, cases));
        self.count += 1;
    }

    fn fingerprint(&self) -> String {
        format!("tried-{}", self.count)
    }

    fn book(&self) -> Casebook {
        Casebook::open(&self.world.folder.join("casebook")).unwrap()
    }

    fn start(&self) -> (Server, String) {
        let (signals, heard) = channel();
        let server = self.program.serve(&self.world.folder, signals).unwrap();
        self.world.process(server.process()).unwrap();
        let Signal::Listening(address) = heard.recv_timeout(PATIENCE).unwrap() else {
            panic!("it does not say where it listens")
        };
        (server, address)
    }

    /// Posts the incident; whether that is acknowledged, and which case it is, is told in the end.
    fn post(&self, address: &str) -> std::thread::JoinHandle<Option<(u16, String)>> {
        let incident =
            self.world.kinds[self.kind].incident(&self.target.effects_url(), &self.fingerprint()).to_string();
        let address = address.to_owned();
        std::thread::spawn(move || {
            let answer = ask(&address, "POST", "/v1/incidents", "", &incident).ok()?;
            let (status, answer) = (answer.status, answer.json().ok()?);
            Some((status, answer["case"].as_str().unwrap().to_owned()))
        })
    }

    /// The case that is tried, once it is there.
    fn case(&self) -> Option<CaseId> {
        self.book().latest(&self.fingerprint()).unwrap()
    }

    /// Whether the case came to what it must.
    fn is_done(&self) -> bool {
        self.case().is_some_and(|case| Outcome::of(&self.book().load(&case).unwrap()) == self.expected)
    }

    /// Whether all of it was heard as well, and nothing waits to be sent.
    fn is_told(&self) -> bool {
        let Some(id) = self.case().filter(|_| self.is_done()) else { return false };
        let events = self.book().events(&id).unwrap();
        is_heard(&Case::fold(id, &events), &events, &self.target.notices()) && unsent(&self.world).unwrap() == 0
    }

    /// Waits until a server has sent everything, ends it, and holds everything against what it should be.
    fn ends(&mut self, server: Server) {
        let began = Instant::now();
        while !self.is_told() {
            assert!(began.elapsed() < PATIENCE, "it does not come to its end");
            // What is written is told a moment before it can be read.
            let _ = self.heard.recv_timeout(AGAIN);
        }
        assert!(server.end().unwrap().success());
        self.next();
        let (notices, effects) = (self.target.notices(), self.target.effects());
        let check = Check {
            program: &self.program,
            world: &self.world,
            expected: &vec![self.expected.clone(); self.kind + 1],
            posted: &self.posted,
            notices: &notices,
            effects: &effects,
            upheaval: false,
        };
        assert_eq!(check.all().unwrap().wrong, Vec::<String>::new());
    }
}

/// Lets one case be done by servers that write one transaction at a time, and kills each when an event with a wanted name is on disk, and
/// nothing after it; gives the names.
fn killed_after(trial: &Trial, wanted: &BTreeSet<&'static str>) -> Vec<&'static str> {
    let file = trial.book().file().to_owned();
    let mut killed = Vec::new();
    let mut post = None;
    loop {
        let gate = Gate::close(&file).unwrap();
        let (server, address) = trial.start();
        let known = gate.events().unwrap().len();
        post = post.or_else(|| Some(trial.post(&address)));
        loop {
            gate.pass(&trial.heard).unwrap();
            let events = gate.events().unwrap();
            if let Some(last) = events[known..].last().and_then(|last| wanted.get(last.as_str())) {
                killed.push(*last);
                break;
            }
            if trial.is_done() {
                break;
            }
        }
        server.kill().unwrap();
        drop(gate);
        if trial.is_done() {
            // Whether it was answered or not, it is there.
            if let Some((status, case)) = post.and_then(|post| post.join().unwrap()) {
                assert_eq!((status, case), (202, trial.case().unwrap().to_string()));
            }
            return killed;
        }
    }
}

/// Events that do not happen to a case that proposes something, with an effect of a skill and a proposal that goes by itself; and why not.
const NOT_HERE: [(&str, &str); 6] = [
    ("equipped", "it takes other skills in between, as in the trial above, which kills at random moments"),
    ("cancelled", "it ends what an agent asked for and gave up; others' cases stay open when they are stopped"),
    ("joined", "only the watch finds further series of a change"),
    ("split", "a person asks for it: it is one transaction with the case that it opens, which waits as any other does"),
    ("outcome", "a person says it of a case that is over: it is one transaction, and nothing is left to do after it"),
    ("adjusted", "it is written with an outcome"),
];

/// Cases that may be needed: where two events follow each other at once, it takes some to fall in between.
const MOST_CASES: usize = 20;

#[test]
fn killed_after_each_event_of_a_case() {
    let folder = tempfile::tempdir().unwrap();
    let mut trial = Trial::of(folder.path(), 0);
    let mut missing = BTreeSet::from(Event::NAMES);
    for (name, why) in NOT_HERE {
        assert!(missing.remove(name), "{name} is no event: {why}");
    }
    for _ in 0..MOST_CASES {
        let killed = killed_after(&trial, &missing);
        println!("killed after {killed:?}");
        missing.retain(|name| !killed.contains(name));
        if missing.is_empty() {
            break;
        }
        trial.next();
    }
    assert!(missing.is_empty(), "never killed after {missing:?}");
    let (server, address) = trial.start();
    let (status, case) = trial.post(&address).join().unwrap().unwrap();
    assert_eq!((status, case), (200, trial.case().unwrap().to_string()), "it is the same case");
    trial.ends(server);
}

#[test]
fn killed_at_each_step_of_telling_others() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing is proposed, so there is one notice, for two.
    let mut trial = Trial::of(folder.path(), 2);
    let (server, address) = trial.start();
    // Those of the case to which it is compared come first.
    until(|| (trial.target.notices().len() == 2 && unsent(&trial.world).unwrap() == 0).then_some(()));
    let gate = Gate::close(&trial.world.folder.join("casebook/outbox.db")).unwrap();
    assert_eq!(trial.post(&address).join().unwrap().unwrap().0, 202);
    // It was posted.
    gate.pass(&trial.heard).unwrap();
    server.kill().unwrap();
    assert_eq!(unsent(&trial.world).unwrap(), 2);
    // One was taken, and not sent.
    let (server, _) = trial.start();
    gate.pass(&trial.heard).unwrap();
    server.kill().unwrap();
    // It was sent, and that was not written down; where much else runs, more than one write may have passed, and all is told already.
    let known = trial.target.notices().len();
    drop(gate);
    let (server, _) = trial.start();
    until(|| (trial.target.notices().len() > known || unsent(&trial.world).unwrap() == 0).then_some(()));
    server.kill().unwrap();
    let (server, _) = trial.start();
    trial.ends(server);
    trial.bus.lead(channel().0);
}
