//! Who signed a component: Ed25519 over a digest of all bytes before the signature.
//!
//! A signature says that a holder of a key made these very bytes, and nothing of what they do. Whose key that is, an operator says.

use std::collections::BTreeMap;
use std::fmt;

use negawatt_package::{PackageError, Signature, unsigned};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::skill::{LoadError, Skill};

/// What the digest is for: one made for anything else is another digest of the same bytes.
const DOMAIN: &str = "negawatt 2026-11 skill signature, format 1";

/// What a private key begins with as text.
const PRIVATE: &str = "ed25519-private:";

/// An Ed25519 public key. As text `ed25519:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519:{}", blake3::Hash::from_bytes(self.0).to_hex())
    }
}

/// An Ed25519 private key, which signs.
pub struct PrivateKey {
    seed: [u8; 32],
    pair: Ed25519KeyPair,
}

impl PrivateKey {
    /// A new one; `None` where this machine has no randomness.
    pub fn generate() -> Option<PrivateKey> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).ok()?;
        PrivateKey::of(seed)
    }

    fn of(seed: [u8; 32]) -> Option<PrivateKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        Some(PrivateKey { seed, pair })
    }

    /// From its text; `None` where that is no private key.
    pub fn read(text: &str) -> Option<PrivateKey> {
        let seed = blake3::Hash::from_hex(text.trim_end().strip_prefix(PRIVATE)?).ok()?;
        PrivateKey::of(*seed.as_bytes())
    }

    /// Its text, which [`PrivateKey::read`] takes.
    pub fn to_text(&self) -> String {
        format!("{PRIVATE}{}\n", blake3::Hash::from_bytes(self.seed).to_hex())
    }

    /// The public key that goes with it.
    pub fn public(&self) -> PublicKey {
        let mut key = [0; 32];
        key.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey(key)
    }

    /// The component with a signature at its end, in place of the one that it may carry.
    pub fn sign(&self, wasm: &[u8]) -> Result<Vec<u8>, PackageError> {
        let signed = unsigned(wasm)?;
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(&digest(&signed)).as_ref());
        Ok(Signature { key: self.public().0, signature }.append(&signed))
    }
}

/// Of the bytes that are signed.
fn digest(signed: &[u8]) -> [u8; 32] {
    blake3::derive_key(DOMAIN, signed)
}

/// Who signed a component, if anybody did. A signature that does not hold is worse than none: somebody changed the file.
pub(crate) fn signer(wasm: &[u8]) -> Result<Option<PublicKey>, LoadError> {
    let Some((Signature { key, signature }, signed)) = Signature::read(wasm)? else { return Ok(None) };
    let holds = UnparsedPublicKey::new(&ED25519, key).verify(&digest(signed), &signature);
    holds.map_err(|_| LoadError::Forged(PublicKey(key)))?;
    Ok(Some(PublicKey(key)))
}

impl Skill {
    /// Knows its publisher by an operator's table of public keys; who has a key that is not there is nobody.
    pub fn published_by(mut self, publishers: &BTreeMap<String, [u8; 32]>) -> Skill {
        let signer = self.signer;
        let known = publishers.iter().find(|(_, key)| signer == Some(PublicKey(**key)));
        self.publisher = known.map(|(name, _)| name.clone());
        self
    }
}
