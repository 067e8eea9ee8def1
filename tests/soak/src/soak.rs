//! Servers one after the other, each killed at a moment of its own, under load; then one that ends everything.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use negawatt_casebook::{Case, CaseId, Casebook};
use negawatt_test_servers::negawatt::Events;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::check::{Check, Checked, unsent};
use crate::client::{Clients, Door, Posted};
use crate::error::Result;
use crate::memory::Memory;
use crate::moment::{At, Moment, below};
use crate::outcome::{Outcome, is_heard};
use crate::server::{Program, Server};
use crate::signal::{Bus, Signal, watch};
use crate::target::{Heard, Target};
use crate::upheaval::{Done, Upheaval};
use crate::world::World;

/// How long the last server may take for what is left.
const LAST: Duration = Duration::from_secs(180);

/// How often memory is looked at, and how often it is looked whether all is done.
const LOOK: Duration = Duration::from_millis(500);

/// How many kills there are between two servers that live longer, and how long those live.
const SHORT_LIVES: usize = 40;
const LONG_LIFE: Duration = Duration::from_secs(60);

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program that is tried.
    pub program: Program,
    /// What moments and loads are drawn from.
    pub seed: u64,
    /// How many post incidents at a time.
    pub clients: usize,
    /// When it is enough.
    pub until: Until,
    /// Whether hostile skills are loaded, skills and configuration change meanwhile, and some servers live longer.
    pub upheaval: bool,
}

/// When it is enough.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After so many kills.
    Kills(usize),
    /// After so long.
    Time(Duration),
}

/// What was done, and what is wrong with it.
#[derive(Debug)]
pub struct Report {
    /// What everything was drawn from.
    pub seed: u64,
    /// How long it took, until the last server was done.
    pub time: Duration,
    /// How often a server was killed, by what it was killed at.
    pub kills: BTreeMap<At, usize>,
    /// What clients did.
    pub posted: Posted,
    /// What came as a notice.
    pub notices: BTreeMap<(String, String), Heard>,
    /// What came as an effect of a skill.
    pub effects: usize,
    /// What changed meanwhile.
    pub changes: BTreeMap<Done, usize>,
    /// Resident memory.
    pub memory: Memory,
    /// Files that killed servers left in the folder for temporary files.
    pub litter: usize,
    /// What is on disk, and all that is wrong.
    pub checked: Checked,
}

/// Servers in one folder.
struct Lives<'a> {
    settings: &'a Settings,
    world: &'a World,
    door: &'a Door,
    bus: &'a Bus,
    dice: ChaCha8Rng,
    upheaval: Option<Upheaval>,
    memory: Memory,
    /// How many lived as long as one must of which memory is measured.
    long_lives: usize,
    changes: BTreeMap<Done, usize>,
}

