//! Measures a typecode that a user wrote for a `#[shared(pod)]` field, so that a wrong one does not compile.

/// The bytes that one item of the notation describes.
///
/// # Panics
/// If the text is not one item, or leaves the byte order to the reader. In constants, that is an error of compilation.
#[track_caller]
pub(super) const fn measure(typecode: &str) -> usize {
    let mut reader = Reader { bytes: typecode.as_bytes(), at: 0, ordered: false };
    let size = reader.item();
    assert!(
        reader.at == reader.bytes.len(),
        "a typecode for a field is one item: put several into `T{{..}}`, each followed by its `:name:`"
    );
    size
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether a sign of the byte order stands to the left.
    ordered: bool,
}

impl Reader<'_> {
    /// The next byte, or 0 at the end.
    const fn peek(&self) -> u8 {
        if self.at < self.bytes.len() { self.bytes[self.at] } else { 0 }
    }

    const fn takes(&mut self, byte: u8) -> bool {
        let takes = self.peek() == byte;
        if takes {
            self.at += 1;
        }
        takes
    }

    #[track_caller]
    const fn item(&mut self) -> usize {
        self.order();
        let mut count = 1;
        if self.takes(b'(') {
            count = self.number();
            while self.takes(b',') {
                count *= self.number();
            }
            assert!(self.takes(b')'), "a shape in a typecode ends with `)`, as in `(3)<f`");
            self.order();
        }
        if self.peek().is_ascii_digit() {
            count *= self.number();
        }
        self.order();
        let letter = self.peek();
        self.at += 1;
        match letter {
            b'T' => count * self.fields(),
            b'b' | b'B' | b'?' | b'c' | b's' | b'x' => count,
            _ => {
                let size = match letter {
                    b'h' | b'H' | b'e' => 2,
                    b'i' | b'I' | b'l' | b'L' | b'f' | b'w' => 4,
                    b'q' | b'Q' | b'd' => 8,
                    _ => panic!(
                        "a typecode is made of the letters `bBhHiIlLqQefd?cswx`, shapes such as `(3)`, and `T{{..}}`"
                    ),
                };
                assert!(self.ordered, "a typecode names the byte order before a number, as in `<f`");
                count * size
            }
        }
    }

    #[track_caller]
    const fn fields(&mut self) -> usize {
        assert!(self.takes(b'{'), "a struct in a typecode is written `T{{..}}`");
        let mut size = 0;
        while !self.takes(b'}') {
            size += self.item();
            if self.takes(b':') {
                while !self.takes(b':') {
                    assert!(self.at < self.bytes.len(), "a name in a typecode stands between two `:`");
                    // The typecode becomes a part of a line of the schema.
                    assert!(!self.peek().is_ascii_control(), "a name in a typecode has no control characters");
                    self.at += 1;
                }
            }
        }
        size
    }

    #[track_caller]
    const fn order(&mut self) {
        if self.takes(if cfg!(target_endian = "little") { b'<' } else { b'>' }) {
            self.ordered = true;
        }
        assert!(
            !matches!(self.peek(), b'<' | b'>' | b'=' | b'@' | b'!' | b'^'),
            "a typecode names the byte order of this machine: `<` if it is little-endian, `>` if it is big-endian"
        );
    }

    #[track_caller]
    const fn number(&mut self) -> usize {
        assert!(self.peek().is_ascii_digit(), "a shape in a typecode is made of numbers, as in `(3,4)`");
        let mut number: usize = 0;
        while self.peek().is_ascii_digit() {
            let digit = (self.peek() - b'0') as usize;
            number = match number.checked_mul(10) {
                Some(number) => number + digit,
                None => panic!("a number in a typecode is too large"),
            };
            self.at += 1;
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::measure;

    /// Without this, a typecode of another size than its field would shift all fields behind it for other readers.
    #[test]
    fn sizes() {
        let order = if cfg!(target_endian = "little") { "<" } else { ">" };
        for (typecode, size) in [
            ("B", 1),
            ("7x", 7),
            ("16s", 16),
            ("<f", 4),
            ("(3)<f", 12),
            ("<3f", 12),
            ("(2,3)<d", 48),
            ("(4)T{<f:x:<f:y:B:kind:3x}", 48),
            ("T{T{<q:a:}:b:(2)?:c:}", 10),
        ] {
            assert_eq!(measure(&typecode.replace('<', order)), size, "{typecode}");
        }
    }

    /// Without this, a text that no reader understands would be handed to them.
    #[test]
    fn refusals() {
        for typecode in [
            "",
            "<f<f",
            "f",
            "(3)",
            "(3<f",
            "()<f",
            "T<f",
            "T{<f:x:",
            "T{<f:x}",
            "=f",
            "z",
            "9999999999999999999999s",
            "T{<f:\n:}",
        ] {
            assert!(std::panic::catch_unwind(|| measure(typecode)).is_err(), "{typecode}");
        }
    }
}
