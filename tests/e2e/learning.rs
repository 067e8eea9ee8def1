//! What becomes of proposals, how that is found, and what later cases make of it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::common::case::{case, git, id, observe_recovery};
use crate::common::{Running, investigate, json, negawatt, run};

/// Watches what the case's metric is, every second, and asks as often what became of proposals.
const WATCH: &str = "[watch]\ninterval = \"1s\"\nwindow = \"48h\"\n[[watch.series]]\nmetric = \"cpu_seconds_per_request\"\n\
                     [review]\nfollow_every = \"1s\"\n";

/// Whoever watches hears of a merge, and of what it brought, without asking for it.
#[test]
fn a_watch_follows_what_was_submitted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", WATCH);
    let answer = investigate(folder);
    assert!(run(folder, &["review", "approve", id(&answer), "--by", "Ada"]).status.success());

    let running = negawatt(folder).args(["watch", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut running = Running(running.unwrap());
    let lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    // It is open, which is told to nobody.
    assert!(lines.next().unwrap()["series"].is_number());
    let remote = folder.join("remote.git");
    let target = git(&remote, &["symbolic-ref", "HEAD"]);
    git(&remote, &["update-ref", &target, &format!("refs/heads/negawatt/{}-1", id(&answer))]);
    let told = lines.find(|line| !line["followed"].is_null()).unwrap();
    let merged = &told["followed"][0];
    assert_eq!(
        (&merged["case"], &merged["proposal"], &merged["state"]),
        (&answer["case"], &1.into(), &"merged".into()),
        "{told}"
    );
    assert!(running.interrupt().success());
    let shown = || json(folder, &["review", "show", id(&answer), "1", "--json"])["proposals"][0].clone();
    assert_eq!(shown()["stage"], "merged");

    // A day and some observations later, the series tells what came back.
    observe_recovery(folder, &answer);
    let later = negawatt_host::time::rfc3339(negawatt_host::time::now() + 3 * 86_400_000_000);
    let pass = || json(folder, &["watch", "--once", "--now", &later, "--json"]);
    let first = pass();
    assert_eq!(first["followed"][0]["state"], "recovered", "{first:#}");
    let outcomes = shown()["outcomes"].clone();
    assert!((outcomes[1]["recovered"]["part"].as_f64().unwrap() - 0.9).abs() < 1e-6, "{outcomes:#}");
    assert_eq!(pass()["followed"], Value::Array(Vec::new()), "it is told once");
}

/// A forge that cannot be asked costs no pass, and what became of the proposal is found once it can.
#[test]
fn a_watch_goes_on_where_a_forge_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", WATCH);
    let answer = investigate(folder);
    assert!(run(folder, &["review", "approve", id(&answer), "--by", "Ada"]).status.success());
    observe_recovery(folder, &answer);
    let later = negawatt_host::time::rfc3339(negawatt_host::time::now() + 3 * 86_400_000_000);
    let watch = ["watch", "--once", "--now", &later, "--json"];
    std::fs::rename(folder.join("remote.git"), folder.join("elsewhere.git")).unwrap();
    let output = run(folder, &watch);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("nobody knows what became of the proposal 1"), "{said}");
    let first: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&first["series"], &first["followed"]), (&1.into(), &Value::Array(Vec::new())), "{first:#}");
    std::fs::rename(folder.join("elsewhere.git"), folder.join("remote.git")).unwrap();
    git(&folder.join("remote.git"), &["update-ref", "-d", &format!("refs/heads/negawatt/{}-1", id(&answer))]);
    assert_eq!(json(folder, &watch)["followed"][0]["state"], "rejected");
}

