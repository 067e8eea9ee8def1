//! Skills written in WebAssembly text: a few kilobytes each, so that a fuzzer gets somewhere, and a guest whose every byte
//! somebody has chosen.

use negawatt_package::pack;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What the skills of this module say of themselves: they return every kind but impacts, and of their own kinds one.
pub const MANIFEST: &str = "---\nname: fuzzed\ndescription: Returns what it is told to.\nmetadata:\n  \
    negawatt.version: \"0.1.0\"\n  negawatt.consumes: \"\"\n  negawatt.reads: \"change-point\"\n  \
    negawatt.produces: \"change-point dismissal function-shift suspect mitigation opportunity note acme.known\"\n  \
    negawatt.tools: \"profiles\"\n---\n\nNo guidance.\n";

/// The parts that every guest has: memory, and an allocator that gives each piece once.
const BASE: &str = r#"
  (memory (export "memory") 8)
  (global $free (mut i32) (i32.const 0x20000))
  (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at
      (i32.and
        (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
"#;

/// Where [`hostile_skill`] puts the image.
pub const IMAGE_AT: u32 = 0x1_0000;

/// The largest image: what comes after it is the allocator's.
pub const IMAGE_BYTES: usize = 0x1_0000;

/// A component that finds nothing and imports nothing, not packed.
pub fn plain_component() -> Vec<u8> {
    component(&format!(r#"(module {BASE} (func (export "investigate") (param i32) (result i32) (i32.const 16)))"#))
}

/// A skill that finds nothing and imports nothing.
pub fn plain_skill() -> Vec<u8> {
    packed(&plain_component())
}

/// A skill that asks for a profile, takes the numbers of its `file-starts` for an image of memory, puts it at [`IMAGE_AT`], and
/// returns the pointer that is the image's first word.
pub fn hostile_skill() -> Vec<u8> {
    packed(&component(&format!(
        r#"(module
  (import "negawatt:skill/profiles@0.1.0" "query" (func $query (param i32 i32 i64 i64 i32)))
  {BASE}
  (data (i32.const 16) "shop")
  (func (export "investigate") (param $case i32) (result i32)
    ;; The answer comes to 0x100; of its eleven lists the seventh is wanted.
    (call $query (i32.const 16) (i32.const 4) (i64.const 0) (i64.const 1) (i32.const 0x100))
    (if (i32.load8_u (i32.const 0x100)) (then unreachable))
    (memory.copy
      (i32.const {IMAGE_AT})
      (i32.load (i32.const 0x134))
      (i32.shl (i32.load (i32.const 0x138)) (i32.const 3)))
    (i32.load (i32.const {IMAGE_AT}))))"#
    )))
}

fn packed(component: &[u8]) -> Vec<u8> {
    pack(component, MANIFEST).unwrap_or_else(|error| panic!("it cannot be packed: {error}"))
}

/// The component of a core module in text that was written for the world of all tools.
fn component(module: &str) -> Vec<u8> {
    let made = || -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let mut module = wat::parse_str(module)?;
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../wit"))?;
        let world = resolve.select_world(&[package], Some("all"))?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
        Ok(ComponentEncoder::default().module(&module)?.validate(true).encode()?)
    };
    made().unwrap_or_else(|error| panic!("the guest cannot be made: {error}"))
}
