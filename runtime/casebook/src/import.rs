//! Cases of another casebook: all of a file, or nothing of it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};

use negawatt_host::model::Timestamp;
use negawatt_host::{Digest, time};
use rusqlite::Transaction;
use zstd::stream::read::Decoder;

use crate::blob::{self, Blob};
use crate::case::Case;
use crate::casebook::{Casebook, ids};
use crate::error::{CasebookError, Fault};
use crate::event::Event;
use crate::id::CaseId;
use crate::learned::{self, Learned};
use crate::lease;
use crate::log::{self, Row};
use crate::portable::{CaseLine, EventLine, FORMAT, Hex, Line, MOST_EVENTS, MOST_LINE, bytes};
use crate::proposals::{Proposal, Stage};
use crate::symptom;

/// What was imported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Cases that were not there.
    pub new: u64,
    /// Cases that were there, and to which more had happened elsewhere.
    pub continued: u64,
    /// Cases that were there with all that is in the file.
    pub known: u64,
    /// Of those that are new or went on, how many are open. Nobody works on them until somebody asks for it.
    pub open: u64,
}

impl Casebook {
    /// Reads what [`Casebook::export`] wrote. What is there already is left as it is; a case to which other things happened here is
    /// refused, as is a file that is not whole or not as it was written, wherever that shows: then nothing of it is imported.
    pub fn import(&self, from: impl Read) -> Result<Imported, CasebookError> {
        let mut lines = Lines::new(from)?;
        self.write(|to| Import::new(to, self.tenant()).all(&mut lines))
    }
}

/// The lines of a file.
struct Lines<R: Read> {
    from: BufReader<Decoder<'static, BufReader<R>>>,
    digest: blake3::Hasher,
    number: u64,
}

impl<R: Read> Lines<R> {
    fn new(from: R) -> Result<Lines<R>, CasebookError> {
        let decoder = Decoder::new(from).map_err(|error| foreign(1, format!("it cannot be read: {error}")))?;
        Ok(Lines { from: BufReader::new(decoder.single_frame()), digest: blake3::Hasher::new(), number: 0 })
    }

    /// The next line; the digest is that of all before it.
    fn next(&mut self) -> Result<(Line, Digest), CasebookError> {
        let before = Digest(*self.digest.finalize().as_bytes());
        self.number += 1;
        let mut text = Vec::new();
        let read = (&mut self.from).take(MOST_LINE).read_until(b'\n', &mut text);
        read.map_err(|error| self.wrong(format!("it cannot be read any further: {error}")))?;
        match text.last() {
            None => return Err(self.wrong("it ends here, and its end is missing".to_owned())),
            Some(b'\n') => {}
            Some(_) if text.len() as u64 == MOST_LINE => {
                return Err(self.wrong(format!("the line has more than {MOST_LINE} bytes")));
            }
            Some(_) => return Err(self.wrong("the line has no end".to_owned())),
        }
        self.digest.update(&text);
        let line = serde_json::from_slice(&text);
        Ok((line.map_err(|error| self.wrong(format!("it is no line of an exported casebook: {error}")))?, before))
    }

    /// Refuses what comes after the end.
    fn end(&mut self) -> Result<(), CasebookError> {
        let mut rest = [0];
        let more =
            self.from.read(&mut rest).map_err(|error| self.wrong(format!("it cannot be read to its end: {error}")))?;
        // Behind the frame, too.
        let behind = self.from.get_mut().get_mut().read(&mut rest);
        let behind = behind.map_err(|error| self.wrong(format!("it cannot be read to its end: {error}")))?;
        if more + behind > 0 { Err(self.wrong("something comes after its end".to_owned())) } else { Ok(()) }
    }

    fn wrong(&self, what: String) -> CasebookError {
        foreign(self.number, what)
    }
}

fn foreign(line: u64, what: String) -> CasebookError {
    CasebookError::Foreign { line, what }
}

/// An import under way.
struct Import<'a> {
    to: &'a Transaction<'a>,
    tenant: &'a str,
    now: Timestamp,
    /// Blobs of the file, purged ones among them, and those that no event has referred to yet.
    blobs: BTreeSet<[u8; 32]>,
    unreferenced: BTreeSet<[u8; 32]>,
    cases: BTreeSet<CaseId>,
    imported: Imported,
}

/// A case of the file.
struct Incoming {
    events: u64,
    case: Case,
    rows: Vec<Row>,
    bytes: u64,
    learned: Option<Learned>,
}

