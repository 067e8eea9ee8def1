//! The load of the recording: a seeded mix of requests over a few kept connections.
//!
//! `load ADDRESS CONNECTIONS` reads commands from standard input and answers each with one line:
//!
//! - `run SEED RATE COUNT EXPERIMENT` sends COUNT requests and prints `sent=… failed=… seconds=…`, the last one being
//!   the wall time. RATE requests are sent a second, at random times (a Poisson process), whether or not earlier ones
//!   were quick to be answered; with a RATE of 0 as fast as they are answered. EXPERIMENT percent of the listings show
//!   all categories at once.
//! - `counters` prints `cpu=… requests=…`: the seconds of CPU that the server used so far, and the requests that it answered.
//!
//! The same command sends the same requests in the same order on each connection. Only loopback addresses are
//! accepted. Built by `record` and by `measure` with `rustc -O`; standard library only.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const SHOPS: [&str; 6] = ["aurora", "bergmann", "cielo", "dunmore", "ember", "fjord"];
const CATEGORIES: [&str; 8] = ["tea", "coffee", "cups", "pots", "filters", "grinders", "sweets", "gifts"];
const QUERIES: [&str; 16] = [
    "kyoto",
    "ken",
    "dark coffee",
    "jasmine",
    "honey tea",
    "porto cups",
    "smo",
    "winter gifts",
    "light uji",
    "plum",
    "assam bulk",
    "grinders",
    "reserve huila",
    "mor",
    "caramel walnut",
    "lisbon sweets",
];

struct Connection {
    input: BufReader<TcpStream>,
    output: TcpStream,
    cookies: Vec<String>,
    body: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr) -> io::Result<Connection> {
        let output = TcpStream::connect(address)?;
        output.set_nodelay(true)?;
        output.set_read_timeout(Some(Duration::from_secs(10)))?;
        let input = BufReader::new(output.try_clone()?);
        Ok(Connection { input, output, cookies: Vec::new(), body: Vec::new() })
    }

    /// Sends one request and reads its answer; returns the status and the cookie that came with it.
    fn ask(&mut self, request: &str) -> io::Result<(u16, Option<String>)> {
        self.output.write_all(request.as_bytes())?;
        let mut line = String::new();
        let (mut status, mut length, mut cookie) = (0, 0usize, None);
        loop {
            line.clear();
            if self.input.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let text = line.trim_end();
            if status == 0 {
                status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(599);
            } else if text.is_empty() {
                break;
            } else if let Some(value) = text.strip_prefix("Content-Length: ") {
                length = value.parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            } else if let Some(value) = text.strip_prefix("Set-Cookie: ") {
                cookie = value.split(';').next().map(str::to_string);
            }
        }
        self.body.resize(length, 0);
        self.input.read_exact(&mut self.body)?;
        Ok((status, cookie))
    }

    fn get(&mut self, path: &str) -> io::Result<String> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n"))?;
        Ok(String::from_utf8_lossy(&self.body).into_owned())
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// The time to the next of `rate` events a second that know nothing of each other.
    fn gap(&mut self, rate: f64) -> Duration {
        let uniform = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        Duration::from_secs_f64(-(1.0 - uniform).ln() / rate)
    }
}

/// Every SKU that the listing names.
fn skus(connection: &mut Connection) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for page in 0.. {
        let text = connection.get(&format!("/aurora/products?page={page}"))?;
        let before = found.len();
        for part in text.split("\"sku\":\"").skip(1) {
            found.push(part.split('"').next().unwrap_or("").to_string());
        }
        if found.len() == before {
            break;
        }
    }
    Ok(found)
}

