//! The description of all routes, for programs: OpenAPI 3.1.

use std::sync::LazyLock;

use negawatt_host::json::incident_schema;
use negawatt_planner::answer_schema;
use serde_json::{Value, json};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::problem::Problem;
use crate::routes::{casebook, cases, events, incidents, operators, proposals, skills, tokens, trials, webhooks};

/// The API of a Negawatt server. All but health and this description takes a token (`Authorization: Bearer ngw_…`), unless there are none,
/// which only this machine can reach. Errors are problem details (RFC 9457). Every answer has `X-Request-Id`: what the request had, or a
/// new one.
#[derive(OpenApi)]
#[openapi(
    info(title = "Negawatt", license(name = "Apache-2.0", identifier = "Apache-2.0")),
    paths(
        incidents::post,
        webhooks::of_alertmanager,
        webhooks::of_grafana,
        webhooks::of_any,
        cases::list,
        cases::show,
        cases::resume,
        cases::split,
        cases::stop,
        events::all,
        events::one,
        trials::plan,
        trials::replay,
        proposals::list,
        proposals::of_case,
        proposals::outcomes_of,
        proposals::show,
        proposals::approve,
        proposals::reject,
        proposals::send,
        proposals::follow_all,
        proposals::became,
        operators::health,
        operators::metrics,
        operators::stats,
        operators::stats_metrics,
        operators::doctor,
        operators::reload,
        skills::list,
        skills::grants,
        skills::restore,
        casebook::check,
        casebook::export,
        tokens::list,
        tokens::create,
        tokens::revoke,
        tokens::entries,
        tokens::verify,
        operators::description,
    ),
    components(schemas(Problem), responses(Problem)),
    security(("token" = [])),
    modifiers(&Senders),
)]
struct Described;

/// How a request shows who sends it.
struct Senders;

impl Modify for Senders {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("ngw_<id>_<secret>").description(Some(
            "A token that an administrator made. Webhooks take, instead, the secret of their section where one is configured.",
        ));
        let signature = ApiKeyValue::with_description(
            "X-Hub-Signature-256",
            "Of webhooks with `hmac = true`: `sha256=` and an HMAC-SHA256 of the body in hexadecimal digits. The configuration may name \
             another header.",
        );
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(token.build()));
        components.add_security_scheme("signature", SecurityScheme::ApiKey(ApiKey::Header(signature)));
    }
}

/// The description as it is sent.
pub static DESCRIPTION: LazyLock<String> = LazyLock::new(|| described().to_string());

fn described() -> Value {
    let mut all = json!(Described::openapi());
    // What incidents and cases look like is known where they are read and written.
    all["components"]["schemas"]["Incident"] = incident_schema();
    all["components"]["schemas"]["Case"] = answer_schema();
    all["paths"]["/mcp"] = agents();
    all
}

/// Where agents ask. What is said there is not of this description but of the protocol, whose revision both sides agree on.
fn agents() -> Value {
    let protocol = "https://modelcontextprotocol.io/specification";
    let operation = |id: &str, summary: &str, answers: Value| {
        let mut answers = answers;
        for (status, why) in [
            ("400", "It is no message of the protocol"),
            ("401", "It takes a token"),
            ("403", "The token's role may not, or pages of that origin may not"),
            ("404", "There is no such session"),
            ("405", "The revision of the protocol has none"),
            ("406", "`Accept` has to name both media types"),
            ("413", "More is sent than a message, or what begins a session, may have"),
            ("429", "Too many requests in a short time (serve.rate), or too many sessions"),
        ] {
            answers[status] = json!({ "description": why });
        }
        json!({
            "tags": ["agents"], "operationId": id, "summary": summary, "responses": answers,
            "description": "The Model Context Protocol over streamable HTTP; docs/mcp.md says how to add it to agents.",
            "externalDocs": { "url": protocol },
        })
    };
    let stream = json!({ "text/event-stream": { "schema": { "type": "string" } } });
    let message = json!({ "type": "object", "required": ["jsonrpc"], "properties": { "jsonrpc": { "const": "2.0" } } });
    let mut post = operation(
        "tell_agents",
        "Send a message of the Model Context Protocol",
        json!({
            "200": {
                "description": "The answer",
                "content": { "application/json": { "schema": message }, "text/event-stream": { "schema": { "type": "string" } } },
            },
            "202": { "description": "It was taken, and takes no answer" },
        }),
    );
    post["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": message } } });
    json!({
        "post": post,
        "get": operation(
            "hear_agents",
            "Hear what the server says by itself in a session",
            json!({ "200": { "description": "Server-sent events", "content": stream } }),
        ),
        "delete": operation(
            "end_agents",
            "End a session",
            json!({ "200": { "description": "It ended" }, "202": { "description": "It ends" }, "204": { "description": "It ended" } }),
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_has_a_name_a_refusal_and_a_known_sender() {
        let all = described();
        assert!(all["openapi"].as_str().unwrap().starts_with("3.1."), "{}", all["openapi"]);
        let (mut names, mut count) = (BTreeSet::new(), 0);
        for (path, methods) in all["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                count += 1;
                let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path}"));
                names.insert(name.to_owned());
                assert!(operation["responses"]["429"].is_object(), "{method} {path}");
                assert!(operation["responses"].get("4XX").is_none(), "{method} {path}");
                for scheme in operation["security"].as_array().into_iter().flatten() {
                    let named = scheme.as_object().unwrap().keys();
                    let known = &all["components"]["securitySchemes"];
                    named.for_each(|name| assert!(known.get(name).is_some(), "{method} {path}: {name}"));
                }
            }
        }
        assert_eq!(names.len(), count, "{names:?}");
        for reference in references(&all) {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(all.pointer(pointer).is_some(), "{reference} is nowhere");
        }
    }

    fn references(value: &Value) -> Vec<String> {
        let inner = match value {
            Value::Object(fields) => fields.values().flat_map(references).collect::<Vec<_>>(),
            Value::Array(items) => items.iter().flat_map(references).collect(),
            _ => Vec::new(),
        };
        let own = value.get("$ref").and_then(Value::as_str).map(str::to_owned);
        own.into_iter().chain(inner).collect()
    }
}
