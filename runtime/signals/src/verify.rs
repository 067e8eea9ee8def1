//! Whether a request comes from who it should: a shared secret in a header, or an HMAC of the body with it.

use std::fmt;

use negawatt_config::{ConfigError, Sender};
use negawatt_host::model::Timestamp;
use negawatt_host::text::unhex;
use reqwest::header::HeaderMap;
use ring::hmac;

/// How old a time that was signed may be, or how far ahead, in seconds.
const FRESH: i64 = 300;

/// Checks requests of one sender. It reads the secret anew each time, so that it can be renewed.
#[derive(Clone)]
pub struct Verifier {
    sender: Sender,
}

/// Why it is not known that a request comes from who it should. Only the log is told which; who asks is told nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// The header is not there, or more than once.
    #[error("the header {0} is not there once")]
    Missing(String),
    /// It holds something else.
    #[error("the header {0} does not hold what the secret makes of it")]
    Wrong(String),
    /// It was signed too long ago, or a copy of what was.
    #[error("the time in the header {0} is more than five minutes from now")]
    Stale(String),
    /// The secret is not where it should be.
    #[error("it cannot be checked: {0}")]
    NoSecret(String),
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("header", &self.sender.header).finish_non_exhaustive()
    }
}

impl Verifier {
    /// Looks whether the secret is there; a mistake is at its place.
    pub fn of(sender: &Sender) -> Result<Verifier, ConfigError> {
        let place = &sender.secret;
        place.value.read().map_err(|what| place.error(what, "put the secret where this names it"))?;
        Ok(Verifier { sender: sender.clone() })
    }

    /// Checks a request by its headers and its body, to the byte as it came.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), Unverified> {
        let secret = self.sender.secret.value.read().map_err(Unverified::NoSecret)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let header = &self.sender.header;
        let given = once(headers, header)?;
        let wrong = || Unverified::Wrong(header.clone());
        if !self.sender.hmac {
            let given = if header == "authorization" { bearer(given).ok_or_else(wrong)? } else { given };
            // Both under the secret: the time that it takes says nothing of where they differ.
            let tag = hmac::sign(&key, secret.as_bytes());
            return hmac::verify(&key, given.as_bytes(), tag.as_ref()).map_err(|_| wrong());
        }
        let digits = given.strip_prefix("sha256=").unwrap_or(given);
        let tag = unhex(digits).ok_or_else(wrong)?;
        let Some(timestamp) = &self.sender.timestamp_header else {
            return hmac::verify(&key, body, &tag).map_err(|_| wrong());
        };
        let time = once(headers, timestamp)?;
        hmac::verify(&key, &[time.as_bytes(), b":", body].concat(), &tag).map_err(|_| wrong())?;
        let is_fresh =
            |seconds: i64| seconds.saturating_sub(now.div_euclid(1_000_000)).unsigned_abs() <= FRESH.unsigned_abs();
        match time.parse() {
            Ok(seconds) if is_fresh(seconds) => Ok(()),
            _ => Err(Unverified::Stale(timestamp.clone())),
        }
    }
}

