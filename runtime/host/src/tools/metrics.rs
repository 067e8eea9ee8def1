//! The tool `metrics`.

use async_trait::async_trait;
use negawatt_package::Tool;

use crate::bindings::negawatt::skill::metrics as interface;
use crate::call::CallState;
use crate::model::metrics::{MatchOperation, Matcher, Selector, Series};
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
                // One service by its name is a question about that one. Patterns are narrowed to the case by the source.
                let named =
                    |matcher: &&Matcher| matcher.name == "service" && matcher.operation == MatchOperation::Equal;
                let names = selector.matchers.iter().filter(named).map(|matcher| matcher.value.as_str());
                names.filter(|name| !name.is_empty()).try_for_each(|name| scope.admit_service(name))?;
                tools.metrics()?.query(&scope, selector, window, step).await
            },
        )
        .await
    }
}
