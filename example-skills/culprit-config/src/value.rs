//! How much a setting changed.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use serde_json::Value as Json;

use crate::candidate::shown;
use crate::subject::Direction;

/// What is kept of a value, however long it is: enough to tell it from others, and to show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    hash: u64,
    length: usize,
    /// How it begins, fit to be shown.
    beginning: Rc<str>,
    /// A number, 0 or above, in the base of its unit.
    pub amount: Option<f64>,
}

impl Value {
    /// Of JSON text.
    pub fn of(text: &str) -> Value {
        /// No number with its unit is longer.
        const LONGEST_NUMBER: usize = 100;
        let text = text.trim();
        let mut hash = DefaultHasher::new();
        text.hash(&mut hash);
        let amount = || {
            let (number, unit) = quantity(&serde_json::from_str(text).ok()?)?;
            Some(number * scale(&unit)?).filter(|amount| *amount >= 0.0 && amount.is_finite())
        };
        Value {
            hash: hash.finish(),
            length: text.len(),
            beginning: shown(text).into(),
            amount: if text.len() <= LONGEST_NUMBER { amount() } else { None },
        }
    }
}

/// What became of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// It is the same.
    Nothing,
    /// A number became so many times as large; both above 0.
    Times(f64),
    /// It was switched on, from off or 0 or nothing.
    On,
    /// It was switched off.
    Off,
    /// A log says more, by so many levels; less when negative.
    Verbosity(i32),
    /// Another text, or another shape.
    Other,
}

/// Values longer than this are not read; bytes.
const LONGEST: usize = 20_000;
/// Values looked at inside of a structure.
const MOST: usize = 200;

/// What became of a value, given before and after as JSON text; absent where there was none.
pub fn step(before: Option<&str>, after: Option<&str>) -> Step {
    if before.map(str::trim) == after.map(str::trim) {
        return Step::Nothing;
    }
    let read = |text: Option<&str>| match text {
        None => Some(Json::Null),
        Some(text) if text.len() > LONGEST => None,
        Some(text) => serde_json::from_str(text).ok(),
    };
    let (Some(before), Some(after)) = (read(before), read(after)) else { return Step::Other };
    let mut left = MOST;
    between(&before, &after, &mut left)
}

/// The greatest step inside of two values.
fn between(before: &Json, after: &Json, left: &mut usize) -> Step {
    if before == after || *left == 0 {
        return Step::Nothing;
    }
    *left -= 1;
    match (before, after) {
        (Json::Object(one), Json::Object(other)) => {
            let keys = one.keys().chain(other.keys().filter(|key| !one.contains_key(*key)));
            let part = |key: &String| (one.get(key).unwrap_or(&Json::Null), other.get(key).unwrap_or(&Json::Null));
            keys.map(part).map(|(one, other)| between(one, other, left)).fold(Step::Nothing, greater)
        }
        (Json::Array(one), Json::Array(other)) => {
            let parts =
                one.iter().zip(other).map(|(one, other)| between(one, other, left)).fold(Step::Nothing, greater);
            let lengths =
                if one.len() == other.len() { Step::Nothing } else { times(one.len() as f64, other.len() as f64) };
            greater(parts, lengths)
        }
        _ => scalar(before, after),
    }
}

fn scalar(before: &Json, after: &Json) -> Step {
    if let (Some(one), Some(other)) = (level(before), level(after)) {
        return Step::Verbosity(other - one);
    }
    if let (Some((one, unit)), Some((other, other_unit))) = (quantity(before), quantity(after)) {
        let same = unit == other_unit;
        return match (scale(&unit), scale(&other_unit)) {
            _ if same => times(one, other),
            (Some(scale), Some(other_scale)) => times(one * scale, other * other_scale),
            _ => Step::Other,
        };
    }
    match (switch(before), switch(after)) {
        (Some(false), Some(true)) => Step::On,
        (Some(true), Some(false)) => Step::Off,
        _ => match (before, after) {
            // What did not exist before.
            (Json::Null, Json::Bool(true) | Json::Number(_)) => Step::On,
            (Json::Bool(true) | Json::Number(_), Json::Null) => Step::Off,
            _ => Step::Other,
        },
    }
}

fn times(before: f64, after: f64) -> Step {
    match (before, after) {
        _ if before == after => Step::Nothing,
        _ if before > 0.0 && after > 0.0 => Step::Times(after / before),
        _ if before == 0.0 => Step::On,
        _ if after == 0.0 => Step::Off,
        _ => Step::Other,
    }
}

fn greater(left: Step, right: Step) -> Step {
    // A text is worth less than a number that doubled.
    let size = |step: Step| match step {
        Step::Nothing => -1.0,
        Step::Times(times) => times.ln().abs(),
        Step::On | Step::Off => 1.0,
        Step::Verbosity(levels) => f64::from(levels.abs()),
        Step::Other => 0.2,
    };
    if size(right) > size(left) { right } else { left }
}

/// How much a log with this level says.
fn level(value: &Json) -> Option<i32> {
    const LEVELS: [&[&str]; 6] = [
        &["fatal", "critical", "panic"],
        &["error"],
        &["warn", "warning"],
        &["info", "notice"],
        &["debug"],
        &["trace", "all"],
    ];
    let text = value.as_str()?.to_ascii_lowercase();
    LEVELS.iter().position(|names| names.contains(&text.as_str())).map(|at| at as i32)
}

