//! The user's repository is only read.

use negawatt_actions::guard::{Proposal, examine};

use super::support::*;

#[test]
fn nothing_of_the_users_changes_and_nothing_of_theirs_runs() {
    let (world, patch) = simple();
    let trap = world.folder().join("trap");
    let touch = format!("#!/bin/sh\ntouch {}\n", trap.display());
    // A repository in use: changed and staged files, hooks, programs in its settings, attributes that name a filter.
    let program = world.folder().join("program");
    executable(&program, &touch);
    for hook in ["post-checkout", "reference-transaction", "post-index-change", "pre-commit", "fsmonitor-watchman"] {
        executable(&world.checkout().join(".git/hooks").join(hook), &touch);
    }
    world.commit(&[(".gitattributes", "* filter=trap diff=trap\n")]);
    let program = program.display().to_string();
    for (key, value) in [
        ("core.fsmonitor", program.as_str()),
        ("filter.trap.smudge", &program),
        ("filter.trap.clean", &program),
        ("filter.trap.required", "true"),
        ("diff.trap.command", &program),
        ("diff.trap.textconv", &program),
        ("uploadpack.packObjectsHook", &program),
        ("core.alternateRefsCommand", &program),
        ("core.sshCommand", &program),
        ("core.pager", &program),
        ("core.untrackedCache", "true"),
        ("core.autocrlf", "true"),
        ("apply.whitespace", "error"),
    ] {
        world.git(&["config", key, value]);
    }
    world.write("README.md", "changed and not added\n");
    world.write("new.txt", "nobody knows it\n");
    world.write("src/cart.txt", "one\nTWO\nthree\n");
    world.git(&["-c", "filter.trap.clean=cat", "-c", "filter.trap.smudge=cat", "add", "src/cart.txt"]);
    let world = world.check(
        "look",
        &["sh", "-c", "test ! -e .git && grep -qx 2 src/cart.txt && ! grep TWO src/cart.txt && test ! -e new.txt"],
        |_| (),
    );
    let _ = std::fs::remove_file(&trap);
    let before = everything(world.checkout());
    let examined = world.examine(&patch, NAMED);
    assert!(examined.stands(), "{examined:?}");
    assert_eq!(everything(world.checkout()), before);
    assert!(!trap.exists(), "a program of the repository ran");
}

#[test]
fn a_command_cannot_write_to_the_checkout_even_where_everybody_may() {
    let (world, patch) = simple();
    let file = world.checkout().join("README.md");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    for folder in [world.folder(), world.checkout()] {
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    }
    let path = file.display().to_string();
    // Temporary folders are not even seen.
    let world = world.check("write", &["sh", "-c", "echo gotcha >> \"$0\"", &path], |_| ());
    let before = everything(world.checkout());
    failed(&world.examine(&patch, NAMED), "write");
    assert_eq!(everything(world.checkout()), before);
    let (world, patch) = simple();
    let world = world.check("writable", &["sh", "-c", "touch /var/tmp/negawatt /negawatt /usr/negawatt 2>&1; echo x > /tmp/x && echo x > \"$TMPDIR/x\" && echo x > \"$HOME/x\" && echo x > y && ! ls /var/tmp/negawatt /negawatt /usr/negawatt"], |_| ());
    let examined = world.examine(&patch, NAMED);
    assert!(examined.stands(), "{examined:?}");
    let output = of(&examined, "writable").output.clone().unwrap();
    assert_eq!(output.matches("Read-only file system").count(), 3, "{output}");
}

#[test]
fn the_branch_that_is_named() {
    let (mut world, patch) = simple();
    let tip = world.git(&["rev-parse", "HEAD"]).trim().to_owned();
    world.git(&["checkout", "--quiet", "-b", "other"]);
    let other = world.commit(&[("src/cart.txt", "one\nzwei\nthree\n")]);
    for (branch, base, applies) in [
        (None, &other, false),
        (Some("main"), &tip, true),
        (Some("refs/heads/main"), &tip, true),
        (Some("other"), &other, false),
    ] {
        world.repository.branch = branch.map(str::to_owned);
        let examined = world.examine(&patch, NAMED);
        assert_eq!(examined.base.as_ref(), Some(base), "{examined:?}");
        assert_eq!(examined.stands(), applies, "{branch:?}");
        assert_eq!(examined.tree.is_some(), applies);
    }
}

