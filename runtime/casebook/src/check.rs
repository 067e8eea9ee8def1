//! Whether a casebook is as it was written: its file, every event and answer, and the indexes that say where to look.

use std::collections::{BTreeMap, BTreeSet};

use negawatt_host::Digest;
use negawatt_host::model::Timestamp;
use negawatt_store::Problem;
use rusqlite::Transaction;

use crate::blob;
use crate::case::Case;
use crate::casebook::{Casebook, ids};
use crate::error::{CasebookError, Fault};
use crate::event::Event;
use crate::id::CaseId;
use crate::learned::Learned;
use crate::log;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Cases that were looked at.
    pub cases: u64,
    /// Their events.
    pub events: u64,
    /// Questions and answers with their bytes.
    pub blobs: u64,
    /// Questions and answers that were purged for their age.
    pub purged: u64,
    /// Questions and answers that no case refers to; compacting removes them.
    pub unreferenced: u64,
    /// What is not as it was written.
    pub damage: Vec<Damage>,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Where: the file, a case, an answer or an index.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

/// Lines of SQLite's own check that are told.
const MOST_LINES: u32 = 100;

impl Casebook {
    /// Looks at all of it, of every tenant, and changes nothing. What is damaged is said; the error is that it cannot be looked at.
    pub fn check(&self) -> Result<Checked, CasebookError> {
        self.read(|from| {
            let mut check = Check { from, checked: Checked::default(), referenced: BTreeMap::new() };
            check.file()?;
            check.cases()?;
            check.blobs()?;
            check.orphans()?;
            Ok(check.checked)
        })
    }
}

/// The tenants of a casebook.
pub(crate) fn tenants(from: &Transaction) -> Result<Vec<String>, Fault> {
    let mut statement = from.prepare("SELECT tenant FROM case_index UNION SELECT tenant FROM blob ORDER BY tenant")?;
    let tenants = statement.query_map((), |row| row.get(0))?;
    Ok(tenants.collect::<Result<_, _>>()?)
}

struct Check<'a> {
    from: &'a Transaction<'a>,
    checked: Checked,
    /// By tenant, the blobs that cases refer to.
    referenced: BTreeMap<String, BTreeSet<[u8; 32]>>,
}

