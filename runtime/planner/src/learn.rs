//! What a case teaches once it is known what became of it: whose word stood, and by what it is found when another case is like it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use negawatt_casebook::{
    Became, Case, Decision, Learned, Outcome, Proposal, Rejection, Resolved, Said, Stage, Stood, Traits, Tried, Witness,
};
use negawatt_host::Digest;
use negawatt_host::model::{Candidate, FindingBody, Incident, Suspect, Timestamp};
use negawatt_host::text::{printable, shorten};

use crate::answer::{change, suspects};
use crate::board::{Board, Item, Taken};
use crate::target::target;
use crate::verdict::speaks_against;

/// Functions and strategies of a precedent, and characters of its text.
const MOST_FUNCTIONS: usize = 12;
const MOST_STRATEGIES: usize = 12;
const MOST_TEXT: usize = 600;

/// What was said against a case that is kept with it, and characters of each.
const MOST_SAID: usize = 8;
const MOST_WORDS: usize = 300;

/// What is known to be true of a case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Truth {
    /// It was a regression, by this cause.
    Cause(String),
    /// It was a regression, and this was not its cause; perhaps another one was.
    NotCause(String, Option<String>),
    /// Nothing got worse.
    Nothing,
}

/// What is learned of a case as it stands; nothing while nothing is known of what became of it.
pub fn learned(case: &Case, now: Timestamp) -> Learned {
    let truth = truth(case);
    Learned { stood: stood(case, truth.as_ref(), now), precedent: precedent(case, truth.as_ref(), now) }
}

/// What is true of the case, by the newest of the words that say it.
pub(crate) fn truth(case: &Case) -> Option<Truth> {
    newest(case, of_rejection, of_outcome)
}

/// Whether what a case found stands, by the newest of the words that say so, whoever they blame; nothing as long as nobody said anything of it.
pub fn stands(case: &Case) -> Option<bool> {
    let of_rejection = |decision: Decision, _: Option<String>| match decision {
        Decision::Rejected(Rejection::WrongCulprit | Rejection::NotARegression) => Some(false),
        _ => None,
    };
    let of_outcome = |outcome: &Outcome, _: Option<String>| match outcome.what {
        Became::Merged => Some(true),
        Became::Recovered(recovery) if recovery.has_cured() => Some(true),
        Became::Recovered(recovery) if recovery.has_failed() => Some(false),
        Became::Recovered(_) | Became::Rejected | Became::Unmeasured => None,
        Became::NotARegression | Became::WrongCulprit => Some(false),
    };
    newest(case, of_rejection, of_outcome)
}

/// The newest of the words that say something of a case: a person's before the metrics', theirs before a forge's. Each is told with whom it is
/// about: a proposal's target, or the first suspect.
fn newest<T>(
    case: &Case,
    of_rejection: impl Fn(Decision, Option<String>) -> Option<T>,
    of_outcome: impl Fn(&Outcome, Option<String>) -> Option<T>,
) -> Option<T> {
    let mut words: Vec<(u8, Timestamp, T)> = Vec::new();
    let mut note = |rank: u8, time: Timestamp, word: Option<T>| words.extend(word.map(|word| (rank, time, word)));
    for proposal in &case.proposals.all {
        // A merge says that the patch is good, and of whom it blames only what others said, too.
        let target = target(case, &proposal.proposed).map(|suspect| suspect.id);
        // What was decided last: a rejection that was taken back blames nobody.
        if let Some((time, reviewed)) = proposal.reviews.last() {
            note(RANK_PERSON, *time, of_rejection(reviewed.decision, target.clone()));
        }
        for (time, outcome) in &proposal.outcomes {
            note(rank(&outcome.by), *time, of_outcome(outcome, target.clone()));
        }
    }
    let first = suspects(case).first().map(|suspect| suspect.id.clone());
    for (time, outcome) in &case.proposals.outcomes {
        note(rank(&outcome.by), *time, of_outcome(outcome, first.clone()));
    }
    words.into_iter().max_by_key(|(rank, time, _)| (*rank, *time)).map(|(.., word)| word)
}

const RANK_PERSON: u8 = 2;

fn rank(witness: &Witness) -> u8 {
    match witness {
        Witness::Person(_) => RANK_PERSON,
        Witness::Metrics => 1,
        Witness::Forge => 0,
    }
}

