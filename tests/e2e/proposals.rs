//! From a diagnosis to a branch that somebody can merge, and what is learned from what became of it: with real repositories and remotes.

use std::path::Path;

use serde_json::{Value, json as object};

use crate::common::case::{case, change, check, configure, git, id, mitigation, observe_recovery, submitted};
use crate::common::{exposition, investigate, json, json_error, page, run, text, write};

/// All that a repository is: its references, and its folder.
fn state(repository: &Path) -> (String, String) {
    let mut files = Vec::new();
    let mut folders = vec![repository.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let (path, data) = entry.map(|entry| (entry.path(), entry.metadata().unwrap())).unwrap();
            if data.is_dir() { folders.push(path) } else { files.push(format!("{} {}", path.display(), data.len())) }
        }
    }
    files.sort_unstable();
    (git(repository, &["for-each-ref"]), files.join("\n"))
}

#[test]
fn what_is_approved_is_a_branch_and_its_merge_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", "");
    let repo = folder.join("repo");
    let before = state(&repo);
    let answer = investigate(folder);
    assert_eq!(answer["verdict"], "regression");
    let (first, second) = (mitigation(&answer, 0), mitigation(&answer, 1));
    assert_eq!((&first["strategy"], &second["strategy"]), (&"hoist".into(), &"revert".into()), "{answer:#}");
    for proposal in [first, second] {
        assert_eq!((&proposal["target"], &proposal["stage"]), (&answer["suspects"][0]["id"], &"waiting".into()));
        for name in ["applies", "parses", "right-issue", "measurement-untouched"] {
            assert_eq!(check(proposal, name)["passed"], true, "{proposal:#}");
        }
    }
    assert!(submitted(folder).is_empty(), "nobody has decided yet");

    let approved = json(folder, &["review", "approve", id(&answer), "--by", "Ada", "--text", "as it says", "--json"]);
    let proposal = &approved["proposals"][0];
    assert_eq!(
        (&proposal["stage"], &proposal["reviews"][0]["by"]),
        (&"submitted".into(), &"Ada".into()),
        "{approved:#}"
    );
    let branch = proposal["submitted"]["branch"].as_str().unwrap();
    assert_eq!(submitted(folder).len(), 2, "{:?}", submitted(folder));
    assert_eq!(state(&repo), before, "the user's repository is only read");
    // What is on the branch is the patch, and nothing else.
    let remote = folder.join("remote.git");
    let changed = git(&remote, &["diff", "--name-only", &format!("{branch}~1"), branch]);
    assert_eq!(changed, "finder/tokenizer.py");
    let words = git(&remote, &["show", &format!("refs/negawatt/proposals/{}-1:proposal.md", id(&answer))]);
    assert!(!words.contains("://"), "nobody said where the case is read: {words}");
    for part in ["## What got worse", "## What it costs", "## Why this change is the cause", "## Not your change"] {
        assert!(words.to_lowercase().contains(&part.to_lowercase()), "{part}: {words}");
    }
    let (code, error) = json_error(folder, &["review", "approve", id(&answer), "--by", "Ada", "--json"]);
    assert_eq!((code, &error["code"]), (2, &"proposal".into()), "{error}");

    assert_eq!(json(folder, &["review", "follow", "--json"])["proposals"][0]["state"], "open");
    let target = git(&remote, &["symbolic-ref", "--short", "HEAD"]);
    git(&remote, &["update-ref", &format!("refs/heads/{target}"), branch]);
    assert_eq!(json(folder, &["review", "follow", "--json"])["proposals"][0]["state"], "merged");
    let stats = json(folder, &["stats", "--json"]);
    let all = &stats["all"];
    assert_eq!((&all["cases"], &all["submitted"], &all["merged"]), (&1.into(), &1.into(), &1.into()), "{stats:#}");
    assert_eq!((&all["hours_saved"], &all["share_without_person"]), (&10.0.into(), &0.0.into()));
    assert!(all["proposed"]["cores"].as_f64().unwrap() > 100.0 && all["recovered"]["cores"] == 0.0, "{stats:#}");
    let prometheus = String::from_utf8(run(folder, &["stats", "--prometheus"]).stdout).unwrap();
    let samples = exposition::read(&prometheus);
    for (series, value) in [
        ("negawatt_service_proposals_merged{service=\"search_api\"}", 1.0),
        ("negawatt_service_resolution_seconds_count{service=\"search_api\"}", 1.0),
        ("negawatt_skill_proposals_merged{skill=\"hoist\"}", 1.0),
        ("negawatt_skill_proposals_merged{skill=\"revert\"}", 0.0),
        ("negawatt_skill_proposals_total{skill=\"revert\"}", 1.0),
        ("negawatt_skill_judged{skill=\"culprit-commit\"}", 1.0),
        ("negawatt_engineer_saved_seconds", 36_000.0),
        ("negawatt_without_person_ratio", 0.0),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series} in {prometheus}");
    }
    assert!(samples["negawatt_skill_weight_ratio{skill=\"culprit-commit\"}"] > 0.9, "{prometheus}");
    let skill = |name: &str| {
        let skills = stats["by_skill"].as_array().unwrap();
        skills.iter().find(|skill| skill["skill"].as_str().unwrap().starts_with(name)).unwrap().clone()
    };
    let counts = object!({"proposed": 1, "submitted": 1, "merged": 1, "turned_down": 0});
    assert_eq!((&skill("hoist")["proposals"], &skill("hoist")["found_in"]), (&counts, &1.into()), "{stats:#}");
    let printed = String::from_utf8(run(folder, &["stats"]).stdout).unwrap();
    assert!(printed.contains("Proposals   2 in 1 case, 1 submitted, 1 merged, 0 turned down"), "{printed}");
}

