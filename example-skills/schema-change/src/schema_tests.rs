use negawatt_skill::changes::TouchedFile;

use super::*;

fn diff(path: &str, context: &str, text: &str) -> FileDiff {
    let count = |sign| text.lines().filter(|line| line.starts_with(sign)).count() as u32;
    let file = TouchedFile {
        path: path.into(),
        old_path: None,
        kind: ChangeKind::Modified,
        added: count('+'),
        removed: count('-'),
    };
    let hunk =
        Hunk { old_start: 1, old_lines: 1, new_start: 1, new_lines: 1, context: context.into(), text: text.into() };
    FileDiff { file, binary: false, hunks: vec![hunk] }
}

fn names(found: &Touched) -> Vec<&str> {
    found.names.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn schemas_are_known_by_their_paths() {
    for (path, expected) in [
        ("proto/shop/Product.proto", true),
        ("api/openapi.yaml", true),
        ("config/limits.yaml", false),
        ("schema.graphql", true),
        ("db/migrations/0007_reviews.sql", true),
        ("app/migrations/0007_reviews.py", true),
        ("queries/top.sql", false),
        ("vendor/x/a.proto", false),
        ("tests/a.proto", false),
        ("gen/shop.pb.go", false),
        ("README", false),
    ] {
        let found = language(path);
        assert_eq!(found.is_some_and(|found| found != Language::Program), expected, "{path}: {found:?}");
    }
    assert_eq!(language("src/model.rs"), Some(Language::Program));
}

#[test]
fn a_new_field_grows_the_message_around_it() {
    let proto = touched(
        &diff("a.proto", "", " message Product {\n   string sku = 1;\n+  repeated Review reviews = 9;\n }"),
        None,
    )
    .unwrap();
    assert_eq!((proto.effect, names(&proto)), (Effect::Grows, vec!["Product", "Review"]));
    assert_eq!(proto.names[1].1, REFERRED);
    let context = touched(&diff("a.graphql", "type Cart {", "   id: ID!\n+  lines: [Line!]!"), None).unwrap();
    assert_eq!((context.effect, names(&context)), (Effect::Grows, vec!["Cart", "Line"]));
    let sql = touched(&diff("migrations/2.sql", "", "+ALTER TABLE products ADD COLUMN notes text;"), None).unwrap();
    assert_eq!((sql.effect, names(&sql)), (Effect::Grows, vec!["products", "notes", "text"]));
    let fewer = touched(&diff("a.proto", "message A {", "-  string b = 1;"), None).unwrap();
    assert_eq!(fewer.effect, Effect::Shrinks);
    let other = touched(&diff("a.proto", "message A {", "-  int32 b = 1;\n+  string b = 1;"), None).unwrap();
    assert_eq!(other.effect, Effect::Alters);
}

#[test]
fn comments_change_nothing() {
    let proto = touched(&diff("a.proto", "message A {", "-  // Old.\n+  // New.\n+\n   string b = 1;"), None).unwrap();
    assert_eq!(proto.effect, Effect::Nothing);
}

#[test]
fn types_with_tags_are_messages_and_others_are_not() {
    let rust =
        " #[derive(Serialize)]\n pub struct Product {\n     pub sku: String,\n+    pub reviews: Vec<Review>,\n }";
    let found = touched(&diff("src/model.rs", "", rust), None).unwrap();
    assert_eq!((found.effect, names(&found)), (Effect::Grows, vec!["Product"]));
    let go = " type Cart struct {\n-\tID string `json:\"id\"`\n+\tID string `json:\"id\"`\n+\tLines []Line `json:\"lines\"`\n }";
    assert_eq!(names(&touched(&diff("cart.go", "", go), None).unwrap()), ["Cart"]);
    let python = " class Order(BaseModel):\n     id: str\n+    lines: list[Line]";
    assert_eq!(names(&touched(&diff("m.py", "", python), None).unwrap()), ["Order"]);
    let plain = " pub struct Product {\n     sku: String,\n+    hits: u32,\n }";
    assert_eq!(touched(&diff("src/model.rs", "", plain), None), None);
    let inside = " fn f() {\n     let s = serde_json::to_string(&Serialize);\n+    g();\n }";
    assert_eq!(touched(&diff("src/model.rs", "", inside), None), None);
}

#[test]
fn the_whole_file_shows_a_derive_that_the_hunk_does_not() {
    let hunk = diff("src/model.rs", "pub struct Product {", "     pub c: u8,\n+    pub d: u8,\n     pub e: u8,");
    assert!(needs_text(&hunk) && touched(&hunk, None).is_none());
    let mut placed = hunk.clone();
    placed.hunks[0].new_start = 5;
    let file = "#[derive(Serialize)]\npub struct Product {\n    pub a: u8,\n    pub b: u8,\n    pub c: u8,\n    pub d: u8,\n    pub e: u8,\n}";
    assert_eq!(names(&touched(&placed, Some(file)).unwrap()), ["Product"]);
    assert!(!needs_text(&diff("src/model.rs", "", " fn f() {\n+    g(x);\n }")));
    assert!(needs_text(&diff("a.proto", "", "   string a = 1;\n+  string b = 2;")));
    assert!(!needs_text(&diff("a.proto", "", " message A {\n+  string b = 2;")));
}

#[test]
fn text_of_any_kind_ends() {
    let long = format!("+{}", "\u{1b}message {".repeat(100_000));
    let many = "+  string a_field = 1;\n".repeat(50_000);
    for text in ["", "+", "-", "\\", &long, &many, "+\"", "+é: é", "+type"] {
        for path in ["a.proto", "a.rs", "a.graphql", "swagger.json", "migrations/x.py"] {
            let diff = diff(path, text, text);
            touched(&diff, Some(text));
            needs_text(&diff);
        }
    }
    let mut binary = diff("a.proto", "", "");
    binary.hunks.clear();
    binary.file.added = 9;
    assert_eq!(touched(&binary, None).map(|found| found.effect), Some(Effect::Grows));
}
