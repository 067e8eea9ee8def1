//! Outlines of every language, and of texts that are none.

use negawatt_syntax::{Kind, Language, MAX_BYTES, Outline, SyntaxError, outline};

fn of(path: &str, text: &str) -> Outline {
    outline(path, text).expect("there is a grammar")
}

/// The innermost definition around each of the lines.
#[track_caller]
fn check(path: &str, text: &str, expected: &[(u32, &str)]) {
    let outline = of(path, text);
    for &(line, name) in expected {
        let inner = outline.definitions.iter().rev().find(|d| d.first_line <= line && line <= d.last_line);
        let found = inner.map_or("-".to_owned(), |definition| {
            [definition.containers.as_slice(), std::slice::from_ref(&definition.name)].concat().join(".")
        });
        assert_eq!(found, name, "line {line} of\n{text}\n{:#?}", outline.definitions);
    }
}

#[test]
fn rust() {
    let text = r##"use a;
const N: usize = 4;
impl<T: Ord> Price for inner::Cart<T> {
    #[inline]
    pub fn price(
        &self,
    ) -> u64 {
        let s = r#"}"#;
        if a { b } else { c }
    }

    fn other() { 1 }
}
trait T { fn only(&self); }
mod deep {
    pub(crate) async unsafe fn deeper<'a>(x: &'a str) where X: Y {
        const INNER: u8 = 1;
    }
}
mod elsewhere;
#[cfg(test)]
mod tests {
    fn helper() {}
}
macro_rules! twice { ($x:expr) => { $x } }
"##;
    check(
        "a.rs",
        text,
        &[
            (1, "-"),
            (2, "N"),
            (4, "Cart.price"),
            (9, "Cart.price"),
            (11, "Cart"),
            (12, "Cart.other"),
            (14, "T"),
            (17, "deep.deeper"),
            (20, "-"),
            (23, "tests.helper"),
            (25, "twice"),
        ],
    );
    let tests: Vec<_> = of("a.rs", text).definitions.into_iter().filter(|d| d.is_test).map(|d| d.name).collect();
    assert_eq!(tests, ["tests", "helper"]);
}

#[test]
fn python() {
    let text = r#"LIMIT = 10
@app.route('/')
async def index(
    a,
):
    return a

class Cart(Base):
    """Of a customer.

    Twice."""
    x = 1

    @cached
    def total(self):
        def inner(y):
            return y
        z = 2
        return inner(1)

print(1)
"#;
    check(
        "a.py",
        text,
        &[
            (1, "LIMIT"),
            (2, "index"),
            (6, "index"),
            (8, "Cart"),
            (12, "Cart.x"),
            (14, "Cart.total"),
            (17, "Cart.total.inner"),
            (18, "Cart.total"),
            (19, "Cart.total"),
            (21, "-"),
        ],
    );
    assert_eq!(of("a.py", text).comments, [(9, 11)]);
}

#[test]
fn go() {
    let text = "package cart\n\nvar limit = 10\n\ntype Cart[T any] struct {\n\titems []Item\n}\n\nfunc (c *Cart[T]) Price(n int) \
                (int, error) {\n\tfor i := range c.items {\n\t}\n\treturn 0, nil\n}\n\nfunc Apply[T any](x T) T {\n\treturn x\n}\n";
    check("a.go", text, &[(3, "limit"), (6, "Cart"), (10, "Cart.Price"), (13, "Cart.Price"), (14, "-"), (16, "Apply")]);
}

#[test]
fn java() {
    let text = "package com.acme;\npublic class Cart {\n  private static final int LIMIT = 5;\n  @Override\n  public <T> List<T> \
                price(List<T> items)\n      throws IOException {\n    for (T t : items) {\n      use(t);\n    }\n    return \
                compute(items);\n  }\n  Cart(int a) {\n  }\n  @Test void prices() {\n  }\n}\n";
    check(
        "Cart.java",
        text,
        &[(3, "Cart.LIMIT"), (4, "Cart.price"), (9, "Cart.price"), (12, "Cart.Cart"), (14, "Cart.prices")],
    );
    let tests: Vec<_> = of("a.java", text).definitions.into_iter().filter(|d| d.is_test).map(|d| d.name).collect();
    assert_eq!(tests, ["prices"]);
}

#[test]
fn cpp() {
    let text = "#include <a>\n#define TWICE(x) ((x) + (x))\nnamespace ns {\ntemplate <typename T>\nclass Cart {\n  int total() const { \
                return 1; }\n  int later();\n};\nstatic const int limit = 4;\nstd::string Cart<int>::name(const std::string& a,\n    \
                int b) {\n  if (b) { return a; }\n  int local = 3;\n  return a;\n}\nns::Cart::~Cart() {\n}\n}\nstatic int *helper(void)\n\
                {\n  return f(1);\n}\n";
    check(
        "a.cc",
        text,
        &[
            (1, "-"),
            (2, "TWICE"),
            (6, "ns.Cart.total"),
            (7, "ns.Cart"),
            (9, "ns.limit"),
            (10, "ns.Cart.name"),
            (13, "ns.Cart.name"),
            (16, "ns.Cart.~Cart"),
            (20, "helper"),
        ],
    );
}

