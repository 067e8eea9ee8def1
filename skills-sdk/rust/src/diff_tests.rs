use super::*;
use crate::changes::{ChangeKind, TouchedFile};

fn hunk(old_start: u32, new_start: u32, text: &str) -> Hunk {
    Hunk { old_start, old_lines: 0, new_start, new_lines: 0, context: String::new(), text: text.into() }
}

#[test]
fn lines_have_the_numbers_of_both_sides() {
    let hunk = hunk(7, 9, " a\n-b\n+c\n+d\n\n\\ No newline at end of file");
    let seen: Vec<_> = lines(&hunk).map(|line| (line.sign, line.old, line.new, line.text)).collect();
    assert_eq!(
        seen,
        [
            (Sign::Kept, Some(7), Some(9), "a"),
            (Sign::Removed, Some(8), None, "b"),
            (Sign::Added, None, Some(10), "c"),
            (Sign::Added, None, Some(11), "d"),
            (Sign::Kept, Some(9), Some(12), ""),
        ]
    );
}

#[test]
fn what_does_not_fit_is_left_out() {
    let diff = |path: &str, bytes: usize| FileDiff {
        file: TouchedFile { path: path.into(), old_path: None, kind: ChangeKind::Modified, added: 1, removed: 0 },
        binary: false,
        hunks: vec![hunk(1, 1, &"+".repeat(bytes))],
    };
    let diffs = [diff("a", 4), diff("huge", 50), diff("b", 6), diff("c", 1), diff("d", 0)];
    let paths = |files| bounded(&diffs, files, 10).map(|diff| diff.file.path.as_str()).collect::<Vec<_>>();
    assert_eq!((paths(9), paths(2)), (vec!["a", "b", "d"], vec!["a"]));
}

#[test]
fn definitions_of_many_languages_have_names() {
    for (path, line, name) in [
        ("a.rs", "pub(crate) async fn price<T>(line: &T) -> u64 {", Some("price")),
        ("a.rs", "let price = f(x);", None),
        ("a.py", "    async def total(self, *args):", Some("total")),
        ("a.py", "print(x)", None),
        ("a.go", "func (c *Cart) Price(x int) int {", Some("Price")),
        ("a.go", "func main() {", Some("main")),
        ("a.go", "if x := f(); x {", None),
        ("a.ts", "export async function load(id: string) {", Some("load")),
        ("a.ts", "const load = async (id) => {", Some("load")),
        ("a.ts", "  render(page) {", Some("render")),
        ("a.ts", "  page.render(x);", None),
        ("a.ts", "  items.forEach((item) => {", None),
        ("A.java", "public static <T> List<T> sorted(Collection<T> all) throws IOException {", Some("sorted")),
        ("A.java", "for (Item item : items) {", None),
        ("A.java", "} else if (x) {", None),
        ("A.java", "return price(", None),
        ("a.cc", "std::string Cart::Render(const Page& page,", Some("Render")),
        ("a.cc", "LOG(INFO) << x;", None),
        ("a.kt", "override fun price(): Int {", Some("price")),
        ("a.php", "public function price() {", Some("price")),
    ] {
        assert_eq!(function_name(path, line), name, "{line}");
    }
}

fn of(path: &str, text: &str, context: &str) -> (Vec<String>, Option<String>, bool) {
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.contains("HERE")).unwrap();
    let around = around(path, &lines, at, context);
    (around.blocks.iter().map(ToString::to_string).collect(), around.function.map(str::to_owned), around.is_guess)
}

#[test]
fn blocks_and_the_function_are_found_by_indentation() {
    let rust = "fn before() {\n    other();\n}\n\nfn f(\n    a: u32,\n) -> u32\nwhere\n    u32: Sized,\n{\n    for x in y {\n\n        // if\n        HERE;\n";
    let (blocks, function, guess) = of("a.rs", rust, "fn before() {");
    assert_eq!((blocks[0].as_str(), function.as_deref(), guess), ("for x in y {", Some("f"), false));
    let python =
        "def f(\n    a,\n):\n    x = 1\n    while x:\n        if x:\n            y()\n        else:\n            HERE";
    assert_eq!(of("a.py", python, ""), (vec!["else:".into(), "while x:".into(), "):".into()], Some("f".into()), false));
    let allman = "int f(int a)\n{\n    HERE;\n}";
    assert_eq!(of("a.c", allman, "").1.as_deref(), Some("f"));
    let outside = "fn f() {\n    x();\n}\nconst HERE: u32 = 1;";
    assert_eq!(of("a.rs", outside, "fn f() {"), (vec![], None, false));
}

#[test]
fn the_context_is_a_guess() {
    assert_eq!(of("a.rs", "    x();\n    HERE;", "fn f() {"), (vec![], Some("f".into()), true));
    assert_eq!(of("a.rs", "    x();\n    HERE;", ""), (vec![], None, false));
    assert_eq!(of("a.rs", "    fn g() {\n        HERE;", "fn f() {"), (vec![], Some("g".into()), false));
}

#[test]
fn text_of_any_kind_ends() {
    let deep: String = (0..500).map(|depth| " ".repeat(depth) + "{\n").collect::<String>() + &" ".repeat(600) + "HERE";
    assert_eq!(of("a.js", &deep, "").0.len(), MOST_BLOCKS);
    for path in ["", "/", ".", "a.", "a.rs", "a.go", "a.ts", "é.py"] {
        for line in ["", "(", "fn", "fn ", "func (", "func", "=", "a = (", "é(é) {", "function", "\u{1b}(", "def é("]
        {
            function_name(path, line);
            around(path, &[line, line], 1, line);
            around(path, &[], 7, line);
        }
    }
    assert_eq!(lines(&hunk(u32::MAX, u32::MAX, "+a\n+b\n-c\n-d")).count(), 4);
}
