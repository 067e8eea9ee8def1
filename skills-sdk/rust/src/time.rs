//! Times as people read them, and the lengths of common stretches in microseconds.

use crate::{Duration, Timestamp, Window};

/// One second.
pub const SECOND: i64 = 1_000_000;
/// One minute.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour.
pub const HOUR: i64 = 60 * MINUTE;
/// One day of 24 hours.
pub const DAY: i64 = 24 * HOUR;
/// One week of seven days.
pub const WEEK: i64 = 7 * DAY;

/// A time in RFC 3339, UTC, with `Z`: `2026-11-19T07:10:00Z`; with a fraction of up to six digits where there is one.
///
/// Years beyond four digits, which RFC 3339 cannot write, are written as they are.
pub fn rfc3339(time: Timestamp) -> String {
    let within = time.rem_euclid(DAY);
    let mut text = format!("{}T{}:{:02}", date(time), clock(time), within / SECOND % 60);
    let micros = within % SECOND;
    if micros != 0 {
        text += format!(".{micros:06}").trim_end_matches('0');
    }
    text + "Z"
}

/// A window as reports write times, to the minute and in UTC: `2026-11-19 07:10 and 09:40 UTC`, with both days where they
/// differ. What is written holds all of the window.
pub fn between(window: Window) -> String {
    let start = window.start.saturating_sub(window.start.rem_euclid(MINUTE));
    let end = window.end.saturating_add((-window.end.rem_euclid(MINUTE)).rem_euclid(MINUTE));
    let day = if start.div_euclid(DAY) == end.div_euclid(DAY) { String::new() } else { format!("{} ", date(end)) };
    format!("{} {} and {day}{} UTC", date(start), clock(start), clock(end))
}

/// Year, month and day: `2026-11-19`.
fn date(time: Timestamp) -> String {
    let (year, month, day) = civil_from_days(time.div_euclid(DAY));
    format!("{year:04}-{month:02}-{day:02}")
}

/// Hour and minute: `07:10`.
fn clock(time: Timestamp) -> String {
    let within = time.rem_euclid(DAY);
    format!("{:02}:{:02}", within / HOUR, within / MINUTE % 60)
}

/// Year, month and day of the proleptic Gregorian calendar from days since 1970-01-01.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", section `civil_from_days`.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // Eras of 400 years that begin on the first of March of the year 0.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A length of time in its largest unit that fits: `90 s`, `12 min`, `5.5 h`, `3 d`; to a tenth below ten, whole from there on.
pub fn length(duration: Duration) -> String {
    let micros = duration as f64;
    let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"), (1_000, "ms")];
    let (unit, name) = units.into_iter().find(|(unit, _)| micros >= 2.0 * *unit as f64).unwrap_or((1, "µs"));
    let count = micros / unit as f64;
    format!("{} {name}", if count < 9.95 { crate::format::digits(count, 2) } else { format!("{count:.0}") })
}

impl Window {
    /// Whether a time is inside.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.start <= time && time < self.end
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        if self.end <= self.start { 0 } else { self.end.abs_diff(self.start) }
    }

    /// The same window with a stretch before it.
    pub fn with_look_back(&self, look_back: Duration) -> Window {
        Window { start: self.start.saturating_sub_unsigned(look_back), end: self.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_gregorian_calendar() {
        // From `datetime.fromtimestamp(seconds, timezone.utc)` of Python 3.11.
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (1_794_985_800, "2026-11-18T07:10:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (-2_203_891_200, "1900-03-01T00:00:00Z"),
            (-62_135_596_800, "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds * SECOND), expected);
        }
        assert_eq!(rfc3339(1_500_000), "1970-01-01T00:00:01.5Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999999Z");
    }

    #[test]
    fn every_timestamp_can_be_written() {
        assert!(rfc3339(i64::MAX).starts_with("294247-01-10T04:00:54.775807Z"));
        assert!(rfc3339(i64::MIN).starts_with("-290308-12-21T19:59:05.224192Z"));
    }

    #[test]
    fn a_window_is_written_to_the_minute_and_whole() {
        let at = |hour: i64, second: i64| hour * HOUR + second * SECOND;
        for (start, end, expected) in [
            (at(7, 600), at(9, 2400), "1970-01-01 07:10 and 09:40 UTC"),
            (at(7, 659), at(9, 2341), "1970-01-01 07:10 and 09:40 UTC"),
            (at(23, 0), at(23, 3541), "1970-01-01 23:00 and 1970-01-02 00:00 UTC"),
            (-1, 1, "1969-12-31 23:59 and 1970-01-01 00:01 UTC"),
        ] {
            assert_eq!(between(Window { start, end }), expected);
        }
        assert!(between(Window { start: i64::MIN, end: i64::MAX }).ends_with(" UTC"));
    }

    #[test]
    fn lengths_use_the_largest_unit_that_fits() {
        assert_eq!(length(90_000_000), "90 s");
        assert_eq!(length((36 * HOUR).unsigned_abs()), "36 h");
        assert_eq!(length((3 * DAY).unsigned_abs()), "3 d");
        assert_eq!(length(1), "1 µs");
        assert_eq!(length((308 * SECOND).unsigned_abs()), "5.1 min");
        assert_eq!(length((4294 * SECOND).unsigned_abs()), "72 min");
        assert_eq!(length((9 * HOUR + 59 * MINUTE).unsigned_abs()), "10 h");
        assert_eq!(length(u64::MAX), "213503982 d");
    }

    #[test]
    fn a_window_is_half_open() {
        let window = Window { start: 10, end: 20 };
        assert!(window.contains(10) && window.contains(19) && !window.contains(20) && !window.contains(9));
        assert_eq!(window.length(), 10);
        assert_eq!(window.with_look_back(5), Window { start: 5, end: 20 });
        assert_eq!(Window { start: i64::MIN, end: 0 }.with_look_back(u64::MAX).start, i64::MIN);
    }
}
