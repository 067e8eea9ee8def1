//! How much a change of a message speaks for a commit.

use negawatt_skill::commits::Suspected;
use negawatt_skill::format::{percent, shown};

use crate::gather::{History, Question};
use crate::schema::{Effect, Language, Touched};
use crate::terms::Tie;

/// How much more often a commit that makes messages of other names larger is the cause of slower serialising than any commit is:
/// judged, not measured, as 14 of 100 causes and 7 of 100 other commits.
const UNTIED: f64 = 2.0;
/// What is added where the names agree wholly: judged as one in five causes, and one in two hundred other commits.
const TIED: f64 = 40.0;
/// The same for a commit whose messages only become other ones, or smaller.
const ALTERED: f64 = 0.6;
const SHRUNK: f64 = 0.25;
/// Comments alone cost no time; something may come along with them that was not recognised.
const COMMENTS: f64 = 0.05;
/// Definitions that one commit touches before their number takes off from what they say.
const FEW: f64 = 5.0;
/// Changes of tables reach what is serialised only through what is read from them.
const MIGRATION: f64 = 0.5;

/// The best tie of one file's definitions to what got slower, and the definition that has it.
#[derive(Debug, PartialEq)]
struct Best<'a> {
    touched: &'a Touched,
    name: &'a str,
    tie: Tie,
    ratio: f64,
}

/// Commits that changed messages, with what speaks for and against each.
pub fn rank(question: &Question<'_>, history: &History) -> Vec<Suspected> {
    let suspected = history.touched.iter().filter_map(|(at, touched)| {
        let commit = history.known.commits.get(*at)?;
        let names: usize = touched.iter().map(|one| one.names.len()).sum();
        let dilution = (names as f64 / FEW).max(1.0).sqrt();
        let best =
            touched.iter().map(|one| best(question, one, dilution)).max_by(|a, b| a.ratio.total_cmp(&b.ratio))?;
        // Code beside it may well be the cause: that its comments changed says nothing.
        if best.touched.effect == Effect::Nothing && commit.files.len() > touched.len() {
            return None;
        }
        let time = history.known.time_factor(*at, question.change, question.began)?;
        let files = if best.ratio > 1.0 { vec![best.touched.path.clone()] } else { Vec::new() };
        let factors = vec![time, (best.ratio.ln(), reason(question, &best))];
        Some(Suspected { commit: *at, factors, files })
    });
    suspected.collect()
}

/// Serialising may be one part of the rise only: for the rest, the commit is like any other.
fn best<'a>(question: &Question<'_>, touched: &'a Touched, dilution: f64) -> Best<'a> {
    let path = question.terms.tie(touched.path.rsplit('/').next().unwrap_or(""));
    let of_path = Tie { strength: 0.5 * path.strength, ..path };
    let ties = touched.names.iter().map(|(name, counts)| {
        let tie = question.terms.tie(name);
        (name.as_str(), Tie { strength: counts * tie.strength, ..tie })
    });
    let first = touched.names.first().map_or("", |(name, _)| name.as_str());
    let (name, tie) = ties
        .chain([(first, of_path)])
        .max_by(|a, b| a.1.strength.total_cmp(&b.1.strength))
        .unwrap_or_else(|| (first, Tie { strength: 0.0, with: String::new() }));
    let effect = match touched.effect {
        Effect::Grows => 1.0,
        Effect::Alters => ALTERED,
        Effect::Shrinks => SHRUNK,
        Effect::Nothing => return Best { touched, name, tie, ratio: COMMENTS },
    };
    let of_tables = if touched.language == Language::Migration { MIGRATION } else { 1.0 };
    let whole = effect * of_tables * (UNTIED + TIED * tie.strength / dilution);
    let ratio = 1.0 + question.regressed.part * (whole - 1.0);
    Best { touched, name, tie, ratio }
}

/// Characters of a name and of a path that are shown.
const LONGEST: usize = 80;

fn reason(question: &Question<'_>, best: &Best<'_>) -> String {
    let path = shown(&best.touched.path, LONGEST);
    let what = match best.touched.language {
        Language::Schema(name) => format!("the {name} schema"),
        Language::Migration => "a table".to_owned(),
        Language::Program => "a type that is serialised as it is written".to_owned(),
    };
    let name = if best.name.is_empty() { String::new() } else { format!(", `{}`,", shown(best.name, LONGEST)) };
    let how = match best.touched.effect {
        Effect::Grows => "makes larger",
        Effect::Alters => "changes",
        Effect::Shrinks => "makes smaller",
        Effect::Nothing => return format!("It changes only comments of {what} in {path}."),
    };
    let slow = question.regressed.risen.iter().filter(|risen| risen.serialises > 0.0);
    let slowest = slow.max_by(|a, b| (a.part * a.serialises).total_cmp(&(b.part * b.serialises)));
    let rose = slowest.map_or_else(String::new, |risen| {
        format!(
            "`{}` rose from {} to {} of samples",
            shown(&risen.name, LONGEST),
            percent(risen.shares.0),
            percent(risen.shares.1)
        )
    });
    let tied = match best.tie.strength {
        strength if strength < 0.1 => ", though its names are not those of what got slower".to_owned(),
        _ => format!(", whose words are those of `{}`", shown(&best.tie.with, LONGEST)),
    };
    format!("It {how} {what}{name} in {path}{tied}; {rose}.")
}