/// A header that is there once.
fn once<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Unverified> {
    let mut all = headers.get_all(name).iter();
    match (all.next().and_then(|value| value.to_str().ok()), all.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(Unverified::Missing(name.to_owned())),
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(secret.trim_start())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use negawatt_config::{Config, FILE_NAME};
    use negawatt_host::text::hex;

    use super::*;

    const SECRET: &str = "It's a Secret to Everybody";
    const NOW: Timestamp = 1_795_072_200_000_000;

    /// A sender as a configuration has it, with the secret in a file.
    fn verifier(lines: &str) -> (tempfile::TempDir, Verifier) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        fs::write(&file, format!("{SECRET}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let text = format!("[serve.webhooks.grafana]\nsecret = {{ file = \"secret\" }}\n{lines}");
        let config = Config::parse(&text, &folder.path().join(FILE_NAME)).unwrap();
        let sender = config.serve.webhooks.grafana.unwrap().sender.unwrap();
        let verifier = Verifier::of(&sender).unwrap();
        (folder, verifier)
    }

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn signed(text: &[u8]) -> String {
        hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), text).as_ref())
    }

    #[test]
    fn a_shared_secret() {
        let (_folder, bearer) = verifier("");
        let check = |value: &str| bearer.verify(&headers(&[("authorization", value)]), b"", NOW);
        assert_eq!([check(&format!("Bearer {SECRET}")), check(&format!("bearer  {SECRET}"))], [Ok(()), Ok(())]);
        for value in [
            "Bearer ",
            SECRET,
            &format!("Basic {SECRET}"),
            &format!("Bearer {SECRET}!"),
            &format!("Bearer {}", &SECRET[1..]),
        ] {
            assert_eq!(check(value), Err(Unverified::Wrong("authorization".to_owned())), "{value}");
        }
        let twice = [("authorization", "Bearer x"), ("authorization", "Bearer y")];
        for none in [&[][..], &twice] {
            assert_eq!(bearer.verify(&headers(none), b"", NOW), Err(Unverified::Missing("authorization".to_owned())));
        }
        let (folder, other) = verifier("header = \"X-Key\"");
        assert_eq!(other.verify(&headers(&[("x-key", SECRET)]), b"", NOW), Ok(()));
        assert!(other.verify(&headers(&[("authorization", &format!("Bearer {SECRET}"))]), b"", NOW).is_err());
        // A secret that was renewed is the one that counts; one that is gone lets nobody in.
        fs::write(folder.path().join("secret"), "another one").unwrap();
        assert!(other.verify(&headers(&[("x-key", SECRET)]), b"", NOW).is_err());
        assert_eq!(other.verify(&headers(&[("x-key", "another one")]), b"", NOW), Ok(()));
        fs::remove_file(folder.path().join("secret")).unwrap();
        assert!(matches!(other.verify(&headers(&[("x-key", "")]), b"", NOW), Err(Unverified::NoSecret(_))));
        assert!(!format!("{other:?}").contains("Secret to"));
    }

    #[test]
    fn a_signature_as_github_documents_it() {
        let (_folder, verifier) = verifier("hmac = true");
        let check = |value: &str, body: &[u8]| verifier.verify(&headers(&[("x-hub-signature-256", value)]), body, NOW);
        let documented = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(check(&format!("sha256={documented}"), b"Hello, World!"), Ok(()));
        assert_eq!(check(documented, b"Hello, World!"), Ok(()));
        for (value, body) in [
            (format!("sha256={documented}"), &b"Hello, World"[..]),
            (format!("sha1={documented}"), b"Hello, World!"),
            (documented[2..].to_owned(), b"Hello, World!"),
            (format!("sha256={}", "é"), b"Hello, World!"),
            (String::new(), b""),
        ] {
            assert!(check(&value, body).is_err(), "{value}");
        }
    }

    #[test]
    fn a_signature_of_grafana_with_its_time() {
        let (_folder, verifier) = verifier(
            "hmac = true\nheader = \"X-Grafana-Alerting-Signature\"\ntimestamp_header = \"X-Grafana-Alerting-Timestamp\"",
        );
        let at = |seconds: i64, body: &[u8]| {
            let time = (NOW / 1_000_000 + seconds).to_string();
            let tag = signed(&[time.as_bytes(), b":", b"{}"].concat());
            let all = [("x-grafana-alerting-signature", tag.as_str()), ("x-grafana-alerting-timestamp", &time)];
            verifier.verify(&headers(&all), body, NOW)
        };
        assert_eq!([at(0, b"{}"), at(-300, b"{}"), at(300, b"{}")], [Ok(()), Ok(()), Ok(())]);
        let stale = || Err(Unverified::Stale("x-grafana-alerting-timestamp".to_owned()));
        assert_eq!([at(-301, b"{}"), at(301, b"{}")], [stale(), stale()]);
        assert!(matches!(at(0, b"{ }"), Err(Unverified::Wrong(_))));
        let without_time = [("x-grafana-alerting-signature", signed(b"{}"))];
        let without_time = headers(&without_time.each_ref().map(|(name, tag)| (*name, tag.as_str())));
        assert!(matches!(verifier.verify(&without_time, b"{}", NOW), Err(Unverified::Missing(_))));
    }
}
