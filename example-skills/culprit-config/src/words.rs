//! What a key or a name has in common with the functions that got slower.

use std::collections::BTreeSet;

use negawatt_skill::FunctionShift;

use crate::subject::Subject;

/// The functions whose share changed, as words.
#[derive(Debug)]
pub struct Slower {
    /// Of each function whose share rose: its name, how much of the rise is its own (0 to 1), its words.
    risen: Vec<(String, f64, BTreeSet<String>)>,
    /// The words of each function whose share fell.
    fallen: Vec<BTreeSet<String>>,
    service: BTreeSet<String>,
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

/// The words of a name without plural, three letters and more (`gc` as well).
pub fn words(text: &str) -> BTreeSet<String> {
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
    let telling = |word: &String| (3..=40).contains(&word.chars().count()) || word == "gc";
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
        let mut slower = Slower { risen: Vec::new(), fallen: Vec::new(), service: words(service) };
        for shift in shifts {
            if shift.after > shift.before {
                // What it calls counts less: there the rise may begin as well.
                let own = (shift.self_after - shift.self_before).max(0.3 * (shift.after - shift.before));
                slower.risen.push((shift.name.clone(), own, words(&shift.name)));
            } else {
                slower.fallen.push(words(&shift.name));
            }
        }
        let most = slower.risen.iter().map(|(_, own, _)| *own).fold(0.0, f64::max);
        slower.risen.iter_mut().for_each(|(_, own, _)| *own /= most.max(f64::MIN_POSITIVE));
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
            let weight = weight * self.specific(word);
            for (function, own, _) in self.risen.iter().filter(|(_, _, words)| words.contains(word)) {
                if weight * own > tie.strength {
                    tie = Tie { strength: weight * own, shared: Some((word.to_owned(), function.clone())) };
                }
            }
        }
        tie
    }

    /// How well a word tells what got slower from the rest: a package's name is in all functions.
    fn specific(&self, word: &str) -> f64 {
        let part = |having: usize, all: usize| having as f64 / all.max(1) as f64;
        let fallen = part(self.fallen.iter().filter(|words| words.contains(word)).count(), self.fallen.len());
        let risen = part(self.risen.iter().filter(|(_, _, words)| words.contains(word)).count(), self.risen.len());
        let everywhere = self.risen.len() > 3 && risen > 0.9;
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
        assert!(set("gc.x.1").contains("gc") && set("a b c").is_empty());
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
