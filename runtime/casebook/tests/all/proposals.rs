//! Proposals: what may follow on what, what a case knows of them, what is learned, and which cases are like which.

use crate::common::*;
use negawatt_casebook::*;
use negawatt_host::Digest;

/// A case with a verdict.
fn ended(book: &Casebook) -> CaseLog {
    let mut log = book.open_case(opened("f")).unwrap();
    log.append(vec![concluded()]).unwrap();
    log
}

fn stage(log: &CaseLog) -> Stage {
    log.case().proposals.get(1).unwrap().stage()
}

#[test]
fn a_proposal_goes_from_stage_to_stage_and_is_read_as_it_was_written() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let mut log = ended(&book);
    let submitting =
        Event::Submitting(Submitting { proposal: 1, what: "push it".into(), submission: Some("all of it".into()) });
    let window = negawatt_host::model::Window { start: 1, end: 2 };
    let recovery = Recovery { window, level: 0.1, part: 0.9, saved: Some(Cost { cores: 3.0, watts: 4.0 }) };
    let course = [
        (proposed(1), Stage::Proposed, true),
        (examined(1, Passed::No), Stage::Withheld, false),
        (examined(1, Passed::Yes), Stage::Waiting, true),
        (Event::Told(Told { proposal: 1 }), Stage::Waiting, true),
        (reviewed(1, Decision::Rejected(Rejection::Risky)), Stage::Rejected, false),
        (reviewed(1, Decision::Approved), Stage::Approved, true),
        (submitting, Stage::Approved, true),
        (submitted(1), Stage::Submitted, true),
        (became(Some(1), Became::Merged), Stage::Merged, true),
        (became(Some(1), Became::Unmeasured), Stage::Merged, false),
        (became(Some(1), Became::Recovered(recovery)), Stage::Merged, false),
        (became(Some(1), Became::WrongCulprit), Stage::Closed, false),
    ];
    for (event, expected, may_move) in course {
        log.append(event).unwrap();
        assert_eq!(stage(&log), expected);
        assert_eq!(book.proposing(false).unwrap(), [log.case().id]);
        assert_eq!(!book.proposing(true).unwrap().is_empty(), may_move, "{expected}");
    }
    let written = log.case().clone();
    log.release().unwrap();
    let read = book.load(&written.id).unwrap();
    // A number that is none is not equal to itself.
    let text = |case: &Case| format!("{:?}", case.proposals);
    assert_eq!(text(&read), text(&written));
    let proposal = &read.proposals.all[0];
    assert_eq!((&*proposal.intents, proposal.submission.as_deref()), (&["push it".to_owned()][..], Some("all of it")));
    assert!(book.for_tenant("other").proposing(false).unwrap().is_empty());
}

#[test]
fn what_cannot_follow_is_refused_and_leaves_no_trace() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let mut open = book.open_case(opened("open")).unwrap();
    assert!(open.append(proposed(1)).unwrap_err().to_string().contains("no verdict"));
    let mut log = ended(&book);
    let refused = |log: &mut CaseLog, event: Event, why: &str| {
        let before = log.case().clone();
        let error = log.append(event).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert_eq!(format!("{:?}", log.case()), format!("{before:?}"));
    };
    refused(&mut log, examined(1, Passed::Yes), "no proposal 1");
    refused(&mut log, became(Some(1), Became::Merged), "no proposal 1");
    refused(&mut log, Event::Told(Told { proposal: 1 }), "no proposal 1");
    log.append(proposed(1)).unwrap();
    refused(&mut log, proposed(1), "already");
    refused(&mut log, reviewed(1, Decision::Approved), "is proposed");
    log.append(examined(1, Passed::No)).unwrap();
    refused(&mut log, reviewed(1, Decision::Approved), "is withheld");
    refused(&mut log, submitted(1), "only an approved one");
    log.append(examined(1, Passed::Yes)).unwrap();
    refused(&mut log, submitted(1), "is waiting");
    log.append(vec![reviewed(1, Decision::Approved), submitted(1)]).unwrap();
    refused(&mut log, examined(1, Passed::Yes), "was submitted");
    refused(&mut log, reviewed(1, Decision::Approved), "is submitted");
    // Of the case itself something may become at any time.
    log.append(became(None, Became::NotARegression)).unwrap();
    assert_eq!(log.case().proposals.outcomes.len(), 1);
}

