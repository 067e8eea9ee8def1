//! The routes.

pub mod casebook;
pub mod cases;
pub mod events;
pub mod extract;
pub mod incidents;
pub mod operators;
pub mod proposals;
pub mod skills;
pub mod tokens;
pub mod trials;
pub mod webhooks;

use axum::http::HeaderMap;
use axum::response::Response;
use negawatt_casebook::Casebook;
use tokio::task::block_in_place;

use crate::app::App;
use crate::places::turn;
use crate::problem::Problem;
use crate::program::{Form, Shown};
use crate::routes::extract::{in_form, wanted};

/// Shows something in the form that is asked for.
async fn show(app: &App, what: Shown<'_>, headers: &HeaderMap, forms: &[Form]) -> Result<Response, Problem> {
    show_of(app, &app.book, what, wanted(headers, forms)?).await
}

/// The same for what takes long, in its turn, and without keeping anybody from writing.
async fn show_in_turn(app: &App, what: Shown<'_>, headers: &HeaderMap, forms: &[Form]) -> Result<Response, Problem> {
    let form = wanted(headers, forms)?;
    let _turn = turn().await?;
    let book = block_in_place(|| app.beside())?;
    show_of(app, &book, what, form).await
}

async fn show_of(app: &App, book: &Casebook, what: Shown<'_>, form: Form) -> Result<Response, Problem> {
    Ok(in_form(form, app.program.show(&app.loaded(), book, what, form).await?))
}
