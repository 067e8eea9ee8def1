//! A loaded skill: its bytes, what it says of itself, and what it really imports. None of its code has run.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use negawatt_package::{Manifest, Package, PackageError, SignatureError, Tool};
use semver::Version;
use wasmparser::{ComponentTypeRef, Parser, Payload, TypeBounds};

use crate::compile::CompileError;
use crate::host::HostError;
use crate::scan::ScanError;
use crate::signing::{self, PublicKey};
use crate::wasi;

/// The contract's package.
const CONTRACT: &str = "negawatt:skill";

/// The package of the tool `http`, which is WASI's own.
const HTTP: &str = "wasi:http";

/// The version of the contract that this host serves.
pub const CONTRACT_VERSION: &str = "0.1.0";

/// Where a skill comes from, which decides what it may do by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Its bytes are part of the program.
    Bundled,
    /// An operator named a file or its folder.
    Loaded,
}

/// The BLAKE3 digest of a component's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blake3:{}", blake3::Hash::from_bytes(self.0).to_hex())
    }
}

/// What a component imports, read from the component itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imports {
    /// Tools: each needs a grant.
    pub tools: BTreeSet<Tool>,
    /// Interfaces that need none: types, log, and the inert WASI base.
    pub base: BTreeSet<String>,
}

/// Why a file is no skill that this host can run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// It is no packaged component.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// It carries a signature that is not written as one must be.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Its signature is not that of these bytes.
    #[error(
        "its signature by {0} does not hold: it was changed after it was signed, or the signature is that of another file; get it again from its publisher, or sign it again with `negawatt skill sign`"
    )]
    Forged(PublicKey),
    /// It imports what no grant can give.
    #[error(
        "it imports `{0}`, which this host does not offer; a skill may import the interfaces of {CONTRACT}, and WASI 0.2; of wasi:http, outgoing-handler and types alone"
    )]
    Import(String),
    /// It was built against a newer contract.
    #[error(
        "it imports `{import}`, and this host serves {CONTRACT} {CONTRACT_VERSION}; run a newer host, or build it against the older contract"
    )]
    Newer {
        /// The import with its version.
        import: String,
    },
    /// It is larger, or has more of something, than is compiled.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// Compiling it failed.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Its bytes are needed again, and are not to be had.
    #[error("its file cannot be read again: {0}; leave it in place while it is in use, or start again")]
    Gone(String),
    /// The machine does not give what running it takes.
    #[error(transparent)]
    Host(#[from] HostError),
    /// It exports no `investigate` of the right type, or is not valid.
    #[error("it is not a skill: {0}")]
    NotASkill(String),
}

impl LoadError {
    /// Whether it is the component's: it will be the same the next time. Else something was missing here and now.
    pub(crate) fn is_its_own(&self) -> bool {
        !matches!(self, LoadError::Host(_) | LoadError::Gone(_) | LoadError::Compile(CompileError::Start(_)))
    }
}

/// A loaded skill.
#[derive(Debug, Clone)]
pub struct Skill {
    /// What `SKILL.md` says.
    pub manifest: Manifest,
    /// What the component imports.
    pub imports: Imports,
    /// Of the bytes.
    pub digest: Digest,
    /// Where it comes from.
    pub origin: Origin,
    /// The file that it was read from, as [`crate::grants::file`] gives it.
    pub file: Option<PathBuf>,
    /// Whose signature it carries. It holds, and says nothing of whom the key belongs to.
    pub signer: Option<PublicKey>,
    /// The publisher that signed it, by a name of the operator's configuration.
    pub publisher: Option<String>,
    /// Bytes of the whole component, its `SKILL.md` included.
    pub size: usize,
    wasm: Wasm,
}

/// Reads a component once more.
pub type Again = Arc<dyn Fn() -> Result<Vec<u8>, String> + Send + Sync>;

/// The bytes of a component, or how to get them.
#[derive(Clone)]
enum Wasm {
    Held(Cow<'static, [u8]>),
    Again(Again),
}

impl fmt::Debug for Wasm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Wasm::Held(_) => "held",
            Wasm::Again(_) => "to be read again",
        })
    }
}

impl Skill {
    /// Reads a skill from a component's bytes, as untrusted input, without compiling or running it.
    pub fn read(wasm: impl Into<Cow<'static, [u8]>>, origin: Origin) -> Result<Skill, LoadError> {
        let wasm = wasm.into();
        let manifest = Package::read(&wasm)?.manifest;
        let imports = Imports::of(&wasm)?;
        let (digest, signer) = (Digest::of(&wasm), signing::signer(&wasm)?);
        let (size, wasm) = (wasm.len(), Wasm::Held(wasm));
        Ok(Skill { manifest, imports, digest, origin, file: None, signer, publisher: None, size, wasm })
    }

    /// The same skill without its bytes: they are needed only to compile it, and are read again then. A thousand skills whose
    /// code is in the cache take no memory for theirs.
    pub fn without_bytes(self, again: Again) -> Skill {
        Skill { wasm: Wasm::Again(again), ..self }
    }

    /// The whole component: the very bytes that were read.
    pub(crate) fn wasm(&self) -> Result<Cow<'_, [u8]>, LoadError> {
        match &self.wasm {
            Wasm::Held(wasm) => Ok(Cow::Borrowed(wasm)),
            Wasm::Again(again) => {
                let wasm = again().map_err(LoadError::Gone)?;
                if Digest::of(&wasm) != self.digest {
                    return Err(LoadError::Gone("it was changed".to_owned()));
                }
                Ok(Cow::Owned(wasm))
            }
        }
    }

    /// `name@version`.
    pub fn id(&self) -> String {
        self.manifest.id()
    }
}

