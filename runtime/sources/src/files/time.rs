//! Times in operators' files.

use negawatt_host::model::Timestamp;
use negawatt_host::time;

/// Reads RFC 3339, or Unix seconds as a whole or decimal number, perhaps negative. What is finer than a microsecond is cut
/// off, towards the past. `Err` says what is wrong.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    let refused = || format!("{text:?} is not a time; write RFC 3339 (2026-11-18T00:00:00Z) or Unix seconds");
    let looks_like_number = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.'));
    if !looks_like_number || text.is_empty() {
        return time::parse_rfc3339(text).ok_or_else(refused);
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !(whole.bytes().chain(part.bytes())).all(|b| b.is_ascii_digit()) {
        return Err(refused());
    }
    let micros: i64 = part.bytes().chain(*b"000000").take(6).fold(0, |sum, digit| 10 * sum + i64::from(digit - b'0'));
    let cut_off = part.bytes().skip(6).any(|digit| digit != b'0');
    let value = whole.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1_000_000)?.checked_add(micros));
    let value = value.map(|value| if negative { -value - i64::from(cut_off) } else { value });
    value.filter(|value| time::is_writable(*value)).ok_or_else(|| {
        format!("{text:?} is no time of the years up to 9999; Unix times are in seconds, not milliseconds")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, micros) in [
            ("2026-11-19T07:10:00Z", 1_795_072_200_000_000),
            ("1795072200", 1_795_072_200_000_000),
            ("1795072200.5", 1_795_072_200_500_000),
            ("-1.25", -1_250_000),
            ("0.0000019", 1),
            ("-0.0000019", -2),
            ("-0.0000010", -1),
            ("+3.", 3_000_000),
        ] {
            assert_eq!(parse(text), Ok(micros), "{text}");
        }
        for text in ["", "-", ".", "--1", "1.2.3", "1795072200000", "99999999999999999999", "2026-11-19", "1e9", "1-2"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
