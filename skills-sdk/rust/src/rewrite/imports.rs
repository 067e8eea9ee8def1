//! What the names of a file mean, as far as its imports tell, and new imports in the file's style.

use std::collections::{BTreeMap, BTreeSet};

use super::layout::head;
use super::scope::is_definition;
use super::{Language, binds, newline, occurrences, unquoted};
use crate::edits::Edits;
use crate::tree::{Node, Tree};

/// One name that an import gives.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name<'t> {
    /// The name in this file.
    local: &'t str,
    /// What it stands for: `regex::Regex`, `logging.getLogger`, `log/slog`.
    path: String,
    /// Whether it is given to the whole file.
    is_top: bool,
    /// Where the import ends.
    end: usize,
}

/// The imports of a file, and those that a draft needs.
#[derive(Clone, Debug)]
pub struct Imports<'t> {
    language: Language,
    tree: &'t Tree,
    names: Vec<Name<'t>>,
    /// Where each identifier stands.
    identifiers: BTreeMap<&'t str, Vec<Node<'t>>>,
    /// Whether anything may have any name, as after `from x import *`.
    is_open: bool,
    wanted: BTreeSet<String>,
}

impl<'t> Imports<'t> {
    /// Those of a file.
    pub fn of(language: Language, tree: &'t Tree) -> Imports<'t> {
        let mut names = Vec::new();
        let mut identifiers: BTreeMap<&str, Vec<Node<'_>>> = BTreeMap::new();
        for node in tree.root().descendants() {
            if node.kind().ends_with("identifier") {
                identifiers.entry(node.text()).or_default().push(node);
            }
            let is_top = node.parent().is_some_and(|parent| parent.parent().is_none());
            let end = node.end();
            let mut add = |local: &'t str, path: String| names.push(Name { local, path, is_top, end });
            match (language, node.kind()) {
                (Language::Rust, "use_declaration") => {
                    if let Some(argument) = node.child_by_field("argument") {
                        use_tree(argument, "", &mut add);
                    }
                }
                (Language::Python, "import_statement" | "import_from_statement") => import(node, &mut add),
                (Language::Go, "import_spec") => {
                    let Some(path) = node.child_by_field("path").and_then(unquoted) else { continue };
                    let local = node.child_by_field("name").map_or_else(|| package(path), Node::text);
                    // Go has imports at the top only.
                    names.push(Name { local, path: path.to_owned(), is_top: true, end });
                }
                _ => {}
            }
        }
        let is_open = tree.root().descendants().any(|node| node.kind() == "wildcard_import");
        Imports { language, tree, names, identifiers, is_open, wanted: BTreeSet::new() }
    }

    /// What a name stands for in the whole file; absent where no import says so, several do, or something else bears it anywhere.
    pub fn path(&self, local: &str) -> Option<&str> {
        let mut given = self.names.iter().filter(|name| name.local == local);
        let (name, None) = (given.next()?, given.next()) else { return None };
        (name.is_top && !self.is_open && !self.is_bound(local)).then_some(name.path.as_str())
    }

    /// Whether what the words of a text stand for is imported before a byte of the file.
    pub fn are_given(&self, text: &str, at: usize) -> bool {
        let mut late = self.names.iter().filter(|name| name.end > at);
        late.all(|name| occurrences(text, name.local).next().is_none())
    }

    /// How something that is imported is written here; absent where it is not imported.
    pub fn local(&self, path: &str) -> Option<&str> {
        let name = self.names.iter().find(|name| name.path == path)?.local;
        self.path(name).map(|_| name)
    }

    /// Whether something else than an import bears a name.
    pub fn is_bound(&self, local: &str) -> bool {
        self.identifiers(local).iter().any(|node| binds(self.language, *node))
    }

    /// The identifiers of a name, in order.
    pub fn identifiers(&self, name: &str) -> &[Node<'t>] {
        self.identifiers.get(name).map_or(&[], Vec::as_slice)
    }

    /// The function of a name that the file defines right in a module; absent where there is none, there are several, or something else
    /// bears the name, too.
    pub fn definition(&self, name: &str) -> Option<Node<'t>> {
        let mut bound = self.identifiers(name).iter().filter(|node| binds(self.language, **node));
        let (one, None) = (bound.next()?, bound.next()) else { return None };
        one.parent().filter(|function| is_definition(self.language, *function))
    }

