"""A digest at the end of a file, over all that stands before it."""

import hashlib

MARK = b"dynlearn sha256 "
SIZE = len(MARK) + 64
"""Bytes of a seal: the mark and the digest in hexadecimal."""


def sealed(content: bytes) -> bytes:
    """The content with its seal, a digest of it, behind it.

    Args:
        content: any bytes.

    Returns:
        The bytes to write.

    >>> unsealed(sealed(b"abc"))
    (b'abc', True)
    """
    return content + MARK + hashlib.sha256(content).hexdigest().encode()


def unsealed(content: bytes) -> tuple[bytes, bool | None]:
    """The content without its seal, and whether that is right; None where there is none.

    Args:
        content: as it was read.

    Returns:
        The bytes without a seal; True, False or None.

    >>> unsealed(sealed(b"abc")[:-1] + b"?")[1], unsealed(b"abc")
    (False, (b'abc', None))
    """
    body, seal = content[:-SIZE], content[-SIZE:]
    if not seal.startswith(MARK):
        return content, None
    return body, hashlib.sha256(body).hexdigest().encode() == seal[len(MARK) :]
