//! Pages of cases that are put together here, read as a browser reads them.

use std::collections::HashMap;
use std::sync::Arc;

use html5gum::{DefaultEmitter, Token, Tokenizer};
use negawatt_casebook::{AnswerRef, End, Verdict};
use negawatt_host::model::changes::Commit;
use negawatt_host::model::{
    Candidate, Dismissal, DismissalReason, FunctionShift, Impact, IncidentKind, Opportunity, Other, Shape,
};
use negawatt_host::{Digest, Kind, Status, Tool};

use super::super::proposals_tests::mitigation;
use super::super::tests::{HOUR, case, change, everywhere, explain, post, recorded, says, step, suspect};
use super::*;
use negawatt_planner::Recorded;

fn shown(case: &Case, record: &Record, pictures: &Pictures) -> String {
    page(case, record, pictures).unwrap()
}

/// A start tag with its attributes.
#[derive(Debug, Clone, PartialEq)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
}

/// The elements of a page, and its texts.
fn read(page: &str) -> (Vec<Element>, Vec<String>) {
    let mut emitter = DefaultEmitter::<()>::default();
    emitter.naively_switch_states(true);
    let (mut elements, mut texts) = (Vec::new(), Vec::new());
    for token in Tokenizer::new_with_emitter(page, emitter) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        match token.unwrap() {
            Token::StartTag(tag) => elements.push(Element {
                name: text(&tag.name),
                attributes: tag.attributes.iter().map(|(name, value)| (text(name), text(value))).collect(),
            }),
            Token::String(string) => texts.push(text(&string)),
            Token::Comment(comment) => panic!("a comment: {comment:?}"),
            Token::Error(error) => panic!("no HTML: {error:?}"),
            Token::EndTag(_) | Token::Doctype(_) => {}
        }
    }
    (elements, texts)
}

/// The elements and the names of their attributes: what templates make.
fn skeleton(elements: &[Element]) -> Vec<(&str, Vec<&str>)> {
    elements
        .iter()
        .map(|element| {
            let attributes = element.attributes.iter().map(|(name, _)| name.as_str()).collect();
            (element.name.as_str(), attributes)
        })
        .collect()
}

/// Nothing of a page is loaded from anywhere, runs, or leads away.
fn stands_alone(elements: &[Element]) {
    const NAMES: [&str; 48] = [
        "a",
        "article",
        "body",
        "button",
        "code",
        "dd",
        "desc",
        "details",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "footer",
        "h1",
        "h2",
        "h3",
        "head",
        "header",
        "html",
        "i",
        "input",
        "label",
        "li",
        "link",
        "main",
        "meta",
        "nav",
        "ol",
        "p",
        "path",
        "pre",
        "script",
        "section",
        "span",
        "strong",
        "style",
        "summary",
        "svg",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
    ];
    for element in elements {
        assert!(NAMES.contains(&element.name.as_str()), "{element:?}");
        for (name, value) in &element.attributes {
            assert!(!name.starts_with("on"), "{element:?}");
            match name.as_str() {
                "href" => assert!(value.starts_with('#') || value == "data:,", "{element:?}"),
                "src" | "srcset" | "action" | "formaction" | "xlink:href" | "background" | "poster" | "data"
                | "srcdoc" => {
                    panic!("{element:?} loads something")
                }
                "style" => {
                    let plain = |c: char| c.is_ascii_alphanumeric() || "-:;.%".contains(c);
                    assert!(value.chars().all(plain), "{element:?}");
                }
                _ => {}
            }
        }
    }
    let scripts = elements.iter().filter(|element| element.name == "script");
    assert!(scripts.clone().all(|script| script.attributes.is_empty()) && scripts.count() <= 1);
}

