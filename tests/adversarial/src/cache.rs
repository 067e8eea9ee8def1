//! A poisoned cache of compiled code: what is in it is native code, so that whoever gets it run has won.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use negawatt_host::{Host, HostConfig, Origin, Skill};

use crate::arena::Arena;
use crate::attack::{Attack, Ending, Seen};
use crate::components;

/// What is done to a cache; the path is that of the one entry of the skill `neighbour`.
type Poison = fn(arena: &Arena, entry: &Path, beside: &Path) -> std::io::Result<()>;

pub(crate) fn attacks() -> Vec<Attack> {
    let act = |name, about, act| Attack::act(name, about, act).must(Ending::Held, "compiled anew");
    Attack::family(
        "cache",
        [
            act("flipped-bytes", "Flips bits of compiled code in the cache.", |arena| Box::pin(poisoned(arena, flip))),
            act("flipped-digest", "Flips a bit of the digest over compiled code.", |arena| {
                Box::pin(poisoned(arena, flip_digest))
            }),
            act("truncated-entry", "Cuts compiled code in the cache.", |arena| Box::pin(poisoned(arena, truncate))),
            act("another-skills-code", "Puts a hostile skill's compiled code in the place of another's.", |arena| {
                Box::pin(poisoned(arena, another_skill))
            }),
            act(
                "another-engines-code",
                "Puts code in the cache that another engine, which counts instructions, compiled.",
                |arena| Box::pin(poisoned(arena, another_engine)),
            ),
            act("another-keys-code", "Puts code in the cache that was compiled for another folder.", |arena| {
                Box::pin(poisoned(arena, another_key))
            }),
            act("link-to-code", "Puts a symbolic link to good code in the place of compiled code.", |arena| {
                Box::pin(poisoned(arena, link))
            }),
            act("code-that-others-can-write", "Lets everybody write to compiled code.", |arena| {
                Box::pin(poisoned(arena, writable))
            }),
            Attack::act("link-to-the-cache", "Puts a symbolic link in the place of the cache's folder.", |arena| {
                Box::pin(linked_folder(arena))
            })
            .must(Ending::Held, "not used"),
            Attack::act(
                "cache-that-others-can-read",
                "Lets everybody read the cache's folder, and the key in it.",
                |arena| Box::pin(open_folder(arena)),
            )
            .must(Ending::Held, "not used"),
        ],
    )
}

fn problem(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn host(cache: &Path) -> Result<Arc<Host>, String> {
    let host = Host::new(HostConfig { cache: Some(cache.to_owned()), ..HostConfig::default() });
    host.map(Arc::new).map_err(problem)
}

/// Compiles a skill of a name with a cache in a folder.
fn compile(cache: &Path, name: &str) -> Result<(), String> {
    let host = host(cache)?;
    let skill = Skill::read(components::component(name), Origin::Loaded).map_err(problem)?;
    host.compile(&skill).map_err(problem)
}

/// The entries of a cache.
fn entries(cache: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(cache).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "cwasm")).collect()
}

fn only_entry(cache: &Path) -> std::io::Result<PathBuf> {
    entries(cache).pop().ok_or_else(|| std::io::Error::other("nothing was kept"))
}

/// Fills a cache, poisons it, and compiles again: the entry must have been replaced by a file with good code.
async fn poisoned(arena: Arc<Arena>, poison: Poison) -> Seen {
    let folder = match tempfile::tempdir_in(arena.folder.path()) {
        Ok(folder) => folder,
        Err(error) => return Seen::since(Instant::now(), Ending::Broken, error.to_string()),
    };
    let done = tokio::task::spawn_blocking(move || {
        let cache = folder.path().join("cache");
        compile(&cache, "neighbour")?;
        let entry = only_entry(&cache).map_err(problem)?;
        let good = std::fs::read(&entry).map_err(problem)?;
        poison(&arena, &entry, folder.path()).map_err(problem)?;
        let began = Instant::now();
        compile(&cache, "neighbour")?;
        let metadata = std::fs::symlink_metadata(&entry).map_err(problem)?;
        let private = metadata.is_file() && metadata.permissions().mode() & 0o777 == 0o600;
        if private && std::fs::read(&entry).map_err(problem)? == good {
            Ok((began, "compiled anew"))
        } else {
            Err("poisoned code was used".to_owned())
        }
    });
    Seen::held(done.await.unwrap_or_else(|_| Err("the host panicked".to_owned())))
}

