//! Where a component carries its signature: the last section of its file, so that all before it can be signed.
//!
//! This module knows the bytes and no cryptography: whether a signature holds is for those who trust somebody's key.

use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::{Parser, Payload};

use crate::component::{PackageError, without};

/// The custom section that holds a signature: at most once, at the top level, and nothing after it.
pub const SIGNATURE_SECTION: &str = "negawatt:signature";

/// The only format so far.
const FORMAT: u8 = 1;

const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;

/// An Ed25519 signature, with the public key that it says it was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// The public key.
    pub key: [u8; KEY_BYTES],
    /// The signature over all bytes before the section.
    pub signature: [u8; SIGNATURE_BYTES],
}

/// Why a signature section is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not WebAssembly at all, or cut off.
    #[error("this is not a WebAssembly component: {0}")]
    NotWasm(String),
    /// There is more than one.
    #[error(
        "this component carries {0} custom sections `{SIGNATURE_SECTION}`; one is allowed; sign it again with `negawatt skill sign`"
    )]
    Twice(usize),
    /// It is inside a nested component or module, where it would sign a part of the file.
    #[error(
        "the custom section `{SIGNATURE_SECTION}` is inside a nested component; only one at the top level counts; remove it, or sign the whole with `negawatt skill sign`"
    )]
    Nested,
    /// Something that it does not sign follows it.
    #[error(
        "this component has bytes after its signature, which nobody signed; sign it again with `negawatt skill sign`"
    )]
    NotLast,
    /// It has another format or length.
    #[error(
        "the signature of this component has a format that this program does not know; run a newer one, or sign it again with `negawatt skill sign`"
    )]
    Format,
}

impl Signature {
    /// The signature that a component carries and the bytes that it is about; `None` where it carries none.
    pub fn read(wasm: &[u8]) -> Result<Option<(Signature, &[u8])>, SignatureError> {
        let (mut found, mut depth, mut nested) = (Vec::new(), 0usize, false);
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(|error| SignatureError::NotWasm(error.message().to_owned()))? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section) if section.name() == SIGNATURE_SECTION => {
                    nested |= depth > 0;
                    found.push((section.data(), section.range().end));
                }
                _ => {}
            }
        }
        let (data, end) = match found.as_slice() {
            [] => return Ok(None),
            _ if nested => return Err(SignatureError::Nested),
            [section] => *section,
            many => return Err(SignatureError::Twice(many.len())),
        };
        if end != wasm.len() {
            return Err(SignatureError::NotLast);
        }
        let signature = Signature::decode(data).ok_or(SignatureError::Format)?;
        // The section in just the bytes that are written here: no second spelling of the same signature.
        let signed = wasm.strip_suffix(signature.section().as_slice()).ok_or(SignatureError::Format)?;
        Ok(Some((signature, signed)))
    }

    fn decode(data: &[u8]) -> Option<Signature> {
        let (format, rest) = data.split_first()?;
        let (key, signature) = rest.split_first_chunk::<KEY_BYTES>()?;
        let signature = signature.try_into().ok()?;
        (*format == FORMAT).then_some(Signature { key: *key, signature })
    }

    /// The whole section.
    fn section(&self) -> Vec<u8> {
        let data = [&[FORMAT][..], &self.key, &self.signature].concat();
        let mut section = Vec::new();
        CustomSection { name: SIGNATURE_SECTION.into(), data: data.into() }.append_to_component(&mut section);
        section
    }

    /// The component `signed`, with this signature at its end.
    pub fn append(&self, signed: &[u8]) -> Vec<u8> {
        [signed, &self.section()].concat()
    }
}

/// The component without any signature at its top level: what a new one is about.
pub fn unsigned(wasm: &[u8]) -> Result<Vec<u8>, PackageError> {
    without(wasm, &[SIGNATURE_SECTION])
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{Component, NestedComponentSection};

    use super::*;

    const SIGNATURE: Signature = Signature { key: [7; 32], signature: [9; 64] };

    fn empty() -> Vec<u8> {
        Component::new().finish()
    }

    #[test]
    fn a_signature_is_read_as_it_was_written() {
        let (wasm, signed) = (empty(), SIGNATURE.append(&empty()));
        assert_eq!(Signature::read(&wasm), Ok(None));
        assert_eq!(Signature::read(&signed), Ok(Some((SIGNATURE, wasm.as_slice()))));
        assert_eq!(unsigned(&wasm).as_ref(), Ok(&wasm));
        assert_eq!(unsigned(&signed).as_ref(), Ok(&wasm));
    }

    #[test]
    fn a_second_section_is_refused() {
        let twice = SIGNATURE.append(&SIGNATURE.append(&empty()));
        assert_eq!(Signature::read(&twice), Err(SignatureError::Twice(2)));
        assert_eq!(unsigned(&twice), Ok(empty()), "and can be signed again");
    }

    #[test]
    fn a_nested_section_is_refused() {
        let mut inner = Component::new();
        inner.section(&CustomSection { name: SIGNATURE_SECTION.into(), data: (&[0; 97][..]).into() });
        let mut outer = Component::new();
        outer.section(&NestedComponentSection(&inner));
        let outer = outer.finish();
        assert_eq!(Signature::read(&outer), Err(SignatureError::Nested));
        assert_eq!(Signature::read(&SIGNATURE.append(&outer)), Err(SignatureError::Nested));
    }

    #[test]
    fn what_follows_a_signature_is_refused() {
        let mut signed = SIGNATURE.append(&empty());
        CustomSection { name: "x".into(), data: (&[][..]).into() }.append_to_component(&mut signed);
        assert_eq!(Signature::read(&signed), Err(SignatureError::NotLast));
        let trailing = [SIGNATURE.append(&empty()), vec![0]].concat();
        assert!(matches!(Signature::read(&trailing), Err(SignatureError::NotWasm(_))));
    }

    #[test]
    fn another_format_or_spelling_is_refused() {
        let section = |data: &[u8]| {
            let mut wasm = empty();
            CustomSection { name: SIGNATURE_SECTION.into(), data: data.into() }.append_to_component(&mut wasm);
            Signature::read(&wasm).map(drop)
        };
        assert_eq!(section(&[1; 97]), Ok(()));
        for data in [&[2; 97][..], &[1; 96], &[1; 98], &[]] {
            assert_eq!(section(data), Err(SignatureError::Format), "{data:?}");
        }
        // The length of the section in one byte more than it needs.
        let mut longer = SIGNATURE.append(&empty());
        let length = empty().len() + 1;
        longer[length] |= 0x80;
        longer.insert(length + 1, 0);
        assert_eq!(Signature::read(&longer), Err(SignatureError::Format));
        assert_eq!(unsigned(&longer), Ok(empty()));
        assert!(unsigned(&longer[..longer.len() - 1]).is_err(), "cut off");
    }
}
