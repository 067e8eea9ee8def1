//! The rows of a case's log, and the one who writes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use negawatt_host::model::Timestamp;
use negawatt_host::{Digest, Outcome, time};
use rusqlite::Transaction;

use crate::blob::{self, Blob};
use crate::case::Case;
use crate::casebook::Casebook;
use crate::encoding;
use negawatt_store::Problem;

use crate::error::{CasebookError, Fault};
use crate::event::{AnswerRef, Called, Event, Opened, Recorded};
use crate::id::CaseId;
use crate::learned::{self, Learned};
use crate::lease;
use crate::standing::Judged;
use crate::symptom;

/// Events that are recorded together or not at all, with the blobs that they refer to.
#[derive(Debug, Clone, Default)]
pub struct Batch<'a> {
    events: Vec<Event>,
    blobs: BTreeMap<[u8; 32], &'a [u8]>,
    judged: Vec<Judged>,
    learned: Option<Learned>,
}

impl<'a> Batch<'a> {
    /// Adds an event.
    pub fn push(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Keeps bytes that events of it refer to.
    pub fn keep(&mut self, bytes: &'a [u8]) -> Digest {
        let digest = Digest::of(bytes);
        self.blobs.insert(digest.0, bytes);
        digest
    }

    /// Counts what a call says of a component, together with the call.
    pub fn judge(&mut self, judged: Judged) {
        self.judged.push(judged);
    }

    /// Notes what is learned of the case, together with what became of it.
    pub fn learn(&mut self, learned: Learned) {
        self.learned = Some(learned);
    }

    /// Adds a call of a step, its `attempt`th from 1, with all that it asked and was answered, and what else it was given.
    pub fn push_call(&mut self, step: &str, attempt: u32, outcome: &'a Outcome, given: Vec<(String, String)>) {
        let answers = outcome.answers.iter().map(|answer| AnswerRef {
            tool: answer.tool,
            function: answer.function.clone(),
            request: self.keep(&answer.request),
            response: self.keep(&answer.response),
            error: answer.error.clone(),
            wall_us: answer.wall_us,
        });
        let called = Called {
            step: step.to_owned(),
            attempt,
            status: outcome.status,
            message: outcome.message.clone(),
            usage: outcome.usage.clone(),
            log: outcome.log.clone(),
            answers: answers.collect(),
            findings: outcome.findings.clone(),
            extra: given,
        };
        self.push(Event::Called(Arc::new(called)));
    }
}

impl From<Event> for Batch<'_> {
    fn from(event: Event) -> Self {
        Batch { events: vec![event], ..Batch::default() }
    }
}

impl From<Vec<Event>> for Batch<'_> {
    fn from(events: Vec<Event>) -> Self {
        Batch { events, ..Batch::default() }
    }
}

/// The log of a case, and the right to write it: while it lives nobody else can. Dropping it gives the case back; a process
/// that ends without that loses it as well.
#[derive(Debug)]
pub struct CaseLog {
    book: Casebook,
    case: Case,
    opened: Arc<Opened>,
    token: i64,
    held: bool,
}

impl CaseLog {
    pub(crate) fn begin(book: Casebook, opened: Opened) -> Result<CaseLog, CasebookError> {
        CaseLog::begin_with(book, opened, |_, _| Ok(()))
    }

    /// The same, together with something else: both are recorded, or neither.
    pub(crate) fn begin_with(
        book: Casebook,
        opened: Opened,
        also: impl FnOnce(&Transaction, CaseId) -> Result<(), Fault>,
    ) -> Result<CaseLog, CasebookError> {
        let (id, opened) = (CaseId::generate(), Arc::new(opened));
        let now = time::now();
        let (case, rows) = admit(&Case::new(id), vec![Event::Opened(opened.clone())], now)?;
        let token = book.write(|to| {
            open(to, book.tenant(), &id, &opened)?;
            let token = lease::take(to, &id, book.tenant(), now)?;
            rows.iter().try_for_each(|row| row.insert(to, book.tenant()))?;
            also(to, id)?;
            Ok(token)
        })?;
        Ok(CaseLog { book, case, opened, token, held: true })
    }

