//! What a proposal's reader sees, as a renderer of GitHub's Markdown sees it.

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, parse_document};
use negawatt_actions::text::*;
use proptest::prelude::*;
use regex::Regex;

/// Where an operator's people read the case.
const LINK: &str = "https://negawatt.example/cases/01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// All texts of strangers in a report, at their places. (A link is an operator's.)
fn report(mut foreign: impl FnMut() -> String, read_in: ReadIn) -> Report {
    let power = |cores: f64| Power { cores, watts: cores * 4.5 };
    Report {
        case: foreign(),
        proposal: 1,
        service: foreign(),
        symptom: Some(Symptom {
            metric: foreign(),
            before: 0.0121,
            after: 0.0135,
            relative: 0.116,
            since: 1_763_536_200_000_000,
            p_value: 1e-9,
            series: (0..100)
                .map(|at| (1_763_500_000_000_000 + at * 1_000_000_000, 0.0121 + 1e-5 * at as f64))
                .collect(),
        }),
        cost: Some(power(8900.0)),
        cause: Some(Cause {
            kind: foreign(),
            id: foreign(),
            subject: foreign(),
            author: Some(foreign()),
            time: Some(1_763_530_000_000_000),
            confidence: 0.93,
            reasons: vec![Reason { skill: foreign(), text: foreign(), log_odds: 2.1 }; 20],
        }),
        functions: vec![Function { name: foreign(), before: 0.031, after: 0.094 }],
        evidence: vec![
            Evidence { id: foreign(), kind: foreign(), by: foreign(), summary: foreign(), confidence: 0.9 };
            2
        ],
        change: Change {
            strategy: foreign(),
            by: foreign(),
            files: vec![File { path: foreign(), added: 3, removed: 1 }],
            patch: foreign(),
            checks: vec![Check { name: foreign(), passed: true, detail: foreign() }],
            approved_by: Some(foreign()),
        },
        saving: Some(Saving { low: power(4000.0), high: power(8900.0) }),
        link: Some(LINK.into()),
        read_in,
    }
}

fn harmless() -> Report {
    Report { case: "01ARZ3NDEKTSV4RRFFQ69G5FAV".into(), ..report(|| "word".into(), ReadIn::PullRequest) }
}

/// Everything that GitHub's Markdown can do, and more.
fn options() -> Options<'static> {
    let mut options = Options::default();
    let extension = &mut options.extension;
    extension.strikethrough = true;
    extension.tagfilter = true;
    extension.table = true;
    extension.autolink = true;
    extension.tasklist = true;
    extension.footnotes = true;
    extension.description_lists = true;
    extension.multiline_block_quotes = true;
    extension.alerts = true;
    extension.math_dollars = true;
    extension.math_code = true;
    extension.wikilinks_title_after_pipe = true;
    extension.underline = true;
    extension.spoiler = true;
    extension.superscript = true;
    options
}

/// What a document is made of: the shape of every node, without what stands in code; and all text outside of code.
fn shape(markdown: &str) -> (Vec<String>, String) {
    fn visit<'a>(node: &'a AstNode<'a>, into: &mut Vec<String>, text: &mut String) {
        let value = node.data.borrow().value.clone();
        match &value {
            NodeValue::Text(own) => text.push_str(own),
            NodeValue::Code(_) => into.push("code".to_owned()),
            NodeValue::CodeBlock(block) => into.push(format!("block {}", block.info)),
            NodeValue::Link(link) => into.push(format!("link {}", link.url)),
            NodeValue::List(_) => into.push("list".to_owned()),
            NodeValue::Item(_) => into.push("item".to_owned()),
            NodeValue::Heading(heading) => into.push(format!("heading {}", heading.level)),
            other => into.push(format!("{other:?}")),
        }
        if !matches!(value, NodeValue::Text(_)) {
            text.push('\n');
        }
        node.children().for_each(|child| visit(child, into, text));
    }
    let arena = Arena::new();
    let (mut nodes, mut text) = (Vec::new(), String::new());
    visit(parse_document(&arena, markdown, &options()), &mut nodes, &mut text);
    (nodes, text)
}

