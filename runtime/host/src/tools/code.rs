//! The tool `code`.

use async_trait::async_trait;
use negawatt_package::Tool;

use crate::bindings::negawatt::skill::code as interface;
use crate::call::CallState;
use crate::model::Answer;
use crate::model::code::{CodeMatch, FileOutline, SyntaxTree};
use crate::scope::Scope;

/// The code itself.
#[async_trait]
pub trait Code: Send + Sync {
    /// Lines that match an RE2 pattern at the branch's tip.
    async fn search(
        &self,
        scope: &Scope,
        repository: String,
        pattern: String,
        paths: Vec<String>,
    ) -> Answer<Vec<CodeMatch>>;
    /// A file's text at a revision that the branch reaches, or at its tip.
    async fn read(&self, scope: &Scope, repository: String, path: String, revision: Option<String>) -> Answer<String>;
    /// What a file defines at a revision that the branch reaches, or at its tip.
    async fn outline(
        &self,
        scope: &Scope,
        repository: String,
        path: String,
        revision: Option<String>,
    ) -> Answer<FileOutline>;
    /// A file's text and syntax tree at a revision that the branch reaches, or at its tip.
    async fn tree(
        &self,
        scope: &Scope,
        repository: String,
        path: String,
        revision: Option<String>,
    ) -> Answer<SyntaxTree>;
}

impl interface::Host for CallState {
    async fn search(&mut self, repository: String, pattern: String, paths: Vec<String>) -> Answer<Vec<CodeMatch>> {
        self.ask(
            Tool::Code,
            "search",
            (repository, pattern, paths),
            |tools, scope, (repository, pattern, paths)| async move {
                tools.code()?.search(&scope, repository, pattern, paths).await
            },
        )
        .await
    }

    async fn read(&mut self, repository: String, path: String, revision: Option<String>) -> Answer<String> {
        self.ask(
            Tool::Code,
            "read",
            (repository, path, revision),
            |tools, scope, (repository, path, revision)| async move {
                tools.code()?.read(&scope, repository, path, revision).await
            },
        )
        .await
    }

    async fn outline(&mut self, repository: String, path: String, revision: Option<String>) -> Answer<FileOutline> {
        self.ask(
            Tool::Code,
            "outline",
            (repository, path, revision),
            |tools, scope, (repository, path, revision)| async move {
                tools.code()?.outline(&scope, repository, path, revision).await
            },
        )
        .await
    }

    async fn tree(&mut self, repository: String, path: String, revision: Option<String>) -> Answer<SyntaxTree> {
        self.ask(
            Tool::Code,
            "tree",
            (repository, path, revision),
            |tools, scope, (repository, path, revision)| async move {
                tools.code()?.tree(&scope, repository, path, revision).await
            },
        )
        .await
    }
}
