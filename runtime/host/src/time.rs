//! Times as people write them: RFC 3339, UTC with `Z`.

use jiff::Timestamp as Instant;

use crate::model::Timestamp;

/// Microseconds since the Unix epoch as RFC 3339, in seconds or as many digits as it needs. An instant outside of the years
/// −9999 to 9999 is written as its number.
pub fn rfc3339(micros: Timestamp) -> String {
    Instant::from_microsecond(micros).map_or_else(|_| format!("{micros} µs"), |instant| instant.to_string())
}

/// Reads RFC 3339; what is finer than a microsecond is cut off.
pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    text.parse::<Instant>().ok().map(Instant::as_microsecond)
}

/// Whether an instant can be written as RFC 3339.
pub fn is_writable(micros: Timestamp) -> bool {
    Instant::from_microsecond(micros).is_ok()
}

/// Now.
pub fn now() -> Timestamp {
    Instant::now().as_microsecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_round_trip() {
        for (text, micros) in [
            ("2026-11-19T07:10:00Z", 1_795_072_200_000_000),
            ("1969-12-31T23:59:59.5Z", -500_000),
            ("1970-01-01T00:00:00.000001Z", 1),
        ] {
            assert_eq!(parse_rfc3339(text), Some(micros), "{text}");
            assert_eq!(rfc3339(micros), text);
        }
        assert_eq!(parse_rfc3339("2026-11-19T08:10:00+01:00"), Some(1_795_072_200_000_000));
        assert_eq!(parse_rfc3339("2026-11-19"), None);
        assert!(!is_writable(i64::MAX) && rfc3339(i64::MAX).ends_with("µs"));
    }
}
