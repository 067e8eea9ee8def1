//! A GitHub that remembers: the repository is a real one, pull requests are kept in memory.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use negawatt_actions::forge::*;
use negawatt_test_servers::{HttpServer, Request, Response};
use serde_json::{Value, json};

use crate::support::*;

pub const TOKEN: &str = "ghp_t0kens3cret0123456789";

/// The time where the tests begin, in seconds since the Unix epoch.
pub const START: i64 = 1_763_536_300;

/// What goes wrong with a request.
pub enum Fault {
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
    pub number: u64,
    pub head: String,
    pub owner: String,
    pub base: String,
    pub title: String,
    pub body: String,
    pub state: &'static str,
    pub merged: Option<(String, String)>,
    pub labels: Vec<String>,
    pub reviewers: Vec<String>,
    pub comments: Vec<(String, &'static str)>,
    /// Where the branch is, or was when it was deleted.
    pub sha: String,
}

/// What it knows, and what it was asked.
pub struct World {
    repository: Repository,
    pub pulls: Vec<Pull>,
    pub requests: Vec<Request>,
    pub faults: Faults,
    /// The account of every commit's author.
    pub author: Value,
    pub collaborators: BTreeSet<String>,
    /// Whether it ignores filters of lists.
    pub ignores_filters: bool,
    /// How often somebody was asked for a review.
    pub asked: usize,
}

/// The server, and what a forge on it needs.
pub struct GitHub {
    pub world: Arc<Mutex<World>>,
    pub server: HttpServer,
    pub clock: Arc<TestClock>,
    folder: tempfile::TempDir,
}

/// A clock that never waits.
#[derive(Debug, Default)]
pub struct TestClock(pub Mutex<Vec<u64>>);

#[async_trait::async_trait]
impl Clock for TestClock {
    fn now(&self) -> i64 {
        START + i64::try_from(self.0.lock().unwrap().iter().sum::<u64>()).unwrap()
    }

    async fn sleep(&self, time: Duration) {
        self.0.lock().unwrap().push(time.as_secs());
    }
}

/// A status with an error as GitHub tells it.
pub fn error(status: u16, message: &str) -> Response {
    Response { status, ..Response::json(json!({ "message": message, "status": status.to_string() }).to_string()) }
}

fn created(body: &Value) -> Response {
    Response { status: 201, ..Response::json(body.to_string()) }
}

impl GitHub {
    /// One whose repository is the shop's remote.
    pub fn of(shop: &Shop) -> GitHub {
        GitHub::checking(shop, |_, response| response)
    }

