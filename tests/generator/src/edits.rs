//! Changes to the bodies of functions: the ones that make them slower, and the innocent ones.

use crate::dice::Dice;
use crate::lang::Leaf;
use crate::program::{Expr, Kind, Program, Stmt, Tool};
use crate::shapes::{binary, field, name};

/// How a function is made slower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Slowdown {
    /// A helper object is made in every turn of a loop instead of once.
    MakeInLoop,
    /// Text is put together for a log line that is nearly never written.
    LogInLoop,
    /// A cache is gone, or never hit.
    DropCache,
    /// Every record is compared with every other.
    Validate,
    /// A collection is copied in every turn.
    CopyInLoop,
    /// A collection is sorted in every turn.
    SortInLoop,
    /// Records are written as JSON for an audit.
    EncodeAudit,
    /// Something grows with every request and is walked through in each.
    Leak,
}

/// What a slowdown needs to know of its function.
struct Around {
    /// The parameter.
    param: String,
    /// One record.
    noun: String,
    /// Whether the parameter is a list.
    many: bool,
}

/// The slowdowns that fit a function.
pub(crate) fn fitting(program: &Program, function: usize, drift: bool) -> Vec<Slowdown> {
    if drift {
        return vec![Slowdown::Leak];
    }
    let body = &program.functions[function].body;
    let mut all = vec![Slowdown::EncodeAudit, Slowdown::LogInLoop, Slowdown::Validate];
    if body.iter().any(|s| matches!(s, Stmt::Each(..))) {
        all.extend([Slowdown::MakeInLoop, Slowdown::CopyInLoop, Slowdown::SortInLoop]);
    }
    if body.iter().any(is_cache_hit) {
        all = vec![Slowdown::DropCache, Slowdown::DropCache, Slowdown::EncodeAudit, Slowdown::LogInLoop];
    }
    all
}

fn is_cache_hit(statement: &Stmt) -> bool {
    matches!(statement, Stmt::If(Expr::Has(..), _))
}

/// The library function in which part of a slowdown's cost lies.
pub(crate) fn leaf(slowdown: Slowdown) -> Option<Leaf> {
    match slowdown {
        Slowdown::MakeInLoop => Some(Leaf::Pattern),
        Slowdown::LogInLoop => Some(Leaf::Format),
        Slowdown::DropCache | Slowdown::Validate | Slowdown::Leak => None,
        Slowdown::CopyInLoop => Some(Leaf::Copy),
        Slowdown::SortInLoop => Some(Leaf::Sort),
        Slowdown::EncodeAudit => Some(Leaf::Encode),
    }
}

/// Makes room for a slowdown in the first version of a function: what will move has to be there.
pub(crate) fn prepare(dice: &mut Dice, program: &mut Program, function: usize, slowdown: Slowdown) {
    let body = &mut program.functions[function].body;
    if slowdown == Slowdown::MakeInLoop && !body.iter().any(|s| matches!(s, Stmt::Let(_, Expr::Make(_)))) {
        let locale = dice.pick(&["en-GB", "de-CH", "pt-BR", "ja-JP"]);
        let tool = Tool::Formatter((*locale).to_owned());
        body.insert(0, Stmt::Let("formatter".into(), Expr::Make(tool.clone())));
        for statement in body.iter_mut() {
            if let Stmt::Each(noun, _, turn) = statement {
                let shown = Expr::Use(tool.clone(), "formatter".into(), Box::new(field(noun, "amount")));
                turn.insert(0, Stmt::Let("shown".into(), shown));
                break;
            }
        }
    }
}

