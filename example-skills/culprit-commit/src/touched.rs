//! Which functions a commit changes.

use std::collections::BTreeMap;

use negawatt_skill::changes::{FileDiff, Hunk};

use crate::definition::{Definition, Kind, announced};
use crate::kind::{Effect, FileKind, continues_comment, of_path, squeezed};
use crate::language::{Language, code_lines, indentation};
use crate::outline::Outline;

/// A definition whose lines of code a commit changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Touched {
    /// The file, after the commit.
    pub path: String,
    /// The name of the function, type or constant.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The definitions around it, the outermost first.
    pub containers: Vec<String>,
    /// How sure it is that these lines belong to it, from 0 to 1.
    pub certainty: f64,
    /// Functions of the same file that mention it, and so may run its code or use its value.
    pub users: Vec<Touched>,
    /// Lines of code added to it.
    pub added: Vec<String>,
    /// Lines of code removed from it.
    pub removed: Vec<String>,
}

/// Lines lie inside of the definition in the whole file.
const READ: f64 = 1.0;
/// The hunk itself shows where the definition begins.
const SHOWN: f64 = 0.9;
/// Only the hunk's context names the definition; it may have ended before.
const CONTEXT: f64 = 0.6;
/// More users than that are not told apart from everybody.
const MOST_USERS: usize = 12;

/// The definitions that the diff of one file touches, tests left out. `effects` says what its hunks do, `outline` what the file
/// defines after the commit, where that is known.
pub fn by_file(diff: &FileDiff, effects: &[Effect], outline: Option<&Outline>) -> Vec<Touched> {
    let FileKind::Code(language) = of_path(&diff.file.path) else { return Vec::new() };
    let mut found = Collector { path: &diff.file.path, touched: BTreeMap::new() };
    for (hunk, _) in diff.hunks.iter().zip(effects).filter(|(_, effect)| **effect == Effect::Code) {
        match outline {
            Some(outline) => in_file(hunk, outline, language, &mut found),
            None => in_hunk(hunk, language, &mut found),
        }
    }
    let changed = found.touched.into_values().filter(|sides| sides.changed(language));
    let mut touched: Vec<Touched> = changed.map(|sides| sides.touched).collect();
    if let Some(outline) = outline {
        let names: Vec<String> = touched.iter().map(|touched| touched.name.clone()).collect();
        for touched in &mut touched {
            let users = outline.users(&touched.name).filter(|user| !user.test && !names.contains(&user.name));
            touched.users = users.take(MOST_USERS).map(|user| bare(&diff.file.path, user, READ)).collect();
        }
    }
    touched
}

fn bare(path: &str, definition: &Definition, certainty: f64) -> Touched {
    Touched {
        path: path.to_owned(),
        name: definition.name.clone(),
        kind: definition.kind,
        containers: definition.containers.clone(),
        certainty,
        users: Vec::new(),
        added: Vec::new(),
        removed: Vec::new(),
    }
}

/// A definition and its lines of code in the hunks, as they were and as they are.
struct Sides {
    touched: Touched,
    before: Vec<String>,
    after: Vec<String>,
}

impl Sides {
    /// Whether its code changed. A line that moved past others did: into a loop, say.
    fn changed(&self, language: Language) -> bool {
        let edited = !self.touched.added.is_empty() || !self.touched.removed.is_empty();
        edited
            && if language.by_indentation() {
                self.before != self.after
            } else {
                squeezed(&self.before).ne(squeezed(&self.after))
            }
    }
}

struct Collector<'a> {
    path: &'a str,
    touched: BTreeMap<(Vec<String>, String), Sides>,
}

impl Collector<'_> {
    fn add(&mut self, definition: &Definition, certainty: f64, sign: char, line: &str) {
        if definition.test {
            return;
        }
        let key = (definition.containers.clone(), definition.name.clone());
        let sides = self.touched.entry(key).or_insert_with(|| Sides {
            touched: bare(self.path, definition, certainty),
            before: Vec::new(),
            after: Vec::new(),
        });
        if sign != '+' {
            sides.before.push(line.to_owned());
        }
        if sign != '-' {
            sides.after.push(line.to_owned());
        }
        match sign {
            '+' => sides.touched.added.push(line.to_owned()),
            '-' => sides.touched.removed.push(line.to_owned()),
            _ => return,
        }
        sides.touched.certainty = sides.touched.certainty.max(certainty);
    }
}