fn of_rejection(decision: Decision, target: Option<String>) -> Option<Truth> {
    match decision {
        Decision::Rejected(Rejection::WrongCulprit) => Some(Truth::NotCause(target?, None)),
        Decision::Rejected(Rejection::NotARegression) => Some(Truth::Nothing),
        _ => None,
    }
}

fn of_outcome(outcome: &Outcome, target: Option<String>) -> Option<Truth> {
    match outcome.what {
        Became::Merged => Some(Truth::Cause(target?)),
        Became::Recovered(recovery) if recovery.has_cured() => Some(Truth::Cause(target?)),
        Became::Recovered(recovery) if recovery.has_failed() => Some(Truth::NotCause(target?, None)),
        Became::Recovered(_) | Became::Rejected | Became::Unmeasured => None,
        Became::NotARegression => Some(Truth::Nothing),
        Became::WrongCulprit => Some(Truth::NotCause(target?, outcome.culprit.clone())),
    }
}

/// Whether what each skill said stood: the mean over what it said, by its component.
fn stood(case: &Case, truth: Option<&Truth>, now: Timestamp) -> Vec<Stood> {
    let board = Board::of(case);
    let mut said: BTreeMap<[u8; 32], (String, Vec<bool>)> = BTreeMap::new();
    let mut judge = |step: &str, right: bool| {
        let Some(taken) = board.taken().iter().find(|taken| taken.step == step) else { return };
        said.entry(taken.digest.0).or_insert_with(|| (taken.skill.clone(), Vec::new())).1.push(right);
    };
    if let Some(truth) = truth {
        of_suspects(&board, truth, &mut judge);
        of_change(case, &board, truth, &mut judge);
    }
    of_mitigations(case, &mut judge);
    let mean = |all: &[bool]| all.iter().filter(|right| **right).count() as f64 / all.len() as f64;
    let stood = |(digest, (skill, all)): ([u8; 32], (String, Vec<bool>))| Stood {
        skill,
        digest: Digest(digest),
        time: now,
        share: mean(&all),
    };
    said.into_iter().map(stood).collect()
}

/// Whom a skill suspected most: right if that was the cause. Who suspected nobody more than chance said nothing.
fn of_suspects(board: &Board, truth: &Truth, judge: &mut dyn FnMut(&str, bool)) {
    let ids = |taken: &Taken, services: bool| {
        let of_step = board.standing().filter(|item| item.step == taken.step).filter_map(|item| {
            let FindingBody::Suspect(suspect) = &item.evidence.finding.body else { return None };
            ((suspect.candidate == Candidate::Service) == services).then_some(suspect)
        });
        let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
        of_step.for_each(|suspect| *sums.entry(suspect.id.as_str()).or_default() += suspect.log_odds);
        let first = sums.into_iter().filter(|(_, sum)| *sum > 0.0).max_by(|a, b| a.1.total_cmp(&b.1));
        first.map(|(id, _)| id)
    };
    let is_service = |id: &str| {
        board.standing().any(|item| match &item.evidence.finding.body {
            FindingBody::Suspect(suspect) => suspect.id == id && suspect.candidate == Candidate::Service,
            _ => false,
        })
    };
    for taken in board.taken() {
        match truth {
            Truth::Cause(cause) | Truth::NotCause(_, Some(cause)) => {
                if let Some(first) = ids(taken, is_service(cause)) {
                    judge(&taken.step, first == cause);
                }
            }
            Truth::NotCause(wrong, None) => {
                if ids(taken, is_service(wrong)) == Some(wrong.as_str()) {
                    judge(&taken.step, false);
                }
            }
            Truth::Nothing => {}
        }
    }
}

/// Who found the change that explains the case, and who dismissed it.
fn of_change(case: &Case, board: &Board, truth: &Truth, judge: &mut dyn FnMut(&str, bool)) {
    let real = *truth != Truth::Nothing;
    let Some(id) = case.concluded().and_then(|concluded| concluded.change_point.as_ref()) else { return };
    let believed = |item: &&Item| item.evidence.finding.confidence > 0.5;
    for item in board.standing().filter(believed) {
        match &item.evidence.finding.body {
            FindingBody::ChangePoint(_) if item.evidence.id == *id => judge(&item.step, real),
            FindingBody::Dismissal(dismissal) if speaks_against(dismissal, id) => judge(&item.step, !real),
            _ => {}
        }
    }
}