impl Check<'_> {
    fn damaged(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.checked.damage.push(Damage { place: place.into(), what: what.into() });
    }

    /// What can be told of a part. Damage is what was looked for; else it is an error.
    fn part<T>(&mut self, place: &str, read: Result<T, Fault>) -> Result<Option<T>, Fault> {
        match read {
            Ok(part) => Ok(Some(part)),
            Err(Fault::Store(Problem::Damaged(what))) => {
                self.damaged(place, what);
                Ok(None)
            }
            Err(Fault::Store(Problem::Other(error))) => {
                self.damaged(place, error.to_string());
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    fn file(&mut self) -> Result<(), Fault> {
        let mut statement = self.from.prepare(&format!("PRAGMA integrity_check({MOST_LINES})"))?;
        let said: Vec<String> = statement.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
        said.into_iter().filter(|line| line != "ok").for_each(|line| self.damaged("the file", line));
        let mut statement = self.from.prepare("PRAGMA foreign_key_check")?;
        let said: Vec<String> = statement.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
        let said: BTreeSet<String> = said.into_iter().collect();
        said.into_iter()
            .for_each(|table| self.damaged(format!("the table {table}"), "it has rows of cases that are not there"));
        Ok(())
    }

    fn cases(&mut self) -> Result<(), Fault> {
        let tenants = tenants(self.from);
        for tenant in self.part("the index of cases", tenants)?.unwrap_or_default() {
            let all = ids(self.from, "SELECT id FROM case_index WHERE tenant = ? ORDER BY id", [&tenant]);
            for case in self.part("the index of cases", all)?.unwrap_or_default() {
                self.checked.cases += 1;
                let place = format!("the case {case}");
                let looked = self.case(&tenant, &case);
                self.part(&place, looked)?;
            }
        }
        Ok(())
    }

    fn case(&mut self, tenant: &str, id: &CaseId) -> Result<(), Fault> {
        let mut case = Case::new(*id);
        for row in log::rows(self.from, id, tenant)? {
            self.checked.events += 1;
            let recorded = row.recorded()?;
            // Of what comes after an event of a newer version nobody here can say whether it fits.
            if case.unknown.is_empty()
                && !matches!(recorded.event, Event::Unknown(_))
                && let Err(what) = case.admit(&recorded.event)
            {
                return Err(Fault::damaged(format!("event {} (`{}`) does not fit: {what}", row.seq, row.name)));
            }
            if let Event::Called(called) = &recorded.event {
                for digest in called.answers.iter().flat_map(|answer| [answer.request, answer.response]) {
                    let is_new = self.referenced.entry(tenant.to_owned()).or_default().insert(digest.0);
                    if is_new && !blob::is_known(self.from, tenant, &digest)? {
                        self.damaged(
                            format!("the case {id}, step {}", called.step),
                            format!("its answer {digest} is missing"),
                        );
                    }
                }
            }
            case.apply(&recorded);
        }
        self.indexes(tenant, &case)
    }

    /// The indexes say what the events say.
    fn indexes(&mut self, tenant: &str, case: &Case) -> Result<(), Fault> {
        let id = case.id.to_string();
        let mut wrong = |index: &str, what: &str| {
            self.checked.damage.push(Damage { place: format!("the index `{index}`, case {id}"), what: what.to_owned() })
        };
        let number = |sql: &str| -> Result<Option<i64>, Fault> {
            let mut statement = self.from.prepare_cached(sql)?;
            let mut rows = statement.query([&id])?;
            Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
        };
        if let Some(opened) = &case.opened {
            let window = opened.incident.window;
            let same = self
                .from
                .prepare_cached(
                    "SELECT 1 FROM case_index WHERE id = ? AND fingerprint = ? AND window_start = ? AND window_end = ?",
                )?
                .exists((&id, &opened.fingerprint, window.start, window.end))?;
            if !same {
                wrong("case_index", "fingerprint or window are not those of its incident");
            }
        }
        let ended = number("SELECT ended FROM case_index WHERE id = ?")?;
        if case.unknown.is_empty() && ended != Some(i64::from(case.end.is_some())) {
            wrong("case_index", "it says otherwise whether the case has ended");
        }
        let newest: Option<Timestamp> = case.symptoms.iter().map(|noted| noted.symptom.time).max();
        if number("SELECT newest FROM symptomatic WHERE case_id = ?")? != newest {
            wrong("symptomatic", "it says otherwise when the newest symptom was");
        }
        let proposing = (!case.proposals.all.is_empty()).then(|| i64::from(case.proposals.may_move()));
        if case.unknown.is_empty() && number("SELECT open FROM proposing WHERE case_id = ?")? != proposing {
            wrong("proposing", "it says otherwise whether the case proposes something that may still move");
        }
        let learned = Learned::read(self.from, tenant, &case.id)?;
        let known = !case.proposals.outcomes.is_empty()
            || case.proposals.all.iter().any(|proposal| !proposal.reviews.is_empty() || !proposal.outcomes.is_empty());
        if !learned.stood.is_empty() && !known {
            wrong("stood", "it says whose word stood, and nothing became of the case");
        }
        let of_case = |digest: &Digest| {
            case.entry(digest).is_some() || case.steps.iter().any(|step| step.planned.digest == *digest)
        };
        if learned.stood.iter().any(|stood| !of_case(&stood.digest) || !(0.0..=1.0).contains(&stood.share)) {
            wrong("stood", "it names a skill that the case does not know, or a share that is not from 0 to 1");
        }
        if learned.precedent.is_some() && !known {
            wrong("resolved", "it says what became of the case, and nothing did");
        }
        if learned.precedent.as_ref().is_some_and(|precedent| !precedent.is_of(case)) {
            wrong("resolved", "it is of another service than the case");
        }
        let sql = "SELECT words FROM resolved_words WHERE case_id = ?";
        let mut statement = self.from.prepare_cached(sql)?;
        let words: Vec<String> = statement.query_map([&id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        // Older casebooks found a case by everything but its strategies.
        let found_by = |with_strategies: bool| -> Vec<String> {
            let precedents = learned.precedent.iter().cloned().map(|mut precedent| {
                if !with_strategies {
                    precedent.traits.strategies.clear();
                }
                precedent.indexed()
            });
            precedents.collect()
        };
        if words != found_by(true) && words != found_by(false) {
            wrong("resolved_words", "it finds the case by other words than those of its precedent");
        }
        Ok(())
    }

    fn blobs(&mut self) -> Result<(), Fault> {
        let tenants = tenants(self.from);
        for tenant in self.part("the answers", tenants)?.unwrap_or_default() {
            let all = digests(self.from, &tenant);
            for digest in self.part("the answers", all)?.unwrap_or_default() {
                let place = format!("the answer {digest}");
                let is_referenced = self.referenced.get(&tenant).is_some_and(|known| known.contains(&digest.0));
                self.checked.unreferenced += u64::from(!is_referenced);
                if !blob::exists(self.from, &tenant, &digest)? {
                    self.checked.purged += 1;
                    continue;
                }
                self.checked.blobs += 1;
                let read = blob::read(self.from, &tenant, &digest);
                self.part(&place, read)?;
            }
        }
        Ok(())
    }

    /// Rows of indexes that are of no case.
    fn orphans(&mut self) -> Result<(), Fault> {
        for index in ["event", "symptomatic", "proposing", "stood", "resolved", "resolved_words", "imported"] {
            let sql = format!("SELECT count(*) FROM {index} WHERE case_id NOT IN (SELECT id FROM case_index)");
            let count = self.from.query_row(&sql, (), |row| row.get::<_, i64>(0)).map_err(Fault::from);
            let place = format!("the table `{index}`");
            if let Some(count) = self.part(&place, count)?.filter(|count| *count > 0) {
                self.damaged(place, format!("{count} of its rows are of no case that there is"));
            }
        }
        Ok(())
    }
}

fn digests(from: &Transaction, tenant: &str) -> Result<Vec<Digest>, Fault> {
    let mut statement = from.prepare_cached("SELECT digest FROM blob WHERE tenant = ?")?;
    let digests = statement.query_map([tenant], |row| Ok(Digest(row.get(0)?)))?;
    Ok(digests.collect::<Result<_, _>>()?)
}
