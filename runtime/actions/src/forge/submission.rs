//! A proposal on its way out, and what must hold of it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use super::ForgeError;

/// The most bytes of a patch.
const MAX_PATCH: usize = 4 << 20;

/// The most characters of a body: more GitHub does not take.
const MAX_BODY: usize = 65_536;

/// The most characters of a title: more GitHub does not take.
const MAX_TITLE: usize = 256;

/// The most bytes of a commit's message.
const MAX_MESSAGE: usize = 64 << 10;

/// The most labels, and the most characters of one: more GitHub does not take.
const MAX_LABELS: (usize, usize) = (100, 50);

/// The most bytes of a branch's name.
const MAX_BRANCH: usize = 200;

/// A reviewed proposal, with all that its branch, commit and pull request are made of. Whoever submits keeps it, and gives the same
/// again after a crash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The case, a ULID.
    pub case: String,
    /// Which proposal of the case, from 1.
    pub proposal: u32,
    /// The operator's own repository, which has the base; it is read and never touched.
    pub repository: PathBuf,
    /// The commit on which the proposal was examined: its full hash.
    pub base: String,
    /// The branch that the proposal is for, such as `main`; its tip must be the base.
    pub target_branch: String,
    /// The change, a unified diff as git writes it, paths with `a/` and `b/`.
    pub patch: String,
    /// The pull request's title, plain text ([`crate::text::title`]).
    pub title: String,
    /// The proposal for its reader, Markdown ([`crate::text::body`]).
    pub body: String,
    /// The commit's message ([`crate::text::commit_message`]).
    pub message: String,
    /// The address that commits of `Negawatt` bear.
    pub email: String,
    /// The commit's date: microseconds since the Unix epoch, UTC; whole seconds count.
    pub time: i64,
    /// Who should look at it.
    pub reviewer: Option<Reviewer>,
    /// Labels of the pull request.
    pub labels: Vec<String>,
    /// The name of the Markdown file, such as `proposal.md`.
    pub file_name: String,
}

/// Who made the change that is the cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewer {
    /// The commit, by which a forge knows its author: its full hash.
    pub commit: String,
    /// The author as git knows them, `Name <email>`.
    pub author: String,
}

impl Submission {
    /// The proposal's branch: `negawatt/<case>-<proposal>`.
    pub fn branch(&self) -> String {
        format!("negawatt/{}-{}", self.case, self.proposal)
    }

    /// The commit's date in whole seconds since the Unix epoch.
    pub(super) fn seconds(&self) -> i64 {
        self.time.div_euclid(1_000_000)
    }

    /// Whether it can be submitted anywhere. What is checked here goes into names, headers and commits as it is.
    pub(super) fn check(&self) -> Result<(), ForgeError> {
        let wrong = |what: String| Err(ForgeError::Invalid(what));
        if !Ulid::from_string(&self.case).is_ok_and(|id| id.to_string() == self.case) {
            return wrong("its case is not a ULID".to_owned());
        }
        if !is_hash(&self.base) || self.reviewer.as_ref().is_some_and(|reviewer| !is_hash(&reviewer.commit)) {
            return wrong("a commit is not named by its full hash".to_owned());
        }
        if !is_branch(&self.target_branch) || self.target_branch == self.branch() {
            return wrong("its target is not the name of a branch".to_owned());
        }
        for (what, text, length, most) in [
            ("patch", &self.patch, self.patch.len(), MAX_PATCH),
            ("title", &self.title, self.title.chars().count(), MAX_TITLE),
            ("body", &self.body, self.body.chars().count(), MAX_BODY),
            ("message", &self.message, self.message.len(), MAX_MESSAGE),
        ] {
            if text.trim().is_empty() || length > most {
                return wrong(format!("its {what} is empty, or longer than {most}"));
            }
            if what != "patch" && text.contains(|c: char| c.is_control() && c != '\n') {
                return wrong(format!("its {what} has control characters"));
            }
        }
        if self.title.contains('\n') {
            return wrong("its title has several lines".to_owned());
        }
        if !is_email(&self.email) {
            return wrong("its email is no address; write one such as negawatt@example.com".to_owned());
        }
        // Git dates commits from 1970 on; with four digits of a year every forge can read them.
        if !(0..253_402_300_800).contains(&self.seconds()) {
            return wrong("its date lies before 1970 or after 9999".to_owned());
        }
        let is_label = |label: &String| {
            let is_whole = label.trim() == label && !label.is_empty() && !label.contains(char::is_control);
            is_whole && label.chars().count() <= MAX_LABELS.1
        };
        if self.labels.len() > MAX_LABELS.0 || !self.labels.iter().all(is_label) {
            return wrong(format!("a label is empty or longer than {} characters, or they are many", MAX_LABELS.1));
        }
        if !is_file_name(&self.file_name) {
            return wrong("the name of its Markdown is not one such as proposal.md".to_owned());
        }
        Ok(())
    }
}

