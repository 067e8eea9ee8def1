//! Words of PromQL.

use crate::expression::Unsayable;

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    /// A name, also of a function.
    Name(String),
    /// A text in quotes, without them.
    Text(String),
    Number(f64),
    /// A length of time, in microseconds.
    Time(u64),
    Sign(&'static str),
}

/// Longer ones first.
const SIGNS: [&str; 20] =
    ["==", "!=", ">=", "<=", "=~", "!~", ">", "<", "=", "(", ")", "{", "}", "[", "]", ",", "+", "-", "*", "/"];

/// Splits a text.
pub fn words(text: &str) -> Result<Vec<Word>, Unsayable> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, left) = if is_start(first) {
            let (name, left) = rest.split_at(rest.find(|c| !is_start(c) && !c.is_ascii_digit()).unwrap_or(rest.len()));
            (Word::Name(name.to_owned()), left)
        } else if matches!(first, '"' | '\'' | '`') {
            quoted(rest, first)?
        } else if first.is_ascii_digit() || first == '.' {
            number(rest)?
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            (Word::Sign(sign), &rest[sign.len()..])
        } else {
            return Err(Unsayable(format!("it has {first:?}")));
        };
        words.push(word);
        rest = left.trim_start();
    }
    Ok(words)
}

fn is_start(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '_' | ':')
}

/// A text in quotes, with the escapes of Go; between back quotes there are none.
fn quoted(text: &str, quote: char) -> Result<(Word, &str), Unsayable> {
    let wrong = || Unsayable("it has a text in quotes that does not end, or an escape that is not known".to_owned());
    let body = &text[1..];
    let mut read = String::new();
    let mut chars = body.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((Word::Text(read), &body[at + 1..])),
            '\n' if quote != '`' => return Err(wrong()),
            '\\' if quote != '`' => {
                let (_, escape) = chars.next().ok_or_else(wrong)?;
                let mut code = |digits: usize| {
                    let digits: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
                    let is_hex = digits.chars().all(|digit| digit.is_ascii_hexdigit());
                    let code = u32::from_str_radix(&digits, 16).ok().filter(|_| is_hex);
                    code.and_then(char::from_u32).ok_or_else(wrong)
                };
                read.push(match escape {
                    '\\' | '"' | '\'' => escape,
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'u' => code(4)?,
                    'U' => code(8)?,
                    _ => return Err(wrong()),
                });
            }
            c => read.push(c),
        }
    }
    Err(wrong())
}

/// A number, or a length of time as `1h30m`.
fn number(text: &str) -> Result<(Word, &str), Unsayable> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if text[digits..].starts_with(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')) {
        let (time, rest) = text.split_at(text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len()));
        return Ok((
            Word::Time(length(time).ok_or_else(|| Unsayable(format!("{time:?} is no length of time")))?),
            rest,
        ));
    }
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let signed = matches!(c, '+' | '-') && text[..at].ends_with(['e', 'E']);
        if !(c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E') || signed) {
            break;
        }
        end = at + 1;
    }
    let number = text[..end].parse().map_err(|_| Unsayable(format!("{:?} is no number", &text[..end])))?;
    Ok((Word::Number(number), &text[end..]))
}

/// Several lengths, each with another unit and a smaller one than before.
fn length(text: &str) -> Option<u64> {
    let (mut all, mut last, mut rest) = (0_u64, u64::MAX, text);
    while !rest.is_empty() {
        let unit = rest.find(|c: char| !c.is_ascii_digit())?;
        let end = rest[unit..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| unit + at);
        let of = match &rest[unit..end] {
            // PromQL has no shorter unit, and years of 365 days.
            "us" => return None,
            "y" => rest[..unit].parse::<u64>().ok()?.checked_mul(365 * 86_400_000_000)?,
            _ => negawatt_host::json::duration(&rest[..end])?,
        };
        let one = of.checked_div(rest[..unit].parse().ok()?)?;
        if one >= last {
            return None;
        }
        (all, last, rest) = (all.checked_add(of)?, one, &rest[end..]);
    }
    (all > 0).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        let minute = 60_000_000;
        for (text, is) in [
            ("5m", 5 * minute),
            ("1h30m", 90 * minute),
            ("90s", 90_000_000),
            ("1m500ms", 60_500_000),
            ("1y", 365 * 24 * 60 * minute),
        ] {
            assert_eq!(length(text), Some(is), "{text}");
        }
        for text in ["", "0m", "5", "m", "30m1h", "5m5m", "1us", "5x", "99999999999999999y"] {
            assert_eq!(length(text), None, "{text}");
        }
    }

    #[test]
    fn texts_and_numbers() {
        let one = |text| words(text).map(|words| words.into_iter().next());
        for (text, is) in
            [(r#""a\n\"\\é""#, "a\n\"\\é"), ("'it\\'s'", "it's"), ("`a\\n`", "a\\n"), (r#""\u00fc\U0001F600""#, "ü😀")]
        {
            assert_eq!(one(text), Ok(Some(Word::Text(is.to_owned()))), "{text}");
        }
        for (text, is) in [("5", 5.0), ("0.25", 0.25), (".5", 0.5), ("1e3", 1e3), ("1.5E-3", 1.5e-3)] {
            assert_eq!(one(text), Ok(Some(Word::Number(is))), "{text}");
        }
        for text in ["\"", "\"a", r#""\q""#, r#""\ud800""#, r#""\u+123""#, "1.2.3", "1e", "5x", "a @ 5", "a # b", "é"]
        {
            assert!(one(text).is_err() || words(text).is_err(), "{text}");
        }
    }
}
