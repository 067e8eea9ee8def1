//! Whether code has effects, and what it depends on, as far as its tree shows.
//!
//! What is not on a list is taken to have effects: a kind of node, a function, a method. So an answer of yes is worth something, and an
//! answer of no says what is not known. Types are not known either; the lists of methods say what that means.

mod known;

use std::cell::Cell;
use std::collections::BTreeSet;

use known::Known;

use super::{Imports, Language, arguments, binds, name_of, writes};
use crate::tree::Node;

/// Why code may have effects, or depend on more than its arguments: half a sentence.
pub type Unknown = String;

/// Calls within calls that are followed.
const DEEPEST: usize = 4;
/// Nodes of a function: longer ones are nobody's formula.
const MOST_NODES: usize = 2_000;
/// Nodes of all that is looked at for one answer.
const MOST_TOGETHER: usize = 20_000;

/// What has effects in a file.
pub struct Purity<'a> {
    language: Language,
    imports: &'a Imports<'a>,
    known: &'static Known,
    /// Nodes that may still be looked at.
    left: Cell<usize>,
}

/// What a walk is inside of.
struct Scope<'t> {
    /// Names that are its own: parameters and variables.
    own: BTreeSet<&'t str>,
    /// Those of them that hold collections which it made itself.
    made: BTreeSet<&'t str>,
    /// Whether statements may stand in it.
    is_function: bool,
    /// Whether it may depend on nothing but its own names and constants.
    is_strict: bool,
}

