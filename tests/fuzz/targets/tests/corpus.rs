//! Replays what is kept of every target's corpus, and inputs near to it: the corpus is never stale, and every change is tried
//! with it, without a fuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use negawatt_fuzz_targets::TARGETS;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Inputs near to the corpus that are tried for each target.
const NEAR: usize = 400;

/// How long they are tried at most: a machine that is busy tries fewer.
const TIME: Duration = Duration::from_secs(4);

/// The most bytes that all that is kept may have: it is part of the repository.
const MAX_KEPT: u64 = 300_000;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The inputs that are kept for a target, by name.
fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = here().join("corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut kept: Vec<_> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    kept.sort();
    kept
}

fn replay(target: &str) {
    let (_, run) = TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let kept = kept(target);
    assert!(!kept.is_empty(), "the corpus of {target} is empty");
    for (name, input) in &kept {
        println!("{target}/{name}");
        run(input);
    }
    let (mut dice, began) = (ChaCha8Rng::seed_from_u64(7), Instant::now());
    for n in 0..NEAR {
        if began.elapsed() > TIME {
            break;
        }
        let input = near(&kept, &mut dice);
        // What fails is told, so that it can be kept.
        println!("{target}, number {n}: {}", input.escape_ascii());
        run(&input);
    }
}

/// An input that has something of one or two that are kept.
fn near(kept: &[(String, Vec<u8>)], dice: &mut ChaCha8Rng) -> Vec<u8> {
    const PIECES: [&[u8]; 10] = [
        b"",
        b"\0",
        b"\xff\xff\xff\xff",
        b"-1",
        b"18446744073709551615",
        b"\n",
        b"\"",
        b"nan",
        b"\x1b[2J",
        b"\xe2\x80\xae",
    ];
    let mut input = kept[dice.random_range(0..kept.len())].1.clone();
    for _ in 0..dice.random_range(1..5) {
        let from = dice.random_range(0..=input.len());
        let until = (from + dice.random_range(0..9)).min(input.len());
        let other = &kept[dice.random_range(0..kept.len())].1;
        match dice.random_range(0..5) {
            0 if from < input.len() => input[from] ^= 1 << dice.random_range(0..8),
            1 => drop(input.drain(from..until)),
            2 => input.truncate(from.max(1)),
            3 => drop(input.splice(from..until, PIECES[dice.random_range(0..PIECES.len())].iter().copied())),
            _ => {
                let start = dice.random_range(0..=other.len());
                let end = (start + dice.random_range(0..200)).min(other.len());
                input.splice(from..until, other[start..end].iter().copied());
            }
        }
    }
    input
}

macro_rules! replayed {
    ($($target:ident)*) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target));
            }
        )*

        #[test]
        fn every_target_is_replayed_and_has_a_fuzzer() {
            let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(targets, [$(stringify!($target).to_owned()),*].into());
            let names = |folder: &str| {
                let entries = fs::read_dir(here().join(folder)).unwrap();
                entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            };
            assert_eq!(names("corpus").collect::<BTreeSet<_>>(), targets);
            assert_eq!(names("fuzz_targets").collect::<BTreeSet<_>>(), targets);
        }
    };
}

replayed! { alertmanager component config csv findings folded generic git_text grafana incident outline pprof skill_md }

#[test]
fn what_is_kept_is_small() {
    let size = |(target, _): (&str, _)| kept(target).iter().map(|(_, input)| input.len() as u64).sum::<u64>();
    let size: u64 = TARGETS.into_iter().map(size).sum();
    assert!(size <= MAX_KEPT, "the corpus has {size} bytes; keep at most {MAX_KEPT}");
}
