//! Compiles the guests and packs them.

use std::path::PathBuf;

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").context("cargo sets CARGO_MANIFEST_DIR")?);
    let workspace = here.ancestors().nth(2).context("the crate is two folders deep in its workspace")?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    let guests = ["asker", "cheat", "courier", "gossip", "intruder", "mischief", "reader", "sender"];
    let guests = guests.map(|name| here.join("guests").join(name));
    for guest in negawatt_package::build::in_build_script(workspace, &guests)? {
        std::fs::write(out.join(format!("{}.wasm", guest.manifest.name)), guest.wasm)?;
    }
    Ok(())
}