/// Does all of it in a folder, which is there and empty.
pub fn soak(settings: &Settings, folder: &Path) -> Result<Report> {
    let bus = Bus::default();
    let target = Target::start(bus.clone());
    let [reference, world] = ["reference", "world"].map(|name| folder.join(name));
    std::fs::create_dir(&reference)?;
    std::fs::create_dir(&world)?;
    let (reference, world) = (World::make(&reference, target.address())?, World::make(&world, target.address())?);
    let mut dice = ChaCha8Rng::seed_from_u64(settings.seed);
    let upheaval = settings.upheaval.then(|| Upheaval::begin(&[&reference, &world])).transpose()?;
    let each =
        (0..reference.kinds.len()).map(|kind| undisturbed(&settings.program, &reference, kind, &target.effects_url()));
    let expected = each.map(|one| Ok(one?.1)).collect::<Result<Vec<_>>>()?;
    watch(&world.folder.join("casebook"), bus.clone())?;

    let (door, stop) = (Door::default(), AtomicBool::new(false));
    let clients = Clients {
        world: &world,
        effects: target.effects_url(),
        door: &door,
        bus: &bus,
        stop: &stop,
        count: AtomicUsize::new(0),
        posted: Mutex::default(),
    };
    let of_clients: Vec<_> = (0..settings.clients).map(|_| ChaCha8Rng::seed_from_u64(dice.next_u64())).collect();
    let mut lives = Lives {
        settings,
        world: &world,
        door: &door,
        bus: &bus,
        dice,
        upheaval,
        memory: Memory::default(),
        long_lives: 0,
        changes: BTreeMap::new(),
    };
    let began = Instant::now();
    let (kills, left) = std::thread::scope(|scope| {
        let clients = &clients;
        let posting: Vec<_> = of_clients.into_iter().map(|dice| scope.spawn(move || clients.run(dice))).collect();
        let kills = lives.all(began);
        // Also where it failed: clients wait for nobody then.
        stop.store(true, Ordering::SeqCst);
        kills.and_then(|kills| {
            let is_done = || -> Result<bool> {
                let posted = clients.posted.lock().map_err(|_| "a client failed")?;
                if !posting.iter().all(|client| client.is_finished()) {
                    return Ok(false);
                }
                is_all_done(&world, &posted, &expected, &target.notices())
            };
            Ok((kills, lives.last(is_done)?))
        })
    })?;
    let posted = clients.posted.into_inner().map_err(|_| "a client failed")?;
    let time = began.elapsed();
    if let Some(upheaval) = &lives.upheaval {
        upheaval.end()?;
    }
    let (notices, effects) = (target.notices(), target.effects());
    let check = Check {
        program: &settings.program,
        world: &world,
        expected: &expected,
        posted: &posted,
        notices: &notices,
        effects: &effects,
        upheaval: settings.upheaval,
    };
    let mut checked = check.all()?;
    if !left {
        checked.wrong.insert(0, format!("the last server was not done after {LAST:?}"));
    }
    let memory = lives.memory;
    checked.wrong.extend(memory.wrong(lives.long_lives));
    Ok(Report {
        seed: settings.seed,
        time,
        kills,
        posted,
        notices,
        effects: effects.len(),
        changes: lives.changes,
        memory,
        litter: world.litter()?,
        checked,
    })
}

/// Investigates an incident of a kind where nobody disturbs: the case, and what it comes to. Its fingerprint is `reference-` and the kind.
pub fn undisturbed(program: &Program, world: &World, kind: usize, effects: &str) -> Result<(CaseId, Outcome)> {
    let incident = world.kinds[kind].incident(effects, &format!("reference-{kind}")).to_string();
    std::fs::write(world.folder.join("incident.json"), incident)?;
    let answer = program.json(&world.folder, &["investigate", "incident.json", "--config", "negawatt.toml"])?;
    let case: CaseId = answer["case"].as_str().ok_or("a case has an id")?.parse()?;
    let book = Casebook::open(&world.folder.join("casebook"))?;
    Ok((case, Outcome::of(&book.load(&case)?)))
}

/// Whether all that was acknowledged has come to its end, and everybody who is to hear of it has heard.
fn is_all_done(
    world: &World,
    posted: &Posted,
    expected: &[Outcome],
    heard: &BTreeMap<(String, String), Heard>,
) -> Result<bool> {
    let book = Casebook::open(&world.folder.join("casebook"))?;
    if !book.unfinished()?.is_empty() {
        return Ok(false);
    }
    for (kind, cases) in posted.acknowledged.values() {
        for case in cases {
            let id = case.parse()?;
            let events = book.events(&id)?;
            let case = Case::fold(id, &events);
            if Outcome::of(&case) != expected[*kind] || !is_heard(&case, &events, heard) {
                return Ok(false);
            }
        }
    }
    Ok(unsent(world)? == 0)
}