/// A full hash as git prints it.
pub(super) fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What git takes as the name of a branch (`git check-ref-format --branch`), not too long, and never an option.
pub(super) fn is_branch(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let is_outside = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    name.len() <= MAX_BRANCH
        && name.split('/').all(is_part)
        && !name.contains(is_outside)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.starts_with('-')
        && !name.ends_with('.')
        && name != "@"
        && name != "HEAD"
}

fn is_email(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@.+-_[]".contains(c);
    let parts = text.split_once('@');
    text.len() <= 254
        && text.chars().all(is_plain)
        && parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

fn is_file_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    name.len() <= 100
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(is_plain)
        && name.ends_with(".md")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submission() -> Submission {
        Submission {
            case: "01ARZ3NDEKTSV4RRFFQ69G5FAV".into(),
            proposal: 2,
            repository: "/repo".into(),
            base: "a".repeat(40),
            target_branch: "main".into(),
            patch: "diff".into(),
            title: "A title".into(),
            body: "A body\n".into(),
            message: "A message\n".into(),
            email: "negawatt@example.com".into(),
            time: 1_700_000_000_999_999,
            reviewer: Some(Reviewer { commit: "b".repeat(64), author: "Ada <ada@example.com>".into() }),
            labels: vec!["performance".into()],
            file_name: "proposal.md".into(),
        }
    }

    #[test]
    fn a_good_one() {
        submission().check().unwrap();
        assert_eq!(submission().branch(), "negawatt/01ARZ3NDEKTSV4RRFFQ69G5FAV-2");
        assert_eq!(submission().seconds(), 1_700_000_000);
    }

    #[test]
    fn what_cannot_be_submitted() {
        type Spoil = fn(&mut Submission);
        let changes: [(&str, Spoil); 24] = [
            ("ULID", |s| s.case = "../x".into()),
            ("ULID", |s| s.case = s.case.to_lowercase()),
            ("full hash", |s| s.base = "HEAD".into()),
            ("full hash", |s| s.base = "A".repeat(40)),
            ("full hash", |s| s.reviewer.as_mut().unwrap().commit = "--all".into()),
            ("target", |s| s.target_branch = "--delete".into()),
            ("target", |s| s.target_branch = s.branch()),
            ("patch", |s| s.patch = " \n".into()),
            ("patch", |s| s.patch = "x".repeat(MAX_PATCH + 1)),
            ("title", |s| s.title = "ü".repeat(MAX_TITLE + 1)),
            ("title", |s| s.title = "a\nb".into()),
            ("body", |s| s.body = "ü".repeat(MAX_BODY + 1)),
            ("body", |s| s.body = "a\0".into()),
            ("message", |s| s.message = "x".repeat(MAX_MESSAGE + 1)),
            ("message", |s| s.message = "a\0".into()),
            ("email", |s| s.email = "a>\nb@c".into()),
            ("email", |s| s.email = "nobody".into()),
            ("date", |s| s.time = -1),
            ("date", |s| s.time = i64::MAX),
            ("label", |s| s.labels = vec![String::new()]),
            ("label", |s| s.labels = vec!["x".repeat(MAX_LABELS.1 + 1)]),
            ("label", |s| s.labels = vec!["x".into(); MAX_LABELS.0 + 1]),
            ("Markdown", |s| s.file_name = "../p.md".into()),
            ("Markdown", |s| s.file_name = ".md".into()),
        ];
        for (says, change) in changes {
            let mut changed = submission();
            change(&mut changed);
            let error = changed.check().unwrap_err();
            assert!(matches!(error, ForgeError::Invalid(_)) && error.to_string().contains(says), "{says}: {error}");
        }
    }

    #[test]
    fn branches_as_git_has_them() {
        for name in ["main", "release/1.2", "a-b", "ü", "x@y", "a.b"] {
            assert!(is_branch(name), "{name}");
        }
        for name in [
            "", "-x", "a b", "a..b", "a/", "/a", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "@", "HEAD", "a@{b",
            "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "a\nb",
        ] {
            assert!(!is_branch(name), "{name:?}");
        }
        assert!(!is_branch(&"x".repeat(MAX_BRANCH + 1)));
    }
}
