//! The corpus as files, for other hosts.

use std::path::Path;

use serde_json::json;

use crate::attack::Attack;

/// Writes every component of the corpus to a folder, which must be there, and `corpus.json`: for each its file, the incident's
/// title that says what to do, the limits, and what must happen. What is no component is described there only.
pub fn export(attacks: &[Attack], folder: &Path) -> std::io::Result<()> {
    let mut described = Vec::new();
    for attack in attacks {
        let component = attack.component();
        let file = component.as_ref().map(|_| format!("{}.wasm", attack.name));
        if let (Some(file), Some((wasm, _))) = (&file, &component) {
            std::fs::write(folder.join(file), wasm)?;
        }
        described.push(json!({
            "family": attack.family,
            "attack": attack.name,
            "about": attack.about,
            "file": file,
            "title": component.map(|(_, title)| title.to_owned()),
            "granted": attack.is_granted(),
            "limits": attack.limits,
            "ending": attack.expected.ending.to_string(),
            "says": attack.expected.says,
        }));
    }
    std::fs::write(
        folder.join("corpus.json"),
        format!("{:#}\n", json!({ "limits": crate::arena::LIMITS, "attacks": described })),
    )
}
