//! `negawatt --server URL …`: the same commands, done by a server.

use negawatt_host::text::{printable, printable_json};
use negawatt_server::{Client, ClientError};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::investigate::write_out;
use crate::review::{OutcomeArgs, ReviewCommand};
use crate::{CaseCommand, Command, case};

/// Where a token is taken from: it is written on no command line.
const TOKEN: &str = "NEGAWATT_TOKEN";

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";

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

/// Has a server do what a command says.
pub async fn run(command: Command, server: &str, as_json: bool) -> Result<(), CliError> {
    let client = Client::of(server, std::env::var(TOKEN).ok())?;
    let form = if as_json { JSON } else { TEXT };
    let shown = match command {
        Command::Investigate { incident, page, .. } => {
            refuse_page(page.report.is_some())?;
            let text = std::fs::read_to_string(&incident).map_err(|error| {
                CliError::bad_input("incident", format!("cannot read the incident: {error}")).at(incident.display())
            })?;
            let accepted = read(&client.post("/v1/incidents", JSON, text).await?)?;
            let case = accepted["case"].as_str().unwrap_or_default().to_owned();
            rest(&client, &case, as_json).await?;
            client.get(&format!("/v1/cases/{case}"), form).await?
        }
        Command::Case { command: CaseCommand::List { filter, .. } } => listed(&client, &filter, as_json).await?,
        Command::Case { command: CaseCommand::Show { id, page, .. } } => {
            refuse_page(page.report.is_some())?;
            client.get(&format!("/v1/cases/{}", named(&id)?), form).await?
        }
        Command::Case { command: CaseCommand::Resume { id, page, .. } } => {
            refuse_page(page.report.is_some())?;
            let id = named(&id)?;
            client.post(&format!("/v1/cases/{id}/resume"), JSON, "{}".to_owned()).await?;
            rest(&client, &id, as_json).await?;
            client.get(&format!("/v1/cases/{id}"), form).await?
        }
        Command::Review { command } => review(&client, command, as_json).await?,
        Command::Outcome(OutcomeArgs { case, what, proposal, culprit, text, .. }) => {
            let path = format!("/v1/cases/{}/outcome", named(&case)?);
            let said = json!({ "what": what, "proposal": proposal, "culprit": culprit, "text": text });
            client.post(&path, form, said.to_string()).await?
        }
        Command::Stats(_) => client.get("/v1/stats", JSON).await?,
        _ => {
            return Err(CliError::bad_input("server", "this command is done on this machine, and not by a server")
                .help("leave --server out; investigate, case, review, outcome and stats can be done by one"));
        }
    };
    // What a server says is a stranger's.
    let shown = if shown.ends_with('\n') { shown } else { shown + "\n" };
    write_out(&printable_json(&shown));
    Ok(())
}

fn refuse_page(is_wanted: bool) -> Result<(), CliError> {
    match is_wanted {
        true => Err(CliError::bad_input("report", "a page of a server's case is asked of the server")
            .help("curl --header 'Accept: text/html' URL/v1/cases/ID > report.html")),
        false => Ok(()),
    }
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

/// Waits until a case rests, and shows what happens meanwhile.
async fn rest(client: &Client, case: &str, quiet: bool) -> Result<(), CliError> {
    let tell = |event: &str, data: &str| {
        let told: Value = serde_json::from_str(data).unwrap_or_default();
        if !quiet && event == "called" {
            let line = format!(
                "{} {} ({} findings)\n",
                told["step"].as_str().unwrap_or_default(),
                told["status"].as_str().unwrap_or_default(),
                told["findings"]
            );
            crate::progress::above(printable(line.trim_end()).as_bytes());
            crate::progress::above(b"\n");
        }
        event == "ended"
    };
    Ok(client.hear(&format!("/v1/cases/{case}/events"), tell).await?)
}

async fn listed(client: &Client, filter: &case::Filter, as_json: bool) -> Result<String, CliError> {
    let answer = client.get(&format!("/v1/cases?{}", filter.query()), JSON).await?;
    if as_json {
        return Ok(answer);
    }
    let answer = read(&answer)?;
    let word = |one: &Value, key: &str| one[key].as_str().unwrap_or("-").to_owned();
    let lines = answer["cases"].as_array().into_iter().flatten().map(|one| {
        let line = [word(one, "case"), word(one, "opened"), format!("{:12}", word(one, "state")), word(one, "title")];
        printable(&line.join("  ")) + "\n"
    });
    let lines: String = lines.collect();
    Ok(if lines.is_empty() { "no such cases\n".to_owned() } else { lines })
}

async fn review(client: &Client, command: ReviewCommand, as_json: bool) -> Result<String, CliError> {
    let path = |case: &str, proposal: u32, what: &str| {
        Ok::<_, CliError>(format!("/v1/cases/{}/proposals/{proposal}{what}", named(case)?))
    };
    Ok(match command {
        ReviewCommand::List { all, .. } => {
            let answer = client.get(&format!("/v1/reviews?all={all}"), JSON).await?;
            if as_json {
                return Ok(answer);
            }
            let answer = read(&answer)?;
            let lines = answer["proposals"].as_array().into_iter().flatten().map(|one| {
                let word = |key: &str| one[key].as_str().unwrap_or("-");
                let line = format!("{} {}  {}  {}", word("case"), one["proposal"], word("stage"), word("strategy"));
                printable(&line) + "\n"
            });
            let lines: String = lines.collect();
            if lines.is_empty() { "no proposal waits for a person\n".to_owned() } else { lines }
        }
        ReviewCommand::Show { case, proposal, .. } => match proposal {
            Some(proposal) => client.get(&path(&case, proposal, "")?, JSON).await?,
            None => client.get(&format!("/v1/cases/{}", named(&case)?), if as_json { JSON } else { TEXT }).await?,
        },
        ReviewCommand::Approve { case, proposal, text, no_submit, by, .. } => {
            let said = json!({ "text": text, "hold": no_submit });
            refuse_name(by.as_ref())?;
            client.post(&path(&case, proposal, "/approve")?, JSON, said.to_string()).await?
        }
        ReviewCommand::Reject { case, proposal, reason, text, by, .. } => {
            let said = json!({ "text": text, "reason": reason });
            refuse_name(by.as_ref())?;
            client.post(&path(&case, proposal, "/reject")?, JSON, said.to_string()).await?
        }
        ReviewCommand::Submit { case, proposal, .. } => {
            client.post(&path(&case, proposal, "/submit")?, JSON, "{}".to_owned()).await?
        }
        ReviewCommand::Follow { .. } => client.post("/v1/reviews/follow", JSON, "{}".to_owned()).await?,
    })
}

/// A server knows who decides: whom the token belongs to.
fn refuse_name(by: Option<&String>) -> Result<(), CliError> {
    match by {
        Some(_) => {
            Err(CliError::bad_input("by", "a server takes no other name than that of the token").help("leave --by out"))
        }
        None => Ok(()),
    }
}
