"""Files: written whole or not at all, sealed with a digest, locked while they are in use."""

from dynlearn.disk.listing import check_listed, list_files
from dynlearn.disk.lock import locked
from dynlearn.disk.seal import sealed, unsealed
from dynlearn.disk.there import check_there
from dynlearn.disk.whole import check_place, clear_leftovers, put, replacing

__all__ = [
    "check_listed",
    "check_place",
    "check_there",
    "clear_leftovers",
    "list_files",
    "locked",
    "put",
    "replacing",
    "sealed",
    "unsealed",
]