fn request(random: &mut Random, skus: &[String], cookies: &[String], experiment: usize) -> String {
    let all_at_once = random.below(100) < experiment;
    let number = random.below(SHOPS.len());
    let shop = SHOPS[number];
    let sku = &skus[random.below(skus.len())];
    let head = format!(
        "Host: {shop}.shop.example\r\nUser-Agent: load/1\r\nAccept: text/html,application/json\r\n\
         Accept-Language: en-GB,en;q=0.8\r\nCookie: theme=plain; {}\r\n",
        cookies[number]
    );
    let get = |path: String| format!("GET {path} HTTP/1.1\r\n{head}\r\n");
    let post = |path: &str, kind: &str, body: String| {
        let length = body.len();
        format!("POST /{shop}/{path} HTTP/1.1\r\n{head}Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    match random.below(100) {
        0..=17 => {
            let category = CATEGORIES[random.below(CATEGORIES.len())];
            let category = if all_at_once { String::new() } else { format!("category={category}&") };
            get(format!("/{shop}/products?{category}page={}", random.below(4)))
        }
        18..=45 => get(format!("/{shop}/products/{sku}")),
        46..=65 => {
            let query = QUERIES[random.below(QUERIES.len())].replace(' ', "+");
            get(format!("/{shop}/search?q={query}"))
        }
        66..=79 => {
            let quantity = 1 + random.below(3);
            post("cart", "application/x-www-form-urlencoded", format!("sku={sku}&quantity={quantity}"))
        }
        80..=90 => get(format!("/{shop}/cart")),
        _ => {
            let lines: Vec<String> = (0..1 + random.below(6))
                .map(|_| (&skus[random.below(skus.len())], 1 + random.below(12)))
                .map(|(sku, quantity)| format!("{{\"sku\": \"{sku}\", \"quantity\": {quantity}}}"))
                .collect();
            post("quote", "application/json", format!("{{\"lines\": [{}]}}", lines.join(", ")))
        }
    }
}

struct Run {
    seed: u64,
    /// Requests a second on one connection; 0 is as fast as they are answered.
    rate: f64,
    count: usize,
    experiment: usize,
}

/// The number of answers that were not a success.
fn drive(connection: &mut Connection, run: &Run, skus: &[String]) -> io::Result<usize> {
    let (mut random, mut times) = (Random(run.seed), Random(!run.seed));
    let mut failed = 0;
    let mut due = Instant::now();
    for _ in 0..run.count {
        let text = request(&mut random, skus, &connection.cookies, run.experiment);
        if run.rate > 0.0 {
            due += times.gap(run.rate);
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let (status, _) = connection.ask(&text)?;
        failed += usize::from(!(200..300).contains(&status));
    }
    Ok(failed)
}

/// A counter among the lines of Prometheus's text format.
fn counter(metrics: &str, name: &str) -> io::Result<f64> {
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.ok_or_else(|| io::Error::other(format!("the server does not tell {name}")))
}

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, connections] = &args[..] else {
        return Err(io::Error::other("usage: load ADDRESS CONNECTIONS"));
    };
    let address: SocketAddr = address.parse().map_err(io::Error::other)?;
    if !address.ip().is_loopback() {
        return Err(io::Error::other("only loopback addresses"));
    }
    let mut connections: Vec<Connection> = (0..connections.parse().map_err(io::Error::other)?)
        .map(|_| Connection::open(address))
        .collect::<io::Result<_>>()?;
    let skus = skus(connections.first_mut().ok_or_else(|| io::Error::other("no connections"))?)?;
    for connection in &mut connections {
        for shop in SHOPS {
            let open = format!("POST /{shop}/session HTTP/1.1\r\nHost: shop\r\n\r\n");
            let cookie = connection.ask(&open)?.1.ok_or_else(|| io::Error::other("no session"))?;
            connection.cookies.push(cookie);
        }
    }

    for line in io::stdin().lines() {
        let line = line?;
        if line == "counters" {
            let metrics = connections[0].get("/metrics")?;
            let (cpu, requests) = ("process_cpu_seconds_total", "shop_requests_total");
            println!("cpu={:.9} requests={}", counter(&metrics, cpu)?, counter(&metrics, requests)?);
            continue;
        }
        let words: Vec<&str> = line.split(' ').collect();
        let ["run", seed, rate, count, experiment] = words[..] else {
            return Err(io::Error::other("expected: counters, or run SEED RATE COUNT EXPERIMENT"));
        };
        let seed: u64 = seed.parse().map_err(io::Error::other)?;
        let rate: f64 = rate.parse().map_err(io::Error::other)?;
        let count: usize = count.parse().map_err(io::Error::other)?;
        let experiment: usize = experiment.parse().map_err(io::Error::other)?;
        let lanes = connections.len();
        let each = count.div_ceil(lanes);
        let started = Instant::now();
        let mut failed = 0;
        thread::scope(|scope| {
            let skus = &skus;
            let workers: Vec<_> = (0u64..)
                .zip(&mut connections)
                .map(|(lane, connection)| {
                    let run = Run { seed: seed * 1000 + lane, rate: rate / lanes as f64, count: each, experiment };
                    scope.spawn(move || drive(connection, &run, skus))
                })
                .collect();
            for worker in workers {
                failed += worker.join().map_err(|_| io::Error::other("a lane panicked"))??;
            }
            Ok::<(), io::Error>(())
        })?;
        println!("sent={} failed={failed} seconds={:.9}", each * lanes, started.elapsed().as_secs_f64());
    }
    Ok(())
}
