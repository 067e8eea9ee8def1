//! Log calls of many languages, as a line shows them.

use negawatt_skill::words::words;

/// A call that logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// How important what it says is.
    pub level: Level,
    /// From its name on, as it is written.
    pub text: &'a str,
}

/// How important a log line is; the less, the more of them there are, and the likelier it is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For those who look for a fault: mostly switched off.
    Debug,
    /// What happens, and whatever is printed.
    Info,
    /// What is odd, or wrong: seldom reached.
    Warn,
}

/// Names of levels in calls, without what tells how arguments are given (`Infof`, `infow`, `infoln`).
const LEVELS: [(&str, Level); 19] = [
    ("trace", Level::Debug),
    ("debug", Level::Debug),
    ("verbose", Level::Debug),
    ("fine", Level::Debug),
    ("finer", Level::Debug),
    ("finest", Level::Debug),
    ("info", Level::Info),
    ("information", Level::Info),
    ("notice", Level::Info),
    ("log", Level::Info),
    ("print", Level::Info),
    ("event", Level::Info),
    ("warn", Level::Warn),
    ("warning", Level::Warn),
    ("error", Level::Warn),
    ("exception", Level::Warn),
    ("critical", Level::Warn),
    ("severe", Level::Warn),
    ("fatal", Level::Warn),
];
/// Words of what has methods by the names of levels.
const LOGGERS: [&str; 22] = [
    "console",
    "glog",
    "klog",
    "l",
    "log",
    "logger",
    "logging",
    "logrus",
    "loguru",
    "logs",
    "nlog",
    "pino",
    "seelog",
    "serilog",
    "slog",
    "spdlog",
    "structlog",
    "sugar",
    "tracing",
    "winston",
    "zap",
    "zlog",
];
/// Functions that print without being asked for.
const PRINTS: [&str; 9] = ["printf", "fprintf", "println", "eprintln", "print!", "eprint!", "dbg!", "syslog", "nslog"];
/// Bytes of a line that are looked at.
const LONGEST_LINE: usize = 500;

/// The first call of a line that logs, comments left out; absent where none does.
pub fn call<'a>(path: &str, line: &'a str) -> Option<Call<'a>> {
    let text = line.trim();
    let is_comment = ["//", "/*", "* ", "#"].iter().any(|mark| text.starts_with(mark));
    if text.len() > LONGEST_LINE || is_comment {
        return None;
    }
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    while let Some(open) = text[at..].find(['(', '<']).map(|open| at + open) {
        at = open + 1;
        let before = text[..open].trim_end();
        let (before, is_macro) = before.strip_suffix('!').map_or((before, false), |before| (before, true));
        let start = before
            .rfind(|c: char| !is_part(c))
            .map_or(0, |end| end + before[end..].chars().next().map_or(1, char::len_utf8));
        let name = &before[start..];
        let receiver = receiver(&before[..start]);
        if let Some(level) = level(path, name, receiver, is_macro, text[open..].starts_with("<<")) {
            // What is quoted before it began is text, not code.
            let quotes = text[..start].matches('"').count();
            return quotes
                .is_multiple_of(2)
                .then(|| Call { level, text: &text[start - receiver_length(&text[..start], receiver)..] });
        }
    }
    None
}

/// `logger` of `self.logger.`, `log` of `log::`; empty for a function.
fn receiver(before: &str) -> &str {
    let Some(before) = ["::", "->", "."].iter().find_map(|separator| before.strip_suffix(separator)) else { return "" };
    // `logger(name).info(`, `logger.atInfo().log(`
    let before = match before.strip_suffix(')') {
        Some(called) => called.rfind('(').map_or(called, |open| &called[..open]),
        None => before,
    };
    let start = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
    start.map_or(before, |at| &before[at + before[at..].chars().next().map_or(1, char::len_utf8)..])
}

/// Bytes from where a receiver begins to the name, for showing the call whole.
fn receiver_length(before: &str, receiver: &str) -> usize {
    if receiver.is_empty() { 0 } else { before.rfind(receiver).map_or(0, |at| before.len() - at) }
}

