//! Patches against files with real grammars, and what the languages' own tools say of them.

use memoize::STRATEGY;
use negawatt_test_rewrites::{changed, check, culprits, mitigation, patched, proposed, python, survives};

#[track_caller]
fn becomes(path: &str, before: &str, after: &str, expected: &str, compiles: bool) {
    negawatt_test_rewrites::becomes(&STRATEGY, "shop::cart::price", path, [before, after, expected], compiles);
}

#[track_caller]
fn stays(path: &str, before: &str, after: &str, why: &str) {
    negawatt_test_rewrites::stays(&STRATEGY, "shop::cart::price", path, [before, after], why);
}

/// A program of Python whose loop asks the same in every turn.
const PYTHON: &str = r#"import sys

RATES = {"de": 19, "fr": 20}


def rate(region: str, year: int = 2026) -> float:
    """What is added."""
    total = 0.0
    for letter in region:
        if letter in "aeiou" and year > 2000:
            total += ord(letter) / 100
    return total + RATES.get(region, 7)


def price(lines, region):
    cents = 0
    for line in lines:
        cents += line * rate(region)
    return cents


print(price([1, 2, 3], "de"), price([4], "at"), file=sys.stdout)
"#;

#[test]
fn python_gets_its_own_cache() {
    let before = PYTHON.replace("rate(region)\n", "7\n");
    let expected = PYTHON
        .replace("import sys\n", "import functools\nimport sys\n")
        .replace("def rate", "@functools.lru_cache(maxsize=1024, typed=True)\ndef rate");
    becomes("shop/cart.py", &before, PYTHON, &expected, true);
    assert_eq!(python(PYTHON), python(&expected));
    // A name that is imported already; only texts, which are equal only to texts.
    let short = |text: &str| {
        text.replace("import sys\n", "import sys\nfrom functools import lru_cache\n")
            .replace(", year: int = 2026", "")
            .replace(" and year > 2000", "")
    };
    let expected = short(PYTHON).replace("def rate", "@lru_cache(maxsize=1024)\ndef rate");
    becomes("shop/cart.py", &short(&before), &short(PYTHON), &expected, true);
    assert_eq!(python(&short(PYTHON)), python(&expected));
    let crlf = |text: &str| text.replace('\n', "\r\n");
    becomes("shop/cart.py", &crlf(&short(&before)), &crlf(&short(PYTHON)), &crlf(&expected), true);
}

#[test]
fn what_is_imported_too_late_is_no_help() {
    let late = |text: &str| {
        text.replace("import sys\n", "import sys\n\nsys.exit\n").replace("print(", "import functools\n\nprint(")
    };
    let before = late(&PYTHON.replace("rate(region)\n", "7\n"));
    stays("shop/cart.py", &before, &late(PYTHON), "there is no name, or no place");
}

#[test]
fn a_cache_that_was_taken_off_comes_back() {
    let of = |decorator: &str| {
        format!(
            "import functools\n\n\n{decorator}def price(region: str) -> str:\n    return \"\".join(sorted(region))\n"
        )
    };
    becomes(
        "shop/cart.py",
        &of("@functools.lru_cache(maxsize=None)\n"),
        &of(""),
        &of("@functools.lru_cache(maxsize=1024)\n"),
        true,
    );
    // Another one in its place is none that is gone.
    stays("shop/cart.py", &of("@functools.cache\n"), &of("@functools.lru_cache\n"), "");
}

#[test]
fn what_an_inner_loop_asks_again_is_kept() {
    let nested = |call: &str| {
        format!(
            "import sys\n\n\ndef score(word: str) -> int:\n    return sum(ord(letter) for letter in word)\n\n\n\
             def price(lines, words):\n    for line in lines:\n        for word in words:\n            line.add({call})\n"
        )
    };
    let expected = nested("score(word)")
        .replace("import sys", "import functools\nimport sys")
        .replace("def score", "@functools.lru_cache(maxsize=1024)\ndef score");
    becomes("shop/cart.py", &nested("word"), &nested("score(word)"), &expected, true);
    // Other words in every turn.
    let other = |text: &str| nested(text).replace("in words", "in line.words");
    stays("shop/cart.py", &other("word"), &other("score(word)"), "");
    let inner = |call: &str| {
        RUST.replace("    for line in lines {\n", "    for line in lines {\n        for year in [7, 9] {\n    ")
            .replace("rate(region, 7)", call)
            .replace("        let _", "        }\n        let _")
    };
    let findings = proposed(&STRATEGY, &changed("cart.rs", &inner("7.0"), &inner("rate(region, year)")), &["price"]);
    let mitigation = mitigation(&findings).expect("it is proposed");
    assert!(
        mitigation.patch.as_ref().is_some_and(|patch| patch.contains("+    static RATE_CACHE: ")),
        "{mitigation:?}"
    );
}

