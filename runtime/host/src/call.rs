//! One call of one skill: a fresh sandbox, every limit, and the record of what it asked.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use negawatt_package::Tool;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};
use wasmtime::component::ResourceTable;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi_http::WasiHttpCtx;

use crate::bindings::AllPre;
use crate::budget::SharedBudget;
use crate::deadline::within;
use crate::effects::Effects;
use crate::engine;
use crate::grants::HttpRule;
use crate::limits::{Fuel, Limits};
use crate::memory::Memory;
use crate::meter::Meter;
use crate::model::log::Level;
use crate::model::{Answer, Budget, CaseView, Error, Finding, Incident};
use crate::record::{Record, encode, lock, micros};
use crate::replay;
use crate::scope::Scope;
use crate::spans;
use crate::text::{printable, shorten};
use crate::tools::Tools;
use crate::tools::http::{self, Requests};
use crate::wasi::{self, Clock, Output};

/// How a step ended. The words are those of the fixed output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It returned findings, or none.
    Ok,
    /// It returned an error, or the host failed.
    Error,
    /// It was refused, before it ran or while.
    Denied,
    /// It trapped.
    Trap,
    /// Its time was over.
    Timeout,
    /// The case or the step was cancelled.
    Cancelled,
    /// A limit other than time was spent.
    OverBudget,
    /// It is no skill, or what it returned does not hold.
    Invalid,
    /// It was planned and did not run.
    Skipped,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Ok => "ok",
            Status::Error => "error",
            Status::Denied => "denied",
            Status::Trap => "trap",
            Status::Timeout => "timeout",
            Status::Cancelled => "cancelled",
            Status::OverBudget => "over-budget",
            Status::Invalid => "invalid",
            Status::Skipped => "skipped",
        })
    }
}

/// What a call is given.
#[derive(Clone)]
pub struct Envelope {
    /// What the skill is told.
    pub case: CaseView,
    /// The tools' scope in this case.
    pub scope: Arc<Scope>,
    /// What stands behind the tools.
    pub tools: Arc<Tools>,
    /// What it may spend.
    pub limits: Limits,
    /// What is left for all calls of the case together; absent where a skill is called alone.
    pub budget: Option<Arc<SharedBudget>>,
    /// Is told of every outside effect before it happens; absent where there is no record.
    pub effects: Option<Arc<dyn Effects>>,
    /// Ends the call, and every tool call under way.
    pub cancel: CancellationToken,
    /// Hears how far the work is: from 0 to 1, and what is being done.
    pub progress: Option<OnProgress>,
}

impl Envelope {
    /// Of a call outside of any case: nothing is on the board, and the scope is what the incident names.
    pub fn alone(incident: Incident, tools: Arc<Tools>, limits: Limits) -> Envelope {
        let scope = Arc::new(Scope::of(&incident, [], 0));
        let case = CaseView {
            now: incident.window.end,
            incident,
            evidence: Vec::new(),
            explains: None,
            budget: Budget::of(&limits),
            seed: 0,
            fleet: None,
            extra: Vec::new(),
        };
        let cancel = CancellationToken::new();
        Envelope { case, scope, tools, limits, budget: None, effects: None, cancel, progress: None }
    }
}

impl Budget {
    /// All that these limits allow.
    pub fn of(limits: &Limits) -> Budget {
        Budget {
            tool_calls: limits.tool_calls,
            read_bytes: limits.read_bytes,
            findings: limits.findings,
            time: micros(limits.time),
        }
    }
}

/// Hears how far a call is.
pub type OnProgress = Arc<dyn Fn(f64, &str) + Send + Sync>;

/// What a call yields besides findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Wall time, tools included, in microseconds.
    pub wall_us: u64,
    /// Time in the guest, in microseconds.
    pub guest_us: u64,
    /// Wall time in tools, in microseconds.
    pub tools_us: u64,
    /// Calls of tools.
    pub tool_calls: u32,
    /// Bytes of questions to tools and of their answers.
    pub read_bytes: u64,
    /// The most memory that it held, in bytes.
    pub peak_memory_bytes: u64,
}

/// An answer of a tool, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolAnswer {
    /// Which tool.
    pub tool: Tool,
    /// Which of its functions.
    pub function: String,
    /// The arguments, encoded.
    pub request: Vec<u8>,
    /// The answer, encoded.
    pub response: Vec<u8>,
    /// The error's message, if it was one.
    pub error: Option<String>,
    /// Wall time in microseconds.
    pub wall_us: u64,
}

