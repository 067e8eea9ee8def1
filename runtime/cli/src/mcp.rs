//! `negawatt mcp`: skills and investigations for agents, on standard input and output.

use std::path::Path;
use std::sync::Arc;

use negawatt_casebook::{Case, Casebook};
use negawatt_mcp::{Program, Server, serve_stdio};
use negawatt_proposals::carry_on;
use tokio_util::sync::CancellationToken;

use crate::error::CliError;
use crate::investigate::described;
use crate::review;
use crate::setup::{self, Setup};

/// Serves the client that started the program, until it goes away.
pub async fn serve(config: Option<&Path>) -> Result<(), CliError> {
    let setup = Arc::new(Setup::new(config)?);
    let book = setup.casebook()?;
    let cancel = setup::cancelled_by_ctrl_c();
    let server = Server::new(program(setup, book, cancel.clone()));
    serve_stdio(server, cancel)
        .await
        .map_err(|error| CliError::failure("mcp", format!("the client cannot be served: {error}")))
}

/// What cases of this configuration are run and told with.
fn program(setup: Arc<Setup>, book: Casebook, cancel: CancellationToken) -> Program {
    let runtime = setup.runtime.clone();
    let (desk, carried) = (review::desk(&setup.config), book.clone());
    Program {
        runtime: Arc::new(move || runtime.clone()),
        book,
        carry_on: Arc::new(move |case: Case| {
            let (desk, book, cancel) = (desk.clone(), carried.clone(), cancel.clone());
            Box::pin(async move { carry_on(&desk, &book, case, &cancel).await.map_err(|error| error.to_string()) })
        }),
        describe: Arc::new(described),
        proposal: Arc::new(review::described),
        observe: Arc::new(|_| {}),
    }
}
