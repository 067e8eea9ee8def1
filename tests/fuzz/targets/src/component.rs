//! The bytes of a component: inspected, scanned, and loaded.

use std::sync::{Mutex, PoisonError};

use negawatt_host::grants::{Grant, Grants};
use negawatt_host::limits::HostLimits;
use negawatt_host::{Digest, Host, HostConfig, Imports, Origin, Skill, scan};
use negawatt_package::Package;

use crate::shown::assert_shown;

/// How many skills one host compiles before another takes its place: it keeps what it has compiled.
const COMPILED_BY_ONE: usize = 200;

/// A component: what is read says the same to all who read it, is given nothing that nobody granted, and is compiled or
/// refused.
pub fn component(bytes: &[u8]) {
    let limits = HostLimits::default();
    let scanned = scan::component(bytes, &limits);
    let skill = match Skill::read(bytes.to_vec(), Origin::Loaded) {
        Ok(skill) => skill,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert_eq!((skill.size, skill.digest), (bytes.len(), Digest::of(bytes)));
    assert_eq!(Package::read(bytes).map(|package| package.manifest), Ok(skill.manifest.clone()));
    assert_eq!(Imports::of(bytes), Ok(skill.imports.clone()));
    skill.imports.base.iter().for_each(|import| assert_shown(import));
    match Grants::default().rights(&skill) {
        Ok(rights) => assert!(skill.imports.tools.is_empty() && rights.tools.is_empty()),
        Err(denial) => {
            assert!(!skill.imports.tools.is_empty() && denial.to_string().contains(&skill.manifest.name));
            let mut grant = Grant::to(&skill.manifest.name, skill.imports.tools.clone());
            grant.may_export = true;
            let grants = Grants { grants: vec![grant], ..Grants::default() };
            assert_eq!(grants.rights(&skill).map(|rights| rights.tools), Ok(skill.imports.tools.clone()));
        }
    }
    // Nothing compiles what is more than the scan lets through.
    if scanned.is_ok() {
        compile(&skill);
    }
}

fn compile(skill: &Skill) {
    static HOST: Mutex<Option<(Host, usize)>> = Mutex::new(None);

    let mut host = HOST.lock().unwrap_or_else(PoisonError::into_inner);
    let (host, compiled) = match host.take() {
        Some((current, compiled)) if compiled < COMPILED_BY_ONE => host.insert((current, compiled)),
        _ => {
            let new = Host::new(HostConfig::default()).unwrap_or_else(|error| panic!("{error}"));
            host.insert((new, 0))
        }
    };
    *compiled += 1;
    if let Err(error) = host.compile(skill) {
        assert!(!error.to_string().is_empty());
    }
}