#[test]
fn a_check_that_fails_withholds_the_patch_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let checks = "checks = [{ name = \"tests\", command = [\"sh\", \"-c\", \"echo it is broken; exit 3\"] }]";
    case(folder, checks, "");
    let answer = investigate(folder);
    let first = mitigation(&answer, 0);
    assert_eq!(first["stage"], "withheld", "{answer:#}");
    let failed = check(first, "tests");
    assert_eq!(failed["passed"], false, "{failed:#}");
    // A machine that isolates no network says so instead; then nothing of it was run.
    let said = format!("{}{}", failed["detail"], failed["output"]);
    assert!(said.contains("it is broken") || said.contains("network"), "{said}");
    let (code, error) = json_error(folder, &["review", "approve", id(&answer), "--by", "Ada", "--json"]);
    assert_eq!((code, &error["code"]), (1, &"withheld".into()), "{error}");
    assert!(submitted(folder).is_empty());
}

#[test]
fn a_branch_that_moved_is_looked_at_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", "");
    let answer = investigate(folder);
    git(folder, &["clone", "--quiet", "repo", "work"]);
    let repo = folder.join("work");
    // To the operator's repository and to where proposals go.
    let push = || {
        let branch = git(&repo, &["branch", "--show-current"]);
        for to in ["../repo", "../remote.git"] {
            git(&repo, &["push", "--quiet", to, &branch]);
        }
        git(&repo, &["rev-parse", "HEAD"])
    };
    // Another file: the patch still applies, on what is there now.
    write(repo.join("NEWS"), "news\n");
    git(&repo, &["add", "NEWS"]);
    git(&repo, &["commit", "--quiet", "-m", "news"]);
    let tip = push();
    let approved = json(folder, &["review", "approve", id(&answer), "1", "--by", "Ada", "--json"]);
    assert_eq!(approved["proposals"][0]["base"]["commit"], tip, "{approved:#}");
    assert_eq!(approved["proposals"][0]["stage"], "submitted");

    // The very lines: the other proposal does not apply any more.
    let file = repo.join("finder/tokenizer.py");
    let text = std::fs::read_to_string(&file).unwrap();
    write(&file, &text.replace("re.compile(", "re.compile( "));
    git(&repo, &["commit", "--quiet", "-am", "space"]);
    push();
    let (code, error) = json_error(folder, &["review", "approve", id(&answer), "2", "--by", "Ada", "--json"]);
    assert_eq!((code, &error["code"]), (1, &"withheld".into()), "{error}");
    assert!(error["message"].as_str().unwrap().contains("applies"), "{error}");
}

