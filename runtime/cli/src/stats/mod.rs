//! `negawatt stats`: what all cases came to, for people, for programs, for Prometheus, and as a page.

mod chart;
mod page;
mod prometheus;
mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;

use negawatt_casebook::{Casebook, Cost};
use negawatt_config::Config as Configuration;
use negawatt_host::time;
use negawatt_proposals::{Skill, Stats, Tally, VERDICTS};
use negawatt_server::Form;
use serde_json::{Map, Value, json};

use crate::error::CliError;
use crate::investigate::{json_text, write_out};
use crate::look::Look;
use crate::page_file::PageFile;
use crate::report::{digits, grouped};
use crate::setup::open_casebook;

/// How they are printed.
#[derive(clap::Args)]
pub struct Args {
    /// In Prometheus's text format
    #[arg(long, conflicts_with = "json")]
    pub prometheus: bool,
    /// Write them as a page with charts too: one HTML file that loads nothing
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    config: crate::command::Config,
}

/// Prints what all cases came to, after the page is written where one is wanted.
pub fn print(args: Args, as_json: bool) -> Result<(), CliError> {
    let file = args.report.as_deref().map(PageFile::at).transpose()?;
    let config = Configuration::find(args.config.file.as_deref())?;
    let book = open_casebook(&config)?;
    let told = Told::of(&config, &book)?;
    if let Some(file) = file {
        file.write(&page_of(&told)?)?;
    }
    write_out(&match (as_json, args.prometheus) {
        (true, _) => json_text(&described(&told)),
        (_, true) => prometheus::prometheus(&told),
        _ => text::text(&told, &Look::of_stdout()),
    });
    Ok(())
}

/// What all cases came to, as a server shows it.
pub fn shown(config: &Configuration, book: &Casebook, form: Form) -> Result<String, CliError> {
    let told = Told::of(config, book)?;
    Ok(match form {
        Form::Json => described(&told).to_string(),
        Form::Text => text::text(&told, &Look::PLAIN),
        Form::Page => page_of(&told)?,
        Form::Prometheus => prometheus::prometheus(&told),
    })
}

fn page_of(told: &Told) -> Result<String, CliError> {
    page::page(told).map_err(|error| CliError::failure("report", format!("the page cannot be made: {error}")))
}

/// What is told.
struct Told {
    tally: Tally,
    /// Hours that a case takes by hand.
    hours_per_case: f64,
    /// When it is told, in microseconds since the Unix epoch.
    now: i64,
}

impl Told {
    fn of(config: &Configuration, book: &Casebook) -> Result<Told, CliError> {
        let now = time::now();
        Ok(Told { tally: Tally::of(book, &config.learn, now)?, hours_per_case: config.learn.hours_per_case, now })
    }

    /// How figures come about that are not simply counted.
    fn formulas(&self) -> [(&'static str, String); 6] {
        let hours = self.hours_per_case;
        [
            (
                "hours saved",
                format!(
                    "cases with a verdict other than inconclusive that nobody called wrong × {hours} h, what one takes by hand \
                     (learn.hours_per_case)"
                ),
            ),
            (
                "proposed",
                "estimated: of each case the submitted proposal for which saving × helps is greatest".to_owned(),
            ),
            (
                "recovered",
                "measured after merges: of each case what its series said last, saving × recovered".to_owned(),
            ),
            (
                "false positives",
                "of the regressions that were merged or called wrong, the part called wrong".to_owned(),
            ),
            (
                "without a person",
                "of the cases with a submitted proposal, the part in which no person decided".to_owned(),
            ),
            (
                "of a skill",
                "the cases in which it found something, and the proposals that it made: several skills share a case"
                    .to_owned(),
            ),
        ]
    }
}

/// All of it for programs.
fn described(told: &Told) -> Value {
    let tally = &told.tally;
    let services: Map<String, Value> =
        tally.services.iter().map(|(name, stats)| (name.clone(), figures(stats))).collect();
    let (every, periods) = tally.periods();
    let period = |(begin, stats): &(i64, Stats)| with(json!({ "begin": time::rfc3339(*begin) }), stats);
    json!({
        "all": figures(&tally.all),
        "by_service": services,
        "by_skill": tally.skills.values().map(of_skill).collect::<Vec<_>>(),
        "by_time": { "every": every.word(), "periods": periods.iter().map(period).collect::<Vec<_>>() },
        "hours_per_case": told.hours_per_case,
        "formulas": told.formulas().into_iter().collect::<BTreeMap<_, _>>(),
    })
}

/// A skill with all that is known of it. `cases` are those of which it is known whether its newest version's word stood, `found_in` those in
/// which any version found something.
fn of_skill(skill: &Skill) -> Value {
    let found_in = skill.stats.cases;
    let own = json!({
        "skill": skill.id, "digest": skill.digest.to_string(), "found_in": found_in,
        "stood": skill.known.mean(), "weight": skill.known.weight(),
    });
    let mut all = with(own, &skill.stats);
    all["cases"] = skill.known.cases.into();
    all
}

fn with(mut own: Value, stats: &Stats) -> Value {
    if let (Value::Object(own), Value::Object(figures)) = (&mut own, figures(stats)) {
        own.extend(figures);
    }
    own
}

fn figures(stats: &Stats) -> Value {
    let verdicts: BTreeMap<_, _> = VERDICTS.into_iter().map(|verdict| (verdict.name(), stats.with(verdict))).collect();
    let cost = |cost: Cost| json!({ "cores": cost.cores, "megawatts": cost.watts / 1e6 });
    let counts = stats.proposals;
    json!({
        "cases": stats.cases,
        "open": stats.open,
        "cancelled": stats.cancelled,
        "verdicts": verdicts,
        "seconds_to_diagnosis": stats.to_diagnosis.median(),
        "seconds_to_resolution": stats.to_resolution.median(),
        "proposals": {
            "proposed": counts.proposed, "submitted": counts.submitted, "merged": counts.merged,
            "turned_down": counts.turned_down,
        },
        "with_proposals": stats.with_proposals,
        "submitted": stats.submitted,
        "merged": stats.merged,
        "without_person": stats.without_person,
        "share_without_person": stats.share_without_person(),
        "judged": stats.judged,
        "wrong": stats.wrong,
        "false_positive_rate": stats.false_positive_rate(),
        "hours_saved": stats.hours,
        "proposed": cost(stats.proposed),
        "recovered": cost(stats.recovered),
    })
}

/// `1 open, 3 regression, 1 dismissed`: how cases stand, without what there is none of.
fn states(stats: &Stats) -> String {
    let verdicts = VERDICTS.map(|verdict| (stats.with(verdict), verdict.name()));
    let all = verdicts.into_iter().chain([(stats.cancelled, "cancelled"), (stats.open, "open")]);
    let told: Vec<_> = all.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    told.join(", ")
}

/// Cores and megawatts.
fn power(cost: Cost) -> String {
    format!("{} cores, {} MW", grouped(cost.cores), digits(cost.watts / 1e6))
}

/// A part of one in percent; a dash where there is none.
fn share(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.0} %", 100.0 * share))
}

/// Seconds in the unit that people would use; a dash where there are none.
fn lasting(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return "–".to_owned() };
    let (number, unit) = match seconds {
        s if s < 1.0 => (s * 1e3, "ms"),
        s if s < 120.0 => (s, "s"),
        s if s < 7_200.0 => (s / 60.0, "min"),
        s if s < 172_800.0 => (s / 3_600.0, "h"),
        s => (s / 86_400.0, "days"),
    };
    format!("{number:.1} {unit}")
}
