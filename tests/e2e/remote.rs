//! `negawatt --server`: what is printed of a server's cases is what is printed of this machine's own.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::common;
use crate::common::case::{self, case};
use crate::common::server::Server;
use crate::common::{investigate, json, negawatt};

/// A server, and somebody who asks it.
struct Asked<'a> {
    folder: &'a Path,
    url: String,
    token: String,
}

impl Asked<'_> {
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = negawatt(self.folder);
        command.args(arguments).args(["--server", &self.url]).env("NEGAWATT_TOKEN", &self.token).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The same, but for whom another token belongs to.
    fn by(&self, token: &str) -> Asked<'_> {
        Asked { folder: self.folder, url: self.url.clone(), token: token.to_owned() }
    }

    /// How it fails, and what it says then.
    fn refused(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.run(arguments);
        assert!(output.stdout.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    /// What a command prints and how it ends, which is what it does without the server.
    fn same(&self, arguments: &[&str]) {
        let (here, there) = (negawatt(self.folder).args(arguments).output().unwrap(), self.run(arguments));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&there.stdout), text(&here.stdout), "{arguments:?}: {}", text(&there.stderr));
        assert_eq!(
            (there.status.code(), text(&there.stderr)),
            (here.status.code(), text(&here.stderr)),
            "{arguments:?}"
        );
        assert!(!here.stdout.is_empty(), "{arguments:?}: {}", text(&here.stderr));
    }
}

/// A token of a role, made on this machine.
fn token(folder: &Path, name: &str, role: &str) -> String {
    let made = json(folder, &["token", "create", "--name", name, "--role", role, "--json"]);
    made["secret"].as_str().unwrap().to_owned()
}

#[test]
fn a_server_prints_what_this_machine_prints() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", "");
    let answer = investigate(folder);
    let id = case::id(&answer);
    let token = token(folder, "Ada", "admin");
    let server = Server::start(folder);
    let ada = Asked { folder, url: format!("http://{}", server.address), token };
    for arguments in [
        &["plan", "incident.json"][..],
        &["stats"],
        &["skill", "list"],
        &["skill", "list", "--stats"],
        &["grants", "explain", "change-point"],
        &["case", "list"],
        &["case", "list", "--limit", "0"],
        &["case", "list", "--limit", "501"],
        &["case", "list", "--service", "nobody"],
        &["case", "show", id],
        &["case", "replay", id],
        &["review", "list"],
        &["review", "list", "--all"],
        &["review", "show", id],
        &["review", "show", id, "1"],
        &["casebook", "check"],
        &["doctor"],
        &["audit", "list"],
        &["audit", "list", "--limit", "501"],
        &["audit", "verify"],
    ] {
        ada.same(arguments);
        ada.same(&[arguments, &["--json"]].concat());
    }
    ada.same(&["plan", "incident.json", "--dot"]);
    ada.same(&["stats", "--prometheus"]);

    let (exit, said) = ada.refused(&["doctor", "--wait", "61"]);
    assert!(exit == Some(2) && said.contains("60 seconds"), "{said}");

    // A decision and an outcome are in the name of the token, and printed as they are here.
    let text = |output: Output| {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let rejected = text(ada.run(&["review", "reject", id, "1", "--reason", "risky", "--text", "on a Friday"]));
    assert!(rejected.contains("Ada") && rejected.contains("on a Friday"), "{rejected}");
    assert_eq!(rejected, common::text(folder, &["review", "show", id, "1"]));
    let told = text(ada.run(&["outcome", id, "not-a-regression", "--text", "a test"]));
    assert!(told.contains("Ada") && told.contains("not-a-regression"), "{told}");
    let known = ada.json(&["review", "show", id]);
    assert_eq!((&known["outcomes"][0]["by"], &known["outcomes"][0]["text"]), (&"Ada".into(), &"a test".into()));
    ada.same(&["review", "follow", "--json"]);

    // Pages and files are written here.
    for arguments in [
        &["investigate", "incident.json", "--report", "page.html"][..],
        &["case", "show", id, "--report", "page.html"],
        &["stats", "--report", "page.html"],
    ] {
        assert!(ada.run(arguments).status.success(), "{arguments:?}");
        let page = std::fs::read_to_string(folder.join("page.html")).unwrap();
        assert!(page.starts_with("<!"), "{arguments:?}: {page}");
        std::fs::remove_file(folder.join("page.html")).unwrap();
    }
    let there = ada.json(&["casebook", "export", "there.ngw", "--case", id]);
    let here = json(folder, &["casebook", "export", "here.ngw", "--case", id, "--json"]);
    let file = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert!(file("there.ngw") == file("here.ngw") && there["answers"].as_u64().unwrap() > 0, "{there}");
    for key in ["cases", "answers", "purged", "bytes"] {
        assert_eq!(there[key], here[key]);
    }
}

