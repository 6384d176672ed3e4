"""What is to be read is there."""

import os
from pathlib import Path
from typing import Any

from dynlearn.errors import MissingFileError


def check_there(path: Any, what: str) -> Path:
    """`path` as a `Path`; **raises** `MissingFileError` where there is nothing.

    `what`: is expected there, with its article.
    """
    if not isinstance(path, str | os.PathLike):
        raise MissingFileError(f"{path!r:.80}: expected {what}, got no path; pass text or a pathlib.Path.")
    path = Path(path)
    if not path.exists():
        raise MissingFileError(
            f"{path}: expected {what}, found nothing there; check the name and the folder."
        )
    return path
