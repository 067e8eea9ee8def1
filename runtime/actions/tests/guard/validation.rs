//! Measurements that improve, and that do not.

use std::io::Read;
use std::net::TcpListener;
use std::time::Duration;

use negawatt_actions::guard::{Better, Examined, Validation};

use super::support::*;

/// Prints what stands in the file, after as many runs as there were in its copy.
const COUNT: &str = "n=$(cat $HOME/n 2>/dev/null || echo 0); echo $((n + 1)) > $HOME/n; v=$(sed -n 2p src/cart.txt);";

fn validate(
    before: &str,
    after: &str,
    better: Better,
    runs: usize,
    script: &str,
    change: impl FnOnce(&mut Validation),
) -> Examined {
    let mut world = World::new(&[("src/cart.txt", &format!("work\n{before}\n"))]);
    let patch = world.patch(&[("src/cart.txt", &format!("work\n{after}\n"))]);
    let command = ["sh".to_owned(), "-c".to_owned(), format!("{COUNT} {script}")].to_vec();
    let mut validation = Validation { command, programs: Vec::new(), runs, better, limits: LIMITS };
    change(&mut validation);
    world.repository.validation = Some(validation);
    world.examine(&patch, NAMED)
}

#[test]
fn what_improves() {
    let examined =
        validate("100", "80", Better::Lower, 5, "echo measuring; echo $((v + n % 3)); echo; echo noise >&2", |_| ());
    assert!(examined.stands(), "{examined:?}");
    let measured = examined.measured.clone().unwrap();
    // The first run of each side warms up.
    assert_eq!(measured.before, [101.0, 102.0, 100.0, 101.0, 102.0]);
    assert_eq!(measured.after, [81.0, 82.0, 80.0, 81.0, 82.0]);
    assert!((measured.p_value - 1.0 / 252.0).abs() < 1e-12, "{measured:?}");
    assert!((measured.relative.unwrap() + 20.0 / 101.0).abs() < 1e-12);
    let detail = &of(&examined, "validation").detail;
    assert!(
        detail.starts_with("it improves: the median of 5 runs goes from 101.000000 to 81.000000 (-19.80 %), where lower is better; p = 3.968e-3"),
        "{detail}"
    );
    let examined = validate("80", "100", Better::Higher, 4, "echo $v.5e0", |_| ());
    assert!(examined.stands(), "{examined:?}");
}

#[test]
fn what_does_not() {
    for (before, after, better, script, why) in [
        ("100", "120", Better::Lower, "echo $((v + n % 3))", "it does not improve beyond chance"),
        ("120", "100", Better::Higher, "echo $((v + n % 3))", "it does not improve beyond chance"),
        ("100", "99", Better::Lower, "echo $((v + n * 7 % 10))", "it does not improve beyond chance"),
        ("a", "b", Better::Lower, "echo 5", "it changes nothing"),
        ("a", "b", Better::Lower, "echo $((n * 7 % 10))", "it changes nothing"),
    ] {
        let examined = validate(before, after, better, 6, script, |_| ());
        let detail = &failed(&examined, "validation").detail;
        assert!(detail.starts_with(why), "{detail}");
        let measured = examined.measured.as_ref().unwrap();
        assert!(measured.before.len() == 6 && measured.p_value > 0.05, "{measured:?}");
    }
}

#[test]
fn sides_take_turns() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heard = std::thread::spawn(move || {
        let said = |_| {
            let mut said = String::new();
            listener.accept().unwrap().0.read_to_string(&mut said).unwrap();
            said
        };
        (0..12).map(said).collect::<String>()
    });
    let mut world = World::new(&[("src/cart.txt", "b\n")]).with_tool();
    let patch = world.patch(&[("src/cart.txt", "a\n")]);
    let command = ["sh", "-c", "./tool say $0 $(cat src/cart.txt) && echo 1", &address].map(str::to_owned).to_vec();
    world.repository.validation = Some(Validation {
        command,
        programs: Vec::new(),
        runs: 5,
        better: Better::Lower,
        limits: negawatt_actions::guard::Limits { network: true, ..LIMITS },
    });
    failed(&world.examine(&patch, NAMED), "validation");
    assert_eq!(heard.join().unwrap(), "baabbaabbaab");
}

#[test]
fn nonsense() {
    for (script, why) in [
        ("echo fast", "run to warm up without the patch: the last line of its standard output is no number: \"fast\""),
        ("echo 1; echo done", "no number: \"done\""),
        ("echo 1 ms", "no number: \"1 ms\""),
        ("echo 1 >&2", "no number: \"\""),
        ("echo NaN", "no number"),
        ("echo inf", "no number"),
        ("printf '\\033[31m1'", "no number"),
        ("test $v = a && echo 1 || echo broken", "run to warm up with the patch: the last line"),
        ("test $n -lt 3 && echo 1", "run 3 of 4 with the patch: it ended with the code 1"),
    ] {
        let examined = validate("a", "b", Better::Lower, 4, script, |_| ());
        let detail = &failed(&examined, "validation").detail;
        assert!(detail.contains(why), "{detail:?} lacks {why:?}");
        assert_eq!(examined.measured, None);
    }
    let examined = validate("a", "b", Better::Lower, 4, "echo so far >&2; echo fast", |_| ());
    let output = failed(&examined, "validation").output.clone().unwrap();
    assert!(output.contains("so far\n") && output.contains("fast\n"), "{output}");
}

#[test]
fn limits_and_settings() {
    let slow = |v: &mut Validation| v.limits.time = Duration::from_millis(1_500);
    let examined = validate("a", "b", Better::Lower, 4, "while :; do :; done", slow);
    assert!(
        failed(&examined, "validation")
            .detail
            .starts_with("run to warm up without the patch: it took longer than it may; run ")
    );
    for runs in [0, 3, 101] {
        let examined = validate("a", "b", Better::Lower, runs, "echo 1", |_| ());
        let detail = &failed(&examined, "validation").detail;
        assert_eq!(*detail, format!("the validation asks for {runs} runs; 4 to 100 are possible"));
    }
}

#[test]
fn code_that_changes_what_measures_it() {
    let script = "test $v = b && echo 0 > README.md; test $v = b && echo 1 || echo 2";
    let mut world = World::new(&[("src/cart.txt", "work\na\n"), ("README.md", "x\n")]);
    let patch = world.patch(&[("src/cart.txt", "work\nb\n")]);
    let command = ["sh".to_owned(), "-c".to_owned(), format!("{COUNT} {script}")].to_vec();
    world.repository.validation =
        Some(Validation { command, programs: Vec::new(), runs: 4, better: Better::Lower, limits: LIMITS });
    let examined = world.examine(&patch, NAMED);
    let detail = &failed(&examined, "validation").detail;
    assert_eq!(*detail, "while it measured with the patch, `README.md` was changed: the numbers prove nothing");
}
