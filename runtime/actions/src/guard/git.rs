//! Git, in a repository of the examination's own, with nothing of the environment, of the user's settings or of the repository's.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use negawatt_text::{printable, shorten};
use rustix::process::{Pid, Signal, kill_process_group};

use super::output::{Kept, drain};

/// The longest that one call may take: that of a large repository's tip.
const MAX_TIME: Duration = Duration::from_secs(600);

/// The most of an answer that is read.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// The most of a file that is read.
pub(crate) const MAX_FILE_BYTES: u64 = 4 << 20;

/// The most of all files of a patch together, before and after.
const MAX_FILES_BYTES: u64 = MAX_ANSWER_BYTES / 2;

/// Settings that no repository overrides: the copy has none of its own, and only upload-pack looks into the user's.
///
/// `safe.directory` says that a repository of another owner may be read. It keeps settings of strangers from running programs; of
/// those that upload-pack obeys none runs one, unless it stands here.
const SETTINGS: &str = "[safe]\n\tdirectory = *\n[core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n\tprotectHFS = true\n\tprotectNTFS = true\n\
    [protocol]\n\tallow = never\n[protocol \"file\"]\n\tallow = always\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n\
    [submodule]\n\trecurse = false\n[user]\n\tuseConfigOnly = true\n";

/// A repository that holds the tip of one branch, and what is made of it.
pub(crate) struct Git {
    folder: PathBuf,
}

/// What git says of one path that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) path: String,
    /// Modes and hashes before and after; a file that is not there has zeros.
    pub(crate) modes: [String; 2],
    pub(crate) hashes: [String; 2],
}

/// Which tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

impl Git {
    /// Copies the tip of a branch, which is that of `HEAD` where none is named, into a folder. The repository that it comes from is read by
    /// git's own protocol: nothing in it changes.
    pub(crate) fn copy(from: &Path, branch: Option<&str>, folder: &Path) -> Result<Git, String> {
        let shown = printable(&from.display().to_string());
        let from =
            std::fs::canonicalize(from).map_err(|error| format!("the repository {shown} cannot be opened: {error}"))?;
        std::fs::write(folder.join("settings"), SETTINGS)
            .map_err(|error| format!("the copy cannot be made: {error}"))?;
        let git = Git { folder: folder.to_owned() };
        let branch = branch.map(|branch| format!("--branch={}", branch.strip_prefix("refs/heads/").unwrap_or(branch)));
        let mut arguments: Vec<&OsStr> =
            ["clone", "--quiet", "--bare", "--no-local", "--depth=1", "--single-branch", "--no-tags", "--template="]
                .map(OsStr::new)
                .to_vec();
        arguments.extend(branch.as_deref().map(OsStr::new));
        let to = git.repository();
        arguments.extend([OsStr::new("--"), from.as_os_str(), to.as_os_str()]);
        git.call(&arguments, Side::Before, &[])
            .map_err(|why| format!("the repository {shown} cannot be read: {why}"))?;
        git.say(&["read-tree", "HEAD"], Side::Before)?;
        std::fs::copy(git.index(Side::Before), git.index(Side::After))
            .map_err(|error| format!("the copy cannot be made: {error}"))?;
        Ok(git)
    }

    /// The full hash of the copied commit.
    pub(crate) fn base(&self) -> Result<String, String> {
        Ok(self.say(&["rev-parse", "--verify", "HEAD^{commit}"], Side::Before)?.trim().to_owned())
    }

    /// Applies a patch, and returns the full hash of the tree that comes of it.
    pub(crate) fn apply(&self, patch: &str) -> Result<String, String> {
        let arguments = ["apply", "--cached", "--whitespace=nowarn", "-"].map(OsStr::new);
        self.call(&arguments, Side::After, patch.as_bytes())?;
        Ok(self.say(&["write-tree"], Side::After)?.trim().to_owned())
    }