    pub(crate) fn resume(book: Casebook, id: CaseId) -> Result<CaseLog, CasebookError> {
        let (case, opened, token) = book.write(|to| {
            let case = Case::fold(id, &read(to, &id, book.tenant())?);
            if let Some((_, unknown)) = case.unknown.first() {
                let (event, version) = (unknown.name.clone(), unknown.version);
                return Err(CasebookError::NewerCase { case: id, event, version }.into());
            }
            let opened =
                case.opened.clone().ok_or_else(|| Fault::damaged(format!("the case {id} was never opened")))?;
            let token = lease::take(to, &id, book.tenant(), time::now())?;
            Ok((case, opened, token))
        })?;
        Ok(CaseLog { book, case, opened, token, held: true })
    }

    /// The casebook that it is written to.
    pub fn casebook(&self) -> &Casebook {
        &self.book
    }

    /// The case as it stands.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// What the case started from.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Records events, in order. When it returns they are on the disk, all of them; after an error none is, and the case is
    /// as before. An empty batch only says that the owner is alive.
    pub fn append<'a>(&mut self, batch: impl Into<Batch<'a>>) -> Result<(), CasebookError> {
        let Batch { events, blobs, judged, learned } = batch.into();
        let _span = tracing::debug_span!("append", events = events.len()).entered();
        let now = time::now();
        let (next, rows) = admit(&self.case, events, now)?;
        let (id, tenant) = (self.case.id, self.book.tenant());
        // Cases about the same are answered the same: what is there already is not compressed again.
        let mut compressed = BTreeMap::new();
        for digest in self.unknown(blobs.keys())? {
            let blob = compress(&digest, blobs[&digest]).map_err(|fault| self.book.error(fault))?;
            compressed.insert(digest, blob);
        }
        self.book.write(|to| {
            lease::renew(to, &id, self.token, now)?;
            let last: i64 = to
                .prepare_cached("SELECT coalesce(max(seq), 0) FROM event WHERE case_id = ?")?
                .query_row([id.to_string()], |row| row.get(0))?;
            if u64::try_from(last) != Ok(self.case.seq) {
                let text =
                    format!("the log of case {id} has {last} events, and its only writer wrote {}", self.case.seq);
                return Err(Fault::damaged(text));
            }
            for (digest, bytes) in &blobs {
                match compressed.get(digest) {
                    Some(blob) => blob.insert(to, tenant, now)?,
                    None if blob::exists(to, tenant, &Digest(*digest))? => {}
                    // It was purged meanwhile.
                    None => compress(digest, bytes)?.insert(to, tenant, now)?,
                }
            }
            for row in &rows {
                refers_to_blobs(to, tenant, &id, &row.recorded.event, &blobs)?;
                row.insert(to, tenant)?;
            }
            judged.iter().try_for_each(|judged| judged.note(to, tenant, now))?;
            learned.iter().try_for_each(|learned| learned.note(to, tenant, &id))?;
            if next.proposals != self.case.proposals {
                learned::index_proposals(to, tenant, &next)?;
            }
            if self.case.end.is_none() && next.end.is_some() {
                to.execute("UPDATE case_index SET ended = 1 WHERE id = ?", [id.to_string()])?;
            }
            Ok(())
        })?;
        self.case = next;
        Ok(())
    }

    /// Of these digests, those of blobs that are not there.
    fn unknown<'a>(
        &self,
        digests: impl ExactSizeIterator<Item = &'a [u8; 32]>,
    ) -> Result<Vec<[u8; 32]>, CasebookError> {
        if digests.len() == 0 {
            return Ok(Vec::new());
        }
        self.book.read(|from| {
            let mut unknown = Vec::new();
            for digest in digests {
                if !blob::exists(from, self.book.tenant(), &Digest(*digest))? {
                    unknown.push(*digest);
                }
            }
            Ok(unknown)
        })
    }

    /// Records one event in a transaction of somebody else. The log is not to be written to afterwards.
    pub(crate) fn append_in(&self, to: &Transaction, event: Event) -> Result<(), Fault> {
        let now = time::now();
        lease::renew(to, &self.case.id, self.token, now)?;
        let (_, rows) = admit(&self.case, vec![event], now)?;
        rows.iter().try_for_each(|row| row.insert(to, self.book.tenant()))
    }

    /// The case as it would stand after an event, which is refused as [`CaseLog::append`] does.
    pub fn foresee(&self, event: &Event) -> Result<Case, CasebookError> {
        admit(&self.case, vec![event.clone()], time::now()).map(|(case, _)| case)
    }

    /// Gives the case back, and tells how it stands. Dropping does the same, and keeps quiet about errors.
    pub fn release(mut self) -> Result<Case, CasebookError> {
        self.give_back()?;
        let none = Case::new(self.case.id);
        Ok(std::mem::replace(&mut self.case, none))
    }

    fn give_back(&mut self) -> Result<(), CasebookError> {
        if !std::mem::take(&mut self.held) {
            return Ok(());
        }
        self.book.write(|to| lease::release(to, &self.case.id, self.token))
    }
}

