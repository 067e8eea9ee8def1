//! `[publishers]` and `[secrets]`: what grants name.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::place::{ConfigError, Located};
use crate::reader::Field;
use crate::shape;

/// Where the host finds a secret; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// A variable of the host's environment.
    Environment(String),
    /// A file; white space at its end does not count.
    File(PathBuf),
}

/// The longest secret that is read, in bytes.
const MOST_SECRET: u64 = 8 << 10;

impl Secret {
    /// Reads the secret, without white space at its end: text of one line that is not empty. A file must be its owner's alone; it
    /// is read anew each time, so that it can be renewed. `Err` says what is wrong, and never repeats the secret.
    pub fn read(&self) -> Result<String, String> {
        let text = match self {
            Secret::Environment(name) => std::env::var(name)
                .map_err(|_| format!("there is no variable {name} in the environment, or it is not UTF-8"))?,
            Secret::File(path) => read_file(path).map_err(|what| format!("the file {} {what}", path.display()))?,
        };
        let text = text.trim_end();
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err("the secret is empty, or more than one line".to_owned());
        }
        Ok(text.to_owned())
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    // Of the very file that is read.
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("is not a file".to_owned());
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err("can be read or written by others; take their rights away (chmod 600)".to_owned());
    }
    let mut text = String::new();
    file.take(MOST_SECRET + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MOST_SECRET {
        return Err(format!("has more than {MOST_SECRET} bytes"));
    }
    Ok(text)
}

/// Reads `[publishers.<name>]`.
pub fn publishers(field: &Field<'_>) -> Result<Vec<(String, [u8; 32])>, ConfigError> {
    let example = "key = \"ed25519:<64 hexadecimal digits>\", as `negawatt skill key` prints it";
    let mut publishers: Vec<(String, [u8; 32])> = Vec::new();
    for (name, field) in field.open_section()?.fields() {
        let field = field.section(&shape::publisher())?.required("key", example)?;
        let key = bytes32(&field, "ed25519:", "key", example)?;
        if let Some((other, _)) = publishers.iter().find(|(_, known)| *known == key) {
            return Err(field.error(format!("is the key of {other:?} too"), "give each publisher a key of its own"));
        }
        publishers.push((name.to_owned(), key));
    }
    Ok(publishers)
}

/// Reads `[secrets.<name>]`.
pub fn secrets(field: &Field<'_>) -> Result<Vec<(String, Located<Secret>)>, ConfigError> {
    let named = |(name, field): (&str, Field<'_>)| {
        Ok((name.to_owned(), Located { value: secret(&field)?, place: field.place().clone() }))
    };
    field.open_section()?.fields().map(named).collect()
}

/// Where one secret is.
pub(crate) fn secret(field: &Field<'_>) -> Result<Secret, ConfigError> {
    let section = field.section(&shape::secret())?;
    match (section.field("env"), section.field("file")) {
        (Some(field), None) => Ok(Secret::Environment(field.text("env = \"ACME_TOKEN\"")?.to_owned())),
        (None, Some(field)) => Ok(Secret::File(field.path("file = \"acme-token\"")?.value)),
        _ => {
            let help = "write env = \"ACME_TOKEN\", or file = \"acme-token\"; never the secret itself";
            Err(field.error("says not where the secret is, or two places", help))
        }
    }
}

/// 32 bytes as hexadecimal digits after a prefix.
pub(crate) fn bytes32(field: &Field<'_>, prefix: &str, what: &str, example: &str) -> Result<[u8; 32], ConfigError> {
    let text = field.text(example)?;
    let digits = text.strip_prefix(prefix).filter(|digits| digits.len() == 64 && digits.is_ascii());
    let byte = |at: usize, digits: &str| {
        let pair = &digits[2 * at..2 * at + 2];
        pair.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(pair, 16).ok()).flatten()
    };
    let bytes: Option<Vec<u8>> = digits.and_then(|digits| (0..32).map(|at| byte(at, digits)).collect());
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| field.error(format!("{text:?} is not a {what}"), format!("write {example}")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SECRET: &str = "t0kens3cret0123456789";

    #[test]
    fn a_secret_is_one_line_in_a_file_of_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let secret = Secret::File(path.clone());
        let put = |text: &str, mode: u32| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        assert!(secret.read().unwrap_err().contains("cannot be read"));
        put(&format!("{SECRET}\n"), 0o600);
        assert_eq!(secret.read().as_deref(), Ok(SECRET));
        for (text, mode, says) in [
            (SECRET, 0o644, "chmod 600"),
            (SECRET, 0o640, "chmod 600"),
            (SECRET, 0o602, "chmod 600"),
            ("\n", 0o600, "empty"),
            (&format!("{SECRET}\r\n{SECRET}"), 0o600, "one line"),
            (&SECRET.repeat(500), 0o600, "8192"),
        ] {
            put(text, mode);
            let error = secret.read().unwrap_err();
            assert!(error.contains(says) && !error.contains("s3cret"), "{error}");
        }
        let error = Secret::File(folder.path().to_owned()).read().unwrap_err();
        assert!(error.contains("is not a file"), "{error}");
        let error = Secret::Environment("NEGAWATT_NO_SUCH_SECRET".into()).read().unwrap_err();
        assert!(error.contains("NEGAWATT_NO_SUCH_SECRET"), "{error}");
    }
}
