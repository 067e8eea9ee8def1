//! Whole files: those of the documentation, and mistakes with their places.

use std::path::{Path, PathBuf};
use std::time::Duration;

use negawatt_config::{Config, ConfigError, Fuel, Injection, LogForm, MetricsSource, Secret, Telemetry, Tool};

const FULL: &str = r#"
[sources.metrics]
kind = "files"
path = "metrics"
[sources.profiles]
kind = "files"
path = "profiles"
[sources.changes]
kind = "git"
path = "repo"
[sources.configs]
kind = "files"
path = "configs.jsonl"
[sources.topology]
kind = "files"
path = "topology.csv"
[sources.experiments]
kind = "files"
path = "experiments.jsonl"
[sources.docs]
kind = "files"
path = "docs"
[casebook]
path = "casebook"
[skills]
paths = ["skills", "one.wasm"]
replace = ["impact"]
[[grants]]
skill = "acme-*"
tools = ["metrics", "profiles", "changes"]
time = "500ms"
digest = "blake3:00ff000000000000000000000000000000000000000000000000000000000001"
[[grants]]
skill = "other"
memory = "128MiB"
[[grants]]
publisher = "acme"
path = "skills/gc.wasm"
http = ["https://API.example.com", "http://10.0.0.5:8080"]
methods = ["GET", "POST"]
addresses = ["10.0.0.0/8"]
secrets = [
  { name = "acme-token", audience = "https://api.example.com", header = "Authorization", prefix = "Bearer " },
  { name = "acme-key", audience = "http://10.0.0.5:8080", query = "key" },
]
may_export = true
fuel = 1_000_000_000
[publishers.acme]
key = "ed25519:00ff000000000000000000000000000000000000000000000000000000000001"
[secrets.acme-token]
env = "ACME_TOKEN"
[secrets.acme-key]
file = "acme-key"
[host]
calls = 8
compile_time = "30s"
[case]
steps = 10
distance = 2
look_back = "24h"
[limits]
memory = "64MiB"
time = "2s"
tool_calls = 10
finding_bytes = "8KiB"
[fleet.services.checkout]
servers = 1200
cores_per_server = 64
watts_per_core = 4.5
"#;

const KEY: &str = "ed25519:00ff000000000000000000000000000000000000000000000000000000000001";

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/etc/negawatt/negawatt.toml"))
}

