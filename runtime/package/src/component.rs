//! The one file: a component with its `SKILL.md` in a custom section at its top level.

use wasm_encoder::{ComponentSection, CustomSection};
use wasm_metadata::{AddMetadata, AddMetadataField, Licenses, Source, Version};
use wasmparser::{BinaryReader, Encoding, Parser, Payload};

use crate::manifest::{Manifest, ManifestError};

/// The custom section that holds `SKILL.md`, exactly once, at the top level of the component.
pub const MANIFEST_SECTION: &str = "negawatt:skill-md";

/// Why bytes are no skill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// Not WebAssembly at all, or cut off.
    #[error("this is not a WebAssembly component: {0}")]
    NotWasm(String),
    /// A core module.
    #[error("this is a core WebAssembly module, not a component; build it for the target wasm32-wasip2")]
    CoreModule,
    /// The section is not there.
    #[error(
        "this component carries no SKILL.md (custom section `{MANIFEST_SECTION}`); it was not made with `negawatt skill build`, or a tool has stripped it"
    )]
    NoManifest,
    /// The section is there only inside a nested component or module.
    #[error(
        "the custom section `{MANIFEST_SECTION}` is inside a nested component; only one at the top level counts; build the skill again with `negawatt skill build`"
    )]
    NestedManifest,
    /// The section is there more than once.
    #[error(
        "this component carries {0} custom sections `{MANIFEST_SECTION}`; exactly one is allowed; build the skill again with `negawatt skill build`"
    )]
    ManifestTwice(usize),
    /// The section is not text.
    #[error("the SKILL.md of this component is not UTF-8")]
    ManifestNotText,
    /// The text is no manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The standard metadata of the component contradicts the manifest.
    #[error("the component's own {what} is `{component}`, and SKILL.md says `{manifest}`; build the skill again")]
    Contradiction {
        /// Name or version.
        what: &'static str,
        /// What the component says.
        component: String,
        /// What the manifest says.
        manifest: String,
    },
    /// The licence or source cannot be written.
    #[error("SKILL.md, key `{key}`: {problem}")]
    Metadata {
        /// The key.
        key: &'static str,
        /// What is wrong.
        problem: String,
    },
}

/// What a component says of itself, read without running or compiling any of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its `SKILL.md`.
    pub manifest: Manifest,
}

impl Package {
    /// Reads the manifest from a component's bytes.
    pub fn read(wasm: &[u8]) -> Result<Package, PackageError> {
        let sections = Sections::scan(wasm)?;
        let text = match sections.manifests.as_slice() {
            [text] => text,
            [] if sections.nested > 0 => return Err(PackageError::NestedManifest),
            [] => return Err(PackageError::NoManifest),
            many => return Err(PackageError::ManifestTwice(many.len())),
        };
        let text = str::from_utf8(text).map_err(|_| PackageError::ManifestNotText)?;
        let manifest = Manifest::parse(text)?;
        let version = manifest.version.to_string();
        if let Some(component) = sections.version.filter(|component| *component != version) {
            return Err(PackageError::Contradiction { what: "version", component, manifest: version });
        }
        Ok(Package { manifest })
    }
}

/// What a scan of the top level finds.
#[derive(Default)]
struct Sections<'a> {
    manifests: Vec<&'a [u8]>,
    nested: usize,
    version: Option<String>,
}

