//! The tool `changes`.

use async_trait::async_trait;
use negawatt_package::Tool;

use crate::bindings::negawatt::skill::changes as interface;
use crate::call::CallState;
use crate::model::changes::{BlameLine, Commit, FileDiff};
use crate::model::{Answer, Window};
use crate::scope::Scope;

/// What changed in the code.
#[async_trait]
pub trait Changes: Send + Sync {
    /// Commits of the case's repositories, the newest first.
    async fn list(
        &self,
        scope: &Scope,
        repository: Option<String>,
        window: Window,
        paths: Vec<String>,
    ) -> Answer<Vec<Commit>>;
    /// What a commit that the branch reaches did.
    async fn diff(&self, scope: &Scope, repository: String, id: String) -> Answer<Vec<FileDiff>>;
    /// Who last changed each line of a file.
    async fn blame(
        &self,
        scope: &Scope,
        repository: String,
        path: String,
        first_line: u32,
        lines: u32,
    ) -> Answer<Vec<BlameLine>>;
}

impl interface::Host for CallState {
    async fn list(&mut self, repository: Option<String>, window: Window, paths: Vec<String>) -> Answer<Vec<Commit>> {
        self.ask(
            Tool::Changes,
            "list",
            (repository, window, paths),
            |tools, scope, (repository, window, paths)| async move {
                scope.admit_window(&window)?;
                tools.changes()?.list(&scope, repository, window, paths).await
            },
        )
        .await
    }

    async fn diff(&mut self, repository: String, id: String) -> Answer<Vec<FileDiff>> {
        self.ask(Tool::Changes, "diff", (repository, id), |tools, scope, (repository, id)| async move {
            tools.changes()?.diff(&scope, repository, id).await
        })
        .await
    }

    async fn blame(&mut self, repository: String, path: String, first_line: u32, lines: u32) -> Answer<Vec<BlameLine>> {
        self.ask(
            Tool::Changes,
            "blame",
            (repository, path, first_line, lines),
            |tools, scope, (repository, path, first_line, lines)| async move {
                tools.changes()?.blame(&scope, repository, path, first_line, lines).await
            },
        )
        .await
    }
}
