//! `negawatt --server URL …`: the same commands, done by a server.

mod access;
mod review;

use std::path::Path;

use negawatt_host::text::{printable, printable_lines};
use negawatt_server::{Client, ClientError};
use serde_json::{Value, json};

use crate::case::CaseCommand;
use crate::casebook::{CasebookCommand, ExportFile};
use crate::command::Command;
use crate::error::CliError;
use crate::grants::GrantsCommand;
use crate::investigate::{json_text, read_incident, read_text, write_out};
use crate::page_file::PageFile;
use crate::printed::{items, word};
use crate::skill::{Command as SkillCommand, restore};
use crate::{case, casebook, doctor, plan, replay, stats};

/// Where a token is taken from: it is written on no command line.
const TOKEN: &str = "NEGAWATT_TOKEN";

/// The most that a server puts on one page.
const PAGE_SIZE: usize = 500;

/// Seconds that a server waits for a source at most.
const LONGEST_WAIT: u64 = 60;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";
const PAGE: &str = "text/html";

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> CliError {
        let text = error.to_string();
        match error {
            ClientError::Address(_) => CliError::bad_input("server", text),
            ClientError::Silent { .. } => {
                CliError::failure("server", text).help("is it running, and is that its address?")
            }
            ClientError::Refused { status, help, .. } => {
                let told = match status {
                    400..=499 => CliError::bad_input("server", text),
                    _ => CliError::failure("server", text),
                };
                match (status, help) {
                    (401, _) => told.help(format!("put your token into the environment as {TOKEN}")),
                    (_, Some(help)) => told.help(printable(&help)),
                    (_, None) => told,
                }
            }
        }
    }
}

/// A server, and how its answers are printed.
struct Remote {
    client: Client,
    as_json: bool,
}

/// Has a server do what a command says.
pub async fn run(command: Command, server: &str, as_json: bool) -> Result<(), CliError> {
    let remote =
        Remote { client: Client::of(server, std::env::var(TOKEN).ok().filter(|token| !token.is_empty()))?, as_json };
    match command {
        Command::Investigate { incident, page, .. } => {
            let page = page.report.as_deref().map(PageFile::at).transpose()?;
            // The command opens a case each time, and says so.
            let accepted = remote.send("/v1/incidents?again=true", &read_text(&incident)?).await?;
            remote.rested(word(&accepted["case"]), page).await
        }
        Command::Plan { incident, dot, .. } => {
            let form = plan::Form::of(as_json, dot);
            let made = remote.send("/v1/plan", &read_text(&incident)?).await?;
            plan::print(&read_incident(&incident)?.incident, &made, form);
            Ok(())
        }
        Command::Case { command } => remote.case(command).await,
        Command::Review { command } => remote.review(command).await,
        Command::Outcome(args) => remote.outcome(args).await,
        Command::Stats(args) => remote.stats(args).await,
        Command::Doctor { wait, sandbox: false, .. } => remote.doctor(wait).await,
        Command::Grants { command: GrantsCommand::Explain { skill, .. } } => {
            remote.print(&format!("/v1/skills/{}/grants", skill_named(&skill)?)).await
        }
        Command::Skill(args) => remote.skill(args.command).await,
        Command::Casebook { command: CasebookCommand::Check { .. } } => {
            casebook::print_checked(&remote.ask("/v1/casebook/check").await?, as_json)
        }
        Command::Casebook { command: CasebookCommand::Export { path, case, .. } } => {
            remote.export(&path, case.as_deref()).await
        }
        Command::Token { command } => remote.token(command).await,
        Command::Audit { command } => remote.audit(command).await,
        _ => Err(local()),
    }
}

/// What is done on this machine alone.
fn local() -> CliError {
    CliError::bad_input("server", "this command is done on this machine, and not by a server")
        .help("leave --server out; docs/service.md says what a server does, and why not the rest")
}

impl Remote {
    /// What is at a path, for programs.
    async fn ask(&self, path: &str) -> Result<Value, CliError> {
        read(&self.client.get(path, JSON).await?)
    }

    /// What comes of sending JSON to a path.
    async fn send(&self, path: &str, json: &str) -> Result<Value, CliError> {
        read(&self.client.post(path, JSON, json.to_owned()).await?)
    }

    /// Prints what is at a path, in words or for programs.
    async fn print(&self, path: &str) -> Result<(), CliError> {
        match self.as_json {
            true => write_out(&json_text(&self.ask(path).await?)),
            // What a server says is a stranger's.
            false => write_out(&printable_lines(&self.client.get(path, TEXT).await?)),
        }
        Ok(())
    }

    /// Writes the page that is at a path.
    async fn write(&self, path: &str, page: Option<PageFile>) -> Result<(), CliError> {
        match page {
            Some(file) => file.write(&self.client.get(path, PAGE).await?),
            None => Ok(()),
        }
    }

    async fn case(&self, command: CaseCommand) -> Result<(), CliError> {
        match command {
            CaseCommand::List { filter, .. } => self.list(&filter).await,
            CaseCommand::Show { id, page, .. } => {
                let page = page.report.as_deref().map(PageFile::at).transpose()?;
                let path = format!("/v1/cases/{}", named(&id)?);
                self.write(&path, page).await?;
                self.print(&path).await
            }
            CaseCommand::Resume { id, page, .. } => {
                let page = page.report.as_deref().map(PageFile::at).transpose()?;
                let case = self.send(&format!("/v1/cases/{}/resume", named(&id)?), "{}").await?;
                self.rested(word(&case["case"]), page).await
            }
            CaseCommand::Replay { id, .. } => {
                let replayed = self.send(&format!("/v1/cases/{}/replay", named(&id)?), "{}").await?;
                replay::print(&replayed, self.as_json)
            }
            CaseCommand::Split { id, symptoms, .. } => {
                let taken = json!({ "symptoms": symptoms }).to_string();
                let opened = self.send(&format!("/v1/cases/{}/split", named(&id)?), &taken).await?;
                self.rested(word(&opened["case"]), None).await
            }
        }
    }