/// What became of proposals moves the threshold that decides of them: the first rule that fits, or the one for all others.
#[test]
fn a_rule_learns_from_what_it_decides_of() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rules = "[review]\nconfidence = 0.92\nseverity = \"critical\"\n\
                 [[review.rules]]\nstrategy = \"hoist\"\nservice = \"nobody\"\nconfidence = 0.95\n\
                 [[review.rules]]\nstrategy = \"hoist\"\nconfidence = 0.95\n\
                 [[review.rules]]\nstrategy = \"memoize\"\n\
                 [learn]\nconfidence_between = [0.9, 0.96]\n";
    case(folder, "", rules);
    let mut moved = Vec::new();
    let mut asked = Vec::new();
    // A hoist that is wrong, one that is risky, one that is merged, and a revert that is wrong; one that is mended already says nothing.
    for (strategy, word) in
        [("hoist", "wrong"), ("hoist", "risky"), ("hoist", "merged"), ("revert", "wrong"), ("hoist", "already-fixed")]
    {
        let answer = investigate(folder);
        let all = answer["mitigations"].as_array().unwrap();
        let at = all.iter().find(|one| one["strategy"] == strategy).unwrap()["proposal"].to_string();
        let show = || json(folder, &["review", "show", id(&answer), "--json"]);
        let proposals = show()["proposals"].clone();
        let why = |strategy: &str| {
            let one = proposals.as_array().unwrap().iter().find(|one| one["strategy"] == strategy).unwrap();
            let why = one["needs_person"].as_str().unwrap().to_owned();
            why.rsplit_once("asks for ").unwrap().1.to_owned()
        };
        asked.push((why("hoist"), why("revert")));
        let ran = match word {
            "wrong" => run(folder, &["outcome", id(&answer), "wrong-culprit", "--proposal", &at, "--by", "Ada"]),
            "merged" => run(folder, &["outcome", id(&answer), "merged", "--proposal", &at, "--by", "Ada"]),
            reason => run(folder, &["review", "reject", id(&answer), &at, "--reason", reason, "--by", "Ada"]),
        };
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        for one in show()["adjusted"].as_array().unwrap() {
            let (from, to) = (one["from"].as_f64().unwrap(), one["to"].as_f64().unwrap());
            moved.push((one["threshold"].as_str().unwrap().to_owned(), format!("{from:.3} {to:.3}")));
            let reason = one["reason"].as_str().unwrap();
            let what = match word {
                "wrong" => "was closed as wrong-culprit: raised by 0.020",
                "merged" => "was merged: lowered by 0.004",
                _ => "was rejected as risky: raised by 0.020",
            };
            assert!(reason.contains(&format!("the proposal {at} of case {} {what}", id(&answer))), "{reason}");
            let whose = if strategy == "hoist" { "this rule decides of (strategy hoist)" } else { "no rule fits" };
            assert!(reason.contains(whose), "{reason}");
        }
    }
    let rule = |moved: &str| ("review.rules[1].confidence".to_owned(), moved.to_owned());
    assert_eq!(
        moved,
        [rule("0.950 0.960"), rule("0.960 0.956"), ("review.confidence".to_owned(), "0.920 0.940".to_owned())],
        "the second one would lead out of the bounds"
    );
    let of = |hoist: &str, revert: &str| (hoist.to_owned(), revert.to_owned());
    let asked_for =
        [of("0.95", "0.92"), of("0.96", "0.92"), of("0.96", "0.92"), of("0.96", "0.92"), of("0.96", "0.94")];
    assert_eq!(asked, asked_for, "what moved is what the next case is held against");
}

