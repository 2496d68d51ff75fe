"""Runs CPython's own tests, unmodified, against `shared_value.multiprocessing`.

    python conformance.py fork|spawn|forkserver

The classes come from the interpreter's own `test` package. Only the factories of their mixin, and the two module globals that one
class uses, are this package's.
"""

import multiprocessing
import sys
import unittest
from typing import Any

from test import _test_multiprocessing as cpython

import shared_value.multiprocessing as ours

CLASSES = ("Value", "Array", "SharedCTypes", "Lock", "Semaphore", "Condition", "Event")

# Tests of newer versions of Python that ask for what a robust lock does not do.
EXCLUDED = {
    "test_repr_lock": "a thread that has ended still holds its lock there, and another thread releases it",
    "test_repr_rlock": "a thread that has ended still holds its lock there",
    "test_lock_locked_2processes": "a process that has ended still holds its lock there",
    "test_rlock_locked_2processes": "a process that has ended still holds its lock there",
}


class Mixin(cpython.ProcessesMixin):  # type: ignore[misc]
    Value = staticmethod(ours.Value)
    Array = staticmethod(ours.Array)
    RawValue = staticmethod(ours.RawValue)
    RawArray = staticmethod(ours.RawArray)
    Lock = staticmethod(ours.Lock)
    RLock = staticmethod(ours.RLock)


cpython.Value, cpython.copy = ours.Value, ours.copy


def load_tests(loader: unittest.TestLoader, *_: Any) -> unittest.TestSuite:
    suite = unittest.TestSuite()
    for name in CLASSES:
        for method in loader.getTestCaseNames(globals()[f"With{name}"]):
            if method in EXCLUDED:
                print(f"excluded: {name}.{method}: {EXCLUDED[method]}", file=sys.stderr)
            else:
                suite.addTest(globals()[f"With{name}"](method))
    return suite


for name in CLASSES:
    base = getattr(cpython, f"_Test{name}")
    globals()[f"With{name}"] = type(f"With{name}", (base, Mixin, unittest.TestCase), {"__module__": __name__})


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1], force=True)
    unittest.main(argv=[sys.argv[0], "-v"])
