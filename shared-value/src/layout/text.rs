//! `Text`: a text written at compile time. It keeps a part of the text, and the length and hash of the whole text.

/// Collects a text in constants, where memory cannot be allocated. It keeps the bytes from `start` on that fit, called the
/// window, and counts and hashes all bytes.
pub(crate) struct Text<const CAPACITY: usize> {
    bytes: [u8; CAPACITY],
    start: usize,
    length: usize,
    hash: u64,
}

impl<const CAPACITY: usize> Text<CAPACITY> {
    /// Starts a text that keeps the bytes from `start` on.
    pub(crate) const fn from(start: usize) -> Self {
        // The offset basis of 64-bit FNV-1a (RFC 9923).
        Self { bytes: [0; CAPACITY], start, length: 0, hash: 0xcbf2_9ce4_8422_2325 }
    }

    pub(crate) const fn byte(&mut self, byte: u8) {
        if self.length >= self.start && self.length - self.start < CAPACITY {
            self.bytes[self.length - self.start] = byte;
        }
        self.length += 1;
        // The prime of 64-bit FNV-1a.
        self.hash = (self.hash ^ byte as u64).wrapping_mul(0x0100_0000_01b3);
    }

    pub(crate) const fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut index = 0;
        while index < bytes.len() {
            self.byte(bytes[index]);
            index += 1;
        }
    }

    pub(crate) const fn number(&mut self, number: usize) {
        self.magnitude(number as u128);
    }

    pub(crate) const fn signed(&mut self, number: i128) {
        if number < 0 {
            self.byte(b'-');
        }
        self.magnitude(number.unsigned_abs());
    }

    const fn magnitude(&mut self, number: u128) {
        let mut divisor: u128 = 1;
        while number / divisor >= 10 {
            divisor *= 10;
        }
        while divisor > 0 {
            self.byte(b'0' + (number / divisor % 10) as u8);
            divisor /= 10;
        }
    }

    /// Returns the number of bytes that were written, including those outside of the window.
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// Returns the 64-bit FNV-1a hash of all bytes that were written.
    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    /// Returns the bytes in the window.
    pub(crate) const fn window(&self) -> &[u8] {
        let written = self.length.saturating_sub(self.start);
        let (window, _) = self.bytes.split_at(if written < CAPACITY { written } else { CAPACITY });
        window
    }

    /// Returns whether the window is the whole text.
    pub(crate) const fn is_whole(&self) -> bool {
        self.start == 0 && self.length <= CAPACITY
    }

    /// Returns the whole text.
    ///
    /// # Panics
    /// If some of it lies outside of the window.
    pub(crate) const fn as_str(&self) -> &str {
        assert!(self.is_whole(), "the text is longer than its buffer");
        self.beginning()
    }

    /// Returns the whole characters in the window.
    pub(crate) const fn beginning(&self) -> &str {
        let mut window = self.window();
        // A window may end inside of a character.
        loop {
            match core::str::from_utf8(window) {
                Ok(text) => return text,
                Err(error) => window = window.split_at(error.valid_up_to()).0,
            }
        }
    }
}
