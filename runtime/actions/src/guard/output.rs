//! What a command prints: read to its end, kept in part.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Mutex, PoisonError};

use negawatt_package::text::printable_lines;

/// The most that is kept, whatever an operator allows.
const MOST: usize = 64 << 10;

/// The beginning and the end of what was printed.
#[derive(Debug)]
pub(crate) struct Kept {
    half: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
}

impl Kept {
    /// Keeps so many bytes.
    pub(crate) fn new(bytes: u64) -> Kept {
        let half = usize::try_from(bytes).unwrap_or(MOST).clamp(2, MOST) / 2;
        Kept { half, head: Vec::new(), tail: VecDeque::new(), total: 0 }
    }

    /// Adds bytes.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let (head, rest) = bytes.split_at(bytes.len().min(self.half - self.head.len()));
        self.head.extend(head);
        // More than fits pushes out what came before.
        let rest = &rest[rest.len().saturating_sub(self.half)..];
        let over = (self.tail.len() + rest.len()).saturating_sub(self.half);
        self.tail.drain(..over);
        self.tail.extend(rest);
    }

    /// What was printed, in printable lines, with a line that says what is missing.
    pub(crate) fn text(&self) -> String {
        let missing = self.total - (self.head.len() + self.tail.len()) as u64;
        let mut bytes = self.head.clone();
        if missing > 0 {
            bytes.extend(format!("\n… {missing} bytes are left out …\n").bytes());
        }
        bytes.extend(&self.tail);
        printable_lines(&String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))
    }

    /// The last line that is not blank.
    pub(crate) fn last_line(&self) -> String {
        self.text().lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
    }
}

/// Reads to the end, into all that want it.
pub(crate) fn drain(mut from: impl Read, into: &[&Mutex<Kept>]) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        match from.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            // What breaks off is told by how the command ended.
            Ok(0) | Err(_) => return,
            Ok(count) => {
                for kept in into {
                    kept.lock().unwrap_or_else(PoisonError::into_inner).add(&buffer[..count]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_output_is_whole() {
        let mut kept = Kept::new(10);
        kept.add(b"1234");
        kept.add(b"56789\r");
        assert_eq!(kept.text(), "123456789 ");
        assert_eq!(kept.last_line(), "123456789");
        assert_eq!(Kept::new(0).text(), "");
    }

    #[test]
    fn of_long_output_the_ends_stay() {
        let mut kept = Kept::new(8);
        for byte in b"0123456789abcdef" {
            kept.add(&[*byte]);
        }
        kept.add(b"a long one at the end\n42\n\n");
        assert_eq!(kept.text(), "0123\n… 34 bytes are left out …\n42\n\n");
        assert_eq!(kept.last_line(), "42");
    }

    #[test]
    fn nothing_that_steers_a_terminal_passes() {
        let kept = Mutex::new(Kept::new(1 << 40));
        drain(&b"\x1b[31mred\xff\n"[..], &[&kept, &kept]);
        assert_eq!(kept.into_inner().unwrap().text(), "\u{fffd}[31mred\u{fffd}\n\u{fffd}[31mred\u{fffd}\n");
    }
}
