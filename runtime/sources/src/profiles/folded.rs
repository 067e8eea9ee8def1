//! Folded stacks: one stack a line, `root;…;leaf count`, any text as names.

use super::Failure;
use super::interner::{Count, Interner, Units};
use crate::blocking::Stop;

/// Adds the stacks of a file, each a row of samples, and says what it counts.
pub fn read(bytes: &[u8], interner: &mut Interner, stop: &Stop) -> Result<Units, Failure> {
    let mut frames = Vec::new();
    for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1_u64..) {
        if number.is_multiple_of(4096) {
            stop.check()?;
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let wrong = |message: &str| Failure::wrong(number, format!("{message}; a line is root;…;leaf count"));
        let space = line.iter().rposition(|byte| *byte == b' ').ok_or_else(|| wrong("there is no count"))?;
        let (stack, count) = (line[..space].trim_ascii(), &line[space + 1..]);
        let count = std::str::from_utf8(count).ok().and_then(|count| count.parse::<u64>().ok());
        let samples = count.ok_or_else(|| wrong("the count is not a whole number"))?;
        frames.clear();
        for name in String::from_utf8_lossy(stack).split(';') {
            frames.push(interner.frame(name, "", 0)?);
        }
        interner.add(&frames, Count { samples, nanoseconds: 0 })?;
    }
    Ok(Units::SAMPLES)
}

#[cfg(test)]
mod tests {
    use negawatt_host::model::profiles::Profile;

    use super::*;

    fn profile(files: &[(i64, &[u8])]) -> Result<Profile, Failure> {
        let mut interner = Interner::new();
        for (start, bytes) in files {
            let mut file = Interner::new();
            let units = read(bytes, &mut file, &Stop::default())?;
            interner.add_file(*start, &file.into_file(units), &Stop::default())?;
        }
        Ok(interner.finish().unwrap())
    }

    #[test]
    fn columns() {
        let profile =
            profile(&[(5, b"main;f x;g 3\r\n\nmain;f x 2\nmain;f x;g 4\n"), (9, b"main;f x 1\nmain;\xff 1")]).unwrap();
        assert_eq!(profile.strings, ["", "main", "f x", "g", "\u{fffd}"]);
        assert_eq!(profile.frame_names, [1, 2, 3, 4]);
        assert_eq!((profile.frame_files, profile.frame_lines), (vec![0; 4], vec![0; 4]));
        assert_eq!(profile.stack_offsets, [0, 3, 5, 7]);
        assert_eq!(profile.stack_frames, [0, 1, 2, 0, 1, 0, 3]);
        assert_eq!((profile.file_starts, profile.file_offsets), (vec![5, 9], vec![0, 2, 4]));
        assert_eq!((profile.sample_stacks, profile.sample_counts), (vec![0, 1, 1, 2], vec![7, 2, 1, 1]));
        assert_eq!(profile.unit, "samples");
    }

    #[test]
    fn mistakes_have_lines() {
        for (text, expected) in
            [(&b"a;b 1\na;b\n"[..], 2), (b"a -1", 1), (b"a 1.5", 1), (b"\n\na 99999999999999999999", 3)]
        {
            assert!(matches!(profile(&[(0, text)]), Err(Failure::Wrong { line, .. }) if line == expected));
        }
    }

    proptest::proptest! {
        #[test]
        fn counts_are_kept(rows in proptest::collection::vec(("[a-c]{1,2}(;[a-c]{0,2}){0,4}", 0_u64..100), 0..30)) {
            let text: String = rows.iter().map(|(stack, count)| format!("{stack} {count}\n")).collect();
            let profile = profile(&[(0, text.as_bytes())]).unwrap();
            proptest::prop_assert_eq!(profile.sample_counts.iter().sum::<u64>(), rows.iter().map(|row| row.1).sum::<u64>());
            for (stack, count) in profile.sample_stacks.iter().zip(&profile.sample_counts) {
                let range = profile.stack_offsets[*stack as usize] as usize..profile.stack_offsets[*stack as usize + 1] as usize;
                let names: Vec<&str> = profile.stack_frames[range].iter()
                    .map(|frame| profile.strings[profile.frame_names[*frame as usize] as usize].as_str()).collect();
                let expected: u64 = rows.iter().filter(|row| row.0 == names.join(";")).map(|row| row.1).sum();
                proptest::prop_assert_eq!(*count, expected);
            }
        }
    }
}
