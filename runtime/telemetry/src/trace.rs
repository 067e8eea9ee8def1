//! The trace that something is a part of, in and out: the headers of W3C Trace Context.

use std::collections::HashMap;
use std::future::Future;

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{FutureExt as _, TraceContextExt as _};
use opentelemetry_http::HeaderInjector;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";

/// Characters of a `tracestate` that are passed on; what the recommendation asks for at least.
const MOST_STATE: usize = 512;

/// A trace, and the place in it that what follows is below; perhaps none.
#[derive(Debug, Clone, Default)]
pub struct Trace(Context);

impl Trace {
    /// That of whoever asks now.
    pub fn now() -> Trace {
        Trace(Context::current())
    }

    /// That of a request with these headers.
    pub fn of_headers(headers: &HeaderMap) -> Trace {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        Trace::of(text(PARENT), text(STATE))
    }

    /// That of these two texts, as the headers of the same names have them; what is not well formed is as none.
    pub fn of(traceparent: Option<&str>, tracestate: Option<&str>) -> Trace {
        let Some(parent) = traceparent.filter(|text| is_well_formed(text)) else { return Trace::default() };
        let state = tracestate.filter(|state| state.len() <= MOST_STATE).map(|state| (STATE, state));
        let carrier: HashMap<String, String> = [(PARENT, parent)]
            .into_iter()
            .chain(state)
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .collect();
        Trace(TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier))
    }

    /// This one, or the other where it is none.
    pub fn or(self, other: impl FnOnce() -> Trace) -> Trace {
        if self.0.span().span_context().is_valid() { self } else { other() }
    }

    /// Puts a span below it that was made, and in which nothing was done yet.
    pub fn adopt(&self, span: &Span) {
        // Where no spans are sent, there is nothing to be put anywhere.
        let _ = span.set_parent(self.0.clone());
    }

    /// Does something as a part of it.
    pub fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let _attached = self.0.clone().attach();
        work()
    }

    /// Runs a future as a part of it, on whatever thread.
    pub fn around<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        future.with_context(self.0)
    }
}

/// The headers by which a request that is sent now is a part of the trace of now; none where there is no trace.
pub fn outgoing() -> HeaderMap {
    let mut headers = HeaderMap::new();
    TraceContextPropagator::new().inject_context(&Context::current(), &mut HeaderInjector(&mut headers));
    // An empty state says nothing.
    if headers.get(STATE).is_some_and(|state| state.is_empty()) {
        headers.remove(STATE);
    }
    headers
}

/// Whether a text has the form of a `traceparent`: version, trace, span and flags, as digits in small letters. What versions to come add
/// behind that is left aside, as the recommendation says. Whoever reads it looks whether trace and span are not nothing.
fn is_well_formed(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(5, '-').collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let [version, trace, span, flags, ..] = parts[..] else { return false };
    let lengths = [version, trace, span, flags].map(str::len);
    let is_known = version != "00" || parts.len() == 4;
    lengths == [2, 32, 16, 2] && parts[..4].iter().all(is_hex) && version != "ff" && is_known
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_trace_goes_through() {
        let parent = format!("00-{TRACE}-{SPAN}-01");
        let came = headers(&[(PARENT, &parent), (STATE, "vendor=1")]);
        assert_eq!(Trace::of_headers(&came).within(outgoing), came);
        // Of later versions what is known is taken.
        let later = format!("01-{TRACE}-{SPAN}-01-more-of-it");
        assert_eq!(Trace::of(Some(&later), None).within(outgoing), headers(&[(PARENT, &parent)]));
        // A state that is too long costs the state alone.
        let state = format!("vendor={}", "x".repeat(MOST_STATE));
        assert_eq!(Trace::of(Some(&parent), Some(&state)).within(outgoing), headers(&[(PARENT, &parent)]));
        assert_eq!(outgoing(), HeaderMap::new(), "there is none without");
    }

    #[tokio::test]
    async fn a_future_is_a_part_of_it() {
        let parent = format!("00-{TRACE}-{SPAN}-00");
        let trace = Trace::of(Some(&parent), None);
        let inside = trace.clone().around(async {
            tokio::task::yield_now().await;
            (outgoing(), Trace::now())
        });
        let (sent, now) = inside.await;
        assert_eq!(sent, headers(&[(PARENT, &parent)]));
        assert_eq!((now.within(outgoing), outgoing()), (sent.clone(), HeaderMap::new()));
        assert_eq!(Trace::default().or(|| trace.clone()).within(outgoing), sent);
        let other = Trace::of(Some(&parent.replace("00-4", "00-5")), None);
        assert_ne!(other.or(|| trace).within(outgoing), sent);
    }

    #[test]
    fn what_is_not_well_formed_is_as_none() {
        for bad in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-+{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-0x"),
            format!("00-{TRACE}-{SPAN}-01\u{e9}"),
            format!("00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01"),
        ] {
            assert_eq!(Trace::of(Some(&bad), None).within(outgoing), HeaderMap::new(), "{bad}");
        }
        assert_eq!(Trace::of(None, Some("vendor=1")).within(outgoing), HeaderMap::new());
    }
}
