//! The state of a repository's tree at one commit, as a model: the program and the texts around it.

use crate::dice::Dice;
use crate::git::Change;
use crate::lang::Language;
use crate::program::Program;
use crate::words::{capital, pascal};
use std::collections::BTreeMap;

/// Files by path.
pub(crate) type Tree = BTreeMap<Vec<u8>, Vec<u8>>;

/// Everything in the tree.
#[derive(Clone)]
pub(crate) struct World {
    /// The program.
    pub(crate) program: Program,
    /// Which modules exist yet.
    pub(crate) present: Vec<bool>,
    /// Texts by path, as lines.
    pub(crate) texts: BTreeMap<String, Vec<String>>,
    /// Versions of dependencies.
    pub(crate) dependencies: Vec<(String, [i64; 3])>,
    /// Files of other kinds.
    pub(crate) others: Tree,
}

impl World {
    /// The first state: no modules, only the texts.
    pub(crate) fn new(dice: &mut Dice, program: Program) -> Self {
        let app = program.domain().name;
        let mut texts = BTreeMap::new();
        let mut put =
            |path: &str, lines: &[&str]| texts.insert(path.to_owned(), lines.iter().map(|l| (*l).to_owned()).collect());
        put("README.md", &[&format!("# {app}"), "", "How to build and run is in `docs/operations.md`.", ""]);
        put("CHANGELOG.md", &["# Changelog", "", "## Unreleased", ""]);
        put("docs/operations.md", &["# Operations", "", "The service listens on port 8080.", ""]);
        put("docs/design.md", &["# Design", "", "Requests come in at the entry module and are handed on.", ""]);
        put(
            ".github/workflows/ci.yml",
            &["on: push", "jobs:", "  test:", "    runs-on: ubuntu-latest", "    timeout-minutes: 20"],
        );
        put("Dockerfile", &["FROM debian:bookworm-slim", "COPY target /opt/app", "USER nobody"]);
        put("deploy/values.yaml", &["replicas: 12", "contact: oncall", "dashboard: main"]);
        put(".editorconfig", &["root = true", "", "[*]", "end_of_line = lf"]);
        let names: &[&str] = match program.language {
            Language::Rust => &["serde", "tokio", "regex", "tracing", "hyper"],
            Language::Python => &["flask", "requests", "pydantic", "structlog", "redis"],
            Language::Go => &["golang.org/x/net", "github.com/google/uuid", "go.uber.org/zap", "golang.org/x/text"],
            Language::Java => &["jackson-databind", "jetty-server", "guava", "logback-classic"],
            Language::Cpp => &["fmt", "spdlog", "abseil-cpp", "grpc"],
        };
        let dependencies =
            names.iter().map(|n| ((*n).to_owned(), [dice.whole(0, 9), dice.whole(0, 30), dice.whole(0, 12)])).collect();
        let present = vec![false; program.modules.len()];
        Self { program, present, texts, dependencies, others: Tree::new() }
    }

    /// Adds a line to a text.
    pub(crate) fn append(&mut self, path: &str, line: String) {
        self.texts.entry(path.to_owned()).or_default().push(line);
    }

    /// Adds a test to a module.
    pub(crate) fn add_test(&mut self, module: usize, name: &str, value: i64) {
        let m = &self.program.modules[module];
        let language = self.program.language;
        let path = language.test_path(&self.program, m);
        let class = m.class.clone().unwrap_or_else(|| pascal(&m.name));
        let lines = match language {
            Language::Rust => vec![
                "#[test]".into(),
                format!("fn {name}() {{"),
                format!("    assert_eq!(support::run(\"{name}\"), {value});"),
                "}".into(),
            ],
            Language::Python => vec![
                format!("def test_{name}(client):"),
                format!("    assert client.run(\"{name}\") == {value}"),
                String::new(),
            ],
            Language::Go => vec![
                format!("func Test{}(t *testing.T) {{", pascal(name)),
                format!("\tcheck(t, \"{name}\", {value})"),
                "}".into(),
            ],
            Language::Java => vec![
                format!("// {class}"),
                format!("@Test void {}() {{ check(\"{name}\", {value}); }}", crate::words::camel(name)),
            ],
            Language::Cpp => vec![
                format!("TEST({class}, {}) {{", pascal(name)),
                format!("  EXPECT_EQ(run(\"{name}\"), {value});"),
                "}".into(),
            ],
        };
        self.texts.entry(path).or_default().extend(lines);
    }

    /// The file that lists dependencies.
    fn manifest(&self) -> (&'static str, String) {
        let app = self.program.domain().name;
        let rows = |row: &dyn Fn(&str, &str) -> String| {
            self.dependencies
                .iter()
                .map(|(n, v)| row(n, &format!("{}.{}.{}", v[0], v[1], v[2])))
                .collect::<Vec<_>>()
                .join("\n")
        };
        match self.program.language {
            Language::Rust => (
                "Cargo.toml",
                format!("[package]\nname = \"{app}\"\n\n[dependencies]\n{}\n", rows(&|n, v| format!("{n} = \"{v}\""))),
            ),
            Language::Python => ("requirements.txt", format!("{}\n", rows(&|n, v| format!("{n}=={v}")))),
            Language::Go => (
                "go.mod",
                format!("module github.com/acme/{app}\n\nrequire (\n{}\n)\n", rows(&|n, v| format!("\t{n} v{v}"))),
            ),
            Language::Java => (
                "build.gradle",
                format!(
                    "// {}\ndependencies {{\n{}\n}}\n",
                    capital(app),
                    rows(&|n, v| format!("    implementation 'org:{n}:{v}'"))
                ),
            ),
            Language::Cpp => ("conanfile.txt", format!("[requires]\n{}\n", rows(&|n, v| format!("{n}/{v}")))),
        }
    }

    /// All files.
    pub(crate) fn tree(&self) -> Tree {
        let mut tree = self.others.clone();
        for (path, lines) in &self.texts {
            tree.insert(path.clone().into_bytes(), format!("{}\n", lines.join("\n")).into_bytes());
        }
        for module in (0..self.present.len()).filter(|m| self.present[*m]) {
            tree.insert(self.program.path(module).into_bytes(), self.program.text(module).into_bytes());
        }
        let (path, text) = self.manifest();
        tree.insert(path.as_bytes().to_vec(), text.into_bytes());
        tree
    }
}

/// What leads from one tree to another.
pub(crate) fn changes(before: &Tree, after: &Tree) -> Vec<Change> {
    let gone = before.keys().filter(|path| !after.contains_key(*path)).map(|path| Change::Delete(path.clone()));
    let new = after
        .iter()
        .filter(|(path, content)| before.get(*path) != Some(content))
        .map(|(path, content)| Change::Write(path.clone(), "100644", content.clone()));
    gone.chain(new).collect()
}
