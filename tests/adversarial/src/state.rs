//! Keeping something from call to call, and learning something from time.

use std::sync::Arc;
use std::time::Instant;

use negawatt_host::{Outcome, Status};
use negawatt_test_guests::{INTRUDER, MISCHIEF};

use crate::arena::Arena;
use crate::attack::{Attack, Ending, Seen};
use crate::components;

/// Calls at once, many more than there are places.
const CALLS: usize = 2_000;

pub(crate) fn attacks() -> Vec<Attack> {
    Attack::family(
        "state",
        [
            Attack::act("state-between-calls", "Counts its calls in its memory.", |arena| {
                Box::pin(twice(arena, MISCHIEF, ["state", "state"]))
            })
            .must(Ending::Held, "the same twice"),
            Attack::act(
                "surroundings-between-calls",
                "Compares clocks, random numbers and files of two calls.",
                |arena| Box::pin(twice(arena, MISCHIEF, ["surroundings", "surroundings"])),
            )
            .must(Ending::Held, "the same twice"),
            Attack::act(
                "time-of-an-answer",
                "Tells by the clock whether what it asked for exists, where the answer does not say.",
                |arena| Box::pin(twice(arena, INTRUDER, ["time\u{1f}cpu", "time\u{1f}no_such_metric"])),
            )
            .must(Ending::Held, "the same twice"),
            Attack::act("thousands-of-calls", "Is called two thousand times at once.", |arena| {
                Box::pin(thousands(arena))
            })
            .must(Ending::Held, "2000 of 2000 ended ok"),
            Attack::act("loops-in-every-place", "Computes for ever in as many sandboxes as it may have.", |arena| {
                Box::pin(loops(arena))
            })
            .must(Ending::Held, "64 of 64 were stopped"),
        ],
    )
}

/// Two calls, which must come to the same.
async fn twice(arena: Arc<Arena>, wasm: &'static [u8], titles: [&str; 2]) -> Seen {
    let held = async {
        let skill = arena.load(wasm.to_vec()).map_err(|error| error.to_string())?;
        let grants = arena.grants("", true).map_err(|error| error.to_string())?;
        let began = Instant::now();
        let first = arena.call(&skill, &grants, titles[0]).await;
        let second = arena.call(&skill, &grants, titles[1]).await;
        let same = first.findings == second.findings && first.status == Status::Ok && !first.findings.is_empty();
        if same {
            Ok((began, "the same twice"))
        } else {
            Err(format!("{:?}, then {:?}", first.findings, second.findings))
        }
    };
    Seen::held(held.await)
}

/// Calls at once; each counts that ends as it must.
async fn at_once(
    arena: Arc<Arena>,
    name: &str,
    calls: usize,
    limits: &str,
    ends: fn(&Outcome) -> bool,
) -> Result<(Instant, usize), String> {
    let skill = arena.load(components::component(name).to_vec()).map_err(|error| error.to_string())?;
    let grants = arena.grants(limits, true).map_err(|error| error.to_string())?;
    let began = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..calls {
        let (arena, skill, grants) = (arena.clone(), skill.clone(), grants.clone());
        running.spawn(async move { arena.call(&skill, &grants, "").await });
    }
    let mut ended = 0;
    while let Some(outcome) = running.join_next().await {
        ended += usize::from(outcome.is_ok_and(|outcome| ends(&outcome)));
    }
    Ok((began, ended))
}

async fn thousands(arena: Arc<Arena>) -> Seen {
    let ended = at_once(arena, "boastful-manifest", CALLS, "", |outcome| outcome.status == Status::Ok).await;
    Seen::held(ended.map(|(began, ended)| (began, format!("{ended} of {CALLS} ended ok"))))
}

async fn loops(arena: Arc<Arena>) -> Seen {
    let stopped = |outcome: &Outcome| outcome.status == Status::Timeout;
    let ended = at_once(arena, "infinite-loop", 64, "compute = \"10ms\"", stopped).await;
    Seen::held(ended.map(|(began, ended)| (began, format!("{ended} of 64 were stopped"))))
}
