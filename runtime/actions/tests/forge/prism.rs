//! The forge `github` against GitHub's own description of its API: every request that it sends is one that the description allows, and it
//! reads answers of the described shape.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::{Arc, Mutex};

use negawatt_actions::forge::*;
use negawatt_test_servers::Prism;
use serde_json::{Map, Value, json};

use crate::fake::*;
use crate::github::is_submitted;
use crate::support::*;

/// The questions of the forge, as the description has them.
const QUESTIONS: [(&str, &str); 14] = [
    ("GET", "/repos/{owner}/{repo}"),
    ("GET", "/repos/{owner}/{repo}/commits"),
    ("GET", "/repos/{owner}/{repo}/git/ref/{ref}"),
    ("GET", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("GET", "/repos/{owner}/{repo}/pulls"),
    ("GET", "/repos/{owner}/{repo}/pulls/{pull_number}"),
    ("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/commits"),
    ("POST", "/repos/{owner}/{repo}/git/blobs"),
    ("POST", "/repos/{owner}/{repo}/git/commits"),
    ("POST", "/repos/{owner}/{repo}/git/refs"),
    ("POST", "/repos/{owner}/{repo}/git/trees"),
    ("POST", "/repos/{owner}/{repo}/issues/{issue_number}/labels"),
    ("POST", "/repos/{owner}/{repo}/pulls"),
    ("POST", "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers"),
];

/// The part of a description that the forge needs: all of it takes Prism minutes. Bodies may have no fields that it does not know.
fn needed(whole: &Value) -> Value {
    fn add(from: &Value, whole: &Value, components: &mut BTreeMap<String, Value>) {
        match from {
            Value::Array(list) => list.iter().for_each(|value| add(value, whole, components)),
            Value::Object(object) => {
                if let Some(name) = object.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#')) {
                    let component = whole.pointer(name).unwrap_or_else(|| panic!("{name}"));
                    if components.insert(name.to_owned(), component.clone()).is_none() {
                        add(component, whole, components);
                    }
                }
                object.values().for_each(|value| add(value, whole, components));
            }
            _ => {}
        }
    }
    let mut paths = Map::new();
    for (method, path) in QUESTIONS {
        let mut operation = whole["paths"][path][method.to_lowercase()].clone();
        assert!(operation.is_object(), "the description has no {method} {path}");
        close(&mut operation["requestBody"]);
        paths.entry(path).or_insert_with(|| json!({}))[method.to_lowercase()] = operation;
    }
    let mut found = BTreeMap::new();
    add(&json!(paths), whole, &mut found);
    let mut components = json!({});
    for (name, component) in found {
        let [_, _, kind, name] = name.split('/').collect::<Vec<_>>()[..] else { panic!("{name}") };
        components[kind][name] = component;
    }
    json!({ "openapi": whole["openapi"], "info": whole["info"], "paths": paths, "components": components })
}

