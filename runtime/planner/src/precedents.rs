//! Resolved cases behind the tool `precedents`, as one step may see them.

use async_trait::async_trait;
use negawatt_casebook::{Alike, Casebook, Resolved};
use negawatt_host::model::precedents::Precedent;
use negawatt_host::model::{Answer, Error, Evidence, EvidenceId, Incident};
use negawatt_host::{Precedents, Scope};

use crate::learn::traits_of;

/// The most precedents of one answer.
const MOST: u32 = 50;

/// Answers a step from the casebook, of the evidence that it is shown: of the services of its scope, or of all where it may know of all.
pub(crate) struct OfStep {
    pub(crate) book: Casebook,
    pub(crate) incident: Incident,
    pub(crate) evidence: Vec<Evidence>,
    /// Whether the skill is the program's own, which tells nobody.
    pub(crate) everything: bool,
}

#[async_trait]
impl Precedents for OfStep {
    async fn similar(&self, scope: &Scope, evidence: Vec<EvidenceId>, limit: u32) -> Answer<Vec<Precedent>> {
        let shown = |id: &EvidenceId| {
            let found = self.evidence.iter().find(|evidence| evidence.id == *id);
            found.ok_or_else(|| Error::Invalid(format!("there is no evidence {id:?} on the board that you see")))
        };
        let evidence = evidence.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
        let bodies: Vec<_> = evidence.iter().map(|evidence| &evidence.finding.body).collect();
        let traits = traits_of(&self.incident, &bodies);
        let services = (!self.everything && !scope.everything).then_some(&scope.services);
        let limit = limit.min(MOST) as usize;
        let found = self.book.precedents(&traits, services, limit);
        let found = found.map_err(|error| Error::Unavailable(format!("the casebook cannot be read: {error}")))?;
        Ok(found.into_iter().flat_map(told).take(limit).collect())
    }
}

/// A case once for each strategy that was tried in it, with what became of that one.
fn told(Alike { case, similarity, resolved }: Alike) -> Vec<Precedent> {
    let Resolved { summary, tried, outcome, .. } = resolved;
    let one = |strategy, outcome| Precedent {
        case_id: case.to_string(),
        similarity,
        summary: summary.clone(),
        strategy,
        outcome,
    };
    if tried.is_empty() {
        return vec![one(None, outcome)];
    }
    tried.into_iter().map(|tried| one(Some(tried.strategy), tried.outcome)).collect()
}
