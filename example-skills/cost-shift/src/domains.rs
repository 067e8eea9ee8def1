//! Domains around a function in which its cost may have moved: the function and what may have paid for it.
//!
//! FBDetect (SOSP 2024) looks at upstream callers, classes and what a commit touched. Here any function may have paid,
//! since a rename or a move leaves no trace but a fall; the price is that many domains are looked at, which [`crate::balance`] holds
//! against each.

use crate::balance::{Measured, Moved, doubt_of_payment, moved};
use crate::samples::Samples;

/// A domain that takes more than this part of all cost drowns the change, and leaves too little to compare it with.
pub const MOST_SHARE: f64 = 2.0 / 3.0;
/// What paid for a rise had at least this part of it to give.
const LEAST_PAID: f64 = 2.0 / 3.0;
/// A domain whose sum keeps more of the rise than this is not measured file by file.
const LEFT_AT_MOST: f64 = 0.75;
/// How many domains are measured file by file.
const MOST_MEASURED: usize = 40;
/// What paid may be so many functions together.
const MOST_DONORS: usize = 6;
/// Something was paid for certain where that would be by chance so rarely, over all domains together.
const CERTAIN: f64 = 0.01;
/// What may be left of a rise when the domain is compared with the middle of all others instead of their sum.
const LEFT_OF_MIDDLE: f64 = 0.6;
/// A further function among several that paid must pay this part of the rise.
const GREEDY_STEP: f64 = 0.1;
/// So many functions have a middle.
const ENOUGH_FOR_MIDDLE: usize = 8;
/// What stands between the parts of a frame's name, in all languages that have parts.
const SEPARATORS: [char; 6] = ['.', ':', '/', '#', '>', '$'];

/// What may have paid for a function's rise.
#[derive(Clone, Debug, PartialEq)]
pub enum Donor {
    /// Functions with all that they call, or without.
    Functions(Vec<(usize, Extent)>),
    /// The functions that call it directly, with all that they call, or without.
    Callers(Extent),
    /// All functions whose names begin so, like its own: its class, module or package.
    Named(String),
    /// All functions of its source file.
    Source(String),
}

/// What of a function is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The function with all that it calls.
    Inclusive,
    /// The function without what it calls.
    Own,
}

/// A function whose cost moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub donor: Donor,
    pub moved: Moved,
    /// The function's share before and after.
    pub part: (f64, f64),
    /// The domain's share before and after.
    pub domain: (f64, f64),
}

/// A function whose share of what is outside of the part fell, with that share before and after.
struct Fell {
    donor: (usize, Extent),
    shares: (f64, f64),
}

/// A domain and its share before and after.
struct Candidate {
    donor: Donor,
    shares: (f64, f64),
}

/// The function in question.
struct Part<'a> {
    samples: &'a Samples<'a>,
    function: usize,
    /// Its stacks.
    stacks: Vec<bool>,
    /// Its share before and after.
    shares: (f64, f64),
}

/// The domain that pays for the rise of a function with the least doubt; `None` where none does.
pub fn search(samples: &Samples<'_>, function: usize, extent: Extent) -> Option<Found> {
    let part = Part::of(samples, function, extent);
    if part.shares.1 <= part.shares.0 {
        return None;
    }
    let single = part.single();
    let mut candidates: Vec<Candidate> =
        single.iter().map(|fell| part.with(Donor::Functions(vec![fell.donor]), fell.shares)).collect();
    candidates.extend(part.groups().into_iter().map(|donor| part.candidate(donor)));
    candidates.retain(|candidate| part.can_pay(candidate));
    let count = candidates.len();
    candidates.extend(part.several(&single).map(|donor| part.candidate(donor)));
    candidates.retain(|candidate| part.balances(candidate));
    // The smallest domains are known best.
    candidates.sort_by(|left, right| left.shares.0.total_cmp(&right.shares.0));
    candidates.truncate(MOST_MEASURED);
    let looks: Vec<Look> = candidates
        .into_iter()
        .filter_map(|candidate| {
            // A union of functions could have been chosen in more ways.
            let among = match &candidate.donor {
                Donor::Functions(functions) if functions.len() > 1 => single.len() * functions.len(),
                _ => count,
            };
            Look::at(&part, candidate, among)
        })
        .collect();
    // A larger domain drowns what is left of the rise. So where some domain paid for certain, a larger one must have paid more
    // than that one, for certain.
    let paid = looks.iter().filter(|look| look.doubt_of_payment < CERTAIN);
    let anchor = paid.min_by(|left, right| left.error.total_cmp(&right.error));
    let found =
        looks.iter().filter(|look| anchor.is_none_or(|anchor| look.paid_more_than(anchor, &part))).filter_map(|look| {
            let moved = moved(&samples.measured(&part.stacks, &look.stacks), look.among)?;
            let found = || Found {
                donor: look.candidate.donor.clone(),
                moved,
                part: part.shares,
                domain: look.candidate.shares,
            };
            part.middle_agrees(&look.stacks, look.candidate.shares).then(found)
        });
    found.min_by(|left, right| left.moved.doubt.total_cmp(&right.moved.doubt))
}