#[test]
fn javascript_and_typescript() {
    let text = "const LIMIT = 5;\nexport class Cart {\n  async total(a, b) {\n    if (a) {\n      return 1;\n    }\n  }\n  each = (x) \
                => {\n    return x;\n  };\n}\nconst apply = (x) => {\n  return x;\n};\nmodule.exports.render = function (a) {\n  return \
                a;\n};\nexport default async function main() {\n  const inner = 1;\n}\nconst twice = x => x * 2;\nexport const handlers = \
                {\n  'get': async () => {\n    run();\n  },\n};\n";
    let expected = [
        (1, "LIMIT"),
        (5, "Cart.total"),
        (9, "Cart.each"),
        (13, "apply"),
        (16, "render"),
        (19, "main"),
        (21, "twice"),
        (24, "get"),
    ];
    for path in ["a.js", "a.ts", "a.tsx"] {
        check(path, text, &expected);
    }
    let typed = "namespace shop {\n  export interface Item {\n    price: number;\n  }\n  export abstract class Cart<T> {\n    private \
                 total(items: T[]): number {\n      return 0;\n    }\n  }\n}\n@Component({})\nclass View {\n}\n";
    check("a.ts", typed, &[(3, "shop.Item"), (7, "shop.Cart.total"), (12, "View")]);
}

#[test]
fn what_a_function_mentions() {
    let outline = of("a.rs", "const N: usize = 4;\nfn a() { f(N); g::<T>(x.y) }\nfn b() { f(NN) }\n");
    let mentions =
        |name: &str| outline.definitions.iter().find(|d| d.name == name).expect("it is there").mentions.clone();
    assert_eq!(mentions("a"), ["N", "T", "f", "g", "x", "y"]);
    assert_eq!(mentions("b"), ["NN", "f"]);
    assert_eq!(
        outline.definitions.iter().map(|d| d.kind).collect::<Vec<_>>(),
        [Kind::Constant, Kind::Function, Kind::Function]
    );
}

#[test]
fn comments_have_lines_of_their_own_or_none() {
    let text = "// one\n/// two\nfn a() {\n    b(); // three\n    /* four\n    five */ c();\n    /* six\n     */\n}\n";
    assert_eq!(of("a.rs", text).comments, [(1, 2), (5, 5), (7, 8)]);
}

#[test]
fn what_a_grammar_cannot_read_is_passed_over() {
    let broken = "fn a() { let x = ; }\nfn b() { 1 }\n@@@ ???\nfn c() { 2 }\nfn d() {";
    let names: Vec<_> = of("a.rs", broken).definitions.into_iter().map(|d| d.name).collect();
    assert!(["a", "c"].iter().all(|name| names.iter().any(|found| found == name)), "{names:?}");
    for path in ["a.rs", "a.py", "a.go", "a.java", "a.cpp", "a.js", "a.ts", "a.tsx"] {
        for text in ["", "\0\0\0", "}}}}((((", "\u{feff}ä\u{202e}", "\"", "/*", "'''", "R\"(", "`${`${`", "<a><b>"] {
            of(path, text);
        }
    }
}

#[test]
fn refusals_say_why() {
    assert_eq!(outline("a.rb", ""), Err(SyntaxError::NoGrammar("a.rb".into())));
    assert_eq!(Language::of_path("Makefile"), None);
    let long = " ".repeat(MAX_BYTES + 1);
    assert_eq!(outline("a.rs", &long), Err(SyntaxError::TooLong { bytes: MAX_BYTES + 1, most: MAX_BYTES }));
    let functions = |count: usize| outline("a.rs", &"fn f() {}\n".repeat(count));
    assert_eq!(functions(20_000).map(|outline| outline.definitions.len()), Ok(20_000));
    assert_eq!(functions(20_001), Err(SyntaxError::TooMany { what: "definitions", most: 20_000 }));
    assert_eq!(outline("a.cc", &"a<".repeat(80_000)), Err(SyntaxError::TooHard));
}

#[test]
fn nesting_without_end_is_bounded() {
    let nested = |open: &str, close: &str, times: usize| format!("{}{}", open.repeat(times), close.repeat(times));
    let functions = of("a.js", &nested("function f(){", "}", 4_000));
    assert!(functions.definitions.iter().all(|definition| definition.containers.len() <= 16));
    for (path, open, close) in [
        ("a.rs", "fn f(){", "}"),
        ("a.rs", "(", ")"),
        ("a.py", "(", ")"),
        ("a.cpp", "int (", ")"),
        ("a.cpp", "a<", ">"),
        ("a.java", "class A{", "}"),
        ("a.go", "[]", ""),
        ("a.ts", "<T>", ""),
        ("a.tsx", "<a>", "</a>"),
    ] {
        of(path, &nested(open, close, 4_000));
    }
    // Each is inside of the one before, as a value or a type.
    for (path, one) in [("a.py", "a="), ("a.rs", "mod a{"), ("a.java", "class a{")] {
        let deepest = of(path, &one.repeat(20_000)).definitions.len();
        assert!(deepest <= 100, "{path}: {deepest}");
    }
    let indented: String = (0..700).map(|n| format!("{}if x:\n", " ".repeat(n))).collect();
    of("a.py", &indented);
}
