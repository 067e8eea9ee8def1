//! What the program `negawatt` does for commands under guard, and how to misbehave as one.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, ExitCode, Stdio};

use negawatt_actions::guard::run_for_parent;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["launch", ..] => run_for_parent(&words[1..].iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()),
        ["connect", address] => connect(address),
        ["talk-to-itself"] => talk_to_itself(),
        ["linger", address, text] => linger(address, text),
        ["say", address, text] => say(address, text),
        ["eat", bytes] => eat(bytes),
        ["eat-together", count, bytes] => eat_together(count, bytes),
        _ => ExitCode::from(64),
    }
}

fn ended(done: std::io::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn connect(address: &str) -> ExitCode {
    ended(TcpStream::connect(address).map(drop))
}

fn talk_to_itself() -> ExitCode {
    ended(TcpListener::bind("127.0.0.1:0").and_then(|listener| TcpStream::connect(listener.local_addr()?)).map(drop))
}

/// Leaves its session, so that whoever kills its group does not meet it, and holds a connection until it ends.
fn linger(address: &str, text: &str) -> ExitCode {
    let _ = rustix::process::setsid();
    ended(TcpStream::connect(address).and_then(|mut stream| {
        stream.write_all(text.as_bytes())?;
        stream.read(&mut [0]).map(drop)
    }))
}

fn say(address: &str, text: &str) -> ExitCode {
    ended(TcpStream::connect(address).and_then(|mut stream| stream.write_all(text.as_bytes())))
}

fn eat(bytes: &str) -> ExitCode {
    let bytes: usize = bytes.parse().unwrap();
    let eaten = vec![1_u8; bytes];
    println!("ate {}", eaten.iter().map(|byte| u64::from(*byte)).sum::<u64>());
    // Its parent holds the other end.
    ended(std::io::stdin().read(&mut [0]).map(drop))
}

/// Each takes what it may; all together take more.
fn eat_together(count: &str, bytes: &str) -> ExitCode {
    let eaters = (0..count.parse().unwrap())
        .map(|_: u32| Command::new("/proc/self/exe").args(["eat", bytes]).stdin(Stdio::piped()).spawn().unwrap());
    let eaters: Vec<_> = eaters.collect();
    // Their ends of the pipes stay open.
    for mut eater in eaters {
        let stdin = eater.stdin.take();
        let _ = eater.wait();
        drop(stdin);
    }
    ExitCode::SUCCESS
}
