//! Requests and answers over `wasi:http`.

use negawatt_skill::Error;
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use wasip2::io::poll::poll;
use wasip2::io::streams::StreamError;

/// Bytes that are written at a time.
const CHUNK: usize = 4_096;

/// A request that was sent, or why not.
type Sent = Result<FutureIncomingResponse, String>;

/// What is sent.
pub struct Request {
    method: String,
    scheme: String,
    authority: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<usize>,
}

impl Request {
    /// Reads a request; see the list of titles.
    pub fn parse(text: &str) -> Result<Request, Error> {
        let invalid = || Error::Invalid(format!("courier cannot read the request {text:?}"));
        let mut lines = text.lines();
        let (method, url) = lines.next().and_then(|line| line.split_once(' ')).ok_or_else(invalid)?;
        let (scheme, rest) = url.split_once("://").ok_or_else(invalid)?;
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let mut request = Request {
            method: method.to_owned(),
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        };
        for line in lines {
            match line.split_once(": ") {
                Some((name, value)) => request.headers.push((name.to_owned(), value.as_bytes().to_vec())),
                None => request.body = line.strip_prefix("body ").and_then(|bytes| bytes.parse().ok()),
            }
        }
        Ok(request)
    }

    fn outgoing(&self) -> Result<OutgoingRequest, String> {
        let fields = Fields::from_list(&self.headers).map_err(|error| format!("error: {error:?}"))?;
        let request = OutgoingRequest::new(fields);
        let method = match self.method.as_str() {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            other => Method::Other(other.to_owned()),
        };
        let scheme = match self.scheme.as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => Scheme::Other(other.to_owned()),
        };
        let refused = |()| "error: no such request".to_owned();
        request.set_method(&method).map_err(refused)?;
        request.set_scheme(Some(&scheme)).map_err(refused)?;
        request.set_authority(Some(&self.authority)).map_err(refused)?;
        request.set_path_with_query(Some(&self.path)).map_err(refused)?;
        Ok(request)
    }

    /// Sends it, and does not wait for the answer.
    pub fn send(&self) -> Sent {
        let request = self.outgoing()?;
        let Some(bytes) = self.body else { return handle(request, None).map_err(told) };
        let body = request.body().map_err(|()| "error: no body".to_owned())?;
        let sent = handle(request, None).map_err(told)?;
        // What is too long is refused while it is written; the answer says so.
        if write(&body, bytes) {
            let _ = OutgoingBody::finish(body, None);
        }
        Ok(sent)
    }

    /// Sends it and waits.
    pub fn answer(&self) -> String {
        wait(self.send())
    }
}

fn write(body: &OutgoingBody, bytes: usize) -> bool {
    let Ok(stream) = body.write() else { return false };
    let mut left = bytes;
    while left > 0 {
        let chunk = left.min(CHUNK);
        if stream.blocking_write_and_flush(&vec![b'x'; chunk]).is_err() {
            return false;
        }
        left -= chunk;
    }
    true
}

fn told(code: ErrorCode) -> String {
    format!("error: {code:?}")
}

/// Waits for an answer.
pub fn wait(sent: Sent) -> String {
    match sent.and_then(|sent| received(&sent)) {
        Ok(response) => read(&response),
        Err(text) => text,
    }
}

fn received(sent: &FutureIncomingResponse) -> Result<IncomingResponse, String> {
    sent.subscribe().block();
    match sent.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(code))) => Err(told(code)),
        other => Err(format!("error: {other:?}")),
    }
}

fn read(response: &IncomingResponse) -> String {
    let mut text = format!("{}\n", response.status());
    for (name, value) in response.headers().entries() {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(&value)));
    }
    let Ok(body) = response.consume() else { return text };
    let Ok(stream) = body.stream() else { return text };
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(1 << 16) {
            Ok(read) => bytes.extend(read),
            Err(StreamError::Closed) => break,
            Err(error) => return format!("error: {error:?}"),
        }
    }
    format!("{text}\n{}", String::from_utf8_lossy(&bytes))
}

/// Sends a request, and others to where the answers point; notes the answers.
pub fn follow(mut request: Request) -> String {
    let mut answers = Vec::new();
    for _ in 0..=5 {
        let response = match request.send().and_then(|sent| received(&sent)) {
            Ok(response) => response,
            Err(text) => {
                answers.push(text);
                break;
            }
        };
        let location = response.headers().get("location").pop();
        answers.push(read(&response));
        let Some(location) = location else { break };
        match Request::parse(&format!("{} {}", request.method, String::from_utf8_lossy(&location))) {
            Ok(next) => request = next,
            Err(_) => break,
        }
    }
    answers.join("\n")
}

/// Sends a request whose body is never finished.
pub fn half(request: &Request) -> String {
    let sent = request.outgoing().and_then(|request| {
        let body = request.body().map_err(|()| "error: no body".to_owned())?;
        let sent = handle(request, None).map_err(told)?;
        write(&body, 10);
        Ok((sent, body))
    });
    match sent {
        Ok((sent, _body)) => wait(Ok(sent)),
        Err(text) => text,
    }
}

/// Waits for an answer and for an hour at once; notes which of them was over.
pub fn race(request: &Request) -> String {
    let sent = match request.send() {
        Ok(sent) => sent,
        Err(text) => return text,
    };
    let (answer, hour) = (sent.subscribe(), subscribe_duration(3_600_000_000_000));
    while !hour.ready() {
        poll(&[&answer, &hour]);
        if answer.ready() {
            return "the answer".to_owned();
        }
    }
    "the hour".to_owned()
}