/// How a call ended, and all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The findings, checked; empty unless the status is `ok`.
    pub findings: Vec<Finding>,
    /// How it ended.
    pub status: Status,
    /// What went wrong, and what to do about it.
    pub message: Option<String>,
    /// What it spent.
    pub usage: Usage,
    /// What it asked, in order, with the answers.
    pub answers: Vec<ToolAnswer>,
    /// What it logged, wrote to standard output and wrote to standard error; untrusted.
    pub log: Vec<String>,
    /// Whether the skill returned an error; else the host ended it, or it ended itself.
    pub is_returned: bool,
    /// Whether the case's budget came to its end in it: what it could not do for that is no fault of the skill.
    pub case_spent: bool,
}

impl Outcome {
    /// An outcome of a call that did not happen.
    pub fn without_call(status: Status, message: String) -> Outcome {
        Outcome {
            findings: Vec::new(),
            status,
            message: Some(message),
            usage: Usage::default(),
            answers: Vec::new(),
            log: Vec::new(),
            is_returned: false,
            case_spent: false,
        }
    }

    /// The tools that it called.
    pub fn tools(&self) -> BTreeSet<Tool> {
        self.answers.iter().map(|answer| answer.tool).collect()
    }
}

/// Bytes of a text of progress that are passed on.
const MAX_PROGRESS: usize = 200;

/// Characters of an error's text that are kept.
const MAX_MESSAGE: usize = 2_000;

/// The state of one sandbox.
pub(crate) struct CallState {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) clock: Clock,
    /// What `wasi:http` keeps.
    pub(crate) http: WasiHttpCtx,
    pub(crate) requests: Requests,
    memory: Memory,
    /// Tokens that language models read and wrote.
    pub(crate) model_tokens: u32,
    pub(crate) envelope: Envelope,
    meter: Arc<Meter>,
    record: Arc<Mutex<Record>>,
}

impl CallState {
    /// Answers one question of the guest to a tool: within the limits, cancellable, and recorded.
    pub(crate) async fn ask<Q, A, F>(
        &mut self,
        tool: Tool,
        function: &'static str,
        request: Q,
        answer: impl FnOnce(Arc<Tools>, Arc<Scope>, Q) -> F + Send,
    ) -> Answer<A>
    where
        Q: Serialize + Send,
        A: Serialize + DeserializeOwned + Send,
        F: Future<Output = Answer<A>> + Send,
    {
        let limits = &self.envelope.limits;
        let tool_time = limits.tool_time;
        let encoded = encode(&request)?;
        let recorded = self.envelope.tools.recorded.clone();
        let known = recorded.as_ref().and_then(|replay| replay.answer(tool, function, &encoded));
        if let Some(replay) = recorded.as_ref().filter(|replay| replay.is_of_call()) {
            let known = known.ok_or_else(|| replay.miss(tool, function, &encoded))?;
            lock(&self.record).repeat(&known);
            return replay::told(&known);
        }
        let unheard = Error::Cancelled("the call ended before the answer".to_owned());
        let slot = lock(&self.record).open(limits, (tool, function), encoded.clone(), &unheard)?;
        let began = self.meter.wall();
        // Of what the record answers nothing is asked but whether it is of the scope: who gets past that finds no source.
        let tools = if known.is_some() { Arc::default() } else { self.envelope.tools.clone() };
        let ask = answer(tools, self.envelope.scope.clone(), request);
        let ask = async move {
            match (ask.await, known, recorded) {
                (Err(Error::Unavailable(_)), Some(known), _) => replay::told(&known),
                (Err(Error::Unavailable(why)), None, Some(replay)) => {
                    replay.miss(tool, function, &encoded);
                    Err(Error::Unavailable(why))
                }
                (answered, ..) => answered,
            }
        };
        // What a question may take: a tool's time, or what is left of the call's where that is less.
        let left = limits.time.saturating_sub(began);
        let (limit, spent) = if tool_time < left { (tool_time, Duration::ZERO) } else { (limits.time, began) };
        let ask = within(limit, spent, ask);
        let span = spans::tool(tool, function);
        let answered = tokio::select! {
            biased;
            () = self.envelope.cancel.cancelled() => Err(Error::Cancelled("the step was cancelled".into())),
            answered = tokio::time::timeout(tool_time, self.meter.tool(ask)).instrument(span.clone()) => {
                answered.unwrap_or_else(|_| {
                    Err(Error::Unavailable(format!("{tool}.{function} did not answer within {tool_time:?}")))
                })
            }
        };
        lock(&self.record).answered(limits, slot, answered, self.meter.wall() - began, &span)
    }

