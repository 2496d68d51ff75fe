"""Which interpreters can load the package."""

import sys


def check() -> None:
    """Raise ImportError in a free-threaded interpreter, which would only say that it finds no `_core`."""
    if "t" in sys.abiflags:
        raise ImportError(
            "shared_value has no build for free-threaded Python, which cannot load extension modules of the stable ABI: "
            "use an interpreter with the global interpreter lock, such as `python3.13` in place of `python3.13t`"
        )


check()
