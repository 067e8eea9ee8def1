//! Secrets that sign: `whsec_` and base64, as Standard Webhooks has them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use negawatt_config::{ConfigError, Located, Secret};
use ring::hmac;

const PREFIX: &str = "whsec_";

/// Bytes of a secret; what the specification asks for.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that signs what is sent. Nothing prints it.
pub struct SigningSecret(hmac::Key);

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret")
    }
}

impl SigningSecret {
    /// Reads a secret; `Err` says what is wrong, and does not repeat it.
    pub fn parse(text: &str) -> Result<SigningSecret, String> {
        let bytes = text.strip_prefix(PREFIX).and_then(|base64| STANDARD.decode(base64).ok());
        let bytes = bytes.filter(|bytes| BYTES.contains(&bytes.len())).ok_or_else(|| {
            format!("the secret is not {PREFIX} and base64 of {} to {} random bytes; make one: echo {PREFIX}$(openssl rand -base64 32)", BYTES.start(), BYTES.end())
        })?;
        Ok(SigningSecret(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// Reads the secret where it is.
    pub(crate) fn read(from: &Secret) -> Result<SigningSecret, String> {
        SigningSecret::parse(&from.read()?)
    }

    /// Looks whether the secret is there and one that signs; a mistake is at its place.
    pub(crate) fn check(from: &Located<Secret>) -> Result<(), ConfigError> {
        SigningSecret::read(&from.value)
            .map(drop)
            .map_err(|what| from.error(what, "put the secret where this names it"))
    }

    /// The header `webhook-signature` of a message: `v1,` and base64 of the HMAC-SHA256 of id, time (seconds since 1970) and body,
    /// with points between. The id has no point in it.
    pub fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let tag = hmac::sign(&self.0, format!("{id}.{seconds}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_reference_libraries_has_its_signature() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(!format!("{secret:?}").contains("MfKQ"));
    }

    #[test]
    fn what_is_no_secret_is_told_and_not_repeated() {
        for text in [
            "",
            "hunter2hunter2hunter2hunter2hunter2",
            "whsec_",
            "whsec_aHVudGVyMg==",
            "whsec_hunter2!",
            &format!("whsec_{}", "A".repeat(200)),
        ] {
            let error = SigningSecret::parse(text).unwrap_err();
            assert!(error.contains("openssl") && !error.contains("hunter2") && !error.contains("aHVu"), "{error}");
        }
    }
}
