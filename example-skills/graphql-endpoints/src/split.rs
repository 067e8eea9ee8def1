//! Who carries what of a regression.

use negawatt_skill::{Direction, Metric, stats};

use crate::ask;
use crate::shift::Shift;

/// The part of false ones that is let in among the endpoints that are said to have shifted. Where neighbours are alike, p-values
/// are somewhat too small ([`stats::mean_shift`]): seen in simulations, it is at most twice that.
const FALSE_DISCOVERY_RATE: f64 = 0.02;
/// The part of the regression that those who carry it have together.
const MOST_OF_IT: f64 = 0.8;
/// So many are few, or a quarter of all.
const FEW: usize = 3;
/// Below, nothing can be said of all.
const LEAST_FOR_ALL: usize = 3;
/// The part of all that must have shifted alike.
const NEARLY_ALL: f64 = 0.8;
/// A change of traffic explains a regression where it makes up this part of it.
const MIX_EXPLAINS: f64 = 0.5;

/// An endpoint as it was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Its name, as the label has it.
    pub name: String,
    /// By how much it shifted.
    pub shift: Shift,
    /// Its requests before and after, in any unit; absent where they are not counted.
    pub requests: Option<(f64, f64)>,
}

impl Measured {
    /// What counts where only some can be looked at.
    pub fn size(&self) -> f64 {
        self.requests.map_or(self.shift.before.abs().max(self.shift.after.abs()), |(before, after)| before.max(after))
    }
}

/// How much each endpoint counts in the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighing {
    /// By its part of the requests.
    Requests,
    /// As it is: the parts add up.
    Sum,
    /// Alike, since nothing counts requests.
    Equal,
}

impl Weighing {
    /// How a metric's endpoints are weighed.
    pub fn of(metric: &Metric, measured: &[Measured]) -> Weighing {
        let counted =
            |measured: &Measured| measured.requests.is_some_and(|(before, after)| before >= 0.0 && after >= 0.0);
        match () {
            () if ask::is_additive(metric) => Weighing::Sum,
            () if !measured.is_empty() && measured.iter().all(counted) => Weighing::Requests,
            () => Weighing::Equal,
        }
    }
}

/// An endpoint with what it has of the regression.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// As it was measured.
    pub measured: Measured,
    /// Its p-value, adjusted for how many were looked at.
    pub p_value: f64,
    /// Whether it shifted by more than chance.
    pub is_shifted: bool,
    /// Its part of what got worse, from 0 to 1; 0 where it did not shift, or for the better.
    pub share: f64,
    /// Its part of the requests after, from 0 to 1; absent where they are not counted.
    pub traffic: Option<f64>,
}

/// Who carries a regression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Carried {
    /// So many of the first endpoints.
    ByFew(usize),
    /// Nearly all, by about as much: the cause is common to them.
    ByAllAlike,
    /// Many, each by another amount.
    ByMany(usize),
    /// Nobody got slower by as much: requests moved to slower endpoints, which explains this part of it.
    ByTraffic(f64),
}

/// A regression, endpoint by endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// All that were looked at, the greatest share first.
    pub endpoints: Vec<Endpoint>,
    /// Who carries it.
    pub carried: Carried,
    /// How they were weighed.
    pub weighing: Weighing,
    /// How probable it is that this is so.
    pub confidence: f64,
}

