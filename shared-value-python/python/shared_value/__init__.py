"""Typed values in shared memory, with locks that survive their owner.

    import shared_value as sv

    account = sv.open("bank")             # whatever struct a Rust or Python program has put there
    account.balance += 10                 # one read, one commit
    with account.lock():                  # several changes, one commit; an exception discards them
        account.balance -= 60
        account.frozen = True
    account.requests.add(1)               # an atomic field: no lock

Reads take no lock and see committed values only. Changes take a lock that the kernel frees when its owner dies, even by SIGKILL:
the next owner gets the lock at once, with the last committed value.
"""

from shared_value import _interpreter  # First: it says why an interpreter cannot load the rest.
from shared_value._core import (
    ArenaChanges,
    Atomic as AtomicHandle,
    Counter as CounterHandle,
    Changes,
    Descriptor,
    Inherited,
    Layout,
    Token,
    Value,
    names,
    unlink,
)
from shared_value._arena import Arena, Transaction, create_arena, open_arena, passing
from shared_value._changes import Change
from shared_value._errors import ArenaFull, Error, InvalidBits, InvalidSegment, LayoutMismatch, Retired
from shared_value._handles import Array, Handle, Scalar, SharedCounter, Struct, View
from shared_value._layouts import (
    Atomic,
    Counter,
    array,
    bool,
    char,
    counter,
    dtype_of,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    layout_of,
    raw,
    shared_bytes,
    shared_string,
    text,
    u8,
    u16,
    u32,
    u64,
    vector,
)
from shared_value._open import Source, create, new, open
from shared_value._records import Record, enumeration, struct, to_dict
from shared_value._vectors import SharedBytes, SharedString, Vector

__all__ = [
    "Arena", "ArenaChanges", "ArenaFull", "Array", "Atomic", "AtomicHandle", "Change", "Changes", "Counter", "CounterHandle", "Descriptor", "Error", "Handle",
    "Inherited", "InvalidBits", "InvalidSegment", "Layout", "LayoutMismatch", "Record", "Retired", "Scalar", "SharedBytes", "SharedCounter",
    "SharedString", "Source", "Struct", "Token", "Transaction", "Value", "Vector", "View", "array", "bool", "char", "counter", "create",
    "create_arena", "dtype_of", "enumeration", "f32", "f64", "i16", "i32", "i64", "i8", "layout_of", "names", "new", "open", "open_arena",
    "passing", "raw", "shared_bytes", "shared_string", "struct", "text", "to_dict", "u16", "u32", "u64", "u8", "unlink", "vector",
]