/// A case with everything that a page can show, all of whose texts are this one.
fn full(text: &str) -> (Case, Record, Pictures) {
    let (mut case, mut record) = everywhere(text);
    let own = || text.to_owned();
    post(&mut case, change(70, 2.0, 1.5, Shape::Step), 0.9);
    let dismissal = Dismissal { reason: DismissalReason::Other, detail: own(), of: None };
    post(&mut case, FindingBody::Dismissal(dismissal), 0.3);
    let shift =
        FunctionShift { name: own(), before: 0.1, after: 0.3, self_before: 0.0, self_after: 0.1, p_value: 1e-6 };
    post(&mut case, FindingBody::FunctionShift(shift), 0.9);
    post(&mut case, suspect(text, Candidate::Commit, -1.5, text), 0.9);
    post(&mut case, mitigation(text, false), 0.5);
    let opportunity = Opportunity {
        name: own(),
        pattern: own(),
        files: vec![own()],
        share: 0.1,
        saving_low: 0.01,
        saving_high: 0.02,
    };
    post(&mut case, FindingBody::Opportunity(opportunity), 0.5);
    post(&mut case, FindingBody::Impact(Impact { cores: 1.0, watts: 2.0, basis: own() }), 0.5);
    post(&mut case, FindingBody::Other(Other { name: own(), data: own() }), 0.5);
    for posted in case.board.iter_mut().map(Arc::make_mut) {
        posted.evidence.finding.summary = own();
        posted.evidence.finding.because = vec![own(), "e1".to_owned()];
        posted.evidence.by = own();
        posted.tools = [Tool::Http].into();
    }
    step(&mut case, text, Kind::Note, Status::Ok, Some(text));
    for step in &mut case.steps {
        step.planned.reason = format!("{text}\n{text}");
        let call = Arc::make_mut(&mut step.calls[0]);
        call.log = vec![own()];
        let (request, response) = (Digest::of(b""), Digest::of(b""));
        let error = Some(format!("denied: {text}"));
        call.answers.push(AnswerRef { tool: Tool::Code, function: own(), request, response, error, wall_us: 1 });
    }
    if let Some(opened) = case.opened.as_mut().map(Arc::make_mut) {
        (opened.fingerprint, opened.host_version) = (own(), own());
    }
    if let Some(End::Concluded(concluded)) = &mut case.end {
        concluded.would_settle = Some(own());
    }
    let commit = Commit {
        id: own(),
        repository: own(),
        parents: Vec::new(),
        author: own(),
        author_time: 0,
        time: 49 * HOUR,
        subject: own(),
        body: own(),
        files: Vec::new(),
    };
    record.commits = HashMap::from([(own(), commit)]);
    let stack = format!("main;{}", text.replace(';', ","));
    let files =
        [(10 * HOUR, &[(stack.as_str(), 50), ("main;b", 50)][..]), (60 * HOUR, &[(&stack, 90), ("main;b", 10)])];
    let profiles = Profiles::of([profile::profile(&files)]);
    (case, record, Pictures { profiles, waves: vec![1, 1] })
}

const MARKUP: &str = "</title></style></script></textarea><script>alert(1)</script><img src=x onerror=alert(1)><svg/onload=alert(1)>\
    \" onmouseover=alert(1) x=\"' onfocus=alert(1) autofocus '`javascript:alert(1)`<!--<base href=//evil.example>\
    <a href=\"https://evil.example/\">&lt;b&gt;&#x3c;i&#x3e;]]>{{ 7*7 }}{% raw %}\u{1b}[2J\u{202e}\u{200b}\u{2028}\u{0}\u{feff}\u{e0041}\r\n日本";

#[test]
fn nothing_hostile_becomes_markup() {
    let (case, record, pictures) = full(MARKUP);
    let hostile = shown(&case, &record, &pictures);
    // Line feeds may make lines; nothing else of the text may make anything.
    let benign: String = MARKUP.chars().map(|c| if c == '\n' { c } else { 'x' }).collect();
    let (case, record, pictures) = full(&benign);
    let benign = shown(&case, &record, &pictures);
    let (elements, texts) = read(&hostile);
    assert_eq!(skeleton(&elements), skeleton(&read(&benign).0));
    stands_alone(&elements);
    let steers = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{200b}\u{2028}\u{feff}\u{e0041}".contains(c));
    assert!(!hostile.contains(steers));
    assert!(texts.iter().any(|text| text.contains("<script>alert(1)</script>")), "it is text, and can be read");
    assert_eq!(texts.iter().filter(|text| text.contains("replaceState")).collect::<Vec<_>>(), [policy::SCRIPT]);
}

#[test]
fn megabytes_of_text_are_cut() {
    let (case, record, pictures) = full(&"<&\"'\u{301}日".repeat(120_000));
    let page = shown(&case, &record, &pictures);
    assert!(page.len() < 500_000, "{} bytes", page.len());
}

