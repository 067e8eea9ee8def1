//! `negawatt token` and `negawatt audit`: by what a server knows who asks, and the log of what was done.

use std::slice::Iter;

use negawatt_access::{Access, AccessError, Actor, Head, NewToken, Role, json as of};
use negawatt_config::Config as Configuration;
use negawatt_host::json::duration;
use negawatt_host::text::printable;
use negawatt_host::time::{self, parse_rfc3339};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::investigate::{json_text, write_out};
use crate::look::{Look, Tone};
use crate::page::Page;
use crate::printed::{items, word};
use crate::report::minute_label;
use crate::setup::casebook_folder;

/// `negawatt token …`
#[derive(clap::Subcommand)]
pub enum TokenCommand {
    /// Make a token, and show it this once
    #[command(after_help = "\
Examples:
  negawatt token create --name ada --role reviewer
  negawatt token create --name ci --role operator --expires 90d --json")]
    Create {
        /// Who will have it
        #[arg(long)]
        name: String,
        /// What it is for
        #[arg(long, value_parser = roles())]
        role: Role,
        /// After how long it is of no use: 12h, 90d, 52w [default: never]
        #[arg(long, value_name = "TIME", value_parser = length)]
        expires: Option<u64>,
        #[command(flatten)]
        config: crate::command::Config,
    },
    /// List tokens, without their secrets
    #[command(after_help = "Example:\n  negawatt token list --json")]
    List {
        #[command(flatten)]
        config: crate::command::Config,
    },
    /// End a token at once
    #[command(after_help = "Example:\n  negawatt token revoke 0c2f6a1b9d3e")]
    Revoke {
        /// Its id, as `negawatt token list` shows it
        id: String,
        #[command(flatten)]
        config: crate::command::Config,
    },
}

/// `negawatt audit …`
#[derive(clap::Subcommand)]
pub enum AuditCommand {
    /// Look whether the log is as it was written, and print its head
    #[command(after_help = "\
Examples:
  negawatt audit verify
  negawatt audit verify --expect 17:4f1c…

Note the head where nobody who can write the file can write, and give it the next time: that the end of the log was cut off, or
all of it was written anew, is found by that alone.")]
    Verify {
        /// A head that was printed before
        #[arg(long, value_name = "HEAD")]
        expect: Option<Head>,
        #[command(flatten)]
        config: crate::command::Config,
    },
    /// List what was done, the newest last
    #[command(after_help = "Example:\n  negawatt audit list --limit 20 --json")]
    List {
        /// At most so many
        #[arg(long, default_value_t = 50, value_name = "COUNT")]
        limit: usize,
        #[command(flatten)]
        config: crate::command::Config,
    },
}

fn roles() -> impl clap::builder::TypedValueParser<Value = Role> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    PossibleValuesParser::new(Role::ALL.map(Role::word)).try_map(|word| word.parse::<Role>())
}

/// A length of time, in microseconds.
fn length(text: &str) -> Result<u64, String> {
    let length = duration(text).filter(|length| *length > 0);
    length.ok_or_else(|| "write a whole number and a unit: 12h, 90d, 52w".to_owned())
}

/// Runs `negawatt token`.
pub fn token(command: TokenCommand, as_json: bool) -> Result<(), CliError> {
    let now = time::now();
    match command {
        TokenCommand::Create { name, role, expires, config } => {
            let expires = expires.map(|length| now.saturating_add_unsigned(length));
            let (token, secret) = open(&config)?.create(&NewToken { name, role, expires }, &here(), now)?;
            print_made(&json!({ "token": of::token(&token), "secret": secret.to_string() }), as_json);
        }
        TokenCommand::List { config } => {
            let tokens = open(&config)?.list()?;
            print_tokens(&json!({ "tokens": tokens.iter().map(of::token).collect::<Vec<_>>() }), as_json);
        }
        TokenCommand::Revoke { id, config } => {
            let token = open(&config)?.revoke(&id, &here(), now)?;
            print_ended(&json!({ "token": of::token(&token) }), as_json);
        }
    }
    Ok(())
}

/// Prints a token that was made, with its secret.
pub fn print_made(made: &Value, as_json: bool) {
    write_out(&match as_json {
        true => json_text(made),
        false => format!(
            "{}\n\n{}Keep it now: it is not shown again, and only a digest of it is kept.\n",
            printable(word(&made["secret"])),
            told(&made["token"])
        ),
    });
}

/// Prints tokens.
pub fn print_tokens(tokens: &Value, as_json: bool) {
    write_out(&if as_json { json_text(tokens) } else { token_table(items(&tokens["tokens"]), &Look::of_stdout()) });
}

/// Prints that a token was ended.
pub fn print_ended(ended: &Value, as_json: bool) {
    let token = &ended["token"];
    write_out(&match as_json {
        true => json_text(ended),
        false => {
            printable(&format!("The token {} of {} is of no use any more.", word(&token["id"]), word(&token["name"])))
                + "\n"
        }
    });
}

