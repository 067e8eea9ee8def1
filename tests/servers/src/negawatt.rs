//! `negawatt serve` as its clients see it, to the byte. Who tries it starts the program; how it is asked is here.

use std::io::{self, BufRead as _, BufReader, Lines, Read, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long something that must come may take on a machine that has much else to do.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// What starts a server on a free port, with the configuration of the folder that it is started in.
pub const SERVE: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--config", "negawatt.toml"];

/// Host and port of a server, from the first line of its standard output: it prints that once it listens.
///
/// # Errors
///
/// `InvalidData` with what is there instead, such as nothing where it has ended.
pub fn listening(printed: impl Read) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(printed).read_line(&mut line)?;
    let address = line.trim().strip_prefix("listening on http://").map(str::to_owned);
    address.ok_or_else(|| invalid(format!("it prints {line:?} instead of where it listens")))
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Such as 200.
    pub status: u16,
    /// The first line and the headers.
    pub head: String,
    /// All that follows.
    pub body: String,
}

impl Answer {
    /// The body, which must be JSON.
    ///
    /// # Errors
    ///
    /// `InvalidData`, with the body.
    pub fn json(&self) -> io::Result<Value> {
        serde_json::from_str(&self.body).map_err(|error| invalid(format!("{error}: {}", self.body)))
    }
}

/// A connection to a server, on which whoever reads waits for [`PATIENCE`] and no longer.
///
/// # Errors
///
/// Nobody listens there.
pub fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Asks, with more lines of the head, each with its end; a `Host` among them is instead of the server's own.
///
/// # Errors
///
/// There is no whole answer: nobody listens, it takes too long, or the server was killed.
pub fn ask(address: &str, method: &str, path: &str, head: &str, body: &str) -> io::Result<Answer> {
    let mut stream = connect(address)?;
    let host = if head.contains("Host:") { String::new() } else { format!("Host: {address}\r\n") };
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\n{host}{head}Connection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let read = || {
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
    };
    read().ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, format!("it answers {answer:?}")))
}

/// Server-sent events as they come, each with its name and its data, until the server ends them.
pub struct Events {
    lines: Lines<BufReader<TcpStream>>,
    until: Instant,
    name: String,
}

impl Events {
    /// Those of a path from now on, asked for with more lines of the head.
    ///
    /// # Errors
    ///
    /// Nobody listens, or the answer has another status than 200.
    pub fn of(address: &str, path: &str, head: &str) -> io::Result<Events> {
        let mut stream = connect(address)?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{head}\r\n").as_bytes())?;
        let mut lines = BufReader::new(stream).lines();
        // Whoever has heard the head hears all that comes after it.
        let status = lines.next().transpose()?.unwrap_or_default();
        if !status.contains(" 200 ") {
            return Err(invalid(format!("it answers {status:?}")));
        }
        for line in lines.by_ref() {
            if line?.is_empty() {
                return Ok(Events { lines, until: Instant::now() + PATIENCE, name: String::new() });
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

impl Iterator for Events {
    type Item = io::Result<(String, Value)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.lines.next()? {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            // A server that says nothing else says that it is there.
            if Instant::now() >= self.until {
                return Some(Err(io::Error::new(io::ErrorKind::TimedOut, format!("nothing came in {PATIENCE:?}"))));
            }
            if let Some(word) = line.strip_prefix("event: ") {
                word.clone_into(&mut self.name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                self.until = Instant::now() + PATIENCE;
                let data = serde_json::from_str(data).map_err(|error| invalid(format!("{error}: {data}")));
                return Some(data.map(|data| (self.name.clone(), data)));
            }
        }
    }
}

/// The resident memory of a process in bytes: `VmRSS` of `/proc/<pid>/status`, see proc(5). Nothing of one that is gone.
pub fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1_024)
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
