//! What a key or a name has in common with the functions that got slower.

use std::collections::{BTreeMap, BTreeSet};

use negawatt_skill::FunctionShift;
use negawatt_skill::words::is_number;

use crate::subject::Subject;

/// The functions whose share changed, by their words: names may be thousands.
#[derive(Debug)]
pub struct Slower {
    /// Of each function whose share rose: its name, and how much of the rise is its own (0 to 1).
    risen: Vec<(String, f64)>,
    fallen: usize,
    words: BTreeMap<String, Functions>,
    service: BTreeSet<String>,
}

/// The functions that have a word.
#[derive(Debug, Default)]
struct Functions {
    risen: usize,
    fallen: usize,
    /// Of those that rose the one where most of the rise is.
    most: Option<usize>,
}

/// What a name has to do with what got slower.
#[derive(Debug, Clone, PartialEq)]
pub struct Tie {
    /// How well the words single out where the rise is, from 0 to 1.
    pub strength: f64,
    /// The word and the function that it is in.
    pub shared: Option<(String, String)>,
}

/// Words that every kind of key has, and some functions too.
const COMMON: [&str; 34] = [
    "feature", "flag", "enable", "enabled", "disable", "config", "setting", "default", "service", "server", "client",
    "max", "min", "size", "limit", "count", "timeout", "second", "level", "use", "get", "set", "new", "value", "rate",
    "run", "main", "com", "org", "net", "src", "lib", "app", "the",
];

/// Letters of the longest text that is read.
const LONGEST: usize = 2000;

/// The words of a name without plural and numbers, three letters and more (`gc` as well).
pub fn words(text: &str) -> BTreeSet<String> {
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
    let telling = |word: &String| (3..=40).contains(&word.chars().count()) && !is_number(word) || word == "gc";
    negawatt_skill::words::words(&text[..end]).map(singular).filter(telling).collect()
}

fn singular(mut word: String) -> String {
    if word.len() > 4 && word.ends_with('s') && !word.ends_with("ss") {
        word.pop();
    }
    word
}

impl Slower {
    /// From evidence; absent where no function's share rose.
    pub fn new<'a>(shifts: impl Iterator<Item = &'a FunctionShift>, service: &str) -> Option<Slower> {
        let mut slower = Slower { risen: Vec::new(), fallen: 0, words: BTreeMap::new(), service: words(service) };
        for shift in shifts {
            let rose = shift.after > shift.before;
            // What it calls counts less: there the rise may begin as well.
            let own = (shift.self_after - shift.self_before).max(0.3 * (shift.after - shift.before));
            for word in words(&shift.name) {
                let functions = slower.words.entry(word).or_default();
                if !rose {
                    functions.fallen += 1;
                    continue;
                }
                functions.risen += 1;
                if functions.most.is_none_or(|most| own > slower.risen[most].1) {
                    functions.most = Some(slower.risen.len());
                }
            }
            if rose {
                slower.risen.push((shift.name.clone(), own));
            } else {
                slower.fallen += 1;
            }
        }
        let most = slower.risen.iter().map(|(_, own)| *own).fold(0.0, f64::max);
        slower.risen.iter_mut().for_each(|(_, own)| *own /= most.max(f64::MIN_POSITIVE));
        (!slower.risen.is_empty()).then_some(slower)
    }

    /// How a name's words tie it to what got slower; of a setting also by its subject.
    pub fn tie(&self, name: &BTreeSet<String>, subject: Option<&Subject>) -> Tie {
        /// A word that belongs to the subject is a weaker tie than the same word.
        const SUBJECT: f64 = 0.3;
        let mut tie = Tie { strength: 0.0, shared: None };
        let own = name.iter().filter(|word| !COMMON.contains(&word.as_str())).map(|word| (word.as_str(), 1.0));
        let related = subject.into_iter().flat_map(|subject| subject.functions).map(|word| (*word, SUBJECT));
        for (word, weight) in own.chain(related) {
            let Some(functions) = self.words.get(word) else { continue };
            let Some((function, own)) = functions.most.map(|most| &self.risen[most]) else { continue };
            let strength = weight * self.specific(word, functions) * own;
            if strength > tie.strength {
                tie = Tie { strength, shared: Some((word.to_owned(), function.clone())) };
            }
        }
        tie
    }

    /// How well a word tells what got slower from the rest: a package's name is in all functions.
    fn specific(&self, word: &str, functions: &Functions) -> f64 {
        let part = |having: usize, all: usize| having as f64 / all.max(1) as f64;
        let fallen = part(functions.fallen, self.fallen);
        let everywhere = self.risen.len() > 3 && part(functions.risen, self.risen.len()) > 0.9;
        let service = self.service.contains(word);
        (1.0 - fallen) * if everywhere { 0.3 } else { 1.0 } * if service { 0.3 } else { 1.0 }
    }
}

impl Tie {
    /// How much likelier such a tie is of a cause than of anything else that went live: natural logarithm.
    ///
    /// Of causes about half bear a word of what they slow down; of others it is as frequent as parts of a program are many.
    pub fn log_odds(&self) -> f64 {
        const WITHOUT: f64 = 0.5;
        const WITH: f64 = 8.0;
        (WITHOUT + (WITH - WITHOUT) * self.strength).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift(name: &str, before: f64, after: f64) -> FunctionShift {
        FunctionShift { name: name.into(), before, after, self_before: before, self_after: after, p_value: 1e-4 }
    }

    fn set(text: &str) -> BTreeSet<String> {
        words(text)
    }

    #[test]
    fn words_of_names() {
        let expected: Vec<String> = ["cache", "loyalty", "point", "ttl"].map(String::from).to_vec();
        assert_eq!(set("loyaltyPoints.cache_ttl-v2/").into_iter().collect::<Vec<_>>(), expected);
        assert!(set("gc.x.1").contains("gc") && set("a b c 2024").is_empty());
        assert!(set("shard12.batch").contains("shard"), "of several alike each may have a number");
    }

    #[test]
    fn a_word_of_what_got_slower_speaks_and_a_package_does_not() {
        let shifts = [
            shift("acme::orders::pricing::apply", 0.1, 0.3),
            shift("acme::orders::db::query", 0.5, 0.4),
            shift("acme::orders::serve", 0.4, 0.3),
        ];
        let slower = Slower::new(shifts.iter(), "orders").unwrap();
        let of = |name: &str| slower.tie(&set(name), crate::subject::subject(&set(name))).log_odds();
        assert!(of("pricing.rules.enabled") > 1.5);
        assert!(of("acme.orders.banner") < -0.5 && of("db.pool_size") < 0.0);
        assert_eq!(Slower::new(shifts[1..].iter(), "orders").map(|_| ()), None);
    }

    #[test]
    fn a_subject_shows_in_functions() {
        let shifts = [shift("log::Logger::write", 0.01, 0.2), shift("serve", 0.9, 0.7)];
        let slower = Slower::new(shifts.iter(), "shop").unwrap();
        let name = set("verbosity");
        let tie = slower.tie(&name, crate::subject::subject(&name));
        assert!(tie.strength > 0.2 && tie.log_odds() > 0.5, "{tie:?}");
    }
}
