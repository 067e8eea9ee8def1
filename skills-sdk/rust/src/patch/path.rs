//! Paths in patches.

/// Whether a path is one of a file inside of a repository: relative, without `.` and `..`, and not of git's own.
pub fn stays_inside(path: &str) -> bool {
    // What file systems that ignore case, or some characters, take for `.git` too.
    let is_gits = |part: &str| {
        let plain: String = part.chars().filter(char::is_ascii).collect();
        let plain = plain.trim_end_matches(['.', ' ']).to_ascii_lowercase();
        plain == ".git" || plain == "git~1" || plain.starts_with(".git:")
    };
    !path.contains(['\0', '\u{fffd}']) && !path.split('/').any(|part| matches!(part, "" | "." | "..") || is_gits(part))
}

/// A path with its prefix as git writes it: in quotes and escaped where it has quotes, backslashes, what steers a terminal, or
/// other characters than those of ASCII.
pub fn quoted(prefix: &str, path: &str) -> String {
    let odd = |byte: u8| !(0x20..0x7f).contains(&byte) || byte == b'"' || byte == b'\\';
    if !path.bytes().any(odd) {
        return format!("{prefix}{path}");
    }
    let mut text = format!("\"{prefix}");
    for byte in path.bytes() {
        match byte {
            b'"' => text += "\\\"",
            b'\\' => text += "\\\\",
            b'\n' => text += "\\n",
            b'\t' => text += "\\t",
            b'\r' => text += "\\r",
            byte if odd(byte) => text += &format!("\\{byte:03o}"),
            byte => text.push(byte.into()),
        }
    }
    text + "\""
}

/// The same for a line that holds nothing else, where a tab ends a path with blanks.
pub fn on_its_own(prefix: &str, path: &str) -> String {
    let text = quoted(prefix, path);
    if !text.starts_with('"') && text.contains(' ') { text + "\t" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for path in ["a", "src/a b.rs", "...", "-", "ä/ö", ".gitignore", ".github/x", "a.git/b", "a\\b", "git"] {
            assert!(stays_inside(path), "{path}");
        }
        for path in [
            "",
            "/etc/x",
            "a//b",
            "a/",
            "./a",
            "a/../b",
            ".git/config",
            "a/.GIT/hooks/x",
            ".git. /x",
            "GIT~1/x",
            ".g\u{200c}it/config",
            ".git::$INDEX_ALLOCATION/x",
            "a\0",
            "a\u{fffd}",
        ] {
            assert!(!stays_inside(path), "{path:?}");
        }
    }

    #[test]
    fn paths_are_written_as_git_does() {
        // From `git diff --cached` of git 2.47.
        for (path, expected) in [
            ("a b.rs", "a/a b.rs"),
            ("ä.rs", r#""a/\303\244.rs""#),
            ("q\"\\.rs", r#""a/q\"\\.rs""#),
            ("n\n\t\r\u{1}\u{7f}", r#""a/n\n\t\r\001\177""#),
        ] {
            assert_eq!(quoted("a/", path), expected);
        }
        assert_eq!(on_its_own("a/", "a b"), "a/a b\t");
        assert_eq!(on_its_own("a/", "ä b"), r#""a/\303\244 b""#);
    }
}
