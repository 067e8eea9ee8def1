//! Tells others, over webhooks, what they asked to be told: it is written down first, and sent until it arrives.

use std::sync::Arc;
use std::time::Duration;

use negawatt_casebook::{Case, Event, Proposal, Stage};
use negawatt_host::json;
use negawatt_host::time;
use negawatt_planner::suspects;
use negawatt_signals::{Notice, NoticeData, OutcomeNotice, ProposalNotice, ReviewNotice, SuspectNotice, VerdictNotice};

use crate::app::App;

/// How old an event may be that is told, in microseconds: a day. What was sent is remembered for longer, and who is named as a target
/// later is not told of what was long ago.
const OLDEST: i64 = 86_400_000_000;

/// How long nothing is looked for where nothing waits.
const IDLE: Duration = Duration::from_secs(1);

/// Sends what is due, until the server has ended. What is not sent by then is sent after the next start.
pub async fn tell(app: Arc<App>) {
    while !app.parking.is_cancelled() {
        let delivered = app.parking.run_until_cancelled(async { app.courier().deliver(time::now()).await }).await;
        match delivered {
            None => return,
            Some(Ok(delivered)) => {
                let goes_on = delivered.sent > 0;
                for lost in delivered.given_up {
                    tracing::error!("{} is not told of {} any more: {}", lost.target, lost.id, lost.why);
                }
                if goes_on {
                    continue;
                }
            }
            Some(Err(error)) => tracing::error!("nobody was told anything: {error}"),
        }
        app.parking.run_until_cancelled(tokio::time::sleep(IDLE)).await;
    }
}

/// Writes down all that others are to be told of a case, as far as it has come; what was written down before stays as it is.
pub fn post(app: &App, case: &Case) {
    // Others wait meanwhile, and not for this thread.
    tokio::task::block_in_place(|| write_down(app, case));
}

fn write_down(app: &App, case: &Case) {
    let courier = app.courier();
    if !courier.has_targets() {
        return;
    }
    let events = match app.book.events(&case.id) {
        Ok(events) => events,
        Err(error) => {
            tracing::error!("nobody is told of the case {}: {error}", case.id);
            return;
        }
    };
    let since = time::now().saturating_sub(OLDEST);
    for recorded in events.iter().filter(|recorded| recorded.time > since) {
        let Some(data) = told(case, &recorded.event) else { continue };
        let notice = Notice { id: format!("{}/{}", case.id, recorded.seq), time: recorded.time, data };
        if let Err(error) = courier.post(&notice, time::now()) {
            tracing::error!("nobody is told of the case {}: {error}", case.id);
        }
    }
}

/// What is told of an event.
fn told(case: &Case, event: &Event) -> Option<NoticeData> {
    let incident = &case.opened.as_ref()?.incident;
    let (id, service) = (case.id.to_string(), incident.service.clone());
    let of = |number: u32| {
        let proposal = case.proposals.get(number)?;
        let (_, mitigation) = case.mitigation(&proposal.proposed)?;
        Some((proposal, mitigation.strategy.clone(), mitigation.target.clone()))
    };
    Some(match event {
        Event::Concluded(concluded) => NoticeData::Verdict(VerdictNotice {
            case: id,
            service,
            title: incident.title.clone(),
            severity: json::severity(incident.severity).to_owned(),
            verdict: concluded.verdict.name().to_owned(),
            confidence: concluded.confidence,
            suspects: suspects(case)
                .into_iter()
                .map(|suspect| SuspectNotice {
                    kind: suspect.candidate.word().to_owned(),
                    id: suspect.id,
                    author: suspect.author,
                    confidence: suspect.confidence,
                })
                .collect(),
        }),
        Event::Examined(examined) => {
            let (proposal, strategy, target) = of(examined.proposal)?;
            let why = needs_person(proposal)?;
            NoticeData::ReviewNeeded(ReviewNotice {
                case: id,
                proposal: examined.proposal,
                service,
                strategy,
                target,
                confidence: proposal.proposed.rank.helps,
                why: vec![why],
            })
        }
        Event::Submitted(submitted) => {
            let (_, strategy, target) = of(submitted.proposal)?;
            let url = submitted.url.clone().or_else(|| Some(submitted.branch.clone()));
            NoticeData::Proposal(ProposalNotice {
                case: id,
                proposal: submitted.proposal,
                service,
                strategy,
                target,
                url,
            })
        }
        Event::Outcome(outcome) => NoticeData::Outcome(OutcomeNotice {
            case: id,
            proposal: outcome.proposal,
            service,
            outcome: outcome.what.word().to_owned(),
            text: Some(outcome.text.clone()).filter(|text| !text.is_empty()),
        }),
        _ => return None,
    })
}

/// Why a person has to decide of a proposal that waits.
fn needs_person(proposal: &Proposal) -> Option<String> {
    let examined = proposal.examined.as_ref().filter(|_| proposal.stage() == Stage::Waiting)?;
    examined.person.clone()
}
