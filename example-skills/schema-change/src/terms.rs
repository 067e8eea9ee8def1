//! How the names of messages and of what got slower are tied: by their words.

use std::collections::HashMap;

use negawatt_skill::words::{is_number, words};

use crate::frames::{Regressed, serialises};

/// Words that messages have in common: they name none.
const COMMON: [&str; 36] = [
    "api", "async", "body", "client", "common", "core", "data", "default", "dto", "entity", "event", "get", "info",
    "input", "internal", "item", "list", "main", "message", "model", "output", "page", "payload", "proto", "read",
    "record", "request", "response", "result", "schema", "server", "service", "type", "util", "value", "write",
];
/// What the word of a function counts that rose and does not serialise itself: it is above one that does, or beside it.
const BESIDE: f64 = 0.6;
/// What the word of an endpoint counts.
const ENDPOINT: f64 = 0.7;
/// Words of a name that are looked at.
const MOST_WORDS: usize = 24;

/// The words of what got slower, each with how much it counts and where it is from.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    words: HashMap<String, (f64, String)>,
    service: Vec<String>,
}

/// What ties a name to what got slower.
#[derive(Clone, Debug, PartialEq)]
pub struct Tie {
    /// From 0 to 1.
    pub strength: f64,
    /// The function or the endpoint that has the words; empty where none has.
    pub with: String,
}

impl Terms {
    /// The words of the risen functions, without those of the service, which all of its code may have.
    pub fn new(regressed: &Regressed, service: &str) -> Terms {
        let mut terms = Terms { words: HashMap::new(), service: words(service).map(singular).collect() };
        for risen in &regressed.risen {
            let weight = if risen.serialises > 0.0 { risen.serialises.max(BESIDE) } else { BESIDE };
            terms.add(&risen.name, weight * risen.part);
        }
        terms
    }

    /// Adds an endpoint with the part of the regression that it carries.
    pub fn add_endpoint(&mut self, name: &str, share: f64) {
        self.add(name, ENDPOINT * share.clamp(0.0, 1.0));
    }

    fn add(&mut self, name: &str, weight: f64) {
        for word in self.telling(name) {
            let known = self.words.entry(word).or_insert_with(|| (0.0, String::new()));
            if weight > known.0 {
                *known = (weight, name.to_owned());
            }
        }
    }

    /// How well a name's words are among them: the mean of what each counts.
    pub fn tie(&self, name: &str) -> Tie {
        let telling: Vec<String> = self.telling(name);
        let known: Vec<&(f64, String)> = telling.iter().filter_map(|word| self.words.get(word)).collect();
        let strength = known.iter().map(|(weight, _)| weight).sum::<f64>() / telling.len().max(1) as f64;
        let most = known.into_iter().max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)));
        Tie { strength, with: most.map(|(_, with)| with.clone()).unwrap_or_default() }
    }

    /// The words of a name that tell it from others, in the singular.
    fn telling(&self, name: &str) -> Vec<String> {
        let tells = |word: &String| {
            word.len() > 2
                && !is_number(word)
                && serialises(word) == 0.0
                && !COMMON.contains(&word.as_str())
                && !self.service.contains(word)
        };
        let mut telling: Vec<String> = words(name).take(MOST_WORDS).map(singular).filter(tells).collect();
        telling.sort();
        telling.dedup();
        telling
    }
}

fn singular(word: String) -> String {
    match word.strip_suffix("ies") {
        Some(stem) if stem.len() > 1 => format!("{stem}y"),
        _ if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") => word[..word.len() - 1].to_owned(),
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use negawatt_skill::FunctionShift;

    use super::*;

    fn terms() -> Terms {
        let shift = |name: &str, after: f64| FunctionShift {
            name: name.into(),
            before: 0.1,
            after,
            self_before: 0.0,
            self_after: 0.0,
            p_value: 1e-9,
        };
        let shifts = [
            shift("shop::http::serve", 0.4),
            shift("shop::wire::serialize_product", 0.4),
            shift("shop::cart::sum", 0.11),
        ];
        Terms::new(&Regressed::new(shifts.iter()).unwrap(), "shop")
    }

    #[test]
    fn messages_are_tied_by_their_words() {
        let terms = terms();
        let strength = |name: &str| terms.tie(name).strength;
        assert!((strength("Product") - 1.0).abs() < 1e-9 && (strength("ProductsResponse") - 1.0).abs() < 1e-9);
        assert!((0.3..0.7).contains(&strength("ProductReview")), "{}", strength("ProductReview"));
        assert!(strength("Cart") < 0.1, "it hardly rose");
        assert_eq!((strength("Shop"), strength("Response"), strength(""), strength("Invoice")), (0.0, 0.0, 0.0, 0.0));
        assert_eq!(terms.tie("Product").with, "shop::wire::serialize_product");
    }

    #[test]
    fn endpoints_count_by_their_share() {
        let mut terms = terms();
        terms.add_endpoint("invoices", 0.5);
        assert!((terms.tie("Invoice").strength - 0.35).abs() < 1e-9);
        terms.add_endpoint(&"x_".repeat(100_000), f64::INFINITY);
    }
}
