"""Names of values in `/dev/shm`."""

import shared_value as sv


def test_names_are_sorted() -> None:
    names = sv.names()
    assert names == sorted(names)
