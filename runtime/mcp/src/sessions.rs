//! Who may hold how many sessions: those of the library, each with whose it is from its first moment to its last.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::StatusCode;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::{LocalSessionManager, LocalSessionManagerError};
use rmcp::transport::streamable_http_server::session::{ServerSseMessage, SessionId, SessionManager};
use tokio::sync::Mutex;
use tokio_stream::Stream;

use crate::http::Refusal;

/// Sessions of one caller, and of all together. Each takes some fifty kilobytes, until it is ended or was idle.
const MOST_OF_ONE: usize = 100;
const MOST: usize = 500;

/// How long a session may be idle.
const IDLE: Duration = Duration::from_secs(300);

/// The most bytes of a message that begins a session: what it says of its client is kept as long as the session is.
const MOST_BYTES: usize = 16 << 10;

tokio::task_local! {
    /// Whose request is being answered.
    static ASKED: Arc<Asked>;
}

/// A request, which may begin a session.
struct Asked {
    caller: String,
    /// How much of its body was read.
    bytes: Arc<AtomicUsize>,
    /// Why it must not begin one.
    refusal: OnceLock<Refusal>,
}

/// The sessions that are open, with whose they are.
pub struct Sessions {
    local: LocalSessionManager,
    owners: Mutex<HashMap<SessionId, String>>,
}

/// What does not work with a session.
#[derive(Debug, thiserror::Error)]
pub enum SessionsError {
    /// One must not be begun.
    #[error("no session may be begun")]
    Refused,
    /// The library says why.
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
}

impl Default for Sessions {
    fn default() -> Sessions {
        let mut local = LocalSessionManager::default();
        local.session_config.keep_alive = Some(IDLE);
        Sessions { local, owners: Mutex::default() }
    }
}

impl Sessions {
    /// Whether somebody may ask in a session: nobody does in another one's. One that is not open is for the library to refuse.
    pub async fn may_use(&self, id: &str, caller: &str) -> bool {
        self.owners.lock().await.get(id).is_none_or(|owner| owner == caller)
    }

    /// Answers a request of somebody, which may begin a session, once so many bytes of it were read; or says why it may not.
    pub async fn answered<T>(
        caller: String,
        bytes: Arc<AtomicUsize>,
        answer: impl Future<Output = T>,
    ) -> Result<T, Refusal> {
        let asked = Arc::new(Asked { caller, bytes, refusal: OnceLock::new() });
        let answer = ASKED.scope(asked.clone(), answer).await;
        asked.refusal.get().cloned().map_or(Ok(answer), Err)
    }
}

/// Whether one more session may be begun beside those that are open.
fn admit(owners: &HashMap<SessionId, String>, asked: &Asked) -> Result<(), Refusal> {
    let refused = |status, message| Err(Refusal { status, challenge: None, message });
    if asked.bytes.load(Ordering::Relaxed) > MOST_BYTES {
        let why = format!("what begins a session has {MOST_BYTES} bytes at most; send less of your client");
        return refused(StatusCode::PAYLOAD_TOO_LARGE, why);
    }
    let (all, own) = (owners.len(), owners.values().filter(|owner| **owner == asked.caller).count());
    if own >= MOST_OF_ONE || all >= MOST {
        let why = format!(
            "you have {own} sessions and all have {all}; one may have {MOST_OF_ONE}, and all {MOST}: end some with DELETE, or wait until \
             they were idle for {} minutes",
            IDLE.as_secs() / 60
        );
        return refused(StatusCode::TOO_MANY_REQUESTS, why);
    }
    Ok(())
}

/// What the library has, with whose each is. It calls `create_session` while it answers a request, and `close_session` at least
/// once for each session, however that ended.
impl SessionManager for Sessions {
    type Error = SessionsError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), SessionsError> {
        let asked = ASKED.try_with(Arc::clone).map_err(|_| SessionsError::Refused)?;
        let mut owners = self.owners.lock().await;
        if let Err(refusal) = admit(&owners, &asked) {
            let _ = asked.refusal.set(refusal);
            return Err(SessionsError::Refused);
        }
        let (id, transport) = self.local.create_session().await?;
        owners.insert(id.clone(), asked.caller.clone());
        Ok((id, transport))
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), SessionsError> {
        let closed = self.local.close_session(id).await;
        self.owners.lock().await.remove(id);
        Ok(closed?)
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, SessionsError> {
        Ok(self.local.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, SessionsError> {
        Ok(self.local.has_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionsError> {
        Ok(self.local.create_stream(id, message).await?)
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), SessionsError> {
        Ok(self.local.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionsError> {
        Ok(self.local.create_standalone_stream(id).await?)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionsError> {
        Ok(self.local.resume(id, last_event_id).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The id of a session that somebody begins, or the status of the refusal.
    async fn begin(sessions: &Sessions, caller: &str, bytes: usize) -> Result<SessionId, StatusCode> {
        let bytes = Arc::new(AtomicUsize::new(bytes));
        let begun = Sessions::answered(caller.to_owned(), bytes, sessions.create_session()).await;
        begun.map(|begun| begun.unwrap().0).map_err(|refusal| refusal.status)
    }

    #[tokio::test]
    async fn one_has_so_many_sessions_and_so_have_all() {
        let sessions = Sessions::default();
        assert_eq!(begin(&sessions, "first", MOST_BYTES + 1).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        let first = begin(&sessions, "first", MOST_BYTES).await.unwrap();
        for number in 1..MOST {
            begin(&sessions, &format!("caller {}", number / MOST_OF_ONE), 1).await.unwrap();
        }
        let many = Err(StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(begin(&sessions, "somebody else", 1).await, many);
        assert!(sessions.may_use(&first, "first").await && !sessions.may_use(&first, "somebody else").await);
        sessions.close_session(&first).await.unwrap();
        assert_eq!(begin(&sessions, "caller 1", 1).await, many, "it has as many as one may have");
        begin(&sessions, "somebody else", 1).await.unwrap();
    }

    #[tokio::test]
    async fn nobody_begins_one_outside_a_request_and_none_is_idle_for_ever() {
        let sessions = Sessions::default();
        assert!(matches!(sessions.create_session().await, Err(SessionsError::Refused)));
        assert_eq!(sessions.local.session_config.keep_alive, Some(IDLE));
        assert!(sessions.owners.lock().await.is_empty());
    }
}
