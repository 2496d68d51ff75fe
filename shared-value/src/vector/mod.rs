//! Vectors: arrays, texts and bytes whose length changes.

mod accessors;
mod contents;
mod copied;
mod edit;
mod initial;
mod items;

use crate::handle::access::ReadWrite;
use crate::handle::guard::Guard;
use crate::handle::synchronized::Synchronized;

pub use accessors::VectorAccessors;
pub use contents::Vector;
pub use edit::VectorWriter;
pub use items::{Bytes, Items, Text};

/// An array in shared memory whose length changes.
///
/// It is an alias of `Synchronized<Vector<E>, A>`, and has all of its functions. The functions for elements are those of
/// [`VectorAccessors`].
///
/// | | |
/// |---|---|
/// | create | `SharedVec::<u32>::create("name", Capacity(1_000_000))`, `SharedVec::<u32>::new((vec![1, 2, 3], Capacity(100)))` |
/// | open | `SharedVec::<u32>::open("name")` |
/// | read | `vec.len()`, `vec.get(7)`, `vec.load()`, `vec.iter()` |
/// | change | `vec.push(7)`, `vec.extend([8, 9])`, `vec.pop()`, `vec.truncate(2)`, `vec.clear()`, `vec.set_at(0, 5)`, `vec.set(&[1, 2])` |
/// | many changes in one commit | `let guard = vec.lock()?;`, then the same functions |
/// | wait | `vec.wait_for(\|elements\| elements.len() > 10, timeout)`, `vec.changes()` |
///
/// The vector is one value: a read sees the length and the elements of one commit, and a process that is killed leaves the last
/// committed ones. A commit costs in proportion to the elements that were changed since the last one, and a read in proportion
/// to the elements that it copies.
///
/// The [capacity](crate::Capacity) is the greatest number of elements, and never changes. It takes address space. Memory is
/// allocated only as elements are added, for two copies of each; `truncate` keeps it. In an arena with a name, all of the
/// capacity takes memory at once. If the capacity is used up, [`Error::VectorFull`](crate::Error::VectorFull) says so; memory
/// that cannot be had is an error too, before anything is changed.
///
/// ```
/// use shared_value::{Capacity, SharedVec};
///
/// # let name = format!("shared-value-doc-vec-{}", std::process::id());
/// let jobs = SharedVec::<u32>::create(&name, Capacity(1_000_000))?;
/// jobs.push(7)?;
/// jobs.extend([8, 9])?;
///
/// // Another process.
/// let other = SharedVec::<u32>::open(&name)?;
/// assert_eq!((other.len(), other.get(1), other.get(3)), (3, Some(8), None));
/// assert_eq!(other.pop()?, Some(9));
///
/// let guard = jobs.lock()?; // Many changes in one commit.
/// guard.truncate(1)?;
/// guard.push(10)?;
/// drop(guard);
/// assert_eq!(other.load()?, [7, 10]);
/// # shared_value::unlink(&name)?;
/// # Ok::<(), shared_value::Error>(())
/// ```
pub type SharedVec<E, A = ReadWrite> = Synchronized<Vector<E>, A>;

/// A text in shared memory whose length changes. It is set and read as a whole, each in one commit.
///
/// It is an alias of `Synchronized<Vector<Text>, A>`. The capacity is a number of bytes of UTF-8. What [`SharedVec`] says about
/// memory, commits and deaths is true of it too.
///
/// ```
/// use shared_value::{Capacity, SharedString};
///
/// # let name = format!("shared-value-doc-string-{}", std::process::id());
/// let motto = SharedString::create(&name, ("festina lente", Capacity(4096)))?;
/// motto.set("per aspera ad astra")?;
/// motto.push_str("!")?;
/// assert_eq!(SharedString::open(&name)?.load()?, "per aspera ad astra!");
/// # shared_value::unlink(&name)?;
/// # Ok::<(), shared_value::Error>(())
/// ```
pub type SharedString<A = ReadWrite> = Synchronized<Vector<Text>, A>;

/// Bytes in shared memory whose number changes. They are set and read as a whole, each in one commit.
///
/// It is an alias of `Synchronized<Vector<Bytes>, A>`. What [`SharedVec`] says about memory, commits and deaths is true of it
/// too.
///
/// ```
/// use shared_value::{Capacity, SharedBytes};
///
/// let message = SharedBytes::new(Capacity(1 << 20))?;
/// message.set(b"\x01\x02\x03")?;
/// assert_eq!((message.len(), message.load()?), (3, vec![1, 2, 3]));
/// # Ok::<(), shared_value::Error>(())
/// ```
pub type SharedBytes<A = ReadWrite> = Synchronized<Vector<Bytes>, A>;

/// Proof that this thread holds the lock of a [`SharedVec`], a [`SharedString`] (`VectorGuard<'_, Text>`) or a [`SharedBytes`].
/// Everything that is written through it is one commit.
pub type VectorGuard<'a, I> = Guard<'a, Vector<I>>;
