//! What cases teach once it is known what became of them: whether what a skill said stood, and which cases are like which.

use std::collections::BTreeSet;

use negawatt_host::Digest;
use negawatt_host::model::Timestamp;
use rusqlite::{OptionalExtension, Transaction};
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::casebook::{Casebook, ids};
use crate::encoding::DigestDef;
use crate::error::{CasebookError, Fault};
use crate::id::CaseId;

/// What is learned of a case, in the transaction that records what became of it. What was learned of it before gives way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learned {
    /// Whether what each skill said stood.
    pub stood: Vec<Stood>,
    /// The case as a precedent; absent where it is none.
    pub precedent: Option<Resolved>,
}

/// Whether what a skill said in a case stood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stood {
    /// The skill, as `name@version`.
    pub skill: String,
    /// Of its component: a corrected one starts anew.
    #[serde(with = "DigestDef")]
    pub digest: Digest,
    /// When that was known.
    pub time: Timestamp,
    /// From 0 for not at all to 1 for wholly.
    pub share: f64,
}

/// What a case is found by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traits {
    /// What kind of candidate was the cause, and how the series changed.
    pub kind: String,
    /// Functions that took part.
    pub functions: Vec<String>,
    /// Languages of the files that took part.
    pub languages: Vec<String>,
    /// Strategies that were proposed.
    pub strategies: Vec<String>,
    /// What else is said of it.
    pub text: String,
}

/// What somebody said against a proposal, or against what a case found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The proposal's strategy; absent where it is about the case.
    pub strategy: Option<String>,
    /// Who: a person's name; absent where a forge told it.
    pub by: Option<String>,
    /// Why, in one word.
    pub reason: String,
    /// Why, in their own words: one printable line, empty where they wrote none.
    pub text: String,
}

/// A proposal's strategy, and what became of it there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The strategy.
    pub strategy: String,
    /// What became of the proposal, in one word: [`Tried::MERGED`], [`Tried::TURNED_DOWN`], or one that says that it was no good.
    pub outcome: String,
}

impl Tried {
    /// It was merged.
    pub const MERGED: &str = "merged";
    /// It was turned down for a reason that is none against it.
    pub const TURNED_DOWN: &str = "turned-down";

    /// Whether it was merged, and nobody said later that it should not have been.
    pub fn was_merged(&self) -> bool {
        self.outcome == Tried::MERGED
    }

    /// Whether it tells how good the strategy is.
    pub fn tells(&self) -> bool {
        self.outcome != Tried::TURNED_DOWN
    }
}

/// A resolved case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolved {
    /// The service that it was about; empty where that was not kept.
    pub service: String,
    /// What it is found by.
    pub traits: Traits,
    /// What it was about, and what was found.
    pub summary: String,
    /// What was tried, in the order of its proposals, each strategy once: as it fared best.
    pub tried: Vec<Tried>,
    /// What became of the case, in one word.
    pub outcome: String,
    /// What was said against it, in order.
    pub said: Vec<Said>,
    /// When that was known.
    pub time: Timestamp,
}

/// A resolved case that is like another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Alike {
    /// The case.
    pub case: CaseId,
    /// How alike, from 0 to 1.
    pub similarity: f64,
    /// The case as it was resolved.
    pub resolved: Resolved,
}

/// Words of a case that are looked for, and cases that have any of them that are compared.
const MOST_WORDS: usize = 64;
const MOST_COMPARED: i64 = 200;

/// What each trait counts in how alike two cases are; together 1.
const OF_KIND: f64 = 0.25;
const OF_FUNCTIONS: f64 = 0.3;
const OF_LANGUAGES: f64 = 0.1;
const OF_STRATEGIES: f64 = 0.1;
const OF_TEXT: f64 = 0.25;

