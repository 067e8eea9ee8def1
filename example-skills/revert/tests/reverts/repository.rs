//! Repositories made by git, and the tools on them.

use std::path::Path;
use std::process::{Command, Output};

use negawatt_skill::changes::{ChangeKind, Commit, FileDiff, TouchedFile};
use negawatt_skill::precedents::Precedent;
use negawatt_skill::{Error, Window};
use revert::tools::Tools;

/// The tree of no files, which git knows without being told.
const EMPTY: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// A repository with the branch `main`, checked out.
pub struct Repository {
    folder: tempfile::TempDir,
    /// Cases like any other; unavailable where absent.
    pub precedents: Option<Vec<Precedent>>,
}

impl Repository {
    pub fn new() -> Repository {
        let repository = Repository { folder: tempfile::tempdir().unwrap(), precedents: None };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str], seconds: i64) -> Output {
        let mut git = Command::new("git");
        git.current_dir(self.path()).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{role}_NAME"), "Ada").env(format!("GIT_{role}_EMAIL"), "ada@example.com");
            git.env(format!("GIT_{role}_DATE"), format!("@{seconds} +0000"));
        }
        git.args(arguments).output().expect("git is there")
    }

    /// What git prints; it must not fail.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments, 0);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Whether git does it.
    pub fn can(&self, arguments: &[&str]) -> bool {
        self.command(arguments, 0).status.success()
    }

    /// Writes files, or removes those without bytes, and lands a commit at a second; its hash.
    pub fn commit(&self, seconds: i64, files: &[(&str, Option<&[u8]>)]) -> String {
        for (path, bytes) in files {
            let path = self.path().join(path);
            match bytes {
                Some(bytes) => {
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, bytes).unwrap();
                }
                None => std::fs::remove_file(path).unwrap(),
            }
        }
        self.land(seconds)
    }

    /// Lands what is in the working tree; the commit's hash.
    pub fn land(&self, seconds: i64) -> String {
        self.git(&["add", "--all"]);
        let output = self.command(&["commit", "--quiet", "--allow-empty", "--message", "A commit"], seconds);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Merges a branch into what is checked out, always with a commit; its hash.
    pub fn merge(&self, seconds: i64, branch: &str) -> String {
        assert!(self.command(&["merge", "--quiet", "--no-ff", "--no-edit", branch], seconds).status.success());
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// The tree of the working tree.
    pub fn tree(&self) -> String {
        self.git(&["add", "--all"]);
        self.git(&["write-tree"])
    }

    /// The tree that a patch makes of the branch's; the branch stays as it is.
    pub fn patched(&self, patch: &str) -> String {
        let path = self.path().join(".git/proposal");
        std::fs::write(&path, patch).unwrap();
        self.git(&["apply", "--check", "--index", ".git/proposal"]);
        self.git(&["apply", "--index", ".git/proposal"]);
        let tree = self.tree();
        self.git(&["reset", "--quiet", "--hard"]);
        tree
    }

    /// The tree after `git revert` of a commit; absent where it conflicts.
    pub fn reverted(&self, id: &str) -> Option<String> {
        let tree = self.can(&["revert", "--no-commit", id]).then(|| self.tree());
        self.can(&["revert", "--quit"]);
        self.git(&["reset", "--quiet", "--hard"]);
        tree
    }

    /// The files that a commit touched against its first parent.
    fn touched(&self, id: &str, parent: Option<&String>) -> Vec<TouchedFile> {
        let answer = self.git(&["diff", "--name-status", "-M", "-z", parent.map_or(EMPTY, String::as_str), id]);
        let mut fields = answer.split('\0').map(str::to_owned);
        let mut files = Vec::new();
        while let Some(status) = fields.next().filter(|status| !status.is_empty()) {
            let first = fields.next().unwrap();
            let (kind, path, old_path) = match &status[..1] {
                "A" => (ChangeKind::Added, first, None),
                "D" => (ChangeKind::Deleted, first, None),
                "R" => (ChangeKind::Renamed, fields.next().unwrap(), Some(first)),
                _ => (ChangeKind::Modified, first, None),
            };
            files.push(TouchedFile { path, old_path, kind, added: 0, removed: 0 });
        }
        files
    }
}

impl Tools for Repository {
    fn touching(&self, repository: &str, window: Window, paths: &[String]) -> Result<Vec<Commit>, Error> {
        let log = self.git(&["log", "--format=%H\t%P\t%ct", "main"]);
        let commit = |line: &str| {
            let [id, parents, seconds] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            Commit {
                id: id.into(),
                repository: repository.into(),
                parents: parents.split_whitespace().map(str::to_owned).collect(),
                author: "Ada <ada@example.com>".into(),
                author_time: 0,
                time: 1_000_000 * seconds.parse::<i64>().unwrap(),
                subject: String::new(),
                body: String::new(),
                files: vec![],
            }
        };
        let mut commits: Vec<Commit> = log.lines().map(commit).filter(|commit| window.contains(commit.time)).collect();
        for commit in &mut commits {
            commit.files = self.touched(&commit.id, commit.parents.first());
        }
        commits.retain(|commit| commit.files.iter().any(|file| paths.contains(&file.path)));
        Ok(commits)
    }

    fn diff(&self, _: &str, id: &str) -> Result<Vec<FileDiff>, Error> {
        let parents = self.git(&["show", "--quiet", "--format=%P", id]);
        let parent = parents.split_whitespace().next().map(str::to_owned);
        let numbers = self.git(&["diff", "--numstat", "--no-renames", parent.as_deref().unwrap_or(EMPTY), id]);
        let is_binary = |path: &str| numbers.lines().any(|line| line == format!("-\t-\t{path}"));
        let diff = |file: TouchedFile| FileDiff { binary: is_binary(&file.path), file, hunks: vec![] };
        Ok(self.touched(id, parent.as_ref()).into_iter().map(diff).collect())
    }

    fn read(&self, _: &str, path: &str, revision: Option<&str>) -> Result<String, Error> {
        let output = self.command(&["cat-file", "blob", &format!("{}:{path}", revision.unwrap_or("main"))], 0);
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(Error::NotFound(format!("there is no file {path:?}")))
        }
    }
    fn similar(&self, _: &[String], _: u32) -> Result<Vec<Precedent>, Error> {
        self.precedents.clone().ok_or_else(|| Error::Unavailable("nobody keeps cases here".into()))
    }
}
