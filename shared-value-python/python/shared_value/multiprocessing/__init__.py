"""`multiprocessing.Value` and its kin, with locks that survive their owner.

`Value`, `Array`, `RawValue`, `RawArray`, `Lock`, `RLock`, `copy` and `synchronized` take the arguments of Python's and return
objects that behave as Python's do, with these differences:

- A process that is killed, or a thread that ends, while it holds a lock, frees the lock. The memory is as it left it.
- A lock belongs to the thread that took it: no other thread can release it.
- A second asyncio task or greenlet of that thread gets a RuntimeError, not the lock.
- All values lie in one piece of shared memory of the process: there is no limit at 65,000 of them, and none leaves a file behind.

The contexts of `get_context`, and `sharedctypes`, make these values and locks too, and `Condition` has such a lock. All other
names of `multiprocessing` and its modules are here as they are there: queues, pools, events, semaphores, barriers and managers
are Python's.

>>> import shared_value.multiprocessing as mp
>>> counter = mp.Value("i", 0)
>>> with counter.get_lock():
...     counter.value += 1
>>> counter.value
1
"""

import importlib as _importlib
import multiprocessing as _multiprocessing
from typing import Any as _Any

from shared_value._core import Lock, RLock
from shared_value.multiprocessing import sharedctypes
from shared_value.multiprocessing._context import Condition, get_context
from shared_value.multiprocessing._handing_over import register as _register
from shared_value.multiprocessing._raw import RawArray, RawValue, copy
from shared_value.multiprocessing._wrappers import Array, Value, synchronized

__all__ = [
    "Array", "Condition", "Lock", "RLock", "RawArray", "RawValue", "Value", "copy", "get_context", "sharedctypes", "synchronized",
]
__all__ += _multiprocessing.__all__

_register()


def __getattr__(name: str) -> _Any:
    try:
        return getattr(_multiprocessing, name)
    except AttributeError:
        if name.startswith("_"):
            raise
        module = f"multiprocessing.{name}"
        try:
            return _importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
        raise


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_multiprocessing)})
