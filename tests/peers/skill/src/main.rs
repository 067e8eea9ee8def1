//! The skill as a program that is started for each call. It reads a case and writes a question, reads the answer and writes its
//! findings: JSON, a line each.

use std::error::Error;
use std::io::{BufRead, Write};

use peer_skill::{findings, question};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn main() -> Result<(), Box<dyn Error>> {
    write(&question(read()?))?;
    write(&findings(&read()?))
}

fn read<T: DeserializeOwned>() -> Result<T, Box<dyn Error>> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// Writes a line at once, so that the host is not woken by half of it.
fn write(value: &impl Serialize) -> Result<(), Box<dyn Error>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(std::io::stdout().lock().write_all(&line)?)
}
