//! A git repository from a list of commits, by `git fast-import`: the same list gives the same hashes.

use crate::clock::Seconds;
use crate::error::{Error, Result};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// A change of one path.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A file with its mode and content (a link's content is its target).
    Write(Vec<u8>, &'static str, Vec<u8>),
    /// A submodule at some commit that is not here.
    Module(Vec<u8>),
    /// The path is gone.
    Delete(Vec<u8>),
}

/// An author or committer: name and address, any bytes but `<`, `>` and newline.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Person {
    /// The name.
    pub(crate) name: Vec<u8>,
    /// The address.
    pub(crate) email: Vec<u8>,
}

impl Person {
    /// From texts.
    pub(crate) fn new(name: &str, email: &str) -> Self {
        Self { name: name.as_bytes().to_vec(), email: email.as_bytes().to_vec() }
    }

    /// `Name <email>`, as git shows it.
    pub(crate) fn shown(&self) -> String {
        format!("{} <{}>", String::from_utf8_lossy(&self.name), String::from_utf8_lossy(&self.email))
    }
}

/// A commit.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    /// The full name of the reference that it is made on.
    pub(crate) reference: String,
    /// Index of the first parent.
    pub(crate) from: Option<usize>,
    /// Index of the second parent.
    pub(crate) merge: Option<usize>,
    /// Who wrote it.
    pub(crate) author: Person,
    /// When it was written.
    pub(crate) written: Seconds,
    /// Who committed it.
    pub(crate) committer: Person,
    /// When it landed.
    pub(crate) landed: Seconds,
    /// The time zone, as `+0200`.
    pub(crate) zone: &'static str,
    /// The encoding header, if any.
    pub(crate) encoding: Option<&'static str>,
    /// The message.
    pub(crate) message: Vec<u8>,
    /// What it changes against its first parent.
    pub(crate) changes: Vec<Change>,
}

/// What a repository is besides its commits.
pub(crate) struct Layout {
    /// Bare, or with a work tree that is checked out.
    pub(crate) bare: bool,
    /// The branch that HEAD names.
    pub(crate) head: String,
    /// More references: full name and index of the commit.
    pub(crate) references: Vec<(Vec<u8>, usize)>,
}

/// Git, closed off from the user's and the system's configuration and from the environment.
fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(folder)
        // A reflog would hold today's date.
        .args(["-c", "core.logAllRefUpdates=false"])
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .stdin(Stdio::null());
    command
}

/// Runs git with some input.
fn run(folder: &Path, arguments: &[&str], input: &[u8]) -> Result<()> {
    let fail = |message: String| Error::Git { command: arguments[0].to_owned(), message };
    let mut child = git(folder).args(arguments).stdin(Stdio::piped()).spawn().map_err(|e| fail(e.to_string()))?;
    let sent = match child.stdin.take() {
        Some(mut pipe) => pipe.write_all(input),
        None => Ok(()),
    };
    let output = child.wait_with_output().map_err(|e| fail(e.to_string()))?;
    if !output.status.success() {
        return Err(fail(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    sent.map_err(|e| fail(e.to_string()))
}

/// A path as fast-import wants it quoted.
fn quoted(path: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for byte in path {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            0x20..=0x7e => out.push(*byte),
            _ => out.extend(format!("\\{byte:03o}").into_bytes()),
        }
    }
    out.push(b'"');
    out
}

fn data(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(format!("data {}\n", bytes.len()).into_bytes());
    out.extend_from_slice(bytes);
    out.push(b'\n');
}

fn signature(out: &mut Vec<u8>, role: &str, person: &Person, time: Seconds, zone: &str) {
    out.extend(format!("{role} ").into_bytes());
    out.extend_from_slice(&person.name);
    out.extend_from_slice(b" <");
    out.extend_from_slice(&person.email);
    out.extend(format!("> {time} {zone}\n").into_bytes());
}

/// The stream for fast-import. Marks are the indices plus 1.
fn stream(commits: &[Commit], references: &[(Vec<u8>, usize)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, commit) in commits.iter().enumerate() {
        out.extend(format!("commit {}\nmark :{}\n", commit.reference, index + 1).into_bytes());
        signature(&mut out, "author", &commit.author, commit.written, commit.zone);
        signature(&mut out, "committer", &commit.committer, commit.landed, commit.zone);
        if let Some(encoding) = commit.encoding {
            out.extend(format!("encoding {encoding}\n").into_bytes());
        }
        data(&mut out, &commit.message);
        if let Some(from) = commit.from {
            out.extend(format!("from :{}\n", from + 1).into_bytes());
        }
        if let Some(merge) = commit.merge {
            out.extend(format!("merge :{}\n", merge + 1).into_bytes());
        }
        for change in &commit.changes {
            match change {
                Change::Write(path, mode, content) => {
                    out.extend(format!("M {mode} inline ").into_bytes());
                    out.extend(quoted(path));
                    out.push(b'\n');
                    data(&mut out, content);
                }
                Change::Module(path) => {
                    out.extend(b"M 160000 1f2e3d4c5b6a79880f1e2d3c4b5a69788f9e0d1c ");
                    out.extend(quoted(path));
                    out.push(b'\n');
                }
                Change::Delete(path) => {
                    out.extend(b"D ");
                    out.extend(quoted(path));
                    out.push(b'\n');
                }
            }
        }
        out.push(b'\n');
    }
    for (name, target) in references {
        out.extend(b"reset ");
        out.extend_from_slice(name);
        out.extend(format!("\nfrom :{}\n\n", target + 1).into_bytes());
    }
    out.extend(b"done\n");
    out
}

/// Makes the repository and returns the commits' hashes, in order.
pub(crate) fn build(folder: &Path, commits: &[Commit], layout: &Layout) -> Result<Vec<String>> {
    fs::create_dir_all(folder).map_err(Error::write(folder))?;
    let head = format!("--initial-branch={}", layout.head);
    let mut init = vec!["init", "--quiet", "--template=", "--object-format=sha1", head.as_str()];
    if layout.bare {
        init.push("--bare");
    }
    run(folder, &init, b"")?;
    let marks = folder.join("casegen.marks");
    let export = "--export-marks=casegen.marks";
    let import = ["fast-import", "--quiet", "--done", "--force", "--date-format=raw-permissive", export];
    run(folder, &import, &stream(commits, &layout.references))?;
    let found =
        [marks.clone(), folder.join(".git").join("casegen.marks")].into_iter().find(|p| p.exists()).unwrap_or(marks);
    let text = fs::read_to_string(&found).map_err(Error::write(&found))?;
    fs::remove_file(&found).map_err(Error::write(&found))?;
    let mut hashes = vec![String::new(); commits.len()];
    for line in text.lines() {
        if let Some((mark, hash)) = line.trim_start_matches(':').split_once(' ')
            && let Some(slot) = mark.parse::<usize>().ok().and_then(|m| hashes.get_mut(m - 1))
        {
            hash.clone_into(slot);
        }
    }
    if !layout.bare {
        // Not `checkout`, which also looks at branches and hooks.
        run(folder, &["read-tree", "-u", "--reset", "HEAD"], b"")?;
    }
    Ok(hashes)
}
