//! What cases came to in Prometheus's text format (exposition format 0.0.4).
//!
//! Every figure is there for all cases (`negawatt_…`), by service (`negawatt_service_…`) and by skill (`negawatt_skill_…`), so that the sum
//! over the labels of one name counts nothing twice. What may fall, as when a merge is taken back, is a gauge.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use negawatt_host::text::{printable, shorten};
use negawatt_proposals::{Skill, Stats, Times, VERDICTS};

use super::Told;

/// Services and skills that are told, each: those with the most cases. Whoever opens cases names the services.
const MOST: usize = 200;

/// Characters of a label's value.
const LONGEST: usize = 200;

/// Figures of one name.
struct Family<T: 'static> {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    samples: fn(&T) -> Vec<Sample>,
}

/// One figure.
struct Sample {
    /// What follows the family's name.
    suffix: &'static str,
    /// A label beside the service's or skill's.
    label: Option<(&'static str, &'static str)>,
    value: f64,
}

fn one(value: f64) -> Vec<Sample> {
    vec![Sample { suffix: "", label: None, value }]
}

fn known(value: Option<f64>) -> Vec<Sample> {
    value.map(one).unwrap_or_default()
}

fn times(times: &Times) -> Vec<Sample> {
    let sample = |suffix, label, value| Sample { suffix, label, value };
    let median = times.median().map(|median| sample("", Some(("quantile", "0.5")), median));
    let count = times.count() as f64;
    median.into_iter().chain([sample("_sum", None, times.sum()), sample("_count", None, count)]).collect()
}

fn verdicts(stats: &Stats) -> Vec<Sample> {
    let sample = |word, count: u64| Sample { suffix: "", label: Some(("verdict", word)), value: count as f64 };
    VERDICTS.into_iter().map(|verdict| sample(verdict.name(), stats.with(verdict))).collect()
}

const fn family<T>(
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    samples: fn(&T) -> Vec<Sample>,
) -> Family<T> {
    Family { name, kind, help, samples }
}

/// The figures of any cases.
const FIGURES: [Family<Stats>; 20] = [
    family("cases_total", "counter", "Cases that were opened.", |stats| one(stats.cases as f64)),
    family("cases_open", "gauge", "Cases that have not ended.", |stats| one(stats.open as f64)),
    family("cases_cancelled_total", "counter", "Cases that somebody ended before they had a verdict.", |stats| {
        one(stats.cancelled as f64)
    }),
    family("verdicts_total", "counter", "Cases by verdict.", verdicts),
    family("diagnosis_seconds", "summary", "From the opening of a case to its verdict.", |stats| {
        times(&stats.to_diagnosis)
    }),
    family(
        "resolution_seconds",
        "summary",
        "From the opening of a case to the first merge of a proposal that was not taken back.",
        |stats| times(&stats.to_resolution),
    ),
    family("proposals_total", "counter", "Proposals.", |stats| one(stats.proposals.proposed as f64)),
    family("proposals_submitted_total", "counter", "Proposals that were submitted.", |stats| {
        one(stats.proposals.submitted as f64)
    }),
    family("proposals_merged", "gauge", "Proposals that were merged.", |stats| one(stats.proposals.merged as f64)),
    family("proposals_turned_down", "gauge", "Proposals that a person rejected or closed.", |stats| {
        one(stats.proposals.turned_down as f64)
    }),
    family("cases_submitted", "gauge", "Cases with a submitted proposal.", |stats| one(stats.submitted as f64)),
    family("cases_without_person", "gauge", "Cases with a submitted proposal in which no person decided.", |stats| {
        one(stats.without_person as f64)
    }),
    family(
        "without_person_ratio",
        "gauge",
        "Of the cases with a submitted proposal, the part in which no person decided.",
        |stats| known(stats.share_without_person()),
    ),
    family("regressions_judged", "gauge", "Regressions that were merged or called wrong.", |stats| {
        one(stats.judged as f64)
    }),
    family(
        "false_positive_ratio",
        "gauge",
        "Of the regressions that were merged or called wrong, the part called wrong.",
        |stats| known(stats.false_positive_rate()),
    ),
    family(
        "engineer_saved_seconds",
        "gauge",
        "Time of an engineer that was saved: cases with a verdict other than inconclusive that nobody called wrong, times \
         negawatt_engineer_seconds_per_case.",
        |stats| one(stats.hours * 3_600.0),
    ),
    family("proposed_cores", "gauge", "Cores that submitted proposals are expected to save.", |stats| {
        one(stats.proposed.cores)
    }),
    family("proposed_watts", "gauge", "Watts that submitted proposals are expected to save.", |stats| {
        one(stats.proposed.watts)
    }),
    family("recovered_cores", "gauge", "Cores that series say were saved by merges.", |stats| {
        one(stats.recovered.cores)
    }),
    family("recovered_watts", "gauge", "Watts that series say were saved by merges.", |stats| {
        one(stats.recovered.watts)
    }),
];

