//! Whether a change of a setting can be taken back, as the history of its key tells.
//!
//! Whoever can write a row of the history can write any: a row that bears another one's id, or that tells of a value that never was. So
//! nothing is proposed where rows contradict each other.

use negawatt_skill::configs::ConfigChange;
use negawatt_skill::format::shown;
use negawatt_skill::time::rfc3339;
use serde_json::Value;

/// A setting that can be set back.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollback {
    /// The row that is taken back.
    pub change: ConfigChange,
    /// The value before it, as JSON text; `null` where there was none, as the history's files write it.
    pub value: String,
    /// Whether it was changed since, and has the value of the row again.
    pub came_back: bool,
}

/// The longest name or value that is told, in characters.
const LONGEST: usize = 60;

/// Whether and how a row can be taken back: of the rows that bear suspected ids, and those of their keys. The reason, in a clause, where it
/// cannot.
pub fn judge(id: &str, with_id: &[ConfigChange], with_key: &[ConfigChange]) -> Result<Rollback, String> {
    let mut rows: Vec<&ConfigChange> = Vec::new();
    for row in with_id.iter().filter(|row| row.id == id) {
        // The same line twice says nothing new.
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    let [change] = rows[..] else {
        return Err(match rows.len() {
            0 => "the history does not hold it".to_owned(),
            count => {
                format!("{count} different rows of the history bear its id, and which one is meant cannot be told")
            }
        });
    };
    if is_same(&change.before, &change.after) {
        return Err("it changed nothing".to_owned());
    }
    let of_key = |row: &&ConfigChange| row.service == change.service && row.key == change.key && *row != change;
    let others: Vec<&ConfigChange> = with_key.iter().filter(of_key).collect();
    if others.iter().any(|row| row.time == change.time) {
        return Err("another change of the same key has the same time, and which was last cannot be told".to_owned());
    }
    let earlier = latest(others.iter().copied().filter(|row| row.time < change.time));
    if let Some(row) = earlier.first().filter(|_| !earlier.iter().any(|row| is_same(&row.after, &change.before))) {
        return Err(format!(
            "it says that it found {}, and the change before it (`{}`) had left {}",
            told(&change.before),
            shown(&row.id, LONGEST),
            told(&row.after)
        ));
    }
    let came_back = match latest(others.iter().copied().filter(|row| row.time > change.time))[..] {
        [] => false,
        [row] if is_same(&row.after, &change.after) => true,
        [row] if is_same(&row.after, &change.before) => {
            return Err(format!("it was set back at {} already (`{}`)", rfc3339(row.time), shown(&row.id, LONGEST)));
        }
        [row] => {
            return Err(format!(
                "it was changed again at {} (`{}`): the value is {} now",
                rfc3339(row.time),
                shown(&row.id, LONGEST),
                told(&row.after)
            ));
        }
        [row, ..] => {
            return Err(format!(
                "it was changed more than once at {}, and which was last cannot be told",
                rfc3339(row.time)
            ));
        }
    };
    Ok(Rollback { change: change.clone(), value: value(change.before.as_deref())?, came_back })
}

/// The rows of the latest time.
fn latest<'a>(rows: impl Iterator<Item = &'a ConfigChange> + Clone) -> Vec<&'a ConfigChange> {
    let time = rows.clone().map(|row| row.time).max();
    let mut latest: Vec<&ConfigChange> = Vec::new();
    for row in rows.filter(|row| Some(row.time) == time) {
        if !latest.contains(&row) {
            latest.push(row);
        }
    }
    latest
}

/// A value that can be set, as JSON text.
fn value(text: Option<&str>) -> Result<String, String> {
    let Some(text) = text else { return Ok("null".to_owned()) };
    match serde_json::from_str(text) {
        Ok(Value::String(text)) if is_cut(&text) => {
            Err("its value before is so long that the history gives only its beginning".to_owned())
        }
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("its value before is not JSON".to_owned()),
    }
}

/// Whether a text stands for a long value: `beginning… (23000 bytes, blake3:…)`.
fn is_cut(text: &str) -> bool {
    text.rsplit_once("… (").is_some_and(|(_, rest)| rest.contains(" bytes, ") && rest.ends_with(')'))
}

