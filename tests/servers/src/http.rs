//! A small HTTP server: something to scrape, or a stand-in that misbehaves.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// What was asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// The path with the query.
    pub target: String,
    /// Names in small letters, and values, in their order.
    pub headers: Vec<(String, String)>,
    /// The body as text; a form as it was sent.
    pub body: String,
    /// The body as it was sent.
    pub bytes: Vec<u8>,
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// The content type.
    pub content_type: &'static str,
    /// Lines of the head besides, each without its end.
    pub headers: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// Status 200, JSON.
    pub fn json(body: impl Into<Vec<u8>>) -> Response {
        Response { status: 200, content_type: "application/json", headers: Vec::new(), body: body.into() }
    }

    /// Status 200, text as exporters serve it.
    pub fn text(body: impl Into<Vec<u8>>) -> Response {
        Response { content_type: "text/plain; version=0.0.4", ..Response::json(body) }
    }
}

/// A server on a free port of this machine, which ends when it is dropped.
pub struct HttpServer {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Answers every request by a function.
    pub fn start(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> HttpServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (stop, answer) = (Arc::new(AtomicBool::new(false)), Arc::new(answer));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let (Ok(stream), answer) = (stream, answer.clone()) else { continue };
                // Whoever asks may go away at any time.
                std::thread::spawn(move || serve(stream, answer.as_ref()).ok());
            }
        });
        HttpServer { address, stop, thread: Some(thread) }
    }

    /// Host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes it up.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&Request) -> Response) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    // Of one that is killed in the middle there is no request.
    let cut_off = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Err(cut_off()) };
    let (method, target) = (method.to_owned(), target.to_owned());
    let mut length = 0;
    let mut headers = Vec::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(cut_off());
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
            if name == "content-length" {
                length = value.parse().unwrap_or(0);
            }
            headers.push((name, value));
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let text = String::from_utf8_lossy(&body).into_owned();
    let response = answer(&Request { method, target, headers, body: text, bytes: body });
    let mut head = format!(
        "HTTP/1.1 {} -\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n",
        response.status,
        response.content_type,
        response.body.len()
    );
    for header in &response.headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.write_all(&response.body)
}
