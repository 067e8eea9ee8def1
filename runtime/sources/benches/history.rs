//! A large git repository, made with `git fast-import` from a fixed seed: what the choice of a git library was measured on.
//!
//! Files in nested folders and two years of commits by 40 authors; each touches one to five files in a few
//! places, one in a hundred renames a file, one in twelve is a merge of a short branch, and a few committer dates are out
//! of order, as rebases leave them.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// When the first commit landed, in Unix seconds.
pub const START: i64 = 1_700_000_000;
/// Seconds from the first commit to the last.
pub const SPAN: i64 = 2 * 365 * 86_400;

/// Splitmix64: enough for a history, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below as u64) as usize
    }
}

struct File {
    path: String,
    lines: Vec<String>,
}

impl File {
    fn new(number: usize, dice: &mut Dice) -> File {
        let depth = 1 + dice.roll(4);
        let folders: Vec<_> = (0..depth).map(|level| format!("part{}", dice.roll(4 + 3 * level))).collect();
        let lines = (0..40 + dice.roll(160)).map(|at| line(at, dice)).collect();
        File { path: format!("{}/file{number}.rs", folders.join("/")), lines }
    }

    fn edit(&mut self, dice: &mut Dice) {
        for _ in 0..1 + dice.roll(3) {
            let at = dice.roll(self.lines.len());
            match dice.roll(4) {
                0 if self.lines.len() > 20 => drop(self.lines.remove(at)),
                1 => self.lines.insert(at, line(at, dice)),
                _ => self.lines[at] = line(at, dice),
            }
        }
    }
}

fn line(at: usize, dice: &mut Dice) -> String {
    if at.is_multiple_of(15) {
        return format!("fn handle_{}(request: &Request) -> Response {{", dice.roll(1_000_000));
    }
    format!("    let value_{} = compute(request.field_{}, {});", dice.roll(500), dice.roll(90), dice.roll(100_000))
}

/// Makes a bare repository of `commits` commits over `files` files in the empty folder `target`; its branch is `main`.
pub fn make(target: &Path, commits: usize, files: usize) -> io::Result<()> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(target).args(arguments);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.env_remove("GIT_DEFAULT_HASH").env_remove("GIT_DIR");
        command
    };
    git(&["init", "-q", "--bare", "--object-format=sha1", "-b", "main", "."]).status()?;
    let mut import = git(&["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn()?;
    let stdin = import.stdin.take().ok_or_else(|| io::Error::other("git fast-import has no standard input"))?;
    write(&mut BufWriter::new(stdin), commits, files)?;
    if !import.wait()?.success() {
        return Err(io::Error::other("git fast-import failed"));
    }
    git(&["repack", "-adq", "--window=10"]).status()?;
    Ok(())
}

fn write(out: &mut impl Write, commits: usize, files: usize) -> io::Result<()> {
    let mut dice = Dice(7);
    let mut files: Vec<File> = (0..files).map(|number| File::new(number, &mut dice)).collect();
    let mut main = 0;
    let mut side: Option<(usize, Vec<usize>)> = None;
    for number in 0..commits {
        let mut time = START + SPAN / commits as i64 * number as i64;
        if dice.roll(200) == 0 {
            time -= dice.roll(86_400) as i64;
        }
        let merged = side.take();
        let on_side = number > 0 && merged.is_none() && dice.roll(12) == 0;
        let author = dice.roll(40);
        writeln!(out, "commit refs/heads/{}\nmark :{}", if on_side { "side" } else { "main" }, number + 1)?;
        writeln!(out, "author Author {author} <author{author}@example.com> {} +0000", time - 3_600)?;
        writeln!(out, "committer Author {author} <author{author}@example.com> {time} +0000")?;
        let message = format!("Change number {number} of the handlers\n\nA body that says why it was done.\n");
        writeln!(out, "data {}\n{message}", message.len())?;
        if on_side {
            writeln!(out, "from :{main}")?;
        }
        let touched = match merged {
            Some((mark, touched)) => {
                writeln!(out, "merge :{mark}")?;
                touched
            }
            None if number == 0 => (0..files.len()).collect(),
            None => (0..1 + dice.roll(5)).map(|_| dice.roll(files.len())).collect(),
        };
        if on_side {
            side = Some((number + 1, touched.clone()));
        } else {
            main = number + 1;
        }
        for at in touched {
            if number > 0 {
                files[at].edit(&mut dice);
                if dice.roll(100) == 0 && !on_side {
                    writeln!(out, "D {}", files[at].path)?;
                    files[at].path = files[at].path.replace(".rs", "x.rs");
                }
            }
            let content = files[at].lines.join("\n") + "\n";
            writeln!(out, "M 100644 inline {}\ndata {}\n{content}", files[at].path, content.len())?;
        }
        writeln!(out)?;
    }
    writeln!(out, "done")
}
