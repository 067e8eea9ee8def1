//! How long the next steps take to choose, over a catalog of 10,000 skills.
//!
//! `cargo bench -p negawatt-planner`. The floor is one look at every skill's name, in the same run.

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use common::*;
use criterion::{Criterion, criterion_group, criterion_main};
use negawatt_host::grants::Grants;
use negawatt_host::limits::CaseLimits;
use negawatt_host::model::{Finding, FindingBody};
use negawatt_host::{Kind, Origin, Skill, Status};
use negawatt_package::pack;
use negawatt_planner::{Board, Catalog, Experience, Knowledge, Planner, SearchPlanner, Situation};

const SKILLS: usize = 10_000;

/// What the skills of a fleet consume, read and produce: half of them speak a team's own kinds.
fn card(n: usize) -> (String, String, String) {
    let team = n % 500;
    match n % 10 {
        0 => (String::new(), String::new(), "change-point".into()),
        1 => ("change-point".into(), "function-shift".into(), "dismissal".into()),
        2 => ("change-point".into(), String::new(), "function-shift".into()),
        3 => ("change-point".into(), format!("function-shift acme.t{team}"), "suspect".into()),
        4 => ("suspect".into(), "function-shift".into(), "mitigation".into()),
        5 => ("change-point".into(), String::new(), format!("acme.t{}", n % 490)),
        6 => (format!("acme.t{team}"), "change-point".into(), "suspect note".into()),
        7 => (String::new(), String::new(), "opportunity".into()),
        8 => ("opportunity".into(), "function-shift".into(), "impact".into()),
        _ => (format!("acme.t{team} function-shift"), String::new(), format!("acme.t{}", (n + 7) % 500)),
    }
}

fn catalog(card: impl Fn(usize) -> (String, String, String)) -> Catalog {
    let mut catalog = Catalog::default();
    let empty = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];
    for n in 0..SKILLS {
        let (consumes, reads, produces) = card(n);
        let manifest = format!(
            "---\nname: skill-{n}\ndescription: One of many.\nmetadata:\n  negawatt.consumes: \"{consumes}\"\n  \
             negawatt.reads: \"{reads}\"\n  negawatt.produces: \"{produces}\"\n  negawatt.tools: \"\"\n  \
             negawatt.version: \"1.0.0\"\n---\n"
        );
        let skill = Skill::read(pack(&empty, &manifest).unwrap(), Origin::Bundled).unwrap();
        catalog.add(skill, &Grants::default(), &[]).unwrap();
    }
    catalog
}

/// A board after the first steps of a case.
fn board(catalog: &Catalog, found: &[(usize, Vec<Finding>)]) -> Board {
    let mut board = Board::default();
    for (n, findings) in found {
        let skill = &catalog.entries()[*n].skill;
        step(&mut board, &skill.manifest.name, Kind::ChangePoint, &[], Status::Ok, findings.clone());
    }
    let mut known = Board::default();
    for (taken, (n, _)) in board.taken().iter().zip(found) {
        known.take(negawatt_planner::Taken { digest: catalog.entries()[*n].skill.digest, ..taken.clone() });
    }
    board.items().iter().for_each(|item| known.accept(item.clone()));
    known
}

fn choosing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("next steps of 10,000 skills");
    let mut knowledge = Knowledge::default();
    for n in (0..SKILLS).step_by(7) {
        let experience =
            Experience { runs: n as u64 % 5, useful: n as u64 % 3, wall_us: 1_000 * n as u64, weight: 1.0 };
        knowledge.0.insert(format!("skill-{n}"), experience);
    }
    let incident = incident();
    let mut measure = |name: &str, catalog: &Catalog, board: &Board| {
        let left = CaseLimits::default();
        let situation = Situation { incident: &incident, board, catalog, knowledge: &knowledge, left: &left };
        group.bench_function(name, |bencher| bencher.iter(|| SearchPlanner.next(black_box(&situation))));
    };

    let mixed = catalog(card);
    let change = change(10, 1.0, 2.0, 0.99);
    measure("at the beginning", &mixed, &Board::default());
    // All who look for changes have looked, those who dismiss wait for functions.
    let mut found: Vec<_> = (0..SKILLS).step_by(10).take(60).map(|n| (n, Vec::new())).collect();
    found[0].1 = vec![change.clone()];
    measure("after 60 steps", &mixed, &board(&mixed, &found));

    // The worst: everybody can run at once, everybody reads what everybody produces.
    let alike = catalog(|_| (String::new(), "note".into(), "change-point note suspect".into()));
    measure("all alike", &alike, &Board::default());
    // And a chain, each waiting for the one before it.
    let chain = catalog(|n| (format!("acme.t{n}"), String::new(), format!("acme.t{} suspect", n + 1)));
    let fed = Finding {
        body: FindingBody::Other(negawatt_host::model::Other { name: "acme.t0".into(), data: "{}".into() }),
        ..change
    };
    let mut begun = Board::default();
    step(&mut begun, "given", Kind::Note, &[], Status::Ok, vec![fed]);
    measure("a chain of all", &chain, &begun);

    let names = || mixed.entries().iter().map(|entry| entry.skill.manifest.name.len()).sum::<usize>();
    group.bench_function("floor: every skill looked at once", |bencher| bencher.iter(|| black_box(names())));
    group.finish();
}

criterion_group!(benches, choosing);
criterion_main!(benches);
