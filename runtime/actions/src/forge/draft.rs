//! The commit of a proposal, made in a repository of its own that borrows the objects of the operator's: that one is read, and neither
//! its references, index, settings nor files change.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Failed, Git, Output};
use super::{ForgeError, Submission};

/// How long git may take for what needs no network.
const LOCAL_TIME: Duration = Duration::from_secs(60);

/// The most bytes of a short answer: a hash, a path.
const SHORT: usize = 64 << 10;

/// The most bytes that a proposal's list of files may have.
const MAX_LIST: usize = 1 << 20;

/// The most files of a proposal, and the most bytes of all of them.
const MAX_FILES: usize = 500;
const MAX_CONTENT: usize = 32 << 20;

/// Who makes commits.
pub const NAME: &str = "Negawatt";

/// Settings for talking to a remote that the operator's file may change, and the file that holds them: ssh asks nobody.
const DEFAULTS_FILE: &str = "negawatt-defaults";
const DEFAULTS: &str = "[core]\n\tsshCommand = ssh -o BatchMode=yes\n";

/// The index of the draft, in its folder.
const INDEX: &str = "negawatt-index";

/// A bare repository in a temporary folder that borrows the objects of the operator's.
pub struct Room {
    folder: TempDir,
}

/// Such a repository with the proposal's commit.
pub struct Draft {
    /// Where it is.
    pub room: Room,
    base: String,
    /// The commit.
    pub commit: String,
    /// Its tree.
    pub tree: String,
    /// The tree of the base.
    pub base_tree: String,
}

/// A file that the proposal changes.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// Its path.
    pub path: String,
    /// Its mode as git writes it, such as `100644`; that of before where it goes.
    pub mode: String,
    /// Its hash and content; absent where it goes.
    pub after: Option<(String, Vec<u8>)>,
}

impl Room {
    /// Room to work in beside an operator's repository.
    pub async fn of(repository: &Path) -> Result<Room, ForgeError> {
        let wrong = |what: String| ForgeError::Repository { repository: repository.to_owned(), what };
        let mine = |failed: std::io::Error| ForgeError::Settings(format!("there is no room to work in: {failed}"));
        let folder = tempfile::tempdir().map_err(mine)?;
        let theirs = Theirs::of(repository).await.map_err(wrong)?;
        let format = format!("--object-format={}", theirs.format);
        let git = Git::at(folder.path(), LOCAL_TIME);
        let made = git.run(&["init", "--quiet", "--bare", "--template=", &format, "."], &[], b"", SHORT).await;
        success(made).map_err(ForgeError::Settings)?;
        std::fs::write(folder.path().join("objects/info/alternates"), theirs.alternates()).map_err(mine)?;
        std::fs::write(folder.path().join(DEFAULTS_FILE), DEFAULTS).map_err(mine)?;
        if let Some(shallow) = theirs.shallow {
            std::fs::write(folder.path().join("shallow"), shallow).map_err(mine)?;
        }
        Ok(Room { folder })
    }

    /// Git in it.
    fn git(&self) -> Git {
        Git::at(self.folder.path(), LOCAL_TIME)
    }

    /// Git with what it needs to talk to a remote: an operator's settings, and another time.
    pub fn remote_git(&self, config: Option<&Path>, time: Duration) -> Git {
        self.git().with(&self.folder.path().join(DEFAULTS_FILE), config, time)
    }
}

impl Draft {
    /// Makes the commit. The same submission gives the same hash.
    pub async fn of(submission: &Submission) -> Result<Draft, ForgeError> {
        let room = Room::of(&submission.repository).await?;
        let (commit, tree, base_tree) = (String::new(), String::new(), String::new());
        let mut draft = Draft { room, base: submission.base.clone(), commit, tree, base_tree };
        draft.make(submission).await?;
        Ok(draft)
    }