#[test]
fn many_of_everything_are_bounded() {
    let mut case = case(Verdict::Regression, None);
    let id = post(&mut case, change(50, 1.0, 2.0, Shape::Step), 0.99);
    explain(&mut case, id);
    for n in 0..3_000 {
        post(&mut case, suspect(&format!("{n:040}"), Candidate::Commit, 1.0, &"reason ".repeat(40)), 0.9);
        post(&mut case, change(51 + n % 40, 2.0, 2.1, Shape::Step), 0.6);
        step(&mut case, "finder@1.0.0", Kind::Suspect, Status::Ok, None);
    }
    for n in 0..200 {
        post(&mut case, suspect(&format!("{:040}", 7), Candidate::Commit, 0.1, &format!("again {n}")), 0.9);
    }
    let page = shown(&case, &recorded(50), &Pictures { profiles: None, waves: vec![1; 3_000] });
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    for said in ["2970 more suspects", "more factors", "2800 more steps", "more; --json has all", "and 2900 more"] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn a_regression_tells_everything_in_order() {
    let mut case = case(Verdict::Regression, None);
    let explaining = post(&mut case, change(50, 1.1, 2.1, Shape::Step), 0.99);
    explain(&mut case, explaining);
    post(&mut case, change(20, 1.0, 0.9, Shape::Step), 0.8);
    let went_away =
        Dismissal { reason: DismissalReason::WentAway, detail: "it stayed for 3 days".into(), of: Some("e1".into()) };
    post(&mut case, FindingBody::Dismissal(went_away), 0.1);
    post(&mut case, suspect("4f1c4f1c4f1c4f1c", Candidate::Commit, 4.0, "it changes cart::price"), 0.9);
    post(&mut case, suspect("77aa77aa77aa77aa", Candidate::Commit, 1.0, "it landed near"), 0.9);
    post(&mut case, suspect("77aa77aa77aa77aa", Candidate::Commit, -0.5, "it is only text"), 0.9);
    Arc::make_mut(case.board.last_mut().unwrap()).evidence.finding.because = vec!["e1".into(), "e9".into()];
    Arc::make_mut(&mut case.board[4]).tools = [Tool::Changes, Tool::Code].into();
    step(&mut case, "change-finder@1.0.0", Kind::ChangePoint, Status::Ok, None);
    step(&mut case, "broken@1.0.0", Kind::Suspect, Status::Error, Some("no source is configured"));
    case.steps[0].planned.reason = "did it change?".into();
    Arc::make_mut(case.opened.as_mut().unwrap()).config.path = Some("/home/ada/secret/shop.toml".into());
    let files =
        [(0, &[("main;price", 20), ("main;tax", 80)][..]), (60 * HOUR, &[("main;price", 60), ("main;tax", 40)])];
    let profiles = Profiles::of([profile::profile(&files)]);
    let page = shown(&case, &recorded(50), &Pictures { profiles, waves: vec![1, 1] });
    let (elements, texts) = read(&page);
    stands_alone(&elements);
    let parts = [
        "checkout CPU up",
        "regression",
        ", 90 % sure: it got worse",
        "most likely caused by ",
        "commit 4f1c4f1c4f1c",
        "Change",
        "+90.9 %",
        "1.1 → 2.1",
        "p = 1.0e-9",
        "What to do next",
        "git show 4f1c4f1c4f1c",
        "The series",
        "Other changes in the window",
        "1970-01-01 20:00",
        "in the direction that does not hurt",
        "Reasons why it might be no regression",
        "it stayed for 3 days",
        "Functions",
        "Before: 100 samples in 1 profile that begins at 1970-01-01 00:00",
        "price",
        "Suspects",
        "natural logarithm",
        "commit 4f1c4f1c4f1c",
        "Ada <ada@example.com>",
        "src/cart.rs",
        "+4.0",
        "it changes cart::price",
        "finder@1.0.0",
        "together, which makes",
        "+1.0",
        "it landed near",
        "−0.5",
        "it is only text",
        "none of these",
        "Considered and ruled out",
        "The plan as it ran",
        "Wave 1: did it change?",
        "change-finder@1.0.0",
        "found nothing",
        "Wave 2",
        "broken@1.0.0",
        "no source is configured",
        "Evidence",
        "finder@1.0.0",
        "changes, code",
        "The record",
        "01M85CZ2EARPN0D8J5FDXQE8P6",
        "negawatt case show 01M85CZ2EARPN0D8J5FDXQE8P6 --config shop.toml",
    ];
    assert!(!page.contains("/home/ada"), "where it was made is nobody's business");
    says(&texts.join("\n"), &parts);
    let of = |name: &str| elements.iter().filter(|element| element.name == name).collect::<Vec<_>>();
    let value = |element: &Element, wanted: &str| {
        element.attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
    };
    assert_eq!(of("h1").len(), 1);
    // Every link leads to a place of the page; what is not on the board is no link.
    let ids: Vec<_> = elements.iter().filter_map(|element| value(element, "id")).collect();
    for link in of("a") {
        let to = value(link, "href").unwrap();
        assert!(ids.contains(&to[1..].to_owned()), "{to} leads nowhere");
    }
    assert!(of("a").iter().filter(|link| value(link, "href").as_deref() == Some("#e-0")).count() >= 1);
    let mut unique = ids.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "no id is there twice");
    let frames: Vec<_> = elements.iter().filter_map(|element| value(element, "title")).collect();
    assert!(
        frames.contains(&"price: 20.0 % → 60.0 %, +40.0 points; by itself 20.0 % → 60.0 %".to_owned()),
        "{frames:?}"
    );
}

