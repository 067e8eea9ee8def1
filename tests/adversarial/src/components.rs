//! Skills written in the text format, in `skills/`: each says at its head what it does and what must happen to it.

use negawatt_host::Status;

use crate::attack::{Attack, Ending};

/// A text, as the build script read it.
struct Text {
    family: &'static str,
    name: &'static str,
    about: &'static str,
    wasm: &'static [u8],
    limits: &'static str,
    granted: bool,
    ends: &'static str,
    says: &'static str,
}

const TEXTS: &[Text] = include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// Ways to end that a text can name.
const ENDINGS: [Ending; 6] = [
    Ending::Refused,
    Ending::Called(Status::Ok),
    Ending::Called(Status::Denied),
    Ending::Called(Status::Trap),
    Ending::Called(Status::Timeout),
    Ending::Called(Status::OverBudget),
];

/// The attacks of one folder.
pub(crate) fn attacks(family: &'static str) -> Vec<Attack> {
    let of_it = TEXTS.iter().filter(|text| text.family == family);
    let attacks = of_it.map(|text| {
        // A word that is none of them is seen in the scoreboard: nothing ends like that.
        let ending = ENDINGS.into_iter().find(|ending| ending.to_string() == text.ends).unwrap_or(Ending::Broken);
        Attack::skill(text.name, text.about, text.wasm, "")
            .limits(text.limits)
            .granted(text.granted)
            .must(ending, text.says)
    });
    attacks.map(|attack| Attack { family, ..attack }).collect()
}

/// A text's component; empty where there is no such text, which is no component.
pub(crate) fn component(name: &str) -> &'static [u8] {
    TEXTS.iter().find(|text| text.name == name).map_or(&[], |text| text.wasm)
}