/// The lines of a hunk: sign, text, whether it is code.
fn lines(hunk: &Hunk, language: Language) -> Vec<(char, &str, bool)> {
    let mut parts: Vec<(char, &str)> = Vec::new();
    for line in hunk.text.lines() {
        match line.chars().next() {
            Some(sign @ (' ' | '+' | '-')) => parts.push((sign, &line[1..])),
            // A blank line whose leading blank was trimmed, or git's remark on the end of the file.
            Some('\\') => {}
            _ => parts.push((' ', line)),
        }
    }
    let masked = |sign: char| {
        let side: Vec<&str> = parts.iter().filter(|(s, _)| *s == sign || *s == ' ').map(|(_, line)| *line).collect();
        code_lines(&side.join("\n"), language)
    };
    let (old, new) = (masked('-'), masked('+'));
    let (mut old, mut new) = (old.into_iter(), new.into_iter());
    parts
        .into_iter()
        .map(|(sign, line)| {
            let before = if sign == '+' { None } else { old.next() };
            let after = if sign == '-' { None } else { new.next() };
            let code = after.or(before).is_some_and(|masked| !masked.trim().is_empty()) && !continues_comment(line);
            (sign, line, code)
        })
        .collect()
}

fn in_file(hunk: &Hunk, outline: &Outline, language: Language, found: &mut Collector<'_>) {
    // Position in the new file, from 0; a hunk that only removes names the line before it.
    let mut at = (hunk.new_start as usize).saturating_sub(usize::from(hunk.new_lines > 0));
    let mut deleted: Option<Definition> = None;
    for (sign, line, code) in lines(hunk, language) {
        if sign == '-' {
            if let Some(gone) = gone(line, language, outline) {
                deleted = Some(gone);
            }
            let above = at.checked_sub(1).and_then(|above| outline.around(above));
            let below = outline.around(at);
            // Between two definitions, the one that goes on past the gap; at its end, the one above.
            let place = below.filter(|definition| definition.first < at).or(above);
            if let (true, Some(definition)) = (code, deleted.as_ref().or(place)) {
                found.add(definition, READ, sign, line);
            }
            continue;
        }
        deleted = None;
        if code
            && !outline.is_comment(at)
            && let Some(definition) = outline.around(at)
        {
            found.add(definition, READ, sign, line);
        }
        at += 1;
    }
}

/// A function that a removed line announces and that the file no longer has.
fn gone(line: &str, language: Language, outline: &Outline) -> Option<Definition> {
    let announced = announced(line, language).filter(|announced| announced.kind == Kind::Function)?;
    let there = outline.definitions().iter().any(|definition| definition.name == announced.name);
    (!there).then(|| from_line(announced, Vec::new()))
}

fn from_line(announced: crate::definition::Announced, mut containers: Vec<String>) -> Definition {
    containers.extend(announced.receiver);
    Definition {
        name: announced.name,
        kind: announced.kind,
        containers,
        first: 0,
        last: 0,
        test: false,
        mentions: Vec::new(),
    }
}

/// Without an outline: the definition is what the context or the last line above announces, until something closes it.
fn in_hunk(hunk: &Hunk, language: Language, found: &mut Collector<'_>) {
    let mut container: Vec<String> = Vec::new();
    let mut current: Option<(Definition, f64, usize)> = None;
    if let Some(context) = announced(&hunk.context, language) {
        match context.kind {
            Kind::Function => current = Some((from_line(context, Vec::new()), CONTEXT, indentation(&hunk.context))),
            Kind::Type => container = vec![context.name],
            Kind::Constant => {}
        }
    }
    for (sign, line, code) in lines(hunk, language) {
        if !code {
            continue;
        }
        let indent = indentation(line);
        if let Some(next) = announced(line, language).filter(|next| {
            // A binding inside of a function is no constant of the file.
            next.kind != Kind::Constant || current.as_ref().is_none_or(|(_, _, outer)| indent <= *outer)
        }) {
            if next.kind == Kind::Type {
                container = vec![next.name.clone()];
            } else if indent == 0 {
                container.clear();
            }
            current = Some((from_line(next, container.clone()), SHOWN, indent));
        } else if current.as_ref().is_some_and(|(_, _, outer)| {
            indent < *outer || (indent == *outer && language.by_indentation() && !line.trim_start().starts_with(')'))
        }) {
            current = None;
        }
        if let Some((definition, certainty, _)) = &current {
            found.add(definition, *certainty, sign, line);
        }
        let closes = line.trim_start().starts_with('}') || line.trim() == "end";
        if closes && current.as_ref().is_some_and(|(_, _, outer)| indent <= *outer) {
            current = None;
        }
    }
}