    /// What an expression such as `re.compile`, `Regex::new` or `slog.Debug` names, with its imports: `re.compile`, `regex::Regex::new`,
    /// `log/slog.Debug`. Absent where it is no such expression, or begins with a name that no import gives; a path of Rust may begin
    /// with a crate.
    pub fn resolve(&self, node: Node<'_>) -> Option<String> {
        match (self.language, node.kind()) {
            (_, "identifier") | (Language::Rust, "type_identifier") => self.path(node.text()).map(str::to_owned),
            (Language::Python, "attribute") => {
                let (object, name) = (node.child_by_field("object")?, node.child_by_field("attribute")?);
                Some(format!("{}.{}", self.resolve(object)?, name.text()))
            }
            (Language::Rust, "scoped_identifier" | "scoped_type_identifier") => {
                let (path, name) = (node.child_by_field("path")?, node.child_by_field("name")?);
                let is_crate = path.kind() == "identifier" && !self.names.iter().any(|name| name.local == path.text());
                let path = match self.resolve(path) {
                    None if is_crate && !self.is_bound(path.text()) => path.text().to_owned(),
                    resolved => resolved?,
                };
                Some(format!("{path}::{}", name.text()))
            }
            (Language::Go, "selector_expression") => {
                let (operand, field) = (node.child_by_field("operand")?, node.child_by_field("field")?);
                let path = (operand.kind() == "identifier").then(|| self.path(operand.text()))??;
                Some(format!("{path}.{}", field.text()))
            }
            (Language::Go, "qualified_type") => {
                let (package, name) = (node.child_by_field("package")?, node.child_by_field("name")?);
                Some(format!("{}.{}", self.path(package.text())?, name.text()))
            }
            _ => None,
        }
    }

    /// How something is written here, such as the module `functools`, the package `sync/atomic` or the type `std::sync::LazyLock`, and
    /// has it imported where it is not. Where Rust cannot import it, its whole path. Absent where its name means something else.
    pub fn need(&mut self, path: &str, at: Node<'_>) -> Option<String> {
        if let Some(known) = self.names.iter().find(|name| name.path == path && name.is_top) {
            let is_seen = self.language != Language::Rust || is_in_file(at);
            if is_seen && self.path(known.local).is_some() {
                return Some(known.local.to_owned());
            }
        }
        let name = match self.language {
            Language::Rust => path.rsplit("::").next()?,
            Language::Python => path,
            Language::Go => package(path),
        };
        let is_free = occurrences(self.tree.text(), name).next().is_none();
        let has_place = self.language != Language::Rust || is_in_file(at) && self.uses().next().is_some();
        if has_place && (is_free || self.wanted.contains(path)) {
            self.wanted.insert(path.to_owned());
            return Some(name.to_owned());
        }
        (self.language == Language::Rust).then(|| path.to_owned())
    }

    /// Adds what is needed. Whether each import has its place.
    pub fn add_to(&self, edits: &mut Edits) -> bool {
        if self.wanted.is_empty() {
            return true;
        }
        match self.language {
            Language::Rust => self.wanted.iter().all(|path| self.add_use(path, edits)),
            Language::Python => self.wanted.iter().all(|path| self.add_module(path, edits)),
            Language::Go => self.add_packages(edits),
        }
    }

