//! Tokens and the log of a server, for its administrators.

use negawatt_host::time;
use serde_json::json;

use super::{PAGE_SIZE, Remote};
use crate::access::{AuditCommand, TokenCommand, print_ended, print_entries, print_made, print_tokens, print_verified};
use crate::error::CliError;
use crate::printed::items;

impl Remote {
    pub(super) async fn token(&self, command: TokenCommand) -> Result<(), CliError> {
        match command {
            TokenCommand::Create { name, role, expires, .. } => {
                let expires = expires.map(|length| time::rfc3339(time::now().saturating_add_unsigned(length)));
                let wanted = json!({ "name": name, "role": role.word(), "expires": expires });
                print_made(&self.send("/v1/tokens", &wanted.to_string()).await?, self.as_json);
            }
            TokenCommand::List { .. } => print_tokens(&self.ask("/v1/tokens").await?, self.as_json),
            TokenCommand::Revoke { id, .. } => {
                let is_id =
                    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit() || b"ngw_".contains(&byte));
                if !is_id {
                    return Err(CliError::bad_input("token", format!("{id:?} is no id of a token"))
                        .help("negawatt token list has them"));
                }
                print_ended(&self.send(&format!("/v1/tokens/{id}/revoke"), "{}").await?, self.as_json);
            }
        }
        Ok(())
    }

    pub(super) async fn audit(&self, command: AuditCommand) -> Result<(), CliError> {
        match command {
            AuditCommand::Verify { expect, .. } => {
                let query = expect.map_or(String::new(), |head| format!("?expect={head}"));
                print_verified(&self.ask(&format!("/v1/audit/verify{query}")).await?, self.as_json);
            }
            AuditCommand::List { limit, .. } => {
                // Page by page, of which each is before the last one.
                let (mut entries, mut cursor) = (Vec::new(), String::new());
                while entries.len() < limit {
                    let most = PAGE_SIZE.min(limit - entries.len());
                    let page = self.ask(&format!("/v1/audit?limit={most}{cursor}")).await?;
                    entries.splice(0..0, items(&page["entries"]).cloned());
                    let Some(next) = page["next"].as_u64() else { break };
                    cursor = format!("&cursor={next}");
                }
                print_entries(&json!({ "entries": entries }), self.as_json);
            }
        }
        Ok(())
    }
}
