//! Writes the inputs from which fuzzing began into `tests/fuzz/corpus`: those whose names begin with `seed-`. To be run again
//! when the contract or a format changes.

use std::fs;
use std::path::Path;

use negawatt_fuzz_targets::{MANIFEST, hostile_skill, image, plain_skill};

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).unwrap_or(Path::new("."));
    let seed = |target: &str, name: &str, bytes: &[u8]| {
        let folder = root.join("tests/fuzz/corpus").join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("seed-{name}")), bytes)
    };
    let read = |path: &str| fs::read(root.join(path));

    seed("component", "plain", &plain_skill())?;
    seed("component", "hostile", &hostile_skill())?;

    seed("findings", "nothing", &image::of(&Ok(Vec::new())))?;
    for (n, finding) in image::examples().into_iter().enumerate() {
        seed("findings", &format!("kind-{n}"), &image::of(&Ok(vec![finding])))?;
    }
    seed("findings", "all", &image::of(&Ok(image::examples())))?;
    seed("findings", "error", &image::of(&Err(negawatt_host::model::Error::Invalid("told".into()))))?;

    seed("skill_md", "plain", MANIFEST.as_bytes())?;
    seed("skill_md", "bundled", &read("example-skills/culprit-commit/SKILL.md")?)?;

    seed("config", "whole", &read("runtime/config/tests/whole.toml")?)?;
    seed("incident", "regression", br#"{"kind":"regression","title":"checkout CPU up","service":"checkout","metric":{"name":"cpu","labels":{"service":"checkout"},"worse":"up","transform":{"quantile":0.99,"over":"5m"},"aggregate":{"sum":["zone"]}},"window":{"start":"2026-11-18T00:00:00Z","end":"2026-11-20T00:00:00Z"},"severity":"high","fingerprint":"f"}"#)?;
    seed("incident", "opportunity", br#"{"kind":"opportunity","title":"\u001b[31mhot","service":"shop","metric":null,"window":{"start":"1969-12-31T23:59:59.5Z","end":"2026-11-20T00:00:00+01:00"}}"#)?;
    seed("incident", "rate", br#"{"kind":"regression","title":"","service":"s","metric":{"name":"m","transform":{"rate":"90s"},"aggregate":"max","worse":"down"},"window":{"start":"2026-11-18T00:00:00Z","end":"2026-11-18T00:00:01Z"},"severity":"low"}"#)?;

    let payload = |name: &str| read(&format!("runtime/signals/tests/fixtures/{name}.json"));
    seed("alertmanager", "group", &payload("alertmanager")?)?;
    seed("grafana", "group", &payload("grafana")?)?;
    seed("grafana", "legacy", &payload("grafana_legacy")?)?;
    seed("generic", "events", &payload("pager")?)?;

    seed(
        "csv",
        "plain",
        b"time,service,a,value\n2026-11-18T00:00:00Z,shop,x,1.5\n1795072200,shop,,2\n1795072260,other,x,3\n",
    )?;
    seed("csv", "bucket", b"le,time,value\r\n0.5,1,1\r\n+Inf,1,2\r\n0.5,61.5,NaN\r\n+Inf,61.5,4e3\r\n")?;
    seed("csv", "quoted", "\u{feff}value,time,\"a,\"\"b\"\n-0.1,-1.25,\"x\ny\"\n,2,z\n".as_bytes())?;

    seed("folded", "plain", b"main;cart::price;hash 12\nmain;cart::price 3\n\nmain;f x 1\r\n")?;
    seed("folded", "bytes", b"caf\xe9;\xff\xfe 1\n\x1b[31mred;;x 18446744073709551615\n")?;

    for name in ["nameless", "addresses", "difference", "heap"] {
        seed("pprof", name, &read(&format!("runtime/sources/tests/pprof/{name}.pb.gz"))?)?;
    }

    let who = "Eve <eve@example.com> 1795072260 +0100";
    let part = "\n--8<--\n";
    let plain = format!(
        "author {who}\ncommitter {who}\n\nsubject\n\nbody\n{part}src/a.rs{part}fn f() {{\n    a\n}}\n{part}fn f() {{\n    b\n}}\n"
    );
    seed("git_text", "plain", plain.as_bytes())?;
    let odd = [
        b"author A\x1b[1m <x@y> 99999999999999999 +9999\ncommitter Z <> -1 -0000\nencoding ISO-8859-1\ngpgsig -----BEGIN\n x\n\ncaf\xe9 \xff\n".as_slice(),
        part.as_bytes(),
        b"\x1b[31mred",
        part.as_bytes(),
        b"one\r\ntwo\rthree",
        part.as_bytes(),
        "\u{202e}enin\u{200b}\n".as_bytes(),
    ];
    seed("git_text", "odd", &odd.concat())
}
