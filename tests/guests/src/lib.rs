//! Skills for the tests and benchmarks of the host, built and packed.

use wasm_encoder::{ComponentSection, ComponentSectionId, InstanceSection, ModuleArg, RawSection};
use wasmparser::{Parser, Payload};

/// The skill `courier`: it sends the requests over HTTP that the incident's title says. Its source lists the titles.
pub const COURIER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/courier.wasm"));

/// The skill `mischief`: it does what the incident's title says. Its source lists the titles.
pub const MISCHIEF: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mischief.wasm"));

/// The skill `asker`: it asks a tool once, for as much as the incident's title says. Its source lists the titles.
pub const ASKER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/asker.wasm"));

/// The skill `cheat`: it proposes the patches that are in the pages `1.md`, `2.md` … of the documentation.
pub const CHEAT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cheat.wasm"));

/// The `SKILL.md` of the skill `cheat`, to pack it under another name.
pub const CHEAT_SKILL_MD: &str = include_str!("../guests/cheat/SKILL.md");

/// The skill `intruder`: it asks the tools what the incident's title says. Its source lists the questions.
pub const INTRUDER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/intruder.wasm"));

/// The skill `gossip`: it imports `code` and `model`, and tells the one what it reads in the other.
pub const GOSSIP: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gossip.wasm"));

/// The skill `reader`: it reads code and returns a change.
pub const READER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/reader.wasm"));

/// The skill `sender`: it sends all that it is shown to a tool of another server.
pub const SENDER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sender.wasm"));

/// A skill with one more core module, whose instance is made with its own. Panics where the skill is no component.
pub fn with_module(skill: &[u8], module: &[u8]) -> Vec<u8> {
    let mut wasm = skill.to_vec();
    RawSection { id: ComponentSectionId::CoreModule as u8, data: module }.append_to_component(&mut wasm);
    let mut instances = InstanceSection::new();
    instances.instantiate(modules(skill), std::iter::empty::<(&str, ModuleArg)>());
    instances.append_to_component(&mut wasm);
    wasm
}

/// Core modules at the top level.
fn modules(wasm: &[u8]) -> u32 {
    let (mut depth, mut count) = (0, 0);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.expect("a component") {
            Payload::ModuleSection { .. } => {
                count += u32::from(depth == 0);
                depth += 1;
            }
            Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            _ => {}
        }
    }
    count
}
