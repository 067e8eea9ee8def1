//! The forge `github` on a GitHub that remembers, with a clock that never waits.

use std::ops::Deref;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use negawatt_actions::forge::*;
use negawatt_test_servers::GitHub as Fake;
pub use negawatt_test_servers::{Fault, Request, Response};

use crate::support::*;

pub const TOKEN: &str = Fake::TOKEN;

/// The time where the tests begin, in seconds since the Unix epoch.
pub const START: i64 = 1_763_536_300;

/// The server, and what a forge on it needs.
pub struct GitHub {
    fake: Fake,
    pub clock: Arc<TestClock>,
    folder: tempfile::TempDir,
}

impl Deref for GitHub {
    type Target = Fake;

    fn deref(&self) -> &Fake {
        &self.fake
    }
}

/// A clock that never waits.
#[derive(Debug, Default)]
pub struct TestClock(pub Mutex<Vec<u64>>);

#[async_trait::async_trait]
impl Clock for TestClock {
    fn now(&self) -> i64 {
        START + i64::try_from(self.0.lock().unwrap().iter().sum::<u64>()).unwrap()
    }

    async fn sleep(&self, time: Duration) {
        self.0.lock().unwrap().push(time.as_secs());
    }
}

/// A status with an error as GitHub tells it.
pub fn error(status: u16, message: &str) -> Response {
    Fake::error(status, message)
}

impl GitHub {
    /// One whose repository is the shop's remote.
    pub fn of(shop: &Shop) -> GitHub {
        GitHub::checking(shop, |_, response| response)
    }

    /// The same, with somebody who looks at requests and answers.
    pub fn checking(shop: &Shop, check: impl Fn(&Request, Response) -> Response + Send + Sync + 'static) -> GitHub {
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
        GitHub { fake: Fake::checking(&shop.remote.0, check), clock: Arc::default(), folder }
    }

    pub fn settings(&self) -> GitHubSettings {
        GitHubSettings {
            base_url: self.url(),
            clock: self.clock.clone(),
            ..GitHubSettings::new("acme/shop", TokenSource::File(self.folder.path().join("token")))
        }
    }

    pub fn forge(&self) -> GitHubForge {
        GitHubForge::configure(self.settings()).unwrap()
    }

    pub fn waited(&self) -> Vec<u64> {
        self.clock.0.lock().unwrap().clone()
    }
}
