//! The part of PromQL that a metric of an incident can say exactly:
//!
//! ```text
//! name{label="value"}                                  also in rate(…[5m]), increase(…[5m]),
//!                                                      histogram_quantile(0.99, rate(…[5m]))
//! sum by (service) (…)                                 also avg, max, min; all of it compared with a number
//! ```

use negawatt_host::model::{Aggregate, Aggregation, Direction, Label, QuantileTransform, Transform};

use crate::lexer::{Word, words};
use crate::read::LONGEST_TEXT;

/// How many parentheses may be in each other.
const DEEPEST: usize = 20;

/// What an expression says, in the words of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// The metric's name.
    pub name: String,
    /// Labels that select its series.
    pub labels: Vec<Label>,
    /// How samples become the quantity.
    pub transform: Transform,
    /// How series are joined.
    pub aggregate: Option<Aggregate>,
    /// The direction that hurts, where it is compared with a number: an alert about more is about what rises.
    pub worse: Option<Direction>,
}

/// Why an expression cannot be said by a metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsayable(pub String);

type Said<T> = Result<T, Unsayable>;

impl Expression {
    /// Reads an expression; `Err` where it is none, and where it says more than a metric can.
    pub fn parse(text: &str) -> Said<Expression> {
        if text.len() > LONGEST_TEXT {
            return Err(Unsayable("it is too long".to_owned()));
        }
        let mut parser = Parser { words: words(text)?, at: 0 };
        let expression = parser.comparison()?;
        match parser.peek() {
            None => Ok(expression),
            Some(word) => Err(more(word)),
        }
    }
}

fn more(word: &Word) -> Unsayable {
    let shown = match word {
        Word::Name(name) => name.clone(),
        Word::Text(text) => format!("{text:?}"),
        Word::Number(number) => number.to_string(),
        Word::Time(_) => "a length of time".to_owned(),
        Word::Sign(sign) => (*sign).to_owned(),
    };
    Unsayable(format!("it says more than a metric can, or not enough, at `{shown}`"))
}

