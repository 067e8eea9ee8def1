//! Programs in several languages, made of functions that call each other.

use negawatt_skill::Dice;

/// Languages that programs are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    Rust,
    Python,
    Go,
    JavaScript,
    Java,
    Cpp,
}

pub const LANGUAGES: [Lang; 6] = [Lang::Rust, Lang::Python, Lang::Go, Lang::JavaScript, Lang::Java, Lang::Cpp];

#[derive(Debug, Clone)]
pub struct Function {
    pub name: String,
    /// In a class or type of its module, or free.
    pub method: bool,
    pub body: Vec<String>,
    /// Other functions by index, and how often they are called.
    pub calls: Vec<(usize, f64)>,
    /// Cost of its own lines.
    pub cost: f64,
}

#[derive(Debug, Clone)]
pub struct Module {
    pub name: String,
    pub class: String,
    pub functions: Vec<usize>,
    pub limit: u64,
    pub header: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Program {
    pub lang: Lang,
    pub modules: Vec<Module>,
    pub functions: Vec<Function>,
}

const NOUNS: [&str; 14] = [
    "basket", "tariff", "voucher", "ledger", "parcel", "roster", "catalog", "quota", "beacon", "folio", "harbor",
    "lattice", "signal", "tunnel",
];
const VERBS: [&str; 12] = [
    "resolve",
    "merge_rows",
    "settle",
    "expand",
    "apply",
    "score",
    "collect_all",
    "render",
    "check",
    "pick",
    "route",
    "parse",
];

fn camel(name: &str, upper: bool) -> String {
    let mut camel = String::new();
    let mut raise = upper;
    for character in name.chars() {
        if character == '_' {
            raise = true;
        } else if raise {
            camel.extend(character.to_uppercase());
            raise = false;
        } else {
            camel.push(character);
        }
    }
    camel
}

impl Program {
    pub fn new(lang: Lang, dice: &mut Dice) -> Program {
        let mut program = Program { lang, modules: vec![], functions: vec![] };
        for (at, noun) in NOUNS.iter().enumerate().take(5 + dice.below(6)) {
            let mut module = Module {
                name: (*noun).into(),
                class: camel(noun, true),
                functions: vec![],
                limit: 10 + at as u64,
                header: vec![],
            };
            let first = dice.below(VERBS.len());
            for step in 0..3 + dice.below(4) {
                // The same verbs in many modules, so that names alone do not tell.
                let verb = VERBS[(first + step) % VERBS.len()];
                let name = match lang {
                    Lang::Go => camel(verb, true),
                    Lang::JavaScript | Lang::Java => camel(verb, false),
                    _ => verb.to_string(),
                };
                module.functions.push(program.functions.len());
                let mut function = Function {
                    name,
                    method: lang == Lang::Java || dice.chance(0.4),
                    body: vec![],
                    calls: vec![],
                    cost: dice.between(1.0, 30.0),
                };
                for _ in 0..2 + dice.below(5) {
                    function.body.extend(statement(lang, dice));
                }
                program.functions.push(function);
            }
            program.modules.push(module);
        }
        // Calls go to later functions only, so that there are no circles.
        for at in 0..program.functions.len() {
            for _ in 0..dice.below(3) {
                let far = program.functions.len() - at - 1;
                if far > 0 {
                    let callee = at + 1 + dice.below(far);
                    let callee_name = program.functions[callee].name.clone();
                    let function = &mut program.functions[at];
                    function.calls.push((callee, dice.between(0.5, 2.0)));
                    let call = call(lang, &callee_name);
                    function.body.push(call);
                }
            }
        }
        program
    }

    pub fn path(&self, module: usize) -> String {
        let name = &self.modules[module].name;
        match self.lang {
            Lang::Rust => format!("src/{name}.rs"),
            Lang::Python => format!("shop/{name}.py"),
            Lang::Go => format!("{name}/{name}.go"),
            Lang::JavaScript => format!("src/{name}.js"),
            Lang::Java => format!("src/main/java/com/acme/shop/{}.java", self.modules[module].class),
            Lang::Cpp => format!("src/{name}.cpp"),
        }
    }

