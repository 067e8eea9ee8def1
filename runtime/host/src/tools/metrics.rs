//! The tool `metrics`.

use async_trait::async_trait;
use negawatt_package::Tool;

use crate::bindings::negawatt::skill::metrics as interface;
use crate::call::CallState;
use crate::model::metrics::{Selector, Series};
use crate::model::{Answer, Duration, Window};
use crate::scope::Scope;

/// Time series.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// The series that match the selector and the scope, over a window inside the scope. See `metrics.query` in the contract.
    async fn query(
        &self,
        scope: &Scope,
        selector: Selector,
        window: Window,
        step: Option<Duration>,
    ) -> Answer<Vec<Series>>;
}

impl interface::Host for CallState {
    async fn query(&mut self, selector: Selector, window: Window, step: Option<Duration>) -> Answer<Vec<Series>> {
        self.ask(
            Tool::Metrics,
            "query",
            (selector, window, step),
            |tools, scope, (selector, window, step)| async move {
                scope.admit_window(&window)?;
                tools.metrics()?.query(&scope, selector, window, step).await
            },
        )
        .await
    }
}
