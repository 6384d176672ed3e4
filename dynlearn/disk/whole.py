"""Writing whole or not at all: every file of this package is written here."""

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dynlearn.disk import _flock
from dynlearn.errors import ArgumentError, WriteError

_COUNT = itertools.count()


def put(path: str | os.PathLike, content: bytes) -> Path:
    """Put a file with this content at `path`, in place of an old one.

    Raises `ArgumentError` for a folder that is missing, `WriteError` where the disk is full or the folder may
    not be written to; the old file is then as it was, and nothing is left behind.
    """
    path = check_place(path)
    with replacing(path) as fresh:
        fresh.write_bytes(content)
    return path


@contextmanager
def replacing(path: str | os.PathLike, *, folder: bool = False) -> Iterator[Path]:
    """A place beside `path` to write a file (or a `folder`) to, which takes the place of `path` at the end.

    Written under a name that nobody else uses and then moved, so that a kill leaves the old one or the new
    one. What a kill leaves half-written is locked by nobody, and removed by the next one that writes here.
    """
    path = check_place(path)
    clear_leftovers(path)
    fresh = path.with_name(f".{path.name}.{os.getpid()}-{next(_COUNT)}.partial")
    held = None
    try:
        held = _claimed(fresh, folder)
        yield fresh
        _synced(fresh)
        if path.is_dir():
            os.replace(path, aside := fresh.with_name(f"{fresh.name}.old.partial"))
            os.replace(fresh, path)
            shutil.rmtree(aside)
        else:
            os.replace(fresh, path)
    except OSError as error:
        raise WriteError(_sentence(path, error)) from error
    finally:
        _remove(fresh)
        if held is not None:
            os.close(held)


def check_place(path: str | os.PathLike) -> Path:
    """The path, or `ArgumentError` where its folder is missing or it is one itself."""
    path = Path(path)
    if not path.parent.is_dir():
        raise ArgumentError(
            f"path: expected a file in an existing folder, got {str(path)!r}; create {path.parent!s} first."
        )
    if path.is_dir() and path.suffix != ".zarr":
        raise ArgumentError(f"path: expected a file, got the folder {str(path)!r}; add a name to it.")
    return path


def clear_leftovers(path: Path) -> None:
    """Remove what killed processes left half-written beside `path`."""
    for found in path.parent.glob(f".{_escaped(path.name)}.*.partial"):
        try:
            descriptor = os.open(found, os.O_RDONLY)
        except OSError:
            continue  # gone meanwhile, or somebody else's: not ours to judge
        try:
            if _flock.take(descriptor):
                _remove(found)
        finally:
            os.close(descriptor)


def _claimed(fresh: Path, folder: bool) -> int:
    """Make it and lock it: who finds it unlocked knows that nobody is writing to it any more."""
    while True:
        if folder:
            fresh.mkdir()
        else:
            fresh.touch(exist_ok=False)  # opened like any file: mkstemp would hide it from everybody else
        descriptor = os.open(fresh, os.O_RDONLY)
        if _flock.take(descriptor) and _flock.still_there(descriptor, fresh):
            return descriptor
        os.close(descriptor)  # taken for a leftover between the two lines above


def _synced(fresh: Path) -> None:
    """Onto the disk: some file systems find out only then that they are full."""
    for path in fresh.rglob("*") if fresh.is_dir() else [fresh]:
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):  # a read-only folder refuses even where there is nothing to remove
        path.unlink(missing_ok=True)


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _sentence(path: Path, error: OSError) -> str:
    kept = "the file that was there is unchanged" if path.exists() else "nothing was left behind"
    return (
        f"{path}: expected to write it, but: {error.strerror or error}; {kept}. Free space on the disk, or write to "
        f"another folder."
    )
