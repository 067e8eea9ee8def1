//! What cargo knows of a project, and one run of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use semver::Version;
use serde::Deserialize;

use super::{Build, BuildError, TARGET, environment};

/// A cargo workspace.
#[derive(Deserialize)]
pub(super) struct Project {
    packages: Vec<CargoPackage>,
    target_directory: PathBuf,
    workspace_root: PathBuf,
}

/// One of its packages.
#[derive(Deserialize)]
pub(super) struct CargoPackage {
    pub(super) id: String,
    name: String,
    pub(super) version: Version,
    manifest_path: PathBuf,
}

/// A line that cargo prints while it builds.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        package_id: String,
        target: ArtifactTarget,
        filenames: Vec<PathBuf>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct ArtifactTarget {
    crate_types: Vec<String>,
}

fn start(command: &mut Command) -> Result<std::process::Output, BuildError> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.output().map_err(|error| BuildError::NoToolchain { program, error })
}

impl Project {
    /// The workspace of a folder.
    pub(super) fn read(folder: &Path) -> Result<Project, BuildError> {
        let mut cargo = environment::cargo();
        cargo.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(folder);
        let answer = start(&mut cargo)?;
        let wrong = |message: String| BuildError::Metadata { folder: folder.to_owned(), message };
        if !answer.status.success() {
            return Err(wrong(String::from_utf8_lossy(&answer.stderr).trim().to_owned()));
        }
        serde_json::from_slice(&answer.stdout).map_err(|error| wrong(error.to_string()))
    }

    /// The package whose `Cargo.toml` is in a folder.
    pub(super) fn package(&self, folder: &Path) -> Result<&CargoPackage, BuildError> {
        let is_here = |package: &&CargoPackage| {
            let parent = package.manifest_path.parent().map(Path::canonicalize);
            matches!(parent, Some(Ok(parent)) if parent == folder)
        };
        self.packages.iter().find(is_here).ok_or_else(|| BuildError::Elsewhere { folder: folder.to_owned() })
    }

    /// Builds packages; the components by the packages' ids.
    pub(super) fn build(
        &self,
        packages: &[&CargoPackage],
        how: &Build,
    ) -> Result<HashMap<String, PathBuf>, BuildError> {
        let mut cargo = environment::cargo();
        cargo.current_dir(&self.workspace_root);
        cargo.args(["build", "--lib", "--message-format", "json-render-diagnostics", "--target", TARGET]);
        cargo.args(["--profile", &how.profile]);
        cargo.arg("--target-dir").arg(how.target_dir.as_ref().unwrap_or(&self.target_directory));
        if how.locked {
            cargo.arg("--locked");
        }
        if let Some(flags) = without_paths(&self.workspace_root) {
            cargo.args(["--config", &flags]);
        }
        for package in packages {
            cargo.args(["--package", &package.id]);
        }
        let answer = start(cargo.stderr(Stdio::inherit()))?;
        if !answer.status.success() {
            let names: Vec<_> = packages.iter().map(|package| package.name.as_str()).collect();
            return Err(BuildError::Compile(names.join(", ")));
        }
        Ok(components(&String::from_utf8_lossy(&answer.stdout)))
    }
}

/// The components among what cargo says that it made.
fn components(messages: &str) -> HashMap<String, PathBuf> {
    let mut found = HashMap::new();
    for line in messages.lines() {
        let Ok(Message::CompilerArtifact { package_id, target, filenames }) = serde_json::from_str(line) else {
            continue;
        };
        let is_wasm = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "wasm");
        if target.crate_types.iter().any(|kind| kind == "cdylib")
            && let Some(path) = filenames.into_iter().find(is_wasm)
        {
            found.insert(package_id, path);
        }
    }
    found
}

/// Keeps the builder's folders out of the component: messages of panics name the files of dependencies. They are added to
/// flags that the project sets for the target itself.
fn without_paths(workspace_root: &Path) -> Option<String> {
    let prefixes = [(Some(workspace_root.to_owned()), "."), (environment::cargo_home(), "/cargo")];
    let flag = |(path, name): (Option<PathBuf>, &str)| {
        let path = path?.into_os_string().into_string().ok()?;
        (!path.contains(['\'', '\n'])).then(|| format!("'--remap-path-prefix={path}={name}'"))
    };
    let flags: Vec<_> = prefixes.into_iter().map(flag).collect::<Option<_>>()?;
    Some(format!("target.{TARGET}.rustflags=[{}]", flags.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_found_among_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","package_id":"a","target":{"crate_types":["rlib"]},"filenames":["/t/liba.rlib"]}
{"reason":"compiler-artifact","package_id":"b","target":{"crate_types":["cdylib","rlib"]},"filenames":["/t/libb.rlib","/t/b.wasm"]}
what a build script of a dependency printed
{"reason":"build-script-executed","package_id":"c","linked_libs":[]}
{"reason":"build-finished","success":true}"#;
        assert_eq!(components(messages), [("b".to_owned(), PathBuf::from("/t/b.wasm"))].into());
    }
}