    /// The plain `use` declarations of the file.
    fn uses(&self) -> impl Iterator<Item = Node<'t>> {
        self.tree.root().children().filter(|node| node.kind() == "use_declaration" && node.text().starts_with("use "))
    }

    fn add_use(&self, path: &str, edits: &mut Edits) -> bool {
        let new = format!("use {path};");
        let of_std: Vec<Node<'_>> = self.uses().filter(|node| node.text().starts_with("use std::")).collect();
        let before = of_std.iter().find(|node| node.text() > new.as_str());
        let at = match (before, of_std.last()) {
            (Some(next), _) => start_of_item(*next),
            (None, Some(last)) => self.tree.line_range(last.last_line()).end,
            (None, None) => match self.uses().next() {
                Some(first) => start_of_item(first),
                None => return false,
            },
        };
        edits.insert(at, new + newline(self.tree));
        true
    }

    fn add_module(&self, path: &str, edits: &mut Edits) -> bool {
        let (new, end) = (format!("import {path}"), newline(self.tree));
        // What comes after the head may be used before it.
        let end_of_head = head(self.tree).map_or(0, Node::end);
        let top: Vec<Node<'_>> = self.tree.root().named_children().collect();
        let is_late = |node: &Node<'_>| node.kind().starts_with("import_") && node.start() >= end_of_head;
        let top = top.split(is_late).next().unwrap_or_default();
        let is_plain = |node: &&Node<'_>| node.kind() == "import_statement";
        let first = top.iter().position(|node| is_plain(&node));
        let run: Vec<&Node<'_>> = first.map_or_else(Vec::new, |at| top[at..].iter().take_while(is_plain).collect());
        let line = |node: &Node<'_>| self.tree.line_range(node.first_line()).start;
        let at = match (run.iter().find(|node| node.text() > new.as_str()), run.last()) {
            (Some(next), _) => line(next),
            (None, Some(last)) => self.tree.line_range(last.last_line()).end,
            // Modules come before what is taken out of them.
            (None, None) => match top.iter().find(|node| node.kind() == "import_from_statement") {
                Some(from) => line(from),
                None => return self.add_first_module(&new, top, edits),
            },
        };
        edits.insert(at, new + end);
        true
    }

    /// Where a file imports nothing: after what documents it.
    fn add_first_module(&self, new: &str, top: &[Node<'_>], edits: &mut Edits) -> bool {
        let end = newline(self.tree);
        let is_head = |node: &Node<'_>| {
            node.kind() == "future_import_statement"
                || node.kind() == "expression_statement" && node.named_children().any(|child| child.kind() == "string")
        };
        match top.iter().rfind(|node| is_head(node)) {
            Some(head) => edits.insert(self.tree.line_range(head.last_line()).end, format!("{end}{new}{end}")),
            None if top.first().is_none_or(|first| !Language::Python.is_comment(*first)) => {
                edits.insert(0, format!("{new}{end}{end}{end}"));
            }
            None => return false,
        }
        true
    }

    fn add_packages(&self, edits: &mut Edits) -> bool {
        let end = newline(self.tree);
        let is_c = |node: &Node<'_>| node.descendants().any(|spec| unquoted(spec) == Some("C"));
        let mut declarations = self.tree.root().children().filter(|node| node.kind() == "import_declaration");
        let Some(declaration) = declarations.find(|node| !is_c(node)) else {
            let clause = self.tree.root().children().find(|node| node.kind() == "package_clause");
            let Some(clause) = clause else { return false };
            let at = self.tree.line_range(clause.last_line()).end;
            let all: String = self.wanted.iter().map(|path| format!("{end}import \"{path}\"{end}")).collect();
            edits.insert(at, all);
            return true;
        };
        let specs: Vec<Node<'_>> = declaration.descendants().filter(|node| node.kind() == "import_spec").collect();
        if !declaration.children().any(|child| child.kind() == "import_spec_list") {
            let own = specs.iter().map(|spec| spec.text().to_owned());
            let mut all: Vec<String> = own.chain(self.wanted.iter().map(|path| format!("\"{path}\""))).collect();
            all.sort_by(|a, b| quoted(a).cmp(quoted(b)));
            let list: String = all.iter().map(|spec| format!("\t{spec}{end}")).collect();
            edits.replace(declaration.range(), format!("import ({end}{list})"));
            return true;
        }
        // The first group, whose lines follow each other; the standard library's has no dots in its paths.
        let mut group: Vec<Node<'_>> = Vec::new();
        for spec in specs {
            if group.last().is_some_and(|last| spec.first_line() > last.last_line() + 1) {
                break;
            }
            group.push(spec);
        }
        let Some(first) = group.first() else { return false };
        let is_std = group.iter().all(|spec| !quoted(spec.text()).split('/').next().unwrap_or("").contains('.'));
        let line = |node: &Node<'_>| self.tree.line_range(node.first_line()).start;
        for path in &self.wanted {
            let next = group.iter().find(|spec| quoted(spec.text()) > path.as_str());
            let at = match next {
                _ if !is_std => line(first),
                Some(next) => line(next),
                None => group.last().map_or(0, |last| self.tree.line_range(last.last_line()).end),
            };
            edits.insert(at, format!("\t\"{path}\"{end}"));
        }
        if !is_std {
            edits.insert(line(first), end);
        }
        true
    }
}