fn level(path: &str, name: &str, receiver: &str, is_macro: bool, is_stream: bool) -> Option<Level> {
    let lower = name.to_ascii_lowercase();
    if is_stream {
        return (["cout", "cerr", "clog"].contains(&name)).then_some(Level::Info);
    }
    let with_mark = if is_macro { format!("{lower}!") } else { lower.clone() };
    let of_print = PRINTS.contains(&lower.as_str()) || PRINTS.contains(&with_mark.as_str());
    // Writing to a buffer or an answer is no logging.
    let is_output = receiver.is_empty() || ["out", "err", "fmt", "log", "std"].contains(&receiver);
    if of_print && is_output
        || (lower == "print" && (receiver == "fmt" || receiver.is_empty() && path.ends_with(".py")))
    {
        return Some(Level::Info);
    }
    // `LOG(INFO)`, `LOG_DEBUG(…)`, `SPDLOG_INFO(…)`.
    let is_upper = name.len() > 2 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit());
    if is_upper && receiver.is_empty() {
        let words: Vec<String> = words(name).collect();
        let is_log = words.iter().any(|word| ["log", "spdlog", "vlog", "dlog", "slog"].contains(&word.as_str()));
        let level = words.iter().find_map(|word| named(word)).unwrap_or(Level::Info);
        return is_log.then_some(if lower.starts_with('v') || lower.starts_with('d') { Level::Debug } else { level });
    }
    let level = named(&lower)?;
    let is_logger = words(receiver).any(|word| LOGGERS.contains(&word.as_str()));
    // `info!(…)` is a macro of Rust by itself; `event` and `print` are too many things.
    let alone = is_macro && path.ends_with(".rs") && !["print", "log", "event"].contains(&lower.as_str());
    let is_tracing = receiver == "tracing" || lower != "event";
    ((is_logger && is_tracing && (receiver != "console" || !is_macro)) || alone).then_some(level)
}

fn named(lower: &str) -> Option<Level> {
    let bare = ["ctx", "context", "ln", "f", "w", "s"].iter().find_map(|suffix| lower.strip_suffix(suffix));
    LEVELS.iter().find(|(name, _)| *name == lower || Some(*name) == bare).map(|(_, level)| *level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_many_languages() {
        for (path, line, level) in [
            ("a.rs", "    info!(\"priced {}\", sku);", Some(Level::Info)),
            ("a.rs", "    log::debug!(\"priced {sku}\");", Some(Level::Debug)),
            ("a.rs", "    tracing::event!(Level::INFO, sku);", Some(Level::Info)),
            ("a.rs", "    eprintln!(\"x\");", Some(Level::Info)),
            ("a.rs", "    let text = format!(\"x\");", None),
            ("a.rs", "    let y = x.log(2.0);", None),
            ("a.rs", "    write!(out, \"x\")?;", None),
            ("a.py", "        self.logger.info('priced %s', sku)", Some(Level::Info)),
            ("a.py", "logging.getLogger(__name__).warning('x')", Some(Level::Warn)),
            ("a.py", "print(x)", Some(Level::Info)),
            ("a.py", "math.log(x)", None),
            ("a.go", "\tlog.Printf(\"priced %s\", sku)", Some(Level::Info)),
            ("a.go", "\tlogger.Infow(\"priced\", \"sku\", sku)", Some(Level::Info)),
            ("a.go", "\tzap.L().Debug(\"priced\")", Some(Level::Debug)),
            ("a.go", "\treturn fmt.Errorf(\"x\")", None),
            ("A.java", "LOG.debug(\"priced {}\", sku);", Some(Level::Debug)),
            ("A.java", "System.out.println(sku);", Some(Level::Info)),
            ("A.java", "order.error(x);", None),
            ("a.cc", "LOG(INFO) << sku;", Some(Level::Info)),
            ("a.cc", "VLOG(2) << sku;", Some(Level::Debug)),
            ("a.cc", "SPDLOG_WARN(\"x\");", Some(Level::Warn)),
            ("a.cc", "spdlog::info(\"x\");", Some(Level::Info)),
            ("a.cc", "logger_->info(\"x\");", Some(Level::Info)),
            ("a.cc", "std::cout << sku;", Some(Level::Info)),
            ("a.cc", "std::vector<int> x;", None),
            ("a.ts", "console.log(sku);", Some(Level::Info)),
            ("a.ts", "this.logger.verbose(`x`);", Some(Level::Debug)),
            ("a.ts", "// console.log(sku);", None),
            ("a.ts", "say(\"console.log(x)\");", None),
            ("a.ts", "dialog.info(x);", None),
        ] {
            assert_eq!(call(path, line).map(|call| call.level), level, "{line}");
        }
        assert_eq!(call("a.py", "  self.logger.info('x')").map(|call| call.text), Some("logger.info('x')"));
    }

    #[test]
    fn text_of_any_kind_ends() {
        for line in ["", "(", "é(", "!(", "::(", ".(", "->(", ")(.info(", "\"(", "«log».info(", "log.é(", "<<", "é<<é"]
        {
            for path in ["", "a.rs", "a.py"] {
                call(path, line);
            }
        }
        assert_eq!(call("a.rs", &"info!(".repeat(1_000)), None);
    }
}
