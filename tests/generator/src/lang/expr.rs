//! Expressions as text.

use super::Language;
use crate::program::{Expr, Program, Tool};
use crate::words::pascal;

/// Where an expression stands: the program and the module.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The program.
    pub(super) program: &'a Program,
    /// The module's index.
    pub(super) module: usize,
}

impl Place<'_> {
    fn language(self) -> Language {
        self.program.language
    }

    fn is_class(self) -> bool {
        self.program.modules[self.module].class.is_some()
    }

    /// Something that the module keeps between calls.
    pub(super) fn store(self, name: &str) -> String {
        match (self.language(), self.is_class()) {
            (Language::Rust, true) => format!("self.{name}"),
            (Language::Rust, false) => name.to_uppercase(),
            (Language::Python, true) => format!("self._{name}"),
            (Language::Python, false) => format!("_{name}"),
            (Language::Go, true) => format!("s.{name}"),
            (Language::Java, _) => format!("this.{name}"),
            (Language::Cpp, _) => format!("{name}_"),
            (Language::Go, false) => name.to_owned(),
        }
    }

    /// A field's name.
    fn field(self, of: &str, field: &str) -> String {
        match self.language() {
            Language::Go => format!("{of}.{}", pascal(field)),
            Language::Java => format!("{of}.{field}()"),
            _ => format!("{of}.{field}"),
        }
    }

    /// A call of a function of the program.
    fn call(self, callee: usize, arguments: &[Expr]) -> String {
        let f = &self.program.functions[callee];
        let target = &self.program.modules[f.module];
        let same = f.module == self.module;
        let name = self.language().function(&f.name);
        let module = &target.name;
        let flat_go = self.language() == Language::Go && self.program.dialect == 0;
        let before = match (self.language(), &target.class, same) {
            (Language::Rust | Language::Python, Some(_), true) => "self.".into(),
            (Language::Go, Some(_), true) => "s.".into(),
            (_, _, true) => String::new(),
            (Language::Rust, Some(class), false) => format!("{module}::{class}::shared()."),
            (Language::Rust | Language::Cpp, None, false) => format!("{module}::"),
            (Language::Python, Some(_), false) => format!("{module}.shared()."),
            (Language::Python, None, false) => format!("{module}."),
            (Language::Go, Some(class), false) if flat_go => format!("default{class}."),
            (Language::Go, None, false) if flat_go => String::new(),
            (Language::Go, Some(_), false) => format!("{module}.Default."),
            (Language::Go, None, false) => format!("{module}."),
            (Language::Java, _, false) => format!("{}.shared().", super::class_file(target)),
            (Language::Cpp, Some(class), false) => format!("{class}::shared()."),
        };
        format!("{before}{name}({})", self.list(arguments))
    }

    fn list(self, items: &[Expr]) -> String {
        items.iter().map(|item| self.expr(item)).collect::<Vec<_>>().join(", ")
    }

    fn make(self, tool: &Tool) -> String {
        match (tool, self.language()) {
            (Tool::Pattern(p), Language::Rust) => format!("Regex::new(r\"{p}\").expect(\"a valid pattern\")"),
            (Tool::Pattern(p), Language::Python) => format!("re.compile(r\"{p}\")"),
            (Tool::Pattern(p), Language::Go) => format!("regexp.MustCompile(`{p}`)"),
            (Tool::Pattern(p), Language::Java) => format!("Pattern.compile(\"{p}\")"),
            (Tool::Pattern(p), Language::Cpp) => format!("std::regex(R\"({p})\")"),
            (Tool::Encoder, Language::Rust) => "Encoder::with_schema(Schema::current())".into(),
            (Tool::Encoder, Language::Python) => "json.JSONEncoder(sort_keys=True)".into(),
            (Tool::Encoder, Language::Go) => "codec.NewEncoder(codec.Current())".into(),
            (Tool::Encoder, Language::Java) => "new ObjectMapper()".into(),
            (Tool::Encoder, Language::Cpp) => "codec::Encoder(codec::current())".into(),
            (Tool::Formatter(l), Language::Rust) => format!("NumberFormatter::for_locale(\"{l}\")"),
            (Tool::Formatter(l), Language::Python) => format!("NumberFormatter(locale=\"{l}\")"),
            (Tool::Formatter(l), Language::Go) => format!("message.NewPrinter(language.MustParse(\"{l}\"))"),
            (Tool::Formatter(l), Language::Java) => format!("NumberFormat.getInstance(Locale.forLanguageTag(\"{l}\"))"),
            (Tool::Formatter(l), Language::Cpp) => format!("locale::NumberFormatter(\"{l}\")"),
        }
    }

    fn apply(self, tool: &Tool, variable: &str, to: &Expr) -> String {
        let to = self.expr(to);
        match (tool, self.language()) {
            (Tool::Pattern(_), Language::Rust) => format!("{variable}.is_match(&{to})"),
            (Tool::Pattern(_), Language::Python) => format!("{variable}.match({to})"),
            (Tool::Pattern(_), Language::Go) => format!("{variable}.MatchString({to})"),
            (Tool::Pattern(_), Language::Java) => format!("{variable}.matcher({to}).find()"),
            (Tool::Pattern(_), Language::Cpp) => format!("std::regex_search({to}, {variable})"),
            (Tool::Encoder, Language::Java) => format!("{variable}.writeValueAsString({to})"),
            (Tool::Encoder, Language::Go) => format!("{variable}.Encode({to})"),
            (Tool::Encoder, _) => format!("{variable}.encode({to})"),
            (Tool::Formatter(_), Language::Go) => format!("{variable}.Sprint({to})"),
            (Tool::Formatter(_), _) => format!("{variable}.format({to})"),
        }
    }

    /// A text with holes filled.
    fn format(self, text: &str, arguments: &[Expr]) -> String {
        let list = self.list(arguments);
        match self.language() {
            Language::Rust => format!("format!(\"{text}\", {list})"),
            Language::Python => format!("\"{text}\".format({list})"),
            Language::Go => format!("fmt.Sprintf(\"{}\", {list})", text.replace("{}", "%v")),
            Language::Java => format!("String.format(\"{}\", {list})", text.replace("{}", "%s")),
            Language::Cpp => format!("fmt::format(\"{text}\", {list})"),
        }
    }

    /// Any expression.
    pub(super) fn expr(self, expr: &Expr) -> String {
        let by = |rust: String, python: String, go: String, java: String, cpp: String| match self.language() {
            Language::Rust => rust,
            Language::Python => python,
            Language::Go => go,
            Language::Java => java,
            Language::Cpp => cpp,
        };
        match expr {
            Expr::Name(name) | Expr::Number(name) => name.clone(),
            Expr::Text(text) => format!("\"{text}\""),
            Expr::Field(of, field) => self.field(of, field),
            Expr::Call(callee, arguments) => self.call(*callee, arguments),
            Expr::Make(tool) => self.make(tool),
            Expr::Use(tool, variable, to) => self.apply(tool, variable, to),
            Expr::Format(text, arguments) => self.format(text, arguments),
            Expr::Binary(operator, left, right) => format!("{} {operator} {}", self.expr(left), self.expr(right)),
            Expr::Encode(of) => {
                let x = self.expr(of);
                by(
                    format!("serde_json::to_string(&{x}).unwrap_or_default()"),
                    format!("json.dumps({x}, default=str)"),
                    format!("codec.MustJSON({x})"),
                    format!("Json.write({x})"),
                    format!("nlohmann::json({x}).dump()"),
                )
            }
            Expr::Copy(of) => {
                let x = self.expr(of);
                by(
                    format!("{x}.to_vec()"),
                    format!("copy.deepcopy({x})"),
                    format!("slices.Clone({x})"),
                    format!("new ArrayList<>({x})"),
                    format!("std::vector({x})"),
                )
            }
            Expr::Sorted(of) => {
                let x = self.expr(of);
                by(
                    format!("sorted_by_id(&{x})"),
                    format!("sorted({x}, key=lambda each: each.id)"),
                    format!("sortedByID({x})"),
                    format!("Lists.sortedById({x})"),
                    format!("sorted_by_id({x})"),
                )
            }
            Expr::Length(of) => {
                let x = self.expr(of);
                let method = format!("{x}.size()");
                by(format!("{x}.len()"), format!("len({x})"), format!("len({x})"), method.clone(), method)
            }
            Expr::Has(store, key) => {
                let (s, k) = (self.store(store), self.expr(key));
                by(
                    format!("{s}.contains_key(&{k})"),
                    format!("{k} in {s}"),
                    format!("{s}.Has({k})"),
                    format!("{s}.containsKey({k})"),
                    format!("{s}.contains({k})"),
                )
            }
            Expr::Get(store, key) => {
                let (s, k) = (self.store(store), self.expr(key));
                by(
                    format!("{s}[&{k}].clone()"),
                    format!("{s}[{k}]"),
                    format!("{s}.Get({k})"),
                    format!("{s}.get({k})"),
                    format!("{s}.at({k})"),
                )
            }
            Expr::Store(name) => self.store(name),
            Expr::List => by(
                "Vec::new()".into(),
                "[]".into(),
                "[]Item{}".into(),
                "new ArrayList<Item>()".into(),
                "std::vector<Item>{}".into(),
            ),
            Expr::Map => by(
                "BTreeMap::new()".into(),
                "{}".into(),
                "map[string]Item{}".into(),
                "new HashMap<String, Item>()".into(),
                "std::map<std::string, Item>{}".into(),
            ),
            Expr::Join(list) => by(
                format!("{list}.join(\"\")"),
                format!("\"\".join({list})"),
                format!("strings.Join({list}, \"\")"),
                format!("String.join(\"\", {list})"),
                format!("absl::StrJoin({list}, \"\")"),
            ),
        }
    }
}