/// Whether two values are the same: as JSON where they are, else as text. None is as good as `null`.
fn is_same(one: &Option<String>, other: &Option<String>) -> bool {
    let read = |value: &Option<String>| value.as_deref().map_or(Ok(Value::Null), serde_json::from_str);
    match (read(one), read(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// A value for people.
pub fn told(value: &Option<String>) -> String {
    value.as_ref().map_or_else(|| "nothing".to_owned(), |value| format!("`{}`", shown(value, LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, time: i64, before: Option<&str>, after: Option<&str>) -> ConfigChange {
        let (service, key) = ("shop".into(), "cache.ttl".into());
        let text = |text: Option<&str>| text.map(str::to_owned);
        ConfigChange { id: id.into(), time, service, key, before: text(before), after: text(after), author: None }
    }

    /// The value to set, or why there is none; of the row `x`.
    fn of(rows: &[ConfigChange]) -> Result<String, String> {
        judge("x", rows, rows).map(|rollback| rollback.value)
    }

    fn refused(rows: &[ConfigChange], says: &str) {
        let why = of(rows).unwrap_err();
        assert!(why.contains(says), "{why}");
    }

    #[test]
    fn the_value_before_is_proposed_as_it_was_written() {
        let long = row("x", 5, Some("{\"b\": 1.50}"), Some("2"));
        assert_eq!(of(std::slice::from_ref(&long)), Ok("{\"b\": 1.50}".into()));
        assert_eq!(of(&[long.clone(), long]), Ok("{\"b\": 1.50}".into()), "the same line twice");
        assert_eq!(of(&[row("x", 5, None, Some("true"))]), Ok("null".into()));
        assert_eq!(of(&[row("x", 5, Some("3"), None)]), Ok("3".into()));
        let other = ConfigChange { service: "users".into(), ..row("y", 9, Some("2"), Some("7")) };
        assert_eq!(of(&[row("x", 5, Some("1"), Some("2")), other]), Ok("1".into()), "another service's");
    }

    #[test]
    fn rows_with_one_id_are_none() {
        let forged = ConfigChange { author: Some("Eve".into()), ..row("x", 5, Some("1"), Some("2")) };
        refused(&[row("x", 5, Some("1"), Some("2")), forged], "2 different rows");
        refused(&[], "does not hold it");
    }

    #[test]
    fn what_was_changed_since_is_left_alone() {
        let change = || row("x", 5, Some("1"), Some("2"));
        refused(
            &[change(), row("y", 9, Some("2"), Some("3"))],
            "changed again at 1970-01-01T00:00:00.000009Z (`y`): the value is `3`",
        );
        refused(&[change(), row("y", 9, Some("2"), Some("1.0"))], "changed again");
        refused(&[change(), row("y", 9, Some("2"), Some(" 1"))], "set back at");
        refused(&[change(), row("y", 9, Some("2"), Some("3")), row("z", 9, Some("3"), Some("1"))], "more than once");
        let back = [change(), row("y", 7, Some("2"), Some("3")), row("z", 9, Some("3"), Some("2"))];
        assert!(judge("x", &back, &back).unwrap().came_back);
        refused(&[change(), row("y", 5, Some("2"), Some("3"))], "the same time");
    }

    #[test]
    fn what_contradicts_itself_or_cannot_be_set_is_left_alone() {
        let change = |before: &str| row("x", 5, Some(before), Some("2"));
        refused(
            &[row("w", 1, Some("1"), Some("4")), change("3")],
            "found `3`, and the change before it (`w`) had left `4`",
        );
        assert_eq!(of(&[row("w", 1, Some("1"), Some("3")), change("3")]), Ok("3".into()));
        assert_eq!(of(&[row("w", 1, Some("1"), Some("null")), row("x", 5, None, Some("2"))]), Ok("null".into()));
        refused(&[change("2")], "changed nothing");
        refused(&[change("{")], "is not JSON");
        refused(&[change("\"begins… (30000 bytes, blake3:00)\"")], "only its beginning");
        refused(&[row("x", 5, Some("[".repeat(5_000).as_str()), Some("2"))], "is not JSON");
    }
}
