//! `negawatt skill inspect`: what a file is, without running any of it.

use std::fmt::Write;
use std::path::Path;

use negawatt_config::Config;
use negawatt_host::grants::Grants;
use negawatt_host::text::{printable, shorten};
use negawatt_host::{Kind, LoadError, Origin, Skill, Tool};
use negawatt_package::PackageError;
use serde_json::{Value, json};

use super::print;
use crate::bundle;
use crate::error::CliError;
use crate::investigate::json_text;
use crate::setup::read_named;

/// Shows what a file is, and who published it as far as the configuration tells.
pub fn inspect(file: &Path, config: Option<&Path>, as_json: bool) -> Result<(), CliError> {
    let config = Config::find(config)?;
    show(&read(file, &config)?.published_by(&config.publishers), file, as_json);
    Ok(())
}

/// Prints what a skill is.
pub fn show(skill: &Skill, file: &Path, as_json: bool) {
    let text = if as_json { json_text(&describe(skill, file)) } else { text(skill, file) };
    print(&text);
}

fn read(file: &Path, config: &Config) -> Result<Skill, CliError> {
    let wasm = read_named(file, config).map_err(|error| CliError::bad_input("file", error).at(file.display()))?.wasm;
    Skill::read(wasm, Origin::Loaded).map_err(|error| refusal(&error).at(file.display()))
}

/// A file that is no skill, with a word for what is wrong with it.
pub fn refusal(error: &LoadError) -> CliError {
    let code = match error {
        LoadError::Package(PackageError::NoManifest) => "no-manifest",
        LoadError::Package(PackageError::NestedManifest) => "nested-manifest",
        LoadError::Package(PackageError::ManifestTwice(_)) => "duplicate-manifest",
        LoadError::Package(PackageError::CoreModule | PackageError::NotWasm(_)) => "not-a-component",
        LoadError::Import(_) | LoadError::Newer { .. } => "import",
        LoadError::Signature(_) | LoadError::Forged(_) => "signature",
        _ => "skill",
    };
    CliError::bad_input(code, error)
}

/// The smallest grant that lets it run, as an operator would write it; absent if it needs none.
fn grant(skill: &Skill) -> Option<String> {
    let mut skill = skill.clone();
    if bundle::is_bundled(skill.digest) {
        skill.origin = Origin::Bundled;
    }
    Grants::default().rights(&skill).err().map(|denial| denial.grant())
}

fn describe(skill: &Skill, file: &Path) -> Value {
    let manifest = &skill.manifest;
    let kinds = |kinds: &[Kind]| kinds.iter().map(ToString::to_string).collect::<Vec<_>>();
    json!({
        "file": file.display().to_string(),
        "name": manifest.name,
        "version": manifest.version.to_string(),
        "description": manifest.description,
        "license": manifest.license,
        "compatibility": manifest.compatibility,
        "consumes": kinds(&manifest.consumes),
        "reads": kinds(&manifest.reads),
        "produces": kinds(&manifest.produces),
        "tools": skill.imports.tools.iter().map(|tool| tool.name()).collect::<Vec<_>>(),
        "declared_tools": manifest.tools.iter().map(|tool| tool.name()).collect::<Vec<_>>(),
        "base": skill.imports.base,
        "bytes": skill.size,
        "digest": skill.digest.to_string(),
        "signer": skill.signer.map(|key| key.to_string()),
        "publisher": skill.publisher,
        "bundled": bundle::is_bundled(skill.digest),
        "grant": grant(skill),
    })
}

