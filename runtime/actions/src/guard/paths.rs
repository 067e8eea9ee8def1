//! Names of files in a patch: what a repository may call its files, and nothing that git or a file system understands otherwise.

use negawatt_package::text::printable;

const MAX_PATH_BYTES: usize = 1_024;

/// Why a path is refused, if it is.
pub(crate) fn refused(path: &str) -> Option<&'static str> {
    if path.is_empty() || path.len() > MAX_PATH_BYTES {
        return Some("is empty or too long");
    }
    // What cannot be seen can hide what a path is, from people and from file systems that leave it out.
    if printable(path) != path || path.contains('\u{fffd}') {
        return Some("has characters that cannot be printed");
    }
    if path.contains('\\') {
        return Some("has a backslash");
    }
    path.split('/').find_map(|part| match part {
        "" => Some("is not relative to the repository"),
        "." | ".." => Some("leads out of its folder"),
        part if is_of_git(part) => Some("is git's own"),
        _ => None,
    })
}

/// `.git`, in all the ways that file systems take for it, and the files by which a tree tells git what to do.
fn is_of_git(part: &str) -> bool {
    let part = part.to_lowercase();
    let is_folder = part.strip_prefix(".git").is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()));
    // Short names of Windows; and what is longer than the letters of git only for those who do not fold them.
    is_folder || part.starts_with("git~") || matches!(part.as_str(), ".gitmodules" | ".gitattributes")
}

/// A path as git writes it where it quotes (`core.quotePath`): octal bytes and the escapes of C between quotes.
pub(crate) fn unquote(quoted: &str) -> Option<String> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'"' => return None,
            b'\\' => match rest.next()? {
                high @ b'0'..=b'3' => {
                    let mut octal =
                        || rest.next().filter(|digit| (b'0'..=b'7').contains(digit)).map(|digit| digit - b'0');
                    (high - b'0') << 6 | octal()? << 3 | octal()?
                }
                b'a' => 7,
                b'b' => 8,
                b't' => b'\t',
                b'n' => b'\n',
                b'v' => 11,
                b'f' => 12,
                b'r' => b'\r',
                plain @ (b'"' | b'\\') => plain,
                _ => return None,
            },
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_pass() {
        for path in
            ["src/cart.rs", "a", "src/größe.rs", "src/a b.rs", ".gitignore", ".github/x", "a.git/b", "x/..y/z...", "-x"]
        {
            assert_eq!(refused(path), None, "{path}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        let long = "x".repeat(MAX_PATH_BYTES + 1);
        let hostile = [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/./b",
            "a//b",
            "a/",
            ".git/hooks/pre-commit",
            "a/.GIT/config",
            ".git",
            ".git./x",
            ".git /x",
            ".git::$INDEX_ALLOCATION/x",
            "git~1/x",
            ".gitmodules",
            "a/.gitattributes",
            "a\\b",
            "a\nb",
            "a\u{7f}",
            "a\u{202e}b",
            ".g\u{200c}it/x",
            "a\u{fffd}",
            long.as_str(),
        ];
        for path in hostile {
            assert!(refused(path).is_some(), "{path:?}");
        }
    }

    #[test]
    fn quoted_paths() {
        assert_eq!(unquote(r#""a/gr\303\266\303\237e.rs""#).as_deref(), Some("a/größe.rs"));
        assert_eq!(unquote(r#""a\"b\\c\td""#).as_deref(), Some("a\"b\\c\td"));
        for broken in
            [r#""a"#, r#"a""#, r#""a"b""#, r#""\""#, r#""\9""#, r#""\40""#, r#""\400""#, r#""\377""#, r#"""#, "a"]
        {
            assert_eq!(unquote(broken), None, "{broken}");
        }
    }
}