struct Parser {
    words: Vec<Word>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.at)
    }

    fn next(&mut self) -> Said<Word> {
        let word = self.words.get(self.at).cloned().ok_or_else(|| Unsayable("it ends too early".to_owned()))?;
        self.at += 1;
        Ok(word)
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Word::Sign(found)) if *found == sign)
    }

    fn skip(&mut self, sign: &'static str) -> bool {
        let is = self.is(sign);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, sign: &'static str) -> Said<()> {
        if self.skip(sign) {
            return Ok(());
        }
        match self.peek() {
            None => Err(Unsayable(format!("it ends where `{sign}` should be"))),
            Some(word) => Err(more(word)),
        }
    }

    /// Whether a word comes next, in whatever letters: words of the language are not told apart by them.
    fn skip_word(&mut self, word: &str) -> bool {
        let is = matches!(self.peek(), Some(Word::Name(name)) if name.eq_ignore_ascii_case(word));
        self.at += usize::from(is);
        is
    }

    fn comparison(&mut self) -> Said<Expression> {
        if self.whole_in_parentheses() {
            self.at += 1;
            self.words.pop();
            return self.comparison();
        }
        if self.threshold() {
            let left = self.compares().ok_or_else(|| Unsayable("it is a number".to_owned()))?;
            return Ok(Expression { worse: left.map(opposite), ..self.value(0)? });
        }
        let expression = self.value(0)?;
        let Some(worse) = self.compares() else { return Ok(expression) };
        if !self.threshold() {
            return match self.peek() {
                None => Err(Unsayable("it is compared with nothing".to_owned())),
                Some(word) => Err(more(word)),
            };
        }
        Ok(Expression { worse, ..expression })
    }

    /// Whether one pair of parentheses is around all that is left, as in `(a > 5)`; not in `(a) > (5)`.
    fn whole_in_parentheses(&self) -> bool {
        if !self.is("(") || self.at > DEEPEST {
            return false;
        }
        let mut depth = 0_usize;
        for (at, word) in self.words.iter().enumerate().skip(self.at) {
            match word {
                Word::Sign("(") => depth += 1,
                Word::Sign(")") => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return at + 1 == self.words.len();
            }
        }
        false
    }

    /// A number by itself.
    fn threshold(&mut self) -> bool {
        let from = self.at;
        let _ = self.skip("-") || self.skip("+");
        if matches!(self.peek(), Some(Word::Number(_))) {
            self.at += 1;
            return true;
        }
        self.at = from;
        false
    }

    /// A comparison, and the direction of its left side that it is about.
    fn compares(&mut self) -> Option<Option<Direction>> {
        let directions = [
            (">", Some(Direction::Up)),
            (">=", Some(Direction::Up)),
            ("<", Some(Direction::Down)),
            ("<=", Some(Direction::Down)),
            ("==", None),
            ("!=", None),
        ];
        directions.into_iter().find(|(sign, _)| self.skip(sign)).map(|(_, direction)| direction)
    }

    /// An aggregation, or what is aggregated.
    fn value(&mut self, depth: usize) -> Said<Expression> {
        if depth > DEEPEST {
            return Err(Unsayable("it has too many parentheses".to_owned()));
        }
        if self.skip("(") {
            let expression = self.value(depth + 1)?;
            self.expect(")")?;
            return Ok(expression);
        }
        let operations = [
            ("sum", Aggregation::Sum),
            ("avg", Aggregation::Avg),
            ("max", Aggregation::Max),
            ("min", Aggregation::Min),
        ];
        let named = operations.into_iter().find(|(word, _)| {
            let follows = match self.words.get(self.at + 1) {
                Some(Word::Sign("(")) => true,
                Some(Word::Name(name)) => name.eq_ignore_ascii_case("by"),
                _ => false,
            };
            follows && matches!(self.peek(), Some(Word::Name(name)) if name.eq_ignore_ascii_case(word))
        });
        let Some((_, operation)) = named else { return self.series() };
        self.at += 1;
        let mut by = if self.skip_word("by") { Some(self.label_names()?) } else { None };
        self.expect("(")?;
        let inner = self.value(depth + 1)?;
        self.expect(")")?;
        if by.is_none() && self.skip_word("by") {
            by = Some(self.label_names()?);
        }
        if inner.aggregate.is_some() {
            return Err(Unsayable("it joins series twice".to_owned()));
        }
        Ok(Expression { aggregate: Some(Aggregate { operation, by: by.unwrap_or_default() }), ..inner })
    }

    fn label_names(&mut self) -> Said<Vec<String>> {
        self.expect("(")?;
        let mut names = Vec::new();
        while !self.skip(")") {
            match self.next()? {
                Word::Name(name) if !name.contains(':') => names.push(name),
                other => return Err(more(&other)),
            }
            if !self.is(")") {
                self.expect(",")?;
            }
        }
        Ok(names)
    }

    /// A selector, perhaps in a function over a time.
    fn series(&mut self) -> Said<Expression> {
        let name = match self.next()? {
            Word::Name(name) => name,
            other => return Err(more(&other)),
        };
        if !self.skip("(") {
            return self.selector(name);
        }
        match name.as_str() {
            "rate" => Ok(self.over_time()?.with(Transform::Rate)),
            "increase" => Ok(self.over_time()?.with(Transform::Increase)),
            "histogram_quantile" => {
                let quantile = match self.next()? {
                    Word::Number(quantile) if (0.0..=1.0).contains(&quantile) => quantile,
                    other => return Err(more(&other)),
                };
                self.expect(",")?;
                // Of what the buckets grew by, or of how fast: the quantile is the same.
                match self.next()? {
                    Word::Name(name) if name == "rate" || name == "increase" => self.expect("(")?,
                    other => return Err(more(&other)),
                }
                let inner = self.over_time()?;
                self.expect(")")?;
                Ok(inner.with(|over| Transform::Quantile(QuantileTransform { quantile, over })))
            }
            _ => Err(Unsayable(format!("it calls `{name}`, which a metric cannot"))),
        }
    }

    /// What is in the parentheses of `rate`, and their end.
    fn over_time(&mut self) -> Said<Ranged> {
        let name = match self.next()? {
            Word::Name(name) => name,
            other => return Err(more(&other)),
        };
        let selected = self.selector(name)?;
        self.expect("[")?;
        let over = match self.next()? {
            Word::Time(over) => over,
            other => return Err(more(&other)),
        };
        self.expect("]")?;
        self.expect(")")?;
        Ok(Ranged { selected, over })
    }

    fn selector(&mut self, name: String) -> Said<Expression> {
        let mut labels: Vec<Label> = Vec::new();
        if self.skip("{") {
            while !self.skip("}") {
                let label = match self.next()? {
                    Word::Name(name) if !name.contains(':') && name != "__name__" => name,
                    other => return Err(more(&other)),
                };
                if !self.skip("=") {
                    return Err(Unsayable(format!("the label `{label}` is not compared by =")));
                }
                let value = match self.next()? {
                    Word::Text(value) => value,
                    other => return Err(more(&other)),
                };
                if labels.iter().any(|known| known.name == label) {
                    return Err(Unsayable(format!("the label `{label}` is compared twice")));
                }
                labels.push(Label { name: label, value });
                if !self.is("}") {
                    self.expect(",")?;
                }
            }
        }
        Ok(Expression { name, labels, transform: Transform::None, aggregate: None, worse: None })
    }
}

/// A selector with how far it looks back, in microseconds.
struct Ranged {
    selected: Expression,
    over: u64,
}

