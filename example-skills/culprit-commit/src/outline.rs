//! Where the functions of a file begin and end: what the tool `code` says, in the words of this skill.

use negawatt_skill::code::{DefinitionKind, FileOutline};

use crate::definition::{Definition, Kind};

/// The definitions of a file in order of their first lines.
#[derive(Debug, Default)]
pub struct Outline {
    definitions: Vec<Definition>,
    /// First and last lines, from 0, that hold comments and nothing else.
    comments: Vec<(usize, usize)>,
}

impl From<&FileOutline> for Outline {
    fn from(outline: &FileOutline) -> Outline {
        // Lines are counted from 1; none is a mistake of the source, and as good as the first.
        let line = |number: u32| (number as usize).saturating_sub(1);
        let definitions = outline.definitions.iter().map(|definition| Definition {
            name: definition.name.clone(),
            kind: match definition.kind {
                DefinitionKind::Function => Kind::Function,
                DefinitionKind::Type => Kind::Type,
                DefinitionKind::Constant => Kind::Constant,
            },
            containers: definition.containers.clone(),
            first: line(definition.first_line),
            last: line(definition.last_line),
            test: definition.is_test,
            mentions: definition.mentions.clone(),
        });
        let comments = outline.comments.iter().map(|lines| (line(lines.first), line(lines.last)));
        Outline { definitions: definitions.collect(), comments: comments.collect() }
    }
}

impl Outline {
    /// The innermost definition around a line (from 0): a function before a constant before a type.
    pub fn around(&self, line: usize) -> Option<&Definition> {
        let inside = || self.definitions.iter().rev().filter(|d| d.first <= line && line <= d.last);
        let of = |kind: Kind| inside().find(move |definition| definition.kind == kind);
        of(Kind::Function).or_else(|| of(Kind::Constant)).or_else(|| of(Kind::Type))
    }

    /// Functions that mention a name.
    pub fn users<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Definition> {
        self.definitions.iter().filter(move |definition| {
            definition.kind == Kind::Function && definition.mentions.iter().any(|mentioned| mentioned == name)
        })
    }

    /// Whether a line (from 0) lies in a comment that has lines of its own.
    pub fn is_comment(&self, line: usize) -> bool {
        let after = self.comments.partition_point(|(first, _)| *first <= line);
        after > 0 && line <= self.comments[after - 1].1
    }

    /// All definitions.
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }
}
