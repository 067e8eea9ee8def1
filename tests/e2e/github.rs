//! docs/proposals.md can be followed as it is written, from a token to a pull request on GitHub and what becomes of it; and the token is
//! nowhere but where it belongs.

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use negawatt_config::Config;
use negawatt_test_servers::{Fault, GitHub, Response};
use serde_json::Value;

use crate::common::case::{case_of, git, id};
use crate::common::github::{TOKEN, configure, is_there_once, know_the_author, put_token};
use crate::common::{investigate, json, program, write};

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/proposals.md")).unwrap()
}

/// The blocks of code of a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("\n```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap().to_owned() + "\n").collect()
}

/// The commands of a block, without what is said of them.
fn commands(block: &str) -> Vec<String> {
    let command = |line: &str| line.split("  #").next().unwrap().trim().to_owned();
    block.lines().map(command).filter(|line| !line.is_empty()).collect()
}

/// Something that is replaced, which must be there.
fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in {text}");
    text.replacen(from, to, 1)
}

/// Runs a line of a shell as the page's reader does, who has the program in the path and told git who they are. All is logged.
fn shell(folder: &Path, line: &str, input: &str) -> Output {
    let programs = Path::new(env!("CARGO_BIN_EXE_negawatt")).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&path))).unwrap();
    write(folder.join("gitconfig"), "[user]\n\tname = Grace\n");
    let mut command = program(folder, "sh");
    command.args(["-c", line]).env("PATH", path).env("GIT_CONFIG_GLOBAL", folder.join("gitconfig"));
    command.env("NEGAWATT_LOG", "trace").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    running.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn holds(bytes: &[u8], token: &str) -> bool {
    bytes.windows(token.len()).any(|window| window == token.as_bytes())
}

/// Every file of a folder, what the casebook has compressed, and what was asked, without the token.
fn has_no_token(folder: &Path, github: &GitHub) {
    let mut folders = vec![folder.to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("github-token") {
                files += 1;
                assert!(!holds(&std::fs::read(&path).unwrap(), GitHub::TOKEN), "{}", path.display());
            }
        }
    }
    assert!(files > 20, "{files}");
    let book = rusqlite::Connection::open(folder.join("casebook/casebook.sqlite")).unwrap();
    let mut rows = book.prepare("SELECT body FROM blob").unwrap();
    let bodies: Vec<Vec<u8>> = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(!bodies.is_empty());
    assert!(bodies.iter().all(|body| !holds(&zstd::decode_all(&body[..]).unwrap(), GitHub::TOKEN)));
    for request in &github.world().requests {
        let with_token: Vec<_> = request.headers.iter().filter(|(_, value)| value.contains(GitHub::TOKEN)).collect();
        assert!(matches!(with_token[..], [(name, _)] if name == "authorization"), "{with_token:?}");
        assert!(!request.target.contains(GitHub::TOKEN) && !request.body.contains(GitHub::TOKEN));
    }
}