#[test]
fn factors_that_do_not_add_up_are_explained() {
    let mut case = case(Verdict::Regression, None);
    let id = post(&mut case, change(50, 1.0, 2.0, Shape::Step), 0.99);
    explain(&mut case, id);
    for (step, tools) in [("a", [Tool::Changes]), ("b", [Tool::Changes])] {
        post(&mut case, suspect("4f1c4f1c4f1c4f1c", Candidate::Commit, 2.0, "it landed then"), 0.9);
        let posted = Arc::make_mut(case.board.last_mut().unwrap());
        (posted.step, posted.tools) = (step.to_owned(), tools.into());
    }
    let page = shown(&case, &recorded(50), &Pictures::default());
    says(&read(&page).1.join("\n"), &["88 %", "+2.0", "+2.0", "+2.0", "which makes 88 %; the factors add up to +4.0"]);
}

#[test]
fn every_verdict_has_a_page_without_pictures() {
    let dismissed = case(Verdict::Dismissed, Some(DismissalReason::Seasonal));
    let mut inconclusive = case(Verdict::Inconclusive, None);
    if let Some(End::Concluded(concluded)) = &mut inconclusive.end {
        concluded.would_settle = Some("nobody knows whether the metric changed".into());
    }
    let mut opportunity = case(Verdict::Opportunity, None);
    if let Some(opened) = opportunity.opened.as_mut().map(Arc::make_mut) {
        (opened.incident.kind, opened.incident.metric) = (IncidentKind::Opportunity, None);
    }
    let mut open = case(Verdict::Regression, None);
    open.end = None;
    let nothing = Case::new(open.id);
    for (case, parts) in [
        (dismissed, ["dismissed", "it is so", "nothing to do"]),
        (inconclusive, ["inconclusive", "nobody knows whether the metric changed", "negawatt doctor"]),
        (opportunity, ["checkout CPU up", "opportunity", "it could be better"]),
        (open, ["none yet", "What to do next", "negawatt case resume"]),
        (nothing, ["An incident", "none yet", "None was found."]),
    ] {
        let page = shown(&case, &Record::default(), &Pictures::default());
        let (elements, texts) = read(&page);
        stands_alone(&elements);
        says(&texts.join("\n"), &parts);
        assert!(elements.iter().all(|element| element.name != "svg" && element.name != "script"), "{page}");
    }
}

#[test]
fn a_hundred_thousand_values_are_a_small_page() {
    let mut case = case(Verdict::Regression, None);
    let id = post(&mut case, change(50, 1.0, 2.0, Shape::Step), 0.99);
    explain(&mut case, id);
    let (times, values) = (0..100_000)
        .map(|n: i64| {
            (n * HOUR / 1000, f64::from((n * 7919 % 1000) as i32) / 500.0 + if n < 50_000 { 0.0 } else { 1.0 })
        })
        .unzip();
    let record = Record { series: Some(Recorded { times, values }), ..Record::default() };
    let page = shown(&case, &record, &Pictures::default());
    assert!(page.len() < 100_000, "{} bytes", page.len());
    says(&read(&page).1.join("\n"), &["100000 values, times in UTC. The line is the median of each column"]);
}

#[test]
fn templates_escape_all_but_the_style_and_the_script() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut trusted = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "html") {
            let printed = text.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap().trim());
            trusted.extend(printed.filter(|printed| printed.contains("safe")).map(str::to_owned));
            assert!(!text.contains("autoescape") && !text.contains("{% filter"), "{}", path.display());
        }
    }
    trusted.sort();
    assert_eq!(trusted, ["css|safe", "css|safe", "script|safe"]);
}
