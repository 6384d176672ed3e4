"""Seconds, compilations, and scripts in fresh processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ._settings import Unavailable

CACHES = ("JAX_COMPILATION_CACHE_DIR", "DYNLEARN_CACHE", "DYNLEARN_COMPILATION_CACHE")
"""Left out of the environment of fresh processes: what they compile is part of what they cost."""
OFF = {"DYNLEARN_COMPILATION_CACHE": "off"}


def seconds(work: Callable[[], Any], repeats: int) -> list[float]:
    """Wall time of each call."""
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return found


def command(arguments: list[str], variables: dict[str, str] = OFF) -> float:
    """Wall time of a program, in seconds."""
    return spawn(arguments, variables)[0]


def script(text: str, variables: dict[str, str] = OFF) -> dict[str, Any]:
    """Run a Python script in a fresh process; it prints one JSON object as its last line.

    Adds `seconds` (start of the process to its end) and `started`, the clock (`time.time`) at its start.
    """
    took, started, output = spawn([sys.executable, "-c", text], variables)
    return {**json.loads(output.splitlines()[-1]), "seconds": took, "started": started}


def spawn(arguments: list[str], variables: dict[str, str] = OFF) -> tuple[float, float, str]:
    """Wall time of a program, the clock at its start, and what it printed; no program is kept unless told so.

    Raises:
        RuntimeError: it fails; its last words first.
    """
    environment = {k: v for k, v in os.environ.items() if k not in CACHES} | variables
    clock, started = time.time(), time.perf_counter()
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False)
    took = time.perf_counter() - started
    if done.returncode:
        said = done.stderr.strip()[-2000:]
        last = said.rpartition("\n")[2]
        raise RuntimeError(f"{Path(arguments[0]).name} ended with {done.returncode}: {last}\n{said}")
    return took, clock, done.stdout


@contextmanager
def compilations() -> Iterator[list[str]]:
    """The name of every program that JAX compiles meanwhile."""
    import jax.monitoring

    names: list[str] = []
    open_ = True

    def heard(event: str, duration_secs: float, **details: str | int) -> None:
        if open_ and event.endswith("backend_compile_duration"):
            names.append(str(details.get("fun_name")))

    jax.monitoring.register_event_duration_secs_listener(heard)
    try:
        yield names
    finally:
        open_ = False


def peer(package: str) -> str | None:
    """Name and version of an installed peer; None where it is missing."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return None


def missing(package: str) -> str:
    """The note of a row whose peer is not installed."""
    return f"peer {package} is not installed: pip install -r tests/benchmarks/requirements.txt"


def dataset(name: str) -> Any:
    """A named dataset, or why it is not there."""
    import dynlearn as dl

    try:
        return dl.datasets.load(name)
    except dl.errors.DynlearnError as error:
        raise Unavailable(f"data {name} missing: pass --data DIR or set DYNLEARN_DATA. {error}") from error