/// Whose patches were taken, and whose were no good.
fn of_mitigations(case: &Case, judge: &mut dyn FnMut(&str, bool)) {
    for proposal in &case.proposals.all {
        let Some(posted) = case.evidence(&proposal.proposed.mitigation) else { continue };
        let merged = proposal.outcomes.iter().any(|(_, outcome)| matches!(outcome.what, Became::Merged));
        let no_good = matches!(proposal.decision(), Some(Decision::Rejected(Rejection::WrongFix | Rejection::Risky)));
        if merged || no_good {
            judge(&posted.step, merged);
        }
    }
}

/// The case as others find it; none as long as nobody knows what became of it.
fn precedent(case: &Case, truth: Option<&Truth>, now: Timestamp) -> Option<Resolved> {
    let (tried, said) = (tried(case, truth), said(case));
    let outcome = match truth {
        Some(Truth::Nothing) => "not-a-regression",
        Some(Truth::NotCause(..)) => "wrong-culprit",
        _ if tried.iter().any(Tried::was_merged) => Tried::MERGED,
        _ if tried.iter().any(Tried::tells) => "rejected",
        Some(Truth::Cause(_)) => "resolved",
        // Whatever it says, it is no reason to think less of a strategy.
        None if !said.is_empty() => Tried::TURNED_DOWN,
        None => return None,
    };
    let incident = &case.opened.as_ref()?.incident;
    let what = change(case).and_then(|change| change.relative());
    let by = what.map_or(String::new(), |relative| format!(" by {:+.1} %", 100.0 * relative));
    let fared: String = tried.iter().map(|one| format!("; {}: {}", one.strategy, one.outcome)).collect();
    let verdict = case.concluded().map_or("", |concluded| concluded.verdict.name());
    let words = said.iter().filter(|said| !said.text.is_empty()).take(2);
    let words: String = words.map(|said| format!("; turned down as {}: `{}`", said.reason, said.text)).collect();
    let summary = format!("{}{by}: {verdict}: {outcome}{fared}{words}", shorten(&incident.title, 200));
    let (service, outcome) = (incident.service.clone(), outcome.to_owned());
    Some(Resolved { service, traits: traits(case), summary, tried, outcome, said, time: now })
}

/// The strategies of proposals of which something became, each as it fared best.
fn tried(case: &Case, truth: Option<&Truth>) -> Vec<Tried> {
    let mut all: Vec<Tried> = Vec::new();
    for proposal in &case.proposals.all {
        let Some((_, mitigation)) = case.mitigation(&proposal.proposed) else { continue };
        let Some(outcome) = fared(case, proposal, truth) else { continue };
        let one = Tried { strategy: one_line(&mitigation.strategy), outcome: outcome.to_owned() };
        let good = |one: &Tried| (one.was_merged(), one.tells());
        match all.iter_mut().find(|known| known.strategy == one.strategy) {
            Some(known) if good(known) < good(&one) => *known = one,
            Some(_) => {}
            None => all.push(one),
        }
    }
    all
}

/// What became of a proposal, in one word; nothing while it is open.
fn fared(case: &Case, proposal: &Proposal, truth: Option<&Truth>) -> Option<&'static str> {
    let is_merged = proposal.outcomes.iter().any(|(_, outcome)| matches!(outcome.what, Became::Merged));
    let is_refused = match proposal.decision() {
        Some(Decision::Rejected(reason)) => reason.is_against_it(),
        _ => proposal.stage() == Stage::Closed,
    };
    let is_against = |wrong: &str| target(case, &proposal.proposed).is_some_and(|target| target.id == wrong);
    match truth {
        Some(Truth::Nothing) if is_merged || is_refused => Some("not-a-regression"),
        Some(Truth::NotCause(wrong, _)) if (is_merged || is_refused) && is_against(wrong) => Some("wrong-culprit"),
        _ if is_merged => Some(Tried::MERGED),
        _ if is_refused => Some("rejected"),
        _ => matches!(proposal.decision(), Some(Decision::Rejected(_))).then_some(Tried::TURNED_DOWN),
    }
}

