//! A process that is killed loses nothing that was acknowledged. This test starts itself again as the one that is killed.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use common::*;
use negawatt_casebook::*;
use negawatt_host::{Outcome, Status, Tool};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The argument that makes a process the writer.
const WRITER: &str = "--write-until-killed";

/// Kills, each of a writer of its own.
const KILLS: usize = 24;

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    match &arguments[1..] {
        [writer, folder] if writer == WRITER => write_until_killed(Path::new(folder)),
        _ => a_killed_writer_loses_nothing(),
    }
}

/// What happens in step `n`; the same in every process.
fn call_of(n: usize) -> Outcome {
    outcome(Status::Ok, findings(), vec![answer(Tool::Metrics, n), answer(Tool::Changes, n + 1)])
}

/// Writes one case without end, and says what is acknowledged: the case's id, then the number of the last event.
fn write_until_killed(folder: &Path) {
    let book = Casebook::open(folder).unwrap();
    let mut log = book.open_case(opened("f")).unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "{}", log.case().id).unwrap();
    for n in 1.. {
        write_step(&mut log, n, &mut |seq| writeln!(out, "{seq}").unwrap());
    }
}

/// Three appends, the second with blobs and the third of two events.
fn write_step(log: &mut CaseLog, n: usize, acknowledged: &mut dyn FnMut(u64)) {
    log.append(planned([2 * n - 1])).unwrap();
    acknowledged(log.case().seq);
    call(log, 2 * n - 1, &call_of(n)).unwrap();
    acknowledged(log.case().seq);
    log.append(vec![accepted(2 * n - 1, n * 100, findings()), planned([2 * n])]).unwrap();
    acknowledged(log.case().seq);
}

fn a_killed_writer_loses_nothing() {
    let mut random = StdRng::seed_from_u64(9);
    let shared = folder();
    let (mut most, mut unacknowledged) = (0, 0);
    for kill in 0..KILLS {
        // Every other one dies while the casebook is being made, or soon after.
        let early = folder();
        let folder = if kill % 2 == 0 { early.path() } else { shared.path() };
        let after = if kill % 2 == 0 { kill / 8 } else { random.random_range(1..60) };
        let acknowledged = kill_after(folder, after);
        let book = Casebook::open(folder).unwrap();
        let Some((id, last)) = acknowledged else {
            // Nothing was promised; whatever is there is whole.
            for case in book.list(10).unwrap() {
                check(&book, &case.id, 1);
            }
            continue;
        };
        let events = check(&book, &id, last);
        most = most.max(events);
        unacknowledged += usize::from(events as u64 > last);
        // Its owner is dead, so nobody has to wait for the lease; and it goes on where it stopped.
        let mut log = book.resume(&id).unwrap();
        log.append(concluded()).unwrap();
        assert_eq!(book.load(&id).unwrap().seq as usize, events + 1);
    }
    assert!(most > 20, "a log had {most} events at most: the kills came too early to say anything");
    println!(
        "{KILLS} writers killed: up to {most} events each, {unacknowledged} times one batch more than was acknowledged; nothing lost"
    );
}

/// Starts a writer and kills it once it has acknowledged so many appends. Tells its case and the last event it acknowledged.
fn kill_after(folder: &Path, acknowledgements: usize) -> Option<(CaseId, u64)> {
    let mut child =
        Command::new(std::env::current_exe().unwrap()).arg(WRITER).arg(folder).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut said: Vec<_> = lines.by_ref().take(acknowledgements).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    said.extend(lines);
    let id = said.first()?.parse().unwrap();
    let last = said.iter().skip(1).next_back().map_or(1, |seq| seq.parse().unwrap());
    Some((id, last))
}

/// All that was acknowledged is there, it is what a writer that lives would have written, and no batch is there in part.
fn check(book: &Casebook, id: &CaseId, last: u64) -> usize {
    let events = book.events(id).unwrap();
    assert!(events.len() as u64 >= last, "{} of {last} acknowledged events are left", events.len());
    let folder = folder();
    let other = Casebook::open(folder.path()).unwrap();
    let mut log = other.open_case(opened("f")).unwrap();
    let mut whole = vec![1];
    for n in 1.. {
        if log.case().seq as usize >= events.len() {
            break;
        }
        write_step(&mut log, n, &mut |seq| whole.push(seq));
    }
    assert!(whole.contains(&(events.len() as u64)), "a batch is there in part: {} events", events.len());
    assert!(events.len() as u64 <= last + 2, "more than one batch was not acknowledged");
    assert_eq!(happened(&events), happened(&other.events(&log.case().id).unwrap())[..events.len()]);
    for step in book.load(id).unwrap().steps {
        for answer in step.calls.iter().flat_map(|call| &call.answers) {
            assert_eq!(book.blob(&answer.response).unwrap(), other.blob(&answer.response).unwrap());
            assert_eq!(book.blob(&answer.request).unwrap(), other.blob(&answer.request).unwrap());
        }
    }
    events.len()
}
