"""What is to be read is there."""

import os
from pathlib import Path
from typing import Any

from dynlearn.errors import MissingFileError


def check_there(path: Any, what: str) -> Path:
    """`path` as a `Path`, if something is there.

    Args:
        path: given by a user.
        what: is expected there, with its article.

    Returns:
        `path` as a `pathlib.Path`.

    Raises:
        MissingFileError: no path, or one with nothing there.

    >>> check_there("nowhere.csv", "a .csv file")
    Traceback (most recent call last):
    dynlearn.errors.MissingFileError: nowhere.csv: expected a .csv file, found nothing there; check the name ...
    """
    if not isinstance(path, str | os.PathLike):
        raise MissingFileError(f"{path!r:.80}: expected {what}, got no path; pass text or a pathlib.Path.")
    path = Path(path)
    if not path.exists():
        raise MissingFileError(
            f"{path}: expected {what}, found nothing there; check the name and the folder."
        )
    return path
