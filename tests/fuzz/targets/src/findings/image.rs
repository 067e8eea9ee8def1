//! Memory of a guest that returns findings, as the canonical ABI of the component model lays them out: the honest images from
//! which hostile ones are made.
//!
//! Source of the layout: <https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md>.

use negawatt_host::model::*;

use crate::skills::IMAGE_AT;

/// The bytes of one finding, and how they are aligned.
const FINDING: (u32, u32) = (112, 8);

/// The memory that a guest returns with this answer: its first word points to the answer.
pub fn of(answer: &Result<Vec<Finding>, Error>) -> Vec<u8> {
    let mut image = Image { bytes: Vec::new() };
    let first = image.room(4, 4);
    let result = image.room(16, 4);
    image.word(first, result);
    match answer {
        Ok(findings) => image.list(result + 4, findings, FINDING, Image::finding),
        Err(error) => {
            let case = match error {
                Error::Denied(_) => 0,
                Error::NotFound(_) => 1,
                Error::Unavailable(_) => 2,
                Error::OverBudget(_) => 3,
                Error::Invalid(_) => 4,
                Error::Cancelled(_) => 5,
                Error::Internal(_) => 6,
            };
            image.byte(result, 1);
            image.byte(result + 4, case);
            image.text(result + 8, error.message());
        }
    }
    image.bytes
}

/// A finding of every kind, with every option given and not given.
pub fn examples() -> Vec<Finding> {
    let text = str::to_owned;
    let suspect = |candidate, id: &str, said: Option<&str>| {
        FindingBody::Suspect(Suspect {
            candidate,
            id: id.into(),
            repository: said.map(text),
            author: said.map(text),
            files: said.map(text).into_iter().collect(),
            reason: "it fits".into(),
            log_odds: -2.5,
            extra: said.map(|said| (text("key"), text(said))).into_iter().collect(),
        })
    };
    let mitigation = |patch: Option<&str>, setting: Option<Setting>| {
        let (strategy, target, validation) = (text("revert"), text("4f1c"), text("look"));
        FindingBody::Mitigation(Mitigation { strategy, target, patch: patch.map(text), setting, validation })
    };
    let other = |name: &str| FindingBody::Other(Other { name: name.into(), data: "{\"a\":1}".into() });
    let bodies = [
        FindingBody::ChangePoint(ChangePoint {
            time: 500_000,
            before: 1.0,
            after: 2.5,
            p_value: 1e-9,
            method: "told".into(),
            shape: Shape::Drift,
        }),
        FindingBody::Dismissal(Dismissal {
            reason: DismissalReason::Planned,
            detail: "meant".into(),
            of: Some("e1".into()),
        }),
        FindingBody::Dismissal(Dismissal { reason: DismissalReason::Noise, detail: "chance".into(), of: None }),
        FindingBody::FunctionShift(FunctionShift {
            name: "cart::price".into(),
            before: 0.1,
            after: 0.3,
            self_before: 0.0,
            self_after: 1.0,
            p_value: 0.5,
        }),
        suspect(Candidate::Commit, &"4f1c".repeat(10), Some("default")),
        suspect(Candidate::Service, "cart", None),
        mitigation(Some("--- a\n+++ b\n"), None),
        mitigation(None, Some(Setting { service: "shop".into(), key: "cache".into(), value: "true".into() })),
        FindingBody::Opportunity(Opportunity {
            name: "f".into(),
            pattern: "compiled per call".into(),
            files: vec!["a.rs".into(), "b.rs".into()],
            share: 0.5,
            saving_low: 0.1,
            saving_high: 0.4,
        }),
        FindingBody::Impact(Impact { cores: 3.0, watts: 13.5, basis: "0.1 × 30".into() }),
        FindingBody::Note("ünïcode".into()),
        other("acme.known"),
        other("acme.unknown"),
    ];
    let finding = |body| Finding {
        body,
        confidence: 0.75,
        summary: "a summary".into(),
        because: vec!["e1".into()],
        extra: vec![("a".into(), "b".into())],
    };
    bodies.map(finding).into()
}

/// Memory that is filled from [`IMAGE_AT`] on. Pieces are named by their addresses.
struct Image {
    bytes: Vec<u8>,
}

impl Image {
    /// Room for so many bytes.
    fn room(&mut self, bytes: u32, align: u32) -> u32 {
        let start = self.bytes.len().next_multiple_of(align as usize);
        self.bytes.resize(start + bytes as usize, 0);
        IMAGE_AT + start as u32
    }

    fn put(&mut self, at: u32, bytes: &[u8]) {
        let start = (at - IMAGE_AT) as usize;
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
    }