    /// What differs between the tip and a tree.
    pub(crate) fn touched(&self, tree: &str) -> Result<Vec<Touched>, String> {
        let raw =
            self.say(&["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "HEAD", tree], Side::After)?;
        let unread = || "git's answer to diff-tree cannot be read".to_owned();
        let mut fields = raw.split_terminator('\0');
        let mut touched = Vec::new();
        while let Some(facts) = fields.next() {
            let facts: Vec<&str> = facts.strip_prefix(':').ok_or_else(unread)?.split(' ').collect();
            let ([before, after, old, new, _], Some(path)) = (facts.as_slice(), fields.next()) else {
                return Err(unread());
            };
            let [modes, hashes] = [[before, after], [old, new]].map(|pair| pair.map(|&text| text.to_owned()));
            touched.push(Touched { path: path.to_owned(), modes, hashes });
        }
        Ok(touched)
    }

    /// The lines that differ between the tip and a tree, as a unified diff without context.
    pub(crate) fn difference(&self, tree: &str) -> Result<String, String> {
        self.say(
            &[
                "diff-tree",
                "-r",
                "-p",
                "--text",
                "--unified=0",
                "--no-renames",
                "--no-ext-diff",
                "--no-textconv",
                "HEAD",
                tree,
            ],
            Side::After,
        )
    }

    /// The texts of files, named by path and hash, in this order.
    pub(crate) fn texts(&self, files: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let unread = || "git's answer to cat-file cannot be read".to_owned();
        let asked: String = files.iter().map(|(_, hash)| format!("{hash}\n")).collect();
        let ask = |how: &str| self.call(&["cat-file", how].map(OsStr::new), Side::After, asked.as_bytes());
        // Nothing large is asked for.
        let sizes = String::from_utf8(ask("--batch-check=%(objectsize)")?).map_err(|_| unread())?;
        if sizes.lines().count() != files.len() {
            return Err(unread());
        }
        let mut all = 0;
        for ((path, _), size) in files.iter().zip(sizes.lines()) {
            let size: u64 = size.parse().map_err(|_| format!("`{path}`: git does not have it: {}", printable(size)))?;
            if size > MAX_FILE_BYTES {
                return Err(format!("`{path}`: it has {size} bytes; {MAX_FILE_BYTES} are read"));
            }
            all += size;
        }
        if all > MAX_FILES_BYTES {
            let first = files.first().map_or("", |(path, _)| path);
            return Err(format!(
                "`{first}` and the others that it touches have {all} bytes before and after; {MAX_FILES_BYTES} are read: propose it in parts"
            ));
        }
        let answer = ask("--batch=%(objectsize)")?;
        let mut rest = answer.as_slice();
        let mut texts = Vec::with_capacity(files.len());
        for (path, _) in files {
            let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(unread)?;
            let size = std::str::from_utf8(&rest[..end]).ok().and_then(|size| size.parse::<usize>().ok());
            let text = size.and_then(|size| rest.get(end + 1..)?.split_at_checked(size));
            let (text, after) = text.ok_or_else(unread)?;
            rest = after.strip_prefix(b"\n").ok_or_else(unread)?;
            let text = std::str::from_utf8(text).ok().filter(|text| !text.contains('\0'));
            texts.push(text.ok_or_else(|| format!("`{path}`: it is not text in UTF-8"))?.to_owned());
        }
        Ok(texts)
    }

    /// Writes all files of a side into an empty folder.
    pub(crate) fn export(&self, side: Side, folder: &Path) -> Result<(), String> {
        let mut arguments: Vec<&OsStr> = vec![OsStr::new("--work-tree"), folder.as_os_str()];
        arguments.extend(["checkout-index", "--all", "--force"].map(OsStr::new));
        self.call(&arguments, side, &[]).map(drop)
    }

    /// The paths of all files of a side.
    pub(crate) fn files(&self, side: Side) -> Result<BTreeSet<PathBuf>, String> {
        use std::os::unix::ffi::OsStrExt;
        let listed = self.call(&["ls-files", "-z", "--cached"].map(OsStr::new), side, &[])?;
        let paths = listed.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect())
    }

    fn repository(&self) -> PathBuf {
        self.folder.join("repository.git")
    }

    fn index(&self, side: Side) -> PathBuf {
        self.folder.join(if side == Side::Before { "before.index" } else { "after.index" })
    }

    fn say(&self, arguments: &[&str], side: Side) -> Result<String, String> {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        String::from_utf8(self.call(&arguments, side, &[])?).map_err(|_| "git's answer is not text in UTF-8".to_owned())
    }

    fn call(&self, arguments: &[&OsStr], side: Side, input: &[u8]) -> Result<Vec<u8>, String> {
        let mut command = Command::new(crate::git());
        command.args(arguments).current_dir(&self.folder).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", &self.folder).env("LC_ALL", "C").env("GIT_INDEX_FILE", self.index(side));
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", self.folder.join("settings"));
        command.env("GIT_ATTR_NOSYSTEM", "1").env("GIT_NO_REPLACE_OBJECTS", "1").env("GIT_NO_LAZY_FETCH", "1");
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ALLOW_PROTOCOL", "file").env("GIT_OPTIONAL_LOCKS", "0");
        if arguments.first() != Some(&OsStr::new("clone")) {
            command.env("GIT_DIR", self.repository());
        }
        // A group, for upload-pack and what else git starts.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|error| format!("git cannot be started: {error}; install it"))?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("git cannot be talked to".to_owned());
        };
        let (send, done) = mpsc::channel();
        let complaint = Mutex::new(Kept::new(4_096));
        let answer = std::thread::scope(|scope| {
            // What git does not want to read is told by how it ends.
            scope.spawn(move || drop(stdin.write_all(input)));
            scope.spawn(|| drain(stderr, &[&complaint]));
            scope.spawn(move || drop(send.send(read(stdout, MAX_ANSWER_BYTES + 1))));
            let answer = done.recv_timeout(MAX_TIME);
            if answer.as_ref().map_or(true, |answer| answer.len() as u64 > MAX_ANSWER_BYTES) {
                // It is a group of its own as long as it was not waited for.
                let _ = Pid::from_raw(child.id().cast_signed()).map(|group| kill_process_group(group, Signal::KILL));
            }
            answer
        });
        let ended = child.wait().map_err(|error| format!("git was lost: {error}"))?;
        match answer {
            Err(_) => Err(format!("git took longer than {} s", MAX_TIME.as_secs())),
            Ok(answer) if answer.len() as u64 > MAX_ANSWER_BYTES => {
                Err(format!("git answers more than {MAX_ANSWER_BYTES} bytes"))
            }
            Ok(answer) if ended.success() => Ok(answer),
            Ok(_) => {
                let complaint = complaint.into_inner().unwrap_or_else(PoisonError::into_inner).text();
                let complaint = printable(complaint.trim());
                Err(if complaint.is_empty() { format!("git ended with {ended}") } else { shorten(&complaint, 600) })
            }
        }
    }
}

fn read(from: impl Read, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What breaks off is told by how git ended.
    let _ = from.take(most).read_to_end(&mut bytes);
    bytes
}
