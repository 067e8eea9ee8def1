//! Reading TOML with the place of every value: tables whose keys are known, and values of one type.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::place::{ConfigError, Located, Place};
use crate::shape::{Key, names};
use crate::units;

/// The file that is read.
pub struct Document<'a> {
    pub file: &'a Path,
    pub text: &'a str,
}

/// A table whose keys are all known.
pub struct Section<'a> {
    document: &'a Document<'a>,
    table: &'a DeTable<'a>,
    start: usize,
    name: String,
}

/// A value and its key.
pub struct Field<'a> {
    document: &'a Document<'a>,
    value: &'a Spanned<DeValue<'a>>,
    name: String,
    place: OnceCell<Place>,
}

impl<'a> Section<'a> {
    /// The whole document; its keys must be among `known`.
    pub fn root(document: &'a Document<'a>, table: &'a DeTable<'a>, known: &[Key]) -> Result<Section<'a>, ConfigError> {
        let section = Section { document, table, start: 0, name: String::new() };
        section.refuse_unknown(&names(known))?;
        Ok(section)
    }

    /// Where the table begins.
    pub fn place(&self) -> Place {
        Place::of(self.document.file, self.document.text, self.start, self.name.clone())
    }

    /// The value of a key.
    pub fn field(&self, key: &str) -> Option<Field<'a>> {
        self.table.get(key).map(|value| self.of(key, value))
    }

    /// The value of a key that must be there; `example` is a line that would be right.
    pub fn required(&self, key: &str, example: &str) -> Result<Field<'a>, ConfigError> {
        self.field(key)
            .ok_or_else(|| ConfigError::new(&self.place(), format!("`{key}` is missing"), format!("add {example}")))
    }

    /// All keys with their values.
    pub fn fields(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        self.table.iter().map(|(key, value)| (key.get_ref().as_ref(), self.of(key.get_ref(), value)))
    }

    fn of(&self, key: &str, value: &'a Spanned<DeValue<'a>>) -> Field<'a> {
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        Field { document: self.document, value, name, place: OnceCell::new() }
    }

    fn refuse_unknown(&self, known: &[&str]) -> Result<(), ConfigError> {
        let Some((key, value)) = self.table.iter().find(|(key, _)| !known.contains(&key.get_ref().as_ref())) else {
            return Ok(());
        };
        let name = self.of(key.get_ref(), value).name;
        let place = Place::of(self.document.file, self.document.text, key.span().start, name);
        Err(ConfigError::new(
            &place,
            format!("there is no key `{}` here", key.get_ref()),
            suggestion(key.get_ref(), known),
        ))
    }
}

impl<'a> Field<'a> {
    /// Where the value is written.
    pub fn place(&self) -> &Place {
        self.place.get_or_init(|| {
            Place::of(self.document.file, self.document.text, self.value.span().start, self.name.clone())
        })
    }

    /// An error about the value.
    pub fn error(&self, message: impl Into<String>, help: impl Into<String>) -> ConfigError {
        ConfigError::new(self.place(), message, help)
    }

    fn wrong_type(&self, expected: &str, example: &str) -> ConfigError {
        self.error(format!("is {}; it must be {expected}", self.value.get_ref().type_str()), format!("write {example}"))
    }

