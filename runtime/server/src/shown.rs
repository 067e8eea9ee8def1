//! What is shown of proposals, skills and figures, as far as other programs may rely on it: keys may be added, never taken away. The
//! program around the server writes it; here it is only described.
#![allow(dead_code, reason = "it is only described")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

/// A proposal.
#[derive(ToSchema)]
pub struct Proposal {
    /// Its case's id.
    case: String,
    /// Its number in the case.
    proposal: u32,
    /// How far it is.
    stage: String,
    /// What it does, in a word.
    strategy: Option<String>,
    /// The suspect that it mitigates.
    target: Option<String>,
    /// How one would see that it helps.
    validation: Option<String>,
    /// A unified diff; null for a setting.
    patch: Option<String>,
    /// Why it is where it is among its case's proposals.
    rank: Rank,
    /// What it was examined on.
    base: Option<Base>,
    /// What was asked of it.
    checks: Vec<Check>,
    /// A benchmark with and without it.
    measured: Option<Measured>,
    /// Why a person has to decide; null where none has to.
    needs_person: Option<String>,
    /// What was decided of it.
    reviews: Vec<Review>,
    /// Where it is.
    submitted: Option<Submitted>,
    /// What became of it.
    outcomes: Vec<Became>,
}

/// A proposal's rank.
#[derive(ToSchema)]
#[schema(as = ProposalRank)]
pub struct Rank {
    /// By what it is ranked.
    score: f64,
    /// How probable it is that it helps.
    helps: f64,
    /// What may go wrong.
    risk: f64,
    /// What helped in similar cases.
    precedent: f64,
    /// What it would save.
    saving: Option<Cost>,
    /// Why, in words.
    reasons: Vec<String>,
}

/// Cores and watts.
#[derive(ToSchema)]
pub struct Cost {
    cores: f64,
    watts: f64,
}

/// What a proposal was examined on.
#[derive(ToSchema)]
#[schema(as = ProposalBase)]
pub struct Base {
    repository: String,
    branch: String,
    commit: String,
}

/// One question that was asked of a proposal.
#[derive(ToSchema)]
#[schema(as = ProposalCheck)]
pub struct Check {
    name: String,
    /// Null where it was not asked.
    passed: Option<bool>,
    detail: String,
}

/// A benchmark with and without a proposal.
#[derive(ToSchema)]
pub struct Measured {
    before: Vec<f64>,
    after: Vec<f64>,
    p_value: f64,
    lower_is_better: bool,
}

/// A decision of a proposal.
#[derive(ToSchema)]
pub struct Review {
    /// When (RFC 3339).
    time: String,
    /// Who; null where nobody had to.
    by: Option<String>,
    text: String,
    /// `approved` or `rejected`.
    decision: String,
    /// Why it was rejected, in one word.
    reason: Option<String>,
}

/// Where a proposal was submitted.
#[derive(ToSchema)]
pub struct Submitted {
    forge: String,
    branch: String,
    commit: String,
    url: Option<String>,
    number: Option<u64>,
    /// What is to be known of it.
    notes: Vec<String>,
}

/// What became of a case or a proposal.
#[derive(ToSchema)]
pub struct Became {
    /// When (RFC 3339).
    time: String,
    what: String,
    /// A person, `forge` or `metrics`.
    by: String,
    /// What was the cause instead.
    culprit: Option<String>,
    text: String,
}

/// What is known of a submitted proposal.
#[derive(ToSchema)]
pub struct Followed {
    case: String,
    proposal: u32,
    /// `open`, what became of it, or `unknown`.
    state: String,
    /// Why it is not known.
    error: Option<String>,
}

/// A case's proposals, and what became of it.
#[derive(ToSchema)]
pub struct CaseProposals {
    /// Its id.
    case: String,
    proposals: Vec<Proposal>,
    /// What became of the case.
    outcomes: Vec<Became>,
}

/// The steps that a case would take.
#[derive(ToSchema)]
pub struct Plan {
    /// What is asked at the same time, in order.
    waves: Vec<Wave>,
    /// Skills that are put aside, and not planned.
    put_aside: Vec<String>,
}

/// Steps of one wave.
#[derive(ToSchema)]
pub struct Wave {
    /// What they are to answer.
    question: String,
    steps: Vec<PlannedStep>,
}

/// A step that a case would take.
#[derive(ToSchema)]
pub struct PlannedStep {
    /// The skill, as name@version.
    skill: String,
    consumes: Vec<String>,
    reads: Vec<String>,
    produces: Vec<String>,
    /// Why it may not run; null where it may.
    denied: Option<String>,
}

/// What came of running a case again.
#[derive(ToSchema)]
pub struct Replayed {
    /// Its id.
    case: String,
    /// Whether it went the same way, to every byte.
    same: bool,
    verdict: Option<String>,
    /// Versions of the program that recorded it, and that ran it again.
    host: BTreeMap<String, String>,
    #[schema(value_type = Vec<Object>)]
    steps: Vec<()>,
    #[schema(value_type = Vec<Object>)]
    differences: Vec<()>,
}

