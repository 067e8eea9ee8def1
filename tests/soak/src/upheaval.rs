//! What changes while servers run: the configuration, and a skill, into what is good and what is broken; hostile skills beside it.

use std::fmt;
use std::path::PathBuf;

use negawatt_adversarial::corpus;
use negawatt_test_servers::negawatt::ask;
use rand_chacha::ChaCha8Rng;

use crate::error::Result;
use crate::moment::below;
use crate::world::World;

/// Families of hostile skills that are loaded: what they do ends with their own calls.
const FAMILIES: [&str; 3] = ["compute", "memory", "abi"];

/// A core module with nothing in it: with one more of these a skill has another digest, and does the same.
const NOTHING: &[u8] = b"\0asm\x01\0\0\0";

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Done {
    /// The configuration was written anew.
    Configured,
    /// The configuration was broken, and then mended.
    Broken,
    /// A skill was replaced by another version.
    Replaced,
    /// A skill was replaced by what is none, and then by what it was.
    Spoilt,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Done::Configured => "configuration written anew",
            Done::Broken => "configuration broken and mended",
            Done::Replaced => "skill replaced by another version",
            Done::Spoilt => "skill broken and mended",
        })
    }
}

/// It, in a folder.
#[derive(Debug)]
pub struct Upheaval {
    config: PathBuf,
    good: String,
    skill: PathBuf,
    versions: [Vec<u8>; 2],
    count: usize,
}

impl Upheaval {
    /// Loads hostile skills in folders, the last of which is the one that changes.
    pub fn begin(worlds: &[&World]) -> Result<Upheaval> {
        for world in worlds {
            let config = world.folder.join("negawatt.toml");
            let mut text = std::fs::read_to_string(&config)?;
            for attack in corpus().iter().filter(|attack| FAMILIES.contains(&attack.family)) {
                let Some((wasm, _)) = attack.component() else { continue };
                std::fs::write(world.folder.join("skills").join(attack.name).with_extension("wasm"), wasm)?;
                text +=
                    &format!("\n[[grants]]\nskill = \"{}\"\ntools = [\"metrics\"]\n{}\n", attack.name, attack.limits);
            }
            std::fs::write(config, text)?;
        }
        let folder = &worlds.last().ok_or("somewhere it is done")?.folder;
        let config = folder.join("negawatt.toml");
        let other = negawatt_test_guests::with_module(negawatt_test_guests::COURIER, NOTHING);
        Ok(Upheaval {
            good: std::fs::read_to_string(&config)?,
            config,
            skill: folder.join("skills/courier.wasm"),
            versions: [negawatt_test_guests::COURIER.to_vec(), other],
            count: 0,
        })
    }

    /// Changes something, and has the server at an address look at it; that it does not take what is broken is seen.
    pub fn change(&mut self, dice: &mut ChaCha8Rng, address: &str) -> Result<Done> {
        self.count += 1;
        let reload = |expected: u16| -> Result<()> {
            // One that was killed meanwhile says nothing.
            let Ok(answer) = ask(address, "POST", "/v1/reload", "", "") else { return Ok(()) };
            if answer.status != expected {
                return Err(format!("a reload was answered with {}: {}", answer.status, answer.body).into());
            }
            Ok(())
        };
        let configured = format!("{}\n# {}\n", self.good, self.count);
        Ok(match below(dice, 4) {
            0 => {
                std::fs::write(&self.config, configured)?;
                reload(200)?;
                Done::Configured
            }
            1 => {
                std::fs::write(&self.config, "[skills\n")?;
                let refused = reload(409);
                std::fs::write(&self.config, configured)?;
                refused?;
                reload(200)?;
                Done::Broken
            }
            2 => {
                std::fs::write(&self.skill, &self.versions[self.count % 2])?;
                reload(200)?;
                Done::Replaced
            }
            _ => {
                std::fs::write(&self.skill, b"broken")?;
                reload(200)?;
                std::fs::write(&self.skill, &self.versions[self.count % 2])?;
                reload(200)?;
                Done::Spoilt
            }
        })
    }

    /// Puts all versions of the skill there, so that what was done with them can be done again.
    pub fn end(&self) -> Result<()> {
        std::fs::write(&self.config, &self.good)?;
        for (number, wasm) in self.versions.iter().enumerate() {
            std::fs::write(self.skill.with_file_name(format!("courier-{number}.wasm")), wasm)?;
        }
        Ok(std::fs::remove_file(&self.skill)?)
    }
}
