//! A program that says in its log where it listens.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Starts a program of the Prometheus family, which writes JSON to standard error; gives it with its address as soon as it says that it
/// listens, and `ready` besides: two of its tasks say these, now one first and now the other.
pub fn started(command: &mut Command, ready: &str) -> (Child, String) {
    let mut process = command
        .arg("--web.listen-address=127.0.0.1:0")
        .arg("--log.format=json")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut log = BufReader::new(process.stderr.take().expect("its log"));
    let (mut address, mut is_ready) = (None, false);
    let (mut all, mut line) = (String::new(), String::new());
    let address = loop {
        line.clear();
        let more = log.read_line(&mut line).expect("its log is text") > 0;
        assert!(more, "{command:?} ended: {all}");
        all.push_str(&line);
        if line.contains(r#""msg":"Listening on""#) {
            address = after(&line, r#""address":""#).map(str::to_owned);
        }
        is_ready |= line.contains(ready);
        if let Some(address) = address.take_if(|_| is_ready) {
            break address;
        }
    };
    // A full pipe would hold it up.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    (process, address)
}

fn after<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split_once(key)?.1.split('"').next()
}
