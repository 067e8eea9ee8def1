//! The folder that a server works in: the data of several generated incidents put together, remotes that take pushes, and the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Result;
use negawatt_casegen::{Scenario, generate};
use serde_json::Value;
use toml::{Table, Value as Toml};

/// What happened, of which service each; small, quick, and of a verdict that no seed of a skill moves. From `critical` on a person decides.
const PARTS: [(Scenario, u64, &[&str]); 4] = [
    // Its culprit compiles a pattern per call: the first of two proposals goes by itself.
    (Scenario::Commit, 5_200, &["medium", "critical"]),
    (Scenario::Noise, 9_100, &["low"]),
    (Scenario::Config, 9_100, &["high"]),
    (Scenario::Improvement, 9_100, &["medium"]),
];

/// The file in which hooks look for the name of the one that is to kill, and the one with whom.
const KILL_AT: &str = "kill-at";
const PROCESS: &str = "process";

/// A kind of incident: cases of one kind come to the same.
#[derive(Debug, Clone)]
pub struct Kind {
    /// For people: the scenario, and how severe it is.
    pub name: String,
    /// The incident, of which each posted one is a copy with a title and a fingerprint of its own.
    incident: Value,
}

impl Kind {
    /// The incident of a number. What it asks of the skill `courier` is an effect outside, at an address that ends with its fingerprint.
    pub fn incident(&self, effects: &str, fingerprint: &str) -> Value {
        let mut incident = self.incident.clone();
        incident["title"] = format!("send POST {effects}/{fingerprint}").into();
        incident["fingerprint"] = fingerprint.into();
        incident
    }
}

/// The folder.
#[derive(Debug)]
pub struct World {
    /// Where it is.
    pub folder: PathBuf,
    /// What can be posted.
    pub kinds: Vec<Kind>,
    /// The services whose repository takes pushes.
    services: Vec<String>,
}

