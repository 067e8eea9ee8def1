//! Agents, over the Model Context Protocol at `/mcp`: the same dispatch as on standard input and output, for whoever has a token.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use negawatt_access::{Actor, Entry, Outcome, Right};
use negawatt_casebook::{Case, Verdict};
use negawatt_host::time;
use negawatt_mcp::{Admission, Came, Deed, Http, HttpSettings, Program, Record, Refusal, Seen, Server};
use negawatt_proposals::carry_on;

use crate::app::App;
use crate::caller::Caller;
use crate::gate::{Gate, REQUEST_ID};
use crate::metrics::From;
use crate::notice::Notice;
use crate::tell::post;
use crate::work::try_again;

/// The server for agents. What it runs is ended by [`Server::end`].
pub fn agents(app: &Arc<App>) -> Server {
    let (loaded, carried, shown, proposed, seen) = (app.clone(), app.clone(), app.clone(), app.clone(), app.clone());
    Server::new(Program {
        runtime: Arc::new(move || loaded.loaded().runtime.clone()),
        book: app.book.clone(),
        carry_on: Arc::new(move |case: Case| {
            let app = carried.clone();
            Box::pin(async move {
                post(&app, &case);
                let id = case.id;
                let carried = carry_on(&app.loaded().desk, &app.book, case, &app.parking).await;
                try_again(&app, id, carried.as_ref().ok().cloned()).await;
                let case = carried.map_err(|error| error.to_string())?;
                post(&app, &case);
                Ok(case)
            })
        }),
        describe: Arc::new(move |case| shown.program.case(case)),
        proposal: Arc::new(move |case, proposal| proposed.program.proposal(case, proposal)),
        observe: Arc::new(move |what| match what {
            Seen::Opened(_) => seen.metrics.accepted(From::Agent),
            Seen::Ended(case, verdict, took) => {
                seen.metrics.ended(*verdict, *took);
                seen.tell(Notice::ended(*case, verdict.map(Verdict::name)));
            }
        }),
    })
}

/// It, as what answers at a path.
pub fn mounted(server: Server, app: &App, gate: &Arc<Gate>) -> Http<Server> {
    let origins = gate.origins.iter().map(|origin| with_port(origin)).collect();
    let gate = gate.clone();
    let admission: Admission = Arc::new(move |parts| {
        let caller = parts.extensions.get::<Caller>().map(|caller| negawatt_mcp::Caller {
            name: caller.who(),
            may_investigate: caller.may(Right::Operate),
            record: Some(recorded(gate.clone(), actor(caller, parts), parts)),
        });
        Box::pin(async move {
            caller.ok_or_else(|| Refusal {
                status: StatusCode::UNAUTHORIZED,
                challenge: Some(HeaderValue::from_static("Bearer")),
                message: "this takes a token: send `Authorization: Bearer ngw_…`".to_owned(),
            })
        })
    });
    // The gate has looked at the host.
    Http::new(server, HttpSettings { hosts: None, origins, stop: app.closing.clone() }, admission)
}

/// An origin with its port: where none is written, any would do.
fn with_port(origin: &str) -> String {
    let usual =
        reqwest::Url::parse(origin).ok().filter(|url| url.port().is_none()).and_then(|url| url.port_or_known_default());
    usual.map_or_else(|| origin.to_owned(), |port| format!("{origin}:{port}"))
}

fn actor(caller: &Caller, head: &Parts) -> Actor {
    let address = head.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    Actor { who: caller.who(), role: caller.role(), address: address.map(|address| address.to_string()) }
}

/// Writes what an agent does into the log of what is done.
fn recorded(gate: Arc<Gate>, by: Actor, head: &Parts) -> Record {
    let id = head.headers.get(&REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    Arc::new(move |Deed { what, to, came }| {
        let outcome = match came {
            Came::Begun => Outcome::Done,
            Came::Refused => Outcome::Refused,
            Came::Failed => Outcome::Failed,
        };
        let detail = format!("request {id}");
        let entry = Entry { object: to, detail, ..Entry::by(&by, time::now(), &format!("mcp {what}"), outcome) };
        let gate = gate.clone();
        Box::pin(async move { gate.record(entry).await.map_err(|problem| problem.detail) })
    })
}
