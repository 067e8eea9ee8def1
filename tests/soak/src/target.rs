//! What hears of a server: webhooks of its notices, and the effects of its skills.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use negawatt_test_servers::{HttpServer, Request, Response};

use crate::signal::{Bus, Signal};

/// A notice that came, perhaps several times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its body, the same each time unless [`Heard::differs`].
    pub body: String,
    /// How often it came.
    pub times: usize,
    /// Whether it came with another body as well.
    pub differs: bool,
}

#[derive(Debug, Default)]
struct Kept {
    /// By the path that it came to and its `webhook-id`.
    notices: BTreeMap<(String, String), Heard>,
    /// How often each effect came, by its name.
    effects: BTreeMap<String, usize>,
}

/// It.
pub struct Target {
    server: HttpServer,
    kept: Arc<Mutex<Kept>>,
}

impl Target {
    /// Starts it; all that comes is told.
    pub fn start(bus: Bus) -> Target {
        let kept = Arc::<Mutex<Kept>>::default();
        let keeps = kept.clone();
        let server = HttpServer::start(move |request| {
            let signal = lock(&keeps).keep(request);
            bus.send(signal);
            Response::json("{}")
        });
        Target { server, kept }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Where effects go.
    pub fn effects_url(&self) -> String {
        format!("{}/effects", self.server.url())
    }

    /// What came to each path as a notice, by path and id.
    pub fn notices(&self) -> BTreeMap<(String, String), Heard> {
        lock(&self.kept).notices.clone()
    }

    /// How often each effect came.
    pub fn effects(&self) -> BTreeMap<String, usize> {
        lock(&self.kept).effects.clone()
    }
}

impl Kept {
    fn keep(&mut self, request: &Request) -> Signal {
        if let Some(name) = request.target.strip_prefix("/effects/") {
            *self.effects.entry(name.to_owned()).or_default() += 1;
            return Signal::Affected;
        }
        let id = request.headers.iter().find(|(name, _)| name == "webhook-id").map(|(_, id)| id.clone());
        let key = (request.target.clone(), id.unwrap_or_default());
        let heard = Heard { body: request.body.clone(), times: 0, differs: false };
        let heard = self.notices.entry(key).or_insert(heard);
        heard.times += 1;
        heard.differs |= heard.body != request.body;
        Signal::Noticed
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
