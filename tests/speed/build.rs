//! Compiles the skills that are measured: real ones.

use std::path::PathBuf;

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").context("cargo sets CARGO_MANIFEST_DIR")?);
    let workspace = here.ancestors().nth(2).context("the crate is two folders deep in its workspace")?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    let skills = ["change-point", "culprit-commit", "seasonality", "went-away"];
    let skills = skills.map(|name| workspace.join("example-skills").join(name));
    for skill in negawatt_package::build::in_build_script(workspace, &skills)? {
        std::fs::write(out.join(format!("{}.wasm", skill.manifest.name)), skill.wasm)?;
    }
    Ok(())
}
