//! Where a case is read by people.

use crate::place::ConfigError;
use crate::reader::Field;
use crate::url;

/// What stands for the case's id.
const CASE: &str = "{case}";

/// The schema's counterpart of [`read`].
pub(crate) const PATTERN: &str = r"^https?://[A-Za-z0-9._~:-]+/[A-Za-z0-9._~:/%+,;=-]*\{case\}[A-Za-z0-9._~:/%+,;=-]*$";

const EXAMPLE: &str = "link = \"https://negawatt.example/cases/{case}\"";

/// The longest address, in bytes: with the id of a case in it, it is still short enough for a link in a pull request.
const LONGEST: usize = 400;

/// The address of each case: `http` or `https`, a host, and a path that has the case's id in it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseLink(String);

impl CaseLink {
    /// The address of a case by its id.
    pub fn of(&self, case: &str) -> String {
        self.0.replace(CASE, case)
    }
}

/// Reads an address with `{case}` in its path. Nothing stands in it that would end a link where it is written.
pub fn read(field: &Field<'_>) -> Result<CaseLink, ConfigError> {
    let text = field.text(EXAMPLE)?;
    let wrong = |message: &str| Err(field.error(message, format!("write {EXAMPLE}")));
    // Whoever reads a pull request reads it too: credentials are found first, and never repeated.
    url::read(field, EXAMPLE, "let readers log in with their own")?;
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    match path.matches(CASE).count() {
        _ if host.contains(['{', '}']) => return wrong("has a brace in its host; {case} stands in the path"),
        0 => return wrong("has no {case} in its path: every case would have the same address"),
        1 => {}
        _ => return wrong("has {case} more than once"),
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/%+,;=".contains(c);
    match rest.replacen(CASE, "", 1).chars().find(|c| !is_plain(*c)) {
        Some(_) => wrong("has a character that would end a link; write letters, digits and -._~:/%+,;= alone"),
        None if text.len() > LONGEST => wrong("is longer than 400 characters"),
        None => Ok(CaseLink(text.to_owned())),
    }
}
