use negawatt_skill::changes::{ChangeKind, TouchedFile};

use super::*;

fn diff(path: &str, context: &str, text: &str) -> FileDiff {
    let file = TouchedFile { path: path.into(), old_path: None, kind: ChangeKind::Modified, added: 1, removed: 1 };
    let hunk =
        Hunk { old_start: 10, old_lines: 1, new_start: 10, new_lines: 1, context: context.into(), text: text.into() };
    FileDiff { file, binary: false, hunks: vec![hunk] }
}

fn of(path: &str, context: &str, text: &str) -> Vec<(How, u32, Option<String>, usize)> {
    let edits = edits(&diff(path, context, text), None);
    edits.into_iter().map(|edit| (edit.how, edit.line, edit.function, edit.loops)).collect()
}

#[test]
fn a_new_call_is_told_with_its_function_and_loops() {
    let rust = " fn price(line: &Line) -> u64 {\n     for rule in rules {\n+        info!(\"rule {}\", rule.id);\n         apply(rule);";
    assert_eq!(of("src/cart.rs", "", rust), [(How::Added, 12, Some("price".into()), 1)]);
    let python = "     total = 0\n+    logger.info('total of %s', cart.id)\n     return total";
    assert_eq!(of("cart.py", "def total(cart):", python), [(How::Added, 11, Some("total".into()), 0)]);
    let go = " func (c *Cart) Price() int {\n \tfor _, line := range c.lines {\n+\t\tlog.Printf(\"line %v\", line)";
    assert_eq!(of("cart/cart.go", "", go), [(How::Added, 12, Some("Price".into()), 1)]);
    let java = " public int price(Line line) {\n+    LOG.info(\"line {}\", line);\n     return 1;";
    assert_eq!(of("Cart.java", "", java), [(How::Added, 11, Some("price".into()), 0)]);
    let script = " const price = (line) => {\n   lines.forEach((line) => {\n+    console.log(line);\n   });";
    assert_eq!(of("cart.ts", "", script), [(How::Added, 12, Some("price".into()), 1)]);
    let cpp = " int Cart::Price(const Line& line) {\n+  LOG(INFO) << line.sku;\n   return 1;";
    assert_eq!(of("cart.cc", "", cpp), [(How::Added, 11, Some("Price".into()), 0)]);
}

#[test]
fn a_call_that_runs_more_often_is_known_again_by_what_it_says() {
    let into_loop =
        " fn f() {\n-    info!(\"done {}\", x);\n     for x in y {\n+        info!(\"done {}\", x);\n     }\n }";
    assert_eq!(of("a.rs", "", into_loop), [(How::MovedIntoLoop, 12, Some("f".into()), 1)]);
    let guard =
        " fn f() {\n-    if log_enabled!(Debug) {\n-        debug!(\"done\");\n-    }\n+    debug!(\"done\");\n }";
    assert_eq!(of("a.rs", "", guard), [(How::GuardRemoved, 11, Some("f".into()), 0)]);
    let level = " fn f() {\n-    debug!(\"done\");\n+    info!(\"done\");\n }";
    assert_eq!(of("a.rs", "", level), [(How::LevelRaised, 11, Some("f".into()), 0)]);
}

#[test]
fn what_logs_as_much_as_before_is_no_edit() {
    let moved = " fn f() {\n-    info!(\"done\");\n     g();\n+    info!(\"done\");\n }";
    assert_eq!(of("a.rs", "", moved), []);
    let reworded = " fn f() {\n-    info!(\"done\");\n+    info!(\"all done\");\n }";
    assert_eq!(of("a.rs", "", reworded), []);
    assert_eq!(of("a.rs", "fn f() {", "-    info!(\"done\");"), []);
    assert_eq!(of("a.rs", "fn f() {", "+    // info!(\"done\");\n+    let x = format!(\"y\");"), []);
    assert_eq!(of("tests/a.rs", "fn f() {", "+    info!(\"done\");"), []);
    assert_eq!(of("a.md", "", "+log.info(x)"), []);
    assert_eq!(of("a.rs", "", "+fn log(text: &str) {"), []);
}

#[test]
fn the_whole_file_says_which_function_it_is() {
    let mut hunk = diff("a.rs", "fn before() {", "     x();\n+    info!(\"done\");\n     y();");
    hunk.hunks[0].new_start = 5;
    let file = "fn before() {\n    a();\n}\n\n    x();\n    info!(\"done\");\n";
    assert_eq!(edits(&hunk, Some(file))[0].function.as_deref(), Some("before"));
    let file = "fn before() {\n}\n\nfn here() {\n    x();\n    info!(\"done\");\n    y();\n}";
    let found = edits(&hunk, Some(file));
    assert_eq!((found[0].function.as_deref(), found[0].is_guess), (Some("here"), false));
    assert!(edits(&hunk, None)[0].is_guess);
}

#[test]
fn text_of_any_kind_ends() {
    let flood = "+    info!(\"x\");\n".repeat(20_000);
    assert_eq!(edits(&diff("a.rs", "fn f() {", &flood), Some(&flood)).len(), MOST_CALLS);
    for text in ["", "+", "+(", "+\u{1b}log.info(", "+é.info(é", "\\", "+log.info('", "+log.info(\"\")"] {
        edits(&diff("a.py", text, text), Some(text));
    }
}
