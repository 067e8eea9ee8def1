//! Whole syntax trees of every language, and of texts that are none.

use negawatt_syntax::{ERROR, MAX_NODES, MAX_TREE_BYTES, MISSING, NAMED, SyntaxError, Tree, tree};

const PATHS: [&str; 8] = ["a.rs", "a.py", "a.go", "a.java", "a.cpp", "a.js", "a.ts", "a.tsx"];

fn of(path: &str, text: &str) -> Tree {
    tree(path, text).expect("there is a grammar")
}

/// What must hold of every tree, whatever the text.
#[track_caller]
fn check(tree: &Tree, text: &str) {
    let rows = tree.node_kinds.len();
    for length in [&tree.node_parents, &tree.node_starts, &tree.node_ends].map(Vec::len) {
        assert_eq!(length, rows);
    }
    assert_eq!((tree.node_fields.len(), tree.node_flags.len()), (rows, rows));
    assert_eq!((tree.fields[0].as_str(), tree.node_parents[0], tree.node_fields[0]), ("", 0, 0));
    // Preorder: a node's parent is the row before it, or around that one.
    let mut around: Vec<usize> = Vec::new();
    for row in 0..rows {
        let (start, end) = (tree.node_starts[row] as usize, tree.node_ends[row] as usize);
        assert!(text.get(start..end).is_some(), "row {row}: {start}..{end}");
        assert!(usize::from(tree.node_kinds[row]) < tree.kinds.len(), "row {row}");
        assert!(usize::from(tree.node_fields[row]) < tree.fields.len(), "row {row}");
        assert!(tree.node_flags[row] <= NAMED | ERROR | MISSING);
        let parent = tree.node_parents[row] as usize;
        while around.last().is_some_and(|&inner| inner != parent) {
            around.pop();
        }
        assert!(row == 0 || around.last() == Some(&parent), "row {row} of {parent}");
        around.push(row);
    }
}

/// The named nodes of a tree as an expression: `(kind field:(kind))`.
fn shown(tree: &Tree, row: usize) -> String {
    let children = (row + 1..tree.node_kinds.len())
        .filter(|&at| tree.node_parents[at] as usize == row && tree.node_flags[at] & NAMED != 0);
    let inside: String = children
        .map(|at| match tree.fields[usize::from(tree.node_fields[at])].as_str() {
            "" => format!(" {}", shown(tree, at)),
            field => format!(" {field}:{}", shown(tree, at)),
        })
        .collect();
    format!("({}{inside})", tree.kinds[usize::from(tree.node_kinds[row])])
}

#[test]
fn trees_are_those_of_the_grammar() {
    for (path, text, language, expected) in [
        (
            "a.rs",
            "fn f() { g(1) }",
            "rust",
            "(source_file (function_item name:(identifier) parameters:(parameters) body:(block (call_expression \
             function:(identifier) arguments:(arguments (integer_literal))))))",
        ),
        (
            "a.py",
            "x = f(1)\n",
            "python",
            "(module (expression_statement (assignment left:(identifier) right:(call function:(identifier) \
             arguments:(argument_list (integer))))))",
        ),
        (
            "a.go",
            "package a\nvar x = 1\n",
            "go",
            "(source_file (package_clause (package_identifier)) (var_declaration (var_spec name:(identifier) \
             value:(expression_list (int_literal)))))",
        ),
    ] {
        let tree = of(path, text);
        check(&tree, text);
        assert_eq!((tree.language, shown(&tree, 0).as_str()), (language, expected), "{path}");
    }
    let tree = of("a.rs", "fn f() { a + b }");
    let plus = tree.kinds.iter().position(|kind| kind == "+").expect("signs are nodes");
    let row = tree.node_kinds.iter().position(|&kind| usize::from(kind) == plus).unwrap();
    assert_eq!((tree.node_flags[row], &tree.node_starts[row..=row]), (0, &[11][..]));
}

#[test]
fn any_text_has_a_tree() {
    for path in PATHS {
        for text in
            ["", "\0\0\0", "}}}}((((", "\u{feff}ä\u{202e}", "\"", "/*", "'''", "R\"(", "`${`${`", "<a><b>", "é(ü,"]
        {
            check(&of(path, text), text);
        }
    }
    let broken = of("a.rs", "fn f( {");
    assert!(broken.node_flags.iter().any(|flags| flags & (ERROR | MISSING) != 0), "{broken:?}");
}

#[test]
fn refusals_say_why() {
    assert_eq!(tree("a.rb", ""), Err(SyntaxError::NoGrammar("a.rb".into())));
    let long = " ".repeat(MAX_TREE_BYTES + 1);
    assert_eq!(tree("a.rs", &long), Err(SyntaxError::TooLong { bytes: MAX_TREE_BYTES + 1, most: MAX_TREE_BYTES }));
    assert_eq!(of("a.rs", &long[1..]).node_kinds.len(), 1);
    // Each `;` is two nodes of Rust.
    let statements = |count: usize| tree("a.rs", &";".repeat(count)).map(|tree| tree.node_kinds.len());
    assert_eq!(statements(90_000), Ok(180_001));
    assert_eq!(statements(110_000), Err(SyntaxError::TooMany { what: "nodes", most: MAX_NODES }));
}

#[test]
fn nesting_without_end_is_a_tree_like_any_other() {
    for (path, open, close) in [
        ("a.rs", "fn f(){", "}"),
        ("a.rs", "(", ")"),
        ("a.py", "(", ")"),
        ("a.java", "class A{", "}"),
        ("a.go", "[]", ""),
    ] {
        let text = format!("{}{}", open.repeat(4_000), close.repeat(4_000));
        match tree(path, &text) {
            Ok(tree) => check(&tree, &text),
            Err(error) => assert_eq!(error, SyntaxError::TooHard, "{path} {open}"),
        }
    }
}
