//! Checks that succeed and fail, and what runs them.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use negawatt_actions::guard::{Kind, Outcome};

use super::support::*;

#[test]
fn checks_that_succeed() {
    let (world, patch) = simple();
    let world = world
        .check("first", &["grep", "-x", "2", "src/cart.txt"], |_| ())
        .check("second", &["sh", "-c", "touch built; echo to standard error >&2"], |_| ())
        .check("third", &["sh", "-c", "test ! -e built"], |_| ());
    let examined = world.examine(&patch, NAMED);
    assert!(examined.stands(), "{examined:?}");
    let outputs: Vec<_> =
        examined.criteria[4..7].iter().map(|c| (c.name.as_str(), c.outcome, c.output.as_deref())).collect();
    let passed = Outcome::Passed;
    assert_eq!(
        outputs,
        [("first", passed, Some("2\n")), ("second", passed, Some("to standard error\n")), ("third", passed, None)]
    );
}

#[test]
fn checks_that_fail() {
    let (world, patch) = simple();
    let world = world
        .check(
            "fails",
            &["sh", "-c", "cat src/cart.txt; printf 'a\\033[31mb' >&2; exit $(grep -c 2 src/cart.txt)"],
            |_| (),
        )
        .check("after", &["true"], |_| ());
    let examined = world.examine(&patch, NAMED);
    let criterion = failed(&examined, "fails");
    assert!(
        criterion.detail.starts_with("it ended with the code 1; it succeeds without the patch; run "),
        "{criterion:?}"
    );
    let output = criterion.output.as_deref().unwrap();
    assert!(output.contains("one\n2\nthree\n") && output.contains("a\u{fffd}[31mb"), "{output:?}");

    let (world, patch) = simple();
    let world = world.check("broken", &["sh", "-c", "kill -SEGV $$"], |_| ());
    let examined = world.examine(&patch, NAMED);
    let detail = &failed(&examined, "broken").detail;
    assert!(detail.starts_with("it was ended by the signal 11; it fails without the patch as well;"), "{detail}");
}

#[test]
fn commands_that_are_not_there() {
    for (command, why) in [
        (&["/no/such/program"] as &[&str], "/no/such/program: No such file or directory"),
        (&["./src/cart.txt"], "Permission denied"),
        (&[], "the command is empty"),
        (&["a\0b"], "nul byte"),
    ] {
        let (world, patch) = simple();
        let world = world.check("missing", command, |_| ());
        let examined = world.examine(&patch, NAMED);
        assert!(!examined.stands(), "{command:?}: {examined:?}");
        let detail = failed(&examined, "missing").detail.clone();
        assert!(detail.starts_with("the command cannot be started: ") && detail.contains(why), "{detail}");
    }
    let (mut world, patch) = simple();
    world.launcher.program = "/no/such/launcher".into();
    let world = world.check("missing", &["true"], |_| ());
    failed(&world.examine(&patch, NAMED), "missing");
    let (mut world, patch) = simple();
    world.launcher.arguments = vec!["nonsense".into()];
    let world = world.check("missing", &["true"], |_| ());
    let detail = failed(&world.examine(&patch, NAMED), "missing").detail.clone();
    assert!(detail.contains("its launcher ended with exit status: 64"), "{detail}");
}

#[test]
fn programs_that_their_user_cannot_reach() {
    let (world, patch) = simple();
    // Only the user of the tests may enter it, as a toolchain in the home of root.
    let closed = tempfile::tempdir().unwrap();
    let (kit, tools) = (closed.path().join("kit"), closed.path().join("tools"));
    for folder in [&kit.join("bin"), &tools] {
        std::fs::create_dir_all(folder).unwrap();
    }
    executable(&kit.join("bin/compile"), "#!/bin/sh\nexec cat \"$(dirname \"$0\")/../library\"\n");
    std::fs::write(kit.join("library"), "of the kit\n").unwrap();
    // It comes before what the machine has.
    executable(&tools.join("uname"), "#!/bin/sh\necho mine; touch \"$0\" 2>/dev/null || echo closed\n");
    let programs = vec![kit, tools];
    let world = world.check("compiles", &["sh", "-c", "compile && uname"], |check| check.programs = programs.clone());
    let examined = world.examine(&patch, NAMED);
    let output = of(&examined, "compiles").output.clone().unwrap();
    assert!(examined.stands(), "{examined:?}");
    assert_eq!(output, "of the kit\nmine\nclosed\n");
    // A file, or nothing at all, is no folder.
    let (world, patch) = simple();
    let missing = closed.path().join("kit/library");
    let world = world.check("compiles", &["true"], |check| check.programs = vec![missing.clone()]);
    let detail = failed(&world.examine(&patch, NAMED), "compiles").detail.clone();
    assert!(detail.starts_with(&format!("`programs` names {}, which is no folder", missing.display())), "{detail}");
}

