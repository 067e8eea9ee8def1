//! Investigations as tasks.

use serde_json::{Value, json};

use super::case::{labelled, mischief, told};
use super::client::{Client, NEW, OLD};

fn with_tasks() -> Value {
    json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } })
}

/// The task once it is over.
fn over(client: &mut Client, task: &Value) -> Value {
    loop {
        let got = client.ask("tasks/get", json!({ "taskId": task }));
        assert_eq!(got["result"]["taskId"], *task, "{got}");
        if got["result"]["status"] != "working" {
            return got["result"].clone();
        }
    }
}

#[test]
fn a_task_is_a_case_and_outlives_the_program() {
    let (folder, incident, truth) = labelled();
    let mut client = Client::start(folder.path(), NEW, with_tasks());
    let made = client.call("investigate", json!({ "incident": incident }));
    assert_eq!(
        (&made["result"]["resultType"], &made["result"]["status"]),
        (&json!("task"), &json!("working")),
        "{made}"
    );
    assert!(made["result"]["pollIntervalMs"].as_u64().unwrap() > 0 && made["result"]["createdAt"].is_string());
    let task = &made["result"]["taskId"];
    let done = over(&mut client, task);
    let result = &done["result"]["structuredContent"];
    assert_eq!(
        (&done["status"], &result["verdict"], &result["case"]),
        (&json!("completed"), &json!("regression"), task)
    );
    assert_eq!(result["suspects"][0]["id"], truth["suspect"]["id"]);
    assert!(client.end().success());

    let mut client = Client::start(folder.path(), NEW, with_tasks());
    assert_eq!(over(&mut client, task)["result"], done["result"]);
    // Nothing is to be answered, and what is over stays as it is.
    for (method, more) in [("tasks/cancel", json!({})), ("tasks/update", json!({ "inputResponses": {} }))] {
        let mut parameters = json!({ "taskId": task });
        parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert!(client.ask(method, parameters)["error"].is_null());
    }
    assert_eq!(over(&mut client, task)["status"], "completed");
}

#[test]
fn a_task_that_is_cancelled_stops() {
    let folder =
        mischief(&["mischief".to_owned()], "[limits]\ntime = \"1h\"\ncompute = \"1h\"\n[case]\ntime = \"1h\"\n");
    let mut client = Client::start(folder.path(), NEW, with_tasks());
    let task = client.call("investigate", json!({ "incident": told("loop") }))["result"]["taskId"].clone();
    assert!(client.ask("tasks/cancel", json!({ "taskId": task }))["error"].is_null());
    let ended = over(&mut client, &task);
    assert_eq!(ended["status"], "cancelled", "{ended}");
    assert!(ended["statusMessage"].as_str().unwrap().contains("its client cancelled it"));

    // One that was left by a program that is gone can be cancelled as well.
    let task = client.call("investigate", json!({ "incident": told("loop") }))["result"]["taskId"].clone();
    assert!(client.end().success());
    let mut client = Client::start(folder.path(), NEW, with_tasks());
    let left = client.ask("tasks/get", json!({ "taskId": task }));
    assert_eq!(left["result"]["status"], "working", "{left}");
    assert!(left["result"]["statusMessage"].as_str().unwrap().contains("negawatt case resume"));
    assert!(client.ask("tasks/cancel", json!({ "taskId": task }))["error"].is_null());
    assert_eq!(over(&mut client, &task)["status"], "cancelled");
}

#[test]
fn who_does_not_know_tasks_gets_none() {
    let folder = mischief(&["mischief".to_owned()], "");
    for (revision, capabilities) in [(OLD, with_tasks()), (OLD, json!({})), (NEW, json!({}))] {
        let mut client = Client::start(folder.path(), revision, capabilities);
        assert!(client.done("investigate", json!({ "incident": told("nothing") }))["verdict"].is_string());
    }
    let mut client = Client::start(folder.path(), NEW, json!({}));
    assert_eq!(client.ask("tasks/get", json!({ "taskId": "x" }))["error"]["code"], -32021);
    let mut client = Client::start(folder.path(), NEW, with_tasks());
    for id in ["x", "01J", "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        assert_eq!(client.ask("tasks/get", json!({ "taskId": id }))["error"]["code"], -32602);
    }
    let wrong = client.call("investigate", json!({ "incident": 7 }));
    assert_eq!(wrong["result"]["isError"], true, "what is asked wrongly is no task: {wrong}");
}
