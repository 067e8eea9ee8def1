//! Cases for another casebook.

use std::collections::BTreeSet;
use std::io::Write;

use negawatt_host::Digest;
use rusqlite::Transaction;
use zstd::stream::write::Encoder;

use crate::blob::{self, LEVEL};
use crate::casebook::{Casebook, ids};
use crate::error::{CasebookError, Fault};
use crate::event::Event;
use crate::id::CaseId;
use crate::learned::Learned;
use crate::log::{self, Row};
use crate::portable::{CaseLine, EventLine, FORMAT, Footer, Header, Hex, Line, MOST_LINE, text};

/// What was exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// Cases.
    pub cases: u64,
    /// Questions and answers with their bytes.
    pub blobs: u64,
    /// Questions and answers that had been purged.
    pub purged: u64,
}

impl Casebook {
    /// Writes all cases, or one, as they stand together, with all that they refer to and what was learned of them. The same cases
    /// give the same bytes. What is of this machine alone stays: leases, skills that were put aside, what the watch has seen.
    pub fn export(&self, to: impl Write, only: Option<&CaseId>) -> Result<Exported, CasebookError> {
        if let Some(case) = only {
            self.load(case)?;
        }
        self.read(|from| {
            let mut file = File::new(to)?;
            // Ids begin with the time; of those of one millisecond the order of opening is known.
            let sql = "SELECT id FROM case_index WHERE tenant = ? ORDER BY substr(id, 1, 10), number";
            let all = match only {
                Some(case) => vec![*case],
                None => ids(from, sql, [self.tenant()])?,
            };
            for case in all {
                file.case(from, self.tenant(), &case)?;
            }
            file.end()
        })
    }
}

/// A file that is being written.
struct File<W: Write> {
    to: Encoder<'static, W>,
    digest: blake3::Hasher,
    written: BTreeSet<[u8; 32]>,
    exported: Exported,
}

fn failed(error: std::io::Error) -> Fault {
    CasebookError::Export(error.to_string()).into()
}

impl<W: Write> File<W> {
    fn new(to: W) -> Result<File<W>, Fault> {
        let mut to = Encoder::new(to, LEVEL).map_err(failed)?;
        to.include_checksum(true).map_err(failed)?;
        let (digest, written, exported) = Default::default();
        let mut file = File { to, digest, written, exported };
        file.line(&Line::Casebook(Header { format: FORMAT, by: env!("CARGO_PKG_VERSION").to_owned() }))?;
        Ok(file)
    }

    fn line(&mut self, line: &Line) -> Result<(), Fault> {
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        if text.len() as u64 > MOST_LINE {
            let what = format!(
                "a recorded answer takes {} bytes, and a line has at most {MOST_LINE}: export the other cases one by one, or purge old \
                 answers first (`negawatt casebook compact --answers-older-than`)",
                text.len()
            );
            return Err(CasebookError::Export(what).into());
        }
        self.digest.update(&text);
        self.to.write_all(&text).map_err(failed)
    }

    fn case(&mut self, from: &Transaction, tenant: &str, case: &CaseId) -> Result<(), Fault> {
        let rows = log::rows(from, case, tenant)?;
        for row in &rows {
            match row.recorded()?.event {
                Event::Called(called) => {
                    let asked = called.answers.iter().flat_map(|answer| [answer.request, answer.response]);
                    asked.into_iter().try_for_each(|digest| self.blob(from, tenant, &digest))?;
                }
                Event::Unknown(unknown) => {
                    let (event, version) = (unknown.name, unknown.version);
                    return Err(CasebookError::NewerCase { case: *case, event, version }.into());
                }
                _ => {}
            }
        }
        self.line(&Line::Case(CaseLine { id: case.to_string(), events: rows.len() as u64 }))?;
        for Row { seq, name, time, body, .. } in rows {
            self.line(&Line::Event(EventLine { seq, name, time, body: text(&body) }))?;
        }
        let learned = Learned::read(from, tenant, case)?;
        if learned != Learned::default() {
            self.line(&Line::Learned(Box::new(learned)))?;
        }
        self.exported.cases += 1;
        Ok(())
    }

    fn blob(&mut self, from: &Transaction, tenant: &str, digest: &Digest) -> Result<(), Fault> {
        if !self.written.insert(digest.0) {
            return Ok(());
        }
        if !blob::exists(from, tenant, digest)? && blob::is_known(from, tenant, digest)? {
            self.exported.purged += 1;
            return self.line(&Line::Purged(Hex::of(digest)));
        }
        self.exported.blobs += 1;
        let bytes = blob::read(from, tenant, digest)?;
        self.line(&Line::Blob(text(&bytes)))
    }

    fn end(mut self) -> Result<Exported, Fault> {
        let digest = Digest(*self.digest.finalize().as_bytes());
        self.line(&Line::End(Footer { cases: self.exported.cases, digest: Hex::of(&digest) }))?;
        let mut to = self.to.finish().map_err(failed)?;
        to.flush().map_err(failed)?;
        Ok(self.exported)
    }
}
