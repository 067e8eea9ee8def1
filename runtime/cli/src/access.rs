//! `negawatt token` and `negawatt audit`: by what a server knows who asks, and the log of what was done.

use negawatt_access::{Access, AccessError, Actor, Head, NewToken, Recorded, Right, Role, Token, json as of};
use negawatt_config::Config as Configuration;
use negawatt_host::json::duration;
use negawatt_host::text::printable;
use negawatt_host::time::{self, rfc3339};
use serde_json::json;

use crate::error::CliError;
use crate::investigate::{json_text, write_out};
use crate::look::{Look, Tone};
use crate::page::Page;
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
        config: crate::Config,
    },
    /// List tokens, without their secrets
    #[command(after_help = "Example:\n  negawatt token list --json")]
    List {
        #[command(flatten)]
        config: crate::Config,
    },
    /// End a token at once
    #[command(after_help = "Example:\n  negawatt token revoke 0c2f6a1b9d3e")]
    Revoke {
        /// Its id, as `negawatt token list` shows it
        id: String,
        #[command(flatten)]
        config: crate::Config,
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
        config: crate::Config,
    },
    /// List what was done, the newest last
    #[command(after_help = "Example:\n  negawatt audit list --limit 20 --json")]
    List {
        /// At most so many
        #[arg(long, default_value_t = 50, value_name = "COUNT")]
        limit: usize,
        #[command(flatten)]
        config: crate::Config,
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
            write_out(&match as_json {
                true => json_text(&json!({ "token": of::token(&token), "secret": secret.to_string() })),
                false => format!(
                    "{secret}\n\n{}Keep it now: it is not shown again, and only a digest of it is kept.\n",
                    told(&token)
                ),
            });
        }
        TokenCommand::List { config } => {
            let tokens = open(&config)?.list()?;
            write_out(&match as_json {
                true => json_text(&json!({ "tokens": tokens.iter().map(of::token).collect::<Vec<_>>() })),
                false => token_table(&tokens, &Look::of_stdout()),
            });
        }
        TokenCommand::Revoke { id, config } => {
            let token = open(&config)?.revoke(&id, &here(), now)?;
            write_out(&match as_json {
                true => json_text(&json!({ "token": of::token(&token) })),
                false => format!("The token {} of {} is of no use any more.\n", token.id, printable(&token.name)),
            });
        }
    }
    Ok(())
}

/// Runs `negawatt audit`.
pub fn audit(command: AuditCommand, as_json: bool) -> Result<(), CliError> {
    match command {
        AuditCommand::Verify { expect, config } => {
            let head = open(&config)?.verify(expect.as_ref())?;
            write_out(&match as_json {
                true => json_text(&json!({ "entries": head.entries, "head": head.to_string() })),
                false => format!("The log is as it was written: {} entries.\nhead  {head}\n", head.entries),
            });
        }
        AuditCommand::List { limit, config } => {
            let entries = open(&config)?.newest(limit)?;
            write_out(&match as_json {
                true => json_text(&json!({ "entries": entries.iter().map(of::recorded).collect::<Vec<_>>() })),
                false => entry_table(&entries, &Look::of_stdout()),
            });
        }
    }
    Ok(())
}

fn open(config: &crate::Config) -> Result<Access, CliError> {
    Ok(Access::open(&casebook_folder(&Configuration::find(config.file.as_deref())?)?)?)
}

/// Whoever runs this program.
fn here() -> Actor {
    Actor { who: format!("user {} of this machine", rustix::process::geteuid().as_raw()), role: None, address: None }
}

fn told(token: &Token) -> String {
    let rights: Vec<_> = token.role.rights().iter().map(|right| Right::word(*right)).collect();
    let expires = token.expires.map_or("never".to_owned(), rfc3339);
    let name = printable(&token.name);
    format!(
        "id       {}\nname     {name}\nrole     {} ({})\nexpires  {expires}\n",
        token.id,
        token.role,
        rights.join(", ")
    )
}

fn token_table(tokens: &[Token], look: &Look) -> String {
    let mut page = Page::new(look);
    if tokens.is_empty() {
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
        let (tone, expires) = match token.revoked {
            Some(_) => (Tone::Faint, "revoked".to_owned()),
            None if !token.is_valid(now) => (Tone::Faint, "expired".to_owned()),
            None => (Tone::Plain, minute(token.expires)),
        };
        let cells = [token.id.clone(), token.name.clone(), token.role.to_string(), expires, minute(token.used)];
        let cells = cells.into_iter().zip(columns);
        page.whole_row(cells.fold(page.line(), |line, (text, columns)| line.column(tone, text, columns)));
    }
    page.text()
}

fn entry_table(entries: &[Recorded], look: &Look) -> String {
    let mut page = Page::new(look);
    if entries.is_empty() {
        page.heading(page.line().plain("nothing was done yet"));
        return page.text();
    }
    let columns = [18, 28, 16, 9, 28];
    let head = ["time (UTC)", "who", "did", "outcome", "to"].into_iter().zip(columns);
    page.whole_row(
        head.fold(page.line(), |line, (text, columns)| line.column(Tone::Faint, text, columns)).faint("detail"),
    );
    for Recorded { entry, .. } in entries {
        let who = match &entry.address {
            Some(address) => format!("{} {address}", entry.who),
            None => entry.who.clone(),
        };
        let cells =
            [minute_label(entry.time), who, entry.action.clone(), entry.outcome.to_string(), entry.object.clone()];
        let cells = cells.into_iter().zip(columns);
        let line = cells.fold(page.line(), |line, (text, columns)| line.column(Tone::Plain, text, columns));
        page.whole_row(line.faint(&entry.detail));
    }
    page.text()
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
