//! Statements as text.

use super::Language;
use super::expr::Place;
use crate::program::{Layout, Stmt};

/// Lines of text in the making.
pub(super) struct Lines {
    language: Language,
    layout: Layout,
    /// How deep the next line stands.
    pub(super) depth: usize,
    out: String,
}

impl Lines {
    /// No lines yet.
    pub(super) fn new(language: Language, layout: Layout) -> Self {
        Self { language, layout, depth: 0, out: String::new() }
    }

    /// The text.
    pub(super) fn text(self) -> String {
        self.out
    }

    /// One line at the current depth; an empty one has no indentation.
    pub(super) fn line(&mut self, text: &str) {
        if !text.is_empty() {
            let unit = if self.language == Language::Go { "\t".into() } else { " ".repeat(self.layout.indent) };
            self.out.push_str(&unit.repeat(self.depth));
            self.out.push_str(text);
        }
        self.out.push('\n');
    }

    /// A simple statement: with a semicolon where the language wants one.
    fn simple(&mut self, text: &str) {
        let end = if matches!(self.language, Language::Python | Language::Go) { "" } else { ";" };
        self.line(&format!("{text}{end}"));
    }

    /// A head with a body.
    fn block(&mut self, head: &str, place: Place<'_>, body: &[Stmt]) {
        self.line(head);
        self.depth += 1;
        self.body(place, body, false);
        self.depth -= 1;
        if self.language != Language::Python {
            self.line("}");
        }
        if self.layout.airy {
            self.line("");
        }
    }

    /// Statements; in Rust the last of a function's body may be its value.
    pub(super) fn body(&mut self, place: Place<'_>, body: &[Stmt], whole: bool) {
        for (index, statement) in body.iter().enumerate() {
            match statement {
                Stmt::Return(value) if whole && index + 1 == body.len() && self.language == Language::Rust => {
                    self.line(&place.expr(value));
                }
                _ => self.statement(place, statement),
            }
        }
    }

    fn statement(&mut self, place: Place<'_>, statement: &Stmt) {
        let language = self.language;
        match statement {
            Stmt::Comment(text) => self.line(&format!("{} {text}", language.comment())),
            Stmt::Let(name, value) => {
                let value = place.expr(value);
                self.simple(&match language {
                    Language::Rust => format!("let mut {name} = {value}"),
                    Language::Python => format!("{name} = {value}"),
                    Language::Go => format!("{name} := {value}"),
                    Language::Java => format!("var {name} = {value}"),
                    Language::Cpp => format!("auto {name} = {value}"),
                });
            }
            Stmt::Add(name, value) => self.simple(&format!("{name} += {}", place.expr(value))),
            Stmt::Set(name, value) => self.simple(&format!("{name} = {}", place.expr(value))),
            Stmt::Push(name, value) => {
                let value = place.expr(value);
                let list = if name == "seen" { place.store(name) } else { name.clone() };
                self.simple(&match language {
                    Language::Rust => format!("{list}.push({value})"),
                    Language::Python => format!("{list}.append({value})"),
                    Language::Go => format!("{list} = append({list}, {value})"),
                    Language::Java => format!("{list}.add({value})"),
                    Language::Cpp => format!("{list}.push_back({value})"),
                });
            }
            Stmt::Put(store, key, value) => {
                let store = place.store(store);
                self.put(&store, &place.expr(key), &place.expr(value));
            }
            Stmt::PutLocal(map, key, value) => self.put(map, &place.expr(key), &place.expr(value)),
            Stmt::Each(name, list, body) => {
                let list = place.expr(list);
                let head = match language {
                    Language::Rust => format!("for {name} in {list}.iter() {{"),
                    Language::Python => format!("for {name} in {list}:"),
                    Language::Go => format!("for _, {name} := range {list} {{"),
                    Language::Java => format!("for (var {name} : {list}) {{"),
                    Language::Cpp => format!("for (const auto& {name} : {list}) {{"),
                };
                self.block(&head, place, body);
            }
            Stmt::If(condition, body) => {
                let condition = place.expr(condition);
                let head = match language {
                    Language::Rust | Language::Go => format!("if {condition} {{"),
                    Language::Python => format!("if {condition}:"),
                    Language::Java | Language::Cpp => format!("if ({condition}) {{"),
                };
                self.block(&head, place, body);
            }
            Stmt::Skip => self.simple("continue"),
            Stmt::Log(level, text, arguments) => {
                let mut list = String::new();
                for argument in arguments {
                    list.push_str(", ");
                    list.push_str(&place.expr(argument));
                }
                self.simple(&match language {
                    Language::Rust => format!("tracing::{level}!(\"{text}\"{list})"),
                    Language::Python => format!("logger.{level}(\"{}\"{list})", text.replace("{}", "%s")),
                    Language::Go => {
                        format!("log.{}f(\"{}\"{list})", crate::words::capital(level), text.replace("{}", "%v"))
                    }
                    Language::Java => format!("LOG.{level}(\"{text}\"{list})"),
                    Language::Cpp => format!("spdlog::{level}(\"{text}\"{list})"),
                });
            }
            Stmt::Return(value) => self.simple(&format!("return {}", place.expr(value))),
        }
    }

    fn put(&mut self, map: &str, key: &str, value: &str) {
        self.simple(&match self.language {
            Language::Rust => format!("{map}.insert({key}.clone(), {value}.clone())"),
            Language::Java => format!("{map}.put({key}, {value})"),
            _ => format!("{map}[{key}] = {value}"),
        });
    }
}
