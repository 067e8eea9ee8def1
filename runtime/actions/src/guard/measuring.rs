//! Whether a patch leaves alone what measures, and what tells right from wrong: a patch that changes those can look better than it is.
//!
//! It is known by the path, by convention; in files that say how a program is built, by what they say; in source files by the calls of a
//! changed line and by the tests around it. What a test file says otherwise, such as one that a project keeps where nobody else does, is
//! not known: then the right-issue check is what is left, and the reviewer.

mod builds;
mod calls;
mod places;
mod tests_within;

use super::patch::{Hunk, Mark};

/// A file as the patch leaves it.
pub(crate) struct File {
    pub(crate) path: String,
    /// Its text without the patch; absent where it is new.
    pub(crate) before: Option<String>,
    /// Its text with the patch; absent where it is gone.
    pub(crate) after: Option<String>,
    /// What differs, without context.
    pub(crate) hunks: Vec<Hunk>,
}

/// How many reasons are told.
const MAX_REASONS: usize = 5;

/// What was held against what, or why the patch is refused.
pub(crate) fn is_left_alone(files: &[File]) -> Result<String, String> {
    let mut reasons: Vec<String> = files.iter().flat_map(of_file).collect();
    if reasons.is_empty() {
        return Ok("no test, benchmark, fixture, build setting or measuring call is touched, by paths, by the calls in changed lines, and \
                   in Rust and Python by the tests within a file"
            .to_owned());
    }
    let more = reasons.len().saturating_sub(MAX_REASONS);
    reasons.truncate(MAX_REASONS);
    if more > 0 {
        reasons.push(format!("and {more} more"));
    }
    Err(reasons.join("; "))
}

fn of_file(file: &File) -> Vec<String> {
    let path = &file.path;
    if let Some(what) = places::measures(path) {
        return vec![format!("`{path}` is {what}")];
    }
    if let Some(judged) = builds::judge(path, file.before.as_deref(), file.after.as_deref()) {
        return judged.err().map(|why| format!("`{path}` {why}")).into_iter().collect();
    }
    let changed = file.hunks.iter().flat_map(|hunk| lines(hunk, Mark::Removed).chain(lines(hunk, Mark::Added)));
    let calls = changed.filter_map(|(number, line)| {
        calls::measures(line)
            .map(|call| format!("line {number} of `{path}` has `{call}`, which measures or reports what is measured"))
    });
    calls.chain(within_tests(file)).collect()
}

/// Lines of a hunk with their numbers, in the file that they are in.
fn lines(hunk: &Hunk, mark: Mark) -> impl Iterator<Item = (usize, &str)> {
    let start = if mark == Mark::Removed { hunk.old.start } else { hunk.new.start };
    let of = hunk.lines.iter().filter(move |(of, _)| *of == mark);
    of.enumerate().map(move |(at, (_, line))| (start + at, line.as_str()))
}

/// Changes in the tests within a source file.
fn within_tests(file: &File) -> Option<String> {
    let before = file.before.as_deref().map(|text| tests_within::regions(&file.path, text)).unwrap_or_default();
    let after = file.after.as_deref().map(|text| tests_within::regions(&file.path, text)).unwrap_or_default();
    let touched = file.hunks.iter().find_map(|hunk| {
        // What is added is looked at from both sides: what it says itself of where a test ends is not believed.
        let into = if hunk.old.count == 0 { Some(hunk.old.start) } else { None };
        let old = before.iter().find(|region| {
            into.map_or_else(
                || hunk.old.start <= *region.end() && hunk.old.start + hunk.old.count > *region.start(),
                |line| region.contains(&line) && region.contains(&(line + 1)),
            )
        });
        let new = after.iter().find(|region| {
            hunk.new.count > 0 && hunk.new.start <= *region.end() && hunk.new.start + hunk.new.count > *region.start()
        });
        old.map(|_| hunk.old.start).or(new.map(|_| hunk.new.start))
    });
    touched.map(|line| format!("line {line} of `{}` is within a test", file.path))
}

#[cfg(test)]
mod tests {
    use super::super::patch::Patch;
    use super::*;

    fn judge(path: &str, before: &str, after: &str, hunks: &str) -> Result<String, String> {
        let patch = Patch::read(&format!("--- a/{path}\n+++ b/{path}\n{hunks}")).unwrap();
        let hunks = patch.files.into_iter().next().unwrap().hunks;
        is_left_alone(&[File {
            path: path.to_owned(),
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
            hunks,
        }])
    }

    const RUST: &str = "fn a() {\n    work();\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() {\n        assert!(a() < 5);\n    }\n}\n";

    #[test]
    fn product_code_may_do_less() {
        let after = RUST.replace("    work();\n", "");
        assert!(judge("src/a.rs", RUST, &after, "@@ -2 +1,0 @@\n-    work();\n").is_ok());
        let (before, after) = ("a = 1\nassert a\ntime.sleep(1)\n", "a = 1\n");
        assert!(judge("src/a.py", before, after, "@@ -2,2 +1,0 @@\n-assert a\n-time.sleep(1)\n").is_ok());
    }

    #[test]
    fn tests_within_a_file_stay() {
        let after = RUST.replace("< 5", "< 500");
        let why =
            judge("src/a.rs", RUST, &after, "@@ -9 +9 @@\n-        assert!(a() < 5);\n+        assert!(a() < 500);\n")
                .unwrap_err();
        assert_eq!(why, "line 9 of `src/a.rs` is within a test");
        // An insertion that seems to end the tests first.
        let after = RUST.replace("    #[test]\n", "}\nmod more {\n    #[test]\n");
        assert!(judge("src/a.rs", RUST, &after, "@@ -6,0 +7,2 @@\n+}\n+mod more {\n").is_err());
        // New ones.
        let after = format!("{RUST}#[cfg(test)]\nmod others {{}}\n");
        assert!(judge("src/a.rs", RUST, &after, "@@ -11,0 +12,2 @@\n+#[cfg(test)]\n+mod others {}\n").is_err());
        // Product code beside them.
        let after = format!("{RUST}fn b() {{}}\n");
        assert!(judge("src/a.rs", RUST, &after, "@@ -11,0 +12 @@\n+fn b() {}\n").is_ok());
    }

    #[test]
    fn measuring_calls_stay() {
        let why =
            judge("src/a.rs", "x\n", "y\n", "@@ -1 +1 @@\n-    let start = Instant::now();\n+    y\n").unwrap_err();
        assert!(why.contains("line 1 of `src/a.rs` has `Instant::now`"), "{why}");
        let many = "@@ -1,7 +0,0 @@\n".to_owned() + &"-HISTOGRAM.observe(1.0)\n".repeat(7);
        assert!(judge("src/a.rs", "", "", &many).unwrap_err().ends_with("; and 2 more"));
    }
}
