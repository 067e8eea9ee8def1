//! What a commit touches, by path and by line: whether it can make a running program slower at all.

use crate::language::{Language, code_lines};
use negawatt_skill::changes::{ChangeKind, FileDiff, Hunk, TouchedFile};

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Source of the program.
    Code(Language),
    /// Tests, benchmarks, examples.
    Test,
    /// For people.
    Documentation,
    /// Written by a tool, or somebody else's.
    Generated,
    /// Which dependencies, and how it is built.
    Build,
    /// Pipelines, editors, linters.
    Tooling,
    /// Data, settings, templates, and whatever else.
    Other,
}

/// What a path says.
pub fn of_path(path: &str) -> FileKind {
    let lower = path.to_ascii_lowercase();
    let (folders, file) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let inside = |names: &[&str]| folders.split('/').any(|folder| names.contains(&folder));
    let stem = file.split('.').next().unwrap_or("");
    let ends = |ends: &[&str]| ends.iter().any(|end| file.ends_with(end));
    if inside(&["vendor", "third_party", "node_modules", "dist", "generated", "__generated__"])
        || ends(&[".min.js", ".pb.go", ".pb.rs", "_pb2.py", ".pb.cc", ".pb.h", ".snap", ".map", ".g.cs"])
    {
        return FileKind::Generated;
    }
    if ends(&["cargo.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "poetry.lock", "uv.lock", "go.sum"])
        || ["cargo.toml", "go.mod", "package.json", "pyproject.toml", "setup.py", "setup.cfg", "pom.xml", "makefile"]
            .contains(&file)
        || ends(&[
            "requirements.txt",
            "cmakelists.txt",
            ".gradle",
            ".gradle.kts",
            ".csproj",
            ".cmake",
            ".bazel",
            "gemfile.lock",
        ])
        || file.starts_with("dockerfile")
        || file == "build.rs"
        || file == "gemfile"
        || file.starts_with("rust-toolchain")
    {
        return FileKind::Build;
    }
    if ends(&[".md", ".rst", ".adoc", ".txt", ".svg", ".png"])
        || inside(&["docs", "doc", "documentation"])
        || ["license", "changelog", "readme", "authors", "notice", "codeowners", "contributing"].contains(&stem)
    {
        return FileKind::Documentation;
    }
    let original = path.rsplit('/').next().unwrap_or("").split('.').next().unwrap_or("");
    let tested = stem.starts_with("test_")
        || ["_test", "_tests", "_spec"].iter().any(|end| stem.ends_with(end))
        || ["Test", "Tests", "Spec"].iter().any(|end| original.ends_with(end));
    if inside(&["test", "tests", "testdata", "__tests__", "spec", "benches", "examples", "fixtures"])
        || (tested && Language::of_path(&lower).is_some())
        || [".test.", ".spec."].iter().any(|mark| file.contains(mark))
        || stem == "conftest"
    {
        return FileKind::Test;
    }
    if inside(&[".github", ".gitlab", ".circleci", ".vscode", ".idea", ".ci", "scripts"])
        || file.starts_with(".git")
        || ends(&["rustfmt.toml", "clippy.toml", ".editorconfig", ".gitlab-ci.yml", ".pre-commit-config.yaml"])
        || [".eslintrc", ".prettierrc", ".flake8", ".pylintrc"].iter().any(|name| file.starts_with(name))
    {
        return FileKind::Tooling;
    }
    Language::of_path(&lower).map_or(FileKind::Other, FileKind::Code)
}

/// What a commit is as a whole.
#[derive(Debug, Clone, PartialEq)]
pub enum CommitKind {
    /// It changes what runs, or might.
    Program,
    /// Touches nothing at all.
    Empty,
    /// Only files of kinds that do not run, named for people.
    Only(&'static str),
    /// Code files, but neither a line of code nor a value in them.
    NoCode(&'static str),
    /// Only dependencies and build files.
    Build,
    /// Only settings, data and the like.
    Other,
}

impl CommitKind {
    /// Natural logarithm of how much more often the cause of a regression is such a commit than any commit is.
    ///
    /// Rounded from what the kinds can do: text that is not compiled cannot cost time; it can come along with a change that
    /// was not recognised, which keeps the odds finite.
    pub fn log_odds(&self) -> f64 {
        match self {
            CommitKind::Program => 0.3,
            CommitKind::Empty => -4.5,
            CommitKind::Only(_) => -4.0,
            CommitKind::NoCode(_) => -3.5,
            CommitKind::Build => -0.4,
            CommitKind::Other => -1.2,
        }
    }
}

/// What a commit is, from the files that it touches and, where known, its diff with what each file's hunks do ([`effects`]).
pub fn of_commit(files: &[TouchedFile], diff: Option<(&[FileDiff], &[Vec<Effect>])>) -> CommitKind {
    if files.is_empty() {
        return CommitKind::Empty;
    }
    let kinds: Vec<FileKind> = files.iter().map(|file| of_path(&file.path)).collect();
    let all = |kind: FileKind| kinds.iter().all(|&other| other == kind);
    for (kind, name) in
        [(FileKind::Documentation, "documentation"), (FileKind::Test, "tests"), (FileKind::Tooling, "tooling")]
    {
        if all(kind) {
            return CommitKind::Only(name);
        }
    }
    let idle = [FileKind::Documentation, FileKind::Test, FileKind::Tooling];
    if kinds.iter().all(|kind| idle.contains(kind)) {
        return CommitKind::Only("documentation, tests and tooling");
    }
    let runs = |kind: &FileKind| matches!(kind, FileKind::Code(_));
    if !kinds.iter().any(runs) {
        return if kinds.contains(&FileKind::Build) { CommitKind::Build } else { CommitKind::Other };
    }
    let moved = |file: &TouchedFile| file.kind == ChangeKind::Renamed && file.added == 0 && file.removed == 0;
    let running = || files.iter().zip(&kinds).filter(|(_, kind)| !idle.contains(kind));
    if running().all(|(file, _)| moved(file)) {
        return CommitKind::NoCode("moves files without changing them");
    }
    let Some((diff, effects)) = diff else { return CommitKind::Program };
    let effects: Vec<Effect> = diff
        .iter()
        .zip(effects)
        .filter(|(file, _)| !idle.contains(&of_path(&file.file.path)))
        .map(|(file, effects)| match effects.iter().max() {
            _ if moved(&file.file) => Effect::Nothing,
            Some(effect) if !file.binary => *effect,
            // Nobody knows what it does.
            _ => Effect::Code,
        })
        .collect();
    match () {
        () if effects.contains(&Effect::Code) => CommitKind::Program,
        () if effects.contains(&Effect::Layout) => CommitKind::NoCode("changes only layout and comments"),
        () => CommitKind::NoCode("changes only comments and blank lines"),
    }
}

/// What a diff does to what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing: comments and blank lines.
    Nothing,
    /// Only where the same code stands.
    Layout,
    /// Something, perhaps.
    Code,
}

/// What each hunk of a file does to what runs.
pub fn effects(file: &FileDiff) -> Vec<Effect> {
    let FileKind::Code(language) = of_path(&file.file.path) else { return vec![Effect::Code; file.hunks.len()] };
    file.hunks.iter().map(|hunk| hunk_effect(hunk, language)).collect()
}

fn hunk_effect(hunk: &Hunk, language: Language) -> Effect {
    let (before, after) = (side(&hunk.text, '-', language), side(&hunk.text, '+', language));
    if before == after {
        Effect::Nothing
    } else if !language.by_indentation() && squeezed(&before).eq(squeezed(&after)) {
        Effect::Layout
    } else {
        // Where blanks have a meaning, moving a line is a change; so is what stands in strings.
        Effect::Code
    }
}

/// The letters of lines without their blanks, and without what formatters add when they break a line: a comma before `)`.
pub fn squeezed(lines: &[String]) -> impl Iterator<Item = char> {
    let letters = lines.iter().flat_map(|line| line.chars());
    let mut letters = letters.filter(|letter| !letter.is_whitespace()).peekable();
    std::iter::from_fn(move || {
        let letter = letters.next()?;
        if letter == ',' && letters.peek() == Some(&')') { letters.next() } else { Some(letter) }
    })
}

/// The lines of code of one side of a hunk, without comments and blank lines, strings kept.
fn side(text: &str, sign: char, language: Language) -> Vec<String> {
    let kept: Vec<&str> = text.lines().filter(|line| line.starts_with([sign, ' '])).map(|line| &line[1..]).collect();
    let masked = code_lines(&kept.join("\n"), language);
    kept.iter()
        .zip(&masked)
        .filter(|(line, masked)| !masked.trim().is_empty() && !continues_comment(line))
        // A comment after code goes with what the mask cut; the rest of the line, with its strings, stays.
        .map(|(line, masked)| strip_comment(line, masked, language).trim_end().to_owned())
        .collect()
}

/// Whether a line looks like the middle of a block comment whose beginning is out of sight.
pub fn continues_comment(line: &str) -> bool {
    let line = line.trim_start();
    line == "*" || line.starts_with("* ") || line.starts_with("*/")
}

fn strip_comment<'a>(line: &'a str, masked: &str, language: Language) -> &'a str {
    let mark = if language.by_indentation() { "#" } else { "//" };
    // Only what is a comment for sure: nothing masked away before it means that no string precedes it.
    match line.find(mark) {
        Some(at) if masked.trim_end() == line[..at].trim_end() => &line[..at],
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> TouchedFile {
        TouchedFile { path: path.into(), old_path: None, kind: ChangeKind::Modified, added: 1, removed: 1 }
    }

    fn diff(path: &str, text: &str) -> CommitKind {
        let hunk =
            Hunk { old_start: 1, old_lines: 1, new_start: 1, new_lines: 1, context: String::new(), text: text.into() };
        let diff = FileDiff { file: file(path), binary: false, hunks: vec![hunk] };
        of_commit(&[file(path)], Some((std::slice::from_ref(&diff), &[effects(&diff)])))
    }

    #[test]
    fn paths() {
        for (path, kind) in [
            ("src/cart.rs", FileKind::Code(Language::Rust)),
            ("cart/cart_test.go", FileKind::Test),
            ("tests/a.py", FileKind::Test),
            ("src/cart.spec.ts", FileKind::Test),
            ("src/latest.py", FileKind::Code(Language::Python)),
            ("README", FileKind::Documentation),
            ("docs/conf.py", FileKind::Documentation),
            ("Cargo.lock", FileKind::Build),
            ("vendor/a/b.go", FileKind::Generated),
            (".github/workflows/ci.yml", FileKind::Tooling),
            ("config/limits.yaml", FileKind::Other),
        ] {
            assert_eq!(of_path(path), kind, "{path}");
        }
    }

    #[test]
    fn diffs() {
        assert!(matches!(diff("a.rs", "-// old\n+// new\n let x = 1;"), CommitKind::NoCode(_)));
        assert!(matches!(diff("a.rs", "-f(a, b)\n+f(\n+    a, b)"), CommitKind::NoCode(_)));
        assert_eq!(diff("a.py", "-  f()\n+    f()"), CommitKind::Program);
        assert_eq!(diff("a.rs", "-let u = \"http://a\";\n+let u = \"http://b\";"), CommitKind::Program);
        assert!(matches!(diff("a.rs", "-let x = 1; // a\n+let x = 1; // b"), CommitKind::NoCode(_)));
        assert!(matches!(diff("a.java", "- * old\n+ * new"), CommitKind::NoCode(_)));
        assert_eq!(of_commit(&[file("README.md"), file("src/a.rs")], None), CommitKind::Program);
        assert_eq!(of_commit(&[file("Cargo.toml"), file("Cargo.lock")], None), CommitKind::Build);
        assert_eq!(of_commit(&[], None), CommitKind::Empty);
    }

    #[test]
    fn what_formatters_add_is_left_out() {
        let of = |lines: &[&str]| squeezed(&lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>()).collect();
        let squeezed: [String; 3] = [of(&["f(", "    a,\tb,", ") , )"]), of(&["(,,)", ","]), of(&[])];
        assert_eq!(squeezed, ["f(a,b))", "(,),", ""]);
    }
}
