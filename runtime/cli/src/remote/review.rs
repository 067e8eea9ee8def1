//! Proposals of a server's cases: shown, decided of, and what became of them.

use serde_json::{Value, json};

use super::{Remote, named};
use crate::error::CliError;
use crate::follow;
use crate::printed::items;
use crate::review::{OutcomeArgs, ReviewCommand, print_list};

impl Remote {
    pub(super) async fn review(&self, command: ReviewCommand) -> Result<(), CliError> {
        match command {
            ReviewCommand::List { all, .. } => {
                let proposals = self.proposals(all).await?;
                print_list(&proposals, all, self.as_json);
                Ok(())
            }
            ReviewCommand::Show { case, proposal, .. } => self.show(&case, proposal).await,
            ReviewCommand::Approve { case, proposal, text, no_submit, by, .. } => {
                refuse_name(by.as_ref())?;
                self.decide(&case, proposal, "approve", json!({ "text": text, "hold": no_submit })).await
            }
            ReviewCommand::Reject { case, proposal, reason, text, by, .. } => {
                refuse_name(by.as_ref())?;
                self.decide(&case, proposal, "reject", json!({ "text": text, "reason": reason })).await
            }
            ReviewCommand::Submit { case, proposal, .. } => self.decide(&case, proposal, "submit", json!({})).await,
            ReviewCommand::Follow { now: Some(_), .. } => {
                Err(CliError::bad_input("now", "a server looks at the present").help("leave --now out"))
            }
            ReviewCommand::Follow { .. } => {
                follow::print(&self.send("/v1/reviews/follow", "{}").await?, self.as_json);
                Ok(())
            }
        }
    }

    /// All proposals, page by page.
    async fn proposals(&self, all: bool) -> Result<Vec<Value>, CliError> {
        let mut proposals = Vec::new();
        let mut path = format!("/v1/reviews?all={all}&limit=500");
        loop {
            let page = self.ask(&path).await?;
            proposals.extend(items(&page["proposals"]).cloned());
            match page["next"].as_str() {
                Some(next) => path = format!("/v1/reviews?all={all}&limit=500&cursor={}", named(next)?),
                None => return Ok(proposals),
            }
        }
    }

    async fn show(&self, case: &str, proposal: Option<u32>) -> Result<(), CliError> {
        let query = proposal.map_or(String::new(), |proposal| format!("?proposal={proposal}"));
        self.print(&format!("/v1/cases/{}/proposals{query}", named(case)?)).await
    }

    async fn decide(&self, case: &str, proposal: u32, what: &str, said: Value) -> Result<(), CliError> {
        self.send(&format!("/v1/cases/{}/proposals/{proposal}/{what}", named(case)?), &said.to_string()).await?;
        self.show(case, Some(proposal)).await
    }

    pub(super) async fn outcome(&self, args: OutcomeArgs) -> Result<(), CliError> {
        let OutcomeArgs { case, what, proposal, culprit, text, by, .. } = args;
        refuse_name(by.as_ref())?;
        let path = format!("/v1/cases/{}/outcome", named(&case)?);
        let said = json!({ "what": what, "proposal": proposal, "culprit": culprit, "text": text });
        self.send(&path, &said.to_string()).await?;
        self.print(&path).await
    }
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
