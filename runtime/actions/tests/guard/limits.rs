//! Every limit of a command, tripped.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::support::*;

#[test]
fn time_for_all_that_was_started() {
    for &isolated in isolations() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (mut world, patch) = simple();
        if !isolated {
            world.launcher = without_namespaces();
            traversable(&world);
        }
        // Both ignore the polite signals, and are of other sessions than their parent.
        let script = "trap '' TERM HUP INT; ./tool linger $0 back & exec ./tool linger $0 fore";
        let world = world.with_tool().check("slow", &["sh", "-c", script, &address], |check| {
            check.limits.network = true;
            check.limits.time = Duration::from_secs(4);
        });
        let heard = std::thread::spawn(move || {
            let mut heard = Vec::new();
            while heard.last().is_none_or(|said| said != "done") {
                let (mut stream, _) = listener.accept().unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                let mut said = String::new();
                stream.read_to_string(&mut said).expect("the process has ended");
                heard.push(said);
            }
            heard
        });
        let examined = world.examine(&patch, NAMED);
        let detail = &failed(&examined, "slow").detail;
        assert!(detail.starts_with("it took longer than it may; it fails without the patch as well"), "{detail}");
        assert!(detail.contains("at most 4s"), "{detail}");
        TcpStream::connect(&address).unwrap().write_all(b"done").unwrap();
        let heard = heard.join().unwrap();
        assert!(heard.contains(&"back".to_owned()) && heard.contains(&"fore".to_owned()), "{heard:?}");
    }
}

#[test]
fn whoever_stops_the_guard_ends_what_runs() {
    for &isolated in isolations() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (mut world, patch) = simple();
        if !isolated {
            world.launcher = without_namespaces();
            traversable(&world);
        }
        let script = "trap '' TERM HUP INT; exec ./tool linger $0 fore";
        let world = world
            .with_tool()
            .check("endless", &["sh", "-c", script, &address], |check| check.limits.network = true)
            .check("never", &["true"], |_| {});
        let until = world.launcher.until.clone();
        let stopped = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            until.stop();
            stream.read_to_string(&mut String::new()).expect("the process has ended");
        });
        let examined = world.examine(&patch, NAMED);
        let detail = &failed(&examined, "endless").detail;
        assert!(detail.starts_with("it was ended before its time: the guard was interrupted; run"), "{detail}");
        stopped.join().unwrap();
        // Nor is anything begun any more.
        let detail = failed(&world.examine(&patch, NAMED), "endless").detail.clone();
        assert!(detail.starts_with("it was not run: the guard was interrupted"), "{detail}");
    }
}

#[test]
fn time_for_all_commands_together() {
    let (world, patch) = simple();
    let mut world = world.check("fits", &["true"], |check| check.limits.network = true).check(
        "endless",
        &["sleep", "3600"],
        |check| check.limits.network = true,
    );
    world.launcher.until = world.launcher.until.within(Duration::from_secs(4));
    let examined = world.examine(&patch, NAMED);
    let detail = &failed(&examined, "endless").detail;
    assert!(detail.contains("ended before its time: the time that the guard has for a case was over"), "{detail}");
    // Of the next proposal of the case nothing is run.
    let examined = world.examine(&patch, NAMED);
    let detail = &failed(&examined, "fits").detail;
    assert!(detail.contains("it was not run: the time that the guard has for a case was over"), "{detail}");
}

#[test]
fn what_a_command_leaves_behind_ends_with_it() {
    for &isolated in isolations() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (mut world, patch) = simple();
        if !isolated {
            world.launcher = without_namespaces();
            traversable(&world);
        }
        let heard = std::thread::spawn(move || {
            let connections = [0, 1].map(|_| {
                let (mut stream, _) = listener.accept().unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                let mut said = [0; 4];
                stream.read_exact(&mut said).unwrap();
                (said, stream)
            });
            // Now that both are there, the command may end.
            let (mut behind, before): (Vec<_>, Vec<_>) = connections.into_iter().partition(|(said, _)| said == b"back");
            assert_eq!((behind.len(), before.len()), (1, 1));
            drop(before);
            assert_eq!(behind[0].1.read(&mut [0]).expect("the process has ended"), 0);
        });
        // It holds the command's output open, too.
        let script = "(trap '' TERM HUP; exec ./tool linger $0 back) & ./tool linger $0 fore < /dev/null; true";
        let command = ["sh", "-c", script, &address];
        let world = world.with_tool().check("behind", &command, |check| check.limits.network = true);
        let examined = world.examine(&patch, NAMED);
        assert!(examined.stands(), "{examined:?}");
        heard.join().unwrap();
    }
}

