//! What a step does outside is recorded before it does it, and never done twice.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use negawatt_casebook::{Case, Casebook};
use negawatt_host::model::Answer;
use negawatt_host::{Mcp, Scope, Status, Tools};
use negawatt_planner::Progress;
use negawatt_test_guests::SENDER;
use tokio_util::sync::CancellationToken;

use crate::world::{Card, World, ended, grant, incident};

/// Posts without having seen anything, in the first wave.
const SENDS: Card<'_> = Card { component: SENDER, name: "sends", consumes: "", reads: "", produces: "suspect" };

/// A server that looks into the casebook while it is called, and may never answer.
struct Server {
    book: Casebook,
    calls: Mutex<Vec<Case>>,
    stops: Option<CancellationToken>,
}

#[async_trait]
impl Mcp for Server {
    async fn call(&self, _: &Scope, _: String, _: String, _: String) -> Answer<String> {
        let id = self.book.list(1).unwrap()[0].id;
        self.calls.lock().unwrap().push(self.book.load(&id).unwrap());
        if let Some(stops) = &self.stops {
            stops.cancel();
            std::future::pending::<()>().await;
        }
        Ok("{}".to_owned())
    }
}

fn world(stops: Option<CancellationToken>) -> (World, Arc<Server>) {
    let mut world = World::new(&[SENDS], &[grant("*")]);
    let server = Arc::new(Server { book: world.book.clone(), calls: Mutex::default(), stops });
    world.runtime.tools = Arc::new(Tools { mcp: Some(server.clone()), ..Tools::default() });
    (world, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_intent_is_on_the_disk_before_the_effect() {
    let (world, server) = world(None);
    let case = world.case("post").await;
    assert_eq!(ended(&case), [("sends", Status::Ok)]);
    let [seen] = &server.calls.lock().unwrap()[..] else { panic!("it was called more than once") };
    assert_eq!(seen.steps[0].intents, ["mcp hub/post"]);
    assert!(seen.steps[0].calls.is_empty());
    assert_eq!(case.steps[0].intents, ["mcp hub/post"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_that_may_have_happened_is_not_repeated() {
    let cancel = CancellationToken::new();
    let (world, server) = world(Some(cancel.clone()));
    let open = world.investigate(incident("post"), Arc::new(|_| {}), cancel).await;
    assert!(open.end.is_none() && open.steps[0].calls.is_empty());
    let case = world.resume(&open.id).await;
    assert_eq!(server.calls.lock().unwrap().len(), 1);
    assert_eq!(ended(&case), [("sends", Status::Error)]);
    let message = case.steps[0].calls[0].message.as_deref().unwrap();
    assert!(message.contains("(mcp hub/post)") && message.contains("is not repeated"), "{message}");
    assert!(case.concluded().is_some() && world.book.standings().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_without_an_intent_is_taken_when_the_case_goes_on() {
    let (world, server) = world(None);
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    let watcher = move |progress: &Progress| {
        if matches!(progress, Progress::Planned(_)) {
            token.cancel();
        }
    };
    let open = world.investigate(incident("post"), Arc::new(watcher), cancel).await;
    assert!(open.end.is_none() && server.calls.lock().unwrap().is_empty());
    assert_eq!(ended(&world.resume(&open.id).await), [("sends", Status::Ok)]);
    assert_eq!(server.calls.lock().unwrap().len(), 1);
}
