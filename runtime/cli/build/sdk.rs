//! The SDK as a crate that stands alone: no workspace, the contract as files of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::files;

/// The crate's files, for a project that carries them along.
pub(crate) struct Sdk {
    /// Its name and version.
    pub(crate) name: String,
    pub(crate) version: String,
    /// Its dependencies' names.
    pub(crate) dependencies: Vec<String>,
    /// Its `Cargo.toml`.
    pub(crate) manifest: String,
    /// The other files: their paths in the crate, and where they are, by path.
    pub(crate) files: Vec<(String, PathBuf)>,
}

impl Sdk {
    pub(crate) fn read(workspace: &Path) -> Result<Sdk> {
        let folder = workspace.join("skills-sdk/rust");
        let mut manifest = table(&folder.join("Cargo.toml"))?;
        stand_alone(&mut manifest, &table(&workspace.join("Cargo.toml"))?)?;
        let package = section(&manifest, "package")?;
        let text = |key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned).context("no such key");
        let below = |name: &str, folder: PathBuf| -> Result<Vec<_>> {
            Ok(files(&folder)?.into_iter().map(|(path, file)| (format!("{name}/{path}"), file)).collect())
        };
        let files = [below("src", folder.join("src"))?, below("wit", workspace.join("wit"))?].concat();
        Ok(Sdk {
            name: text("name")?,
            version: text("version")?,
            dependencies: section(&manifest, "dependencies")?.keys().cloned().collect(),
            manifest: toml::to_string(&manifest)?,
            files,
        })
    }
}

/// Takes the workspace out of a manifest: what it inherits is written out, what only the workspace needs is left out.
fn stand_alone(manifest: &mut Table, root: &Table) -> Result<()> {
    let workspace = section(root, "workspace")?;
    for key in ["dev-dependencies", "lints"] {
        manifest.remove(key);
    }
    inherit(manifest, "package", section(workspace, "package")?)?;
    inherit(manifest, "dependencies", section(workspace, "dependencies")?)
}

fn inherit(manifest: &mut Table, name: &str, from: &Table) -> Result<()> {
    let Some(Value::Table(section)) = manifest.get_mut(name) else { return Ok(()) };
    for (key, value) in section.iter_mut() {
        let Some(own) = value.as_table().filter(|own| own.contains_key("workspace")) else { continue };
        let common = from.get(key).with_context(|| format!("the workspace has no {name}.{key}"))?;
        let mut own = own.clone();
        own.remove("workspace");
        *value = match common {
            common if own.is_empty() => common.clone(),
            Value::Table(common) => Value::Table(common.clone().into_iter().chain(own).collect()),
            version => {
                own.insert("version".into(), version.clone());
                Value::Table(own)
            }
        };
    }
    Ok(())
}

fn section<'a>(table: &'a Table, key: &str) -> Result<&'a Table> {
    table.get(key).and_then(Value::as_table).with_context(|| format!("there is no [{key}]"))
}

pub(crate) fn table(path: &Path) -> Result<Table> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    text.parse().with_context(|| path.display().to_string())
}
