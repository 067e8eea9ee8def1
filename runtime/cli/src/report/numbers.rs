//! Numbers as people read them.

use negawatt_host::model::Impact;

/// A number to four significant digits.
pub fn digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !value.is_finite() || !(-7.0..12.0).contains(&magnitude) {
        let text = format!("{value:.3e}");
        return match text.split_once('e') {
            Some((number, power)) => format!("{}e{power}", without_zeros(number)),
            None => text,
        };
    }
    let places = (3 - magnitude as i32).clamp(0, 12) as usize;
    without_zeros(&format!("{value:.places$}")).to_owned()
}

fn without_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// A whole number in groups of three digits, or four significant digits of a small one.
pub fn grouped(value: f64) -> String {
    if !(1e4..1e12).contains(&value.abs()) {
        return digits(value);
    }
    let text = format!("{:.0}", value.abs());
    let groups: Vec<_> = text.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    format!("{}{}", if value < 0.0 { "-" } else { "" }, groups.join(","))
}

/// A probability in percent; only what is certain is 0 or 100.
pub fn percent(probability: f64) -> String {
    match probability * 100.0 {
        p if p > 0.0 && p < 0.5 => "<1 %".to_owned(),
        p if (99.5..100.0).contains(&p) => ">99 %".to_owned(),
        p => format!("{p:.0} %"),
    }
}

/// How much something changed: `+33.9 %`, or `×12.3` where that says more.
pub fn relative(relative: f64) -> String {
    match relative {
        r if r.abs() >= 1e6 => format!("×{}", digits(1.0 + r)),
        r if r >= 9.0 => format!("×{:.1}", 1.0 + r),
        r => format!("{:+.1} %", r * 100.0),
    }
}

/// A probability that may be too small to be written.
pub fn p_value(p: f64) -> String {
    match p {
        p if p < 1e-300 => "p < 1e-300".to_owned(),
        p if p >= 0.001 => format!("p = {}", digits((p * 1000.0).round() / 1000.0)),
        p => format!("p = {p:.1e}"),
    }
}

/// Cores and watts in the unit that fits.
pub fn cost(impact: &Impact) -> String {
    let watts = match impact.watts.abs() {
        watts if watts >= 1e12 => format!("{} W", digits(impact.watts)),
        watts if watts >= 1e6 => format!("{:.2} MW", impact.watts / 1e6),
        watts if watts >= 1e3 => format!("{:.1} kW", impact.watts / 1e3),
        _ => format!("{:.0} W", impact.watts),
    };
    format!("{} cores, {watts}", grouped(impact.cores))
}

/// A number of things: `1 finding`, `no findings`.
pub fn count(number: usize, one: &str) -> String {
    match number {
        0 => format!("no {one}s"),
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    }
}

/// Microseconds in the unit that fits.
pub fn duration(micros: u64) -> String {
    match micros as f64 / 1e3 {
        millis if millis >= 10_000.0 => format!("{:.1} s", millis / 1e3),
        millis => format!("{millis:.1} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.012_345_6, "0.01235"),
            (1234.5, "1234"),
            (0.0, "0"),
            (-2.5, "-2.5"),
            (1e90, "1e90"),
            (f64::MAX, "1.798e308"),
            (1.234_56e-9, "1.235e-9"),
            (0.000_025_59, "0.00002559"),
        ] {
            assert_eq!(digits(value), text);
        }
        assert_eq!(grouped(-26_008.3), "-26,008");
        assert_eq!(grouped(1_234_567.0), "1,234,567");
        assert_eq!(grouped(9_999.0), "9999");
    }

    #[test]
    fn only_what_is_certain_is_whole() {
        let texts = [0.0, 0.001, 0.126, 0.994, 0.999, 1.0].map(percent);
        assert_eq!(texts, ["0 %", "<1 %", "13 %", "99 %", ">99 %", "100 %"]);
        assert_eq!([0.339, -0.05, 11.3, 1e9].map(relative), ["+33.9 %", "-5.0 %", "×12.3", "×1000000001"]);
        assert_eq!([0.0, 5.7e-79, 0.0321].map(p_value), ["p < 1e-300", "p = 5.7e-79", "p = 0.032"]);
    }

    #[test]
    fn costs_have_the_unit_that_fits() {
        let impact = |watts| Impact { cores: 12.4, watts, basis: String::new() };
        assert_eq!(cost(&impact(40_060.0)), "12.4 cores, 40.1 kW");
        assert_eq!(cost(&impact(2.5e6)), "12.4 cores, 2.50 MW");
        assert_eq!(cost(&impact(-12.0)), "12.4 cores, -12 W");
    }
}
