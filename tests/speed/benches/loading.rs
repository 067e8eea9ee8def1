//! How soon skills are ready, and what they take while nobody calls them.
//!
//! `cargo bench --workspace --bench loading`. A process of its own begins with a folder of skills and a warm cache, reads them,
//! holds them against a grant, and links the code of each: then all can be called. The components are real skills, each made
//! another by a section that means nothing. Apart from that, a component of 40 MB.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use negawatt_host::grants::{Grant, Grants};
use negawatt_host::{Again, Host, HostConfig, Origin, Skill, Tool, bare_engine};
use negawatt_speed::{SKILLS, median, resident};
use negawatt_test_guests::{ASKER, with_module};
use wasm_encoder::{
    CodeSection, ComponentSection, CustomSection, Function, FunctionSection, Module, TypeSection, ValType,
};
use wasmtime::component::Component;

const RUNS: usize = 5;

/// The argument that makes this program the process that is measured.
const READY: &str = "ready";

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if let [_, word, folder, cache] = arguments.as_slice()
        && word == READY
    {
        return ready(Path::new(folder), Path::new(cache));
    }
    let folder = tempfile::tempdir().expect("a folder");
    large(folder.path());
    for number in [50, 1_000] {
        loading(folder.path(), number);
    }
}

fn write(folder: &Path, number: usize) -> u64 {
    std::fs::create_dir_all(folder).expect("a folder");
    let mut bytes = 0;
    for nth in 0..number {
        let (name, wasm) = SKILLS[nth % SKILLS.len()];
        let mut wasm = wasm.to_vec();
        CustomSection { name: "nth".into(), data: nth.to_string().into_bytes().into() }.append_to_component(&mut wasm);
        bytes += wasm.len() as u64;
        std::fs::write(folder.join(format!("{name}-{nth}.wasm")), wasm).expect("written");
    }
    bytes
}

fn host(cache: &Path) -> Arc<Host> {
    Arc::new(Host::new(HostConfig { cache: Some(cache.to_owned()), ..HostConfig::default() }).expect("a host"))
}

/// Reads a folder of skills and links each; the bytes of a component are not kept.
fn load(folder: &Path) -> Vec<Skill> {
    let grants = Grants { grants: vec![Grant::to("*", Tool::ALL)], ..Grants::default() };
    let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let skill = |file: PathBuf| {
        let again: Again = Arc::new(move || std::fs::read(&file).map_err(|error| error.to_string()));
        let skill = Skill::read(again().expect("it can be read"), Origin::Loaded).expect("a skill");
        grants.rights(&skill).expect("it may run");
        skill.without_bytes(again)
    };
    files.map(skill).collect()
}

/// What the measured process does, and tells in numbers: microseconds to read, microseconds to link, bytes that are its own before
/// and after.
fn ready(folder: &Path, cache: &Path) {
    let began = Instant::now();
    let host = host(cache);
    let before = resident();
    let skills = load(folder);
    let read = began.elapsed();
    skills.iter().for_each(|skill| host.compile(skill).expect("it is ready"));
    let linked = began.elapsed() - read;
    println!("{} {} {}", read.as_micros(), linked.as_micros(), resident() - before);
    let _ = std::io::stdout().flush();
}

fn loading(root: &Path, number: usize) {
    let (folder, cache) = (root.join(format!("skills-{number}")), root.join("cache"));
    let bytes = write(&folder, number);
    let warm = host(&cache);
    load(&folder).iter().for_each(|skill| warm.compile(skill).expect("it compiles"));
    drop(warm);
    let this = std::env::current_exe().expect("this program");
    let (mut all, mut read, mut link, mut own) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..RUNS {
        let began = Instant::now();
        let mut child = Command::new(&this);
        child.args([READY.as_ref(), folder.as_os_str(), cache.as_os_str()]).stderr(Stdio::inherit());
        let output = child.output().expect("it runs");
        all.push(began.elapsed());
        let text = String::from_utf8(output.stdout).expect("numbers");
        let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().expect("a number")).collect();
        read.push(Duration::from_micros(numbers[0]));
        link.push(Duration::from_micros(numbers[1]));
        own = numbers[2];
    }
    println!(
        "{number} skills of {} kB: ready {:.0} ms after the start of the process (reading {:.0} ms, linking {:.0} ms), {} kB each while idle",
        bytes / number as u64 / 1_000,
        median(&mut all) / 1e3,
        median(&mut read) / 1e3,
        median(&mut link) / 1e3,
        own / number as u64 / 1_000
    );
}

/// A skill with another core module in it, of so many bytes.
fn larger(bytes: usize) -> Vec<u8> {
    const BODY: usize = 100_000;
    let (mut types, mut functions, mut code) = (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([ValType::I32], [ValType::I32]);
    for nth in 0..bytes / BODY {
        functions.function(0);
        let mut body = Function::new([]);
        let mut instructions = body.instructions();
        // Nothing that a compiler could fold.
        for step in 0..BODY / 10 {
            let constant = i32::try_from((nth * 31 + step) % 60 + 3).unwrap_or(3);
            instructions.local_get(0).i32_const(constant).i32_mul().local_get(0).i32_xor().local_set(0);
        }
        instructions.local_get(0).end();
        code.function(&body);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    with_module(ASKER, &module.finish())
}

/// A component of 40 MB: compiled once; then loaded from the cache, with the verification of its bytes apart.
fn large(root: &Path) {
    let wasm = larger(40_000_000);
    let cache = root.join("large");
    let skill = Skill::read(wasm.clone(), Origin::Bundled).expect("a skill");
    let began = Instant::now();
    host(&cache).compile(&skill).expect("it compiles");
    let compiled = began.elapsed();
    let entry = std::fs::read_dir(&cache).expect("a cache").map(|entry| entry.expect("an entry").path());
    let entry = entry.max_by_key(|path| path.metadata().map_or(0, |metadata| metadata.len())).expect("an entry");
    let engine = bare_engine(|_, _| {}).expect("an engine");
    let (mut all, mut verifying, mut loading) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let host = host(&cache);
        let began = Instant::now();
        host.compile(&skill).expect("it is ready");
        all.push(began.elapsed());
        let began = Instant::now();
        let file = std::fs::File::open(&entry).expect("the entry");
        // SAFETY: nobody writes to it.
        let bytes = unsafe { memmap2::MmapOptions::new().populate().map(&file) }.expect("mapped");
        std::hint::black_box(blake3::keyed_hash(&[0; 32], &bytes));
        verifying.push(began.elapsed());
        let began = Instant::now();
        // SAFETY: this process wrote it.
        drop(unsafe { Component::deserialize_file(&engine, &entry) }.expect("loaded"));
        loading.push(began.elapsed());
    }
    println!(
        "a component of {} MB: compiled in {:.1} s to {} MB; ready from the cache in {:.1} ms, of which verifying its bytes takes {:.1} ms and loading {:.2} ms",
        wasm.len() / 1_000_000,
        compiled.as_secs_f64(),
        entry.metadata().map_or(0, |metadata| metadata.len()) / 1_000_000,
        median(&mut all) / 1e3,
        median(&mut verifying) / 1e3,
        median(&mut loading) / 1e3
    );
}
