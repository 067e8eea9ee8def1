//! What the tests share: an operator's repository, a remote, a submission, and who is told of the progress.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use negawatt_actions::forge::{Effect, Forge, ForgeError, Progress, Reviewer, Stop, Submission, Submitted};

/// When commits of the tests are made, in seconds since the Unix epoch.
pub const THEN: i64 = 1_763_500_000;

/// When the proposal is made, in microseconds.
pub const NOW: i64 = 1_763_536_200_123_456;

/// A folder with git, closed off from everybody's settings.
pub struct Repository(pub PathBuf);

impl Repository {
    pub fn init(folder: PathBuf, arguments: &[&str]) -> Repository {
        fs::create_dir_all(&folder).unwrap();
        let repository = Repository(folder);
        repository.git(&[&["init", "-q", "-b", "main"], arguments, &["."]].concat());
        repository
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.0).args(arguments).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", &self.0);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.com");
            command.env(format!("GIT_{who}_DATE"), format!("@{THEN} +0200"));
        }
        command
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Commits all that is in the folder, and gives the hash.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// A file that git runs.
    pub fn hook(&self, folder: &str, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        self.write(&format!("{folder}/{name}"), format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.0.join(folder).join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// All references with what they name.
    pub fn references(&self) -> BTreeMap<String, String> {
        let list = self.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        list.lines().map(|line| line.split_once(' ').unwrap()).map(|(name, hash)| (name.into(), hash.into())).collect()
    }

    /// Every file below the folder, byte for byte.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn collect(folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    collect(&path, into);
                } else {
                    into.insert(path.clone(), fs::read(&path).unwrap_or_default());
                }
            }
        }
        let mut files = BTreeMap::new();
        collect(&self.0, &mut files);
        files
    }
}

/// An operator's repository with a change that is to blame, and a bare remote with the same history.
pub struct Shop {
    pub folder: tempfile::TempDir,
    pub local: Repository,
    pub remote: Repository,
    pub submission: Submission,
}

impl Shop {
    pub fn new() -> Shop {
        Shop::of_format("sha1")
    }

    pub fn of_format(format: &str) -> Shop {
        let folder = tempfile::tempdir().unwrap();
        let format = format!("--object-format={format}");
        let local = Repository::init(folder.path().join("shop"), &[&format]);
        local.write("src/cart.rs", "fn price() {\n    parse();\n    sum();\n}\n");
        local.write("src/old.rs", "fn old() {}\n");
        local.write("tool.sh", "#!/bin/sh\necho tool\n");
        local.write("data.bin", [0, 159, 146, 150]);
        local.commit("Begin");
        local.write("src/cart.rs", "fn price() {\n    parse();\n    parse();\n    sum();\n}\n");
        let culprit = local.commit("Parse twice");
        local.write("README", "shop\n");
        let base = local.commit("Say what it is");
        let patch = patch_of(&local);
        let remote = Repository::init(folder.path().join("remote.git"), &[&format, "--bare"]);
        local.git(&["push", "-q", remote.0.to_str().unwrap(), "main"]);
        let submission = Submission {
            case: "01ARZ3NDEKTSV4RRFFQ69G5FAV".into(),
            proposal: 1,
            repository: local.0.clone(),
            base,
            target_branch: "main".into(),
            patch,
            title: "Negawatt: parse once (checkout)".into(),
            body: "## What got worse\n\nMuch, é.\n".into(),
            message: "Negawatt: parse once\n\nMuch got worse.\n".into(),
            email: "negawatt@example.com".into(),
            time: NOW,
            reviewer: Some(Reviewer { commit: culprit, author: "Ada <ada@example.com>".into() }),
            labels: vec!["performance".into(), "negawatt".into()],
            file_name: "proposal.md".into(),
        };
        Shop { folder, local, remote, submission }
    }

    /// A commit of somebody else on a branch of the remote.
    pub fn foreign(&self, branch: &str, message: &str) -> String {
        let tree = self.remote.git(&["rev-parse", "main^{tree}"]);
        let commit = self.remote.git(&["commit-tree", &tree, "-p", "main", "-m", message]);
        self.remote.git(&["update-ref", &format!("refs/heads/{branch}"), &commit]);
        commit
    }
}

/// Files that change in every way there is: content, new and executable, gone, moved, binary, and a name beyond ASCII.
fn patch_of(local: &Repository) -> String {
    local.write("src/cart.rs", "fn price() {\n    parse();\n    sum();\n}\n");
    local.write("src/neu ü.rs", "fn neu() {}\n");
    fs::remove_file(local.0.join("src/old.rs")).unwrap();
    fs::rename(local.0.join("tool.sh"), local.0.join("bin.sh")).unwrap();
    local.write("data.bin", [0, 1, 2, 159]);
    local.git(&["add", "-A"]);
    local.git(&["update-index", "--chmod=+x", "src/neu ü.rs"]);
    let diff = local.command(&["diff", "--cached", "--binary", "--find-renames", "HEAD"]).output().unwrap();
    local.git(&["reset", "-q", "--hard"]);
    String::from_utf8(diff.stdout).unwrap()
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Submits, and gives what was told besides.
pub fn submit(forge: &dyn Forge, submission: &Submission) -> (Result<Submitted, ForgeError>, Vec<Progress>) {
    submit_with(forge, submission, |_, _| Ok(()))
}

/// Submits, with somebody who is told of the progress and of how much was told before.
pub fn submit_with(
    forge: &dyn Forge,
    submission: &Submission,
    observe: impl FnMut(usize, &Progress) -> Result<(), Stop> + Send,
) -> (Result<Submitted, ForgeError>, Vec<Progress>) {
    submit_after(forge, submission, &[], observe)
}

/// The same, after other submissions of the proposal had begun.
pub fn submit_after(
    forge: &dyn Forge,
    submission: &Submission,
    earlier: &[Submission],
    mut observe: impl FnMut(usize, &Progress) -> Result<(), Stop> + Send,
) -> (Result<Submitted, ForgeError>, Vec<Progress>) {
    let mut told = Vec::new();
    let mut observe = |progress: &Progress| {
        told.push(progress.clone());
        observe(told.len() - 1, progress)
    };
    let result = block_on(forge.submit(submission, earlier, &mut observe));
    (result, told)
}

/// Stops a submission after so much was told.
pub fn stop_after(count: usize) -> impl FnMut(usize, &Progress) -> Result<(), Stop> + Send {
    move |told, _| if told == count { Err(Stop("killed".into())) } else { Ok(()) }
}

/// Every effect is told before it happens and after it did, and nothing else is.
pub fn effects(told: &[Progress]) -> Vec<Effect> {
    let pairs = told.chunks(2).map(|pair| match pair {
        [Progress::About(about), Progress::Did(did)] if about == did => about.clone(),
        pair => panic!("{pair:?}"),
    });
    pairs.collect()
}
