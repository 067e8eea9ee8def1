//! Files that are no good skill: cut, bent, doubled, boastful, swollen.

use std::sync::Arc;
use std::time::Instant;

use negawatt_host::{Origin, Skill};
use negawatt_package::{MANIFEST_SECTION, pack};
use negawatt_planner::Catalog;
use negawatt_test_guests::MISCHIEF;
use wasm_encoder::{Component, ComponentSection, CustomSection, Module, NestedComponentSection};

use crate::arena::Arena;
use crate::attack::{Attack, Ending, Seen};
use crate::components;

pub(crate) fn attacks() -> Vec<Attack> {
    let refused = |name, about, make, says| Attack::bytes(name, about, make).must(Ending::Refused, says);
    Attack::family(
        "package",
        [
            refused("empty", "Has no bytes at all.", Vec::new, "does not begin as WebAssembly does"),
            refused(
                "text",
                "Is a script.",
                || b"#!/bin/sh\ntouch /tmp/owned\n".to_vec(),
                "does not begin as WebAssembly does",
            ),
            refused(
                "magic-number-only",
                "Ends after its first four bytes.",
                || MISCHIEF[..4].to_vec(),
                "not a WebAssembly component",
            ),
            refused("truncated", "Ends in its middle.", || MISCHIEF[..MISCHIEF.len() / 2].to_vec(), "unexpected end"),
            Attack::act(
                "bit-flipped",
                "Has one bit flipped, at a hundred places one after the other: none does worse than to end itself.",
                |arena| Box::pin(bit_flipped(arena)),
            )
            .must(Ending::Held, ""),
            refused(
                "concatenated",
                "Is two components one after the other.",
                || [MISCHIEF, MISCHIEF].concat(),
                "not a WebAssembly component",
            ),
            refused(
                "core-module",
                "Is a core module and no component.",
                || Module::new().finish(),
                "core WebAssembly module",
            ),
            refused("without-manifest", "Has no SKILL.md.", || Component::new().finish(), "carries no SKILL.md"),
            refused(
                "two-manifests",
                "Has two, so that two readers could read two.",
                two_manifests,
                "carries 2 custom sections",
            ),
            refused(
                "nested-manifest",
                "Has its SKILL.md in a component inside.",
                nested_manifest,
                "inside a nested component",
            ),
            refused(
                "manifest-not-text",
                "Has a SKILL.md that is not UTF-8.",
                || with_manifest(b"---\n\xff\xfe\n---\n"),
                "not UTF-8",
            ),
            refused(
                "manifest-of-50-mb",
                "Has a SKILL.md of 50 MB.",
                || with_manifest(&vec![b'#'; 50_000_000]),
                "at most 262144 are read",
            ),
            refused(
                "yaml-alias-bomb",
                "Has YAML aliases that stand for 10²⁹ strings.",
                || with_manifest(&alias_bomb()),
                "SKILL.md",
            ),
            refused(
                "yaml-depth-bomb",
                "Has a hundred thousand YAML lists inside each other.",
                || with_manifest(&[&b"---\nname: "[..], &[b'['; 100_000], b"\n---\n"].concat()),
                "SKILL.md",
            ),
            refused(
                "name-that-is-a-path",
                "Is called by a path.",
                || with_manifest(&renamed("../../etc/cron")),
                "key `name`",
            ),
            refused(
                "name-that-steers-a-terminal",
                "Is called by an escape sequence.",
                || with_manifest(&renamed("\"\\e[2Jhelpful\"")),
                "key `name`",
            ),
            refused(
                "name-that-looks-the-same",
                "Is called by a name with a Cyrillic letter.",
                || with_manifest(&renamed("ch\u{430}nge-point")),
                "key `name`",
            ),
            refused(
                "unknown-rights",
                "Asks its SKILL.md for rights that there are not.",
                || with_manifest(&manifest().replace("negawatt.reads", "negawatt.grants").into_bytes()),
                "negawatt.reads",
            ),
            refused("more-than-64-mib", "Has 65 MiB.", large, "and the host takes 67108864"),
            Attack::act("borrowed-name", "Bears the name of a skill that is part of the program.", |_| {
                Box::pin(borrowed_name())
            })
            .must(Ending::Refused, "belongs to a bundled skill"),
        ],
    )
}

