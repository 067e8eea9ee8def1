//! `negawatt skill build`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use negawatt_config::Config;
use negawatt_host::{Origin, Skill, Tool};
use negawatt_package::Manifest;
use negawatt_package::build::{Build, BuildError, Built};

use super::inspect;
use crate::error::CliError;
use crate::setup::read_named;

/// How cargo builds.
#[derive(Debug, Clone, clap::Args)]
pub struct Cargo {
    /// The profile of cargo
    #[arg(long, value_name = "NAME", default_value = "release")]
    pub profile: String,
    /// Where cargo keeps what it makes [default: as for the project]
    #[arg(long, value_name = "DIR")]
    pub target_dir: Option<PathBuf>,
}

/// Compiles a skill, packs it, writes it and shows what it is.
pub fn build(folder: &Path, out: Option<PathBuf>, cargo: Cargo, json: bool) -> Result<(), CliError> {
    let (built, skill) = compile(folder, cargo)?;
    let out = out.unwrap_or_else(|| place(folder, &built.manifest.name));
    write(&out, &built.wasm)?;
    inspect::show(&skill, &out, json);
    Ok(())
}

/// Where a built skill goes when nobody says otherwise.
pub fn place(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.wasm"))
}

/// The skill of a folder as it was built before, without building it.
pub fn built(folder: &Path) -> Result<Skill, CliError> {
    let at = folder.join("SKILL.md");
    let text = std::fs::read_to_string(&at)
        .map_err(|error| CliError::bad_input("skill", format!("cannot be read: {error}")).at(at.display()))?;
    let manifest = Manifest::parse(&text).map_err(|error| CliError::bad_input("skill", error).at(at.display()))?;
    let at = place(folder, &manifest.name);
    let config = Config::find(None)?;
    let skill = read_named(&at, &config)
        .and_then(|component| Skill::read(component.wasm, Origin::Loaded).map_err(|error| error.to_string()));
    let help = format!("negawatt skill build {}", folder.display());
    skill.map_err(|error| CliError::bad_input("skill", error).at(at.display()).help(help))
}

/// Compiles and packs the skill in a folder, and checks that it imports what `SKILL.md` says.
pub fn compile(folder: &Path, cargo: Cargo) -> Result<(Built, Skill), CliError> {
    // The project's cargo runs in another folder.
    let target_dir = cargo.target_dir.map(std::path::absolute).transpose();
    let target_dir = target_dir.map_err(|error| CliError::bad_input("target-dir", error))?;
    let build = Build { folders: vec![folder.to_owned()], profile: cargo.profile, target_dir, locked: false };
    let built = build.run().map_err(|error| from_build(&error))?;
    let [built] = <[Built; 1]>::try_from(built)
        .map_err(|_| CliError::failure("build", "the build made no component").at(folder.display()))?;
    let skill = Skill::read(built.wasm.clone(), Origin::Loaded)
        .map_err(|error| CliError::bad_input("skill", error).at(folder.display()))?;
    let declared = built.manifest.tools.iter().copied().collect();
    same_tools(&declared, &skill.imports.tools).map_err(|error| error.at(built.folder.join("SKILL.md").display()))?;
    Ok((built, skill))
}

fn from_build(error: &BuildError) -> CliError {
    match error {
        BuildError::NoToolchain { .. } | BuildError::NoTarget(_) => CliError::failure("toolchain", error),
        BuildError::Compile(_) => CliError::failure("build", error),
        BuildError::Read { .. } => CliError::failure("read", error),
        _ => CliError::bad_input("skill", error),
    }
}

/// What a skill says that it uses must be what it imports, neither more nor less.
fn same_tools(declared: &BTreeSet<Tool>, imported: &BTreeSet<Tool>) -> Result<(), CliError> {
    if declared == imported {
        return Ok(());
    }
    let said = names(declared.difference(imported));
    let used = names(imported.difference(declared));
    let mut problems = Vec::new();
    if !used.is_empty() {
        problems.push(format!("the component imports {used}, which SKILL.md does not name"));
    }
    if !said.is_empty() {
        problems.push(format!("SKILL.md names {said}, which the component does not import"));
    }
    Err(CliError::bad_input("tools", problems.join("; ")).help(format!(
        "in SKILL.md, set negawatt.tools: \"{}\" (a tool that the code does not call is not imported)",
        imported.iter().map(|tool| tool.name()).collect::<Vec<_>>().join(" ")
    )))
}

fn names<'a>(tools: impl Iterator<Item = &'a Tool>) -> String {
    tools.map(|tool| format!("`{tool}`")).collect::<Vec<_>>().join(", ")
}

/// Writes beside and renames, so that who reads the folder meanwhile never sees half a file.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let failed =
        |error: std::io::Error| CliError::failure("write", format!("cannot write: {error}")).at(path.display());
    let mut beside = OsString::from(".");
    beside.push(path.file_name().ok_or_else(|| CliError::bad_input("out", "names no file").at(path.display()))?);
    beside.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(beside);
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    written.inspect_err(|_| drop(std::fs::remove_file(&beside))).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_must_be_declared_exactly() {
        let (metrics, code) = ([Tool::Metrics].into(), [Tool::Code].into());
        assert_eq!(same_tools(&metrics, &metrics), Ok(()));
        let error = same_tools(&metrics, &code).unwrap_err();
        assert!(error.message.contains("imports `code`") && error.message.contains("names `metrics`"), "{error}");
        assert!(error.help.as_ref().is_some_and(|help| help.contains("negawatt.tools: \"code\"")), "{error}");
        let error = same_tools(&BTreeSet::new(), &metrics).unwrap_err();
        assert!(!error.message.contains("SKILL.md names"), "{error}");
    }

    #[test]
    fn a_file_is_replaced_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wasm");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = write(&folder.path().join("none/a.wasm"), b"x").unwrap_err();
        assert_eq!((error.bad_input, error.code), (false, "write"));
    }
}
