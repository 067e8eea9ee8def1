//! A server on this machine that answers badly, and counts who came.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use crate::arena::BAIT;

/// Ends when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    over: AtomicBool,
    /// How many connections there were.
    connections: AtomicUsize,
    /// How many requests are being answered, and the most that ever were.
    answering: AtomicUsize,
    most: AtomicUsize,
}

/// Between two bytes of a body that drips.
const DRIP: Duration = Duration::from_millis(20);

impl Server {
    /// At an address of this machine, on a port or any free one.
    pub(crate) fn start(ip: IpAddr, port: u16) -> std::io::Result<Server> {
        let listener = TcpListener::bind((ip, port))?;
        let server = Server { address: listener.local_addr()?, state: Arc::default() };
        let state = server.state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if state.over.load(SeqCst) {
                    break;
                }
                let (Ok(stream), state) = (stream, state.clone()) else { continue };
                state.connections.fetch_add(1, SeqCst);
                // Whoever asks may go away at any time.
                std::thread::spawn(move || {
                    let now = state.answering.fetch_add(1, SeqCst) + 1;
                    state.most.fetch_max(now, SeqCst);
                    let _ = answer(stream, &state);
                    state.answering.fetch_sub(1, SeqCst);
                });
            }
        });
        Ok(server)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(SeqCst)
    }

    /// The most requests that it answered at the same time.
    pub(crate) fn most(&self) -> usize {
        self.state.most.load(SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.over.store(true, SeqCst);
        // Wakes it up.
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers as the path says.
fn answer(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    while reader.read_line(&mut head)? > 2 {}
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let (path, query) = path.split_once('?').unwrap_or((&path, ""));
    let goes_on = || !state.over.load(SeqCst);
    match path {
        "/to" => {
            let found = "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nconnection: close\r\nlocation: ";
            stream.write_all(format!("{found}{query}\r\n\r\n").as_bytes())
        }
        "/drip" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")?;
            while goes_on() {
                stream.write_all(b".")?;
                std::thread::sleep(DRIP);
            }
            Ok(())
        }
        "/endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
            while goes_on() {
                stream.write_all(&[b'.'; 4_096])?;
            }
            Ok(())
        }
        "/endless-head" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            while goes_on() {
                stream.write_all(b"x-more: and more\r\n")?;
            }
            Ok(())
        }
        // All that it was told, also what it must not be.
        "/echo" => respond(&mut stream, &head),
        // When four are asking.
        "/four" => {
            while state.most.load(SeqCst) < 4 && goes_on() {
                std::thread::yield_now();
            }
            respond(&mut stream, "four")
        }
        "/ok" => respond(&mut stream, "ok"),
        _ => respond(&mut stream, BAIT),
    }
}

fn respond(stream: &mut TcpStream, body: &str) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ";
    stream.write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes())
}
