//! A module's whole file as text.

use super::Language;
use super::expr::Place;
use super::stmt::Lines;
use crate::program::{Function, Kind, Module, Program};
use crate::words::{camel, pascal};

/// The text of a module's file.
pub(crate) fn render(program: &Program, module: usize) -> String {
    let place = Place { program, module };
    let m = &program.modules[module];
    let mut lines = Lines::new(program.language, m.layout);
    head(&mut lines, program, module);
    let own: Vec<&Function> = program.functions.iter().filter(|f| f.module == module).collect();
    open(&mut lines, program.language, m);
    for (index, function) in own.iter().enumerate() {
        if index > 0 {
            lines.line("");
            if program.language == Language::Python && m.class.is_none() {
                lines.line("");
            }
        }
        function_text(&mut lines, place, m, function);
    }
    for (name, value) in &m.helpers {
        helper(&mut lines, program.language, m, name, value);
    }
    close(&mut lines, program.language, m);
    lines.text()
}

/// Modules that this one calls.
fn used(program: &Program, module: usize) -> Vec<&Module> {
    let mut seen: Vec<usize> = program
        .functions
        .iter()
        .filter(|f| f.module == module)
        .flat_map(|f| f.calls.iter().map(|callee| program.functions[*callee].module))
        .filter(|other| *other != module)
        .collect();
    seen.sort_unstable();
    seen.dedup();
    seen.into_iter().map(|index| &program.modules[index]).collect()
}

/// Everything above the functions.
fn head(lines: &mut Lines, program: &Program, module: usize) {
    let m = &program.modules[module];
    let app = program.domain().name;
    let used = used(program, module);
    match program.language {
        Language::Rust => {
            lines.line(&format!("//! {}", m.doc));
            lines.line("");
            lines.line("use regex::Regex;");
            lines.line("use std::collections::BTreeMap;");
            for other in &used {
                lines.line(&format!("use crate::{};", other.name));
            }
        }
        Language::Python => {
            lines.line(&format!("\"\"\"{}\"\"\"", m.doc));
            lines.line("");
            for name in ["copy", "json", "logging", "re"] {
                lines.line(&format!("import {name}"));
            }
            lines.line("");
            for other in &used {
                lines.line(&format!("from {app} import {}", other.name));
            }
            lines.line("");
            lines.line("logger = logging.getLogger(__name__)");
        }
        Language::Go => {
            lines.line(&format!("// {}", m.doc));
            lines.line(&if program.dialect == 0 { "package main".into() } else { format!("package {}", m.name) });
            lines.line("");
            lines.line("import (");
            lines.depth += 1;
            for name in ["fmt", "regexp", "strings"] {
                lines.line(&format!("\"{name}\""));
            }
            if program.dialect == 1 {
                lines.line("");
                for other in &used {
                    lines.line(&format!("\"github.com/acme/{app}/internal/{}\"", other.name));
                }
            }
            lines.depth -= 1;
            lines.line(")");
        }
        Language::Java => {
            let package = |name: &str| {
                if program.dialect == 0 { format!("com.acme.{app}.{name}") } else { format!("com.acme.{name}") }
            };
            lines.line(&format!("package {};", package(&m.name)));
            lines.line("");
            for other in &used {
                lines.line(&format!("import {}.{};", package(&other.name), super::class_file(other)));
            }
            for name in ["java.util.ArrayList", "java.util.HashMap", "java.util.List", "java.util.regex.Pattern"] {
                lines.line(&format!("import {name};"));
            }
            lines.line("");
            lines.line(&format!("/** {} */", m.doc));
        }
        Language::Cpp => {
            lines.line(&format!("// {}", m.doc));
            lines.line(&format!("#include \"{app}/{}.h\"", m.name));
            lines.line("");
            for other in &used {
                lines.line(&format!("#include \"{app}/{}.h\"", other.name));
            }
            lines.line("#include <map>");
            lines.line("#include <regex>");
            lines.line("#include <vector>");
        }
    }
    if program.language != Language::Java {
        lines.line("");
        constants(lines, program.language, m);
    }
}

fn constants(lines: &mut Lines, language: Language, m: &Module) {
    for (name, value) in &m.constants {
        let whole = !value.contains('.');
        lines.line(&match language {
            Language::Rust => format!("const {name}: {} = {value};", if whole { "usize" } else { "f64" }),
            Language::Python => format!("{name} = {value}"),
            Language::Go => format!("const {}{} = {value}", camel(&m.name), pascal(&name.to_lowercase())),
            Language::Java => {
                format!("private static final {} {name} = {value};", if whole { "int" } else { "double" })
            }
            Language::Cpp => format!(
                "constexpr {} k{} = {value};",
                if whole { "int" } else { "double" },
                pascal(&name.to_lowercase())
            ),
        });
    }
    lines.line("");
}

/// Opens the class, if there is one.
fn open(lines: &mut Lines, language: Language, m: &Module) {
    let class = super::class_file(m);
    match (language, m.class.is_some()) {
        (Language::Rust, true) => {
            lines.line(&format!("impl {class} {{"));
            lines.depth += 1;
        }
        (Language::Python, true) => {
            lines.line("");
            lines.line(&format!("class {class}:"));
            lines.depth += 1;
            lines.line(&format!("\"\"\"{}\"\"\"", m.doc));
            lines.line("");
        }
        (Language::Java, _) => {
            lines.line(&format!("public final class {class} {{"));
            lines.depth += 1;
            constants(lines, language, m);
        }
        (Language::Cpp, false) => {
            lines.line(&format!("namespace {} {{", m.name));
            lines.line("");
        }
        (Language::Go, true) => {
            lines.line(&format!("// {class} holds what requests share."));
            lines.line(&format!("type {class} struct {{"));
            lines.line("\tcache *Store");
            lines.line("\tseen  []string");
            lines.line("}");
            lines.line("");
        }
        _ => {}
    }
}

