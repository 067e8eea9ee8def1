//! What the suite's tools, resources and prompts contain, as it says.

use rmcp::ErrorData;
use rmcp::model::{
    AudioContent, CallToolResult, ContentBlock, GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage,
    Resource, ResourceContents, ResourceTemplate, Role, Tool,
};
use serde_json::{Value, json};

/// A picture of one transparent pixel, and a sound of no samples.
const IMAGE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
const SOUND: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

pub fn map(value: Value) -> JsonObject {
    match value {
        Value::Object(map) => map,
        _ => JsonObject::new(),
    }
}

fn text(uri: &str, kind: &str, text: &str) -> ResourceContents {
    ResourceContents::text(text, uri).with_mime_type(kind)
}

/// Tools that take no arguments.
const PLAIN: [&str; 10] = [
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_error_handling",
    "test_tool_with_logging",
    "test_logging_tool",
    "test_tool_with_progress",
    "test_missing_capability",
];

pub fn tools() -> Vec<Tool> {
    let mut tools: Vec<Tool> =
        PLAIN.iter().map(|name| Tool::new(*name, "Of the suite.", map(json!({ "type": "object" })))).collect();
    let headers = json!({
        "type": "object", "required": ["region"],
        "properties": { "region": { "type": "string", "x-mcp-header": "Region" } },
    });
    tools.push(Tool::new("test_custom_headers", "Says where it is.", map(headers)));
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": { "address": {
            "$anchor": "addressDef", "type": "object",
            "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
        } },
        "properties": {
            "name": { "type": "string" }, "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" }, "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    });
    tools.push(Tool::new("json_schema_2020_12_tool", "Has a schema of many words.", map(schema)));
    tools
}

/// What a tool gives that only gives content.
pub fn of_tool(name: &str) -> Option<CallToolResult> {
    let embedded =
        ContentBlock::resource(text("test://embedded-resource", "text/plain", "This is an embedded resource content."));
    let content = match name {
        "test_simple_text" => vec![ContentBlock::text("This is a simple text response for testing.")],
        "test_image_content" => vec![ContentBlock::image(IMAGE, "image/png")],
        "test_audio_content" => vec![ContentBlock::Audio(AudioContent::new(SOUND, "audio/wav"))],
        "test_embedded_resource" => vec![embedded],
        "test_multiple_content_types" => {
            let data = r#"{"test":"data","value":123}"#;
            vec![
                ContentBlock::text("Multiple content types test:"),
                ContentBlock::image(IMAGE, "image/png"),
                ContentBlock::resource(text("test://mixed-content-resource", "application/json", data)),
            ]
        }
        "test_error_handling" => {
            let said = ContentBlock::text("This tool intentionally returns an error for testing");
            return Some(CallToolResult::error(vec![said]));
        }
        "test_custom_headers" | "json_schema_2020_12_tool" => vec![ContentBlock::text("taken")],
        _ => return None,
    };
    Some(CallToolResult::success(content))
}

pub fn resources() -> Vec<Resource> {
    let one = |uri: &str, kind: &str| {
        Resource::new(uri, uri.trim_start_matches("test://")).with_description("Of the suite.").with_mime_type(kind)
    };
    vec![one("test://static-text", "text/plain"), one("test://static-binary", "image/png")]
}

pub fn templates() -> Vec<ResourceTemplate> {
    vec![ResourceTemplate::new("test://template/{id}/data", "template").with_mime_type("application/json")]
}

pub fn read(uri: &str) -> Option<ResourceContents> {
    match uri {
        "test://static-text" => Some(text(uri, "text/plain", "This is the content of the static text resource.")),
        "test://static-binary" => Some(ResourceContents::blob(IMAGE, uri).with_mime_type("image/png")),
        "test://watched-resource" => Some(text(uri, "text/plain", "watched")),
        _ => {
            let id = uri.strip_prefix("test://template/")?.strip_suffix("/data")?;
            let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            Some(text(uri, "application/json", &data.to_string()))
        }
    }
}

pub fn prompts() -> Vec<Prompt> {
    let argument = |name: &str| PromptArgument::new(name).with_description("An argument.").with_required(true);
    let prompt = |name: &str, arguments: &[&str]| {
        let arguments: Vec<_> = arguments.iter().map(|name| argument(name)).collect();
        Prompt::new(name, Some("Of the suite."), Some(arguments).filter(|all| !all.is_empty()))
    };
    vec![
        prompt("test_simple_prompt", &[]),
        prompt("test_prompt_with_arguments", &["arg1", "arg2"]),
        prompt("test_prompt_with_embedded_resource", &["resourceUri"]),
        prompt("test_prompt_with_image", &[]),
        prompt("test_input_required_result_prompt", &[]),
    ]
}

pub fn of_prompt(name: &str, arguments: &JsonObject) -> Result<GetPromptResult, ErrorData> {
    let argument = |name: &str| {
        let missing = || ErrorData::invalid_params(format!("{name} is missing"), None);
        arguments.get(name).and_then(Value::as_str).ok_or_else(missing)
    };
    let says = |text: String| PromptMessage::new_text(Role::User, text);
    let messages = match name {
        "test_simple_prompt" => vec![says("This is a simple prompt for testing.".to_owned())],
        "test_prompt_with_arguments" => {
            vec![says(format!("Prompt with arguments: arg1='{}', arg2='{}'", argument("arg1")?, argument("arg2")?))]
        }
        "test_prompt_with_embedded_resource" => {
            let resource = text(argument("resourceUri")?, "text/plain", "Embedded resource content for testing.");
            let resource = PromptMessage::new(Role::User, ContentBlock::resource(resource));
            vec![resource, says("Please process the embedded resource above.".to_owned())]
        }
        "test_prompt_with_image" => {
            let image = PromptMessage::new(Role::User, ContentBlock::image(IMAGE, "image/png"));
            vec![image, says("Please analyze the image above.".to_owned())]
        }
        _ => return Err(ErrorData::invalid_params("there is no such prompt", None)),
    };
    Ok(GetPromptResult::new(messages))
}
