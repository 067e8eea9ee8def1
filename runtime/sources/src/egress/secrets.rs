//! Credentials: read once at start, put into requests after every check, and taken out of what comes back.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use http::{HeaderMap, HeaderName, HeaderValue};
use negawatt_config::{ConfigError, Injection, Located, Secret, SecretGrant};
use negawatt_host::HttpResponse;
use negawatt_host::model::{Answer, Error};
use regex::bytes::Regex;

/// The longest secret, in bytes: more fits into no header.
const MAX_BYTES: u64 = 8 << 10;

/// The operator's secrets. Nothing prints them.
#[derive(Default)]
pub struct Secrets {
    values: BTreeMap<String, Value>,
}

/// A secret, and what finds it in an answer.
struct Value {
    text: String,
    found: Regex,
}

/// Finds a secret as it is and as a query has it, in capitals or not.
fn pattern(secret: &str) -> Result<Regex, regex::Error> {
    let forms = [percent(secret), secret.to_owned()].map(|form| format!("(?i:{})", regex::escape(&form)));
    Regex::new(&forms.join("|"))
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// Reads what the configuration names, with `variable` for the environment. A secret that is not there, or could be part
    /// of no request, is a mistake at its place; no message repeats one.
    pub fn read(
        named: &BTreeMap<String, Located<Secret>>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Secrets, ConfigError> {
        let mut values = BTreeMap::new();
        for (name, secret) in named {
            let value = match &secret.value {
                Secret::Environment(key) => variable(key).ok_or_else(|| {
                    secret.error(
                        format!("there is no variable {key} in the environment, or it is not UTF-8"),
                        format!("set {key} where this program is started, or name another place of the secret"),
                    )
                })?,
                Secret::File(path) => read_file(path).map_err(|reason| {
                    secret.error(
                        format!("the file {} {reason}", path.display()),
                        "name a file that holds the secret and nothing else; a path is relative to this file",
                    )
                })?,
            };
            let value = value.trim_end();
            if value.is_empty() || !value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
                return Err(secret.error(
                    "the secret is empty, or has characters that no header has",
                    "a secret is one line of letters, digits and signs (ASCII)",
                ));
            }
            let found = pattern(value).map_err(|_| {
                secret.error("the secret is too long to be looked for in answers", "name a file with the secret alone")
            })?;
            values.insert(name.clone(), Value { text: value.to_owned(), found });
        }
        Ok(Secrets { values })
    }

    /// Adds secrets to a request's target and headers.
    pub fn inject(&self, secrets: &[&SecretGrant], target: &mut String, headers: &mut HeaderMap) -> Answer<()> {
        for SecretGrant { name, injection, .. } in secrets {
            let impossible = || Error::Internal(format!("the secret {name:?} cannot be added"));
            let secret = &self.values.get(name).ok_or_else(impossible)?.text;
            match injection {
                Injection::Header { name, prefix } => {
                    let header: HeaderName = name.parse().map_err(|_| impossible())?;
                    let mut value: HeaderValue = format!("{prefix}{secret}").parse().map_err(|_| impossible())?;
                    value.set_sensitive(true);
                    headers.insert(header, value);
                }
                Injection::Query(parameter) => {
                    target.push(if target.contains('?') { '&' } else { '?' });
                    target.push_str(&format!("{}={}", percent(parameter), percent(secret)));
                }
            }
        }
        Ok(())
    }

    /// Lays stars over these secrets in an answer: those that were in its request. Of others an answer must not tell whether they
    /// are what the server guesses.
    pub fn redact(&self, secrets: &[&SecretGrant], response: &mut HttpResponse) {
        let HttpResponse { headers, body, .. } = response;
        for bytes in headers.iter_mut().map(|(_, value)| value).chain([body]) {
            let sent = secrets.iter().filter_map(|secret| self.values.get(&secret.name));
            let found: Vec<_> =
                sent.flat_map(|value| value.found.find_iter(bytes)).map(|found| found.range()).collect();
            found.into_iter().for_each(|range| bytes[range].fill(b'*'));
        }
    }
}

