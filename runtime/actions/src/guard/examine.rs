//! Holds a patch against every criterion, the cheap ones first.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use negawatt_text::{printable, shorten};

use super::copy::Copy;
use super::git::{Git, Side, Touched};
use super::measuring::{File, is_left_alone};
use super::patch::{Change, Patch};
use super::run::{Ended, Launcher, Ran, run};
use super::validation::validate;
use super::{Check, Criterion, Examined, Kind, Outcome, Proposal, Repository};

/// Whether a file still parses: told its path, its text without the patch (absent where it is new) and with it. The error says why not.
/// The texts come from whoever can write to the repository, and from the patch.
pub type Parses<'a> = dyn Fn(&str, Option<&str>, &str) -> Result<(), String> + 'a;

const APPLIES: &str = "applies";
const PARSES: &str = "parses";
const RIGHT_ISSUE: &str = "right-issue";
const MEASUREMENT: &str = "measurement-untouched";
const VALIDATION: &str = "validation";

/// The longest detail, in characters.
const MAX_DETAIL: usize = 2_000;

/// Looks whether a proposal may be shown.
///
/// `launcher` is how commands are put under guard, `scratch` a folder that this user may write to; it is as empty afterwards as before. The
/// repository is only read. What cannot be done is a criterion that fails. This takes as long as the commands do, on this thread.
pub fn examine(
    repository: &Repository,
    proposal: &Proposal,
    launcher: &Launcher,
    parses: &Parses<'_>,
    scratch: &Path,
) -> Examined {
    let mut examined = Examined { base: None, tree: None, criteria: Vec::new(), measured: None };
    let folder = outside(scratch, &repository.path).and_then(|()| {
        let folder = tempfile::Builder::new().prefix("examination-").tempdir_in(scratch)?;
        ready(folder.path()).map(|()| folder)
    });
    match folder {
        // It stops at the first that fails.
        Ok(folder) => drop(examined.hold(repository, proposal, launcher, parses, folder.path())),
        Err(error) => {
            let scratch = scratch.display();
            examined
                .add::<()>(APPLIES, Err(Said::new(format!("the scratch folder {scratch} cannot be used: {error}"))));
        }
    }
    let checks = repository.checks.iter().map(|check| check.name.as_str());
    let validation = repository.validation.as_ref().map(|_| VALIDATION);
    examined.skip([APPLIES, PARSES, RIGHT_ISSUE, MEASUREMENT].into_iter().chain(checks).chain(validation));
    if validation.is_none() {
        let said = Said::new("the operator configured none");
        examined.criteria.push(criterion(VALIDATION, Outcome::NotConfigured, said));
    }
    examined
}

/// What is said of a criterion.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) detail: String,
    pub(crate) output: Option<String>,
}

impl Said {
    pub(crate) fn new(detail: impl Into<String>) -> Said {
        Said { detail: detail.into(), output: None }
    }
}

/// A patch in the copy.
struct Applied {
    tree: String,
    files: Vec<File>,
}

impl Examined {
    /// Holds the patch against all criteria, until one fails.
    fn hold(
        &mut self,
        repository: &Repository,
        proposal: &Proposal,
        launcher: &Launcher,
        parses: &Parses<'_>,
        folder: &Path,
    ) -> Option<()> {
        let git = Git::copy(&repository.path, repository.branch.as_deref(), &folder.join(GIT));
        let git = git.and_then(|git| git.base().map(|base| (git, base))).map_err(Said::new);
        let (git, base) = git.map_or_else(|said| self.add(APPLIES, Err(said)), Some)?;
        let applied = apply(&git, &proposal.patch).map(|applied| {
            let files = applied.files.len();
            (
                applied,
                Said::new(format!(
                    "it applies to {base} and touches {files} file{}",
                    if files == 1 { "" } else { "s" }
                )),
            )
        });
        self.base = Some(base);
        let applied = self.add(APPLIES, applied.map_err(Said::new))?;
        self.tree = Some(applied.tree);
        self.add(PARSES, parse(&applied.files, parses).map(|said| ((), said)))?;
        self.add(RIGHT_ISSUE, right_issue(&applied.files, &proposal.files).map(|said| ((), said)))?;
        self.add(MEASUREMENT, is_left_alone(&applied.files).map(|detail| ((), Said::new(detail))).map_err(Said::new))?;
        for check in &repository.checks {
            self.add(&check.name, run_check(&git, check, launcher, folder).map(|said| ((), said)))?;
        }
        let (measured, said) = validate(&git, repository.validation.as_ref()?, launcher, folder);
        self.measured = measured;
        self.add(VALIDATION, said.map(|said| ((), said)))
    }

