//! The sections of the file, one function each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::place::{ConfigError, Located, Place};
use crate::reader::{Document, Field, Section};
use crate::{
    Case, CaseLimitsChange, Config, FleetService, HostLimitsChange, LimitsChange, MetricsSource, Repository, Skills,
    Sources, actions, grants, review, serve, shape, telemetry, trust, url, watch,
};

/// The name of the repository that `[sources.changes]` is short for.
const DEFAULT_REPOSITORY: &str = "default";

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
    let root = Section::root(&document, table.get_ref(), &shape::root())?;
    let publishers = optional(&root, "publishers", |field| trust::publishers(&field))?.unwrap_or_default();
    let secrets = optional(&root, "secrets", |field| trust::secrets(&field))?.unwrap_or_default();
    let named = grants::Known {
        publishers: publishers.iter().map(|(name, _)| name.as_str()).collect(),
        secrets: secrets.iter().map(|(name, _)| name.as_str()).collect(),
    };
    let (sources, default) = optional(&root, "sources", sources)?.unwrap_or_default();
    Ok(Config {
        sources,
        repositories: repositories(root.field("repositories"), default)?,
        casebook: optional(&root, "casebook", casebook)?,
        skills: optional(&root, "skills", skills)?.unwrap_or_default(),
        grants: optional(&root, "grants", |field| grants::grants(&field, &named))?.unwrap_or_default(),
        limits: optional(&root, "limits", |field| LimitsChange::read(&field.section(&shape::call())?))?
            .unwrap_or_default(),
        host: optional(&root, "host", |field| HostLimitsChange::read(&field.section(&shape::host())?))?
            .unwrap_or_default(),
        case: optional(&root, "case", case)?.unwrap_or_default(),
        watch: optional(&root, "watch", |field| watch::watch(&field))?,
        review: optional(&root, "review", |field| review::review(&field))?.unwrap_or_default(),
        learn: optional(&root, "learn", |field| review::learn(&field))?.unwrap_or_default(),
        serve: optional(&root, "serve", |field| serve::serve(&field))?.unwrap_or_default(),
        telemetry: optional(&root, "telemetry", |field| telemetry::telemetry(&field))?.unwrap_or_default(),
        fleet: optional(&root, "fleet", fleet)?.unwrap_or_default(),
        publishers: publishers.into_iter().collect(),
        secrets: secrets.into_iter().collect(),
    })
}

/// The value of a key that may be absent.
pub fn optional<'a, T>(
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
    let section = field.section(&shape::sources())?;
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
        let section = field.section(&shape::changes_source())?;
        Ok((section.place(), repository(&section)?))
    })?;
    Ok((sources, changes))
}

fn metrics(field: &Field<'_>) -> Result<MetricsSource, ConfigError> {
    if kind(&field.open_section()?, &["files", "prometheus"], &[])? == "files" {
        return files(field, &[]).map(MetricsSource::Files);
    }
    let example = "url = \"http://127.0.0.1:9090\"";
    let field = field.section(&shape::prometheus_source())?.required("url", example)?;
    url::read(&field, example, "let a proxy beside this program add the credentials").map(MetricsSource::Prometheus)
}

/// A source of kind `files`; `later` are kinds of the format that are not served.
fn files(field: &Field<'_>, later: &[&str]) -> Result<Located<PathBuf>, ConfigError> {
    // The kind comes first: the keys of another kind are no mistakes of their own.
    kind(&field.open_section()?, &["files"], later)?;
    field.section(&shape::files_source())?.required("path", "path = \"…\", relative to this file")?.path("path = \"…\"")
}

/// The kind of a source or a forge, one of those that are `served`.
pub fn kind<'a>(section: &Section<'a>, served: &[&str], later: &[&str]) -> Result<&'a str, ConfigError> {
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
    let read =
        |(name, field): (&str, Field<'_>)| Ok((name.to_owned(), repository(&field.section(&shape::repository())?)?));
    field.open_section()?.fields().map(read).collect()
}

fn repository(section: &Section<'_>) -> Result<Repository, ConfigError> {
    Ok(Repository {
        path: section.required("path", "path = \"…\", a git repository")?.path("path = \"…\"")?,
        branch: optional(section, "branch", |field| field.located_text("branch = \"main\""))?,
        services: optional(section, "services", |field| field.texts("services = [\"checkout\"]"))?.unwrap_or_default(),
        checks: optional(section, "checks", |field| actions::checks(&field))?.unwrap_or_default(),
        validation: optional(section, "validation", |field| actions::validation(&field))?,
        forge: optional(section, "forge", |field| actions::forge(&field))?,
    })
}

fn casebook(field: Field<'_>) -> Result<Located<PathBuf>, ConfigError> {
    let example = "path = \"casebook\"";
    field.section(&shape::casebook())?.required("path", example)?.path(example)
}

fn skills(field: Field<'_>) -> Result<Skills, ConfigError> {
    let section = field.section(&shape::skills())?;
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

fn case(field: Field<'_>) -> Result<Case, ConfigError> {
    let section = field.section(&shape::case())?;
    Ok(Case {
        limits: CaseLimitsChange::read(&section)?,
        distance: optional(&section, "distance", |field| field.count())?,
        look_back: optional(&section, "look_back", |field| field.duration())?,
    })
}

fn fleet(field: Field<'_>) -> Result<BTreeMap<String, FleetService>, ConfigError> {
    let Some(services) = field.section(&shape::fleet())?.field("services") else {
        return Ok(BTreeMap::new());
    };
    let service = |(name, field): (&str, Field<'_>)| {
        let section = field.section(&shape::fleet_service())?;
        let service = FleetService {
            servers: section.required("servers", "servers = 1200")?.amount()?,
            cores_per_server: section.required("cores_per_server", "cores_per_server = 64")?.amount()?,
            watts_per_core: section.required("watts_per_core", "watts_per_core = 4.5")?.amount()?,
        };
        Ok((name.to_owned(), service))
    };
    services.open_section()?.fields().map(service).collect()
}