    /// Whether all that it asks is answered by the record of an earlier call.
    pub(crate) fn is_replayed(&self) -> bool {
        self.envelope.tools.recorded.as_ref().is_some_and(|replay| replay.is_of_call())
    }

    /// Records that a question is not asked at all.
    pub(crate) fn refuse(&self, tool: Tool, function: &str, error: Error) -> Error {
        lock(&self.record).refuse(tool, function, error)
    }

    /// Counts bytes that the host keeps for the guest as memory of the guest, or ends the call.
    pub(crate) fn keep(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.memory.grow(bytes as u64).map(drop)
    }

    /// Records a line, up to the limit of the call.
    pub(crate) fn say(&mut self, level: Level, text: &str) {
        let mut record = lock(&self.record);
        let limits = &self.envelope.limits;
        let room = limits.log_bytes.saturating_sub(record.log_bytes);
        if room == 0 || record.log.len() >= limits.log_lines as usize {
            return;
        }
        let cut = text.floor_char_boundary(usize::try_from(room).unwrap_or(usize::MAX));
        record.log_bytes += cut.max(1) as u64;
        let level = match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        record.log.push(format!("{level}: {}", &text[..cut]));
    }

    /// Tells whoever listens how far the work is.
    pub(crate) fn report_progress(&self, fraction: f64, text: &str) {
        if let Some(progress) = &self.envelope.progress {
            let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
            progress(fraction, &text[..text.floor_char_boundary(MAX_PROGRESS)]);
        }
    }
}

/// What a tool was asked or answered, as a case's record keeps it ([`ToolAnswer::request`], [`ToolAnswer::response`]); `None`
/// where it is something else.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

/// Calls a skill in a fresh sandbox. Its findings are not yet checked.
pub(crate) async fn call(instance: &AllPre<CallState>, rules: &[HttpRule], mut envelope: Envelope) -> Outcome {
    let meter = Arc::new(Meter::new());
    let budget = envelope.budget.clone();
    let record = Arc::new(Mutex::new(Record::new(budget.clone())));
    let peak = Arc::<std::sync::atomic::AtomicU64>::default();
    let own_time = envelope.limits.time;
    // Whatever waits in the call waits no longer than the case has.
    envelope.limits.time = budget.as_ref().map_or(own_time, |budget| budget.time_left().min(own_time));
    let limits = envelope.limits.clone();
    let cancel = envelope.cancel.clone();
    let clock = Clock::default();
    let (out, err) = (Output::new(limits.log_bytes), Output::new(limits.log_bytes));
    let mut table = ResourceTable::new();
    // Behind one handle stand a few things in the host, as a timer and that one can wait for it: the guest's handles are what
    // trips.
    table.set_max_capacity((limits.handles as usize).saturating_mul(4));
    let state = CallState {
        wasi: wasi::context(envelope.case.now, envelope.case.seed, &clock, &out, &err),
        table,
        clock,
        http: http::context(),
        requests: Requests::new(rules, &envelope, &meter, &record),
        memory: Memory::new(limits.memory, peak.clone(), record.clone()),
        model_tokens: 0,
        envelope,
        meter: meter.clone(),
        record: record.clone(),
    };
    let span = spans::call();
    let run = meter.call(run(instance, state)).instrument(span.clone());
    let ended = tokio::select! {
        biased;
        () = cancel.cancelled() => Err((Status::Cancelled, "the step was cancelled".to_owned())),
        ended = tokio::time::timeout(limits.time, run) => ended.unwrap_or_else(|_| {
            let text = match budget.filter(|_| limits.time < own_time) {
                Some(budget) => {
                    lock(&record).case_spent = true;
                    budget.no_time()
                }
                None => format!("it took longer than {:?} (wall time, tools included)", limits.time),
            };
            Err((Status::Timeout, text))
        }),
    };
    let mut record = std::mem::take(&mut *lock(&record));
    for (name, written) in [("stdout", out.take()), ("stderr", err.take())] {
        let lines = written.lines().take(limits.log_lines as usize);
        record.log.extend(lines.map(|line| format!("{name}: {line}")));
    }
    let mut is_returned = false;
    let (findings, status, message) = match ended {
        Ok(Ok(findings)) => (findings, Status::Ok, None),
        Ok(Err(error)) => {
            is_returned = true;
            // One that a tool told it; what it says by itself is its own word, and no decision of the host.
            let was_told = record.answers.iter().filter_map(|answer| answer.error.as_deref());
            let was_told = was_told.filter_map(|told| told.split_once(": ")).any(|(code, _)| code == error.code());
            let status = match error {
                Error::Denied(_) if was_told => Status::Denied,
                Error::OverBudget(_) if was_told => Status::OverBudget,
                Error::Cancelled(_) if was_told => Status::Cancelled,
                _ => Status::Error,
            };
            // In one line, as a quotation: it must not look like what the host says.
            let said = format!("it returned {}", printable(&error.told()));
            (Vec::new(), status, Some(shorten(&said, MAX_MESSAGE)))
        }
        Err((status, message)) => {
            // What the host ended the call for explains it better than the trap that followed.
            let (status, message) = record.stopped.unwrap_or((status, message));
            (Vec::new(), status, Some(message))
        }
    };
    let usage = Usage {
        wall_us: micros(meter.wall()),
        guest_us: micros(meter.compute()),
        tools_us: micros(meter.tools()),
        tool_calls: record.tool_calls,
        read_bytes: record.read_bytes,
        peak_memory_bytes: peak.load(std::sync::atomic::Ordering::Relaxed),
    };
    spans::called(&span, status, &usage);
    Outcome {
        findings,
        status,
        message,
        usage,
        answers: record.answers,
        log: record.log,
        is_returned,
        case_spent: record.case_spent,
    }
}

