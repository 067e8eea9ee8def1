//! Tools that ask the client: by requests of their own in the old revision, by results that need input in the new one.

use rmcp::model::{ClientCapabilities, CustomRequest, InputRequiredResult, JsonObject, ServerRequest, Tool};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use crate::content::map;

/// What a tool of the new revision asks for, round by round: keys and requests.
type Rounds = Vec<Vec<(&'static str, Value)>>;

fn elicit(message: &str, key: &str, kind: &str) -> Value {
    let schema = json!({ "type": "object", "properties": { key: { "type": kind } }, "required": [key] });
    json!({ "method": "elicitation/create", "params": { "mode": "form", "message": message, "requestedSchema": schema } })
}

fn sample(text: &str, tokens: u32) -> Value {
    let messages = json!([{ "role": "user", "content": { "type": "text", "text": text } }]);
    json!({ "method": "sampling/createMessage", "params": { "messages": messages, "maxTokens": tokens } })
}

fn roots() -> Value {
    json!({ "method": "roots/list", "params": {} })
}

/// The rounds of a tool or prompt, and whether it keeps its state with the client.
fn rounds(name: &str) -> Option<(Rounds, bool)> {
    let named = || ("user_name", elicit("What is your name?", "name", "string"));
    let of = name.strip_prefix("test_input_required_result_").or(name.strip_prefix("test_streaming_"));
    Some(match of? {
        "elicitation" => (vec![vec![named()]], false),
        "sampling" => (vec![vec![("capital_question", sample("What is the capital of France?", 100))]], false),
        "list_roots" => (vec![vec![("client_roots", roots())]], false),
        "request_state" | "tampered_state" => {
            (vec![vec![("confirm", elicit("Please confirm", "ok", "boolean"))]], true)
        }
        "multiple_inputs" => {
            (vec![vec![named(), ("greeting", sample("Generate a greeting", 50)), ("client_roots", roots())]], true)
        }
        "multi_round" => {
            let first = ("step1", elicit("Step 1: What is your name?", "name", "string"));
            let second = ("step2", elicit("Step 2: What is your favorite color?", "color", "string"));
            (vec![vec![first], vec![second]], true)
        }
        "capabilities" => (vec![vec![named(), ("greeting", sample("Generate a greeting", 50))]], false),
        "prompt" => {
            (vec![vec![("user_context", elicit("What context should the prompt use?", "context", "string"))]], false)
        }
        _ => return None,
    })
}

/// The names of tools that ask: those of one kind, which have a beginning in common, and others.
const OF_RESULTS: [&str; 8] = [
    "elicitation",
    "sampling",
    "list_roots",
    "request_state",
    "tampered_state",
    "multiple_inputs",
    "multi_round",
    "capabilities",
];
const OTHER: [&str; 5] = [
    "test_streaming_elicitation",
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
];

pub fn tools() -> Vec<Tool> {
    let new = OF_RESULTS.iter().map(|name| format!("test_input_required_result_{name}"));
    let all = new.chain(OTHER.iter().map(|name| (*name).to_owned()));
    let schema = json!({
        "type": "object", "properties": { "prompt": { "type": "string" }, "message": { "type": "string" } },
    });
    all.map(|name| Tool::new(name, "Asks the client.", map(schema.clone()))).collect()
}

/// What a tool that asks has come to.
pub enum Asked {
    More(InputRequiredResult),
    Done(String),
}

/// Goes on with a tool of the new revision; `None` where it asks nothing.
pub fn goes_on(
    name: &str,
    answers: Option<Value>,
    state: Option<&str>,
    capabilities: &ClientCapabilities,
) -> Option<Result<Asked, ErrorData>> {
    let (rounds, keeps) = rounds(name)?;
    let at = match state {
        None => Ok(0),
        // A state that nobody here wrote.
        Some(state) => (0..rounds.len())
            .find(|at| state == sealed(name, *at))
            .ok_or_else(|| ErrorData::invalid_params("the state was changed", None)),
    };
    let at = match at {
        Ok(at) => at,
        Err(error) => return Some(Err(error)),
    };
    let may = |request: &Value| match request["method"].as_str() {
        Some("elicitation/create") => capabilities.elicitation.is_some(),
        Some("sampling/createMessage") => has(capabilities, "sampling"),
        _ => has(capabilities, "roots"),
    };
    let answers = answers.unwrap_or_default();
    let is_answered = |(key, request): &(&str, Value)| {
        let answer = &answers[*key];
        match request["method"].as_str() {
            Some("elicitation/create") => answer["action"].is_string(),
            Some("sampling/createMessage") => answer["content"].is_object(),
            _ => answer["roots"].is_array(),
        }
    };
    let asked: Vec<_> = rounds[at].iter().filter(|(_, request)| may(request)).collect();
    let is_over = asked.iter().all(|one| is_answered(one));
    let next = match (is_over, at + 1 < rounds.len()) {
        (true, false) => return Some(Ok(Asked::Done(format!("state-ok, Hello, {answers}")))),
        (true, true) => at + 1,
        (false, _) => at,
    };
    let wanted = rounds[next].iter().filter(|(_, request)| may(request));
    let requests: JsonObject = wanted.map(|(key, request)| ((*key).to_owned(), request.clone())).collect();
    let mut result = json!({ "resultType": "input_required", "inputRequests": requests });
    if keeps {
        result["requestState"] = json!(sealed(name, next));
    }
    let result = serde_json::from_value(result).map_err(|error| ErrorData::internal_error(error.to_string(), None));
    Some(result.map(Asked::More))
}

fn has(capabilities: &ClientCapabilities, name: &str) -> bool {
    serde_json::to_value(capabilities).is_ok_and(|all| all[name].is_object())
}

/// A state that only this process writes.
fn sealed(name: &str, round: usize) -> String {
    static KEY: std::sync::LazyLock<[u8; 32]> = std::sync::LazyLock::new(rand::random);
    blake3::keyed_hash(&KEY, format!("{name}/{round}").as_bytes()).to_hex().to_string()
}

/// Asks the client of the old revision; `None` where the tool asks nothing.
pub async fn ask(name: &str, arguments: &JsonObject, context: &RequestContext<RoleServer>) -> Option<String> {
    let argument = |name: &str| arguments.get(name).cloned().unwrap_or_default();
    let text = |schema: Value, message: Value| json!({ "mode": "form", "message": message, "requestedSchema": schema });
    let word = json!({ "type": "string" });
    let (method, params) = match name {
        "test_sampling" => ("sampling/createMessage", sample(argument("prompt").as_str()?, 100)["params"].clone()),
        "test_elicitation" => {
            let schema = json!({
                "type": "object", "properties": { "username": word, "email": word }, "required": ["username", "email"],
            });
            ("elicitation/create", text(schema, argument("message")))
        }
        "test_elicitation_sep1034_defaults" => {
            let schema = json!({ "type": "object", "properties": {
                "name": { "type": "string", "default": "John Doe" },
                "age": { "type": "integer", "default": 30 },
                "score": { "type": "number", "default": 95.5 },
                "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
                "verified": { "type": "boolean", "default": true },
            } });
            ("elicitation/create", text(schema, json!("All have defaults.")))
        }
        "test_elicitation_sep1330_enums" => {
            let titled = |choice: &str| {
                json!([
                    { "const": "value1", "title": format!("First {choice}") },
                    { "const": "value2", "title": format!("Second {choice}") },
                    { "const": "value3", "title": format!("Third {choice}") },
                ])
            };
            let options = json!(["option1", "option2", "option3"]);
            let schema = json!({ "type": "object", "properties": {
                "untitledSingle": { "type": "string", "enum": options },
                "titledSingle": { "type": "string", "oneOf": titled("Option") },
                "legacyEnum": {
                    "type": "string", "enum": ["opt1", "opt2", "opt3"],
                    "enumNames": ["Option One", "Option Two", "Option Three"],
                },
                "untitledMulti": { "type": "array", "items": { "type": "string", "enum": options } },
                "titledMulti": { "type": "array", "items": { "anyOf": titled("Choice") } },
            } });
            ("elicitation/create", text(schema, json!("Choose.")))
        }
        _ => return None,
    };
    let request = ServerRequest::CustomRequest(CustomRequest::new(method, Some(params)));
    Some(match context.peer.send_request(request).await {
        Ok(answer) => {
            let answer = serde_json::to_value(answer).unwrap_or_default();
            match answer["content"]["text"].as_str() {
                Some(text) => format!("LLM response: {text}"),
                None => format!("User response: action={}, content={}", answer["action"], answer["content"]),
            }
        }
        Err(error) => format!("the client did not answer: {error}"),
    })
}