    /// What earlier approvals of the same proposal were to submit, made again: so it is known what is theirs. One whose base is not in the
    /// repository any more is left out, as nobody can tell.
    pub async fn of_earlier(submission: &Submission, earlier: &[Submission]) -> Vec<(Draft, Submission)> {
        let mut drafts = Vec::new();
        for earlier in earlier.iter().filter(|earlier| earlier.branch() == submission.branch()) {
            let earlier = Submission { repository: submission.repository.clone(), ..earlier.clone() };
            if earlier.check().is_ok()
                && let Ok(draft) = Draft::of(&earlier).await
            {
                drafts.push((draft, earlier));
            }
        }
        drafts
    }

    async fn make(&mut self, submission: &Submission) -> Result<(), ForgeError> {
        let base = &submission.base;
        let missing = |what: String| ForgeError::Repository {
            repository: submission.repository.clone(),
            what: format!("it has no commit {base}, or not all of it ({what}); fetch it"),
        };
        let unfit = |what: String| ForgeError::Patch { base: base.clone(), what };
        let found = self.local(&["rev-parse", &format!("{base}^{{commit}}"), &format!("{base}^{{tree}}")], b"").await;
        let found = found.map_err(missing)?;
        let (commit, tree) = found.split_once('\n').unwrap_or_default();
        if commit != base {
            return Err(missing("the hash is another object's".to_owned()));
        }
        self.base_tree = tree.to_owned();
        self.local(&["read-tree", base], b"").await.map_err(missing)?;
        let apply = ["apply", "--cached", "--whitespace=nowarn", "-"];
        self.local(&apply, submission.patch.as_bytes()).await.map_err(unfit)?;
        self.tree = self.local(&["write-tree"], b"").await.map_err(unfit)?;
        if self.tree == self.base_tree {
            return Err(unfit("it changes nothing".to_owned()));
        }
        self.commit = self.commit_tree(submission, &self.tree, Some(base), &submission.message).await?;
        Ok(())
    }

    /// A commit without history that holds one file and nothing else.
    pub async fn alone(&self, submission: &Submission, content: &str, message: &str) -> Result<String, ForgeError> {
        let blob =
            self.local(&["hash-object", "-w", "--stdin"], content.as_bytes()).await.map_err(ForgeError::Settings)?;
        let entry = format!("100644 blob {blob}\t{}\n", submission.file_name);
        let tree = self.local(&["mktree"], entry.as_bytes()).await.map_err(ForgeError::Settings)?;
        self.commit_tree(submission, &tree, None, message).await
    }

    async fn commit_tree(
        &self,
        submission: &Submission,
        tree: &str,
        parent: Option<&str>,
        message: &str,
    ) -> Result<String, ForgeError> {
        let (email, date) = (OsStr::new(&submission.email), OsString::from(format!("@{} +0000", submission.seconds())));
        let who = [
            ("GIT_AUTHOR_NAME", OsStr::new(NAME)),
            ("GIT_AUTHOR_EMAIL", email),
            ("GIT_AUTHOR_DATE", date.as_os_str()),
            ("GIT_COMMITTER_NAME", OsStr::new(NAME)),
            ("GIT_COMMITTER_EMAIL", email),
            ("GIT_COMMITTER_DATE", date.as_os_str()),
        ];
        let mut arguments = vec!["commit-tree", tree, "-F", "-"];
        arguments.extend(parent.into_iter().flat_map(|parent| ["-p", parent]));
        let made = self.room.git().run(&arguments, &who, message.as_bytes(), SHORT).await;
        text(success(made).map_err(ForgeError::Settings)?).map_err(ForgeError::Settings)
    }

