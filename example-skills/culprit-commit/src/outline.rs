//! Where the functions of a file begin and end.

use crate::definition::{Definition, Kind, announced};
use crate::language::{Language, code_lines, indentation};

/// The definitions of a file in order of their first lines.
#[derive(Debug, Default)]
pub struct Outline {
    definitions: Vec<Definition>,
    code: Vec<String>,
}

impl Outline {
    /// Reads a whole file.
    pub fn of(text: &str, language: Language) -> Outline {
        let code = code_lines(text, language);
        let mut definitions: Vec<Definition> = Vec::new();
        let mut test_next = false;
        for at in 0..code.len() {
            let line = &code[at];
            if line.trim_start().starts_with("#[") || line.trim_start().starts_with('@') {
                let line = line.to_ascii_lowercase();
                test_next |= line.contains("test");
            }
            let Some(found) = announced(line, language) else {
                test_next &= line.trim().is_empty() || line.trim_start().starts_with(['#', '@']);
                continue;
            };
            let Some(last) = end_of(&code, at, found.kind, language) else { continue };
            let around = definitions.iter().filter(|other| other.first <= at && at <= other.last);
            let mut containers: Vec<String> = Vec::new();
            let mut test = std::mem::take(&mut test_next);
            for other in around {
                // Of nested definitions the inner ones come later.
                test |= other.test;
                if other.kind != Kind::Constant {
                    containers.push(other.name.clone());
                }
            }
            containers.extend(found.receiver);
            definitions.push(Definition { name: found.name, kind: found.kind, containers, first: at, last, test });
        }
        Outline { definitions, code }
    }

    /// The innermost definition around a line (from 0): a function before a constant before a type.
    pub fn around(&self, line: usize) -> Option<&Definition> {
        let inside = || self.definitions.iter().rev().filter(|d| d.first <= line && line <= d.last);
        let of = |kind: Kind| inside().find(move |definition| definition.kind == kind);
        of(Kind::Function).or_else(|| of(Kind::Constant)).or_else(|| of(Kind::Type))
    }

    /// Functions that mention a name, apart from those within the lines that define it.
    pub fn users<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Definition> {
        self.definitions.iter().filter(move |definition| {
            definition.kind == Kind::Function
                && self.code[definition.first..=definition.last]
                    .iter()
                    .any(|line| line.contains(name) && crate::language::words(line).any(|word| word == name))
        })
    }

    /// Whether a line (from 0) holds code, rather than nothing or a comment. Lines beyond the end do.
    pub fn is_code(&self, line: usize) -> bool {
        self.code.get(line).is_none_or(|line| !line.trim().is_empty())
    }

    /// All definitions.
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }
}

/// The last line (from 0) of what a line announces; `None` if it is only declared there.
fn end_of(code: &[String], first: usize, kind: Kind, language: Language) -> Option<usize> {
    if language.by_indentation() {
        return Some(end_by_indentation(code, first, language));
    }
    // Signatures are short; what opens no block within them is none.
    const SIGNATURE_LINES: usize = 40;
    let (mut braces, mut others, mut opened) = (0usize, 0usize, false);
    for (at, line) in code.iter().enumerate().skip(first) {
        for character in line.chars() {
            match character {
                '{' => {
                    opened = true;
                    braces += 1;
                }
                '}' => {
                    if braces == 0 {
                        return (kind == Kind::Constant).then_some(at);
                    }
                    braces -= 1;
                    if braces == 0 && kind != Kind::Constant && others == 0 {
                        return Some(at);
                    }
                }
                '(' | '[' => others += 1,
                ')' | ']' => others = others.saturating_sub(1),
                ';' if braces == 0 && others == 0 => {
                    return (opened || kind == Kind::Constant || line.contains("=>")).then_some(at);
                }
                _ => {}
            }
        }
        let ends_without_mark = kind == Kind::Constant
            && matches!(language, Language::Go | Language::JavaScript | Language::Java | Language::Cpp);
        if ends_without_mark && braces == 0 && others == 0 && !line.trim_end().ends_with(['=', ',', '\\']) {
            return Some(at);
        }
        if !opened && at - first > SIGNATURE_LINES {
            return None;
        }
    }
    opened.then(|| code.len().saturating_sub(1))
}

