//! Numbers, and text of others, as people read them in summaries.

/// A number with so many significant digits, without trailing zeros; very large and very small ones with an exponent.
///
/// `digits(0.0123456, 3)` is `0.0123`, `digits(1234567.0, 3)` is `1230000`, `digits(2.5e-9, 2)` is `2.5e-9`.
pub fn digits(value: f64, significant: usize) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    if value == 0.0 {
        return "0".into();
    }
    // Rounding first settles the exponent: 9.996 with three digits is 10.0.
    let scientific = format!("{value:.*e}", significant.max(1) - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-5..15).contains(&exponent) {
        return format!("{}e{exponent}", without_trailing_zeros(mantissa));
    }
    let rounded: f64 = scientific.parse().unwrap_or(value);
    let decimals = (significant.max(1) as i32 - 1 - exponent).max(0) as usize;
    without_trailing_zeros(&format!("{rounded:.decimals$}")).into()
}

/// A share or a relative change as percent with three significant digits: `percent(0.1157)` is `11.6 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", digits(100.0 * share, 3))
}

/// The same with a sign, for changes: `+11.6 %`.
pub fn signed_percent(change: f64) -> String {
    let sign = if change > 0.0 { "+" } else { "" };
    format!("{sign}{}", percent(change))
}

/// Text from anywhere, such as names, paths and values, fit to be shown: one line, nothing that steers or hides, and at most so
/// many characters, with an ellipsis where some are missing.
pub fn shown(text: &str, longest: usize) -> String {
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown: String = text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).take(longest).collect();
    if text.chars().nth(longest).is_some() {
        shown.push('…');
    }
    shown
}

fn without_trailing_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_significant_and_plain() {
        for (value, significant, expected) in [
            (0.0123456, 3, "0.0123"),
            (1234567.0, 3, "1230000"),
            (2.5e-9, 2, "2.5e-9"),
            (9.996, 3, "10"),
            (-0.5, 3, "-0.5"),
            (100.0, 3, "100"),
            (0.0, 3, "0"),
            (1e300, 2, "1e300"),
        ] {
            assert_eq!(digits(value, significant), expected);
        }
        assert_eq!(percent(0.1157), "11.6 %");
        assert_eq!(signed_percent(0.1157), "+11.6 %");
        assert_eq!(signed_percent(-0.02), "-2 %");
    }

    #[test]
    fn text_of_others_is_one_line_that_hides_nothing() {
        assert_eq!(shown("a\n\u{1b}[31mb\u{202e}c", 60), "a\u{fffd}\u{fffd}[31mb\u{fffd}c");
        assert_eq!((shown("äöü", 3), shown("äöü", 2)), ("äöü".into(), "äö…".into()));
    }
}
