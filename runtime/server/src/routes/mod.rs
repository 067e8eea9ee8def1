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
use tokio::sync::Semaphore;

use crate::app::App;
use crate::problem::Problem;
use crate::program::{Form, Shown};
use crate::routes::extract::{in_form, wanted};

/// What reads all of the casebook, asks all sources or runs a case again: one after another, so that those who look keep no machine from
/// those who work.
static TURN: Semaphore = Semaphore::const_new(1);

/// Shows something in the form that is asked for.
async fn show(app: &App, what: Shown<'_>, headers: &HeaderMap, forms: &[Form]) -> Result<Response, Problem> {
    let form = wanted(headers, forms)?;
    Ok(in_form(form, app.program.show(&app.loaded(), &app.book, what, form).await?))
}

/// The same for what takes long, in its turn.
async fn show_in_turn(app: &App, what: Shown<'_>, headers: &HeaderMap, forms: &[Form]) -> Result<Response, Problem> {
    let _turn = TURN.acquire().await;
    show(app, what, headers, forms).await
}