const RUST: &str = "//! Prices.\n\nuse std::fmt::Write;\n\n/// What is added.\n#[must_use]\npub fn rate(region: &str, year: u32) -> f64 {\n    \
                    let mut total = 0.0;\n    for letter in region.chars() {\n        total += f64::from(u32::from(letter) % year);\n    }\n    \
                    total\n}\n\n/// All lines.\npub fn price(lines: &[f64], region: &str, out: &mut String) -> f64 {\n    let mut cents = 0.0;\n    \
                    for line in lines {\n        cents += line * rate(region, 7);\n        let _ = write!(out, \"{line}\");\n    }\n    cents\n}\n";

#[test]
fn rust_asks_once_for_all_turns_of_a_loop() {
    let before = RUST.replace("rate(region, 7)", "7.0");
    let expected = RUST
        .replace("    for line in lines", "    let mut rate_once = None;\n    for line in lines")
        .replace("rate(region, 7)", "*rate_once.get_or_insert_with(|| rate(region, 7))");
    becomes("src/cart.rs", &before, RUST, &expected, true);
    let within = |text: &str| text.replace("rate(region, 7);", "rate(region, 7).max(1.0);");
    let expected = within(RUST)
        .replace("    for line in lines", "    let mut rate_once = None;\n    for line in lines")
        .replace("rate(region, 7).max", "(*rate_once.get_or_insert_with(|| rate(region, 7))).max");
    becomes("src/cart.rs", &before, &within(RUST), &expected, true);
}

#[test]
fn rust_keeps_answers_for_a_thread_where_a_loop_is_not_enough() {
    let changed =
        RUST.replace("region: &str, out", "mut region: String, out").replace("rate(region, 7)", "rate(&region, 7)");
    let after = changed.replace("    cents\n", "    region.clear();\n    cents\n");
    let before = after.replace("rate(&region, 7)", "7.0");
    let wrapper = "pub fn rate(region: &str, year: u32) -> f64 {\n    let key = (region.to_owned(), year);\n    \
                   if let Some(kept) = RATE_CACHE.with_borrow(|cache| cache.get(&key).copied()) {\n        return kept;\n    }\n    \
                   let made = rate_uncached(region, year);\n    RATE_CACHE.with_borrow_mut(|cache| {\n        if cache.len() >= 1024 {\n            \
                   cache.clear();\n        }\n        cache.insert(key, made);\n    });\n    made\n}\n\n\
                   fn rate_uncached(region: &str, year: u32) -> f64 {\n";
    let expected = after
        .replace("use std::fmt::Write;\n", "use std::cell::RefCell;\nuse std::collections::HashMap;\nuse std::fmt::Write;\n")
        .replace(
            "/// What is added.\n",
            "thread_local! {\n    static RATE_CACHE: RefCell<HashMap<(String, u32), f64>> = RefCell::new(HashMap::new());\n}\n\n/// What is added.\n",
        )
        .replace("pub fn rate(region: &str, year: u32) -> f64 {\n", wrapper);
    becomes("src/cart.rs", &before, &after, &expected, true);
}

fn go(parameters: &str, call: &str) -> String {
    format!(
        "package cart\n\nimport \"strings\"\n\n// Rate is what is added.\nfunc Rate({parameters}) float64 {{\n\ttotal := 0.0\n\t\
         for _, letter := range strings.ToLower(region) {{\n\t\ttotal += float64(letter)\n\t}}\n\treturn total\n}}\n\n\
         func Price(lines []float64, region string) float64 {{\n\tcents := 0.0\n\tfor _, line := range lines {{\n\t\t\
         cents += line * {call}\n\t}}\n\treturn cents\n}}\n"
    )
}

