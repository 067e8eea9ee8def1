//! What commits are called.

use crate::dice::Dice;

/// Fills `{m}` (a module), `{f}` (a function), `{n}` (a number).
fn fill(dice: &mut Dice, templates: &[&str], module: &str, function: &str) -> String {
    let number = dice.whole(11, 4800).to_string();
    let template = *dice.pick(templates);
    let mut subject =
        template.replace("{m}", module).replace("{f}", &function.replace('_', " ")).replace("{n}", &number);
    if dice.chance(0.2) {
        subject = format!("{subject} (#{})", dice.whole(100, 5000));
    }
    subject
}

/// Subjects that fit nearly any change of code; culprits and innocents share them.
const ANY: &[&str] = &[
    "Tidy up {m}",
    "Address review comments",
    "Make {m} easier to follow",
    "{m}: handle incomplete records",
    "Follow-up to #{n}",
    "Small cleanup",
    "Prepare for the next release",
    "Be stricter about input",
    "Rework {f}",
    "{m}: be consistent with the other modules",
    "Fix #{n}",
    "Support needed this for ticket {n}",
    "Remove a special case",
    "wip",
    "Simplify",
    "[{m}] better diagnostics",
    "feat: follow the new guidelines",
    "fix: edge case in {f}",
    "refactor({m}): split responsibilities",
    "chore: housekeeping",
    "Make the result of {f} easier to trace",
    "Get rid of stale state",
    "Keep up with the schema",
];

const DOCS: &[&str] =
    &["Explain {m} in the handbook", "docs: fix typos", "Update the changelog", "README: mention port", "Document {f}"];
const TESTS: &[&str] =
    &["Add tests for {m}", "test: cover {f}", "Fix a flaky test", "More cases for {f}", "tests: name things better"];
const FORMAT: &[&str] = &["Run the formatter", "style: reformat {m}", "Whitespace", "Apply the new line rules to {m}"];
const BUILD: &[&str] = &[
    "ci: raise the time-out",
    "Update the base image",
    "build: tidy",
    "deploy: change the contact",
    "ci: cache builds",
];
const RENAME: &[&str] = &["Move {m} to its own folder", "Reorganise {m}", "Layout: {m}"];
const CONSTANT: &[&str] = &["Tune {m}", "Adjust the batch size of {m}", "{m}: new defaults"];
const HELPER: &[&str] = &["Add a helper to {m}", "{m}: prepare for #{n}", "Groundwork for {f}"];
const IMPROVE: &[&str] =
    &["Do less work in {f}", "Tidy up {m}", "{m}: avoid doing this twice", "perf: {f}", "Small cleanup", "Rework {f}"];
const MOVE: &[&str] =
    &["Move the step to {m}", "Do this in {f} instead", "refactor: responsibilities of {m}", "Tidy up {m}"];

/// What a commit is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum About {
    /// Code, for better or worse.
    Code,
    /// Documentation.
    Docs,
    /// Tests.
    Tests,
    /// Formatting.
    Format,
    /// Build, deployment.
    Build,
    /// A move of files.
    Rename,
    /// A constant.
    Constant,
    /// A new function.
    Helper,
    /// Making something faster.
    Improve,
    /// Moving work.
    Move,
}

/// A subject.
pub(crate) fn subject(dice: &mut Dice, about: About, module: &str, function: &str) -> String {
    let templates = match about {
        About::Code => ANY,
        About::Docs => DOCS,
        About::Tests => TESTS,
        About::Format => FORMAT,
        About::Build => BUILD,
        About::Rename => RENAME,
        About::Constant => CONSTANT,
        About::Helper => HELPER,
        About::Improve => IMPROVE,
        About::Move => MOVE,
    };
    fill(dice, templates, module, function)
}

/// A body with trailers, or nothing.
pub(crate) fn body(dice: &mut Dice, author: &str) -> String {
    let mut text = String::new();
    if dice.chance(0.3) {
        let lines = [
            "This came up while we looked at something else.\nNo change for callers.",
            "Asked for by support; see the ticket.",
            "The old way was hard to follow and had been copied three times.",
            "As discussed.\n\nThe rest comes later.",
            "Needed before we can go on with the migration.",
        ];
        text.push_str(&format!("\n{}\n", dice.pick(&lines)));
    }
    if dice.chance(0.2) {
        text.push_str(&format!("\nSigned-off-by: {author}\n"));
    }
    if dice.chance(0.1) {
        text.push_str(&format!("\nChange-Id: I{:040x}\n", dice.whole(1, i64::MAX - 1)));
    }
    text
}
