//! Fetches what the ranking needs, the most telling first, within what the call may spend.

use negawatt_skill::commits;
use negawatt_skill::commits::diffs::{MOST_OF_COMMIT, Tools, look_into};
use negawatt_skill::gather::Purse;
use negawatt_skill::timing::ChangeTime;
use negawatt_skill::{Error, Timestamp, Window};

use crate::edits::{self, Edit};
use crate::stacks::Regressed;
use negawatt_skill::frames::identifiers;

/// What is asked.
pub struct Question<'a> {
    /// The first observation after the change.
    pub change: Timestamp,
    /// The incident's window: only commits inside it count.
    pub window: Window,
    /// When the change can have begun.
    pub began: &'a ChangeTime,
    /// What logs more, and from where.
    pub regressed: &'a Regressed,
}

/// Commits, and what some of them do to log calls.
#[derive(Debug, Default)]
pub struct History {
    /// The commits, and what their times say.
    pub known: commits::History,
    /// What was found, by commit: at least one edit each.
    pub edits: Vec<(usize, Vec<Edit>)>,
}

/// Commits whose diffs are fetched.
const MOST_DIFFS: usize = 50;
/// What it counts in the order that a file's name is that of a caller's module.
const NEAR: f64 = 3.0;

/// The commits of the window with what the likeliest do to log calls, in `tool_calls` calls at most. Errors of the list of commits are
/// passed on, but for those of its absence.
pub fn gather(tools: &dyn Tools, question: &Question<'_>, tool_calls: u32) -> Result<History, Error> {
    let Question { change, window, began, .. } = *question;
    let mut purse = Purse::new(tool_calls);
    let ask = |window| tools.list(window);
    let known = commits::History::fetch(window, change, began, &mut purse, ask, |text| tools.warn(text))?;
    let order = order(&known, question.regressed);
    let edits = look_into(tools, &mut purse, &known, order, |diff, text| {
        let edits = edits::edits(diff, None);
        // Only the whole file says for sure where a function begins that the hunk does not show.
        let is_unclear = edits.iter().any(|edit| edit.function.is_none() || edit.is_guess);
        let text = if is_unclear { text()? } else { None };
        Ok(text.map_or(edits, |text| edits::edits(diff, Some(&text))))
    })?;
    Ok(History { known, edits })
}

/// The commits whose diffs are worth fetching, the likeliest first: by time, and by whether the names of their files are those of
/// modules from which logging is called.
fn order(history: &commits::History, regressed: &Regressed) -> Vec<usize> {
    let modules: Vec<(Vec<String>, f64)> = regressed
        .callers
        .iter()
        .map(|caller| (identifiers(&caller.name).into_iter().map(str::to_lowercase).collect(), caller.weight))
        .collect();
    let near = |path: &str| {
        let stem = path.rsplit('/').next().and_then(|file| file.split('.').next()).unwrap_or("").to_lowercase();
        let of = modules.iter().filter(|(names, _)| names.contains(&stem)).map(|(_, weight)| *weight);
        of.fold(0.0, f64::max)
    };
    let score = |at: &usize| {
        let files = history.commits[*at]
            .files
            .iter()
            .take(MOST_OF_COMMIT)
            .filter(|file| edits::runs(&file.path) && file.added > 0);
        files.map(|file| near(&file.path)).reduce(f64::max).map(|near| (history.by_time[*at] + NEAR * near, *at))
    };
    let all = (0..history.commits.len()).filter(|at| history.merges.brought[*at].is_empty());
    let mut scored: Vec<(f64, usize)> = all.filter_map(|at| score(&at)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.into_iter().take(MOST_DIFFS).map(|(_, at)| at).collect()
}
