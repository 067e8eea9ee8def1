//! Symptoms that turn out to be of another change, and a person takes out of their case.

use std::path::Path;

use serde_json::Value;

use super::{BEGIN, CHANGE, FILES, MINUTES, WATCH, case, configure, length, pass, record};
use crate::common::server::Server;
use crate::common::{json, json_error, run, write};

/// Two services that have nothing to do with each other: the topology ties one of them to a third.
fn three_services(folder: &Path) -> Value {
    write(folder.join("topology.csv"), "caller,callee\ncart,db\n");
    let topology = "[sources.topology]\nkind = \"files\"\npath = \"topology.csv\"\n";
    configure(folder, &format!("{FILES}{topology}{WATCH}[[watch.series]]\nmetric = \"queue\"\n"));
    let step = Some((CHANGE, 0.05));
    record(folder, "cpu", "zone", &[("cart,a".into(), step), ("ads,a".into(), None)], 0..MINUTES);
    record(
        folder,
        "queue",
        "zone",
        &[("db,a".into(), step), ("mail,a".into(), Some((CHANGE - 300, 0.08)))],
        0..MINUTES,
    );
    pass(folder, MINUTES)
}

#[test]
fn what_is_tied_is_one_case_and_a_person_can_split_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let first = three_services(folder);
    assert_eq!(length(&first["opened"]), 2, "{first:#}");
    let two = first["opened"].as_array().unwrap().iter().find(|case| case["symptoms"] == 2).unwrap();
    let shown = case(folder, &two["case"]);
    let symptoms = &shown["symptoms"];
    let services: Vec<&str> = symptoms.as_array().unwrap().iter().map(|s| s["service"].as_str().unwrap()).collect();
    assert!(services.contains(&"cart") && services.contains(&"db"), "{symptoms:#}");
    assert!(symptoms[1]["reason"].as_str().unwrap().contains("calls lead from"), "{symptoms:#}");
    let id = two["case"].as_str().unwrap();
    let text = run(folder, &["case", "show", id]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("Symptoms") && text.contains("calls lead from") && text.contains("case split"), "{text}");

    // The first is what the case is about; what is not there cannot be split off.
    for (number, said) in [("1", "split the others off"), ("7", "none of these")] {
        let (code, error) = json_error(folder, &["case", "split", id, number, "--json"]);
        assert_eq!((code, &error["code"]), (2, &"symptom".into()), "{error}");
        assert!(error["message"].as_str().unwrap().contains(said), "{error}");
    }
    let split = json(folder, &["case", "split", id, "2", "--json"]);
    assert_eq!((&split["split_from"], &split["verdict"]), (&id.into(), &"regression".into()));
    assert_eq!((length(&split["symptoms"]), &split["symptoms"][0]["service"]), (1, &services[1].into()));
    let old = case(folder, &id.into());
    assert_eq!(old["symptoms"][1]["split_into"], split["case"]);
    let (code, _) = json_error(folder, &["case", "split", id, "2", "--json"]);
    assert_eq!(code, 2, "it was split off before");

    // The merge is not made again, although all of it is seen once more.
    for metric in ["cpu", "queue"] {
        let file = folder.join(format!("metrics/{metric}.csv"));
        let text = std::fs::read_to_string(&file).unwrap();
        let service = if metric == "cpu" { "cart" } else { "db" };
        std::fs::write(&file, format!("{text}{},{service},a,105\n", BEGIN + 60 * MINUTES)).unwrap();
    }
    let next = pass(folder, MINUTES + 1);
    assert_eq!((&next["scanned"], length(&next["opened"]), length(&next["joined"])), (&2.into(), 0, 0), "{next:#}");
}

#[test]
fn a_server_splits_a_case_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let first = three_services(folder);
    let two = first["opened"].as_array().unwrap().iter().find(|case| case["symptoms"] == 2).unwrap();
    let id = two["case"].as_str().unwrap();
    // It watches nothing by itself.
    configure(folder, FILES);
    let server = Server::start(folder);
    let many = format!("[{}1]", "1,".repeat(1_000));
    for (symptoms, status, said) in
        [("[1]", 409, "split the others off"), ("[7]", 409, "none of these"), ("[]", 400, "1 to"), (&many, 400, "1 to")]
    {
        let body = format!("{{\"symptoms\": {symptoms}}}");
        let (answered, problem) = server.ask("POST", &format!("/v1/cases/{id}/split"), &body);
        assert!(answered == status && problem["detail"].as_str().unwrap().contains(said), "{answered} {problem}");
    }
    let mut events = server.hear("/v1/events", "");
    let url = format!("http://{}", server.address);
    let split = json(folder, &["case", "split", id, "2", "--json", "--server", &url]);
    assert_eq!((&split["split_from"], &split["verdict"]), (&id.into(), &"regression".into()));
    let (status, old) = server.ask("GET", &format!("/v1/cases/{id}"), "");
    assert_eq!((status, &old["symptoms"][1]["split_into"]), (200, &split["case"]));
    // It is told of and counted as every case is.
    events.next_of("accepted", |told| told["case"] == split["case"]);
    let metrics = server.ask_with("GET", "/metrics", "", "").2;
    assert!(metrics.contains("negawatt_cases_accepted_total{from=\"http\"} 1"), "{metrics}");
}
