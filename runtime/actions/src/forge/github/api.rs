//! GitHub's API: one function for each question. What answers hold besides is not read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Reply, Session};
use crate::forge::draft::{Change, Draft, NAME};
use crate::forge::submission::is_hash;
use crate::forge::{ForgeError, Submission};

/// How many entries a page of a list has, and how many pages are read.
const PAGE: usize = 100;
const MAX_PAGES: usize = 10;

/// How many comments are read, the last ones. Each can be long.
const COMMENTS: u64 = 10;

/// The API, of one repository.
pub struct Api<'a> {
    pub session: Session<'a>,
    pub owner: &'a str,
    pub name: &'a str,
}

#[derive(Debug, Deserialize)]
struct Named {
    sha: String,
}

#[derive(Debug, Deserialize)]
struct Reference {
    object: Named,
}

/// A pull request.
#[derive(Debug, Clone, Deserialize)]
pub struct Pull {
    pub number: u64,
    pub state: String,
    #[serde(default)]
    pub html_url: String,
    #[serde(default)]
    pub merged_at: Option<String>,
    #[serde(default)]
    pub merge_commit_sha: Option<String>,
    pub head: Head,
    pub base: Base,
    #[serde(default)]
    pub requested_reviewers: Option<Vec<User>>,
    #[serde(default)]
    pub labels: Vec<Label>,
    /// How many comments it has; only told of a single one.
    #[serde(default)]
    pub comments: u64,
}

/// What is to be merged.
#[derive(Debug, Clone, Deserialize)]
pub struct Head {
    #[serde(rename = "ref")]
    pub branch: String,
    pub sha: String,
    /// Absent where the repository is gone.
    pub repo: Option<Repository>,
}