#[test]
fn what_the_operator_lets_go_needs_nobody_and_the_rest_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let review =
        "[review]\nconfidence = 0.5\nseverity = \"critical\"\nlink = \"https://negawatt.example/{case}.html\"\n";
    case(folder, "", review);
    let answer = investigate(folder);
    let stages = (&mitigation(&answer, 0)["stage"], &mitigation(&answer, 1)["stage"]);
    assert_eq!(stages, (&"submitted".into(), &"waiting".into()), "{answer:#}");
    let shown = json(folder, &["review", "show", id(&answer), "--json"]);
    assert!(shown["proposals"][0]["reviews"][0]["by"].is_null(), "{shown:#}");
    let case = id(&answer);
    let words = git(&folder.join("remote.git"), &["show", &format!("refs/negawatt/proposals/{case}-1:proposal.md")]);
    assert!(
        words.contains(&format!("`{case}`: [all that is known of it](https://negawatt.example/{case}.html).")),
        "{words}"
    );
    assert_eq!(json(folder, &["stats", "--json"])["all"]["share_without_person"], 1.0);
    // Why nothing is decided yet is said of what waits alone.
    let listed = text(folder, &["review", "list", "--all"]);
    let why = "  (another one ranks first, or it is a setting)";
    let lines: Vec<_> = listed.lines().map(|line| (line.contains(why), line)).collect();
    assert!(
        matches!(lines[..], [(false, first), (true, second)] if first.contains("1  submitted  hoist: ")
        && !first.ends_with(')') && second.contains("2  waiting  revert: ")),
        "{listed}"
    );

    // A person decides of what is critical, and is told.
    configure(folder, "", "[review]\nconfidence = 0.5\nseverity = \"critical\"\nnotify = [\"tee\", \"told\"]\n");
    change(&folder.join("incident.json"), |incident| incident["severity"] = "critical".into());
    let answer = investigate(folder);
    // `tee` has ended: it was waited for.
    let told = std::fs::read_to_string(folder.join("told")).unwrap();
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!told.is_empty() && told.iter().all(|told| told["case"] == answer["case"]), "{told:#?}");
    assert_eq!(mitigation(&answer, 0)["stage"], "waiting", "{answer:#}");
    let listed = json(folder, &["review", "list", "--json"]);
    let waits = listed["proposals"].as_array().unwrap().iter().find(|one| one["case"] == answer["case"]).unwrap();
    assert!(waits["needs_person"].as_str().unwrap().contains("severity"), "{waits:#}");
}

#[test]
fn a_submission_that_failed_goes_on_and_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", "");
    let answer = investigate(folder);
    std::fs::rename(folder.join("remote.git"), folder.join("elsewhere.git")).unwrap();
    let (code, error) = json_error(folder, &["review", "approve", id(&answer), "--by", "Ada", "--json"]);
    assert_eq!((code, &error["code"]), (1, &"forge".into()), "{error}");
    let shown = json(folder, &["review", "show", id(&answer), "1", "--json"]);
    assert_eq!(shown["proposals"][0]["stage"], "approved", "what was decided is not lost");
    std::fs::rename(folder.join("elsewhere.git"), folder.join("remote.git")).unwrap();
    let done = json(folder, &["review", "submit", id(&answer), "1", "--json"]);
    assert_eq!(done["proposals"][0]["stage"], "submitted");
    let first = submitted(folder);
    assert_eq!(first.len(), 2, "{first:?}");
    let (code, error) = json_error(folder, &["review", "submit", id(&answer), "1", "--json"]);
    assert_eq!((code, error["message"].as_str().unwrap().contains("it is there already")), (2, true), "{error}");
    assert_eq!(submitted(folder), first);
}