/// Text as it stands in a query.
fn percent(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// A file by its folder, out of which no link in it leads.
fn read_file(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let name = path.file_name().map(PathBuf::from).ok_or("has no name")?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = Dir::open_ambient_dir(folder, ambient_authority()).map_err(unreadable)?;
    if !folder.metadata(&name).map_err(unreadable)?.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    folder.open(&name).map_err(unreadable)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("has more than {MAX_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use negawatt_config::{HttpOrigin, Place};

    use super::*;

    const SECRET: &str = "t0k/en+s3cret==";

    fn named(secret: Secret) -> BTreeMap<String, Located<Secret>> {
        [("token".to_owned(), Located { value: secret, place: Place::whole(Path::new("negawatt.toml")) })].into()
    }

    fn secrets() -> Secrets {
        Secrets::read(&named(Secret::Environment("TOKEN".into())), |_| Some(format!("{SECRET}\n"))).unwrap()
    }

    #[test]
    fn what_is_missing_or_no_secret_is_a_mistake_that_repeats_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| named(Secret::File(folder.path().join(name)));
        std::fs::write(folder.path().join("token"), format!("{SECRET}\n")).unwrap();
        std::fs::write(folder.path().join("long"), SECRET.repeat(1_000)).unwrap();
        std::fs::write(folder.path().join("lines"), format!("{SECRET}\r\nx: {SECRET}")).unwrap();
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        assert_eq!(Secrets::read(&file("token"), |_| None).unwrap().values["token"].text, SECRET);
        for (named, says) in [
            (named(Secret::Environment("TOKEN".into())), "TOKEN"),
            (file("nowhere"), "nowhere"),
            (file(""), "file"),
            (file("long"), "8192"),
            (file("lines"), "characters"),
            (file("empty"), "empty"),
        ] {
            let error = Secrets::read(&named, |_| None).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("negawatt.toml"), "{error}");
            assert!(!error.contains(SECRET), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_inside_of_its_folder_alone() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("data"), SECRET).unwrap();
        std::fs::write(outside.path().join("data"), SECRET).unwrap();
        std::os::unix::fs::symlink("data", folder.path().join("inside")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("data"), folder.path().join("outside")).unwrap();
        assert!(Secrets::read(&named(Secret::File(folder.path().join("inside"))), |_| None).is_ok());
        assert!(Secrets::read(&named(Secret::File(folder.path().join("outside"))), |_| None).is_err());
    }

    #[test]
    fn secrets_go_into_requests_and_out_of_answers() {
        let audience = HttpOrigin::parse("https://a.example").unwrap();
        let grant = |injection| SecretGrant { name: "token".into(), audience: audience.clone(), injection };
        let grants = [
            grant(Injection::Header { name: "authorization".into(), prefix: "Bearer ".into() }),
            grant(Injection::Query("api key".into())),
        ];
        let (mut target, mut headers) = ("/x?y=z".to_owned(), HeaderMap::new());
        secrets().inject(&[&grants[0], &grants[1]], &mut target, &mut headers).unwrap();
        assert_eq!(target, "/x?y=z&api%20key=t0k%2Fen%2Bs3cret%3D%3D");
        assert_eq!(headers["authorization"], format!("Bearer {SECRET}"));
        assert!(!format!("{headers:?} {:?}", secrets()).contains("s3cret"));

        let echo = format!("{SECRET} {target} {} t0k/en", target.to_lowercase());
        let mut response = HttpResponse {
            status: 200,
            headers: vec![("location".into(), target.clone().into_bytes())],
            body: echo.clone().into_bytes(),
        };
        let untouched = response.clone();
        secrets().redact(&[], &mut response);
        assert_eq!(response, untouched, "whose request had no secret is not told what one is");
        secrets().redact(&[&grants[0], &grants[1]], &mut response);
        let (header, body) = (String::from_utf8_lossy(&response.headers[0].1), String::from_utf8_lossy(&response.body));
        assert!(!header.contains("s3cret") && !body.contains("s3cret"), "{header} {body}");
        assert!(body.ends_with(" t0k/en") && body.len() == echo.len(), "{body}");
    }
}
