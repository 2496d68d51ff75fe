"""`multiprocessing.Value` and its kin, with locks that survive their owner.

`Value`, `Array`, `RawValue`, `RawArray`, `Lock`, `RLock`, `copy` and `synchronized` take the arguments of Python's and return
objects that behave as Python's do, with these differences:

- A process that is killed, or a thread that ends, while it holds a lock, frees the lock. The memory is as it left it.
- A lock belongs to the thread that took it: no other thread can release it.
- A second asyncio task or greenlet of that thread gets a RuntimeError, not the lock.
- All values lie in one piece of shared memory of the process: there is no limit at 65,000 of them, and none leaves a file behind.

All other names of `multiprocessing` are here too, as they are there.

>>> import shared_value.multiprocessing as mp
>>> counter = mp.Value("i", 0)
>>> with counter.get_lock():
...     counter.value += 1
>>> counter.value
1
"""

import multiprocessing as _multiprocessing
from typing import Any as _Any

from shared_value._core import Lock, RLock
from shared_value.multiprocessing._handing_over import register as _register
from shared_value.multiprocessing._raw import RawArray, RawValue, copy
from shared_value.multiprocessing._wrappers import Array, Value, synchronized

__all__ = ["Array", "Lock", "RLock", "RawArray", "RawValue", "Value", "copy", "synchronized"]

_register()


def __getattr__(name: str) -> _Any:
    return getattr(_multiprocessing, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_multiprocessing)})
