//! What can go wrong, and what to do about it.

use std::fmt::Write as _;
use std::io;
use std::string::FromUtf8Error;

use crate::layout::{FixedStrError, Kind, Layout, TimeError, part_at};

/// What can go wrong. Each message says what was expected, what was found, and what to do.
///
/// ```
/// use shared_value::{Error, Synchronized, unlink};
///
/// let name = format!("error.{}", std::process::id());
/// assert!(matches!(Synchronized::<u64>::open(&name), Err(Error::NotFound { .. })));
///
/// let _value = Synchronized::create(&name, 1_u64)?;
/// match Synchronized::<f64>::open(&name) {
///     Err(Error::LayoutMismatch { expected, found, .. }) => assert_eq!((&*expected, &*found), ("f64", "u64")),
///     other => panic!("{other:?}"),
/// }
/// unlink(&name)?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused something.
    #[error("cannot {operation}: {source}")]
    Io {
        /// The operation that failed, and its object.
        operation: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// No segment has this name or path.
    #[error("no shared value `{name}` exists: create it first, or use `open_or_create`")]
    NotFound {
        /// The name or path.
        name: String,
    },
    /// The name or path is taken.
    #[error("`{name}` exists already: open it, use `open_or_create`, or remove it first")]
    AlreadyExists {
        /// The name or path.
        name: String,
    },
    /// No segment can have this name.
    #[error("`{name}` cannot name a shared value: {reason}")]
    InvalidName {
        /// The name.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// The parent program has passed no value under the name, or the descriptor now refers to another file.
    #[error("no shared value was passed under the name `{name}`: {reason}")]
    NotPassed {
        /// The name that was asked for.
        name: String,
        /// The entry or descriptor that is missing or wrong.
        reason: String,
    },
    /// The token refers to no value, or no longer to the value that it was made for.
    #[error("the token `{token}` leads to no shared value: {reason}")]
    StaleToken {
        /// The token.
        token: String,
        /// The fault of the token.
        reason: String,
    },
    /// This build cannot use the file as a segment. The file was left as it is.
    #[error("`{name}` is not a usable segment: {field}: expected {expected}, found {found}")]
    InvalidSegment {
        /// The name or path.
        name: String,
        /// The part of the header that is wrong.
        field: &'static str,
        /// The value that this part should have.
        expected: String,
        /// The value that it has.
        found: String,
    },
    /// The segment holds a value of another type or layout. The segment was left as it is.
    #[error("`{name}` holds another layout: {explanation}")]
    LayoutMismatch {
        /// The name or path.
        name: String,
        /// The first part that differs, as this program declares it.
        expected: String,
        /// This part, as the segment's creator declared it.
        found: String,
        /// What differs and what to do, in words. If several fields differ, both layouts follow side by side.
        explanation: String,
    },
    /// A layout that no value can have: it was built by code, or read from a schema or a typecode.
    #[error("`{name}` is not the layout of a value: {reason}")]
    InvalidLayout {
        /// The name of the type or the field, the typecode, or `(schema)`.
        name: String,
        /// The fault of the layout, and what was expected.
        reason: String,
    },
    /// The arena has no room left for this.
    #[error(
        "arena `{name}` has no room for {needed} bytes more: {used} of {capacity} are taken; create it with a larger \
         capacity, which takes address space but no memory"
    )]
    ArenaFull {
        /// The name or path of the arena.
        name: String,
        /// The number of bytes that the call needs, including the overhead of the arena.
        needed: usize,
        /// The number of bytes that are taken.
        used: usize,
        /// The number of bytes that the arena can hold.
        capacity: usize,
    },
    /// The vector has no room for these elements. Nothing was changed.
    #[error(
        "`{name}` has no room for {needed} elements: its capacity is {capacity}; create it with a larger one, which takes address \
         space but no memory"
    )]
    VectorFull {
        /// The name or path.
        name: String,
        /// The number of elements that it would have.
        needed: usize,
        /// The greatest number of elements that it can have.
        capacity: usize,
    },
    /// The vector has no element with this index. Nothing was changed.
    #[error("no element {index}: the vector has {length} elements")]
    NoElement {
        /// The index.
        index: usize,
        /// The number of elements.
        length: usize,
    },
    /// The memory holds bits that are invalid for their type: a process wrote to it without this library.
    #[error("`{field}` holds invalid bits: expected {expected}, found {found}")]
    InvalidBits {
        /// The field, or the type if the value has no fields.
        field: String,
        /// The valid values.
        expected: String,
        /// The bits in memory.
        found: String,
    },
    /// The value has no part with this path.
    #[error("no part `{path}`: {reason}")]
    NoSuchPart {
        /// The path.
        path: String,
        /// The step of the path that fails, and the parts that exist at that place.
        reason: String,
    },
    /// The part of a value cannot hold the given data. Nothing was changed.
    #[error("`{field}` cannot hold the given data: expected {expected}, found {found}")]
    WrongData {
        /// The part of the value in shared memory.
        field: String,
        /// The data that it can hold.
        expected: String,
        /// The given data.
        found: String,
    },
    /// The lock could not be taken, or is no longer held as it should be.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The time was over before something happened, or before a value was read.
    #[error("the time is over while waiting for {awaited}")]
    TimedOut {
        /// The awaited event.
        awaited: String,
    },
    /// A signal has ended the wait, which was [`interruptible`](crate::interruptible).
    #[error("a signal has ended the wait for {awaited}: stop, or try again")]
    Interrupted {
        /// The awaited event.
        awaited: String,
    },
    /// The wait would never end: this thread holds the lock of the value, so no other thread can change the value.
    #[error(
        "a wait for a change of `{name}` would never end: this thread holds the lock of this value, so no other thread can \
         commit; drop the guard or leave the closure before waiting"
    )]
    WaitUnderLock {
        /// The name or path of the value.
        name: String,
    },
    /// This thread is inside of an `update` of the value, whose result would overwrite this change.
    #[error("the value is borrowed by an `update` of this thread: change it through that closure's argument")]
    Borrowed,
    /// A panic has passed through an inner guard of the value and was caught before it reached the outer guard.
    #[error("a panic has passed through an inner guard of this value: call `rollback` before writing again")]
    Unwound,
    /// Another value has [replaced](crate::Synchronized::replace) this one, and its name leads to the new one: this handle can
    /// only read. Nothing was changed.
    #[error(
        "this value is retired: another one has taken its place, so open its name again; this handle can only read"
    )]
    Retired,
    /// The transaction has to begin again, because another transaction waits for its locks. Let the closure return this
    /// error: it is called once more.
    #[error("the transaction begins again: return this error from its closure")]
    Conflict,
    /// A text does not fit into a [`FixedStr`](crate::FixedStr).
    #[error(transparent)]
    Text(#[from] FixedStrError),
    /// A time or a duration cannot be converted from or to a type of the standard library.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// The platform lacks a feature, or the call asks for more than the library offers.
    #[error("unsupported here: {what}")]
    Unsupported {
        /// The missing feature, and what to do about it.
        what: &'static str,
    },
}