/// What is mounted below a folder of programs is seen as it is where it was, whoever runs the command; and where the folder cannot be
/// shown, the command is not run without namespaces instead.
#[test]
fn programs_with_mounts_below() {
    let (mut world, patch) = simple();
    world.launcher = as_nobody(&world);
    // Something is always mounted below it.
    let world = world.check(
        "lists",
        &["sh", "-c", "ls /tmp/negawatt-programs/0/self >/dev/null && ! touch /var/tmp/negawatt"],
        |check| {
            check.programs = vec!["/proc".into()];
            check.limits.network = true;
        },
    );
    let examined = world.examine(&patch, NAMED);
    let criterion = of(&examined, "lists");
    assert!(examined.stands() && criterion.detail.contains("in namespaces"), "{criterion:?}");
    for wide in ["/", "/tmp"] {
        let (world, patch) = simple();
        let world = world.check("wide", &["true"], |check| check.programs = vec![wide.into()]);
        let detail = failed(&world.examine(&patch, NAMED), "wide").detail.clone();
        assert!(detail.contains("temporary files of others"), "{detail}");
    }
}

#[test]
fn programs_without_namespaces() {
    let (mut world, patch) = simple();
    world.launcher = without_namespaces();
    let open = tempfile::tempdir().unwrap();
    std::fs::set_permissions(open.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    executable(&open.path().join("compile"), "#!/bin/sh\necho compiled\n");
    let programs = vec![open.path().to_owned()];
    let limits = negawatt_actions::guard::Limits { network: true, ..LIMITS };
    let world = world.check("compiles", &["compile"], |check| (check.programs, check.limits) = (programs, limits));
    let examined = world.examine(&patch, NAMED);
    assert!(examined.stands(), "{examined:?}");
    assert_eq!(of(&examined, "compiles").output.as_deref(), Some("compiled\n"));
}

#[test]
fn formatters_leave_files_as_they_are() {
    let format = ["sh", "-c", "for file in src/*; do tr A-Z a-z < $file > x; cat x > $file; done"];
    let (world, patch) = simple();
    let world = world.check("format", &format, |check| check.kind = Kind::Formatter);
    assert!(world.examine(&patch, NAMED).stands());
    let shouting = world.patch(&[("src/cart.txt", "ONE\ntwo\nthree\n")]);
    let examined = world.examine(&shouting, NAMED);
    let detail = &failed(&examined, "format").detail;
    assert!(detail.starts_with("it formats `src/cart.txt` otherwise; it succeeds without the patch;"), "{detail}");
    // A check may do so in its copy.
    let (world, _) = simple();
    let world = world.check("format", &format, |_| ());
    assert!(world.examine(&shouting, NAMED).stands());
    // So is one that takes a file away, or makes a link or a program of it.
    for change in
        ["rm README.md", "ln -sf src/cart.txt README.md", "chmod +x README.md", "rm README.md; mkfifo README.md"]
    {
        let (world, patch) = simple();
        let world = world.check("format", &["sh", "-c", change], |check| check.kind = Kind::Formatter);
        assert!(failed(&world.examine(&patch, NAMED), "format").detail.contains("`README.md`"), "{change}");
    }
}

#[test]
fn what_a_command_sees() {
    let (world, patch) = simple();
    let script = "env | cut -d= -f1 | sort | tr '\\n' ' '; pwd; id -u; wc -c; ls /proc | grep -c '^[0-9]'; cat /proc/self/status; ls -A $HOME $TMPDIR";
    let world = world.check("environment", &["sh", "-c", script], |_| ());
    let examined = world.examine(&patch, NAMED);
    assert!(examined.stands(), "{examined:?}");
    let output = of(&examined, "environment").output.clone().unwrap();
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines[0], "HOME LANG PATH PWD TMPDIR /tmp/negawatt/tree");
    let user = if root() { 65_534 } else { rustix::process::geteuid().as_raw() };
    assert_eq!(lines[1], user.to_string());
    assert_eq!(lines[2], "0", "standard input is empty");
    assert!(lines[3].parse::<u32>().unwrap() < 10, "only its own processes: {output}");
    assert!(lines.contains(&"CapEff: 0000000000000000") && lines.contains(&"NoNewPrivs: 1"), "{output}");
    let detail = &of(&examined, "environment").detail;
    let user =
        if root() { "run as the user nobody, without network, in namespaces" } else { "run as the user of negawatt" };
    assert!(detail.contains(user), "{detail}");
    assert!(detail.ends_with("for at most 2min, with 256MiB of memory for all its processes"), "{detail}");
}

