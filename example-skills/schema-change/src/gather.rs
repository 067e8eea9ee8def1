//! Fetches what the ranking needs, the most telling first, within what the call may spend.

use negawatt_skill::commits;
use negawatt_skill::commits::diffs::{Tools, look_into};
use negawatt_skill::gather::Purse;
use negawatt_skill::timing::ChangeTime;
use negawatt_skill::{Error, Timestamp, Window};

use crate::frames::Regressed;
use crate::schema::{self, Language, Touched};
use crate::terms::Terms;

/// What is asked.
pub struct Question<'a> {
    /// The first observation after the change.
    pub change: Timestamp,
    /// The incident's window: only commits inside it count.
    pub window: Window,
    /// When the change can have begun.
    pub began: &'a ChangeTime,
    /// What got slower.
    pub regressed: &'a Regressed,
    /// Its words.
    pub terms: &'a Terms,
}

/// Commits, and what some of them do to definitions of messages.
#[derive(Debug, Default)]
pub struct History {
    /// The commits, and what their times say.
    pub known: commits::History,
    /// What was found, by commit: at least one file each.
    pub touched: Vec<(usize, Vec<Touched>)>,
}

/// Diffs of commits that touch files of schemas, and of those that touch code that may define messages.
const MOST_SCHEMA_DIFFS: usize = 30;
const MOST_CODE_DIFFS: usize = 20;
/// Commits less likely than that by their time are not worth a diff of code: natural log odds.
const TOO_UNLIKELY: f64 = -4.0;

/// The commits of the window with what the likeliest do to messages, in `tool_calls` calls at most. Errors of the list of commits are
/// passed on, but for those of its absence.
pub fn gather(tools: &dyn Tools, question: &Question<'_>, tool_calls: u32) -> Result<History, Error> {
    let Question { change, window, began, .. } = *question;
    let mut purse = Purse::new(tool_calls);
    let ask = |window| tools.list(window);
    let known = commits::History::fetch(window, change, began, &mut purse, ask, |text| tools.warn(text))?;
    let order = order(&known, question.terms);
    let touched = look_into(tools, &mut purse, &known, order, |diff, text| {
        let text = if schema::needs_text(diff) { text()? } else { None };
        Ok(schema::touched(diff, text.as_deref()))
    })?;
    Ok(History { known, touched })
}

/// The commits whose diffs are worth fetching: those that touch schemas before those that touch code, each the likeliest first.
fn order(history: &commits::History, terms: &Terms) -> Vec<usize> {
    let (mut schemas, mut code) = (Vec::new(), Vec::new());
    for (at, commit) in history.commits.iter().enumerate().filter(|(at, _)| history.merges.brought[*at].is_empty()) {
        let mut tie: f64 = 0.0;
        let (mut has_schema, mut has_code) = (false, false);
        for file in &commit.files {
            match schema::language(&file.path) {
                Some(Language::Program) => has_code = true,
                Some(_) => has_schema = true,
                None => continue,
            }
            let stem = file.path.rsplit('/').next().unwrap_or("");
            tie = tie.max(terms.tie(stem).strength);
        }
        let score = history.by_time[at] + 3.0 * tie;
        if has_schema {
            schemas.push((score, at));
        } else if has_code && history.by_time[at] > TOO_UNLIKELY {
            code.push((score, at));
        }
    }
    let best = |mut all: Vec<(f64, usize)>, most| {
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        all.into_iter().take(most).map(|(_, at)| at)
    };
    best(schemas, MOST_SCHEMA_DIFFS).chain(best(code, MOST_CODE_DIFFS)).collect()
}