/// What is measured, decided and became of proposals is in the text of the case and on its page.
#[test]
fn a_case_shows_what_became_of_its_proposals() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // The lines that construct a pattern per call: the number is lower with either patch, whatever the machine is doing.
    let count = "grep -c '^ .*re.compile' finder/tokenizer.py || true";
    let command = format!("command = [\"sh\", \"-c\", \"{count}\"], network = true");
    case(folder, &format!("validation = {{ {command}, runs = 4, better = \"lower\" }}"), "");
    let answer = investigate(folder);
    let validated = check(mitigation(&answer, 0), "validation");
    assert_eq!(validated["passed"], true, "{validated:#}");
    let merged =
        text(folder, &["outcome", id(&answer), "merged", "--proposal", "1", "--by", "Ada", "--text", "at last"]);
    let outcome = merged.split_once("\nOutcome     ").unwrap_or_else(|| panic!("{merged}")).1;
    assert!(outcome.ends_with(" proposal 1 merged, says Ada: at last\n"), "{merged}");
    assert!(merged.contains(" 1  merged  hoist: ") && !merged.contains("diff --git"), "{merged}");
    let whole = text(folder, &["review", "show", id(&answer), "1"]);
    assert!(whole.contains("diff --git") && whole.ends_with(&format!("\n\nOutcome     {outcome}")), "{whole}");
    let show = ["case", "show", id(&answer), "--config", "negawatt.toml", "--report", "page.html"];
    let shown = run(folder, &show);
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let text = String::from_utf8(shown.stdout).unwrap();
    for part in [
        "Proposals   1. hoist: for ",
        ", merged (hoist@",
        "all 5 criteria hold",
        "measured: ",
        "2. revert: for ",
        "Outcome     ",
        "proposal 1 merged, says Ada",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let (_, texts) = page::read(&std::fs::read_to_string(folder.join("page.html")).unwrap());
    let shown = json(folder, &["review", "show", id(&answer), "1", "--json"]);
    let proposal = &shown["proposals"][0];
    let reasons = proposal["rank"]["reasons"].as_array().unwrap();
    let details = proposal["checks"].as_array().unwrap().iter().map(|check| &check["detail"]);
    let patch = proposal["patch"].as_str().unwrap().lines().filter(|line| !line.is_empty());
    for said in reasons.iter().chain(details).map(|said| said.as_str().unwrap()).chain(patch) {
        assert!(texts.contains(said), "{said} is missing");
    }
    let runs = |side: &str| {
        let runs = proposal["measured"][side].as_array().unwrap();
        assert_eq!(runs.len(), 4, "{proposal:#}");
        runs.iter().map(|run| run.as_f64().unwrap().to_string()).collect::<Vec<_>>().join(", ")
    };
    let (before, after) = (runs("before"), runs("after"));
    for part in ["without the patch", "with the patch", &before, &after, "What became of it", "says Ada"] {
        assert!(texts.contains(part), "{part} is missing");
    }
}

/// What is said of a case that proposes nothing is told as well.
#[test]
fn a_case_without_proposals_tells_what_became_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder.join("negawatt.toml"), "[casebook]\npath = \"casebook\"\n");
    let incident = object!({
        "kind": "opportunity", "title": "what is hot?", "service": "shop",
        "window": { "start": "2026-11-18T00:00:00Z", "end": "2026-11-20T00:00:00Z" },
    });
    write(folder.join("incident.json"), &incident.to_string());
    let case = id(&investigate(folder)).to_owned();
    let nothing = format!("the case {case} proposes nothing\n");
    assert_eq!(text(folder, &["review", "show", &case]), nothing);
    let recorded =
        text(folder, &["outcome", &case, "not-a-regression", "--by", "Ada\u{1b}[2J", "--text", "it was the holidays"]);
    assert!(recorded.starts_with("Outcome     2") && recorded.lines().count() == 1, "{recorded}");
    assert!(recorded.ends_with(" the case not-a-regression, says Ada\u{fffd}[2J: it was the holidays\n"), "{recorded}");
    assert_eq!(text(folder, &["review", "show", &case]), nothing + &recorded);
}

/// A branch that is deleted without a merge was turned down: that is found, learned and moves the threshold.
#[test]
fn what_is_turned_down_teaches() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let learns = "[review]\nconfidence = 0.5\nseverity = \"critical\"\n[learn]\nconfidence_between = [0.4, 0.9]\n";
    case(folder, "", learns);
    let answer = investigate(folder);
    assert_eq!(mitigation(&answer, 0)["stage"], "submitted", "{answer:#}");
    let branch = format!("refs/heads/negawatt/{}-1", id(&answer));
    git(&folder.join("remote.git"), &["update-ref", "-d", &branch]);
    assert_eq!(json(folder, &["review", "follow", "--json"])["proposals"][0]["state"], "rejected");
    let shown = json(folder, &["review", "show", id(&answer), "--json"]);
    assert_eq!((&shown["adjusted"][0]["from"], &shown["adjusted"][0]["to"]), (&0.5.into(), &0.52.into()), "{shown:#}");
    assert_eq!(shown["proposals"][0]["stage"], "closed");
    let outcome = &shown["proposals"][0]["outcomes"][0];
    assert_eq!((&outcome["what"], &outcome["by"]), (&"rejected".into(), &"forge".into()), "{shown:#}");
    let at = |key: &str, of: &Value| of[key].as_str().and_then(negawatt_host::time::parse_rfc3339).unwrap();
    assert!(at("time", &shown["adjusted"][0]) >= at("time", outcome), "{shown:#}");
    let moved = text(folder, &["review", "show", id(&answer), "1"]);
    assert!(moved.contains(", says the forge") && moved.contains(" review.confidence 0.5 → 0.52: "), "{moved}");
    assert_eq!(mitigation(&investigate(folder), 0)["strategy"], "revert", "what was turned down comes second");
}

