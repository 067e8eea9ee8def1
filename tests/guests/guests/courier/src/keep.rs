//! Requests that are made and never sent.

use negawatt_skill::prelude::*;
use wasip2::http::types::{Fields, Method, OutgoingBody, OutgoingRequest, OutgoingResponse};
use wasip2::io::streams::OutputStream;

/// Makes and keeps so many requests with a text of so many bytes.
pub fn requests(number: usize, bytes: usize, what: &str) -> Result<Vec<Finding>, Error> {
    let text = "x".repeat(bytes);
    let full = Fields::from_list(&[("x".to_owned(), text.clone().into_bytes())]).ok();
    let kept: Option<Vec<_>> = (0..number).map(|_| request(&text, full.as_ref(), what)).collect();
    match kept {
        Some(kept) if kept.len() == number => Ok(Vec::new()),
        _ => Err(Error::Invalid(format!("courier cannot keep {bytes} bytes in {what:?}"))),
    }
}

/// A request and what belongs to it, in the order in which they may be dropped.
type Kept = (Option<OutputStream>, Option<OutgoingBody>, OutgoingRequest);

/// A request with a text somewhere; `None` where it is refused.
fn request(text: &str, full: Option<&Fields>, what: &str) -> Option<Kept> {
    let value = text.as_bytes().to_vec();
    let fields = match what {
        "list" => Fields::from_list(&[("x".to_owned(), value)]).ok()?,
        "set" | "append" => {
            let fields = Fields::new();
            let filled = if what == "set" { fields.set("x", &[value]) } else { fields.append("x", &value) };
            filled.ok()?;
            fields
        }
        "clone" => {
            let fields = full?.clone();
            // Only what differs is a copy.
            fields.append("y", b"y").ok()?;
            fields
        }
        _ => Fields::new(),
    };
    if what == "answer" {
        // A skill answers nobody: there is no body for it.
        OutgoingResponse::new(fields).body().ok()?;
        return None;
    }
    let request = OutgoingRequest::new(fields);
    match what {
        "method" => request.set_method(&Method::Other(text.to_owned())).ok()?,
        "target" => request.set_path_with_query(Some(&format!("/{text}"))).ok()?,
        "authority" => request.set_authority(Some(text)).ok()?,
        "body" => {
            let body = request.body().ok()?;
            let stream = body.write().ok()?;
            stream.check_write().ok()?;
            stream.write(text.as_bytes()).ok()?;
            return Some((Some(stream), Some(body), request));
        }
        _ => {}
    }
    Some((None, None, request))
}
