//! `negawatt watch` and `negawatt case split`.

use std::path::PathBuf;

use negawatt_casebook::{CasebookError, Noted, Verdict};
use negawatt_host::text::{printable, printable_json};
use negawatt_host::time;
use negawatt_proposals::{Desk, Followed};
use negawatt_watch::{OpenedCase, Pass, Settings, Spent, Trouble, Watch, merge};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::error::CliError;
use crate::follow::{self, Follower};
use crate::investigate::{self, json_text, write_out};
use crate::progress::{self, watcher};
use crate::report::{count, duration};
use crate::setup::{self, Setup, casebook};

/// How it is watched.
#[derive(clap::Args)]
pub struct Args {
    /// Make one pass, and end
    #[arg(long)]
    once: bool,
    /// Look as if it were this time (RFC 3339), for recorded data
    #[arg(long, value_name = "TIME", requires = "once", value_parser = instant)]
    now: Option<i64>,
    #[command(flatten)]
    pub config: crate::command::Config,
}

pub fn instant(text: &str) -> Result<i64, String> {
    time::parse_rfc3339(text).ok_or_else(|| "write a time such as 2026-11-19T07:10:00Z".to_owned())
}

/// Watches until it is interrupted, or for one pass.
pub async fn watch(args: Args, json: bool) -> Result<(), CliError> {
    let setup = Setup::new(args.config.file.as_deref())?;
    let settings = settings(&setup)?;
    let interval = settings.interval;
    let cancel = setup::cancelled_by_ctrl_c();
    let progress = watcher(true);
    let mut watch = Watch::new(setup.runtime.clone(), setup.casebook()?, settings);
    let follower = Follower::new(&setup, cancel.clone())?;
    let desk = crate::review::desk(&setup.config);
    if args.once {
        let now = args.now.unwrap_or_else(time::now);
        let pass = watch.pass(now, &progress, &cancel).await?;
        carry_on(&setup, &desk, &pass, &cancel).await?;
        let news = cancel.run_until_cancelled(follower.news(now)).await.unwrap_or_default();
        let nothing = pass.series == 0 || pass.scanned > 0 && pass.unseen == pass.scanned;
        if let Some(Trouble { who, message, .. }) = pass.troubles.first().filter(|_| nothing) {
            return Err(CliError::failure("watch", format!("nothing could be looked at: {who}: {message}"))
                .help("negawatt doctor says what every source can answer"));
        }
        write_out(&if json { json_text(&with_news(&pass, &news)) } else { in_words(&pass) + &follow::in_words(&news) });
        return Ok(());
    }
    // Beside the passes: a forge that is slow delays no look.
    let following = tokio::spawn(follower.keep_asking(json));
    // Where a pass takes longer than the interval, the next one begins when it is over.
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while cancel.run_until_cancelled(ticks.tick()).await.is_some() {
        let pass = watch.pass(time::now(), &progress, &cancel).await?;
        carry_on(&setup, &desk, &pass, &cancel).await?;
        write_out(&if json { printable_json(&format!("{}\n", described(&pass))) } else { in_words(&pass) });
    }
    following.await.map_err(|error| CliError::failure("watch", format!("nobody follows proposals any more: {error}")))
}

/// A pass, and what became of proposals, as programs read them.
fn with_news(pass: &Pass, news: &[Followed]) -> Value {
    let mut told = described(pass);
    told["followed"] = follow::described(news).into();
    told
}

/// Carries the cases of a pass on to their proposals.
async fn carry_on(setup: &Setup, desk: &Desk, pass: &Pass, cancel: &CancellationToken) -> Result<(), CliError> {
    let book = setup.casebook()?;
    for OpenedCase { id, .. } in pass.opened.iter().chain(&pass.resumed) {
        negawatt_proposals::carry_on(desk, &book, book.load(id)?, cancel).await?;
    }
    Ok(())
}

/// What is watched, checked as far as that is possible without data.
fn settings(setup: &Setup) -> Result<Settings, CliError> {
    let help = "[[watch.series]] with metric = \"cpu_seconds_per_request\", in negawatt.toml; docs/watch.md has more";
    let said = setup.config.watch.as_ref().filter(|watch| !watch.series.is_empty());
    let said = said.ok_or_else(|| CliError::bad_input("config", "nothing is said of what to watch").help(help))?;
    let settings = Settings::of(said);
    for selection in &settings.selections {
        negawatt_sources::check_selector(&selection.selector.value).map_err(|error| {
            selection.selector.error(error.message(), "write the name and the patterns as the source has them")
        })?;
    }
    Ok(settings)
}

