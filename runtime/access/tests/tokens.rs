//! Tokens: made, used, ended; and their file.

use std::os::unix::fs::PermissionsExt;

use negawatt_access::{Access, AccessError, Actor, NewToken, Outcome, Right, Role};
use negawatt_host::model::Timestamp;
use negawatt_store::Problem;
use rusqlite::Connection;
use tempfile::TempDir;

const NOW: Timestamp = 1_795_072_200_000_000;
const DAY: Timestamp = 86_400_000_000;

fn access() -> (TempDir, Access) {
    let folder = tempfile::tempdir().unwrap();
    let access = Access::open(folder.path()).unwrap();
    (folder, access)
}

fn ada() -> Actor {
    Actor { who: "ada".to_owned(), role: Some(Role::Admin), address: Some("192.0.2.1".to_owned()) }
}

fn new(name: &str, role: Role, expires: Option<Timestamp>) -> NewToken {
    NewToken { name: name.to_owned(), role, expires }
}

#[test]
fn a_token_is_who_has_it() {
    let (_folder, access) = access();
    let (token, secret) = access.create(&new(" ci ", Role::Operator, None), &ada(), NOW).unwrap();
    let text = secret.to_string();
    assert!(text.starts_with(&format!("ngw_{}_", token.id)) && text.len() == 4 + 12 + 1 + 64, "{text}");
    assert!(!format!("{secret:?} {token:?} {access:?}").contains(&text[20..]));
    let who = access.authenticate(&text, NOW).unwrap().unwrap();
    assert_eq!((who.name.as_str(), who.role, who.who()), ("ci", Role::Operator, format!("ci (ngw_{})", token.id)));
    assert!(who.may(Right::Operate) && !who.may(Right::Review));

    let (other, other_secret) = access.create(&new("ci", Role::Viewer, None), &ada(), NOW).unwrap();
    let swapped = format!("ngw_{}_{}", token.id, &other_secret.to_string()[17..]);
    let cut = &text[..text.len() - 1];
    let wrong = format!("{cut}{}", if text.ends_with('0') { '1' } else { '0' });
    for text in [
        &swapped,
        cut,
        &wrong,
        &format!("{text}0"),
        &format!(" {text}"),
        &text.replace("ngw_", "ngv_"),
        "ngw__",
        "",
        "ngw_é_é",
    ] {
        assert_eq!(access.authenticate(text, NOW).unwrap(), None, "{text}");
    }
    assert_eq!(
        access.list().unwrap().iter().map(|token| &token.id).filter(|id| [&token.id, &other.id].contains(id)).count(),
        2
    );
}

#[test]
fn nothing_on_the_disk_says_what_the_secret_is() {
    let (folder, access) = access();
    let (_, secret) = access.create(&new("ci", Role::Operator, None), &ada(), NOW).unwrap();
    access.authenticate(&secret.to_string(), NOW).unwrap().unwrap();
    let secret = &secret.to_string()[17..];
    let raw = negawatt_host::text::unhex(secret).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let holds = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
        assert!(!holds(secret.as_bytes()) && !holds(&raw), "{}", path.display());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn tokens_end() {
    let (folder, access) = access();
    let (expiring, secret) = access.create(&new("ci", Role::Operator, Some(NOW + DAY)), &ada(), NOW).unwrap();
    let secret = secret.to_string();
    assert!(access.authenticate(&secret, NOW + DAY - 1).unwrap().is_some());
    assert!(access.authenticate(&secret, NOW + DAY).unwrap().is_none());
    let is_valid = |now| access.is_valid(&expiring.id, now).unwrap();
    assert!(is_valid(NOW + DAY - 1) && !is_valid(NOW + DAY) && !access.is_valid("0123456789ab", NOW).unwrap());
    assert!(matches!(access.create(&new("ci", Role::Viewer, Some(NOW)), &ada(), NOW), Err(AccessError::Expired)));

    // Another process revokes it.
    let elsewhere = Access::open(folder.path()).unwrap();
    let revoked = elsewhere.revoke(&expiring.id, &ada(), NOW + 7).unwrap();
    assert_eq!(revoked.revoked, Some(NOW + 7));
    assert!(access.authenticate(&secret, NOW + 8).unwrap().is_none() && !is_valid(NOW + 8));
    assert!(matches!(access.revoke(&expiring.id, &ada(), NOW), Err(AccessError::Revoked(_))));
    let error = access.revoke(&secret, &ada(), NOW).unwrap_err();
    assert!(matches!(error, AccessError::NoSuchToken(_)) && !error.to_string().contains(&secret[17..]), "{error}");
    assert!(!access.list().unwrap()[0].is_valid(NOW + 8));
}

#[test]
fn use_is_noted_once_a_minute() {
    let (_folder, access) = access();
    let (_, secret) = access.create(&new("ci", Role::Viewer, None), &ada(), NOW).unwrap();
    let mut used = Vec::new();
    for second in [0, 1, 59, 60, 61, 119, 121] {
        access.authenticate(&secret.to_string(), NOW + second * 1_000_000).unwrap().unwrap();
        used.push((access.list().unwrap()[0].used.unwrap() - NOW) / 1_000_000);
    }
    assert_eq!(used, [0, 0, 0, 60, 60, 60, 121]);
}

#[test]
fn names_can_be_seen() {
    let (_folder, access) = access();
    for name in ["", "  ", "a\nb", "\u{202e}ci", &"x".repeat(65)] {
        assert!(
            matches!(access.create(&new(name, Role::Viewer, None), &ada(), NOW), Err(AccessError::Name)),
            "{name:?}"
        );
    }
    assert!(access.list().unwrap().is_empty() && access.newest(9).unwrap().is_empty());
}

#[test]
fn what_is_made_and_ended_is_in_the_log() {
    let (_folder, access) = access();
    let (token, secret) = access.create(&new("ci", Role::Operator, Some(NOW + DAY)), &ada(), NOW).unwrap();
    access.revoke(&format!("ngw_{}", token.id), &ada(), NOW + 1).unwrap();
    let log = access.newest(9).unwrap();
    let told: Vec<_> =
        log.iter().map(|recorded| (recorded.entry.action.as_str(), recorded.entry.object.as_str())).collect();
    let id = format!("ngw_{}", token.id);
    assert_eq!(told, [("token.create", id.as_str()), ("token.revoke", &id)]);
    let entry = &log[0].entry;
    assert_eq!(
        (entry.who.as_str(), entry.role, entry.outcome, entry.time),
        ("ada", Some(Role::Admin), Outcome::Done, NOW)
    );
    assert!(entry.detail.starts_with("operator for ci"), "{}", entry.detail);
    assert!(!format!("{log:?}").contains(&secret.to_string()[17..]));
}

#[test]
fn what_is_not_ours_newer_or_damaged_is_refused_as_it_is() {
    let (folder, access) = access();
    let file = access.file().to_owned();
    drop(access);
    let problem = || match Access::open(folder.path()) {
        Err(AccessError::Store { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(problem(), Problem::Newer { found: 99, known: 1 }));
    Connection::open(&file).unwrap().pragma_update(None, "application_id", 7).unwrap();
    assert!(matches!(problem(), Problem::Foreign("a list of tokens")));
    let text = "dear diary\n".repeat(1_000);
    std::fs::write(&file, &text).unwrap();
    assert!(matches!(problem(), Problem::Damaged(_)));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    let error = Access::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
}