#[test]
fn a_branch_that_moved_since_the_patch_was_made() {
    let lines: String = (0..20).map(|line| format!("{line}\n")).collect();
    let world = World::new(&[("src/cart.txt", &lines)]);
    let patch = world.patch(&[("src/cart.txt", &lines.replace("\n10\n", "\nten\n"))]);
    let moved = world.commit(&[("src/cart.txt", &format!("new\n{lines}"))]);
    let examined = world.examine(&patch, NAMED);
    assert!(examined.stands() && examined.base.as_ref() == Some(&moved), "at another line: {examined:?}");
    let tree = world.git(&["rev-parse", "HEAD^{tree}"]);
    assert_ne!(examined.tree.as_deref(), Some(tree.trim()));
    world.commit(&[("src/cart.txt", &lines.replace("\n10\n", "\nzehn\n"))]);
    let examined = world.examine(&patch, NAMED);
    let why = &failed(&examined, "applies").detail;
    assert!(why.contains("git does not apply it") && why.contains("src/cart.txt"), "{why}");
}

#[test]
fn bare_repositories_worktrees_and_no_repository() {
    let (mut world, patch) = simple();
    let bare = world.folder().join("bare.git");
    world.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    let worktree = world.folder().join("work tree");
    world.git(&["worktree", "add", "--quiet", "--detach", worktree.to_str().unwrap()]);
    for path in [bare, worktree] {
        world.repository.path = path;
        let before = everything(world.folder());
        let examined = world.examine(&patch, NAMED);
        assert!(examined.stands(), "{examined:?}");
        let after = everything(world.folder());
        let scratch = |path: &std::path::Path| path.ends_with("scratch");
        assert!(
            before.iter().all(|(path, what)| scratch(path) || after.get(path) == Some(what))
                && before.len() == after.len()
        );
    }
    world.repository.branch = Some("gone".to_owned());
    let examined = world.examine(&patch, NAMED);
    assert!(failed(&examined, "applies").detail.contains("gone"), "{examined:?}");
    world.repository.branch = Some("--upload-pack=touch".to_owned());
    failed(&world.examine(&patch, NAMED), "applies");
    world.repository.branch = None;
    for path in ["nowhere", "scratch"] {
        world.repository.path = world.folder().join(path);
        let examined = world.examine(&patch, NAMED);
        let why = &failed(&examined, "applies").detail;
        assert!(why.contains("the repository") && why.contains(path), "{why}");
        assert_eq!((examined.base, examined.tree), (None, None));
    }
}

#[test]
fn a_repository_of_somebody_else() {
    let (world, patch) = simple();
    // Only root can give files away.
    if root() {
        for path in everything(world.checkout()).keys() {
            std::os::unix::fs::lchown(path, Some(12_345), Some(12_345)).unwrap();
        }
    }
    let examined = world.examine(&patch, NAMED);
    assert!(examined.stands(), "{examined:?}");
}

#[test]
fn nothing_is_written_into_the_repository() {
    let (world, patch) = simple();
    std::fs::create_dir(world.checkout().join("scratch")).unwrap();
    let proposal = Proposal { patch, files: ["src/cart.txt".to_owned()].into() };
    for (scratch, why) in [("checkout/scratch", "it is in the repository itself"), ("nowhere", "No such file")] {
        let before = everything(world.checkout());
        let scratch = world.folder().join(scratch);
        let examined = examine(&world.repository, &proposal, &world.launcher, &|_, _, _| Ok(()), &scratch);
        let detail = &failed(&examined, "applies").detail;
        assert!(detail.starts_with("the scratch folder /") && detail.contains(why), "{detail}");
        assert_eq!(everything(world.checkout()), before);
    }
}
