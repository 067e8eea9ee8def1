//! Who last changed each line of a file.

use gix::blame::{BlameRanges, Options, Start};
use gix::bstr::ByteSlice;
use gix::diff::Rewrites;
use negawatt_host::model::changes::BlameLine;
use negawatt_host::model::{Answer, Error};

use super::commits::{author, landed};
use super::derived::Basis;
use super::repository::Reader;
use super::tree;

/// Lines from `first_line` (from 1) on, at most `lines`, at the tip. Renames are followed.
pub fn lines(reader: &Reader<'_>, path: &str, first_line: u32, lines: u32) -> Answer<Vec<BlameLine>> {
    let basis = Basis::Lines { tip: reader.tip, path: path.to_owned(), first_line, lines };
    // Where a shallow clone lacks a commit that it takes, there is no answer, and none is kept.
    reader.derived(basis, || Ok((blamed(reader, path, first_line, lines)?, true)))
}

fn blamed(reader: &Reader<'_>, path: &str, first_line: u32, lines: u32) -> Answer<Vec<BlameLine>> {
    let content = tree::file(reader, path, reader.tip)?;
    let count = u32::try_from(content.lines().count()).unwrap_or(u32::MAX);
    if first_line == 0 {
        return Err(Error::Invalid("lines are counted from 1".to_owned()));
    }
    let last_line = (first_line - 1).saturating_add(lines).min(count);
    if first_line > last_line {
        return Ok(Vec::new());
    }
    let damaged = |error: gix::Error| reader.repository.damaged(error);
    let options = Options {
        diff_algorithm: super::diff::ALGORITHM,
        ranges: BlameRanges::from_one_based_inclusive_range(first_line..=last_line).map_err(damaged)?,
        rewrites: Some(Rewrites::default()),
        ..Options::default()
    };
    let mut cache = reader.comparison()?;
    let blame =
        gix::blame::file(&reader.git.objects, Start::Commit(reader.tip), None, &mut cache, path.into(), options);
    let blame = blame.map_err(damaged)?;
    let mut result = Vec::new();
    for entry in blame.entries {
        let commit = reader.git.find_commit(entry.commit_id).map_err(damaged)?;
        let (author, time) = (author(&commit), landed(&commit));
        let id = entry.commit_id.to_string();
        let named = |line: usize| BlameLine { line: line as u32 + 1, commit: id.clone(), author: author.clone(), time };
        result.extend(entry.range_in_blamed_file().map(named));
    }
    result.sort_by_key(|line| line.line);
    Ok(result)
}