#[test]
fn go_keeps_answers_behind_a_lock() {
    let after = go("region string", "Rate(region)");
    let imports = "import (\n\t\"strings\"\n\t\"sync\"\n)\n\nvar rateCache = struct {\n\tsync.Mutex\n\tkept map[string]float64\n}\
                   {kept: map[string]float64{}}\n";
    let wrapper = |key: &str, map: &str, arguments: &str, parameters: &str| {
        format!(
            "float64 {{\n\tkey := {key}\n\trateCache.Lock()\n\tkept, ok := rateCache.kept[key]\n\trateCache.Unlock()\n\tif ok {{\n\t\t\
             return kept\n\t}}\n\tkept = rateUncached({arguments})\n\trateCache.Lock()\n\tdefer rateCache.Unlock()\n\t\
             if len(rateCache.kept) >= 1024 {{\n\t\trateCache.kept = map[{map}]float64{{}}\n\t}}\n\trateCache.kept[key] = kept\n\t\
             return kept\n}}\n\nfunc rateUncached({parameters}) float64 {{\n\ttotal"
        )
    };
    let expected = after
        .replace("import \"strings\"\n", imports)
        .replace("float64 {\n\ttotal", &wrapper("region", "string", "region", "region string"));
    becomes("cart/cart.go", &go("region string", "7"), &after, &expected, true);
    let two = go("region string, y int", "Rate(region, 7)");
    let imports = "import (\n\t\"strings\"\n\t\"sync\"\n)\n\ntype rateKey struct {\n\tregion string\n\ty      int\n}\n\nvar rateCache = struct \
                   {\n\tsync.Mutex\n\tkept map[rateKey]float64\n}{kept: map[rateKey]float64{}}\n";
    let expected = two
        .replace("import \"strings\"\n", imports)
        .replace("float64 {\n\ttotal", &wrapper("rateKey{region, y}", "rateKey", "region, y", "region string, y int"));
    becomes("cart/cart.go", &go("region string, y int", "7"), &two, &expected, true);
}

#[test]
fn what_is_not_shown_to_be_pure_stays_and_says_why() {
    let before = PYTHON.replace("rate(region)\n", "7\n");
    let with = |from: &str, to: &str| {
        assert!(PYTHON.contains(from), "{from}");
        PYTHON.replace(from, to)
    };
    for (after, why) in [
        (with("total = 0.0", "total = time.time()"), "it calls `time.time`"),
        (with("total = 0.0", "total = random.random()"), "it calls `random.random`"),
        (with("total = 0.0", "total = 0.0\n    print(region)"), "it calls `print`"),
        (with("total = 0.0", "total = open(region).read()"), "it calls `open"),
        (with("RATES.get(region, 7)", "RATES.pop(region, 7)"), "it calls `RATES.pop`"),
        (with("print(price", "RATES[\"it\"] = 22\nprint(price"), "depends on `RATES`"),
        (with("    total = 0.0", "    global seen\n    seen = region\n    total = 0.0"), "it holds `global statement`"),
        (
            with("region: str, year: int = 2026", "region, year: int = 2026").replace("RATES.get(region, 7)", "7"),
            "need not be a value",
        ),
        (with("year: int = 2026", "year: float = 2026"), "need not be a value"),
        (with("-> float:", "-> list:"), "nobody can change what `rate` gives"),
        (with("def rate", "async def rate").replace("rate(region)\n", "(await rate(region))\n"), "is async"),
    ] {
        let after = after.replace("import sys", "import random\nimport sys\nimport time");
        let before = before.replace("import sys", "import random\nimport sys\nimport time");
        stays("shop/cart.py", &before, &after, why);
    }
    for (from, to, why) in [
        ("f64::from(u32::from(letter) % year)", "f64::from(u32::from(letter) % YEAR.load())", "it calls `YEAR.load`"),
        ("f64::from(u32::from(letter) % year)", "f64::from(YEAR)", "it depends on `YEAR`"),
        ("total +=", "println!(\"x\");\n        total +=", "it uses the macro `println!`"),
        ("total +=", "unsafe { COUNT += 1 };\n        total +=", "it holds `unsafe block`"),
    ] {
        let before = RUST.replace("rate(region, 7)", "7.0").replace("use std", "static mut YEAR: u32 = 1;\nuse std");
        stays(
            "src/cart.rs",
            &before,
            &RUST.replace(from, to).replace("use std", "static mut YEAR: u32 = 1;\nuse std"),
            why,
        );
    }
    for (from, to, why) in [
        ("total := 0.0", "total := rand.Float64()", "it calls `rand.Float64`"),
        ("total := 0.0", "total := base", "it depends on `base`"),
        ("\treturn total", "\tbase = total\n\treturn total", "it changes `base`"),
        ("\treturn total", "\tgo func() {}()\n\treturn total", "it holds `go statement`"),
    ] {
        let head = "import \"math/rand\"\nimport \"strings\"\n\nvar base = rand.Float64()\n";
        let with = |text: String| text.replace("import \"strings\"\n", head);
        stays(
            "cart/cart.go",
            &with(go("region string", "7")),
            &with(go("region string", "Rate(region)").replacen(from, to, 1)),
            why,
        );
    }
}

