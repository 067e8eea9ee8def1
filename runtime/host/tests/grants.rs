//! Which grants mean a skill, and what is said of it.

use std::path::Path;

use negawatt_config::Config;
use negawatt_host::grants::{self, Grants, InForce, LimitSource, Rights, Rule};
use negawatt_host::limits::Limits;
use negawatt_host::{Origin, PublicKey, Skill, Tool};
use negawatt_test_guests::{GOSSIP, MISCHIEF};

const KEY: [u8; 32] = [7; 32];

fn skill(wasm: &'static [u8]) -> Skill {
    of(wasm, Origin::Loaded)
}

fn of(wasm: &'static [u8], origin: Origin) -> Skill {
    Skill::read(wasm, origin).unwrap()
}

fn configured(text: &str) -> Grants {
    let publisher = format!("[publishers.acme]\nkey = \"{}\"\n", PublicKey(KEY));
    Grants::of(&Config::parse(&format!("{publisher}{text}"), Path::new("/etc/negawatt.toml")).unwrap())
}

fn limit<'a>(all: &'a [InForce<'a>], name: &str) -> &'a InForce<'a> {
    all.iter().find(|limit| limit.name == name).unwrap()
}

#[test]
fn each_right_has_its_rule() {
    let grants = configured(
        "[[grants]]\nskill = \"mis*\"\ntools = [\"metrics\"]\ntime = \"3s\"\n\
         [[grants]]\npublisher = \"acme\"\ntools = [\"metrics\"]\ntime = \"4s\"\n\
         [limits]\nmemory = \"32MiB\"\ntime = \"2s\"\n",
    );
    let mut skill = skill(MISCHIEF);
    let explanation = grants.explain(&skill);
    assert_eq!(explanation.tools[&Tool::Metrics], [Rule::Grant(&grants.grants[0])]);
    assert_eq!(explanation.lacks, None);
    assert_eq!((explanation.fitting.len(), explanation.near.len()), (1, 0), "nothing of the second grant fits");
    let condition = &explanation.fitting[0].conditions[0];
    assert_eq!((condition.key, condition.wants.as_str(), condition.is_met), ("skill", "mis*", true));
    let time = limit(&explanation.limits, "time");
    assert_eq!((time.value.as_deref(), time.from), (Some("3s"), LimitSource::Grant(&grants.grants[0])));
    let memory = limit(&explanation.limits, "memory");
    assert_eq!((memory.value.as_deref(), memory.from), (Some("32MiB"), LimitSource::Common));
    let links = limit(&explanation.limits, "links");
    assert_eq!((links.value.as_deref(), links.from), (Some("64"), LimitSource::Default));
    assert_eq!(limit(&explanation.limits, "fuel").value, None, "nothing is counted");

    skill.publisher = Some("acme".into());
    let explanation = grants.explain(&skill);
    assert_eq!(explanation.tools[&Tool::Metrics].len(), 2, "both grants give it");
    assert_eq!(limit(&explanation.limits, "time").value.as_deref(), Some("4s"), "the last grant counts");
    assert_eq!(grants.rights(&skill).unwrap().limits.time.as_secs(), 4);
}

#[test]
fn what_is_explained_is_what_holds() {
    // Every subset of what could be granted, to skills of both origins: the rights and their explanation agree.
    let parts = ["tools = [\"code\"]", "tools = [\"model\"]", "may_export = true", "tools = [\"metrics\"]"];
    for chosen in 0..1 << parts.len() {
        let granted = |(n, part): (usize, &&str)| {
            (chosen & 1 << n != 0).then(|| format!("[[grants]]\nskill = \"*\"\n{part}\nlinks = {}\n", n + 1))
        };
        let grants = configured(&parts.iter().enumerate().filter_map(granted).collect::<String>());
        for wasm in [GOSSIP, MISCHIEF] {
            for origin in [Origin::Bundled, Origin::Loaded] {
                let skill = of(wasm, origin);
                let (rights, explanation) = (grants.rights(&skill), grants.explain(&skill));
                assert_eq!(rights.is_err(), explanation.lacks.is_some(), "{chosen:b} {explanation:?}");
                let lacking = explanation.tools.values().any(Vec::is_empty);
                match rights {
                    Ok(rights) => {
                        assert!(!lacking);
                        assert_eq!(rights.may_export, explanation.may_export.is_some());
                        let links = limit(&explanation.limits, "links").value.as_deref();
                        assert_eq!(links, Some(rights.limits.links.to_string().as_str()));
                    }
                    Err(denial) => {
                        assert_eq!(explanation.lacks, Some(denial.clone()));
                        // What is said to be the smallest grant is enough.
                        let mut more = grants.clone();
                        more.grants.extend(configured(&denial.grant()).grants);
                        assert!(more.rights(&skill).is_ok(), "{denial}");
                    }
                }
            }
        }
    }
}

