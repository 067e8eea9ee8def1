//! What it answers: the part of the API that a forge needs, and no more.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use serde_json::{Value, json};

use super::{GitHub, Pull, World};
use crate::http::{Request, Response};

fn created(body: &Value) -> Response {
    Response { status: 201, ..Response::json(body.to_string()) }
}

/// A part of a path without its percent signs.
fn decoded(part: &str) -> String {
    let url = Url::parse(&format!("http://fake/?{part}")).unwrap();
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

    /// Answers a request, and does what it asks for.
    pub(super) fn answer(&mut self, request: &Request) -> Response {
        let header =
            |name: &str| request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(header("x-github-api-version"), Some("2022-11-28"));
        assert_eq!(header("accept"), Some("application/json"));
        assert!(header("user-agent").unwrap().starts_with("negawatt/"));
        if header("authorization") != Some(&format!("Bearer {}", GitHub::TOKEN)) {
            return GitHub::error(401, "Bad credentials");
        }
        let url = Url::parse(&format!("http://fake{}", request.target)).unwrap();
        let query =
            |name: &str| url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
        let parts: Vec<_> = url.path().split('/').skip(1).collect();
        let ["api", "v3", "repos", "acme", "shop", rest @ ..] = &parts[..] else {
            return GitHub::error(404, "Not Found");
        };
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let page = |list: Vec<Value>| {
            let size: usize = query("per_page").map_or(30, |size| size.parse().unwrap());
            let page: usize = query("page").map_or(1, |page| page.parse().unwrap());
            let list: Vec<_> = list.into_iter().skip((page - 1) * size).take(size).collect();
            Response::json(Value::from(list).to_string())
        };
        match (request.method.as_str(), rest) {
            ("GET", []) => Response::json(
                json!({
                    "full_name": "acme/shop",
                    "archived": self.is_archived,
                    "permissions": { "admin": false, "pull": true, "push": self.may_write },
                })
                .to_string(),
            ),
            ("GET", ["git", "ref", reference]) => {
                let reference = decoded(reference);
                match self.tip(reference.strip_prefix("heads/").unwrap()) {
                    Some(sha) => {
                        let name = format!("refs/{reference}");
                        Response::json(json!({ "ref": name, "object": { "sha": sha, "type": "commit" } }).to_string())
                    }
                    None => GitHub::error(404, "Not Found"),
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
                    Err(_) => GitHub::error(422, "Reference already exists"),
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
                None => GitHub::error(404, "Not Found"),
            },
            ("GET", ["pulls", number, "commits"]) => {
                let pull = &self.pulls[self.find(number).unwrap()];
                let head = self.tip(&pull.head).unwrap_or_else(|| pull.sha.clone());
                let list = self.git(&["rev-list", "--reverse", &format!("{}..{head}", pull.base)], b"").unwrap();
                page(list.lines().map(|sha| json!({ "sha": sha })).collect())
            }
            ("POST", ["pulls", number, "requested_reviewers"]) => {
                let at = self.find(number).unwrap();
                let mut logins = Vec::new();
                add_missing(&mut logins, &body["reviewers"]);
                if !logins.iter().all(|login| self.collaborators.contains(login)) {
                    return GitHub::error(422, "Reviews may only be requested from collaborators.");
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
                let comments = self.pulls[self.find(number).unwrap()].comments.iter();
                let shown = |(text, kind): &(String, &str)| {
                    let account = if *kind == "Bot" { "Bot" } else { "User" };
                    let association = if *kind == "User" { "MEMBER" } else { "NONE" };
                    json!({ "body": text, "user": { "login": "x", "type": account }, "author_association": association })
                };
                page(comments.map(shown).collect())
            }
            ("GET", ["commits"]) => {
                assert_eq!(query("per_page").as_deref(), Some("1"));
                match self.git(&["show", "-s", "--format=%H %ae", "--end-of-options", &query("sha").unwrap()], b"") {
                    Ok(line) => {
                        let (sha, address) = line.split_once(' ').unwrap();
                        Response::json(json!([{ "sha": sha, "author": self.accounts.get(address) }]).to_string())
                    }
                    Err(_) => GitHub::error(404, "Not Found"),
                }
            }
            _ => panic!("GitHub was asked {} {}", request.method, request.target),
        }
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
        let made = self.git(&["hash-object", "-t", "commit", "-w", "--stdin"], commit.as_bytes());
        created(&json!({ "sha": made.unwrap() }))
    }

    fn open_pull(&mut self, body: &Value) -> Response {
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        let head = text("head");
        if self.pulls.iter().any(|pull| pull.owner == "acme" && pull.head == head && pull.state == "open") {
            let message = format!("A pull request already exists for acme:{head}.");
            let errors = json!([{ "resource": "PullRequest", "code": "custom", "message": message }]);
            let body = json!({ "message": "Validation Failed", "errors": errors });
            return Response { status: 422, ..Response::json(body.to_string()) };
        }
        let number = self.open("acme", &head, &text("title"));
        let pull = self.pulls.last_mut().unwrap();
        (pull.base, pull.body) = (text("base"), text("body"));
        let at = self.find(&number.to_string()).unwrap();
        created(&self.shown(&self.pulls[at]))
    }
}
