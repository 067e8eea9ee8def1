//! Writes the fixture of the present schema, once, when the schema is released:
//! `cargo run -p negawatt-casebook --example make_fixture -- runtime/casebook/tests/fixtures/schema-6.sqlite`.
//! A fixture is never written again.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{begin, folder, opened, propose, record, watch};
use negawatt_casebook::Casebook;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let to = std::env::args().nth(1).ok_or("name the file to write")?;
    if std::path::Path::new(&to).exists() {
        return Err(format!("{to} is there already; a released fixture is never changed").into());
    }
    let folder = folder();
    let book = Casebook::open(folder.path())?;
    record(&mut book.open_case(opened("schema-6"))?)?;
    begin(&mut book.open_case(opened("schema-6"))?)?;
    watch(&book, "schema-6")?;
    propose(&book, "schema-6")?;
    let file = book.file().to_owned();
    // Closing moves everything from the log into the one file.
    drop(book);
    std::fs::copy(file, to)?;
    Ok(())
}
