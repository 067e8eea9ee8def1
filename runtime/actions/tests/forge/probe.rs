//! Whether a forge would take a proposal, as far as it tells without anything being written.

use negawatt_actions::forge::*;

use crate::fake::*;
use crate::git;
use crate::support::*;

fn probe(forge: &dyn Forge, shop: &Shop, branch: &str) -> Result<String, ForgeError> {
    block_on(forge.probe(&shop.local.0, branch))
}

#[test]
fn a_git_remote() {
    for format in ["sha1", "sha256"] {
        let shop = Shop::of_format(format);
        let before = (shop.local.files(), shop.remote.files());
        let forge = git::forge(&shop);
        assert_eq!(probe(&forge, &shop, "main").unwrap(), shop.submission.base);
        assert!(matches!(probe(&forge, &shop, "release"), Err(ForgeError::NoTarget { .. })));
        assert!((shop.local.files(), shop.remote.files()) == before, "nothing is written");
        let nowhere = GitSettings::new(shop.folder.path().join("nowhere").to_str().unwrap());
        let away = probe(&GitForge::configure(nowhere).unwrap(), &shop, "main");
        assert!(matches!(&away, Err(ForgeError::Unavailable { what, .. }) if what.contains("nowhere")), "{away:?}");
    }
}

#[test]
fn github() {
    let shop = Shop::new();
    let github = GitHub::of(&shop);
    assert_eq!(probe(&github.forge(), &shop, "main").unwrap(), shop.submission.base);
    assert_eq!(github.asked(), ["GET ", "GET git/ref/heads%2Fmain", "GET pulls"]);
    assert!(matches!(probe(&github.forge(), &shop, "release"), Err(ForgeError::NoTarget { .. })));
    let refused = |says: &str| {
        let error = probe(&github.forge(), &shop, "main").unwrap_err();
        assert!(matches!(&error, ForgeError::Refused { what, .. } if what.contains(says)), "{says}: {error}");
    };
    github.world().may_write = false;
    refused("ask for the role Write");
    github.world().may_write = true;
    github.world().is_archived = true;
    refused("archived");
    github.world().is_archived = false;
    // Each question may be refused; every token can read what is public.
    for (path, status, says) in [
        ("/shop", 401, "renew it"),
        ("/shop", 404, "may not see it"),
        ("/heads%2Fmain", 403, "organisations"),
        ("/pulls", 403, "pull requests"),
    ] {
        github.fault(move |_, request| match request.target.split('?').next().unwrap().ends_with(path) {
            true => Fault::Instead(error(status, "no")),
            false => Fault::Nothing,
        });
        refused(says);
    }
    assert!(github.asked().iter().all(|asked| asked.starts_with("GET ")));
}

#[test]
fn nobody_waits_for_a_github_that_asks_for_patience() {
    for status in [429, 503] {
        let shop = Shop::new();
        let github = GitHub::of(&shop);
        github.fault(move |_, _| Fault::Instead(error(status, "later")));
        let failed = probe(&github.forge(), &shop, "main").unwrap_err();
        assert!(failed.is_transient(), "{failed}");
        assert_eq!((github.asked().len(), github.waited()), (1, vec![]));
    }
}
