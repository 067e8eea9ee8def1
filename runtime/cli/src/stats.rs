//! `negawatt stats`: what all cases came to, for people, for programs and for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use negawatt_config::Config as Configuration;
use negawatt_host::text::printable;
use negawatt_host::time;
use negawatt_planner::reliabilities;
use negawatt_proposals::{Stats, stats};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::investigate::{json_text, write_out};
use crate::setup::open_casebook;

/// How they are printed.
#[derive(clap::Args)]
pub struct Args {
    /// In Prometheus's text format
    #[arg(long, conflicts_with = "json")]
    prometheus: bool,
    #[command(flatten)]
    config: crate::Config,
}

/// Prints what all cases came to.
pub fn print(args: Args, as_json: bool) -> Result<(), CliError> {
    let config = Configuration::find(args.config.file.as_deref())?;
    let book = open_casebook(&config)?;
    let (all, services) = stats(&book, &config.learn)?;
    let skills = skills(&book)?;
    write_out(&match (as_json, args.prometheus) {
        (true, _) => {
            let services: BTreeMap<_, _> = services.iter().map(|(name, stats)| (name, described(stats))).collect();
            json_text(
                &json!({ "all": described(&all), "by_service": services, "by_skill": skills, "hours_per_case": config.learn.hours_per_case }),
            )
        }
        (_, true) => prometheus(&all, &services),
        _ => in_words(&all, &services, &skills, config.learn.hours_per_case),
    });
    Ok(())
}

