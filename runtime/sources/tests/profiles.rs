//! Profiles of real producers, compared with what `go tool pprof` says of the same files. `tests/pprof/make` made both.

mod support;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use negawatt_host::model::profiles::Profile;
use negawatt_host::model::{Error, Window};
use negawatt_host::time::parse_rfc3339;
use support::{ALWAYS, Place, scope};

const PROFILES: &str = "[sources.profiles]\nkind = \"files\"\npath = \"p\"\n";

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pprof").join(name)).unwrap()
}

fn unpacked(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&fixture(name)[..]).read_to_end(&mut bytes).unwrap();
    bytes
}

fn query(place: &Place, service: &str, window: Window) -> Result<Profile, Error> {
    let profiles = place.configure(PROFILES).tools.profiles.unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(profiles.query(&scope(&[]), service.to_owned(), window))
}

/// Counts at the leaf and anywhere on the stack, by function.
type Table = BTreeMap<String, (u64, u64)>;

fn table(profile: &Profile) -> Table {
    let mut table = Table::new();
    for (stack, count) in profile.sample_stacks.iter().zip(&profile.sample_counts) {
        let [from, until] = [0, 1].map(|more| profile.stack_offsets[*stack as usize + more] as usize);
        let frames = &profile.stack_frames[from..until];
        let name = |frame: &u32| &profile.strings[profile.frame_names[*frame as usize] as usize];
        table.entry(name(frames.last().unwrap()).clone()).or_default().0 += count;
        for name in frames.iter().map(name).collect::<HashSet<_>>() {
            table.entry(name.clone()).or_default().1 += count;
        }
    }
    table
}

/// The table that `go tool pprof -top` printed, and the total.
fn expected(name: &str) -> (Table, u64) {
    let text = String::from_utf8(fixture(name)).unwrap();
    let number = |text: &str| text.trim_end_matches("ns").parse::<u64>().unwrap();
    let total = text.lines().find(|line| line.starts_with("Showing nodes")).unwrap();
    let total = number(total.split_whitespace().rev().nth(1).unwrap());
    let rows = text.lines().skip_while(|line| !line.trim_start().starts_with("flat")).skip(1);
    let row = |line: &str| {
        let mut cells = line.split_whitespace();
        let flat = number(cells.next().unwrap());
        let cumulative = number(cells.nth(2).unwrap());
        let name = cells.skip(1).filter(|cell| !matches!(*cell, "(inline)" | "(partial-inline)"));
        (name.collect::<Vec<_>>().join(" "), (flat, cumulative))
    };
    (rows.map(row).collect(), total)
}

#[test]
fn totals_are_those_of_go_tool_pprof() {
    for (name, functions) in [("go", 20), ("nameless", 2), ("addresses", 2)] {
        let place = Place::new();
        place.write("p/web/2026-11-18T00-00-00Z.pb.gz", fixture(&format!("{name}.pb.gz")));
        // What is in a file is known from its bytes, not from the end of its name.
        place.write("p/plain/2026-11-18T00-00-00Z.pb", unpacked(&format!("{name}.pb.gz")));
        place.write("p/misnamed/2026-11-18T00-00-00Z.pb.gz", unpacked(&format!("{name}.pb.gz")));
        let (counts, total) = expected(&format!("{name}.samples.txt"));
        assert!(counts.len() >= functions, "{name}: {}", counts.len());
        for service in ["web", "plain", "misnamed"] {
            let profile = query(&place, service, ALWAYS).unwrap();
            assert_eq!(profile.unit, "samples");
            assert_eq!(table(&profile), counts, "{name} as {service}");
            assert_eq!(profile.sample_counts.iter().sum::<u64>(), total);
        }
    }
}

/// Files that know nanoseconds alone are made from the real ones: the first sample type has another name.
#[test]
fn nanoseconds_are_those_of_go_tool_pprof() {
    for name in ["go", "nameless", "addresses"] {
        let place = Place::new();
        let mut bytes = unpacked(&format!("{name}.pb.gz"));
        let at = bytes.windows(9).position(|window| window == b"\x32\x07samples").unwrap();
        bytes[at + 2..at + 9].copy_from_slice(b"ignored");
        place.write("p/web/2026-11-18T00-00-00Z.pb.gz", bytes);
        let profile = query(&place, "web", ALWAYS).unwrap();
        let (counts, total) = expected(&format!("{name}.cpu.txt"));
        assert_eq!(profile.unit, "nanoseconds");
        assert_eq!(table(&profile), counts, "{name}");
        assert_eq!(profile.sample_counts.iter().sum::<u64>(), total);
    }
}