#[test]
fn a_user_without_rights_is_guarded_as_well() {
    // The launcher gives root up before it begins; what is left has its namespaces from one of users.
    let (mut world, patch) = simple();
    world.launcher = as_nobody(&world);
    let world = world.with_tool().check("user", &["sh", "-c", "id -u; ! ./tool connect 127.0.0.1:1 && ./tool talk-to-itself && ! touch /var/tmp/negawatt && ! mount -t tmpfs none /mnt && ! mount -o remount,rw,bind / && grep CapEff /proc/self/status"], |_| ());
    let examined = world.examine(&patch, NAMED);
    assert!(examined.stands(), "{examined:?}");
    let output = of(&examined, "user").output.clone().unwrap();
    // What went wrong is said in between, at any place.
    assert!(output.contains("65534\n") && output.contains("0000000000000000"), "{output}");
}

#[test]
fn without_network_unless_allowed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    for network in [false, true] {
        let (world, patch) = simple();
        let world = world
            .with_tool()
            .check("network", &["./tool", "connect", &address], |check| check.limits.network = network);
        let examined = world.examine(&patch, NAMED);
        if network {
            assert!(examined.stands(), "{examined:?}");
            assert!(of(&examined, "network").detail.contains("with network"));
        } else {
            let criterion = failed(&examined, "network");
            assert!(criterion.detail.contains("without network"), "{criterion:?}");
            assert!(criterion.output.as_deref().unwrap().contains("Connection refused"), "{criterion:?}");
        }
    }
    // Programs may talk to themselves.
    let (world, patch) = simple();
    let world = world.with_tool().check("loopback", &["./tool", "talk-to-itself"], |_| ());
    let examined = world.examine(&patch, NAMED);
    assert!(examined.stands(), "{examined:?}");
}

#[test]
fn a_machine_without_namespaces() {
    // Root without the capability to make them: containers are like that. From another user nobody can take it.
    if !root() {
        return;
    }
    let (mut world, patch) = simple();
    world.launcher = without_namespaces();
    let world = world.check("network", &["true"], |_| ());
    let examined = world.examine(&patch, NAMED);
    let detail = &failed(&examined, "network").detail;
    assert!(
        detail.starts_with("this machine lets nobody take the network away from a command (unshare: EPERM"),
        "{detail}"
    );
    assert!(
        detail.contains("kernel.unprivileged_userns_clone") && detail.contains("let the command use the network"),
        "{detail}"
    );

    let (mut world, patch) = simple();
    world.launcher = without_namespaces();
    traversable(&world);
    let world = world.check("network", &["sh", "-c", "id -u; cat src/cart.txt"], |check| check.limits.network = true);
    let examined = world.examine(&patch, NAMED);
    assert!(examined.stands(), "{examined:?}");
    let criterion = of(&examined, "network");
    assert_eq!(criterion.output.as_deref(), Some("65534\none\n2\nthree\n"));
    assert!(criterion.detail.contains("since this machine allows it no namespaces"), "{criterion:?}");
    assert!(criterion.detail.ends_with("256MiB of memory for each process"), "{criterion:?}");
}