/// After a merge the series tells what came back, in cores and watts.
#[test]
fn what_a_merge_brought_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", "");
    let answer = investigate(folder);
    let outcome = ["outcome", id(&answer), "merged", "--proposal", "1", "--by", "Ada"];
    assert!(run(folder, &outcome).status.success());
    let state = |now: &str| json(folder, &["review", "follow", "--now", now, "--json"])["proposals"][0].clone();
    let at = |days: i64| negawatt_host::time::rfc3339(negawatt_host::time::now() + days * 86_400_000_000);
    assert_eq!(state(&at(0))["state"], "merged", "a day has not passed yet");
    assert_eq!(state(&at(3))["state"], "merged", "there is no observation of that time");

    observe_recovery(folder, &answer);
    assert_eq!(state(&at(3))["state"], "recovered");
    let shown = json(folder, &["review", "show", id(&answer), "1", "--json"]);
    let outcomes = &shown["proposals"][0]["outcomes"];
    assert_eq!((&outcomes[0]["by"], &outcomes[1]["by"]), (&"Ada".into(), &"metrics".into()), "{shown:#}");
    assert!(outcomes[0]["recovered"].is_null(), "{shown:#}");
    let recovered = &outcomes[1]["recovered"];
    assert!((recovered["part"].as_f64().unwrap() - 0.9).abs() < 1e-6, "{shown:#}");
    let stats = json(folder, &["stats", "--json"]);
    let cores = answer["impact"]["cores"].as_f64().unwrap();
    assert!((stats["all"]["recovered"]["cores"].as_f64().unwrap() - 0.9 * cores).abs() < 1e-6 * cores, "{stats:#}");
    assert_eq!((&stats["all"]["false_positive_rate"], &stats["all"]["merged"]), (&0.0.into(), &1.into()), "{stats:#}");
    let written = run(folder, &["stats", "--report", "stats.html"]);
    let printed = String::from_utf8(written.stdout).unwrap();
    assert!(printed.contains("Recovered   ") && printed.contains("(measured)"), "{printed}");
    let (elements, texts) = page::read(&std::fs::read_to_string(folder.join("stats.html")).unwrap());
    assert_eq!(elements.iter().filter(|element| *element == "svg").count(), 2, "cases and cores");
    let legend =
        texts.lines().find(|line| line.contains("recovered (measured), ")).unwrap_or_else(|| panic!("{texts}"));
    assert!(!legend.contains(", 0 cores"), "{legend}");
    assert!(texts.contains("hoist@") && texts.contains("search_api"), "{texts}");
    // It is measured once.
    assert_eq!(
        json(folder, &["review", "follow", "--now", &at(4), "--json"])["proposals"].as_array().unwrap().len(),
        0
    );
}

/// What became of cases like this one decides which mitigation comes first.
#[test]
fn a_precedent_changes_which_mitigation_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", "");
    let first = investigate(folder);
    assert_eq!(mitigation(&first, 0)["strategy"], "hoist");
    let reject =
        ["review", "reject", id(&first), "1", "--reason", "wrong-fix", "--text", "we share nothing", "--by", "Ada"];
    assert!(run(folder, &reject).status.success());
    let second = investigate(folder);
    assert_eq!(mitigation(&second, 0)["strategy"], "revert", "{second:#}");
    let shown = json(folder, &["review", "show", id(&second), "--json"]);
    let reasons = shown["proposals"][1]["rank"]["reasons"].to_string();
    assert!(reasons.contains(id(&first)), "the precedent is named: {reasons}");
    // Where reverts are taken, they come first all the more.
    assert!(run(folder, &["outcome", id(&second), "merged", "--proposal", "1", "--by", "Ada"]).status.success());
    let third = json(folder, &["review", "show", id(&investigate(folder)), "--json"]);
    let score = |shown: &Value| shown["proposals"][0]["rank"]["precedent"].as_f64().unwrap();
    assert!(score(&third) > score(&shown), "{third:#}");
}

