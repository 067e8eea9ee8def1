//! Who has the place of a runtime: whoever reads skills and configuration anew goes on with another one, and so do the cases that run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::run::Runtime;

/// What took the place of a runtime, if anything did.
#[derive(Default)]
pub struct Successor(Mutex<Place>);

/// Where a runtime stands in the line of those that had one place. However many there were, those that gave it up keep the last alive, and
/// nothing keeps those in between.
#[derive(Default)]
enum Place {
    /// Nobody had it before, and nobody took it.
    #[default]
    First,
    /// It has the place: whoever had it before looks there.
    Has(Weak<Line>),
    /// It gave the place up.
    Gave(Arc<Line>),
}

/// Who has the place now.
struct Line(Mutex<Arc<Runtime>>);

impl Successor {
    fn place(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn holder(&self) -> MutexGuard<'_, Arc<Runtime>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runtime {
    /// Gives its place to another one that has none yet, once: of every case that runs the next step is planned over the skills of that one,
    /// and has the rights, tools and limits that it gives. Steps that run go on with what they began with. One that gave its place up already
    /// gives it nobody else, and one that took or gave up a place takes no other.
    pub fn succeeded_by(&self, next: Arc<Runtime>) {
        if std::ptr::eq(self, &*next) || !matches!(*next.successor.place(), Place::First) {
            return;
        }
        let mut place = self.successor.place();
        let line = match &*place {
            Place::Gave(_) => return,
            Place::First => None,
            Place::Has(line) => line.upgrade(),
        };
        let line = match line {
            Some(line) => {
                *line.holder() = next.clone();
                line
            }
            None => Arc::new(Line(Mutex::new(next.clone()))),
        };
        let weak = Arc::downgrade(&line);
        *place = Place::Gave(line);
        drop(place);
        *next.successor.place() = Place::Has(weak);
    }

    /// What has its place now; itself where nothing took it.
    pub(crate) fn latest(self: &Arc<Self>) -> Arc<Runtime> {
        match &*self.successor.place() {
            Place::Gave(line) => line.holder().clone(),
            Place::First | Place::Has(_) => self.clone(),
        }
    }
}