impl Drop for CaseLog {
    fn drop(&mut self) {
        // Nothing is lost: the lease ends by itself.
        let _ = self.give_back();
    }
}

fn compress(digest: &[u8; 32], bytes: &[u8]) -> Result<Blob, Fault> {
    let failed = |error| Fault::Store(Problem::Unusable(format!("an answer cannot be compressed: {error}")));
    Blob::of(Digest(*digest), bytes).map_err(failed)
}

/// The case after these events, and their rows. Refuses events that cannot come next.
fn admit(case: &Case, events: Vec<Event>, now: Timestamp) -> Result<(Case, Vec<LogRow>), CasebookError> {
    let mut next = case.clone();
    let mut rows = Vec::with_capacity(events.len());
    for event in events {
        let name = event.name().to_owned();
        let body = next.admit(&event).and_then(|()| encoding::encode(&event));
        let body = body.map_err(|what| CasebookError::Misplaced { case: case.id, event: name, what })?;
        let recorded = Recorded { seq: next.seq + 1, time: now, event };
        next.apply(&recorded);
        rows.push(LogRow { case: case.id, recorded, body });
    }
    Ok((next, rows))
}

/// Refuses a call with answers that are neither recorded nor among these.
fn refers_to_blobs(
    from: &Transaction,
    tenant: &str,
    case: &CaseId,
    event: &Event,
    blobs: &BTreeMap<[u8; 32], &[u8]>,
) -> Result<(), Fault> {
    let Event::Called(called) = event else { return Ok(()) };
    for digest in called.answers.iter().flat_map(|answer| [&answer.request, &answer.response]) {
        if !blobs.contains_key(&digest.0) && !blob::exists(from, tenant, digest)? {
            let what = format!("it refers to the answer {digest}, which is not recorded");
            return Err(CasebookError::Misplaced { case: *case, event: event.name().to_owned(), what }.into());
        }
    }
    Ok(())
}

/// An event as it is stored.
struct LogRow {
    case: CaseId,
    recorded: Recorded,
    body: Vec<u8>,
}

impl LogRow {
    fn insert(&self, to: &Transaction, tenant: &str) -> Result<(), Fault> {
        let Recorded { seq, time, event } = &self.recorded;
        insert(to, tenant, &self.case, *seq, *time, event.name(), &self.body)?;
        symptom::index(to, tenant, &self.case, event)
    }
}

/// Makes a case known, before its first event.
pub(crate) fn open(to: &Transaction, tenant: &str, id: &CaseId, opened: &Opened) -> Result<(), Fault> {
    let window = opened.incident.window;
    to.execute(
        "INSERT INTO case_index (id, tenant, fingerprint, window_start, window_end) VALUES (?, ?, ?, ?, ?)",
        (id.to_string(), tenant, &opened.fingerprint, window.start, window.end),
    )?;
    Ok(())
}

