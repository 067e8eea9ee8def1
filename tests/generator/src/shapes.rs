//! What the bodies of functions look like before anybody makes them worse.

use crate::dice::Dice;
use crate::program::{Expr, Function, Kind, Program, Stmt, Tool, list_name};
use crate::words::{Domain, FIELDS};

/// The usual forms of a function.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Sum,
    Collect,
    Parse,
    Cached,
    Render,
    Score,
    Group,
}

/// The form that a name suggests.
fn shape_of(name: &str) -> Shape {
    let verb = name.split('_').next().unwrap_or(name);
    match verb {
        "parse" | "match" | "tokenize" | "split" | "rewrite" | "check" => Shape::Parse,
        "render" | "format" | "encode" | "sign" | "explain" | "compress" => Shape::Render,
        "load" | "lookup" | "find" | "resolve" | "fetch" => Shape::Cached,
        "sum" | "price" | "count" | "estimate" | "recalculate" | "quote" | "evaluate" => Shape::Sum,
        "score" | "weigh" | "round" | "apply" | "convert" | "boost" | "distance" | "blend" | "smooth" | "prorate" => {
            Shape::Score
        }
        "group" | "index" | "merge" | "bucket" | "dedupe" => Shape::Group,
        _ => Shape::Collect,
    }
}

/// A function without calls and body.
pub(crate) fn signature(dice: &mut Dice, words: &Domain, name: &str, module: usize) -> Function {
    let noun = (*dice.pick(words.nouns)).to_owned();
    let shape = shape_of(name);
    let many = (list_name(&noun), Kind::Many(noun.clone()));
    let one = (noun.clone(), Kind::Record(noun.clone()));
    let (param, result) = match shape {
        Shape::Sum => (many, Kind::Number),
        Shape::Collect | Shape::Group | Shape::Parse => (many, Kind::Many(noun.clone())),
        Shape::Cached => (one, Kind::Record(noun.clone())),
        Shape::Render => (one, Kind::Text),
        Shape::Score => (one, Kind::Number),
    };
    let spoken = name.replace('_', " ");
    let doc = match dice.index(3) {
        0 => format!("{} for one {noun}.", crate::words::capital(&spoken)),
        1 => format!("The step \"{spoken}\" of a request."),
        _ => format!("{}; callers hold the lock on the {noun}.", crate::words::capital(&spoken)),
    };
    Function { name: name.to_owned(), module, param, result, doc, calls: Vec::new(), body: Vec::new() }
}

/// A field of a variable.
pub(crate) fn field(of: &str, name: &str) -> Expr {
    Expr::Field(of.to_owned(), name.to_owned())
}

/// A variable.
pub(crate) fn name(of: &str) -> Expr {
    Expr::Name(of.to_owned())
}

/// Two operands.
pub(crate) fn binary(operator: &'static str, left: Expr, right: Expr) -> Expr {
    Expr::Binary(operator, Box::new(left), Box::new(right))
}

/// A call of a function with what is at hand: one record named `at_hand`.
fn call(program: &Program, callee: usize, at_hand: &str) -> Expr {
    let argument = match program.functions[callee].param.1 {
        Kind::Many(_) => field(at_hand, "parts"),
        _ => name(at_hand),
    };
    Expr::Call(callee, vec![argument])
}

/// Statements that call each of `callees` and bind their results.
fn bind_calls(program: &Program, callees: &[usize], at_hand: &str) -> Vec<Stmt> {
    callees
        .iter()
        .map(|callee| {
            let variable = program.functions[*callee].name.split('_').next_back().unwrap_or("value").to_owned();
            Stmt::Let(
                format!("{variable}_{}", crate::words::FIELDS[*callee % FIELDS.len()]),
                call(program, *callee, at_hand),
            )
        })
        .collect()
}

