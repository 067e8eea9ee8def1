//! Compiles the skills that the program carries, and collects what `negawatt skill new` writes.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use negawatt_package::build::in_build_script;

#[path = "build/lock.rs"]
mod lock;
#[path = "build/sdk.rs"]
mod sdk;

/// Parts of the recording that no investigation reads: the answer, and how it was measured.
const NOT_OF_THE_DEMO: [&str; 2] = ["truth.json", "runs.csv"];

fn main() -> Result<()> {
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").context("cargo sets CARGO_MANIFEST_DIR")?);
    let workspace = here.ancestors().nth(2).context("the crate is two folders deep in its workspace")?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");

    let mut bundled = String::from("&[\n");
    for skill in in_build_script(workspace, &skills(&workspace.join("example-skills"))?)? {
        let name = &skill.manifest.name;
        let path = out.join(format!("{name}.wasm"));
        std::fs::write(&path, &skill.wasm)?;
        let digest = blake3::hash(&skill.wasm);
        writeln!(
            bundled,
            "Bundled {{ name: {name:?}, digest: Digest({:?}), wasm: include_bytes!({path:?}) }},",
            digest.as_bytes()
        )?;
    }
    std::fs::write(out.join("bundled.rs"), bundled + "]\n")?;

    let recording = here.join("demo/recording");
    let mut carried = files(&recording)?;
    carried.retain(|(name, _)| !NOT_OF_THE_DEMO.contains(&name.as_str()));
    carried.extend(["measure", "load.rs"].map(|name| (format!("measure/{name}"), here.join("demo").join(name))));
    println!("cargo::rerun-if-changed={}", here.join("demo").display());
    let mut demo = String::from("&[\n");
    for (name, path) in carried {
        writeln!(demo, "({name:?}, include_bytes!({path:?})),")?;
    }
    std::fs::write(out.join("demo.rs"), demo + "]\n")?;

    let sdk = sdk::Sdk::read(workspace)?;
    std::fs::write(out.join("negawatt-skill.toml"), &sdk.manifest)?;
    let mut files = format!("&[(\"Cargo.toml\", include_str!({:?})),\n", out.join("negawatt-skill.toml"));
    for (name, path) in &sdk.files {
        writeln!(files, "({name:?}, include_str!({path:?})),")?;
    }
    std::fs::write(out.join("sdk.rs"), files + "]\n")?;
    std::fs::write(out.join("skill.lock"), lock::of_sdk(workspace, &sdk)?)?;
    Ok(())
}

/// All files below a folder, by their paths in it. These have slashes on every system.
fn files(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("a file's name is not UTF-8")?.to_owned();
        if path.is_dir() {
            found.extend(files(&path)?.into_iter().map(|(below, path)| (format!("{name}/{below}"), path)));
        } else {
            found.push((name, path));
        }
    }
    found.sort();
    Ok(found)
}

/// The folders of skills, in order of names. A new one changes `Cargo.lock`, so that cargo need not watch the whole folder;
/// one that is no skill yet is watched by itself.
fn skills(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.join("SKILL.md").is_file() {
            found.push(path);
        } else if path.is_dir() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    found.sort();
    Ok(found)
}