/// What a skill may do, and why.
#[derive(ToSchema)]
pub struct Grants {
    /// The skill, as name@version.
    skill: String,
    origin: String,
    digest: String,
    may_run: bool,
    /// What it imports, each with the grants that allow it.
    #[schema(value_type = Vec<Object>)]
    tools: Vec<()>,
    /// Grants that mean it.
    #[schema(value_type = Vec<Object>)]
    grants: Vec<()>,
    /// The grant by which it may send out what derives from confidential tools.
    may_export: Option<String>,
    #[schema(value_type = Vec<Object>)]
    limits: Vec<()>,
}

/// What was found of the configuration and its sources.
#[derive(ToSchema)]
pub struct Diagnosis {
    /// Whether all that is configured works.
    ok: bool,
    /// How many things do not.
    failures: u64,
    config: Option<String>,
    #[schema(value_type = Vec<Object>)]
    sources: Vec<()>,
    #[schema(value_type = Vec<Object>)]
    forges: Vec<()>,
}

/// What was found in the casebook.
#[derive(ToSchema)]
pub struct Checked {
    file: String,
    /// Whether nothing is damaged.
    ok: bool,
    cases: u64,
    events: u64,
    answers: u64,
    purged: u64,
    unreferenced: u64,
    damage: Vec<Damage>,
}

/// Something that is not as it was written.
#[derive(ToSchema)]
pub struct Damage {
    r#where: String,
    what: String,
}

/// A token, without its secret.
#[derive(ToSchema)]
pub struct Token {
    id: String,
    /// Who has it.
    name: String,
    role: String,
    rights: Vec<String>,
    /// When it was made (RFC 3339).
    created: String,
    expires: Option<String>,
    revoked: Option<String>,
    /// When it was used last, give or take a minute.
    used: Option<String>,
}

/// An entry of the log.
#[derive(ToSchema)]
pub struct AuditEntry {
    number: u64,
    time: String,
    who: String,
    role: Option<String>,
    address: Option<String>,
    /// What was done.
    action: String,
    /// To what.
    object: String,
    /// `done`, `refused` or `failed`.
    outcome: String,
    detail: String,
    hash: String,
}

/// The skills, and the files that are not used.
#[derive(ToSchema)]
pub struct Skills {
    skills: Vec<Skill>,
    refused: Vec<crate::routes::operators::RefusedFile>,
}

/// A skill.
#[derive(ToSchema)]
pub struct Skill {
    name: String,
    version: String,
    description: String,
    /// `bundled` or `loaded`.
    origin: String,
    digest: String,
    /// Kinds of evidence that must be there.
    consumes: Vec<String>,
    /// Kinds of evidence that it is shown where they are there.
    reads: Vec<String>,
    /// Kinds of evidence that it finds.
    produces: Vec<String>,
    /// What it imports.
    tools: Vec<String>,
    /// Why it may not run; null where it may.
    denied: Option<String>,
    /// How often it failed in a row.
    failures: u64,
    /// Since when, and why, it is not planned in new cases.
    put_aside: Option<PutAside>,
}

/// Why a skill is put aside.
#[derive(ToSchema)]
pub struct PutAside {
    /// Since when (RFC 3339).
    since: String,
    reason: String,
}

/// What all cases came to.
#[derive(ToSchema)]
pub struct Stats {
    all: Figures,
    by_service: BTreeMap<String, Figures>,
    /// Each with its skill, and the figures of the cases in which it found something.
    by_skill: Vec<Figures>,
    by_time: ByTime,
    /// Hours that a case takes by hand.
    hours_per_case: f64,
    /// How figures come about that are not simply counted.
    formulas: BTreeMap<String, String>,
}

/// Figures of one time after another.
#[derive(ToSchema)]
pub struct ByTime {
    /// How long each is, in a word.
    every: String,
    /// Each with its beginning.
    periods: Vec<Figures>,
}

/// What some cases came to.
#[derive(ToSchema)]
pub struct Figures {
    cases: u64,
    open: u64,
    cancelled: u64,
    /// How many ended with each verdict.
    verdicts: BTreeMap<String, u64>,
    /// The median; null where there is none.
    seconds_to_diagnosis: Option<f64>,
    /// The median; null where there is none.
    seconds_to_resolution: Option<f64>,
    /// How many were proposed, submitted, merged and turned down.
    proposals: BTreeMap<String, u64>,
    with_proposals: u64,
    submitted: u64,
    merged: u64,
    without_person: u64,
    share_without_person: Option<f64>,
    judged: u64,
    wrong: u64,
    false_positive_rate: Option<f64>,
    hours_saved: f64,
    /// What submitted proposals would save.
    proposed: Power,
    /// What merged ones did save.
    recovered: Power,
}

/// Cores and megawatts.
#[derive(ToSchema)]
pub struct Power {
    cores: f64,
    megawatts: f64,
}
