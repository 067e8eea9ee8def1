//! A GitHub that remembers: its repository is a real one, `acme/shop`; pull requests are kept in memory.

mod api;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::http::{HttpServer, Request, Response};

/// Where its API is, below its address, as on an Enterprise server.
const API: &str = "/api/v3";

/// What goes wrong with a request.
#[derive(Debug)]
pub enum Fault {
    /// Nothing.
    Nothing,
    /// It is answered so, and nothing happens.
    Instead(Response),
    /// It happens, and then is answered so.
    After(Response),
}

type Faults = Box<dyn FnMut(usize, &Request) -> Fault + Send>;

/// A pull request.
#[derive(Debug, Clone)]
pub struct Pull {
    /// Its number, from 1.
    pub number: u64,
    /// The branch that is to be merged.
    pub head: String,
    /// Whose repository that branch is in.
    pub owner: String,
    /// The branch that it is to be merged into.
    pub base: String,
    /// Its title.
    pub title: String,
    /// Its words.
    pub body: String,
    /// `open` or `closed`.
    pub state: &'static str,
    /// The merge's hash and its time, RFC 3339.
    pub merged: Option<(String, String)>,
    /// Names of its labels.
    pub labels: Vec<String>,
    /// Whose review was asked for.
    pub reviewers: Vec<String>,
    /// What was said, and by whom: `User`, who may write to the repository, `Bot`, or `Stranger`.
    pub comments: Vec<(String, &'static str)>,
    /// Where the branch is, or was when it was deleted.
    pub sha: String,
}

/// What it knows, and what it was asked.
pub struct World {
    repository: PathBuf,
    /// All pull requests, by their numbers.
    pub pulls: Vec<Pull>,
    /// All requests, in their order.
    pub requests: Vec<Request>,
    faults: Faults,
    /// Accounts by their addresses of mail, as an answer tells them.
    pub accounts: BTreeMap<String, Value>,
    /// Who may be asked for a review.
    pub collaborators: BTreeSet<String>,
    /// Whether it ignores filters of lists.
    pub ignores_filters: bool,
    /// How often somebody was asked for a review.
    pub asked: usize,
    /// Whether the token's owner may write to the repository.
    pub may_write: bool,
    /// Whether the repository is archived.
    pub is_archived: bool,
}

/// The server; it ends when it is dropped.
pub struct GitHub {
    world: Arc<Mutex<World>>,
    server: HttpServer,
}

impl GitHub {
    /// The one token that it takes.
    pub const TOKEN: &str = "ghp_t0kens3cret0123456789";

    /// One whose repository is this one.
    pub fn of(repository: &Path) -> GitHub {
        GitHub::checking(repository, |_, response| response)
    }

    /// The same, with somebody who looks at requests and at what they are answered, and may hold or change that. What a request does is done
    /// by then, and others are answered meanwhile.
    pub fn checking(
        repository: &Path,
        check: impl Fn(&Request, Response) -> Response + Send + Sync + 'static,
    ) -> GitHub {
        let world = World {
            repository: repository.to_owned(),
            pulls: Vec::new(),
            requests: Vec::new(),
            faults: Box::new(|_, _| Fault::Nothing),
            accounts: [("ada@example.com".to_owned(), json!({ "login": "ada", "type": "User" }))].into(),
            collaborators: ["ada".to_owned()].into(),
            ignores_filters: false,
            asked: 0,
            may_write: true,
            is_archived: false,
        };
        let world = Arc::new(Mutex::new(world));
        let shared = world.clone();
        let server = HttpServer::start(move |request| {
            let mut world = shared.lock().unwrap();
            let count = world.requests.len();
            world.requests.push(request.clone());
            let fault = (world.faults)(count, request);
            let response = match fault {
                Fault::Nothing => world.answer(request),
                Fault::Instead(response) => response,
                Fault::After(response) => {
                    world.answer(request);
                    response
                }
            };
            drop(world);
            check(request, response)
        });
        GitHub { world, server }
    }

    /// The address of its API.
    pub fn url(&self) -> String {
        format!("{}{API}", self.server.url())
    }

