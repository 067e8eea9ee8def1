//! Text of git objects: what strangers write into commits, names of files and files, and what a skill and a reader are shown
//! of it.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use gix::hash::Kind as Hash;
use gix::objs::Kind;
use negawatt_host::Tools;
use negawatt_host::model::Window;
use negawatt_host::model::changes::Commit;

use crate::block_on;
use crate::data::{answered, folder, scope, tools, write};
use crate::shown::{assert_short, assert_shown};

/// What stands between the parts of an input: the second commit after its parent, the name of a file, what was in it, and
/// what is.
const BETWEEN: &[u8] = b"\n--8<--\n";

/// The longest line that the contract promises, in characters.
const MAX_LINE: usize = 4096;

/// The longest body of a message, in characters.
const MAX_BODY: usize = 64 << 10;

const ALWAYS: Window = Window { start: i64::MIN, end: i64::MAX };

/// A repository of two commits, the second of which and its one file are anything.
pub fn git_text(bytes: &[u8]) {
    let [commit, name, before, after] = parts(bytes);
    let folder = folder();
    let repository = folder.path().join("repo");
    write(&repository.join("HEAD"), b"ref: refs/heads/main\n");
    write(&repository.join("config"), b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
    let tree = |content: &[u8]| {
        let blob = object(&repository, Kind::Blob, content);
        object(&repository, Kind::Tree, &[b"100644 ", name, b"\0", blob.as_bytes()].concat())
    };
    let (old, new) = (tree(before), tree(after));
    let who = "Ada <ada@example.com> 1795072200 +0000";
    let root =
        object(&repository, Kind::Commit, format!("tree {old}\nauthor {who}\ncommitter {who}\n\nroot\n").as_bytes());
    let tip = object(&repository, Kind::Commit, &[format!("tree {new}\nparent {root}\n").as_bytes(), commit].concat());
    write(&repository.join("refs/heads/main"), format!("{tip}\n").as_bytes());

    let toml = "[sources.changes]\nkind = \"git\"\npath = \"repo\"\n";
    // A tip that is no commit is refused when the source is opened.
    let Some((_, Tools { changes: Some(changes), code: Some(code), .. })) = tools(folder.path(), toml) else { return };
    let scope = scope();
    let Some(commits) = answered(block_on(changes.list(&scope, None, ALWAYS, Vec::new()))) else { return };
    assert!(commits.len() <= 2);
    for commit in &commits {
        assert_commit(commit);
        let Some(diff) = answered(block_on(changes.diff(&scope, "default".into(), commit.id.clone()))) else {
            continue;
        };
        for hunk in diff.iter().flat_map(|file| &file.hunks) {
            assert_short("a hunk's context", &hunk.context, MAX_LINE);
            hunk.text.split('\n').for_each(|line| assert_short("a line of a diff", line, MAX_LINE + 1));
            let count = |sign: char| hunk.text.split('\n').filter(|line| line.starts_with([' ', sign])).count();
            assert_eq!((count('-'), count('+')), (hunk.old_lines as usize, hunk.new_lines as usize), "{hunk:?}");
        }
    }
    for found in answered(block_on(code.search(&scope, "default".into(), "".into(), Vec::new()))).into_iter().flatten()
    {
        assert_short("a line that was found", &found.text, MAX_LINE);
        assert_shown(&found.path);
    }
    let Ok(path) = str::from_utf8(name) else { return };
    // A name may be one that nobody can ask for.
    if let Ok(text) = block_on(code.read(&scope, "default".into(), path.to_owned(), None)) {
        assert_eq!(text, String::from_utf8_lossy(after));
    }
    if let Ok(lines) = block_on(changes.blame(&scope, "default".into(), path.to_owned(), 1, 100)) {
        assert!(lines.len() <= 100 && lines.iter().zip(1..).all(|(line, number)| line.line == number));
        lines.iter().for_each(|line| assert_short("an author", &line.author, MAX_LINE));
    }
}

fn assert_commit(commit: &Commit) {
    assert!(commit.id.len() == 40 && commit.parents.len() <= 65_536);
    assert_short("a subject", &commit.subject, MAX_LINE);
    assert!(!commit.subject.contains('\n'), "{:?} is no line", commit.subject);
    assert_short("a body", &commit.body, MAX_BODY);
    assert_short("an author", &commit.author, 2 * MAX_LINE);
    commit.files.iter().for_each(|file| assert_shown(&file.path));
}

/// The parts of an input; what is not there is empty.
fn parts(bytes: &[u8]) -> [&[u8]; 4] {
    let mut rest = Some(bytes);
    std::array::from_fn(|n| {
        let from = rest.take().unwrap_or_default();
        match from.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
            Some(at) if n < 3 => {
                rest = Some(&from[at + BETWEEN.len()..]);
                &from[..at]
            }
            _ => from,
        }
    })
}

/// Puts an object into a repository as git would, whatever is in it.
fn object(repository: &Path, kind: Kind, data: &[u8]) -> gix::ObjectId {
    let id = gix::objs::compute_hash(Hash::Sha1, kind, data).unwrap_or_else(|error| panic!("no hash: {error}"));
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    let header = format!("{kind} {}\0", data.len());
    let packed =
        packed.write_all(header.as_bytes()).and_then(|()| packed.write_all(data)).and_then(|()| packed.finish());
    let hex = id.to_string();
    let path = repository.join("objects").join(&hex[..2]).join(&hex[2..]);
    write(&path, &packed.unwrap_or_else(|error| panic!("not packed: {error}")));
    id
}