impl Imports {
    /// The imports at the top level of a component.
    pub fn of(wasm: &[u8]) -> Result<Imports, LoadError> {
        let mut imports = Imports::default();
        let mut depth = 0usize;
        let broken = |error: wasmparser::BinaryReaderError| {
            LoadError::Package(PackageError::NotWasm(error.message().to_owned()))
        };
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(broken)? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let import = import.map_err(broken)?;
                        // The world's names for types of the contract: nothing can be called through them.
                        if !matches!(import.ty, ComponentTypeRef::Type(TypeBounds::Eq(_))) {
                            imports.add(import.name.name)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(imports)
    }

    /// Adds an import such as `negawatt:skill/metrics@0.1.0`.
    fn add(&mut self, import: &str) -> Result<(), LoadError> {
        let unknown = || LoadError::Import(import.to_owned());
        let (path, version) = import.split_once('@').unwrap_or((import, ""));
        let (package, interface) = path.split_once('/').ok_or_else(unknown)?;
        if package == CONTRACT {
            let version = Version::parse(version).map_err(|_| unknown())?;
            let served = Version::parse(CONTRACT_VERSION).map_err(|_| unknown())?;
            if version > served {
                return Err(LoadError::Newer { import: import.to_owned() });
            }
            if version != served {
                return Err(unknown());
            }
            match interface {
                "types" | "log" => self.base.insert(import.to_owned()),
                tool => self.tools.insert(tool.parse().map_err(|_| unknown())?),
            };
            return Ok(());
        }
        if !version.starts_with("0.2.") {
            return Err(unknown());
        }
        // The types alone reach nothing. They are granted together with the handler all the same: one word, one interface.
        if package == HTTP && matches!(interface, "outgoing-handler" | "types") {
            self.tools.insert(Tool::Http);
            return Ok(());
        }
        if !wasi::is_base(package) {
            return Err(unknown());
        }
        self.base.insert(import.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{Component, ComponentImportSection, Module, ModuleSection, NestedComponentSection};

    use super::*;

    #[test]
    fn imports_are_sorted_into_tools_base_and_unknown() {
        let mut imports = Imports::default();
        for import in ["negawatt:skill/metrics@0.1.0", "negawatt:skill/types@0.1.0", "wasi:io/poll@0.2.6"] {
            imports.add(import).unwrap();
        }
        assert_eq!(imports.tools, [Tool::Metrics].into());
        assert_eq!(imports.base.len(), 2);
        for import in ["wasi:http/outgoing-handler@0.2.6", "wasi:http/types@0.2.0"] {
            let mut imports = Imports::default();
            imports.add(import).unwrap();
            assert_eq!(imports, Imports { tools: [Tool::Http].into(), base: [].into() });
        }
        for import in [
            "wasi:http/incoming-handler@0.2.6",
            "wasi:http/proxy@0.2.6",
            "wasi:http/types@0.3.0",
            "wasi:http/types",
            "wasi:cli/run@0.3.0",
            "acme:x/y@1.0.0",
            "env",
            "negawatt:skill/x@0.1.0",
            "negawatt:skill/metrics@0.0.9",
        ] {
            assert_eq!(imports.add(import), Err(LoadError::Import(import.into())));
        }
        for import in ["negawatt:skill/metrics@0.2.0", "negawatt:skill/shiny@0.1.1"] {
            let error = imports.add(import).unwrap_err();
            assert!(matches!(error, LoadError::Newer { .. }), "{error}");
            assert!(error.to_string().contains(import) && error.to_string().contains(CONTRACT_VERSION), "{error}");
        }
    }

    #[test]
    fn what_parts_import_from_each_other_is_no_import_of_the_whole() {
        let importing = |name: &str| {
            let mut imports = ComponentImportSection::new();
            imports.import(name, wasm_encoder::ComponentTypeRef::Instance(0));
            imports
        };
        let (mut inner, mut outer) = (Component::new(), Component::new());
        inner.section(&importing("acme:x/y@1.0.0"));
        outer.section(&ModuleSection(&Module::new())).section(&NestedComponentSection(&inner));
        // What comes after all of them counts.
        outer.section(&importing("negawatt:skill/metrics@0.1.0"));
        let imports = Imports::of(outer.as_slice()).unwrap();
        assert_eq!(imports, Imports { tools: [Tool::Metrics].into(), base: [].into() });
        outer.section(&importing("acme:x/y@1.0.0"));
        assert_eq!(Imports::of(outer.as_slice()), Err(LoadError::Import("acme:x/y@1.0.0".into())));
    }

    #[test]
    fn bytes_that_are_read_again_are_the_same() {
        let bytes = negawatt_test_guests::READER;
        let again = |answer: Result<Vec<u8>, String>| {
            Skill::read(bytes, Origin::Loaded).unwrap().without_bytes(Arc::new(move || answer.clone()))
        };
        assert_eq!(again(Ok(bytes.to_vec())).wasm().as_deref(), Ok(bytes));
        let mut changed = bytes.to_vec();
        changed[bytes.len() / 2] ^= 1;
        for (answer, says) in [(Ok(changed), "it was changed"), (Err("it is away".to_owned()), "it is away")] {
            assert_eq!(again(answer).wasm(), Err(LoadError::Gone(says.to_owned())));
        }
    }
}