/// Splits a regression by `harm` (in the metric's unit) among its endpoints; absent where fewer than two were measured, and where
/// nothing explains it.
pub fn split(measured: Vec<Measured>, weighing: Weighing, worse: Direction, harm: f64) -> Option<Split> {
    if measured.len() < 2 {
        return None;
    }
    let sign = if worse == Direction::Up { 1.0 } else { -1.0 };
    let adjusted = stats::benjamini_hochberg(&measured.iter().map(|one| one.shift.p_value).collect::<Vec<_>>());
    let all = |side: fn((f64, f64)) -> f64| measured.iter().filter_map(|one| one.requests).map(side).sum::<f64>();
    let (all_before, all_after) = (all(|requests| requests.0), all(|requests| requests.1));
    let traffic = |one: &Measured| {
        let (before, after) = one.requests.filter(|_| all_before > 0.0 && all_after > 0.0)?;
        Some((before / all_before, after / all_after))
    };
    let weight = |one: &Measured| match weighing {
        Weighing::Requests => traffic(one).map_or(0.0, |(_, after)| after),
        Weighing::Sum => 1.0,
        Weighing::Equal => 1.0 / measured.len() as f64,
    };
    let worsened = |one: &Measured| sign * (one.shift.after - one.shift.before);
    let is_shifted: Vec<bool> = adjusted.iter().map(|p| *p <= FALSE_DISCOVERY_RATE).collect();
    let harms: Vec<f64> = measured
        .iter()
        .zip(&is_shifted)
        .map(|(one, shifted)| if *shifted { (weight(one) * worsened(one)).max(0.0) } else { 0.0 })
        .collect();
    let within: f64 = harms.iter().sum();
    // Traffic that moves to slower endpoints makes the mean worse although none got slower (Simpson's paradox).
    let moved = |one: &Measured| traffic(one).map(|(before, after)| sign * (after - before) * one.shift.before);
    let mix: f64 = measured.iter().filter_map(moved).sum();
    let alike = alike(&measured, &is_shifted, sign);
    let mut endpoints: Vec<Endpoint> = measured
        .iter()
        .zip(&adjusted)
        .zip(&is_shifted)
        .zip(&harms)
        .map(|(((one, p), shifted), harm)| Endpoint {
            measured: one.clone(),
            p_value: *p,
            is_shifted: *shifted,
            share: if within > 0.0 { harm / within } else { 0.0 },
            traffic: traffic(one).map(|(_, after)| after),
        })
        .collect();
    endpoints.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.measured.name.cmp(&b.measured.name)));
    let by_traffic = weighing == Weighing::Requests && mix > within && mix >= MIX_EXPLAINS * harm;
    let (carried, confidence) = match (by_traffic, alike) {
        (true, _) => (Carried::ByTraffic((mix / (mix + within)).min(1.0)), (mix / (mix + within)).min(0.8)),
        _ if within <= 0.0 => return None,
        (_, Some(part)) => (Carried::ByAllAlike, part * surest(&endpoints, endpoints.len())),
        _ => {
            let mut sum = 0.0;
            let before_most = endpoints.iter().take_while(|one| {
                let goes_on = sum < MOST_OF_IT;
                sum += one.share;
                goes_on
            });
            let count = before_most.count();
            let is_few = count <= FEW.max(endpoints.len() / 4) && count < endpoints.len();
            let carried = if is_few { Carried::ByFew(count) } else { Carried::ByMany(count) };
            (carried, surest(&endpoints, count))
        }
    };
    Some(Split { endpoints, carried, weighing, confidence })
}

/// How sure the surest of the first endpoints is.
fn surest(endpoints: &[Endpoint], count: usize) -> f64 {
    endpoints.iter().take(count).map(|one| stats::confidence(one.p_value)).fold(0.0, f64::max)
}

