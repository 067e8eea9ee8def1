//! Cases with proposals: a repository with a culprit in it, a remote, and what the program says of them.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use negawatt_casegen::{Scenario, generate};
pub use negawatt_test_servers::git;
use serde_json::Value;

use super::{program, write};

/// A git remote as the forge of a case.
pub const GIT: &str = "forge = { kind = \"git\", remote = \"./remote.git\" }";

/// A case whose culprit compiles a pattern per call, with a remote of its repository, which is its forge; `keys` are added to those of the
/// repository, and `sections` to the configuration.
pub fn case(folder: &Path, keys: &str, sections: &str) {
    case_of(5_200, folder, &format!("{GIT}\n{keys}"), sections);
}

/// The case of a seed, with a remote of its repository, and no forge but in `keys`.
pub fn case_of(seed: u64, folder: &Path, keys: &str, sections: &str) {
    generate(Scenario::Commit, seed, folder).unwrap();
    std::fs::rename(folder.join("negawatt.toml"), folder.join("generated.toml")).unwrap();
    let branch = git(&folder.join("repo"), &["branch", "--show-current"]);
    git(folder, &["init", "--quiet", "--bare", "--initial-branch", &branch, "remote.git"]);
    git(&folder.join("repo"), &["push", "--quiet", "../remote.git", &branch]);
    configure_as(folder, keys, sections);
}

/// Writes the configuration of a [`case`] anew.
pub fn configure(folder: &Path, keys: &str, sections: &str) {
    configure_as(folder, &format!("{GIT}\n{keys}"), sections);
}

/// Writes the configuration of a case anew: what the generator wrote, with keys of the repository and sections besides.
pub fn configure_as(folder: &Path, keys: &str, sections: &str) {
    let generated = std::fs::read_to_string(folder.join("generated.toml")).unwrap();
    let source = "[sources.changes]\nkind = \"git\"\n";
    assert!(generated.contains(source), "{generated}");
    let text = generated.replace(source, &format!("{source}{keys}\n"));
    write(folder.join("negawatt.toml"), &format!("{text}\n{sections}\n"));
}

/// A JSON file of a case, changed.
pub fn change(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    change(&mut value);
    write(path, &value.to_string());
}

/// A check that says that it runs, to who listens there, and never ends by itself.
pub fn endless(listener: &TcpListener) -> String {
    let address = listener.local_addr().unwrap().to_string().replace(':', "/");
    let script = format!("exec 3<>/dev/tcp/{address}; read -u 3 line");
    format!(
        "checks = [{{ name = \"endless\", command = [\"bash\", \"-c\", {script:?}], network = true, time = \"24h\" }}]"
    )
}

/// A case's proposal as `investigate` prints it, the first being 0.
pub fn mitigation(answer: &Value, at: usize) -> &Value {
    &answer["mitigations"][at]
}

/// A case's id.
pub fn id(answer: &Value) -> &str {
    answer["case"].as_str().unwrap()
}

/// What was found of a proposal by one criterion.
pub fn check<'a>(mitigation: &'a Value, name: &str) -> &'a Value {
    let checks = mitigation["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name} is not in {checks:#?}"))
}

/// The branches and proposals of a remote that are Negawatt's.
pub fn submitted(folder: &Path) -> Vec<String> {
    let all = git(&folder.join("remote.git"), &["for-each-ref", "--format", "%(refname)"]);
    all.lines().filter(|name| name.contains("negawatt/")).map(str::to_owned).collect()
}

/// A case's folder once more: its repository, remote and casebook.
pub fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").args(["-a", "."]).arg(to).current_dir(from).status().unwrap();
    assert!(copied.success());
}

/// How a program ends that is killed.
pub const KILLED: Option<i32> = Some(9);

/// Runs the program, and waits for it and for all that it started.
pub fn run_whole(folder: &Path, arguments: &[&str]) -> Output {
    // Every process that it starts has this end of the pipe, which is read until nobody has it any more.
    let script = "echo $$ > process; exec 9>&1; exec \"$@\"";
    let mut shell = program(folder, "sh");
    shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_negawatt")]).args(arguments).output().unwrap()
}

/// What kills the program that [`run_whole`] runs, in a script that it starts.
pub fn kill_whole(folder: &Path) -> String {
    format!("kill -KILL $(cat '{}')", folder.join("process").display())
}

/// Has a hook of the remote run a script when references that begin so are pushed.
pub fn hook(folder: &Path, name: &str, references: &str, script: &str) {
    // `update` is told the reference as an argument, others in a line each.
    let text = format!(
        "#!/bin/sh\nname=$1\n[ -n \"$name\" ] || read -r before after name\ncase $name in {references}*) ;; *) exit 0;; esac\n{script}\n"
    );
    script_at(&folder.join("remote.git/hooks").join(name), &text);
}

/// A file that is run.
pub fn script_at(path: &Path, text: &str) {
    write(path, text);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Thirty observations of a case's series from two days after now on: back to the old level but for a tenth of the rise.
pub fn observe_recovery(folder: &Path, answer: &Value) {
    let (before, after) = (&answer["change_point"]["before"], &answer["change_point"]["after"]);
    let (before, after) = (before.as_f64().unwrap(), after.as_f64().unwrap());
    let file = folder.join("metrics/cpu_seconds_per_request.csv");
    let mut csv = std::fs::read_to_string(&file).unwrap();
    let labels = answer["incident"]["metric"]["labels"].as_object().unwrap().clone();
    let columns: Vec<String> = csv.lines().next().unwrap().split(',').map(str::to_owned).collect();
    let now = negawatt_host::time::now() / 1_000_000;
    for minute in 0..30 {
        let cell = |column: &String| match column.as_str() {
            "time" => negawatt_host::time::rfc3339((now + 2 * 86_400 + 60 * minute) * 1_000_000),
            "value" => (before + 0.1 * (after - before)).to_string(),
            label => labels.get(label).and_then(Value::as_str).unwrap_or_default().to_owned(),
        };
        csv += &(columns.iter().map(cell).collect::<Vec<_>>().join(",") + "\n");
    }
    write(&file, &csv);
}
