//! What a step may do is an intersection: of what its skill imports, what the operator granted, and what the case is about.
//! It never has anything that one of them lacks, and never more where one of them has less.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use negawatt_config::Config;
use negawatt_host::grants::{BUNDLED_TOOLS, Grant, Grants, LimitsChange, Refusal};
use negawatt_host::model::{Incident, IncidentKind, Label, Metric, Severity, Transform, Window};
use negawatt_host::{Origin, Scope, Skill, Tool};
use negawatt_test_guests::MISCHIEF;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

static SKILL: LazyLock<Skill> = LazyLock::new(|| Skill::read(MISCHIEF, Origin::Loaded).unwrap());

fn tools() -> impl Strategy<Value = BTreeSet<Tool>> {
    subsequence(Tool::ALL.to_vec(), 0..=5).prop_map(|tools| tools.into_iter().collect())
}

/// A skill that imports whatever it likes.
fn skill() -> impl Strategy<Value = Skill> {
    (tools(), any::<bool>()).prop_map(|(tools, bundled)| {
        let mut skill = SKILL.clone();
        skill.imports.tools = tools;
        skill.origin = if bundled { Origin::Bundled } else { Origin::Loaded };
        skill
    })
}

/// A grant that means the skill, or another one.
fn grant() -> impl Strategy<Value = Grant> {
    let name = select(vec!["mischief", "mis*", "*", "mischie", "other-*"]);
    let digest = select(vec![None, None, Some(true), Some(false)]);
    (name, tools(), digest, any::<bool>()).prop_map(|(name, tools, digest, may_export)| {
        let mut grant = Grant::to(name, tools);
        grant.digest = digest.map(|right| if right { SKILL.digest.0 } else { [7; 32] });
        grant.may_export = may_export;
        grant
    })
}

fn all(grants: &[Grant]) -> Grants {
    Grants { grants: grants.to_vec(), limits: LimitsChange::default() }
}

/// An instant; a few near the ends of time.
fn instant() -> impl Strategy<Value = i64> {
    prop_oneof![8 => -1_000..1_000i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX), 1 => any::<i64>()]
}

fn window() -> impl Strategy<Value = Window> {
    (instant(), instant()).prop_map(|(start, end)| Window { start, end })
}

/// Names of services, none among them.
fn service() -> impl Strategy<Value = String> {
    select(vec!["", "cart", "shop", "search", "mail"]).prop_map(str::to_owned)
}

fn incident() -> impl Strategy<Value = Incident> {
    let metric = proptest::option::of(select(vec!["service", "zone"]));
    (service(), window(), metric).prop_map(|(service, window, label)| Incident {
        kind: IncidentKind::Opportunity,
        title: String::new(),
        service,
        metric: label.map(|label| Metric {
            name: "cpu".into(),
            labels: vec![Label { name: label.into(), value: "shop".into() }],
            worse: negawatt_host::model::Direction::Up,
            transform: Transform::None,
            aggregate: None,
        }),
        window: Window { start: window.start.min(window.end), end: window.start.max(window.end) },
        severity: Severity::Low,
    })
}

/// Whether a step may put this question.
fn may(grants: &Grants, skill: &Skill, scope: &Scope, (tool, service, window): &(Tool, String, Window)) -> bool {
    let rights = grants.rights(skill);
    rights.is_ok_and(|rights| rights.tools.contains(tool))
        && scope.admits_service(service)
        && scope.admit_window(window).is_ok()
}

