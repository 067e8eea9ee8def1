//! The credential: read where it is used, sent in one header, and in nothing that is printed.

use std::fmt;
use std::path::PathBuf;

use negawatt_config::Secret;
use reqwest::header::HeaderValue;

use crate::forge::ForgeError;

/// The longest token, in bytes; and the shortest, so that it is no word that answers hold anyway.
const BYTES: std::ops::RangeInclusive<usize> = 16..=4096;

/// Where the token is; never the token itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// A variable of the environment.
    Environment(String),
    /// A file that nobody else may read; white space at its end does not count. It is read anew for every submission, so that it
    /// can be renewed.
    File(PathBuf),
}

/// A token. Nothing prints it.
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// Reads it. No message repeats it.
    pub fn read(source: &TokenSource) -> Result<Token, ForgeError> {
        let wrong = |what: String| ForgeError::Settings(what);
        let secret = match source {
            TokenSource::Environment(name) => Secret::Environment(name.clone()),
            TokenSource::File(path) => Secret::File(path.clone()),
        };
        let text = secret.read().map_err(|what| wrong(format!("the token cannot be had: {what}")))?;
        Token::of(&text)
            .ok_or_else(|| wrong("the token is not one line of 16 to 4096 letters, digits and signs".to_owned()))
    }

    fn of(text: &str) -> Option<Token> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        (is_plain && BYTES.contains(&text.len())).then(|| Token(text.to_owned()))
    }

    /// The value of the header `authorization`.
    pub fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Lays stars over it where an answer repeats it.
    pub fn redact(&self, bytes: &mut [u8]) {
        let token = self.0.as_bytes();
        let mut at = 0;
        while at + token.len() <= bytes.len() {
            if bytes[at..].starts_with(token) {
                bytes[at..at + token.len()].fill(b'*');
                at += token.len();
            } else {
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const TOKEN: &str = "ghp_t0kens3cret0123456789";

    #[test]
    fn a_file_that_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let read = || Token::read(&TokenSource::File(path.clone()));
        let put = |text: &str, mode: u32| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        assert!(read().unwrap_err().to_string().contains("cannot be read"));
        put(&format!("{TOKEN}\n"), 0o600);
        assert_eq!(read().unwrap().0, TOKEN);
        for mode in [0o644, 0o640, 0o602] {
            put(TOKEN, mode);
            let error = read().unwrap_err().to_string();
            assert!(error.contains("chmod 600") && !error.contains("s3cret"), "{error}");
        }
        for text in ["", "short", &format!("{TOKEN}\r\nx: y{TOKEN}"), &TOKEN.repeat(200), &format!("{TOKEN}é")] {
            put(text, 0o600);
            let error = read().unwrap_err().to_string();
            assert!(error.contains("one line") && !error.contains("s3cret"), "{error}");
        }
        let error = Token::read(&TokenSource::File(folder.path().to_owned())).unwrap_err().to_string();
        assert!(error.contains("is not a file"), "{error}");
        let error = Token::read(&TokenSource::Environment("NEGAWATT_NO_SUCH_TOKEN".into())).unwrap_err().to_string();
        assert!(error.contains("NEGAWATT_NO_SUCH_TOKEN"), "{error}");
    }

    #[test]
    fn nothing_prints_it() {
        let token = Token::of(TOKEN).unwrap();
        let header = token.header().unwrap();
        assert_eq!(header.to_str().unwrap(), format!("Bearer {TOKEN}"));
        assert!(!format!("{token:?} {header:?}").contains("s3cret"));
        let mut answer = format!("{TOKEN}{TOKEN} x {}", &TOKEN[..20]).into_bytes();
        token.redact(&mut answer);
        let stars = "*".repeat(TOKEN.len());
        assert_eq!(String::from_utf8(answer).unwrap(), format!("{stars}{stars} x {}", &TOKEN[..20]));
    }
}