/// The manifest of a skill that is good.
fn manifest() -> String {
    Skill::read(MISCHIEF, Origin::Loaded).map(|skill| skill.manifest.text).unwrap_or_default()
}

fn renamed(name: &str) -> Vec<u8> {
    manifest().replace("name: mischief", &format!("name: {name}")).into_bytes()
}

fn section(manifest: &[u8]) -> CustomSection<'_> {
    CustomSection { name: MANIFEST_SECTION.into(), data: manifest.into() }
}

fn with_manifest(manifest: &[u8]) -> Vec<u8> {
    let mut component = Component::new();
    component.section(&section(manifest));
    component.finish()
}

/// Good, but for its size.
fn large() -> Vec<u8> {
    let mut component = with_manifest(manifest().as_bytes());
    CustomSection { name: "padding".into(), data: vec![0; 65 << 20].into() }.append_to_component(&mut component);
    component
}

fn two_manifests() -> Vec<u8> {
    let mut component = MISCHIEF.to_vec();
    section(&renamed("other")).append_to_component(&mut component);
    component
}

fn nested_manifest() -> Vec<u8> {
    let mut inner = Component::new();
    inner.section(&section(manifest().as_bytes()));
    let mut outer = Component::new();
    outer.section(&NestedComponentSection(&inner));
    outer.finish()
}

fn alias_bomb() -> Vec<u8> {
    let mut yaml = String::from("---\nname: bomb\ndescription: Grows.\nmetadata:\n  a0: &a0 \"xxxxxxxxxx\"\n");
    for n in 1..30 {
        yaml += &format!("  a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", "));
    }
    (yaml + "---\n").into_bytes()
}

/// Flips a bit at a hundred places. What still loads is called.
async fn bit_flipped(arena: Arc<Arena>) -> Seen {
    let began = Instant::now();
    let good = components::component("neighbour");
    // What came out of all of them: whether one saw what it may not is looked for in that.
    let mut out = Vec::new();
    let held = async {
        let grants = arena.grants("compute = \"100ms\"", true).map_err(|error| error.to_string())?;
        for nth in 0..100 {
            let mut bad = good.to_vec();
            bad[nth * good.len() / 100] ^= 1 << (nth % 8);
            let loading = arena.clone();
            let loaded = tokio::task::spawn_blocking(move || loading.load(bad)).await;
            match loaded.map_err(|_| format!("with bit {nth} the host panicked"))? {
                Ok(skill) => out.extend(Seen::call(began, &arena.call(&skill, &grants, "").await).out),
                Err(reason) => out.extend(reason.to_string().into_bytes()),
            }
        }
        Ok((began, "refused, or ended by itself, a hundred times"))
    };
    let held = Seen::held(held.await);
    Seen { out, ..held }
}

async fn borrowed_name() -> Seen {
    let began = Instant::now();
    let ours = pack(components::component("boastful-manifest"), &manifest());
    let added = (|| {
        let grants = Default::default();
        let mut catalog = Catalog::default();
        let bundled = Skill::read(MISCHIEF, Origin::Bundled).map_err(|error| error.to_string())?;
        catalog.add(bundled, &grants, &[]).map_err(|error| error.to_string())?;
        let ours = ours.map_err(|error| error.to_string())?;
        let ours = Skill::read(ours, Origin::Loaded).map_err(|error| error.to_string())?;
        catalog.add(ours, &grants, &[]).map_err(|error| error.to_string())
    })();
    match added {
        Ok(()) => Seen::since(began, Ending::Broken, "it took the place of a bundled skill"),
        Err(reason) => Seen::since(began, Ending::Refused, reason),
    }
}
