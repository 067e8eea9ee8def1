//! The model of a program: modules, functions, bodies as small syntax trees, and who calls whom.

use crate::dice::Dice;
use crate::lang::Language;
use crate::shapes;
use crate::words::{DOMAINS, Domain, pascal, plural};

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// A variable.
    Name(String),
    /// A number, as written.
    Number(String),
    /// A text.
    Text(String),
    /// A field of a variable: `line.price`.
    Field(String, String),
    /// A call of another function of the program.
    Call(usize, Vec<Expr>),
    /// Makes a helper object that is costly to make.
    Make(Tool),
    /// Uses a helper object held by a variable.
    Use(Tool, String, Box<Expr>),
    /// A value as JSON text.
    Encode(Box<Expr>),
    /// A text with `{}` holes.
    Format(String, Vec<Expr>),
    /// A copy of a collection.
    Copy(Box<Expr>),
    /// A sorted copy of a collection.
    Sorted(Box<Expr>),
    /// The length of a collection or text.
    Length(Box<Expr>),
    /// Two operands.
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// Whether the module's store of that name has a key.
    Has(String, Box<Expr>),
    /// What the module's store of that name holds for a key.
    Get(String, Box<Expr>),
    /// What the module keeps under that name.
    Store(String),
    /// A new list.
    List,
    /// A new map.
    Map,
    /// The parts of a list joined to one text.
    Join(String),
}

/// Helper objects.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tool {
    /// A compiled regular expression.
    Pattern(String),
    /// An encoder.
    Encoder,
    /// A formatter of a locale.
    Formatter(String),
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stmt {
    /// A comment of one line.
    Comment(String),
    /// A new variable.
    Let(String, Expr),
    /// Adds to a variable.
    Add(String, Expr),
    /// Sets a variable.
    Set(String, Expr),
    /// Appends to a list.
    Push(String, Expr),
    /// Puts into the module's store of that name.
    Put(String, Expr, Expr),
    /// Puts into a local map.
    PutLocal(String, Expr, Expr),
    /// A loop over a collection.
    Each(String, Expr, Vec<Stmt>),
    /// A condition.
    If(Expr, Vec<Stmt>),
    /// Goes on with the next turn of the loop.
    Skip,
    /// A log line.
    Log(&'static str, String, Vec<Expr>),
    /// Returns.
    Return(Expr),
}

/// What a parameter or result is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// One record of a noun.
    Record(String),
    /// A list of records of a noun.
    Many(String),
    /// A number.
    Number,
    /// A text.
    Text,
}

/// A function.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    /// Its name, in snake case.
    pub(crate) name: String,
    /// Index of its module.
    pub(crate) module: usize,
    /// Its parameter's name and kind.
    pub(crate) param: (String, Kind),
    /// What it returns.
    pub(crate) result: Kind,
    /// One line of documentation.
    pub(crate) doc: String,
    /// Functions that it calls.
    pub(crate) calls: Vec<usize>,
    /// Its body.
    pub(crate) body: Vec<Stmt>,
}

/// How a file is laid out; formatters change it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Layout {
    /// Spaces of one indentation (Go always uses tabs).
    pub(crate) indent: usize,
    /// An empty line after every loop or condition.
    pub(crate) airy: bool,
    /// The file lies in its folder rather than beside the others.
    pub(crate) nested: bool,
}

/// A module: one file.
#[derive(Clone, Debug)]
pub(crate) struct Module {
    /// Its name.
    pub(crate) name: String,
    /// The type that its functions are methods of, if they are.
    pub(crate) class: Option<String>,
    /// Constants: name and value.
    pub(crate) constants: Vec<(String, String)>,
    /// What the file says it is for.
    pub(crate) doc: String,
    /// Layout.
    pub(crate) layout: Layout,
    /// Small functions that nothing calls yet, as name and constant.
    pub(crate) helpers: Vec<(String, String)>,
}

/// A program.
#[derive(Clone)]
pub(crate) struct Program {
    /// The language that it is written in.
    pub(crate) language: Language,
    /// Its domain's index.
    domain: usize,
    /// How frames are written where a language has several ways.
    pub(crate) dialect: usize,
    /// Modules; the first is the entry.
    pub(crate) modules: Vec<Module>,
    /// Functions; a caller always comes before what it calls.
    pub(crate) functions: Vec<Function>,
    /// How many of the first functions are entries.
    pub(crate) entries: usize,
}