#[test]
fn a_github_user_can_follow_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case_of(5_200, folder, "", "");
    // GitHub's repository, whose branch is called as in the page, and a clone of it.
    let (repo, remote) = (folder.join("repo"), folder.join("remote.git"));
    git(&repo, &["branch", "--quiet", "-m", "main"]);
    git(&repo, &["push", "--quiet", "../remote.git", "main"]);
    git(&remote, &["symbolic-ref", "HEAD", "refs/heads/main"]);
    git(folder, &["clone", "--quiet", "remote.git", "shop"]);
    let github = GitHub::of(&remote);
    know_the_author(folder, &github);
    let page = page();

    let make_token = page.split('`').find(|code| code.starts_with("(umask")).unwrap();
    let mut printed = vec![shell(folder, make_token, GitHub::TOKEN)];
    // As it is written, but for another service, another server, and another check: what the page names is not here.
    let text = blocks(&page, "toml").swap_remove(0);
    let text = replace(&text, "services = [\"checkout\", \"cart\"]", "services = [\"search_api\"]");
    let text = replace(&text, "kind = \"github\",", &format!("kind = \"github\", url = {:?},", github.url()));
    let text = text.split("checks = [").next().unwrap().to_owned();
    let checks = "checks = [{ name = \"environment\", command = [\"env\"], network = true }]\n";
    let generated = std::fs::read_to_string(folder.join("generated.toml")).unwrap();
    let sources = replace(&generated, "[sources.changes]\nkind = \"git\"\npath = \"repo\"\n", "");
    write(folder.join("negawatt.toml"), &format!("{sources}\n{text}{checks}"));

    let steps = commands(&blocks(&page, "sh")[0]);
    let (before, of_case): (Vec<_>, Vec<_>) = steps.iter().partition(|step| !step.contains("01J"));
    assert!(before.len() > 2 && of_case.len() > 1, "{steps:?}");
    printed.extend(before.iter().map(|step| shell(folder, step, "")));
    assert!(github.world().pulls.is_empty(), "nobody has approved anything");
    let listed = json(folder, &["review", "list", "--json"]);
    let case = listed["proposals"][0]["case"].as_str().unwrap().to_owned();
    printed.extend(of_case.iter().map(|step| shell(folder, &replace(step, "01J", &case), "")));
    let shown = |number: &str| json(folder, &["review", "show", &case, number, "--json"])["proposals"][0].clone();
    is_there_once(folder, &github, &shown("1"));
    assert_eq!(shown("1")["reviews"][0]["by"], "Grace");
    let environment = shown("1")["checks"].as_array().unwrap().last().unwrap()["output"].clone();
    assert!(environment.as_str().unwrap().contains("PATH="), "{environment}");

    // The other one as well; one is merged, the other closed.
    printed.push(shell(folder, &format!("negawatt review approve {case} 2"), ""));
    is_there_once(folder, &github, &shown("2"));
    let follow = || {
        let followed = json(folder, &["review", "follow", "--json"]);
        let all = followed["proposals"].as_array().unwrap().clone();
        all.iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(follow(), ["open", "open"]);
    let merge = github.world().merge(1, "2026-05-04T07:10:00Z");
    github.world().close(2, "One of them\nis \u{1b}[2Jenough.");
    assert_eq!(follow(), ["merged", "rejected"]);
    let outcome = |number: &str| shown(number)["outcomes"][0].clone();
    assert_eq!(
        (&outcome("1")["what"], &outcome("1")["text"]),
        (&"merged".into(), &format!("merged as {merge}").into())
    );
    assert_eq!(outcome("2")["text"], "One of them is \u{fffd}[2Jenough.");
    assert_eq!((&shown("1")["stage"], &shown("2")["stage"]), (&"merged".into(), &"closed".into()));

    // Whatever else tells of it.
    for line in [
        "negawatt review follow",
        "negawatt doctor",
        "negawatt doctor --json",
        "negawatt review list --all --json",
        "negawatt stats --json",
        "negawatt config schema",
    ] {
        printed.push(shell(folder, line, ""));
    }
    for line in ["case show", "review show"] {
        printed.push(shell(folder, &format!("negawatt {line} {case} --json"), ""));
    }
    let is_logged = |output: &Output| String::from_utf8_lossy(&output.stderr).contains("TRACE");
    assert!(printed.iter().any(is_logged), "all is logged");
    for output in &printed {
        assert!(!holds(&output.stdout, GitHub::TOKEN) && !holds(&output.stderr, GitHub::TOKEN));
    }
    has_no_token(folder, &github);
}

/// A limit and a lost answer: it waits as it is told, a second each, and asks again.
#[test]
fn a_github_that_stumbles_gets_one_pull_request() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case_of(5_200, folder, "", "");
    let github = GitHub::of(&folder.join("remote.git"));
    know_the_author(folder, &github);
    configure(
        folder,
        &github,
        "{ env = \"NEGAWATT_TEST_TOKEN\" }",
        "checks = [{ name = \"environment\", command = [\"env\"], network = true }]",
    );
    let (mut limits, mut losses) = (1, 1);
    github.fault(move |_, request| {
        let once = |path: &str, left: &mut i32| {
            let is_it = request.method == "POST" && request.target.ends_with(path) && *left > 0;
            *left -= i32::from(is_it);
            is_it
        };
        if once("/git/blobs", &mut limits) {
            let headers = vec!["retry-after: 1".to_owned()];
            return Fault::Instead(Response { headers, ..GitHub::error(429, "Slow down") });
        }
        if once("/pulls", &mut losses) { Fault::After(GitHub::error(502, "Bad Gateway")) } else { Fault::Nothing }
    });
    let with_token = |line: &str| shell(folder, &format!("NEGAWATT_TEST_TOKEN={} {line}", GitHub::TOKEN), "");
    let mut printed = vec![with_token("negawatt investigate incident.json --json")];
    let answer: Value = serde_json::from_slice(&printed[0].stdout).unwrap();
    printed.push(with_token(&format!("negawatt review approve {} --json", id(&answer))));
    let approved: Value = serde_json::from_slice(&printed[1].stdout).unwrap();
    is_there_once(folder, &github, &approved["proposals"][0]);
    let posts = github.asked().iter().filter(|asked| *asked == "POST git/blobs" || *asked == "POST pulls").count();
    assert_eq!(posts, 4, "each of both was asked for twice");
    for output in &printed {
        assert!(!holds(&output.stdout, GitHub::TOKEN) && !holds(&output.stderr, GitHub::TOKEN));
    }
    has_no_token(folder, &github);
}

