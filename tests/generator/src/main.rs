//! `casegen`: makes labelled cases.

use negawatt_casegen::{Scenario, generate};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "casegen makes labelled cases for Negawatt

  casegen --list                               the scenarios
  casegen --scenario S --seed N --out DIR      one case in DIR
  casegen --all --seeds A..B --out DIR         every scenario but `unclear` with every seed from A up to but not B, in
                                               DIR/<scenario>-<seed>
  casegen --scenario S --seeds A..B --out DIR  one scenario with every such seed
";

/// What the command line asks for.
#[derive(Default)]
struct Wanted {
    list: bool,
    all: bool,
    scenario: Option<Scenario>,
    seed: Option<u64>,
    seeds: Option<std::ops::Range<u64>>,
    out: Option<PathBuf>,
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "--list" => wanted.list = true,
            "--all" => wanted.all = true,
            "--scenario" => wanted.scenario = Some(value()?.parse().map_err(|e| format!("{e}"))?),
            "--seed" => wanted.seed = Some(value()?.parse().map_err(|e| format!("--seed: {e}"))?),
            "--seeds" => {
                let text = value()?;
                let (from, until) = text.split_once("..").ok_or("--seeds wants A..B")?;
                let number = |n: &str| n.parse::<u64>().map_err(|e| format!("--seeds: {e}"));
                wanted.seeds = Some(number(from)?..number(until)?);
            }
            "--out" => wanted.out = Some(value()?.into()),
            _ => return Err(format!("what is {word:?}?")),
        }
    }
    Ok(wanted)
}

fn run(wanted: Wanted) -> Result<(), String> {
    if wanted.list {
        for scenario in Scenario::ALL.into_iter().chain([Scenario::Unclear]) {
            println!("{scenario}\t{}\t{}", scenario.verdict(), scenario.reason().unwrap_or("-"));
        }
        return Ok(());
    }
    let out = wanted.out.ok_or("--out is missing")?;
    let scenarios = match (wanted.all, wanted.scenario) {
        (true, None) => Scenario::ALL.to_vec(),
        (false, Some(one)) => vec![one],
        _ => return Err("either --all or --scenario, please".into()),
    };
    if let (Some(seed), [scenario], None) = (wanted.seed, scenarios.as_slice(), &wanted.seeds) {
        let truth = generate(*scenario, seed, &out).map_err(|e| e.to_string())?;
        println!("{}", truth.to_json());
        return Ok(());
    }
    let seeds = wanted.seeds.or(wanted.seed.map(|s| s..s + 1)).ok_or("--seed or --seeds is missing")?;
    for scenario in scenarios {
        for seed in seeds.clone() {
            let folder = out.join(format!("{scenario}-{seed}"));
            generate(scenario, seed, &folder).map_err(|e| format!("{scenario} {seed}: {e}"))?;
            println!("{}", folder.display());
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("casegen: {message}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}