impl Program {
    /// A new program.
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let domain = dice.index(DOMAINS.len());
        let language = *dice.pick(&Language::ALL);
        let dialect = dice.index(2);
        let words = &DOMAINS[domain];
        let mut program = Self { language, domain, dialect, modules: Vec::new(), functions: Vec::new(), entries: 0 };
        program.add_modules(dice, words);
        let entries = words.modules[0].1.len();
        program.entries = entries;
        program.link(dice);
        for index in 0..program.functions.len() {
            program.functions[index].body = shapes::body(dice, &program, index);
        }
        program
    }

    /// The words of its domain.
    pub(crate) fn domain(&self) -> &'static Domain {
        &DOMAINS[self.domain]
    }

    fn add_modules(&mut self, dice: &mut Dice, words: &'static Domain) {
        let methods = self.language == Language::Java || dice.chance(0.5);
        let keep = dice.index(3);
        let dropped: Vec<usize> = (0..keep).map(|_| 1 + dice.index(words.modules.len() - 1)).collect();
        let mut waiting = Vec::new();
        for (index, (name, functions)) in words.modules.iter().enumerate() {
            if dropped.contains(&index) {
                continue;
            }
            let module = self.modules.len();
            let own = methods && (self.language == Language::Java || dice.chance(0.7));
            self.modules.push(Module {
                name: (*name).to_owned(),
                class: own.then(|| pascal(name)),
                constants: vec![
                    ("MAX_BATCH".into(), dice.whole(2, 64).to_string()),
                    ("SCALE".into(), format!("{:.2}", dice.between(0.1, 4.0))),
                ],
                doc: format!("{} of the {} service.", crate::words::capital(name), words.name),
                layout: Layout { indent: 4, airy: dice.chance(0.5), nested: dice.chance(0.15) },
                helpers: Vec::new(),
            });
            for function in *functions {
                let made = shapes::signature(dice, words, function, module);
                if index == 0 {
                    self.functions.push(made);
                } else {
                    waiting.push(made);
                }
            }
        }
        dice.shuffle(&mut waiting);
        self.functions.append(&mut waiting);
    }

    /// Decides who calls whom: every function gets a caller before it, some a second one.
    fn link(&mut self, dice: &mut Dice) {
        let entries = self.entries;
        for callee in entries..self.functions.len() {
            let callers = if dice.chance(0.15) { 2 } else { 1 };
            for _ in 0..callers {
                for _ in 0..30 {
                    let caller = dice.index(callee);
                    let full = self.functions[caller].calls.len() >= if caller < entries { 5 } else { 3 };
                    if !full && !self.functions[caller].calls.contains(&callee) {
                        self.functions[caller].calls.push(callee);
                        break;
                    }
                }
            }
            if !self.functions.iter().any(|f| f.calls.contains(&callee)) {
                self.functions[callee % entries].calls.push(callee);
            }
        }
    }

    /// Direct callers of a function.
    pub(crate) fn callers(&self, function: usize) -> Vec<usize> {
        (0..self.functions.len()).filter(|f| self.functions[*f].calls.contains(&function)).collect()
    }

    /// Every function on a stack through `function`: itself, all that lead to it, all that it leads to.
    pub(crate) fn stack_of(&self, function: usize) -> Vec<usize> {
        let mut up = vec![function];
        let mut down = vec![function];
        let mut next = 0;
        while next < up.len() {
            up.extend(self.callers(up[next]));
            next += 1;
        }
        next = 0;
        while next < down.len() {
            down.extend(self.functions[down[next]].calls.iter().copied());
            next += 1;
        }
        up.extend(down);
        up.sort_unstable();
        up.dedup();
        up
    }

    /// The path of a module's file.
    pub(crate) fn path(&self, module: usize) -> String {
        self.language.path(self, &self.modules[module])
    }

    /// The frame name of a function, as the profiler writes it.
    pub(crate) fn frame(&self, function: usize) -> String {
        let f = &self.functions[function];
        self.language.frame(self, &self.modules[f.module], &f.name)
    }

    /// The text of a module's file.
    pub(crate) fn text(&self, module: usize) -> String {
        crate::lang::file::render(self, module)
    }
}

/// The name of a list of a noun.
pub(crate) fn list_name(noun: &str) -> String {
    plural(noun)
}