/// Adds a row to a log.
pub(crate) fn insert(
    to: &Transaction,
    tenant: &str,
    case: &CaseId,
    seq: u64,
    time: Timestamp,
    name: &str,
    body: &[u8],
) -> Result<(), Fault> {
    let case = case.to_string();
    let seq = i64::try_from(seq).map_err(Fault::damaged)?;
    let version = body.first().copied().unwrap_or(0);
    let digest = digest(tenant, &case, seq, name, time, body);
    to.prepare_cached(
        "INSERT INTO event (case_id, seq, type, version, tenant, time, body, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute((&case, seq, name, version, tenant, time, body, digest.0))?;
    Ok(())
}

/// All events of a case, checked: none is missing, and none is other than it was written.
pub(crate) fn read(from: &Transaction, case: &CaseId, tenant: &str) -> Result<Vec<Recorded>, Fault> {
    let events = rows(from, case, tenant)?.iter().map(Row::recorded).collect::<Result<Vec<_>, _>>()?;
    let ended =
        from.prepare_cached("SELECT 1 FROM case_index WHERE id = ? AND ended = 1")?.exists([case.to_string()])?;
    let ends = |event: &Recorded| matches!(event.event, Event::Concluded(_) | Event::Cancelled(_) | Event::Unknown(_));
    if ended && !events.iter().any(ends) {
        return Err(Fault::damaged(format!("the end of case {case} is missing")));
    }
    Ok(events)
}

/// The rows of a case's log, checked: none is missing, and none is other than it was written.
pub(crate) fn rows(from: &Transaction, case: &CaseId, tenant: &str) -> Result<Vec<Row>, Fault> {
    let sql = "SELECT seq, type, time, body, digest, tenant FROM event WHERE case_id = ? ORDER BY seq";
    let rows = select(from, case, tenant, sql)?;
    let gap = rows.iter().zip(1..).find(|(row, seq)| row.seq != *seq);
    match gap {
        Some((_, seq)) => Err(Fault::damaged(format!("event {seq} of case {case} is missing"))),
        None if rows.is_empty() => Err(Fault::damaged(format!("the case {case} has no events"))),
        None => Ok(rows),
    }
}

/// The events of a case that say how it began and ended, checked.
pub(crate) fn read_ends(from: &Transaction, case: &CaseId, tenant: &str) -> Result<Vec<Recorded>, Fault> {
    let sql = "SELECT seq, type, time, body, digest, tenant FROM event \
               WHERE case_id = ? AND type IN ('opened', 'concluded', 'cancelled') ORDER BY seq";
    select(from, case, tenant, sql)?.iter().map(Row::recorded).collect()
}

/// A row of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) case: CaseId,
    pub(crate) seq: u64,
    pub(crate) name: String,
    pub(crate) time: Timestamp,
    pub(crate) body: Vec<u8>,
}

impl Row {
    /// What happened.
    pub(crate) fn recorded(&self) -> Result<Recorded, Fault> {
        let event = encoding::decode(&self.name, &self.body);
        let event =
            event.map_err(|what| Fault::damaged(format!("event {} of case {}: {what}", self.seq, self.case)))?;
        Ok(Recorded { seq: self.seq, time: self.time, event })
    }
}

fn select(from: &Transaction, case: &CaseId, tenant: &str, sql: &str) -> Result<Vec<Row>, Fault> {
    let id = case.to_string();
    let mut statement = from.prepare_cached(sql)?;
    let rows = statement.query_and_then([&id], |row: &rusqlite::Row| {
        let (seq, name, time): (i64, String, Timestamp) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (body, written): (Vec<u8>, Vec<u8>) = (row.get(3)?, row.get(4)?);
        let whose: String = row.get(5)?;
        if whose != tenant || digest(tenant, &id, seq, &name, time, &body).0[..] != written {
            return Err(Fault::damaged(format!("event {seq} of case {case}: it is not as it was written")));
        }
        Ok(Row { case: *case, seq: u64::try_from(seq).map_err(Fault::damaged)?, name, time, body })
    })?;
    rows.collect()
}

/// Over all of a row. Each part follows its length, so that no two rows give the same bytes.
fn digest(tenant: &str, case: &str, seq: i64, name: &str, time: Timestamp, body: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for part in [tenant.as_bytes(), case.as_bytes(), &seq.to_le_bytes(), name.as_bytes(), &time.to_le_bytes(), body] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    Digest(*hasher.finalize().as_bytes())
}
