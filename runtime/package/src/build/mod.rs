//! Building: Rust projects become packed components, with the cargo of whoever calls.
//!
//! One run of cargo builds any number of skills of one workspace. Nothing of the caller's own build reaches it (see
//! [`environment`]), so that it works inside of a build script too.

mod cargo;
pub mod environment;
mod script;
mod target;

use std::path::{Path, PathBuf};

use semver::Version;

use crate::component::{PackageError, pack};
use crate::manifest::{MAX_MANIFEST_BYTES, Manifest, ManifestError};

pub use script::in_build_script;

/// The target that skills are compiled for.
pub const TARGET: &str = "wasm32-wasip2";

/// Which skills to build, and how.
#[derive(Debug, Clone)]
pub struct Build {
    /// Their folders, each with a `SKILL.md` and a `Cargo.toml`; all of one workspace.
    pub folders: Vec<PathBuf>,
    /// The profile of cargo, such as `release`.
    pub profile: String,
    /// Where cargo puts what it makes; absent, where it would for the project.
    pub target_dir: Option<PathBuf>,
    /// Whether `Cargo.lock` must stay as it is.
    pub locked: bool,
}

/// A skill that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its folder.
    pub folder: PathBuf,
    /// What its `SKILL.md` says.
    pub manifest: Manifest,
    /// The whole skill: the component with its `SKILL.md`.
    pub wasm: Vec<u8>,
}

/// Why a skill cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder lacks a file that makes it a Rust skill.
    #[error("{} has no {missing}; a skill in Rust is a folder with SKILL.md, Cargo.toml and src/lib.rs", folder.display())]
    NotASkill {
        /// The folder.
        folder: PathBuf,
        /// The file.
        missing: &'static str,
    },
    /// `SKILL.md` is wrong.
    #[error("{}: {error}", folder.display())]
    Manifest {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        error: ManifestError,
    },
    /// The skill and its folder have different names.
    #[error(
        "SKILL.md names the skill `{manifest}`, and its folder is called `{}`; they must be equal, so rename one of them",
        folder.display()
    )]
    Name {
        /// The folder.
        folder: PathBuf,
        /// The name in `SKILL.md`.
        manifest: String,
    },
    /// The versions differ.
    #[error(
        "{}: Cargo.toml has the version {cargo}, and SKILL.md says {manifest}; set `negawatt.version` to \"{cargo}\"",
        folder.display()
    )]
    Version {
        /// The folder.
        folder: PathBuf,
        /// The version in `Cargo.toml`.
        cargo: Version,
        /// The version in `SKILL.md`.
        manifest: Version,
    },
    /// A file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A program of the Rust toolchain cannot be started.
    #[error("the program `{program}` cannot be started: {error}; install Rust with rustup, and see that it is in PATH")]
    NoToolchain {
        /// The program.
        program: String,
        /// Why.
        error: std::io::Error,
    },
    /// The standard library for the target is missing and cannot be had.
    #[error(
        "the Rust target {TARGET} is not installed, and `rustup target add {TARGET}` failed: {0}; install it by hand, with rustup or as your distribution offers it"
    )]
    NoTarget(String),
    /// Cargo does not understand the project.
    #[error("cargo cannot read the project {}: {message}", folder.display())]
    Metadata {
        /// The folder.
        folder: PathBuf,
        /// What cargo says.
        message: String,
    },
    /// The folder is no package of the workspace of the first one.
    #[error("{} is not a package of the same cargo workspace as the others; build it by itself", folder.display())]
    Elsewhere {
        /// The folder.
        folder: PathBuf,
    },
    /// It does not compile.
    #[error("cargo could not build {0}; its messages are above")]
    Compile(String),
    /// It compiles, and yields no component.
    #[error(
        "{}: the build yields no component; Cargo.toml needs, under [lib], crate-type = [\"cdylib\", \"rlib\"]",
        folder.display()
    )]
    NoComponent {
        /// The folder.
        folder: PathBuf,
    },
    /// The component cannot be packed.
    #[error("{}: {error}", folder.display())]
    Pack {
        /// The folder.
        folder: PathBuf,
        /// Why.
        error: PackageError,
    },
}