impl World {
    /// Makes it in a folder. `told` hears of notices, and takes the effects of a skill.
    pub fn make(folder: &Path, told: SocketAddr) -> Result<World> {
        let folder = folder.canonicalize()?;
        for name in ["casebook", "profiles", "skills", "tmp", "remotes"] {
            std::fs::create_dir(folder.join(name))?;
        }
        // Watched before there is a casebook.
        std::fs::set_permissions(folder.join("casebook"), std::fs::Permissions::from_mode(0o700))?;
        let mut world = World { folder, kinds: Vec::new(), services: Vec::new() };
        let mut config = configuration(told)?;
        let mut parts = Vec::new();
        for (scenario, seed, severities) in PARTS {
            let part = world.folder.join(scenario.name());
            generate(scenario, seed, &part)?;
            world.take(&part, scenario, severities, &mut config)?;
            parts.push(part);
        }
        merge_metrics(&parts, &world.folder.join("metrics"))?;
        for (name, has_head) in [("configs.jsonl", false), ("topology.csv", true)] {
            join_lines(&parts, name, has_head, &world.folder.join(name))?;
        }
        world.write("notify-secret", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")?;
        std::fs::set_permissions(world.folder.join("notify-secret"), std::fs::Permissions::from_mode(0o600))?;
        world.script(&world.folder.join("tell"), "cat >> told")?;
        world.write("negawatt.toml", &toml::to_string(&config)?)?;
        std::fs::write(world.folder.join("skills/courier.wasm"), negawatt_test_guests::COURIER)?;
        Ok(world)
    }

    /// Takes what was generated for one service.
    fn take(&mut self, part: &Path, scenario: Scenario, severities: &[&str], config: &mut Table) -> Result<()> {
        let generated: Table = std::fs::read_to_string(part.join("negawatt.toml"))?.parse()?;
        let incident: Value = serde_json::from_str(&std::fs::read_to_string(part.join("incident.json"))?)?;
        let service = incident["service"].as_str().ok_or("an incident has a service")?.to_owned();
        if self.services.contains(&service) {
            return Err(format!("two parts are about {service}").into());
        }
        for severity in severities {
            let mut incident = incident.clone();
            incident["severity"] = (*severity).into();
            self.kinds.push(Kind { name: format!("{scenario} ({severity})"), incident });
        }
        for profiles in std::fs::read_dir(part.join("profiles"))? {
            let profiles = profiles?;
            std::fs::rename(profiles.path(), self.folder.join("profiles").join(profiles.file_name()))?;
        }
        if let Some(fleet) = generated.get("fleet") {
            let all = config.entry("fleet").or_insert_with(|| Toml::Table(Table::new()));
            merge(all, fleet);
        }
        let remote = self.remote(&service);
        let remote = remote.to_str().ok_or("the folder's name is UTF-8")?;
        git(part, &["clone", "--quiet", "--bare", "repo", remote])?;
        for hook in ["pre-receive", "post-receive"] {
            self.hook(&self.remote(&service).join("hooks").join(hook), hook)?;
        }
        let mut repository = Table::new();
        let path = part.join("repo");
        repository.insert("path".into(), path.to_str().ok_or("the folder's name is UTF-8")?.into());
        repository.insert("services".into(), Toml::Array(vec![service.as_str().into()]));
        let forge = Table::from_iter([("kind".to_owned(), "git".into()), ("remote".to_owned(), remote.into())]);
        repository.insert("forge".into(), forge.into());
        if let Some(branch) = generated["sources"]["changes"].get("branch") {
            repository.insert("branch".into(), branch.clone());
        }
        let all = config.entry("repositories").or_insert_with(|| Toml::Table(Table::new()));
        merge(all, &Toml::Table(Table::from_iter([(service.clone(), repository.into())])));
        self.services.push(service);
        Ok(())
    }

    fn remote(&self, service: &str) -> PathBuf {
        self.folder.join("remotes").join(service).with_extension("git")
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        Ok(std::fs::write(self.folder.join(name), text)?)
    }

    fn script(&self, file: &Path, text: &str) -> Result<()> {
        std::fs::write(file, format!("#!/bin/sh\n{text}\n"))?;
        Ok(std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755))?)
    }

    /// A hook of a remote: writes down what was pushed, and kills the server where it is told to, once.
    fn hook(&self, file: &Path, name: &str) -> Result<()> {
        let folder = self.folder.display();
        let keeps = if name == "post-receive" { format!("'{folder}/pushes'") } else { "/dev/null".to_owned() };
        let text = format!(
            "cat >> {keeps}\nif [ \"$(cat '{folder}/{KILL_AT}' 2>/dev/null)\" = {name} ] && rm '{folder}/{KILL_AT}' 2>/dev/null; then\n  \
             kill -KILL $(cat '{folder}/{PROCESS}')\nfi\nexit 0"
        );
        self.script(file, &text)
    }

    /// Has the next push kill a process at a hook: before the remote takes it, or after.
    pub fn kill_at(&self, hook: &str) -> Result<()> {
        self.write(KILL_AT, hook)
    }

    /// Has no push kill any more.
    pub fn kill_no_more(&self) {
        // A hook may have taken it.
        let _ = std::fs::remove_file(self.folder.join(KILL_AT));
    }

    /// The process that hooks kill.
    pub fn process(&self, process: u32) -> Result<()> {
        self.write(PROCESS, &process.to_string())
    }

    /// Branches and proposals of all remotes that are Negawatt's, with their commits.
    pub fn references(&self) -> Result<BTreeMap<String, String>> {
        let mut all = BTreeMap::new();
        for service in &self.services {
            let listed = git(&self.remote(service), &["for-each-ref", "--format=%(objectname) %(refname)"])?;
            for (commit, name) in listed.lines().filter_map(|line| line.split_once(' ')) {
                if name.contains("negawatt/") && all.insert(name.to_owned(), commit.to_owned()).is_some() {
                    return Err(format!("{name} is in two remotes").into());
                }
            }
        }
        Ok(all)
    }

    /// The commits of a branch of a service's remote that its base has not.
    pub fn commits(&self, service: &str, base: &str, branch: &str) -> Result<Vec<String>> {
        let listed = git(&self.remote(service), &["rev-list", &format!("{base}..{branch}")])?;
        Ok(listed.lines().map(str::to_owned).collect())
    }

    /// What remotes took, in order: what a reference was before, is since, and its name.
    pub fn pushes(&self) -> Result<Vec<[String; 3]>> {
        let all = std::fs::read_to_string(self.folder.join("pushes")).unwrap_or_default();
        let words = |line: &str| <[String; 3]>::try_from(line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        all.lines().map(|line| words(line).map_err(|words| format!("{words:?} is no push").into())).collect()
    }

    /// What the operator's command was told: case, number and trouble.
    pub fn told(&self) -> Result<Vec<(String, u32, Option<String>)>> {
        let all = std::fs::read_to_string(self.folder.join("told")).unwrap_or_default();
        let one = |line: &str| -> Result<_> {
            let told: Value = serde_json::from_str(line)?;
            let case = told["case"].as_str().ok_or("a case is told")?.to_owned();
            let number = told["proposal"].as_u64().ok_or("its number is told")?;
            Ok((case, u32::try_from(number)?, told["trouble"].as_str().map(str::to_owned)))
        };
        all.lines().map(one).collect()
    }

    /// What is left in the folder for temporary files.
    pub fn litter(&self) -> Result<usize> {
        Ok(std::fs::read_dir(self.folder.join("tmp"))?.count())
    }
}

