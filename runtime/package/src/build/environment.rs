//! What a nested cargo is told by its surroundings.
//!
//! Cargo tells build scripts and what it runs about its own build in variables. A cargo inside of it would take many of them
//! for its own: flags for the host's compiler, another target, a wrapper of the compiler, a target folder that is locked.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

/// A command without what belongs to an outer cargo's build.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_of_a_build) {
            command.env_remove(name);
        }
    }
    command
}

/// Settings of a machine or person, which hold for a nested cargo too.
const KEPT: [&str; 2] = ["CARGO_HOME", "CARGO_MAKEFLAGS"];

/// The same, by what their names begin with: network, registries, how messages look.
const KEPT_PREFIXES: [&str; 5] = ["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_", "CARGO_TERM_"];

/// What cargo tells build scripts without a prefix of its own, and what steers the compiler.
const OF_A_BUILD: [&str; 15] = [
    "CARGO",
    "CLIPPY_ARGS",
    "CLIPPY_CONF_DIR",
    "DEBUG",
    "HOST",
    "NUM_JOBS",
    "OPT_LEVEL",
    "OUT_DIR",
    "PROFILE",
    "RUSTC",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    "RUSTC_LINKER",
    "TARGET",
];

/// Whether a variable belongs to one build.
fn is_of_a_build(name: &str) -> bool {
    let begins = |prefix: &&str| name.starts_with(*prefix);
    if KEPT.contains(&name) || KEPT_PREFIXES.iter().any(begins) {
        return false;
    }
    OF_A_BUILD.contains(&name) || ["CARGO_", "__CARGO_", "DEP_", "RUSTC_"].iter().any(begins)
}

/// The cargo to use: that of the outer build where there is one, so that both are of one toolchain.
pub(super) fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The compiler to ask.
pub(super) fn rustc() -> Command {
    command(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Where cargo keeps the sources of dependencies.
pub(super) fn cargo_home() -> Option<PathBuf> {
    std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".cargo")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_forgotten_and_a_machine_is_not() {
        for name in [
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_TARGET",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
            "CARGO_MANIFEST_DIR",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTFLAGS",
            "TARGET",
            "OUT_DIR",
            "DEP_SQLITE3_INCLUDE",
        ] {
            assert!(is_of_a_build(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_MAKEFLAGS",
            "CARGO_NET_OFFLINE",
            "RUSTUP_HOME",
            "RUSTUP_TOOLCHAIN",
            "PATH",
            "HOME",
            "https_proxy",
        ] {
            assert!(!is_of_a_build(name), "{name}");
        }
    }
}