fn in_words(pass: &Pass) -> String {
    let mut lines = Vec::new();
    let at = pass.window.map_or_else(String::new, |window| time::rfc3339(window.end));
    let mut parts = vec![format!("{} series, {} looked at", pass.series, pass.scanned)];
    for (number, what) in [(pass.dismissed, "dismissed"), (pass.unconfirmed, "to be seen again")] {
        if number > 0 {
            parts.push(format!("{} {what}", count(number, "change")));
        }
    }
    parts.push(format!("{}, {} opened", count(pass.alarms, "alarm"), count(pass.opened.len(), "case")));
    lines.push(format!("{at}  {} ({})", parts.join(", "), duration(pass.spent.wall)));
    let case = |what: &str, case: &OpenedCase| {
        let verdict = case.verdict.map_or("interrupted", Verdict::name);
        format!("  {what} {}: {verdict}: {}", case.id, case.title)
    };
    lines.extend(pass.opened.iter().map(|opened| case("case", opened)));
    lines.extend(pass.resumed.iter().map(|resumed| case("went on with", resumed)));
    for joined in &pass.joined {
        lines.push(format!("  {} joined {}", count(joined.symptoms, "symptom"), joined.id));
    }
    for Trouble { who, message, times } in &pass.troubles {
        let times = if *times == 1 { String::new() } else { format!(" ({times} times)") };
        lines.push(format!("  {who}: {message}{times}"));
    }
    if pass.interrupted {
        lines.push("  interrupted; what was not looked at is looked at by the next pass".to_owned());
    }
    lines.iter().map(|line| printable(line) + "\n").collect()
}

fn described(pass: &Pass) -> Value {
    let case = |case: &OpenedCase| {
        json!({
            "case": case.id.to_string(), "title": case.title, "symptoms": case.symptoms, "time": time::rfc3339(case.time),
            "verdict": case.verdict.map(Verdict::name),
        })
    };
    let cases = |cases: &[OpenedCase]| cases.iter().map(case).collect::<Vec<_>>();
    let Spent { wall, fetch, scan, cases: in_cases, record, calls, guest, tools, called } = pass.spent;
    json!({
        "window": pass.window.map(|window| json!({
            "start": time::rfc3339(window.start), "end": time::rfc3339(window.end),
        })),
        "series": pass.series,
        "scanned": pass.scanned,
        "failed": pass.failed,
        "unseen": pass.unseen,
        "unchanged": pass.series.saturating_sub(pass.scanned),
        "alarms": pass.alarms,
        "dismissed": pass.dismissed,
        "unconfirmed": pass.unconfirmed,
        "opened": cases(&pass.opened),
        "resumed": cases(&pass.resumed),
        "joined": pass.joined.iter().map(|joined| json!({
            "case": joined.id.to_string(), "symptoms": joined.symptoms,
        })).collect::<Vec<_>>(),
        "troubles": pass.troubles.iter().map(|trouble| json!({
            "who": trouble.who, "message": trouble.message, "times": trouble.times,
        })).collect::<Vec<_>>(),
        "interrupted": pass.interrupted,
        "spent_us": {
            "wall": wall, "fetch": fetch, "scan": scan, "cases": in_cases, "record": record,
            "calls": calls, "called": called, "guest": guest, "tools": tools,
        },
    })
}

/// The symptoms of a case as programs read them.
pub fn symptoms(symptoms: &[Noted]) -> Value {
    let one = |Noted { number, symptom, split }: &Noted| {
        let metric = symptom.incident.metric.as_ref();
        let labels = metric.into_iter().flat_map(merge::labels);
        json!({
            "symptom": number,
            "service": symptom.incident.service,
            "metric": metric.map(|metric| metric.name.clone()),
            "labels": labels.map(|(name, value)| (name.to_owned(), json!(value))).collect::<serde_json::Map<_, _>>(),
            "time": time::rfc3339(symptom.time),
            "within_us": symptom.within,
            "before": symptom.before,
            "after": symptom.after,
            "relative": symptom.relative(),
            "p_value": symptom.p_value,
            "reason": Some(&symptom.reason).filter(|reason| !reason.is_empty()),
            "split_into": split.map(|case| case.to_string()),
        })
    };
    symptoms.iter().map(one).collect()
}

/// Opens a case of its own for symptoms of a case.
pub async fn split(id: &str, numbers: &[u32], config: Option<PathBuf>, json: bool) -> Result<(), CliError> {
    let book = casebook(config.as_deref())?;
    let case = book.load(&book.find(id)?)?;
    let opened_with = case.opened.as_ref().and_then(|opened| opened.config.path.clone());
    let setup = Setup::new(config.or(opened_with).as_deref())?;
    let book = setup.casebook()?;
    let log = negawatt_watch::split(&setup.runtime, &book, &case.id, numbers).await.map_err(|error| match error {
        CasebookError::Misplaced { case, what, .. } => {
            CliError::bad_input("symptom", what).help(format!("negawatt case show {case} lists its symptoms"))
        }
        error => error.into(),
    })?;
    let cancel = setup::cancelled_by_ctrl_c();
    let case = setup.runtime.begin(log, watcher(json), cancel.clone()).await?;
    progress::end(json);
    let case = investigate::finished(case, &cancel)?;
    let case = negawatt_proposals::carry_on(&crate::review::desk(&setup.config), &book, case, &cancel).await?;
    investigate::print(&case, &book, json, None)
}

/// Adds what a case's symptoms say to what it prints for programs.
pub fn with_symptoms(mut answer: Value, case: &negawatt_casebook::Case) -> Value {
    answer["symptoms"] = symptoms(&case.symptoms);
    answer["split_from"] = json!(case.opened.as_ref().and_then(|opened| opened.split_from()).map(|id| id.to_string()));
    answer
}
