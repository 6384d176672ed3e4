"""Runs tests in forks of a process that has loaded the libraries, but nothing of the package under test."""

import json
import os
import runpy
import signal
import sys
import tempfile
import time
import warnings

LIBRARIES = (
    "jax",
    "equinox",
    "diffrax",
    "optax",
    "xarray",
    "pandas",
    "scipy.optimize",
    "cuthbert",
    "gymnasium",
)

OPTIONS = ("-n", "0", "-x", "--tb=line", "-p", "no:cacheprovider")
# The libraries are loaded before pytest, which would rewrite the asserts of some of them.
OPTIONS += ("-W", "ignore::pytest.PytestAssertRewriteWarning")


def main() -> None:
    """One line of JSON in (tests, limit), one out (code, seconds, output), until the input ends."""
    runpy.run_path("tests/conftest.py")  # the environment has to be set before JAX is loaded
    for name in LIBRARIES:
        __import__(name)
    assert "dynlearn" not in sys.modules
    warnings.simplefilter("ignore", DeprecationWarning)  # threads are idle: no program has run here
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(forked(asked["tests"], asked["limit"])), flush=True)


def forked(tests: list[str], limit: float) -> dict[str, object]:
    started = time.monotonic()
    with tempfile.TemporaryFile() as kept:
        child = os.fork()
        if child == 0:
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(kept.fileno(), 1)
            os.dup2(kept.fileno(), 2)
            os._exit(_tested(tests))
        code = _waited(child, started + limit)
        kept.seek(0)
        output = kept.read().decode(errors="replace")
    return {"code": code, "seconds": time.monotonic() - started, "output": output[-4000:]}


def _tested(tests: list[str]) -> int:
    import pytest

    try:
        code = int(pytest.main([*OPTIONS, *tests]))
        sys.stdout.flush()
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return 3
    return code


def _waited(child: int, end: float) -> int:
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 3
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return -1
        time.sleep(0.05)


if __name__ == "__main__":
    main()