/// Why a lock could not be taken, or is no longer held as it should be: the contents of [`Error::Lock`].
///
/// ```
/// use shared_value::{Error, LockError, Synchronized};
///
/// let value = Synchronized::new(1_u32)?;
/// let guard = value.lock()?;
/// # std::thread::scope(|scope| {
/// # scope.spawn(|| {
/// // In another thread:
/// assert!(matches!(value.try_lock(), Err(Error::Lock(LockError::WouldBlock))));
/// # });
/// # });
/// # drop(guard);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another thread or process holds the lock.
    #[error("another thread or process holds the lock")]
    WouldBlock,
    /// A signal has ended the wait for the lock, which was [`interruptible`](crate::interruptible). Nothing was changed.
    #[error("a signal has ended the wait for the lock: stop, or try again")]
    Interrupted,
    /// Another thread or process held the lock until the timeout.
    #[error("another thread or process held the lock until the timeout")]
    TimedOut,
    /// This thread holds the lock already, and the lock is not recursive: the wait would never end.
    #[error("this thread holds this lock already, perhaps by another task, and it is not recursive: release it first")]
    AlreadyHeld,
    /// This thread holds as many locks as the kernel can release if the thread dies. Robust mutexes of the C library count
    /// too. Nothing was changed.
    #[error(
        "this thread holds {limit} locks already, or 2048 together with robust mutexes of the C library: the kernel can \
         release no more if the thread dies, so release some first"
    )]
    TooManyHeld {
        /// The most locks of this library that one thread may hold.
        limit: usize,
    },
    /// This thread has taken one lock too often without releasing it.
    #[error("this thread has taken this lock {limit} times without releasing it: is a guard leaked in a loop?")]
    TooDeep {
        /// How many times one thread may take one lock without releasing it.
        limit: u32,
    },
    /// Another process overwrote the lock while this thread held it. The commits of this thread stand. The lock is free, or
    /// another thread holds it; the other locks of this thread are in order.
    #[error("another process overwrote the lock while this thread held it: mutual exclusion may have been lost")]
    Corrupted,
    /// The lock was taken before a fork, and this process is the child: it holds nothing here, and nothing was written.
    #[error(
        "the lock was taken before a fork and is not held in the child: nothing was written here, take the lock again"
    )]
    NotHeld,
    /// This thread holds a lock that another copy of this library has taken: the program and a plugin, or two plugins, each
    /// contain the library, perhaps in two versions. Copies do not know of each other's locks, so a thread may hold locks of
    /// one copy at a time. Nothing was changed.
    #[error(
        "this thread holds a lock of another copy of this library (version {version}, in {}): a thread may hold locks of one \
         copy at a time, so release that lock first, or let both use one copy",
        if object.is_empty() { "the program itself" } else { object }
    )]
    OtherCopy {
        /// The version of the other copy.
        version: &'static str,
        /// The path of the shared object that contains the other copy; empty for the program itself.
        object: &'static str,
    },
    /// The platform cannot provide the lock.
    #[error("this platform cannot provide the lock: {what}")]
    Unsupported {
        /// The missing feature.
        what: &'static str,
    },
}

