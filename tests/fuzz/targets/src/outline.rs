//! Source files of any language, read by their grammars.

use negawatt_syntax::{Kind, outline as parse, tree};

const ENDINGS: [&str; 8] = ["rs", "py", "go", "java", "cc", "js", "ts", "tsx"];

/// The first byte chooses the language, the rest is the file.
///
/// Lines lie in the file and in their order, an outer definition comes before what it holds, and nothing is longer than promised. The
/// nodes of the tree are pieces of the text inside of each other.
pub fn outline(bytes: &[u8]) {
    let Some((first, text)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let lines = text.split('\n').count() as u32;
    let path = format!("a.{}", ENDINGS[usize::from(*first) % ENDINGS.len()]);
    if let Ok(tree) = tree(&path, &text) {
        for row in 0..tree.node_kinds.len() {
            let (start, end) = (tree.node_starts[row] as usize, tree.node_ends[row] as usize);
            let parent = tree.node_parents[row] as usize;
            assert!(text.get(start..end).is_some(), "{start} to {end} of {} bytes", text.len());
            assert!(row == 0 || parent < row, "{row} in {parent}");
        }
    }
    let Ok(outline) = parse(&path, &text) else { return };
    for definition in &outline.definitions {
        assert!(1 <= definition.first_line && definition.first_line <= definition.last_line, "{definition:?}");
        assert!(definition.last_line <= lines, "{definition:?}, of {lines} lines");
        assert!(definition.containers.len() <= 16 && !definition.name.is_empty(), "{definition:?}");
        assert!(definition.mentions.is_sorted() && definition.mentions.iter().all(|name| name.len() <= 200));
        assert!(definition.kind != Kind::Type || definition.mentions.is_empty(), "{definition:?}");
    }
    assert!(outline.definitions.iter().map(|definition| definition.first_line).is_sorted());
    let mut after = 0;
    for &(first, last) in &outline.comments {
        assert!(after < first && first <= last && last <= lines, "{first} to {last}, after {after}, of {lines} lines");
        after = last;
    }
}
