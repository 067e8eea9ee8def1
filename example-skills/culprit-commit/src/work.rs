//! What changed lines make a program do: loops, allocation, compilation of patterns, formatting, input and output.
//!
//! A word that is common to many languages is a hint, never a proof, so that each kind of work says little and all of
//! them together not much. The kinds are those that collections of performance bugs find again and again (Jin et al.,
//! "Understanding and Detecting Real-World Performance Bugs", PLDI 2012; Selakovic and Pradel, "Performance Issues and
//! Optimizations in JavaScript", ICSE 2016).

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

/// What added and removed lines of code say, as a natural logarithm, and which work they add, named for people.
pub fn weigh(added: &[String], removed: &[String]) -> (f64, Vec<&'static str>) {
    let mut names = Vec::new();
    let mut sum = 0.0;
    for (name, weight, vocabulary, pieces) in KINDS {
        let count = |lines: &[String]| lines.iter().filter(|line| mentions(line, vocabulary, pieces)).count();
        match count(added).cmp(&count(removed)) {
            std::cmp::Ordering::Greater => {
                sum += weight;
                names.push(name);
            }
            std::cmp::Ordering::Less => sum -= weight / 2.0,
            std::cmp::Ordering::Equal => {}
        }
    }
    let saves = |lines: &[String]| lines.iter().filter(|line| mentions(line, &SAVERS, &[])).count();
    if saves(removed) > saves(added) {
        sum += 0.6;
        names.push("something that was kept and no longer is");
    }
    (sum.clamp(-CAP / 2.0, CAP), names)
}

fn mentions(line: &str, vocabulary: &[&str], pieces: &[&str]) -> bool {
    pieces.iter().any(|piece| line.contains(piece))
        || words(line).any(|word| {
            let word = word.to_ascii_lowercase();
            vocabulary.contains(&word.as_str())
                || word.split('_').any(|part| part.len() > 3 && vocabulary.contains(&part))
        })
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
