//! `[[grants]]`, and what they name: publishers, origins, addresses, secrets.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;

use negawatt_package::Tool;
use serde::{Deserialize, Serialize};

use crate::limits::LimitsChange;
use crate::place::{ConfigError, Located, Place};
use crate::reader::{Field, Section, suggestion};
use crate::sections::optional;
use crate::shape;

/// One of `[[grants]]`: an operator's word about some skills. Whichever of `skill`, `path`, `digest` and `publisher` are given
/// must all fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Where it is written.
    pub place: Place,
    /// Names of skills; `*` stands for any letters, also none.
    pub skill: Option<String>,
    /// Only for the component in this file.
    pub path: Option<PathBuf>,
    /// Only for the component with this BLAKE3 digest.
    pub digest: Option<[u8; 32]>,
    /// Only for components that this publisher signed.
    pub publisher: Option<String>,
    /// The tools. `http` is among them exactly where there are origins.
    pub tools: BTreeSet<Tool>,
    /// `http`: origins that may be asked.
    pub origins: BTreeSet<HttpOrigin>,
    /// `methods`: of requests, in capitals; GET and HEAD where nobody says otherwise.
    pub methods: BTreeSet<String>,
    /// `addresses`: ranges that are not public, and may be dialled all the same.
    pub addresses: Vec<AddressRange>,
    /// Credentials that the host adds to requests.
    pub secrets: Vec<SecretGrant>,
    /// Whether it may send out what derives from code, changes, configurations or profiles.
    pub may_export: bool,
    /// Limits in place of the common ones.
    pub limits: LimitsChange,
}

impl Grant {
    /// What `[[grants]]` with these names of skills and these tools says, and nothing else.
    pub fn to(skill: &str, tools: impl IntoIterator<Item = Tool>) -> Grant {
        Grant {
            place: Place::whole(std::path::Path::new(crate::FILE_NAME)),
            skill: Some(skill.to_owned()),
            path: None,
            digest: None,
            publisher: None,
            tools: tools.into_iter().collect(),
            origins: BTreeSet::new(),
            methods: ["GET", "HEAD"].map(str::to_owned).into(),
            addresses: Vec::new(),
            secrets: Vec::new(),
            may_export: false,
            limits: LimitsChange::default(),
        }
    }
}

/// Scheme, host and port: what a request over HTTP may be sent to. All three are compared exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HttpOrigin {
    /// Whether the scheme is `https`; else `http`.
    pub is_https: bool,
    /// A name in small letters, or an address; IPv6 without brackets.
    pub host: String,
    /// The port, also where it is the scheme's own.
    pub port: u16,
}

impl fmt::Display for HttpOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, own) = if self.is_https { ("https", 443) } else { ("http", 80) };
        let brackets = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{}{}{}", brackets.0, self.host, brackets.1)?;
        if self.port == own { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl HttpOrigin {
    /// Reads `https://api.example.com` or `http://10.0.0.5:8080`; `Err` says what is wrong.
    pub fn parse(text: &str) -> Result<HttpOrigin, String> {
        let address = crate::url::base(text).map_err(|(message, _)| message)?;
        let (scheme, authority) = address.split_once("://").ok_or("has no scheme")?;
        if authority.contains('/') {
            return Err("has a path; an origin is scheme, host and port alone".to_owned());
        }
        let is_https = scheme == "https";
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or("has an address without its bracket")?;
                let host: Ipv6Addr = host.parse().map_err(|_| "is no IPv6 address".to_owned())?;
                (host.to_string(), port.strip_prefix(':'))
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host.to_ascii_lowercase(), Some(port)),
                None => (authority.to_ascii_lowercase(), None),
            },
        };
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
        if !host.chars().all(named) {
            return Err("has a host with other characters than letters, digits, `-`, `_` and `.`".to_owned());
        }
        let own = if is_https { 443 } else { 80 };
        let port = port.map_or(Ok(own), |port| port.parse().map_err(|_| "has a port that is none".to_owned()))?;
        Ok(HttpOrigin { is_https, host, port })
    }
}