proptest! {
    #[test]
    fn a_skill_has_what_it_imports_and_was_granted_or_nothing(skill in skill(), grants in vec(grant(), 0..5)) {
        let grants = all(&grants);
        let fitting: Vec<&Grant> = grants.fitting(&skill).collect();
        let mut granted: BTreeSet<Tool> = fitting.iter().flat_map(|grant| grant.tools.clone()).collect();
        if skill.origin == Origin::Bundled {
            granted.extend(BUNDLED_TOOLS);
        }
        let imports = &skill.imports.tools;
        let both = [&Tool::OUTWARD[..], &Tool::CONFIDENTIAL].iter().all(|of| of.iter().any(|tool| imports.contains(tool)));
        let may_export = fitting.iter().any(|grant| grant.may_export);
        match grants.rights(&skill) {
            Ok(rights) => {
                prop_assert_eq!(&rights.tools, imports);
                prop_assert!(imports.is_subset(&granted) && (may_export || !both));
                prop_assert_eq!(rights.may_export, may_export);
            }
            Err(denial) => {
                prop_assert!(!denial.reasons.is_empty());
                for reason in denial.reasons {
                    match reason {
                        Refusal::NotGranted(missing) => {
                            prop_assert!(!missing.is_empty());
                            prop_assert_eq!(missing.into_iter().collect::<BTreeSet<_>>(), imports - &granted);
                        }
                        Refusal::Exports { .. } => prop_assert!(both && !may_export),
                        Refusal::Withheld { .. } => prop_assert!(false, "it was shown nothing"),
                    }
                }
            }
        }
    }

    #[test]
    fn the_grant_that_a_denial_names_is_enough(skill in skill(), grants in vec(grant(), 0..3)) {
        let mut grants = all(&grants);
        if let Err(denial) = grants.rights(&skill) {
            let named = Config::parse(&denial.grant().replace("https://…", "https://a.example"), Path::new("x.toml"));
            grants.grants.extend(named.unwrap().grants);
        }
        prop_assert_eq!(grants.rights(&skill).map(|rights| rights.tools), Ok(skill.imports.tools.clone()));
    }

    #[test]
    fn what_takes_rights_away_gives_none(
        skill in skill(),
        grants in vec(grant(), 1..5),
        without in any::<proptest::sample::Index>(),
        from in tools(),
    ) {
        let mut fewer = grants.clone();
        fewer.remove(without.index(grants.len()));
        let (more, fewer) = (all(&grants).rights(&skill), all(&fewer).rights(&skill));
        if let Ok(fewer) = fewer {
            prop_assert_eq!(more.as_ref().map(|more| &more.tools), Ok(&fewer.tools));
            let more = more.unwrap();
            prop_assert!(more.may_export || !fewer.may_export);
            // Whoever may export less sees less.
            prop_assert!(fewer.must_not_see(&from) || !more.must_not_see(&from));
        }
        let mut turned = grants.clone();
        turned.reverse();
        let tools = |grants: &[Grant]| all(grants).rights(&skill).map(|rights| (rights.tools, rights.may_export));
        prop_assert_eq!(tools(&grants), tools(&turned), "the order of grants counts for limits alone");
    }

    #[test]
    fn a_scope_is_the_case_and_its_look_back(
        incident in incident(),
        neighbours in btree_set(service(), 0..4),
        look_back in prop_oneof![0..2_000u64, any::<u64>()],
        window in window(),
        instant in instant(),
    ) {
        let scope = Scope::of(&incident, neighbours.clone(), look_back);
        prop_assert!(scope.window.covers(&incident.window) && scope.window.end == incident.window.end);
        prop_assert!(scope.window.start.abs_diff(incident.window.start) <= look_back);
        let expected: BTreeSet<_> = neighbours.into_iter().chain([incident.service.clone()]).collect();
        prop_assert_eq!(&scope.services, &expected);
        let labels = incident.metric.as_ref().map(|metric| &metric.labels);
        let is_of_all = labels.is_some_and(|labels| labels.iter().all(|label| label.name != "service"));
        prop_assert_eq!(scope.unlabelled, is_of_all, "a metric that names no service may have none");
        if scope.admit_window(&window).is_ok() {
            prop_assert!(window.start <= window.end && scope.window.covers(&window));
            prop_assert!(scope.window.contains(instant) || !window.contains(instant), "an instant outside is let in");
        }
        prop_assert!(scope.admit_window(&scope.window).is_ok() && scope.admit_window(&incident.window).is_ok());
        prop_assert_eq!(scope.admit_service("").is_ok(), scope.unlabelled);
    }

    /// Grants that mostly give what is imported, and questions that mostly are the case's: else hardly any would be allowed.
    #[test]
    fn less_of_anything_allows_nothing_more(
        imports in btree_set(select(Tool::ALL.to_vec()), 1..3),
        grants in vec((subsequence(Tool::ALL.to_vec(), 0..=12), any::<bool>()), 1..5),
        incident in incident(),
        neighbours in btree_set(service(), 1..5),
        look_back in (0..2_000u64, 0..2_000u64),
        window in (-1_500..1_000i64, 0..500i64),
        pick in any::<[proptest::sample::Index; 3]>(),
    ) {
        let [without, tool, service] = pick;
        let mut skill = SKILL.clone();
        skill.imports.tools = imports;
        let grants: Vec<Grant> = grants
            .into_iter()
            .map(|(tools, may_export)| Grant { may_export, ..Grant::to("*", tools) })
            .collect();
        let imported: Vec<Tool> = skill.imports.tools.iter().copied().collect();
        let services: Vec<String> = neighbours.iter().cloned().collect();
        let window = Window { start: window.0, end: window.0 + window.1 };
        let question = (*tool.get(&imported), service.get(&services).clone(), window);
        let whole = (all(&grants), Scope::of(&incident, neighbours.clone(), look_back.0 + look_back.1));
        let mut fewer = grants.clone();
        fewer.remove(without.index(grants.len()));
        let near: BTreeSet<_> = neighbours.iter().skip(1).cloned().collect();
        for (grants, scope) in [
            (all(&fewer), whole.1.clone()),
            (whole.0.clone(), Scope::of(&incident, near, look_back.0 + look_back.1)),
            (whole.0.clone(), Scope::of(&incident, neighbours, look_back.0)),
        ] {
            prop_assert!(may(&whole.0, &skill, &whole.1, &question) || !may(&grants, &skill, &scope, &question));
        }
        skill.imports.tools.remove(&question.0);
        prop_assert!(!may(&whole.0, &skill, &whole.1, &question), "what is not imported cannot be asked");
    }
}