fn resolved(functions: &[&str], text: &str, strategy: &str, time: i64) -> Resolved {
    let traits = Traits {
        kind: "commit step".into(),
        functions: functions.iter().map(|name| (*name).to_owned()).collect(),
        languages: vec!["rs".into()],
        strategies: Some(strategy.to_owned()).filter(|strategy| !strategy.is_empty()).into_iter().collect(),
        text: text.into(),
    };
    let tried = vec![Tried { strategy: strategy.to_owned(), outcome: "merged".to_owned() }];
    let (summary, outcome) = (format!("about {text}"), "merged".to_owned());
    Resolved { service: "cart".into(), traits, summary, tried, outcome, said: Vec::new(), time }
}

/// A case of which something became, with what is learned of it.
fn learn(book: &Casebook, stood: Vec<Stood>, precedent: Option<Resolved>) -> CaseId {
    let mut log = ended(book);
    let mut batch = Batch::from(became(None, Became::NotARegression));
    batch.learn(Learned { stood, precedent });
    log.append(batch).unwrap();
    log.case().id
}

#[test]
fn precedents_are_found_by_what_they_have_in_common() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let price = learn(&book, Vec::new(), Some(resolved(&["cart::price", "cart::total"], "cart is slow", "memoize", 1)));
    let log = learn(&book, Vec::new(), Some(resolved(&["log::write"], "too many lines", "logging-sampling", 2)));
    let found_with = |functions: &[&str], text: &str, strategy: &str| {
        let traits = resolved(functions, text, strategy, 0).traits;
        let found = book.precedents(&traits, None, 5).unwrap();
        assert!(found.is_sorted_by(|a, b| a.similarity >= b.similarity), "{found:#?}");
        assert!(found.iter().all(|one| (0.0..=1.0).contains(&one.similarity)));
        found.into_iter().map(|one| (one.case, one.similarity)).collect::<Vec<_>>()
    };
    let found = |functions: &[&str], text: &str| found_with(functions, text, "");
    let first = found_with(&["cart::price", "cart::total"], "cart is slow", "memoize");
    assert_eq!((first[0].0, first.len()), (price, 2));
    assert!((first[0].1 - 1.0).abs() < 1e-9 && first[1].1 < 0.5, "{first:?}");
    assert_eq!(found(&["log::write"], "slow")[0].0, log);
    // What was proposed finds it, too.
    let by_strategy = |strategy: &str| found_with(&[], "", strategy)[0];
    assert_eq!((by_strategy("memoize").0, by_strategy("logging-sampling").0), (price, log));
    assert!((by_strategy("memoize").1 - by_strategy("revert").1 - 0.1).abs() < 1e-9, "it counts a tenth");
    // What somebody else resolved is theirs.
    assert!(
        book.for_tenant("other").precedents(&resolved(&["cart::price"], "", "", 0).traits, None, 5).unwrap().is_empty()
    );
    // No text is a query of its own.
    for hostile in ["\" OR words MATCH \"x", "NEAR(a b)", "words:cart", "a*", "-cart", "\u{0}", "((", "^cart AND NOT x"]
    {
        found(&[hostile], hostile);
    }
    assert!(book.precedents(&Traits::default(), None, 5).unwrap().is_empty());
    assert!(book.precedents(&resolved(&["cart::price"], "", "", 0).traits, None, 0).unwrap().is_empty());
}