/// What people and forges said against the case and its proposals, in its order: the last word of each proposal's review, and what became of it.
fn said(case: &Case) -> Vec<Said> {
    let one = |strategy: Option<&str>, by: Option<&str>, reason: &str, text: &str| Said {
        strategy: strategy.map(one_line),
        by: by.map(|by| shorten(&one_line(by), 60)),
        reason: reason.to_owned(),
        // It stands in such quotes.
        text: shorten(&printable(text).replace('`', "'"), MOST_WORDS),
    };
    let became = |strategy: Option<&str>, outcome: &Outcome| {
        let by = match &outcome.by {
            Witness::Person(name) => Some(name.as_str()),
            Witness::Forge => None,
            Witness::Metrics => return None,
        };
        let against = matches!(outcome.what, Became::Rejected | Became::NotARegression | Became::WrongCulprit);
        against.then(|| one(strategy, by, outcome.what.word(), &outcome.text))
    };
    let of_proposals = case.proposals.all.iter().flat_map(|proposal| {
        let strategy = case.mitigation(&proposal.proposed).map(|(_, mitigation)| mitigation.strategy.as_str());
        let rejected = proposal.reviews.last().and_then(|(_, reviewed)| match reviewed.decision {
            Decision::Rejected(reason) => Some(one(strategy, reviewed.by.as_deref(), reason.word(), &reviewed.text)),
            Decision::Approved => None,
        });
        rejected.into_iter().chain(proposal.outcomes.iter().filter_map(move |(_, outcome)| became(strategy, outcome)))
    });
    let of_case = case.proposals.outcomes.iter().filter_map(|(_, outcome)| became(None, outcome));
    of_proposals.chain(of_case).take(MOST_SAID).collect()
}

/// What a case is found by, as it stands.
pub fn traits(case: &Case) -> Traits {
    let board = Board::of(case);
    let bodies: Vec<_> = board.standing().map(|item| &item.evidence.finding.body).collect();
    case.opened.as_ref().map(|opened| traits_of(&opened.incident, &bodies)).unwrap_or_default()
}

/// What a case is found by, with regard to these findings.
pub(crate) fn traits_of(incident: &Incident, bodies: &[&FindingBody]) -> Traits {
    let mut sums: BTreeMap<&str, (f64, Vec<&Suspect>)> = BTreeMap::new();
    let (mut shapes, mut strategies) = (BTreeSet::new(), BTreeSet::new());
    let (mut functions, mut kinds) = (Vec::new(), Vec::new());
    for body in bodies {
        match body {
            FindingBody::Suspect(suspect) => {
                let (sum, all) = sums.entry(suspect.id.as_str()).or_default();
                *sum += suspect.log_odds;
                all.push(suspect);
            }
            FindingBody::ChangePoint(change) => {
                shapes.insert(format!("{:?}", change.shape).to_lowercase());
            }
            FindingBody::FunctionShift(shift) => functions.push((shift.after - shift.before, shift.name.as_str())),
            FindingBody::Opportunity(opportunity) => {
                kinds.push(format!("opportunity {}", one_line(&opportunity.pattern)));
                functions.push((opportunity.share, opportunity.name.as_str()));
            }
            FindingBody::Mitigation(mitigation) => {
                strategies.insert(one_line(&mitigation.strategy));
            }
            _ => {}
        }
    }
    let first = sums.into_values().max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, all)| all).unwrap_or_default();
    kinds.extend(first.first().map(|suspect| suspect.candidate.word().to_owned()));
    kinds.extend(shapes);
    functions.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    functions.dedup_by(|a, b| a.1 == b.1);
    let files = first.iter().flat_map(|suspect| &suspect.files);
    let languages: BTreeSet<String> =
        files.filter_map(|file| Some(one_line(&Path::new(file).extension()?.to_str()?.to_lowercase()))).collect();
    let said: Vec<&str> = first.iter().map(|suspect| suspect.reason.as_str()).collect();
    let metric = incident.metric.as_ref().map_or("", |metric| metric.name.as_str());
    Traits {
        kind: kinds.join(" "),
        functions: functions.iter().take(MOST_FUNCTIONS).map(|(_, name)| one_line(name)).collect(),
        languages: languages.into_iter().collect(),
        strategies: strategies.into_iter().take(MOST_STRATEGIES).collect(),
        text: shorten(&format!("{} {metric} {}", incident.title, said.join(" ")), MOST_TEXT),
    }
}

fn one_line(text: &str) -> String {
    shorten(&printable(text), 200)
}
