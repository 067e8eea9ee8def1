//! Asks what a commit did, and what became of its files since, within what a call may spend.

use negawatt_skill::changes::{ChangeKind, Commit, FileDiff};
use negawatt_skill::format::shown;
use negawatt_skill::gather::Purse;
use negawatt_skill::patch::{MOST_BYTES, Unfit};
use negawatt_skill::suspects::Accused;
use negawatt_skill::{Error, Timestamp, Window, commits};

use crate::tools::Tools;
use crate::undo::{Texts, Undo, undo};

/// Files of one commit that are looked at; of one with more, only those that evidence names.
pub const MOST_FILES: usize = 40;
/// Bytes and lines of all texts that are read for one commit: so many are compared in half a second, whatever they hold.
const MOST_TEXT: usize = 8 << 20;
const MOST_LINES: usize = 100_000;
/// Questions for the history of one commit's files.
const QUESTIONS: u32 = 4;
/// The longest message of a tool that is told, in characters.
const LONGEST: usize = 200;

/// A commit, and what taking it back does.
#[derive(Debug)]
pub struct Looked {
    /// The commit.
    pub commit: Commit,
    /// How many files it touched that are no tests and measure nothing.
    pub touched: usize,
    /// The tests and measurements that it touched, which stay as they are.
    pub checks: Vec<String>,
    /// Of the others those that were looked at, with what becomes of each.
    pub files: Vec<(String, Undo)>,
    /// How many commits landed after it that touched the same files.
    pub later: usize,
}

/// What a suspected commit of a window did and what became of it, for a change at a time; the reason, in a clause, where nothing can be found out. A cancelled case ends the
/// work.
pub fn look(
    tools: &dyn Tools,
    purse: &mut Purse,
    accused: &Accused<'_>,
    window: Window,
    change: Timestamp,
) -> Result<Result<Looked, String>, Error> {
    let Some(repository) = accused.repository else {
        return Ok(Err("nobody says in which repository it is".to_owned()));
    };
    let diffs = match purse.answer(|| tools.diff(repository, accused.id))? {
        Ok(diffs) => diffs,
        Err(error) => return Ok(Err(format!("what it did cannot be had: {}", shown(error.text(), LONGEST)))),
    };
    let (checks, product): (Vec<FileDiff>, Vec<FileDiff>) = diffs.into_iter().partition(is_check);
    let touched = product.len();
    let named = |diff: &FileDiff| paths(diff).any(|path| accused.files.contains(&path));
    let chosen: Vec<FileDiff> =
        product.into_iter().filter(|diff| touched <= MOST_FILES || named(diff)).take(MOST_FILES).collect();
    if chosen.is_empty() {
        return Ok(Err(match touched {
            0 => "it touched no files but tests and measurements".to_owned(),
            _ => format!("it touched {touched} files, and evidence names none of them"),
        }));
    }
    let asked: Vec<String> = chosen.iter().flat_map(paths).map(str::to_owned).collect();
    let history = match history(tools, purse, repository, (window, change), &asked)? {
        Ok(history) => history,
        Err(why) => return Ok(Err(why)),
    };
    let Some(commit) = history.iter().find(|commit| commit.id == accused.id).cloned() else {
        return Ok(Err("the history of the window does not hold it".to_owned()));
    };
    let Some(parent) = commit.parents.first() else {
        return Ok(Err("nothing was before it".to_owned()));
    };
    let mut reader = Reader { tools, purse, repository, commit: &commit.id, parent, left: (MOST_TEXT, MOST_LINES) };
    let mut files = Vec::new();
    for diff in &chosen {
        files.push((diff.file.path.clone(), reader.undo(diff)?));
    }
    // A merge that brought it, or what landed beside it, changed nothing by itself.
    let later = history.iter().filter(|other| other.time > commit.time && other.parents.len() < 2).count();
    let checks = checks.into_iter().map(|diff| diff.file.path).collect();
    Ok(Ok(Looked { commit, touched, checks, files, later }))
}

/// A file's path, and the one that it had before.
fn paths(diff: &FileDiff) -> impl Iterator<Item = &str> {
    std::iter::once(diff.file.path.as_str()).chain(diff.file.old_path.as_deref())
}

fn is_check(diff: &FileDiff) -> bool {
    paths(diff).any(commits::checks)
}

/// The commits of the window that touched some of these files, or why they cannot be had.
fn history(
    tools: &dyn Tools,
    purse: &mut Purse,
    repository: &str,
    (window, change): (Window, Timestamp),
    paths: &[String],
) -> Result<Result<Vec<Commit>, String>, Error> {
    let ask = |window| tools.touching(repository, window, paths);
    match commits::list(window, change, QUESTIONS.min(purse.left()), ask) {
        Ok(listing) => {
            purse.spend(listing.questions);
            Ok(Ok(listing.kept))
        }
        Err(Error::Cancelled(text)) => Err(Error::Cancelled(text)),
        Err(error) => {
            purse.spend(QUESTIONS);
            Ok(Err(format!("the history of its files cannot be had: {}", shown(error.text(), LONGEST))))
        }
    }
}

/// Reads the files of one commit.
struct Reader<'a> {
    tools: &'a dyn Tools,
    purse: &'a mut Purse,
    repository: &'a str,
    commit: &'a str,
    parent: &'a str,
    /// Bytes and lines that may still be read.
    left: (usize, usize),
}

impl Reader<'_> {
    /// What becomes of a file.
    fn undo(&mut self, diff: &FileDiff) -> Result<Undo, Error> {
        if diff.binary {
            return Ok(Undo::Blocked("it is binary, or too large to be compared".to_owned()));
        }
        let file = &diff.file;
        let old_path = file.old_path.as_deref().unwrap_or(&file.path);
        let mut texts = Texts::default();
        let (commit, parent) = (Some(self.commit), Some(self.parent));
        let wanted = [
            (&mut texts.before, file.kind != ChangeKind::Added, old_path, parent),
            (&mut texts.after, file.kind != ChangeKind::Deleted, file.path.as_str(), commit),
            (&mut texts.tip, true, file.path.as_str(), None),
            (&mut texts.tip_before, file.kind == ChangeKind::Renamed, old_path, None),
        ];
        for (place, is_wanted, path, revision) in wanted {
            if is_wanted {
                match self.read(path, revision)? {
                    Ok(text) => *place = text,
                    Err(why) => return Ok(Undo::Blocked(why)),
                }
            }
        }
        Ok(undo(file, &texts))
    }

    /// A file's text; absent where there is no such file, and the reason where it cannot be had.
    fn read(&mut self, path: &str, revision: Option<&str>) -> Result<Result<Option<String>, String>, Error> {
        let (bytes, lines) = self.left;
        if bytes == 0 || lines == 0 {
            return Ok(Err("too much was read before it".to_owned()));
        }
        let answer = self.purse.answer(|| self.tools.read(self.repository, path, revision))?;
        if let Ok(text) = &answer {
            self.left = (bytes.saturating_sub(text.len()), lines.saturating_sub(text.split_inclusive('\n').count()));
        }
        Ok(match answer {
            Ok(text) if text.len() > MOST_BYTES => Err(Unfit::TooLarge.to_string()),
            Ok(text) => Ok(Some(text)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(format!("it cannot be read: {}", shown(error.text(), LONGEST))),
        })
    }
}
