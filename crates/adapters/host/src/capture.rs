//! The beginning and the end of what a program writes.
//!
//! Tests: at the end of this file.

use std::collections::VecDeque;

/// How much of each is kept.
const HALF_BYTES: usize = 512 << 10;

/// What was written so far, cut short in the middle.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    beginning: Vec<u8>,
    end: VecDeque<u8>,
    left_out_bytes: usize,
}

impl Capture {
    /// Takes more.
    pub(crate) fn push(&mut self, written: &[u8]) {
        let room = HALF_BYTES - self.beginning.len();
        let (beginning, rest) = written.split_at(written.len().min(room));
        self.beginning.extend_from_slice(beginning);
        self.end.extend(rest);
        let too_much = self.end.len().saturating_sub(HALF_BYTES);
        self.end.drain(..too_much);
        self.left_out_bytes += too_much;
    }

    /// All of it, with a line in the middle that says how much is missing.
    pub(crate) fn finish(self) -> Vec<u8> {
        let mut all = self.beginning;
        if self.left_out_bytes > 0 {
            let line = format!("\n[… {} bytes left out …]\n", self.left_out_bytes);
            all.extend_from_slice(line.as_bytes());
        }
        all.extend(self.end);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(parts: &[&[u8]]) -> Vec<u8> {
        let mut capture = Capture::default();
        for part in parts {
            capture.push(part);
        }
        capture.finish()
    }

    #[test]
    fn what_fits_is_kept_whole() {
        let much = vec![b'x'; 2 * HALF_BYTES];
        assert_eq!(captured(&[b"a", b"", b"b"]), b"ab");
        assert_eq!(captured(&[&much]), much);
    }

    #[test]
    fn the_middle_of_too_much_is_left_out() {
        let beginning = vec![b'a'; HALF_BYTES];
        let end = vec![b'z'; HALF_BYTES];
        let all = captured(&[&beginning, b"middle", &end]);
        let line = "\n[… 6 bytes left out …]\n";
        assert_eq!(all.len(), 2 * HALF_BYTES + line.len());
        assert!(all.starts_with(b"aaa") && all.ends_with(b"zzz"));
        let middle = String::from_utf8_lossy(&all[HALF_BYTES..HALF_BYTES + line.len()]);
        assert_eq!(middle, line);
    }
}
