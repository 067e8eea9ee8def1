//! Agents, over the Model Context Protocol at `/mcp`: the same dispatch as on standard input and output, for whoever has a token.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode};
use negawatt_access::Right;
use negawatt_casebook::Case;
use negawatt_mcp::{Admission, Http, HttpSettings, Program, Refusal, Server};

use crate::app::App;
use crate::caller::Caller;
use crate::gate::Gate;
use crate::notice::Notice;
use crate::tell::post;

/// The server for agents. What it runs is ended by [`Server::end`].
pub fn agents(app: &Arc<App>) -> Server {
    let (loaded, carried, shown, proposed) = (app.clone(), app.clone(), app.clone(), app.clone());
    Server::new(Program {
        runtime: Arc::new(move || loaded.loaded().runtime.clone()),
        book: app.book.clone(),
        carry_on: Arc::new(move |case: Case| {
            let app = carried.clone();
            Box::pin(async move {
                post(&app, &case);
                let case = app.program.carry_on(&app.loaded(), &app.book, case, &app.parking).await?;
                post(&app, &case);
                app.tell(Notice::ended(case.id, case.concluded().map(|concluded| concluded.verdict.name())));
                Ok(case)
            })
        }),
        describe: Arc::new(move |case| shown.program.case(case, &shown.book)),
        proposal: Arc::new(move |case, proposal| proposed.program.proposal(case, proposal)),
    })
}

/// It, as what answers at a path.
pub fn mounted(server: Server, app: &App, gate: &Gate) -> Http<Server> {
    let origins = gate.origins.iter().map(|origin| with_port(origin)).collect();
    let admission: Admission = Arc::new(|parts| {
        let caller = parts
            .extensions
            .get::<Caller>()
            .map(|caller| negawatt_mcp::Caller { name: caller.who(), may_investigate: caller.may(Right::Operate) });
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