    /// Waits until a case rests, and prints it.
    async fn rested(&self, case: &str, page: Option<PageFile>) -> Result<(), CliError> {
        let case = named(case)?;
        let tell = |event: &str, data: &str| {
            let told: Value = serde_json::from_str(data).unwrap_or_default();
            if !self.as_json && event == "called" {
                let line = format!("{} {} ({} findings)", word(&told["step"]), word(&told["status"]), told["findings"]);
                crate::progress::above(printable(&line).as_bytes());
                crate::progress::above(b"\n");
            }
            event == "ended"
        };
        self.client.hear(&format!("/v1/cases/{case}/events"), tell).await?;
        let path = format!("/v1/cases/{case}");
        if self.ask(&path).await?["verdict"].is_null() {
            let why = format!("the case {case} has no verdict: it was stopped, or the server ended before it had one");
            let help = format!("negawatt case resume {case} --server URL goes on with it");
            return Err(CliError::failure("cancelled", why).help(help));
        }
        self.write(&path, page).await?;
        self.print(&path).await
    }

    /// Cases, page by page.
    async fn list(&self, filter: &case::Filter) -> Result<(), CliError> {
        let (mut cases, mut cursor) = (Vec::new(), String::new());
        while cases.len() < filter.limit {
            let query = filter.query(PAGE_SIZE.min(filter.limit - cases.len()));
            let page = self.ask(&format!("/v1/cases?{query}{cursor}")).await?;
            for case in items(&page["cases"]) {
                named(word(&case["case"]))?;
                cases.push(case.clone());
            }
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={}", named(next)?);
        }
        case::print_list(&cases, filter.is_any(), self.as_json);
        Ok(())
    }

    async fn stats(&self, args: stats::Args) -> Result<(), CliError> {
        let page = args.report.as_deref().map(PageFile::at).transpose()?;
        self.write("/v1/stats", page).await?;
        if args.prometheus {
            write_out(&printable_lines(&self.client.get("/v1/stats/metrics", TEXT).await?));
            return Ok(());
        }
        self.print("/v1/stats").await
    }

    /// What is printed for people does not say how much is wrong in a way that is read, so both are asked for.
    async fn doctor(&self, wait: u64) -> Result<(), CliError> {
        if wait > LONGEST_WAIT {
            return Err(CliError::bad_input(
                "wait",
                format!("a server waits {LONGEST_WAIT} seconds for a source at most"),
            )
            .help(format!("write --wait {LONGEST_WAIT} or less")));
        }
        let path = format!("/v1/doctor?wait={wait}");
        self.print(&path).await?;
        if self.as_json {
            return Ok(());
        }
        let failures = self.ask(&path).await?["failures"].as_u64().unwrap_or(0);
        doctor::failed(usize::try_from(failures).unwrap_or(usize::MAX))
    }

    async fn skill(&self, command: SkillCommand) -> Result<(), CliError> {
        match command {
            SkillCommand::List { stats, .. } => self.print(&format!("/v1/skills?stats={stats}")).await,
            SkillCommand::Restore { skill, .. } => {
                let restored = self.send(&format!("/v1/skills/{}/restore", skill_named(&skill)?), "{}").await?;
                restore::print_restored(&restored, self.as_json);
                Ok(())
            }
            _ => Err(local()),
        }
    }

    async fn export(&self, path: &Path, case: Option<&str>) -> Result<(), CliError> {
        let query = case.map(named).transpose()?.map_or(String::new(), |case| format!("?case={case}"));
        let mut file = ExportFile::at(path)?;
        let said = self.client.fetch(&format!("/v1/casebook/export{query}"), "negawatt-exported", &mut file.to).await?;
        let said = said.map_err(|error| file.failed(&error))?;
        let count = |name: &str| {
            let parts = said.split(',').filter_map(|part| part.trim().split_once('='));
            parts.filter(|(key, _)| *key == name).find_map(|(_, count)| count.parse().ok()).unwrap_or(0)
        };
        file.keep([count("cases"), count("answers"), count("purged")], self.as_json)
    }
}

/// A skill's name or digest in a path.
fn skill_named(skill: &str) -> Result<String, CliError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@:".contains(&byte);
    let is_name = !skill.is_empty() && skill.bytes().all(is_plain) && !skill.ends_with(".wasm");
    is_name.then(|| skill.to_owned()).ok_or_else(|| {
        CliError::bad_input("skill", format!("{skill:?} is no skill of a server")).help("negawatt skill list has them")
    })
}

/// A case's id in a path: whatever else it were could name another path.
fn named(id: &str) -> Result<String, CliError> {
    let is_id = !id.is_empty() && id.len() <= 26 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_id.then(|| id.to_owned()).ok_or_else(|| {
        CliError::bad_input("case", format!("{id:?} is no id of a case")).help("negawatt case list has them")
    })
}

fn read(text: &str) -> Result<Value, CliError> {
    serde_json::from_str(text)
        .map_err(|error| CliError::failure("server", format!("the server's answer is no JSON: {error}")))
}
