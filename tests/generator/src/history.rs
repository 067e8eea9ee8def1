//! The history of the repository: who committed what and when, with the cause among it.

use crate::clock::{DAY, HOUR, MINUTE, Seconds};
use crate::costs::Target;
use crate::dice::Dice;
use crate::edits::{self, Slowdown};
use crate::git::{Change, Commit, Layout, Person};
use crate::hostile;
use crate::innocent::{self, Zone};
use crate::messages::{self, About};
use crate::plan::{Plan, Shift};
use crate::program::{Program, Stmt};
use crate::scenario::Scenario;
use crate::timeline::{Slot, timeline};
use crate::words::PEOPLE;
use crate::world::{Tree, World, changes};

/// A history, ready to be written.
pub(crate) struct History {
    /// The commits, in the order in which they are made.
    pub(crate) commits: Vec<Commit>,
    /// Index of the commit that is the cause, if one is.
    pub(crate) culprit: Option<usize>,
    /// The file with the function that it changed, where it was then.
    pub(crate) file: Option<String>,
    /// What the repository is besides.
    pub(crate) layout: Layout,
    /// The main branch.
    pub(crate) branch: String,
}

/// A history in the making.
struct Writer<'a> {
    plan: &'a Plan,
    target: &'a Target,
    slowdown: Slowdown,
    world: World,
    tree: Tree,
    commits: Vec<Commit>,
    /// The last commit of the main branch.
    tip: Option<usize>,
    branch: String,
    people: Vec<Person>,
    zones: Zone,
    /// Bodies to go back to: function and body.
    clean: Vec<(usize, Vec<Stmt>)>,
    /// Hostile changes that still have to appear.
    hostile: Vec<Change>,
    culprit: Option<usize>,
    /// The culprit's file, where it was then.
    file: Option<String>,
    /// The body that the cause changed, to be able to take it back.
    before: Option<Vec<Stmt>>,
}

/// Writes the history of a case.
pub(crate) fn write(
    dice: &mut Dice,
    plan: &Plan,
    mut program: Program,
    target: &Target,
    slowdown: Slowdown,
) -> History {
    let mut clean = Vec::new();
    edits::prepare(dice, &mut program, target.function, slowdown);
    match plan.scenario {
        Scenario::Improvement => {
            clean.push((target.function, program.functions[target.function].body.clone()));
            edits::slow_down(dice, &mut program, target.function, slowdown);
        }
        Scenario::CostShift => {
            if let Some(from) = target.relieved {
                clean.push((from, program.functions[from].body.clone()));
                edits::slow_down(dice, &mut program, from, Slowdown::EncodeAudit);
            }
        }
        _ => {}
    }
    let zones = Zone::new(&program, target);
    let people = draw_people(dice, program.domain().name);
    let branch = (*dice.pick(&["main", "main", "master", "trunk", "develop"])).to_owned();
    let mut hostile = if plan.scenario == Scenario::Hostile { hostile::files(dice) } else { Vec::new() };
    dice.shuffle(&mut hostile);
    let world = World::new(dice, program);
    let mut writer = Writer {
        plan,
        target,
        slowdown,
        world,
        tree: Tree::new(),
        commits: Vec::new(),
        tip: None,
        branch,
        people,
        zones,
        clean,
        hostile,
        culprit: None,
        file: None,
        before: None,
    };
    for (time, slot) in timeline(dice, plan, writer.world.present.len()) {
        writer.slot(dice, time, slot);
    }
    writer.finish(dice)
}

fn draw_people(dice: &mut Dice, company: &str) -> Vec<Person> {
    let mut all: Vec<_> = PEOPLE.to_vec();
    dice.shuffle(&mut all);
    let count = dice.whole(5, 9) as usize;
    let host = dice.pick(&["example.com", "acme.example", "users.noreply.github.com"]);
    all[..count]
        .iter()
        .map(|(name, local)| {
            Person::new(
                name,
                &format!(
                    "{local}@{}",
                    if dice.chance(0.8) { (*host).to_owned() } else { format!("{company}.example.org") }
                ),
            )
        })
        .collect()
}