/// Whether a node stands in no module of a file but the file's own.
fn is_in_file(at: Node<'_>) -> bool {
    at.ancestors().all(|around| around.kind() != "mod_item")
}

/// Where an item begins, with the attributes and comments above it.
pub fn start_of_item(item: Node<'_>) -> usize {
    let tree = item.tree();
    let mut here = item;
    while let Some(before) = here.previous_sibling() {
        let is_head = before.kind() == "attribute_item"
            || before.kind().ends_with("comment")
                && !before.text().starts_with("//!")
                && !before.text().starts_with("/*!");
        // A comment may belong to what is before it on its line.
        let line = &tree.text()[tree.line_range(before.first_line()).start..before.start()];
        if !is_head || before.last_line() + 1 < here.first_line() || !line.trim().is_empty() {
            break;
        }
        here = before;
    }
    tree.line_range(here.first_line()).start
}

/// The path of an import of Go, without its name and quotes.
fn quoted(spec: &str) -> &str {
    spec.split('"').nth(1).unwrap_or(spec)
}

/// The name that a package of Go has by its path.
fn package(path: &str) -> &str {
    let is_version = |part: &str| part.strip_prefix('v').is_some_and(|rest| rest.parse::<u32>().is_ok());
    path.rsplit('/').find(|part| !is_version(part)).unwrap_or(path)
}

/// The names that a tree of `use` gives.
fn use_tree<'t>(node: Node<'t>, prefix: &str, add: &mut impl FnMut(&'t str, String)) {
    let whole = |node: Node<'t>| {
        let path: String = node.text().split_whitespace().collect();
        if prefix.is_empty() { path } else { format!("{prefix}::{path}") }
    };
    match node.kind() {
        "identifier" | "crate" | "super" => add(node.text(), whole(node)),
        "self" => {
            if let Some(list) = node.parent().and_then(|list| list.parent())
                && let Some(path) = list.child_by_field("path")
            {
                add(path.child_by_field("name").map_or(path.text(), Node::text), prefix.to_owned());
            }
        }
        "scoped_identifier" => add(node.child_by_field("name").map_or("", Node::text), whole(node)),
        "use_as_clause" => {
            if let (Some(path), Some(alias)) = (node.child_by_field("path"), node.child_by_field("alias")) {
                add(alias.text(), whole(path));
            }
        }
        "scoped_use_list" => {
            if let Some(list) = node.child_by_field("list") {
                let prefix = node.child_by_field("path").map_or_else(|| prefix.to_owned(), whole);
                list.named_children().for_each(|inner| use_tree(inner, &prefix, add));
            }
        }
        "use_list" => node.named_children().for_each(|inner| use_tree(inner, prefix, add)),
        _ => {}
    }
}

/// The names that an import of Python gives.
fn import<'t>(node: Node<'t>, add: &mut impl FnMut(&'t str, String)) {
    let module = node.child_by_field("module_name").map(Node::text);
    for name in node.children().filter(|child| child.field() == "name") {
        let whole = |name: &str| module.map_or_else(|| name.to_owned(), |module| format!("{module}.{name}"));
        match (name.child_by_field("name"), name.child_by_field("alias")) {
            (Some(of), Some(alias)) => add(alias.text(), whole(of.text())),
            // `import a.b` gives `a`.
            _ if module.is_none() => {
                let first = name.text().split('.').next().unwrap_or("");
                add(first, first.to_owned());
            }
            _ => add(name.text(), whole(name.text())),
        }
    }
}
