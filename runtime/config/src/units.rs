//! Sizes and durations as people write them.

use std::time::Duration;

const SIZES: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

const DURATIONS: [(&str, u64); 7] = [
    ("µs", 1_000),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Reads a size such as `64MiB` or `1.5 GB`; bytes, at least one.
pub fn size(text: &str) -> Option<u64> {
    number(text, &SIZES)
}

/// Reads a duration such as `2s` or `500ms`; at least a nanosecond.
pub fn duration(text: &str) -> Option<Duration> {
    number(text, &DURATIONS).map(Duration::from_nanos)
}

/// Writes a size as [`size`] reads it.
pub fn write_size(bytes: u64) -> String {
    write(bytes, &[SIZES[2], SIZES[1], SIZES[0], SIZES[6]])
}

/// Writes a duration as [`duration`] reads it, in whole microseconds.
pub fn write_duration(duration: Duration) -> String {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let [_, micro, milli, second, minute, hour, _] = DURATIONS;
    write(nanos, &[hour, minute, second, milli, micro])
}

/// In the first unit of which it is a whole number; else in the last one.
fn write(value: u64, units: &[(&str, u64)]) -> String {
    let fits = units.iter().find(|(_, factor)| value >= *factor && value.is_multiple_of(*factor));
    let (unit, factor) = fits.or(units.last()).copied().unwrap_or(("", 1));
    format!("{}{unit}", value / factor)
}

/// A decimal number and a unit, in exact arithmetic: digits after the point that make no whole are refused.
fn number(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (digits, unit) = (&text[..end], text[end..].trim_start());
    let factor = units.iter().find(|(name, _)| *name == unit)?.1;
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    if whole.is_empty() || part.is_empty() || part.contains('.') || part.len() > 9 {
        return None;
    }
    let scale = 10_u64.pow(part.len() as u32);
    let part = u128::from(part.parse::<u64>().ok()?) * u128::from(factor);
    if part % u128::from(scale) != 0 {
        return None;
    }
    let part = u64::try_from(part / u128::from(scale)).ok()?;
    whole.parse::<u64>().ok()?.checked_mul(factor)?.checked_add(part).filter(|value| *value > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [("64MiB", 64 << 20), ("1.5 GB", 1_500_000_000), ("1B", 1), ("512 KiB", 512 << 10)] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in ["", "64", "MiB", "0B", "-1MiB", "64mib", "1.MiB", ".5MiB", "1.5B", "1..5MiB", "99999999999GiB"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, micros) in [
            ("2s", 2_000_000),
            ("500ms", 500_000),
            ("1.5min", 90_000_000),
            ("3µs", 3),
            ("1h", 3_600_000_000),
            ("90d", 7_776_000_000_000),
        ] {
            assert_eq!(duration(text), Some(Duration::from_micros(micros)), "{text}");
        }
        for text in ["", "2", "0s", "2 seconds", "1e3s", "9999999999999h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(value in 1..u64::MAX / 1_000) {
            proptest::prop_assert_eq!(size(&write_size(value)), Some(value));
            let time = Duration::from_micros(value);
            proptest::prop_assert_eq!(duration(&write_duration(time)), Some(time));
        }

        #[test]
        fn nothing_panics(text in "[0-9.]{0,24}[a-zA-Zµ ]{0,4}") {
            let _ = (size(&text), duration(&text));
        }
    }
}