/// The part of the endpoints that got worse by about as much, relative to themselves or in the metric's unit; absent where it is
/// not nearly all.
///
/// One is like the others where it differs from the median by less than half of it, or by less than two of its standard errors.
fn alike(measured: &[Measured], is_shifted: &[bool], sign: f64) -> Option<f64> {
    let worse = |(one, shifted): (&Measured, &bool)| *shifted && sign * (one.shift.after - one.shift.before) > 0.0;
    let shifted = measured.iter().zip(is_shifted).filter(|&one| worse(one)).count();
    if measured.len() < LEAST_FOR_ALL || 2 * shifted < measured.len() {
        return None;
    }
    let part = |unit: fn(&Shift) -> f64| {
        let amounts: Vec<(f64, f64)> = measured
            .iter()
            .map(|one| {
                let unit = unit(&one.shift).max(f64::MIN_POSITIVE);
                (sign * (one.shift.after - one.shift.before) / unit, one.shift.standard_error / unit)
            })
            .collect();
        let usual = stats::median(&amounts.iter().map(|(amount, _)| *amount).collect::<Vec<_>>()).unwrap_or_default();
        let like = amounts.iter().filter(|(amount, error)| (amount - usual).abs() <= (2.0 * error).max(0.5 * usual));
        if usual > 0.0 { like.count() as f64 / measured.len() as f64 } else { 0.0 }
    };
    let part = part(|shift| shift.before.abs()).max(part(|_| 1.0));
    (part >= NEARLY_ALL).then_some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, before: f64, after: f64, requests: Option<(f64, f64)>) -> Measured {
        let p_value = if (after - before).abs() > 0.02 { 1e-9 } else { 0.4 };
        Measured { name: name.into(), shift: Shift { before, after, standard_error: 0.005, p_value }, requests }
    }

    fn carried(measured: Vec<Measured>, weighing: Weighing) -> Option<(Carried, Vec<f64>)> {
        let split = split(measured, weighing, Direction::Up, 0.1)?;
        assert!((0.0..=1.0).contains(&split.confidence), "{}", split.confidence);
        Some((split.carried, split.endpoints.iter().map(|one| one.share).collect()))
    }

    #[test]
    fn one_of_many_carries_it() {
        let mut all: Vec<Measured> = (0..9).map(|at| one(&format!("e{at}"), 0.2, 0.2, None)).collect();
        all.push(one("cart", 0.2, 0.5, None));
        let (by, shares) = carried(all, Weighing::Equal).unwrap();
        assert_eq!((by, shares[0], shares[1]), (Carried::ByFew(1), 1.0, 0.0));
    }

    #[test]
    fn requests_weigh() {
        let all = vec![
            one("rare", 0.2, 0.6, Some((1.0, 1.0))),
            one("common", 0.2, 0.3, Some((99.0, 99.0))),
            one("still", 0.2, 0.2, Some((50.0, 50.0))),
        ];
        let by =
            |weighing| split(all.clone(), weighing, Direction::Up, 0.1).unwrap().endpoints[0].measured.name.clone();
        assert_eq!((by(Weighing::Requests).as_str(), by(Weighing::Equal).as_str()), ("common", "rare"));
    }

    #[test]
    fn all_alike_have_a_common_cause() {
        let relative: Vec<_> = [0.1, 0.2, 0.4, 0.8].iter().map(|&b| one(&b.to_string(), b, 1.4 * b, None)).collect();
        assert_eq!(carried(relative, Weighing::Equal).unwrap().0, Carried::ByAllAlike);
        let absolute: Vec<_> = [0.1, 0.2, 0.4, 0.8].iter().map(|&b| one(&b.to_string(), b, b + 0.1, None)).collect();
        assert_eq!(carried(absolute, Weighing::Equal).unwrap().0, Carried::ByAllAlike);
        let unlike: Vec<_> = [0.1, 0.3, 0.9, 2.7].iter().map(|&by| one(&by.to_string(), 0.2, 0.2 + by, None)).collect();
        assert_eq!(carried(unlike, Weighing::Equal).unwrap().0, Carried::ByFew(2));
    }

    #[test]
    fn traffic_that_moved_is_told_from_endpoints_that_got_slower() {
        let all = vec![one("fast", 0.1, 0.1, Some((90.0, 50.0))), one("slow", 0.5, 0.5, Some((10.0, 50.0)))];
        assert_eq!(carried(all, Weighing::Requests).unwrap().0, Carried::ByTraffic(1.0));
    }

    #[test]
    fn less_can_be_worse_and_nothing_is_nothing() {
        let falls = vec![one("a", 0.9, 0.5, None), one("b", 0.9, 0.9, None), one("c", 0.5, 0.9, None)];
        let down = split(falls, Weighing::Equal, Direction::Down, 0.1).unwrap();
        assert_eq!((down.carried, down.endpoints[0].measured.name.as_str()), (Carried::ByFew(1), "a"));
        assert_eq!(carried(vec![one("a", 0.2, 0.2, None), one("b", 0.3, 0.3, None)], Weighing::Equal), None);
        assert_eq!(carried(vec![one("a", 0.2, 0.9, None)], Weighing::Equal), None);
        let zero = vec![one("a", 0.0, 0.0, Some((0.0, 0.0))), one("b", 0.0, 0.5, Some((0.0, 0.0)))];
        assert_eq!(carried(zero, Weighing::Requests), None, "without requests nobody carries anything");
    }
}
