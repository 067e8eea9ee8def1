//! A skill that sends the requests over HTTP that the incident's title says, and notes what comes back.
//!
//! | title | what it does |
//! |---|---|
//! | `send REQUEST` | sends a request, notes the answer |
//! | `follow REQUEST` | the same, and sends a request of its own to wherever an answer points, up to five times |
//! | `together N REQUEST` | sends it N times, reports progress, waits for all, notes the answers |
//! | `leave REQUEST` | sends it, and returns without waiting |
//! | `half REQUEST` | sends it with a body that it never finishes, notes the answer |
//! | `timer REQUEST` | sends it, waits for the answer and for an hour, notes whether the answer was there when the wait was over |
//! | `fields N` | makes N sets of headers and keeps them, notes nothing |
//! | `keep N BYTES WHAT` | makes N requests, puts a text of so many bytes into their `method`, `target`, `authority`, `body`, or into headers by `list`, `set`, `append` or `clone`, and keeps them, notes nothing; `answer` asks for the body of an answer |
//! | `field NAME` | notes whether a header of that name may be set |
//!
//! A request is a line `METHOD scheme://authority/path`; then come lines `name: value`, one for each header, and `body N` for
//! a body of N bytes. An answer is noted as its status, its headers, an empty line and its body; an error as `error: ` and
//! its code.

mod keep;
mod request;

use negawatt_skill::prelude::*;
use wasip2::http::types::Fields;

use request::Request;

negawatt_skill::skill!(investigate);

fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    let title = case.incident.title.as_str();
    let (what, rest) = title.split_once(' ').unwrap_or((title, ""));
    let text = match what {
        "send" => Request::parse(rest)?.answer(),
        "follow" => request::follow(Request::parse(rest)?),
        "together" => {
            let (number, request) = rest.split_once(' ').unwrap_or_default();
            let request = Request::parse(request)?;
            let sent: Vec<_> = (0..count(number)).map(|_| request.send()).collect();
            log::progress(0.5, "all are sent");
            sent.into_iter().map(request::wait).collect::<Vec<_>>().join("\n")
        }
        "leave" => return Request::parse(rest)?.send().map(|_| Vec::new()).map_err(Error::Internal),
        "half" => request::half(&Request::parse(rest)?),
        "timer" => request::race(&Request::parse(rest)?),
        "fields" => {
            let kept: Vec<_> = (0..count(rest)).map(|_| Fields::new()).collect();
            return Ok(kept.iter().filter(|fields| fields.has("x")).map(|_| note("x")).collect());
        }
        "keep" => {
            let [number, bytes, what] = rest.split(' ').collect::<Vec<_>>()[..] else {
                return Err(Error::Invalid(format!("courier cannot keep {rest:?}")));
            };
            return keep::requests(count(number), count(bytes), what);
        }
        "field" => match Fields::new().set(rest, &[b"x".to_vec()]) {
            Ok(()) => "set".to_owned(),
            Err(error) => format!("error: {error:?}"),
        },
        other => return Err(Error::Invalid(format!("courier does not know {other:?}"))),
    };
    Ok(vec![note(&text)])
}

fn count(number: &str) -> usize {
    number.parse().unwrap_or(0)
}

/// A note, of so much text as a note may have.
fn note(text: &str) -> Finding {
    Finding::new(Note(text[..text.floor_char_boundary(20_000)].to_owned()), 1.0, "What came back.")
}