#[test]
fn memory_of_one_process() {
    let (world, patch) = simple();
    let limit = |bytes: u64, isolated: bool| {
        let (mut world, patch) = simple();
        if !isolated {
            world.launcher = without_namespaces();
            traversable(&world);
        }
        let world = world.with_tool().check("memory", &["./tool", "eat", "100000000"], |check| {
            check.limits.memory = bytes;
            check.limits.network = !isolated;
        });
        world.examine(&patch, NAMED)
    };
    for &isolated in isolations() {
        let examined = limit(64 << 20, isolated);
        let criterion = failed(&examined, "memory");
        assert!(criterion.detail.starts_with("it was ended by the signal 6"), "{criterion:?}");
        assert!(
            criterion.output.as_deref().unwrap().contains("memory allocation of 100000000 bytes failed"),
            "{criterion:?}"
        );
        assert!(limit(256 << 20, isolated).stands());
    }
    // What is only reserved does not count, and files in memory do not escape.
    let world = world.check("files", &["sh", "-c", "! head -c 100000000 /dev/zero > /dev/shm/x"], |check| {
        check.limits.memory = 64 << 20
    });
    let examined = world.examine(&patch, NAMED);
    assert!(examined.stands(), "{examined:?}");
    assert!(of(&examined, "files").output.as_deref().unwrap().contains("No space left"), "{examined:?}");
}

#[test]
fn memory_of_all_processes_together() {
    let (world, patch) = simple();
    let mut world = world
        .with_tool()
        .check("memory", &["./tool", "eat-together", "8", "50000000"], |check| check.limits.memory = 200 << 20);
    let examined = world.examine(&patch, NAMED);
    let detail = &failed(&examined, "memory").detail;
    assert!(detail.starts_with("it took more memory than it may; it fails without the patch as well"), "{detail}");
    // What guards it sees the memory of processes that are further in.
    world.launcher = as_nobody(&world);
    assert_eq!(failed(&world.examine(&patch, NAMED), "memory").detail, *detail);
}

#[test]
fn output_is_cut_and_read_to_its_end() {
    let (world, patch) = simple();
    let script = "echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last; exit 3";
    let world = world.check("loud", &["sh", "-c", script], |check| check.limits.output = 100);
    let examined = world.examine(&patch, NAMED);
    let criterion = failed(&examined, "loud");
    assert!(criterion.detail.starts_with("it ended with the code 3"), "{criterion:?}");
    let output = criterion.output.as_deref().unwrap();
    assert!(output.starts_with("first\nxxx") && output.ends_with("xxx\nlast\n") && output.len() < 200, "{output}");
    assert!(output.contains(&format!("… {} bytes are left out …", 3_000_000 + 12 - 100)), "{output}");
}

#[test]
fn the_size_of_files() {
    let (world, patch) = simple();
    let world = world.check("large", &["truncate", "--size=2G", "large"], |_| ());
    let examined = world.examine(&patch, NAMED);
    let detail = &failed(&examined, "large").detail;
    assert!(detail.starts_with("it wrote a file of more than 1GiB"), "{detail}");
    let (world, patch) = simple();
    let world = world.check("large", &["truncate", "--size=1G", "large"], |_| ());
    assert!(world.examine(&patch, NAMED).stands());
}

#[test]
fn the_number_of_processes() {
    let (world, patch) = simple();
    let world = world.check("many", &["grep", "Max processes", "/proc/self/limits"], |_| ());
    let examined = world.examine(&patch, NAMED);
    let output = of(&examined, "many").output.clone().unwrap();
    let words: Vec<&str> = output.split_whitespace().collect();
    assert_eq!(words, ["Max", "processes", "4096", "4096", "processes"]);
}

#[test]
fn folders_that_cannot_be_entered_are_removed_all_the_same() {
    let (world, patch) = simple();
    let world = world.check("closed", &["sh", "-c", "mkdir -p a/b; touch a/b/c; chmod 0 a/b a"], |_| ());
    assert!(world.examine(&patch, NAMED).stands());
}
