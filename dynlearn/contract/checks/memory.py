"""How long a past may be that a model looks at, wherever one is made, opened or told so."""

from dynlearn.errors import ArgumentError, check_count

LARGEST = 10**7
"""Samples beyond which nothing could be computed: of every window that long ones are laid out and padded to."""


def check_memory(samples: object, at_least: int = 1, *, name: str = "memory") -> int:
    """`samples` as an int; raise `ArgumentError` unless it is an integer from `at_least` to `LARGEST`.

    >>> check_memory(30)
    30
    """
    count = check_count(name, samples, at_least)
    if count > LARGEST:
        raise ArgumentError(f"{name}: expected at most {LARGEST} samples, got {count}.")
    return count
