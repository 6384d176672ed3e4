"""A few sizes instead of all: what is padded to them needs no program of its own."""


def up(size: int) -> int:
    """The smallest of 1, 2, 3, 4, 6, 8, 12, 16, 24, ... that is not below `size`; 0 for 0.

    >>> [up(n) for n in (0, 1, 5, 6, 7, 100)]
    [0, 1, 6, 6, 8, 128]
    """
    return _up(size, 1)


def finely_up(size: int) -> int:
    """As `up` in steps of an eighth to a quarter, for what costs as much as it is large.

    >>> [finely_up(n) for n in (3, 9, 100, 200)]
    [3, 10, 112, 224]
    """
    return _up(size, 2)


def _up(size: int, digits: int) -> int:
    """Binary numbers of which only the first `digits + 1` digits are not 0."""
    step = 1 << max(0, size.bit_length() - 1 - digits)
    return -(-size // step) * step
