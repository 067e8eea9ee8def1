//! Arrows between crates point one way, nothing but the host names wasmtime, nothing but those that are named here talks to the
//! network, and no skill is named where none may be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// For each crate below `runtime/`, and for the one beside it that the program carries, those of ours that it may depend on.
const ALLOWED: [(&str, &[&str]); 19] = [
    ("text", &[]),
    ("package", &[]),
    ("config", &["package"]),
    ("telemetry", &["text", "config"]),
    ("actions", &["text", "package", "config", "telemetry"]),
    ("host", &["text", "package", "config"]),
    ("syntax", &[]),
    ("sources", &["package", "config", "telemetry", "host", "syntax"]),
    ("store", &[]),
    ("casebook", &["host", "store"]),
    ("planner", &["host", "casebook"]),
    ("watch", &["config", "host", "casebook", "planner"]),
    ("proposals", &["text", "config", "host", "sources", "casebook", "planner", "actions"]),
    ("access", &["host", "store"]),
    ("signals", &["config", "telemetry", "host", "store"]),
    ("mcp", &["telemetry", "host", "casebook", "planner"]),
    (
        "server",
        &[
            "text",
            "config",
            "telemetry",
            "host",
            "casebook",
            "planner",
            "watch",
            "proposals",
            "access",
            "signals",
            "mcp",
        ],
    ),
    ("../tests/adversarial", &["package", "config", "host", "sources", "casebook", "planner", "test-guests"]),
    (
        "cli",
        &[
            "adversarial",
            "access",
            "server",
            "signals",
            "package",
            "config",
            "host",
            "sources",
            "casebook",
            "planner",
            "watch",
            "actions",
            "proposals",
            "mcp",
            "telemetry",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The crates that talk to the network.
const TALKATIVE: [&str; 5] = ["sources", "actions", "signals", "server", "telemetry"];

/// The crates that answer who asks them over the network, and ask nobody: what they may take for that.
const ANSWERING: [(&str, &[&str]); 1] = [("mcp", &["rmcp"])];

/// The server on loopback that the hostile corpus attacks.
const ATTACKED: &str = "tests/adversarial/src/server.rs";

/// Crates that talk to the network, or are of no use without it.
const NETWORK_CRATES: [&str; 21] = [
    "async-nats",
    "async-std",
    "attohttpc",
    "axum",
    "curl",
    "h2",
    "hickory-resolver",
    "hyper",
    "hyper-util",
    "isahc",
    "mio",
    "native-tls",
    "oci-client",
    "openssl",
    "quinn",
    "reqwest",
    "rmcp",
    "rustls",
    "socket2",
    "tonic",
    "ureq",
];

/// Types and functions that open connections or look up names, of whatever crate.
const NETWORK_NAMES: [&str; 10] = [
    "TcpListener",
    "TcpSocket",
    "TcpStream",
    "ToSocketAddrs",
    "UdpSocket",
    "UnixDatagram",
    "UnixListener",
    "UnixStream",
    "inherit_network",
    "lookup_host",
];

/// The crates that a manifest takes into what it builds, on whatever system, by their own names.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let manifest: toml::Table = manifest.parse().unwrap();
    let table = |value: Option<&toml::Value>| value.and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let systems = table(manifest.get("target")).into_iter().map(|(_, system)| table(Some(&system)));
    let sections = systems
        .chain([manifest])
        .flat_map(|section| ["dependencies", "build-dependencies"].map(|name| table(section.get(name))));
    let renamed = |value: &toml::Value| value.get("package").and_then(toml::Value::as_str).map(str::to_owned);
    sections.flatten().map(|(name, value)| renamed(&value).unwrap_or(name)).collect()
}

fn dependencies_of(krate: &str) -> BTreeSet<String> {
    dependencies(&std::fs::read_to_string(root().join("runtime").join(krate).join("Cargo.toml")).unwrap())
}

/// The text of all Rust files of a crate, without tests.
fn sources(krate: &str) -> BTreeMap<PathBuf, String> {
    fn collect(folder: &Path, into: &mut BTreeMap<PathBuf, String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = without_tests(&std::fs::read_to_string(&path).unwrap());
                into.insert(path, text);
            }
        }
    }
    let mut files = BTreeMap::new();
    collect(&root().join("runtime").join(krate).join("src"), &mut files);
    assert!(!files.is_empty(), "{krate}");
    files
}

/// A file without the items that are compiled for tests only. Where an item ends is told by its indentation, which rustfmt keeps:
/// a text in a test that looks like an end leaves more to be looked at, never less.
fn without_tests(text: &str) -> String {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut kept = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if !line.trim_start().starts_with("#[cfg(test)]") {
            kept += line;
            kept.push('\n');
            continue;
        }
        let ends = |other: &str| depth(other) == depth(line) && other.ends_with([';', ',', '}']);
        if !ends(line) {
            lines.by_ref().find(|other| ends(other));
        }
    }
    kept
}