fn switch(value: &Json) -> Option<bool> {
    match value {
        Json::Bool(on) => Some(*on),
        Json::String(text) => match text.to_ascii_lowercase().as_str() {
            "on" | "true" | "yes" | "enabled" => Some(true),
            "off" | "false" | "no" | "disabled" | "none" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A number and its unit, as in `30s`, `64 MiB`, `5%`; plain numbers have none.
fn quantity(value: &Json) -> Option<(f64, String)> {
    let (number, unit) = match value {
        Json::Number(number) => (number.as_f64()?, ""),
        Json::String(text) => {
            let text = text.trim();
            let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
            (text.get(..end)?.parse().ok()?, text.get(end..)?.trim())
        }
        _ => return None,
    };
    let plain = unit.chars().count() <= 4 && unit.chars().all(|c| c.is_alphabetic() || c == '%');
    (plain && number.is_finite()).then(|| (number, unit.to_owned()))
}

/// What units of time and size are worth in seconds and bytes. `m` is a minute, or a mebibyte beside another size.
fn scale(unit: &str) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "" | "s" | "sec" | "b" => 1.0,
        "%" => 0.01,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        "k" | "kb" | "kib" | "ki" => 1024.0,
        "mb" | "mib" | "mi" => 1024.0 * 1024.0,
        "g" | "gb" | "gib" | "gi" => 1024.0 * 1024.0 * 1024.0,
        "m" if unit == "M" => 1024.0 * 1024.0,
        "m" => 60.0,
        _ => return None,
    })
}

/// How much likelier such a step is of a setting that causes a change than of any other setting that changes: natural
/// logarithm. `harder` is the direction that makes more work, where the key tells.
pub fn weigh(step: Step, harder: Option<Direction>) -> f64 {
    let towards = |more: bool| match harder {
        Some(Direction::More) if more => 0.3,
        Some(Direction::Less) if !more => 0.3,
        Some(Direction::Either) => 0.1,
        None => 0.0,
        // More of what saves work may still do harm, but seldom.
        Some(_) => -0.7,
    };
    match step {
        Step::Nothing => -4.0,
        Step::Times(times) => {
            let doublings = times.ln().abs() / std::f64::consts::LN_2;
            (0.35 * doublings - 0.6).min(0.8) + towards(times > 1.0)
        }
        Step::On => 0.4,
        Step::Off => 0.2,
        Step::Verbosity(levels) if levels > 0 => 0.8,
        Step::Verbosity(_) => -1.0,
        Step::Other => -0.3,
    }
}

/// A value for people.
pub fn spoken(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".into(), |value| format!("`{}`", value.beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps() {
        for (before, after, expected) in [
            (Some("64"), Some("8"), Step::Times(0.125)),
            (Some("\"30s\""), Some("\"5 min\""), Step::Times(10.0)),
            (Some("\"64MiB\""), Some("\"16MiB\""), Step::Times(0.25)),
            (Some("\"5%\""), Some("0.1"), Step::Times(2.0)),
            (Some("0.5"), Some("0.50"), Step::Nothing),
            (Some("false"), Some("true"), Step::On),
            (Some("\"on\""), Some("\"off\""), Step::Off),
            (None, Some("true"), Step::On),
            (None, Some("12"), Step::On),
            (Some("3"), None, Step::Off),
            (Some("0"), Some("10"), Step::On),
            (Some("\"info\""), Some("\"DEBUG\""), Step::Verbosity(1)),
            (Some("\"a\""), Some("\"b\""), Step::Other),
            (Some("{\"c\":\"x\",\"l\":1}"), Some("{\"l\":16,\"c\":\"y\"}"), Step::Times(16.0)),
            (Some("[1,2]"), Some("[1,2,3,4]"), Step::Times(2.0)),
            (Some("{"), Some("1"), Step::Other),
        ] {
            assert_eq!(step(before, after), expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn of_a_long_value_little_is_kept_and_it_stays_itself() {
        let long = |end: &str| Value::of(&format!("\"{}{end}\"", "x".repeat(1 << 20)));
        assert_eq!(long("a"), long("a"));
        assert_ne!(long("a"), long("b"));
        assert!(long("a").beginning.len() < 100);
        assert_eq!(
            (Value::of("\"5 min\"").amount, Value::of("0").amount, Value::of("[1]").amount),
            (Some(300.0), Some(0.0), None)
        );
    }

    #[test]
    fn large_steps_towards_more_work_speak_most() {
        let pool = Some(Direction::Less);
        let of = |before: &str, after: &str| weigh(step(Some(before), Some(after)), pool);
        assert!(of("64", "8") > of("64", "48") && of("64", "8") > of("8", "64") + 0.9);
        assert!(of("64", "64") < -3.0 && of("64", "63") < -0.1);
        assert!(weigh(Step::Verbosity(1), None) > weigh(Step::Verbosity(-1), None) + 1.0);
    }

    #[test]
    fn no_value_breaks_it() {
        let deep = "[".repeat(LONGEST - 1);
        let wide = format!("[{}1]", "1,".repeat(LONGEST / 2 - 2));
        for text in [deep.as_str(), wide.as_str(), "1e999", "-1", "\"\u{202e}\"", "", "nul"] {
            for other in ["1", "\"1e400x\"", "{}", "0"] {
                let weight = weigh(step(Some(text), Some(other)), Some(Direction::More));
                assert!(weight.is_finite() && weight.abs() < 5.0, "{weight}");
            }
        }
        assert_eq!(spoken(Some(&Value::of(&"x".repeat(1000)))).chars().count(), 63);
    }
}
