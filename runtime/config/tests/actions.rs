//! What is said of proposals: checks, validation and forge of a repository, `[review]` and `[learn]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use negawatt_config::{
    BetterNumbers, CheckCommand, CommandLimits, Config, ConfigError, Forge, Learn, Repository, Review, ReviewRule,
    Secret, ValidationCommand, WatchSeverity,
};

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/etc/negawatt/negawatt.toml"))
}

/// `[repositories.shop]` with these lines.
fn repository(lines: &str) -> Repository {
    parse(&format!("[repositories.shop]\npath = \"repo\"\n{lines}")).unwrap().repositories.remove("shop").unwrap()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

const USUAL: CommandLimits =
    CommandLimits { time: Duration::from_secs(300), memory: 2 << 30, output: 64 << 10, network: false };

#[test]
fn checks_and_validation() {
    let plain = repository(
        "checks = [{ name = \"tests\", command = [\"cargo\", \"test\"] }]\nvalidation = { command = [\"./bench\"] }",
    );
    let tests = CheckCommand {
        name: "tests".to_owned(),
        command: words(&["cargo", "test"]),
        programs: vec![],
        formatter: false,
        limits: USUAL,
    };
    assert_eq!(plain.checks, std::slice::from_ref(&tests));
    let bench = ValidationCommand {
        command: words(&["./bench"]),
        programs: vec![],
        runs: 8,
        better: BetterNumbers::Lower,
        limits: CommandLimits { time: Duration::from_secs(60), ..USUAL },
    };
    assert_eq!(plain.validation, Some(bench.clone()), "a command that runs in the repository stays as it is");
    let said = "time = \"2s\", memory = \"1GiB\", output = \"1KiB\", network = true";
    let limits = CommandLimits { time: Duration::from_secs(2), memory: 1 << 30, output: 1 << 10, network: true };
    let full = repository(&format!(
        "checks = [{{ name = \"tests\", command = [\"cargo\", \"test\"] }},\n\
         {{ name = \"format\", command = [\"fmt\"], programs = [\"kit\", \"/opt/go\"], formatter = true, {said} }}]\n\
         validation = {{ command = [\"./bench\"], runs = 100, better = \"higher\", {said} }}"
    ));
    let format = CheckCommand {
        name: "format".to_owned(),
        command: words(&["fmt"]),
        programs: vec!["/etc/negawatt/kit".into(), "/opt/go".into()],
        formatter: true,
        limits,
    };
    assert_eq!(full.checks, [tests, format], "in their order");
    assert_eq!(full.validation, Some(ValidationCommand { runs: 100, better: BetterNumbers::Higher, limits, ..bench }));
    let bare = repository("");
    assert_eq!((bare.checks, bare.validation, bare.forge), (vec![], None, None));
}

#[test]
fn forges() {
    let forge = |keys: &str| repository(&format!("forge = {{ {keys} }}")).forge.unwrap();
    for (written, read) in [
        ("origin", "origin"),
        ("./copy.git", "/etc/negawatt/copy.git"),
        ("../shop.git", "/etc/negawatt/../shop.git"),
        ("/srv/shop.git", "/srv/shop.git"),
        ("git@github.com:acme/shop.git", "git@github.com:acme/shop.git"),
        ("ssh://git@example.com:22/shop", "ssh://git@example.com:22/shop"),
        ("https://example.com/shop.git", "https://example.com/shop.git"),
    ] {
        let Forge::Git { remote, email } = forge(&format!("kind = \"git\", remote = {written:?}")) else { panic!() };
        assert_eq!((remote.value.as_str(), email.as_str()), (read, "negawatt@localhost.localdomain"));
        assert_eq!((remote.place.line, remote.place.key.as_str()), (3, "repositories.shop.forge.remote"));
    }
    let Forge::GitHub { repository, url, token, email, labels } =
        forge("kind = \"github\", repository = \"acme/shop\", token = { env = \"GITHUB_TOKEN\" }")
    else {
        panic!()
    };
    assert_eq!((repository.value.as_str(), url, labels), ("acme/shop", None, vec![]));
    assert_eq!((token, email.as_str()), (Secret::Environment("GITHUB_TOKEN".into()), "negawatt@localhost.localdomain"));
    let Forge::GitHub { url, token, email, labels, .. } = forge(
        "kind = \"github\", repository = \"a/b.c\", url = \"https://git.example/api/v3/\", token = { file = \"token\" }, \
         email = \"n+1@example.com\", labels = [\"performance\", \"negawatt\"]",
    ) else {
        panic!()
    };
    assert_eq!(url.as_deref(), Some("https://git.example/api/v3"));
    assert_eq!(token, Secret::File(PathBuf::from("/etc/negawatt/token")));
    assert_eq!((email.as_str(), labels), ("n+1@example.com", words(&["performance", "negawatt"])));
    let changes = "[sources.changes]\nkind = \"git\"\npath = \"r\"\nforge = { kind = \"git\", remote = \"origin\" }";
    let config = parse(changes).unwrap();
    assert!(
        matches!(config.repositories["default"].forge, Some(Forge::Git { .. })),
        "the short form has the same keys"
    );
}

#[test]
fn reviews_and_learning() {
    let config = parse("").unwrap();
    let (follow_every, guard_time) = (Duration::from_secs(600), None);
    let (severity, rules) = (WatchSeverity::High, vec![]);
    let usual = Review { confidence: None, severity, notify: None, link: None, follow_every, guard_time, rules };
    assert_eq!((&config.review, &usual), (&usual, &Review::default()));
    assert_eq!(
        (&config.learn, &Learn { confidence_between: None, hours_per_case: 10.0 }),
        (&Learn::default(), &Learn::default())
    );
    let config = parse(
        "[review]\nconfidence = 0.95\nseverity = \"critical\"\nnotify = [\"./notify\", \"./as-it-is\"]\nfollow_every = \"1min\"\n\
         guard_time = \"1s\"\n\
         [[review.rules]]\nstrategy = \"revert\"\nservice = \"shop-*\"\nseverity = \"low\"\nconfidence = 1\n\
         [[review.rules]]\n[learn]\nconfidence_between = [0.9, 0.9]\nhours_per_case = 2",
    )
    .unwrap();
    let first = ReviewRule {
        strategy: Some("revert".to_owned()),
        service: Some("shop-*".to_owned()),
        severity: Some(WatchSeverity::Low),
        confidence: Some(1.0),
    };
    let any = ReviewRule { strategy: None, service: None, severity: None, confidence: None };
    let review = Review {
        confidence: Some(0.95),
        severity: WatchSeverity::Critical,
        notify: Some(words(&["/etc/negawatt/notify", "./as-it-is"])),
        link: None,
        follow_every: Duration::from_secs(60),
        guard_time: Some(Duration::from_secs(1)),
        rules: vec![first, any],
    };
    assert_eq!(config.review, review);
    assert_eq!(config.learn, Learn { confidence_between: Some((0.9, 0.9)), hours_per_case: 2.0 });
    for (program, read) in [("mail", "mail"), ("bin/notify", "/etc/negawatt/bin/notify"), ("/bin/mail", "/bin/mail")] {
        let config = parse(&format!("[review]\nnotify = [{program:?}]")).unwrap();
        assert_eq!(config.review.notify, Some(words(&[read])));
    }
}

#[test]
fn programs_and_remotes_beside_a_file_of_this_folder_are_absolute() {
    let here = std::env::current_dir().unwrap();
    let text = "[review]\nnotify = [\"./notify\"]\n[repositories.a]\npath = \"a\"\nforge = { kind = \"git\", remote = \"./b\" }";
    let config = Config::parse(text, Path::new("negawatt.toml")).unwrap();
    assert_eq!(config.review.notify, Some(words(&[here.join("notify").to_str().unwrap()])));
    let Some(Forge::Git { remote, .. }) = &config.repositories["a"].forge else { panic!() };
    assert_eq!(Path::new(&remote.value), here.join("b"));
}

#[test]
fn more_urgent_is_greater() {
    use WatchSeverity::{Critical, High, Low, Medium};
    assert!(Low < Medium && Medium < High && High < Critical);
}

/// A mistake in a repository: its line, the column, the key below the repository, message and help.
fn refused(line: &str, column: usize, key: &str, message: &str, help: &str) {
    let text = format!("[repositories.a]\npath = \"a\"\n{line}");
    let error = parse(&text).expect_err(&text);
    assert_eq!((error.line, error.column), (3, column), "{error}");
    assert_eq!(error.key, format!("repositories.a.{key}"), "{error}");
    assert!(error.message.contains(message) && error.help.contains(help), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn mistakes_in_commands_are_named() {
    for own in ["applies", "parses", "right-issue", "measurement-untouched", "validation"] {
        let line = format!("checks = [{{ name = {own:?}, command = [\"x\"] }}]");
        refused(&line, 20, "checks.name", "checked of every patch anyway", "another name");
    }
    for (line, column, key, message, help) in [
        ("checks = [{ name = \"\", command = [\"x\"] }]", 20, "checks.name", "is empty", "\"tests\""),
        (
            "checks = [{ name = \"a\", command = [\"x\"] }, { name = \"a\", command = [\"y\"] }]",
            53,
            "checks.name",
            "\"a\" is the name of two checks",
            "of its own",
        ),
        ("checks = [{ name = \"a\" }]", 11, "checks", "`command` is missing", "cargo"),
        ("checks = [{ name = \"a\", command = [] }]", 35, "checks.command", "names no program", "cargo"),
        ("checks = [{ name = \"a\", command = [\"x\", \"\"] }]", 41, "checks.command", "is empty", "cargo"),
        ("checks = [{ name = \"a\", command = \"x\" }]", 35, "checks.command", "must be a list", "cargo"),
        ("checks = { name = \"a\" }", 10, "checks", "must be a list", "checks = [{"),
        (
            "checks = [{ name = \"a\", command = [\"x\"], output = \"65KiB\" }]",
            51,
            "checks.output",
            "more than can be allowed",
            "\"64KiB\"",
        ),
        ("checks = [{ name = \"a\", command = [\"x\"], time = \"25h\" }]", 49, "checks.time", "more than", "\"24h\""),
        (
            "checks = [{ name = \"a\", command = [\"x\"], memory = \"65GiB\" }]",
            51,
            "checks.memory",
            "more",
            "\"64GiB\"",
        ),
        ("validation = { runs = 8 }", 14, "validation", "`command` is missing", "./bench"),
        ("validation = { command = [\"x\"], runs = 3 }", 40, "validation.runs", "`3` is out of range", "4 to 100"),
        ("validation = { command = [\"x\"], runs = 101 }", 40, "validation.runs", "out of range", "4 to 100"),
        (
            "validation = { command = [\"x\"], better = \"more\" }",
            42,
            "validation.better",
            "\"more\" is not known",
            "\"lower\" or \"higher\"",
        ),
    ] {
        refused(line, column, key, message, help);
    }
}

#[test]
fn mistakes_in_forges_are_named() {
    for (keys, column, key, message, help) in [
        ("", 9, "forge", "`kind` is missing", "kind = \"git\" or kind = \"github\""),
        ("kind = \"gitlab\"", 18, "forge.kind", "no kind \"gitlab\"", "github"),
        ("kind = \"git\"", 9, "forge", "`remote` is missing", "origin"),
        ("kind = \"git\", remote = \"o\", labels = []", 39, "forge.labels", "no key `labels`", "remote"),
        ("kind = \"git\", remote = \"--upload-pack=hunter2\"", 34, "forge.remote", "begins with -", "origin"),
        ("kind = \"git\", remote = \"a\\nhunter2\"", 34, "forge.remote", "characters", "origin"),
        ("kind = \"git\", remote = \"https://hunter2@a/b\"", 34, "forge.remote", "holds credentials", "netrc"),
        ("kind = \"git\", remote = \"HTTPS://a:hunter2/b@c\"", 34, "forge.remote", "holds credentials", "netrc"),
        ("kind = \"git\", remote = \"ssh://a:hunter2@b/c\"", 34, "forge.remote", "holds credentials", "ssh"),
        ("kind = \"git\", remote = \"o\", email = \"a@b>c\"", 47, "forge.email", "no address of mail", "@example.com"),
        ("kind = \"git\", remote = \"o\", email = \"a@b@c\"", 47, "forge.email", "no address of mail", "@example.com"),
        ("kind = \"git\", remote = \"o\", email = \"@b\"", 47, "forge.email", "no address of mail", "@example.com"),
        ("kind = \"github\"", 9, "forge", "`repository` is missing", "acme/shop"),
        ("kind = \"github\", repository = \"a/b\"", 9, "forge", "`token` is missing", "GITHUB_TOKEN"),
        (
            "kind = \"github\", repository = \"a/b\", token = \"hunter2\"",
            56,
            "forge.token",
            "must be a table",
            "forge.token",
        ),
        ("kind = \"github\", repository = \"a/b\", token = {}", 56, "forge.token", "not where the secret", "env = "),
        (
            "kind = \"github\", repository = \"a/b\", token = { env = \"A\" }, url = \"https://u:hunter2@c\"",
            77,
            "forge.url",
            "credentials",
            "name them with token",
        ),
        (
            "kind = \"github\", repository = \"a/b\", token = { env = \"A\" }, url = \"ftp://c\"",
            77,
            "forge.url",
            "another scheme",
            "api.github.com",
        ),
    ] {
        refused(&format!("forge = {{ {keys} }}"), column, key, message, help);
    }
    for wrong in ["shop", "a/b/c", "/b", "a/", "a/..", "./b", "a b/c", "https://github.com/a/b"] {
        let line = format!("forge = {{ kind = \"github\", repository = {wrong:?}, token = {{ env = \"A\" }} }}");
        refused(&line, 41, "forge.repository", "no repository on GitHub", "acme/shop");
    }
}

#[test]
fn mistakes_in_reviews_are_named() {
    for (text, place, key, message, help) in [
        ("[review]\nconfidence = 1.1", (2, 14), "review.confidence", "more than 1", "from 0 to 1"),
        ("[review]\nconfidence = -0.1", (2, 14), "review.confidence", "not negative", "number"),
        ("[review]\nconfidence = nan", (2, 14), "review.confidence", "finite", "number"),
        ("[review]\nseverity = \"urgent\"", (2, 12), "review.severity", "not known", "\"low\" or \"medium\""),
        ("[review]\nnotify = []", (2, 10), "review.notify", "names no program", "./notify"),
        ("[review]\nnotify = \"./notify\"", (2, 10), "review.notify", "must be a list", "[\"./notify\"]"),
        ("[review]\nfollow_every = \"0.5s\"", (2, 16), "review.follow_every", "shorter than a second", "10min"),
        ("[review]\nguard_time = \"1ms\"", (2, 14), "review.guard_time", "shorter than a second", "\"1h\""),
        ("[review]\nfollow_every = 5", (2, 16), "review.follow_every", "must be a string", "\"1min\""),
        ("[review.rules]\nconfidence = 1", (1, 1), "review.rules", "must be a list", "[[review.rules]]"),
        ("[[review.rules]]\nstategy = \"x\"", (2, 1), "review.rules.stategy", "no key", "`strategy`"),
        ("[[review.rules]]\nseverity = 1", (2, 12), "review.rules.severity", "must be a string", "\"low\""),
        (
            "[learn]\nconfidence_between = [0.99, 0.9]",
            (2, 22),
            "learn.confidence_between",
            "above the second",
            "[0.9, 0.99]",
        ),
        ("[learn]\nconfidence_between = [0.9]", (2, 22), "learn.confidence_between", "two numbers", "[0.9, 0.99]"),
        (
            "[learn]\nconfidence_between = [0.9, 1, 1]",
            (2, 22),
            "learn.confidence_between",
            "two numbers",
            "[0.9, 0.99]",
        ),
        ("[learn]\nconfidence_between = [0.9, 2]", (2, 28), "learn.confidence_between", "more than 1", "from 0 to 1"),
        ("[learn]\nhours_per_case = -1", (2, 18), "learn.hours_per_case", "not negative", "number"),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!((error.line, error.column), place, "{text}\n{error}");
        assert_eq!(error.key, key, "{text}\n{error}");
        assert!(error.message.contains(message) && error.help.contains(help), "{text}\n{error}");
    }
}

#[test]
fn the_guard_has_time_for_what_may_take_long() {
    let time = |text: &str| parse(text).unwrap().guard_time();
    let (hour, checks) =
        (Duration::from_secs(3_600), "checks = [{ name = \"tests\", command = [\"make\"], time = \"2h\" }]\n");
    assert_eq!(time(""), hour);
    let repository = "[repositories.shop]\npath = \"shop\"\n";
    assert_eq!(time(&format!("{repository}{checks}")), 4 * hour, "with the patch, and without");
    let validation = "validation = { command = [\"./bench\"], time = \"1h\", runs = 4 }\n";
    assert_eq!(time(&format!("{repository}{checks}{validation}")), 14 * hour);
    assert_eq!(time(&format!("[review]\nguard_time = \"3s\"\n{repository}{checks}")), Duration::from_secs(3));
}
