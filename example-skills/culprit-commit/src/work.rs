//! What changed lines make a program do: loops, allocation, compilation of patterns, formatting, input and output.
//!
//! A word that is common to many languages is a hint, never a proof, so that each kind of work says little and all of
//! them together not much. The kinds are those that collections of performance bugs find again and again (Jin et al.,
//! "Understanding and Detecting Real-World Performance Bugs", PLDI 2012; Selakovic and Pradel, "Performance Issues and
//! Optimizations in JavaScript", ICSE 2016).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::language::words;

/// Kinds of work: what it is called, how much a line of it speaks (natural logarithm), words that begin or make up an
/// identifier in lower case, and pieces of text.
const KINDS: [(&str, f64, &[&str], &[&str]); 8] = [
    (
        "a loop",
        0.4,
        &["for", "while", "loop", "foreach", "flatmap", "filter", "range", "any", "find"],
        &[".map(", ".each"],
    ),
    (
        "allocation or copying",
        0.3,
        &[
            "clone",
            "copy",
            "deepcopy",
            "to_vec",
            "to_string",
            "to_owned",
            "collect",
            "malloc",
            "append",
            "concat",
            "list",
            "dict",
            "array",
            "from",
            "new",
            "make",
            "push",
            "join",
            "split",
            "slice",
            "string",
        ],
        &["vec!", "String::", "Vec::", "new "],
    ),
    ("compilation of a pattern", 0.8, &["regex", "regexp", "compile", "mustcompile", "pattern"], &["re.compile"]),
    (
        "formatting or logging",
        0.4,
        &[
            "format", "printf", "sprintf", "println", "debug", "trace", "info", "log", "logger", "console", "repr",
            "strftime",
        ],
        &["f\"", "f'", "format!"],
    ),
    (
        "input, output or a query",
        0.6,
        &[
            "open",
            "read",
            "write",
            "fetch",
            "query",
            "execute",
            "request",
            "connect",
            "fsync",
            "flush",
            "read_to_string",
            "stat",
            "recv",
            "send",
            "select",
            "load",
        ],
        &["http", "SELECT "],
    ),
    (
        "hashing or encoding",
        0.5,
        &[
            "hash",
            "sha256",
            "sha1",
            "md5",
            "digest",
            "encrypt",
            "serialize",
            "deserialize",
            "dumps",
            "loads",
            "stringify",
            "parse",
            "encode",
            "decode",
            "marshal",
            "unmarshal",
            "json",
            "checksum",
            "compress",
        ],
        &[],
    ),
    ("sorting", 0.5, &["sort", "sorted", "sort_by", "orderby", "sort_unstable"], &[]),
    ("locking", 0.4, &["lock", "mutex", "synchronized", "rwlock", "acquire", "barrier"], &[]),
];

/// Words whose removal makes a program do something again that it did once.
const SAVERS: [&str; 12] = [
    "cache",
    "cached",
    "memo",
    "memoize",
    "lru_cache",
    "once",
    "lazy",
    "oncecell",
    "lazylock",
    "pool",
    "batch",
    "index",
];

/// How much the most that changed work says.
const CAP: f64 = 1.2;

/// A set of [`KINDS`] by their positions; [`SAVERS`] have the one after them.
type Kinds = u16;
const SAVING: usize = KINDS.len();

/// Which kinds a word speaks of: words are many, and each is looked up in all vocabularies at once.
static VOCABULARY: LazyLock<BTreeMap<&str, Kinds>> = LazyLock::new(|| {
    let mut vocabulary = BTreeMap::new();
    let kinds = KINDS.iter().map(|(_, _, words, _)| *words).chain([&SAVERS[..]]);
    for (kind, word) in kinds.enumerate().flat_map(|(kind, words)| words.iter().map(move |word| (kind, word))) {
        *vocabulary.entry(*word).or_default() |= 1 << kind;
    }
    vocabulary
});

/// What added and removed lines of code say, as a natural logarithm, and which work they add, named for people.
pub fn weigh<'a>(
    added: impl IntoIterator<Item = &'a String>,
    removed: impl IntoIterator<Item = &'a String>,
) -> (f64, Vec<&'static str>) {
    let (added, removed) = (counts(added), counts(removed));
    let mut names = Vec::new();
    let mut sum = 0.0;
    for (kind, (name, weight, ..)) in KINDS.iter().enumerate() {
        match added[kind].cmp(&removed[kind]) {
            std::cmp::Ordering::Greater => {
                sum += weight;
                names.push(*name);
            }
            std::cmp::Ordering::Less => sum -= weight / 2.0,
            std::cmp::Ordering::Equal => {}
        }
    }
    if removed[SAVING] > added[SAVING] {
        sum += 0.6;
        names.push("something that was kept and no longer is");
    }
    (sum.clamp(-CAP / 2.0, CAP), names)
}

/// How many lines speak of each kind.
fn counts<'a>(lines: impl IntoIterator<Item = &'a String>) -> [usize; SAVING + 1] {
    let mut counts = [0; SAVING + 1];
    for line in lines {
        let kinds = kinds(line);
        counts.iter_mut().enumerate().for_each(|(kind, count)| *count += usize::from(kinds >> kind & 1));
    }
    counts
}

/// What a line speaks of.
fn kinds(line: &str) -> Kinds {
    let of = |word: &str| VOCABULARY.get(word).copied().unwrap_or_default();
    let lower = line.to_ascii_lowercase();
    let mut found = 0;
    for word in words(&lower) {
        found |= of(word);
        found |= word.split('_').filter(|part| part.len() > 3).fold(0, |found, part| found | of(part));
    }
    for (kind, (.., pieces)) in KINDS.iter().enumerate() {
        if found >> kind & 1 == 0 && pieces.iter().any(|piece| line.contains(piece)) {
            found |= 1 << kind;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(added: &str, removed: &str) -> f64 {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        weigh(&lines(added), &lines(removed)).0
    }

    #[test]
    fn added_work_speaks_for_and_removed_work_against() {
        assert!(of("let re = Regex::new(PATTERN);", "") > 0.7);
        assert!(of("for x in items:\n  y = x", "") > 0.3);
        assert!(of("", "for x in items:") < 0.0);
        assert!(of("price(item)", "self.cache.get(item)") > 0.5);
        assert_eq!(of("let total = a + b;", "let total = a;"), 0.0);
    }

    #[test]
    fn it_never_says_much() {
        let all = "for while Regex format read sha256 sort lock clone";
        assert!(of(&[all; 50].join("\n"), "") <= CAP && of("", all) >= -CAP);
    }
}