#[test]
fn bundled_skills_read_and_reach_nothing_outside() {
    let grants = Grants::default();
    let reader = of(MISCHIEF, Origin::Bundled);
    assert_eq!(grants.explain(&reader).tools[&Tool::Metrics], [Rule::Bundled]);
    let talker = of(GOSSIP, Origin::Bundled);
    let explanation = grants.explain(&talker);
    assert_eq!(explanation.tools[&Tool::Code], [Rule::Bundled]);
    assert_eq!(explanation.tools[&Tool::Model], []);
    let lack = explanation.lacks.unwrap();
    assert_eq!(lack.reasons.len(), 2, "{lack:?}");
    assert_eq!(lack.grant(), "[[grants]]\nskill = \"gossip\"\ntools = [\"model\"]\nmay_export = true");
}

#[test]
fn a_grant_that_nearly_fits_says_what_does_not() {
    let other = grants::file(Path::new("/nowhere/other.wasm"));
    let grants = configured(&format!(
        "[[grants]]\nskill = \"mischief\"\ndigest = \"blake3:{}\"\npublisher = \"acme\"\npath = \"{}\"\n\
         tools = [\"metrics\"]\n[[grants]]\nskill = \"somebody\"\ntools = [\"metrics\"]\n",
        "0".repeat(64),
        other.display()
    ));
    let skill = skill(MISCHIEF);
    let explanation = grants.explain(&skill);
    assert_eq!((explanation.fitting.len(), explanation.near.len()), (0, 1));
    let conditions = &explanation.near[0].conditions;
    let unmet: Vec<_> = conditions
        .iter()
        .filter(|condition| !condition.is_met)
        .map(|condition| (condition.key, condition.has.clone()))
        .collect();
    assert_eq!(unmet, [("path", None), ("digest", Some(skill.digest.to_string())), ("publisher", None)]);
    assert!(grants.rights(&skill).is_err());
}

#[test]
fn a_path_is_the_same_however_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name);
    std::fs::create_dir(inside("skills")).unwrap();
    for name in ["skills/a.wasm", "skills/b.wasm"] {
        std::fs::write(inside(name), MISCHIEF).unwrap();
    }
    std::os::unix::fs::symlink("a.wasm", inside("skills/linked.wasm")).unwrap();
    let allows = |written: &str, file: &str| {
        let text = format!("[[grants]]\npath = \"{written}\"\ntools = [\"metrics\"]\n");
        let grants = Grants::of(&Config::parse(&text, &inside("negawatt.toml")).unwrap());
        let mut skill = skill(MISCHIEF);
        skill.file = Some(grants::file(&inside(file)));
        grants.rights(&skill).is_ok()
    };
    assert!(allows("skills/a.wasm", "skills/a.wasm"));
    assert!(allows("./skills/../skills/a.wasm", "skills/a.wasm"));
    assert!(allows("skills/linked.wasm", "skills/a.wasm") && allows("skills/a.wasm", "skills/linked.wasm"));
    assert!(!allows("skills/b.wasm", "skills/a.wasm"), "the same bytes in another file");
    assert!(!allows("skills/none.wasm", "skills/a.wasm"));
    let grants = configured("[[grants]]\npath = \"a.wasm\"\ntools = [\"metrics\"]\n");
    assert!(grants.rights(&skill(MISCHIEF)).is_err(), "what was read from no file is in no file");
}

#[test]
fn who_could_send_it_out_must_not_see_it() {
    for (own, seen) in Tool::ALL.into_iter().flat_map(|own| Tool::ALL.map(|seen| (own, seen))) {
        let rights =
            |may_export| Rights { tools: [own].into(), http: [].into(), may_export, limits: Limits::default() };
        let sends = Tool::OUTWARD.contains(&own);
        assert_eq!(rights(false).outward().collect::<Vec<_>>(), if sends { vec![own] } else { vec![] });
        let must_not = sends && Tool::CONFIDENTIAL.contains(&seen);
        assert_eq!(rights(false).must_not_see(&[seen].into()), must_not, "{own} {seen}");
        assert!(!rights(true).must_not_see(&[seen].into()) && !rights(false).must_not_see(&[].into()));
    }
}