impl Casebook {
    /// All that was learned of skills, in the order in which it was known.
    pub fn stood(&self) -> Result<Vec<Stood>, CasebookError> {
        let sql = "SELECT skill, digest, time, share FROM stood WHERE tenant = ? ORDER BY time, case_id, digest";
        self.read(|from| {
            let mut statement = from.prepare_cached(sql)?;
            let rows = statement.query_map([self.tenant()], |row| {
                Ok(Stood { skill: row.get(0)?, digest: Digest(row.get(1)?), time: row.get(2)?, share: row.get(3)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Resolved cases of some services, or of all, that have something in common with these traits, the most alike first, then the newest.
    pub fn precedents(
        &self,
        traits: &Traits,
        services: Option<&BTreeSet<String>>,
        limit: usize,
    ) -> Result<Vec<Alike>, CasebookError> {
        let wanted = words(&traits.all());
        if wanted.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        // Words alone, in quotes: nothing of them is a query of its own.
        let query = wanted.iter().take(MOST_WORDS).map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" OR ");
        let services = services.map(|services| serde_json::json!(services).to_string());
        let mut alike = self.read(|from| {
            let sql = "SELECT case_id FROM resolved_words WHERE resolved_words MATCH ?1 AND tenant = ?2 AND (?3 IS NULL OR case_id IN \
                       (SELECT case_id FROM resolved WHERE tenant = ?2 AND service IN (SELECT value FROM json_each(?3)))) \
                       ORDER BY rank, case_id DESC LIMIT ?4";
            let found = ids(from, sql, (&query, self.tenant(), &services, MOST_COMPARED))?;
            found.into_iter().map(|case| alike(from, self.tenant(), case, traits)).collect::<Result<Vec<_>, _>>()
        })?;
        alike.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(b.resolved.time.cmp(&a.resolved.time)));
        alike.truncate(limit);
        Ok(alike)
    }

    /// The cases that have proposals, the newest first: all, or those of which one may still move.
    pub fn proposing(&self, only_open: bool) -> Result<Vec<CaseId>, CasebookError> {
        let sql = "SELECT case_id FROM proposing WHERE tenant = ? AND (open = 1 OR NOT ?) ORDER BY case_id DESC";
        self.read(|from| ids(from, sql, (self.tenant(), only_open)))
    }

    /// The cases of this casebook of which something became, the oldest first; without those that came from another one, wholly or in part.
    pub fn resolved(&self) -> Result<Vec<CaseId>, CasebookError> {
        let sql = "SELECT case_id FROM resolved WHERE tenant = ?1 AND case_id NOT IN (SELECT case_id FROM imported WHERE tenant = ?1) \
                   ORDER BY case_id";
        self.read(|from| ids(from, sql, [self.tenant()]))
    }
}

fn alike(from: &Transaction, tenant: &str, case: CaseId, traits: &Traits) -> Result<Alike, Fault> {
    let resolved = resolved(from, tenant, &case)?;
    let resolved = resolved.ok_or_else(|| Fault::damaged(format!("the precedent {case} is in the index alone")))?;
    Ok(Alike { case, similarity: traits.similarity(&resolved), resolved })
}

fn resolved(from: &Transaction, tenant: &str, case: &CaseId) -> Result<Option<Resolved>, Fault> {
    let sql = "SELECT kind, functions, languages, strategies, text, summary, strategy, outcome, time, service, tried, said FROM resolved \
               WHERE tenant = ? AND case_id = ?";
    let found = from.prepare_cached(sql)?.query_row((tenant, case.to_string()), |row| {
        let lines = |text: String| text.lines().map(str::to_owned).collect();
        let traits = Traits {
            kind: row.get(0)?,
            functions: lines(row.get(1)?),
            languages: lines(row.get(2)?),
            strategies: lines(row.get(3)?),
            text: row.get(4)?,
        };
        let (summary, only, outcome, time) = (row.get(5)?, row.get::<_, Option<String>>(6)?, row.get(7)?, row.get(8)?);
        let (service, tried, said) = (row.get(9)?, row.get::<_, String>(10)?, row.get::<_, String>(11)?);
        Ok((
            Resolved { service, traits, summary, tried: Vec::new(), outcome, said: Vec::new(), time },
            only,
            tried,
            said,
        ))
    });
    let Some((mut resolved, only, tried, said)) = found.optional()? else { return Ok(None) };
    let damaged = |error| Fault::damaged(format!("what became of the precedent {case} cannot be read: {error}"));
    resolved.tried = serde_json::from_str(&tried).map_err(damaged)?;
    resolved.said = serde_json::from_str(&said).map_err(damaged)?;
    // Older casebooks kept one strategy of a case, and nothing of the others.
    if let Some(strategy) = only {
        let outcome = resolved.outcome.clone();
        resolved.traits.strategies.push(strategy.clone());
        resolved.tried.push(Tried { strategy, outcome });
    }
    Ok(Some(resolved))
}

/// Keeps the index of what proposes something.
pub(crate) fn index_proposals(to: &Transaction, tenant: &str, case: &Case) -> Result<(), Fault> {
    if case.proposals.all.is_empty() {
        return Ok(());
    }
    to.prepare_cached(
        "INSERT INTO proposing (case_id, tenant, open) VALUES (?, ?, ?)
         ON CONFLICT (case_id) DO UPDATE SET open = excluded.open",
    )?
    .execute((case.id.to_string(), tenant, case.proposals.may_move()))?;
    Ok(())
}

impl Traits {
    fn all(&self) -> String {
        let lists = [&self.functions, &self.languages, &self.strategies].map(|list| list.join(" "));
        format!("{} {} {}", self.kind, lists.join(" "), self.text)
    }

    /// How alike a resolved case is, from 0 to 1: the same kind, and of functions, languages, strategies and words the parts that are common (Jaccard,
    /// New Phytologist 11 (1912), p. 37). Words that were said against it count where they are met, and cost nothing where they are not.
    pub fn similarity(&self, resolved: &Resolved) -> f64 {
        let other = &resolved.traits;
        let (ours, theirs) = (words(&self.text), words(&other.text));
        let met = words(&resolved.words()).intersection(&ours).cloned().collect();
        let set = |all: &[String]| all.iter().cloned().collect::<BTreeSet<_>>();
        OF_KIND * f64::from(u8::from(self.kind == other.kind))
            + OF_FUNCTIONS * common(&set(&self.functions), &set(&other.functions))
            + OF_LANGUAGES * common(&set(&self.languages), &set(&other.languages))
            + OF_STRATEGIES * common(&set(&self.strategies), &set(&other.strategies))
            + OF_TEXT * common(&ours, &theirs.union(&met).cloned().collect())
    }
}

impl Resolved {
    /// What was said against it, in one text.
    fn words(&self) -> String {
        self.said.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Whether it can be this case's: it is of its service, where that was kept.
    pub(crate) fn is_of(&self, case: &Case) -> bool {
        let service = case.opened.as_ref().map(|opened| opened.incident.service.as_str());
        self.service.is_empty() || service == Some(self.service.as_str())
    }

    /// The words that it is found by, as the index has them.
    pub(crate) fn indexed(&self) -> String {
        words(&format!("{} {}", self.traits.all(), self.words())).into_iter().collect::<Vec<_>>().join(" ")
    }
}

/// The part of two sets that is common; 0 where both are empty.
fn common(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    let all = one.union(other).count();
    if all == 0 { 0.0 } else { one.intersection(other).count() as f64 / all as f64 }
}

/// The words of a text, small.
fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

impl Learned {
    /// What was learned of a case.
    pub(crate) fn read(from: &Transaction, tenant: &str, case: &CaseId) -> Result<Learned, Fault> {
        let sql = "SELECT skill, digest, time, share FROM stood WHERE tenant = ? AND case_id = ? ORDER BY digest";
        let mut statement = from.prepare_cached(sql)?;
        let stood = statement.query_map((tenant, case.to_string()), |row| {
            Ok(Stood { skill: row.get(0)?, digest: Digest(row.get(1)?), time: row.get(2)?, share: row.get(3)? })
        })?;
        let stood = stood.collect::<Result<_, _>>()?;
        Ok(Learned { stood, precedent: resolved(from, tenant, case)? })
    }

    pub(crate) fn note(&self, to: &Transaction, tenant: &str, case: &CaseId) -> Result<(), Fault> {
        let case = case.to_string();
        to.execute("DELETE FROM stood WHERE tenant = ? AND case_id = ?", (tenant, &case))?;
        for Stood { skill, digest, time, share } in &self.stood {
            to.prepare_cached(
                "INSERT INTO stood (tenant, digest, case_id, skill, time, share) VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute((tenant, digest.0, &case, skill, time, share))?;
        }
        to.execute("DELETE FROM resolved WHERE tenant = ? AND case_id = ?", (tenant, &case))?;
        to.execute("DELETE FROM resolved_words WHERE tenant = ? AND case_id = ?", (tenant, &case))?;
        let Some(precedent) = &self.precedent else { return Ok(()) };
        let Resolved { service, traits, summary, tried, outcome, said, time } = precedent;
        to.execute(
            "INSERT INTO resolved \
             (case_id, tenant, kind, functions, languages, strategies, text, summary, outcome, time, service, tried, said) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                &case,
                tenant,
                &traits.kind,
                traits.functions.join("\n"),
                traits.languages.join("\n"),
                traits.strategies.join("\n"),
                &traits.text,
                summary,
                outcome,
                time,
                service,
                serde_json::json!(tried).to_string(),
                serde_json::json!(said).to_string(),
            ),
        )?;
        // The very words that are looked for, so that one way to split a text is enough.
        let words = precedent.indexed();
        to.execute("INSERT INTO resolved_words (case_id, tenant, words) VALUES (?, ?, ?)", (&case, tenant, words))?;
        Ok(())
    }
}