/// A domain that was measured file by file.
struct Look {
    candidate: Candidate,
    stacks: Vec<bool>,
    among: usize,
    /// The standard error of the domain's growth.
    error: f64,
    doubt_of_payment: f64,
}

impl Look {
    fn at(part: &Part<'_>, candidate: Candidate, among: usize) -> Option<Look> {
        let stacks = part.domain(&candidate.donor);
        let measured = part.samples.measured(&part.stacks, &stacks);
        let error = measured.contrast(1.0, 0.0)?.standard_error;
        Some(Look { candidate, stacks, among, error, doubt_of_payment: doubt_of_payment(&measured, among)? })
    }

    /// Whether it is that other domain, or what it has beside that one fell for certain.
    fn paid_more_than(&self, other: &Look, part: &Part<'_>) -> bool {
        if self.stacks == other.stacks {
            return true;
        }
        let union: Vec<bool> = self.stacks.iter().zip(&other.stacks).map(|(own, other)| *own || *other).collect();
        let measured = part.samples.measured(&other.stacks, &union);
        doubt_of_payment(&measured, self.among).is_some_and(|doubt| doubt < CERTAIN)
    }
}

impl<'a> Part<'a> {
    fn of(samples: &'a Samples<'a>, function: usize, extent: Extent) -> Part<'a> {
        let stacks = samples.stacks(|stack| is_on(stack, function, extent));
        let shares = samples.shares(&stacks);
        Part { samples, function, stacks, shares }
    }

    /// Each other function whose share of what is outside of the part fell.
    fn single(&self) -> Vec<Fell> {
        let functions = self.samples.profile.functions().len();
        let mut inclusive = vec![(0.0, 0.0); functions];
        let mut own = inclusive.clone();
        for (index, stack) in self.samples.profile.stacks().enumerate().filter(|(n, _)| !self.stacks[*n]) {
            let (before, after) = (self.samples.before[index], self.samples.after[index]);
            let add = |share: &mut (f64, f64)| *share = (share.0 + before, share.1 + after);
            for (depth, &function) in stack.iter().enumerate() {
                // Stacks are short: looking back is cheaper than a set.
                if !stack[..depth].contains(&function) {
                    add(&mut inclusive[function]);
                }
            }
            stack.last().into_iter().for_each(|&leaf| add(&mut own[leaf]));
        }
        let all = [(Extent::Inclusive, inclusive), (Extent::Own, own)].into_iter();
        let each = |(extent, shares): (Extent, Vec<(f64, f64)>)| {
            shares.into_iter().enumerate().map(move |(function, shares)| Fell { donor: (function, extent), shares })
        };
        all.flat_map(each).filter(|fell| fell.shares.1 < fell.shares.0).collect()
    }

    /// Groups that the function belongs to.
    fn groups(&self) -> Vec<Donor> {
        let profile = self.samples.profile;
        let mut groups = Vec::new();
        if self.callers().len() > 1 {
            groups.extend([Donor::Callers(Extent::Inclusive), Donor::Callers(Extent::Own)]);
        }
        groups.extend(prefixes(&profile.functions()[self.function]).map(|prefix| Donor::Named(prefix.to_owned())));
        groups.extend(profile.sources(self.function).iter().cloned().map(Donor::Source));
        groups
    }

    /// The functions that call it directly.
    fn callers(&self) -> Vec<usize> {
        let stacks = self.samples.profile.stacks();
        let pairs = stacks.flat_map(|stack| stack.windows(2)).filter(|pair| pair[1] == self.function);
        let mut callers: Vec<usize> = pairs.map(|pair| pair[0]).filter(|caller| *caller != self.function).collect();
        callers.sort_unstable();
        callers.dedup();
        callers
    }

    /// The stacks of a domain: the part's, and those of the donor.
    fn domain(&self, donor: &Donor) -> Vec<bool> {
        let profile = self.samples.profile;
        let names = profile.functions();
        let any_of = |members: Vec<bool>| self.samples.stacks(|stack| stack.iter().any(|&function| members[function]));
        let any_on = |functions: &[(usize, Extent)]| {
            self.samples.stacks(|stack| functions.iter().any(|&(function, extent)| is_on(stack, function, extent)))
        };
        let given = match donor {
            Donor::Functions(functions) => any_on(functions),
            Donor::Callers(extent) => {
                any_on(&self.callers().into_iter().map(|caller| (caller, *extent)).collect::<Vec<_>>())
            }
            Donor::Named(prefix) => any_of(names.iter().map(|name| name.starts_with(prefix.as_str())).collect()),
            Donor::Source(source) => {
                any_of((0..names.len()).map(|function| profile.sources(function).contains(source)).collect())
            }
        };
        given.iter().zip(&self.stacks).map(|(given, part)| *given || *part).collect()
    }

    fn candidate(&self, donor: Donor) -> Candidate {
        let shares = self.samples.shares(&self.domain(&donor));
        Candidate { donor, shares }
    }

    fn with(&self, donor: Donor, beside: (f64, f64)) -> Candidate {
        Candidate { donor, shares: (self.shares.0 + beside.0, self.shares.1 + beside.1) }
    }

    /// Whether what is beside the part had enough to pay with. Said of the time before alone, so that it is no choice by what
    /// happened.
    fn can_pay(&self, candidate: &Candidate) -> bool {
        let rise = self.shares.1 - self.shares.0;
        candidate.shares.0 <= MOST_SHARE && candidate.shares.0 - self.shares.0 >= LEAST_PAID * rise
    }

    fn balances(&self, candidate: &Candidate) -> bool {
        candidate.shares.1 <= MOST_SHARE
            && candidate.shares.0 <= MOST_SHARE
            && self.growth(candidate.shares).abs() <= LEFT_AT_MOST * (self.shares.1 - self.shares.0)
    }

    /// By how much a domain grew, of all cost before.
    fn growth(&self, shares: (f64, f64)) -> f64 {
        (shares.1 - shares.0) / (1.0 - shares.1)
    }

    /// Functions that each gave something away for certain, and together what the part took.
    fn several(&self, single: &[Fell]) -> Option<Donor> {
        let mut fell: Vec<&Fell> = single.iter().collect();
        let change = |fell: &Fell| fell.shares.1 - fell.shares.0;
        fell.sort_by(|left, right| change(left).total_cmp(&change(right)));
        let certain = |donor: &(usize, Extent)| {
            let domain = self.domain(&Donor::Functions(vec![*donor]));
            let doubt = doubt_of_payment(&self.samples.measured(&self.stacks, &domain), single.len());
            doubt.is_some_and(|doubt| doubt < CERTAIN)
        };
        let mut left: Vec<(usize, Extent)> =
            fell.iter().take(MOST_MEASURED).map(|fell| fell.donor).filter(certain).collect();
        let mut chosen: Vec<(usize, Extent)> = Vec::new();
        let mut open = self.shares.1 - self.shares.0;
        let enough = GREEDY_STEP * open;
        while chosen.len() < MOST_DONORS {
            let with = |donor: &(usize, Extent)| {
                let union = Donor::Functions(chosen.iter().copied().chain([*donor]).collect());
                let shares = self.candidate(union).shares;
                if shares.0.max(shares.1) > MOST_SHARE { f64::INFINITY } else { self.growth(shares).abs() }
            };
            let best = left.iter().map(with).enumerate().min_by(|(_, left), (_, right)| left.total_cmp(right));
            let Some((index, growth)) = best.filter(|(_, growth)| *growth < open - enough) else { break };
            chosen.push(left.swap_remove(index));
            open = growth;
        }
        (chosen.len() > 1).then_some(Donor::Functions(chosen))
    }

    /// Whether the rise is also paid for when compared with the middle of the functions outside of the domain. Their sum misleads
    /// where one large function among them changed, such as the garbage collector.
    fn middle_agrees(&self, domain: &[bool], shares: (f64, f64)) -> bool {
        let mut own = vec![(0.0, 0.0); self.samples.profile.functions().len()];
        for (index, stack) in self.samples.profile.stacks().enumerate().filter(|(index, _)| !domain[*index]) {
            if let Some(&leaf) = stack.last() {
                own[leaf].0 += self.samples.before[index];
                own[leaf].1 += self.samples.after[index];
            }
        }
        let mut ratios: Vec<(f64, f64)> = own
            .into_iter()
            .filter(|(before, after)| before.max(*after) > 0.0)
            .map(|(before, after)| (after / before, 0.5 * (before + after)))
            .collect();
        if ratios.len() < ENOUGH_FOR_MIDDLE {
            return true;
        }
        ratios.sort_by(|(left, _), (right, _)| left.total_cmp(right));
        let half = 0.5 * ratios.iter().map(|(_, weight)| weight).sum::<f64>();
        let below = ratios.iter().scan(0.0, |sum, (_, weight)| {
            *sum += weight;
            Some(*sum)
        });
        let middle = below.take_while(|sum| *sum < half).count().min(ratios.len() - 1);
        let dilution = 1.0 / ratios[middle].0;
        let (rise, growth) = (dilution * self.shares.1 - self.shares.0, dilution * shares.1 - shares.0);
        dilution.is_finite() && rise > 0.0 && growth <= LEFT_OF_MIDDLE * rise
    }
}

fn is_on(stack: &[usize], function: usize, extent: Extent) -> bool {
    match extent {
        Extent::Inclusive => stack.contains(&function),
        Extent::Own => stack.last() == Some(&function),
    }
}

/// The beginnings of a name, each with the separator at its end: `a::` and `a::b::` of `a::b::c`.
fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    let ends = name
        .char_indices()
        .filter(|(_, letter)| SEPARATORS.contains(letter))
        .map(|(at, letter)| at + letter.len_utf8());
    ends.filter_map(|end| {
        let (prefix, rest) = name.split_at(end);
        // Of `::` the second colon ends the prefix. A name's own brackets are no parts of it.
        let ends_here = !rest.is_empty() && !rest.starts_with(SEPARATORS);
        (ends_here && prefix.contains(char::is_alphanumeric)).then_some(prefix)
    })
}