impl<'a> Import<'a> {
    fn new(to: &'a Transaction<'a>, tenant: &'a str) -> Import<'a> {
        let (blobs, unreferenced, cases, imported) = Default::default();
        Import { to, tenant, now: time::now(), blobs, unreferenced, cases, imported }
    }

    fn all(&mut self, lines: &mut Lines<impl Read>) -> Result<Imported, Fault> {
        match lines.next()?.0 {
            Line::Casebook(header) if header.format == FORMAT => {}
            Line::Casebook(header) => {
                let text = format!(
                    "it has format {}, written by negawatt {:?}, and this version reads format {FORMAT}: use a newer version",
                    header.format, header.by
                );
                return Err(lines.wrong(text).into());
            }
            _ => return Err(lines.wrong("it does not begin as an exported casebook".to_owned()).into()),
        }
        let mut current: Option<Incoming> = None;
        loop {
            let (line, digest) = lines.next()?;
            let wrong = |what: String| Fault::from(foreign(lines.number, what));
            match line {
                Line::Casebook(_) => return Err(wrong("it begins again".to_owned())),
                Line::Blob(text) => {
                    let bytes = bytes(&text).map_err(wrong)?;
                    let digest = Digest::of(&bytes);
                    let blob =
                        Blob::of(digest, &bytes).map_err(|error| wrong(format!("it cannot be kept: {error}")))?;
                    blob.insert(self.to, self.tenant, self.now)?;
                    self.keep(&digest).map_err(wrong)?;
                }
                Line::Purged(hex) => {
                    let digest = Hex::digest(&hex).map_err(wrong)?;
                    blob::note_purged(self.to, self.tenant, &digest, self.now)?;
                    self.keep(&digest).map_err(wrong)?;
                }
                Line::Case(head) => {
                    self.finish(current.take(), wrong)?;
                    current = Some(self.begin(head).map_err(wrong)?);
                }
                Line::Event(event) => {
                    let into = current.as_mut().ok_or_else(|| wrong("it is an event of no case".to_owned()))?;
                    self.event(into, event).map_err(wrong)?;
                }
                Line::Learned(learned) => {
                    let into = current.as_mut().filter(|into| into.learned.is_none() && into.is_whole());
                    let into = into.ok_or_else(|| wrong("nothing can be learned here".to_owned()))?;
                    if learned.stood.iter().any(|stood| !(0.0..=1.0).contains(&stood.share)) {
                        return Err(wrong("a share is not from 0 to 1".to_owned()));
                    }
                    if learned.precedent.as_ref().is_some_and(|precedent| !precedent.is_of(&into.case)) {
                        return Err(wrong("the precedent is of another service than its case".to_owned()));
                    }
                    into.learned = Some(*learned);
                }
                Line::End(footer) => {
                    self.finish(current.take(), wrong)?;
                    if footer.cases != self.cases.len() as u64 {
                        return Err(wrong(format!("it says {} cases, and has {}", footer.cases, self.cases.len())));
                    }
                    if footer.digest.digest().map_err(wrong)? != digest {
                        return Err(wrong(
                            "it is not as it was written: the digest of its lines is another".to_owned(),
                        ));
                    }
                    if !self.unreferenced.is_empty() {
                        return Err(wrong(format!("{} answers are of no case", self.unreferenced.len())));
                    }
                    break;
                }
            }
        }
        lines.end()?;
        if self.imported.new > 0 {
            renumber(self.to)?;
        }
        Ok(self.imported)
    }

    fn keep(&mut self, digest: &Digest) -> Result<(), String> {
        if !self.blobs.insert(digest.0) {
            return Err("the same answer was there before".to_owned());
        }
        self.unreferenced.insert(digest.0);
        Ok(())
    }

    fn begin(&mut self, head: CaseLine) -> Result<Incoming, String> {
        let id: CaseId = head.id.parse().map_err(|error: crate::NotACaseId| error.to_string())?;
        if id.to_string() != head.id || !self.cases.insert(id) {
            return Err(format!("the case {id} was there before, or its id is written otherwise"));
        }
        Ok(Incoming { events: head.events, case: Case::new(id), rows: Vec::new(), bytes: 0, learned: None })
    }

    fn event(&mut self, into: &mut Incoming, line: EventLine) -> Result<(), String> {
        let EventLine { seq, name, time, body } = line;
        let id = into.case.id;
        if seq != into.case.seq + 1 || into.is_whole() {
            return Err(format!("event {seq} of case {id} does not come here"));
        }
        let row = Row { case: id, seq, name, time, body: bytes(&body)? };
        into.bytes += row.body.len() as u64;
        if into.bytes > MOST_EVENTS {
            return Err(format!("the events of case {id} have more than {MOST_EVENTS} bytes"));
        }
        let told = |what: String| format!("event {seq} of case {id}: {what}");
        let recorded = row.recorded().map_err(|_| told("its bytes do not fit its type".to_owned()))?;
        if matches!(recorded.event, Event::Unknown(_)) {
            return Err(told(format!("a newer version of negawatt wrote `{}`: use that", recorded.event.name())));
        }
        into.case.admit(&recorded.event).map_err(told)?;
        if let Event::Called(called) = &recorded.event {
            for digest in called.answers.iter().flat_map(|answer| [answer.request, answer.response]) {
                if !self.blobs.contains(&digest.0) {
                    return Err(told(format!("it refers to the answer {digest}, which is not in the file")));
                }
                self.unreferenced.remove(&digest.0);
            }
        }
        into.case.apply(&recorded);
        into.rows.push(row);
        Ok(())
    }

    /// Takes a case in, where it is not there.
    fn finish(&mut self, incoming: Option<Incoming>, wrong: impl Fn(String) -> Fault) -> Result<(), Fault> {
        let Some(incoming) = incoming else { return Ok(()) };
        let id = incoming.case.id;
        if !incoming.is_whole() {
            let (has, of) = (incoming.rows.len(), incoming.events);
            return Err(wrong(format!("the case {id} has {has} of its {of} events")));
        }
        // A file may come from anybody, and what nobody approved must not go anywhere by itself for it.
        let acts = |proposal: &Proposal| {
            let by = proposal.reviews.last().map(|(_, reviewed)| reviewed.by.is_some());
            proposal.stage() == Stage::Approved && (by != Some(true) || proposal.submission.is_some())
        };
        if let Some(proposal) = incoming.case.proposals.all.iter().find(|proposal| acts(proposal)) {
            let number = proposal.proposed.number;
            return Err(wrong(format!(
                "the proposal {number} of case {id} is half submitted, or was approved by nobody: submit or reject it where it is from"
            )));
        }
        let there = !ids(self.to, "SELECT id FROM case_index WHERE id = ?", [id.to_string()])?.is_empty();
        let known = if there { log::rows(self.to, &id, self.tenant)? } else { Vec::new() };
        let same = known.iter().zip(&incoming.rows).take_while(|(known, row)| known == row).count();
        if same < known.len().min(incoming.rows.len()) {
            return Err(CasebookError::Conflict { case: id, event: same as u64 + 1 }.into());
        }
        if there && known.len() >= incoming.rows.len() {
            self.imported.known += 1;
            return Ok(());
        }
        if there {
            // Whoever works on it here must not find that more has happened.
            let token = lease::take(self.to, &id, self.tenant, self.now)?;
            lease::release(self.to, &id, token)?;
            self.imported.continued += 1;
        } else {
            let opened =
                incoming.case.opened.as_ref().ok_or_else(|| wrong(format!("the case {id} was never opened")))?;
            log::open(self.to, self.tenant, &id, opened)?;
            self.imported.new += 1;
        }
        for row in &incoming.rows[known.len()..] {
            log::insert(self.to, self.tenant, &id, row.seq, row.time, &row.name, &row.body)?;
            symptom::index(self.to, self.tenant, &id, &row.recorded()?.event)?;
        }
        learned::index_proposals(self.to, self.tenant, &incoming.case)?;
        // A file may come from anybody: it must not have skills ask this place's sources by itself, nor what it proposes go anywhere.
        let sql = "INSERT OR REPLACE INTO imported (case_id, tenant, events, claimed) VALUES (?, ?, ?, 0)";
        let events = i64::try_from(incoming.events).map_err(Fault::damaged)?;
        self.to.execute(sql, (id.to_string(), self.tenant, events))?;
        if incoming.case.end.is_some() {
            self.to.execute("UPDATE case_index SET ended = 1 WHERE id = ?", [id.to_string()])?;
        } else {
            self.imported.open += 1;
        }
        incoming.learned.unwrap_or_default().note(self.to, self.tenant, &id)
    }
}

impl Incoming {
    fn is_whole(&self) -> bool {
        self.rows.len() as u64 == self.events
    }
}

/// Cases are listed in the order of their times again, those of one millisecond as they were.
fn renumber(to: &Transaction) -> Result<(), Fault> {
    let all = ids(to, "SELECT id FROM case_index ORDER BY substr(id, 1, 10), number", ())?;
    to.execute("UPDATE case_index SET number = -number", ())?;
    let mut statement = to.prepare_cached("UPDATE case_index SET number = ? WHERE id = ?")?;
    for (number, id) in (1_i64..).zip(all) {
        statement.execute((number, id.to_string()))?;
    }
    Ok(())
}