impl Error {
    pub(crate) fn io(operation: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Io { operation: operation.into(), source: source.into() }
    }

    /// Returns the error for invalid bits in the byte `offset` of a value. `bytes` are the value's bytes from `place` on.
    #[cold]
    pub(crate) fn invalid_bits(layout: &'static Layout, offset: usize, place: usize, bytes: &[u8]) -> Self {
        let (field, part, start) = part_at(layout, offset);
        let expected = match part.kind() {
            Kind::Scalar { code: '?', .. } => "0 or 1 (bool)".to_owned(),
            Kind::Scalar { code: 'w', .. } => "a Unicode scalar value (char)".to_owned(),
            Kind::Scalar { .. } => format!("anything but zero ({})", part.name()),
            Kind::Text => format!("UTF-8 and then zeros (FixedStr<{}>)", part.size()),
            Kind::Enum { variants, .. } => {
                let variants: Vec<_> =
                    variants.iter().map(|variant| format!("{} = {}", variant.name(), variant.discriminant())).collect();
                format!("{} ({})", variants.join(" or "), part.name())
            }
            _ => part.name().to_owned(),
        };
        let found = if matches!(part.kind(), Kind::Text) {
            format!("byte {:#04x} at {}", bytes[offset - place], offset - start)
        } else {
            let mut bytes = bytes[start - place..][..part.size()].to_vec();
            if cfg!(target_endian = "little") {
                bytes.reverse();
            }
            format!("0x{}", hexadecimal(&bytes))
        };
        Self::InvalidBits { field, expected, found }
    }

    /// Returns the error for bytes of a text that are not UTF-8.
    #[cold]
    pub(crate) fn not_text(field: &str, error: &FromUtf8Error) -> Self {
        Self::InvalidBits {
            field: field.to_owned(),
            expected: "UTF-8".to_owned(),
            found: error.utf8_error().to_string(),
        }
    }

    /// Returns this error, for an element of an array with elements of this layout.
    pub(crate) fn of_element(self, index: usize, layout: &Layout) -> Self {
        let Self::InvalidBits { field, expected, found } = self else { return self };
        let field = match field.as_str() {
            // The type stands for a value without fields.
            name if name == layout.name() => String::new(),
            element if element.starts_with('[') => field,
            _ => format!(".{field}"),
        };
        Self::InvalidBits { field: format!("[{index}]{field}"), expected, found }
    }
}

/// Returns the value, or panics with the error: for getters, which cannot return an error.
#[inline(always)]
#[track_caller]
pub(crate) fn valid<V>(value: Result<V, Error>) -> V {
    match value {
        Ok(value) => value,
        Err(error) => invalid(&error),
    }
}

#[cold]
#[track_caller]
fn invalid(error: &Error) -> ! {
    panic!("{error}")
}

/// Two digits for each byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