    fn byte(&mut self, at: u32, value: u8) {
        self.put(at, &[value]);
    }

    fn word(&mut self, at: u32, value: u32) {
        self.put(at, &value.to_le_bytes());
    }

    fn numbers<const N: usize>(&mut self, at: u32, values: [f64; N]) {
        self.put(at, &values.map(f64::to_le_bytes).concat());
    }

    fn text(&mut self, at: u32, text: &str) {
        let start = self.room(text.len() as u32, 1);
        self.put(start, text.as_bytes());
        self.word(at, start);
        self.word(at + 4, text.len() as u32);
    }

    fn list<T>(&mut self, at: u32, items: &[T], (size, align): (u32, u32), put: fn(&mut Image, u32, &T)) {
        let start = self.room(size * items.len() as u32, align);
        for (n, item) in (0..).zip(items) {
            put(self, start + n * size, item);
        }
        self.word(at, start);
        self.word(at + 4, items.len() as u32);
    }

    fn texts(&mut self, at: u32, texts: &[String]) {
        self.list(at, texts, (8, 4), |image, at, text| image.text(at, text));
    }

    fn pairs(&mut self, at: u32, pairs: &[(String, String)]) {
        self.list(at, pairs, (16, 4), |image, at, (name, value)| {
            image.text(at, name);
            image.text(at + 8, value);
        });
    }

    fn option<T: ?Sized>(&mut self, at: u32, value: Option<&T>, put: impl FnOnce(&mut Image, u32, &T)) {
        if let Some(value) = value {
            self.byte(at, 1);
            put(self, at + 4, value);
        }
    }

    fn finding(&mut self, at: u32, finding: &Finding) {
        self.body(at, &finding.body);
        self.numbers(at + 80, [finding.confidence]);
        self.text(at + 88, &finding.summary);
        self.texts(at + 96, &finding.because);
        self.pairs(at + 104, &finding.extra);
    }

    fn body(&mut self, case: u32, body: &FindingBody) {
        let at = case + 8;
        let number = match body {
            FindingBody::ChangePoint(change) => {
                self.put(at, &change.time.to_le_bytes());
                self.numbers(at + 8, [change.before, change.after, change.p_value]);
                self.text(at + 32, &change.method);
                self.byte(at + 40, change.shape as u8);
                0
            }
            FindingBody::Dismissal(dismissal) => {
                self.byte(at, dismissal.reason as u8);
                self.text(at + 4, &dismissal.detail);
                self.option(at + 12, dismissal.of.as_deref(), Image::text);
                1
            }
            FindingBody::FunctionShift(shift) => {
                self.text(at, &shift.name);
                let values = [shift.before, shift.after, shift.self_before, shift.self_after, shift.p_value];
                self.numbers(at + 8, values);
                2
            }
            FindingBody::Suspect(suspect) => {
                self.byte(at, suspect.candidate as u8);
                self.text(at + 4, &suspect.id);
                self.option(at + 12, suspect.repository.as_deref(), Image::text);
                self.option(at + 24, suspect.author.as_deref(), Image::text);
                self.texts(at + 36, &suspect.files);
                self.text(at + 44, &suspect.reason);
                self.numbers(at + 56, [suspect.log_odds]);
                self.pairs(at + 64, &suspect.extra);
                3
            }
            FindingBody::Mitigation(mitigation) => {
                self.text(at, &mitigation.strategy);
                self.text(at + 8, &mitigation.target);
                self.option(at + 16, mitigation.patch.as_deref(), Image::text);
                self.option(at + 28, mitigation.setting.as_ref(), |image, at, setting| {
                    image.text(at, &setting.service);
                    image.text(at + 8, &setting.key);
                    image.text(at + 16, &setting.value);
                });
                self.text(at + 56, &mitigation.validation);
                4
            }
            FindingBody::Opportunity(opportunity) => {
                self.text(at, &opportunity.name);
                self.text(at + 8, &opportunity.pattern);
                self.texts(at + 16, &opportunity.files);
                self.numbers(at + 24, [opportunity.share, opportunity.saving_low, opportunity.saving_high]);
                5
            }
            FindingBody::Impact(impact) => {
                self.numbers(at, [impact.cores, impact.watts]);
                self.text(at + 16, &impact.basis);
                6
            }
            FindingBody::Note(text) => {
                self.text(at, text);
                7
            }
            FindingBody::Other(other) => {
                self.text(at, &other.name);
                self.text(at + 8, &other.data);
                8
            }
        };
        self.byte(case, number);
    }
}
