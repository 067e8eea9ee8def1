//! Who may hold how many sessions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;

use crate::http::Refusal;

/// Sessions of one caller, and of all together. Each takes some fifty kilobytes, until it is ended or was idle for five minutes.
const MOST_OF_ONE: usize = 100;
const MOST: usize = 500;

/// The most bytes of a message that begins a session: what it says of its client is kept as long as the session is.
const MOST_BYTES: usize = 16 << 10;

/// The sessions that are open, by their ids, with whose they are.
#[derive(Default)]
pub struct Sessions {
    pub manager: Arc<LocalSessionManager>,
    owners: Mutex<HashMap<String, String>>,
}

impl Sessions {
    /// Whether a session may be somebody's, as far as that is known: nobody asks in another one's.
    pub fn may_use(&self, id: &str, caller: &str) -> bool {
        self.owners().get(id).is_none_or(|owner| owner == caller)
    }

    /// Keeps a session that somebody began with a message of so many bytes, or ends it at once and says why.
    pub async fn keep(&self, id: &str, caller: &str, bytes: usize) -> Result<(), Refusal> {
        let open: Vec<String> = self.manager.sessions.read().await.keys().map(|id| id.to_string()).collect();
        let Err((status, message)) = self.take(&open, id, caller, bytes) else { return Ok(()) };
        // One that cannot be ended ends when it was idle.
        let _ = self.manager.close_session(&id.into()).await;
        Err(Refusal { status, challenge: None, message })
    }

    /// Notes whose a session is, beside those that are open.
    fn take(&self, open: &[String], id: &str, caller: &str, bytes: usize) -> Result<(), (StatusCode, String)> {
        if bytes > MOST_BYTES {
            let why = format!("what begins a session has {MOST_BYTES} bytes at most; send less of your client");
            return Err((StatusCode::PAYLOAD_TOO_LARGE, why));
        }
        let mut owners = self.owners();
        owners.retain(|known, _| open.contains(known));
        let (all, own) = (owners.len(), owners.values().filter(|owner| *owner == caller).count());
        if own >= MOST_OF_ONE || all >= MOST {
            let why = format!(
                "you have {own} sessions and all have {all}; one may have {MOST_OF_ONE}, and all {MOST}: end some with DELETE, or wait until \
                 they were idle for five minutes"
            );
            return Err((StatusCode::TOO_MANY_REQUESTS, why));
        }
        owners.insert(id.to_owned(), caller.to_owned());
        Ok(())
    }

    fn owners(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_together_have_so_many_sessions() {
        let sessions = Sessions::default();
        let open: Vec<String> = (0..=MOST).map(|number| number.to_string()).collect();
        for (number, id) in open.iter().enumerate().take(MOST) {
            let caller = format!("caller {}", number / MOST_OF_ONE);
            assert_eq!(sessions.take(&open, id, &caller, 1), Ok(()));
        }
        let refused =
            |open: &[String]| sessions.take(open, "another", "somebody else", 1).map_err(|(status, _)| status);
        assert_eq!(refused(&open), Err(StatusCode::TOO_MANY_REQUESTS));
        assert_eq!(refused(&open[1..]), Ok(()), "one has ended");
    }
}
