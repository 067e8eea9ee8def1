//! The server with what the suite asks for besides.
#![expect(deprecated, reason = "the old revision has logging and subscriptions")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use negawatt_casebook::{Casebook, Config};
use negawatt_host::grants::{Grant, Grants};
use negawatt_host::limits::CaseLimits;
use negawatt_host::{Digest, Host, HostConfig, Origin, Skill, Tools};
use negawatt_mcp::{Program, Server};
use negawatt_planner::{Catalog, Reach, Runtime, SearchPlanner, Successor, answer};
use negawatt_test_guests::MISCHIEF;
use rmcp::model::*;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::json;

use crate::asking::{self, Asked};
use crate::content;

type Context = RequestContext<RoleServer>;

/// The server, which answers all that the suite's own tools do not.
#[derive(Clone)]
pub struct Fixture(Server);

impl Fixture {
    pub fn new(folder: &Path) -> Fixture {
        let grants = Grants { grants: vec![Grant::to("*", [negawatt_host::Tool::Metrics])], ..Grants::default() };
        let mut catalog = Catalog::default();
        catalog.add(Skill::read(MISCHIEF, Origin::Loaded).unwrap(), &grants, &[]).unwrap();
        let runtime = Arc::new(Runtime {
            host: Arc::new(Host::new(HostConfig::default()).unwrap()),
            tools: Arc::new(Tools::default()),
            catalog: Arc::new(catalog),
            planner: Arc::new(SearchPlanner),
            neighbours: Arc::new(|_, _| Box::pin(async { Default::default() })),
            reach: Reach::default(),
            fleet: HashMap::new(),
            config: Config { path: None, digest: Digest::of(b"") },
            budget: CaseLimits::default(),
            successor: Successor::default(),
        });
        Fixture(Server::new(Program {
            runtime: Arc::new(move || runtime.clone()),
            book: Casebook::open(&folder.join("casebook")).unwrap(),
            carry_on: Arc::new(|case| Box::pin(async move { Ok(case) })),
            describe: Arc::new(answer),
            proposal: Arc::new(|_, _| serde_json::Value::Null),
            observe: Arc::new(|_| {}),
        }))
    }

    async fn of_suite(
        &self,
        request: &CallToolRequestParams,
        context: &Context,
    ) -> Option<Result<CallToolResponse, ErrorData>> {
        let name = request.name.as_ref();
        let said = |text: String| CallToolResult::success(vec![ContentBlock::text(text)]).into();
        if let Some(content) = content::of_tool(name) {
            return Some(Ok(content.into()));
        }
        match name {
            "test_missing_capability" => {
                let needed = ClientCapabilities::builder().enable_sampling().build();
                return Some(Err(ErrorData::missing_required_client_capability(needed)));
            }
            "test_tool_with_progress" => {
                for (progress, text) in [(0.0, "begun"), (50.0, "half done"), (100.0, "done")] {
                    let Some(token) = context.meta.get_progress_token() else { break };
                    let note = ProgressNotificationParam::new(token, progress).with_total(100.0).with_message(text);
                    context.peer.notify_progress(note).await.ok()?;
                }
                return Some(Ok(said("done".to_owned())));
            }
            // In the new revision a client says with each request whether it wants to hear of it.
            "test_logging_tool" if context.meta.get("io.modelcontextprotocol/logLevel").is_none() => {
                return Some(Ok(said("not logged".to_owned())));
            }
            "test_tool_with_logging" | "test_logging_tool" => {
                for text in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                    let note = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(text));
                    context.peer.notify_logging_message(note).await.ok()?;
                }
                return Some(Ok(said("logged".to_owned())));
            }
            _ => {}
        }
        let answers = request.input_responses.as_ref().map(|answers| json!(answers));
        let capabilities = context.client_capabilities().unwrap_or_default();
        match asking::goes_on(name, answers, request.request_state.as_deref(), &capabilities) {
            Some(Ok(Asked::More(more))) => return Some(Ok(more.into())),
            Some(Ok(Asked::Done(text))) => return Some(Ok(said(text))),
            Some(Err(error)) => return Some(Err(error)),
            None => {}
        }
        let arguments = request.arguments.clone().unwrap_or_default();
        asking::ask(name, &arguments, context).await.map(|text| Ok(said(text)))
    }
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let mut config = self.0.get_info();
        let more = ServerCapabilities::builder().enable_prompts().enable_completions().enable_logging().build();
        config.capabilities.prompts = more.prompts;
        config.capabilities.completions = more.completions;
        config.capabilities.logging = more.logging;
        config
    }

    async fn list_tools(
        &self,
        asked: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut listed = self.0.list_tools(asked, context).await?;
        listed.tools.extend(content::tools().into_iter().chain(asking::tools()));
        Ok(listed)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let own = content::tools().into_iter().chain(asking::tools()).find(|tool| tool.name == name);
        own.or_else(|| self.0.get_tool(name))
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: Context) -> Result<CallToolResponse, ErrorData> {
        match self.of_suite(&request, &context).await {
            Some(done) => done,
            None => self.0.call_tool(request, context).await,
        }
    }

    async fn list_resources(
        &self,
        asked: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        let mut listed = self.0.list_resources(asked, context).await?;
        listed.resources.extend(content::resources());
        Ok(listed)
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(content::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        match content::read(&request.uri) {
            Some(contents) => Ok(ReadResourceResult::new(vec![contents]).into()),
            None => self.0.read_resource(request, context).await,
        }
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(content::prompts()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        let answers = request.input_responses.as_ref().map(|answers| json!(answers));
        let capabilities = context.client_capabilities().unwrap_or_default();
        match asking::goes_on(&request.name, answers, request.request_state.as_deref(), &capabilities) {
            Some(Ok(Asked::More(more))) => Ok(more.into()),
            Some(Ok(Asked::Done(text))) => {
                Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).into())
            }
            Some(Err(error)) => Err(error),
            None => content::of_prompt(&request.name, &request.arguments.unwrap_or_default()).map(Into::into),
        }
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn get_task(&self, request: GetTaskParams, context: Context) -> Result<GetTaskResult, ErrorData> {
        self.0.get_task(request, context).await
    }

    async fn update_task(&self, request: UpdateTaskParams, context: Context) -> Result<(), ErrorData> {
        self.0.update_task(request, context).await
    }

    async fn cancel_task(&self, request: CancelTaskParams, context: Context) -> Result<(), ErrorData> {
        self.0.cancel_task(request, context).await
    }

    async fn list_skills(
        &self,
        asked: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListSkillsResult, ErrorData> {
        self.0.list_skills(asked, context).await
    }

    async fn get_skill(&self, request: GetSkillRequestParams, context: Context) -> Result<GetSkillResult, ErrorData> {
        self.0.get_skill(request, context).await
    }
}
