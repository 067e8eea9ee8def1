//! What a segment costs: its residual sum of squares about a level or a line, with noise that remembers.

/// How a segment runs between two change points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// At one level.
    Level,
    /// Along a straight line.
    Line,
}

impl Trend {
    /// Parameters of one segment.
    pub fn parameters(self) -> usize {
        match self {
            Trend::Level => 1,
            Trend::Line => 2,
        }
    }

    /// The fewest observations of a segment: one more than its parameters.
    pub fn shortest(self) -> usize {
        self.parameters() + 1
    }
}

/// A fitted segment: `level` at `middle` (an index), and its slope per observation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The value at `middle`.
    pub level: f64,
    /// Change of the value from one observation to the next; 0 for a level.
    pub slope: f64,
    /// The index that `level` belongs to.
    pub middle: f64,
}

impl Fit {
    /// The fitted value at an index.
    pub fn at(&self, index: usize) -> f64 {
        self.level + self.slope * (index as f64 - self.middle)
    }
}

/// A level, a way to another level, and that level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp {
    /// The index of the last observation at the level before.
    pub knot: usize,
    /// The index of the first observation at the level after.
    pub until: usize,
    /// The level before.
    pub before: f64,
    /// The level after.
    pub after: f64,
    /// The residual sum of squares, in squared innovations.
    pub left: f64,
}

/// Costs of all segments of a series of n observations, each in constant time after O(n) of preparation.
///
/// Each segment is fitted by generalised least squares under stationary noise of a first-order autoregression with
/// coefficient φ, independent of the segments before (Prais and Winsten's transformation: the first observation is
/// weighted by √(1−φ²), every other one has φ times the one before it taken off). The sums of products over the
/// transformed columns are kept cumulatively, as for independent noise in Killick, Fearnhead and Eckley, JASA 107
/// (2012), section 3.
pub struct Costs<'a> {
    values: &'a [f64],
    trend: Trend,
    phi: f64,
    /// Sums over the first i transformed rows (the row of index 0 counts as nothing) of 1·1, 1·t, t·t, 1·y, t·y, y·y.
    sums: Vec<[f64; 6]>,
}

impl<'a> Costs<'a> {
    /// Prepares the costs of a series for noise with coefficient `phi` in [0, 1).
    pub fn new(values: &'a [f64], trend: Trend, phi: f64) -> Self {
        let mut sums = Vec::with_capacity(values.len() + 1);
        let mut sum = [0.0; 6];
        sums.push(sum);
        for index in 0..values.len() {
            if index > 0 {
                let one = 1.0 - phi;
                let time = position(index, values.len()) - phi * position(index - 1, values.len());
                add(&mut sum, one, time, values[index] - phi * values[index - 1]);
            }
            sums.push(sum);
        }
        Costs { values, trend, phi, sums }
    }

    /// How segments run.
    pub fn trend(&self) -> Trend {
        self.trend
    }

    /// The series.
    pub fn values(&self) -> &[f64] {
        self.values
    }

    /// What the fit of the segment `start..end` leaves, without what the noise remembers.
    pub fn innovations(&self, start: usize, end: usize) -> Vec<f64> {
        let fit = self.fit(start, end);
        let left = |index: usize| self.values[index] - fit.at(index);
        let first = self.innovation_share().sqrt() * left(start);
        std::iter::once(first).chain((start + 1..end).map(|index| left(index) - self.phi * left(index - 1))).collect()
    }

    /// Whether there is nothing to cut.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of observations.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// 1 − φ²: the variance of the noise's innovations in that of the noise.
    pub fn innovation_share(&self) -> f64 {
        1.0 - self.phi * self.phi
    }

    /// The residual sum of squares of the segment `start..end`, in squared innovations.
    pub fn of(&self, start: usize, end: usize) -> f64 {
        if self.trend == Trend::Level {
            return self.about_level(start, end);
        }
        about_line(self.products(start, end))
    }

    /// The residual sum of squares of the segment `start..end` about one level, however segments run.
    #[inline]
    pub fn about_level(&self, start: usize, end: usize) -> f64 {
        let (low, high) = (&self.sums[start + 1], &self.sums[end]);
        let (share, value) = (self.innovation_share(), self.values[start]);
        let oo = high[0] - low[0] + share;
        let oy = high[3] - low[3] + share * value;
        let yy = high[5] - low[5] + share * value * value;
        (yy - oy * oy / oo).max(0.0)
    }

    /// The sum over the segments between change points.
    pub fn total(&self, changes: &[usize]) -> f64 {
        segments(changes, self.len()).map(|(start, end)| self.of(start, end)).sum()
    }

    /// The fit of the segment `start..end`.
    pub fn fit(&self, start: usize, end: usize) -> Fit {
        let [oo, ot, tt, oy, ty, _] = self.products(start, end);
        let spread = tt - ot * ot / oo;
        let slope = match self.trend {
            Trend::Line if spread > NEGLIGIBLE * tt => (ty - ot * oy / oo) / spread,
            _ => 0.0,
        };
        let n = self.len();
        let middle = (start + end - 1) / 2;
        let level = (oy - slope * ot) / oo + slope * position(middle, n);
        Fit { level, slope: slope * (position(1, n) - position(0, n)), middle: middle as f64 }
    }