/// What is known of a skill's word.
const WORDS: [Family<Skill>; 3] = [
    family(
        "judged",
        "gauge",
        "Cases of which it is known whether the word of a skill's newest version stood.",
        |skill| one(skill.known.cases as f64),
    ),
    family("stood_ratio", "gauge", "How probably the word of a skill's newest version stands.", |skill| {
        one(skill.known.mean())
    }),
    family("weight_ratio", "gauge", "What the log odds of a skill's newest version are multiplied by.", |skill| {
        one(skill.known.weight())
    }),
];

/// All of it.
pub fn prometheus(told: &Told) -> String {
    let mut text = String::new();
    let tally = &told.tally;
    let seconds = [(String::new(), told.hours_per_case * 3_600.0)];
    let per_case = "What a case takes an engineer by hand, as configured (learn.hours_per_case).";
    let own = |value: &f64| one(*value);
    write(&mut text, "negawatt_", &family("engineer_seconds_per_case", "gauge", per_case, own), &lent(&seconds));
    let all = [(String::new(), &tally.all)];
    FIGURES.iter().for_each(|family| write(&mut text, "negawatt_", family, &all));
    let (services, others) =
        labelled("service", tally.services.iter().map(|(name, stats)| (name.as_str(), stats)), |of| of.cases);
    let left_out = [(String::new(), others)];
    let help = "Services that are not told by name, those with the fewest cases.";
    write(&mut text, "negawatt_", &family("services_left_out", "gauge", help, own), &lent(&left_out));
    FIGURES.iter().for_each(|family| write(&mut text, "negawatt_service_", family, &services));
    let (skills, _) =
        labelled("skill", tally.skills.iter().map(|(name, skill)| (name.as_str(), skill)), |of| of.stats.cases);
    let found: Vec<_> = skills.iter().map(|(label, skill)| (label.clone(), &skill.stats)).collect();
    FIGURES.iter().for_each(|family| write(&mut text, "negawatt_skill_", family, &found));
    WORDS.iter().for_each(|family| write(&mut text, "negawatt_skill_", family, &skills));
    text
}

fn lent(all: &[(String, f64)]) -> Vec<(String, &f64)> {
    all.iter().map(|(label, value)| (label.clone(), value)).collect()
}

/// Those with the most cases, each with its label, by their names; and how many others there are.
fn labelled<'a, T>(
    label: &str,
    all: impl Iterator<Item = (&'a str, &'a T)>,
    cases: impl Fn(&T) -> u64,
) -> (Vec<(String, &'a T)>, f64) {
    let mut all: Vec<_> = all.map(|(name, of)| (format!("{label}=\"{}\"", escaped(name)), of)).collect();
    let total = all.len();
    all.sort_by(|(a, of), (b, other)| cases(other).cmp(&cases(of)).then_with(|| a.cmp(b)));
    // No two series may have the same labels: of names that differ only in what is not shown, the first stands.
    let mut seen = BTreeSet::new();
    all.retain(|(label, _)| seen.insert(label.clone()));
    all.truncate(MOST);
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    let others = (total - all.len()) as f64;
    (all, others)
}

fn write<T>(text: &mut String, prefix: &str, family: &Family<T>, all: &[(String, &T)]) {
    let Family { name, kind, help, samples } = family;
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {prefix}{name} {help}\n# TYPE {prefix}{name} {kind}");
    for (label, of) in all {
        for Sample { suffix, label: other, value } in samples(of) {
            let other = other.map(|(name, value)| format!("{name}=\"{value}\""));
            let labels: Vec<&str> =
                [label.as_str()].into_iter().chain(other.as_deref()).filter(|label| !label.is_empty()).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(text, "{prefix}{name}{suffix}{labels} {value}");
        }
    }
}

/// A label's value as the format has it. What would steer a terminal is written as its number.
fn escaped(value: &str) -> String {
    let shown = |c: char| match c {
        '\\' => "\\\\".to_owned(),
        '"' => "\\\"".to_owned(),
        c if printable(&c.to_string()) == c.to_string() => c.to_string(),
        c => format!("\\\\u{{{:x}}}", u32::from(c)),
    };
    shorten(value, LONGEST).chars().map(shown).collect()
}