    fn add<T>(&mut self, name: &str, result: Result<(T, Said), Said>) -> Option<T> {
        let (value, outcome, said) = match result {
            Ok((value, said)) => (Some(value), Outcome::Passed, said),
            Err(said) => (None, Outcome::Failed, said),
        };
        self.criteria.push(criterion(name, outcome, said));
        value
    }

    /// Names those that nobody looked at.
    fn skip<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        let failed = self.criteria.iter().find(|criterion| criterion.outcome == Outcome::Failed);
        let Some(failed) = failed else { return };
        let why = format!("not looked at, since `{}` failed", failed.name);
        for name in names.skip(self.criteria.len()) {
            self.criteria.push(criterion(name, Outcome::Skipped, Said::new(&*why)));
        }
    }
}

fn criterion(name: &str, outcome: Outcome, said: Said) -> Criterion {
    let detail = shorten(&printable(&said.detail), MAX_DETAIL);
    Criterion { name: name.to_owned(), outcome, detail, output: said.output.filter(|output| !output.is_empty()) }
}

/// Within the folder of an examination: what git keeps.
const GIT: &str = "git";

/// Sees to it that nothing is written to the user's repository.
fn outside(scratch: &Path, repository: &Path) -> io::Result<()> {
    // A repository that is not there is told later.
    let Ok(repository) = fs::canonicalize(repository) else { return Ok(()) };
    if scratch.canonicalize()?.starts_with(&repository) {
        return Err(io::Error::other("it is in the repository itself; name one elsewhere"));
    }
    Ok(())
}

/// Makes a folder that the user nobody can go through, and one within that is not for it.
fn ready(folder: &Path) -> io::Result<()> {
    let git = folder.join(GIT);
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711))?;
    fs::create_dir(&git)?;
    fs::set_permissions(&git, fs::Permissions::from_mode(0o700))
}

/// Reads the patch, applies it, and sees to it that git understood the same.
fn apply(git: &Git, text: &str) -> Result<Applied, String> {
    let patch = Patch::read(text)?;
    let tree = git.apply(text).map_err(|why| format!("git does not apply it: {why}"))?;
    let touched = git.touched(&tree)?;
    let named: BTreeSet<_> = patch.files.iter().map(|file| (file.path.as_str(), file.kind)).collect();
    let found = touched
        .iter()
        .map(|touched| Ok((touched.path.as_str(), kind(touched)?)))
        .collect::<Result<BTreeSet<_>, String>>()?;
    if let Some((path, _)) = named.symmetric_difference(&found).next() {
        return Err(format!("git understands it otherwise than it reads: they do not agree on `{path}`"));
    }
    // What differs indeed, and where: hunks may apply at other lines than they name.
    let difference =
        Patch::read(&git.difference(&tree)?).map_err(|why| format!("what it changes cannot be read: {why}"))?;
    let agree = touched.iter().map(|touched| &touched.path).eq(difference.files.iter().map(|change| &change.path));
    if !agree {
        return Err("git's answers do not agree".to_owned());
    }
    let both = touched.iter().zip(&difference.files);
    let sides = both.flat_map(|(touched, change)| {
        let is_there = [change.kind != Change::Added, change.kind != Change::Deleted];
        let of_side = |side: usize| is_there[side].then(|| (touched.path.as_str(), touched.hashes[side].as_str()));
        [of_side(0), of_side(1)].into_iter().flatten()
    });
    let mut texts = git.texts(&sides.collect::<Vec<_>>())?.into_iter();
    let files = difference.files.into_iter().map(|change| File {
        before: if change.kind == Change::Added { None } else { texts.next() },
        after: if change.kind == Change::Deleted { None } else { texts.next() },
        path: change.path,
        hunks: change.hunks,
    });
    Ok(Applied { tree, files: files.collect() })
}

