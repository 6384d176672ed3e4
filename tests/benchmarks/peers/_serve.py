"""How a peer's script is asked: `python NAME.py QUESTION.npz ANSWER.npz`."""

import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np


def serve(package: str, answer: Callable[..., Mapping[str, Any]]) -> None:
    """Answer the arrays of the first file in the second, with the peer's name and version beside."""
    question, written = sys.argv[1:]
    with np.load(question) as arrays:
        given = {name: array[()] for name, array in arrays.items()}
    np.savez(written, peer=f"{package} {version(package)}", **answer(**given))