#[test]
fn the_documented_file_is_read() {
    let config = parse(FULL).unwrap();
    let inside = |name: &str| PathBuf::from("/etc/negawatt").join(name);
    let Some(MetricsSource::Files(metrics)) = config.sources.metrics else { panic!() };
    assert_eq!(metrics.value, inside("metrics"));
    assert_eq!(config.sources.docs.unwrap().value, inside("docs"));
    assert_eq!(config.repositories.len(), 1);
    let repository = &config.repositories["default"];
    assert_eq!((repository.path.value.clone(), &repository.branch), (inside("repo"), &None));
    assert_eq!(repository.path.place.to_string(), "/etc/negawatt/negawatt.toml:10:8: sources.changes.path");
    assert_eq!(config.casebook.unwrap().value, inside("casebook"));
    assert_eq!(config.skills.paths[1].value, inside("one.wasm"));
    assert!(config.skills.bundled);
    assert_eq!(config.skills.replace, ["impact"]);
    assert_eq!(config.grants[0].tools, [Tool::Metrics, Tool::Profiles, Tool::Changes].into());
    assert_eq!(config.grants[0].limits.time, Some(Duration::from_millis(500)));
    let digest = config.grants[0].digest.unwrap();
    assert_eq!((digest[1], digest[31]), (0xff, 1));
    assert_eq!(config.grants[1].limits.memory, Some(128 << 20));
    let grant = &config.grants[2];
    assert_eq!((grant.publisher.as_deref(), &grant.skill, grant.may_export), (Some("acme"), &None, true));
    assert_eq!(grant.path, Some(inside("skills/gc.wasm")));
    assert_eq!(grant.tools, [Tool::Http].into(), "naming origins grants the tool");
    let origins: Vec<_> = grant.origins.iter().map(ToString::to_string).collect();
    assert_eq!(origins, ["http://10.0.0.5:8080", "https://api.example.com"]);
    assert_eq!(grant.methods, ["GET", "POST"].map(str::to_owned).into());
    assert!(grant.addresses[0].contains([10, 1, 2, 3].into()));
    let bearer = Injection::Header { name: "authorization".into(), prefix: "Bearer ".into() };
    assert_eq!(grant.secrets[0].injection, bearer);
    assert_eq!(grant.secrets[1].injection, Injection::Query("key".into()));
    assert_eq!(grant.limits.fuel, Some(Fuel(1_000_000_000)));
    assert_eq!(config.publishers["acme"][31], 1);
    assert_eq!(config.secrets["acme-token"].value, Secret::Environment("ACME_TOKEN".into()));
    assert_eq!(config.secrets["acme-key"].value, Secret::File(inside("acme-key")));
    assert_eq!((config.host.calls, config.host.compile_time), (Some(8), Some(Duration::from_secs(30))));
    assert_eq!((config.case.limits.steps, config.case.distance), (Some(10), Some(2)));
    assert_eq!(config.case.look_back, Some(Duration::from_secs(24 * 3600)));
    assert_eq!(config.limits.finding_bytes, Some(8 << 10));
    assert_eq!(config.limits.compute, None);
    assert_eq!(config.fleet["checkout"].watts_per_core, 4.5);
}

#[test]
fn metrics_of_a_prometheus() {
    let config = parse("[sources.metrics]\nkind = \"prometheus\"\nurl = \"https://metrics.example/prom/\"").unwrap();
    let Some(MetricsSource::Prometheus(url)) = config.sources.metrics else { panic!() };
    assert_eq!(url.value, "https://metrics.example/prom");
    assert_eq!((url.place.line, url.place.key.as_str()), (3, "sources.metrics.url"));
}

#[test]
fn everything_is_optional() {
    let config = parse("").unwrap();
    assert!(config.sources.metrics.is_none() && config.repositories.is_empty() && config.grants.is_empty());
    assert!(config.skills.bundled);
    let repositories = parse(
        "[repositories.shop]\npath = \"/shop\"\nbranch = \"main\"\nservices = [\"a\"]\n[repositories.web]\npath = \"w\"",
    );
    let repositories = repositories.unwrap().repositories;
    assert_eq!(repositories["shop"].path.value, PathBuf::from("/shop"), "an absolute path stays");
    assert_eq!(repositories["shop"].services, ["a"]);
    assert_eq!(repositories["web"].path.value, PathBuf::from("/etc/negawatt/w"));
}