/// Makes a function slower.
pub(crate) fn slow_down(dice: &mut Dice, program: &mut Program, function: usize, slowdown: Slowdown) {
    let f = &mut program.functions[function];
    let many = matches!(f.param.1, Kind::Many(_));
    let noun = match &f.param.1 {
        Kind::Many(noun) | Kind::Record(noun) => noun.clone(),
        _ => f.param.0.clone(),
    };
    let around = Around { param: f.param.0.clone(), noun, many };
    let label = f.name.replace('_', " ");
    let body = &mut f.body;
    match slowdown {
        Slowdown::MakeInLoop => move_into_loop(body),
        Slowdown::DropCache => drop_cache(dice, body),
        Slowdown::LogInLoop => {
            let text = dice.pick(&["considering {}", "state before this step: {}", "input {}", "visiting {}"]);
            in_loop(body, &around, |each| {
                let detail = Expr::Format(
                    "{} of {}".into(),
                    vec![Expr::Encode(Box::new(name(each))), Expr::Text(label.clone())],
                );
                vec![Stmt::Let("detail".into(), detail), Stmt::Log("debug", (*text).to_owned(), vec![name("detail")])]
            });
        }
        Slowdown::EncodeAudit => {
            let limit = dice.whole(4, 64) * 1024;
            in_loop(body, &around, |each| {
                let size = Expr::Length(Box::new(name("payload")));
                let log = Stmt::Log("warn", "unusually large record: {} bytes".into(), vec![size.clone()]);
                vec![
                    Stmt::Let("payload".into(), Expr::Encode(Box::new(name(each)))),
                    Stmt::If(binary(">", size, Expr::Number(limit.to_string())), vec![log]),
                ]
            });
        }
        Slowdown::Validate => {
            let every = around.everything();
            in_loop(body, &around, |each| {
                let same = binary("==", field("other", "id"), field(each, "id"));
                vec![
                    Stmt::Let("matches".into(), Expr::Number("0".into())),
                    Stmt::Each(
                        "other".into(),
                        every.clone(),
                        vec![Stmt::If(same, vec![Stmt::Add("matches".into(), Expr::Number("1".into()))])],
                    ),
                    Stmt::If(
                        binary(">", name("matches"), Expr::Number("1".into())),
                        vec![Stmt::Log("warn", "duplicate {}".into(), vec![field(each, "id")])],
                    ),
                ]
            });
        }
        Slowdown::CopyInLoop => {
            let every = around.everything();
            in_loop(body, &around, |_| with_check("snapshot", Expr::Copy(Box::new(every.clone()))));
        }
        Slowdown::SortInLoop => {
            let every = around.everything();
            in_loop(body, &around, |_| with_check("ordered", Expr::Sorted(Box::new(every.clone()))));
        }
        Slowdown::Leak => {
            let id = field(&around.noun, "id");
            let hit = binary("==", name("earlier"), id.clone());
            let walk = vec![Stmt::If(hit, vec![Stmt::Log("debug", "seen before: {}".into(), vec![name("earlier")])])];
            in_loop(body, &around, |_| {
                vec![
                    Stmt::Each("earlier".into(), Expr::Store("seen".into()), walk.clone()),
                    Stmt::Push("seen".into(), id.clone()),
                ]
            });
        }
    }
}

impl Around {
    /// The whole collection that the function works on.
    fn everything(&self) -> Expr {
        if self.many { name(&self.param) } else { field(&self.param, "parts") }
    }
}

/// A new collection and a look at it; only fits into a loop.
fn with_check(variable: &str, value: Expr) -> Vec<Stmt> {
    let empty = binary("==", Expr::Length(Box::new(name(variable))), Expr::Number("0".into()));
    vec![Stmt::Let(variable.into(), value), Stmt::If(empty, vec![Stmt::Skip])]
}

/// Puts statements at the head of the first loop, or, where there is none, at the head of the body (in a loop over the parts).
fn in_loop(body: &mut Vec<Stmt>, around: &Around, make: impl Fn(&str) -> Vec<Stmt>) {
    for statement in body.iter_mut() {
        if let Stmt::Each(each, _, turn) = statement {
            let mut new = make(each);
            new.append(turn);
            *turn = new;
            return;
        }
    }
    let at = body.len().saturating_sub(1);
    if around.many {
        let turn = make(&around.noun);
        body.insert(at, Stmt::Each(around.noun.clone(), name(&around.param), turn));
    } else {
        body.splice(at..at, make(&around.param));
    }
}