    /// The same, with somebody who looks at requests and answers.
    pub fn checking(shop: &Shop, check: impl Fn(&Request, Response) -> Response + Send + Sync + 'static) -> GitHub {
        let world = World {
            repository: Repository(shop.remote.0.clone()),
            pulls: Vec::new(),
            requests: Vec::new(),
            faults: Box::new(|_, _| Fault::Nothing),
            author: json!({ "login": "ada", "type": "User" }),
            collaborators: ["ada".to_owned()].into(),
            ignores_filters: false,
            asked: 0,
        };
        let world = Arc::new(Mutex::new(world));
        let shared = world.clone();
        let server = HttpServer::start(move |request| {
            let mut world = shared.lock().unwrap();
            world.requests.push(request.clone());
            let count = world.requests.len() - 1;
            let mut faults = std::mem::replace(&mut world.faults, Box::new(|_, _| Fault::Nothing));
            let fault = faults(count, request);
            world.faults = faults;
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
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
        GitHub { world, server, clock: Arc::default(), folder }
    }

    pub fn settings(&self) -> GitHubSettings {
        GitHubSettings {
            base_url: format!("{}/api/v3", self.server.url()),
            clock: self.clock.clone(),
            ..GitHubSettings::new("acme/shop", TokenSource::File(self.folder.path().join("token")))
        }
    }

    pub fn forge(&self) -> GitHubForge {
        GitHubForge::configure(self.settings()).unwrap()
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub fn fault(&self, faults: impl FnMut(usize, &Request) -> Fault + Send + 'static) {
        self.world().faults = Box::new(faults);
    }

    pub fn heal(&self) {
        self.fault(|_, _| Fault::Nothing);
    }

    pub fn waited(&self) -> Vec<u64> {
        self.clock.0.lock().unwrap().clone()
    }

    /// Methods and targets of all requests, without the address of the repository.
    pub fn asked(&self) -> Vec<String> {
        let short = |request: &Request| {
            let path = request.target.split('?').next().unwrap();
            format!("{} {}", request.method, path.strip_prefix("/api/v3/repos/acme/shop/").unwrap())
        };
        self.world().requests.iter().map(short).collect()
    }
}

/// A part of a path without its percent signs.
fn decoded(part: &str) -> String {
    let url = reqwest::Url::parse(&format!("http://fake/?{part}")).unwrap();
    url.query_pairs().next().unwrap().0.into_owned()
}

fn add_missing(into: &mut Vec<String>, names: &Value) {
    for name in names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()) {
        if !into.contains(&name) {
            into.push(name);
        }
    }
}

impl World {
    fn git(&self, arguments: &[&str], input: &[u8]) -> Result<String, String> {
        let mut command = self.repository.command(arguments);
        command
            .env("GIT_INDEX_FILE", self.repository.0.join("fake-index"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    fn tip(&self, branch: &str) -> Option<String> {
        self.git(&["rev-parse", "--verify", "--quiet", &format!("refs/heads/{branch}")], b"").ok()
    }

    pub fn open(&mut self, owner: &str, head: &str, title: &str) -> u64 {
        let number = self.pulls.len() as u64 + 1;
        let sha = self.tip(head).unwrap_or_else(|| "0".repeat(40));
        let (base, body) = ("main".to_owned(), "a body".to_owned());
        let (owner, head, title) = (owner.to_owned(), head.to_owned(), title.to_owned());
        let (labels, reviewers, comments) = (Vec::new(), Vec::new(), Vec::new());
        let pull = Pull {
            number,
            head,
            owner,
            base,
            title,
            body,
            state: "open",
            merged: None,
            labels,
            reviewers,
            comments,
            sha,
        };
        self.pulls.push(pull);
        number
    }

    fn shown(&self, pull: &Pull) -> Value {
        let repository = format!("{}/shop", pull.owner);
        let label = |name: &String| json!({ "name": name });
        let user = |login: &String| json!({ "login": login, "type": "User" });
        json!({
            "number": pull.number,
            "state": pull.state,
            "html_url": format!("https://github.example/acme/shop/pull/{}", pull.number),
            "title": pull.title,
            "body": pull.body,
            "merged_at": pull.merged.as_ref().map(|merged| &merged.1),
            "merge_commit_sha": pull.merged.as_ref().map(|merged| &merged.0),
            "head": {
                "ref": pull.head,
                "sha": self.tip(&pull.head).unwrap_or_else(|| pull.sha.clone()),
                "repo": { "full_name": repository },
            },
            "base": { "ref": pull.base },
            "labels": pull.labels.iter().map(label).collect::<Vec<_>>(),
            "requested_reviewers": pull.reviewers.iter().map(user).collect::<Vec<_>>(),
            "comments": pull.comments.len(),
        })
    }

    fn answer(&mut self, request: &Request) -> Response {
        let header =
            |name: &str| request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(header("x-github-api-version"), Some("2022-11-28"));
        assert_eq!(header("accept"), Some("application/json"));
        assert!(header("user-agent").unwrap().starts_with("negawatt/"));
        if header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return error(401, "Bad credentials");
        }
        let url = reqwest::Url::parse(&format!("http://fake{}", request.target)).unwrap();
        let query =
            |name: &str| url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
        let parts: Vec<_> = url.path().split('/').skip(1).collect();
        let ["api", "v3", "repos", "acme", "shop", rest @ ..] = &parts[..] else { return error(404, "Not Found") };
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let page = |list: Vec<Value>| {
            let size: usize = query("per_page").map_or(30, |size| size.parse().unwrap());
            let page: usize = query("page").map_or(1, |page| page.parse().unwrap());
            let list: Vec<_> = list.into_iter().skip((page - 1) * size).take(size).collect();
            Response::json(Value::from(list).to_string())
        };
        match (request.method.as_str(), rest) {
            ("GET", ["git", "ref", reference]) => {
                let reference = decoded(reference);
                match self.tip(reference.strip_prefix("heads/").unwrap()) {
                    Some(sha) => {
                        let name = format!("refs/{reference}");
                        Response::json(json!({ "ref": name, "object": { "sha": sha, "type": "commit" } }).to_string())
                    }
                    None => error(404, "Not Found"),
                }
            }
            ("POST", ["git", "blobs"]) => {
                assert_eq!(body["encoding"], "base64");
                let content = STANDARD.decode(body["content"].as_str().unwrap()).unwrap();
                created(&json!({ "sha": self.git(&["hash-object", "-w", "--stdin"], &content).unwrap() }))
            }
            ("POST", ["git", "trees"]) => self.make_tree(&body),
            ("POST", ["git", "commits"]) => self.make_commit(&body),
            ("POST", ["git", "refs"]) => {
                let (name, sha) = (body["ref"].as_str().unwrap(), body["sha"].as_str().unwrap());
                match self.git(&["update-ref", name, sha, &"0".repeat(40)], b"") {
                    Ok(_) => created(&json!({ "ref": name, "object": { "sha": sha, "type": "commit" } })),
                    Err(_) => error(422, "Reference already exists"),
                }
            }
            ("GET", ["pulls"]) => {
                assert_eq!(query("state").as_deref(), Some("all"));
                let (head, base) = (query("head").unwrap(), query("base").unwrap());
                let is_wanted = |pull: &&Pull| {
                    self.ignores_filters || format!("{}:{}", pull.owner, pull.head) == head && pull.base == base
                };
                page(self.pulls.iter().filter(is_wanted).map(|pull| self.shown(pull)).collect())
            }
            ("POST", ["pulls"]) => self.open_pull(&body),
            ("GET", ["pulls", number]) => match self.find(number) {
                Some(at) => Response::json(self.shown(&self.pulls[at]).to_string()),
                None => error(404, "Not Found"),
            },
            ("GET", ["pulls", number, "commits"]) => {
                let pull = &self.pulls[self.find(number).unwrap()];
                let head = self.tip(&pull.head).unwrap_or_else(|| pull.sha.clone());
                let list = self.git(&["rev-list", "--reverse", &format!("main..{head}")], b"").unwrap();
                page(list.lines().map(|sha| json!({ "sha": sha })).collect())
            }
            ("POST", ["pulls", number, "requested_reviewers"]) => {
                let at = self.find(number).unwrap();
                let mut logins = Vec::new();
                add_missing(&mut logins, &body["reviewers"]);
                if !logins.iter().all(|login| self.collaborators.contains(login)) {
                    return error(422, "Reviews may only be requested from collaborators.");
                }
                self.asked += 1;
                add_missing(&mut self.pulls[at].reviewers, &body["reviewers"]);
                created(&self.shown(&self.pulls[at]))
            }
            ("POST", ["issues", number, "labels"]) => {
                let at = self.find(number).unwrap();
                add_missing(&mut self.pulls[at].labels, &body["labels"]);
                Response::json("[]")
            }
            ("GET", ["issues", number, "comments"]) => {
                let comments = &self.pulls[self.find(number).unwrap()].comments;
                page(
                    comments
                        .iter()
                        .map(|(text, kind)| json!({ "body": text, "user": { "login": "x", "type": kind } }))
                        .collect(),
                )
            }
            ("GET", ["commits"]) => {
                assert_eq!(query("per_page").as_deref(), Some("1"));
                match self.git(&["rev-parse", "--verify", &format!("{}^{{commit}}", query("sha").unwrap())], b"") {
                    Ok(sha) => Response::json(json!([{ "sha": sha, "author": self.author }]).to_string()),
                    Err(_) => error(404, "Not Found"),
                }
            }
            _ => panic!("GitHub was asked {} {}", request.method, request.target),
        }
    }

    fn find(&self, number: &str) -> Option<usize> {
        self.pulls.iter().position(|pull| pull.number.to_string() == number)
    }

    fn make_tree(&self, body: &Value) -> Response {
        self.git(&["read-tree", body["base_tree"].as_str().unwrap()], b"").unwrap();
        let mut input = Vec::new();
        for entry in body["tree"].as_array().unwrap() {
            let (mode, path) = (entry["mode"].as_str().unwrap(), entry["path"].as_str().unwrap());
            let (mode, sha) = match entry["sha"].as_str() {
                Some(sha) => (mode, sha.to_owned()),
                None => ("0", "0".repeat(40)),
            };
            input.extend(format!("{mode} {sha}\t{path}\0").into_bytes());
        }
        self.git(&["update-index", "-z", "--index-info"], &input).unwrap();
        created(&json!({ "sha": self.git(&["write-tree"], b"").unwrap() }))
    }

    fn make_commit(&self, body: &Value) -> Response {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let who = |value: &Value| {
            let seconds = text(&value["date"]).parse::<jiff::Timestamp>().unwrap().as_second();
            format!("{} <{}> {seconds} +0000", text(&value["name"]), text(&value["email"]))
        };
        let parents: String =
            body["parents"].as_array().unwrap().iter().map(|parent| format!("parent {}\n", text(parent))).collect();
        let commit = format!(
            "tree {}\n{parents}author {}\ncommitter {}\n\n{}",
            text(&body["tree"]),
            who(&body["author"]),
            who(&body["committer"]),
            text(&body["message"])
        );
        created(
            &json!({ "sha": self.git(&["hash-object", "-t", "commit", "-w", "--stdin"], commit.as_bytes()).unwrap() }),
        )
    }

    fn open_pull(&mut self, body: &Value) -> Response {
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        let head = text("head");
        if self.pulls.iter().any(|pull| pull.owner == "acme" && pull.head == head && pull.state == "open") {
            let message = format!("A pull request already exists for acme:{head}.");
            let body = json!({ "message": "Validation Failed", "errors": [{ "resource": "PullRequest", "code": "custom", "message": message }] });
            return Response { status: 422, ..Response::json(body.to_string()) };
        }
        let number = self.open("acme", &head, &text("title"));
        let pull = self.pulls.last_mut().unwrap();
        (pull.base, pull.body) = (text("base"), text("body"));
        let at = self.find(&number.to_string()).unwrap();
        created(&self.shown(&self.pulls[at]))
    }
}
