//! The sections of the file, one function each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use negawatt_package::Tool;
use toml::de::DeTable;

use crate::place::{ConfigError, Located, Place};
use crate::reader::{Document, Field, Section, suggestion};
use crate::{Config, FleetService, Grant, Limits, MetricsSource, Repository, Skills, Sources, url};

/// The name of the repository that `[sources.changes]` is short for.
const DEFAULT_REPOSITORY: &str = "default";

const LIMITS: [&str; 8] =
    ["memory", "time", "compute", "tool_calls", "read_bytes", "findings", "finding_bytes", "log_bytes"];

pub fn config(text: &str, file: &Path) -> Result<Config, ConfigError> {
    let document = Document { file, text };
    let table = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        ConfigError::new(
            &Place::of(file, text, start, String::new()),
            error.message().trim_end(),
            "the file is TOML: [section] lines, then key = value lines; text stands in quotes",
        )
    })?;
    let known = ["sources", "repositories", "casebook", "skills", "grants", "limits", "fleet"];
    let root = Section::root(&document, table.get_ref(), &known)?;
    let (sources, default) = optional(&root, "sources", sources)?.unwrap_or_default();
    Ok(Config {
        sources,
        repositories: repositories(root.field("repositories"), default)?,
        casebook: optional(&root, "casebook", casebook)?,
        skills: optional(&root, "skills", skills)?.unwrap_or_default(),
        grants: optional(&root, "grants", grants)?.unwrap_or_default(),
        limits: optional(&root, "limits", |field| limits(&field.section(&LIMITS)?))?.unwrap_or_default(),
        fleet: optional(&root, "fleet", fleet)?.unwrap_or_default(),
    })
}

fn optional<'a, T>(
    section: &Section<'a>,
    key: &str,
    read: impl FnOnce(Field<'a>) -> Result<T, ConfigError>,
) -> Result<Option<T>, ConfigError> {
    section.field(key).map(read).transpose()
}

fn sources(field: Field<'_>) -> Result<(Sources, Option<(Place, Repository)>), ConfigError> {
    let section = field.open_section()?;
    if let Some(code) = section.field("code") {
        return Err(code.error(
            "`code` has no source of its own: it reads the repositories of `changes`",
            "remove it, and write [sources.changes] or [repositories.<name>]",
        ));
    }
    let section = field.section(&["metrics", "profiles", "changes", "configs", "experiments", "topology", "docs"])?;
    let sources = Sources {
        metrics: optional(&section, "metrics", |field| metrics(&field))?,
        profiles: optional(&section, "profiles", |field| files(&field, &["pyroscope"]))?,
        configs: optional(&section, "configs", |field| files(&field, &[]))?,
        experiments: optional(&section, "experiments", |field| files(&field, &[]))?,
        topology: optional(&section, "topology", |field| files(&field, &[]))?,
        docs: optional(&section, "docs", |field| files(&field, &[]))?,
    };
    let changes = optional(&section, "changes", |field| {
        kind(&field.open_section()?, &["git"], &[])?;
        let section = field.section(&["kind", "path", "branch", "services"])?;
        Ok((section.place(), repository(&section)?))
    })?;
    Ok((sources, changes))
}

fn metrics(field: &Field<'_>) -> Result<MetricsSource, ConfigError> {
    if kind(&field.open_section()?, &["files", "prometheus"], &[])? == "files" {
        return files(field, &[]).map(MetricsSource::Files);
    }
    let field = field.section(&["kind", "url"])?.required("url", url::EXAMPLE)?;
    let url = url::base(field.text(url::EXAMPLE)?).map_err(|(message, help)| field.error(message, help))?;
    Ok(MetricsSource::Prometheus(Located { value: url, place: field.place().clone() }))
}

/// A source of kind `files`; `later` are kinds of the format that are not served.
fn files(field: &Field<'_>, later: &[&str]) -> Result<Located<PathBuf>, ConfigError> {
    // The kind comes first: the keys of another kind are no mistakes of their own.
    kind(&field.open_section()?, &["files"], later)?;
    field.section(&["kind", "path"])?.required("path", "path = \"…\", relative to this file")?.path("path = \"…\"")
}

/// The kind of a source, one of those that are `served`.
fn kind<'a>(section: &Section<'a>, served: &[&str], later: &[&str]) -> Result<&'a str, ConfigError> {
    let example = served.iter().map(|kind| format!("kind = \"{kind}\"")).collect::<Vec<_>>().join(" or ");
    let field = section.required("kind", &example)?;
    let kind = field.text(&example)?;
    if served.contains(&kind) {
        return Ok(kind);
    }
    if later.contains(&kind) {
        return Err(field.error(
            format!("this version does not serve the kind \"{kind}\" yet"),
            format!("this version serves {example}; export the data, and name it with path"),
        ));
    }
    Err(field.error(format!("there is no kind {kind:?}"), format!("write {example}")))
}