impl Writer<'_> {
    fn is_hostile(&self) -> bool {
        self.plan.scenario == Scenario::Hostile
    }

    fn slot(&mut self, dice: &mut Dice, time: Seconds, slot: Slot) {
        match slot {
            Slot::Found(module) => self.found(dice, time, module),
            Slot::Cause => self.cause(dice, time),
            Slot::Undo => self.undo(dice, time),
            Slot::Innocent => {
                let careful = self.plan.is_careful(time);
                match dice.index(16) {
                    0 if !careful => self.pair(dice, time),
                    1 => self.merge(dice, time),
                    _ => {
                        let done = innocent::change(dice, &mut self.world, &self.zones, careful);
                        self.commit(dice, time, done.about, done.module, done.function, done.bot);
                    }
                }
            }
        }
        let unmerged = slot == Slot::Innocent && self.commits.len() > 12;
        if unmerged && (self.plan.landed - time).abs() < 2 * HOUR && dice.chance(0.12) {
            self.side_branch(dice, time + 5);
        }
    }

    fn found(&mut self, dice: &mut Dice, time: Seconds, module: usize) {
        self.world.present[module] = true;
        let name = self.world.program.modules[module].name.clone();
        let at = self.commit_changes(dice, time, None);
        let first = if at == 0 { "Initial import".to_owned() } else { format!("Add {name}") };
        self.commits[at].message = format!("{first}\n").into_bytes();
    }

    /// The change that makes the difference.
    fn cause(&mut self, dice: &mut Dice, time: Seconds) {
        let function = self.target.function;
        let program = &mut self.world.program;
        self.before = Some(program.functions[function].body.clone());
        let about = match self.plan.scenario {
            Scenario::Improvement => About::Improve,
            Scenario::CostShift => About::Move,
            _ => About::Code,
        };
        match self.plan.scenario {
            Scenario::Improvement => {}
            Scenario::CostShift if self.plan.shift == Shift::Functions => {
                edits::slow_down(dice, program, function, Slowdown::EncodeAudit)
            }
            _ => edits::slow_down(dice, program, function, self.slowdown),
        }
        for (function, body) in &self.clean {
            program.functions[*function].body.clone_from(body);
        }
        let module = program.functions[function].module;
        if dice.chance(0.3) {
            let name = format!("{}_{}", program.functions[function].name, dice.whole(2, 99));
            self.world.add_test(module, &name, dice.whole(0, 500));
        }
        if dice.chance(0.25) {
            self.world.append("CHANGELOG.md", format!("- Changes in {}.", self.world.program.modules[module].name));
        }
        if dice.chance(0.25) {
            innocent::elsewhere(dice, &mut self.world, &self.zones);
        }
        let at = self.commit(dice, time, about, module, function, false);
        let person = if self.is_hostile() { hostile::culprit_author(dice) } else { dice.pick(&self.people).clone() };
        let drawn = std::mem::replace(&mut self.commits[at].author, person.clone()).shown();
        let message = String::from_utf8_lossy(&self.commits[at].message).replace(&drawn, &person.shown());
        self.commits[at].message = message.into_bytes();
        if !self.is_hostile() && dice.chance(0.7) {
            self.commits[at].committer = person;
        }
        if self.is_hostile() {
            // Its own message stays readable; its tree does not have to.
            let subject = messages::subject(
                dice,
                about,
                &self.world.program.modules[module].name,
                &self.world.program.functions[function].name,
            );
            self.commits[at].message = format!("{subject}\n").into_bytes();
            self.commits[at].encoding = None;
        }
        self.culprit = Some(at);
        self.file = Some(self.world.program.path(module));
    }

    fn undo(&mut self, dice: &mut Dice, time: Seconds) {
        let Some(culprit) = self.culprit.take() else { return };
        if let Some(body) = self.before.take() {
            self.world.program.functions[self.target.function].body = body;
        }
        let subject =
            String::from_utf8_lossy(&self.commits[culprit].message).lines().next().unwrap_or_default().to_owned();
        let at = self.commit_changes(dice, time, None);
        self.commits[at].message = format!("Revert \"{subject}\"\n\nTicket {}.\n", dice.whole(100, 999)).into_bytes();
    }

    /// A harmless change and its revert.
    fn pair(&mut self, dice: &mut Dice, time: Seconds) {
        let before = self.world.clone();
        let done = innocent::change(dice, &mut self.world, &self.zones, true);
        let at = self.commit(dice, time, done.about, done.module, done.function, done.bot);
        let subject = String::from_utf8_lossy(&self.commits[at].message).lines().next().unwrap_or_default().to_owned();
        let others = std::mem::take(&mut self.world.others);
        self.world = before;
        self.world.others = others;
        let later = time + dice.whole(1, 4);
        let back = self.commit_changes(dice, later, None);
        self.commits[back].message = format!("Revert \"{subject}\"\n").into_bytes();
    }

    /// A branch of a few harmless commits, merged.
    fn merge(&mut self, dice: &mut Dice, time: Seconds) {
        let Some(tip) = self.tip else { return };
        let topic =
            format!("feature/{}-{}", dice.pick(&["notes", "scripts", "handbook", "fixtures"]), self.commits.len());
        let base =
            if tip > 3 && self.commits[tip - 1].reference == self.commits[tip].reference { tip - 1 } else { tip };
        let from = self.commits[base].landed;
        let mut last = base;
        let mut all = Vec::new();
        for number in 0..dice.whole(1, 3) {
            let at = (from + 1 + number).max(time - (4 - number) * 40 * MINUTE).min(time - 1);
            let path = format!("tools/{}/{number}.md", topic.replace('/', "-")).into_bytes();
            let content = format!("# Step {number}\n\nValue {}.\n", dice.whole(1, 99)).into_bytes();
            all.push((path.clone(), content.clone()));
            let author = dice.pick(&self.people).clone();
            let commit = Commit {
                reference: format!("refs/heads/{topic}"),
                from: Some(last),
                merge: None,
                author: author.clone(),
                written: at,
                committer: author,
                landed: at,
                zone: "+0000",
                encoding: None,
                message: format!("Notes, part {number}\n").into_bytes(),
                changes: vec![Change::Write(path, "100644", content)],
            };
            self.commits.push(commit);
            last = self.commits.len() - 1;
        }
        self.world.others.extend(all);
        let at = self.commit_changes(dice, time, Some(last));
        self.commits[at].message = format!("Merge branch '{topic}'\n").into_bytes();
    }

    /// Work on the very function, at the right time, that never got merged.
    fn side_branch(&mut self, dice: &mut Dice, time: Seconds) {
        let mut side = self.world.clone();
        let fitting = edits::fitting(&side.program, self.target.function, false);
        let slowdown = *dice.pick(&fitting);
        edits::slow_down(dice, &mut side.program, self.target.function, slowdown);
        let author = dice.pick(&self.people).clone();
        let commit = Commit {
            reference: format!(
                "refs/heads/{}/{}-{}",
                author_slug(&author),
                dice.pick(&["try", "experiment", "wip", "spike"]),
                self.commits.len()
            ),
            from: self.tip,
            merge: None,
            author: author.clone(),
            written: time,
            committer: author,
            landed: time,
            zone: "+0100",
            encoding: None,
            message: b"Try another way\n".to_vec(),
            changes: changes(&self.tree, &side.tree()),
        };
        self.commits.push(commit);
    }

    /// A commit of what changed, with a fitting message.
    fn commit(
        &mut self,
        dice: &mut Dice,
        time: Seconds,
        about: About,
        module: usize,
        function: usize,
        bot: bool,
    ) -> usize {
        let at = self.commit_changes(dice, time, None);
        let program = &self.world.program;
        let subject = messages::subject(dice, about, &program.modules[module].name, &program.functions[function].name);
        let author = self.commits[at].author.shown();
        let body = messages::body(dice, &author);
        self.commits[at].message = format!("{subject}\n{body}").into_bytes();
        if bot {
            let bot = Person::new("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com");
            self.commits[at].author = bot;
            self.commits[at].message =
                format!("Bump a dependency\n\nBumps one dependency of {}.\n", program.domain().name).into_bytes();
        }
        if self.is_hostile() && dice.chance(0.6) {
            let (message, encoding) = hostile::message(dice);
            self.commits[at].message = message;
            self.commits[at].encoding = encoding;
        }
        if self.is_hostile() && dice.chance(0.5) {
            self.commits[at].author = hostile::person(dice);
        }
        at
    }

    /// A commit of all that changed on the main branch; its message is still to come.
    fn commit_changes(&mut self, dice: &mut Dice, time: Seconds, merge: Option<usize>) -> usize {
        let tree = self.world.tree();
        let mut changes = changes(&self.tree, &tree);
        self.tree = tree;
        for _ in 0..2 {
            if dice.chance(0.5)
                && self.commits.len() > 3
                && let Some(odd) = self.hostile.pop()
            {
                changes.push(odd);
            }
        }
        let author = dice.pick(&self.people).clone();
        let written = if dice.chance(0.35) { time - dice.log_between(60.0, 4.0 * DAY as f64) as Seconds } else { time };
        let committer = match dice.index(6) {
            0 => Person::new("GitHub", "noreply@github.com"),
            1 => dice.pick(&self.people).clone(),
            _ => author.clone(),
        };
        // Later than its parent, as on a real main branch.
        let landed = self.tip.map_or(time, |tip| time.max(self.commits[tip].landed + 1));
        let zone = dice.pick(&["+0000", "+0100", "-0700", "+0530", "-0300"]);
        self.commits.push(Commit {
            reference: format!("refs/heads/{}", self.branch),
            from: self.tip,
            merge,
            author,
            written,
            committer,
            landed,
            zone,
            encoding: None,
            message: Vec::new(),
            changes,
        });
        self.tip = Some(self.commits.len() - 1);
        self.commits.len() - 1
    }

    /// The last touches: references, and in a hostile repository a commit whose clock is wrong.
    fn finish(mut self, dice: &mut Dice) -> History {
        if self.is_hostile() {
            while !self.hostile.is_empty() {
                let time = self.plan.window.1 + 60 + self.hostile.len() as i64;
                let at = self.commit_changes(dice, time, None);
                self.commits[at].message = hostile::message(dice).0;
            }
            self.world.append("README.md", "Clocks can be wrong.".into());
            let at = self.commit_changes(dice, self.plan.window.1, None);
            self.commits[at].landed = self.plan.window.0 - 400 * DAY;
            self.commits[at].message = b"A clock that is a year behind\n".to_vec();
        }
        let mut references = Vec::new();
        let main: Vec<usize> = (0..self.commits.len())
            .filter(|i| self.commits[*i].reference.ends_with(&format!("/{}", self.branch)))
            .collect();
        for number in 0..dice.whole(0, 4) {
            references.push((format!("refs/tags/v1.{number}.0").into_bytes(), *dice.pick(&main)));
        }
        if self.is_hostile() {
            let early = main[main.len() / 4];
            references.extend(hostile::references(&self.branch).into_iter().map(|name| (name, early)));
        }
        let layout = Layout { bare: dice.chance(0.5), head: self.branch.clone(), references };
        History { commits: self.commits, culprit: self.culprit, file: self.file, layout, branch: self.branch }
    }
}

/// A part of a branch's name from a person.
fn author_slug(person: &Person) -> String {
    String::from_utf8_lossy(&person.email).chars().take_while(|c| c.is_ascii_alphanumeric()).collect()
}