/// A range of addresses, as `10.0.0.0/8`; one address is a range of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    network: IpAddr,
    bits: u8,
}

impl AddressRange {
    /// Reads `10.0.0.0/8`, `fd00::/8` or one address.
    pub fn parse(text: &str) -> Option<AddressRange> {
        let (network, bits) = text.split_once('/').map_or((text, None), |(network, bits)| (network, Some(bits)));
        let network: IpAddr = network.parse().ok()?;
        let most = if network.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) if bits.len() <= 3 && bits.bytes().all(|digit| digit.is_ascii_digit()) => bits.parse().ok()?,
            Some(_) => return None,
        };
        (bits <= most).then_some(AddressRange { network, bits })
    }

    /// Whether an address is in it. An IPv4 address is in no range of IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.bits)
    }
}

/// Where the host finds a secret; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// A variable of the host's environment.
    Environment(String),
    /// A file; white space at its end does not count.
    File(PathBuf),
}

/// A secret that the host adds to requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretGrant {
    /// Its name in `[secrets]`.
    pub name: String,
    /// Only requests to this origin get it.
    pub audience: HttpOrigin,
    /// Where in the request.
    pub injection: Injection,
}

/// Where a secret is put into a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Injection {
    /// A header, in small letters, and what stands before the secret in it.
    Header {
        /// The header's name.
        name: String,
        /// Such as `Bearer `.
        prefix: String,
    },
    /// A parameter of the query.
    Query(String),
}

/// Headers that belong to the transport: no secret is put there.
const TRANSPORT: [&str; 9] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "proxy-authorization",
    "proxy-connection",
];

/// What grants may name.
pub struct Known<'a> {
    /// The keys of `[publishers]`.
    pub publishers: Vec<&'a str>,
    /// The keys of `[secrets]`.
    pub secrets: Vec<&'a str>,
}

/// Reads `[[grants]]`.
pub fn grants(field: &Field<'_>, named: &Known<'_>) -> Result<Vec<Grant>, ConfigError> {
    let grants = field.list("each grant as a section of its own: [[grants]]")?;
    grants.iter().map(|field| grant(field, named)).collect()
}