    pub fn module_of(&self, function: usize) -> usize {
        self.modules.iter().position(|module| module.functions.contains(&function)).unwrap()
    }

    /// The name that a profiler gives, and the file where it says so.
    pub fn frame(&self, function: usize) -> (String, String) {
        let at = self.module_of(function);
        let (module, f) = (&self.modules[at], &self.functions[function]);
        let (m, c, n) = (&module.name, &module.class, &f.name);
        let name = match (self.lang, f.method) {
            (Lang::Rust, false) => format!("shop::{m}::{n}"),
            (Lang::Rust, true) => format!("<shop::{m}::{c} as shop::Stage>::{n}"),
            (Lang::Python, false) => format!("shop.{m}.{n}"),
            (Lang::Python, true) => format!("shop.{m}.{c}.{n}"),
            (Lang::Go, false) => format!("github.com/acme/shop/{m}.{n}"),
            (Lang::Go, true) => format!("github.com/acme/shop/{m}.(*{c}).{n}"),
            (Lang::JavaScript, false) => n.clone(),
            (Lang::JavaScript, true) => format!("{c}.{n}"),
            (Lang::Java, _) => format!("com.acme.shop.{c}.{n}"),
            (Lang::Cpp, false) => format!("shop::{n}(int, long)"),
            (Lang::Cpp, true) => format!("shop::{c}::{n}(int, long) const"),
        };
        let file = matches!(self.lang, Lang::JavaScript | Lang::Cpp).then(|| format!("/srv/app/{}", self.path(at)));
        (name, file.unwrap_or_default())
    }

    /// The text of a module's file.
    pub fn text(&self, at: usize) -> String {
        let module = &self.modules[at];
        let mut lines: Vec<String> = module.header.clone();
        let limit = module.limit;
        lines.push(match self.lang {
            Lang::Rust => format!("const LIMIT: u64 = {limit};"),
            Lang::Python => format!("LIMIT = {limit}"),
            Lang::Go => format!(
                "package {}\n\nconst limit = {limit}\n\ntype {} struct {{\n\tseen int\n}}",
                module.name, module.class
            ),
            Lang::JavaScript => format!("const LIMIT = {limit};"),
            Lang::Java => format!(
                "package com.acme.shop;\n\npublic class {} {{\n    private static final int LIMIT = {limit};",
                module.class
            ),
            Lang::Cpp => format!("static const int LIMIT = {limit};\n\nnamespace shop {{"),
        });
        lines.push(String::new());
        let functions = module.functions.iter().map(|&function| &self.functions[function]);
        for function in
            functions.clone().filter(|f| !f.method || matches!(self.lang, Lang::Go | Lang::Java | Lang::Cpp))
        {
            lines.extend(self.function(function, module, if self.lang == Lang::Java { 1 } else { 0 }));
        }
        let methods: Vec<_> = functions.filter(|f| f.method).collect();
        if !methods.is_empty() && matches!(self.lang, Lang::Rust | Lang::Python | Lang::JavaScript) {
            lines.push(match self.lang {
                Lang::Rust => format!("impl Stage for {} {{", module.class),
                Lang::Python => format!("class {}:", module.class),
                _ => format!("export class {} {{", module.class),
            });
            for function in methods {
                lines.extend(self.function(function, module, 1));
            }
            if self.lang != Lang::Python {
                lines.push("}".into());
            }
        }
        if matches!(self.lang, Lang::Java | Lang::Cpp) {
            lines.push("}".into());
        }
        lines.join("\n") + "\n"
    }

