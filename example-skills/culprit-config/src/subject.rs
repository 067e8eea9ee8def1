//! What settings are about: words of keys, in which direction a change of the value makes more work, and words of functions
//! that such work shows in.

use std::collections::BTreeSet;

/// In which direction a number makes more work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Less is more work: a smaller cache, a shorter pool.
    Less,
    /// More is more work: a higher limit, a finer log.
    More,
    /// Either can be.
    Either,
}

/// A subject that settings have.
#[derive(Debug)]
pub struct Subject {
    /// Words of keys.
    keys: &'static [&'static str],
    /// In which direction a number makes more work.
    pub harder: Direction,
    /// Words of functions that rise then.
    pub functions: &'static [&'static str],
}

/// In order: the first one that a key names counts, so that `max_pool_size` is a pool.
const SUBJECTS: [Subject; 12] = [
    Subject {
        keys: &["cache", "ttl", "memo", "prefetch"],
        harder: Direction::Less,
        functions: &["cache", "load", "fetch", "miss", "evict", "compute", "insert"],
    },
    Subject {
        keys: &["pool", "connection", "keepalive", "idle"],
        harder: Direction::Less,
        functions: &["pool", "connect", "handshake", "dial", "acquire", "checkout", "wait", "lock"],
    },
    Subject {
        keys: &["batch", "chunk", "buffer", "flush", "interval"],
        harder: Direction::Less,
        functions: &["batch", "flush", "write", "send", "commit"],
    },
    Subject {
        keys: &["heap", "memory", "gc", "xmx", "gogc"],
        harder: Direction::Less,
        functions: &["gc", "mark", "sweep", "collect", "scavenge", "alloc", "evacuate"],
    },
    Subject {
        keys: &["log", "logging", "logger", "verbosity", "debug"],
        harder: Direction::More,
        functions: &["log", "logger", "logging", "format", "print", "append", "record"],
    },
    Subject {
        keys: &["sampling", "sample", "sampler", "trace", "tracing", "profiling", "telemetry"],
        harder: Direction::More,
        functions: &["span", "trace", "sample", "record", "export"],
    },
    Subject {
        keys: &["compression", "compress", "codec", "zstd", "gzip", "quality"],
        harder: Direction::More,
        functions: &["compress", "zstd", "deflate", "gzip", "brotli", "encode"],
    },
    Subject {
        keys: &["tls", "cipher", "encryption", "bcrypt", "argon", "round", "checksum"],
        harder: Direction::More,
        functions: &["encrypt", "decrypt", "hash", "digest", "cipher", "handshake"],
    },
    Subject {
        keys: &["retry", "retries", "attempt", "timeout", "deadline", "backoff"],
        harder: Direction::More,
        functions: &["retry", "backoff", "resend", "wait"],
    },
    Subject {
        keys: &["worker", "thread", "concurrency", "parallelism", "executor", "shard", "replica"],
        harder: Direction::Either,
        functions: &["park", "spin", "schedule", "steal", "lock", "futex"],
    },
    Subject {
        keys: &["max", "limit", "candidate", "depth", "page", "result", "fanout", "percent", "rollout", "level"],
        harder: Direction::More,
        functions: &[],
    },
    Subject {
        keys: &["feature", "flag", "enable", "toggle", "variant", "mode", "algorithm", "strategy", "index"],
        harder: Direction::Either,
        functions: &[],
    },
];

/// What is only looked at by people.
const PRESENTATION: [&str; 18] = [
    "title",
    "text",
    "copy",
    "banner",
    "color",
    "colour",
    "theme",
    "email",
    "description",
    "label",
    "contact",
    "owner",
    "message",
    "locale",
    "logo",
    "font",
    "url",
    "comment",
];

/// The subject of a key's words; absent where no word tells.
pub fn subject(words: &BTreeSet<String>) -> Option<&'static Subject> {
    SUBJECTS.iter().find(|subject| subject.keys.iter().any(|key| words.contains(*key)))
}

/// Whether a key is about what is only looked at.
pub fn is_presentation(words: &BTreeSet<String>) -> bool {
    PRESENTATION.iter().any(|word| words.contains(*word))
}
