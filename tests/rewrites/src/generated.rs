//! Commits of the generator, which shares nothing with the skills.

use std::path::Path;
use std::process::Command;

use negawatt_casegen::{Scenario, generate};

use crate::{CULPRIT, Repository};

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().expect("git is there");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// For each seed, the file that its culprit made slower, before and after it, as a repository; the file's path; and the frame of the
/// function.
pub fn culprits(seeds: std::ops::Range<u64>) -> Vec<(Repository, String, String)> {
    seeds
        .filter_map(|seed| {
            let folder = tempfile::tempdir().expect("a folder");
            let truth = generate(Scenario::Commit, seed, folder.path()).expect("a case");
            let (file, suspect, function) = (truth.file?, truth.suspect?, truth.function?);
            let repo = folder.path().join("repo");
            let at = |revision: String| git(&repo, &["show", &revision]);
            let before = at(format!("{}~1:{file}", suspect.id));
            let after = at(format!("{}:{file}", suspect.id));
            let repository =
                Repository::new().commit("before", &[(&file, &before)]).commit(CULPRIT, &[(&file, &after)]);
            Some((repository, file, function))
        })
        .collect()
}
