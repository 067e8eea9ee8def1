//! What the program carries: the bundled skills, and the SDK that `negawatt skill new` writes.

use negawatt_host::Digest;

/// A skill that is part of the program.
pub struct Bundled {
    /// Its name.
    pub name: &'static str,
    /// Of its bytes; known when the program was compiled.
    pub digest: Digest,
    /// The whole skill.
    pub wasm: &'static [u8],
}

/// The bundled skills, in order of names.
pub const BUNDLED: &[Bundled] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// The recording that `negawatt demo` investigates, and what measures its program: paths in the demo's folder, and contents.
pub const DEMO: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/demo.rs"));

/// The SDK for Rust with the contract: paths in its folder, and contents.
pub const SDK: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// A `Cargo.lock` of the SDK and all that it needs, with the versions that this program was built with.
pub const SDK_LOCK: &str = include_str!(concat!(env!("OUT_DIR"), "/skill.lock"));

/// Whether a component is one of the bundled skills, byte for byte.
pub fn is_bundled(digest: Digest) -> bool {
    BUNDLED.iter().any(|skill| skill.digest == digest)
}

#[cfg(test)]
mod tests {
    use negawatt_host::{Origin, Skill};

    use super::*;

    #[test]
    fn bundled_skills_are_what_their_table_says() {
        assert!(!BUNDLED.is_empty());
        for bundled in BUNDLED {
            let skill = Skill::read(bundled.wasm, Origin::Bundled).unwrap();
            assert_eq!(skill.manifest.name, bundled.name);
            assert_eq!(skill.digest, bundled.digest);
            let declared: std::collections::BTreeSet<_> = skill.manifest.tools.iter().copied().collect();
            assert_eq!(declared, skill.imports.tools, "{}", bundled.name);
        }
    }

    #[test]
    fn the_demo_is_whole_and_does_not_tell() {
        let names: Vec<_> = DEMO.iter().map(|(name, _)| *name).collect();
        for name in ["incident.json", "measure/load.rs", "measure/measure", "negawatt.toml", "shop.bundle"] {
            assert!(names.contains(&name), "{names:?}");
        }
        assert!(!names.iter().any(|name| name.contains("truth")), "{names:?}");
    }

    #[test]
    fn the_sdk_stands_alone() {
        let file = |path: &str| SDK.iter().find(|(name, _)| *name == path).unwrap().1;
        assert!(!file("Cargo.toml").contains("workspace"), "{}", file("Cargo.toml"));
        assert!(file("wit/types.wit").contains("interface types"));
        assert!(file("src/lib.rs").contains("macro_rules! skill"));
        assert!(SDK_LOCK.contains("name = \"wit-bindgen\""));
    }
}
