//! The base: WASI 0.2 linked to an empty world, because language runtimes import it by themselves.
//!
//! No preopened folders, no network, no environment, no arguments. The clocks stand at the case's time, randomness comes from
//! the case and the step, and what is written to standard output and error is kept up to a limit.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use tokio::io::AsyncWrite;
use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, OutputStream, Pollable, StreamError, StreamResult, subscribe};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use crate::call::CallState;
use crate::model::Timestamp;
use crate::record::lock;
use crate::tools::http::Idle;

/// Puts the base into a linker.
pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    // Its timers would sleep for real: ours replace them.
    linker.allow_shadowing(true);
    let linked = monotonic_clock::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state);
    linker.allow_shadowing(false);
    linked
}

/// The empty world of one call.
pub(crate) fn context(now: Timestamp, seed: u64, clock: &Clock, out: &Output, err: &Output) -> WasiCtx {
    let random = |stream: u64| {
        let mut random = ChaCha12Rng::seed_from_u64(seed);
        random.set_stream(stream);
        random
    };
    WasiCtx::builder()
        .wall_clock(WallClock { start: now, clock: clock.clone() })
        .monotonic_clock(clock.clone())
        .secure_random(random(1))
        .insecure_random(random(2))
        .insecure_random_seed(u128::from(seed))
        .max_random_size(1 << 20)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .stdout(out.clone())
        .stderr(err.clone())
        .build()
}

/// Whether all interfaces of a package such as `wasi:io` are inert here.
pub(crate) fn is_base(package: &str) -> bool {
    matches!(package, "wasi:cli" | "wasi:clocks" | "wasi:filesystem" | "wasi:io" | "wasi:random" | "wasi:sockets")
}

/// A clock that only the guest's own calls move: each reading by a microsecond, so that nobody who waits for it waits for ever,
/// and each timer to its end.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<AtomicU64>);

const READING: u64 = 1_000;

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        READING
    }

    fn now(&self) -> u64 {
        self.0.fetch_add(READING, Relaxed)
    }
}

/// The case's time, moved by the same clock.
struct WallClock {
    start: Timestamp,
    clock: Clock,
}

impl HostWallClock for WallClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(READING)
    }

    /// WASI 0.2 cannot tell a time before 1970: such a case stands at the epoch.
    fn now(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.start).unwrap_or(0))
            .saturating_add(Duration::from_nanos(self.clock.now()))
    }
}

impl monotonic_clock::Host for CallState {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.clock.now())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(self.clock.resolution())
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let timer = Timer { clock: self.clock.clone(), when, idle: self.requests.idle() };
        let timer = self.table.push(timer)?;
        subscribe(&mut self.table, timer)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let when = self.clock.now().saturating_add(duration);
        monotonic_clock::Host::subscribe_instant(self, when)
    }
}

/// A timer that is over as soon as somebody waits for it: the clock jumps to its end. While requests over HTTP are under way
/// the clock stands still, so that no time-out of a skill is over before an answer could be there.
struct Timer {
    clock: Clock,
    when: u64,
    idle: Idle,
}

#[async_trait::async_trait]
impl Pollable for Timer {
    async fn ready(&mut self) {
        if self.clock.0.load(Relaxed) >= self.when {
            return;
        }
        self.idle.wait().await;
        self.clock.0.fetch_max(self.when, Relaxed);
        // A guest that does nothing but wait must still be stoppable.
        tokio::task::yield_now().await;
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// What a guest writes to standard output or error: the first bytes are kept, the rest is dropped.
#[derive(Clone)]
pub(crate) struct Output {
    kept: Arc<Mutex<Vec<u8>>>,
    limit: usize,
}

impl Output {
    pub(crate) fn new(limit: u64) -> Output {
        Output { kept: Arc::default(), limit: usize::try_from(limit).unwrap_or(usize::MAX) }
    }

    fn keep(&self, bytes: &[u8]) {
        let mut kept = lock(&self.kept);
        let room = self.limit.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(&bytes[..room]);
    }

    pub(crate) fn take(&self) -> String {
        let kept = std::mem::take(&mut *lock(&self.kept));
        String::from_utf8_lossy(&kept).into_owned()
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.keep(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[async_trait::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.keep(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(64 << 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_stand_at_the_cases_time_and_go_on_by_readings() {
        let clock = Clock::default();
        let wall = |start| WallClock { start, clock: clock.clone() };
        assert_eq!((clock.resolution(), wall(0).resolution()), (1_000, Duration::from_micros(1)));
        assert_eq!(HostMonotonicClock::now(&clock), 0);
        assert_eq!(HostWallClock::now(&wall(5_000_000)), Duration::from_micros(5_000_001));
        assert_eq!(HostWallClock::now(&wall(-5)), Duration::from_micros(2), "no time is before 1970");
        assert_eq!(HostMonotonicClock::now(&clock), 3_000);
    }

    #[test]
    fn the_first_bytes_of_what_is_written_are_kept() {
        let output = Output::new(5);
        assert!(!output.is_terminal());
        for (written, kept) in [(&["abc", "def", "g"][..], "abcde"), (&["ab"], "ab"), (&[], "")] {
            written.iter().for_each(|text| output.keep(text.as_bytes()));
            assert_eq!(output.take(), kept);
        }
    }
}