/// What a reviewer wrote is quoted to whoever looks at the next case like that one, with the case that it was written of.
#[test]
fn the_next_case_quotes_what_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", "");
    let first = investigate(folder);
    // It bears no escape sequence into anybody's terminal, and does not end its quotes.
    let text = "the `cache`\u{1b}[31m was cold";
    let arguments = ["review", "reject", id(&first), "--reason", "wrong-fix", "--text", text, "--by", "Ada"];
    assert!(run(folder, &arguments).status.success());
    let second = investigate(folder);
    let quoted = "turned down by Ada as wrong-fix: `the 'cache'\u{fffd}[31m was cold`";
    let hoist = |shown: &Value| {
        let all = shown["proposals"].as_array().unwrap();
        all.iter().find(|one| one["strategy"] == "hoist").unwrap()["rank"].clone()
    };
    let show = |case: &Value| json(folder, &["review", "show", id(case), "--json"]);
    let rank = hoist(&show(&second));
    assert!(rank["reasons"].to_string().contains(quoted), "{rank:#}");
    let [cited] = rank["precedents"].as_array().unwrap().as_slice() else { panic!("{rank:#}") };
    assert_eq!((&cited["case"], &cited["outcome"]), (&first["case"], &"rejected".into()));
    assert!((0.2..=1.0).contains(&cited["similarity"].as_f64().unwrap()));
    assert_eq!(
        cited["said"],
        serde_json::json!([{ "by": "Ada", "reason": "wrong-fix", "text": "the 'cache'\u{fffd}[31m was cold" }])
    );
    let words = String::from_utf8(run(folder, &["review", "show", id(&second)]).stdout).unwrap();
    assert!(words.contains(quoted) && words.contains(id(&first)), "{words}");
    let of_revert = show(&second)["proposals"][0]["rank"].clone();
    assert_eq!(of_revert["precedents"], serde_json::json!([]), "that was said of another strategy");

    // Whoever proposes a revert hears of those that were turned down.
    let arguments = ["review", "reject", id(&second), "1", "--reason", "risky", "--by", "Ada"];
    assert!(run(folder, &arguments).status.success());
    let next = investigate(folder);
    let evidence = next["evidence"].as_array().unwrap();
    let revert = evidence.iter().find(|one| one["strategy"] == "revert").unwrap();
    let told = format!("A revert was tried in 1 case like this one and merged in 0; the most alike, {}", id(&second));
    assert!(revert["summary"].as_str().unwrap().contains(&told), "{revert:#}");

    // Another reason is kept for its words, and says nothing of the strategy.
    let at = next["mitigations"].as_array().unwrap().iter().find(|one| one["strategy"] == "hoist").unwrap();
    let at = at["proposal"].to_string();
    let arguments =
        ["review", "reject", id(&next), &at, "--reason", "other", "--text", "the team is on leave", "--by", "Ada"];
    assert!(run(folder, &arguments).status.success());
    let last = investigate(folder);
    let (before, after) = (hoist(&show(&next)), hoist(&show(&last)));
    assert_eq!(before["precedent"], after["precedent"]);
    let quoted = "turned down by Ada as other: `the team is on leave`";
    assert!(after["reasons"].to_string().contains(quoted), "{after:#}");
    let cited = after["precedents"].as_array().unwrap().iter().find(|cited| cited["case"] == next["case"]).unwrap();
    assert_eq!(cited["outcome"], "turned-down");
}

/// Of a case in which one proposal was rejected and another one merged, the next case knows both.
#[test]
fn a_rejection_teaches_beside_a_merge() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    case(folder, "", "");
    let first = investigate(folder);
    let strategies: Vec<_> = (0..2).map(|at| first["mitigations"][at]["strategy"].as_str().unwrap()).collect();
    assert_eq!(strategies, ["hoist", "revert"]);
    let reject =
        ["review", "reject", id(&first), "1", "--reason", "wrong-fix", "--text", "we share nothing", "--by", "Ada"];
    assert!(run(folder, &reject).status.success());
    assert!(run(folder, &["outcome", id(&first), "merged", "--proposal", "2", "--by", "Ada"]).status.success());

    let second = investigate(folder);
    let shown = json(folder, &["review", "show", id(&second), "--json"]);
    let ranks: Vec<_> = (0..2).map(|at| &shown["proposals"][at]["rank"]).collect();
    assert_eq!(second["mitigations"][0]["strategy"], "revert", "{shown:#}");
    let precedent = |at: usize| ranks[at]["precedent"].as_f64().unwrap();
    assert!(precedent(0) > 0.5 && precedent(1) < 0.5, "{shown:#}");
    let quoted = format!("{} (rejected, ", id(&first));
    let reasons = ranks[1]["reasons"].to_string();
    assert!(reasons.contains(&quoted) && reasons.contains("as wrong-fix: `we share nothing`"), "{reasons}");
    assert_eq!(ranks[0]["precedents"][0]["outcome"], "merged", "{shown:#}");
    assert!(!ranks[0]["reasons"].to_string().contains("we share nothing"), "that was said of another strategy");

    // A skill that asks for precedents hears of each.
    let evidence = second["evidence"].as_array().unwrap();
    let revert = evidence.iter().find(|one| one["strategy"] == "revert").unwrap()["summary"].as_str().unwrap();
    let told = format!("A revert was tried in 1 case like this one and merged in 1; the most alike, {}", id(&first));
    assert!(revert.contains(&told), "{revert}");
}
