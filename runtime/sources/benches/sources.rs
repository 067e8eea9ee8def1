//! How long the sources take: `cargo bench -p negawatt-sources`. Makes the large repository at the first run and keeps it.

mod history;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

use negawatt_config::Config;
use negawatt_host::Scope;
use negawatt_host::model::metrics::Selector;
use negawatt_host::model::{Transform, Window};
use negawatt_sources::configure;

const COMMITS: usize = 50_000;
const FILES: usize = 2_000;
const RUNS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sources-bench");
    let repository = folder.join("repository.git");
    if !repository.join("packed-refs").exists() {
        fs::create_dir_all(&repository)?;
        history::make(&repository, COMMITS, FILES)?;
        fs::write(repository.join("packed-refs"), "")?;
    }
    let mut csv = String::from("time,instance,value\n");
    for row in 0..100_000 {
        writeln!(csv, "{},i{},{}", 1_700_000_000 + row / 4 * 15, row % 4, f64::from(row).sqrt())?;
    }
    fs::create_dir_all(folder.join("metrics"))?;
    fs::write(folder.join("metrics/cpu.csv"), csv)?;
    let toml = "[sources.metrics]\nkind = \"files\"\npath = \"metrics\"\n[sources.changes]\nkind = \"git\"\npath = \"repository.git\"\nbranch = \"main\"\n";
    let config = Config::parse(toml, &folder.join("negawatt.toml"))?;
    let always = Window { start: i64::MIN, end: i64::MAX };
    let scope = Scope::of_operator(always);
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    let measure = |name: &str, work: &dyn Fn() -> String| {
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            return;
        }
        let mut times: Vec<(f64, String)> = (0..RUNS)
            .map(|_| {
                let start = Instant::now();
                let result = work();
                (start.elapsed().as_secs_f64() * 1e3, result)
            })
            .collect();
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        println!("{name:<34} least {:8.2} ms, median {:8.2} ms   {}", times[0].0, times[RUNS / 2].0, times[0].1);
    };

    let selector = Selector { name: "cpu".into(), matchers: vec![], transform: Transform::None, aggregate: None };
    let tools = || configure(&config, None).map(|configured| configured.tools);
    let opened = tools()?;
    let (metrics, changes, code) =
        (opened.metrics.ok_or("no metrics")?, opened.changes.ok_or("no changes")?, opened.code.ok_or("no code")?);
    let fail = |error: negawatt_host::model::Error| format!("failed: {}", error.message());
    measure("configure", &|| tools().map_or_else(|error| error.to_string(), |_| String::new()));
    measure("metrics: 100,000 rows, first query", &|| {
        let Ok(Some(metrics)) = tools().map(|tools| tools.metrics) else { return "failed".into() };
        runtime
            .block_on(metrics.query(&scope, selector.clone(), always, None))
            .map_or_else(fail, |s| format!("{} series", s.len()))
    });
    measure("metrics: 100,000 rows, next query", &|| {
        runtime
            .block_on(metrics.query(&scope, selector.clone(), always, None))
            .map_or_else(fail, |s| format!("{} series", s.len()))
    });
    let start = (history::START + history::SPAN / 2) * 1_000_000;
    let week = Window { start, end: start + 7 * 86_400 * 1_000_000 };
    measure("changes: a week, first query", &|| {
        let Ok(Some(changes)) = tools().map(|tools| tools.changes) else { return "failed".into() };
        runtime.block_on(changes.list(&scope, None, week, vec![])).map_or_else(fail, |c| format!("{} commits", c.len()))
    });
    measure("changes: a week, next query", &|| {
        runtime.block_on(changes.list(&scope, None, week, vec![])).map_or_else(fail, |c| format!("{} commits", c.len()))
    });
    let commits = runtime.block_on(changes.list(&scope, None, week, vec![])).map_err(fail)?;
    let commit = commits.iter().find(|commit| !commit.files.is_empty()).ok_or("no commit")?;
    let tip = runtime.block_on(code.search(&scope, "default".into(), "fn handle_1".into(), vec![])).map_err(fail)?;
    let path = tip.first().ok_or("no file")?.path.clone();
    measure("changes: one diff", &|| {
        runtime
            .block_on(changes.diff(&scope, "default".into(), commit.id.clone()))
            .map_or_else(fail, |d| format!("{} files", d.len()))
    });
    measure("changes: blame of 40 lines", &|| {
        runtime
            .block_on(changes.blame(&scope, "default".into(), path.clone(), 1, 40))
            .map_or_else(fail, |b| format!("{} lines", b.len()))
    });
    measure("code: search in 2,000 files", &|| {
        let pattern = r"field_42, 99\d+".to_owned();
        runtime
            .block_on(code.search(&scope, "default".into(), pattern, vec![]))
            .map_or_else(fail, |m| format!("{} lines", m.len()))
    });
    measure("code: read", &|| {
        runtime
            .block_on(code.read(&scope, "default".into(), path.clone(), None))
            .map_or_else(fail, |t| format!("{} bytes", t.len()))
    });
    Ok(())
}
