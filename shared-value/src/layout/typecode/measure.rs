//! Reads typecodes that others wrote: the grammar, and the size of the described bytes.
//!
//! The grammar is the part of PEP 3118 that leaves nothing to the reader: numbers carry the byte order of this machine,
//! and padding is written out.

/// Evaluates to the value of a `Result`, or returns its error from the function: `?` for functions that run at compile time.
macro_rules! attempt {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(problem) => return Err(problem),
        }
    };
}

/// The maximum nesting depth of structs in a typecode: readers of the tree recurse.
const DEEPEST: usize = 16;

/// The maximum number of dimensions of a shape, as in numpy.
const MOST_DIMENSIONS: usize = 32;

/// Returns the number of bytes that a typecode of one item describes.
///
/// # Panics
/// If the text is not one item, or leaves the byte order to the reader. In constants, that is an error of compilation.
#[track_caller]
pub(crate) const fn measure(typecode: &str) -> usize {
    match size(typecode) {
        Ok(size) => size,
        Err(problem) => panic!("{}", problem),
    }
}

/// Returns the number of bytes that a typecode of one item describes.
///
/// # Errors
/// A rule of the grammar that the text breaks.
pub(crate) const fn size(typecode: &str) -> Result<usize, &'static str> {
    let mut reader = Scanner::of(typecode);
    let size = attempt!(reader.item());
    attempt!(reader.end());
    Ok(size)
}

/// A typecode, and how far it was read. Errors say which form a typecode should have.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Whether a byte-order sign stands to the left.
    is_ordered: bool,
    /// The number of structs that are open.
    depth: usize,
}

