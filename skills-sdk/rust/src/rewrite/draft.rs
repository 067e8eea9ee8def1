//! A file that is being rewritten.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::start_of_item;
use super::layout::head;
use super::{
    File, Heat, Imports, Language, Purity, function, indentation, loops, name_of, newline, occurrences, outermost,
};
use crate::Error;
use crate::edits::Edits;
use crate::tree::{Node, Tree};

/// A place that was rewritten.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The file.
    pub path: String,
    /// The line, from 1, before the change.
    pub line: u32,
    /// What is done, as an order: `Gate …`.
    pub what: String,
    /// How sure it is that nothing but the cost changes, from 0 to 1.
    pub sure: f64,
    /// How probable it is that the place is where the regression is, from 0 to 1, given that the commit is its cause.
    pub place: f64,
}

/// Whether a name is used elsewhere than in the file; absent where that cannot be had.
pub type Elsewhere<'a> = &'a mut dyn FnMut(&str) -> Result<Option<bool>, Error>;

/// A file that is being rewritten: what is known of it, and what is changed so far.
pub struct Draft<'a> {
    /// The file as it is.
    pub file: &'a File,
    /// What its names mean. What is asked of it is imported.
    pub imports: Imports<'a>,
    /// Changes, beside imports and what is declared.
    pub edits: Edits,
    heat: &'a Heat,
    elsewhere: Elsewhere<'a>,
    taken: BTreeSet<String>,
    declared: BTreeMap<usize, Vec<String>>,
    done: Vec<Done>,
    refused: Vec<String>,
}

/// Rewrites of one file: more are a reviewer's work for a day.
const MOST_DONE: usize = 5;
/// Places of one file that are refused: more reasons help nobody.
const MOST_REFUSED: usize = 20;
/// Words of names that are tried, when others bear them.
const TRIES: usize = 5;
/// How sure it is that a function is the one of a frame, for it to be called hot.
const HOT: f64 = 0.3;

impl<'a> Draft<'a> {
    /// A file of which nothing is changed yet.
    pub fn new(file: &'a File, heat: &'a Heat, elsewhere: Elsewhere<'a>) -> Draft<'a> {
        let imports = Imports::of(file.language, &file.tree);
        let (edits, taken, declared) = (Edits::new(), BTreeSet::new(), BTreeMap::new());
        Draft { file, imports, edits, heat, elsewhere, taken, declared, done: Vec::new(), refused: Vec::new() }
    }

    /// The file's language.
    pub fn language(&self) -> Language {
        self.file.language
    }

    /// The file's tree.
    pub fn tree(&self) -> &'a Tree {
        &self.file.tree
    }