/// Where it is to be merged.
#[derive(Debug, Clone, Deserialize)]
pub struct Base {
    #[serde(rename = "ref")]
    pub branch: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Repository {
    pub full_name: String,
}

/// What is told of the repository itself.
#[derive(Debug, Clone, Deserialize)]
pub struct Told {
    #[serde(default)]
    pub archived: bool,
    /// Absent where nobody asks under a name.
    #[serde(default)]
    pub permissions: Option<Permissions>,
}

/// What whoever asks may do.
#[derive(Debug, Clone, Deserialize)]
pub struct Permissions {
    pub push: bool,
}

/// An account.
#[derive(Debug, Clone, Deserialize)]
pub struct User {
    pub login: String,
    #[serde(rename = "type", default)]
    pub kind: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Label {
    pub name: String,
}

#[derive(Debug, Deserialize)]
struct Commit {
    sha: String,
    author: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Comment {
    body: Option<String>,
    user: Option<User>,
    #[serde(default)]
    author_association: String,
}

/// Who belongs to a repository, as GitHub calls them. Where everybody may read, everybody may comment.
const READERS: [&str; 3] = ["OWNER", "MEMBER", "COLLABORATOR"];

impl Api<'_> {
    async fn get<T: serde::de::DeserializeOwned>(
        &mut self,
        rest: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Reply<T>, ForgeError> {
        let path: Vec<_> = [&["repos", self.owner, self.name], rest].concat();
        self.session.get(&path, query).await
    }

    async fn post<T: serde::de::DeserializeOwned>(
        &mut self,
        rest: &[&str],
        body: &Value,
    ) -> Result<Reply<T>, ForgeError> {
        let path: Vec<_> = [&["repos", self.owner, self.name], rest].concat();
        self.session.post(&path, body).await
    }

    /// The repository itself.
    pub async fn repository(&mut self) -> Result<Told, ForgeError> {
        let reply = self.get(&[], &[]).await?;
        self.session.needed(reply)
    }

    /// Where a branch is; `None` where it is not.
    pub async fn tip(&mut self, branch: &str) -> Result<Option<String>, ForgeError> {
        // One part of the path, slashes and all.
        match self.get::<Reference>(&["git", "ref", &format!("heads/{branch}")], &[]).await? {
            Reply::Is(reference) => self.hash(reference.object.sha).map(Some),
            Reply::Not { status: 404, .. } => Ok(None),
            Reply::Not { status, message } => Err(self.session.refusal(status, &message)),
        }
    }

    /// Makes a branch; `Err` is what the server says where it cannot, as where one of its name is there.
    pub async fn create_branch(&mut self, branch: &str, commit: &str) -> Result<Result<(), String>, ForgeError> {
        let body = json!({ "ref": format!("refs/heads/{branch}"), "sha": commit });
        match self.post::<Reference>(&["git", "refs"], &body).await? {
            Reply::Is(_) => Ok(Ok(())),
            Reply::Not { status: 422, message } => Ok(Err(message)),
            Reply::Not { status, message } => Err(self.session.refusal(status, &message)),
        }
    }

    /// The pull requests of a branch of this repository into another, whatever their state.
    pub async fn pulls(&mut self, branch: &str, target: &str) -> Result<Vec<Pull>, ForgeError> {
        let (head, size) = (format!("{}:{branch}", self.owner), PAGE.to_string());
        let ours = format!("{}/{}", self.owner, self.name);
        let mut found = Vec::new();
        for page in 1..=MAX_PAGES {
            let page = page.to_string();
            let query = [
                ("state", "all"),
                ("head", &head),
                ("base", target),
                ("per_page", size.as_str()),
                ("page", page.as_str()),
            ];
            let reply = self.get::<Vec<Pull>>(&["pulls"], &query).await?;
            let list = self.session.needed(reply)?;
            let is_last = list.len() < PAGE;
            // A filter that a server does not understand it ignores; and a fork can have a branch of this name.
            found.extend(list.into_iter().filter(|pull| {
                let is_here = pull.head.repo.as_ref().is_some_and(|repo| repo.full_name.eq_ignore_ascii_case(&ours));
                pull.head.branch == branch && pull.base.branch == target && is_here
            }));
            if is_last {
                return Ok(found);
            }
        }
        Ok(found)
    }

    /// A pull request.
    pub async fn pull(&mut self, number: u64) -> Result<Pull, ForgeError> {
        let reply = self.get(&["pulls", &number.to_string()], &[]).await?;
        self.session.needed(reply)
    }

    /// Whether a commit is among the first of a pull request.
    pub async fn pull_holds(&mut self, number: u64, commit: &str) -> Result<bool, ForgeError> {
        let size = PAGE.to_string();
        let reply = self.get::<Vec<Named>>(&["pulls", &number.to_string(), "commits"], &[("per_page", &size)]).await?;
        Ok(self.session.needed(reply)?.iter().any(|named| named.sha == commit))
    }

    /// Opens a pull request; `Err` is what the server says where it cannot, as where there is one.
    pub async fn create_pull(&mut self, submission: &Submission) -> Result<Result<Pull, String>, ForgeError> {
        let body = json!({
            "title": submission.title,
            "head": submission.branch(),
            "base": submission.target_branch,
            "body": submission.body,
        });
        match self.post(&["pulls"], &body).await? {
            Reply::Is(pull) => Ok(Ok(pull)),
            Reply::Not { status: 422, message } => Ok(Err(message)),
            Reply::Not { status, message } => Err(self.session.refusal(status, &message)),
        }
    }

    /// Uploads the files, the tree and the commit of a proposal; gives the commit's hash. Doing it again makes nothing new.
    pub async fn upload(
        &mut self,
        submission: &Submission,
        draft: &Draft,
        changes: &[Change],
    ) -> Result<String, ForgeError> {
        let mut entries = Vec::new();
        for change in changes {
            if let Some((hash, content)) = &change.after {
                let body = json!({ "content": STANDARD.encode(content), "encoding": "base64" });
                let made = self.made(&["git", "blobs"], &body).await?;
                self.same(&made, hash, "a file")?;
            }
            let hash = change.after.as_ref().map(|(hash, _)| hash);
            entries.push(json!({ "path": change.path, "mode": change.mode, "type": "blob", "sha": hash }));
        }
        let tree = self.made(&["git", "trees"], &json!({ "base_tree": draft.base_tree, "tree": entries })).await?;
        self.same(&tree, &draft.tree, "the tree")?;
        let date = jiff::Timestamp::from_second(submission.seconds())
            .map_err(|_| ForgeError::Invalid("its date is none".to_owned()))?
            .to_string();
        let who = json!({ "name": NAME, "email": submission.email, "date": date });
        let commit = json!({
            "message": submission.message,
            "tree": tree,
            "parents": [submission.base],
            "author": who,
            "committer": who,
        });
        self.made(&["git", "commits"], &commit).await
    }

    async fn made(&mut self, path: &[&str], body: &Value) -> Result<String, ForgeError> {
        let reply = self.post::<Named>(path, body).await?;
        let made = self.session.needed(reply)?;
        self.hash(made.sha)
    }

    /// What is uploaded must become what was examined.
    fn same(&self, made: &str, examined: &str, what: &str) -> Result<(), ForgeError> {
        if made == examined {
            return Ok(());
        }
        Err(self.session.unusable(format!("{what} became {made} there, and was examined as {examined}")))
    }

    fn hash(&self, text: String) -> Result<String, ForgeError> {
        if is_hash(&text) { Ok(text) } else { Err(self.session.unusable("it names a commit or file by no hash")) }
    }

    /// The account of a commit's author, by the address that the commit bears; `Err` says why there is none.
    pub async fn author(&mut self, commit: &str) -> Result<Result<User, String>, ForgeError> {
        // The list of commits, of one: a single commit is told with all its changes.
        let reply = self.get::<Vec<Commit>>(&["commits"], &[("sha", commit), ("per_page", "1")]).await?;
        let commits = match reply {
            Reply::Is(commits) => commits,
            Reply::Not { message, .. } => return Ok(Err(message)),
        };
        let found = commits.into_iter().find(|found| found.sha == commit).and_then(|found| found.author);
        // An author without an account is null, or an empty object.
        let user = found.and_then(|author| serde_json::from_value::<User>(author).ok());
        Ok(user.ok_or_else(|| "the author's address belongs to no account".to_owned()))
    }

    /// Adds labels; `Err` says why not.
    pub async fn label(&mut self, number: u64, labels: &[String]) -> Result<Result<(), String>, ForgeError> {
        self.may(&["issues", &number.to_string(), "labels"], &json!({ "labels": labels })).await
    }

    /// Asks for a review; `Err` says why not.
    pub async fn request_review(&mut self, number: u64, login: &str) -> Result<Result<(), String>, ForgeError> {
        self.may(&["pulls", &number.to_string(), "requested_reviewers"], &json!({ "reviewers": [login] })).await
    }

    /// What may be refused.
    async fn may(&mut self, path: &[&str], body: &Value) -> Result<Result<(), String>, ForgeError> {
        Ok(match self.post::<serde::de::IgnoredAny>(path, body).await? {
            Reply::Is(_) => Ok(()),
            Reply::Not { message, .. } => Err(message),
        })
    }

    /// The last comment of a person who belongs to the repository, on a pull request that has so many.
    pub async fn last_comment(&mut self, number: u64, count: u64) -> Result<Option<String>, ForgeError> {
        if count == 0 {
            return Ok(None);
        }
        let (size, page) = (COMMENTS.to_string(), count.div_ceil(COMMENTS).to_string());
        let path = ["issues", &number.to_string(), "comments"];
        let reply = self.get::<Vec<Comment>>(&path, &[("per_page", &size), ("page", &page)]).await?;
        let comments = self.session.needed(reply)?;
        let is_reader = |comment: &Comment| {
            let is_person = comment.user.as_ref().is_some_and(|user| user.kind == "User");
            is_person && READERS.contains(&comment.author_association.as_str())
        };
        Ok(comments.into_iter().rfind(is_reader).and_then(|comment| comment.body))
    }
}