    /// What it knows.
    ///
    /// # Panics
    ///
    /// Where a request was one that it does not understand.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Has something go wrong, by how many requests came before one, and by the request.
    pub fn fault(&self, faults: impl FnMut(usize, &Request) -> Fault + Send + 'static) {
        self.world().faults = Box::new(faults);
    }

    /// Has nothing go wrong any more.
    pub fn heal(&self) {
        self.fault(|_, _| Fault::Nothing);
    }

    /// Methods and targets of all requests, without queries and the address of the repository.
    pub fn asked(&self) -> Vec<String> {
        let of_repository = format!("{API}/repos/acme/shop");
        let short = |request: &Request| {
            let path = request.target.split('?').next().unwrap_or_default();
            let path = path.strip_prefix(&of_repository).unwrap_or(path);
            format!("{} {}", request.method, path.trim_start_matches('/'))
        };
        self.world().requests.iter().map(short).collect()
    }

    /// A status with an error as GitHub tells it.
    pub fn error(status: u16, message: &str) -> Response {
        Response { status, ..Response::json(json!({ "message": message, "status": status.to_string() }).to_string()) }
    }
}

impl World {
    /// Opens a pull request into `main`; gives its number.
    pub fn open(&mut self, owner: &str, head: &str, title: &str) -> u64 {
        let number = self.pulls.len() as u64 + 1;
        self.pulls.push(Pull {
            number,
            head: head.to_owned(),
            owner: owner.to_owned(),
            base: "main".to_owned(),
            title: title.to_owned(),
            body: "a body".to_owned(),
            state: "open",
            merged: None,
            labels: Vec::new(),
            reviewers: Vec::new(),
            comments: Vec::new(),
            sha: self.tip(head).unwrap_or_else(|| "0".repeat(40)),
        });
        number
    }

    /// Merges a pull request, as its button does, and deletes the branch; gives the merge's hash.
    ///
    /// # Panics
    ///
    /// Where there is none with this number, or git cannot merge it.
    pub fn merge(&mut self, number: u64, time: &str) -> String {
        let at = self.find(&number.to_string()).expect("a pull request");
        let Pull { head, base, .. } = self.pulls[at].clone();
        let sha = self.tip(&head).expect("its branch is there");
        let git = |arguments: &[&str]| self.git(arguments, b"").expect("git merges");
        let tree = git(&["merge-tree", "--write-tree", &base, &sha]);
        let merge = git(&["commit-tree", &tree, "-p", &base, "-p", &sha, "-m", "Merge"]);
        git(&["update-ref", &format!("refs/heads/{base}"), &merge]);
        git(&["update-ref", "-d", &format!("refs/heads/{head}")]);
        let pull = &mut self.pulls[at];
        (pull.state, pull.sha, pull.merged) = ("closed", sha, Some((merge.clone(), time.to_owned())));
        merge
    }

    /// Closes a pull request, with a comment of a person.
    ///
    /// # Panics
    ///
    /// Where there is none with this number.
    pub fn close(&mut self, number: u64, comment: &str) {
        let at = self.find(&number.to_string()).expect("a pull request");
        self.pulls[at].state = "closed";
        self.pulls[at].comments.push((comment.to_owned(), "User"));
    }

    fn find(&self, number: &str) -> Option<usize> {
        self.pulls.iter().position(|pull| pull.number.to_string() == number)
    }

    fn tip(&self, branch: &str) -> Option<String> {
        self.git(&["rev-parse", "--verify", "--quiet", &format!("refs/heads/{branch}")], b"").ok()
    }

    /// What git prints in the repository, or complains of.
    fn git(&self, arguments: &[&str], input: &[u8]) -> Result<String, String> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.repository).args(arguments).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("GIT_INDEX_FILE", self.repository.join("fake-index"));
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "GitHub").env(format!("GIT_{who}_EMAIL"), "noreply@github.example");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("git is installed");
        // Git that ends early leaves its input unread: that is told by how it ended.
        let _ = child.stdin.take().expect("a pipe").write_all(input);
        let output = child.wait_with_output().expect("git ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}