fn repositories(
    field: Option<Field<'_>>,
    default: Option<(Place, Repository)>,
) -> Result<BTreeMap<String, Repository>, ConfigError> {
    let Some(field) = field else {
        return Ok(default.map(|(_, repository)| (DEFAULT_REPOSITORY.to_owned(), repository)).into_iter().collect());
    };
    if let Some((place, _)) = default {
        return Err(ConfigError::new(
            &place,
            format!("stands beside [repositories.…] (line {}), and is short for just one of them", field.place().line),
            format!("write [repositories.{DEFAULT_REPOSITORY}] with its path in its place"),
        ));
    }
    let read = |(name, field): (&str, Field<'_>)| {
        Ok((name.to_owned(), repository(&field.section(&["path", "branch", "services"])?)?))
    };
    field.open_section()?.fields().map(read).collect()
}

fn repository(section: &Section<'_>) -> Result<Repository, ConfigError> {
    Ok(Repository {
        path: section.required("path", "path = \"…\", a git repository")?.path("path = \"…\"")?,
        branch: optional(section, "branch", |field| field.located_text("branch = \"main\""))?,
        services: optional(section, "services", |field| field.texts("services = [\"checkout\"]"))?.unwrap_or_default(),
    })
}

fn casebook(field: Field<'_>) -> Result<Located<PathBuf>, ConfigError> {
    let example = "path = \"casebook\"";
    field.section(&["path"])?.required("path", example)?.path(example)
}

fn skills(field: Field<'_>) -> Result<Skills, ConfigError> {
    let section = field.section(&["paths", "bundled", "replace"])?;
    let paths = optional(&section, "paths", |field| {
        let example = "paths = [\"skills\"]";
        field.list(example)?.iter().map(|item| item.path(example)).collect()
    })?;
    Ok(Skills {
        paths: paths.unwrap_or_default(),
        bundled: optional(&section, "bundled", |field| field.boolean())?.unwrap_or(true),
        replace: optional(&section, "replace", |field| field.texts("replace = [\"impact\"]"))?.unwrap_or_default(),
    })
}

fn grants(field: Field<'_>) -> Result<Vec<Grant>, ConfigError> {
    let known: Vec<&str> = ["skill", "digest", "tools"].into_iter().chain(LIMITS).collect();
    let grant = |field: &Field<'_>| {
        let section = field.section(&known)?;
        Ok(Grant {
            place: section.place(),
            skill: section.required("skill", "skill = \"acme-*\"")?.text("skill = \"acme-*\"")?.to_owned(),
            digest: optional(&section, "digest", digest)?,
            tools: optional(&section, "tools", tools)?.unwrap_or_default(),
            limits: limits(&section)?,
        })
    };
    field.list("each grant as a section of its own: [[grants]]")?.iter().map(grant).collect()
}

fn tools(field: Field<'_>) -> Result<Vec<Tool>, ConfigError> {
    let example = "tools = [\"metrics\", \"profiles\"]";
    let tool = |item: &Field<'_>| {
        let name = item.text(example)?;
        let unknown =
            |_| item.error(format!("there is no tool {name:?}"), suggestion(name, &Tool::ALL.map(Tool::name)));
        name.parse().map_err(unknown)
    };
    field.list(example)?.iter().map(tool).collect()
}

fn digest(field: Field<'_>) -> Result<[u8; 32], ConfigError> {
    let example = "digest = \"blake3:<64 hexadecimal digits>\", as `negawatt skill inspect` prints it";
    let text = field.text(example)?;
    let digits = text.strip_prefix("blake3:").filter(|digits| digits.len() == 64 && digits.is_ascii());
    let byte = |at: usize, digits: &str| {
        let pair = &digits[2 * at..2 * at + 2];
        pair.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(pair, 16).ok()).flatten()
    };
    let bytes: Option<Vec<u8>> = digits.and_then(|digits| (0..32).map(|at| byte(at, digits)).collect());
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| field.error(format!("{text:?} is not a digest"), format!("write {example}")))
}

fn limits(section: &Section<'_>) -> Result<Limits, ConfigError> {
    Ok(Limits {
        memory: optional(section, "memory", |field| field.size())?,
        time: optional(section, "time", |field| field.duration())?,
        compute: optional(section, "compute", |field| field.duration())?,
        tool_calls: optional(section, "tool_calls", |field| field.count())?,
        read_bytes: optional(section, "read_bytes", |field| field.size())?.map(|size| size.value),
        findings: optional(section, "findings", |field| field.count())?,
        finding_bytes: optional(section, "finding_bytes", |field| field.small_size())?,
        log_bytes: optional(section, "log_bytes", |field| field.small_size())?,
    })
}

fn fleet(field: Field<'_>) -> Result<BTreeMap<String, FleetService>, ConfigError> {
    let Some(services) = field.section(&["services"])?.field("services") else {
        return Ok(BTreeMap::new());
    };
    let service = |(name, field): (&str, Field<'_>)| {
        let section = field.section(&["servers", "cores_per_server", "watts_per_core"])?;
        let service = FleetService {
            servers: section.required("servers", "servers = 1200")?.amount()?,
            cores_per_server: section.required("cores_per_server", "cores_per_server = 64")?.amount()?,
            watts_per_core: section.required("watts_per_core", "watts_per_core = 4.5")?.amount()?,
        };
        Ok((name.to_owned(), service))
    };
    services.open_section()?.fields().map(service).collect()
}
