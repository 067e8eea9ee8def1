//! Files that say how a program is built and of what: other dependencies may be a mitigation, another build is none.

use serde_json::Value;

/// How such a file is read.
type Read = fn(&str) -> Option<Value>;

/// Ways to what in it may change; a star is any key.
type Keys = &'static [&'static [&'static str]];

/// Whether the change of such a file leaves the build alone; absent for other files.
pub(super) fn judge(path: &str, before: Option<&str>, after: Option<&str>) -> Option<Result<(), String>> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (read, allowed): (Read, Keys) = match name {
        "Cargo.toml" => (
            of_toml,
            &[&["dependencies"], &["features"], &["workspace", "dependencies"], &["target", "*", "dependencies"]],
        ),
        "pyproject.toml" => (
            of_toml,
            &[&["project", "dependencies"], &["project", "optional-dependencies"], &["tool", "poetry", "dependencies"]],
        ),
        "package.json" => (|text| serde_json::from_str(text).ok(), &[&["dependencies"], &["peerDependencies"]]),
        "go.mod" => (|text| Some(of_go(text)), &[&["require"]]),
        _ => return None,
    };
    let (Some(before), Some(after)) = (before, after) else {
        return Some(Err("says how the program is built, and is added or deleted".to_owned()));
    };
    let (Some(mut before), Some(mut after)) = (read(before), read(after)) else {
        return Some(Err("says how the program is built, and cannot be read".to_owned()));
    };
    for path in allowed {
        remove(&mut before, path);
        remove(&mut after, path);
    }
    Some(match difference(&before, &after) {
        None => Ok(()),
        Some(key) => {
            Err(format!("says how the program is built, and its `{key}` changes; only what it depends on may"))
        }
    })
}

fn of_toml(text: &str) -> Option<Value> {
    serde_json::to_value(toml::from_str::<toml::Table>(text).ok()?).ok()
}

/// The lines of a `go.mod` outside of `require`, comments left out.
fn of_go(text: &str) -> Value {
    let mut within = false;
    let others = text.lines().map(|line| line.split("//").next().unwrap_or_default().trim()).filter(|line| {
        let begins = line.starts_with("require");
        let is_required = within || begins;
        within = if within { *line != ")" } else { begins && line.ends_with('(') };
        !is_required && !line.is_empty()
    });
    others.map(str::to_owned).collect()
}

fn remove(value: &mut Value, path: &[&str]) {
    let (Some((first, rest)), Some(object)) = (path.split_first(), value.as_object_mut()) else { return };
    match (*first, rest) {
        (key, []) => drop(object.remove(key)),
        ("*", rest) => object.values_mut().for_each(|value| remove(value, rest)),
        (key, rest) => object.get_mut(key).into_iter().for_each(|value| remove(value, rest)),
    }
    // What had nothing else in it might as well not be there.
    object.retain(|_, value| value.as_object().is_none_or(|object| !object.is_empty()));
}

/// The first key that differs.
fn difference(before: &Value, after: &Value) -> Option<String> {
    if before == after {
        return None;
    }
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else { return Some("text".to_owned()) };
    old.keys().chain(new.keys()).find(|key| old.get(*key) != new.get(*key)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARGO: &str = "[package]\nname = \"a\"\n[dependencies]\nserde = \"1\"\n[profile.release]\nopt-level = 1\n";

    fn cargo(from: &str, to: &str) -> Result<(), String> {
        judge("a/Cargo.toml", Some(CARGO), Some(&CARGO.replace(from, to))).unwrap()
    }

    #[test]
    fn other_dependencies_pass() {
        assert_eq!(cargo("serde = \"1\"", "serde = \"2\" # faster\nahash = \"0.8\""), Ok(()));
        assert_eq!(cargo("[dependencies]\nserde = \"1\"\n", ""), Ok(()));
        assert_eq!(cargo("[profile", "[target.'cfg(unix)'.dependencies]\nx = \"1\"\n[profile"), Ok(()));
        let package =
            |after: &str| judge("package.json", Some(r#"{"scripts": {"test": "jest"}}"#), Some(after)).unwrap();
        assert_eq!(package(r#"{"dependencies": {"x": "1"}, "scripts": {"test": "jest"}}"#), Ok(()));
        assert!(package(r#"{"scripts": {"test": "true"}}"#).is_err_and(|why| why.contains("`scripts`")));
        let go = |after: &str| judge("go.mod", Some("module a\ngo 1.22\nrequire x v1\n"), Some(after)).unwrap();
        assert_eq!(go("module a\ngo 1.22 // same\nrequire (\n\tx v2\n\ty v1\n)\n"), Ok(()));
        assert!(go("module a\ngo 1.24\nrequire x v1\n").is_err());
        assert!(go("module a\ngo 1.22\nrequire x v1\nreplace x => ./x\n").is_err());
        assert_eq!(judge("src/a.rs", None, None), None);
    }

    #[test]
    fn another_build_does_not() {
        for (from, to, key) in [
            ("opt-level = 1", "opt-level = 3", "profile"),
            ("[package]", "profile.dev.opt-level = 3\n[package]", "profile"),
            ("[dependencies]\n", "[profile.bench]\nlto = true\n[dependencies]\n", "profile"),
            ("[profile", "[dev-dependencies]\ncriterion = \"0.1\"\n[profile", "dev-dependencies"),
            ("[profile", "[[bench]]\nname = \"x\"\n[profile", "bench"),
            ("name = \"a\"", "name = \"a\"\nbuild = \"x.rs\"", "package"),
            ("[profile", "[patch.crates-io]\nserde = { path = \"x\" }\n[profile", "patch"),
            ("[profile", "\"pro\\u0066ile\".dev.debug = 1\n[profile", "dependencies"),
        ] {
            let judged = cargo(from, to);
            if key == "dependencies" {
                assert_eq!(judged, Ok(()), "it is a dependency of an odd name");
            } else {
                assert!(judged.as_ref().is_err_and(|why| why.contains(&format!("`{key}`"))), "{to}: {judged:?}");
            }
        }
        assert!(cargo("[package]", "[package").is_err_and(|why| why.contains("cannot be read")));
        assert!(judge("Cargo.toml", Some(CARGO), None).unwrap().is_err());
    }
}
