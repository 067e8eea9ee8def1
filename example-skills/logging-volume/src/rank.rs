//! How much a log call speaks for a commit.

use negawatt_skill::commits::Suspected;
use negawatt_skill::format::{percent, shown};

use crate::calls::Level;
use crate::edits::{Edit, How};
use crate::gather::{History, Question};
use crate::stacks::Caller;
use negawatt_skill::frames::is_of;

/// How much more often a commit that lets the very function log more from which the rise of logging comes is the cause than any commit
/// is: judged, not measured, as 60 of 100 causes and 6 of 1,000 other commits.
const TIED: f64 = 100.0;
/// Nothing says more than that.
const MOST: f64 = 150.0;
/// Edits that are tied less than that say nothing.
const SLIGHT: f64 = 0.05;
/// What a call in a loop counts, and one that is mostly switched off, seldom reached, or stands under a condition.
const IN_LOOP: f64 = 1.5;
const SWITCHED_OFF: f64 = 0.6;
const SELDOM: f64 = 0.5;
const CONDITIONAL: f64 = 0.7;
/// How sure it is that a hunk's context names the right function.
const GUESS: f64 = 0.8;

/// The edit of a commit that is tied best.
struct Best<'a> {
    edit: &'a Edit,
    caller: &'a Caller,
    tie: f64,
}

/// Commits that let functions log more from which the rise of logging comes.
pub fn rank(question: &Question<'_>, history: &History) -> Vec<Suspected> {
    let suspected = history.edits.iter().filter_map(|(at, edits)| {
        let best = edits.iter().filter_map(|edit| best(question, edit)).max_by(|a, b| a.tie.total_cmp(&b.tie))?;
        // Logging may be one part of the rise only: for the rest, the commit is like any other.
        let ratio = 1.0 + question.regressed.part * ((TIED * best.tie).min(MOST) - 1.0);
        let time = history.known.time_factor(*at, question.change, question.began)?;
        let factors = vec![time, (ratio.ln(), reason(question, &best))];
        Some(Suspected { commit: *at, factors, files: vec![best.edit.path.clone()] })
    });
    suspected.collect()
}

fn best<'a>(question: &Question<'a>, edit: &'a Edit) -> Option<Best<'a>> {
    let function = edit.function.as_deref()?;
    let is_new = edit.how == How::Added;
    let level = match edit.level {
        Level::Debug if is_new => SWITCHED_OFF,
        Level::Warn if is_new => SELDOM,
        _ => 1.0,
    };
    let place = if edit.loops > 0 {
        IN_LOOP
    } else if edit.conditions > 0 {
        CONDITIONAL
    } else {
        1.0
    };
    let counts = level * place * if edit.is_guess { GUESS } else { 1.0 };
    let ties =
        question.regressed.callers.iter().map(|caller| {
            (counts * caller.weight * is_of(&caller.name, &caller.sources, function, &edit.path), caller)
        });
    let (tie, caller) = ties.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (tie >= SLIGHT).then_some(Best { edit, caller, tie })
}

/// Characters of a name, a path and a call that are shown.
const LONGEST: usize = 80;

fn reason(question: &Question<'_>, best: &Best<'_>) -> String {
    let edit = best.edit;
    let what = match edit.how {
        How::Added if edit.loops > 0 => "adds to a loop",
        How::Added => "adds",
        How::MovedIntoLoop => "moves into a loop",
        How::GuardRemoved => "takes the condition off",
        How::LevelRaised => "raises the level of",
    };
    let (logs, before, after) = &question.regressed.most;
    format!(
        "It {what} the log call `{}` in line {} of {}, in `{}`, from which logging is called: `{}` rose from {} to {} of samples.",
        shown(&edit.text, LONGEST),
        edit.line,
        shown(&edit.path, LONGEST),
        shown(&best.caller.name, LONGEST),
        shown(logs, LONGEST),
        percent(*before),
        percent(*after)
    )
}
