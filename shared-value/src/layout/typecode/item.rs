//! `Item`: the meaning of a typecode, as a tree.

use crate::layout::typecode::measure::{self, Head, Scanner};

/// The meaning of the bytes of a `#[shared(pod)]` field, read from the typecode that its author wrote.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A number, a truth value or a character.
    Number {
        /// Its letter in the notation.
        code: char,
        /// Its size in bytes.
        size: usize,
    },
    /// Text in this number of bytes, which may end with NUL bytes.
    Text(usize),
    /// This number of bytes without meaning.
    Padding(usize),
    /// A dimension of an array.
    Array {
        /// The number of elements.
        length: usize,
        /// The type of each.
        element: Box<Item>,
    },
    /// Fields that lie one after the other. If a field has no name, its number is its name.
    Struct(Vec<(String, Item)>),
}

impl Item {
    /// Reads a typecode, which may come from memory that any process wrote.
    ///
    /// # Errors
    /// A rule of the grammar that the text breaks.
    pub(crate) fn parse(typecode: &str) -> Result<Self, &'static str> {
        // If the size of the whole fits, the sizes of the parts fit too.
        measure::size(typecode)?;
        Self::read(&mut Scanner::of(typecode))
    }

    fn read(reader: &mut Scanner<'_>) -> Result<Self, &'static str> {
        let Head { shape, repeat, letter, size, .. } = reader.head()?;
        let one = match letter {
            b's' => Self::Text(repeat),
            b'x' => Self::Padding(repeat),
            b'T' => Self::fields(reader)?.repeated(repeat),
            _ => Self::Number { code: letter.into(), size }.repeated(repeat),
        };
        let dimensions = shape.rsplit(',').filter_map(|length| length.parse().ok());
        Ok(dimensions.fold(one, |element, length| Self::Array { length, element: Box::new(element) }))
    }

    fn fields(reader: &mut Scanner<'_>) -> Result<Self, &'static str> {
        let mut fields = Vec::new();
        reader.open()?;
        while !reader.closes() {
            let item = Self::read(reader)?;
            let name = reader.name()?.map_or_else(|| fields.len().to_string(), str::to_owned);
            fields.push((name, item));
        }
        Ok(Self::Struct(fields))
    }

    fn repeated(self, length: usize) -> Self {
        if length == 1 { self } else { Self::Array { length, element: Box::new(self) } }
    }

    /// Returns the number of bytes that it describes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Number { size, .. } | Self::Text(size) | Self::Padding(size) => *size,
            Self::Array { length, element } => length * element.size(),
            Self::Struct(fields) => fields.iter().map(|(_, item)| item.size()).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Item;

    /// Without this, the numbers of a pod would be read from other places in its bytes than its author says.
    #[test]
    fn trees() {
        let order = if cfg!(target_endian = "little") { "<" } else { ">" };
        for (typecode, tree) in [
            ("<h", "Number { code: 'h', size: 2 }"),
            ("8s", "Text(8)"),
            ("<2f", "Array { length: 2, element: Number { code: 'f', size: 4 } }"),
            ("(2,3)?", "Array { length: 2, element: Array { length: 3, element: Number { code: '?', size: 1 } } }"),
            ("(2)3s", "Array { length: 2, element: Text(3) }"),
            (
                "T{B:a:3x<f}",
                "Struct([(\"a\", Number { code: 'B', size: 1 }), (\"1\", Padding(3)), (\"2\", Number { code: 'f', size: 4 })])",
            ),
        ] {
            let item = Item::parse(&typecode.replace('<', order)).unwrap();
            assert_eq!(format!("{item:?}"), tree, "{typecode}");
        }
        assert_eq!(Item::parse("(2)T{(3)B:a:2x}").map(|item| item.size()), Ok(10));
    }

    /// Without this, a typecode that another process wrote could crash this process.
    #[test]
    fn hostile_texts_are_refused() {
        let deep = "T{".repeat(100_000);
        let dimensions = format!("({}1)B", "1,".repeat(100_000));
        let huge = format!("(4294967296)T{{({})B:a:}}", u64::MAX / 2);
        for typecode in [deep.as_str(), &dimensions, &huge, "(0)B", "T{}", "T{B:ß", "ß", "(", ":", "T{B:a:}}"] {
            assert!(Item::parse(typecode).is_err());
        }
    }
}
