//! A proposal that was approved anew after its submission had begun: what that left is not in the way, and nobody else's work is lost.

use negawatt_actions::forge::*;

use crate::fake::GitHub;
use crate::support::*;
use crate::{git, github};

/// The shop's proposal in other words, and how it was first.
fn anew(shop: &mut Shop) -> [Submission; 1] {
    let first = shop.submission.clone();
    shop.submission.message += "Approved again.\n";
    shop.submission.body += "Approved again.\n";
    [first]
}

fn submit_anew(forge: &dyn Forge, shop: &Shop, earlier: &[Submission]) -> Result<Submitted, ForgeError> {
    submit_after(forge, &shop.submission, earlier, |_, _| Ok(())).0
}

/// There is what is submitted, and nothing names what was there before.
fn is_submitted_anew(shop: &Shop, earlier: &[Submission]) {
    let submitted = submit_anew(&git::forge(shop), shop, earlier).unwrap();
    shop.remote.git(&["prune"]);
    git::is_submitted(shop, &submitted);
}

#[test]
fn what_is_left_at_a_git_remote_is_replaced() {
    // Nothing is there yet, the Markdown is, the branch is as well.
    for stops in [0, 1, 3] {
        let mut shop = Shop::new();
        let forge = git::forge(&shop);
        assert!(submit_with(&forge, &shop.submission, stop_after(stops)).0.is_err());
        let earlier = anew(&mut shop);
        let left = shop.remote.references();
        if stops > 0 {
            let stranger = submit_anew(&forge, &shop, &[]).unwrap_err();
            assert!(matches!(stranger, ForgeError::Taken { .. }), "{stranger}");
            assert_eq!(shop.remote.references(), left);
        }
        is_submitted_anew(&shop, &earlier);
    }
}

#[test]
fn stopped_again_it_goes_on_as_before() {
    for stops in 0..4 {
        let mut shop = Shop::new();
        let forge = git::forge(&shop);
        assert!(submit_with(&forge, &shop.submission, stop_after(3)).0.is_err());
        let earlier = anew(&mut shop);
        assert!(submit_after(&forge, &shop.submission, &earlier, stop_after(stops)).0.is_err());
        is_submitted_anew(&shop, &earlier);
    }
}

#[test]
fn what_somebody_changed_since_stays() {
    let mut shop = Shop::new();
    let forge = git::forge(&shop);
    assert!(submit_with(&forge, &shop.submission, stop_after(3)).0.is_err());
    let earlier = anew(&mut shop);
    let branch = format!("refs/heads/{}", shop.submission.branch());
    let more = || {
        let more = shop.remote.git(&["commit-tree", &format!("{branch}^{{tree}}"), "-p", &branch, "-m", "More"]);
        shop.remote.git(&["update-ref", &branch, &more]);
        more
    };
    // While it is pushed, and before.
    let mut tip = String::new();
    let (result, _) = submit_after(&forge, &shop.submission, &earlier, |_, progress| {
        if let Progress::About(Effect::Branch { .. }) = progress {
            tip = more();
        }
        Ok(())
    });
    for result in [result, submit_anew(&forge, &shop, &earlier)] {
        assert!(matches!(&result, Err(ForgeError::Taken { tip: found, .. }) if *found == tip), "{result:?}");
        assert_eq!(shop.remote.references()[&branch], tip);
    }
}

#[test]
fn another_proposal_is_no_earlier_one() {
    let mut shop = Shop::new();
    let forge = git::forge(&shop);
    let [other] = anew(&mut shop);
    let other = Submission { proposal: 2, ..other };
    submit(&forge, &other).0.unwrap();
    let branches = [shop.submission.branch(), other.branch()].map(|branch| format!("refs/heads/{branch}"));
    shop.remote.git(&["update-ref", &branches[0], &branches[1]]);
    let result = submit_anew(&forge, &shop, &[other]);
    assert!(matches!(result, Err(ForgeError::Taken { .. })), "{result:?}");
}

/// GitHub moves a branch wherever it is, so a person deletes it.
#[test]
fn what_is_left_on_github_is_told() {
    // The branch is there; the pull request is as well.
    for (stops, pulls) in [(3, 0), (5, 1)] {
        let mut shop = Shop::new();
        let github = GitHub::of(&shop);
        let forge = github.forge();
        assert!(submit_with(&forge, &shop.submission, stop_after(stops)).0.is_err());
        let earlier = anew(&mut shop);
        let left = shop.remote.references();
        let branch = format!("refs/heads/{}", shop.submission.branch());
        let result = submit_anew(&forge, &shop, &earlier);
        assert!(
            matches!(&result, Err(ForgeError::LeftBehind { reference, tip }) if *reference == branch && *tip == left[&branch]),
            "{result:?}"
        );
        assert_eq!((shop.remote.references(), github.world().pulls.len()), (left.clone(), pulls));
        shop.remote.git(&["update-ref", "-d", &branch]);
        if pulls > 0 {
            // As GitHub does where its branch is deleted.
            let mut world = github.world();
            world.pulls[0].sha = left[&branch].clone();
            world.close(1, "once more");
        }
        let submitted = submit_anew(&forge, &shop, &earlier).unwrap();
        github.world().pulls.drain(..pulls);
        github::is_submitted(&shop, &github, &submitted);
    }
}