    /// The files that the proposal changes, with what they become.
    pub async fn changes(&self) -> Result<Vec<Change>, ForgeError> {
        let unfit = |what: String| ForgeError::Patch { base: self.base.clone(), what };
        let arguments = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", &self.base_tree, &self.tree];
        let list = success(self.room.git().run(&arguments, &[], b"", MAX_LIST).await).map_err(unfit)?;
        let list = String::from_utf8(list).map_err(|_| unfit("the name of a file is not UTF-8".to_owned()))?;
        let mut changes = Vec::new();
        let mut words = list.split('\0');
        while let (Some(entry), Some(path)) = (words.next(), words.next()) {
            let entry: Vec<_> = entry.trim_start_matches(':').split(' ').collect();
            let [before, after, _, hash, status] = entry[..] else {
                return Err(unfit("git lists its files as this version does not know".to_owned()));
            };
            if [before, after].contains(&"160000") {
                return Err(unfit("it changes a submodule, which is another repository's to change".to_owned()));
            }
            let mode = if status == "D" { before } else { after };
            let after = (status != "D").then(|| (hash.to_owned(), Vec::new()));
            changes.push(Change { path: path.to_owned(), mode: mode.to_owned(), after });
        }
        if changes.len() > MAX_FILES {
            return Err(unfit(format!("it changes {} files, more than {MAX_FILES}", changes.len())));
        }
        let mut room = MAX_CONTENT;
        for change in &mut changes {
            let Some((hash, content)) = &mut change.after else { continue };
            let read = self.room.git().run(&["cat-file", "blob", hash], &[], b"", room).await;
            *content = success(read).map_err(unfit)?;
            room -= content.len();
        }
        Ok(changes)
    }

    /// Whether a commit that is here has the proposal's commit in its history.
    pub async fn holds(&self, commit: &str) -> bool {
        self.local(&["merge-base", "--is-ancestor", &self.commit, commit], b"").await.is_ok()
    }

    /// The one line or lines that git prints here.
    pub async fn local(&self, arguments: &[&str], input: &[u8]) -> Result<String, String> {
        let index = self.room.folder.path().join(INDEX);
        let variables = [("GIT_INDEX_FILE", index.as_os_str())];
        text(success(self.room.git().run(arguments, &variables, input, MAX_LIST).await)?)
    }
}

/// What of the operator's repository is borrowed.
struct Theirs {
    objects: Vec<u8>,
    format: String,
    /// Where its history is cut off.
    shallow: Option<Vec<u8>>,
}

impl Theirs {
    async fn of(repository: &Path) -> Result<Theirs, String> {
        use std::os::unix::ffi::OsStrExt as _;

        let repository = repository.canonicalize().map_err(|error| format!("it cannot be opened: {error}"))?;
        // The operator named this folder: no other one above it, and whoever owns it. Nothing in its settings is run by this.
        let above = repository.parent().unwrap_or(&repository).as_os_str();
        let ask = |words: &'static [&'static str]| {
            let arguments = [&["-c", "safe.directory=*", "rev-parse", "--path-format=absolute"], words].concat();
            let git = Git::at(&repository, LOCAL_TIME);
            async move { success(git.run(&arguments, &[("GIT_CEILING_DIRECTORIES", above)], b"", SHORT).await) }
        };
        let line = |mut bytes: Vec<u8>| {
            bytes.pop_if(|byte| *byte == b'\n');
            bytes
        };
        let format = text(ask(&["--show-object-format"]).await?)?;
        let objects = line(ask(&["--git-path", "objects"]).await?);
        let shallow = line(ask(&["--git-path", "shallow"]).await?);
        let shallow = std::fs::read(OsStr::from_bytes(&shallow)).ok();
        Ok(Theirs { objects, format, shallow })
    }

    /// The path of its objects, quoted as git reads it.
    fn alternates(&self) -> Vec<u8> {
        let mut line = vec![b'"'];
        for byte in &self.objects {
            match byte {
                b'"' | b'\\' => line.extend([b'\\', *byte]),
                0..=0x1f | 0x7f => line.extend(format!("\\{byte:03o}").into_bytes()),
                _ => line.push(*byte),
            }
        }
        line.extend(b"\"\n");
        line
    }
}

/// What git printed, where it succeeded.
pub fn success(output: Result<Output, Failed>) -> Result<Vec<u8>, String> {
    match output {
        Ok(output) if output.is_success => Ok(output.stdout),
        Ok(output) => Err(output.complaint),
        Err(failed) => Err(failed.to_string()),
    }
}

fn text(bytes: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(bytes).map_err(|_| "git printed what is not UTF-8".to_owned())?;
    Ok(text.trim_end_matches('\n').to_owned())
}