/// What is the same for all parts.
fn configuration(told: SocketAddr) -> Result<Table> {
    let text = format!(
        "[casebook]\npath = \"casebook\"\n\
         [sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n[sources.profiles]\nkind = \"files\"\npath = \"profiles\"\n\
         [sources.configs]\nkind = \"files\"\npath = \"configs.jsonl\"\n[sources.topology]\nkind = \"files\"\npath = \"topology.csv\"\n\
         [skills]\npaths = [\"skills\"]\n\
         [[grants]]\nskill = \"courier\"\nhttp = [\"http://{told}\"]\nmethods = [\"POST\"]\naddresses = [\"127.0.0.0/8\"]\ntime = \"10s\"\n\
         [review]\nconfidence = 0.5\nseverity = \"critical\"\nnotify = [\"./tell\"]\n\
         [serve]\nworkers = 2\n\
         [[serve.notify]]\nurl = \"http://{told}/notices/all\"\nsecret = {{ file = \"notify-secret\" }}\n\
         [[serve.notify]]\nurl = \"http://{told}/notices/verdicts\"\nsecret = {{ file = \"notify-secret\" }}\nevents = [\"verdict\"]\n"
    );
    Ok(text.parse()?)
}

/// Adds the entries of a table, and those of tables in it, to another.
fn merge(into: &mut Toml, from: &Toml) {
    let (Toml::Table(into), Toml::Table(from)) = (into, from) else { return };
    for (key, value) in from {
        match into.get_mut(key) {
            Some(there @ Toml::Table(_)) => merge(there, value),
            _ => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

/// Joins the metrics of all parts: those of one name have the columns of all, empty where a part has none.
fn merge_metrics(parts: &[PathBuf], to: &Path) -> Result<()> {
    std::fs::create_dir(to)?;
    let mut all: BTreeMap<String, Vec<BTreeMap<String, String>>> = BTreeMap::new();
    for part in parts {
        for file in std::fs::read_dir(part.join("metrics"))? {
            let file = file?;
            let rows = all.entry(file.file_name().to_string_lossy().into_owned()).or_default();
            for row in csv::Reader::from_path(file.path())?.deserialize() {
                rows.push(row?);
            }
        }
    }
    for (name, rows) in all {
        let columns: BTreeSet<&String> = rows.iter().flat_map(BTreeMap::keys).collect();
        let mut writer = csv::Writer::from_path(to.join(name))?;
        writer.write_record(&columns)?;
        for row in &rows {
            writer.write_record(columns.iter().map(|column| row.get(*column).map_or("", String::as_str)))?;
        }
        writer.flush()?;
    }
    Ok(())
}

/// Joins files of lines, with the first line of one where that names columns.
fn join_lines(parts: &[PathBuf], name: &str, has_head: bool, to: &Path) -> Result<()> {
    let mut joined = String::new();
    for part in parts {
        let Ok(text) = std::fs::read_to_string(part.join(name)) else { continue };
        let skipped = usize::from(has_head && !joined.is_empty());
        text.lines().skip(skipped).for_each(|line| joined += &format!("{line}\n"));
    }
    Ok(std::fs::write(to, joined)?)
}

/// What git prints in a folder.
fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output()?;
    if !output.status.success() {
        return Err(format!("git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
