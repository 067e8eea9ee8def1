//! `negawatt skill key` and `skill sign`: publishers sign their skills.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use negawatt_config::Config;
use negawatt_host::{LoadError, Origin, PrivateKey, Skill};
use serde_json::json;

use super::inspect::refusal;
use super::{build, print};
use crate::error::CliError;
use crate::investigate::json_text;
use crate::setup::read_named;

/// Makes a private key, and prints the public one.
pub fn key(file: &Path, as_json: bool) -> Result<(), CliError> {
    let key = PrivateKey::generate()
        .ok_or_else(|| CliError::failure("key", "this machine gives no random numbers, of which a key is made"))?;
    let mut created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(|error| {
        let error = CliError::bad_input("key", format!("cannot be made: {error}")).at(file.display());
        error.help("name a file that is not there yet; a key is never written over")
    })?;
    created.write_all(key.to_text().as_bytes()).map_err(|error| {
        // Half a key is of no use to anybody; that it cannot be written is what matters.
        let _ = std::fs::remove_file(file);
        CliError::failure("key", format!("cannot be written: {error}")).at(file.display())
    })?;
    let public = key.public();
    if as_json {
        print(&json_text(&json!({ "file": file.display().to_string(), "key": public.to_string() })));
    } else {
        print(&format!("{public}\n"));
    }
    Ok(())
}

/// Signs a skill in its file.
pub fn sign(file: &Path, key: &Path, config: Option<&Path>, as_json: bool) -> Result<(), CliError> {
    let text = std::fs::read_to_string(key)
        .map_err(|error| CliError::bad_input("key", format!("cannot be read: {error}")).at(key.display()))?;
    // What is in the file is not repeated: it may be a key with a letter too many.
    let private = PrivateKey::read(&text).ok_or_else(|| {
        let error = CliError::bad_input("key", "this is no private key").at(key.display());
        error.help("make one with `negawatt skill key`")
    })?;
    let config = Config::find(config)?;
    let wasm = read_named(file, &config).map_err(|error| CliError::bad_input("file", error).at(file.display()))?.wasm;
    let not_a_skill = |error: LoadError| refusal(&error).at(file.display());
    let signed = private.sign(&wasm).map_err(|error| not_a_skill(error.into()))?;
    // Nobody wants a signed file that is none: it is read as a host will read it.
    let skill = Skill::read(signed.clone(), Origin::Loaded).map_err(not_a_skill)?;
    build::write(file, &signed)?;
    let public = private.public();
    let text = if as_json {
        let (file, digest) = (file.display().to_string(), skill.digest.to_string());
        json_text(&json!({ "file": file, "skill": skill.id(), "digest": digest, "signer": public.to_string() }))
    } else {
        format!("{} is signed by {public}\n", skill.id())
    };
    print(&text);
    Ok(())
}