    fn function(&self, function: &Function, module: &Module, depth: usize) -> Vec<String> {
        let (n, c) = (&function.name, &module.class);
        let head = match (self.lang, function.method) {
            (Lang::Rust, false) => format!("pub fn {n}(items: &[Item], total: u64) -> u64 {{"),
            (Lang::Rust, true) => format!("fn {n}(&self, items: &[Item], total: u64) -> u64 {{"),
            (Lang::Python, false) => format!("def {n}(items, total):"),
            (Lang::Python, true) => format!("def {n}(self, items, total):"),
            (Lang::Go, false) => format!("func {n}(items []Item, total int) int {{"),
            (Lang::Go, true) => format!("func (s *{c}) {n}(items []Item, total int) int {{"),
            (Lang::JavaScript, false) => format!("export function {n}(items, total) {{"),
            (Lang::JavaScript, true) => format!("{n}(items, total) {{"),
            (Lang::Java, _) => format!("public static long {n}(List<Item> items, long total) {{"),
            (Lang::Cpp, false) => format!("long {n}(int items, long total) {{"),
            (Lang::Cpp, true) => format!("long {c}::{n}(int items, long total) const {{"),
        };
        let indent = if self.lang == Lang::Go { "\t" } else { "    " };
        let mut lines = vec![indent.repeat(depth) + &head];
        lines.extend(function.body.iter().map(|line| indent.repeat(depth + 1) + line));
        let end = match self.lang {
            Lang::Rust => "total",
            Lang::Python | Lang::Go => "return total",
            _ => "return total;",
        };
        lines.push(indent.repeat(depth + 1) + end);
        if self.lang != Lang::Python {
            lines.push(indent.repeat(depth) + "}");
        }
        lines.push(String::new());
        lines
    }
}

fn call(lang: Lang, name: &str) -> String {
    match lang {
        Lang::Python | Lang::Go => format!("total += {name}(items, total)"),
        _ => format!("total += {name}(items, total);"),
    }
}

/// A statement of one to three lines that costs nothing to speak of.
pub fn statement(lang: Lang, dice: &mut Dice) -> Vec<String> {
    let n = dice.below(900) + 7;
    let v = ["rest", "edge", "left", "span"][dice.below(4)];
    let lines: Vec<String> = match (lang, dice.below(3)) {
        (Lang::Rust, 0) => vec![format!("let {v} = total % {n};")],
        (Lang::Rust, 1) => vec![format!("if total > {n} {{"), format!("    total -= {n};"), "}".into()],
        (Lang::Rust, _) => vec![format!("total = total.max({n}).min(LIMIT);")],
        (Lang::Python, 0) => vec![format!("{v} = total % {n}")],
        (Lang::Python, 1) => vec![format!("if total > {n}:"), format!("    total -= {n}")],
        (Lang::Python, _) => vec![format!("total = max(total, {n}, LIMIT)")],
        (Lang::Go, 0) => vec![format!("{v} := total % {n}")],
        (Lang::Go, 1) => vec![format!("if total > {n} {{"), format!("\ttotal -= {n}"), "}".into()],
        (Lang::Go, _) => vec![format!("total = clamp(total, {n}, limit)")],
        (Lang::JavaScript, 0) => vec![format!("const {v} = total % {n};")],
        (Lang::Java | Lang::Cpp, 0) => vec![format!("long {v}{n} = total % {n};")],
        (_, 1) => vec![format!("if (total > {n}) {{"), format!("    total -= {n};"), "}".into()],
        (_, _) => vec![format!("total = clamp(total, {n}, LIMIT);")],
    };
    lines
}

/// Lines that cost much where they run often. Half of them look as harmless as any.
pub fn slow(lang: Lang, dice: &mut Dice) -> Vec<String> {
    let n = dice.below(90) + 3;
    if dice.chance(0.5) {
        return statement(lang, dice);
    }
    let lines: &[&str] = match lang {
        Lang::Rust => &["let rows: Vec<Item> = items.to_vec();", "let shape = Regex::new(\"[a-z]+\").ok();"],
        Lang::Python => &["rows = [copy.deepcopy(i) for i in items]", "shape = re.compile('[a-z]+')"],
        Lang::Go => &["rows := append([]Item{}, items...)", "shape := regexp.MustCompile(`[a-z]+`)"],
        Lang::JavaScript => &["const rows = JSON.parse(JSON.stringify(items));", "const shape = new RegExp('[a-z]+');"],
        Lang::Java => &["List<Item> rows = new ArrayList<>(items);", "Pattern shape = Pattern.compile(\"[a-z]+\");"],
        Lang::Cpp => &["std::vector<long> rows(items, total);", "std::regex shape(\"[a-z]+\");"],
    };
    let line = lines[dice.below(lines.len())].replace("shape", &format!("shape{n}"));
    vec![line]
}
