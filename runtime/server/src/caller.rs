//! Who asks, and what that one may do.

use axum::http::StatusCode;
use negawatt_access::{Principal, Right, Role};

use crate::problem::Problem;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Whoever can reach the loopback of this machine, as long as there are no tokens.
    Local,
    /// Another system, which its signature shows.
    Webhook(String),
    /// The bearer of a token.
    Bearer(Principal),
}

impl Caller {
    /// Whether that one may do what needs a right. Without tokens all is allowed from this machine but to decide in a person's name.
    pub fn may(&self, right: Right) -> bool {
        match self {
            Caller::Local => true,
            Caller::Webhook(_) => false,
            Caller::Bearer(principal) => principal.may(right),
        }
    }

    /// The person that decides: whom a token belongs to. Anything on this machine can reach a server without tokens, models included, and
    /// these decide nothing.
    pub fn person(&self) -> Result<String, Problem> {
        match self {
            Caller::Bearer(principal) => Ok(principal.name.clone()),
            Caller::Local | Caller::Webhook(_) => {
                let why = "only a person decides, and nobody knows who asks";
                Err(Problem::new(StatusCode::FORBIDDEN, "nobody", why)
                    .help("make a token for each reviewer: negawatt token create --name NAME --role reviewer"))
            }
        }
    }

    /// The name for the log.
    pub fn who(&self) -> String {
        match self {
            Caller::Local => "local".to_owned(),
            Caller::Webhook(name) => format!("webhook {name}"),
            Caller::Bearer(principal) => principal.who(),
        }
    }

    /// The role for the log.
    pub fn role(&self) -> Option<Role> {
        match self {
            Caller::Local | Caller::Webhook(_) => None,
            Caller::Bearer(principal) => Some(principal.role),
        }
    }
}