/// Closes what `open` opened.
fn close(lines: &mut Lines, language: Language, m: &Module) {
    match (language, m.class.is_some()) {
        (Language::Rust, true) | (Language::Java, _) => {
            lines.depth -= 1;
            lines.line("}");
        }
        (Language::Cpp, false) => {
            lines.line("");
            lines.line(&format!("}}  // namespace {}", m.name));
        }
        _ => {}
    }
}

/// A kind as the type of a parameter, or of a result.
fn kind(language: Language, kind: &Kind, parameter: bool) -> String {
    match (language, kind) {
        (Language::Rust, Kind::Record(n)) if parameter => format!("&{}", pascal(n)),
        (Language::Rust, Kind::Many(n)) if parameter => format!("&[{}]", pascal(n)),
        (Language::Rust, Kind::Many(n)) => format!("Vec<{}>", pascal(n)),
        (Language::Python, Kind::Many(n)) => format!("list[{}]", pascal(n)),
        (Language::Go, Kind::Record(n)) => format!("*{}", pascal(n)),
        (Language::Go, Kind::Many(n)) => format!("[]*{}", pascal(n)),
        (Language::Java, Kind::Many(n)) => format!("List<{}>", pascal(n)),
        (Language::Cpp, Kind::Record(n)) if parameter => format!("const {}&", pascal(n)),
        (Language::Cpp, Kind::Many(n)) if parameter => format!("const std::vector<{}>&", pascal(n)),
        (Language::Cpp, Kind::Many(n)) => format!("std::vector<{}>", pascal(n)),
        (_, Kind::Record(n)) => pascal(n),
        (Language::Rust, Kind::Number) => "f64".into(),
        (Language::Python, Kind::Number) => "float".into(),
        (Language::Go, Kind::Number) => "float64".into(),
        (_, Kind::Number) => "double".into(),
        (Language::Python, Kind::Text) => "str".into(),
        (Language::Go, Kind::Text) => "string".into(),
        (Language::Cpp, Kind::Text) => "std::string".into(),
        (_, Kind::Text) => "String".into(),
    }
}

fn function_text(lines: &mut Lines, place: Place<'_>, m: &Module, f: &Function) {
    let language = place.program.language;
    let name = language.function(&f.name);
    let (param, param_kind) = (&f.param.0, kind(language, &f.param.1, true));
    let result = kind(language, &f.result, false);
    let class = m.class.as_deref();
    match language {
        Language::Rust => {
            lines.line(&format!("/// {}", f.doc));
            let own = if class.is_some() { "&self, " } else { "" };
            lines.line(&format!("pub fn {name}({own}{param}: {param_kind}) -> {result} {{"));
        }
        Language::Python => {
            let own = if class.is_some() { "self, " } else { "" };
            lines.line(&format!("def {name}({own}{param}: \"{param_kind}\") -> \"{result}\":"));
        }
        Language::Go => {
            lines.line(&format!("// {name}: {}", f.doc));
            let own = class.map_or_else(String::new, |class| format!("(s *{class}) "));
            lines.line(&format!("func {own}{name}({param} {param_kind}) {result} {{"));
        }
        Language::Java => {
            lines.line(&format!("/** {} */", f.doc));
            lines.line(&format!("public {result} {name}({param_kind} {param}) {{"));
        }
        Language::Cpp => {
            lines.line(&format!("// {}", f.doc));
            let own = class.map_or_else(String::new, |class| format!("{class}::"));
            lines.line(&format!("{result} {own}{name}({param_kind} {param}) {{"));
        }
    }
    lines.depth += 1;
    if language == Language::Python {
        lines.line(&format!("\"\"\"{}\"\"\"", f.doc));
    }
    lines.body(place, &f.body, true);
    lines.depth -= 1;
    if language != Language::Python {
        lines.line("}");
    }
}

/// A small function that nothing calls yet.
fn helper(lines: &mut Lines, language: Language, m: &Module, name: &str, value: &str) {
    lines.line("");
    let own = language.function(name);
    let head = match (language, m.class.is_some()) {
        (Language::Rust, _) => format!("fn {own}(value: f64) -> f64 {{"),
        (Language::Python, true) => format!("def {own}(self, value: float) -> float:"),
        (Language::Python, false) => format!("def {own}(value: float) -> float:"),
        (Language::Go, _) => format!("func {}(value float64) float64 {{", camel(name)),
        (Language::Java, _) => format!("static double {own}(double value) {{"),
        (Language::Cpp, _) => format!("static double {own}(double value) {{"),
    };
    lines.line(&head);
    lines.depth += 1;
    lines.line(&match language {
        Language::Rust => format!("value * {value}"),
        Language::Python | Language::Go => format!("return value * {value}"),
        _ => format!("return value * {value};"),
    });
    lines.depth -= 1;
    if language != Language::Python {
        lines.line("}");
    }
}
