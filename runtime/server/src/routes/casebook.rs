//! The casebook as a whole: whether it is as it was written, and cases for another one.

use std::fs::File;
use std::io::{BufWriter, Error, Read, Seek, Write};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use negawatt_casebook::{Casebook, Exported};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use crate::app::App;
use crate::places::blocking;
use crate::problem::Problem;
use crate::program::{Form, Shown};
use crate::refusals::{Also, Refusals};
use crate::routes::extract::Asked;
use crate::routes::{show_in_turn, turn};
use crate::shown::Checked;

/// Look whether the casebook is as it was written
#[utoipa::path(
    get, path = "/v1/casebook/check", operation_id = "check_casebook", tag = "operators",
    responses((status = 200, description = "As `negawatt casebook check --json` prints it", body = Checked), Refusals, Also<406>)
)]
pub async fn check(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    show_in_turn(&app, Shown::Check, &headers, &[Form::Json]).await
}

/// What is exported.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Exports {
    /// One case alone: its id, or the beginning of it
    #[param(pattern = "^[0-9A-Za-z]{1,26}$")]
    case: Option<String>,
}

/// Bytes of a file that are sent at a time, and how many such pieces may wait for a slow client.
const PIECE: usize = 64 << 10;
const WAITING: usize = 4;

/// Write cases into one file, with all that they refer to
///
/// As `negawatt casebook export` writes it, for `negawatt casebook import`. It holds what skills and sources said of your systems.
#[utoipa::path(
    get, path = "/v1/casebook/export", operation_id = "export_cases", tag = "operators", params(Exports),
    responses(
        (status = 200, description = "The file: lines of JSON in one frame of zstd", body = String, content_type = "application/zstd",
            headers(("Negawatt-Exported" = String, description = "What is in it: `cases=1, answers=20, purged=0`"))),
        Refusals, Also<404>, Also<409>,
    )
)]
pub async fn export(State(app): State<Arc<App>>, Asked(which): Asked<Exports>) -> Result<Response, Problem> {
    let turn = turn().await?;
    let (file, length, exported) = blocking(move || {
        let _turn = turn;
        written(&app.beside()?, which.case.as_deref())
    })
    .await?;
    let Exported { cases, blobs, purged } = exported;
    let head = [
        (header::CONTENT_TYPE, "application/zstd".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"cases.ngw\"".to_owned()),
        (
            header::HeaderName::from_static("negawatt-exported"),
            format!("cases={cases}, answers={blobs}, purged={purged}"),
        ),
    ];
    Ok((head, Body::from_stream(pieces(file))).into_response())
}

/// The whole file before any of it is sent: a client that reads slowly keeps no transaction open, and what fails is told.
fn written(book: &Casebook, case: Option<&str>) -> Result<(File, u64, Exported), Problem> {
    let full = |error: Error| {
        let why = format!("the cases cannot be written down: {error}");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "export", why)
    };
    let case = case.map(|case| book.find(case)).transpose()?;
    let mut to = BufWriter::new(tempfile::tempfile().map_err(full)?);
    let exported = book.export(&mut to, case.as_ref())?;
    to.flush().map_err(full)?;
    let mut file = to.into_inner().map_err(|error| full(error.into_error()))?;
    let length = file.stream_position().map_err(full)?;
    file.rewind().map_err(full)?;
    Ok((file, length, exported))
}

fn pieces(mut file: File) -> ReceiverStream<Result<Bytes, Error>> {
    let (send, pieces) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut piece = vec![0; PIECE];
            match file.read(&mut piece) {
                Ok(0) => return,
                Ok(length) => {
                    piece.truncate(length);
                    if send.blocking_send(Ok(Bytes::from(piece))).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    // Whoever reads it sees that it ends too early.
                    let _ = send.blocking_send(Err(error));
                    return;
                }
            }
        }
    });
    ReceiverStream::new(pieces)
}