    /// The fit of one level up to the index `knot`, a straight line from there to the index `until`, and one level from there
    /// on, to the segment `start..end`, where `start <= knot < until < end`.
    pub fn ramp(&self, start: usize, end: usize, knot: usize, until: usize) -> Ramp {
        let [oo, _, _, oy, _, yy] = self.products(start, end);
        let between = |from: usize, to: usize| -> [f64; 6] {
            std::array::from_fn(|product| self.sums[to][product] - self.sums[from][product])
        };
        // The column that rises from 0 to 1: on the way it is (time − place) / way, then as the column of ones.
        let ([ioo, iot, itt, ioy, ity, _], [ooo, _, _, ooy, _, _]) =
            (between(knot + 1, until + 1), between(until + 1, end));
        let place = position(knot, self.len());
        let way = position(until, self.len()) - place;
        let rr = (itt - 2.0 * place * iot + place * place * ioo) / (way * way) + ooo;
        let ro = (iot - place * ioo) / way + ooo;
        let ry = (ity - place * ioy) / way + ooy;
        let spread = rr - ro * ro / oo;
        let height = if spread > NEGLIGIBLE * rr { (ry - ro * oy / oo) / spread } else { 0.0 };
        let before = (oy - ro * height) / oo;
        let left = (yy - oy * oy / oo - height * height * spread).max(0.0);
        Ramp { knot, until, before, after: before + height, left }
    }

    #[inline]
    fn products(&self, start: usize, end: usize) -> [f64; 6] {
        let (low, high) = (self.until(start), &self.sums[end]);
        std::array::from_fn(|product| high[product] - low[product])
    }

    /// What all segments that begin at an index leave out of the sums up to their ends.
    pub fn until(&self, start: usize) -> [f64; 6] {
        let weight = self.innovation_share().sqrt();
        let mut first = [0.0; 6];
        add(&mut first, weight, weight * position(start, self.len()), weight * self.values[start]);
        std::array::from_fn(|product| self.sums[start + 1][product] - first[product])
    }

    /// The sums up to an index, of which a segment that ends there is what [`Costs::until`] leaves.
    pub fn sums(&self, end: usize) -> &[f64; 6] {
        &self.sums[end]
    }
}

/// What a line leaves of a segment with these products.
#[inline(always)]
pub fn about_line([oo, ot, tt, oy, ty, yy]: [f64; 6]) -> f64 {
    // One division for two: it is what takes longest.
    let per_one = oo.recip();
    let (slope, level) = (ot * per_one, oy * per_one);
    let spread = tt - ot * slope;
    let product = ty - ot * level;
    let explained = product * product / spread;
    // Without a branch, so that several can be computed at a time.
    let explained = if spread > NEGLIGIBLE * tt { explained } else { 0.0 };
    let left = yy - oy * level - explained;
    if left > 0.0 { left } else { 0.0 }
}

/// Below this part of its own square a column is the other one, but for rounding.
const NEGLIGIBLE: f64 = 1e-10;

/// The segments between change points, as half-open pairs.
pub fn segments(changes: &[usize], len: usize) -> impl Iterator<Item = (usize, usize)> {
    let starts = std::iter::once(0).chain(changes.iter().copied());
    starts.zip(changes.iter().copied().chain(std::iter::once(len)))
}

/// Time as a column of about unit size, so that sums of its products lose no digits.
#[inline]
fn position(index: usize, len: usize) -> f64 {
    4.0 * (index as f64 / len as f64 - 0.5)
}

#[inline]
fn add(sums: &mut [f64; 6], one: f64, time: f64, value: f64) {
    for (sum, product) in
        sums.iter_mut().zip([one * one, one * time, time * time, one * value, time * value, value * value])
    {
        *sum += product;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn independent_noise_gives_ordinary_least_squares() {
        // The line through 1, 3, 2, 5 is 1.1 + 1.1 t: residuals -0.1, 0.8, -1.3, 0.6.
        let values = [9.0, 1.0, 3.0, 2.0, 5.0, 9.0];
        let line = Costs::new(&values, Trend::Line, 0.0);
        assert!((line.of(1, 5) - 2.7).abs() < 1e-12);
        let fit = line.fit(1, 5);
        assert!((fit.slope - 1.1).abs() < 1e-12 && (fit.at(1) - 1.1).abs() < 1e-12);
        let level = Costs::new(&values, Trend::Level, 0.0);
        assert!((level.of(1, 5) - 8.75).abs() < 1e-12);
        assert!((level.fit(1, 5).at(4) - 2.75).abs() < 1e-12);
        assert!((level.total(&[1, 5]) - 8.75).abs() < 1e-12);
    }

    #[test]
    fn an_exact_ramp_costs_nothing_whatever_the_noise() {
        let value = |index: usize| 3.0 + 2.0 * ((index as f64 - 12.0) / 15.0).clamp(0.0, 1.0);
        let values: Vec<f64> = (0..50).map(value).collect();
        for phi in [0.0, 0.5, 0.9] {
            let costs = Costs::new(&values, Trend::Level, phi);
            let ramp = costs.ramp(4, 45, 12, 27);
            assert!(ramp.left < 1e-9, "{ramp:?}");
            assert!((ramp.before - 3.0).abs() < 1e-9 && (ramp.after - 5.0).abs() < 1e-9);
            assert!(costs.ramp(4, 45, 14, 27).left > 1e-3);
            // From one observation to the next it is a step.
            let step = costs.ramp(0, 50, 19, 20).left;
            let exact = (0..50).map(|index| if index < 20 { 1.0 } else { 4.0 }).collect::<Vec<_>>();
            assert!(step > 0.0 && Costs::new(&exact, Trend::Level, phi).ramp(0, 50, 19, 20).left < 1e-9);
        }
    }

    #[test]
    fn an_exact_line_costs_nothing_whatever_the_noise() {
        let values: Vec<f64> = (0..40).map(|index| 3.0 - 0.5 * f64::from(index)).collect();
        for phi in [0.0, 0.5, 0.9] {
            let costs = Costs::new(&values, Trend::Line, phi);
            assert!(costs.of(3, 30) < 1e-9);
            assert!((costs.fit(3, 30).at(35) + 14.5).abs() < 1e-9);
        }
    }
}
