//! Patches that look better by touching what measures.

use super::support::*;

const CARGO: &str = "[package]\nname = \"cart\"\n\n[dependencies]\nserde = \"1\"\n\n[profile.release]\nopt-level = 2\n";
const RUST: &str = "pub fn price() -> u64 {\n    let all = load();\n    all.len()\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn fast() {\n        assert!(super::price() < 10);\n    }\n}\n";

fn world() -> World {
    World::new(&[
        ("Cargo.toml", CARGO),
        ("Makefile", "CFLAGS = -O2\n"),
        ("src/price.rs", RUST),
        (
            "src/handler.rs",
            "fn handle() {\n    let start = Instant::now();\n    work();\n    LATENCY.observe(start.elapsed());\n}\n",
        ),
        ("benches/price.rs", "const ROUNDS: u32 = 1000;\n"),
        ("tests/speed.rs", "assert!(seconds < 1.0);\n"),
        (".github/workflows/ci.yml", "run: cargo bench\n"),
    ])
}

#[test]
fn the_code_itself_may_change() {
    let world = world();
    let price = RUST.replace("    let all = load();\n    all.len()", "    count()").replace('"', "'");
    for (path, text) in [("src/price.rs", price.as_str()), ("Cargo.toml", &CARGO.replace("\"1\"", "\"2\""))] {
        let examined = world.examine(&world.patch(&[(path, text)]), &[path]);
        assert!(examined.stands(), "{examined:?}");
    }
}

#[test]
fn what_measures_it_may_not() {
    let world = world();
    for (path, text, why) in [
        ("benches/price.rs", "const ROUNDS: u32 = 10;\n".to_owned(), "`benches/price.rs` is a benchmark"),
        ("tests/speed.rs", "assert!(seconds < 100.0);\n".to_owned(), "`tests/speed.rs` is a test"),
        ("tests/more.rs", "x\n".to_owned(), "`tests/more.rs` is a test"),
        (".github/workflows/ci.yml", "run: true\n".to_owned(), "is of the continuous integration"),
        ("Makefile", "CFLAGS = -O3\n".to_owned(), "is a setting of how the program is built"),
        ("Cargo.toml", CARGO.replace("opt-level = 2", "opt-level = 3"), "its `profile` changes"),
        ("Cargo.toml", format!("{CARGO}lto = true\n"), "its `profile` changes"),
        (
            "Cargo.toml",
            CARGO.replace("[dependencies]", "[profile.bench]\ndebug = 1\n[dependencies]"),
            "its `profile` changes",
        ),
        ("src/price.rs", RUST.replace("< 10", "< 1000"), "line 10 of `src/price.rs` is within a test"),
        ("src/price.rs", RUST.replace("    #[test]\n", ""), "line 8 of `src/price.rs` is within a test"),
        (
            "src/handler.rs",
            "fn handle() {\n    work();\n    let start = Instant::now();\n    LATENCY.observe(start.elapsed());\n}\n"
                .to_owned(),
            "has `Instant::now`",
        ),
        (
            "src/handler.rs",
            "fn handle() {\n    let start = Instant::now();\n    work();\n}\n".to_owned(),
            "line 4 of `src/handler.rs` has `elapsed()`",
        ),
    ] {
        // The evidence of a gaming skill names them, too.
        let examined = world.examine(&world.patch(&[(path, &text)]), &[path]);
        let detail = &failed(&examined, "measurement-untouched").detail;
        assert!(detail.contains(why), "{path}: {detail}");
    }
    std::fs::remove_file(world.checkout().join("tests/speed.rs")).unwrap();
    let examined = world.examine(&world.patch(&[]), &["tests/speed.rs"]);
    failed(&examined, "measurement-untouched");
}

#[test]
fn a_hunk_is_judged_where_it_applies() {
    // It says that it is of line 2, whose context git finds in the tests.
    let world = world();
    let patch = "--- a/src/price.rs\n+++ b/src/price.rs\n@@ -1,3 +1,3 @@\n     fn fast() {\n-        assert!(super::price() < 10);\n+        assert!(super::price() < 99);\n     }\n";
    let examined = world.examine(patch, &["src/price.rs"]);
    let applies = of(&examined, "applies");
    assert!(!examined.stands(), "{examined:?}");
    if applies.outcome == negawatt_actions::guard::Outcome::Passed {
        assert!(failed(&examined, "measurement-untouched").detail.contains("line 10"), "{examined:?}");
    }
}
