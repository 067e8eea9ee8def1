//! Measures where a call's time goes: the guest computes, or a tool works.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Times of one call. A call is polled by one thread at a time, so plain loads and stores suffice.
#[derive(Debug)]
pub(crate) struct Meter {
    base: Instant,
    /// Nanoseconds after `base` at which the poll under way began; 0 for none.
    entered: AtomicU64,
    /// Nanoseconds inside polls of the whole call.
    polled: AtomicU64,
    /// Nanoseconds inside polls of tools.
    polled_tools: AtomicU64,
    /// Nanoseconds of wall time in tools.
    tools: AtomicU64,
}

impl Meter {
    pub(crate) fn new() -> Meter {
        let zero = || AtomicU64::new(0);
        Meter { base: Instant::now(), entered: zero(), polled: zero(), polled_tools: zero(), tools: zero() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
    }

    /// Wall time since the call began.
    pub(crate) fn wall(&self) -> Duration {
        self.base.elapsed()
    }

    /// How long the poll under way has been going on.
    pub(crate) fn polling(&self) -> Duration {
        match self.entered.load(Relaxed) {
            0 => Duration::ZERO,
            entered => Duration::from_nanos(self.now().saturating_sub(entered)),
        }
    }

    /// Time in the guest alone, up to now.
    pub(crate) fn compute(&self) -> Duration {
        let entered = self.entered.load(Relaxed);
        let under_way = if entered == 0 { 0 } else { self.now().saturating_sub(entered) };
        Duration::from_nanos((self.polled.load(Relaxed) + under_way).saturating_sub(self.polled_tools.load(Relaxed)))
    }

    /// Wall time in tools.
    pub(crate) fn tools(&self) -> Duration {
        Duration::from_nanos(self.tools.load(Relaxed))
    }

    /// Measures the whole call.
    pub(crate) fn call<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        let mut future = Box::pin(future);
        std::future::poll_fn(move |context| {
            let start = self.now();
            self.entered.store(start, Relaxed);
            let polled = future.as_mut().poll(context);
            self.polled.fetch_add(self.now() - start, Relaxed);
            self.entered.store(0, Relaxed);
            polled
        })
    }

    /// A tool that did not work inside of the call's polls began at a wall time, and is over. Those that work at the same time
    /// count each.
    pub(crate) fn waited(&self, began: Duration) {
        let waited = self.wall().saturating_sub(began);
        self.tools.fetch_add(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Measures one tool call inside it.
    pub(crate) fn tool<'a, F: Future + Send + 'a>(&'a self, future: F) -> ToolTime<'a, F> {
        ToolTime { meter: self, began: self.now(), future: Box::pin(future) }
    }
}

/// A tool call whose time is measured, also when it is dropped before its end.
pub(crate) struct ToolTime<'a, F> {
    meter: &'a Meter,
    began: u64,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for ToolTime<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let start = self.meter.now();
        let polled = self.future.as_mut().poll(context);
        self.meter.polled_tools.fetch_add(self.meter.now() - start, Relaxed);
        polled
    }
}

impl<F> Drop for ToolTime<'_, F> {
    fn drop(&mut self) {
        self.meter.tools.fetch_add(self.meter.now().saturating_sub(self.began), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: Duration = Duration::from_millis(1);

    fn work() {
        let began = Instant::now();
        while began.elapsed() < PART {}
    }

    #[tokio::test]
    async fn the_guest_computes_while_it_is_polled_and_no_tool_works() {
        let meter = Meter::new();
        work();
        let inside = async {
            work();
            let seen = (meter.compute(), meter.polling());
            meter.tool(async { work() }).await;
            seen
        };
        let (computing, polling) = meter.call(inside).await;
        assert!(computing >= PART && polling >= PART, "{computing:?} {polling:?}");
        let (computed, tools, wall) = (meter.compute(), meter.tools(), meter.wall());
        assert!(computed >= PART && computed + 2 * PART <= wall, "{computed:?} {wall:?}");
        assert!(tools >= PART && tools + 2 * PART <= wall, "{tools:?} {wall:?}");
        work();
        assert_eq!((meter.compute(), meter.polling()), (computed, Duration::ZERO), "nothing goes on");
    }
}
