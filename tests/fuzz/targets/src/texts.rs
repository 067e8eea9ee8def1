//! Texts that people write: `SKILL.md`, incidents, `negawatt.toml`.

use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use negawatt_config::{Config, HttpOrigin};
use negawatt_host::json;
use negawatt_package::{Manifest, ManifestError, Package, PackageError, pack};

use crate::shown::assert_shown;
use crate::skills;

/// How many times its own length a text may become in memory.
const MOST_GROWTH: usize = 8;

/// `SKILL.md`: what is read can be packed, and is in the package what it was outside.
pub fn skill_md(bytes: &[u8]) {
    static COMPONENT: LazyLock<Vec<u8>> = LazyLock::new(skills::plain_component);

    let Ok(text) = str::from_utf8(bytes) else { return };
    let manifest = match Manifest::parse(text) {
        Ok(manifest) => manifest,
        Err(error) => {
            assert!(error.to_string().starts_with("SKILL.md"), "{error}");
            assert!(!matches!(error, ManifestError::Value { key, problem } if key.is_empty() || problem.is_empty()));
            return;
        }
    };
    let name = &manifest.name;
    assert!((1..=64).contains(&name.len()), "{name}");
    assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{name}");
    assert!(!manifest.produces.is_empty() && !manifest.description.is_empty());
    assert!(manifest.text == text && text.ends_with(&manifest.body));
    assert_shown(&manifest.description);
    let metadata: usize = manifest.metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
    assert!(metadata <= MOST_GROWTH * text.len(), "{} bytes have become {metadata} of metadata", text.len());
    match pack(&COMPONENT, text) {
        Ok(packed) => match Package::read(&packed) {
            Ok(package) => assert_eq!(package.manifest, manifest),
            Err(error) => panic!("what was packed cannot be read: {error}"),
        },
        // A licence that is no SPDX expression, and a source that is no address, are read and cannot be packed.
        Err(PackageError::Metadata { key, .. }) => assert!(["license", "source"].contains(&key)),
        Err(error) => panic!("what was read cannot be packed: {error}"),
    }
}

/// An incident: what is read, written and read again is the same.
pub fn incident(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let read = match json::read_incident(text) {
        Ok(read) => read,
        Err(error) => {
            assert!(!error.place.is_empty() && !error.message.is_empty(), "{error:?}");
            return;
        }
    };
    let incident = &read.incident;
    assert!(incident.window.start < incident.window.end && !incident.service.is_empty());
    assert_shown(&incident.title);
    let mut written = json::incident(incident);
    match json::read_incident(&written.to_string()) {
        Ok(again) => {
            assert_eq!(again.incident, *incident);
            assert_eq!(again.fingerprint, json::fingerprint(incident));
        }
        Err(error) => panic!("{written} was written and cannot be read: {error}"),
    }
    written["fingerprint"] = read.fingerprint.clone().into();
    assert_eq!(json::read_incident(&written.to_string()), Ok(read));
}

/// `negawatt.toml`: what is read fits the schema, and what is not has a place.
pub fn config(bytes: &[u8]) {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
        let built = jsonschema::options().build(&negawatt_config::schema());
        built.unwrap_or_else(|error| panic!("the schema is none: {error}"))
    });

    let Ok(text) = str::from_utf8(bytes) else { return };
    let file = Path::new("folder/negawatt.toml");
    match Config::parse(text, file) {
        Ok(config) => {
            for origin in config.grants.iter().flat_map(|grant| &grant.origins) {
                assert_eq!(HttpOrigin::parse(&origin.to_string()).as_ref(), Ok(origin));
            }
            assert_eq!(Config::parse(text, file), Ok(config));
            let table = toml::from_str::<toml::Table>(text).unwrap_or_else(|error| panic!("no TOML: {error}"));
            let value = serde_json::to_value(table).unwrap_or_else(|error| panic!("no JSON: {error}"));
            let errors: Vec<_> = SCHEMA.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "the reader takes it and the schema does not: {errors:?}");
        }
        Err(error) => {
            assert_eq!(error.file, file);
            assert!(!error.message.is_empty() && !error.help.is_empty(), "{error:?}");
            let Some(line) = error.line.checked_sub(1) else { panic!("{error:?} names no line") };
            // What ends too early is wrong in the line after the last.
            let line = text.split('\n').nth(line).unwrap_or_else(|| panic!("{error:?} names a line that is not there"));
            assert!((1..=line.chars().count() + 1).contains(&error.column), "{error:?} is not in {line:?}");
        }
    }
}