/// What a text of code names that talks to the network.
fn talks(text: &str) -> Option<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        let before = &rest[..start];
        let word = &rest[start..];
        let word = &word[..word.find(|c| !is_word(c)).unwrap_or(word.len())];
        rest = &rest[start + word.len()..];
        let is_module = word == "net" && (before.ends_with("::") || rest.starts_with("::")) && !is_address(rest);
        let krate = word.replace('_', "-");
        let is_path = rest.starts_with("::") && NETWORK_CRATES.contains(&krate.as_str());
        if is_module || is_path || NETWORK_NAMES.contains(&word) {
            return Some(word);
        }
    }
    None
}

/// Whether nothing but addresses is taken from a module: who compares them talks to nobody.
fn is_address(rest: &str) -> bool {
    let list = rest.strip_prefix("::{").and_then(|list| list.split_once('}')).map(|(list, _)| list);
    let name = || rest.strip_prefix("::").map(|path| path.split(|c: char| !c.is_alphanumeric()).next().unwrap_or(path));
    let is_one = |name: &str| ["IpAddr", "Ipv4Addr", "Ipv6Addr"].contains(&name.trim());
    list.or_else(name).is_some_and(|names| names.split(',').all(is_one))
}

#[test]
fn crates_depend_one_way() {
    let found =
        std::fs::read_dir(root().join("runtime")).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(found.count() + 1, ALLOWED.len(), "a crate is not in the table");
    for (krate, allowed) in ALLOWED {
        for dependency in dependencies_of(krate) {
            let Some(ours) = dependency.strip_prefix("negawatt-") else { continue };
            assert!(allowed.contains(&ours), "{krate} depends on {ours}");
        }
    }
}

#[test]
fn nothing_but_the_host_names_wasmtime() {
    for (krate, _) in ALLOWED.iter().filter(|(krate, _)| *krate != "host") {
        assert!(!dependencies_of(krate).iter().any(|dependency| dependency.starts_with("wasmtime")), "{krate}");
    }
    assert!(dependencies_of("host").contains("wasmtime"));
}

#[test]
fn nothing_but_those_that_are_named_talks_to_the_network() {
    for (krate, _) in ALLOWED {
        let taken = dependencies_of(krate);
        let taken: Vec<_> = NETWORK_CRATES.iter().filter(|name| taken.contains(**name)).collect();
        if TALKATIVE.contains(&krate) {
            assert!(!taken.is_empty(), "{krate} may talk and does not: take it out of the table");
            continue;
        }
        if let Some((_, may)) = ANSWERING.iter().find(|(answering, _)| *answering == krate) {
            assert!(taken.iter().all(|name| may.contains(name)), "{krate} depends on {taken:?}");
            continue;
        }
        assert!(taken.is_empty(), "{krate} depends on {taken:?}");
        for (path, text) in sources(krate).into_iter().filter(|(path, _)| !path.ends_with(ATTACKED)) {
            assert_eq!(talks(&text), None, "{}", path.display());
        }
    }
}

#[test]
fn no_skill_is_named_in_the_planner_or_the_host() {
    let contract = std::fs::read_to_string(root().join("wit/types.wit")).unwrap();
    let contract: Vec<_> = contract.split(|c: char| !c.is_ascii_lowercase() && c != '-').map(str::to_owned).collect();
    let skills: Vec<String> = std::fs::read_dir(root().join("example-skills"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // Some names are words of the contract too: kinds of evidence, reasons of dismissals. With a version they are skills.
        .map(|name| if contract.contains(&name) { format!("{name}@") } else { name })
        .collect();
    assert!(skills.len() >= 4, "{skills:?}");
    for krate in ["planner", "host", "casebook", "sources", "watch", "actions", "proposals", "mcp"] {
        for (path, text) in sources(krate) {
            for skill in &skills {
                assert!(!text.contains(skill.as_str()), "{} names {skill}", path.display());
            }
        }
    }
}

#[test]
fn these_tests_see_what_they_look_for() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\nstruct S {\n    d: u8,\n    \
                #[cfg(test)]\n    pub e: u8,\n    f: u8,\n}\n#[cfg(test)]\n#[path = \"g.rs\"]\nmod g;\n#[cfg(test)] use h;\n\
                #[cfg(test)]\nuse {\n    i,\n};\nfn j() {}\n";
    let left = "fn a() {}\nfn c() {}\nstruct S {\n    d: u8,\n    f: u8,\n}\nfn j() {}\n";
    assert_eq!(without_tests(text), left);
    for (text, found) in [
        ("use std::{io, net::IpAddr};", None),
        ("use std::net::{IpAddr, Ipv6Addr};", None),
        ("use std::net::{IpAddr, SocketAddr};", Some("net")),
        ("use std::net;", Some("net")),
        ("tokio::net::lookup_host(name)", Some("net")),
        ("let stream = TcpStream::connect(address)?;", Some("TcpStream")),
        ("::reqwest::get(url)", Some("reqwest")),
        ("hyper_util::client::legacy()", Some("hyper_util")),
        ("// a net of calls, a reqwest, a network::Thing", None),
    ] {
        assert_eq!(talks(text), found, "{text}");
    }
    let manifest = "[dependencies]\na.workspace = true\n[dependencies.b]\nversion = \"1\"\n[dev-dependencies]\nc = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\nd = { version = \"1\", package = \"reqwest\" }\n";
    assert_eq!(dependencies(manifest).into_iter().collect::<Vec<_>>(), ["a", "b", "reqwest"]);
}