/// The body of a function, with its calls.
pub(crate) fn body(dice: &mut Dice, program: &Program, index: usize) -> Vec<Stmt> {
    let function = &program.functions[index];
    let (param, kind) = &function.param;
    let noun = match kind {
        Kind::Many(noun) | Kind::Record(noun) => noun.as_str(),
        _ => param.as_str(),
    };
    let (a, b) = (*dice.pick(FIELDS), *dice.pick(FIELDS));
    let factor = Expr::Number(format!("{:.2}", dice.between(0.05, 3.0)));
    let calls = function.calls.as_slice();
    let inner = bind_calls(program, calls, noun);
    let mut out = Vec::new();
    match shape_of(&function.name) {
        Shape::Sum => {
            out.push(Stmt::Let("total".into(), Expr::Number("0.0".into())));
            let mut turn = vec![Stmt::If(binary("<=", field(noun, a), Expr::Number("0.0".into())), vec![Stmt::Skip])];
            turn.extend(inner);
            turn.push(Stmt::Add("total".into(), binary("*", field(noun, a), factor)));
            out.push(Stmt::Each(noun.into(), name(param), turn));
            out.push(Stmt::Return(name("total")));
        }
        Shape::Collect => {
            out.push(Stmt::Let("kept".into(), Expr::List));
            let mut turn = inner;
            let limit = Expr::Number(dice.whole(1, 90).to_string());
            turn.push(Stmt::If(binary(">", field(noun, a), limit), vec![Stmt::Push("kept".into(), name(noun))]));
            out.push(Stmt::Each(noun.into(), name(param), turn));
            out.push(Stmt::Return(name("kept")));
        }
        Shape::Parse => {
            let pattern =
                dice.pick(&["^[a-z]+-[0-9]{2,6}$", "([A-Z]{2})[0-9]+", "^[^@]+@[a-z.]+$", "[0-9]+(,[0-9]{3})*"]);
            let tool = Tool::Pattern((*pattern).to_owned());
            out.push(Stmt::Let("pattern".into(), Expr::Make(tool.clone())));
            out.push(Stmt::Let("found".into(), Expr::List));
            let mut turn = inner;
            let hit = Expr::Use(tool, "pattern".into(), Box::new(field(noun, "name")));
            turn.push(Stmt::If(hit, vec![Stmt::Push("found".into(), name(noun))]));
            out.push(Stmt::Each(noun.into(), name(param), turn));
            out.push(Stmt::Return(name("found")));
        }
        Shape::Cached => {
            let key = || Box::new(name("key"));
            out.push(Stmt::Let("key".into(), field(noun, "id")));
            out.push(Stmt::If(Expr::Has("cache".into(), key()), vec![Stmt::Return(Expr::Get("cache".into(), key()))]));
            out.extend(inner);
            out.push(Stmt::Let("value".into(), binary("+", field(noun, a), binary("*", field(noun, b), factor))));
            out.push(Stmt::Put("cache".into(), name("key"), name("value")));
            out.push(Stmt::Return(name("value")));
        }
        Shape::Render => {
            out.push(Stmt::Let("encoder".into(), Expr::Make(Tool::Encoder)));
            out.push(Stmt::Let("pieces".into(), Expr::List));
            let mut turn =
                vec![Stmt::Let("text".into(), Expr::Use(Tool::Encoder, "encoder".into(), Box::new(name("part"))))];
            turn.push(Stmt::Push("pieces".into(), name("text")));
            out.extend(inner);
            out.push(Stmt::Each("part".into(), field(noun, "parts"), turn));
            out.push(Stmt::Return(Expr::Join("pieces".into())));
        }
        Shape::Score => {
            out.push(Stmt::Let("base".into(), binary("*", field(noun, a), factor)));
            out.extend(inner);
            let cap = Expr::Number(format!("{:.1}", dice.between(1.0, 50.0)));
            out.push(Stmt::If(binary(">", name("base"), cap.clone()), vec![Stmt::Set("base".into(), cap)]));
            out.push(Stmt::Return(binary("+", name("base"), field(noun, b))));
        }
        Shape::Group => {
            out.push(Stmt::Let("groups".into(), Expr::Map));
            let mut turn = inner;
            turn.push(Stmt::PutLocal("groups".into(), field(noun, "id"), name(noun)));
            out.push(Stmt::Each(noun.into(), name(param), turn));
            out.push(Stmt::Return(Expr::Sorted(Box::new(name("groups")))));
        }
    }
    if dice.chance(0.3) {
        let text = format!("{} done for {{}}", function.name.replace('_', " "));
        let at = out.len().saturating_sub(1);
        out.insert(at, Stmt::Log("debug", text, vec![Expr::Length(Box::new(name(param)))]));
    }
    out
}
