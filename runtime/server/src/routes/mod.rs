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

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use negawatt_casebook::Casebook;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::block_in_place;

use crate::app::App;
use crate::problem::{AGAIN, Problem};
use crate::program::{Form, Shown};
use crate::routes::extract::{in_form, wanted};

/// What reads all of the casebook, asks all sources or runs a case again: so many at a time, and so many that wait, so that those who look
/// keep no machine and no thread from those who work.
const AT_A_TIME: usize = 2;
const WAITING: usize = 16;

static TURNS: Semaphore = Semaphore::const_new(AT_A_TIME);
static PLACES: Semaphore = Semaphore::const_new(AT_A_TIME + WAITING);

/// A turn to do what takes long. It goes where the work goes: whoever breaks off does not give away what is still worked for them.
struct Turn {
    _turn: SemaphorePermit<'static>,
    _place: SemaphorePermit<'static>,
}

/// Waits for a turn, on no thread; refused where too many wait already.
async fn turn() -> Result<Turn, Problem> {
    let refused = |_| {
        let why = format!("{WAITING} requests wait already for what takes long; that is as many as may");
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", why).retry_after(AGAIN)
    };
    let place = PLACES.try_acquire().map_err(refused)?;
    let closed = |_| Problem::unavailable("closing", "the server is shutting down").retry_after(AGAIN);
    Ok(Turn { _turn: TURNS.acquire().await.map_err(closed)?, _place: place })
}

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