#[test]
fn without_evidence_nothing_is_said() {
    let before = PYTHON.replace("rate(region)\n", "7\n");
    for after in [
        // The arguments change.
        PYTHON.replace("rate(region)\n", "rate(line.region)\n"),
        PYTHON.replace("    for line in lines:\n", "    for line in lines:\n        region = region.lower()\n"),
        // It is asked once.
        PYTHON.replace("    for line in lines:\n        cents += line * rate(region)", "    cents += rate(region)"),
        // A look-up costs as much as this.
        PYTHON.replace("    total = 0.0\n    for letter in region:\n        if letter in \"aeiou\" and year > 2000:\n            total += ord(letter) / 100\n    return total + RATES.get(region, 7)", "    return year / 7.0"),
        // Cached already.
        PYTHON.replace("import sys", "import functools\nimport sys").replace("def rate", "@functools.cache\ndef rate"),
    ] {
        assert_ne!(after, PYTHON);
        stays("shop/cart.py", &before, &after, "");
    }
    // In the head of a loop it is asked once.
    let head = RUST.replace(
        "for line in lines {\n        cents += line * rate(region, 7);",
        "for line in once(rate(region, 7)) {\n        cents += line;",
    );
    stays("src/cart.rs", &RUST.replace("rate(region, 7)", "7.0"), &head, "");
}

#[test]
fn confidence_is_the_suspects_times_the_place_times_how_sure_it_is() {
    let before = PYTHON.replace("rate(region)\n", "7\n");
    let repository = changed("cart.py", &before, PYTHON);
    for (function, place) in [("price (cart.py:16)", 0.9), ("rate (cart.py:6)", 0.9), ("other", 0.7)] {
        let findings = proposed(&STRATEGY, &repository, &[function]);
        assert!((findings[0].confidence - 0.9 * place * 0.85).abs() < 1e-9, "{function}: {}", findings[0].confidence);
    }
    let summary = &proposed(&STRATEGY, &repository, &[])[0].summary;
    assert_eq!(
        summary,
        "Keep the last 1024 answers of `rate`, which is asked the same in every turn of the loop in line 17, in line 18 of cart.py."
    );
}

#[test]
fn what_the_generator_writes_is_left_alone_or_a_program() {
    // Its functions take records, which are no keys.
    for (repository, path, function) in culprits(4_000..4_015) {
        let findings = proposed(&STRATEGY, &repository, &[&function]);
        if let Some(mitigation) = mitigation(&findings) {
            check(&path, &patched(&repository, &path, mitigation), false);
        }
    }
}

#[test]
fn torn_files_and_bent_trees_are_survived() {
    survives(&STRATEGY, "price", "cart.py", &PYTHON.replace("rate(region)\n", "7\n"), PYTHON);
    survives(&STRATEGY, "price", "cart.rs", &RUST.replace("rate(region, 7)", "7.0"), RUST);
    survives(
        &STRATEGY,
        "Price",
        "cart.go",
        &go("region string, y int", "7"),
        &go("region string, y int", "Rate(region, 7)"),
    );
}