#[test]
fn inlined_frames_have_their_callers_files_and_lines() {
    let place = Place::new();
    place.write("p/web/2026-11-18T00-00-00Z.pb.gz", fixture("go.pb.gz"));
    let profile = query(&place, "web", ALWAYS).unwrap();
    let string = |at: u32| profile.strings[at as usize].as_str();
    let frame = |frame: u32| {
        let at = frame as usize;
        (string(profile.frame_names[at]), string(profile.frame_files[at]), profile.frame_lines[at])
    };
    let stacks: Vec<Vec<_>> = profile
        .stack_offsets
        .windows(2)
        .map(|pair| profile.stack_frames[pair[0] as usize..pair[1] as usize].iter().map(|at| frame(*at)).collect())
        .collect();
    let source = String::from_utf8(fixture("shop.go")).unwrap();
    let line = |text: &str| source.lines().position(|line| line.contains(text)).unwrap() as u32 + 1;
    // fold calls itself, quote calls total, and taxed is inlined into total, and total into quote.
    let inlined = stacks.iter().find(|stack| stack.last().is_some_and(|leaf| leaf.0 == "main.taxed")).unwrap();
    let names: Vec<_> = inlined.iter().map(|frame| frame.0).collect();
    assert_eq!(names.iter().filter(|name| **name == "main.fold").count(), 7, "{names:?}");
    assert_eq!(names[names.len() - 3..], ["main.quote", "main.total", "main.taxed"]);
    let places: Vec<_> = inlined[inlined.len() - 3..].iter().map(|frame| (frame.1, frame.2)).collect();
    let lines = [line("sum ^= total"), line("sum += taxed"), line("return price +")];
    assert!(places.iter().all(|(file, _)| file.ends_with("shop.go")), "{places:?}");
    assert_eq!(places.iter().map(|(_, line)| *line).collect::<Vec<_>>(), lines);
    let unknown = query(&nameless(), "web", ALWAYS).unwrap();
    let files: BTreeSet<_> = unknown.frame_files.iter().map(|file| unknown.strings[*file as usize].clone()).collect();
    assert_eq!(files.into_iter().collect::<Vec<_>>(), ["", "mill.cc"], "a frame without a name may have a file");
}

fn nameless() -> Place {
    let place = Place::new();
    place.write("p/web/2026-11-18T00-00-00Z.pb.gz", fixture("nameless.pb.gz"));
    place
}

#[test]
fn files_of_both_formats_stand_side_by_side() {
    let place = Place::new();
    place.write("p/web/2026-11-18T00-00-00Z.folded", "main.main;main.fold 5\n");
    place.write("p/web/2026-11-18T01-00-00Z.pb.gz", fixture("go.pb.gz"));
    place.write("p/web/2026-11-18T02-00-00Z.folded", "main.main 1\n");
    let profile = query(&place, "web", ALWAYS).unwrap();
    assert_eq!((profile.file_starts.len(), profile.unit.as_str()), (3, "samples"));
    assert_eq!(profile.sample_counts[..1], [5]);
    let (mut counts, total) = expected("go.samples.txt");
    counts.get_mut("main.main").unwrap().0 += 1;
    counts.get_mut("main.main").unwrap().1 += 6;
    counts.get_mut("main.fold").unwrap().0 += 5;
    counts.get_mut("main.fold").unwrap().1 += 5;
    assert_eq!(table(&profile), counts);
    assert_eq!(profile.sample_counts.iter().sum::<u64>(), total + 6);
    let time = |text: &str| parse_rfc3339(text).unwrap();
    let one = Window { start: time("2026-11-18T01:00:00Z"), end: time("2026-11-18T02:00:00Z") };
    assert_eq!(query(&place, "web", one).unwrap().file_starts, [one.start], "its name says when it begins");
}