impl<'a> Sections<'a> {
    fn scan(wasm: &'a [u8]) -> Result<Self, PackageError> {
        if !wasm.starts_with(b"\0asm") {
            return Err(PackageError::NotWasm("it does not begin as WebAssembly does".to_owned()));
        }
        let mut found = Sections::default();
        let mut depth = 0usize;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(|error| PackageError::NotWasm(error.message().to_owned()))? {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                    return Err(PackageError::CoreModule);
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => {
                    if depth == 0 {
                        found.manifests.push(section.data());
                    } else {
                        found.nested += 1;
                    }
                }
                Payload::CustomSection(section) if depth == 0 && section.name() == "version" => {
                    found.version = str::from_utf8(section.data()).ok().map(str::to_owned);
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

/// Makes the one file: the component with `skill_md` and the standard metadata (name, version, licence, source). What an
/// earlier call appended is replaced.
pub fn pack(wasm: &[u8], skill_md: &str) -> Result<Vec<u8>, PackageError> {
    let manifest = Manifest::parse(skill_md)?;
    Sections::scan(wasm)?;
    let mut add = AddMetadata::default();
    add.name = AddMetadataField::Set(manifest.name.clone());
    add.version = AddMetadataField::Set(Version::new(manifest.version.to_string()));
    if let Some(license) = &manifest.license {
        let license = Licenses::new(license)
            .map_err(|error| PackageError::Metadata { key: "license", problem: error.to_string() })?;
        add.licenses = AddMetadataField::Set(license);
    }
    if let Some(source) = manifest.metadata.get("source") {
        let source = Source::new(source)
            .map_err(|error| PackageError::Metadata { key: "source", problem: error.to_string() })?;
        add.source = AddMetadataField::Set(source);
    }
    let mut packed = add.to_wasm(&without(wasm, &OURS)?).map_err(|error| PackageError::NotWasm(error.to_string()))?;
    let section = CustomSection { name: MANIFEST_SECTION.into(), data: skill_md.as_bytes().into() };
    section.append_to_component(&mut packed);
    Ok(packed)
}

/// Top-level custom sections that packing writes, and the signature over what was packed before.
const OURS: [&str; 5] = [MANIFEST_SECTION, "version", "licenses", "source", crate::SIGNATURE_SECTION];

/// The bytes without the custom sections of these names at their top level.
pub(crate) fn without(wasm: &[u8], names: &[&str]) -> Result<Vec<u8>, PackageError> {
    /// The number that a custom section begins with.
    const CUSTOM: u8 = 0;
    let sections = || {
        let mut reader = BinaryReader::new(wasm, 0);
        let mut kept = reader.read_bytes(8)?.to_vec();
        while !reader.eof() {
            let start = reader.original_position();
            let id = reader.read_u8()?;
            let length = reader.read_var_u32()?;
            let contents = reader.read_bytes(length as usize)?;
            let is_named = || BinaryReader::new(contents, 0).read_string().is_ok_and(|name| names.contains(&name));
            if id != CUSTOM || !is_named() {
                kept.extend_from_slice(&wasm[start..reader.original_position()]);
            }
        }
        Ok(kept)
    };
    sections().map_err(|error: wasmparser::BinaryReaderError| PackageError::NotWasm(error.message().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SKILL_MD: &str = "---\nname: x\ndescription: Does x.\nlicense: Apache-2.0\nmetadata:\n  \
        negawatt.consumes: \"\"\n  negawatt.reads: \"\"\n  negawatt.produces: \"note\"\n  negawatt.tools: \"\"\n  \
        negawatt.version: \"1.2.3\"\n---\nBody\n";

    fn empty_component() -> Vec<u8> {
        wasm_encoder::Component::new().finish()
    }

    #[test]
    fn one_file_carries_a_skill() {
        let packed = pack(&empty_component(), SKILL_MD).unwrap();
        assert_eq!(Package::read(&packed).unwrap().manifest.text, SKILL_MD);
        let metadata = wasm_metadata::Payload::from_binary(&packed).unwrap();
        assert_eq!(metadata.metadata().name.as_deref(), Some("x"));
        assert_eq!(metadata.metadata().version.as_ref().map(ToString::to_string).as_deref(), Some("1.2.3"));
    }

    #[test]
    fn packing_again_replaces() {
        let once = pack(&empty_component(), SKILL_MD).unwrap();
        let longer = SKILL_MD.replace("Body", &"Body ".repeat(100));
        let twice = pack(&once, &longer).unwrap();
        assert_eq!(Package::read(&twice).unwrap().manifest.text, longer);
        assert_eq!(pack(&twice, SKILL_MD).unwrap(), once);
        let signed = crate::Signature { key: [7; 32], signature: [9; 64] }.append(&twice);
        assert_eq!(pack(&signed, SKILL_MD).unwrap(), once, "a signature is about the bytes that it was made for");
    }

    #[test]
    fn sections_that_could_deceive_are_refused() {
        let packed = pack(&empty_component(), SKILL_MD).unwrap();
        let mut twice = packed.clone();
        let again = CustomSection { name: MANIFEST_SECTION.into(), data: SKILL_MD.as_bytes().into() };
        again.append_to_component(&mut twice);
        assert_eq!(Package::read(&twice), Err(PackageError::ManifestTwice(2)));

        let mut inner = wasm_encoder::Component::new();
        inner.section(&again);
        let mut outer = wasm_encoder::Component::new();
        outer.section(&wasm_encoder::NestedComponentSection(&inner));
        assert_eq!(Package::read(&outer.finish()), Err(PackageError::NestedManifest));

        assert_eq!(Package::read(&empty_component()), Err(PackageError::NoManifest));
        assert_eq!(Package::read(&wasm_encoder::Module::new().finish()), Err(PackageError::CoreModule));
        assert!(matches!(Package::read(b"\0asm"), Err(PackageError::NotWasm(_))));
        let text = Package::read(b"root:x:0:0").unwrap_err().to_string();
        assert!(text.lines().count() == 1 && text.contains("does not begin"), "{text}");
        assert!(matches!(Package::read(&packed[..packed.len() - 1]), Err(PackageError::NotWasm(_))));
    }

    #[test]
    fn a_version_that_contradicts_is_refused() {
        let mut packed = pack(&empty_component(), SKILL_MD).unwrap();
        let at = packed.windows(5).position(|bytes| bytes == b"1.2.3").unwrap();
        packed[at] = b'9';
        assert!(matches!(Package::read(&packed), Err(PackageError::Contradiction { what: "version", .. })));
    }
}
