//! Limits that all calls share, and what is taken as a skill.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use negawatt_host::limits::HostLimits;
use negawatt_host::scan::ScanError;
use negawatt_host::{Envelope, Host, HostConfig, LoadError, Origin, Skill, Status, Tools};
use negawatt_test_guests::MISCHIEF;
use tokio::sync::mpsc;

use crate::{SKILL, Samples, TALKER, envelope, note, run};

fn host(limits: HostLimits) -> Arc<Host> {
    Arc::new(Host::new(HostConfig { limits, ..HostConfig::default() }).unwrap())
}

/// A call that waits until it is cancelled, and tells when it waits.
fn waiting(asked: &mpsc::UnboundedSender<()>) -> Envelope {
    let metrics = Samples { asked: asked.clone() };
    Envelope { tools: Arc::new(Tools { metrics: Some(Arc::new(metrics)), ..Tools::default() }), ..envelope("wait") }
}

/// Begins two calls, which wait, and a third, which must not begin before one of the two has ended.
async fn two_at_a_time(host: Arc<Host>, meanwhile: impl Future<Output = ()>) {
    host.compile(&SKILL).unwrap();
    let (asked, mut begun) = mpsc::unbounded_channel();
    let two: Vec<_> = (0..2)
        .map(|_| {
            let envelope = waiting(&asked);
            let cancel = envelope.cancel.clone();
            let host = host.clone();
            (cancel, tokio::spawn(async move { run(&host, &SKILL, envelope).await }))
        })
        .collect();
    begun.recv().await.unwrap();
    begun.recv().await.unwrap();
    let envelope = waiting(&asked);
    let cancelled = envelope.cancel.clone();
    let mut third = pin!(run(&host, &SKILL, envelope));
    // Far more turns than a call needs that has a place.
    for _ in 0..1_000 {
        let ended = poll_fn(|context| Poll::Ready(third.as_mut().poll(context).is_ready())).await;
        assert!(!ended && begun.try_recv().is_err(), "the third call began");
        tokio::task::yield_now().await;
    }
    meanwhile.await;
    assert!(begun.try_recv().is_err(), "the third call began");
    // One of the two ends, and the third takes its place.
    two[0].0.cancel();
    tokio::select! {
        _ = &mut third => panic!("it waits until it is cancelled"),
        begun = begun.recv() => begun.unwrap(),
    }
    cancelled.cancel();
    assert_eq!(third.await.status, Status::Cancelled);
    two[1].0.cancel();
    for (_, call) in two {
        assert_eq!(call.await.unwrap().status, Status::Cancelled);
    }
}

#[tokio::test]
async fn calls_at_the_same_time_are_limited() {
    two_at_a_time(host(HostLimits { calls: 2, ..HostLimits::default() }), async {}).await;
}

#[tokio::test]
async fn calls_per_skill_at_the_same_time_are_limited() {
    let host = host(HostLimits { calls_per_skill: 2, calls: 3, ..HostLimits::default() });
    // What waits for its own skill's places takes none from others.
    let other = host.clone();
    two_at_a_time(host, async move { assert_eq!(note(&run(&other, &TALKER, envelope("ask 0")).await), "0") }).await;
}

#[test]
fn component_bytes_are_limited() {
    let compile = |component_bytes: u64| {
        let host = host(HostLimits { component_bytes, ..HostLimits::default() });
        host.compile(&SKILL)
    };
    let has = MISCHIEF.len() as u64;
    assert_eq!(compile(has), Ok(()));
    let error = compile(has - 1).unwrap_err();
    assert_eq!(error, LoadError::Scan(ScanError::Bytes { has, most: has - 1 }));
    assert!(error.to_string().contains("[host] component_bytes"), "{error}");
}

#[test]
fn what_an_operator_trusts_is_not_counted() {
    // Bundled skills are part of the program, like its own code.
    let bundled = Skill::read(MISCHIEF, Origin::Bundled).unwrap();
    let host = host(HostLimits { component_bytes: 1, ..HostLimits::default() });
    assert_eq!(host.compile(&bundled), Ok(()));
}
