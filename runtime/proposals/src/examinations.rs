//! What the guard said, kept for whoever proposes the same at the same place.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use negawatt_actions::guard::{Examined, Proposal, Repository};
use negawatt_host::Digest;
use negawatt_sources::Kept;

/// The most bytes of what is kept.
const MAX_BYTES: usize = 4 << 20;

/// All that the guard's word follows from where no command of the operator's runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Basis {
    repository: PathBuf,
    tip: String,
    patch: [u8; 32],
    files: BTreeSet<String>,
}

/// Where several cases come from one change, the guard reads, applies and parses the same patch once. What failed is looked at again:
/// a reason may pass. Clones share it.
#[derive(Clone)]
pub struct Examinations(Arc<Kept<Basis, Arc<Examined>>>);

impl Default for Examinations {
    fn default() -> Examinations {
        Examinations(Arc::new(Kept::new(MAX_BYTES)))
    }
}

impl Examinations {
    /// What is known of a proposal at a tip, or what `examine` says now. What a command of the operator's says may be otherwise the next time,
    /// so that it is always asked.
    pub(crate) fn examine(
        &self,
        repository: &Repository,
        proposal: &Proposal,
        tip: Option<&str>,
        examine: impl Fn() -> Examined,
    ) -> Examined {
        let has_commands = !repository.checks.is_empty() || repository.validation.is_some();
        let Some(tip) = tip.filter(|_| !has_commands) else { return examine() };
        let basis = Basis {
            repository: repository.path.clone(),
            tip: tip.to_owned(),
            patch: Digest::of(proposal.patch.as_bytes()).0,
            files: proposal.files.clone(),
        };
        let examined = self.0.get(&basis, || {
            let examined = examine();
            // The branch may have moved meanwhile.
            let holds = examined.stands() && examined.base.as_deref() == Some(tip);
            let bytes = holds.then(|| bytes(&basis, &examined));
            Ok::<_, Infallible>((Arc::new(examined), bytes))
        });
        let Ok(examined) = examined;
        Examined::clone(&examined)
    }
}

/// About what an entry takes, whose key is there twice.
fn bytes(basis: &Basis, examined: &Examined) -> usize {
    const PLACES: usize = 100;
    let key: usize = basis.files.iter().map(|file| file.len() + PLACES).sum();
    let criteria = examined.criteria.iter().map(|one| one.name.len() + one.detail.len() + PLACES);
    2 * (key + basis.repository.as_os_str().len() + basis.tip.len() + PLACES) + criteria.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use negawatt_actions::guard::{Better, Check, Criterion, Kind, Limits, Outcome, Validation};

    use super::*;

    const LIMITS: Limits = Limits { time: Duration::from_secs(1), memory: 1, output: 1, network: false };

    fn said(base: &str, outcome: Outcome) -> Examined {
        let criteria = vec![Criterion { name: "applies".into(), outcome, detail: String::new(), output: None }];
        Examined { base: Some(base.into()), tree: None, criteria, measured: None }
    }

    fn repository() -> Repository {
        Repository { path: "/repo".into(), branch: None, checks: Vec::new(), validation: None }
    }

    fn proposal(patch: &str, files: &[&str]) -> Proposal {
        Proposal { patch: patch.into(), files: files.iter().map(|file| (*file).to_owned()).collect() }
    }

    /// How often the guard was asked when all of these were proposed in turn, and it says this.
    fn asked(all: &[(&Repository, &Proposal, Option<&str>)], says: &Examined) -> usize {
        let (known, asked) = (Examinations::default(), Cell::new(0));
        for (repository, proposal, tip) in all {
            let examined = known.examine(repository, proposal, *tip, || {
                asked.set(asked.get() + 1);
                says.clone()
            });
            assert_eq!(examined, *says);
        }
        asked.get()
    }

    #[test]
    fn the_same_at_the_same_place_is_looked_at_once() {
        let (here, elsewhere) = (repository(), Repository { path: "/other".into(), ..repository() });
        let (one, other, wider) = (proposal("a", &["x"]), proposal("b", &["x"]), proposal("a", &["x", "y"]));
        let passed = said("1", Outcome::Passed);
        let same = [(&here, &one, Some("1")); 3];
        assert_eq!(asked(&same, &passed), 1);
        assert_eq!(asked(&[same[0], (&here, &other, Some("1")), (&here, &wider, Some("1")), same[0]], &passed), 3);
        assert_eq!(asked(&[same[0], (&elsewhere, &one, Some("1")), same[0]], &passed), 2);
        assert_eq!(asked(&[(&here, &one, Some("2")); 2], &passed), 2, "the branch moved while it was looked at");
        assert_eq!(asked(&[(&here, &one, None); 2], &passed), 2, "nobody knows where the branch is");
        assert_eq!(asked(&same, &said("1", Outcome::Failed)), 3, "the reason may be gone");
    }

    #[test]
    fn commands_are_run_each_time() {
        let command = vec!["true".to_owned()];
        let check = Check {
            name: "builds".into(),
            kind: Kind::Check,
            command: command.clone(),
            programs: Vec::new(),
            limits: LIMITS,
        };
        let validation = Validation { command, programs: Vec::new(), runs: 4, better: Better::Lower, limits: LIMITS };
        let one = proposal("a", &["x"]);
        for commanded in [
            Repository { checks: vec![check], ..repository() },
            Repository { validation: Some(validation), ..repository() },
        ] {
            assert_eq!(asked(&[(&commanded, &one, Some("1")); 2], &said("1", Outcome::Passed)), 2);
        }
    }
}
