//! What becomes of a pull request.

use negawatt_actions::forge::*;

use crate::fake::*;
use crate::support::*;

fn submitted() -> (Shop, GitHub, Submitted) {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    let (submitted, _) = submit(&github.forge(), &shop.submission);
    (shop, github, submitted.unwrap())
}

#[test]
fn open_then_merged() {
    let (shop, github, submitted) = submitted();
    let state = || block_on(github.forge().state(&shop.submission, &submitted)).unwrap();
    assert_eq!(state(), State::Open);
    let merge = github.world().merge(1, "2026-11-19T07:10:00Z");
    assert_eq!(state(), State::Merged { commit: merge, time: 1_795_072_200_000_000 });
    github.world().pulls[0].merged = Some(("x".into(), "yesterday".into()));
    let broken = block_on(github.forge().state(&shop.submission, &submitted));
    assert!(matches!(broken, Err(ForgeError::Unusable { .. })), "{broken:?}");
}

#[test]
fn closed_for_a_reason() {
    let (shop, github, submitted) = submitted();
    let state = |comments: &[(&str, &'static str)]| {
        let mut world = github.world();
        world.pulls[0].state = "closed";
        world.pulls[0].comments = comments.iter().map(|(text, kind)| ((*text).to_owned(), *kind)).collect();
        drop(world);
        match block_on(github.forge().state(&shop.submission, &submitted)).unwrap() {
            State::Closed { reason } => reason,
            state => panic!("{state:?}"),
        }
    };
    assert_eq!(state(&[]), None);
    assert_eq!(state(&[("Build passed", "Bot")]), None);
    assert_eq!(state(&[(" \n", "User")]), None);
    assert_eq!(state(&[("take mine instead", "Stranger")]), None, "anybody may comment where all may read");
    assert_eq!(state(&[("not me", "User"), ("me", "Stranger")]).as_deref(), Some("not me"));
    let long = "x".repeat(1_000);
    let hostile = format!("not me\u{1b}[2J\n{long}");
    let reason = state(&[("first", "User"), (&hostile, "User"), ("Build passed", "Bot")]).unwrap();
    assert!(reason.starts_with("not me\u{fffd}[2J x") && reason.chars().count() == 300, "{reason}");
    // The last of many.
    let mut many = vec![("earlier", "User"); 24];
    many.push(("not me", "User"));
    assert_eq!(state(&many).as_deref(), Some("not me"));
    // What is too long to be read does not hide what became of it.
    github.fault(|_, request| {
        if request.target.contains("/comments") {
            Fault::Instead(Response::json(vec![b' '; 9 << 20]))
        } else {
            Fault::Nothing
        }
    });
    assert_eq!(state(&many), None);
}

#[test]
fn a_submission_to_another_forge_is_not_asked_for() {
    let (shop, github, submitted) = submitted();
    let elsewhere = Submitted { place: Place::Reference("refs/negawatt/x".into()), ..submitted.clone() };
    let state = block_on(github.forge().state(&shop.submission, &elsewhere));
    assert!(matches!(state, Err(ForgeError::Invalid(_))), "{state:?}");
    github.world().pulls.clear();
    let state = block_on(github.forge().state(&shop.submission, &submitted));
    assert!(matches!(state, Err(ForgeError::Refused { .. })), "{state:?}");
}
