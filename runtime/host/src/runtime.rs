//! The runtime that guests run on.

use tokio::runtime::Builder;

/// After so many tasks a thread looks at timers, sockets, and at what other threads woke.
const TASKS: u32 = 4;

/// A runtime for a program that calls skills, ready to be built.
///
/// Of its own, tokio looks around after 61 tasks, which is soon where each takes microseconds. A guest that computes gives way after
/// a millisecond or two: beside a few of them, a time-out or an answer would wait for a tenth of a second.
pub fn runtime() -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().event_interval(TASKS).global_queue_interval(TASKS);
    builder
}
