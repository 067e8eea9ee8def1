//! Times: seconds since the Unix epoch, and RFC 3339 text.

/// Seconds since the Unix epoch, UTC.
pub type Seconds = i64;

/// One minute, in seconds.
pub(crate) const MINUTE: Seconds = 60;
/// One hour, in seconds.
pub(crate) const HOUR: Seconds = 3600;
/// One day, in seconds.
pub(crate) const DAY: Seconds = 86_400;

/// Year, month and day of a day since the epoch (Hinnant's algorithm).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

/// The local time at an offset from UTC, without its suffix.
fn local(time: Seconds, offset: Seconds) -> String {
    let shifted = time + offset;
    let (year, month, day) = civil(shifted.div_euclid(DAY));
    let second = shifted.rem_euclid(DAY);
    let (h, m, s) = (second / HOUR, second % HOUR / MINUTE, second % MINUTE);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}")
}

/// RFC 3339 in UTC, as `2026-11-18T00:00:00Z`.
pub fn rfc3339(time: Seconds) -> String {
    format!("{}Z", local(time, 0))
}

/// RFC 3339 with a numeric offset of whole minutes.
pub(crate) fn rfc3339_at(time: Seconds, offset_minutes: i64) -> String {
    let sign = if offset_minutes < 0 { '-' } else { '+' };
    let minutes = offset_minutes.abs();
    format!("{}{sign}{:02}:{:02}", local(time, offset_minutes * MINUTE), minutes / 60, minutes % 60)
}

/// The name of a profile file that starts at `time`, without its ending.
pub(crate) fn file_stamp(time: Seconds) -> String {
    rfc3339(time).replace(':', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59Z");
        assert_eq!(rfc3339_at(0, 120), "1970-01-01T02:00:00+02:00");
        assert_eq!(rfc3339_at(0, -90), "1969-12-31T22:30:00-01:30");
    }
}