fn end_by_indentation(code: &[String], first: usize, language: Language) -> usize {
    let own = indentation(&code[first]);
    let (mut last, mut open) = (first, 0i64);
    for (at, line) in code.iter().enumerate().skip(first) {
        let blank = line.trim().is_empty();
        let inner = at == first || open > 0 || indentation(line) > own;
        let closes = language == Language::Ruby && indentation(line) == own && line.trim_start().starts_with("end");
        if !blank && !inner && !closes {
            break;
        }
        for character in line.chars() {
            open += match character {
                '(' | '[' | '{' => 1,
                ')' | ']' | '}' => -1,
                _ => 0,
            };
        }
        if !blank {
            last = at;
        }
        if closes {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(language: Language, text: &str, expected: &[(usize, &str)]) {
        let outline = Outline::of(text, language);
        for &(line, name) in expected {
            let found = outline.around(line - 1).map(|definition| {
                let mut path = definition.containers.clone();
                path.push(definition.name.clone());
                path.join(".")
            });
            assert_eq!(found.as_deref().unwrap_or("-"), name, "line {line} of\n{text}");
        }
    }

    #[test]
    fn rust() {
        check(
            Language::Rust,
            "use a;\nconst N: usize = 4;\nimpl<T: Ord> Price for Cart<T> {\n    pub fn price(\n        &self,\n    ) -> u64 {\n        \
             let s = \"}\";\n        if a { b } else { c }\n    }\n\n    fn other() { 1 }\n}\n\
             trait T { fn only(&self); }\nmod inner {\n    pub(crate) async unsafe fn deep<'a>(x: &'a str) where X: Y {\n    }\n}\n",
            &[
                (1, "-"),
                (2, "N"),
                (4, "Cart.price"),
                (8, "Cart.price"),
                (10, "Cart"),
                (11, "Cart.other"),
                (13, "T"),
                (15, "inner.deep"),
            ],
        );
        let tests = Outline::of("#[cfg(test)]\nmod tests {\n fn helper() {}\n}\nfn real() {}", Language::Rust);
        assert!(tests.around(2).unwrap().test && !tests.around(4).unwrap().test);
    }

    #[test]
    fn python() {
        check(
            Language::Python,
            "LIMIT = 10\n@app.route('/')\nasync def index(\n    a,\n):\n    return a\n\nclass Cart(Base):\n    x = 1\n\n    \
             def total(self):\n        def inner(y):\n            return y\n        return inner(1)\n\nprint(1)\n",
            &[
                (1, "LIMIT"),
                (3, "index"),
                (6, "index"),
                (9, "Cart"),
                (13, "Cart.total.inner"),
                (14, "Cart.total"),
                (16, "-"),
            ],
        );
    }

    #[test]
    fn go() {
        check(
            Language::Go,
            "package cart\n\nvar limit = 10\n\ntype Cart struct {\n\titems []Item\n}\n\nfunc (c *Cart) Price(n int) (int, error) {\n\t\
             for i := range c.items {\n\t}\n\treturn 0, nil\n}\n\nfunc Apply[T any](x T) T {\n\treturn x\n}\n",
            &[(3, "limit"), (6, "Cart"), (10, "Cart.Price"), (16, "Apply"), (14, "-")],
        );
    }

    #[test]
    fn javascript() {
        check(
            Language::JavaScript,
            "const LIMIT = 5;\nexport class Cart {\n  async total(a, b) {\n    if (a) {\n      return 1;\n    }\n  }\n}\n\
             const apply = (x) => {\n  return x;\n};\nmodule.exports.render = function (a) {\n  return a;\n};\n\
             export default async function main() {\n  run();\n}\nconst twice = x => x * 2;\n",
            &[(1, "LIMIT"), (5, "Cart.total"), (10, "apply"), (13, "render"), (16, "main"), (18, "twice")],
        );
    }

    #[test]
    fn java_and_cpp() {
        check(
            Language::Java,
            "package com.acme;\npublic class Cart {\n  private static final int LIMIT = 5;\n  @Override\n  public <T> List<T> price(List<T> items)\n      \
             throws IOException {\n    for (T t : items) {\n      use(t);\n    }\n    return compute(items);\n  }\n}\n",
            &[(3, "Cart.LIMIT"), (5, "Cart.price"), (8, "Cart.price"), (10, "Cart.price")],
        );
        check(
            Language::Cpp,
            "#include <a>\nnamespace ns {\nclass Cart {\n  int total() const { return 1; }\n  int later();\n};\n\
             std::string Cart::name(const std::string& a,\n                       int b) {\n  if (b) { return a; }\n  return a;\n}\n}\nstatic int helper(void)\n{\n  return f(1);\n}\n",
            &[(4, "ns.Cart.total"), (9, "ns.Cart.name"), (15, "helper")],
        );
    }

    #[test]
    fn users_of_a_constant() {
        let outline = Outline::of("const N: usize = 4;\nfn a() { f(N) }\nfn b() { f(NN) }\n", Language::Rust);
        assert_eq!(outline.users("N").map(|d| d.name.as_str()).collect::<Vec<_>>(), ["a"]);
    }
}
