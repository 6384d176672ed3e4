"""Peers whose dependencies may collide with this package's: they run in an environment of their own.

A peer is a script of `tests/benchmarks/peers`, which reads arrays from one .npz file and writes what it found to
another. `make bench` builds the environment from the pinned versions beside the scripts.
"""

import os
import tempfile
from pathlib import Path

import numpy as np

from ._measure import spawn
from ._settings import Unavailable

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "peers"
VARIABLE = "DYNLEARN_PEERS"


def ask(name: str, scripts: Path = SCRIPTS, **given: object) -> dict[str, np.ndarray]:
    """What the script of that name answers to the arrays `given`.

    Raises:
        Unavailable: the environment is missing.
        RuntimeError: it fails; with the script's own words.
    """
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder, "question.npz"), Path(folder, "answer.npz")
        np.savez(question, **given)  # type: ignore[arg-type]
        # -E: this environment's PYTHONPATH is not the peers'.
        spawn([_interpreter(), "-E", str(scripts / f"{name}.py"), str(question), str(answer)])
        with np.load(answer, allow_pickle=False) as found:
            return dict(found)


def _interpreter() -> str:
    environment = Path(os.environ.get(VARIABLE) or ROOT / ".venv-peers")
    python = environment / "bin" / "python"
    if not python.is_file():
        raise Unavailable(
            f"the peers' environment {environment} is missing: `make .venv-peers/.installed` builds it, or set "
            f"{VARIABLE} to one with tests/benchmarks/peers/requirements.txt installed"
        )
    return str(python)
