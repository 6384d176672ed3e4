"""A digest of every file in a folder, in the form that `sha256sum -c` reads."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from dynlearn.errors import FileFormatError


def list_files(folder: Path, listing: str) -> None:
    """Write the file `listing` (a path within the folder) of all files that are there now.

    Args:
        folder: with the files.
        listing: a path within the folder.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a").write_text("one")
    >>> list_files(folder, "listing")
    >>> (folder / "listing").read_text().split()[1]
    'a'
    """
    lines = [f"{_digest(folder / name)}  {name}\n" for name in _names(folder, listing)]
    (folder / listing).write_text("".join(lines), encoding="utf-8")


def check_listed(
    folder: Path, listing: str, *, contents: Callable[[str], bool] = lambda name: True
) -> bool | None:
    """Whether the folder holds what was listed, or `FileFormatError` naming what is missing or changed.

    Args:
        folder: that was written.
        listing: a path within the folder, of the file that `list_files` wrote.
        contents: says by the name of which files the digest is looked at; of the others only that they are there.

    Returns:
        True; None where there is no listing, for a folder that somebody else wrote.

    Raises:
        FileFormatError: a file that is missing, changed, or was not written with the others.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a").write_text("one")
    >>> list_files(folder, "listing"), check_listed(folder, "listing")
    (None, True)
    >>> _ = (folder / "a").write_text("two")
    >>> check_listed(folder, "listing")
    Traceback (most recent call last):
    dynlearn.errors.FileFormatError: ...: a is not as it was written; copy the whole folder again. ...
    """
    path = folder / listing
    if not path.is_file():
        return None
    rows = [line.split("  ", 1) for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    listed = {row[1]: row[0] for row in rows if len(row) == 2}
    there = set(_names(folder, listing))
    found = {
        "is missing": sorted(listed.keys() - there),
        "was not written with it": sorted(there - listed.keys()),
        "is not as it was written": [
            name
            for name in sorted(there & listed.keys())
            if contents(name) and _digest(folder / name) != listed[name]
        ],
    }
    for what, names in found.items():
        if names:
            more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
            raise FileFormatError(
                f"{folder}: {names[0]}{more} {what}; copy the whole folder again. Where it was changed on "
                f"purpose, remove {listing} from it."
            )
    return True


def _names(folder: Path, listing: str) -> list[str]:
    found = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return sorted(name for name in found if name != listing and not name.startswith("."))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
