"""The folder for what can be made or fetched again: programs that were compiled, files that were downloaded."""

import os
from pathlib import Path

import platformdirs

CACHE = "DYNLEARN_CACHE"


def cache_folder() -> Path:
    """The folder that the environment variable `DYNLEARN_CACHE` names, or dynlearn's in the user's cache directory.

    Returns:
        A path, which may not exist yet.

    >>> isinstance(cache_folder(), Path)
    True
    """
    return Path(os.environ.get(CACHE) or platformdirs.user_cache_dir("dynlearn", appauthor=False))
