//! Signatures: what is not just as it was signed is refused, and who is not known is nobody.

use std::collections::BTreeMap;

use negawatt_host::{LoadError, Origin, PrivateKey, PublicKey, Skill};
use negawatt_package::{Signature, SignatureError, pack, unsigned};

const SKILL_MD: &str = "---\nname: x\ndescription: Does x.\nmetadata:\n  negawatt.consumes: \"\"\n  negawatt.reads: \"\"\n  \
    negawatt.produces: \"note\"\n  negawatt.tools: \"\"\n  negawatt.version: \"1.2.3\"\n---\n";

fn key() -> PrivateKey {
    PrivateKey::read(&PrivateKey::generate().unwrap().to_text()).unwrap()
}

/// A small skill; nothing in it can be compiled.
fn skill(body: &str) -> Vec<u8> {
    pack(b"\0asm\x0d\0\x01\0", &format!("{SKILL_MD}{body}")).unwrap()
}

fn read(wasm: &[u8]) -> Result<Skill, LoadError> {
    Skill::read(wasm.to_vec(), Origin::Loaded)
}

fn known(name: &str, key: &PrivateKey) -> BTreeMap<String, [u8; 32]> {
    [(name.to_owned(), key.public().0)].into()
}

#[test]
fn a_signature_names_its_publisher() {
    let (acme, other) = (key(), key());
    let signed = acme.sign(&skill("")).unwrap();
    let read = |wasm: &[u8]| read(wasm).unwrap();
    let publisher = |wasm: &[u8], publishers: &BTreeMap<_, _>| read(wasm).published_by(publishers).publisher;
    assert_eq!(read(&signed).signer, Some(acme.public()));
    assert_eq!(publisher(&signed, &known("acme", &acme)).as_deref(), Some("acme"));
    assert_eq!(publisher(&signed, &known("acme", &other)), None, "a key that nobody knows is no publisher");
    assert_eq!(publisher(&skill(""), &known("acme", &acme)), None);
    assert_ne!(read(&signed).digest, read(&skill("")).digest, "the digest is that of the whole file");
    let again = other.sign(&signed).unwrap();
    assert_eq!(again, other.sign(&skill("")).unwrap(), "a signature takes the place of an earlier one");
    assert_eq!(publisher(&again, &known("acme", &acme)), None);
}

#[test]
fn no_changed_byte_keeps_a_publisher() {
    let acme = key();
    let signed = acme.sign(&skill("")).unwrap();
    let publishers = known("acme", &acme);
    let (mut forged, mut unsigned) = (0, 0);
    for at in 0..signed.len() {
        let mut changed = signed.clone();
        changed[at] ^= 1;
        match read(&changed) {
            Ok(skill) => {
                assert_eq!(skill.published_by(&publishers).publisher, None, "byte {at}");
                unsigned += 1;
            }
            Err(LoadError::Forged(_)) => forged += 1,
            Err(_) => {}
        }
    }
    // All of the key and of the signature, and what else no parser minds; another name, or another length of it, makes another
    // section.
    assert!(forged > 96, "{forged}");
    assert_eq!(unsigned, 1 + "negawatt:signature".len());
}

#[test]
fn a_signature_is_of_one_file() {
    let acme = key();
    let signed = acme.sign(&skill("one")).unwrap();
    let (signature, _) = Signature::read(&signed).unwrap().unwrap();
    let moved = signature.append(&skill("two"));
    let error = read(&moved).unwrap_err();
    assert_eq!(error, LoadError::Forged(acme.public()));
    assert!(error.to_string().contains("changed after it was signed"), "{error}");
}

#[test]
fn a_signature_is_of_one_key() {
    let (acme, other) = (key(), key());
    let signed = acme.sign(&skill("")).unwrap();
    let (signature, bytes) = Signature::read(&signed).unwrap().unwrap();
    let claimed = Signature { key: other.public().0, ..signature }.append(bytes);
    assert_eq!(read(&claimed).map(drop), Err(LoadError::Forged(other.public())));
    let nobody = Signature { key: [0; 32], signature: [0; 64] }.append(bytes);
    assert_eq!(read(&nobody).map(drop), Err(LoadError::Forged(PublicKey([0; 32]))));
}

#[test]
fn what_is_not_the_one_last_section_is_refused() {
    let acme = key();
    let signed = acme.sign(&skill("")).unwrap();
    let (signature, _) = Signature::read(&signed).unwrap().unwrap();
    let twice = signature.append(&signed);
    assert_eq!(read(&twice).map(drop), Err(LoadError::Signature(SignatureError::Twice(2))));
    // An empty custom section after it.
    let trailing = [signed.clone(), vec![0, 2, 1, b'x']].concat();
    assert_eq!(read(&trailing).map(drop), Err(LoadError::Signature(SignatureError::NotLast)));
    assert!(read(&[signed.clone(), vec![0]].concat()).is_err());
    // A signed component as a part of another one.
    let mut nested = b"\0asm\x0d\0\x01\0\x04".to_vec();
    let length = u16::try_from(signed.len()).unwrap();
    nested.extend([(length & 0x7f) as u8 | 0x80, (length >> 7) as u8]);
    nested.extend(&signed);
    let nested = pack(&nested, SKILL_MD).unwrap();
    assert_eq!(read(&nested).map(drop), Err(LoadError::Signature(SignatureError::Nested)));
    // What is broken can be signed again.
    for broken in [twice, trailing] {
        assert_eq!(read(&acme.sign(&broken).unwrap()).unwrap().signer, Some(acme.public()));
    }
    assert_eq!(unsigned(&signed), Ok(skill("")));
}

#[test]
fn keys_are_text() {
    let text = PrivateKey::generate().unwrap().to_text();
    let key = PrivateKey::read(&text).unwrap();
    let public = key.public().to_string();
    assert!(public.starts_with("ed25519:") && public.len() == 8 + 64 && !text.contains(&public[8..]), "{public}");
    assert_ne!(PrivateKey::generate().unwrap().to_text(), text);
    for wrong in ["", &public, &text[1..], &text[..text.len() - 2], &text.replace("private:", "private:0")] {
        assert!(PrivateKey::read(wrong).is_none(), "{wrong}");
    }
    // RFC 8032, section 7.1, test 1.
    let seed = "ed25519-private:9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let public = "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    assert_eq!(PrivateKey::read(seed).unwrap().public().to_string(), public);
}
