"""Exceptions that Python has no class for."""


class Error(Exception):
    """The base of the exceptions that only this package raises."""


class LayoutMismatch(Error, TypeError):
    """The value is of another type than the program expects. Nothing was changed."""

    def __init__(self, message: str, name: str = "", expected: str = "", found: str = "") -> None:
        super().__init__(message)
        self.name = name
        """The name or the path of the value."""
        self.expected = expected
        """What this program expects."""
        self.found = found
        """What the creator of the value has declared."""

    def __reduce__(self) -> tuple[type["LayoutMismatch"], tuple[str, str, str, str]]:
        return LayoutMismatch, (str(self), self.name, self.expected, self.found)


class InvalidSegment(Error, ValueError):
    """The file is not a segment, or another version of the library has made it."""


class InvalidBits(Error, ValueError):
    """Another process wrote bytes that are no value of the type."""


class ArenaFull(Error, MemoryError):
    """The arena, or the vector, has no room left. Nothing was changed."""


class Retired(Error):
    """Another value has taken the place of this one: open the name again. This handle can only read."""