/// Every configuration in the pages is one.
#[test]
fn configurations_of_the_page_can_be_read() {
    let page = page();
    let read = |text: &str| {
        Config::parse(text, Path::new("/etc/negawatt/negawatt.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"))
    };
    let all = blocks(&page, "toml");
    assert!(all.len() >= 2, "{all:?}");
    all.iter().for_each(|block| drop(read(block)));
    // And a key in the middle of a sentence.
    let keys: Vec<_> = page.split('`').filter(|code| code.starts_with("forge = {")).collect();
    assert!(keys.len() >= 2, "{keys:?}");
    for key in keys {
        assert!(read(&format!("[repositories.shop]\npath = \"shop\"\n{key}\n")).repositories["shop"].forge.is_some());
    }
}

/// Every command in the page is one of the program's; those in blocks have arguments that it takes.
#[test]
fn commands_of_the_page_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let page = page();
    let understood = |line: &str| {
        // The shell splits it, as a reader's does.
        let mut shell = program(folder.path(), "sh");
        shell.args(["-c", &format!("negawatt() {{ \"$0\" \"$@\" --json; }}; {line}"), env!("CARGO_BIN_EXE_negawatt")]);
        let output = shell.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("\"code\":\"usage\""), "{line}: {said}");
    };
    let lines: Vec<String> = blocks(&page, "sh").iter().flat_map(|block| commands(block)).collect();
    let in_blocks: Vec<&str> = lines.iter().filter_map(|line| line.rfind("negawatt ").map(|at| &line[at..])).collect();
    assert!(in_blocks.len() > 8, "{lines:?}");
    in_blocks.into_iter().for_each(understood);
    let in_words: Vec<&str> = page.split('`').filter(|code| code.starts_with("negawatt ")).collect();
    assert!(in_words.len() > 5, "{in_words:?}");
    in_words.into_iter().for_each(|line| understood(&format!("{line} --help")));
}

/// Whoever says something of a proposal while its forge is asked has the last word.
#[test]
fn a_person_is_not_overruled_by_what_was_asked_before() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_owned();
    case_of(5_200, &folder, "", "");
    let github = GitHub::of(&folder.join("remote.git"));
    know_the_author(&folder, &github);
    put_token(&folder);
    configure(&folder, &github, TOKEN, "");
    let config = ["--config", "negawatt.toml", "--json"];
    let command = |words: &[&str]| json(&folder, &[words, &config].concat());
    let case = id(&investigate(&folder)).to_owned();
    command(&["review", "approve", &case, "1", "--by", "Ada"]);
    github.world().merge(1, "2026-05-04T07:10:00Z");
    // While the forge is asked, before it answers.
    let (there, said) = (folder.clone(), case.clone());
    let mut is_said = false;
    github.fault(move |_, request| {
        if !is_said && request.target.contains("/pulls/1") {
            is_said = true;
            let words = ["outcome", &said, "wrong-culprit", "--proposal", "1", "--by", "Ada"];
            json(&there, &[&words[..], &["--config", "negawatt.toml", "--json"]].concat());
        }
        Fault::Nothing
    });
    let followed = command(&["review", "follow"]);
    assert_eq!(followed["proposals"][0]["state"], "open", "{followed}");
    let shown = command(&["review", "show", &case, "1"]);
    let outcomes: Vec<_> =
        shown["proposals"][0]["outcomes"].as_array().unwrap().iter().map(|one| one["what"].clone()).collect();
    assert_eq!(outcomes, ["wrong-culprit"]);
}
