//! Starts the server, and ends it.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use negawatt_access::{Access, Limiter, Rate};
use tokio::net::TcpListener;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::agents::agents;
use crate::app::App;
use crate::follow::follow;
use crate::gate::Gate;
use crate::listen::{self, Limits};
use crate::reload::reload;
use crate::router::router;
use crate::strangers::Strangers;
use crate::streams::{self, Streams};
use crate::tell::tell;
use crate::watch::watch;
use crate::work::{carry, finish, sweep, work};

/// Requests at once, after a while without any: as many as may come in so many seconds.
const BURST: u32 = 5;

/// How many callers are told apart.
const CALLERS: usize = 10_000;

/// How a server is to be.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Cases that are worked on at the same time, and as many that have a verdict and are carried on.
    pub workers: usize,
    /// How long it waits for what it has begun when it is told to end.
    pub shutdown: Duration,
    /// The most bytes of a body.
    pub body: usize,
    /// Connections at a time. Of these at most half are streams, so that others have places.
    pub connections: usize,
    /// Streams that one caller may have open.
    pub streams: usize,
    /// How long nothing of an answer may be taken by whoever asked.
    pub stall: Duration,
    /// Requests a second of one token, or from one address without one, in the long run.
    pub rate: u32,
    /// How long a request's head may take to arrive, and then its body.
    pub patience: Duration,
    /// Names by which it may be called, beside addresses and `localhost`.
    pub hosts: BTreeSet<String>,
    /// Origins of web pages that may ask it.
    pub origins: BTreeSet<String>,
}

/// Why a server does not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// There are no tokens, and others than this machine could ask.
    #[error(
        "{0} can be reached by others (it is no loopback, or has a name in serve.hosts), and there are no tokens: whoever comes would be an administrator"
    )]
    Open(SocketAddr),
    /// The tokens cannot be read.
    #[error(transparent)]
    Access(#[from] negawatt_access::AccessError),
    /// It cannot listen.
    #[error("cannot listen: {0}")]
    Listen(#[from] std::io::Error),
    /// A part of it failed, so it ended: which.
    #[error("a part of the server failed ({0}), so it ended; what it had begun is taken up by the next start")]
    Failed(&'static str),
}

/// Where a server listens.
pub struct Listener(TcpListener);

impl Listener {
    /// Listens on an address and a port; 0 is any that is free.
    pub async fn bind(address: IpAddr, port: u16) -> std::io::Result<Listener> {
        Ok(Listener(TcpListener::bind(SocketAddr::new(address, port)).await?))
    }

    /// Where that is, such as `127.0.0.1:7676`.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Serves until `end`, and then parks what is not done in time. Where a part of it fails, it cancels `end` itself.
pub async fn serve(
    app: Arc<App>,
    access: Access,
    settings: Settings,
    listener: Listener,
    end: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.address()?;
    let has_tokens = !access.list()?.is_empty();
    // A name of its own says that a proxy stands before it.
    if !has_tokens && (!address.ip().is_loopback() || !settings.hosts.is_empty()) {
        return Err(ServeError::Open(address));
    }
    let rate = Rate { per_second: settings.rate.into(), burst: settings.rate.saturating_mul(BURST) };
    let gate = Gate {
        access,
        had_tokens: has_tokens.into(),
        limiter: Limiter::new(rate, CALLERS),
        body: settings.body,
        patience: settings.patience,
        hosts: settings.hosts,
        origins: settings.origins,
        streams: Arc::new(Streams::new(settings.streams, settings.connections / 2)),
        strangers: Strangers::default(),
    };
    let gate = Arc::new(gate);
    let mut parts = Parts::default();
    for _ in 0..settings.workers.max(1) {
        parts.start("work", work(app.clone()));
        parts.start("carry", carry(app.clone()));
    }
    parts.start("sweep", sweep(app.clone()));
    parts.start("finish", finish(app.clone()));
    parts.start("reload", reload(app.clone()));
    parts.start("watch", watch(app.clone()));
    parts.start("follow", follow(app.clone()));
    parts.start("streams", streams::watch(gate.clone(), app.closing.clone()));
    let telling = tokio::spawn(tell(app.clone()));
    let watched = tokio::spawn(parts.watched(end.clone()));
    let closing = app.closing.clone();
    let parking = app.parking.clone();
    tokio::spawn(async move {
        end.cancelled().await;
        closing.cancel();
        tokio::time::sleep(settings.shutdown).await;
        parking.cancel();
    });
    let agents = agents(&app);
    let router = router(app.clone(), gate, agents.clone());
    let limits = Limits { connections: settings.connections, patience: settings.patience, stall: settings.stall };
    listen::serve(listener.0, router, limits, app.closing.clone(), app.parking.clone()).await;
    agents.end().await;
    let failed = watched.await;
    app.parking.cancel();
    // It ends with the parking.
    let _ = telling.await;
    match failed {
        Ok(None) => Ok(()),
        Ok(Some(name)) => Err(ServeError::Failed(name)),
        Err(_) => Err(ServeError::Failed("the one that looks after the others")),
    }
}

/// What runs beside the requests, each with a name.
#[derive(Default)]
struct Parts {
    tasks: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Parts {
    fn start(&mut self, name: &'static str, part: impl Future<Output = ()> + Send + 'static) {
        self.names.insert(self.tasks.spawn(part).id(), name);
    }

    /// Waits until all have ended. One that fails must not be missed: it cancels `end`, and the first is told.
    async fn watched(mut self, end: CancellationToken) -> Option<&'static str> {
        let mut first = None;
        while let Some(ended) = self.tasks.join_next_with_id().await {
            if let Err(error) = ended {
                let name = self.names.get(&error.id()).copied().unwrap_or_default();
                tracing::error!("a part of the server failed, so it ends: {name}");
                first = first.or(Some(name));
                end.cancel();
            }
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_fails_ends_the_server_and_is_named() {
        let end = CancellationToken::new();
        let mut parts = Parts::default();
        parts.start("goes on", end.clone().cancelled_owned());
        parts.start("fails", async { panic!("as it may") });
        assert_eq!(parts.watched(end.clone()).await, Some("fails"));
        assert!(end.is_cancelled());
        let mut parts = Parts::default();
        parts.start("ends", async {});
        let end = CancellationToken::new();
        assert_eq!((parts.watched(end.clone()).await, end.is_cancelled()), (None, false));
    }
}
