//! Forges against real repositories and remotes, a GitHub that remembers, and GitHub's own description of its API.

mod anew;
mod fake;
mod git;
mod git_outcomes;
mod github;
mod github_faults;
mod github_outcomes;
mod prism;
mod probe;
mod support;
