"""One process at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dynlearn.disk import _flock
from dynlearn.disk.whole import check_place
from dynlearn.errors import ArgumentError, WriteError


@contextmanager
def locked(path: str | os.PathLike, what: str) -> Iterator[None]:
    """Hold `path` against everybody else who asks this way.

    The lock is the operating system's, on a file `.<name>.lock` that is removed at the end. A kill ends the lock; the
    file it leaves is taken over by the next.

    Args:
        path: of the file, which need not be there yet.
        what: it is, for the error.

    Returns:
        A context manager that holds the lock.

    Raises:
        ArgumentError: somebody else holds it, and who; a folder that is missing.
        WriteError: a folder that may not be written to.

    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> with locked(folder / "fit.ckpt", "checkpoint"):
    ...     print([found.name for found in folder.iterdir()])
    ['.fit.ckpt.lock']
    """
    path = check_place(path)
    place = path.with_name(f".{path.name}.lock")
    descriptor = _taken(path, place, what)
    try:
        yield
    finally:
        place.unlink(missing_ok=True)
        os.close(descriptor)


def _taken(path: Path, place: Path, what: str) -> int:
    while True:
        try:
            descriptor = os.open(place, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise WriteError(
                f"{what} {path}: expected a folder that can be written to, but: {error.strerror}; write to another one."
            ) from error
        if _flock.take(descriptor) is False:
            holder = os.read(descriptor, 20).decode(errors="replace") or "unknown"
            os.close(descriptor)
            raise ArgumentError(
                f"{what} {path}: another process ({holder}) is using it; wait for it, or give another path."
            )
        if _flock.still_there(descriptor, place):
            try:
                os.truncate(descriptor, 0)
                os.write(descriptor, str(os.getpid()).encode())
            except OSError:
                pass  # a full disk: the lock holds, only the number is missing
            return descriptor
        os.close(descriptor)  # the holder removed it between the two lines above
