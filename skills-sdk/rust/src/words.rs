//! The words of names, which tell what a metric measures and what settings, messages and functions have in common.

/// The words of a name or a text, in order and in lower case: `http_requestDuration.p99` has `http`, `request`, `duration` and `p99`.
///
/// A word is made of letters and digits. A capital begins another one after a small letter (`cpuTime`), and where two small
/// letters follow it (`HTTPServer`; but the `s` of `CPUs` belongs to it). One that ends in digits comes without them, too: of
/// several alike each may have a number, as `cpu0` has. What is all digits is a word like any other; [`is_number`] tells.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(|letter: char| !letter.is_alphanumeric()).flat_map(by_capitals);
    parts.flat_map(with_and_without_number).map(str::to_lowercase)
}

/// Whether a word is all digits: it names nothing.
pub fn is_number(word: &str) -> bool {
    word.chars().all(|letter| letter.is_ascii_digit())
}

fn with_and_without_number(word: &str) -> impl Iterator<Item = &str> {
    let name = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
    std::iter::once(word).chain((name.len() < word.len() && !name.is_empty()).then_some(name))
}

/// The parts of letters and digits without anything in between.
fn by_capitals(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let (word, next) = rest.split_at(first_word(rest));
        rest = next;
        (!word.is_empty()).then_some(word)
    })
}

/// How many bytes the first word has.
fn first_word(name: &str) -> usize {
    let mut after_small = false;
    for (at, letter) in name.char_indices() {
        let before_small = || name[at..].chars().skip(1).take(2).filter(|next| next.is_lowercase()).count() == 2;
        if at > 0 && letter.is_uppercase() && (after_small || before_small()) {
            return at;
        }
        after_small = letter.is_lowercase();
    }
    name.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_styles_have_words() {
        for (name, expected) in [
            ("http_request_duration_seconds", "http request duration seconds"),
            ("Latency.Mean", "latency mean"),
            ("cpuTime", "cpu time"),
            ("CPUUtilization", "cpu utilization"),
            ("totalCPU", "total cpu"),
            ("HTTPServer::parseJSONBody", "http server parse json body"),
            ("activeCPUs", "active cpus"),
            ("sha256Digest", "sha256 sha digest"),
            ("loyaltyPoints.cache_ttl-v2/", "loyalty points cache ttl v2 v"),
            ("host-CPU0.1", "host cpu0 cpu 1"),
            ("shop::<Cart as Price>::price", "shop cart as price price"),
            ("größeÄndern", "größe ändern"),
            ("A b C_D", "a b c d"),
            ("", ""),
            ("-- __ ", ""),
        ] {
            assert_eq!(words(name).collect::<Vec<_>>().join(" "), expected, "{name}");
        }
    }

    #[test]
    fn numbers_name_nothing() {
        assert!(is_number("2024") && !is_number("2024q1") && !is_number("v2"));
    }

    #[test]
    fn long_texts_take_no_longer_than_they_must() {
        assert_eq!(words(&"aB".repeat(200_000)).count(), 200_001);
        assert_eq!(words(&"A".repeat(400_000)).count(), 1);
    }
}
