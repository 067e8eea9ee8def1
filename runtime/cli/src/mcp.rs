//! `negawatt mcp`: skills and investigations for agents, on standard input and output.

use std::path::Path;
use std::sync::Arc;

use negawatt_casebook::{Case, Casebook};
use negawatt_mcp::{Program, Server, serve_stdio};
use negawatt_planner::answer;

use crate::error::CliError;
use crate::review;
use crate::setup::{self, Setup};

/// Serves the client that started the program, until it goes away.
pub async fn serve(config: Option<&Path>) -> Result<(), CliError> {
    let setup = Arc::new(Setup::new(config)?);
    let book = setup.casebook()?;
    let server = Server::new(program(setup, book));
    serve_stdio(server, setup::cancelled_by_ctrl_c())
        .await
        .map_err(|error| CliError::failure("mcp", format!("the client cannot be served: {error}")))
}

/// What cases of this configuration are run and told with.
fn program(setup: Arc<Setup>, book: Casebook) -> Program {
    let runtime = setup.runtime.clone();
    let carried = book.clone();
    Program {
        runtime: Arc::new(move || runtime.clone()),
        book,
        carry_on: Arc::new(move |case: Case| {
            let (setup, book) = (setup.clone(), carried.clone());
            Box::pin(async move { review::carry_on(&setup, &book, case).await.map_err(|error| error.message) })
        }),
        describe: Arc::new(|case| crate::watch::with_symptoms(review::with_checks(answer(case), case), case)),
        proposal: Arc::new(review::described),
    }
}
