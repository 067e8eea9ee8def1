//! Addresses of servers as operators write them.

use crate::place::{ConfigError, Located};
use crate::reader::Field;

/// What is wrong with an address.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// In words; never with what was written, which may hold a password.
    pub message: String,
    /// Whether it has credentials.
    has_credentials: bool,
}

/// Reads the address of a server, as [`base`] takes it. `example` is one that is right, `credentials` what to do with them instead.
pub fn read(field: &Field<'_>, example: &str, credentials: &str) -> Result<Located<String>, ConfigError> {
    let url = base(field.text(example)?).map_err(|wrong| {
        let help = if wrong.has_credentials {
            format!("remove all before the @, and {credentials}")
        } else {
            format!("write {example}; a path may follow")
        };
        field.error(wrong.message, help)
    })?;
    Ok(Located { value: url, place: field.place().clone() })
}

/// Checks the address of a server: `http` or `https`, a host, perhaps a port and a path; gives it without a slash at its end.
/// Whatever is printed of an address must not hold a password, so none is taken, and no message repeats what was written.
pub fn base(text: &str) -> Result<String, Wrong> {
    let wrong = |message: &str| Err(Wrong { message: message.to_owned(), has_credentials: false });
    // First of all: what stands before the @ may be a password, and is not repeated in a message.
    if text.contains('@') {
        let message = "has a user's name; credentials are not taken from an address".to_owned();
        return Err(Wrong { message, has_credentials: true });
    }
    let rest = match text.split_once("://") {
        Some(("http" | "https", rest)) => rest,
        Some(_) => return wrong("has another scheme; it must be http or https"),
        None => return wrong("has no scheme; it must begin with http:// or https://"),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '\\' | '"' | '<' | '>')) {
        return wrong("is not an address: it has blanks or characters that no address has");
    }
    if path.contains(['?', '#']) {
        return wrong("has a query or a fragment; an address ends with its path");
    }
    let (host, port) = match (authority.rfind(':'), authority.ends_with(']')) {
        (Some(at), false) => (&authority[..at], Some(&authority[at + 1..])),
        _ => (authority, None),
    };
    if host.is_empty() || (host.contains(':') && !host.starts_with('[')) {
        return wrong("has no host");
    }
    if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
        return wrong("has a port that is not a number from 1 to 65535");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, is) in [
            ("http://127.0.0.1:9090", "http://127.0.0.1:9090"),
            ("https://metrics.example/prometheus/", "https://metrics.example/prometheus"),
            ("http://[::1]:9090/", "http://[::1]:9090"),
            ("http://[::1]", "http://[::1]"),
        ] {
            assert_eq!(base(text).as_deref(), Ok(is));
        }
        for (text, message) in [
            ("127.0.0.1:9090", "no scheme"),
            ("file:///etc/passwd", "another scheme"),
            ("HTTP://a", "another scheme"),
            ("user:secret://x", "another scheme"),
            ("prom:9090?token=secret", "no scheme"),
            ("http://h /?token=secret", "blanks"),
            ("http://h:secret/x", "port"),
            ("http://", "no host"),
            ("http://:9090", "no host"),
            ("http:///x", "no host"),
            ("http://::1", "no host"),
            ("http://a:b", "port"),
            ("http://a:0", "port"),
            ("http://a:99999", "port"),
            ("http://user:secret@a", "user's name"),
            ("http://a/x?y=z", "query"),
            ("http://a#b", "fragment"),
            ("http://a b", "blanks"),
            ("http://a\\b", "characters"),
        ] {
            let found = base(text).expect_err(text);
            assert!(found.message.contains(message) && !found.message.contains("secret"), "{text}: {found:?}");
            assert_eq!(found.has_credentials, text.contains('@'));
        }
    }
}