#[test]
fn mistakes_are_named_with_their_place_and_what_would_be_right() {
    for (text, place, key, message, help) in [
        ("[sorces]", (1, 2), "sorces", "no key `sorces`", "did you mean `sources`"),
        ("\n[limits]\n  memroy = \"1B\"", (3, 3), "limits.memroy", "no key `memroy`", "did you mean `memory`"),
        ("[sources.metrics]\npath = \"m\"", (1, 1), "sources.metrics", "`kind` is missing", "kind = \"files\""),
        ("[sources.metrics]\nkind = \"files\"", (1, 1), "sources.metrics", "`path` is missing", "path = "),
        ("[sources.metrics]\nkind = \"prometheus\"", (1, 1), "sources.metrics", "`url` is missing", "http://"),
        (
            "[sources.metrics]\nkind = \"prometheus\"\npath = \"m\"",
            (3, 1),
            "sources.metrics.path",
            "no key `path`",
            "url",
        ),
        (
            "[sources.metrics]\nkind = \"files\"\npath = \"m\"\nurl = \"http://a\"",
            (4, 1),
            "sources.metrics.url",
            "no key `url`",
            "path",
        ),
        (
            "[sources.metrics]\nkind = \"prometheus\"\nurl = \"http://u:p@a\"",
            (3, 7),
            "sources.metrics.url",
            "a user's name",
            "a proxy",
        ),
        (
            "[sources.metrics]\nkind = \"prometheus\"\nurl = \"ftp://a\"",
            (3, 7),
            "sources.metrics.url",
            "another scheme",
            "http://",
        ),
        (
            "[sources.profiles]\nkind = \"pyroscope\"\nurl = \"x\"",
            (2, 8),
            "sources.profiles.kind",
            "does not serve",
            "files",
        ),
        ("[sources.metrics]\nkind = \"promehteus\"", (2, 8), "sources.metrics.kind", "no kind \"promehteus\"", "files"),
        ("[sources.changes]\nkind = \"files\"\npath = \"r\"", (2, 8), "sources.changes.kind", "no kind", "git"),
        ("[sources.code]\nkind = \"git\"", (1, 1), "sources.code", "no source of its own", "repositories"),
        ("[sources]\nmetrics = 3", (2, 11), "sources.metrics", "is integer; it must be a table", "[sources.metrics]"),
        ("[limits]\ntime = 2", (2, 8), "limits.time", "is integer; it must be a string", "\"2s\""),
        ("[limits]\ntime = \"2 parsecs\"", (2, 8), "limits.time", "not a duration", "\"2s\""),
        ("[limits]\nmemory = \"64\"", (2, 10), "limits.memory", "not a size", "\"64MiB\""),
        ("[limits]\ntool_calls = 0", (2, 14), "limits.tool_calls", "out of range", "from 1"),
        ("[limits]\nfindings = -1", (2, 12), "limits.findings", "out of range", "from 1"),
        ("[limits]\nlog_bytes = \"5GiB\"", (2, 13), "limits.log_bytes", "more than can be allowed", "\"64MiB\""),
        ("[limits]\nmemory = \"2GiB\"", (2, 10), "limits.memory", "more than can be allowed", "\"1GiB\""),
        ("[host]\ncalls = 65", (2, 9), "host.calls", "more than can be allowed", "at most 64"),
        ("[case]\ndistanc = 1", (2, 1), "case.distanc", "no key", "did you mean `distance`"),
        (
            "[[grants]]\nskill = \"a\"\ntools = [\"metrics\", \"metric\"]",
            (3, 21),
            "grants.tools",
            "no tool \"metric\"",
            "`metrics`",
        ),
        (
            "[review]\nlink = \"https://u:p@a/{case}\"",
            (2, 8),
            "review.link",
            "a user's name",
            "let readers log in with their own",
        ),
        ("[review]\nlink = \"ftp://a/{case}\"", (2, 8), "review.link", "another scheme", "/cases/{case}"),
        ("[review]\nlink = \"https:///{case}\"", (2, 8), "review.link", "has no host", "/cases/{case}"),
        ("[review]\nlink = \"https://a/cases\"", (2, 8), "review.link", "no {case} in its path", "/cases/{case}"),
        ("[review]\nlink = \"https://{case}.a/x\"", (2, 8), "review.link", "a brace in its host", "/cases/{case}"),
        ("[review]\nlink = \"https://a/{case}/{case}\"", (2, 8), "review.link", "more than once", "/cases/{case}"),
        ("[review]\nlink = \"https://a/{case}?token=x\"", (2, 8), "review.link", "a query", "/cases/{case}"),
        ("[review]\nlink = \"https://a/({case})\"", (2, 8), "review.link", "would end a link", "/cases/{case}"),
        ("[review]\nlink = \"https://a/{id}/{case}\"", (2, 8), "review.link", "would end a link", "/cases/{case}"),
        ("[[grants]]\ntools = []", (1, 1), "grants", "does not say whom it means", "skill = "),
        ("[[grants]]\nskill = \"a\"\nmay_exprt = true", (3, 1), "grants.may_exprt", "no key", "`may_export`"),
        ("[[grants]]\npublisher = \"a\"", (2, 13), "grants.publisher", "no publisher \"a\"", "[publishers.a]"),
        ("[[grants]]\nskill = \"a\"\ntools = [\"http\"]", (3, 9), "grants.tools", "no origin", "http = "),
        ("[[grants]]\nskill = \"a\"\nmethods = [\"GET\"]", (3, 11), "grants.methods", "names no origin", "http = "),
        ("[[grants]]\nskill = \"a\"\nhttp = [\"https://a/b\"]", (3, 9), "grants.http", "has a path", "scheme, host"),
        (
            "[[grants]]\nskill = \"a\"\nhttp = [\"https://a\"]\nmethods = [\"get\"]",
            (4, 12),
            "grants.methods",
            "no method \"get\"",
            "GET",
        ),
        (
            "[[grants]]\nskill = \"a\"\nhttp = [\"https://a\"]\naddresses = [\"10.0.0.0/33\"]",
            (4, 14),
            "grants.addresses",
            "no range of addresses",
            "10.0.0.0/8",
        ),
        (
            "[secrets.t]\nenv = \"T\"\n[[grants]]\nskill = \"a\"\nhttp = [\"https://a\"]\n\
             secrets = [{ name = \"t\", audience = \"https://b\", header = \"authorization\" }]",
            (6, 37),
            "grants.secrets.audience",
            "not among the origins",
            "http",
        ),
        (
            "[secrets.t]\nenv = \"T\"\n[[grants]]\nskill = \"a\"\nhttp = [\"https://a\"]\n\
             secrets = [{ name = \"t\", audience = \"https://a\", header = \"Host\" }]",
            (6, 59),
            "grants.secrets.header",
            "no header for a secret",
            "authorization",
        ),
        ("[secrets.t]\nvalue = \"hunter2\"", (2, 1), "secrets.t.value", "no key", "env"),
        ("[secrets.t]", (1, 1), "secrets.t", "says not where", "never the secret itself"),
        ("[publishers.a]\nkey = \"ed25519:00\"", (2, 7), "publishers.a.key", "not a key", "skill key"),
        (
            &format!("[publishers]\na.key = {KEY:?}\nb.key = {KEY:?}"),
            (3, 9),
            "publishers.b.key",
            "is the key of \"a\" too",
            "of its own",
        ),
        ("[grants]\nskill = \"a\"", (1, 1), "grants", "must be a list", "[[grants]]"),
        ("[[grants]]\nskill = \"a\"\ndigest = \"blake3:zz\"", (3, 10), "grants.digest", "not a digest", "blake3:<64"),
        ("[skills]\nbundled = \"no\"", (2, 11), "skills.bundled", "must be true or false", "without quotes"),
        ("[skills]\npaths = [1]", (2, 10), "skills.paths", "must be a string", "paths = "),
        ("[casebook]\npath = \"\"", (2, 8), "casebook.path", "is empty", "casebook"),
        (
            "[fleet.services.a]\nservers = 1\ncores_per_server = inf\nwatts_per_core = 1",
            (3, 20),
            "fleet.services.a.cores_per_server",
            "finite",
            "number",
        ),
        ("[telemetry]\ntraces = \"collector:4318\"", (2, 10), "telemetry.traces", "no scheme", "127.0.0.1:4318"),
        ("[telemetry]\ntraces = \"https://a:b@c\"", (2, 10), "telemetry.traces", "user's name", "into headers"),
        ("[telemetry]\nsample = 1.5", (2, 10), "telemetry.sample", "more than 1", "from 0 to 1"),
        ("[telemetry]\nlog = \"xml\"", (2, 7), "telemetry.log", "not known", "\"text\" or \"json\""),
        (
            "[telemetry.headers]\nauthorization = \"x\"",
            (2, 17),
            "telemetry.headers.authorization",
            "a table",
            "section",
        ),
        (
            "[telemetry.headers]\nHost = { env = \"X\" }",
            (2, 8),
            "telemetry.headers.Host",
            "no header for a secret",
            "authorization",
        ),
        (
            "[telemetry.headers]\nContent-Type = { env = \"X\" }",
            (2, 16),
            "telemetry.headers.Content-Type",
            "no header for a secret",
            "authorization",
        ),
        (
            "[telemetry.headers]\nA = { env = \"X\" }\na = { env = \"Y\" }",
            (3, 5),
            "telemetry.headers.a",
            "there twice",
            "remove",
        ),
        ("[fleet.services.a]\nservers = 1", (1, 1), "fleet.services.a", "`cores_per_server` is missing", "64"),
        (
            "[sources.changes]\nkind = \"git\"\npath = \"r\"\n[repositories.b]\npath = \"s\"",
            (1, 1),
            "sources.changes",
            "stands beside",
            "[repositories.default]",
        ),
        ("[limits]\nmemory = 64MiB", (2, 10), "", "", "TOML"),
        ("a = 1\na = 2", (2, 1), "", "duplicate", "TOML"),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!((error.line, error.column), place, "{text}\n{error}");
        assert_eq!(error.key, key, "{text}\n{error}");
        assert!(error.message.contains(message), "{text}\n{error}");
        assert!(error.help.contains(help), "{text}\n{error}");
        assert!(error.to_string().starts_with("/etc/negawatt/negawatt.toml:"), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("negawatt.toml");
    let error = Config::find(Some(&file)).unwrap_err();
    assert_eq!((error.line, &error.file), (0, &file));
    std::fs::write(&file, [b'a', 0xff]).unwrap();
    assert!(Config::read(&file).unwrap_err().message.contains("UTF-8"));
    std::fs::write(&file, FULL).unwrap();
    assert_eq!(Config::find(Some(&file)).unwrap().casebook.unwrap().value, folder.path().join("casebook"));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,80}", at in 0..FULL.len(), cut in 0..40_usize) {
        let _ = parse(&text);
        let mut broken = FULL.to_owned();
        let end = (at + cut).min(broken.len());
        broken.replace_range(at..end, &text);
        let _ = parse(&broken);
    }
}

