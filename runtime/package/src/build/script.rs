//! Building skills inside of a build script.

use std::path::{Path, PathBuf};

use super::{Build, BuildError, Built};

/// What all skills are made of: when one of these changes, all are built again.
const SHARED: [&str; 6] =
    ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "skills-sdk/rust/src", "skills-sdk/rust/Cargo.toml", "wit"];

/// Builds skills of the workspace of a build script, and tells cargo when to do so again: when the skills, or one of the
/// files and folders that all are made of, change. Skills are built with the profile `guest` and the
/// workspace's `Cargo.lock`.
///
/// What cargo makes is kept in `guests` beside the outer build's profiles: a folder that the outer cargo never locks, and
/// that all build scripts and profiles share. One waits there for the other, which never waits for it.
pub fn in_build_script(workspace: &Path, folders: &[PathBuf]) -> Result<Vec<Built>, BuildError> {
    let of_skills = folders.iter().flat_map(|folder| ["src", "SKILL.md", "Cargo.toml"].map(|name| folder.join(name)));
    for path in SHARED.iter().map(|name| workspace.join(name)).chain(of_skills) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    let build = Build {
        folders: folders.to_vec(),
        profile: "guest".into(),
        target_dir: Some(target_root(&out).join("guests")),
        locked: true,
    };
    build.run()
}

/// The folder that cargo marked as its own, around `OUT_DIR`; that itself if there is none.
fn target_root(out: &Path) -> &Path {
    out.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).unwrap_or(out)
}
