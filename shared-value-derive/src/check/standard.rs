//! Types of the standard library that cannot be shared, and what to use instead.

/// Types of the standard library that cannot be shared.
pub(super) struct StandardType {
    pub(super) names: &'static [&'static str],
    /// Whether the type has parameters. If so, the name without parameters means a type of the user.
    pub(super) is_generic: bool,
    /// The reason, and what to do instead. It follows the name in the message. `{T}` stands for the first parameter.
    pub(super) message: &'static str,
}

const fn plain(names: &'static [&'static str], message: &'static str) -> StandardType {
    StandardType { names, is_generic: false, message }
}

const fn generic(names: &'static [&'static str], message: &'static str) -> StandardType {
    StandardType { names, is_generic: true, message }
}

/// Returns the entry for a type with this name, with or without parameters.
pub(super) fn find(name: &str) -> Option<&'static StandardType> {
    STANDARD_TYPES.iter().find(|standard| standard.names.contains(&name))
}

const STANDARD_TYPES: &[StandardType] = &[
    plain(
        &["String", "PathBuf", "OsString", "CString"],
        "keeps its text in the memory of one process: use `FixedStr<N>`",
    ),
    plain(&["str"], "has no fixed size: use `FixedStr<N>`"),
    generic(
        &["Vec", "VecDeque", "LinkedList", "BinaryHeap"],
        "keeps its elements in the memory of one process: use `[{T}; N]`",
    ),
    generic(
        &["HashMap", "HashSet", "BTreeMap", "BTreeSet"],
        "keeps its entries in the memory of one process: use an array of entries",
    ),
    generic(&["Box", "Cow"], "points into the memory of one process: hold the value itself"),
    generic(&["Rc", "Arc", "Weak"], "counts owners in one process: hold the value itself, and clone the handle"),
    generic(&["NonNull"], "is an address in one process: hold the value itself, or its index in an array"),
    generic(
        &["Cell", "RefCell", "UnsafeCell", "OnceCell", "LazyCell", "OnceLock", "LazyLock"],
        "guards changes in one process: hold the value itself, which is changed under its lock",
    ),
    generic(&["Mutex", "RwLock"], "works in one process: hold the value itself, which has a lock of its own"),
    plain(&["Condvar", "Barrier"], "works in one process: remove the field, and wait with `wait_for`"),
    generic(&["Option"], "has no fixed layout: use `SharedOption<{T}>`"),
    generic(&["Result"], "has no fixed layout: hold the value, and a fieldless enum that says what went wrong"),
    generic(&["MaybeUninit"], "may have bytes that nobody wrote: hold the value itself"),
    generic(&["Range", "RangeInclusive"], "has no fixed layout: hold its ends in two fields"),
    generic(&["PhantomData"], "has no bytes that could be shared: remove the field"),
    plain(&["Duration"], "has no fixed layout: use `SharedDuration`"),
    plain(&["SystemTime"], "has no fixed layout: use `Timestamp`"),
    plain(&["Instant"], "has no fixed layout, and belongs to one machine: use `Timestamp`"),
    plain(&["Ipv4Addr"], "has no fixed layout: store its octets as `[u8; 4]`"),
    plain(&["Ipv6Addr", "IpAddr"], "has no fixed layout: store its octets as `[u8; 16]`"),
    plain(
        &["AtomicU64", "AtomicU32", "AtomicU16", "AtomicU8", "AtomicUsize"],
        "is not needed: write `#[shared(atomic)]` on a plain `u64`",
    ),
    plain(
        &["AtomicI64", "AtomicI32", "AtomicI16", "AtomicI8", "AtomicIsize"],
        "is not needed: write `#[shared(atomic)]` on a plain `i64`",
    ),
    plain(&["AtomicBool"], "is not needed: write `#[shared(atomic)]` on a plain `bool`"),
    generic(&["AtomicPtr"], "is an address in one process: hold the index of the value in an array"),
    plain(&["u128", "i128"], "is wider than the words that shared memory is accessed in: use `[u64; 2]`"),
];
