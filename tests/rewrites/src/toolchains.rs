//! The languages' own tools.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};

/// What a program says; absent, with a word on standard error, where it is not installed.
fn run(program: &str, arguments: &[&str], folder: &Path) -> Option<Output> {
    match Command::new(program).args(arguments).current_dir(folder).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("{program} is not installed: what it would say is not known");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

#[track_caller]
fn succeeds(program: &str, arguments: &[&str], folder: &Path, text: &str) -> String {
    let Some(output) = run(program, arguments, folder) else { return String::new() };
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?} refuses:\n{text}\n{out}\n{error}");
    out.into_owned()
}

/// Whether a file is as its formatter writes it; only that of Go is asked, where it is installed.
pub fn is_formatted(path: &str, text: &str) -> bool {
    if !path.ends_with(".go") {
        return true;
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.go"), text).expect("it is written");
    run("gofmt", &["-l", "a.go"], folder.path()).is_none_or(|output| output.stdout.is_empty())
}

/// Fails where a file is not a program any more: its grammar, and the language's own tools where they are installed, say so; for Rust and
/// Go also where it does not compile, if `compiles` says that it must.
#[track_caller]
pub fn check(path: &str, text: &str, compiles: bool) {
    let tree = crate::tree(path, text);
    assert!(!tree.root().has_error(), "{path} is no program:\n{text}");
    let folder = tempfile::tempdir().expect("a folder");
    let name = path.rsplit('/').next().expect("it has a name");
    std::fs::write(folder.path().join(name), text).expect("it is written");
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("py") => drop(succeeds("python3", &["-W", "error", "-m", "py_compile", name], folder.path(), text)),
        Some("rs") if compiles => {
            let arguments = [
                "--edition",
                "2024",
                "--crate-type",
                "lib",
                "--emit",
                "metadata",
                "-D",
                "warnings",
                "-A",
                "dead_code",
                name,
            ];
            succeeds("rustc", &arguments, folder.path(), text);
        }
        Some("go") => {
            succeeds("gofmt", &["-e", name], folder.path(), text);
            if compiles {
                std::fs::write(folder.path().join("go.mod"), "module shop\n\ngo 1.22\n").expect("it is written");
                succeeds("go", &["vet", "./..."], folder.path(), text);
            }
        }
        _ => {}
    }
}

/// What a program of Python prints; absent where there is no Python.
#[track_caller]
pub fn python(text: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("program.py"), text).expect("it is written");
    let output = run("python3", &["program.py"], folder.path())?;
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "it fails:\n{text}\n{error}");
    Some(out.into_owned())
}