/// What git says became of an ordinary file.
fn kind(touched: &Touched) -> Result<Change, String> {
    let modes = [touched.modes[0].as_str(), touched.modes[1].as_str()];
    match modes {
        ["000000", "100644"] => Ok(Change::Added),
        ["100644" | "100755", "000000"] => Ok(Change::Deleted),
        [before @ ("100644" | "100755"), after] if before == after => Ok(Change::Changed),
        _ => Err(format!(
            "`{}` is a link or a module, or changes what it is ({} to {})",
            touched.path, modes[0], modes[1]
        )),
    }
}

fn parse(files: &[File], parses: &Parses<'_>) -> Result<Said, Said> {
    let mut count = 0;
    for file in files {
        if let Some(after) = &file.after {
            parses(&file.path, file.before.as_deref(), after)
                .map_err(|why| Said::new(format!("`{}`: {why}", file.path)))?;
            count += 1;
        }
    }
    Ok(Said::new(if count == 0 { "no file is left to parse".to_owned() } else { format!("files that parse: {count}") }))
}

fn right_issue(files: &[File], named: &BTreeSet<String>) -> Result<Said, Said> {
    let others: Vec<&str> = files.iter().map(|file| file.path.as_str()).filter(|path| !named.contains(*path)).collect();
    let list = |paths: &mut dyn Iterator<Item = &str>| {
        paths.take(10).map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")
    };
    if others.is_empty() {
        let touched = list(&mut files.iter().map(|file| file.path.as_str()));
        return Ok(Said::new(format!("the evidence names all that it touches: {touched}")));
    }
    let evidence = match named.len() {
        0 => "the evidence names no file".to_owned(),
        count => format!("the evidence names {count}: {}", list(&mut named.iter().map(String::as_str))),
    };
    Err(Said::new(format!(
        "it touches {}, which the evidence does not name; {evidence}",
        list(&mut others.into_iter())
    )))
}

/// Runs a check in a copy of its own: what another one built or changed cannot help it.
fn run_check(git: &Git, check: &Check, launcher: &Launcher, folder: &Path) -> Result<Said, Said> {
    let on = |side| {
        let copy = Copy::new(git, side, folder)?;
        let ran = run(launcher, &check.command, &check.programs, &copy, &check.limits)?;
        let formatted = if check.kind == Kind::Formatter {
            copy.changed().first().map(|path| path.display().to_string())
        } else {
            None
        };
        let why = match (ran.ended, formatted) {
            (Ended::Code(0), None) => None,
            (Ended::Code(0), Some(path)) => Some(format!("it formats `{path}` otherwise")),
            (ended, _) => Some(ended.to_string()),
        };
        Ok::<_, String>((why, ran))
    };
    let (why, ran) = on(Side::After).map_err(Said::new)?;
    let Some(why) = why else {
        return Ok(Said { detail: format!("it succeeded; {}", ran.guard), output: Some(ran.output) });
    };
    if let Ended::Over(_) = ran.ended {
        return Err(Said { detail: format!("{why}; {}", ran.guard), output: Some(ran.output) });
    }
    // So that nobody looks for the reason in the patch where it is not.
    let without = match on(Side::Before) {
        Ok((None, _)) => "it succeeds without the patch",
        Ok((Some(_), Ran { ended: Ended::Over(_), .. })) => {
            "how it ends without the patch is not known, since the guard's time was over"
        }
        Ok((Some(_), _)) => "it fails without the patch as well",
        Err(_) => "it cannot be run without the patch",
    };
    Err(Said { detail: format!("{why}; {without}; {}", ran.guard), output: Some(ran.output) })
}