/// Runs `negawatt audit`.
pub fn audit(command: AuditCommand, as_json: bool) -> Result<(), CliError> {
    match command {
        AuditCommand::Verify { expect, config } => {
            let head = open(&config)?.verify(expect.as_ref())?;
            print_verified(&json!({ "entries": head.entries, "head": head.to_string() }), as_json);
        }
        AuditCommand::List { limit, config } => {
            let entries = open(&config)?.newest(limit)?;
            print_entries(&json!({ "entries": entries.iter().map(of::recorded).collect::<Vec<_>>() }), as_json);
        }
    }
    Ok(())
}

/// Prints that the log is as it was written.
pub fn print_verified(verified: &Value, as_json: bool) {
    write_out(&match as_json {
        true => json_text(verified),
        false => {
            let (entries, head) = (&verified["entries"], printable(word(&verified["head"])));
            format!("The log is as it was written: {entries} entries.\nhead  {head}\n")
        }
    });
}

/// Prints entries of the log.
pub fn print_entries(entries: &Value, as_json: bool) {
    write_out(&if as_json { json_text(entries) } else { entry_table(items(&entries["entries"]), &Look::of_stdout()) });
}

fn open(config: &crate::command::Config) -> Result<Access, CliError> {
    Ok(Access::open(&casebook_folder(&Configuration::find(config.file.as_deref())?)?)?)
}

/// Whoever runs this program.
fn here() -> Actor {
    Actor { who: format!("user {} of this machine", rustix::process::geteuid().as_raw()), role: None, address: None }
}

fn told(token: &Value) -> String {
    let rights: Vec<_> = items(&token["rights"]).map(word).collect();
    let [id, name, role] = ["id", "name", "role"].map(|key| printable(word(&token[key])));
    let expires = printable(token["expires"].as_str().unwrap_or("never"));
    format!("id       {id}\nname     {name}\nrole     {role} ({})\nexpires  {expires}\n", printable(&rights.join(", ")))
}

fn token_table(tokens: Iter<'_, Value>, look: &Look) -> String {
    let mut page = Page::new(look);
    if tokens.len() == 0 {
        page.heading(
            page.line().plain("no tokens yet; ").add(Tone::Accent, "negawatt token create").plain(" makes one"),
        );
        return page.text();
    }
    let columns = [14, 20, 11, 18, 18];
    let head = ["id", "name", "role", "expires (UTC)", "used (UTC)"].into_iter().zip(columns);
    page.whole_row(head.fold(page.line(), |line, (text, columns)| line.column(Tone::Faint, text, columns)));
    let now = time::now();
    for token in tokens {
        let minute = |time: Option<i64>| time.map_or("never".to_owned(), minute_label);
        let end = at(&token["expires"]);
        let (tone, expires) = match at(&token["revoked"]) {
            Some(_) => (Tone::Faint, "revoked".to_owned()),
            None if end.is_some_and(|end| end <= now) => (Tone::Faint, "expired".to_owned()),
            None => (Tone::Plain, minute(end)),
        };
        let [id, name, role] = ["id", "name", "role"].map(|key| word(&token[key]).to_owned());
        let cells = [id, name, role, expires, minute(at(&token["used"]))].into_iter().zip(columns);
        page.whole_row(cells.fold(page.line(), |line, (text, columns)| line.column(tone, text, columns)));
    }
    page.text()
}

fn entry_table(entries: Iter<'_, Value>, look: &Look) -> String {
    let mut page = Page::new(look);
    if entries.len() == 0 {
        page.heading(page.line().plain("nothing was done yet"));
        return page.text();
    }
    let columns = [18, 28, 16, 9, 28];
    let head = ["time (UTC)", "who", "did", "outcome", "to"].into_iter().zip(columns);
    page.whole_row(
        head.fold(page.line(), |line, (text, columns)| line.column(Tone::Faint, text, columns)).faint("detail"),
    );
    for entry in entries {
        let [who, action, outcome, object] =
            ["who", "action", "outcome", "object"].map(|key| word(&entry[key]).to_owned());
        let who = match entry["address"].as_str() {
            Some(address) => format!("{who} {address}"),
            None => who,
        };
        let time = at(&entry["time"]).map_or(String::new(), minute_label);
        let cells = [time, who, action, outcome, object].into_iter().zip(columns);
        let line = cells.fold(page.line(), |line, (text, columns)| line.column(Tone::Plain, text, columns));
        page.whole_row(line.faint(word(&entry["detail"])));
    }
    page.text()
}

fn at(time: &Value) -> Option<i64> {
    time.as_str().and_then(parse_rfc3339)
}

impl From<AccessError> for CliError {
    fn from(error: AccessError) -> CliError {
        match &error {
            AccessError::Name | AccessError::Expired | AccessError::NoSuchToken(_) | AccessError::Revoked(_) => {
                CliError::bad_input("token", error)
            }
            AccessError::Broken(_) => CliError::failure("audit", error)
                .help("somebody who can write the file changed it: keep a copy of it, find out who, and compare it with a backup"),
            _ => CliError::failure("access", error),
        }
    }
}