fn flip(_: &Arena, entry: &Path, _: &Path) -> std::io::Result<()> {
    let mut code = std::fs::read(entry)?;
    let middle = code.len() / 2;
    code.iter_mut().skip(middle).step_by(1_000).for_each(|byte| *byte ^= 1);
    std::fs::write(entry, code)
}

fn flip_digest(_: &Arena, entry: &Path, _: &Path) -> std::io::Result<()> {
    let mut code = std::fs::read(entry)?;
    code.iter_mut().next_back().into_iter().for_each(|byte| *byte ^= 1);
    std::fs::write(entry, code)
}

fn truncate(_: &Arena, entry: &Path, _: &Path) -> std::io::Result<()> {
    let code = std::fs::read(entry)?;
    std::fs::write(entry, &code[..code.len() / 2])
}

fn another_skill(_: &Arena, entry: &Path, _: &Path) -> std::io::Result<()> {
    let cache = entry.parent().unwrap_or(entry);
    compile(cache, "infinite-loop").map_err(std::io::Error::other)?;
    let other = entries(cache).into_iter().find(|path| path != entry);
    std::fs::rename(other.ok_or_else(|| std::io::Error::other("nothing was kept"))?, entry)
}

/// Where instructions are counted, another engine compiles.
fn another_engine(arena: &Arena, entry: &Path, _: &Path) -> std::io::Result<()> {
    let cache = entry.parent().unwrap_or(entry);
    let host = host(cache).map_err(std::io::Error::other)?;
    let skill = Skill::read(components::component("neighbour"), Origin::Loaded).map_err(std::io::Error::other)?;
    let grants = arena.grants("fuel = 1_000_000_000", true).map_err(std::io::Error::other)?;
    let skill = Arc::new(skill);
    let outcome = tokio::runtime::Handle::current().block_on(arena.call_in(&host, &skill, &grants, ""));
    let other = entries(cache).into_iter().find(|path| path != entry);
    std::fs::rename(other.ok_or_else(|| std::io::Error::other(format!("nothing was kept: {outcome:?}")))?, entry)
}

fn another_key(_: &Arena, entry: &Path, beside: &Path) -> std::io::Result<()> {
    let other = beside.join("other");
    compile(&other, "neighbour").map_err(std::io::Error::other)?;
    std::fs::rename(only_entry(&other)?, entry)
}

fn link(_: &Arena, entry: &Path, beside: &Path) -> std::io::Result<()> {
    let moved = beside.join("moved");
    std::fs::rename(entry, &moved)?;
    symlink(moved, entry)
}

fn writable(_: &Arena, entry: &Path, _: &Path) -> std::io::Result<()> {
    std::fs::set_permissions(entry, std::fs::Permissions::from_mode(0o666))
}

async fn linked_folder(arena: Arc<Arena>) -> Seen {
    folder(arena, |_, cache, beside| {
        let real = beside.join("real");
        compile(&real, "infinite-loop").map_err(std::io::Error::other)?;
        symlink(real, cache)
    })
    .await
}

async fn open_folder(arena: Arc<Arena>) -> Seen {
    folder(arena, |_, cache, _| {
        std::fs::create_dir(cache)?;
        std::fs::set_permissions(cache, std::fs::Permissions::from_mode(0o755))
    })
    .await
}

/// Prepares the folder that is to be the cache: nothing may be put into it.
async fn folder(arena: Arc<Arena>, prepare: Poison) -> Seen {
    let began = Instant::now();
    let held = (|| {
        let folder = tempfile::tempdir_in(arena.folder.path()).map_err(problem)?;
        let cache = folder.path().join("cache");
        prepare(&arena, &cache, folder.path()).map_err(problem)?;
        let before = entries(&cache).len();
        compile(&cache, "neighbour")?;
        if entries(&cache).len() == before { Ok((began, "not used")) } else { Err("code was kept there".to_owned()) }
    })();
    Seen::held(held)
}