#[test]
fn a_case_has_an_address_where_people_read_it() {
    assert_eq!(parse("[review]").unwrap().review.link, None);
    for (link, address) in [
        ("https://negawatt.example/cases/{case}", "https://negawatt.example/cases/01J"),
        ("http://127.0.0.1:8080/{case}/", "http://127.0.0.1:8080/01J/"),
        ("https://wiki.example/x;y=1,2/case-{case}.html", "https://wiki.example/x;y=1,2/case-01J.html"),
    ] {
        let read = parse(&format!("[review]\nlink = \"{link}\"")).unwrap().review.link.unwrap();
        assert_eq!(read.of("01J"), address);
    }
    let long = format!("[review]\nlink = \"https://a/{}{{case}}\"", "x".repeat(400));
    assert!(parse(&long).unwrap_err().message.contains("longer than 400"));
}

#[test]
fn nothing_is_sent_unless_somebody_says_where() {
    assert_eq!(parse("").unwrap().telemetry, Telemetry::default());
    let Telemetry { traces, headers, sample, log } = parse(include_str!("whole.toml")).unwrap().telemetry;
    assert_eq!(traces.unwrap().value, "https://collector.example.com/otlp");
    assert_eq!(headers["authorization"].value, Secret::Environment("NEGAWATT_OTLP_AUTHORIZATION".into()));
    assert_eq!((sample, log), (Some(0.1), LogForm::Json));
}