/// Takes no fields but those that are described.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(close);
            if object.get("type") == Some(&json!("object")) && object.contains_key("properties") {
                object.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

/// Holds requests against a description.
struct Checker {
    prism: Prism,
    description: Value,
    asked: BTreeSet<(&'static str, &'static str)>,
    /// How many answers had an example to be completed with.
    completed: usize,
    wrong: Vec<String>,
}

impl Checker {
    /// The question that a request is.
    fn question(method: &str, path: &str) -> (&'static str, &'static str) {
        let is_it = |(known, template): &&(&str, &str)| {
            let (parts, known_parts) = (path.split('/').collect::<Vec<_>>(), template.split('/').collect::<Vec<_>>());
            let same = |(part, known): (&&str, &&str)| known.starts_with('{') || part == known;
            *known == method && parts.len() == known_parts.len() && parts.iter().zip(&known_parts).all(same)
        };
        *QUESTIONS.iter().find(is_it).unwrap_or_else(|| panic!("{method} {path} is not in the list"))
    }

    /// Notes what is wrong with a request, and completes the answer with what the description's example has besides.
    fn check(&mut self, request: &Request, response: Response) -> Response {
        let target = request.target.strip_prefix("/api/v3").unwrap();
        let url = reqwest::Url::parse(&format!("{}{target}", self.prism.url())).unwrap();
        let question = Self::question(&request.method, url.path());
        self.asked.insert(question);
        // Prism takes queries that nobody described.
        let operation = &self.description["paths"][question.1][question.0.to_lowercase()];
        let names = operation["parameters"].as_array().into_iter().flatten().map(|parameter| {
            let name = parameter["$ref"].as_str().and_then(|name| self.description.pointer(name.strip_prefix('#')?));
            name.unwrap_or(parameter)["name"].as_str().unwrap()
        });
        let names: BTreeSet<_> = names.collect();
        for (name, _) in url.query_pairs().filter(|(name, _)| !names.contains(name.as_ref())) {
            self.wrong.push(format!("{question:?} has no query {name}"));
        }
        let sent = async {
            let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
            let mut sent = client.request(request.method.parse().unwrap(), url.clone());
            for (name, value) in &request.headers {
                // The token stays here.
                if ["accept", "content-type", "x-github-api-version", "user-agent"].contains(&name.as_str()) {
                    sent = sent.header(name, value);
                }
            }
            let answer = sent.body(request.body.clone()).send().await.unwrap();
            let violations = answer.headers().get("sl-violations").map(|value| value.to_str().unwrap().to_owned());
            (answer.status(), violations, answer.bytes().await.unwrap())
        };
        let (status, violations, example) = block_on(sent);
        // Some of GitHub's examples are not as GitHub describes them: that is no fault of the request.
        let violations: Vec<Value> = violations.map(|list| serde_json::from_str(&list).unwrap()).unwrap_or_default();
        let of_request = violations.iter().filter(|violation| violation["location"][0] == "request");
        self.wrong
            .extend(of_request.map(|violation| format!("{} {target} {}: {violation}", request.method, request.body)));
        if !status.is_success() {
            let is_known = violations.iter().any(|violation| violation["location"][0] == "response");
            if !is_known {
                self.wrong.push(format!("{} {target}: {status} {}", request.method, String::from_utf8_lossy(&example)));
            }
            return response;
        }
        if response.status >= 400 {
            return response;
        }
        let mut whole: Value = serde_json::from_slice(&example).unwrap();
        complete(&mut whole, serde_json::from_slice(&response.body).unwrap());
        self.completed += 1;
        Response { body: whole.to_string().into_bytes(), ..response }
    }
}

/// Puts an answer over an example: what it does not say is as in the example.
fn complete(example: &mut Value, answer: Value) {
    match (example, answer) {
        (Value::Object(example), Value::Object(answer)) => {
            for (name, value) in answer {
                complete(example.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(example), Value::Array(answer)) => {
            let first = example.first().cloned().unwrap_or_default();
            let completed = answer.into_iter().map(|value| {
                let mut whole = first.clone();
                complete(&mut whole, value);
                whole
            });
            *example = completed.collect();
        }
        (example, answer) => *example = answer,
    }
}

#[test]
fn every_request_is_as_github_describes_it() {
    let Some(folder) = Prism::github_descriptions() else { return };
    let mut servers: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    servers.retain(|name| name.starts_with("ghes-") && !name.contains("deref"));
    servers.sort();
    // github.com, and the newest Enterprise server.
    for name in ["api.github.com.json", servers.last().unwrap()] {
        let whole: Value = serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap();
        let description = needed(&whole);
        let prism = Prism::mocking(&description.to_string());
        let checker = Checker { prism, description, asked: BTreeSet::new(), completed: 0, wrong: Vec::new() };
        let checker = Arc::new(Mutex::new(checker));
        let shared = checker.clone();
        let shop = Shop::new();
        let github = GitHub::checking(&shop, move |request, response| shared.lock().unwrap().check(request, response));
        let forge = github.forge();
        assert_eq!(block_on(forge.probe(&shop.local.0, "main")).unwrap(), shop.submission.base);
        let (submitted, _) = submit(&forge, &shop.submission);
        let submitted = submitted.unwrap();
        is_submitted(&shop, &github, &submitted);
        let state = || block_on(forge.state(&shop.submission, &submitted)).unwrap();
        assert_eq!(state(), State::Open);
        // A reader went on from the branch: the commits of the pull request are asked for.
        let more = shop.remote.git(&["commit-tree", "main^{tree}", "-p", &submitted.commit, "-m", "More"]);
        shop.remote.git(&["update-ref", &format!("refs/heads/{}", submitted.branch), &more]);
        assert_eq!(submit(&forge, &shop.submission).0.unwrap(), submitted);
        github.world().close(1, "not me");
        assert_eq!(state(), State::Closed { reason: Some("not me".into()) });
        let checker = checker.lock().unwrap();
        assert!(checker.wrong.is_empty(), "{name}: {:#?}", checker.wrong);
        assert_eq!(checker.asked, QUESTIONS.into(), "{name}");
        assert!(checker.completed > QUESTIONS.len(), "{name}: {} answers", checker.completed);
    }
}

/// A request that is not as described is told: the test above can fail.
#[test]
fn a_request_that_github_does_not_describe_is_told() {
    let Some(folder) = Prism::github_descriptions() else { return };
    let whole: Value = serde_json::from_slice(&fs::read(folder.join("api.github.com.json")).unwrap()).unwrap();
    let description = needed(&whole);
    let prism = Prism::mocking(&description.to_string());
    let mut checker = Checker { prism, description, asked: BTreeSet::new(), completed: 0, wrong: Vec::new() };
    for (method, path, body) in [
        ("GET", "pulls?state=every", ""),
        ("GET", "pulls?page=1&unknown=1", ""),
        ("POST", "git/refs", r#"{"ref": "refs/heads/x"}"#),
        ("POST", "git/refs", r#"{"ref": "refs/heads/x", "sha": "x", "force": true}"#),
        ("POST", "pulls", r#"{"title": 1, "head": "x", "base": "main"}"#),
    ] {
        let request = Request {
            method: method.into(),
            target: format!("/api/v3/repos/acme/shop/{path}"),
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.into(),
            bytes: body.into(),
        };
        let before = checker.wrong.len();
        checker.check(&request, error(422, "x"));
        assert!(checker.wrong.len() > before, "{method} {path} {body}");
    }
}