/// Pieces of which attacks are made, and between them anything.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "`",
        "``",
        "```",
        "~~~",
        "\n",
        "\n\n",
        "\r",
        "\r\n",
        "\t",
        "    ",
        "|",
        "|-|-|",
        "\\",
        "\\`",
        "*",
        "**",
        "_",
        "#",
        "# ",
        "- ",
        "1. ",
        "> ",
        "[",
        "](",
        ")",
        "![",
        "<",
        ">",
        "<img src=x>",
        "<!--",
        "-->",
        "<script>",
        "&lt;",
        "&#64;",
        "@",
        "@acme/all",
        "@octocat",
        "#1",
        "GH-1",
        "acme/shop#1",
        "https://evil.example",
        "www.evil.example",
        "mailto:a@evil.example",
        "a@evil.example",
        "://",
        "javascript:",
        "fixes #1",
        "Closes: ",
        "Co-authored-by: E <e@evil.example>",
        "[skip ci]",
        "***NO_CI***",
        ":tada:",
        "deadbeefcafe0123",
        "0123456789",
        "$",
        "$$",
        "$`",
        "`$",
        "==",
        "---",
        "===",
        "[^1]",
        "[x]",
        "[[w]]",
        "||",
        "\u{202e}",
        "\u{200b}",
        "\u{0}",
        "\u{1b}[2J",
        "\u{85}",
        "\u{2028}",
        "é",
        "word",
        " ",
        "/close",
        "!1",
        "www",
        ".",
        ":",
        "-",
        "1",
        "a",
    ]);
    prop_oneof![
        4 => prop::collection::vec(pieces, 0..14).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
        1 => (prop::sample::select(vec!["`", "~", "[", "$", "\\", "<"]), 1usize..400).prop_map(|(mark, count)| mark.repeat(count)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    /// Whatever strangers say, the document has the shape that it has where they say a harmless word, and says the same around it.
    #[test]
    fn no_stranger_changes_a_page(texts in prop::collection::vec(hostile(), 1..30), is_pull: bool) {
        let read_in = if is_pull { ReadIn::PullRequest } else { ReadIn::Branch };
        let mut next = texts.iter().cycle();
        // An empty text is told in words, not in code.
        let said = |text: &String| if text.chars().all(|c| c.is_whitespace()) { "word".to_owned() } else { text.clone() };
        let hostile = report(|| said(next.next().unwrap()), read_in);
        let usual = report(|| "word".to_owned(), read_in);
        let markdown = body(&hostile);
        prop_assert!(markdown.chars().count() <= 60_000);
        let is_visible = |c: char| c == '\n' || c == '\t' || !c.is_control() && !"\u{202e}\u{200b}\u{2028}".contains(c);
        prop_assert!(markdown.chars().all(is_visible));
        let ((mut nodes, mut text), (mut usual_nodes, mut usual_text)) = (shape(&markdown), shape(&body(&usual)));
        // A patch that is no text to be shown is said to be so.
        if !nodes.contains(&"block diff".to_owned()) {
            let mut long = usual.clone();
            long.change.patch = "x\n".repeat(1_000);
            (usual_nodes, usual_text) = shape(&body(&long));
        }
        // A detail of white space is none at all.
        nodes.retain(|node| node != "SoftBreak");
        usual_nodes.retain(|node| node != "SoftBreak");
        prop_assert_eq!(&nodes, &usual_nodes, "{}", markdown);
        text.retain(|c| c != '\n');
        usual_text.retain(|c| c != '\n');
        prop_assert_eq!(text, usual_text);
        let links: Vec<_> = nodes.iter().filter(|node| node.starts_with("link")).collect();
        prop_assert_eq!(links, [&format!("link {LINK}")], "the operator's, and no other");
        prop_assert!(!nodes.iter().any(|node| node.contains("Image") || node.contains("Html")));
    }

    /// In a title and a message a forge finds nothing to act on, and git no trailer.
    #[test]
    fn no_stranger_speaks_to_a_machine(texts in prop::collection::vec(hostile(), 1..30)) {
        let mut next = texts.iter().cycle();
        let report = report(|| next.next().unwrap().clone(), ReadIn::PullRequest);
        let (title, message) = (title(&report), commit_message(&report));
        prop_assert!(title.chars().count() <= 256 && message.len() <= 8_000);
        prop_assert!(!title.contains('\n') && title.starts_with("Negawatt: "));
        for pattern in [
            r"[@#`\[\]<>*]", "://", r"(?i)www\.", r"\b[0-9a-fA-F]{7,64}\b", r"(?i)\bgh-[0-9]", r"[A-Za-z]-[0-9]", r":[a-z0-9_+-]+:",
            r"(?i)(mailto|xmpp|javascript):\S", r"[!$&~^][0-9]", "[\u{202e}\u{200b}\u{2028}\u{0}\u{1b}]",
        ] {
            let pattern = Regex::new(pattern).unwrap();
            prop_assert!(!pattern.is_match(&title), "{pattern}: {title}");
            prop_assert!(!pattern.is_match(&message), "{pattern}: {message}");
        }
        let lines: Vec<_> = message.lines().collect();
        let (last, rest) = lines.split_last().unwrap();
        prop_assert!(last.starts_with("This is for the case "));
        prop_assert_eq!(rest.last(), Some(&""));
        let begins = |line: &str| ["Negawatt: ", "In the service ", "The ", "Expected saving: "].iter().any(|own| line.starts_with(own));
        prop_assert!(rest.iter().all(|line| line.is_empty() || begins(line)), "{message}");
    }
}

#[test]
fn a_reader_is_told_everything() {
    let mut report = harmless();
    report.service = "checkout".into();
    report.symptom.as_mut().unwrap().metric = "cpu_seconds_per_request".into();
    let cause = report.cause.as_mut().unwrap();
    (cause.kind, cause.id) = ("commit".into(), "4f1c".repeat(10));
    cause.author = Some("Ada <ada@example.com>".into());
    report.change.strategy = "cache the parsed price list".into();
    report.change.patch = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n".into();
    let markdown = body(&report);
    for told in [
        "## What got worse",
        "The metric `cpu_seconds_per_request` went from **0.0121** to **0.0135** (+11.6\u{202f}%), since **2025-11-19 07:10 UTC**",
        "▲ 2025-11-19 07:10 UTC",
        "## What it costs\n\nAbout **8900 cores, 40.05\u{202f}kW**",
        "## Why this change is the cause\n\nThe `commit` `4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c` (`word`), by `Ada <ada@example.com>`, landed 2025-11-19 05:26 UTC.",
        "probability of **93\u{202f}%**",
        "(`word`, log odds 2.1)",
        "- and 8 more\n",
        "## Evidence\n\n- `word`: from 3.1\u{202f}% to 9.4\u{202f}% of the CPU samples",
        "## What the patch does, and how it was checked\n\n`cache the parsed price list` (made by `word`)",
        "- `word`: 3 lines added, 1 line removed",
        "```diff\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n```\n",
        "- `word`: passed, `word`\n",
        "- approved for submission by `word`",
        "## Expected saving\n\nFrom 4000 cores, 18\u{202f}kW to 8900 cores, 40.05\u{202f}kW.",
        "## Not your change, or not the cause?\n\nClose this pull request, and say why in a comment, such as *not me*.",
        "This is proposal 1 of the case `01ARZ3NDEKTSV4RRFFQ69G5FAV`: [all that is known of it](https://negawatt.example/cases/01ARZ3NDEKTSV4RRFFQ69G5FAV).\n",
    ] {
        assert!(markdown.contains(told), "{told}\n\n{markdown}");
    }
    assert_eq!(
        title(&report),
        "Negawatt: cache the parsed price list (checkout: cpu_seconds_per_request +11.6\u{202f}%)"
    );
    assert_eq!(
        commit_message(&report),
        "Negawatt: cache the parsed price list\n\n\
         In the service checkout the metric cpu_seconds_per_request went from 0.0121 to 0.0135 (+11.6\u{202f}%), since 2025-11-19 07:10 UTC.\n\
         The commit 4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c of Ada ‹ada＠example.com› is the cause (93\u{202f}%).\n\
         Expected saving: 4000 cores, 18\u{202f}kW to 8900 cores, 40.05\u{202f}kW.\n\n\
         This is for the case 01ARZ3NDEKTSV4RRFFQ69G5FAV, as its proposal 1.\n"
    );
}

#[test]
fn what_is_not_known_is_said_to_be_so() {
    let report = Report {
        symptom: None,
        cost: None,
        cause: None,
        saving: None,
        link: Some("javascript:alert(1)".into()),
        read_in: ReadIn::Branch,
        ..harmless()
    };
    let mut report = report;
    report.change.approved_by = None;
    let markdown = body(&report);
    for told in [
        "## What can be better",
        "Unknown: nobody has told",
        "## Expected saving\n\nUnknown.",
        "Delete the branch.",
        "without a person's approval",
    ] {
        assert!(markdown.contains(told), "{told}\n\n{markdown}");
    }
    assert!(!markdown.contains("javascript") && !markdown.contains("cause with"), "{markdown}");
    assert_eq!(title(&report), "Negawatt: word (word)");
    assert!(commit_message(&report).contains("In the service word something can be better."));
}
