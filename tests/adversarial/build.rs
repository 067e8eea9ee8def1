//! Makes skills of the texts in `skills/`: what a text leaves out is added, the contract's types are put around it, and it is
//! packed with a `SKILL.md`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

/// What the comments at a text's head say, each line after `;;!`, as TOML.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    /// What it does, in one sentence.
    about: String,
    /// How it must end.
    ends: String,
    /// What must be said of it.
    says: String,
    /// Limits of its call besides those of all, as in `[limits]`.
    #[serde(default)]
    limits: String,
    /// What its `SKILL.md` says of tools, where that is not what it imports.
    claims: Option<String>,
    /// Whether it is granted every tool.
    #[serde(default = "yes")]
    granted: bool,
}

fn yes() -> bool {
    true
}

/// Parts of a module that a text may leave out, each with a word by which it is seen that it did not.
const PARTS: [(&str, &str); 4] = [
    ("(memory ", "(memory (export \"memory\") 1)"),
    (
        "\"cabi_realloc\"",
        "(global $free (mut i32) (i32.const 1024))
         (func (export \"cabi_realloc\") (param i32 i32 i32) (param $size i32) (result i32)
           (local $at i32)
           (local.set $at (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
           (global.set $free (i32.add (local.get $at) (local.get $size)))
           (local.get $at))",
    ),
    // A result at 512 of one finding at 528, which is a note.
    (
        "(func $note",
        "(func $note (param $text i32) (param $length i32) (param $confidence f64) (result i32)
           (i32.store (i32.const 516) (i32.const 528))
           (i32.store (i32.const 520) (i32.const 1))
           (i32.store8 (i32.const 528) (i32.const 7))
           (i32.store (i32.const 536) (local.get $text))
           (i32.store (i32.const 540) (local.get $length))
           (f64.store (i32.const 608) (local.get $confidence))
           (i32.const 512))",
    ),
    (
        "\"investigate\"",
        "(func (export \"investigate\") (param i32) (result i32)
           (call $note (i32.const 0) (i32.const 0) (f64.const 1)))",
    ),
];

/// What texts may import besides the contract.
const WASI: [&str; 2] = [
    "package wasi:io@0.2.6; interface poll { resource pollable; }",
    "package wasi:clocks@0.2.6; interface monotonic-clock {
         use wasi:io/poll@0.2.6.{pollable};
         subscribe-duration: func(when: u64) -> pollable;
     }",
];

const WORLD: &str = "package hostile:skills; world hostile {
    include negawatt:skill/all@0.1.0;
    import wasi:clocks/monotonic-clock@0.2.6;
}";

fn main() -> Result<()> {
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").context("cargo sets CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    let wit = here.ancestors().nth(2).context("the crate is two folders deep in its workspace")?.join("wit");
    let skills = here.join("skills");
    for path in [Path::new("build.rs"), &wit, &skills] {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let mut resolve = Resolve::default();
    resolve.push_dir(&wit)?;
    for (n, text) in WASI.iter().enumerate() {
        resolve.push_str(format!("wasi-{n}.wit"), text)?;
    }
    let package = resolve.push_str("hostile.wit", WORLD)?;
    let world = resolve.select_world(&[package], Some("hostile"))?;

    let mut table = String::from("&[\n");
    for path in texts(&skills)? {
        let text = std::fs::read_to_string(&path)?;
        let (family, name) = (stem(path.parent())?, stem(Some(&path))?);
        let (head, wasm) = skill(&name, &text, &resolve, world).with_context(|| path.display().to_string())?;
        let file = out.join(format!("{name}.wasm"));
        std::fs::write(&file, wasm)?;
        let Head { about, ends, says, limits, granted, .. } = head;
        writeln!(
            table,
            "Text {{ family: {family:?}, name: {name:?}, about: {about:?}, wasm: include_bytes!({file:?}), \
             limits: {limits:?}, granted: {granted}, ends: {ends:?}, says: {says:?} }},"
        )?;
    }
    std::fs::write(out.join("texts.rs"), table + "]\n")?;
    Ok(())
}

/// A name without what follows its dot.
fn stem(path: Option<&Path>) -> Result<String> {
    let stem = path.and_then(Path::file_stem).and_then(|stem| stem.to_str());
    Ok(stem.context("a name that is not UTF-8")?.to_owned())
}

/// All texts, by folder and name.
fn texts(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(texts(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "wat") {
            found.insert(path);
        }
    }
    Ok(found)
}

/// The skill that a text describes: a whole component, or what is in a module.
fn skill(name: &str, text: &str, resolve: &Resolve, world: WorldId) -> Result<(Head, Vec<u8>)> {
    let lines: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(";;! ")).collect();
    let head: Head = toml::from_str(&lines.join("\n"))?;
    let component = if text.contains("(component") {
        wat::parse_str(text)?
    } else {
        let parts = PARTS.iter().filter(|(sign, _)| !text.contains(sign)).map(|(_, part)| *part);
        let module = format!("(module\n{text}\n{})", parts.collect::<Vec<_>>().join("\n"));
        let mut module = wat::parse_str(module)?;
        embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8)?;
        ComponentEncoder::default().validate(true).module(&module)?.encode()?
    };
    let tools = head.claims.clone().unwrap_or_else(|| imported(text));
    let skill_md = format!(
        "---\nname: {name}\ndescription: {:?}\nlicense: Apache-2.0\nmetadata:\n  negawatt.consumes: \"\"\n  \
         negawatt.reads: \"\"\n  negawatt.produces: \"note change-point\"\n  negawatt.tools: {tools:?}\n  \
         negawatt.version: \"0.1.0\"\n---\n\nHostile on purpose.\n",
        head.about
    );
    let packed = negawatt_package::pack(&component, &skill_md)?;
    if let Some(line) = text.lines().next().filter(|line| !line.starts_with(";;! ")) {
        bail!("it does not begin with what it does: {line}");
    }
    ensure!(!head.about.is_empty() && head.about.ends_with('.'), "what it does is told in a sentence");
    Ok((head, packed))
}

/// The tools that a text imports, by name.
fn imported(text: &str) -> String {
    let tools: BTreeSet<_> = text
        .split("\"negawatt:skill/")
        .skip(1)
        .filter_map(|rest| rest.split('@').next())
        .filter(|interface| *interface != "log")
        .collect();
    tools.into_iter().collect::<Vec<_>>().join(" ")
}