#[test]
fn who_may_what_and_what_stays_here() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    common::write(folder.join("negawatt.toml"), "# all as it is by default\n");
    let server = Server::start(folder);
    let nobody = Asked { folder, url: format!("http://{}", server.address), token: String::new() };
    // Whatever can reach a server without tokens could give itself one.
    let make = ["token", "create", "--name", "eve", "--role", "admin"];
    let (exit, said) = nobody.refused(&make);
    assert!(exit == Some(2) && said.contains("nobody knows who asks"), "{said}");

    let ada = nobody.by(&token(folder, "Ada", "admin"));
    let made = ada.json(&["token", "create", "--name", "Paul", "--role", "publisher", "--expires", "90d"]);
    let paul = nobody.by(made["secret"].as_str().unwrap());
    let vera = nobody.by(&token(folder, "Vera", "viewer"));
    // A publisher puts skills back, and nobody else but administrators does.
    let (exit, said) = paul.refused(&["skill", "restore", "gc-pause"]);
    assert!(exit == Some(2) && said.contains("no skill \"gc-pause\" is put aside"), "{said}");
    let (exit, said) = vera.refused(&["skill", "restore", "gc-pause"]);
    assert!(exit == Some(2) && said.contains("may not do this"), "{said}");
    let reload = |asked: &Asked| {
        server.ask_with("POST", "/v1/reload", &format!("Authorization: Bearer {}\r\n", asked.token), "").0
    };
    assert_eq!((reload(&paul), reload(&vera)), (200, 403));
    // Who looks does not see what is kept of everybody, and does not use the machine.
    for arguments in [&["token", "list"][..], &["audit", "list"], &["casebook", "check"], &["doctor"]] {
        assert_eq!(vera.refused(arguments).0, Some(2), "{arguments:?}");
    }

    let listed = ada.run(&["token", "list"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(["Ada", "Paul", "Vera"].iter().all(|name| listed.contains(name)), "{listed}");
    let id = made["token"]["id"].as_str().unwrap();
    assert!(ada.json(&["token", "revoke", id])["token"]["revoked"].is_string());
    assert!(ada.refused(&["token", "revoke", id]).1.contains("was revoked before"));
    assert!(paul.refused(&["skill", "list"]).1.contains("this takes a token"));
    let log = ada.json(&["audit", "list", "--limit", "100"]);
    let made = log["entries"].as_array().unwrap().iter().find(|entry| entry["object"] == format!("ngw_{id}")).unwrap();
    assert_eq!((&made["action"], &made["address"]), (&"token.create".into(), &"127.0.0.1".into()), "{made}");
    assert!(made["who"].as_str().unwrap().starts_with("Ada ("), "{made}");
    let head = ada.json(&["audit", "verify"])["head"].as_str().unwrap().to_owned();
    assert_eq!(ada.run(&["audit", "verify", "--expect", &head]).status.code(), Some(0));

    for arguments in [
        &["skill", "new", "gc-pause"][..],
        &["skill", "key", "acme.key"],
        &["casebook", "import", "cases.ngw"],
        &["casebook", "compact"],
        &["eval", "cases"],
        &["config", "schema"],
    ] {
        let (exit, said) = ada.refused(arguments);
        assert!(exit == Some(2) && said.contains("on this machine") && said.contains("docs/service.md"), "{said}");
    }
}
