//! Numbers, times and amounts as people read them.

use jiff::Timestamp;

use super::Power;
use super::escape::{NARROW, Own};

/// A number with four digits that count.
pub fn number(value: f64) -> Own {
    Own::of_numbers(number_text(value))
}

fn number_text(value: f64) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-3.0..9.0).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let decimals = (3.0 - magnitude).max(0.0) as usize;
    let text = format!("{value:.decimals$}");
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    grouped(text)
}

/// Groups of three digits where there are five or more before the point.
fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
    if whole.len() < 5 {
        return text.to_owned();
    }
    let mut shown = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            shown.push(NARROW);
        }
        shown.push(digit);
    }
    shown + fraction
}

/// A share of one, as percent, with its sign where `signed`.
pub fn percent(share: f64, signed: bool) -> Own {
    let sign = if signed && share > 0.0 { "+" } else { "" };
    Own::of_numbers(format!("{sign}{}{NARROW}%", rounded(share * 100.0)))
}

/// With three digits that count; hundreds of percent are told whole.
fn rounded(value: f64) -> String {
    let decimals = if value.abs() >= 100.0 { 0.0 } else { 1.0 };
    let scale = 10f64.powf(decimals);
    number_text((value * scale).round() / scale)
}

/// A time in microseconds since the Unix epoch, to the minute.
pub fn time(micros: i64) -> Own {
    let text = Timestamp::from_microsecond(micros).map(|time| time.strftime("%Y-%m-%d %H:%M UTC").to_string());
    Own::of_numbers(text.unwrap_or_else(|_| "unknown".to_owned()))
}

/// Cores and watts.
pub fn power(power: Power) -> Own {
    Own::of_numbers(format!("{} cores, {}", number_text(power.cores), watts(power.watts)))
}

fn watts(watts: f64) -> String {
    let thousand = watts.abs() >= 1e4;
    format!("{}{NARROW}{}", number_text(if thousand { watts / 1e3 } else { watts }), if thousand { "kW" } else { "W" })
}

/// A whole number as it is.
pub fn whole(number: u32) -> Own {
    Own::of_numbers(number.to_string())
}

/// A count of things.
pub fn count(count: usize, one: &'static str, many: &'static str) -> Own {
    Own::of_numbers(format!("{count} {}", if count == 1 { one } else { many }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (value, shown) in [
            (0.0, "0"),
            (0.0121, "0.0121"),
            (0.013_512_34, "0.01351"),
            (1e-9, "1.00e-9"),
            (-2.5, "-2.5"),
            (8900.0, "8900"),
            (123_456.7, "123\u{202f}457"),
            (-40_050.0, "-40\u{202f}050"),
            (1e12, "1.00e12"),
            (f64::NAN, "unknown"),
            (f64::NEG_INFINITY, "unknown"),
        ] {
            assert_eq!(number(value).as_str(), shown);
        }
        assert_eq!(percent(0.116, true).as_str(), "+11.6\u{202f}%");
        assert_eq!(percent(-0.5, true).as_str(), "-50\u{202f}%");
        assert_eq!(percent(0.93, false).as_str(), "93\u{202f}%");
        assert_eq!(percent(12.345, true).as_str(), "+1235\u{202f}%");
        assert_eq!(time(1_763_536_200_000_000).as_str(), "2025-11-19 07:10 UTC");
        assert_eq!(time(i64::MAX).as_str(), "unknown");
        assert_eq!(power(Power { cores: 8900.0, watts: 40_050.0 }).as_str(), "8900 cores, 40.05\u{202f}kW");
        assert_eq!(count(1, "file", "files").as_str(), "1 file");
    }
}
