"""Files: written whole or not at all, sealed with a digest, locked while they are in use."""

from dynlearn.disk.lock import locked
from dynlearn.disk.seal import sealed, unsealed
from dynlearn.disk.whole import check_place, clear_leftovers, replacing, write

__all__ = ["check_place", "clear_leftovers", "locked", "replacing", "sealed", "unsealed", "write"]