fn move_into_loop(body: &mut Vec<Stmt>) {
    let Some(at) = body.iter().position(|s| matches!(s, Stmt::Let(_, Expr::Make(_)))) else { return };
    let made = body.remove(at);
    for statement in body.iter_mut() {
        if let Stmt::Each(_, _, turn) = statement {
            turn.insert(0, made);
            return;
        }
    }
    body.insert(at, made);
}

fn drop_cache(dice: &mut Dice, body: &mut Vec<Stmt>) {
    if dice.chance(0.5) {
        for statement in body.iter_mut() {
            if let Stmt::Let(variable, value) = statement
                && variable == "key"
            {
                let unique = Expr::Format("{}/{}".into(), vec![value.clone(), field("request", "trace_id")]);
                *value = unique;
                return;
            }
        }
    }
    body.retain(|s| {
        !is_cache_hit(s)
            && !matches!(s, Stmt::Put(store, ..) if store == "cache")
            && !matches!(s, Stmt::Let(v, _) if v == "key")
    });
}

/// Changes the body of a function without changing what it costs.
pub(crate) fn tweak(dice: &mut Dice, program: &mut Program, function: usize) {
    let f = &mut program.functions[function];
    let param = f.param.0.clone();
    let body = &mut f.body;
    match dice.index(5) {
        0 => {
            let fresh = Expr::Number(format!("{:.2}", dice.between(0.05, 3.0)));
            if !change_number(body, &fresh) {
                body.insert(0, note(dice));
            }
        }
        1 => {
            let empty = binary("==", Expr::Length(Box::new(name(&param))), Expr::Number("0".into()));
            let answer = body.iter().rev().find_map(|s| match s {
                Stmt::Return(Expr::Name(n)) => body.iter().find_map(|s| match s {
                    Stmt::Let(v, value @ (Expr::List | Expr::Number(_))) if v == n => Some(value.clone()),
                    _ => None,
                }),
                _ => None,
            });
            match answer {
                Some(answer) => body.insert(0, Stmt::If(empty, vec![Stmt::Return(answer)])),
                None => body.insert(0, note(dice)),
            }
        }
        2 => {
            let at = body.len().saturating_sub(1);
            body.insert(at, Stmt::Log("debug", "finished with {}".into(), vec![Expr::Length(Box::new(name(&param)))]));
        }
        3 => {
            let text = f.doc.trim_end_matches('.').to_owned();
            f.doc = format!("{text}. See the handbook, section {}.", dice.whole(1, 19));
        }
        _ => {
            let at = dice.index(body.len().max(1));
            body.insert(at, note(dice));
        }
    }
}

/// Adds a comment to a function and changes nothing else.
pub(crate) fn comment_only(dice: &mut Dice, program: &mut Program, function: usize) {
    let at = dice.index(program.functions[function].body.len().max(1));
    let text = note(dice);
    program.functions[function].body.insert(at, text);
}

fn note(dice: &mut Dice) -> Stmt {
    let ticket = dice.whole(100, 9000);
    let text = dice.pick(&[
        "order matters here",
        "kept for older clients",
        "callers rely on this",
        "never empty by now",
        "rounding is done later",
    ]);
    Stmt::Comment(format!("{text} (#{ticket})"))
}

/// Changes the first number of a loop or binding.
fn change_number(body: &mut [Stmt], fresh: &Expr) -> bool {
    body.iter_mut().any(|statement| match statement {
        Stmt::Add(_, Expr::Binary(_, _, right)) | Stmt::Let(_, Expr::Binary(_, _, right))
            if matches!(**right, Expr::Number(_)) =>
        {
            **right = fresh.clone();
            true
        }
        Stmt::Each(_, _, turn) => change_number(turn, fresh),
        _ => false,
    })
}
