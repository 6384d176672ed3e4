"""A copy of the tree in which changes are tried, by a process that has the libraries loaded and forks for each."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ._change import Change

ROOT = Path(__file__).parents[2]
COPIED = ("dynlearn", "tests", "data", "docs", "pyproject.toml", "README.md", "constraints.txt", "Makefile")


class Ran(NamedTuple):
    code: int
    """pytest's exit status; -1 where the time limit ended it."""
    seconds: float
    output: str

    @property
    def failed(self) -> str:
        """The first test that failed, or how else the run ended."""
        if self.code < 0:
            return "time limit"
        for line in self.output.splitlines():
            if line.startswith(("FAILED ", "ERROR ")):
                return line.split(" - ")[0].split(" ", 1)[1]
        return f"pytest ended with {self.code}"


class Copy:
    def __init__(self, folder: Path, worker: subprocess.Popen):
        self.folder, self.worker = folder, worker

    def run(self, tests: Sequence[str], limit: float) -> Ran:
        """Of the copy as it is now, up to the first failure."""
        assert self.worker.stdin is not None
        assert self.worker.stdout is not None
        self.worker.stdin.write(json.dumps({"tests": list(tests), "limit": limit}) + "\n")
        self.worker.stdin.flush()
        line = self.worker.stdout.readline()
        if not line:
            raise RuntimeError("the process that runs the tests has ended.")
        return Ran(**json.loads(line))

    @contextmanager
    def changed(self, change: Change) -> Iterator[None]:
        """The change is in the file inside the block. Dates are put back, so that compiled files hold again."""
        path = self.folder / change.file
        text, dates = path.read_text(encoding="utf-8"), path.stat()
        try:
            path.write_text(change.applied(text), encoding="utf-8")
            yield
        finally:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(dates.st_atime_ns, dates.st_mtime_ns))


@contextmanager
def copied() -> Iterator[Copy]:
    """A copy in a temporary folder. Compiled programs are shared with the suite of the tree."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        folder = Path(name)
        for part in COPIED:
            source = ROOT / part
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, folder / part)
        environment = {
            "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".jax_cache"),
            **os.environ,
            "PYTHONPATH": name,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.mutation._worker"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield Copy(folder, worker)
        finally:
            worker.terminate()
            worker.wait()