fn grant(field: &Field<'_>, named: &Known<'_>) -> Result<Grant, ConfigError> {
    let section = field.section(&shape::grant())?;
    let publisher = |field: Field<'_>| known_name(&field, "publisher", &named.publishers, "acme");
    let origins = optional(&section, "http", origins)?.unwrap_or_default();
    let mut tools = optional(&section, "tools", tools)?.unwrap_or_default();
    if let Some(field) = section.field("tools").filter(|_| tools.contains(&Tool::Http) && origins.is_empty()) {
        return Err(field.error(
            "names `http`, and no origin that may be asked",
            "write http = [\"https://api.example.com\"] in this grant; that grants the tool too",
        ));
    }
    if !origins.is_empty() {
        tools.insert(Tool::Http);
    }
    for key in ["methods", "addresses", "secrets"] {
        if let Some(field) = section.field(key).filter(|_| origins.is_empty()) {
            return Err(field.error(
                format!("`{key}` is about requests over HTTP, and this grant names no origin"),
                "write http = [\"https://api.example.com\"] in this grant",
            ));
        }
    }
    let secret = |item: &Field<'_>| secret_grant(item, named, &origins);
    let secrets = match section.field("secrets") {
        Some(field) => field.list(SECRET_EXAMPLE)?.iter().map(secret).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let grant = Grant {
        place: section.place(),
        skill: optional(&section, "skill", |field| field.text("skill = \"acme-*\"").map(str::to_owned))?,
        path: optional(&section, "path", |field| field.path("path = \"skills/gc-pause.wasm\""))?.map(|path| path.value),
        digest: optional(&section, "digest", digest)?,
        publisher: optional(&section, "publisher", publisher)?,
        tools,
        methods: optional(&section, "methods", methods)?.unwrap_or_else(|| ["GET", "HEAD"].map(str::to_owned).into()),
        addresses: optional(&section, "addresses", addresses)?.unwrap_or_default(),
        secrets,
        may_export: optional(&section, "may_export", |field| field.boolean())?.unwrap_or(false),
        limits: LimitsChange::read(&section)?,
        origins,
    };
    if grant.skill.is_none() && grant.path.is_none() && grant.digest.is_none() && grant.publisher.is_none() {
        return Err(ConfigError::new(
            &grant.place,
            "does not say whom it means",
            "add skill = \"acme-*\", or path, digest or publisher; of several all must fit",
        ));
    }
    Ok(grant)
}

fn known_name(field: &Field<'_>, what: &str, known: &[&str], example: &str) -> Result<String, ConfigError> {
    let name = field.text(&format!("{what} = \"{example}\""))?;
    if known.contains(&name) {
        return Ok(name.to_owned());
    }
    let help = match known {
        [] => format!("add a section [{what}s.{name}]"),
        known => suggestion(name, known),
    };
    Err(field.error(format!("there is no {what} {name:?}"), help))
}

fn tools(field: Field<'_>) -> Result<BTreeSet<Tool>, ConfigError> {
    let example = "tools = [\"metrics\", \"profiles\"]";
    let tool = |item: &Field<'_>| {
        let name = item.text(example)?;
        let unknown =
            |_| item.error(format!("there is no tool {name:?}"), suggestion(name, &Tool::ALL.map(Tool::name)));
        name.parse().map_err(unknown)
    };
    field.list(example)?.iter().map(tool).collect()
}

fn origin(field: &Field<'_>, example: &str) -> Result<HttpOrigin, ConfigError> {
    HttpOrigin::parse(field.text(example)?)
        .map_err(|problem| field.error(problem, format!("write {example}: scheme, host, and perhaps a port")))
}

fn origins(field: Field<'_>) -> Result<BTreeSet<HttpOrigin>, ConfigError> {
    let example = "http = [\"https://api.example.com\"]";
    field.list(example)?.iter().map(|item| origin(item, example)).collect()
}

fn methods(field: Field<'_>) -> Result<BTreeSet<String>, ConfigError> {
    let example = "methods = [\"GET\", \"POST\"]";
    let method = |item: &Field<'_>| {
        let method = item.text(example)?;
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        if known.contains(&method) {
            return Ok(method.to_owned());
        }
        Err(item.error(format!("there is no method {method:?}"), suggestion(method, &known)))
    };
    field.list(example)?.iter().map(method).collect()
}

fn addresses(field: Field<'_>) -> Result<Vec<AddressRange>, ConfigError> {
    let example = "addresses = [\"10.0.0.0/8\"]";
    let range = |item: &Field<'_>| {
        let text = item.text(example)?;
        AddressRange::parse(text)
            .ok_or_else(|| item.error(format!("{text:?} is no range of addresses"), format!("write {example}")))
    };
    field.list(example)?.iter().map(range).collect()
}

const SECRET_EXAMPLE: &str = "secrets = [{ name = \"acme-token\", audience = \"https://api.example.com\", header = \"authorization\", prefix = \"Bearer \" }]";

