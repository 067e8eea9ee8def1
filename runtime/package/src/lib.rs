//! What a skill is on disk: a folder that is an Agent Skill, and the one `.wasm` file that carries it whole.
//!
//! This crate reads and writes packages without knowing how to run them, so that build scripts can use it as well as the
//! host. Everything it reads is untrusted.

pub mod build;
mod component;
mod manifest;
mod names;
mod signature;
pub mod text;

pub use component::{MANIFEST_SECTION, Package, PackageError, pack};
pub use manifest::{MAX_MANIFEST_BYTES, Manifest, ManifestError};
pub use names::{Kind, Tool, UnknownName};
pub use signature::{SIGNATURE_SECTION, Signature, SignatureError, unsigned};