impl<'a> Purity<'a> {
    /// Of a file.
    pub fn new(language: Language, imports: &'a Imports<'a>) -> Purity<'a> {
        Purity { language, imports, known: known::of(language), left: Cell::new(MOST_TOGETHER) }
    }

    /// Whether computing an expression changes nothing: it may be left out where its value is not wanted.
    pub fn quiet(&self, expression: Node<'_>) -> Result<(), Unknown> {
        let scope = Scope { own: BTreeSet::new(), made: BTreeSet::new(), is_function: false, is_strict: false };
        self.walk(expression, &scope, 0)
    }

    /// Whether a function, called with plain values (numbers, texts), changes nothing and depends on nothing else: equal arguments give
    /// equal results.
    pub fn pure(&self, function: Node<'_>) -> Result<(), Unknown> {
        self.function(function, true, 0)
    }

    fn function(&self, function: Node<'_>, is_strict: bool, depth: usize) -> Result<(), Unknown> {
        let name = name_of(function);
        let Some(body) = function.child_by_field("body") else { return Err(format!("`{name}` has no body")) };
        if depth > DEEPEST || body.descendants().count() > MOST_NODES {
            return Err(format!("`{name}` is too long, or calls too deep"));
        }
        let odd = ["async", "unsafe", "extern", "const"];
        let head = function.children().take_while(|child| *child != body).flat_map(Node::descendants);
        if let Some(odd) = head.into_iter().find(|node| odd.contains(&node.kind())) {
            return Err(format!("`{name}` is {}", odd.kind()));
        }
        let all = function.descendants().filter(|node| binds(self.language, *node));
        let own: BTreeSet<&str> = all.filter(|node| node.parent() != Some(function)).map(Node::text).collect();
        let is_made = |name: &&&str| {
            let mut bound = body.descendants().filter(|node| node.text() == **name && binds(self.language, *node));
            let is_new = |node: Node<'_>| self.value_of(node).is_some_and(|value| self.is_new(value));
            bound.next().is_some_and(is_new) && bound.all(is_new)
        };
        let parameters = function.child_by_field("parameters");
        let is_parameter = |name: &str| {
            parameters
                .is_some_and(|all| all.descendants().any(|node| node.text() == name && node.children().count() == 0))
        };
        let made = own.iter().filter(is_made).copied().filter(|name| !is_parameter(name)).collect();
        self.walk(body, &Scope { own, made, is_function: true, is_strict }, depth)
    }

    /// The value that a variable is bound to in the statement that binds it alone.
    fn value_of<'t>(&self, bound: Node<'t>) -> Option<Node<'t>> {
        let whole = bound.ancestors().find(|around| {
            matches!(around.kind(), "assignment" | "let_declaration" | "short_var_declaration" | "var_spec")
        })?;
        let field = if self.language == Language::Rust || whole.kind() == "var_spec" { "value" } else { "right" };
        let value = whole.child_by_field(field)?;
        let target = whole.child_by_field(match whole.kind() {
            "let_declaration" => "pattern",
            "var_spec" => "name",
            _ => "left",
        })?;
        let is_alone = target.text() == bound.text();
        let value = if value.kind() == "expression_list" { value.named_children().next()? } else { value };
        is_alone.then_some(value)
    }

    /// Whether an expression makes a new collection.
    fn is_new(&self, value: Node<'_>) -> bool {
        if self.known.new_kinds.contains(&value.kind()) {
            return true;
        }
        let Some(function) = value.child_by_field("function").or_else(|| value.child_by_field("macro")) else {
            return false;
        };
        self.known.new_calls.contains(&function.text()) && !self.imports.is_bound(function.text())
    }

    fn walk(&self, whole: Node<'_>, scope: &Scope<'_>, depth: usize) -> Result<(), Unknown> {
        for node in whole.descendants().filter(|node| node.is_named()) {
            let Some(left) = self.left.get().checked_sub(1) else { return Err("it calls too much".to_owned()) };
            self.left.set(left);
            let kind = node.kind();
            let is_known = self.known.expressions.contains(&kind)
                || scope.is_function && self.known.statements.contains(&kind)
                || self.language.is_comment(node);
            if !is_known {
                return Err(format!("it holds `{}`", kind.replace('_', " ")));
            }
            if self.language.is_call(node) {
                self.call(node, scope, depth)?;
            } else if kind == "macro_invocation" {
                self.expansion(node, scope)?;
            } else if kind == "identifier" && scope.is_function {
                self.identifier(node, scope)?;
            }
        }
        Ok(())
    }

    /// A name that is written to, or read.
    fn identifier(&self, node: Node<'_>, scope: &Scope<'_>) -> Result<(), Unknown> {
        let (name, parent) = (node.text(), node.parent());
        let is_within = |kinds: &[&str]| parent.is_some_and(|parent| kinds.contains(&parent.kind()));
        if writes(self.language, node) {
            let is_whole = binds(self.language, node)
                || parent.is_some_and(|parent| {
                    let is_list = parent.kind() == "expression_list" && parent.named_children().count() == 1;
                    node.field() == "left" || is_list || matches!(parent.kind(), "inc_statement" | "dec_statement")
                });
            return if is_whole && scope.own.contains(name) || scope.made.contains(name) {
                Ok(())
            } else {
                Err(format!("it changes `{name}`, which may be somebody else's"))
            };
        }
        // The names of fields, of arguments and of what a path goes through are told by what they are part of.
        let is_part = node.field() == "attribute"
            || node.field() == "name" && is_within(&["keyword_argument", "scoped_identifier"])
            || node.field() == "path" && is_within(&["scoped_identifier"])
            || is_within(&["literal_element"])
                && node.ancestors().nth(1).is_some_and(|of| of.child_by_field("key") == parent)
            || is_within(&["type", "generic_type", "type_parameter", "token_tree", "macro_invocation"]);
        let is_called = node.field() == "function" && parent.is_some_and(|parent| self.language.is_call(parent));
        if is_part || is_called || !scope.is_strict || scope.own.contains(name) || self.is_constant(name) {
            return Ok(());
        }
        let chain =
            node.ancestors().take_while(|around| matches!(around.kind(), "attribute" | "selector_expression")).last();
        let path = chain.and_then(|chain| self.imports.resolve(chain));
        if path.is_some_and(|path| self.known.is_function(&path) || self.known.is_value(&path)) {
            return Ok(());
        }
        if self.known.variants.contains(&name) && !self.imports.is_bound(name) {
            return Ok(());
        }
        Err(format!("it depends on `{name}`, which is none of its arguments"))
    }

    /// Whether a name is that of a value of the file that never changes: bound once, at the top, to a plain literal, and only read.
    fn is_constant(&self, name: &str) -> bool {
        let all = self.imports.identifiers(name);
        let mut written = all.iter().filter(|node| writes(self.language, **node));
        let (Some(definition), None) = (written.next(), written.next()) else { return false };
        let Some(around) = definition.parent() else { return false };
        match self.language {
            Language::Rust => around.kind() == "const_item",
            Language::Go => around.kind() == "const_spec",
            Language::Python => {
                let is_top = around.ancestors().nth(1).is_some_and(|of| of.parent().is_none());
                let value = around.child_by_field("right");
                is_top && value.is_some_and(|value| self.is_literal(value, all, *definition))
            }
        }
    }

    /// Whether a value of Python is a literal that nobody can change, or one that is a table and only looked into.
    fn is_literal(&self, value: Node<'_>, all: &[Node<'_>], definition: Node<'_>) -> bool {
        let plain =
            ["string", "integer", "float", "true", "false", "none", "tuple", "unary_operator", "concatenated_string"];
        let table = ["dictionary", "list", "set", "pair"];
        let inside = |node: Node<'_>| {
            plain.contains(&node.kind()) || table.contains(&node.kind()) || node.kind().starts_with("string_")
        };
        if !value.descendants().filter(|node| node.is_named()).all(inside) {
            return false;
        }
        if !value.descendants().any(|node| table.contains(&node.kind())) {
            return true;
        }
        all.iter().filter(|node| **node != definition).all(|node| {
            let Some(parent) = node.parent() else { return false };
            match parent.kind() {
                "subscript" => node.field() == "value",
                "comparison_operator" => parent.children().last() == Some(*node),
                "attribute" => {
                    let method = parent.child_by_field("attribute").map_or("", Node::text);
                    ["get", "keys", "values", "items"].contains(&method)
                }
                _ => false,
            }
        })
    }

    fn call(&self, call: Node<'_>, scope: &Scope<'_>, depth: usize) -> Result<(), Unknown> {
        let Some(function) = call.child_by_field("function") else { return Err("it calls something".to_owned()) };
        // Of `sum::<u64>`, what stands before it.
        let function = match function.kind() {
            "generic_function" => function.child_by_field("function").unwrap_or(function),
            _ => function,
        };
        let unknown =
            || Err(format!("it calls `{}`, which may have effects", crate::format::shown(function.text(), 60)));
        if let Some(path) = self.imports.resolve(function) {
            return if self.known.is_function(&path) { self.plain_arguments(call) } else { unknown() };
        }
        let name = function.text();
        if matches!(function.kind(), "identifier" | "type_identifier" | "primitive_type" | "scoped_identifier") {
            if let Some(own) = self.imports.definition(name) {
                // Round and round: what a function calls of itself has the effects that are looked for already.
                let is_around = call.ancestors().any(|around| around == own);
                return if is_around { Ok(()) } else { self.function(own, scope.is_strict, depth + 1) };
            }
            // It may write behind the end of somebody's list.
            let is_own = name != "append" || scope.is_function;
            let is_free = is_own && !self.imports.is_bound(name) && !scope.own.contains(name);
            return if is_free && self.known.is_function(name) { self.plain_arguments(call) } else { unknown() };
        }
        let (receiver, method) = match function.kind() {
            "attribute" => (function.child_by_field("object"), function.child_by_field("attribute")),
            "field_expression" => (function.child_by_field("value"), function.child_by_field("field")),
            "selector_expression" => (function.child_by_field("operand"), function.child_by_field("field")),
            _ => return unknown(),
        };
        let (Some(receiver), Some(method)) = (receiver, method.map(Node::text)) else { return unknown() };
        let is_text = receiver.kind().contains("string");
        let is_plain = scope.is_function && scope.is_strict || is_text;
        let changes = scope.made.contains(receiver.text()) && self.known.mutators.contains(&method);
        if changes || self.known.methods.contains(&method) || is_plain && self.known.plain_methods.contains(&method) {
            return self.plain_arguments(call);
        }
        unknown()
    }

    /// Whether the arguments of a call run nothing: a function may be one of them, whose name says nothing of its effects.
    fn plain_arguments(&self, call: Node<'_>) -> Result<(), Unknown> {
        for argument in arguments(call) {
            let value =
                argument.child_by_field("value").filter(|_| argument.kind() == "keyword_argument").unwrap_or(argument);
            if value.kind() != "identifier" || self.known.is_function(value.text()) {
                continue;
            }
            if self.imports.definition(value.text()).is_some()
                || self.imports.path(value.text()).is_some()
                || self.known.callables.contains(&argument_name(argument))
            {
                return Err(format!("it hands `{}` on, which may have effects", value.text()));
            }
        }
        Ok(())
    }

    /// A macro of Rust: only those that make texts and lists, whose tokens are names and plain calls.
    fn expansion(&self, node: Node<'_>, scope: &Scope<'_>) -> Result<(), Unknown> {
        let name = node.child_by_field("macro").map_or("", Node::text);
        if !self.known.macros.contains(&name) {
            return Err(format!("it uses the macro `{name}!`"));
        }
        match node.children().find(|child| child.kind() == "token_tree") {
            Some(tokens) => self.tokens(tokens, scope.is_strict.then_some(&scope.own)),
            None => Ok(()),
        }
    }

    /// Whether tokens of a macro run nothing but plain calls. `own` are the names that they may depend on; anything where it is absent.
    fn tokens(&self, tokens: Node<'_>, own: Option<&BTreeSet<&str>>) -> Result<(), Unknown> {
        for token in tokens.descendants().filter(|node| node.children().count() == 0) {
            let text = token.text();
            if acts(token) {
                return Err(format!("a macro of it holds `{text}`"));
            }
            if token.kind().ends_with("content")
                && let Some(own) = own
                && captured(text).any(|name| !own.contains(name))
            {
                return Err("a text of it captures what is none of its arguments".to_owned());
            }
            if token.kind() != "identifier" {
                continue;
            }
            let (before, after) = (token.previous_sibling(), token.next_sibling());
            let is_method = before.is_some_and(|before| before.kind() == ".");
            let is_called = after.is_some_and(|after| after.kind() == "token_tree" && after.text().starts_with('('));
            let is_macro = after.is_some_and(|after| after.kind() == "!");
            let is_known = match (is_method, is_called) {
                (true, true) => {
                    self.known.methods.contains(&text) || own.is_some() && self.known.plain_methods.contains(&text)
                }
                (false, true) => self.known.is_function(text),
                _ => !is_macro || self.known.macros.contains(&text),
            };
            if !is_known {
                return Err(format!("it calls `{text}`, which may have effects"));
            }
            let is_name = after.is_some_and(|after| after.kind() == "=");
            let is_own = own.is_none_or(|own| own.contains(text) || self.is_constant(text));
            if !is_method && !is_called && !is_macro && !is_name && !is_own {
                return Err(format!("it depends on `{text}`, which is none of its arguments"));
            }
        }
        Ok(())
    }

    /// Whether the arguments of a macro may be left out: see [`Purity::quiet`].
    pub fn quiet_tokens(&self, tokens: Node<'_>) -> Result<(), Unknown> {
        self.tokens(tokens, None)
    }
}

/// Whether a token of a macro does something by itself: leaves, writes, or borrows for that. `name = value` is how an argument is named,
/// and `?value` how one is to be shown.
fn acts(token: Node<'_>) -> bool {
    let before = token.previous_sibling().map_or("", Node::kind);
    match token.text() {
        "?" => matches!(before, "identifier" | "token_tree" | "self"),
        "=" => before != "identifier",
        "await" | "return" | "break" | "continue" | "unsafe" | "mut" | ";" | "+=" | "-=" | "*=" | "/=" | "|="
        | "&=" => true,
        _ => false,
    }
}

/// What a keyword argument is called.
fn argument_name(argument: Node<'_>) -> &str {
    argument.child_by_field("name").map_or("", Node::text)
}

/// The names that a text to format captures: `{name}`, `{name:?}`.
fn captured(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| {
        let name = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()?;
        name.starts_with(|c: char| c.is_alphabetic() || c == '_').then_some(name)
    })
}
