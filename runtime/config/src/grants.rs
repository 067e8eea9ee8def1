//! `[[grants]]`: what operators allow.

use std::collections::BTreeSet;
use std::path::PathBuf;

use negawatt_package::Tool;

use crate::addresses::AddressRange;
use crate::limits::LimitsChange;
use crate::origin::HttpOrigin;
use crate::place::{ConfigError, Place};
use crate::reader::{Field, suggestion};
use crate::sections::optional;
use crate::shape;
use crate::trust::bytes32;

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
            methods: DEFAULT_METHODS.map(str::to_owned).into(),
            addresses: Vec::new(),
            secrets: Vec::new(),
            may_export: false,
            limits: LimitsChange::default(),
        }
    }
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

/// Methods of requests that a grant may name.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Those that it names where nobody says otherwise: they ask, and change nothing.
pub const DEFAULT_METHODS: [&str; 2] = ["GET", "HEAD"];

/// Whether a header, in small letters, is neither a skill's nor an operator's to set: it belongs to the connection, or many servers
/// take another method from it than the one that was granted.
pub fn is_reserved_header(name: &str) -> bool {
    const RESERVED: [&str; 13] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
    ];
    RESERVED.contains(&name) || name.starts_with("proxy-")
}

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
        methods: optional(&section, "methods", methods)?.unwrap_or_else(|| DEFAULT_METHODS.map(str::to_owned).into()),
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

/// An origin; `example` is what would be right.
pub(crate) fn origin(field: &Field<'_>, example: &str) -> Result<HttpOrigin, ConfigError> {
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
        if METHODS.contains(&method) {
            return Ok(method.to_owned());
        }
        Err(item.error(format!("there is no method {method:?}"), suggestion(method, &METHODS)))
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
            if !name.chars().all(token) || is_reserved_header(&name) {
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