/// What the skill returned, or how and why it was ended before.
async fn run(instance: &AllPre<CallState>, state: CallState) -> Result<Answer<Vec<Finding>>, (Status, String)> {
    let case = state.envelope.case.clone();
    let limits = state.envelope.limits.clone();
    let (meter, record) = (state.meter.clone(), state.record.clone());
    let mut store = Store::new(instance.engine(), state);
    store.limiter(|state| &mut state.memory);
    // Whatever a guest passes to the host in one call is copied: no more than it may hold itself.
    store.set_hostcall_fuel(usize::try_from(limits.memory).unwrap_or(usize::MAX));
    store.set_max_component_handles(limits.handles as usize);
    if limits.fuel != Fuel::UNCOUNTED {
        store.set_fuel(limits.fuel.0).map_err(|error| trapped(&error, &limits))?;
    }
    store.set_epoch_deadline(1);
    let compute = limits.compute;
    store.epoch_deadline_callback(move |_| {
        if meter.compute() > compute {
            let text = format!("it computed for longer than {compute:?} (tools not counted)");
            lock(&record).stopped = Some((Status::Timeout, text));
            return Ok(UpdateDeadline::Interrupt);
        }
        // Back to the runtime after each tick, so that time-outs, cancellation and neighbours get their turn. Who has only just
        // begun goes on: a short call does not wait for its neighbours because a tick fell into it.
        if meter.polling() < engine::TICK { Ok(UpdateDeadline::Continue(1)) } else { Ok(UpdateDeadline::Yield(1)) }
    });
    let instantiated = instance.instantiate_async(&mut store).await.map_err(|error| trapped(&error, &limits))?;
    let returned = instantiated.call_investigate(&mut store, &case).await;
    if let Ok(left) = store.get_fuel() {
        Span::current().record("fuel", limits.fuel.0.saturating_sub(left));
    }
    returned.map_err(|error| trapped(&error, &limits))
}

/// A trap in words, without addresses or paths of the host.
fn trapped(error: &wasmtime::Error, limits: &Limits) -> (Status, String) {
    let text = match error.downcast_ref::<wasmtime::Trap>() {
        Some(wasmtime::Trap::OutOfFuel) => {
            return (Status::OverBudget, format!("it spent the {} units of fuel of a call", limits.fuel.0));
        }
        Some(trap) => trap.to_string(),
        None if error.is::<wasmtime_wasi::I32Exit>() => "it ended its process".to_owned(),
        None => {
            // Two limits of wasmtime end a call with nothing but a text; that they still do, their tests say.
            let text = error.root_cause().to_string();
            if text.contains("handle limit exceeded") {
                let text = format!("it held more than {} handles of resources at a time", limits.handles);
                return (Status::OverBudget, text);
            }
            if text.contains("too much data is being copied between the host and the guest") {
                let text =
                    format!("it passed more to the host at once than the {} bytes that it may hold", limits.memory);
                return (Status::OverBudget, text);
            }
            shorten(&text, MAX_MESSAGE)
        }
    };
    (Status::Trap, text)
}
