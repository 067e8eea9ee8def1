//! Spans of tracing for a call and what it asks: how long each took, and how it ended. What is known only then is noted then.

use negawatt_package::Tool;
use tracing::field::{Empty, display};
use tracing::{Span, debug_span};

use crate::call::{Status, Usage};
use crate::model::Error;

/// The span of one call of a skill.
pub(crate) fn call() -> Span {
    debug_span!(
        "call",
        status = Empty,
        wall_us = Empty,
        guest_us = Empty,
        tools_us = Empty,
        tool_calls = Empty,
        read_bytes = Empty,
        peak_memory_bytes = Empty,
        fuel = Empty,
        otel.status_code = Empty,
    )
}

/// Notes how a call ended.
pub(crate) fn called(span: &Span, status: Status, usage: &Usage) {
    span.record("status", display(status))
        .record("wall_us", usage.wall_us)
        .record("guest_us", usage.guest_us)
        .record("tools_us", usage.tools_us)
        .record("tool_calls", usage.tool_calls)
        .record("read_bytes", usage.read_bytes)
        .record("peak_memory_bytes", usage.peak_memory_bytes);
    if status != Status::Ok {
        span.record("otel.status_code", "ERROR");
    }
}

/// The span of one question to a tool. What stands behind the tool notes itself as its `source`.
pub(crate) fn tool(tool: Tool, function: &str) -> Span {
    debug_span!(
        "tool",
        %tool,
        function,
        source = Empty,
        outcome = Empty,
        bytes = Empty,
        otel.kind = "client",
        otel.status_code = Empty,
    )
}

/// Notes how a question was answered, and with how many bytes, encoded.
pub(crate) fn answered<A>(span: &Span, answered: &Result<A, Error>, bytes: usize) {
    span.record("outcome", answered.as_ref().err().map_or("ok", Error::code)).record("bytes", bytes);
    if answered.is_err() {
        span.record("otel.status_code", "ERROR");
    }
}