impl Ranged {
    fn with(self, transform: impl FnOnce(u64) -> Transform) -> Expression {
        Expression { transform: transform(self.over), ..self.selected }
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Up => Direction::Down,
        Direction::Down => Direction::Up,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000_000;

    fn plain(name: &str, labels: &[(&str, &str)]) -> Expression {
        let label = |(name, value): &(&str, &str)| Label { name: (*name).to_owned(), value: (*value).to_owned() };
        let labels = labels.iter().map(label).collect();
        Expression { name: name.to_owned(), labels, transform: Transform::None, aggregate: None, worse: None }
    }

    fn joined(operation: Aggregation, by: &[&str], of: Expression) -> Expression {
        let by = by.iter().map(|name| (*name).to_owned()).collect();
        Expression { aggregate: Some(Aggregate { operation, by }), ..of }
    }

    #[test]
    fn what_a_metric_can_say_is_read_exactly() {
        let rate = |over| Expression { transform: Transform::Rate(over), ..plain("cpu_seconds_total", &[]) };
        let quantile = Transform::Quantile(QuantileTransform { quantile: 0.99, over: 5 * MINUTE });
        let latency = Expression { transform: quantile, ..plain("latency_bucket", &[("job", "api")]) };
        let compared = |worse, of| Expression { worse, ..of };
        let (up, down) = (Some(Direction::Up), Some(Direction::Down));
        for (text, is) in [
            ("up", plain("up", &[])),
            (
                "job:errors:rate5m{ job = 'a b', zone=\"\", }",
                plain("job:errors:rate5m", &[("job", "a b"), ("zone", "")]),
            ),
            ("((up{}))", plain("up", &[])),
            ("rate(cpu_seconds_total[5m])", rate(5 * MINUTE)),
            (
                "increase(cpu_seconds_total[1h30m])",
                Expression { transform: Transform::Increase(90 * MINUTE), ..plain("cpu_seconds_total", &[]) },
            ),
            ("sum(rate(cpu_seconds_total[5m]))", joined(Aggregation::Sum, &[], rate(5 * MINUTE))),
            (
                "SUM BY (service, zone) ((rate(cpu_seconds_total[5m])))",
                joined(Aggregation::Sum, &["service", "zone"], rate(5 * MINUTE)),
            ),
            ("avg(up) by(job)", joined(Aggregation::Avg, &["job"], plain("up", &[]))),
            ("max by () (up)", joined(Aggregation::Max, &[], plain("up", &[]))),
            ("min by (a,) (up)", joined(Aggregation::Min, &["a"], plain("up", &[]))),
            ("histogram_quantile(0.99, rate(latency_bucket{job=\"api\"}[5m]))", latency.clone()),
            (
                "max by (job) (histogram_quantile(0.99, increase(latency_bucket{job=\"api\"}[5m]))) > 0.5",
                compared(up, joined(Aggregation::Max, &["job"], latency)),
            ),
            ("up > 5", compared(up, plain("up", &[]))),
            ("(up >= -1e3)", compared(up, plain("up", &[]))),
            ("up <= +0.5", compared(down, plain("up", &[]))),
            ("0.5 < up", compared(up, plain("up", &[]))),
            ("0.5>up", compared(down, plain("up", &[]))),
            ("up == 0", plain("up", &[])),
            ("sum", plain("sum", &[])),
            ("rate", plain("rate", &[])),
        ] {
            assert_eq!(Expression::parse(text), Ok(is), "{text}");
        }
    }

    #[test]
    fn what_a_metric_cannot_say_is_not_guessed() {
        for text in [
            "",
            " ",
            "5",
            "5 > 4",
            "5 +",
            "up >",
            "up > up",
            "up > 5 * 2",
            "up > bool 5",
            "up > 5 > 6",
            "a / b",
            "a and b",
            "a or b > 5",
            "a unless b",
            "up offset 5m",
            "up @ 5",
            "up[5m]",
            "{job=\"a\"}",
            "{__name__=\"up\"}",
            "up{job=~\"a\"}",
            "up{job!=\"a\"}",
            "up{job!~\"a\"}",
            "up{job=\"a\",job=\"b\"}",
            "up{__name__=\"x\"}",
            "up{job}",
            "up{job=a}",
            "up{",
            "rate(up)",
            "rate(up[5])",
            "rate(up[0m])",
            "rate(up[5m:1m])",
            "rate(sum(up)[5m])",
            "irate(up[5m])",
            "rate(up[5m], 1)",
            "rate(rate(up[5m])[5m])",
            "sum without (job) (up)",
            "sum by (job) (sum by (job, zone) (up))",
            "sum(up",
            "sum by (job)",
            "sum by job (up)",
            "count(up)",
            "topk(5, up)",
            "quantile(0.9, up)",
            "histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m])))",
            "histogram_quantile(1.5, rate(x[5m]))",
            "histogram_quantile(0.9, x)",
            "absent(up)",
            "up)",
            "up up",
            "-up",
            "predict_linear(up[1h], 60)",
            "time() - up > 5",
            "sum(up) by (a) by (b)",
            "sum by (a) (up) by (b)",
            "up # comment",
            "\"up\"",
            "a.b",
            "é",
        ] {
            let told = Expression::parse(text).expect_err(text).to_string();
            assert!(!told.is_empty());
        }
        for deep in ["(".repeat(100_000) + "up", "(".repeat(5_000) + "up" + &")".repeat(5_000), "sum(".repeat(4_000)] {
            assert!(Expression::parse(&deep).is_err());
        }
    }
}
