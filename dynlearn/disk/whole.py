"""Writing whole or not at all: every file of this package is written here."""

import errno
import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dynlearn.disk import _flock
from dynlearn.errors import ArgumentError, WriteError

_COUNT = itertools.count()
TRIES = 100
_OF_A_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
"""What a write that fails answers."""


def put(path: str | os.PathLike, content: bytes) -> Path:
    """Put a file with this content at `path`, in place of an old one.

    Args:
        path: of the file, in a folder that exists.
        content: its bytes.

    Returns:
        `path` as a `pathlib.Path`.

    Raises:
        ArgumentError: a folder that is missing.
        WriteError: the disk is full or the folder may not be written to; the old file is then as it was, and nothing
            is left behind.

    >>> import tempfile
    >>> put(Path(tempfile.mkdtemp(), "a.bin"), b"abc").read_bytes()
    b'abc'
    """
    with replacing(path) as fresh:
        fresh.write_bytes(content)
    return Path(path)


@contextmanager
def replacing(path: str | os.PathLike, *, folder: bool = False) -> Iterator[Path]:
    """A place beside `path` to write a file (or a `folder`) to, which takes the place of `path` at the end.

    Written under a name that nobody else uses and then moved, so that a kill leaves the old one or the new
    one. What a kill leaves half-written is locked by nobody, and removed by the next one that writes here.

    No folder takes the place of another in one move: a kill between the two leaves the old one whole beside
    it, as `.<name>.<process>-<count>.old`.

    Args:
        path: of what is replaced, or made.
        folder: whether a folder is written.

    Returns:
        A context manager that gives the place to write to.

    Raises:
        ArgumentError: a folder that is missing.
        WriteError: the disk is full or the folder may not be written to.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "a.txt")
    >>> with replacing(path) as fresh:
    ...     _ = fresh.write_text("new")
    >>> path.read_text()
    'new'
    """
    path = check_place(path, folder=folder)
    clear_leftovers(path)
    fresh = path.with_name(f".{path.name}.{os.getpid()}-{next(_COUNT)}.partial")
    held = None
    try:
        held = _claimed(fresh, folder)
        yield fresh
        _synced(fresh)
        _move(fresh, path)
    except OSError as error:
        if not _of_writing(error, fresh):
            raise  # of what the body read from somewhere else
        raise WriteError(_sentence(path, error)) from error
    finally:
        _remove(fresh)
        if held is not None:
            os.close(held)


def check_place(path: str | os.PathLike, *, folder: bool = False, name: str = "path") -> Path:
    """A place that may be written to, as a path.

    Args:
        path: of a file in a folder that exists, or with `folder` of a folder in one.
        folder: whether a folder is to be written.
        name: of the argument, for the error.

    Returns:
        `path` as a `pathlib.Path`.

    Raises:
        ArgumentError: no path; its folder is missing; a folder where a file is to be written, or the other way round.

    >>> import tempfile
    >>> check_place(Path(tempfile.mkdtemp(), "model.dyn")).name
    'model.dyn'
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(
            f"{name}: expected the name of a file, got {type(path).__name__}; give e.g. 'model.dyn'."
        )
    path = Path(path)
    if not path.parent.is_dir():
        raise ArgumentError(
            f"{name}: expected a file in an existing folder, got {str(path)!r}; create {path.parent!s} first."
        )
    if path.is_dir() and not folder:
        raise ArgumentError(f"{name}: expected a file, got the folder {str(path)!r}; add a name to it.")
    if path.is_file() and folder:
        raise ArgumentError(f"{name}: expected a folder, got the file {str(path)!r}; give another name.")
    return path


def clear_leftovers(path: Path) -> None:
    """Remove what killed processes left beside `path`: what is half-written, and what a new `path` replaced.

    Args:
        path: that is written to.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / ".model.dyn.1-0.partial").touch()
    >>> clear_leftovers(folder / "model.dyn")
    >>> list(folder.iterdir())
    []
    """
    for found in _beside(path, "partial"):
        try:
            descriptor = os.open(found, os.O_RDONLY)
        except OSError:
            continue  # gone meanwhile, or somebody else's: not ours to judge
        try:
            if _flock.take(descriptor) is True:
                _remove(found)
        finally:
            os.close(descriptor)
    if path.exists():
        for found in _beside(path, "old"):
            _remove(found)


def _claimed(fresh: Path, folder: bool) -> int:
    """Make it and lock it: who finds it unlocked knows that nobody is writing to it any more.

    Somebody who looks for leftovers may take it for one at any line, and remove it: then it is made again.
    """
    for _ in range(TRIES):
        try:
            if folder:
                fresh.mkdir(exist_ok=True)
            else:
                fresh.touch()  # opened like any file: mkstemp would hide it from everybody else
            descriptor = os.open(fresh, os.O_RDONLY)
        except FileNotFoundError:
            if not fresh.parent.is_dir():
                raise
            continue
        if _flock.take(descriptor) is not False and _flock.still_there(descriptor, fresh):
            return descriptor
        os.close(descriptor)
    # Nobody removes a new file as often as that: nothing can be made in this folder, as in /proc.
    raise OSError(errno.EROFS, "no file can be created there", str(fresh))


def _synced(fresh: Path) -> None:
    """Onto the disk: some file systems find out only then that they are full."""
    for path in fresh.rglob("*") if fresh.is_dir() else [fresh]:
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _move(fresh: Path, path: Path) -> None:
    if not path.is_dir():
        os.replace(fresh, path)
        return
    aside = fresh.with_name(f"{fresh.name.removesuffix('.partial')}.old")
    os.replace(path, aside)
    try:
        os.replace(fresh, path)
    except OSError:
        with suppress(OSError):
            os.replace(aside, path)
        raise
    shutil.rmtree(aside, ignore_errors=True)  # the new one is in its place, whatever is left of the old one


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):  # a read-only folder refuses even where there is nothing to remove
        path.unlink(missing_ok=True)


def _beside(path: Path, suffix: str) -> list[Path]:
    name = "".join(f"[{c}]" if c in "*?[" else c for c in path.name)
    return list(path.parent.glob(f".{name}.[0-9]*-[0-9]*.{suffix}"))


def _of_writing(error: OSError, fresh: Path) -> bool:
    """Whether it is about `fresh`: it names it, or names no file at all, as a write that fails does."""
    if error.filename is None:
        return error.errno in _OF_A_WRITE
    return fresh.name in f"{error.filename} {error.filename2}"


def _sentence(path: Path, error: OSError) -> str:
    aside = _beside(path, "old")
    kept = f"what was there is in {aside[0].name}" if aside else "nothing was left behind"
    if path.exists():
        kept = "the file that was there is unchanged"
    return (
        f"{path}: expected to write it, but: {error.strerror or error}; {kept}. Free space on the disk, or write to "
        f"another folder."
    )