/// What is known of how often the word of each skill stood.
pub fn skills(book: &negawatt_casebook::Casebook) -> Result<Vec<Value>, CliError> {
    let mut names: BTreeMap<[u8; 32], String> = BTreeMap::new();
    for stood in book.stood()? {
        names.insert(stood.digest.0, stood.skill);
    }
    let mut all: Vec<(String, Value)> = reliabilities(book, time::now())?
        .into_iter()
        .map(|(digest, known)| {
            let name = names.get(&digest.0).cloned().unwrap_or_default();
            let value = json!({
                "skill": name, "digest": digest.to_string(), "cases": known.cases, "stood": known.mean(), "weight": known.weight(),
            });
            (name, value)
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(all.into_iter().map(|(_, value)| value).collect())
}

fn middle(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

fn described(stats: &Stats) -> Value {
    json!({
        "cases": stats.cases,
        "open": stats.open,
        "verdicts": stats.verdicts,
        "seconds_to_diagnosis": middle(&stats.to_diagnosis),
        "seconds_to_resolution": middle(&stats.to_resolution),
        "with_proposals": stats.with_proposals,
        "submitted": stats.submitted,
        "merged": stats.merged,
        "share_without_person": stats.share_without_person(),
        "false_positive_rate": stats.false_positive_rate(),
        "hours_saved": stats.hours,
        "proposed": { "cores": stats.proposed.cores, "megawatts": stats.proposed.watts / 1e6 },
        "recovered": { "cores": stats.recovered.cores, "megawatts": stats.recovered.watts / 1e6 },
    })
}

fn in_words(all: &Stats, services: &BTreeMap<String, Stats>, skills: &[Value], hours: f64) -> String {
    let mut text = String::new();
    let mut say = |line: String| text += &format!("{}\n", printable(&line));
    let share = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.0} %", 100.0 * share));
    let seconds = |sorted: &[f64]| middle(sorted).map_or("-".to_owned(), |seconds| format!("{seconds:.1} s"));
    let verdicts: Vec<_> = all.verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
    say(format!("cases               {} ({} open; {})", all.cases, all.open, verdicts.join(", ")));
    say(format!("to a diagnosis      {} (median)", seconds(&all.to_diagnosis)));
    say(format!("to a merged fix     {} (median of {})", seconds(&all.to_resolution), all.to_resolution.len()));
    say(format!(
        "proposals           {} cases, {} submitted, {} merged",
        all.with_proposals, all.submitted, all.merged
    ));
    say(format!("without a person    {} of those submitted", share(all.share_without_person())));
    say(format!(
        "false positives     {} of {} regressions of which it is known",
        share(all.false_positive_rate()),
        all.judged
    ));
    say(format!(
        "hours saved         {:.0} = cases with a verdict that nobody called wrong × {hours} h (learn.hours_per_case)",
        all.hours
    ));
    say(format!(
        "proposed            {:.0} cores, {:.6} MW (estimated: what a proposal costs × how probably it helps)",
        all.proposed.cores,
        all.proposed.watts / 1e6
    ));
    say(format!(
        "recovered           {:.0} cores, {:.6} MW (measured after merges)",
        all.recovered.cores,
        all.recovered.watts / 1e6
    ));
    for (service, stats) in services {
        say(format!(
            "  {service}: {} cases, {} submitted, {} merged, {:.0} cores recovered",
            stats.cases, stats.submitted, stats.merged, stats.recovered.cores
        ));
    }
    for skill in skills {
        let number = |key: &str| skill[key].as_f64().unwrap_or_default();
        say(format!(
            "  {}: its word stood with {:.2} over {} cases, and counts {:.2}",
            skill["skill"].as_str().unwrap_or_default(),
            number("stood"),
            skill["cases"],
            number("weight")
        ));
    }
    text
}

/// The text format of Prometheus (exposition format 0.0.4).
fn prometheus(all: &Stats, services: &BTreeMap<String, Stats>) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, values: &dyn Fn(&Stats) -> Vec<(String, f64)>| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (service, stats) in services {
            for (labels, value) in values(stats) {
                let service = escaped(service);
                let _ = writeln!(text, "{name}{{service=\"{service}\"{labels}}} {value}");
            }
        }
    };
    let one = |value: f64| vec![(String::new(), value)];
    family("negawatt_cases_total", "counter", "Cases by verdict.", &|stats| {
        let verdicts = stats.verdicts.iter();
        verdicts.map(|(verdict, count)| (format!(",verdict=\"{verdict}\""), *count as f64)).collect()
    });
    family("negawatt_cases_open", "gauge", "Cases that have not ended.", &|stats| one(stats.open as f64));
    family("negawatt_proposals_submitted_total", "counter", "Cases with a submitted proposal.", &|stats| {
        one(stats.submitted as f64)
    });
    family("negawatt_proposals_merged_total", "counter", "Cases with a merged proposal.", &|stats| {
        one(stats.merged as f64)
    });
    family(
        "negawatt_proposals_without_person_total",
        "counter",
        "Cases with a submitted proposal that no person handled.",
        &|stats| one(stats.without_person as f64),
    );
    family("negawatt_regressions_judged_total", "counter", "Regressions of which it is known what became.", &|stats| {
        one(stats.judged as f64)
    });
    family(
        "negawatt_regressions_wrong_total",
        "counter",
        "Those that were none, or blamed the wrong change.",
        &|stats| one(stats.wrong as f64),
    );
    family("negawatt_proposed_cores", "gauge", "Cores that submitted proposals are expected to save.", &|stats| {
        one(stats.proposed.cores)
    });
    family("negawatt_proposed_watts", "gauge", "Watts that submitted proposals are expected to save.", &|stats| {
        one(stats.proposed.watts)
    });
    family("negawatt_recovered_cores", "gauge", "Cores that series say were saved by merges.", &|stats| {
        one(stats.recovered.cores)
    });
    family("negawatt_recovered_watts", "gauge", "Watts that series say were saved by merges.", &|stats| {
        one(stats.recovered.watts)
    });
    family(
        "negawatt_engineer_hours_saved",
        "gauge",
        "Hours of an engineer that were saved.",
        &|stats| one(stats.hours),
    );
    let _ = writeln!(
        text,
        "# HELP negawatt_diagnosis_seconds_median From the opening of a case to its verdict.\n# TYPE negawatt_diagnosis_seconds_median gauge"
    );
    if let Some(seconds) = middle(&all.to_diagnosis) {
        let _ = writeln!(text, "negawatt_diagnosis_seconds_median {seconds}");
    }
    text
}

/// A label's value as the format has it.
fn escaped(value: &str) -> String {
    printable(value).replace('\\', "\\\\").replace('"', "\\\"")
}