/// The start of an item: all of it, or, for a struct, the part before the fields.
pub(crate) struct Head<'a> {
    /// The lengths of the dimensions, separated by commas; empty without a shape.
    pub(crate) shape: &'a str,
    /// The number before the letter; 1 without a number.
    pub(crate) repeat: usize,
    /// `T` for a struct, whose fields follow.
    pub(crate) letter: u8,
    /// The number of bytes that the letter stands for; 1 for `T`, whose fields follow.
    pub(crate) size: usize,
    /// The product of the dimensions and the repeat count.
    count: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) const fn of(text: &'a str) -> Self {
        Self { text, at: 0, is_ordered: false, depth: 0 }
    }

    /// Reads the shape, the repeat count, the byte order and the letter of the next item.
    pub(crate) const fn head(&mut self) -> Result<Head<'a>, &'static str> {
        attempt!(self.order());
        let mut count = 1;
        let mut shape = "";
        if self.takes(b'(') {
            let start = self.at;
            let mut dimensions = 1;
            count = attempt!(self.number());
            while self.takes(b',') {
                if dimensions == MOST_DIMENSIONS {
                    return Err("a shape in a typecode has at most 32 dimensions");
                }
                dimensions += 1;
                count = attempt!(product(count, attempt!(self.number())));
            }
            shape = self.since(start);
            if !self.takes(b')') {
                return Err("a shape in a typecode ends with `)`, as in `(3)<f`");
            }
            attempt!(self.order());
        }
        let mut repeat = 1;
        if self.peek().is_ascii_digit() {
            repeat = attempt!(self.number());
            count = attempt!(product(count, repeat));
        }
        attempt!(self.order());
        let letter = self.peek();
        let size = match letter {
            b'T' | b'b' | b'B' | b'?' | b'c' | b's' | b'x' => 1,
            b'h' | b'H' | b'e' => 2,
            b'i' | b'I' | b'l' | b'L' | b'f' | b'w' => 4,
            b'q' | b'Q' | b'd' => 8,
            _ => {
                return Err(
                    "a typecode is made of the letters `bBhHiIlLqQefd?cswx`, shapes such as `(3)`, and `T{..}`",
                );
            }
        };
        if size > 1 && !self.is_ordered {
            return Err("a typecode names the byte order before a number, as in `<f`");
        }
        self.at += 1;
        Ok(Head { shape, repeat, letter, size, count })
    }

    /// Reads the `{` before the fields of a struct.
    pub(crate) const fn open(&mut self) -> Result<(), &'static str> {
        if self.depth == DEEPEST {
            return Err("a typecode has at most 16 structs inside of each other");
        }
        if !self.takes(b'{') {
            return Err("a struct in a typecode is written `T{..}`");
        }
        self.depth += 1;
        Ok(())
    }

    /// Reads the `}` after the fields of a struct, if it is there.
    pub(crate) const fn closes(&mut self) -> bool {
        let closes = self.takes(b'}');
        if closes {
            self.depth -= 1;
        }
        closes
    }

    /// Reads the name of a field, if it has one.
    pub(crate) const fn name(&mut self) -> Result<Option<&'a str>, &'static str> {
        if !self.takes(b':') {
            return Ok(None);
        }
        let start = self.at;
        while self.peek() != b':' {
            if self.is_at_end() {
                return Err("a name in a typecode stands between two `:`");
            }
            // The typecode becomes a part of a line of the schema.
            if self.peek().is_ascii_control() {
                return Err("a name in a typecode has no control characters");
            }
            self.at += 1;
        }
        let name = self.since(start);
        self.at += 1;
        Ok(Some(name))
    }

    /// Checks that nothing follows.
    pub(crate) const fn end(&self) -> Result<(), &'static str> {
        if self.is_at_end() {
            Ok(())
        } else {
            Err("a typecode for a field is one item: put several into `T{..}`, each followed by its `:name:`")
        }
    }

    /// Reads an item, and returns its size in bytes.
    const fn item(&mut self) -> Result<usize, &'static str> {
        let head = attempt!(self.head());
        let size = if head.letter == b'T' { attempt!(self.fields()) } else { head.size };
        product(head.count, size)
    }

    /// Reads the fields of a struct, and returns their size in bytes.
    const fn fields(&mut self) -> Result<usize, &'static str> {
        attempt!(self.open());
        let mut size: usize = 0;
        while !self.closes() {
            size = match size.checked_add(attempt!(self.item())) {
                Some(size) => size,
                None => return Err(TOO_LARGE),
            };
            attempt!(self.name());
        }
        if size == 0 { Err("a struct in a typecode has a field") } else { Ok(size) }
    }

    const fn order(&mut self) -> Result<(), &'static str> {
        if self.takes(if cfg!(target_endian = "little") { b'<' } else { b'>' }) {
            self.is_ordered = true;
        }
        if matches!(self.peek(), b'<' | b'>' | b'=' | b'@' | b'!' | b'^') {
            return Err(
                "a typecode names the byte order of this machine: `<` if it is little-endian, `>` if it is big-endian",
            );
        }
        Ok(())
    }

    const fn number(&mut self) -> Result<usize, &'static str> {
        if !self.peek().is_ascii_digit() {
            return Err("a shape in a typecode is made of numbers, as in `(3,4)`");
        }
        let mut number: usize = 0;
        while self.peek().is_ascii_digit() {
            let digit = (self.peek() - b'0') as usize;
            number = match attempt!(product(number, 10)).checked_add(digit) {
                Some(number) => number,
                None => return Err(TOO_LARGE),
            };
            self.at += 1;
        }
        if number == 0 { Err("a number in a typecode is at least 1") } else { Ok(number) }
    }

    /// Returns the next byte, or 0 at the end.
    const fn peek(&self) -> u8 {
        if self.is_at_end() { 0 } else { self.text.as_bytes()[self.at] }
    }

    const fn takes(&mut self, byte: u8) -> bool {
        let takes = self.peek() == byte;
        if takes {
            self.at += 1;
        }
        takes
    }

    const fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Returns the text between an earlier place and this one; both lie next to ASCII characters.
    const fn since(&self, start: usize) -> &'a str {
        self.text.split_at(self.at).0.split_at(start).1
    }
}

const TOO_LARGE: &str = "a number in a typecode is too large";

const fn product(one: usize, other: usize) -> Result<usize, &'static str> {
    match one.checked_mul(other) {
        Some(product) => Ok(product),
        None => Err(TOO_LARGE),
    }
}

#[cfg(test)]
mod tests {
    use super::measure;

    /// Without this, a typecode of another size than its field would shift all later fields for other readers.
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
        let deep = "T{".repeat(17) + &"}".repeat(17);
        let dimensions = format!("({}1)B", "1,".repeat(32));
        for typecode in [
            "",
            "<f<f",
            "f",
            "(3)",
            "(3<f",
            "()<f",
            "(0)<f",
            "T<f",
            "T{}",
            "T{<f:x:",
            "T{<f:x}",
            "=f",
            "z",
            "9999999999999999999999s",
            "(4294967296,4294967296)s",
            "T{<f:\n:}",
            &deep,
            &dimensions,
        ] {
            assert!(std::panic::catch_unwind(|| measure(typecode)).is_err(), "{typecode}");
        }
    }
}