    /// What has effects.
    pub fn purity(&self) -> Purity<'_> {
        Purity::new(self.file.language, &self.imports)
    }

    /// Whether enough of the file was rewritten, or refused.
    pub fn is_full(&self) -> bool {
        self.done.len() >= MOST_DONE || self.refused.len() >= MOST_REFUSED
    }

    /// Whether a function is one that got slower.
    pub fn is_hot(&self, function: Node<'_>) -> bool {
        self.heat.tie(name_of(function), &self.file.path) >= HOT
    }

    /// How probable it is that a node is where the regression is, given that the commit is its cause: 0.9 for the commit's own lines in a
    /// function that got slower, 0.7 for those in a loop, 0.5 for other lines of its own, 0.4 for others in a function that got slower.
    /// Absent for all others.
    pub fn place(&self, node: Node<'_>) -> Option<f64> {
        let is_hot = function(self.language(), node).is_some_and(|function| self.is_hot(function));
        match (self.file.is_added(node), is_hot) {
            (true, true) => Some(0.9),
            (true, false) if !loops(self.language(), node).is_empty() => Some(0.7),
            (true, false) => Some(0.5),
            (false, true) => Some(0.4),
            (false, false) => None,
        }
    }

    /// A name that nobody has, made of words in the style of the language, such as a constant's; absent where none is found, or nobody
    /// can tell. `is_constant` is what Rust and Python write in capitals.
    pub fn fresh(&mut self, words: &[&str], is_constant: bool) -> Result<Option<String>, Error> {
        for number in 1..=TRIES {
            let numbered = number.to_string();
            let words: Vec<&str> = words.iter().copied().chain((number > 1).then_some(numbered.as_str())).collect();
            let name = styled(self.language(), &words, is_constant);
            if self.taken.contains(&name) || occurrences(self.tree().text(), &name).next().is_some() {
                continue;
            }
            match (self.elsewhere)(&name)? {
                Some(false) => {
                    self.taken.insert(name.clone());
                    return Ok(Some(name));
                }
                Some(true) => {}
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Declares something for the whole module that a node is in: in Python and Go below the imports, in Rust above the item. Whether
    /// there is a place for it.
    pub fn declare(&mut self, near: Node<'_>, text: String) -> bool {
        let Some(at) = place_for(self.language(), self.tree(), near) else { return false };
        // Python runs from top to bottom.
        if self.language() == Language::Python && !self.imports.are_given(&text, at) {
            return false;
        }
        self.declared.entry(at).or_default().push(text);
        true
    }

    /// Notes a place that was rewritten.
    pub fn done(&mut self, node: Node<'_>, what: String, sure: f64, place: f64) {
        self.done.push(Done { path: self.file.path.clone(), line: node.first_line(), what, sure, place });
    }

    /// Notes why a place is left as it is, in half a sentence that goes after `line 3 of a.py: `.
    pub fn refuse(&mut self, node: Node<'_>, why: impl std::fmt::Display) {
        self.refused.push(format!("line {} of {}: {why}", node.first_line(), self.file.path));
    }

    /// All changes, what was done, and what was refused. No changes where one has no place.
    pub(super) fn finish(mut self) -> (Edits, Vec<Done>, Vec<String>) {
        let mut edits = Edits::new();
        if !self.imports.add_to(&mut edits) {
            self.refused.push(format!("{}: there is no place for its imports", self.file.path));
            return (Edits::new(), Vec::new(), self.refused);
        }
        for (at, texts) in &self.declared {
            edits.insert(*at, declarations(self.language(), self.tree(), *at, texts));
        }
        edits.append(self.edits);
        (edits, self.done, self.refused)
    }
}

/// A name of words in the style of a language.
fn styled(language: Language, words: &[&str], is_constant: bool) -> String {
    let words: Vec<String> = words.iter().flat_map(|word| parts(word)).collect();
    match language {
        Language::Go => {
            let capital = |word: &String| word[..1].to_uppercase() + &word[1..];
            words.first().cloned().unwrap_or_default() + &words.iter().skip(1).map(capital).collect::<String>()
        }
        Language::Python if is_constant => format!("_{}", words.join("_").to_uppercase()),
        Language::Rust if is_constant => words.join("_").to_uppercase(),
        Language::Python | Language::Rust => words.join("_"),
    }
}

/// The words of a name, of letters that any language takes.
fn parts(name: &str) -> Vec<String> {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let mut parts: Vec<String> = Vec::new();
    let mut after_small = false;
    for letter in plain.chars() {
        match parts.last_mut() {
            Some(part) if letter != '_' && !(letter.is_ascii_uppercase() && after_small) => {
                part.push(letter.to_ascii_lowercase());
            }
            _ if letter == '_' => parts.push(String::new()),
            _ => parts.push(letter.to_ascii_lowercase().to_string()),
        }
        after_small = letter.is_ascii_lowercase();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Where a declaration of the module stands.
fn place_for(language: Language, tree: &Tree, near: Node<'_>) -> Option<usize> {
    match language {
        Language::Rust => Some(start_of_item(outermost(language, near))),
        Language::Python => head(tree).map(|last| tree.line_range(last.last_line()).end),
        Language::Go => {
            let is_head = |node: &Node<'_>| matches!(node.kind(), "import_declaration" | "package_clause");
            let last = tree.root().children().filter(is_head).last()?;
            Some(tree.line_range(last.last_line()).end)
        }
    }
}

/// Declarations as lines at a place.
fn declarations(language: Language, tree: &Tree, at: usize, texts: &[String]) -> String {
    let end = newline(tree);
    let own = |indent: &str| -> String {
        texts.iter().map(|text| text.lines().map(|line| format!("{indent}{line}{end}")).collect::<String>()).collect()
    };
    match language {
        Language::Rust => {
            let item = tree.root().descendants().find(|node| node.start() >= at && node.parent().is_some());
            own(item.map_or("", indentation)) + end
        }
        Language::Go => format!("{end}{}", own("")),
        Language::Python => {
            let before = head(tree).map_or("", Node::kind);
            let gap = if before == "expression_statement" { "" } else { end };
            // A file may end without a line end.
            let open = if tree.text()[..at].ends_with('\n') { "" } else { end };
            format!("{open}{gap}{}", own(""))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_style_of_the_language() {
        for (language, is_constant, expected) in [
            (Language::Rust, true, "PRICE_ALL_PATTERN"),
            (Language::Rust, false, "price_all_pattern"),
            (Language::Python, true, "_PRICE_ALL_PATTERN"),
            (Language::Go, true, "priceAllPattern"),
        ] {
            assert_eq!(styled(language, &["priceAll", "pattern"], is_constant), expected);
        }
        assert_eq!(styled(Language::Go, &["_Größe", "x"], true), "grEX");
        assert_eq!(parts("HTTPServer_v2"), ["httpserver", "v2"]);
        assert!(parts("__").is_empty());
    }
}