    /// A table with these keys.
    pub fn section(&self, known: &[Key]) -> Result<Section<'a>, ConfigError> {
        let section = self.open_section()?;
        section.refuse_unknown(&names(known))?;
        Ok(section)
    }

    /// A table with any keys.
    pub fn open_section(&self) -> Result<Section<'a>, ConfigError> {
        let table = self
            .value
            .get_ref()
            .as_table()
            .ok_or_else(|| self.wrong_type("a table", &format!("a section: [{}]", self.name)))?;
        Ok(Section { document: self.document, table, start: self.value.span().start, name: self.name.clone() })
    }

    /// A list of values.
    pub fn list(&self, example: &str) -> Result<Vec<Field<'a>>, ConfigError> {
        let list = self.value.get_ref().as_array().ok_or_else(|| self.wrong_type("a list", example))?;
        let item = |value| Field { document: self.document, value, name: self.name.clone(), place: OnceCell::new() };
        Ok(list.iter().map(item).collect())
    }

    /// Text that is not empty.
    pub fn text(&self, example: &str) -> Result<&'a str, ConfigError> {
        let text = self.value.get_ref().as_str().ok_or_else(|| self.wrong_type("a string", example))?;
        if text.is_empty() {
            return Err(self.error("is empty", format!("write {example}")));
        }
        Ok(text)
    }

    /// Text with its place.
    pub fn located_text(&self, example: &str) -> Result<Located<String>, ConfigError> {
        Ok(Located { value: self.text(example)?.to_owned(), place: self.place().clone() })
    }

    /// A list of texts.
    pub fn texts(&self, example: &str) -> Result<Vec<String>, ConfigError> {
        self.list(example)?.iter().map(|item| item.text(example).map(str::to_owned)).collect()
    }

    /// A program and its arguments: a list of texts, of which there is one at least.
    pub fn command(&self, example: &str) -> Result<Vec<String>, ConfigError> {
        let command = self.texts(example)?;
        if command.is_empty() {
            return Err(self.error("names no program", format!("write {example}")));
        }
        Ok(command)
    }

    /// One of a few words.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, ConfigError> {
        let all = words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ");
        let text = self.text(&all)?;
        let known = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        known.ok_or_else(|| self.error(format!("{text:?} is not known here"), format!("write {all}")))
    }

    /// A path, relative to the file's folder.
    pub fn path(&self, example: &str) -> Result<Located<PathBuf>, ConfigError> {
        Ok(Located { value: self.in_folder(self.text(example)?), place: self.place().clone() })
    }

    fn in_folder(&self, path: &str) -> PathBuf {
        self.document.file.parent().unwrap_or(Path::new("")).join(path)
    }

    /// A path, relative to the file's folder, as absolute text: for commands, which may run in another folder.
    pub fn beside(&self, path: &str) -> Result<String, ConfigError> {
        let absolute = std::path::absolute(self.in_folder(path))
            .map_err(|error| self.error(format!("has no absolute path: {error}"), "write the whole path"))?;
        let help = "write the whole path, or put this file into a folder whose name is UTF-8";
        absolute.into_os_string().into_string().map_err(|path| self.error(format!("{path:?} is not UTF-8"), help))
    }

    /// True or false.
    pub fn boolean(&self) -> Result<bool, ConfigError> {
        self.value.get_ref().as_bool().ok_or_else(|| self.wrong_type("true or false", "true or false, without quotes"))
    }

    /// A whole number, at least 1.
    pub fn count(&self) -> Result<u32, ConfigError> {
        let count = self.long_count()?;
        u32::try_from(count)
            .map_err(|_| self.error(format!("`{count}` is out of range"), "write a whole number from 1 to 4294967295"))
    }

    /// A whole number, at least 1, that may have more than 32 bits.
    pub fn long_count(&self) -> Result<u64, ConfigError> {
        let help = "a whole number from 1 on, without quotes";
        let number = self.value.get_ref().as_integer().ok_or_else(|| self.wrong_type("a whole number", help))?;
        i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .and_then(|number| u64::try_from(number).ok())
            .filter(|number| *number > 0)
            .ok_or_else(|| self.error(format!("`{number}` is out of range"), format!("write {help}")))
    }

    /// A finite number, not negative.
    pub fn amount(&self) -> Result<f64, ConfigError> {
        let value = self.value.get_ref();
        let number = match (value.as_integer(), value.as_float()) {
            (Some(number), _) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number as f64),
            (_, Some(number)) => number.as_str().parse().ok(),
            _ => return Err(self.wrong_type("a number", "a number, without quotes")),
        };
        number
            .filter(|number: &f64| number.is_finite() && *number >= 0.0)
            .ok_or_else(|| self.error("must be finite and not negative", "write a number such as 64 or 4.5"))
    }

    /// A number from 0 to 1.
    pub fn part(&self) -> Result<f64, ConfigError> {
        let part = self.amount()?;
        if part > 1.0 { Err(self.error("is more than 1", "write a number from 0 to 1")) } else { Ok(part) }
    }

    /// A size in bytes.
    pub fn size(&self) -> Result<u64, ConfigError> {
        let help = "a number and a unit: \"64MiB\", \"512KiB\", \"1GiB\"";
        let text = self.text(help)?;
        units::size(text).ok_or_else(|| self.error(format!("{text:?} is not a size"), format!("write {help}")))
    }

    /// A duration.
    pub fn duration(&self) -> Result<std::time::Duration, ConfigError> {
        let help = "a number and a unit: \"2s\", \"500ms\", \"1min\"";
        let text = self.text(help)?;
        units::duration(text).ok_or_else(|| self.error(format!("{text:?} is not a duration"), format!("write {help}")))
    }
}

/// The known name that an unknown one was probably meant to be, and all of them.
pub fn suggestion(name: &str, known: &[&str]) -> String {
    let all = known.join(", ");
    match known.iter().map(|known| (distance(name, known), known)).min() {
        Some((distance, nearest)) if distance <= name.chars().count().max(3) / 3 => {
            format!("did you mean `{nearest}`? There are: {all}")
        }
        _ => format!("there are: {all}"),
    }
}

/// The least number of letters that are put in, taken out, replaced or swapped with their neighbour: optimal string
/// alignment (Boytsov, Indexing methods for approximate dictionary searching, 2011, section 2.2).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in
            [("", "abc", 3), ("kind", "knid", 1), ("kind", "kin", 1), ("path", "paths", 1), ("a", "b", 1)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (expected, expected), "{a} {b}");
        }
    }

    #[test]
    fn only_near_names_are_suggested() {
        assert!(suggestion("knid", &["path", "kind"]).starts_with("did you mean `kind`?"));
        assert!(suggestion("url", &["path", "kind"]).starts_with("there are"));
    }
}