fn text(skill: &Skill, file: &Path) -> String {
    let manifest = &skill.manifest;
    let kinds = |kinds: &[Kind]| listed(kinds.iter().map(ToString::to_string));
    let names = |tools: &[Tool]| listed(tools.iter().map(|tool| tool.name().to_owned()));
    let imported: Vec<_> = skill.imports.tools.iter().copied().collect();
    let mut rows = vec![
        ("file", printable(&file.display().to_string())),
        ("about", shorten(&printable(&manifest.description), 300)),
        ("license", manifest.license.as_deref().map_or("not said".into(), printable)),
        ("consumes", kinds(&manifest.consumes)),
        ("reads", kinds(&manifest.reads)),
        ("produces", kinds(&manifest.produces)),
        ("tools", names(&imported)),
        ("base", listed(skill.imports.base.iter().map(|import| printable(import)))),
        ("size", format!("{} bytes", skill.size)),
        ("digest", skill.digest.to_string()),
        ("signed by", signed(skill)),
    ];
    if differ(skill) {
        let said = format!("{}; only what it imports counts", names(&manifest.tools));
        rows.insert(7, ("said", said));
    }
    let mut out = format!("{}\n", skill.id());
    for (name, value) in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {name:<10} {value}");
    }
    match grant(skill) {
        None if skill.imports.tools.is_empty() => out += "\nIt uses no tool, and needs no grant.\n",
        None => out += "\nIt is bundled, and needs no grant.\n",
        Some(grant) => {
            let _ = writeln!(out, "\nIt runs with this grant in negawatt.toml:\n\n{grant}");
        }
    }
    out
}

/// Who signed it.
pub fn signed(skill: &Skill) -> String {
    match (skill.signer, &skill.publisher) {
        (None, _) => "nobody".to_owned(),
        (Some(key), None) => format!("{key}, the key of no publisher in the configuration"),
        (Some(key), Some(publisher)) => format!("{key}, the key of publisher {}", printable(publisher)),
    }
}

fn differ(skill: &Skill) -> bool {
    skill.manifest.tools.iter().copied().collect::<std::collections::BTreeSet<_>>() != skill.imports.tools
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use negawatt_package::pack;

    use super::*;

    /// The smallest component.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    const SKILL_MD: &str = "---\nname: x\ndescription: \"Does x.\\e[31m\"\nmetadata:\n  negawatt.consumes: \"\"\n  \
        negawatt.reads: \"\"\n  negawatt.produces: \"note\"\n  negawatt.tools: \"metrics\"\n  negawatt.version: \"1.2.3\"\n---\n";

    fn inspected(bytes: &[u8]) -> Result<Skill, CliError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wasm");
        std::fs::write(&path, bytes).unwrap();
        read(&path, &Config::parse("", &path).unwrap())
    }

    #[test]
    fn shows_a_skill_without_what_steers_a_terminal() {
        let skill = inspected(&pack(EMPTY, SKILL_MD).unwrap()).unwrap();
        let shown = text(&skill, Path::new("x.wasm"));
        assert!(shown.starts_with("x@1.2.3\n") && shown.contains("needs no grant"), "{shown}");
        assert!(shown.contains("metrics; only what it imports counts"), "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
        let described = describe(&skill, Path::new("x.wasm"));
        assert_eq!(described["tools"], json!([]));
        assert_eq!(described["declared_tools"], json!(["metrics"]));
        assert_eq!(described["grant"], Value::Null);
    }

    #[test]
    fn says_what_is_wrong_with_a_file() {
        assert_eq!(inspected(EMPTY).unwrap_err().code, "no-manifest");
        assert_eq!(inspected(b"\0asm\x01\0\0\0").unwrap_err().code, "not-a-component");
        assert_eq!(inspected(b"PK").unwrap_err().code, "not-a-component");
        let config = Config::parse("", Path::new("negawatt.toml")).unwrap();
        let error = read(Path::new("none.wasm"), &config).unwrap_err();
        assert_eq!((error.code, error.place.as_deref()), ("file", Some("none.wasm")));
        assert!(error.bad_input);
    }

    #[test]
    fn bundled_skills_need_no_grant() {
        for bundled in bundle::BUNDLED {
            let mut skill = Skill::read(bundled.wasm, Origin::Loaded).unwrap();
            assert_eq!(grant(&skill), None, "{}", bundled.name);
            skill.digest.0[0] ^= 1;
            assert_eq!(grant(&skill).is_none(), skill.imports.tools.is_empty(), "{}", bundled.name);
        }
    }
}
