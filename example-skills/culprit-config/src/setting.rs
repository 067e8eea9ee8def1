//! One change of a setting: as much of it as is looked at.

use std::rc::Rc;

use negawatt_skill::Timestamp;
use negawatt_skill::configs::ConfigChange;

use crate::value::{Step, Value, step};

/// A change of a setting. Of its values, which may be as long as anybody likes, only little is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Names it.
    pub id: Rc<str>,
    /// When it went live.
    pub time: Timestamp,
    /// The service it belongs to.
    pub service: Rc<str>,
    /// The key.
    pub key: Rc<str>,
    /// The value before; absent where there was none, or where it was not written down.
    pub before: Option<Value>,
    /// The value after.
    pub after: Option<Value>,
    /// Who did it.
    pub author: Option<Rc<str>>,
    /// What became of the value.
    pub step: Step,
}

impl From<ConfigChange> for Setting {
    fn from(change: ConfigChange) -> Setting {
        let (before, after) = (change.before.as_deref(), change.after.as_deref());
        Setting {
            step: step(before, after),
            before: before.map(Value::of),
            after: after.map(Value::of),
            id: change.id.into(),
            time: change.time,
            service: change.service.into(),
            key: change.key.into(),
            author: change.author.map(Rc::from),
        }
    }
}

impl Setting {
    /// Bytes of the texts of a change.
    pub fn bytes(change: &ConfigChange) -> usize {
        let optional = [&change.before, &change.after, &change.author];
        let optional: usize = optional.into_iter().flatten().map(String::len).sum();
        change.id.len() + change.service.len() + change.key.len() + optional
    }

    /// Whether it wrote what was there already: after the change of the same key before it, if there was one.
    pub fn is_idle(&self, earlier: Option<&Setting>) -> bool {
        match &self.before {
            Some(before) => self.after.as_ref() == Some(before),
            None => self.after.is_some() && earlier.is_some_and(|earlier| earlier.after == self.after),
        }
    }

    /// Whether a later value takes back most of what this change did, where the change of the same key before it, if there was
    /// one, is `earlier`. A value near the new one does not, nor one still further in the same direction.
    ///
    /// Numbers are compared by how many times one is the other; 0 and no value at all are the end of that scale, which is
    /// nearer to no number than to another.
    pub fn is_taken_back_by(&self, later: &Setting, earlier: Option<&Setting>) -> bool {
        let at = |value: Option<&Value>| match value {
            None => Some(f64::NEG_INFINITY),
            Some(value) => value.amount.map(f64::ln),
        };
        // What was there before is not always written down.
        let before = self.before.as_ref().or_else(|| earlier?.after.as_ref());
        match (at(before), at(self.after.as_ref()), at(later.after.as_ref())) {
            (Some(before), Some(after), Some(now)) if before != after => {
                if before.is_infinite() || after.is_infinite() {
                    now.is_infinite() == before.is_infinite()
                } else {
                    (now - after) / (before - after) >= 0.5
                }
            }
            _ => later.after != self.after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(before: Option<&str>, after: Option<&str>) -> Setting {
        let (before, after) = (before.map(str::to_owned), after.map(str::to_owned));
        let (id, service, key) = ("1".into(), "shop".into(), "ttl".into());
        ConfigChange { id, time: 0, service, key, before, after, author: None }.into()
    }

    #[test]
    fn what_takes_a_change_back() {
        for (before, after, later, is_taken_back) in [
            (Some("300"), Some("30"), Some("300"), true),
            (Some("300"), Some("30"), Some("200"), true),
            (Some("300"), Some("30"), Some("31"), false),
            (Some("300"), Some("30"), Some("3"), false),
            (Some("\"5 min\""), Some("\"30s\""), Some("\"4 min\""), true),
            (Some("\"a\""), Some("\"b\""), Some("\"b\""), false),
            (Some("\"a\""), Some("\"b\""), Some("\"c\""), true),
            (Some("30"), Some("30"), Some("30"), false),
            // 0 and nothing are below every number.
            (Some("300"), Some("30"), Some("0"), false),
            (Some("300"), Some("30"), None, false),
            (Some("30"), Some("300"), Some("0"), true),
            (None, Some("30"), Some("31"), false),
            (None, Some("30"), Some("1"), false),
            (None, Some("30"), None, true),
            (Some("0"), Some("30"), Some("300"), false),
            (Some("0"), Some("30"), None, true),
            (Some("\"0%\""), Some("30"), Some("0"), true),
            (Some("30"), Some("0"), None, false),
            (Some("30"), Some("0"), Some("5"), true),
            (Some("30"), None, Some("0"), false),
            (None, Some("true"), Some("false"), true),
            (None, Some("true"), None, true),
        ] {
            let found = setting(before, after).is_taken_back_by(&setting(None, later), None);
            assert_eq!(found, is_taken_back, "{before:?} {after:?} {later:?}");
        }
        // What nobody wrote down is what the change before it made.
        let found = |later| {
            let earlier = setting(None, Some("300"));
            setting(None, Some("30")).is_taken_back_by(&setting(None, Some(later)), Some(&earlier))
        };
        assert!(found("300") && !found("31") && !found("3"));
    }

    #[test]
    fn what_writes_the_same_again_is_idle() {
        let earlier = setting(Some("1"), Some("2"));
        assert!(setting(Some("2"), Some(" 2 ")).is_idle(None) && setting(None, Some("2")).is_idle(Some(&earlier)));
        assert!(!setting(Some("1"), Some("2")).is_idle(Some(&earlier)), "it says that it was another");
        assert!(!setting(None, Some("2")).is_idle(None) && !setting(None, Some("3")).is_idle(Some(&earlier)));
    }
}