impl Lives<'_> {
    /// Servers until it is enough, each killed; tells how often at what.
    fn all(&mut self, began: Instant) -> Result<BTreeMap<At, usize>> {
        let mut kills = BTreeMap::new();
        let mut count = 0;
        loop {
            match self.settings.until {
                Until::Kills(most) if count >= most => return Ok(kills),
                Until::Time(time) if began.elapsed() >= time => return Ok(kills),
                _ => {}
            }
            let is_long = self.settings.upheaval && count % SHORT_LIVES == SHORT_LIVES - 1;
            let moment = if is_long { Moment::after(LONG_LIFE) } else { Moment::draw(&mut self.dice) };
            let at = moment.at;
            self.live(moment)?;
            self.long_lives += usize::from(is_long);
            *kills.entry(at).or_default() += 1;
            count += 1;
        }
    }

    /// Starts a server.
    fn start(&self) -> Result<(Server, Receiver<Signal>)> {
        let (signals, heard) = channel();
        self.bus.lead(signals.clone());
        let server = self.settings.program.serve(&self.world.folder, signals)?;
        self.world.process(server.process())?;
        Ok((server, heard))
    }

    /// That a server listens: clients come, and what it tells of cases is heard.
    fn opened(&self, address: String) {
        let bus = self.bus.clone();
        let events = address.clone();
        // It ends with the server.
        std::thread::spawn(move || {
            let told = Events::of(&events, "/v1/events", "").into_iter().flatten();
            for (word, _) in told.map_while(|event| event.ok()) {
                bus.send(Signal::Event(word));
            }
            bus.send(Signal::Gone(events));
        });
        self.door.open(address);
    }

    /// A server until its moment.
    fn live(&mut self, mut moment: Moment) -> Result<()> {
        let (server, heard) = self.start()?;
        if let At::Pushed(hook) = moment.at {
            self.world.kill_at(hook)?;
        }
        let began = Instant::now();
        // By the clock: under load no moment is without a signal.
        let mut looked = began;
        let mut at = None;
        // After so many signals something changes.
        let mut until_change = self.upheaval.is_some().then(|| below(&mut self.dice, 60));
        loop {
            let left = moment.limit.saturating_sub(began.elapsed());
            // However much is still to be heard.
            if left.is_zero() {
                break;
            }
            match heard.recv_timeout(left.min(LOOK)) {
                Ok(Signal::Listening(address)) => {
                    at = Some(address.clone());
                    self.opened(address);
                }
                Ok(Signal::Gone(address)) if at.as_ref() == Some(&address) => break,
                Ok(signal) if moment.has_come(&signal) => break,
                Ok(_) => {
                    until_change = until_change.map(|left| left.saturating_sub(1));
                    if let (Some(0), Some(address)) = (until_change, &at) {
                        self.change(address)?;
                        until_change = Some(40 + below(&mut self.dice, 400));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err("nobody tells of the server any more".into());
                }
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                self.memory.look(&server, false);
            }
        }
        self.memory.look(&server, true);
        self.door.close();
        self.world.kill_no_more();
        let status = server.kill()?;
        if status.code().is_some() {
            return Err(format!("the server ended by itself: {status}; {}", self.log()?).into());
        }
        Ok(())
    }

    fn change(&mut self, address: &str) -> Result<()> {
        let Some(upheaval) = &mut self.upheaval else { return Ok(()) };
        let done = upheaval.change(&mut self.dice, address)?;
        *self.changes.entry(done).or_default() += 1;
        Ok(())
    }

    /// A server that nobody kills, until all is done; tells whether it was in time.
    fn last(&mut self, is_done: impl Fn() -> Result<bool>) -> Result<bool> {
        let (server, heard) = self.start()?;
        let began = Instant::now();
        let mut looked = began;
        loop {
            match heard.recv_timeout(LOOK) {
                Ok(Signal::Listening(address)) => self.opened(address),
                Ok(_) if looked.elapsed() < LOOK => continue,
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err("nobody tells of the server any more".into());
                }
            }
            looked = Instant::now();
            self.memory.look(&server, false);
            let done = is_done()?;
            if done || began.elapsed() > LAST {
                self.door.close();
                let status = server.end()?;
                if !status.success() {
                    return Err(format!("the last server ended otherwise than it was told to: {status}").into());
                }
                return Ok(done);
            }
        }
    }

    /// The end of what servers logged.
    fn log(&self) -> Result<String> {
        let log = std::fs::read_to_string(self.world.folder.join("server.log"))?;
        let lines: Vec<_> = log.lines().collect();
        Ok(lines[lines.len().saturating_sub(5)..].join("\n"))
    }
}