impl Build {
    /// Builds and packs the skills, in the order of their folders. Cargo's messages go to standard error.
    ///
    /// Installs the target where it is missing. `SKILL.md` is checked before anything is compiled: its name must be that of
    /// the folder, its version that of `Cargo.toml`.
    pub fn run(&self) -> Result<Vec<Built>, BuildError> {
        let skills: Vec<_> = self.folders.iter().map(|folder| Source::read(folder)).collect::<Result<_, _>>()?;
        let Some(first) = skills.first() else { return Ok(Vec::new()) };
        target::ensure(&first.folder)?;
        let project = cargo::Project::read(&first.folder)?;
        let mut packages = Vec::new();
        for skill in &skills {
            let package = project.package(&skill.folder)?;
            if package.version != skill.manifest.version {
                return Err(BuildError::Version {
                    folder: skill.folder.clone(),
                    cargo: package.version.clone(),
                    manifest: skill.manifest.version.clone(),
                });
            }
            packages.push(package);
        }
        let artifacts = project.build(&packages, self)?;
        let built = skills.into_iter().zip(packages).map(|(skill, package)| {
            let path =
                artifacts.get(&package.id).ok_or_else(|| BuildError::NoComponent { folder: skill.folder.clone() })?;
            let component = std::fs::read(path).map_err(|error| BuildError::Read { path: path.clone(), error })?;
            let wasm = pack(&component, &skill.manifest.text)
                .map_err(|error| BuildError::Pack { folder: skill.folder.clone(), error })?;
            Ok(Built { folder: skill.folder, manifest: skill.manifest, wasm })
        });
        built.collect()
    }
}

/// A skill's folder before it is built.
struct Source {
    folder: PathBuf,
    manifest: Manifest,
}

impl Source {
    fn read(folder: &Path) -> Result<Source, BuildError> {
        let folder = folder.canonicalize().map_err(|error| BuildError::Read { path: folder.to_owned(), error })?;
        for missing in ["SKILL.md", "Cargo.toml"] {
            if !folder.join(missing).is_file() {
                return Err(BuildError::NotASkill { folder, missing });
            }
        }
        let path = folder.join("SKILL.md");
        let size = path.metadata().map_or(0, |metadata| metadata.len());
        let manifest = if size > MAX_MANIFEST_BYTES as u64 {
            Err(ManifestError::TooLong(usize::try_from(size).unwrap_or(usize::MAX)))
        } else {
            Manifest::parse(&std::fs::read_to_string(&path).map_err(|error| BuildError::Read { path, error })?)
        };
        let manifest = manifest.map_err(|error| BuildError::Manifest { folder: folder.clone(), error })?;
        if folder.file_name().is_none_or(|name| name != manifest.name.as_str()) {
            return Err(BuildError::Name { folder, manifest: manifest.name });
        }
        Ok(Source { folder, manifest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SKILL_MD: &str = "---\nname: gc-pause\ndescription: Finds pauses.\nmetadata:\n  negawatt.consumes: \"\"\n  \
        negawatt.reads: \"\"\n  negawatt.produces: \"note\"\n  negawatt.tools: \"\"\n  negawatt.version: \"0.3.0\"\n---\n";

    fn folder(name: &str, files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join(name);
        std::fs::create_dir_all(folder.join("src")).unwrap();
        for (path, text) in files {
            std::fs::write(folder.join(path), text).unwrap();
        }
        (parent, folder)
    }

    fn refused(name: &str, files: &[(&str, &str)]) -> BuildError {
        let (_kept, folder) = folder(name, files);
        let build = Build { folders: vec![folder], profile: "release".into(), target_dir: None, locked: false };
        build.run().unwrap_err()
    }

    #[test]
    fn what_is_wrong_is_said_before_anything_is_compiled() {
        let cargo = "[package]\nname = \"gc-pause\"\nversion = \"0.3.1\"\nedition = \"2024\"\n[workspace]\n";
        let source = ("src/lib.rs", "compile_error!();");
        let error = refused("gc-pause", &[]);
        assert!(matches!(error, BuildError::NotASkill { missing: "SKILL.md", .. }), "{error}");
        let error = refused("gc-pause", &[("SKILL.md", SKILL_MD)]);
        assert!(matches!(error, BuildError::NotASkill { missing: "Cargo.toml", .. }), "{error}");
        let error = refused("gc-pause", &[("SKILL.md", "no"), ("Cargo.toml", cargo)]);
        assert!(matches!(error, BuildError::Manifest { error: ManifestError::NoFrontmatter, .. }), "{error}");
        let error = refused("pause", &[("SKILL.md", SKILL_MD), ("Cargo.toml", cargo)]);
        assert!(matches!(&error, BuildError::Name { manifest, .. } if manifest == "gc-pause"), "{error}");
        let error = refused("gc-pause", &[("SKILL.md", SKILL_MD), ("Cargo.toml", cargo), source]);
        assert!(matches!(error, BuildError::Version { .. }), "{error}");
        assert!(error.to_string().contains("set `negawatt.version` to \"0.3.1\""), "{error}");
        let error = refused("gc-pause", &[("SKILL.md", SKILL_MD), ("Cargo.toml", "[package"), source]);
        assert!(matches!(error, BuildError::Metadata { .. }), "{error}");
    }
}
