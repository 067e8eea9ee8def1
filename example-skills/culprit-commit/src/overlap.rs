//! How much a commit's changes overlap with the stacks that got slower.

use crate::candidate::Candidate;
use crate::definition::Kind;
use crate::kind::{FileKind, of_path};
use crate::matching::{Place, place, strength};
use crate::regression::Regression;
use crate::touched::Touched;

/// What ties a commit to the regression best.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlap {
    /// How much more probable the touched code is if the commit is the cause: natural logarithm.
    pub log_odds: f64,
    /// How.
    pub how: How,
    /// The risen function, by its position in [`Regression::risen`]; absent where nothing ties.
    pub risen: Option<usize>,
    /// Files that tie it.
    pub files: Vec<String>,
    /// Lines added to and removed from what ties it.
    pub lines: (Vec<String>, Vec<String>),
}

/// How a commit is tied to a function that got slower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It changes the function itself.
    Body,
    /// It changes a function of the same name that is perhaps another one.
    Namesake,
    /// It changes a definition of this name that the function uses.
    Uses(String),
    /// It changes a type of this name that the function belongs to.
    Type(String),
    /// It changes the function's file, elsewhere or unknown where.
    File,
    /// It changes functions that were seen, and did not become slower.
    Steady,
    /// It changes code that no stack shows.
    Elsewhere,
}

/// Where the cause is, of causes; and where any commit is: the likelihood ratios that follow. An edit of the very function
/// where the rise begins: 65 of 100 causes, 7 of 1,000 other commits.
const BODY: f64 = 0.65 / 0.007;
/// A definition of the file that the function uses, when it is on no stack itself (inlined, or a value).
const USES: f64 = 0.35;
/// The same when it is on stacks and did not rise.
const USES_STEADY: f64 = 0.1;
/// The function's file, where it is not known which of its functions.
const FILE: f64 = 0.08;
/// The function's file, and it is known that it is another function.
const OTHER_FUNCTION: f64 = 0.012;
/// Code without any tie: causes of which no stack tells are rare, but there are some.
const NO_TIE: f64 = 0.2;

/// Ties a commit to the regression.
///
/// Each pair of a touched definition and a risen function is as good a tie as it is sure that they are the same × how much
/// of the rise a change of that function explains. A commit that touches many functions hits one by chance more
/// often, which the square root of their number takes off.
pub fn of(candidate: &Candidate, regression: &Regression) -> Overlap {
    let mut best = Overlap {
        log_odds: NO_TIE.ln(),
        how: How::Elsewhere,
        risen: None,
        files: Vec::new(),
        lines: (Vec::new(), Vec::new()),
    };
    let mut most = 0.0;
    let functions = candidate.touched.iter().filter(|touched| touched.kind == Kind::Function).count();
    let dilution = (functions as f64 / 3.0).max(1.0).sqrt();
    let mut offer = |tie: f64, how: How, risen: usize, path: &str, touched: Option<&Touched>| {
        if tie > most {
            most = tie;
            best.how = how;
            best.risen = Some(risen);
            best.files = vec![path.to_owned()];
            best.lines = touched.map(|touched| (touched.added.clone(), touched.removed.clone())).unwrap_or_default();
        }
    };
    for touched in &candidate.touched {
        let steady = !touched.users.is_empty() && regression.steady.iter().any(|frame| strength(frame, touched) > 0.5);
        for (at, risen) in regression.risen.iter().enumerate() {
            let same = strength(&risen.frame, touched) * touched.certainty;
            let how = match touched.kind {
                Kind::Type => How::Type(touched.name.clone()),
                _ if same < 0.3 => How::Namesake,
                _ => How::Body,
            };
            offer(same * risen.blame / dilution, how, at, &touched.path, Some(touched));
            let share = if steady { USES_STEADY } else { USES / (touched.users.len() as f64).max(1.0).sqrt() };
            for user in &touched.users {
                let sure = strength(&risen.frame, user) * share * risen.blame / dilution;
                offer(sure, How::Uses(touched.name.clone()), at, &touched.path, Some(touched));
            }
        }
    }
    for file in &candidate.commit.files {
        if !matches!(of_path(&file.path), FileKind::Code(_)) {
            continue;
        }
        let inside = candidate.touched.iter().filter(|touched| touched.path == file.path);
        let known =
            inside.clone().count() > 0 && inside.clone().all(|t| t.certainty >= 0.9 && t.kind == Kind::Function);
        // A diff that touches no line of code in this file says that the file is no tie.
        let idle = candidate.diff.is_some() && inside.count() == 0;
        let share = if known {
            OTHER_FUNCTION
        } else if idle {
            OTHER_FUNCTION / 2.0
        } else {
            FILE
        };
        for (at, risen) in regression.risen.iter().enumerate() {
            let sure = match place(&risen.frame, &file.path) {
                Place::Same => 1.0,
                Place::Near => 0.3,
                Place::Unknown | Place::Other => 0.0,
            };
            offer(sure * share * risen.blame, How::File, at, &file.path, None);
        }
    }
    best.log_odds = (NO_TIE + most * BODY).ln();
    // Too weak to be told as a tie.
    if most * BODY < NO_TIE {
        best.how = if candidate.touched.iter().any(|t| regression.steady.iter().any(|f| strength(f, t) > 0.5)) {
            How::Steady
        } else {
            How::Elsewhere
        };
        best.risen = None;
        best.files.clear();
        best.lines = (Vec::new(), Vec::new());
    }
    best
}
