"""What must be settled before JAX is imported: it reads its logging once."""

import os
import sys
from importlib.metadata import PackageNotFoundError, version

LOGGING, DEFAULT, SILENT = "TF_CPP_MIN_LOG_LEVEL", "1", "3"


def quiet() -> bool:
    """Spare the user a page of log per program that is read from the compilation cache.

    JAX before 0.11.1 writes one for every program it finds there, whatever the processor, about a preference that it
    takes for a feature. Its log has one level for all; a level of the user's own is kept.

    Returns:
        Whether programs can be read without that page.
    """
    try:
        fixed = tuple(int(part) for part in version("jaxlib").split(".")[:3] if part.isdigit()) >= (0, 11, 1)
    except PackageNotFoundError:
        fixed = True
    if fixed or os.environ.get(LOGGING) == SILENT:
        return True
    if "jaxlib" in sys.modules:  # which has set a level of its own by now
        return False
    # What JAX sets by itself is inherited from a process that imported it first; a level of the user's own is kept.
    if os.environ.get(LOGGING) in (None, DEFAULT):
        os.environ[LOGGING] = SILENT
    return True


QUIET = quiet()
