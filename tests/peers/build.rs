//! Builds the peers' skill: as a program for this machine, and as a plug-in.

use std::env::var;
use std::error::Error;
use std::process::Command;

use negawatt_package::build::environment;

const WASM: &str = "wasm32-unknown-unknown";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=skill");
    println!("cargo::rerun-if-changed=Cargo.lock");
    let (host, out) = (var("HOST")?, var("OUT_DIR")?);
    // A target folder of its own: that of this build is locked.
    let cargo = |what: &[&str], target| -> Result<String, Box<dyn Error>> {
        let mut cargo = environment::command(var("CARGO")?);
        cargo.args(what).args(["--locked", "--profile", "peer", "--package", "peer-skill"]);
        run(cargo.args(["--target", target, "--target-dir", &out]))?;
        Ok(format!("{out}/{target}/peer"))
    };
    // Linked statically it starts in two thirds of the time.
    let flags = format!("target.{host}.rustflags=['-Ctarget-feature=+crt-static']");
    let native = cargo(&["build", "--bin", "native", "--config", &flags], &host)?;
    println!("cargo::rustc-env=NATIVE={native}/native");
    run(environment::command("rustup").args(["target", "add", WASM]))?;
    let plugin = cargo(&["rustc", "--lib", "--crate-type", "cdylib"], WASM)?;
    println!("cargo::rustc-env=PLUGIN={plugin}/peer_skill.wasm");
    Ok(())
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