fn secret_grant(
    field: &Field<'_>,
    named: &Known<'_>,
    origins: &BTreeSet<HttpOrigin>,
) -> Result<SecretGrant, ConfigError> {
    let section = field.section(&shape::secret_grant())?;
    let name = known_name(&section.required("name", SECRET_EXAMPLE)?, "secret", &named.secrets, "acme-token")?;
    let field = section.required("audience", SECRET_EXAMPLE)?;
    let audience = origin(&field, "audience = \"https://api.example.com\"")?;
    if !origins.contains(&audience) {
        return Err(field.error(
            format!("{audience} is not among the origins of this grant"),
            "name it under http, or name one of those",
        ));
    }
    let prefix = section.field("prefix");
    let injection = match (section.field("header"), section.field("query")) {
        (Some(header), None) => {
            let name = header.text("header = \"authorization\"")?.to_ascii_lowercase();
            let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if !name.chars().all(token) || TRANSPORT.contains(&name.as_str()) {
                return Err(header.error(
                    format!("{name:?} is no header for a secret"),
                    "write header = \"authorization\", or the header that the server asks for",
                ));
            }
            let prefix = match prefix {
                Some(prefix) => {
                    let text = prefix.text("prefix = \"Bearer \"")?;
                    if !text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
                        return Err(prefix.error("has characters that no header has", "write prefix = \"Bearer \""));
                    }
                    text.to_owned()
                }
                None => String::new(),
            };
            Injection::Header { name, prefix }
        }
        (None, Some(query)) => {
            if let Some(prefix) = prefix {
                return Err(prefix.error("stands before a secret in a header only", "remove it"));
            }
            Injection::Query(query.text("query = \"key\"")?.to_owned())
        }
        _ => {
            return Err(field.error(
                "the secret has no place in a request, or two",
                "add either header = \"authorization\" or query = \"key\"",
            ));
        }
    };
    Ok(SecretGrant { name, audience, injection })
}

fn digest(field: Field<'_>) -> Result<[u8; 32], ConfigError> {
    let example = "digest = \"blake3:<64 hexadecimal digits>\", as `negawatt skill inspect` prints it";
    bytes32(&field, "blake3:", "digest", example)
}

/// 32 bytes as hexadecimal digits after a prefix.
fn bytes32(field: &Field<'_>, prefix: &str, what: &str, example: &str) -> Result<[u8; 32], ConfigError> {
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
    let secret = |(name, field): (&str, Field<'_>)| {
        let section: Section<'_> = field.section(&shape::secret())?;
        let value = match (section.field("env"), section.field("file")) {
            (Some(field), None) => Secret::Environment(field.text("env = \"ACME_TOKEN\"")?.to_owned()),
            (None, Some(field)) => Secret::File(field.path("file = \"acme-token\"")?.value),
            _ => {
                let help = "write env = \"ACME_TOKEN\", or file = \"acme-token\"; never the secret itself";
                return Err(field.error("says not where the secret is, or two places", help));
            }
        };
        Ok((name.to_owned(), Located { value, place: section.place() }))
    };
    field.open_section()?.fields().map(secret).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_scheme_host_and_port() {
        for (text, is) in [
            ("https://API.example.com", "https://api.example.com"),
            ("https://api.example.com:443/", "https://api.example.com"),
            ("http://10.0.0.5:8080", "http://10.0.0.5:8080"),
            ("http://[::1]:80", "http://[::1]"),
            ("http://[0:0::1]:81", "http://[::1]:81"),
        ] {
            assert_eq!(HttpOrigin::parse(text).map(|origin| origin.to_string()).as_deref(), Ok(is), "{text}");
        }
        for text in ["api.example.com", "ftp://a", "https://a/path", "https://u@a", "https://a b", "https://ä.example"]
        {
            HttpOrigin::parse(text).expect_err(text);
        }
    }

    #[test]
    fn ranges_hold_addresses() {
        for (range, address, holds) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.5", "10.0.0.5", true),
            ("10.0.0.5", "10.0.0.4", false),
            ("0.0.0.0/0", "255.1.2.3", true),
            ("0.0.0.0/0", "::ffff:10.0.0.1", false),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "2001:db8::1", true),
        ] {
            let range = AddressRange::parse(range).unwrap();
            assert_eq!(range.contains(address.parse().unwrap()), holds, "{range} {address}");
        }
        for text in ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "fd00::/129", "10.0.0", "a/8", "10.0.0.0/"] {
            assert_eq!(AddressRange::parse(text), None, "{text}");
        }
    }
}