#[test]
fn what_is_learned_of_a_case_anew_takes_the_place_of_what_was() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let stood =
        |skill: &str, share| Stood { skill: skill.into(), digest: Digest::of(skill.as_bytes()), time: 3, share };
    let id = learn(&book, vec![stood("a@1.0.0", 1.0), stood("b@1.0.0", 0.0)], Some(resolved(&["f"], "x", "revert", 1)));
    assert_eq!(book.stood().unwrap().len(), 2);
    let mut log = book.resume(&id).unwrap();
    let mut batch = Batch::from(became(None, Became::WrongCulprit));
    batch.learn(Learned { stood: vec![stood("a@1.0.0", 0.0)], precedent: None });
    log.append(batch).unwrap();
    assert_eq!(book.stood().unwrap(), [stood("a@1.0.0", 0.0)]);
    assert!(book.precedents(&resolved(&["f"], "x", "", 0).traits, None, 5).unwrap().is_empty());
    assert!(book.for_tenant("other").stood().unwrap().is_empty());
}

/// The words of whoever turned a proposal down find the case again, and cost it nothing where they are not met.
#[test]
fn precedents_are_found_by_what_was_said_against_them() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let silent = resolved(&["f"], "one thing", "revert", 1);
    let told = Resolved { said: vec![said()], ..silent.clone() };
    let (silent, told) = (learn(&book, Vec::new(), Some(silent)), learn(&book, Vec::new(), Some(told)));
    let found = |text: &str| {
        let traits = Traits { text: text.into(), ..Traits::default() };
        let found = book.precedents(&traits, None, 5).unwrap();
        found.into_iter().map(|one| (one.case, one.similarity, one.resolved.said)).collect::<Vec<_>>()
    };
    let by_words = found("a cold cache");
    assert_eq!((by_words.len(), by_words[0].0, &by_words[0].2), (1, told, &vec![said()]), "{by_words:?}");
    assert!(by_words[0].1 > 0.05, "{by_words:?}");
    let [one, other] = &found("one thing")[..] else { panic!("both have it") };
    assert_eq!((one.1, [one.0, other.0].contains(&silent)), (other.1, true));
    // Of both texts together, more is common.
    let both = found("one thing with a cold cache");
    assert!(both[0].0 == told && both[0].1 > both[1].1, "{both:?}");
}

/// Who may know of some services hears of no others, however much alike they are.
#[test]
fn precedents_of_some_services_are_theirs_alone() {
    let folder = folder();
    let book = Casebook::open(folder.path()).unwrap();
    let of = |service: &str| Resolved { service: service.into(), ..resolved(&["f"], "slow", "revert", 1) };
    // More than are compared.
    for _ in 0..201 {
        learn(&book, Vec::new(), Some(of("ads")));
    }
    let cart = learn(&book, Vec::new(), Some(of("cart")));
    learn(&book, Vec::new(), Some(of("")));
    let found = |services: &[&str]| {
        let services = services.iter().map(|name| (*name).to_owned()).collect();
        let found = book.precedents(&of("").traits, Some(&services), 500).unwrap();
        found.into_iter().map(|one| one.case).collect::<Vec<_>>()
    };
    assert_eq!(found(&["cart", "mail"]), [cart]);
    assert!(found(&[]).is_empty() && found(&["' OR 1"]).is_empty());
    assert_eq!(found(&["ads"]).len(), 200);
    assert_eq!(book.precedents(&of("").traits, None, 500).unwrap().len(), 200);
}

/// Who decides of a proposal need not be told of it; what comes of the decision is another matter.
#[test]
fn a_proposal_knows_whether_somebody_was_told_since_it_was_decided_of() {
    let folder = folder();
    let mut log = ended(&Casebook::open(folder.path()).unwrap());
    log.append(vec![proposed(1), examined(1, Passed::Yes)]).unwrap();
    let told = |log: &CaseLog| log.case().proposals.all[0].told;
    assert!(!told(&log));
    log.append(Event::Told(Told { proposal: 1 })).unwrap();
    assert!(told(&log));
    let by = |by: Option<&str>| {
        let (by, text) = (by.map(str::to_owned), String::new());
        Event::Reviewed(Reviewed { proposal: 1, by, decision: Decision::Approved, text })
    };
    for (who, by_itself) in [(None, true), (Some("Ada"), false)] {
        log.append(by(who)).unwrap();
        assert_eq!((told(&log), log.case().proposals.all[0].went_by_itself()), (false, by_itself));
    }
}
