"""Advisory locks of the operating system: held by an open file, gone with the process however it ends."""

import errno
import os

try:
    import fcntl
except ImportError:  # not a POSIX system: nobody is told of anybody else, and leftovers stay
    fcntl = None  # type: ignore[assignment]

_NO_LOCKS_HERE = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP)
"""What file systems that know no locks answer."""


def take(descriptor: int) -> bool | None:
    """Lock an open file or folder; False where somebody else holds it, None where nothing can be locked."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS_HERE:
            raise
        return None
    return True


def still_there(descriptor: int, path: os.PathLike) -> bool:
    """Whether `path` is what was opened, and not removed or replaced since."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