#[cfg(test)]
#[path = "../tests/histories/outline.rs"]
mod answered;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::effects;
    use negawatt_skill::changes::{ChangeKind, TouchedFile};

    fn diff(path: &str, new_start: u32, context: &str, text: &str) -> FileDiff {
        let file = TouchedFile { path: path.into(), old_path: None, kind: ChangeKind::Modified, added: 1, removed: 1 };
        let hunk = Hunk {
            old_start: new_start,
            old_lines: 1,
            new_start,
            new_lines: 1,
            context: context.into(),
            text: text.into(),
        };
        FileDiff { file, binary: false, hunks: vec![hunk] }
    }

    /// As [`super::by_file`], from the text of the file after the commit.
    fn by_file(diff: &FileDiff, text: Option<&str>) -> Vec<Touched> {
        let outline = text.map(|text| answered::outline(&diff.file.path, text).expect("there is a grammar"));
        super::by_file(diff, &effects(diff), outline.as_ref().map(Outline::from).as_ref())
    }

    fn names(touched: &[Touched]) -> Vec<(&str, f64)> {
        touched.iter().map(|touched| (touched.name.as_str(), touched.certainty)).collect()
    }

    #[test]
    fn with_the_file_the_context_does_not_mislead() {
        let text = "const N: u64 = 4;\nfn a() {\n    one();\n}\n\nfn b() {\n    two(N);\n}\n";
        let in_b = diff("src/x.rs", 5, "fn a() {", " \n fn b() {\n-    one();\n+    two(N);\n }");
        assert_eq!(names(&by_file(&in_b, Some(text))), [("b", READ)]);
        let constant = by_file(&diff("src/x.rs", 1, "", "-const N: u64 = 9;\n+const N: u64 = 4;"), Some(text));
        assert_eq!(names(&constant), [("N", READ)]);
        assert_eq!(names(&constant[0].users), [("b", READ)]);
        let comment = diff("src/x.rs", 3, "fn a() {", "-    one(); // x\n+    one(); // y");
        assert!(by_file(&comment, Some(text)).is_empty(), "a comment after code is none");
        assert!(by_file(&diff("src/x.rs", 3, "fn a() {", "+    // x"), Some("fn a() {\n\n    // x\n}")).is_empty());
        let deleted = diff("src/x.rs", 4, "fn a() {", " }\n-fn gone() {\n-    x();\n-}\n \n fn b() {");
        assert_eq!(names(&by_file(&deleted, Some(text))), [("gone", READ)]);
    }

    #[test]
    fn removed_lines_belong_to_what_is_around_them() {
        let text = "def a(x):\n    return x\n\n\ndef b(x):\n    return x\n";
        let mut last = diff("x.py", 2, "def a(x):", "-    log(x)\n     return x");
        assert_eq!(names(&by_file(&last, Some(text))), [("a", READ)]);
        last.hunks[0].text = "     return x\n-    # done\n-    log(x)\n \n ".into();
        assert_eq!(names(&by_file(&last, Some(text))), [("a", READ)]);
    }

    #[test]
    fn without_the_file_the_hunk_is_read() {
        let method = diff("a.py", 10, "class Cart:", "     def total(self):\n-        return 1\n+        return 2");
        let touched = by_file(&method, None);
        assert_eq!(names(&touched), [("total", SHOWN)]);
        assert_eq!(touched[0].containers, ["Cart"]);
        assert_eq!(
            names(&by_file(&diff("a.go", 9, "func (c *Cart) Price() int {", "-\tx()\n+\ty()"), None)),
            [("Price", CONTEXT)]
        );
        let next = diff("a.rs", 9, "fn a() {", "     x();\n }\n \n+fn b() {\n+    y();\n+}");
        assert_eq!(names(&by_file(&next, None)), [("b", SHOWN)]);
    }

    #[test]
    fn a_line_that_moves_into_a_loop_is_a_change() {
        let text = "fn a() {\n    for x in y {\n        let f = new();\n        f.go(x);\n    }\n}\n";
        let moved = diff(
            "a.rs",
            1,
            "",
            " fn a() {\n-    let f = new();\n     for x in y {\n+        let f = new();\n         f.go(x);\n     }\n }",
        );
        assert_eq!(names(&by_file(&moved, Some(text))), [("a", READ)]);
        assert_eq!(names(&by_file(&moved, None)), [("a", SHOWN)]);
    }

    #[test]
    fn formatting_and_tests_touch_nothing() {
        let moved = diff("a.rs", 2, "", " fn a() {\n-    f(x, y);\n+    f(\n+        x,\n+        y,\n+    );\n }");
        assert!(by_file(&moved, None).is_empty());
        let text = "#[cfg(test)]\nmod tests {\n    fn t() {\n        x();\n    }\n}\n";
        assert!(by_file(&diff("a.rs", 4, "mod tests {", "+        x();"), Some(text)).is_empty());
        assert!(by_file(&diff("tests/a.rs", 4, "fn a() {", "+        x();"), None).is_empty());
    }
}
