//! Special functions, to about twelve digits, also far out in the tails.

/// Where continued fractions and series stop.
const PRECISION: f64 = 1e-16;
/// Far more terms than any argument that occurs needs: both fractions take about the square root of their greatest parameter.
const TERMS: u32 = 100_000;

/// ln Γ(x) for x > 0: Stirling's series (NIST Digital Library of Mathematical Functions, 5.11.1), reached by recurrence.
pub(super) fn ln_gamma(x: f64) -> f64 {
    // B₂ₖ / (2k (2k − 1))
    const SERIES: [f64; 7] =
        [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0, 1.0 / 156.0];
    let (mut x, mut product) = (x, 1.0);
    while x < 15.0 {
        product *= x;
        x += 1.0;
    }
    let inverse_square = 1.0 / (x * x);
    let correction = SERIES.iter().rev().fold(0.0, |sum, term| sum * inverse_square + term) / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + correction - product.ln()
}

/// The regularised upper incomplete gamma function Q(a, x) for a > 0 and x ≥ 0: the power series (NIST DLMF, 8.7.1) where it
/// converges fast, else the continued fraction (8.9.2).
pub(super) fn gamma_q(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x.is_infinite() {
        return 0.0;
    }
    let scale = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for n in 1..TERMS {
            term *= x / (a + f64::from(n));
            sum += term;
            if term < sum * PRECISION {
                break;
            }
        }
        return 1.0 - scale * sum;
    }
    let fraction = continued_fraction(x + 1.0 - a, |n| (-n * (n - a), x + 2.0 * n + 1.0 - a));
    scale / fraction
}

/// The regularised incomplete beta function I_x(a, b) for a, b > 0 and x from 0 to 1, of which 1 − x is also given, since it
/// may be too close to 1 to be told from it: the continued fraction of NIST DLMF, 8.17.22.
pub(super) fn beta_i(a: f64, b: f64, x: f64, complement: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if complement <= 0.0 {
        return 1.0;
    }
    // The fraction converges fast only on this side of the mean.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_i(b, a, complement, x);
    }
    let ln_beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let scale = (a * x.ln() + b * complement.ln() - ln_beta).exp() / a;
    let fraction = continued_fraction(1.0, |n| {
        let m = (n / 2.0).floor();
        let numerator = if n % 2.0 == 0.0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        (numerator, 1.0)
    });
    scale / fraction
}

/// b₀ + a₁/(b₁ + a₂/(b₂ + …)) from b₀ and n ↦ (aₙ, bₙ), by the modified method of Lentz: Thompson and Barnett, "Coulomb and
/// Bessel Functions of Complex Arguments and Order", Journal of Computational Physics 64 (1986), p. 490.
fn continued_fraction(first: f64, term: impl Fn(f64) -> (f64, f64)) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut value = away_from_zero(first);
    let (mut c, mut d) = (value, 0.0);
    for n in 1..TERMS {
        let (numerator, denominator) = term(f64::from(n));
        d = 1.0 / away_from_zero(denominator + numerator * d);
        c = away_from_zero(denominator + numerator / c);
        value *= c * d;
        if (c * d - 1.0).abs() < 4.0 * PRECISION {
            break;
        }
    }
    value
}