#[test]
fn an_answer_is_kept_only_as_long_as_its_files_stay_as_they_are() {
    let place = Place::new();
    place.write("p/web/2026-11-18T00-00-00Z.folded", "main 1\n");
    place.write("p/api/2026-11-18T00-00-00Z.folded", "main 7\n");
    let profiles = place.configure(PROFILES).tools.profiles.unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let counts = |service: &str| {
        runtime.block_on(profiles.query(&scope(&[]), service.to_owned(), ALWAYS)).unwrap().sample_counts
    };
    assert_eq!((counts("web"), counts("web"), counts("api"), counts("web")), (vec![1], vec![1], vec![7], vec![1]));
    place.write("p/web/2026-11-18T00-00-00Z.folded", "main 10\n");
    assert_eq!(counts("web"), [10]);
    place.write("p/web/2026-11-18T01-00-00Z.folded", "main 2\n");
    assert_eq!(counts("web"), [10, 2]);
}

#[test]
fn what_cannot_be_read_or_put_together_is_told_with_its_file() {
    let mut only_nanoseconds = unpacked("go.pb.gz");
    let at = only_nanoseconds.windows(9).position(|window| window == b"\x32\x07samples").unwrap();
    only_nanoseconds[at + 2] = b'S';
    let go = fixture("go.pb.gz");
    for (name, bytes, text) in [
        (
            "2026-11-18T01-00-00Z.pb.gz",
            fixture("heap.pb.gz"),
            "is no CPU profile: it counts alloc_objects/count, alloc_space/bytes",
        ),
        ("2026-11-18T01-00-00Z.pb.gz", fixture("difference.pb.gz"), "a difference of two profiles cannot be read"),
        ("2026-11-18T01-00-00Z.pb.gz", go[..go.len() / 2].to_vec(), "cannot be unpacked"),
        ("2026-11-18T01-00-00Z.pb", b"main;f 3\n".to_vec(), "no protobuf"),
        ("2026-11-18T01-00-00Z.pb", only_nanoseconds, "2026-11-18T00-00-00Z.folded counts samples"),
        ("2026-11-18T00-00-00Z.pb.gz", go.clone(), "begins at the same time as 2026-11-18T00-00-00Z.folded"),
        ("2026-11-18T01-00-00+01-00.pb.gz", go.clone(), "begins at the same time as"),
        ("yesterday.pb.gz", go.clone(), "is not named by its start"),
    ] {
        let place = Place::new();
        place.write("p/web/2026-11-18T00-00-00Z.folded", "main 5\n");
        place.write(&format!("p/web/{name}"), bytes);
        // A skill is told no more than that; the operator is told which file and why.
        let skill = query(&place, "web", ALWAYS);
        match name {
            // Whoever may add a file may name it.
            "yesterday.pb.gz" => assert_eq!(skill.unwrap().sample_counts, [5]),
            _ => assert!(matches!(skill, Err(Error::Unavailable(message)) if !message.contains("2026")), "{name}"),
        }
        let problem = support::examine(&place, PROFILES).remove(0).outcome;
        let message = problem.unwrap_err().message;
        assert!(message.contains(text) && message.contains(name), "{message}");
    }
}

#[test]
fn all_that_is_wrong_is_told_to_the_operator() {
    let place = Place::new();
    for (name, bytes) in [
        ("web/2026-11-18T00-00-00Z.pb.gz", fixture("go.pb.gz")),
        ("web/2026-11-18T01-00-00Z.pb.gz", fixture("heap.pb.gz")),
        ("web/2026-11-18T02-00-00Z.folded", b"main\n".to_vec()),
        ("api/yesterday.folded", b"main 1\n".to_vec()),
    ] {
        place.write(&format!("p/{name}"), bytes);
    }
    let message = |place: &Place| support::examine(place, PROFILES).remove(0).outcome.unwrap_err().message;
    let told = message(&place);
    assert_eq!(told.lines().count(), 3, "{told}");
    for text in
        ["api/yesterday.folded: is not named", "02-00-00Z.folded:1: there is no count", "01-00-00Z.pb.gz: is no CPU"]
    {
        assert!(told.contains(text), "{told}");
    }
    for hour in 3..9 {
        place.write(&format!("p/web/2026-11-18T0{hour}-00-00Z.folded"), "main\n");
    }
    let told = message(&place);
    assert_eq!((told.lines().count(), told.lines().last()), (6, Some("and 4 more")), "{told}");
}
