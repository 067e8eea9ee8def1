//! Numbers as people read them in summaries.

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
}