const LOUD: &str = "[skills]\npaths = [\"skills\"]\n[[grants]]\nskill = \"mischief\"\ntools = [\"metrics\"]\n";

/// A skill that is sure of the wrong commit leads at first, and is outvoted once it is known that it was wrong.
#[test]
fn a_skill_that_is_often_wrong_loses_its_weight() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", LOUD);
    write(folder.join("skills/.keep"), "");
    std::fs::write(folder.join("skills/mischief.wasm"), negawatt_test_guests::MISCHIEF).unwrap();
    change(&folder.join("incident.json"), |incident| incident["title"] = "wrong commit".into());
    let truth: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("truth.json")).unwrap()).unwrap();
    let culprit = truth["suspect"]["id"].as_str().unwrap();

    let mut firsts = Vec::new();
    for _ in 0..4 {
        let answer = investigate(folder);
        firsts.push(answer["suspects"][0]["id"].as_str().unwrap().to_owned());
        let outcome = ["outcome", id(&answer), "wrong-culprit", "--culprit", culprit, "--by", "Ada", "--json"];
        let recorded = json(folder, &outcome);
        let outcome = &recorded["outcomes"][0];
        assert_eq!((&outcome["by"], &outcome["culprit"]), (&"Ada".into(), &culprit.into()), "{recorded:#}");
    }
    assert_eq!((firsts[0].as_str(), firsts[3].as_str()), ("a".repeat(40).as_str(), culprit), "{firsts:?}");
    let stats = json(folder, &["stats", "--json"]);
    let weight = |name: &str| {
        let skills = stats["by_skill"].as_array().unwrap();
        let skill = skills.iter().find(|skill| skill["skill"].as_str().unwrap().starts_with(name)).unwrap();
        skill["weight"].as_f64().unwrap()
    };
    assert_eq!((weight("mischief"), weight("culprit-commit")), (0.0, 1.0), "{stats:#}");
    let listed = json(folder, &["skill", "list", "--stats", "--json"]);
    let of = |name: &str| {
        listed["skills"].as_array().unwrap().iter().find(|skill| skill["name"] == name).unwrap()["stats"].clone()
    };
    assert_eq!((&of("mischief")["weight"], &of("mischief")["cases"]), (&0.0.into(), &4.into()), "{listed:#}");
    assert_eq!(of("impact"), object!({"cases": 0, "stood": 0.8, "weight": 1.0}));
}

/// Outcomes move the threshold within the operator's bounds, and each move says why.
#[test]
fn outcomes_move_the_threshold_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let bounds = "[review]\nconfidence = 0.6\nseverity = \"critical\"\n[learn]\nconfidence_between = [0.55, 0.63]\n";
    case(folder, "", bounds);
    let mut moves = Vec::new();
    for _ in 0..3 {
        let answer = investigate(folder);
        assert!(
            run(folder, &["outcome", id(&answer), "wrong-culprit", "--proposal", "1", "--by", "Ada"]).status.success()
        );
        let shown = json(folder, &["review", "show", id(&answer), "--json"]);
        moves.extend(shown["adjusted"].as_array().unwrap().iter().map(|one| {
            let (from, to) = (one["from"].as_f64().unwrap(), one["to"].as_f64().unwrap());
            let reason = one["reason"].as_str().unwrap();
            let what = format!("the proposal 1 of case {} was closed as wrong-culprit: raised by 0.020.", id(&answer));
            let in_all = format!("and raised by {:.3} in all, between 0.55 and 0.63", to - from);
            assert!(reason.contains(&what) && reason.contains(&in_all), "{one:#}");
            (from, to)
        }));
    }
    // The third one would lead out of the bounds.
    assert_eq!(moves, [(0.6, 0.62), (0.62, 0.63)], "{}", object!(moves));
    // Where a person decides whatever the threshold is, what becomes of it is no word on that.
    configure(folder, "", &bounds.replace("critical", "low"));
    let answer = investigate(folder);
    assert!(run(folder, &["outcome", id(&answer), "wrong-culprit", "--proposal", "1", "--by", "Ada"]).status.success());
    let shown = json(folder, &["review", "show", id(&answer), "--json"]);
    assert_eq!((&shown["proposals"][0]["stage"], &shown["adjusted"]), (&"closed".into(), &object!([])), "{shown:#}");
}
