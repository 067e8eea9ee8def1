//! Lets attacks loose, each beside the neighbour.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use negawatt_host::{LoadError, Origin, Outcome, Skill, Status};
use tokio::task::JoinSet;

use crate::arena::{Arena, ArenaError, BAIT};
use crate::attack::{Attack, Deed, Ending, Expected, Seen};

/// What happened to one attack, and to the neighbour beside it.
#[derive(Debug, Clone)]
pub struct Row {
    /// What attacks of its kind go for.
    pub family: &'static str,
    /// Its name.
    pub attack: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What had to happen.
    pub expected: Expected,
    /// What happened.
    pub seen: Seen,
    /// How long the neighbour took.
    pub latency: Latency,
    /// What went wrong; `None` where all is as it must be.
    pub problem: Option<String>,
}

/// How long the neighbour's calls took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// The median where nothing else ran.
    pub alone: Duration,
    /// The median beside the attack.
    pub beside: Duration,
    /// Calls beside the attack.
    pub calls: usize,
}

/// Calls of the neighbour before there is any attack.
const CALLS_ALONE: usize = 50;

/// The neighbour is called this often beside an attack, one call after the other.
const PAUSE: Duration = Duration::from_millis(1);

/// Runs attacks, so many at a time, and hands each row to `watch` when it is there. The rows are in the attacks' order.
///
/// One at a time, the neighbour's latency is what the attack does to it.
pub async fn run(
    arena: &Arc<Arena>,
    attacks: Vec<Attack>,
    at_once: usize,
    mut watch: impl FnMut(&Row),
) -> Result<Vec<Row>, ArenaError> {
    let honest = arena.ask_neighbour().await?;
    if honest.status != Status::Ok {
        return Err(ArenaError(format!("the neighbour cannot be called: {:?}", honest.message)));
    }
    let mut times = Vec::with_capacity(CALLS_ALONE);
    for _ in 0..CALLS_ALONE {
        let began = Instant::now();
        arena.ask_neighbour().await?;
        times.push(began.elapsed());
    }
    let (honest, alone) = (Arc::new(honest), median(&mut times));
    let mut waiting = attacks.into_iter().enumerate();
    let mut running = JoinSet::new();
    let mut rows = Vec::new();
    loop {
        while running.len() < at_once.max(1)
            && let Some((nth, attack)) = waiting.next()
        {
            let (arena, honest) = (arena.clone(), honest.clone());
            running.spawn(async move { (nth, one(&arena, attack, &honest, alone).await) });
        }
        match running.join_next().await {
            Some(done) => {
                let (nth, row) = done.map_err(ArenaError::of)?;
                watch(&row);
                rows.push((nth, row));
            }
            None => break,
        }
    }
    rows.sort_by_key(|(nth, _)| *nth);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// One attack, with the neighbour called before it, beside it, and after it.
async fn one(arena: &Arc<Arena>, attack: Attack, honest: &Outcome, alone: Duration) -> Row {
    let over = Arc::new(AtomicBool::new(false));
    let beside = async {
        let (mut times, mut spoilt) = (Vec::new(), None);
        loop {
            // Read before the call: one more is made after the attack.
            let last = over.load(Relaxed);
            let began = Instant::now();
            match arena.ask_neighbour().await {
                Ok(outcome) if same(&outcome, honest) => {}
                Ok(outcome) => {
                    spoilt = Some(format!("the neighbour was answered {:?} {:?}", outcome.status, outcome.message))
                }
                Err(error) => spoilt = Some(error.to_string()),
            }
            times.push(began.elapsed());
            if last || spoilt.is_some() {
                break (times, spoilt);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let deed = {
        let (arena, attack, over) = (arena.clone(), attack.clone(), over.clone());
        let began = Instant::now();
        async move {
            // A task of its own, so that one that blocks or panics does neither to the neighbour.
            let done = tokio::spawn(async move { perform(&arena, &attack).await }).await;
            over.store(true, Relaxed);
            done.unwrap_or_else(|_| Seen::since(began, Ending::Broken, "the host panicked"))
        }
    };
    let (seen, (mut times, spoilt)) = tokio::join!(deed, beside);
    let calls = times.len();
    let latency = Latency { alone, beside: median(&mut times), calls };
    let problem = spoilt.or_else(|| judge(&attack.expected, &seen));
    let Attack { family, name, about, expected, .. } = attack;
    Row { family, attack: name, about, expected, seen, latency, problem }
}

/// What is not as it must be.
fn judge(expected: &Expected, seen: &Seen) -> Option<String> {
    if seen.out.windows(BAIT.len()).any(|window| window == BAIT.as_bytes()) {
        return Some("it saw what it may not see".to_owned());
    }
    if seen.ending != expected.ending {
        return Some(format!("it ended {}, and had to end {}", seen.ending, expected.ending));
    }
    (!seen.said.contains(expected.says)).then(|| format!("nothing was said of {:?}", expected.says))
}

/// Whether two calls answered the same, byte for byte, and asked the same.
fn same(one: &Outcome, other: &Outcome) -> bool {
    let answers = |outcome: &Outcome| {
        let answers = outcome.answers.iter().map(|answer| (answer.request.clone(), answer.response.clone()));
        answers.collect::<Vec<_>>()
    };
    // As text, numbers that are NaN are equal too.
    (one.status, format!("{:?}", one.findings), answers(one))
        == (other.status, format!("{:?}", other.findings), answers(other))
}

async fn perform(arena: &Arc<Arena>, attack: &Attack) -> Seen {
    let (wasm, title, granted) = match &attack.deed {
        Deed::Act(act) => return act(arena.clone()).await,
        Deed::Skill { wasm, title, granted } => (wasm.get(), arena.hashes.fill(title), *granted),
    };
    let began = Instant::now();
    let grants = match arena.grants(attack.limits, granted) {
        Ok(grants) => grants,
        Err(error) => return Seen::since(began, Ending::Broken, error.to_string()),
    };
    // As in a case: read, then held against the grants, and only then compiled and called.
    let loading = arena.clone();
    let loaded = tokio::task::spawn_blocking(move || {
        let skill = Skill::read(wasm, Origin::Loaded)?;
        let may_run = grants.rights(&skill);
        if may_run.is_ok() {
            loading.host.compile(&skill)?;
        }
        Ok::<_, LoadError>((Arc::new(skill), grants, may_run))
    });
    match loaded.await {
        Ok(Ok((_, _, Err(denial)))) => Seen::since(began, Ending::Called(Status::Denied), denial.to_string()),
        Ok(Ok((skill, grants, Ok(_)))) => {
            let began = Instant::now();
            Seen::call(began, &arena.call(&skill, &grants, &title).await)
        }
        Ok(Err(reason)) => Seen::since(began, Ending::Refused, reason.to_string()),
        Err(_) => Seen::since(began, Ending::Broken, "the host panicked"),
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
