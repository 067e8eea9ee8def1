//! `negawatt skill new`: a whole project that builds and passes its test as it is.

use std::io::ErrorKind;
use std::path::Path;

use negawatt_package::Manifest;
use serde_json::json;

use super::print;
use crate::bundle;
use crate::error::CliError;
use crate::investigate::json_text;

/// The SDK's crate.
const SDK_CRATE: &str = "negawatt-skill";

/// What every project holds besides the SDK and the lock file: paths and contents, in which `{{…}}` is filled in.
const TEMPLATE: [(&str, &str); 11] = [
    ("SKILL.md", include_str!("../../template/SKILL.md")),
    ("Cargo.toml", include_str!("../../template/Cargo.toml")),
    ("README.md", include_str!("../../template/README.md")),
    (".gitignore", include_str!("../../template/gitignore")),
    ("src/lib.rs", include_str!("../../template/lib.rs")),
    ("cases/slow-neighbour/incident.json", include_str!("../../template/case/incident.json")),
    ("cases/slow-neighbour/negawatt.toml", include_str!("../../template/case/negawatt.toml")),
    ("cases/slow-neighbour/topology.csv", include_str!("../../template/case/topology.csv")),
    ("cases/slow-neighbour/evidence.json", include_str!("../../template/case/evidence.json")),
    ("cases/slow-neighbour/expected.json", include_str!("../../template/case/expected.json")),
    (
        "cases/slow-neighbour/metrics/request_seconds.csv",
        include_str!("../../template/case/metrics/request_seconds.csv"),
    ),
];

/// Writes a project for a new skill into a folder of its name.
pub fn new(name: &str, parent: &Path, as_json: bool) -> Result<(), CliError> {
    let files = project(name)?;
    let folder = parent.join(name);
    claim(&folder)?;
    for (path, text) in &files {
        let path = folder.join(path);
        let written = match path.parent() {
            Some(parent) => std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text)),
            None => std::fs::write(&path, text),
        };
        written.map_err(|error| CliError::failure("write", format!("cannot write: {error}")).at(path.display()))?;
    }
    let shown = folder.display();
    if as_json {
        let paths: Vec<_> = files.iter().map(|(path, _)| path).collect();
        print(&json_text(&json!({ "name": name, "path": shown.to_string(), "files": paths })));
    } else {
        print(&format!(
            "wrote the skill {name} to {shown}\n\n  {shown}/src/lib.rs   its code\n  {shown}/SKILL.md     what it is\n\n\
             next: negawatt skill test {shown}\n      negawatt skill build {shown}\n"
        ));
    }
    Ok(())
}

/// Makes the folder, or takes one that is empty.
fn claim(folder: &Path) -> Result<(), CliError> {
    let failed =
        |error: std::io::Error| CliError::failure("write", format!("cannot make it: {error}")).at(folder.display());
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Err(error) if error.kind() == ErrorKind::NotFound => std::fs::create_dir_all(folder).map_err(failed),
        Ok(true) => Ok(()),
        _ => Err(CliError::bad_input("exists", "there is something already, and a new skill needs an empty folder")
            .at(folder.display())
            .help("choose another name, or another folder with --path")),
    }
}

/// The files of a project: paths in its folder, and contents.
fn project(name: &str) -> Result<Vec<(String, String)>, CliError> {
    let fill =
        |text: &str| text.replace("{{name}}", name).replace("{{title}}", &title(name)).replace("{{sdk}}", SDK_CRATE);
    let mut files: Vec<_> = TEMPLATE.iter().map(|(path, text)| ((*path).to_owned(), fill(text))).collect();
    let skill_md = files.first().map_or("", |(_, text)| text);
    Manifest::parse(skill_md).map_err(|error| bad_name(name, error))?;
    check_crate_name(name)?;
    files.push(("Cargo.lock".into(), lock(name)));
    let vendored = |(path, text): &(&str, &str)| (format!("vendor/{SDK_CRATE}/{path}"), (*text).to_owned());
    files.extend(bundle::SDK.iter().map(vendored));
    Ok(files)
}

/// `gc-pause` is `Gc pause`.
fn title(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn bad_name(name: &str, problem: impl std::fmt::Display) -> CliError {
    CliError::bad_input("name", format!("a skill cannot be called `{name}`: {problem}"))
        .help("choose a name such as gc-pause")
}

/// Words that can name no crate: keywords of Rust, and the crates that it comes with.
#[rustfmt::skip]
const RESERVED: [&str; 56] = [
    "abstract", "alloc", "as", "async", "await", "become", "box", "break", "build", "const", "continue", "core", "crate",
    "deps", "do", "dyn", "else", "enum", "examples", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in",
    "incremental", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "proc-macro", "pub", "ref",
    "return", "self", "static", "std", "struct", "super", "test", "trait", "true", "try", "type", "typeof", "unsafe",
    "use", "where",
];

/// A skill's name is its crate's name too.
fn check_crate_name(name: &str) -> Result<(), CliError> {
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(bad_name(name, "it is also the name of a cargo package, which cannot begin with a digit"));
    }
    if RESERVED.contains(&name) || ["unsized", "virtual", "while", "yield"].contains(&name) {
        return Err(bad_name(name, "it is also the name of a crate, and Rust keeps this word for itself"));
    }
    if bundle::SDK_LOCK.contains(&format!("\nname = \"{name}\"\n")) {
        return Err(bad_name(name, "a crate that it needs is called so"));
    }
    if bundle::BUNDLED.iter().any(|skill| skill.name == name) {
        return Err(bad_name(name, "a skill that Negawatt brings along is called so"));
    }
    Ok(())
}

/// The lock file of the project: that of the SDK with the project in its place among the packages, which cargo sorts.
fn lock(name: &str) -> String {
    let own = format!("name = \"{name}\"\nversion = \"0.1.0\"\ndependencies = [\n \"{SDK_CRATE}\",\n]\n");
    let mut packages: Vec<_> = bundle::SDK_LOCK.split("\n[[package]]\n").collect();
    let head = packages.remove(0);
    packages.push(&own);
    // By name alone: cargo knows no other package of this one's name.
    packages.sort_by_key(|package| package.lines().next().and_then(|line| line.split('"').nth(1)));
    packages.iter().fold(head.to_owned(), |lock, package| format!("{}\n\n[[package]]\n{package}", lock.trim_end()))
}

#[cfg(test)]
#[path = "new_tests.rs"]
mod tests;
