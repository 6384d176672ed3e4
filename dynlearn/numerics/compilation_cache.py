"""Compiled programs are kept between processes: JAX's persistent cache, in a folder of ours, bounded."""

import contextlib
import hashlib
import os
import platform
from pathlib import Path
from typing import Any

import jax
import jaxlib

from dynlearn.before_jax import QUIET
from dynlearn.disk.cache import cache_folder

SWITCH = "DYNLEARN_COMPILATION_CACHE"
LARGEST = 1 << 30
"""Bytes that are kept; beyond them the oldest programs go."""
SHORTEST = 0.02
"""Seconds of compiling from which on a program is kept."""


def enable() -> bool:
    """Keep compiled programs, unless `DYNLEARN_COMPILATION_CACHE=off`, or JAX was told where to keep them already.
    With a JAX before 0.11.1 that was imported before dynlearn nothing is kept either (`before_jax.py` says why).

    A folder that cannot be made or written to is no reason to fail: then nothing is kept.

    Returns:
        Whether programs are kept in a folder of ours from now on.
    """
    if os.environ.get(SWITCH, "").lower() in ("off", "0", "false", "no"):
        return False
    if not QUIET:
        return False
    if _setting("jax_compilation_cache_dir") is not None or not _setting("jax_enable_compilation_cache"):
        return False
    folder = cache_folder() / "programs"
    own = folder / _versions()
    try:
        own.mkdir(parents=True, exist_ok=True)
        if not os.access(own, os.W_OK | os.X_OK):
            return False
        prune(folder, LARGEST)
    except OSError:
        return False
    jax.config.update("jax_compilation_cache_dir", str(own))
    # Users' own choices come by environment variables or before us; these are JAX's defaults otherwise.
    if _setting("jax_persistent_cache_min_compile_time_secs") == 1.0:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", SHORTEST)
    return True


def _setting(name: str) -> Any:
    return getattr(jax.config, name)


def prune(folder: Path, largest: int) -> None:
    """Delete the oldest files below `folder` until at most `largest` bytes are left."""
    found = []
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            with contextlib.suppress(OSError):  # another process prunes too
                status = os.stat(path)
                found.append((status.st_mtime, status.st_size, path))
    excess = sum(size for _, size, _ in found) - largest
    for _, size, path in sorted(found):
        if excess <= 0:
            return
        with contextlib.suppress(OSError):
            os.unlink(path)
            excess -= size


def _versions() -> str:
    """What a compiled program depends on beside its text: the compiler, and the processor it was compiled for."""
    flags = ""
    with contextlib.suppress(OSError, StopIteration), open("/proc/cpuinfo", encoding="utf-8") as info:
        flags = next(line for line in info if line.startswith(("flags", "Features")))
    processor = hashlib.sha256(f"{platform.machine()} {platform.processor()} {flags}".encode()).hexdigest()[
        :8
    ]
    return f"jax-{jax.__version__}-{jaxlib.__version__}-{processor}"
